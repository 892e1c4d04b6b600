//! Who would undo what a recovery does: a controller above a workload that sets its replicas back, or makes a claim anew while its volume
//! is being replaced. Pure.
//!
//! A `HorizontalPodAutoscaler` is none: at 0 replicas it disables itself (condition `ScalingActive`, reason `ScalingDisabled`), and goes on
//! by itself afterwards.

use serde_json::Value;

use crate::object::{ObjectRef, items, text};
use crate::plan::verb::{Meanwhile, Pinned, escaped};
use crate::snapshot::Snapshot;

/// A kind of controller that can be told to let its objects alone.
pub struct Keeper {
    /// `group/version`.
    pub api_version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Its name in a path.
    pub plural: &'static str,
    /// Whether this one keeps a workload.
    keeps: fn(&Value, &Value) -> bool,
    /// The field by which it is held, and the value: `None`: the field goes.
    by: fn() -> (String, Option<Value>),
}

/// Flux 2 (`suspend`), Argo CD (`syncPolicy.automated`), KEDA 2.14 (annotation `autoscaling.keda.sh/paused`).
pub const KEEPERS: [Keeper; 4] = [
    Keeper {
        api_version: "kustomize.toolkit.fluxcd.io/v1",
        kind: "Kustomization",
        plural: "kustomizations",
        keeps: |keeper, workload| flux("kustomize.toolkit.fluxcd.io", keeper, workload),
        by: || ("/spec/suspend".to_owned(), Some(true.into())),
    },
    Keeper {
        api_version: "helm.toolkit.fluxcd.io/v2",
        kind: "HelmRelease",
        plural: "helmreleases",
        keeps: |keeper, workload| flux("helm.toolkit.fluxcd.io", keeper, workload),
        by: || ("/spec/suspend".to_owned(), Some(true.into())),
    },
    Keeper {
        api_version: "argoproj.io/v1alpha1",
        kind: "Application",
        plural: "applications",
        keeps: argo,
        by: || ("/spec/syncPolicy/automated".to_owned(), None),
    },
    Keeper {
        api_version: "keda.sh/v1alpha1",
        kind: "ScaledObject",
        plural: "scaledobjects",
        keeps: keda,
        by: || (format!("/metadata/annotations/{}", escaped("autoscaling.keda.sh/paused")), Some("true".into())),
    },
];

/// A keeper of a workload, and how it is held.
#[derive(Debug, Clone, PartialEq)]
pub struct Hold {
    /// The keeper.
    pub keeper: Pinned,
    /// The fields that are set meanwhile.
    pub fields: Meanwhile,
}

/// Everything that would undo a change of this workload and is not held by somebody else already.
pub fn of(snapshot: &Snapshot, workload: &Value) -> Vec<Hold> {
    KEEPERS.iter().flat_map(|kind| holds(snapshot, kind, workload)).collect()
}

fn holds(snapshot: &Snapshot, kind: &Keeper, workload: &Value) -> Vec<Hold> {
    let group = kind.api_version.split('/').next().unwrap_or_default();
    let (pointer, wanted) = (kind.by)();
    let one = |keeper: &Value| {
        let fields = Meanwhile::of(keeper, [(pointer.clone(), wanted.clone())])?;
        Some(Hold { keeper: Pinned::of(keeper)?, fields })
    };
    snapshot.of_kind(group, kind.kind).filter(|keeper| (kind.keeps)(keeper, workload)).filter_map(one).collect()
}

/// What a workload's marks name and what nobody here may read, for people: `Kustomization flux-system/shop`.
pub fn unseen(snapshot: &Snapshot, workload: &Value) -> Vec<String> {
    let label = |name: &str| workload["metadata"]["labels"][name].as_str();
    let flux = [("kustomize.toolkit.fluxcd.io", "Kustomization"), ("helm.toolkit.fluxcd.io", "HelmRelease")];
    let flux = flux.into_iter().filter_map(|(group, kind)| {
        let (name, namespace) = (label(&format!("{group}/name"))?, label(&format!("{group}/namespace"))?);
        Some((kind, format!("{namespace}/{name}")))
    });
    let argo = workload["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"].as_str();
    let argo = argo.or_else(|| label("argocd.argoproj.io/instance")).and_then(|id| id.split(':').next());
    let marks = flux.chain(argo.map(|name| ("Application", name.to_owned())));
    marks.filter(|(kind, _)| snapshot.is_unread(kind)).map(|(kind, name)| format!("{kind} {name}")).collect()
}

/// The object of a kind that nobody here knows which owns a workload: an operator makes it, and would make it again.
pub fn operated(workload: &Value) -> Option<ObjectRef> {
    let owner = items(workload, "/metadata/ownerReferences").find(|owner| owner["controller"] == true)?;
    let (api_version, kind) = (text(owner, "/apiVersion")?, text(owner, "/kind")?);
    let known = crate::kinds::builtin(api_version, kind).is_some();
    let namespace = text(workload, "/metadata/namespace");
    (!known).then(|| ObjectRef::new(api_version, kind, namespace, text(owner, "/name").unwrap_or_default()))
}

/// Flux marks what it makes with the name and the namespace of the object that it makes it for.
fn flux(group: &str, keeper: &Value, workload: &Value) -> bool {
    let mark = |part: &str| workload["metadata"]["labels"][format!("{group}/{part}")].as_str();
    mark("name").is_some()
        && mark("name") == text(keeper, "/metadata/name")
        && mark("namespace") == text(keeper, "/metadata/namespace")
}

