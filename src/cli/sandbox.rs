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
    /// What can be broken, and what is
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
        table(&["FAULT", "=TARGET", "WHAT IT DOES"], &rows)
    });
    Ok(ExitCode::SUCCESS)
}

fn mend(session: &Session, kind: Kind, names: &[String]) -> Result<ExitCode, Failure> {
    let chosen: Vec<(&Fault, &str)> = names.iter().map(|name| choose(name)).collect::<Result<_, _>>()?;
    let sandbox = session.sandbox(kind)?;
    if chosen.is_empty() {
        sandbox.mend();
    }
    for (fault, _) in chosen {
        sandbox.heal(fault);
        say(format!("{} is healed", fault.name));
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
        refuse((fault, target), aim, (kind, other(session, kind)?))?;
    }
    for ((fault, target), aim) in chosen.into_iter().zip(&aims) {
        sandbox.strike(fault, target);
        say(format!("{}: {}{}", fault.name, fault.about, when(fault, target, aim)));
    }
    sandbox.save()?;
    say(format!("in the sandbox {kind}; `seaworthy recover {}` shows what is lost", option(kind)));
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

/// The option that chooses a sandbox.
fn option(kind: Kind) -> String {
    if kind == Kind::default() { "--sandbox".to_owned() } else { format!("--sandbox={kind}") }
}

/// The other sandbox, where it was used: what was meant may be there.
fn other(session: &Session, kind: Kind) -> Result<Option<Kind>, Failure> {
    let folder = session.state_dir()?.join("sandbox");
    let mut others = [Kind::SingleNode, Kind::Ha].into_iter().filter(|other| *other != kind);
    Ok(others.find(|other| folder.join(format!("{other}.json")).exists()))
}

/// A fault that strikes nothing is a slip.
fn refuse((fault, target): (&Fault, &str), aim: &Aim, (kind, other): (Kind, Option<Kind>)) -> Result<(), Failure> {
    let Aim::Misses { what, there } = aim else { return Ok(()) };
    let name = fault.name;
    let message = if target.is_empty() {
        format!("{name} would strike nothing: there is no {what} in the sandbox {kind}")
    } else {
        format!("{name}={target} would strike nothing: there is no {what} of that name in the sandbox {kind}")
    };
    let bare = there.iter().filter_map(|name| name.rsplit('/').next());
    let hint = match (closest(target, there.iter().map(String::as_str).chain(bare)), there.len()) {
        (Some(near), _) => format!("did you mean `{name}={near}`?"),
        (None, 0) => format!("install a stack that has one first: `seaworthy install STACK {}`", option(kind)),
        (None, 1..=SHOWN) => format!("there is {}", there.join(", ")),
        (None, many) => format!("there is {}, and {} more", there[..SHOWN].join(", "), many - SHOWN),
    };
    let elsewhere =
        other.map_or_else(String::new, |other| format!("; there is also a sandbox {other}: {}", option(other)));
    Err(Failure::input("no-target", message, format!("{hint}{elsewhere}")))
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
