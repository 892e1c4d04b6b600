//! The same questions line by line, for a terminal that has no full screen, and for screen readers.

use std::sync::Arc;

use seaworthy::host::clusters::{ClusterFact, Reach};
use seaworthy::host::{self, LookOptions};
use seaworthy::prepare;
use seaworthy::prepare::sharing::Shares;
use seaworthy::stack::{Choices, Stack};

use super::{origin, said};
use crate::cli::choose::{choices, take_registry};
use crate::cli::install::{InstallArgs, refuse_unshared};
use crate::cli::{Failure, Session};
use crate::front::form::{Form, cluster_option};
use crate::front::questions;
use crate::front::say;

/// The context and the arguments with everything that was answered.
pub(super) async fn ask(session: &Session, arguments: &InstallArgs) -> Result<(String, InstallArgs), Failure> {
    let context = context(session).await?;
    let stack = stack(session)?;
    let mut arguments = arguments.clone();
    let said = said(&arguments);
    let origin = origin::ask(&arguments)?;
    origin::tell(&origin, &mut arguments);
    let mut choices = choices(&arguments.choice)?;
    take_registry(&stack, arguments.choice.registry.as_deref(), &mut choices);
    let mut form = Form::new(stack.clone(), choices);
    let profile = match &arguments.choice.profile {
        Some(profile) => profile.clone(),
        None => profile(session, &context, &stack, &form.choices()).await?,
    };
    form.set_profile(&profile);
    questions::settings(&mut form)?;
    say(format!(
        "the same from a shell: seaworthy install {} {} {}",
        stack.name(),
        cluster_option(session.globals.sandbox, &context),
        [said, origin.options(), form.options()].concat().join(" ")
    ));
    arguments.stack = Some(stack.name().to_owned());
    arguments.choice.profile = Some(profile);
    arguments.answered = Some(form.choices());
    Ok((context, arguments))
}

/// The cluster, asked for where the command line names none.
pub(super) async fn context(session: &Session) -> Result<String, Failure> {
    if let Some(context) = &session.globals.context {
        return Ok(context.clone());
    }
    if let Some(kind) = session.globals.sandbox {
        say(format!("in the sandbox {kind}: a simulated cluster, nothing in it is real"));
        return Ok(String::new());
    }
    say("asking the clusters of this machine");
    let options = LookOptions { kubeconfig: session.globals.kubeconfig.clone(), ..LookOptions::default() };
    let host = host::look(&session.here, &options).await;
    let reached = |fact: &&ClusterFact| matches!(fact.reach, Reach::Reached(_));
    let names: Vec<String> = host.clusters.iter().filter(reached).map(|fact| fact.context.clone()).collect();
    for fact in &host.clusters {
        if let Reach::Unreached(why) = &fact.reach {
            say(format!("{}: {}", fact.context, seaworthy::object::printable(&why.message)));
        }
    }
    if names.is_empty() {
        let hint = "`seaworthy detect` shows what is here; give a file with --kubeconfig or KUBECONFIG";
        return Err(Failure::input("no-cluster", "no cluster answers", hint));
    }
    let current = names.iter().position(|name| host.kubeconfig.current.as_ref() == Some(name));
    questions::select("Cluster?", names, current.unwrap_or_default())
}

fn stack(session: &Session) -> Result<Arc<Stack>, Failure> {
    let catalogue = session.catalogue();
    let (mut found, mut lines) = (Vec::new(), Vec::new());
    for name in catalogue.names() {
        match catalogue.get(&name) {
            Ok(stack) => {
                lines.push(format!("{name}: {}", stack.definition().title));
                found.push(stack);
            }
            Err(error) => say(format!("{name} cannot be used: {error}")),
        }
    }
    let chosen = questions::choose("Stack?", &lines, 0)?;
    found.into_iter().nth(chosen).map(Arc::new).ok_or_else(|| {
        Failure::input("no-stack", "there is no stack to choose", "add a folder of yours with --profiles DIR")
    })
}

async fn profile(session: &Session, context: &str, stack: &Stack, choices: &Choices) -> Result<String, Failure> {
    let cluster = session.connect_to(Some(context)).await?;
    let room = prepare::room(&cluster, session.shore()).await.map_err(|error| Failure::kube(&error))?;
    let profiles = &stack.definition().profiles;
    let shares = |profile: &str| Shares::of_profile(stack, choices, profile);
    let lines: Vec<String> = profiles
        .iter()
        .map(|(name, profile)| {
            let needs = room.beside(&profile.needs, &shares(name));
            let missing: Vec<String> =
                needs.into_iter().filter(|need| need.met == Some(false)).map(|need| need.what).collect();
            let fits =
                if missing.is_empty() { "fits".to_owned() } else { format!("too little: {}", missing.join(", ")) };
            format!("{name}: {} ({fits})", profile.title)
        })
        .collect();
    let usual = profiles.keys().position(|name| name == stack.definition().default_profile()).unwrap_or_default();
    let chosen = questions::choose("Profile?", &lines, usual)?;
    let Some(profile) = profiles.keys().nth(chosen).cloned() else {
        let hint = "`seaworthy stacks validate` tells what it lacks";
        return Err(Failure::input("no-profile", "the stack has no profile", hint));
    };
    let shares = shares(&profile);
    if room.sharing.refuses(&shares) {
        refuse_unshared(&room.sharing, &shares, &profile)?;
    }
    Ok(profile)
}
