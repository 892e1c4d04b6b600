//! From what the user typed to the objects that are wanted. Reads files, asks no cluster.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use seaworthy::plan::{Installation, Reach};
use seaworthy::stack::definition::Needs;
use seaworthy::stack::{self, Choices, Fault, Release, Stack, Text, Values};
use serde_json::Value;

use super::login::logins;
use super::{Choice, Failure, Session};
use crate::front::say;

/// What a stack comes to with what the user chose.
pub(crate) struct Chosen {
    pub(crate) values: Values,
    pub(crate) installation: Installation,
    pub(crate) objects: Vec<(Option<String>, Value)>,
    /// Of the namespace, when it is made.
    pub(crate) namespace_labels: BTreeMap<String, String>,
    pub(crate) after: BTreeMap<String, Vec<String>>,
    pub(crate) reach: Vec<Reach>,
    /// What its profile needs of a cluster.
    pub(crate) needs: Needs,
    /// The versions of Kubernetes that it can run on.
    pub(crate) kubernetes: Option<String>,
    /// `--registry`.
    pub(crate) registry: Option<String>,
    /// `--pull-secret`.
    pub(crate) pull_secret: Option<String>,
    /// Whether the plan makes a Secret with logins of registries.
    pub(crate) login: bool,
    /// `--stand-ins`.
    pub(crate) stand_ins: bool,
    /// The setting that names the class of volumes that several nodes write to.
    pub(crate) shared_class: Option<String>,
    /// What its components say in the sandbox.
    pub(crate) simulation: BTreeMap<String, Vec<String>>,
    /// What is odd, but stops nothing.
    pub(crate) warnings: Vec<Fault>,
}

/// Reads, merges, checks and renders; says what is odd.
pub(crate) fn choose(session: &Session, stack: &str, choice: &Choice, example: bool) -> Result<Chosen, Failure> {
    let stack = session.catalogue().get(stack)?;
    let shown = session.globals.sandbox.is_some() || choice.stand_ins;
    let mut choices = choices(choice)?;
    choices.example |= example || shown;
    choices.take_registry(&stack, choice.registry.as_deref());
    let chosen = choose_and_say(&stack, choice, &choices)?;
    if shown {
        tell_example(&stack, &chosen);
    }
    Ok(chosen)
}

/// Merges, checks and renders; says what is odd.
pub(crate) fn choose_and_say(stack: &Stack, choice: &Choice, choices: &Choices) -> Result<Chosen, Failure> {
    // A hint of the library speaks of any stack; here it is known which.
    let named = |hint: String| hint.replace("show STACK", &format!("show {}", stack.name()));
    let chosen = choose_of(stack, choice, choices);
    let chosen = chosen.map_err(|failure| Failure { hint: failure.hint.clone().map(named), ..failure })?;
    for warning in &chosen.warnings {
        say(warning.to_string());
    }
    Ok(chosen)
}

/// In a sandbox and with stand-ins what was not given is answered with the stack's example, which must not be taken for an answer.
fn tell_example(stack: &Stack, chosen: &Chosen) {
    let given = chosen.values.from_file(&format!("{}/example.yaml", stack.name()));
    if !given.is_empty() {
        say(format!("what was not given is taken from the stack's example: {}", given.join(", ")));
    }
}