/// Argo CD marks by an annotation `[NAMESPACE_]NAME:...` or by a label, `app.kubernetes.io/instance` unless it was told another.
fn argo(keeper: &Value, workload: &Value) -> bool {
    let (labels, annotations) = (&workload["metadata"]["labels"], &workload["metadata"]["annotations"]);
    let tracked = annotations["argocd.argoproj.io/tracking-id"].as_str().and_then(|id| id.split(':').next());
    let tracked = tracked.map(|name| name.rsplit('_').next().unwrap_or(name));
    let label = ["argocd.argoproj.io/instance", "app.kubernetes.io/instance"];
    let labelled = label.into_iter().find_map(|label| labels[label].as_str());
    let goes_to = text(keeper, "/spec/destination/namespace");
    let here = goes_to.is_none() || goes_to == text(workload, "/metadata/namespace");
    here && tracked.or(labelled).is_some_and(|name| text(keeper, "/metadata/name") == Some(name))
}

fn keda(keeper: &Value, workload: &Value) -> bool {
    let kind = text(keeper, "/spec/scaleTargetRef/kind").unwrap_or("Deployment");
    text(keeper, "/metadata/namespace") == text(workload, "/metadata/namespace")
        && text(keeper, "/spec/scaleTargetRef/name") == text(workload, "/metadata/name")
        && workload["kind"] == kind
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workload(labels: &Value, annotations: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "core", "namespace": "n", "uid": "d", "labels": labels, "annotations": annotations}})
    }

    fn keeper(api_version: &str, kind: &str, spec: &Value) -> Value {
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "shop", "namespace": "n", "uid": "k"}, "spec": spec})
    }

    fn held(keeper: &Value, workload: &Value) -> Vec<(String, Option<Value>)> {
        let mut snapshot = Snapshot::default();
        snapshot.insert(keeper.clone());
        let set = of(&snapshot, workload).into_iter().flat_map(|hold| hold.fields.set);
        set.filter(|field| !field.pointer.ends_with("before-recovery"))
            .map(|field| (field.pointer, field.wanted))
            .collect()
    }

    #[test]
    fn each_keeper_is_found_by_its_own_mark_and_held_by_its_own_field() {
        let flux = |group: &str| {
            workload(&json!({format!("{group}/name"): "shop", format!("{group}/namespace"): "n"}), &json!({}))
        };
        let suspended = vec![("/spec/suspend".to_owned(), Some(json!(true)))];
        for (group, version, kind) in
            [("kustomize.toolkit.fluxcd.io", "v1", "Kustomization"), ("helm.toolkit.fluxcd.io", "v2", "HelmRelease")]
        {
            let made = keeper(&format!("{group}/{version}"), kind, &json!({}));
            assert_eq!(held(&made, &flux(group)), suspended, "{kind}");
            assert_eq!(held(&made, &workload(&json!({}), &json!({}))), [], "{kind} of another");
            let is = keeper(&format!("{group}/{version}"), kind, &json!({"suspend": true}));
            assert_eq!(held(&is, &flux(group)), [], "{kind} is held already");
        }
        let automated = |namespace: &str| {
            keeper(
                "argoproj.io/v1alpha1",
                "Application",
                &json!({"syncPolicy": {"automated": {"selfHeal": true}},
                "destination": {"namespace": namespace}}),
            )
        };
        let gone = vec![("/spec/syncPolicy/automated".to_owned(), None)];
        let tracked =
            workload(&json!({}), &json!({"argocd.argoproj.io/tracking-id": "argo_shop:apps/Deployment:n/core"}));
        assert_eq!(held(&automated("n"), &tracked), gone);
        assert_eq!(held(&automated("other"), &tracked), []);
        assert_eq!(held(&automated("n"), &workload(&json!({"app.kubernetes.io/instance": "shop"}), &json!({}))), gone);
        let by_hand = keeper("argoproj.io/v1alpha1", "Application", &json!({"destination": {"namespace": "n"}}));
        assert_eq!(held(&by_hand, &tracked), [], "nothing is synced by itself");
        let scaled = keeper("keda.sh/v1alpha1", "ScaledObject", &json!({"scaleTargetRef": {"name": "core"}}));
        let paused = vec![("/metadata/annotations/autoscaling.keda.sh~1paused".to_owned(), Some(json!("true")))];
        assert_eq!(held(&scaled, &workload(&json!({}), &json!({}))), paused);
    }

    /// Whoever may not look must not take it for nobody.
    #[test]
    fn what_a_mark_names_and_nobody_may_read_is_named() {
        let marked = workload(
            &json!({"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux"}),
            &json!({}),
        );
        let mut blind = Snapshot::default();
        assert_eq!(unseen(&blind, &marked), [""; 0], "it was looked for, and there is none");
        let unread = crate::snapshot::Unread { kind: "Kustomization".into(), namespace: None, why: "forbidden".into() };
        blind.unread.push(unread);
        assert_eq!(unseen(&blind, &marked), ["Kustomization flux/shop"]);
        assert_eq!(unseen(&blind, &workload(&json!({}), &json!({}))), [""; 0]);
    }

    #[test]
    fn an_operator_is_known_by_an_owner_of_a_kind_that_is_not_of_kubernetes() {
        let mut operated_one = workload(&json!({}), &json!({}));
        operated_one["metadata"]["ownerReferences"] =
            json!([{"apiVersion": "kafka.strimzi.io/v1", "kind": "Kafka", "name": "k", "controller": true}]);
        assert_eq!(operated(&operated_one).unwrap().to_string(), "Kafka/n/k");
        operated_one["metadata"]["ownerReferences"][0] =
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "k", "controller": true});
        assert_eq!(operated(&operated_one), None);
    }
}
