//! `doctor --watch`: a line for whatever is new, gone or worse, until Ctrl-C.

use std::process::ExitCode;
use std::time::Duration;

use jiff::Timestamp;
use seaworthy::doctor::evidence::Live;
use seaworthy::doctor::report::{Choice, Report, judge};
use seaworthy::doctor::suppress::Suppressions;
use seaworthy::doctor::watch::{Contact, ContactTurn, News, Watch};
use seaworthy::object::printable;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::{DoctorArgs, UNHEALTHY};
use crate::cli::namespace::known_namespace;
use crate::cli::pace::Pace;
use crate::cli::{Failure, Session};
use crate::front::signals;

/// Nothing is asked of the cluster for what hangs on the time alone.
const PACE: Pace = Pace { together: Duration::from_secs(1), again: Duration::from_secs(15) };
/// How long the first look may take.
const FIRST: Duration = Duration::from_secs(30);

/// Watches until a signal. The exit code is that of the last state.
pub(super) async fn run(
    session: &Session,
    arguments: &DoctorArgs,
    choice: &Choice,
    quiet: Option<&Suppressions>,
) -> Result<ExitCode, Failure> {
    let cluster = session.connect().await?;
    if let Some(namespace) = &choice.namespace {
        known_namespace(&cluster, namespace).await.map_err(|unknown| super::of_stack(unknown, arguments))?;
        super::is_installed(&cluster, arguments).await?;
    }
    let live = Live::begin(&cluster);
    let signals = signals::watch("ended");
    let stop = signals.token();
    tokio::select! {
        () = stop.cancelled() => return Ok(ExitCode::from(signals.code().unwrap_or(130))),
        read = timeout(FIRST, whole(&live)) => if read.is_err() {
            crate::front::say("not everything could be read within 30 s; what comes later is told as new");
        },
    }
    let (mut ear, mut watch) = (live.changes(), Watch::default());
    let mut contact = Contact::default();
    let last = loop {
        ear.heed();
        let began = Instant::now();
        let (mut report, freshness) = live.look(|evidence, freshness| (judge(evidence, choice), freshness.clone()));
        let took = began.elapsed();
        tell_contact(session, &mut contact, &report, freshness.broken);
        if let Some(quiet) = quiet {
            quiet.apply(&mut report);
        }
        tell(session, &mut watch, &report);
        tokio::select! {
            () = stop.cancelled() => break report,
            _ = PACE.rest(&ear, took) => {}
        }
    };
    Ok(if arguments.fail_on.is_reached(&last) { ExitCode::from(UNHEALTHY) } else { ExitCode::SUCCESS })
}

/// Until every kind was read once: what is not there yet would be news afterwards.
async fn whole(live: &Live) {
    let mut ear = live.changes();
    loop {
        ear.heed();
        if live.look(|_, freshness| freshness.awaited == 0) {
            return;
        }
        ear.rung().await;
    }
}

/// Says when the cluster does not answer any more, and when it does again: what is shown meanwhile is how it was.
fn tell_contact(session: &Session, contact: &mut Contact, report: &Report, broken: Option<(Timestamp, String)>) {
    let Some(turn) = contact.look(broken) else { return };
    let time = report.taken.strftime("%H:%M:%SZ");
    let text = match &turn {
        ContactTurn::Lost { since, why } => {
            let since = since.strftime("%H:%M:%SZ");
            format!(
                "{time} lost  the cluster has not answered since {since}: {why}; what was said before is how it was then"
            )
        }
        ContactTurn::Back => format!("{time} back  the cluster answers again"),
    };
    session.print_line("DoctorContact", &json!({"time": report.taken, "contact": turn}), || printable(&text));
}

/// Says what has changed: a line each, or a document each where programs read.
fn tell(session: &Session, watch: &mut Watch, report: &Report) {
    let is_first = watch.is_new();
    let news = watch.look(report);
    if is_first {
        crate::front::say(format!("watching; Ctrl-C ends it. Now: {}", printable(&report.headline)));
    }
    for one in &news {
        let document = json!({"time": report.taken, "news": one});
        session.print_line("DoctorNews", &document, || line(report, one));
    }
}

fn line(report: &Report, one: &News) -> String {
    let time = report.taken.strftime("%H:%M:%SZ");
    let (what, severity) = (one.what.word(), one.severity.word());
    printable(&format!("{time} {what:<5} {severity:<8} {} {}: {}", one.id, one.object, one.message))
}
