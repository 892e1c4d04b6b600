//! `status`: every object of an installation, and why it is not ready when it is not.

use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::engine::record::InstallRecord;
use seaworthy::plan::Installation;
use seaworthy::prepare::{self, Health, ObjectHealth};
use serde_json::json;

use super::uninstall::bare_installation;
use super::{Failure, Session, StatusArgs};
use crate::front::paint::{Paint, count};
use crate::front::plain::cause_text;

/// The exit code of an installation that is not healthy.
const UNHEALTHY: u8 = 3;

pub(crate) async fn run(session: &Session, arguments: &StatusArgs) -> Result<ExitCode, Failure> {
    let one = arguments.stack.as_deref().map(|stack| bare_installation(session, stack, arguments.namespace.as_deref()));
    let one = one.transpose()?;
    let cluster = session.connect().await?;
    let records = records(&cluster, one.as_ref()).await?;
    let mut healths = Vec::new();
    for record in &records {
        healths.push(prepare::health(&cluster, record).await.map_err(|error| Failure::kube(&error))?);
    }
    let healthy = healths.iter().all(Health::is_healthy);
    let document = json!({"cluster": cluster.id, "healthy": healthy, "installations": healths});
    session.print("Status", &document, || {
        let paint = Paint(session.is_colourful());
        let texts: Vec<String> = healths.iter().map(|health| health_text(health, paint)).collect();
        if texts.is_empty() { format!("nothing is installed in {}", cluster.id.context) } else { texts.join("\n\n") }
    });
    Ok(if healthy { ExitCode::SUCCESS } else { ExitCode::from(UNHEALTHY) })
}

/// Of one installation, or of all.
async fn records(cluster: &Cluster, one: Option<&Installation>) -> Result<Vec<InstallRecord>, Failure> {
    let Some(one) = one else {
        return InstallRecord::list(&cluster.client).await.map_err(|error| Failure::kube(&error));
    };
    let Installation { stack, namespace, .. } = one;
    let record = InstallRecord::read(&cluster.client, &one.key()).await.map_err(|error| Failure::kube(&error))?;
    record.map(|record| vec![record]).ok_or_else(|| {
        let message = format!("{stack} is not installed in namespace {namespace} of {}", cluster.id.context);
        Failure::input("not-installed", message, format!("`seaworthy install {stack}` installs it"))
    })
}

fn health_text(health: &Health, paint: Paint) -> String {
    let installation = &health.installation;
    let bad = health.objects.iter().filter(|object| !object.is_healthy()).count();
    let verdict =
        if bad == 0 { paint.good("healthy") } else { paint.bad(&format!("{} not ready", count(bad, "object"))) };
    let mut lines = vec![format!(
        "{} {} ({}) in namespace {}: {verdict}",
        paint.strong(&installation.stack),
        installation.version,
        installation.profile,
        installation.namespace
    )];
    lines.extend(
        health.objects.iter().filter(|object| object.is_worth_a_line()).map(|object| object_line(object, paint)),
    );
    lines.join("\n")
}

fn object_line(object: &ObjectHealth, paint: Paint) -> String {
    let mark = if object.is_healthy() { paint.good("ok  ") } else { paint.bad("FAIL") };
    let why = object.cause.as_ref().map_or_else(String::new, |cause| format!(": {}", cause_text(cause)));
    format!("  {mark} {:<48} {}{why}", object.object.to_string(), object.state)
}
