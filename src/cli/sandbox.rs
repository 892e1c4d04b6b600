//! `sandbox`: the simulated cluster itself.

use std::net::Ipv4Addr;
use std::process::ExitCode;

use clap::Subcommand;
use seaworthy::error::closest;
use seaworthy::sandbox::faults::{self, Aim, FAULTS, Fault};
use seaworthy::sandbox::{self, Kind};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Failure, Session};
use crate::front::paint::table;
use crate::front::say;
use crate::front::signals;

/// `sandbox ...`
#[derive(Debug, Subcommand)]
pub(crate) enum SandboxCommand {
    /// Serve it as an API server on loopback, for kubectl, until Ctrl-C
    Serve {
        /// Port on this machine (default: any)
        #[arg(long, value_name = "PORT", default_value_t = 0)]
        port: u16,
    },
    /// Forget everything in it
    Reset,
    /// Break something, or mend it
    #[command(subcommand)]
    Fault(FaultCommand),
}

/// Seconds of the sandbox's time that pass when something is mended: a container that crashed is started again by then.
const RECOVERED: i64 = 60;

/// `sandbox fault ...`
#[derive(Debug, Subcommand)]
pub(crate) enum FaultCommand {
    /// What can be broken, and what of it is in force
    List,
    /// Break something
    Inject {
        /// NAME or NAME=TARGET; without a target it strikes everything that it can
        #[arg(required = true, value_name = "FAULT")]
        faults: Vec<String>,
    },
    /// Mend what was broken; what was deleted stays deleted
    Heal {
        /// Names of faults (default: all)
        #[arg(value_name = "FAULT")]
        faults: Vec<String>,
    },
}

pub(crate) async fn run(session: &Session, command: &SandboxCommand) -> Result<ExitCode, Failure> {
    let kind = session.globals.sandbox.unwrap_or_default();
    match command {
        SandboxCommand::Serve { port } => serve(session, kind, *port).await,
        SandboxCommand::Reset => reset(session, kind),
        SandboxCommand::Fault(FaultCommand::List) => list(session, kind),
        SandboxCommand::Fault(FaultCommand::Inject { faults }) => strike(session, kind, faults),
        SandboxCommand::Fault(FaultCommand::Heal { faults }) => mend(session, kind, faults),
    }
}

fn reset(session: &Session, kind: Kind) -> Result<ExitCode, Failure> {
    let there = sandbox::reset(&session.state_dir()?, kind)?;
    let text = if there { format!("the sandbox {kind} is forgotten") } else { format!("there was no sandbox {kind}") };
    session.print("SandboxReset", &json!({"kindOfSandbox": kind, "wasThere": there}), || text);
    Ok(ExitCode::SUCCESS)
}

fn list(session: &Session, kind: Kind) -> Result<ExitCode, Failure> {
    let standing = session.sandbox(kind)?.faults();
    let rows: Vec<Value> = FAULTS
        .iter()
        .map(|fault| {
            let targets: Vec<&str> =
                standing.iter().filter(|(name, _)| name == fault.name).map(|(_, target)| target.as_str()).collect();
            json!({"name": fault.name, "about": fault.about, "target": fault.target, "lasts": fault.is_lasting(),
                "actsOn": fault.acts_on(), "inForce": targets})
        })
        .collect();
    session.print("SandboxFaults", &rows, || {
        let row = |fault: &Fault| {
            let now = if standing.iter().any(|(known, _)| known == fault.name) { " (in force)" } else { "" };
            let acts = fault.acts_on();
            let acts = if acts.is_empty() { String::new() } else { format!("; acts on {acts}") };
            vec![fault.name.to_owned(), fault.target.to_owned(), format!("{}{acts}{now}", fault.about)]
        };
        let rows: Vec<Vec<String>> = FAULTS.iter().map(row).collect();
        format!("{}\n\n{}", table(&["FAULT", "=TARGET", "WHAT IT DOES"], &rows), in_force(kind, &standing))
    });
    Ok(ExitCode::SUCCESS)
}

/// What lasts until it is healed. What struck once has left what it did, and nothing that could be healed.
fn in_force(kind: Kind, standing: &[(String, String)]) -> String {
    let named = |(name, target): &(String, String)| {
        if target.is_empty() { name.clone() } else { format!("{name}={target}") }
    };
    let names: Vec<String> = standing.iter().map(named).collect();
    match names.as_slice() {
        [] => format!("in the sandbox {kind} none is in force"),
        names => format!("in force in the sandbox {kind}: {}", names.join(", ")),
    }
}

fn mend(session: &Session, kind: Kind, names: &[String]) -> Result<ExitCode, Failure> {
    let chosen: Vec<(&Fault, &str)> = names.iter().map(|name| choose(name)).collect::<Result<_, _>>()?;
    let sandbox = session.sandbox(kind)?;
    if chosen.is_empty() {
        sandbox.mend();
    }
    for (fault, _) in chosen {
        sandbox.heal(fault);
        say(format!("in the sandbox {kind}, {} is healed", fault.name));
    }
    sandbox.rest(RECOVERED);
    sandbox.save()?;
    say(format!("the sandbox {kind} is mended; what was deleted stays deleted"));
    Ok(ExitCode::SUCCESS)
}

