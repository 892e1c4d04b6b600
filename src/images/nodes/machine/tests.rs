use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::*;
use crate::host::testing::{in_folder, write};

#[test]
fn containers_are_those_that_the_pods_tell() {
    let mut pods = Snapshot::default();
    let status = |id: &str| json!({"containerID": id});
    pods.insert(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n"}, "status": {
        "initContainerStatuses": [status("containerd://11")],
        "containerStatuses": [status("containerd://22"), status(""), {}, status("docker://33")]}}));
    pods.insert(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b", "namespace": "n"}}));
    assert_eq!(Vec::from_iter(containers(&pods)), ["11", "22"]);
}

/// Files that can be executed; nothing executes them here.
fn machine(programs: &[&str]) -> (tempfile::TempDir, Surroundings) {
    let folder = tempfile::tempdir().unwrap();
    let mut here = in_folder(folder.path());
    for program in programs {
        let file = here.at_root(program);
        write(&file, "#!/bin/sh\n");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    here.variables.insert("PATH".to_owned(), here.at_root("/usr/bin").display().to_string());
    (folder, here)
}

fn found(programs: &[&str], k3s: bool) -> Result<(String, String), String> {
    let (folder, here) = machine(programs);
    let root = folder.path().display().to_string();
    let told = |words: &[String]| words.join(" ").replace(&root, "");
    super::programs(&here, k3s).map(|found| (told(&found.ctr), told(&found.crictl)))
}

#[test]
fn a_k3s_brings_its_programs_and_others_are_on_the_path() {
    let words = |ctr: &str, crictl: &str| Ok((ctr.to_owned(), crictl.to_owned()));
    let all = ["/usr/local/bin/k3s", "/usr/bin/ctr", "/usr/bin/crictl"];
    assert_eq!(found(&all, true), words("/usr/local/bin/k3s ctr", "/usr/local/bin/k3s crictl"));
    assert_eq!(found(&all, false), words("/usr/bin/ctr", "/usr/bin/crictl"));
    assert_eq!(found(&all[1..2], false), words("/usr/bin/ctr", ""));
    assert_eq!(found(&all[1..2], true), words("/usr/bin/ctr", ""));
    assert_eq!(found(&["/usr/local/bin/ctr"], false), words("/usr/local/bin/ctr", ""));
    assert!(found(&all[..1], false).unwrap_err().contains("ctr, which comes with containerd, is not on the PATH"));
    assert!(found(&[], true).unwrap_err().contains("neither k3s nor ctr is on the PATH"));
}
