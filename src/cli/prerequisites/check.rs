//! `prerequisites check`: a small stack uses the prerequisite as stacks do, and is taken away again.

use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::doctor::Cause;
use seaworthy::network::Reach;
use seaworthy::object::ObjectRef;
use seaworthy::plan::uninstall::{DataName, Destroy};
use seaworthy::prerequisites::smoke::{self, Proof};
use seaworthy::prerequisites::{Health, Picture, Prerequisite, Wants, assess, missing};
use seaworthy::stack::{Catalogue, Choices, Stack};
use serde_json::{Value, json};

use super::{CheckArgs, bare, picture};
use crate::cli::choose::choose_of;
use crate::cli::install::{InstallArgs, decide};
use crate::cli::uninstall::Traces;
use crate::cli::voyage::refuse;
use crate::cli::{Choice, Failure, Session, pool};
use crate::front::face::Face;
use crate::front::plain::cause_text;

/// What came of one check.
pub(super) struct Checked {
    prerequisite: Prerequisite,
    proof: Proof,
}

/// What came of all.
#[derive(Default)]
pub(super) struct Checks {
    pub(super) done: Vec<Checked>,
    /// The exit code of the signal that stopped them.
    pub(super) stopped: Option<u8>,
}

/// Why a check has proven nothing.
enum Stop {
    /// What was made for it does not work.
    Cause(Cause),
    /// A signal, with its exit code.
    Signal(u8),
}

/// How a check is made.
pub(super) struct Way<'a> {
    pub(super) session: &'a Session,
    pub(super) face: Face,
    pub(super) cluster: Cluster,
    pub(super) registry: Option<String>,
    /// Whether this machine reaches the addresses of load balancers, as far as that is known.
    pub(super) reach: Option<Reach>,
}

pub(super) async fn run(session: &Session, arguments: &CheckArgs) -> Result<ExitCode, Failure> {
    let (cluster, picture) = picture(session).await?;
    refuse_missing(&arguments.names, &picture)?;
    let asked = if arguments.names.is_empty() { present(&picture) } else { arguments.names.clone() };
    if asked.is_empty() {
        let hint = "`seaworthy prerequisites install` installs them";
        return Err(Failure::input("nothing-to-check", "none of the prerequisites is there", hint));
    }
    if session.globals.read_only {
        let message = "refused by --read-only: a check makes objects in a namespace of its own, and takes them away";
        return Err(Failure::input("read-only", message, "run it without --read-only"));
    }
    // What the pool would be does not matter here, only where this machine is.
    let reach = if asked.contains(&Prerequisite::Metallb) {
        pool::work_out(session, &cluster, &[], 1).await.ok().and_then(|(_, reach)| reach)
    } else {
        None
    };
    let way = Way { session, face: session.face(), cluster, registry: arguments.registry.clone(), reach };
    let checked = all(&way, &asked).await?;
    if session.is_json() {
        session.print("PrerequisitesCheck", &document(&checked), String::new);
    }
    Ok(ExitCode::from(checked.code()))
}

/// What is not there is not waited for.
fn refuse_missing(names: &[Prerequisite], picture: &Picture) -> Result<(), Failure> {
    match names.iter().find_map(|name| Some((name, missing(*name, picture)?))) {
        None => Ok(()),
        Some((name, because)) => {
            let message = format!("there is no {name} to check: {because}; nothing was written");
            let hint = format!("`seaworthy prerequisites install {name}` installs and checks it");
            Err(Failure::input("nothing-to-check", message, hint))
        }
    }
}

/// Those of which something is there.
fn present(picture: &Picture) -> Vec<Prerequisite> {
    let there = |prerequisite: &Prerequisite| {
        let found = assess(*prerequisite, picture, &Wants::default()).found;
        found.is_some_and(|found| found.health == Health::Healthy) && missing(*prerequisite, picture).is_none()
    };
    Prerequisite::ALL.into_iter().filter(there).collect()
}

