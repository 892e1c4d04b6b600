//! What the API itself must have: the version, the kinds of custom objects, classes of Ingresses, names that nobody else has taken. Pure.

use semver::{Version, VersionReq};
use serde_json::Value;

use super::{Around, Objection, Subject, written};
use crate::object::{ObjectRef, text};
use crate::plan::order::defined_kinds;

/// Marks the class that Ingresses without one get (Kubernetes documentation, "Ingress", "Default IngressClass").
const DEFAULT_CLASS: &str = "ingressclass.kubernetes.io/is-default-class";

pub(super) fn version(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    // Suffixes of distributions (`+k3s1`, `-eks-1`) say nothing about what the API has.
    let plain = around.version.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
    let (Some(wanted), Ok(there)) = (subject.kubernetes, Version::parse(plain)) else { return Vec::new() };
    if VersionReq::parse(wanted).is_ok_and(|range| range.matches(&there)) {
        return Vec::new();
    }
    let message = format!("the cluster is Kubernetes {there}, and the stack runs on {wanted}");
    vec![Objection::refusal(
        "kubernetes-version",
        message,
        "choose another cluster, or bring this one to such a version",
    )]
}

pub(super) fn definitions(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    let Some(unknown) = &around.unknown_kinds else { return Vec::new() };
    let defined = defined_kinds(subject.plan.objects());
    let lacks = |object: &&ObjectRef| {
        unknown.contains(object) && !defined.contains_key(&(object.group().to_owned(), object.kind.clone()))
    };
    let objects: Vec<ObjectRef> = written(subject.plan).filter_map(ObjectRef::of).collect();
    let objection = |object: &ObjectRef| {
        let message =
            format!("the cluster knows no kind {} of {}, which {object} is of", object.kind, object.api_version);
        let remedy =
            "install what defines it first; `seaworthy prerequisites list` shows what this program can install";
        Objection::refusal("definitions", message, remedy).about(object.clone())
    };
    objects.iter().filter(lacks).map(objection).collect()
}

pub(super) fn ingress_class(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    if around.snapshot.is_unread("IngressClass") {
        return Vec::new();
    }
    let classes: Vec<&Value> = around.snapshot.of_kind("networking.k8s.io", "IngressClass").collect();
    let names: Vec<&str> = classes.iter().filter_map(|class| text(class, "/metadata/name")).collect();
    let default = classes.iter().any(|class| class["metadata"]["annotations"][DEFAULT_CLASS] == "true");
    let there = if names.is_empty() { "no class".to_owned() } else { names.join(", ") };
    let objection = |ingress: &Value| {
        let named = text(ingress, "/spec/ingressClassName");
        let message = match named {
            Some(name) if !names.contains(&name) => format!("there is no ingress class {name}; there is {there}"),
            None if !default => format!("it names no class, and none is the default one; there is {there}"),
            _ => return None,
        };
        let object = ObjectRef::of(ingress)?;
        // It may come: the object waits for it, and the plan does not.
        let message = format!("nobody will serve {object}: {message}");
        let remedy = "install an ingress controller, or name the class of the one that is there";
        Some(Objection::warning("ingress-class", message, remedy).about(object))
    };
    written(subject.plan).filter(|object| object["kind"] == "Ingress").filter_map(objection).collect()
}

