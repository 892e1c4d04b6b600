//! Containers of this machine's engines: started, and spoken to.

use std::net::IpAddr;

use bollard::Docker;
use bollard::models::ContainerInspectResponse;
use bollard::query_parameters::{InspectContainerOptions, StartContainerOptions};

use super::{Work, failure};
use crate::doctor::{Cause, Outlook};
use crate::engine::step::{Ending, done};
use crate::error::root;
use crate::host::exec::{self, Ended};
use crate::host::text::clean;
use crate::plan::task::{Door, TRUST};

/// Succeeds when every certificate of the folder is among those that programs trust: the second line of each is looked for,
/// the first being the same for all.
const TRUSTED: &str = "for file in /usr/local/share/ca-certificates/*.crt; do \
    grep -qF \"$(sed -n 2p \"$file\")\" /etc/ssl/certs/ca-certificates.crt || exit 1; done";

impl Work<'_> {
    pub(super) async fn start(&self, door: &Door, name: &str, before: Option<IpAddr>) -> Ending {
        let docker = match self.open(door).await {
            Ok(docker) => docker,
            Err(ending) => return ending,
        };
        let was = match self.inspect(&docker, name).await {
            Ok(found) => found,
            Err(cause) => return Ending::Failed(cause),
        };
        let changed = !runs(&was);
        if changed && let Err(error) = docker.start_container(name, None::<StartContainerOptions>).await {
            return Ending::Failed(self.refused(&format!("{name} cannot be started"), &clean(&root(&error))));
        }
        match self.inspect(&docker, name).await {
            Ok(now) if runs(&now) => done(changed, Some(note(&addresses(&now), before))),
            Ok(now) => Ending::Failed(self.ended(name, &now)),
            Err(cause) => Ending::Failed(cause),
        }
    }

    async fn inspect(&self, docker: &Docker, name: &str) -> Result<ContainerInspectResponse, Cause> {
        let found = docker.inspect_container(name, None::<InspectContainerOptions>).await;
        found.map_err(|error| self.refused(&format!("{name} cannot be looked at"), &clean(&root(&error))))
    }

    fn ended(&self, name: &str, now: &ContainerInspectResponse) -> Cause {
        let state = now.state.as_ref();
        let code = state.and_then(|state| state.exit_code).unwrap_or_default();
        let said = state.and_then(|state| state.error.clone()).unwrap_or_default();
        let message = format!("{name} ended right after its start with {code}: {}", clean(&said));
        let remedy = Some(format!("see what it says: docker logs {name}"));
        Cause { remedy, ..failure(self.task, "container-ended", "Ended", message.trim_end_matches(": ")) }
    }

    pub(super) async fn trust(&self, door: &Door, name: &str) -> Ending {
        let docker = match self.open(door).await {
            Ok(docker) => docker,
            Err(ending) => return ending,
        };
        match self.shell(&docker, name, TRUSTED).await {
            Ok(said) if said.code == 0 => return done(false, None),
            Ok(_) => {}
            Err(cause) => return Ending::Failed(cause),
        }
        let acted = self.shell(&docker, name, TRUST).await;
        let proof = self.shell(&docker, name, TRUSTED).await;
        match (acted, proof) {
            (Ok(Ended { code: 0, .. }), Ok(Ended { code: 0, .. })) => done(true, None),
            (Err(cause), _) | (_, Err(cause)) => Ending::Failed(cause),
            (Ok(said), _) => {
                let message = format!("{name} does not trust the authority: {}", said.words());
                Ending::Failed(failure(self.task, "not-trusted", "NotTrusted", &message))
            }
        }
    }

    /// Runs a line of shell in a container.
    pub(super) async fn shell(&self, docker: &Docker, name: &str, line: &str) -> Result<Ended, Cause> {
        let ended = exec::run(docker, name, &["sh", "-c", line]).await;
        ended.map_err(|why| self.refused(&format!("a command cannot be run in {name}"), &why))
    }

    fn refused(&self, what: &str, why: &str) -> Cause {
        let message = format!("{what}: {why}");
        Cause { outlook: Outlook::Stuck, ..failure(self.task, "engine-refused", "Refused", &message) }
    }
}

fn runs(found: &ContainerInspectResponse) -> bool {
    found.state.as_ref().and_then(|state| state.running) == Some(true)
}

fn addresses(found: &ContainerInspectResponse) -> Vec<IpAddr> {
    let networks = found.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    let given =
        networks.into_iter().flatten().flat_map(|(_, network)| [&network.ip_address, &network.global_ipv6_address]);
    given.filter_map(|address| address.as_ref()?.parse().ok()).collect()
}

fn note(now: &[IpAddr], before: Option<IpAddr>) -> String {
    let said: Vec<String> = now.iter().map(ToString::to_string).collect();
    match before {
        Some(before) if !now.contains(&before) => format!("its address moved from {before} to {}", said.join(", ")),
        _ => said.join(", "),
    }
}