/// Checks these, one after the other, and says what came of each. A signal ends it.
pub(super) async fn all(way: &Way<'_>, asked: &[Prerequisite]) -> Result<Checks, Failure> {
    let mut checks = Checks::default();
    for (index, prerequisite) in asked.iter().enumerate() {
        let (line, proof) = match Box::pin(check(way, *prerequisite)).await? {
            Ok(proof) => (format!("{prerequisite} works: {proof}"), Ok(proof)),
            Err(Stop::Cause(cause)) => (format!("{prerequisite} does not work: {}", cause_text(&cause)), Err(cause)),
            Err(Stop::Signal(code)) => {
                let names: Vec<String> = asked[index..].iter().map(ToString::to_string).collect();
                way.face.say(&format!(
                    "stopped; what was made for the check was taken away; not checked: {}",
                    names.join(", ")
                ));
                checks.stopped = Some(code);
                break;
            }
        };
        if proof.is_ok() {
            way.face.say_well(&line);
        } else {
            way.face.say(&line);
        }
        checks.done.push(Checked { prerequisite: *prerequisite, proof });
    }
    Ok(checks)
}

impl Checks {
    /// The exit code.
    pub(super) fn code(&self) -> u8 {
        let all_work = self.done.iter().all(|one| one.proof.is_ok());
        self.stopped.unwrap_or(u8::from(!all_work))
    }
}

pub(super) fn document(checks: &Checks) -> Value {
    let one = |checked: &Checked| match &checked.proof {
        Ok(proof) => json!({"prerequisite": checked.prerequisite, "works": true, "proof": proof}),
        Err(cause) => json!({"prerequisite": checked.prerequisite, "works": false, "cause": cause}),
    };
    json!({"checks": checks.done.iter().map(one).collect::<Vec<_>>()})
}

/// What the check of one makes, for whoever agrees to it.
///
/// # Errors
/// When its stack cannot be rendered.
pub(super) fn outline(prerequisite: Prerequisite, registry: Option<&String>) -> Result<String, Failure> {
    if prerequisite == Prerequisite::MetricsServer {
        return Ok(format!("then {prerequisite} is proved to work: its figures are read, and nothing is made for it"));
    }
    let stack = Catalogue::prerequisites().get(&smoke_name(prerequisite))?;
    let choice = Choice { registry: registry.cloned(), ..Choice::default() };
    let chosen = choose_of(&stack, &choice, &Choices::default())?;
    let namespace = &chosen.installation.namespace;
    let names = chosen.objects.iter().filter_map(|(_, object)| ObjectRef::of(object));
    let names: Vec<String> = names.map(|object| format!("{}/{}", object.kind, object.name)).collect();
    Ok(format!(
        "then {prerequisite} is proved to work: namespace {namespace} with {} is made, used, and taken away again",
        names.join(", ")
    ))
}

fn smoke_name(prerequisite: Prerequisite) -> String {
    format!("smoke-{prerequisite}")
}

async fn check(way: &Way<'_>, prerequisite: Prerequisite) -> Result<Result<String, Stop>, Failure> {
    if prerequisite == Prerequisite::MetricsServer {
        return Ok(heed(way, smoke::metrics(&way.cluster)).await);
    }
    let stack = Catalogue::prerequisites().get(&smoke_name(prerequisite))?;
    let proof = use_it(way, prerequisite, &stack).await;
    // Whatever came of it, nothing is left behind.
    let makes_volumes = matches!(prerequisite, Prerequisite::LocalPath | Prerequisite::SharedPath);
    let volumes = match prerequisite {
        _ if makes_volumes => smoke::volumes(&way.cluster, stack.definition().default_namespace()).await,
        _ => Ok(Vec::new()),
    };
    let volumes = volumes.map_err(|error| Failure::kube(&error))?;
    take_away(way, &stack).await?;
    match proof? {
        Ok(proof) if makes_volumes => {
            let gone = async {
                let gone = smoke::gone(&way.cluster, prerequisite, &volumes).await;
                gone.map(|()| format!("{proof}, and the volume was taken away with its claim"))
            };
            Ok(Box::pin(heed(way, gone)).await)
        }
        proof => Ok(proof),
    }
}