/// Helm's own record of a release of this name: its next upgrade would put its objects in the place of ours.
pub(super) fn helm_release(subject: Subject<'_>, around: &Around) -> Vec<Objection> {
    let installation = &subject.plan.installation;
    let is_record = |secret: &&Value| {
        secret["type"] == "helm.sh/release.v1"
            && secret["metadata"]["labels"]["name"] == installation.release.as_str()
            && text(secret, "/metadata/namespace") == Some(&installation.namespace)
    };
    let mut records = around.snapshot.of_kind("", "Secret").filter(is_record);
    if records.next().is_none() {
        return Vec::new();
    }
    let (release, namespace) = (&installation.release, &installation.namespace);
    let message = format!("Helm has a release {release} in namespace {namespace}, of objects with the same names");
    let remedy = format!(
        "--chart REF manages it as the Helm release that it is; `seaworthy doctor -n {namespace}` judges it; --name or --namespace installs beside it; `helm uninstall {release} -n {namespace}` takes it away"
    );
    vec![Objection::refusal("helm-release", message, remedy)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{around, lines, plan, subject};
    use super::*;

    #[test]
    fn suffixes_of_distributions_are_no_part_of_the_version() {
        let plan = plan([]);
        let told = |wanted, there: &str| {
            let subject = Subject { kubernetes: Some(wanted), ..subject(&plan) };
            lines(&version(subject, &Around { version: there.to_owned(), ..Around::default() }))
        };
        assert_eq!(told(">=1.23", "v1.34.2+k3s1"), [""; 0]);
        assert_eq!(told(">=1.23", "v1.23.0-eks-1"), [""; 0]);
        assert_eq!(
            told(">=1.26", "v1.25.9"),
            ["refuses: the cluster is Kubernetes 1.25.9, and the stack runs on >=1.26"]
        );
        assert_eq!(told(">=1.26", "unknown"), [""; 0]);
    }

    #[test]
    fn a_kind_that_nobody_defines_is_refused() {
        let set = json!({"apiVersion": "apps.kruise.io/v1alpha1", "kind": "CloneSet", "metadata": {"name": "c", "namespace": "sea"}});
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "clonesets.apps.kruise.io"},
            "spec": {"group": "apps.kruise.io", "names": {"kind": "CloneSet", "plural": "clonesets"}, "versions": [{"name": "v1alpha1"}]}});
        let unknown = Around { unknown_kinds: Some(ObjectRef::of(&set).into_iter().collect()), ..around([]) };
        let alone = plan([set.clone()]);
        assert_eq!(
            lines(&definitions(subject(&alone), &unknown)),
            ["refuses: the cluster knows no kind CloneSet of apps.kruise.io/v1alpha1, which CloneSet/sea/c is of"]
        );
        let both = plan([definition, set]);
        assert_eq!(lines(&definitions(subject(&both), &unknown)), [""; 0]);
        assert_eq!(lines(&definitions(subject(&alone), &around([]))), [""; 0], "nobody has looked");
    }

    #[test]
    fn an_ingress_without_a_class_waits_for_one() {
        let ingress = |class: &Value| {
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i", "namespace": "sea"},
            "spec": {"ingressClassName": class}})
        };
        let class = |default: &str| {
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "metadata": {"name": "traefik", "annotations": {DEFAULT_CLASS: default}}})
        };
        let told = |named: &Value, classes: Vec<Value>| {
            let plan = plan([ingress(named)]);
            lines(&ingress_class(subject(&plan), &around(classes)))
        };
        assert_eq!(
            told(&json!("nginx"), vec![class("true")]),
            ["warns: nobody will serve Ingress/sea/i: there is no ingress class nginx; there is traefik"]
        );
        assert_eq!(told(&json!("traefik"), vec![class("false")]), [""; 0]);
        assert_eq!(told(&Value::Null, vec![class("true")]), [""; 0]);
        assert!(told(&Value::Null, vec![])[0].ends_with("none is the default one; there is no class"));
    }

    #[test]
    fn a_release_of_helm_is_not_written_over() {
        let record = |name: &str| {
            json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
            "metadata": {"name": format!("sh.helm.release.v1.{name}.v1"), "namespace": "sea", "labels": {"name": name, "owner": "helm"}}})
        };
        let plan = plan([]);
        let told = |name: &str| lines(&helm_release(subject(&plan), &around([record(name)])));
        assert_eq!(told("shop"), ["refuses: Helm has a release shop in namespace sea, of objects with the same names"]);
        assert_eq!(told("other"), [""; 0]);
    }
}
