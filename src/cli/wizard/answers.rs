//! The same questions line by line, for a terminal that has no full screen, and for screen readers.

use std::collections::BTreeMap;
use std::sync::Arc;

use seaworthy::engine::record::InstallRecord;
use seaworthy::host::clusters::{ClusterFact, Reach};
use seaworthy::host::{self, LookOptions};
use seaworthy::prepare::Room;
use seaworthy::prepare::sharing::Shares;
use seaworthy::sandbox::{self, Kind};
use seaworthy::stack::Stack;

use super::around::Around;
use super::{groundwork, origin, said};
use crate::cli::choose::{choices, take_registry};
use crate::cli::cluster::yard::{Yard, yards};
use crate::cli::install::{InstallArgs, refuse_unshared};
use crate::cli::prerequisites::{InstallArgs as InstallFirst, command};
use crate::cli::{Failure, Session, Turn};
use crate::front::earlier::{begin_with, record_of};
use crate::front::form::{Form, cluster_option};
use crate::front::origin::{Origin, Way};
use crate::front::paint::count;
use crate::front::questions;
use crate::front::say;
use crate::front::stack_text::{Fit, at_hand, costs, outlives};
use crate::front::tui::model::needed;

/// Everything that was answered.
pub(super) struct Answers {
    /// With the kubeconfig of a cluster that was made on the way.
    pub(super) session: Arc<Session>,
    pub(super) context: String,
    pub(super) arguments: InstallArgs,
    /// What is added to the cluster before the stack.
    pub(super) first: Option<InstallFirst>,
}

/// What was answered before, for whoever is asked again.
#[derive(Default)]
pub(super) struct Memory {
    stack: Option<String>,
    origin: Origin,
    forms: BTreeMap<String, Form>,
    /// What the cluster remembers of its installations.
    pub(super) records: Vec<InstallRecord>,
}

impl Memory {
    /// The settings of a stack: as they were answered, else as they were installed, else as the command line has them.
    fn form(&mut self, stack: &Arc<Stack>, arguments: &InstallArgs) -> Result<Form, Failure> {
        if let Some(form) = self.forms.get(stack.name()) {
            return Ok(form.clone());
        }
        let choice = &arguments.choice;
        let mut choices = choices(choice)?;
        take_registry(stack, choice.registry.as_deref(), &mut choices);
        let mut form = Form::new(stack.clone(), choices);
        if let Some(record) = record_of(&self.records, stack, choice.namespace.as_deref()) {
            say(begin_with(record, &mut form, &mut self.origin));
        }
        Ok(form)
    }
}

/// Asks; `None`: another session goes on, in a sandbox.
pub(super) async fn ask(
    begun: &Arc<Session>,
    arguments: &InstallArgs,
    memory: &mut Memory,
) -> Result<Option<Answers>, Failure> {
    let Some((session, context)) = context(begun).await? else { return Ok(None) };
    let session = &session;
    let stack = stack(session, memory.stack.as_deref())?;
    memory.stack = Some(stack.name().to_owned());
    say(at_hand(&stack));
    let mut form = memory.form(&stack, arguments)?;
    let mut arguments = arguments.clone();
    let said = said(&arguments);
    if !origin::is_said(&arguments) {
        memory.origin = origin::ask(&stack, &memory.origin)?;
        form.set_origin(memory.origin.registry(), memory.origin.way == Way::StandIns);
    }
    let origin = memory.origin.clone();
    origin::tell(&origin, &mut arguments);
    let busy = session.busy("asking the cluster what it offers");
    let around = Around::look(session, &context).await?;
    drop(busy);
    let profile = match &arguments.choice.profile {
        Some(profile) => profile.clone(),
        None => profile(&around.room, &form)?,
    };
    form.set_profile(&profile);
    let needs = stack.profile(Some(&profile))?.needs.clone();
    let shares = Shares::of_profile(&stack, &form.choices(), &profile);
    let needed = needed((&profile, &needs), &shares, Some(&around.room));
    let first = groundwork::ask(session, (&context, around), &needed).await?;
    groundwork::name_class(&mut form, first.as_ref(), &needed);
    questions::settings(&mut form)?;
    memory.forms.insert(stack.name().to_owned(), form.clone());
    let cluster = cluster_option(session.globals.sandbox, &context);
    let before = first.as_ref().map_or_else(String::new, |first| format!("{} {cluster} && ", command(first).join(" ")));
    say(format!(
        "the same from a shell: {before}seaworthy install {} {cluster} {}",
        stack.name(),
        [said, origin.options(), form.options()].concat().join(" ")
    ));
    arguments.stack = Some(stack.name().to_owned());
    arguments.choice.profile = Some(profile);
    arguments.answered = Some(form.choices());
    Ok(Some(Answers { session: session.clone(), context, arguments, first }))
}

/// A line of the first question.
enum Berth {
    Context(String),
    Make(Yard),
    /// With what is in it of earlier visits, where that can be told.
    Sandbox(Kind, Option<usize>),
}

/// The cluster, asked for where the command line names none; `None`: another session goes on, in a sandbox.
pub(super) async fn context(begun: &Arc<Session>) -> Result<Option<(Arc<Session>, String)>, Failure> {
    let mut session = begun.clone();
    if let Some(context) = &session.globals.context {
        let context = context.clone();
        return Ok(Some((session, context)));
    }
    if let Some(kind) = session.globals.sandbox {
        say(format!("in the sandbox {kind}: a simulated cluster, nothing in it is real"));
        return Ok(Some((session, String::new())));
    }
    loop {
        let (berths, current) = berths(&session).await;
        let lines: Vec<String> = berths.iter().map(Berth::line).collect();
        let chosen = questions::choose("Cluster?", &lines, current)?;
        match berths.into_iter().nth(chosen) {
            Some(Berth::Context(context)) => return Ok(Some((session, context))),
            Some(Berth::Sandbox(kind, _)) => {
                begun.turn_to(Turn::Sandbox(kind));
                return Ok(None);
            }
            Some(Berth::Make(yard)) => session = make(session, &yard).await?,
            None => {}
        }
    }
}