/// Installs the stack of the check, and looks at what became of it.
async fn use_it(way: &Way<'_>, prerequisite: Prerequisite, stack: &Stack) -> Result<Result<String, Stop>, Failure> {
    let apart = prerequisite == Prerequisite::SharedPath
        && smoke::nodes_for_pods(&way.cluster).await.map_err(|error| Failure::kube(&error))? > 1;
    let set: &[&str] = if apart { &["apart=true"] } else { &[] };
    if let Some(stop) = bring(way, stack, set).await? {
        return Ok(Err(stop));
    }
    let namespace = stack.definition().default_namespace();
    let object = |api_version: &str, kind: &str| ObjectRef::new(api_version, kind, Some(namespace), stack.name());
    if prerequisite == Prerequisite::Kruise
        && let Some(stop) = bring(way, stack, &["replicas=1"]).await?
    {
        return Ok(Err(stop));
    }
    let proof = async {
        match prerequisite {
            Prerequisite::Metallb => {
                // The addresses of a sandbox are nobody's, or somebody else's.
                let outside = matches!(way.reach, Some(Reach::Outside { .. })) || way.session.globals.sandbox.is_some();
                smoke::address(&way.cluster, &object("v1", "Service"), !outside).await
            }
            Prerequisite::Kruise => {
                smoke::defaulted(&way.cluster, &object("apps.kruise.io/v1alpha1", "CloneSet")).await
            }
            Prerequisite::SharedPath => smoke::shared(&way.cluster, namespace, apart).await,
            Prerequisite::LocalPath => Ok("a volume was bound, written to and read".to_owned()),
            Prerequisite::MetricsServer => Ok(String::new()),
        }
    };
    Ok(heed(way, proof).await)
}

/// What was proven; a signal ends the wait for it.
async fn heed(way: &Way<'_>, proof: impl Future<Output = Proof>) -> Result<String, Stop> {
    match way.face.signals().heed(proof).await {
        Ok(proof) => proof.map_err(Stop::Cause),
        Err(code) => Err(Stop::Signal(code)),
    }
}

/// Brings the stack to these values. Why it did not come up, if it did not.
async fn bring(way: &Way<'_>, stack: &Stack, set: &[&str]) -> Result<Option<Stop>, Failure> {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    let choices = Choices { set, ..Choices::default() };
    let choice = Choice { registry: way.registry.clone(), ..Choice::default() };
    let chosen = choose_of(stack, &choice, &choices)?;
    // What an earlier check has left is taken over.
    let how = InstallArgs { replan: true, ..InstallArgs::default() };
    let mut ready = decide(way.session, way.cluster.clone(), &chosen, &how).await?;
    ready.passing = true;
    refuse(&ready.prepared)?;
    let landing = ready.land(way.session, way.face.clone(), None).await?;
    let code = landing.code();
    if code == 0 {
        return Ok(None);
    }
    let cause = landing.outcome.causes.into_iter().next();
    Ok(Some(cause.map_or(Stop::Signal(code), Stop::Cause)))
}

async fn take_away(way: &Way<'_>, stack: &Stack) -> Result<(), Failure> {
    let bare = bare(stack);
    let own = DataName { kind: "Namespace".to_owned(), namespace: None, name: bare.namespace.clone() };
    let traces = Traces::read(way.session, way.cluster.clone(), bare).await?;
    // The namespace and all that is in it were made for the check.
    let claims = traces.known.iter().filter(|object| object.kind == "PersistentVolumeClaim").map(DataName::from);
    let destroy = Destroy(claims.chain([own]).collect());
    let mut removal = traces.removal(&destroy, &[]).await?;
    removal.passing = true;
    let landing = removal.land(way.session, way.face.clone(), None).await?;
    if landing.code() == 0 {
        return Ok(());
    }
    let why = landing.outcome.causes.first().map(cause_text).unwrap_or_default();
    let hint = Some(format!(
        "`seaworthy uninstall {} -n {}` takes it away",
        stack.name(),
        stack.definition().default_namespace()
    ));
    let message = format!("what the check made could not be taken away: {why}");
    Err(Failure::new("smoke-left", seaworthy::error::Class::Failed, message, hint))
}