fn strike(session: &Session, kind: Kind, names: &[String]) -> Result<ExitCode, Failure> {
    let chosen: Vec<(&Fault, &str)> = names.iter().map(|name| choose(name)).collect::<Result<_, _>>()?;
    let sandbox = session.sandbox(kind)?;
    // All of them, before the first: one may take away what another is aimed at.
    let aims: Vec<Aim> = chosen.iter().map(|(fault, target)| sandbox.aim(fault, target)).collect();
    for ((fault, target), aim) in chosen.iter().zip(&aims) {
        refuse((session, kind), (fault, target), aim)?;
    }
    for ((fault, target), aim) in chosen.into_iter().zip(&aims) {
        sandbox.strike(fault, target);
        say(format!("in the sandbox {kind}, {}: {}{}", fault.name, fault.about, when(fault, target, aim)));
    }
    sandbox.save()?;
    Ok(ExitCode::SUCCESS)
}

/// What a fault waits for, where it does not strike at once.
fn when(fault: &Fault, target: &str, aim: &Aim) -> String {
    let acts = fault.acts_on();
    let acts = if acts.is_empty() { String::new() } else { format!("; acts on {acts}") };
    match aim {
        Aim::Later if !target.is_empty() => {
            format!("{acts}; nothing has `{target}` in its name now, so it acts on what comes")
        }
        _ => acts,
    }
}

/// Names that are shown of what a fault may strike.
const SHOWN: usize = 8;

/// A fault that strikes nothing is a slip.
fn refuse((session, kind): (&Session, Kind), (fault, target): (&Fault, &str), aim: &Aim) -> Result<(), Failure> {
    let Aim::Misses { what, there } = aim else { return Ok(()) };
    let name = fault.name;
    let message = if target.is_empty() {
        format!("{name} would strike nothing in the sandbox {kind}: there is no {what}")
    } else {
        format!("{name}={target} would strike nothing in the sandbox {kind}: there is no {what} of that name")
    };
    let bare = there.iter().filter_map(|name| name.rsplit('/').next());
    let hint = match (closest(target, there.iter().map(String::as_str).chain(bare)), there.len()) {
        (Some(near), _) => format!("did you mean `{name}={near}`?"),
        (None, 0) => format!(
            "install a stack that has one first, without --stand-ins: `seaworthy install STACK {}`",
            option(kind)
        ),
        (None, 1..=SHOWN) => format!("there is {}", there.join(", ")),
        (None, many) => format!("there is {}, and {} more", there[..SHOWN].join(", "), many - SHOWN),
    };
    let elsewhere =
        others(session, kind).map(|other| format!("; there is also the sandbox {other}: {}", option(other)));
    Err(Failure::input("no-target", message, hint + &elsewhere.collect::<String>()))
}

/// The option that chooses a sandbox.
fn option(kind: Kind) -> String {
    format!("--sandbox={kind}")
}

/// The other sandboxes that there are.
fn others(session: &Session, kind: Kind) -> impl Iterator<Item = Kind> {
    let state = session.state_dir();
    let is_there = move |other: &Kind| {
        state.as_ref().is_ok_and(|state| sandbox::used(state, *other).is_ok_and(|used| used.is_some()))
    };
    Kind::ALL.into_iter().filter(move |other| *other != kind).filter(is_there)
}

fn choose(text: &str) -> Result<(&'static Fault, &str), Failure> {
    let (name, target) = text.split_once('=').unwrap_or((text, ""));
    let unknown = || {
        let near = closest(name, FAULTS.iter().map(|fault| fault.name));
        let hint = near.map_or("`seaworthy sandbox fault list` shows what there is".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
        Failure::input("unknown-fault", format!("there is no fault `{name}`"), hint)
    };
    let fault = faults::find(name).ok_or_else(unknown)?;
    let wrong = |expected: &str, example: &str| {
        let message = format!("{name}={target}: expected {expected}");
        Failure::input("bad-target", message, format!("write {name}={example}"))
    };
    match (fault.name, target) {
        (_, "") => Ok((fault, target)),
        ("api-down" | "api-slow", seconds) if seconds.parse::<u32>().is_err() => Err(wrong("seconds", "20")),
        ("api-refusing", code) if !["403", "409", "429", "500"].contains(&code) => {
            Err(wrong("403, 409, 429 or 500", "429"))
        }
        _ if fault.target.is_empty() => {
            Err(Failure::input("bad-target", format!("{name} has no target"), format!("write {name}")))
        }
        _ => Ok((fault, target)),
    }
}

async fn serve(session: &Session, kind: Kind, port: u16) -> Result<ExitCode, Failure> {
    let sandbox = session.sandbox(kind)?;
    let taken = |error: std::io::Error| {
        Failure::input(
            "local-port",
            format!("cannot listen on 127.0.0.1:{port}: {error}"),
            "choose another port with --port",
        )
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let path = session.state_dir()?.join("sandbox").join(format!("{kind}.kubeconfig"));
    let text = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: sandbox, cluster: {{server: \"http://{address}\"}}}}]\nusers: [{{name: sandbox, user: {{}}}}]\ncontexts: [{{name: sandbox, context: {{cluster: sandbox, user: sandbox}}}}]\ncurrent-context: sandbox\n"
    );
    std::fs::write(&path, text).map_err(|error| Failure::file(&path, &error))?;
    say(format!(
        "the sandbox {kind} is served at http://{address}\n  export KUBECONFIG={}\nCtrl-C ends it",
        path.display()
    ));
    let signals = signals::watch("stopping");
    let served = signals.token().run_until_cancelled(sandbox.serve(listener)).await;
    sandbox.save()?;
    match served {
        None => Ok(signals.code().map_or(ExitCode::SUCCESS, ExitCode::from)),
        Some(ended) => ended.map(|()| ExitCode::SUCCESS).map_err(taken),
    }
}
