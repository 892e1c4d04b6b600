//! `doctor STACK --walk`: through a symptom of a stack, step by step.

use std::io::{IsTerminal as _, stdout};
use std::process::ExitCode;
use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyModifiers};
use futures::StreamExt as _;
use seaworthy::doctor::evidence::{Evidence, save};
use seaworthy::doctor::report::{Choice, judge};
use seaworthy::doctor::stacks::Knowledge;
use seaworthy::doctor::walk::{self, Walk, Walked, Words};
use seaworthy::error::closest;
use serde_json::json;

use super::{DoctorArgs, UNHEALTHY, evidence, knowledge, write_out};
use crate::cli::uninstall::bare_installation;
use crate::cli::{Failure, Session};
use crate::front::paint::Paint;
use crate::front::report_text::Style;
use crate::front::tui::input::Typed;
use crate::front::tui::terminal::Keys;
use crate::front::walk_text::{end_text, head_text, list_text, mark_of, sort, step_text, walk_text};
use crate::front::{can_ask, questions, say, terminal_is_gone};

pub(super) async fn run(session: &Arc<Session>, arguments: &DoctorArgs, wanted: &str) -> Result<ExitCode, Failure> {
    let is_stack = session.catalogue().names().iter().any(|name| name == wanted);
    // What is typed behind `--walk` is its symptom, also where a stack was meant: there is only one thing that it can be.
    let (stack, wanted) = match &arguments.stack {
        Some(stack) => (stack.as_str(), wanted),
        None if is_stack => (wanted, ""),
        None => return Err(no_stack()),
    };
    let installation = bare_installation(session, stack, arguments.namespace.as_deref())?;
    let choice = Choice { stacks: knowledge(session), ..Choice::default() };
    let all = chosen(choice.knowledge(), stack, wanted)?;
    let namespace = installation.namespace;
    let from = arguments.from.as_deref();
    let evidence = evidence(session, from, arguments.now, Some(namespace.clone())).await?;
    if let Some(path) = &arguments.save {
        save(&evidence, path)?;
        say(format!("evidence of {} objects kept in {}", evidence.snapshot.len(), path.display()));
    }
    is_here(&evidence, stack, &namespace)?;
    let report = judge(&evidence, &choice);
    let mut walks: Vec<Walked> = all.iter().map(|one| walk::walk(one, &namespace, &evidence, &report)).collect();
    if from.is_none() {
        let words = listen(session, &walks).await?;
        walks = walks.into_iter().map(|walked| walked.heard(&words)).collect();
    }
    sort(&mut walks);
    let is_asked = can_ask() && stdout().is_terminal() && session.is_lively() && !session.is_json();
    let shown = match (wanted.is_empty(), is_asked) {
        (true, false) => return Ok(list(session, &walks)),
        (true, true) => ask(&walks, session.style())?,
        (false, _) => 0,
    };
    let Some(walked) = walks.get(shown) else { return Ok(ExitCode::SUCCESS) };
    if is_asked {
        step_by_step(session, walked).await?;
    } else {
        let context = session.globals.context.as_deref();
        session.print("Walk", &document(walked), || walk_text(walked, context, session.style()));
    }
    Ok(code(walked.is_wrong()))
}

fn code(is_wrong: bool) -> ExitCode {
    if is_wrong { ExitCode::from(UNHEALTHY) } else { ExitCode::SUCCESS }
}

fn document(walked: &Walked) -> serde_json::Value {
    let mut document = json!(walked);
    document["holds"] = json!(!walked.is_wrong());
    document
}

/// All symptoms, a few lines each.
fn list(session: &Session, walks: &[Walked]) -> ExitCode {
    let documents: Vec<serde_json::Value> = walks.iter().map(document).collect();
    session.print("Walks", &documents, || list_text(walks, session.style()));
    code(walks.iter().any(Walked::is_wrong))
}

