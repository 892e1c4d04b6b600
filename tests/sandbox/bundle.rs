//! Support bundles of a sandbox: nothing secret in any byte, the preview and the archive the same, and judged as the cluster itself.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use http::Response;
use seaworthy::cluster::Meter;
use seaworthy::doctor::bundle::redact::Sealer;
use seaworthy::doctor::bundle::{Options, Wanted, file, gather, pack};
use seaworthy::sandbox::Kind;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::support::{Harbour, SEA};
use crate::test::{Output, Test};

const SECRET: &str = "Gr4nite-Lantern!58";

/// As it stands, in an address, in base64, and in base64 with `app:` before it, of which what hangs on it alone.
fn spellings() -> [String; 4] {
    let behind = base64(&format!("app:{SECRET}"));
    [SECRET.to_owned(), "Gr4nite-Lantern%2158".to_owned(), base64(SECRET), behind[6..behind.len() - 4].to_owned()]
}

fn base64(text: &str) -> String {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec())).unwrap().as_str().unwrap().to_owned()
}

/// A Secret, and its value where programs and people leave it.
async fn planted() -> Harbour {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let says = vec![format!("connected as app:{SECRET}"), format!("header {}", base64(&format!("app:{SECRET}")))];
    harbour.sandbox.simulate(&[], (SEA, &BTreeMap::from([("web".to_owned(), says)])));
    let meta = |name: &str| json!({"name": name, "namespace": SEA, "annotations": {"note": format!("it is {SECRET}")}});
    for object in [
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": meta("db"), "data": {"password": base64(SECRET)}}),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("c"), "data": {"a": format!("u=app%3A{}", "Gr4nite-Lantern%2158")}}),
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": SEA, "labels": {"app.kubernetes.io/component": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:1", "env": [{"name": "GREETING", "value": SECRET}]}]}}),
    ] {
        harbour.make(&object).await.unwrap();
    }
    harbour.sandbox.rest(60);
    harbour
}

/// All files of an archive, by their paths below its folder.
fn unpacked(path: &Path) -> BTreeMap<String, String> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().components().skip(1).collect::<std::path::PathBuf>().display().to_string();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        files.insert(path, text);
    }
    files
}

#[tokio::test]
async fn no_byte_of_the_archive_holds_a_secret() {
    let harbour = planted().await;
    let cluster = harbour.sandbox.cluster(Meter::new(true));
    for with_config in [false, true] {
        let material = gather(&cluster, &Wanted::default()).await;
        let bundle = pack(material, None, Options { with_config }, Sealer::random().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.tar.gz");
        file::write(&bundle, &path).unwrap();
        let files = unpacked(&path);
        for (name, text) in &files {
            for spelling in spellings() {
                assert!(!text.contains(&spelling) && !name.contains(&spelling), "{name}: {text}");
            }
        }
        let log = &files["logs/sea/web/web.log"];
        assert!(log.contains("connected as app:<hidden:"), "{log}");
        assert!(files["objects/sea/Pod.yaml"].contains("GREETING"));
        assert!(files["objects/sea/ConfigMap.yaml"].contains("<hidden:"), "the annotation is there");
    }
}

/// Everything but one kind can be read.
#[tokio::test]
async fn a_collector_that_fails_is_a_line_and_no_end() {
    let harbour = planted().await;
    let refusing = |path: &'static str| {
        harbour.sandbox.cluster_through(Meter::new(true), move |quay| {
            let refuse = move |request: http::Request<kube::client::Body>| {
                let quay = quay.clone();
                async move {
                    if !request.uri().path().contains(path) {
                        return quay.oneshot(request).await;
                    }
                    let gone = std::io::Error::other("the connection was cut");
                    Err::<Response<_>, tower::BoxError>(gone.into())
                }
            };
            tower::util::BoxCloneService::new(tower::service_fn(refuse))
        })
    };
    for (path, what) in [
        ("/configmaps", "ConfigMap: "),
        ("/log", "log of container web of Pod/sea/web: "),
        ("/secrets", "values of Secrets, to hide them wherever they stand: "),
    ] {
        let cluster = refusing(path);
        let material = gather(&cluster, &Wanted::default()).await;
        let bundle = pack(material, None, Options::default(), Sealer::random().unwrap()).unwrap();
        let text =
            |path: &str| bundle.files.iter().find(|file| file.path == path).map(|file| file.text.clone()).unwrap();
        let unread = text("unread.txt");
        assert!(
            unread.lines().any(|line| line.starts_with(what) && line.contains("the connection was cut")),
            "{path}: {unread}"
        );
        assert!(text("objects/sea/Pod.yaml").contains("name: web"), "the others are there");
    }
}

const INSTALL: &str = "install telemetry-pipeline --sandbox --yes --timeout 60s";

fn broken() -> Output {
    let output = Test::new().line("sandbox fault inject image-missing").any_stderr().run();
    Test::after(output).line(INSTALL).status(1).any_stderr().run()
}

/// How long something has been so differs from one reading to the next.
fn findings(document: &Value) -> String {
    let of = |finding: &Value| json!([finding["id"], finding["object"], finding["message"], finding["causes"]]);
    let all: Value = document["findings"].as_array().unwrap().iter().map(of).collect();
    all.to_string().replace(|letter: char| letter.is_ascii_digit(), "")
}

