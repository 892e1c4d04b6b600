//! Taking over what somebody else has installed (`--adopt`): where that can last, and what has to be done before. Pure.
//!
//! Names and selectors of ours are those of the official manifests, so ours is applied over what is there: its objects become
//! ours, and nothing is down for longer than in an upgrade. What the official manifests have beside ours stays, and is nobody's.

use semver::Version;

use super::picture::Picture;
use super::{Found, Manager, Prerequisite, Verdict, Wants, kruise, local_path, metallb, metrics_server};
use crate::object::ObjectRef;

/// Workloads as we call them; under another name ours would stand beside what is there.
fn workloads(prerequisite: Prerequisite) -> &'static [(&'static str, &'static str, &'static str)] {
    match prerequisite {
        Prerequisite::LocalPath => &[("Deployment", "local-path-storage", "local-path-provisioner")],
        Prerequisite::MetricsServer => &[("Deployment", "kube-system", "metrics-server")],
        Prerequisite::Metallb => {
            &[("Deployment", "metallb-system", "controller"), ("DaemonSet", "metallb-system", "speaker")]
        }
        Prerequisite::Kruise => &[("Deployment", "kruise-system", "kruise-controller-manager")],
        Prerequisite::SharedPath => &[],
    }
}

/// What is done when it is to be taken over; `None`: there is nothing of anybody else.
pub(super) fn adopt(prerequisite: Prerequisite, found: &Found, picture: &Picture, wants: &Wants) -> Option<Verdict> {
    if found.manager == Manager::Seaworthy {
        return None;
    }
    let because = format!("it is taken over from {}", found.manager);
    let obstacle = obstacle(prerequisite, found, picture);
    Some(obstacle.unwrap_or_else(|| match prerequisite {
        Prerequisite::LocalPath => Verdict::Install { because, values: local_path::adopted(picture) },
        Prerequisite::MetricsServer => metrics_server::adopted(picture, because),
        Prerequisite::Metallb => metallb::with_pool(wants, |values| Verdict::Install { because, values }),
        Prerequisite::Kruise | Prerequisite::SharedPath => kruise::whole(found),
    }))
}

fn obstacle(prerequisite: Prerequisite, found: &Found, picture: &Picture) -> Option<Verdict> {
    if prerequisite == Prerequisite::Kruise {
        return Some(kruise::whole(found));
    }
    if changes_back(&found.manager) {
        let because = format!("{} looks after it, and would change back what is taken over", found.manager);
        return Some(Verdict::blocked(
            because,
            "take it out of its care first, or leave it there: it is used as it is",
        ));
    }
    if let Some(other) = found.objects.iter().find(|object| is_workload(object) && !is_ours(prerequisite, object)) {
        let ours: Vec<String> =
            workloads(prerequisite).iter().map(|(kind, space, name)| format!("{kind}/{space}/{name}")).collect();
        let because = format!("{other} has another name than ours ({}), which would stand beside it", ours.join(", "));
        return Some(Verdict::blocked(
            because,
            "take it away the way it was installed, then install it without --adopt",
        ));
    }
    let there = found.version.as_deref().and_then(|text| Version::parse(text).ok());
    if let Some((there, wanted)) = there.zip(prerequisite.version()).filter(|(there, wanted)| there > wanted) {
        let because = format!("{there} is there, and ours is {wanted}: older");
        return Some(Verdict::blocked(because, "leave it there: it is used as it is"));
    }
    (prerequisite == Prerequisite::Metallb).then(|| metallb::leftover(picture)).flatten().map(|webhook| {
        let because = format!("{webhook} asks a webhook that ours does not have, and would refuse every pool");
        Verdict::blocked(because, format!("`kubectl delete {}` first", webhook.to_string().to_lowercase()))
    })
}

/// Whether it is applied anew by itself.
fn changes_back(manager: &Manager) -> bool {
    match manager {
        Manager::Addon { .. }
        | Manager::ArgoCd { .. }
        | Manager::Flux { .. }
        | Manager::Olm
        | Manager::Controller { .. } => true,
        Manager::AddonManager { mode } => mode != "EnsureExists",
        Manager::Seaworthy | Manager::Helm { .. } | Manager::Hand | Manager::Nobody => false,
    }
}

fn is_workload(object: &ObjectRef) -> bool {
    ["Deployment", "DaemonSet"].contains(&object.kind.as_str())
}

