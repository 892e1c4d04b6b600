//! A node that is a container of this machine.

use std::time::Duration;

use bollard::query_parameters::InspectContainerOptions;
use serde_json::Value;

use super::Inside;
use crate::error::root;
use crate::host::text::clean;
use crate::host::{Surroundings, engines};
use crate::images::ask;
use crate::images::runtime::Held;
use crate::object::{printable, text};
use crate::plan::task::Door;
use crate::plan::task::image::{NodeDoor, Way};

/// How long an engine may take for an answer.
const ENGINE: Duration = Duration::from_secs(60);

pub(super) async fn inside(here: &Surroundings, engine: &Door, node: &Value) -> Inside {
    let name = printable(text(node, "/metadata/name").unwrap_or_default());
    match found(here, engine, &name).await {
        Ok((container, held)) => {
            Inside::Open { door: NodeDoor { name, way: Way::Container { engine: engine.clone(), container } }, held }
        }
        Err(why) => Inside::Closed(why),
    }
}

async fn found(here: &Surroundings, engine: &Door, name: &str) -> Result<(String, Vec<Held>), String> {
    let docker = engines::open(here, &engine.url, ENGINE).await.map_err(|fault| format!("{engine}: {fault}"))?;
    let found = docker.inspect_container(name, None::<InspectContainerOptions>).await;
    let container = found.map_err(|error| format!("{engine}: {}", clean(&root(&error))))?.id.unwrap_or_default();
    let held = ask::container(&docker, &container).await?;
    Ok((container, held))
}
