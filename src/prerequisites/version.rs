//! Versions of images and of servers.

use semver::Version;
use serde_json::Value;

use crate::object::{items, text};

/// The version in an image's name: the tag, when it is `vX.Y.Z` or `X.Y.Z` with or without a suffix. Tags of another shape
/// (kind's `v20260521-9fb22683`, a digest alone) say nothing about how old the image is.
pub(crate) fn of_image(image: &str) -> Option<Version> {
    let named = image.split('@').next().unwrap_or_default();
    let (_, tag) = named.rsplit('/').next()?.rsplit_once(':')?;
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}

/// The image of a workload's first container whose name holds `part`.
pub(super) fn image_of<'a>(workload: &'a Value, part: &str) -> Option<&'a str> {
    items(workload, "/spec/template/spec/containers")
        .filter_map(|container| text(container, "/image"))
        .find(|image| image.contains(part))
}

/// Major and minor of a server's `gitVersion`, such as `v1.34.2+k3s1`.
pub(super) fn of_server(git_version: &str) -> Option<(u64, u64)> {
    let mut parts = git_version.trim_start_matches('v').split('.');
    let number = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    Some((number(parts.next()?)?, number(parts.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_version_only_when_it_looks_like_one() {
        let table = [
            ("docker.io/rancher/local-path-provisioner:v0.0.37", Some("0.0.37")),
            ("localhost:5000/metallb/controller:v0.16.1@sha256:00", Some("0.16.1")),
            ("rancher/mirrored-metrics-server:v0.8.1-build2", Some("0.8.1-build2")),
            ("docker.io/kindest/local-path-provisioner:v20260521-9fb22683", None),
            ("localhost:5000/controller", None),
            ("controller@sha256:00", None),
        ];
        for (image, version) in table {
            assert_eq!(of_image(image).map(|version| version.to_string()).as_deref(), version, "{image}");
        }
    }

    #[test]
    fn a_servers_version_may_have_a_suffix() {
        assert_eq!(of_server("v1.34.2+k3s1"), Some((1, 34)));
        assert_eq!(of_server("v1.27+"), Some((1, 27)));
        assert_eq!(of_server("unknown"), None);
    }
}