fn is_ours(prerequisite: Prerequisite, object: &ObjectRef) -> bool {
    let named = |(kind, space, name): &(&str, &str, &str)| {
        object.kind == *kind && object.namespace.as_deref() == Some(*space) && object.name == *name
    };
    workloads(prerequisite).iter().any(named)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::tests::{class, picture, provisioner, workload};
    use super::super::{Prerequisite, Verdict, Wants, assess};

    fn wants(prerequisite: Prerequisite) -> Wants {
        let pool = Some(Ok(vec!["10.0.0.1-10.0.0.9".to_owned()]));
        Wants { by_name: true, adopt: vec![prerequisite], pool, ..Wants::default() }
    }

    fn told(prerequisite: Prerequisite, objects: impl IntoIterator<Item = Value>) -> String {
        match assess(prerequisite, &picture(objects), &wants(prerequisite)).verdict {
            Verdict::Install { because, .. } => format!("install: {because}"),
            Verdict::Blocked(blocked) => format!("blocked: {}", blocked.because),
            other => format!("{other:?}"),
        }
    }

    fn by_hand(mut object: Value) -> Value {
        object["metadata"]["managedFields"] = json!([{"manager": "kubectl", "operation": "Apply"}]);
        object
    }

    fn speaker_and_controller(version: &str) -> Vec<Value> {
        ["controller", "speaker"]
            .map(|part| {
                let kind = if part == "speaker" { "DaemonSet" } else { "Deployment" };
                let image = format!("quay.io/metallb/{part}:{version}");
                let mut object = by_hand(workload(kind, part, "metallb-system", &image, true));
                object["metadata"]["labels"] = json!({"app": "metallb", "component": part});
                object
            })
            .into()
    }

    #[test]
    fn what_was_applied_by_hand_is_taken_over() {
        let image = "rancher/local-path-provisioner:v0.0.26";
        let there =
            || [by_hand(provisioner("local-path-storage", image)), class("local-path", "rancher.io/local-path", true)];
        assert_eq!(told(Prerequisite::LocalPath, there()), "install: it is taken over from kubectl");
        let verdict = assess(Prerequisite::LocalPath, &picture(there()), &wants(Prerequisite::LocalPath)).verdict;
        assert_eq!(verdict.values().unwrap()["storageClass"]["default"], true, "the default class stays the default");
        assert_eq!(
            told(Prerequisite::Metallb, speaker_and_controller("v0.13.7")),
            "install: it is taken over from kubectl"
        );
        let without = Wants { adopt: Vec::new(), ..wants(Prerequisite::LocalPath) };
        assert!(matches!(assess(Prerequisite::LocalPath, &picture(there()), &without).verdict, Verdict::Use { .. }));
    }

    #[test]
    fn what_would_not_last_or_would_stand_beside_is_refused() {
        let image = "rancher/local-path-provisioner:v0.0.26";
        let mut of_argo = provisioner("local-path-storage", image);
        of_argo["metadata"]["labels"] =
            json!({"app": "local-path-provisioner", "argocd.argoproj.io/instance": "storage"});
        let told_of = |object| told(Prerequisite::LocalPath, [object]);
        assert!(told_of(of_argo).starts_with("blocked: Argo CD (storage) looks after it"));
        assert!(told_of(by_hand(provisioner("kube-system", image))).contains("has another name than ours"));
        let two = ["local-path-storage", "b"].map(|namespace| by_hand(provisioner(namespace, image)));
        assert!(told(Prerequisite::LocalPath, two).starts_with("blocked: Deployment/b/local-path-provisioner has"));
        let newer = by_hand(provisioner("local-path-storage", "rancher/local-path-provisioner:v9.0.0"));
        assert_eq!(told_of(newer), "blocked: 9.0.0 is there, and ours is 0.0.37: older");
        let hook = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "metallb-webhook-configuration"}});
        let with_hook = speaker_and_controller("v0.13.7").into_iter().chain([hook]);
        assert!(told(Prerequisite::Metallb, with_hook).contains("would refuse every pool"));
    }

    #[test]
    fn a_whole_openkruise_is_more_than_ours() {
        let image = "openkruise/kruise-manager:v1.5.2";
        let manager = by_hand(workload("Deployment", "kruise-controller-manager", "kruise-system", image, true));
        assert!(told(Prerequisite::Kruise, [manager]).starts_with("blocked: OpenKruise (kubectl) has more"));
    }
}
