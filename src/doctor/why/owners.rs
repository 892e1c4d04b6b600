//! Who stands behind an object: its owners, who manages it, who should let it go.

use serde_json::Value;

use super::case::{Case, Said, Trouble, some};
use crate::doctor::stall::words::span;
use crate::engine::ready::judge::consumers;
use crate::object::{ObjectRef, items, text};
use crate::plan::STACK_LABEL;

/// The owners of an object, as references.
pub(super) fn owners(object: &Value) -> impl Iterator<Item = ObjectRef> {
    let namespace = text(object, "/metadata/namespace");
    items(object, "/metadata/ownerReferences").filter_map(move |owner| {
        let part = |pointer| text(owner, pointer);
        Some(ObjectRef::new(part("/apiVersion")?, part("/kind")?, namespace, part("/name")?))
    })
}

/// Owners that are gone. The owner of a namespaced object may be cluster-scoped, so both places count.
pub(super) fn orphaned(case: &Case<'_>) -> Said {
    let is_gone = |owner: &ObjectRef| {
        let global = ObjectRef { namespace: None, ..owner.clone() };
        let looked_for = case.evidence.looked_for(owner) || case.evidence.looked_for(&global);
        let is_here = [owner, &global].into_iter().any(|place| case.snapshot().get(place).is_some());
        looked_for && !is_here
    };
    let gone: Vec<ObjectRef> = owners(case.live).filter(is_gone).collect();
    let replaced = items(case.live, "/metadata/ownerReferences").find_map(|reference| {
        let owner = owners(case.live).find(|owner| text(reference, "/name") == Some(&owner.name))?;
        let live = case.snapshot().get(&owner)?;
        (text(live, "/metadata/uid") != text(reference, "/uid")).then_some(owner)
    });
    let says = match (gone.first(), replaced) {
        (Some(owner), _) => format!("its owner {} is not there any more: nobody looks after it", owner.short()),
        (None, Some(owner)) => {
            format!("its owner {} was made anew: this object belongs to the one before", owner.short())
        }
        (None, None) => return Said::default(),
    };
    Said::default().amiss("owner", says)
}

/// Who manages it, in one line: a later `kubectl edit` would be taken back by them.
pub(super) fn managed(case: &Case<'_>) -> Option<String> {
    let label = |key: &str| case.live["metadata"]["labels"].get(key).and_then(Value::as_str);
    let annotation = |key: &str| case.live["metadata"]["annotations"].get(key).and_then(Value::as_str);
    let pair = |name: &str, namespace: &str| Some(format!("{}/{}", label(namespace)?, label(name)?));
    if let Some(stack) = label(STACK_LABEL) {
        return Some(format!("stack {stack} of Seaworthy"));
    }
    if let Some(name) = pair("kustomize.toolkit.fluxcd.io/name", "kustomize.toolkit.fluxcd.io/namespace") {
        return Some(format!("Flux Kustomization {name}"));
    }
    if let Some(name) = pair("helm.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/namespace") {
        return Some(format!("Flux HelmRelease {name}"));
    }
    if let Some(id) = annotation("argocd.argoproj.io/tracking-id") {
        return Some(format!("Argo CD application {}", id.split(':').next().unwrap_or(id)));
    }
    if let Some(name) = label("argocd.argoproj.io/instance") {
        return Some(format!("Argo CD application {name}"));
    }
    if let Some(owner) = label("olm.owner") {
        return Some(format!("OLM {} {owner}", label("olm.owner.kind").unwrap_or("operator")));
    }
    if let Some(release) = annotation("meta.helm.sh/release-name") {
        let namespace = annotation("meta.helm.sh/release-namespace").map(|place| format!(" in {place}"));
        return Some(format!("Helm release {release}{}", namespace.unwrap_or_default()));
    }
    if let Some(mode) = label("addonmanager.kubernetes.io/mode") {
        return Some(format!("the addon manager ({mode})"));
    }
    if let Some(id) = label("objectset.rio.cattle.io/hash").and(annotation("objectset.rio.cattle.io/owner-name")) {
        return Some(format!("the addon {id} of k3s"));
    }
    label("app.kubernetes.io/managed-by").filter(|by| *by != "Helm").map(str::to_owned)
}