impl Berth {
    fn line(&self) -> String {
        match self {
            Self::Context(context) => context.clone(),
            Self::Make(yard) => format!("make one with {}", yard.maker.title()),
            Self::Sandbox(kind, used) => {
                let used = used.map_or_else(String::new, |stacks| format!("; used: {}", count(stacks, "stack")));
                format!("the sandbox {kind}: a simulated cluster, nothing in it is real{used}")
            }
        }
    }
}

/// What can be chosen, and where the cursor begins. What cannot be is said, with the reason.
async fn berths(session: &Session) -> (Vec<Berth>, usize) {
    say("asking the clusters, engines and tools of this machine");
    let options = LookOptions { kubeconfig: session.globals.kubeconfig.clone(), ..LookOptions::default() };
    let (host, yards) = tokio::join!(host::look(&session.here, &options), yards(session));
    let reached = |fact: &&ClusterFact| matches!(fact.reach, Reach::Reached(_));
    let names: Vec<String> = host.clusters.iter().filter(reached).map(|fact| fact.context.clone()).collect();
    for fact in &host.clusters {
        if let Reach::Unreached(why) = &fact.reach {
            say(format!("{}: {}", fact.context, seaworthy::object::printable(&why.message)));
        }
    }
    if names.is_empty() {
        say("no cluster answers; one can be made, or all of this tried without one");
    }
    let (can, cannot): (Vec<Yard>, Vec<Yard>) = yards.into_iter().partition(Yard::is_free);
    // Whoever has a cluster need not hear what is missing for another.
    for yard in cannot.iter().filter(|_| names.is_empty()) {
        say(format!("{}: {}", yard.maker.title(), yard.refusals.join("; ")));
    }
    let current = names.iter().position(|name| host.kubeconfig.current.as_ref() == Some(name));
    let berths = names.into_iter().map(Berth::Context).chain(can.into_iter().map(Berth::Make));
    let state = session.state_dir().ok();
    let used = |kind| sandbox::used(state.as_deref()?, kind).ok().flatten();
    (berths.chain(Kind::ALL.map(|kind| Berth::Sandbox(kind, used(kind)))).collect(), current.unwrap_or_default())
}

/// Asks what there is to ask about a new cluster, and makes it: the command shows its plan and asks by itself.
async fn make(session: Arc<Session>, yard: &Yard) -> Result<Arc<Session>, Failure> {
    let maker = yard.maker;
    let question = format!("Its name? (empty: {})", yard.name);
    let usual = yard.name.clone();
    let named = move |typed: &str| if typed.trim().is_empty() { usual.clone() } else { typed.trim().to_owned() };
    let judge = named.clone();
    let name = named(&questions::right_text(&question, move |typed| maker.objection(&judge(typed), "1"))?);
    let nodes = if maker.has_nodes() {
        let about = name.clone();
        questions::right_text("How many nodes?", move |typed| maker.objection(&about, typed.trim()))?
    } else {
        "1".to_owned()
    };
    super::beside(&session, &maker.command(&name, &nodes)).await;
    // Only who made it may read it.
    let file = maker.context(&name).1.map(std::path::Path::new).filter(|file| std::fs::File::open(file).is_ok());
    Ok(file.map_or(session.clone(), |file| Arc::new(session.with_kubeconfig(file))))
}

fn stack(session: &Session, before: Option<&str>) -> Result<Arc<Stack>, Failure> {
    let (found, broken) = session.catalogue().stacks();
    for (name, error) in broken {
        say(format!("{name} cannot be used: {error}"));
    }
    let lines: Vec<String> =
        found.iter().map(|stack| format!("{}: {}", stack.name(), stack.definition().title)).collect();
    let usual = found.iter().position(|stack| Some(stack.name()) == before).unwrap_or_default();
    let chosen = questions::choose("Stack?", &lines, usual)?;
    found.into_iter().nth(chosen).map(Arc::new).ok_or_else(|| {
        Failure::input("no-stack", "there is no stack to choose", "add a folder of yours with --profiles DIR")
    })
}

fn profile(room: &Room, form: &Form) -> Result<String, Failure> {
    let (stack, choices) = (form.stack(), form.choices());
    let profiles = &stack.definition().profiles;
    let shares = |profile: &str| Shares::of_profile(stack, &choices, profile);
    let lines: Vec<String> = profiles
        .iter()
        .map(|(name, profile)| {
            let needs = room.beside(&profile.needs, &shares(name));
            format!("{name}: {} ({})", profile.title, Fit::of(&needs))
        })
        .collect();
    for (name, profile) in profiles {
        say(costs(name, profile));
        outlives(name, profile).into_iter().for_each(say);
    }
    let usual = profiles.keys().position(|name| name == form.profile()).unwrap_or_default();
    let chosen = questions::choose("Profile?", &lines, usual)?;
    let Some(profile) = profiles.keys().nth(chosen).cloned() else {
        let hint = "`seaworthy stacks validate` tells what it lacks";
        return Err(Failure::input("no-profile", "the stack has no profile", hint));
    };
    let shares = shares(&profile);
    // What can be added is offered next.
    if room.sharing.refuses(&shares) && !room.can_be_shared(&shares) {
        refuse_unshared(&room.sharing, &shares, &profile)?;
    }
    Ok(profile)
}
