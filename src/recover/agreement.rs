//! What has to be agreed to by typing a word before a plan is run: what cannot be taken back, and what a playbook wants agreed to. Pure;
//! who asks, and on what, is the business of front ends.

use super::playbook::Consent;
use crate::object::ObjectRef;
use crate::plan::uninstall::Destroy;
use crate::plan::verb::{Tend, Verb};
use crate::plan::{Plan, Purpose, Step};

/// Something that is agreed to by typing a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What it is about, in a sentence or two.
    pub text: String,
    /// The word.
    pub word: String,
    /// What goes and cannot be taken back: the word is its name. `None`: the playbook asks.
    pub object: Option<ObjectRef>,
}

impl Question {
    /// The option of the command line that says the same.
    pub fn option(&self) -> String {
        match &self.object {
            Some(object) => format!("--destroy-data={object}"),
            None => format!("--consent={}", self.word),
        }
    }
}

/// What goes when this plan is run, and cannot be taken back.
pub fn irreversible(plan: &Plan) -> impl Iterator<Item = ObjectRef> {
    plan.steps.iter().filter_map(Step::verb).filter(|verb| verb.is_irreversible()).filter_map(Verb::object)
}

/// What is still to be agreed to: what the playbook asks first, then each object that goes and was not named in `destroy`.
pub fn questions(plan: &Plan, destroy: &Destroy, consent: Option<&Consent>) -> Vec<Question> {
    let asked = consent.map(|consent| Question {
        text: format!("{}.", consent.question),
        word: consent.word.clone(),
        object: None,
    });
    let open = irreversible(plan).filter(|object| !destroy.names(object));
    let named = open.map(|object| Question {
        text: format!(
            "{object} {} cannot be taken back ({}).",
            if is_marked(plan, &object) { MARKED } else { "goes and" },
            if is_erased(plan, &object) {
                ERASED
            } else if is_unheld(plan, &object) {
                UNHELD
            } else {
                consequence(plan.purpose, &object)
            }
        ),
        word: object.name.clone(),
        object: Some(object),
    });
    asked.into_iter().chain(named).collect()
}

/// Said of a node that stays.
const MARKED: &str = "is taken for switched off, with all that runs there, which";

/// Said of a volume that is erased.
const ERASED: &str = "what is on it is erased";

/// Said of an object that loses its finalizers.
const UNHELD: &str = "what its finalizers stand for is not done any more; its manifest is saved";

/// Whether a node is only marked, and stays.
fn is_marked(plan: &Plan, object: &ObjectRef) -> bool {
    is_tended(plan, object, |act| matches!(act, Tend::OutOfService { .. }))
}

fn is_erased(plan: &Plan, object: &ObjectRef) -> bool {
    is_tended(plan, object, |act| matches!(act, Tend::Erase { .. }))
}

fn is_unheld(plan: &Plan, object: &ObjectRef) -> bool {
    is_tended(plan, object, |act| matches!(act, Tend::Unhold { .. }))
}

fn is_tended(plan: &Plan, object: &ObjectRef, so: impl Fn(&Tend) -> bool) -> bool {
    let tends =
        |step: &Step| matches!(step.verb(), Some(Verb::Tend { object: tended, act }) if tended == object && so(act));
    plan.steps.iter().any(tends)
}

fn consequence(purpose: Purpose, object: &ObjectRef) -> &'static str {
    match (purpose, object.kind.as_str()) {
        (Purpose::Restore, _) => "what is on its volume now is overwritten",
        (_, "Node") => {
            "its machine has to be switched off: what ran there is started elsewhere, and must not run twice"
        }
        (_, "APIService") => "whatever serves it has to register it anew; what was stored by it is not touched",
        _ => "its volume's bytes are kept",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plan(kind: &str) -> Plan {
        let object = json!({"object": {"apiVersion": "v1", "kind": kind, "namespace": "sea", "name": "data"}, "uid": "u", "resource_version": "1"});
        serde_json::from_value(json!({"purpose": "recover",
            "installation": {"stack": "shop", "version": "1", "namespace": "sea", "release": "shop", "profile": "ha"},
            "cluster": {"context": "dev", "server": "s", "uid": "u"},
            "steps": [{"id": "x", "title": "x", "change": {"kind": "delete"},
                "action": {"do": "rescue", "limit": 3, "verb": {"verb": "delete", "object": object}}}]}))
        .unwrap()
    }

    #[test]
    fn the_playbook_asks_first_and_what_was_named_is_not_asked_again() {
        let plan = plan("PersistentVolumeClaim");
        let consent = Consent { question: "users are lost".to_owned(), word: "lose-users".to_owned() };
        let asked = questions(&plan, &Destroy::default(), Some(&consent));
        let words: Vec<&str> = asked.iter().map(|question| question.word.as_str()).collect();
        assert_eq!(words, ["lose-users", "data"]);
        assert_eq!(asked[0].option(), "--consent=lose-users");
        assert_eq!(asked[1].option(), "--destroy-data=PersistentVolumeClaim/sea/data");
        let named = Destroy([asked[1].option()["--destroy-data=".len()..].parse().unwrap()].into());
        assert_eq!(questions(&plan, &named, None), []);
    }

    #[test]
    fn a_pod_that_is_deleted_comes_again_and_is_not_asked_about() {
        assert_eq!(questions(&plan("Pod"), &Destroy::default(), None), []);
    }
}
