//! The same of a namespace that was told to go and does not.

use super::*;

const STUCK: Story =
    Story { breaks: |_| {}, kind: LossKind::NamespaceStuck, playbook: "finish", claim: "", ends_with: None };

/// Two objects wait for owners that do not run, and the volumes of the claims that are gone wait to be erased.
async fn stuck() -> Wreck {
    let wreck = Wreck::new(STUCK).await;
    let marked = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "marked", "namespace": SEA,
        "finalizers": ["example.com/other", "example.com/more"]}});
    wreck.harbour.make(&marked).await.unwrap();
    wreck.harbour.sandbox.strike(find("provisioner-away").unwrap(), "");
    wreck.harbour.sandbox.strike(find("namespace-stuck").unwrap(), SEA);
    later(&wreck.harbour, 400).await;
    wreck
}

#[tokio::test]
async fn a_namespace_is_let_go_and_broken_off_at_any_write_it_ends_the_same() {
    let wreck = stuck().await;
    let losses = recognise(&wreck.sighting().await);
    let of_it = losses.iter().find(|loss| loss.kind == LossKind::NamespaceStuck).expect("a loss");
    assert!(of_it.certain && of_it.facts.len() == 3 && of_it.home() == Some(SEA), "{of_it:#?}");
    let (expected, writes) = cut_off(wreck, WHOLE).await;
    assert_eq!(writes, 6, "four volumes are kept, and two objects let go");
    assert!(!expected["Namespace"].iter().any(|said| said.starts_with(SEA)), "{expected:?}");
    assert!(expected["PersistentVolume"].iter().all(|said| said.contains("Retain")), "{expected:?}");
    for at in 1..=writes {
        for answer_lost in [false, true] {
            let (ended, _) = cut_off(stuck().await, Cut { members: false, at, answer_lost }).await;
            assert_eq!(ended, expected, "cut at write {at}");
        }
    }
}

/// Of a namespace that is well, and of one in which nothing waits for an owner, nothing is taken away.
#[tokio::test]
async fn a_namespace_that_was_not_told_to_go_is_left_alone() {
    let well = Wreck::new(STUCK).await;
    assert!(matches!(well.plan().await, Err(CompileError::NotStuck(name)) if name == SEA));
    assert_eq!(recognise(&well.sighting().await), []);
}
