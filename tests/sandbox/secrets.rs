//! Secrets in backups: they leave only encrypted, and what is gone of them comes back with the key.

use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret as _;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use seaworthy::sandbox::{Kind, Sandbox};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::test::{Output, Test};

const PASSWORD: &str = "aHVudGVyMg==";

fn secret(name: &str, kind: &str) -> Secret {
    let secret =
        json!({"type": kind, "metadata": {"name": name, "labels": {"mine": "yes"}}, "data": {"password": PASSWORD}});
    serde_json::from_value(secret).unwrap()
}

/// Somebody else changes the Secrets of the sandbox in which the program has installed something.
fn by_hand<T>(output: &Output, work: impl AsyncFnOnce(Api<Secret>) -> T) -> T {
    let sandbox = Sandbox::open(&output.state(), Kind::SingleNode).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let done = runtime.block_on(async { work(Api::namespaced(sandbox.client(), "hello")).await });
    sandbox.save().unwrap();
    done
}

#[track_caller]
fn then(output: Output, line: &str, status: i32) -> Output {
    Test::after(output).line(line).any_stdout().any_stderr().status(status).run()
}

/// A key: its file, and its public part.
fn key(folder: &TempDir, name: &str) -> (PathBuf, String) {
    let key = age::x25519::Identity::generate();
    let path = folder.path().join(name);
    std::fs::write(&path, format!("{}\n", key.to_string().expose_secret())).unwrap();
    (path, key.to_public().to_string())
}

/// Whether a text is in any file below a folder, but for the sandbox's own, which is the cluster.
fn is_anywhere(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).into_iter().flatten().flatten().any(|entry| {
        let path = entry.path();
        let has = |bytes: Vec<u8>| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        if path.is_dir() {
            !path.ends_with("sandbox") && is_anywhere(&path, text)
        } else {
            std::fs::read(path).is_ok_and(has)
        }
    })
}

#[test]
fn secrets_leave_only_encrypted_and_come_back_with_the_key() {
    let keys = tempfile::tempdir().unwrap();
    let ((own, public), (other, _)) = (key(&keys, "own"), key(&keys, "other"));
    let installed = Test::new().line("install hello --sandbox --yes").any_stdout().any_stderr().run();
    by_hand(&installed, async |secrets| {
        for name in ["gone", "changed", "same"] {
            secrets.create(&PostParams::default(), &secret(name, "Opaque")).await.unwrap();
        }
        let token = secret("token", "kubernetes.io/service-account-token");
        secrets.create(&PostParams::default(), &token).await.unwrap();
    });
    let saved = then(installed, &format!("backup hello --sandbox --yes --with-secrets {public} -o json"), 0);
    let document = saved.json();
    let parts = document["backup"]["parts"].as_array().unwrap();
    let part = parts.iter().find(|part| part["part"] == "secrets").unwrap();
    let names = part["secrets"].as_array().unwrap().iter().map(|secret| secret["name"].as_str().unwrap());
    assert_eq!(names.collect::<Vec<_>>(), ["changed", "gone", "same"], "{part:#}");
    assert_eq!(document["backup"]["recipients"], json!([public]));
    assert!(!is_anywhere(&saved.state(), PASSWORD), "a Secret is on the disk in the clear");

    by_hand(&saved, async |secrets| {
        secrets.delete("gone", &DeleteParams::default()).await.unwrap();
        let newer = Patch::Merge(json!({"data": {"password": "bmV3"}}));
        secrets.patch("changed", &PatchParams::default(), &newer).await.unwrap();
    });
    let refused = then(saved, &format!("restore hello --sandbox --yes --identity {}", other.display()), 2);
    assert!(refused.stderr.contains("its key does not open this"), "{}", refused.stderr);
    // Without the key the data comes back, and of each Secret is said that it does not.
    let shown = then(refused, "restore hello --sandbox --dry-run", 0);
    let stays = "Secret/hello/gone: stays in the backup: --identity names the key";
    assert!(shown.stderr.contains(stays), "{}", shown.stderr);

    let line = format!(
        "restore hello --sandbox --yes --identity {} --destroy-data=PersistentVolumeClaim/hello/hello-data",
        own.display()
    );
    let back = then(shown, &line, 0);
    assert!(back.stderr.contains("Secret/hello/gone: is made if it is gone"), "{}", back.stderr);
    let said = "1 made, 1 as they were; left as they are, and hold something else: Secret/hello/changed";
    assert!(back.stderr.contains(said), "{}", back.stderr);
    by_hand(&back, async |secrets| {
        let live: Value = serde_json::to_value(secrets.get("gone").await.unwrap()).unwrap();
        assert_eq!((&live["data"]["password"], &live["metadata"]["labels"]["mine"]), (&json!(PASSWORD), &json!("yes")));
        let live: Value = serde_json::to_value(secrets.get("changed").await.unwrap()).unwrap();
        assert_eq!(live["data"]["password"], "bmV3");
    });
    assert!(!is_anywhere(&back.state(), PASSWORD), "a Secret is on the disk in the clear");

    // Where only a Secret is lost, newer data is not overwritten for it.
    by_hand(&back, async |secrets| drop(secrets.delete("gone", &DeleteParams::default()).await.unwrap()));
    let alone = then(back, &format!("restore hello --sandbox --yes --secrets-only --identity {}", own.display()), 0);
    assert!(alone.stderr.contains("1 made, 1 as they were"), "{}", alone.stderr);
    assert!(!alone.stderr.contains("stop Deployment") && !alone.stderr.contains("copy in"), "{}", alone.stderr);
}

#[test]
fn keys_that_are_none_are_refused_before_anything_is_done() {
    let keys = tempfile::tempdir().unwrap();
    let (own, _) = key(&keys, "own");
    let text = std::fs::read_to_string(&own).unwrap();
    let installed = Test::new().line("install hello --sandbox --yes").any_stdout().any_stderr().run();
    for command in ["backup hello", "hold hello"] {
        let refused = Test::new().line(&format!("{command} --sandbox --with-secrets {}", text.trim()));
        let said = refused.any_stdout().any_stderr().status(2).run().stderr;
        assert!(said.contains("is no public key of age") && said.contains("age-keygen"), "{said}");
        assert!(!said.contains(text.trim()), "a secret key is repeated");
    }
    let saved = then(installed, "backup hello --sandbox --yes", 0);
    let refused = then(saved, &format!("restore hello --sandbox --yes --identity {}", own.display()), 2);
    assert!(refused.stderr.contains("holds no Secrets that a key would open"), "{}", refused.stderr);
}
