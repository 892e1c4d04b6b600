//! What is said where no playbook is proposed for a loss that is certain: why, and what to do instead.

use seaworthy::object::ObjectRef;
use seaworthy::recover::compile::{can_grow, can_move};
use seaworthy::recover::playbook::Task;
use seaworthy::recover::subject::{claims, namespace};
use seaworthy::recover::{Loss, LossKind};

use super::Scene;

/// Whether the namespace of a loss is there to stay: nothing is made in one that goes. A picture without any tells nothing of them.
pub(super) fn has_namespace(scene: &Scene, loss: &Loss) -> bool {
    let Some(name) = loss.home() else { return true };
    let snapshot = &scene.sighting.snapshot;
    snapshot.of_kind("", "Namespace").next().is_none()
        || snapshot.get(&namespace(name)).is_some_and(|live| live["metadata"]["deletionTimestamp"].is_null())
}

/// Why there is nothing to propose, and what to do instead.
pub(super) fn instead(scene: &Scene, loss: &Loss) -> Vec<String> {
    let Some(claim) = &loss.claim else { return Vec::new() };
    let home = loss.home().unwrap_or_default();
    let of = stack_of(scene, claim);
    if !has_namespace(scene, loss) {
        return vec![without_namespace(scene, home, of)];
    }
    let save = of.map_or_else(
        || "copy out what can be read".to_owned(),
        |stack| format!("`seaworthy backup {stack} -n {home}` saves what can be read"),
    );
    let mut lines: Vec<String> = Vec::new();
    for playbook in scene.playbooks.0.iter().filter(|playbook| playbook.sheet.losses.contains(&loss.kind)) {
        let steps = &playbook.sheet.steps;
        if steps.contains(&Task::Move)
            && !can_move(&scene.sighting, &claims(playbook, claim, (&scene.losses, &scene.sighting)))
        {
            lines.push(format!(
                "{save}; there is no other node that `{0}` could move it to: mend the disk, or add a node and then `seaworthy recover {0} --claim {home}/{1}`",
                playbook.name, claim.name
            ));
        }
        if steps.contains(&Task::Grow) && !can_grow(&scene.sighting.snapshot, claim) {
            lines.push("its volume cannot be made larger: its class does not allow that".to_owned());
        }
    }
    if let Some(set) = &loss.set {
        lines.push(without_majority(scene, loss.kind, set));
    }
    lines
}

/// The stack whose record knows a claim.
fn stack_of<'a>(scene: &'a Scene, claim: &ObjectRef) -> Option<&'a str> {
    let is_of = |record: &&seaworthy::recover::Record| record.volumes.iter().any(|volume| volume.claim == *claim);
    scene.sighting.records.iter().find(is_of).map(|record| record.installation.stack.as_str())
}

/// A claim cannot be made anew in a namespace that goes, and its volume outlives it when it is kept.
fn without_namespace(scene: &Scene, home: &str, stack: Option<&str>) -> String {
    let install = stack.map_or_else(
        || "install anew what was in it".to_owned(),
        |stack| format!("`seaworthy install {stack} -n {home}` makes it anew"),
    );
    let back = format!("`seaworthy recover -n {home}` then tells which kept volumes can be bound back");
    if scene.sighting.snapshot.get(&namespace(home)).is_none() {
        return format!("nothing can be made in namespace {home}, which is gone: {install}, and {back}");
    }
    format!(
        "nothing can be made in namespace {home}, which was told to go: `seaworthy hold -n {home}` keeps the volumes that are left; when it is gone (`seaworthy recover finish -n {home}`, where it does not go by itself), {install}, and {back}"
    )
}

/// The members that are left do not decide, so none can be replaced.
fn without_majority(scene: &Scene, kind: LossKind, set: &ObjectRef) -> String {
    let views = scene.sighting.etcds.iter();
    let view = views.into_iter().find(|view| view.set.pinned.object == *set);
    let (serving, wanted) = view.map_or((0, 0), |view| (view.serving().count(), view.told.len()));
    let namespace = set.namespace.as_deref().unwrap_or_default();
    if kind == LossKind::EtcdQuorumLost {
        return format!(
            "{serving} of {wanted} members serve; as long as so many may come back that they decide, that is what to wait for: `kubectl get pods -n {namespace} -o wide` shows what keeps them"
        );
    }
    format!(
        "{serving} of {wanted} members serve as one cluster, which is too few to replace another one: bring more of them back first; `kubectl get pods -n {namespace} -o wide` shows what keeps them"
    )
}