/// Merges, checks and renders; reads nothing.
pub(crate) fn choose_of(stack: &Stack, choice: &Choice, choices: &Choices) -> Result<Chosen, Failure> {
    let mut release = stack.release(choice.name.as_deref(), choice.namespace.as_deref());
    release.registry.clone_from(&choice.registry);
    release.pull_secret.clone_from(&choice.pull_secret);
    release.stand_ins = choice.stand_ins;
    check_names(&release)?;
    let mut prepared = stack.prepare(choices, &release)?;
    let mut login_secret = None;
    if let Some(login) = logins(choice, &prepared.objects)? {
        let (name, secret) = stack.login_secret(&release, &login);
        release.pull_secret = Some(name);
        prepared = stack.prepare(choices, &release)?;
        login_secret = Some((None, secret));
    }
    let login = login_secret.is_some();
    let definition = stack.definition();
    let after = definition.components.iter().map(|component| (component.name.clone(), component.after.clone()));
    let installation = Installation {
        stack: stack.name().to_owned(),
        version: definition.version.clone(),
        namespace: release.namespace.clone(),
        release: release.name.clone(),
        profile: prepared.values.profile().to_owned(),
    };
    let needs = definition.profiles.get(prepared.values.profile()).map(|profile| profile.needs.clone());
    let reach = prepared.reach.iter().map(|reach| way(reach, &release)).collect();
    let objects = prepared.objects.into_iter().map(|rendered| (rendered.component, rendered.object));
    let objects = objects.chain(login_secret).collect();
    Ok(Chosen {
        installation,
        objects,
        namespace_labels: definition.namespace_labels(),
        after: after.collect(),
        reach,
        values: prepared.values,
        needs: needs.unwrap_or_default(),
        kubernetes: definition.kubernetes.clone(),
        registry: release.registry.clone(),
        pull_secret: choice.pull_secret.clone(),
        login,
        stand_ins: choice.stand_ins,
        shared_class: definition.shared_class.clone(),
        warnings: prepared.warnings,
        simulation: stack.definition().simulation.clone(),
    })
}

/// A way to the stack, as the engine proves it.
fn way(reach: &stack::Reach, release: &Release) -> Reach {
    let expect = reach.expect.as_ref();
    Reach {
        name: reach.name.clone(),
        title: reach.title.clone(),
        namespace: release.namespace.clone(),
        service: reach.service.clone(),
        port: reach.port.clone(),
        path: reach.path.clone().unwrap_or_else(|| "/".to_owned()),
        status: expect.map_or(200, |expect| expect.status),
        contains: expect.and_then(|expect| expect.contains.clone()),
    }
}

fn check_names(release: &Release) -> Result<(), Failure> {
    check_name("--name", &release.name)?;
    check_name("--namespace", &release.namespace)
}

/// A name that is to become part of requests is one that Kubernetes takes.
pub(super) fn check_name(option: &str, name: &str) -> Result<(), Failure> {
    if seaworthy::stack::names::is_label(name) {
        return Ok(());
    }
    let message = format!("{option} `{name}` is not a name that Kubernetes takes");
    Err(Failure::input("bad-name", message, "use at most 63 of a-z, 0-9 and -, with a letter or digit at both ends"))
}

/// What the command line says about values, with the files that it names.
pub(crate) fn choices(choice: &Choice) -> Result<Choices, Failure> {
    Ok(Choices {
        profile: choice.profile.clone(),
        files: choice.files.iter().map(|path| text(path)).collect::<Result<_, _>>()?,
        set: choice.set.clone(),
        set_file: choice.set_file.iter().map(|pair| set_file(pair)).collect::<Result<_, _>>()?,
        secrets: choice.secret.iter().map(|pair| secret(pair)).collect::<Result<_, _>>()?,
        example: choice.stand_ins,
        ..Choices::default()
    })
}

/// A text that the user named; `-` is standard input.
pub(crate) fn text(path: &Path) -> Result<Text, Failure> {
    let text = read(path)?;
    Ok(Text { name: path.display().to_string(), text })
}

/// The text of a file that the user named; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    if path == Path::new("-") {
        let mut text = String::new();
        return std::io::stdin().read_to_string(&mut text).map(|_| text).map_err(|error| Failure::file(path, &error));
    }
    std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))
}

fn set_file(pair: &str) -> Result<(String, Text), Failure> {
    let bad =
        || Failure::input("broken-set", format!("--set-file {pair}: expected PATH=FILE"), "write --set-file a.b=FILE");
    let (way, file) = pair.split_once('=').ok_or_else(bad)?;
    Ok((way.to_owned(), text(Path::new(file))?))
}

fn secret(pair: &str) -> Result<(String, String), Failure> {
    let name = pair.split('=').next().unwrap_or_default();
    let from_file = pair.split_once("=@");
    let Some((way, file)) = from_file else {
        return Err(Failure::input(
            "secret-in-the-clear",
            format!("--secret {name}: a secret on the command line can be read by every user of this machine"),
            format!("put it in a file, or on standard input: --secret {name}=@FILE or --secret {name}=@-"),
        ));
    };
    // Editors end files with a line end that nobody means to be part of the secret.
    let value = read(Path::new(file))?;
    Ok((way.to_owned(), value.strip_suffix('\n').unwrap_or(&value).to_owned()))
}
