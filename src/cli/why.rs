//! `why`: five lines about one object, and a few more where they say something.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use seaworthy::doctor::report::Choice;
use seaworthy::doctor::why::{Asked, Why, answer, read, within};

use super::namespace::namespace_in;
use super::{Failure, Session};
use crate::front::report_text::why_text;

/// The exit code when something is wrong with the object.
const UNHEALTHY: u8 = 3;

/// `why`
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// Which object: KIND/NAME or KIND NAME, such as deploy/web, pvc data, node/w1, barges.example.com/one. KIND is any name of
    /// any kind of the cluster, with its group where there are several of that name
    #[arg(value_name = "KIND/NAME", required = true, num_args = 1..=2)]
    pub(crate) object: Vec<String>,
    /// Its namespace (default: the context's; else wherever there is just one of that name)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Look in a file, as with doctor --from
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}

pub(crate) async fn run(session: &Session, arguments: &WhyArgs) -> Result<ExitCode, Failure> {
    let asked = Asked::parse(&arguments.object, arguments.namespace.as_deref())?;
    let (object, evidence) = if let Some(path) = &arguments.from {
        let evidence = super::doctor::read(session, path, None)?;
        (within(&asked, &evidence)?, evidence)
    } else {
        let cluster = session.connect().await?;
        let _busy = session.busy("reading the cluster");
        read(&cluster, &asked).await?
    };
    if let Some(namespace) = &object.namespace
        && arguments.namespace.is_some()
    {
        namespace_in(&evidence, namespace)?;
    }
    let choice = Choice { stacks: super::doctor::knowledge(session), ..Choice::default() };
    let answer = answer(&object, &evidence, &choice)?;
    session.print("Why", &answer, || why_text(&answer));
    Ok(exit(&answer))
}

fn exit(answer: &Why) -> ExitCode {
    if answer.well || answer.passing { ExitCode::SUCCESS } else { ExitCode::from(UNHEALTHY) }
}