/// Those that are wanted: the one of this name, or all.
fn chosen<'a>(known: &'a Knowledge, stack: &'a str, wanted: &str) -> Result<Vec<&'a Walk>, Failure> {
    let all: Vec<&Walk> = known.walks(stack).collect();
    if all.is_empty() {
        let hint =
            format!("`seaworthy doctor {stack}` looks at everything; docs/writing-a-stack.md says how to write one");
        return Err(Failure::input("no-walks", format!("{stack} has no walk-throughs"), hint));
    }
    if wanted.is_empty() {
        return Ok(all);
    }
    if let Some(one) = all.iter().find(|walk| walk.name.eq_ignore_ascii_case(wanted)) {
        return Ok(vec![one]);
    }
    let names: Vec<&str> = all.iter().map(|walk| walk.name.as_str()).collect();
    let hint = match closest(wanted, names.iter().copied()) {
        Some(near) => format!("did you mean {near}? `seaworthy doctor {stack} --walk` lists all"),
        None => format!("{stack} has {}", names.join(", ")),
    };
    Err(Failure::input("unknown-symptom", format!("{stack} has no walk-through `{wanted}`"), hint))
}

fn no_stack() -> Failure {
    let hint = "name the stack first: `seaworthy doctor STACK --walk`";
    Failure::input("no-stack", "--walk goes through a symptom of a stack, and no stack was named", hint)
}

/// Of what is not installed every step would be wrong, and none would help.
pub(super) fn is_here(evidence: &Evidence, stack: &str, namespace: &str) -> Result<(), Failure> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let there = walk::namespaces(stack, &evidence.snapshot);
    if there.contains(namespace) || kinds.iter().any(|kind| !evidence.knows(kind, namespace)) {
        return Ok(());
    }
    let hint = match there.iter().next() {
        Some(other) => format!("it is in namespace {other}: add -n {other}"),
        None => format!("`seaworthy install {stack}` installs it"),
    };
    Err(Failure::input("not-installed", format!("{stack} is not installed in namespace {namespace}"), hint))
}

/// Reads the logs that steps ask for.
async fn listen(session: &Session, walks: &[Walked]) -> Result<Words, Failure> {
    let mut asks: Vec<walk::LogAsk> = walks.iter().flat_map(Walked::asks).collect();
    asks.sort();
    asks.dedup();
    if asks.is_empty() {
        return Ok(Words::default());
    }
    let cluster = session.connect().await?;
    let _busy = session.busy("reading logs");
    Ok(walk::read(&cluster.client, asks).await)
}

/// Which symptom it is. Lines that are chosen from have no colours of their own.
fn ask(walks: &[Walked], style: Style) -> Result<usize, Failure> {
    let style = Style { paint: Paint(false), ..style };
    let line = |walked: &Walked| format!("{} {}", style.sign(mark_of(walked)), walked.symptom);
    let lines: Vec<String> = walks.iter().map(line).collect();
    questions::choose("What do you see?", &lines, 0)
}

/// One step, then a key. Keys are taken once: one that comes between two steps is a key, too.
async fn step_by_step(session: &Session, walked: &Walked) -> Result<(), Failure> {
    let (style, context) = (session.style(), session.globals.context.as_deref());
    let _keys = Keys::take().map_err(|error| no_keys(&error))?;
    let mut typed = Typed::new();
    write_out(&head_text(walked, style));
    for number in 0..walked.steps.len() {
        write_out(&format!("\n{}", step_text(walked, number, context, style)));
        let is_last = number + 1 == walked.steps.len();
        if walked.cause == Some(number) && !is_last {
            write_out(&format!("\n{}; what is below may follow from it", end_text(walked)));
        }
        if !is_last && !wants_more(&mut typed).await? {
            return Ok(());
        }
    }
    write_out(&format!("\n{}", end_text(walked)));
    Ok(())
}

/// Enter or a blank goes on; q, Esc and Ctrl-C end it, and so does a terminal that has gone away.
async fn wants_more(typed: &mut Typed) -> Result<bool, Failure> {
    say("\nEnter: the next step, q: end");
    while let Some(input) = typed.next().await {
        let Event::Key(key) = input.map_err(|error| no_keys(&error))? else { continue };
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Err(Failure::interrupted()),
            KeyCode::Enter | KeyCode::Down | KeyCode::Char(' ' | 'j') => return Ok(true),
            KeyCode::Esc | KeyCode::Char('q') => return Ok(false),
            _ => {}
        }
    }
    Ok(false)
}

fn no_keys(error: &std::io::Error) -> Failure {
    if terminal_is_gone() {
        return Failure::interrupted();
    }
    Failure::input("no-keys", format!("keys cannot be read: {error}"), "use --plain: all steps at once")
}
