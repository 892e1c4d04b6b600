//! The claim has no volume.

use serde_json::Value;

use super::site::{Site, event_start, event_text};
use super::words::{between, clip, seconds, span};
use super::{Rule, Subject, walk};
use crate::doctor::{Cause, Outlook};
use crate::engine::ready::judge::{binds_at_first_use, consumers};
use crate::object::{ObjectRef, items, text};

pub(super) const RULES: &[Rule] = &[
    rule("V009", "a claim has lost its volume", lost),
    rule("V003", "a claim's class does not exist", no_class),
    rule("V001", "a claim names no class and there is no default", no_default),
    rule("provisioning", "the pod that prepares a volume does not work", helper),
    rule("V007", "the provisioner cannot do what a claim asks for", not_supported),
    rule("V005", "the provisioner fails", failed),
    rule("V005", "a claim cannot be bound to the volume that it names", named_volume),
    rule("V006", "nobody makes volumes of a claim's class", no_provisioner),
    rule("V004", "a claim waits for its first consumer", waits),
    rule("provisioning", "a volume is being made", provisioning),
];

const fn rule(id: &'static str, title: &'static str, find: fn(&Site<'_>) -> Option<Cause>) -> Rule {
    Rule { id, group: "claim", title, on: Subject::Claim, find }
}

/// Seconds in which a provisioner that runs takes a claim up.
const TAKES_UP: i64 = 30;

fn class(site: &Site<'_>) -> Option<String> {
    let annotated = || site.object["metadata"]["annotations"]["volume.beta.kubernetes.io/storage-class"].as_str();
    text(site.object, "/spec/storageClassName").or_else(annotated).filter(|name| !name.is_empty()).map(str::to_owned)
}

fn class_object<'a>(site: &Site<'a>) -> Option<&'a Value> {
    site.snapshot.get(&ObjectRef::new("storage.k8s.io/v1", "StorageClass", None, &class(site)?))
}

/// The names of the classes that are there; empty also when they were not read.
fn classes<'a>(site: &Site<'a>) -> Vec<&'a str> {
    site.snapshot.of_kind("storage.k8s.io", "StorageClass").filter_map(|class| text(class, "/metadata/name")).collect()
}

fn provisioner<'a>(site: &Site<'a>) -> Option<&'a str> {
    let named = |event: &'a Value| between(event_text(event), "external provisioner '", "'");
    class_object(site)
        .and_then(|class| text(class, "/provisioner"))
        .or_else(|| site.event(&["ExternalProvisioning"]).and_then(named))
}

fn name<'a>(site: &'a Site<'_>) -> &'a str {
    &site.reference.name
}

fn lost(site: &Site<'_>) -> Option<Cause> {
    if text(site.object, "/status/phase") != Some("Lost") {
        return None;
    }
    let volume = text(site.object, "/spec/volumeName").unwrap_or("unknown");
    let there = ObjectRef::new("v1", "PersistentVolume", None, volume);
    let what = if site.snapshot.get(&there).is_some() {
        "the volume is there, and names another claim or nobody"
    } else if site.snapshot.is_unread("PersistentVolume") {
        "whether it is still there could not be read"
    } else {
        "the volume was deleted"
    };
    let message = format!("the claim `{}` has lost its volume {volume}: {what}", name(site));
    Some(
        site.stuck("ClaimLost", message)
            .remedy("Delete nothing. Its bytes are most likely still there: `seaworthy recover` says what can be brought back, and how.")
            .outlook(Outlook::Final),
    )
}

