//! What goes into a bundle and what does not, of material made by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::pack::Findings;
use super::redact::Sealer;
use super::*;
use crate::doctor::report::{Choice, judge};
use crate::error::Explain as _;

const SECRET: &str = "Gr4nite-Lantern!58";

fn sealer() -> Sealer {
    Sealer::with_key([3; 32])
}

/// The value of a Secret, everywhere where it should not be.
fn material() -> Material {
    let mut objects = Snapshot::default();
    let applied = json!({"kind": "Secret", "stringData": {"password": SECRET}}).to_string();
    for object in [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db", "namespace": "shop", "annotations":
            {"kubectl.kubernetes.io/last-applied-configuration": applied}}, "data": {"password": STANDARD.encode(SECRET)}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"},
            "data": {"app.ini": format!("colour = blue\nlink = tcp/{SECRET}/x")}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop",
            "managedFields": [{"manager": "x"}]}, "spec": {"containers": [{"name": "web", "image": "web:1",
            "args": ["--password", "other-Pass-77", "--verbose"],
            "env": [{"name": "GREETING", "value": SECRET}, {"name": "COLOUR", "value": "blue"}]}]}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "else", "namespace": "other"}, "spec": {}}),
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
    ] {
        objects.insert(object);
    }
    let mut snapshot = Snapshot::default();
    for object in objects.objects() {
        snapshot.insert(crate::doctor::evidence::kept(object.clone()));
    }
    snapshot.insert(
        json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": "e", "namespace": "shop"}, "reason": "Failed",
        "lastTimestamp": "2026-11-20T09:59:00Z", "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web"},
        "message": format!("said {SECRET}\u{1b}[2J")}),
    );
    let taken = "2026-11-20T10:00:00Z".parse().unwrap();
    let log = Log {
        namespace: "shop".into(),
        pod: "web".into(),
        container: "web".into(),
        previous: true,
        text: format!("started\nlogging in with {SECRET}\n{}\n", STANDARD.encode(format!("app:{SECRET}"))),
        cut: Some("only its end".into()),
    };
    Material {
        evidence: Some(Evidence::new(snapshot, taken)),
        objects,
        logs: vec![log],
        runs: vec![(
            "20261120-095900".into(),
            format!("{{\"entry\":\"opened\",\"note\":\"{SECRET}\"}}\n{{\"cut off {SECRET}"),
        )],
        gaps: vec![Gap::new("Lease", "forbidden\nfor you")],
        cluster: ClusterFacts { context: "try/../it".into(), ..ClusterFacts::default() },
        taken,
        namespace: None,
    }
}

fn packed(material: Material, with_config: bool) -> Bundle {
    let report = judge(material.evidence.as_ref().unwrap(), &Choice::default());
    let findings = Findings { text: format!("all well, {SECRET}\n"), document: serde_json::to_value(&report).unwrap() };
    pack(material, Some(findings), Options { with_config }, sealer()).unwrap()
}

fn file<'a>(bundle: &'a Bundle, path: &str) -> &'a str {
    let found = bundle.files.iter().find(|file| file.path == path);
    &found
        .unwrap_or_else(|| panic!("no {path} in {:?}", bundle.files.iter().map(|file| &file.path).collect::<Vec<_>>()))
        .text
}

#[test]
fn a_secret_is_in_no_file_and_has_one_token_everywhere() {
    let token = redact::Redactor::new(sealer(), redact::Known::default()).token(SECRET);
    for with_config in [false, true] {
        let bundle = packed(material(), with_config);
        for file in &bundle.files {
            for spelling in
                [SECRET.to_owned(), STANDARD.encode(SECRET), STANDARD.encode(format!("app:{SECRET}"))[6..20].to_owned()]
            {
                assert!(!file.text.contains(&spelling), "{}: {}", file.path, file.text);
            }
            assert!(!file.text.contains('\u{1b}') && !file.path.contains(".."), "{}", file.path);
        }
        for path in [
            "objects/shop/Secret.yaml",
            "objects/shop/Pod.yaml",
            "logs/shop/web/web.previous.log",
            "events/shop.txt",
            "runs/20261120-095900.jsonl",
            "findings.txt",
            "evidence.json",
        ] {
            assert!(file(&bundle, path).contains(&token), "{path}: {}", file(&bundle, path));
        }
        assert_eq!(file(&bundle, "objects/shop/ConfigMap.yaml").contains(&token), with_config);
        assert_eq!(file(&bundle, "objects/shop/ConfigMap.yaml").contains("colour = blue"), with_config);
        assert_eq!(bundle.name, "seaworthy-try-..-it-20261120-100000");
    }
}

