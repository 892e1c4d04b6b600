//! The checks of the level `restricted`, which come to those of the baseline or stand in their place.

use std::collections::BTreeSet;

use serde_json::Value;

use super::baseline::{added, seccomp_profile};
use super::{Check, Level, named, plural, quoted, said, setters, those, uses};
use crate::object::{items, text};

type Said = Option<(String, String)>;

const fn check(name: &'static str, since: u32, replaces: &'static str, judge: fn(&Value, u32) -> Said) -> Check {
    Check { name, level: Level::Restricted, since, replaces, judge }
}

pub(super) const CHECKS: &[Check] = &[
    check("allowPrivilegeEscalation", 8, "", escalation),
    check("capabilities_restricted", 22, "capabilities_baseline", capabilities),
    check("restrictedVolumes", 0, "hostPathVolumes", volumes),
    check("runAsNonRoot", 0, "", non_root),
    check("runAsUser", 23, "", user),
    check("seccompProfile_restricted", 19, "seccompProfile_baseline", seccomp),
];

const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Whether a pod is spared what Windows has no fields for, which it is since 1.25.
fn is_spared(pod: &Value, minor: u32) -> bool {
    minor >= 25 && pod["spec"]["os"]["name"] == "windows"
}

fn escalation(pod: &Value, minor: u32) -> Said {
    if is_spared(pod, minor) {
        return None;
    }
    let names = those(pod, |container| container["securityContext"]["allowPrivilegeEscalation"] != false);
    (!names.is_empty()).then(|| {
        let detail = format!("{} must set securityContext.allowPrivilegeEscalation=false", named(&names));
        ("allowPrivilegeEscalation != false".to_owned(), detail)
    })
}

fn capabilities(pod: &Value, minor: u32) -> Said {
    if is_spared(pod, minor) {
        return None;
    }
    let drops = |container: &Value| items(container, "/securityContext/capabilities/drop").any(|name| name == "ALL");
    let keeping = those(pod, |container| !drops(container));
    let (adding, all) = added(pod, &["NET_BIND_SERVICE"]);
    let mut details = Vec::new();
    if !keeping.is_empty() {
        details.push(format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", named(&keeping)));
    }
    if !adding.is_empty() {
        let all = quoted(all);
        details.push(format!("{} must not include {all} in securityContext.capabilities.add", named(&adding)));
    }
    (!details.is_empty()).then(|| ("unrestricted capabilities".to_owned(), details.join("; ")))
}

fn volumes(pod: &Value, _: u32) -> Said {
    let is_fine = |volume: &&Value| VOLUMES.iter().any(|source| volume.get(*source).is_some_and(Value::is_object));
    let bad: Vec<&Value> = items(pod, "/spec/volumes").filter(|volume| !is_fine(volume)).collect();
    let source = |volume: &Value| {
        let sources = volume.as_object().into_iter().flatten().filter(|(_, value)| value.is_object());
        sources.map(|(key, _)| key.clone()).next().unwrap_or_else(|| "unknown".to_owned())
    };
    let sources: BTreeSet<String> = bad.iter().map(|volume| source(volume)).collect();
    let names: Vec<&str> = bad.iter().filter_map(|volume| text(volume, "/name")).collect();
    (!names.is_empty()).then(|| {
        let detail = format!(
            "{} {} {} {} {}",
            plural("volume", names.len()),
            quoted(&names),
            uses(names.len()),
            plural("restricted volume type", sources.len()),
            quoted(&sources)
        );
        ("restricted volume types".to_owned(), detail)
    })
}

fn non_root(pod: &Value, _: u32) -> Said {
    let wish = |holder: &Value| said(holder, "/runAsNonRoot").and_then(Value::as_bool);
    let of_pod = wish(&pod["spec"]);
    let reason = "runAsNonRoot != true".to_owned();
    if let Some(who) = setters(of_pod == Some(false), &those(pod, |container| wish(container) == Some(false))) {
        return Some((reason, format!("{who} must not set securityContext.runAsNonRoot=false")));
    }
    let silent = those(pod, |container| wish(container).is_none());
    (of_pod != Some(true) && !silent.is_empty())
        .then(|| (reason, format!("pod or {} must set securityContext.runAsNonRoot=true", named(&silent))))
}

fn user(pod: &Value, _: u32) -> Said {
    let is_root = |holder: &Value| said(holder, "/runAsUser").is_some_and(|user| *user == 0);
    let who = setters(is_root(&pod["spec"]), &those(pod, is_root))?;
    Some(("runAsUser=0".to_owned(), format!("{who} must not set runAsUser=0")))
}

fn seccomp(pod: &Value, minor: u32) -> Said {
    const FIELD: &str = "/seccompProfile/type";
    if is_spared(pod, minor) {
        return None;
    }
    if let Some(unsuitable) = seccomp_profile(pod) {
        return Some(unsuitable);
    }
    let silent = those(pod, |container| said(container, FIELD).is_none());
    (said(&pod["spec"], FIELD).is_none() && !silent.is_empty()).then(|| {
        let detail = format!(
            "pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
            named(&silent)
        );
        ("seccompProfile".to_owned(), detail)
    })
}