fn no_class(site: &Site<'_>) -> Option<Cause> {
    // Nothing is made for a claim that names its volume, so its class is only a word that both have.
    if text(site.object, "/spec/volumeName").is_some() {
        return None;
    }
    let class = class(site)?;
    let there = classes(site);
    let said = site.event(&["ProvisioningFailed"]).map(event_text).unwrap_or_default();
    let denied = said.contains("storageclass") && said.contains("not found");
    // A volume made by hand is bound through a class that need not exist; then there is no event either.
    if there.contains(&class.as_str()) || !denied && (there.is_empty() || consumerless_binding(site)) {
        return None;
    }
    let others = if there.is_empty() { String::new() } else { format!("; there is {}", there.join(", ")) };
    let message =
        format!("the claim `{}` asks for the storage class `{class}`, which does not exist{others}", name(site));
    let was_there = site.snapshot.of_kind("", "PersistentVolume").any(|volume| {
        volume["spec"]["storageClassName"] == class.as_str() && crate::snapshot::provisioner::made_by(volume).is_some()
    });
    let again = format!(
        "Make the class `{class}` again, volumes were made for it before: `seaworthy recover` does it where it was recorded."
    );
    let remedy = was_there.then_some(again).or_else(|| there.first().map(|one| {
        format!("Set the storage class in the values to one that exists, such as `{one}`; a claim's class cannot be changed later.")
    }));
    let install = "Make that class, or install a provisioner that brings one, such as local-path-provisioner. If it was there before: `seaworthy recover`.";
    let remedy = remedy.unwrap_or_else(|| install.to_owned());
    Some(site.stuck("StorageClassNotFound", message).remedy(remedy))
}

/// Whether volumes of the claim's class lie ready to be bound.
fn consumerless_binding(site: &Site<'_>) -> bool {
    let class = class(site).unwrap_or_default();
    site.snapshot.of_kind("", "PersistentVolume").any(|volume| volume["spec"]["storageClassName"] == class.as_str())
}

fn no_default(site: &Site<'_>) -> Option<Cause> {
    let said = site.event(&["FailedBinding"]).map(event_text).unwrap_or_default();
    if class(site).is_some()
        || text(site.object, "/spec/volumeName").is_some()
        || !said.contains("no storage class is set")
    {
        return None;
    }
    let message = format!("the claim `{}` names no storage class, there is no default, and no volume fits", name(site));
    let remedy = match classes(site).first() {
        Some(one) => {
            format!("Set the storage class in the values, such as `{one}`; for later claims make it the default.")
        }
        None => "Install a provisioner, such as local-path-provisioner.".to_owned(),
    };
    Some(site.stuck("FailedBinding", message).remedy(remedy))
}

/// local-path prepares a folder with a pod named after the volume.
fn helper(site: &Site<'_>) -> Option<Cause> {
    let uid = text(site.object, "/metadata/uid").filter(|uid| !uid.is_empty())?;
    let mark = format!("-pvc-{uid}");
    let pods = site.snapshot.of_kind("", "Pod");
    let mut helpers = pods.filter(|pod| {
        let name = text(pod, "/metadata/name").unwrap_or_default();
        name.starts_with("helper-pod-") && name.ends_with(&mark)
    });
    let helper = site.to(helpers.next()?)?;
    let cause = walk::pod(&helper)?;
    (cause.outlook > Outlook::Passing).then_some(cause)
}

/// What the provisioner said last, unless it has said since that it tries again or is done.
fn failure<'a>(site: &Site<'a>) -> Option<&'a str> {
    let event = site.event(&["ProvisioningFailed", "ProvisioningSucceeded"])?;
    let said = event_text(event);
    let class_missing = said.contains("storageclass") && said.contains("not found");
    (event["reason"] == "ProvisioningFailed" && !class_missing).then_some(said)
}

/// Complaints about what the claim asks for: no number of tries changes them.
const UNSUPPORTED: &[&str] = &["access mode", "selector is not supported", "not supported", "unsupported"];

