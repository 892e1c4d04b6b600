use super::*;

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// What `tests/cluster/kind-record` recorded of a case.
fn recorded(case: &str, file: &str) -> Vec<String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kind");
    lines(&std::fs::read_to_string(root.join(case).join(file)).unwrap())
}

#[test]
fn stages_lose_their_pictures() {
    let begun = |text: &str| Some(Stage::Begun(text.to_owned()));
    assert_eq!(
        stage(" • Ensuring node image (kindest/node:v1.34.0) 🖼  ..."),
        begun("Ensuring node image (kindest/node:v1.34.0)")
    );
    assert_eq!(stage(" • Preparing nodes 📦 📦 📦   ..."), begun("Preparing nodes"));
    assert_eq!(stage(" ✓ Starting control-plane 🕹️"), Some(Stage::Done("Starting control-plane".to_owned())));
    assert_eq!(stage(" ✗ Joining worker nodes 🚜"), Some(Stage::Failed("Joining worker nodes".to_owned())));
    for line in ["", "Creating cluster \"kind\" ...", "ERROR: failed", "Set kubectl context to \"kind-kind\""] {
        assert_eq!(stage(line), None, "{line}");
    }
}

#[test]
fn the_stages_of_a_real_creation_are_told() {
    let told: Vec<String> = recorded("three", "stderr")
        .iter()
        .filter_map(|line| match stage(line) {
            Some(Stage::Begun(text)) => Some(text),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [
            "Ensuring node image (kindest/node:v1.34.4)",
            "Preparing nodes",
            "Writing configuration",
            "Starting control-plane",
            "Installing CNI",
            "Installing StorageClass",
            "Joining worker nodes",
            "Waiting 1m0s for control-plane = Ready",
            "Ready after 1s"
        ]
    );
}

#[test]
fn real_failures_are_explained() {
    let table = [
        ("name-taken", "cluster-exists", "node(s) already exist for a cluster with the name"),
        ("name-bad", "bad-name", "'Bad_Name' is not a valid cluster name"),
        ("port-taken", "port-taken", "listen tcp4 127.0.0.1:28080: bind: address already in use"),
        ("image-missing", "no-node-image", "failed to pull image \"kindest/node:v0.0.1\""),
        ("config-not-yaml", "bad-config", "yaml: line 2: did not find expected node content"),
        ("config-unknown-field", "bad-config", "unable to decode config"),
        ("engine-stopped", "no-engine", "Is the docker daemon running?"),
        ("engine-absent", "no-client", "\"docker\": executable file not found in $PATH"),
        ("kubelet-fails", KUBELET, "The kubelet is not healthy after 4m0.001580839s"),
        ("pods-fail", CONTROL_PLANE, "kube-apiserver is not healthy after 4m0.000980929s"),
        ("kubeadm-refuses", UNKNOWN, "kind ended with 1: time: invalid duration \"soon\""),
    ];
    for (case, id, words) in table {
        let cause = explain(&recorded(case, "stderr"), Some(1));
        assert!(cause.id == id && cause.message.contains(words), "{case}: {} {}", cause.id, cause.message);
    }
}

#[test]
fn the_journal_of_a_node_says_more_than_kind() {
    let shallow = explain(&recorded("kubelet-fails-retain", "stderr"), Some(1));
    assert!(is_shallow(&shallow), "{}", shallow.id);
    let cause = recognise(&recorded("kubelet-fails-retain", "journal")).unwrap();
    assert_eq!(cause.id, "kubelet-ends");
    assert!(
        cause.message.contains("podsPerCore (--pods-per-core) -1 must not be a negative number"),
        "{}",
        cause.message
    );
}

#[test]
fn what_goes_well_is_no_failure() {
    for case in ["one", "three", "one-verbose", "wait-over", "delete", "delete-none"] {
        assert_eq!(recognise(&recorded(case, "stderr")), None, "{case}");
    }
}

#[test]
fn what_is_nearest_to_the_root_is_told() {
    let said = "[kubelet-check] The kubelet is not healthy after 4m0s\nwrite /var/x: no space left on device\nERROR: failed to create cluster: failed to init node with kubeadm: exit status 1";
    let cause = explain(&lines(said), Some(1));
    assert_eq!((cause.id.as_str(), cause.reason.as_str()), ("H005", "DiskFull"));
    assert!(cause.message.ends_with("write /var/x: no space left on device"), "{}", cause.message);
}

#[test]
fn what_is_not_known_is_repeated() {
    let cause = explain(&lines("Creating\nERROR: failed to create cluster: the moon is full\nStack Trace:"), Some(1));
    assert_eq!(cause.id, UNKNOWN);
    assert_eq!(cause.message, "kind ended with 1: failed to create cluster: the moon is full");
    assert_eq!(explain(&[], None).message, "kind was killed: it said nothing");
    let long = format!("ERROR: {}end", "x".repeat(1000));
    assert!(explain(&lines(&long), Some(1)).message.ends_with("xend"));
}

#[test]
fn every_way_to_fail_is_known_by_its_own_words() {
    for known in KNOWN {
        let cause = recognise(&[known.words.join(" ")]).unwrap();
        assert_eq!((cause.id.as_str(), cause.reason.as_str()), (known.id, known.reason));
        assert!(cause.remedy.is_some_and(|remedy| !remedy.is_empty() && !remedy.ends_with('.')));
    }
}
