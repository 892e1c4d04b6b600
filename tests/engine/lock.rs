//! What can be known of the lock before it is taken.

use seaworthy::engine::lock::Lock;
use serde_json::json;

use super::fake::{Fake, Fate};

const KEY: &str = "sea.shop";

/// The words of the refusal, empty when there is none.
async fn look(fake: &Fake) -> String {
    let before = fake.writes().len();
    let answer = Lock::look(&fake.cluster(), KEY, false).await;
    assert_eq!(fake.writes().len(), before, "to look is not to write");
    answer.map_or_else(|error| error.to_string(), |()| String::new())
}

fn held(fake: &Fake, holder: &str, renewed: &str) {
    fake.made_by_hand(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "seaworthy-system"}}));
    fake.made_by_hand(&json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": KEY, "namespace": "seaworthy-system"},
        "spec": {"holderIdentity": holder, "acquireTime": "2026-01-01T12:03:11.000000Z", "renewTime": renewed}}));
}

#[tokio::test]
async fn a_free_lock_can_be_had() {
    assert_eq!(look(&Fake::new()).await, "");
}

#[tokio::test]
async fn a_holder_is_named_so_that_people_find_it() {
    let fake = Fake::new();
    held(&fake, "elsewhere/boot/4711/1", &jiff::Timestamp::now().to_string());
    let said = look(&fake).await;
    let wanted = "sea.shop is locked by process 4711 on elsewhere, since 12:03:11 UTC, last heard of 0 s ago";
    assert!(said.starts_with(&wanted[..70]), "{said}");
}

#[tokio::test]
async fn who_was_not_heard_of_for_a_minute_can_be_asked_about() {
    let fake = Fake::new();
    held(&fake, "elsewhere/boot/4711/1", "2026-01-01T12:04:00.000000Z");
    assert_eq!(look(&fake).await, "");
}

#[tokio::test]
async fn missing_rights_are_said_in_words() {
    let fake = Fake::new();
    fake.rule(|call| if call.path.contains("accessreview") { Fate::Denied } else { Fate::Answered });
    let said = look(&fake).await;
    assert!(said.contains("may not create leases.coordination.k8s.io in namespace `seaworthy-system`"), "{said}");
    fake.rule(|call| if call.path.contains("/leases/") { Fate::Refused(403, "Forbidden") } else { Fate::Answered });
    let said = look(&fake).await;
    assert_eq!(said, "cannot lock sea.shop: this user may not do this (403)");
}

/// Nobody is to be locked out by an API server that does not know such questions.
#[tokio::test]
async fn an_unanswered_question_is_no_refusal() {
    let fake = Fake::new();
    fake.rule(|call| if call.path.contains("accessreview") { Fate::Refused(404, "NotFound") } else { Fate::Answered });
    assert_eq!(look(&fake).await, "");
}
