//! The whole name of an image, as a container runtime keeps it.

/// The name with registry, folder and tag, where they were left out: `busybox` is `docker.io/library/busybox:latest`. Source:
/// `github.com/distribution/reference`, `normalize.go`.
pub fn full_name(image: &str) -> String {
    let (registry, rest) = match image.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) || first == "localhost" => (first, rest.to_owned()),
        _ => ("docker.io", image.to_owned()),
    };
    let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
    let rest = if registry == "docker.io" && !rest.contains('/') { format!("library/{rest}") } else { rest };
    let last = rest.rsplit('/').next().unwrap_or_default();
    let tag = if last.contains([':', '@']) { "" } else { ":latest" };
    format!("{registry}/{rest}{tag}")
}

/// The registry of an image, as Secrets name it.
pub fn registry_of(image: &str) -> String {
    full_name(image).split('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::full_name;

    #[test]
    fn what_is_left_out_is_what_every_runtime_takes_it_for() {
        let table = [
            ("busybox", "docker.io/library/busybox:latest"),
            ("busybox:1.36", "docker.io/library/busybox:1.36"),
            ("openkruise/kruise-manager:v1.8.3", "docker.io/openkruise/kruise-manager:v1.8.3"),
            ("localhost:5000/core:1", "localhost:5000/core:1"),
            ("localhost/core", "localhost/core:latest"),
            ("quay.io/coreos/etcd@sha256:00", "quay.io/coreos/etcd@sha256:00"),
            ("index.docker.io/library/busybox:1", "docker.io/library/busybox:1"),
        ];
        for (written, whole) in table {
            assert_eq!(full_name(written), whole);
        }
    }
}