fn not_supported(site: &Site<'_>) -> Option<Cause> {
    let said = failure(site).filter(|said| super::words::has_any(&said.to_lowercase(), UNSUPPORTED))?;
    let modes: Vec<_> = items(site.object, "/spec/accessModes").filter_map(Value::as_str).collect();
    let class = class(site).unwrap_or_default();
    let message = format!(
        "the storage class `{class}` cannot do what the claim `{}` ({}) asks for: {}",
        name(site),
        modes.join(", "),
        last(said)
    );
    let remedy = "Use a storage class that can, or set `ReadWriteOnce` and no selector in the values; a claim cannot be changed later.";
    Some(site.stuck("ProvisioningFailed", message).remedy(remedy).outlook(Outlook::Final))
}

fn failed(site: &Site<'_>) -> Option<Cause> {
    let said = failure(site).filter(|said| !super::words::has_any(&said.to_lowercase(), UNSUPPORTED))?;
    let message = format!("no volume can be made for the claim `{}`: {}", name(site), last(said));
    Some(
        site.stuck("ProvisioningFailed", message)
            .remedy("Look at what the provisioner says: `kubectl get pods -A`, then its log."),
    )
}

fn last(said: &str) -> String {
    let said = said.split_once("failed to provision volume with StorageClass ").map_or(said, |(_, rest)| rest);
    let said = said.split_once("\": ").map_or(said, |(_, rest)| rest);
    clip(said.rsplit_once("desc = ").map_or(said, |(_, rest)| rest))
}

fn named_volume(site: &Site<'_>) -> Option<Cause> {
    let volume =
        text(site.object, "/spec/volumeName").filter(|_| text(site.object, "/status/phase") == Some("Pending"))?;
    let said = site.event(&["FailedBinding", "VolumeMismatch"]).map(event_text)?;
    let message = format!("the claim `{}` cannot be bound to the volume {volume}: {}", name(site), clip(said));
    Some(site.stuck("FailedBinding", message).remedy(format!("Look at the volume: `kubectl describe pv {volume}`.")))
}

/// The controller asks an external provisioner every few seconds; one that runs answers with `Provisioning`.
fn no_provisioner(site: &Site<'_>) -> Option<Cause> {
    if site.event(&["Provisioning", "ProvisioningFailed", "ProvisioningSucceeded"]).is_some() {
        return None;
    }
    let asked = site.events_of(&["ExternalProvisioning"]).filter_map(event_start).min()?;
    let waited = seconds(asked, site.now);
    if waited <= TAKES_UP {
        return None;
    }
    let who = provisioner(site).unwrap_or("the class names");
    let message = format!(
        "nobody makes the volume of the claim `{}`: the provisioner {who} has not answered for {}",
        name(site),
        span(waited)
    );
    Some(
        site.stuck("ExternalProvisioning", message).remedy("Install or start that provisioner: `kubectl get pods -A`."),
    )
}

fn waits(site: &Site<'_>) -> Option<Cause> {
    if !binds_at_first_use(site.object, &site.reference, site.snapshot)
        || site.event(&["Provisioning", "ExternalProvisioning"]).is_some()
    {
        return None;
    }
    let pod = consumers(&site.reference, site.snapshot).next().and_then(|pod| text(pod, "/metadata/name"));
    let who = pod.map_or("a first pod that mounts it".to_owned(), |pod| format!("the pod {pod} to get a node"));
    let message = format!("the claim `{}` waits for {who}", name(site));
    Some(site.stuck("WaitForFirstConsumer", message).outlook(Outlook::Passing))
}

fn provisioning(site: &Site<'_>) -> Option<Cause> {
    let event = site.event(&["Provisioning", "ExternalProvisioning"])?;
    let others = [helper, failed, not_supported, no_provisioner];
    if others.iter().any(|rule| rule(site).is_some()) {
        return None;
    }
    let since = event_start(event).map(|then| format!(" ({})", span(seconds(then, site.now)))).unwrap_or_default();
    let who = provisioner(site).unwrap_or("the provisioner");
    let message = format!("{who} makes the volume of the claim `{}`{since}", name(site));
    Some(site.stuck("Provisioning", message).outlook(Outlook::Passing))
}