#[test]
fn what_is_no_secret_stays_readable() {
    let bundle = packed(material(), false);
    let pod = file(&bundle, "objects/shop/Pod.yaml");
    assert!(pod.contains("COLOUR") && pod.contains("blue") && pod.contains("--verbose"), "{pod}");
    assert!(!pod.contains("other-Pass-77") && !pod.contains("managedFields"), "{pod}");
    assert!(file(&bundle, "logs/shop/web/web.previous.log").starts_with("[seaworthy: only its end]\nstarted\n"));
    assert!(file(&bundle, "nodes.txt").starts_with("n1: ready, "));
    assert_eq!(file(&bundle, "unread.txt"), "Lease: forbidden for you\n");
    assert!(file(&bundle, "objects/shop/ConfigMap.yaml").contains("app.ini"));
    let manifest: Value = serde_json::from_str(file(&bundle, manifest::FILE)).unwrap();
    assert_eq!(manifest["files"].as_array().unwrap().len() + 1, bundle.files.len());
    let places: Vec<&str> =
        manifest["hidden"].as_array().unwrap().iter().map(|entry| entry["at"].as_str().unwrap()).collect();
    assert!(places.contains(&"Secret/shop/db: data.password"), "{places:?}");
    assert!(places.contains(&"Pod/shop/web: spec.containers[0].args[1]"), "{places:?}");
}

#[test]
fn a_namespace_limits_objects_and_logs() {
    let bundle = packed(Material { namespace: Some("other".into()), ..material() }, false);
    assert!(bundle.files.iter().any(|file| file.path == "objects/other/Pod.yaml"));
    assert!(!bundle.files.iter().any(|file| file.path.starts_with("objects/shop")));
    assert!(bundle.files.iter().any(|file| file.path == "objects/_cluster/Node.yaml"));
}

#[test]
fn secrets_that_may_not_be_read_are_said() {
    let mut material = material();
    material.gaps.push(Gap::new("Secret", "secrets is forbidden"));
    let bundle = packed(material, false);
    assert!(file(&bundle, "unread.txt").contains("values of Secrets, to hide them wherever they stand: "));
}

/// As in every other demonstration: the bundle is written all the same, and readable.
#[test]
fn a_password_that_is_a_word_keeps_nobody_from_a_bundle() {
    for password in ["password", "hidden", "secret", "postgres", "manifest", "kubernetes"] {
        let mut material = material();
        material
            .objects
            .insert(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "demo", "namespace": "shop"},
            "data": {"POSTGRES_PASSWORD": STANDARD.encode(password)}}));
        material.objects.insert(
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shop-postgres-0", "namespace": "shop"},
            "spec": {"containers": [{"name": "db", "env": [{"name": "POSTGRES_PASSWORD", "value": password}]}]}}),
        );
        let bundle = packed(material, true);
        let secrets = file(&bundle, "objects/shop/Secret.yaml");
        assert!(secrets.contains("POSTGRES_PASSWORD: <hidden:"), "{password}: {secrets}");
        let pods = file(&bundle, "objects/shop/Pod.yaml");
        assert!(
            pods.contains("POSTGRES_PASSWORD") && !pods.contains(&format!("value: {password}")),
            "{password}: {pods}"
        );
    }
}

/// What is hidden as a pattern in a log may be found otherwise in a name: the last look does not let it through.
#[test]
fn what_would_still_be_there_stops_the_writing() {
    let mut material = material();
    material.cluster.context = "it".into();
    // The manifest repeats the namespace, which nobody redacts.
    material.namespace = Some("ghp_q7Zp2LkV9xTn4RbW8sYdE1mC6hQ3wX5yU7iO".into());
    let leak = pack(material, None, Options::default(), sealer()).unwrap_err();
    assert_eq!(leak.to_string(), "manifest.json:12: the rule `github-token` still finds a secret; nothing was written");
    assert!(leak.hint().is_some() && leak.id() == "bundle-leak");
}

#[test]
fn an_archive_is_read_again_and_never_written_over() {
    use std::os::unix::fs::PermissionsExt as _;
    let bundle = packed(material(), false);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("b.tar.gz");
    let size = super::file::write(&bundle, &path).unwrap();
    let metadata = std::fs::metadata(&path).unwrap();
    assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (size, 0o600));
    assert_eq!(super::file::evidence(&path).unwrap().as_deref(), Some(file(&bundle, "evidence.json")));
    let again = super::file::write(&bundle, &path).unwrap_err();
    assert_eq!((again.id(), std::fs::metadata(&path).unwrap().len()), ("bundle-exists", size));
    assert_eq!(super::file::write(&bundle, &folder.path().join("no/b.tar.gz")).unwrap_err().id(), "bundle-folder");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    std::fs::write(folder.path().join("text"), "no gzip").unwrap();
    assert_eq!(super::file::evidence(&folder.path().join("text")).unwrap(), None);
    std::fs::write(&path, &std::fs::read(&path).unwrap()[..100]).unwrap();
    assert!(super::file::evidence(&path).is_err(), "it is cut off");
}
