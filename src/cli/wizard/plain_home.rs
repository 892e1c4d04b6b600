//! Home line by line: how the cluster is, then what to do next, until somebody leaves.

use std::process::ExitCode;
use std::sync::Arc;

use seaworthy::error::Class;

use super::{answers, line_by_line, lookout, typed};
use crate::cli::install::InstallArgs;
use crate::cli::{Failure, Session};
use crate::front::look::Look;
use crate::front::tui::model::{Entry, Watch};
use crate::front::{home_text, questions, say};

/// Findings that can be asked about from the list; `doctor` shows all.
const FINDINGS: usize = 9;
/// Marks are words here, and nothing is drawn.
const LOOK: Look = Look { colour: false, unicode: false };

/// What can be done next.
enum Next {
    /// One of our commands.
    Command(Vec<String>),
    Map,
    Install,
    Again,
    Leave,
}

/// Until somebody leaves.
pub(super) async fn run(begun: &Arc<Session>) -> Result<ExitCode, Failure> {
    // A sandbox that was chosen begins anew, with its own time.
    let Some((session, context)) = answers::context(begun).await? else { return Ok(ExitCode::SUCCESS) };
    let session = Arc::new(session.turned_to(&context));
    let mut last = Vec::new();
    let mut memory = answers::Memory::default();
    loop {
        let watch = look(&session, &context).await;
        let lines = home_text::text(&watch, LOOK);
        // What has not changed is not read out again.
        let shown = if lines == last { &lines[..lines.len().min(1)] } else { &lines[..] };
        shown.iter().for_each(say);
        last = lines;
        let (labels, mut nexts): (Vec<String>, Vec<Next>) = choices(&watch).into_iter().unzip();
        let chosen = match questions::choose("What next?", &labels, 0) {
            Err(left) if left.class == Class::Declined => return Ok(ExitCode::SUCCESS),
            chosen => chosen?,
        };
        let done = match nexts.swap_remove(chosen) {
            Next::Leave => return Ok(ExitCode::SUCCESS),
            Next::Again => {
                last.clear();
                continue;
            }
            Next::Map => {
                home_text::storage_text(&watch).iter().for_each(say);
                continue;
            }
            Next::Install => {
                memory.records = watch.known().map_or_else(Vec::new, |home| home.records.clone());
                Box::pin(line_by_line(&session, &InstallArgs::default(), &mut memory)).await
            }
            Next::Command(words) => typed(&session, &words).await,
        };
        match done {
            Err(failure) if [Class::Interrupted, Class::HungUp].contains(&failure.class) => return Err(failure),
            Err(failure) => drop(session.fail(&failure)),
            Ok(_) => {}
        }
    }
}

/// What is known of the cluster. That it does not answer is said, and asked again when somebody wants it.
async fn look(session: &Session, context: &str) -> Watch {
    let looked = {
        let _busy = session.busy("reading the cluster");
        lookout::once(session, context).await
    };
    let home = looked.map(Box::new).map_err(|failure| {
        session.fail(&failure);
        failure.message
    });
    Watch { context: Some(context.to_owned()), home: Some(home), ..Watch::default() }
}

/// What there is to do, as it would be typed: what is wrong first.
fn choices(watch: &Watch) -> Vec<(String, Next)> {
    let words = |words: Vec<String>| (words.join(" "), Next::Command(words));
    let named = |name: &str, next| (name.to_owned(), next);
    let (again, leave) = (named("look again", Next::Again), named("leave", Next::Leave));
    if watch.known().is_none() {
        return vec![again, leave];
    }
    let entries = watch.entries("");
    let roots = entries.iter().filter(|entry| matches!(entry, Entry::Finding(_, 0))).take(FINDINGS);
    let mut all: Vec<(String, Next)> = roots.map(|entry| words(entry.command())).collect();
    if !all.is_empty() {
        all.push(words(vec!["doctor".to_owned()]));
        all.push(words(vec!["recover".to_owned()]));
    }
    all.extend(entries.iter().filter(|entry| matches!(entry, Entry::Run(_))).map(|entry| words(entry.command())));
    for entry in &entries {
        if let Entry::Stack(health) = entry {
            let (stack, namespace) = (&health.installation.stack, &health.installation.namespace);
            let open = ["open", stack, "--namespace", namespace].map(str::to_owned);
            all.extend([words(open.into()), words(entry.command())]);
        }
    }
    all.extend([named("install a stack", Next::Install), named("show where data lies", Next::Map), again, leave]);
    all
}
