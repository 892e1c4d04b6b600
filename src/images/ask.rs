//! Asking a node's container runtime, as Kubernetes would. Only reading.

use std::collections::BTreeSet;
use std::time::Duration;

use bollard::Docker;
use tokio::time::timeout;

use super::runtime::{self, Held};
use crate::host::exec::{self, Ended};
use crate::host::{Surroundings, child};
use crate::plan::task::image::Runtime;

/// How long a runtime may take for an answer.
const ANSWER: Duration = Duration::from_secs(60);

/// The images of a node that is a container.
pub(crate) async fn container(docker: &Docker, container: &str) -> Result<Vec<Held>, String> {
    let ended = timeout(ANSWER, exec::run(docker, container, &runtime::ASK)).await;
    let ended = ended.map_err(|_| "crictl does not answer".to_owned())??;
    runtime::held(&well("crictl", ended)?)
}

/// The snapshotter that the containers of such a node have, as far as it tells. What cannot be asked is left to containerd.
pub(crate) async fn configured(docker: &Docker, container: &str) -> Option<String> {
    let asked = timeout(ANSWER, exec::run(docker, container, &runtime::CONFIGURED)).await;
    let config = asked.ok()?.ok()?;
    runtime::snapshotter(&String::from_utf8_lossy(&config.stdout))
}

/// The images of a node that is this machine.
pub(crate) async fn machine(here: &Surroundings, door: &Runtime) -> Result<Vec<Held>, String> {
    // Its first word is the program's own name in a container; here that may be a path, or k3s.
    match door.crictl(&runtime::ASK[1..]) {
        Some(command) => runtime::held(&run(here, "crictl", &command).await?),
        None => listed(here, door).await,
    }
}

async fn listed(here: &Surroundings, door: &Runtime) -> Result<Vec<Held>, String> {
    let mut all = Vec::new();
    for runtime::Listed { mut held, manifest } in runtime::listed(&ctr(here, door, &runtime::ASK_CTR).await?)? {
        if held.id.is_none() {
            // A manifest that is not there belongs to an image of which only the name is left; that fits no id.
            let words: Vec<&str> = runtime::CONTENT.into_iter().chain([manifest.as_str()]).collect();
            held.id = ctr(here, door, &words).await.ok().and_then(|manifest| runtime::id_in(&manifest));
        }
        all.push(held);
    }
    Ok(all)
}

/// Who the containerd of this machine behind a socket is.
pub(crate) async fn server(here: &Surroundings, door: &Runtime) -> Result<String, String> {
    let said = ctr(here, door, &runtime::WHO).await?;
    runtime::server(&said).ok_or_else(|| "containerd does not say who it is".to_owned())
}

/// Every container of Kubernetes that it has.
pub(crate) async fn containers(here: &Surroundings, door: &Runtime) -> Result<BTreeSet<String>, String> {
    Ok(runtime::containers(&ctr(here, door, &runtime::CONTAINERS).await?))
}

/// The snapshotter under which the file system of one of its containers lies.
pub(crate) async fn snapshotter(
    here: &Surroundings,
    door: &Runtime,
    container: &str,
) -> Result<Option<String>, String> {
    let words: Vec<&str> = runtime::CONTAINER.into_iter().chain([container]).collect();
    Ok(runtime::snapshotter_of(&ctr(here, door, &words).await?))
}

async fn ctr(here: &Surroundings, door: &Runtime, words: &[&str]) -> Result<Vec<u8>, String> {
    run(here, "ctr", &door.ctr(words)).await
}

/// `name`: what the command is called.
async fn run(here: &Surroundings, name: &str, command: &[String]) -> Result<Vec<u8>, String> {
    let ended = child::ask(command, &here.variables, ANSWER).await;
    well(name, ended.map_err(|why| format!("{name} {why}"))?)
}

fn well(name: &str, ended: Ended) -> Result<Vec<u8>, String> {
    if ended.code == 0 { Ok(ended.stdout) } else { Err(format!("{name} ended with {}: {}", ended.code, ended.words())) }
}