/// Finalizers that come with Kubernetes and well-known controllers: who takes them away, and when.
const KEEPERS: &[(&str, &str)] = &[
    ("kubernetes.io/pvc-protection", "the controller manager, once no pod uses the claim"),
    ("kubernetes.io/pv-protection", "the controller manager, once no claim is bound to the volume"),
    ("foregroundDeletion", "the garbage collector, once everything that the object owns is gone"),
    ("orphan", "the garbage collector, once what it owns is let go"),
    ("kubernetes", "the namespace controller, once the namespace is empty"),
    ("service.kubernetes.io/load-balancer-cleanup", "the controller of load balancers, once the balancer is deleted"),
    ("customresourcecleanup.apiextensions.k8s.io", "the API server, once all objects of this kind are gone"),
    ("batch.kubernetes.io/job-tracking", "the Job controller, once it has counted the pod"),
    ("external-provisioner.volume.kubernetes.io/finalizer", "the CSI provisioner, once the storage is deleted"),
    ("snapshot.storage.kubernetes.io/", "the snapshot controller"),
    ("external-attacher/", "the CSI attacher, once the volume is detached"),
    ("resources-finalizer.argocd.argoproj.io", "Argo CD, once the application's objects are gone"),
    ("finalizers.fluxcd.io", "the controller of Flux"),
    ("foreground.", "the garbage collector"),
];

/// Who takes a finalizer away.
pub(super) fn keeper(finalizer: &str) -> String {
    let known = KEEPERS
        .iter()
        .find(|(name, _)| finalizer == *name || name.ends_with(['/', '.']) && finalizer.starts_with(name));
    known.map_or_else(
        || {
            let domain = finalizer.split('/').next().unwrap_or(finalizer);
            format!("the controller that set it, by its name the one of {domain}")
        },
        |(_, who)| (*who).to_owned(),
    )
}

/// Seconds after which something that is deleted is held.
const HELD: i64 = 60;

/// What keeps an object that is being deleted: for how long, which finalizer, and who should take it away.
pub(super) fn deletion(case: &Case<'_>) -> Said {
    let Some(until) = case.text("/metadata/deletionTimestamp").and_then(|time| time.parse::<jiff::Timestamp>().ok())
    else {
        return Said::default();
    };
    // The time is the one at which its grace ends.
    let (since, now) = (until.as_second(), case.evidence.taken.as_second());
    if since > now {
        return Said::new(format!("being deleted: it is given another {} to end", span(since - now)));
    }
    let since = now - since;
    let metadata = case.items("/metadata/finalizers").chain(case.items("/spec/finalizers"));
    let names: Vec<&str> = metadata.filter_map(Value::as_str).collect();
    let state = format!("being deleted for {}", span(since));
    let Some(first) = names.first() else { return Said::new(state) };
    let users: Vec<String> = if case.object.kind == "PersistentVolumeClaim" {
        consumers(case.object, case.snapshot())
            .filter_map(|pod| text(pod, "/metadata/name"))
            .map(str::to_owned)
            .collect()
    } else {
        Vec::new()
    };
    let mut said = Said::new(state);
    for finalizer in &names {
        said = said.amiss("finalizer", format!("{finalizer}: taken away by {}", keeper(finalizer)));
    }
    if !users.is_empty() {
        said = said.amiss("used by", format!("pod {}", some(&users)));
    }
    let mut left = below(case);
    if !first.starts_with("foreground") {
        left = None;
    }
    said = said.note("waits for", left);
    // Most finalizers are done within moments.
    if since < HELD {
        return said;
    }
    let message = format!("{} is not gone until {first} is taken away: by {}", case.object.short(), keeper(first));
    said.wrong(Trouble::new(message).fix("Look after that controller: it removes the finalizer when it is done."))
}

/// What the object owns.
pub(super) fn below(case: &Case<'_>) -> Option<String> {
    let owned = super::case::shorts(case.snapshot().owned_by(case.live));
    (!owned.is_empty()).then(|| some(&owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finalizers_are_known_by_whom_they_wait_for() {
        assert!(keeper("kubernetes.io/pvc-protection").contains("once no pod uses"));
        assert!(keeper("external-attacher/csi-x").contains("CSI attacher"));
        assert_eq!(
            keeper("barges.example.com/hold"),
            "the controller that set it, by its name the one of barges.example.com"
        );
    }
}
