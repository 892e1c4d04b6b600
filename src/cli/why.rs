//! `why`: five lines about one object.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use seaworthy::cluster::Resources;
use seaworthy::doctor::evidence::{Evidence, Scope, gather, load};
use seaworthy::doctor::why::{Meant, Why, meant, why};
use seaworthy::object::ObjectRef;
use seaworthy::snapshot::collect::{Query, Scope as What, collect};

use super::{Failure, Session};
use crate::front::report_text::why_text;

/// The exit code when something is wrong with the object.
const UNHEALTHY: u8 = 3;

/// `why`
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// Which object: KIND/NAME, such as deploy/web, po/web-0, pvc/data, node/w1
    #[arg(value_name = "KIND/NAME")]
    pub(crate) object: String,
    /// Its namespace (default: the context's; else wherever there is just one of that name)
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Look in a file, as with doctor --from
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}

pub(crate) async fn run(session: &Session, arguments: &WhyArgs) -> Result<ExitCode, Failure> {
    let (kind, name) =
        arguments.object.split_once('/').filter(|(kind, name)| !kind.is_empty() && !name.is_empty()).ok_or_else(
            || {
                Failure::input(
                    "bad-object",
                    format!("`{}` names no object", arguments.object),
                    "write KIND/NAME, such as deploy/web or pvc/data",
                )
            },
        )?;
    let given = arguments.namespace.as_deref();
    let (object, evidence) = match &arguments.from {
        Some(path) => {
            let evidence = load(path, None)?;
            (which(kind, name, given, "default", &evidence)?, evidence)
        }
        None => look(session, kind, name, given).await?,
    };
    let answer = why(&object, &evidence).ok_or_else(|| missing(&object, &evidence))?;
    session.print("Why", &answer, || why_text(&answer));
    Ok(exit(&answer))
}

fn exit(answer: &Why) -> ExitCode {
    if answer.check.is_none() { ExitCode::SUCCESS } else { ExitCode::from(UNHEALTHY) }
}

/// Reads the evidence, and the object itself when no check reads its kind.
async fn look(
    session: &Session,
    kind: &str,
    name: &str,
    given: Option<&str>,
) -> Result<(ObjectRef, Evidence), Failure> {
    let cluster = session.connect().await?;
    let _busy = session.busy("reading the cluster");
    let usual = cluster.client.default_namespace().to_owned();
    let scope = Scope { namespace: Some(given.unwrap_or(&usual).to_owned()) };
    let mut evidence = gather(&cluster, &scope).await?;
    let object = which(kind, name, given, &usual, &evidence)?;
    if evidence.snapshot.get(&object).is_none() {
        let mut resources = Resources::default();
        for definition in evidence.snapshot.of_kind("apiextensions.k8s.io", "CustomResourceDefinition") {
            resources.learn(definition);
        }
        if let Some(resource) = resources.of(&object) {
            let query =
                Query { resource, namespace: object.namespace.clone(), scope: What::Named(object.name.clone()) };
            let found = collect(&cluster.client, vec![query]).await.map_err(|error| Failure::kube(&error))?;
            evidence.snapshot.extend(found);
        }
    }
    Ok((object, evidence))
}

fn which(kind: &str, name: &str, given: Option<&str>, usual: &str, evidence: &Evidence) -> Result<ObjectRef, Failure> {
    match meant(kind, name, given, usual, evidence) {
        Meant::One(object) => Ok(object),
        Meant::Several(namespaces) => Err(Failure::input(
            "several-objects",
            format!("there are several {kind}/{name}: in the namespaces {}", namespaces.join(", ")),
            "say which with --namespace",
        )),
        Meant::NoKind => Err(Failure::input(
            "unknown-kind",
            format!("the cluster has no kind called `{kind}`"),
            "`kubectl api-resources` lists the kinds",
        )),
    }
}

fn missing(object: &ObjectRef, evidence: &Evidence) -> Failure {
    match evidence.gap(&object.kind).filter(|_| evidence.snapshot.is_unread(&object.kind)) {
        Some(gap) => Failure::input(
            "unread-object",
            format!("{object} could not be read: {gap}"),
            "ask for the right to read it",
        ),
        None => Failure::input(
            "no-such-object",
            format!("{object} is not there"),
            format!(
                "see what is: `kubectl get {}{}`",
                object.kind.to_lowercase(),
                if object.namespace.is_some() { " -A" } else { "" }
            ),
        ),
    }
}
