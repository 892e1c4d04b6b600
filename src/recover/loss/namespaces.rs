//! Namespaces that were told to go and do not.

use super::{Loss, LossKind};
use crate::doctor::stall::words::span;
use crate::recover::stuck::Stuck;
use crate::recover::{Sighting, former};

/// Seconds in which a namespace with pods that end slowly is gone.
const GOES: i64 = 120;
/// Objects that are named one by one.
const SHOWN: usize = 5;

pub(super) fn stuck(sighting: &Sighting) -> Vec<Loss> {
    sighting.stuck.iter().filter_map(|stuck| of(sighting, stuck)).collect()
}

fn of(sighting: &Sighting, stuck: &Stuck) -> Option<Loss> {
    let age = sighting.now.duration_since(stuck.since).as_secs();
    if age < GOES {
        return None;
    }
    let mut facts = vec![format!("it was told to go {} ago, and is still Terminating", span(age))];
    let held = stuck.held().map(|(object, names)| {
        format!("{} was told to go, and waits for whoever takes {} off it", object.object, names.join(", "))
    });
    facts.extend(few(held.collect()));
    facts.extend(stuck.apis.iter().map(|silent| {
        format!(
            "the API {} does not answer: {}; what of it is there cannot be told",
            silent.api.object.name, silent.why
        )
    }));
    let is_held = facts.len() > 1;
    facts.extend(few(stuck.others().map(|object| format!("{object} is still there")).collect()));
    facts.extend(few(stuck.unread.clone()));
    let mut loss = Loss::new(LossKind::NamespaceStuck, None, None, facts);
    // What only waits for its own pods goes with them.
    loss.certain = is_held;
    loss.namespace = Some(stuck.namespace.object.clone());
    Some(loss.with_gone(former::of_namespace(sighting, &stuck.namespace.object.name)))
}

/// The first few, and how many more there are.
fn few(mut lines: Vec<String>) -> Vec<String> {
    let more = lines.len().saturating_sub(SHOWN);
    lines.truncate(SHOWN);
    lines.extend((more > 0).then(|| format!("and {more} more")));
    lines
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::object::ObjectRef;
    use crate::plan::verb::Pinned;
    use crate::recover::loss::recognise;
    use crate::recover::stuck::{Left, SilentApi};

    fn pinned(api_version: &str, kind: &str, name: &str) -> Pinned {
        let namespace = (kind != "Namespace" && kind != "APIService").then_some("old");
        Pinned { object: ObjectRef::new(api_version, kind, namespace, name), uid: name.to_owned() }
    }

    fn left(kind: &str, finalizers: &[&str]) -> Left {
        let finalizers = finalizers.iter().map(|name| (*name).to_owned()).collect();
        Left { object: pinned("v1", kind, "x"), is_going: true, finalizers }
    }

    fn seen(age: i64, left: Vec<Left>, apis: Vec<SilentApi>) -> Vec<Loss> {
        let namespace = pinned("v1", "Namespace", "old");
        let stuck = Stuck { namespace, since: Timestamp::UNIX_EPOCH, left, apis, unread: Vec::new() };
        let now = Timestamp::from_second(age).unwrap();
        recognise(&Sighting { stuck: vec![stuck], now, ..Sighting::default() })
    }

    #[test]
    fn one_that_waits_for_an_owner_or_an_api_is_stuck_and_others_are_on_their_way() {
        let held = || vec![left("ConfigMap", &["example.com/f"])];
        let found = seen(600, held(), Vec::new());
        assert_eq!((found[0].kind, found[0].certain), (LossKind::NamespaceStuck, true));
        assert_eq!(found[0].namespace.as_ref().unwrap().name, "old");
        assert!(
            found[0].facts[1].contains("ConfigMap/old/x") && found[0].facts[1].contains("example.com/f"),
            "{found:?}"
        );
        assert!(found[0].blast.returns.contains("by itself"), "{:?}", found[0].blast);
        let api = SilentApi {
            api: pinned("apiregistration.k8s.io/v1", "APIService", "v1.gone"),
            why: "no such service".to_owned(),
            has_service: false,
        };
        assert!(seen(600, Vec::new(), vec![api])[0].certain);
        assert_eq!(seen(60, held(), Vec::new()), [], "pods may end for so long");
        let pods = seen(
            600,
            vec![left("Pod", &[]), left("PersistentVolumeClaim", &["kubernetes.io/pvc-protection"])],
            Vec::new(),
        );
        assert!(!pods[0].certain, "their node may be away; that is another matter: {pods:?}");
    }
}
