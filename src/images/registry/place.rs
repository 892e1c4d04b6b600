//! Where an image lies. Pure.

/// Docker Hub answers there. Source: `github.com/distribution/reference` and docker's registry service.
const DOCKER_HUB: &str = "registry-1.docker.io";

/// An image's place in its registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// As Secrets name it.
    pub(super) registry: String,
    pub(super) repository: String,
    /// A tag, or a digest, which counts for more.
    pub(super) reference: String,
}

impl Place {
    /// Of a whole name.
    pub(super) fn of(full: &str) -> Self {
        let (registry, rest) = full.split_once('/').unwrap_or_default();
        let (name, digest) = rest.split_once('@').map_or((rest, None), |(name, digest)| (name, Some(digest)));
        let (repository, tag) = name.rsplit_once(':').unwrap_or((name, "latest"));
        let own = |text: &str| text.to_owned();
        Self { registry: own(registry), repository: own(repository), reference: own(digest.unwrap_or(tag)) }
    }

    /// What answers for the registry: only on this very machine without TLS, as docker does it.
    fn root(&self) -> String {
        let host = if self.registry == "docker.io" { DOCKER_HUB } else { &self.registry };
        let scheme = if is_here(host) { "http" } else { "https" };
        format!("{scheme}://{host}/v2/{}", self.repository)
    }

    pub(super) fn manifest(&self) -> String {
        format!("{}/manifests/{}", self.root(), self.reference)
    }

    pub(super) fn blob(&self, digest: &str) -> String {
        format!("{}/blobs/{digest}", self.root())
    }
}

/// Whether a host, with or without a port, is this machine by its name.
pub(super) fn is_here(host: &str) -> bool {
    let name = host.rsplit_once(':').filter(|(_, port)| port.parse::<u16>().is_ok()).map_or(host, |(name, _)| name);
    name == "localhost" || name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::full_name;

    #[test]
    fn where_an_image_is_asked_for() {
        let table = [
            ("busybox", "https://registry-1.docker.io/v2/library/busybox/manifests/latest"),
            ("quay.io/metallb/speaker:v0.16.1", "https://quay.io/v2/metallb/speaker/manifests/v0.16.1"),
            ("r.example:5000/a/b:1@sha256:00", "https://r.example:5000/v2/a/b/manifests/sha256:00"),
            ("127.0.0.1:5000/a:1", "http://127.0.0.1:5000/v2/a/manifests/1"),
            ("localhost/a:1", "http://localhost/v2/a/manifests/1"),
            ("localhost.example.org/a:1", "https://localhost.example.org/v2/a/manifests/1"),
        ];
        for (image, url) in table {
            assert_eq!(Place::of(&full_name(image)).manifest(), url);
        }
    }
}