#[test]
fn a_bundle_is_judged_as_the_cluster_itself() {
    let output = Test::after(broken()).line("doctor --sandbox -o json").any_status().any_stdout().any_stderr().run();
    let live = output.json();
    let output = Test::after(output).line("bundle --sandbox --to b.tar.gz").any_stdout().any_stderr().run();
    assert!(output.stdout.starts_with("b.tar.gz: "), "{}", output.stdout);
    let files = unpacked(&output.home.path().join("b.tar.gz"));
    assert!(files.keys().any(|path| path.starts_with("runs/")), "{:?}", files.keys());
    let packed: Value = serde_json::from_str(&files["findings.json"]).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../docs/doctor.schema.json")).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> =
        schema.iter_errors(&packed).map(|fault| format!("{fault} at {}", fault.instance_path())).collect();
    assert_eq!(faults, [""; 0], "{packed:#}");
    let output =
        Test::after(output).line("doctor --from b.tar.gz -o json").any_status().any_stdout().any_stderr().run();
    let read = output.json();
    assert!(!live["findings"].as_array().unwrap().is_empty(), "something is wrong");
    assert_eq!(findings(&read), findings(&live));
    assert_eq!(findings(&packed), findings(&live));
    let why = Test::after(output)
        .line("why deploy/telemetry-pipeline-mq -n telemetry-pipeline --from b.tar.gz")
        .any_status()
        .any_stdout()
        .run();
    assert!(why.stdout.contains("\nwhy:     the image `"), "{}", why.stdout);
    assert!(why.stdout.ends_with("managed: by stack telemetry-pipeline of Seaworthy\n"), "{}", why.stdout);
}

/// The archive has the journals of this machine, and nobody takes it for a picture of the cluster.
#[test]
fn a_bundle_with_nothing_of_the_cluster_is_no_success() {
    let broken = Test::new().line("sandbox fault inject certificate-expired").any_stderr().run();
    let output = Test::after(broken).line("bundle --sandbox --to b.tar.gz").status(1).any_stdout().any_stderr().run();
    let unread: Vec<&str> = output.stderr.lines().filter(|line| line.starts_with("not read: ")).collect();
    assert!((1..=4).contains(&unread.len()), "each reason once: {}", output.stderr);
    assert!(
        unread.iter().any(|line| line.ends_with("more (unread.txt names all): the server's certificate has expired")),
        "{unread:#?}"
    );
    assert!(output.stderr.contains("nothing of the cluster could be read"), "{}", output.stderr);
    assert!(unpacked(&output.home.path().join("b.tar.gz")).contains_key("unread.txt"));
}

#[test]
fn the_preview_lists_what_would_be_written() {
    let output = Test::after(broken())
        .line("bundle telemetry-pipeline --sandbox --preview -o json")
        .any_stdout()
        .any_stderr()
        .run();
    let preview = output.json();
    assert_eq!(
        (&preview["kind"], &preview["file"], &preview["preview"]),
        (&"Bundle".into(), &Value::Null, &true.into())
    );
    let is_archive =
        |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().to_string_lossy().ends_with("tar.gz");
    assert!(!std::fs::read_dir(output.home.path()).unwrap().any(is_archive), "nothing is written");
    let output = Test::after(output)
        .line("bundle telemetry-pipeline --sandbox --to b.tar.gz -o json")
        .any_stdout()
        .any_stderr()
        .run();
    let written = output.json();
    let paths = |document: &Value| -> Vec<String> {
        document["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
    };
    let mut listed = paths(&written);
    assert_eq!(paths(&preview), listed);
    listed.sort();
    let files = unpacked(&output.home.path().join("b.tar.gz"));
    assert_eq!(files.keys().cloned().collect::<Vec<_>>(), listed);
    for file in written["files"].as_array().unwrap() {
        assert_eq!(file["size"], files[file["path"].as_str().unwrap()].len());
    }
    let text =
        Test::after(output).line("bundle telemetry-pipeline --sandbox --preview").any_stdout().any_stderr().run();
    assert!(listed.iter().all(|path| text.stdout.contains(path)), "{}", text.stdout);
}

#[test]
fn bad_input_is_named_before_anything_is_read() {
    for (line, said) in [
        (
            "bundle --to there.tar.gz",
            "error: there.tar.gz is there already; nothing was written\n hint: choose another name with --to, or move that file away",
        ),
        (
            "bundle --to no/b.tar.gz",
            "error: no/b.tar.gz: its folder is not there\n hint: make the folder, or choose another with --to",
        ),
        (
            "bundle --to /",
            "error: / is there already; nothing was written\n hint: choose another name with --to, or move that file away",
        ),
    ] {
        Test::new().file("there.tar.gz", "x").line(line).touches_nothing().status(2).stderr(said).run();
    }
    let output = Test::new().file("b.tar.gz", "\u{1f}x").line("doctor --from b.tar.gz").status(2).any_stderr().run();
    assert!(output.stderr.starts_with("error: b.tar.gz: "), "{}", output.stderr);
    let output = Test::new()
        .before("printf 'no evidence' | gzip > b.tar.gz")
        .env("PATH", "/usr/bin:/bin")
        .line("doctor --from b.tar.gz")
        .status(2)
        .any_stderr()
        .run();
    assert!(output.stderr.starts_with("error: b.tar.gz: ") && output.stderr.contains("hint: "), "{}", output.stderr);
}
