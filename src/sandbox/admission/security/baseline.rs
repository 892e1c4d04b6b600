//! The checks of the level `baseline`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Check, Level, containers, named, plural, quoted, said, setters, those, uses};
use crate::object::{items, text};

type Said = Option<(String, String)>;

const fn check(name: &'static str, since: u32, judge: fn(&Value, u32) -> Said) -> Check {
    Check { name, level: Level::Baseline, since, replaces: "", judge }
}

pub(super) const CHECKS: &[Check] = &[
    check("appArmorProfile", 0, app_armor),
    check("capabilities_baseline", 0, capabilities),
    check("hostNamespaces", 0, host_namespaces),
    check("hostPathVolumes", 0, host_paths),
    check("hostPorts", 0, host_ports),
    check("hostProbesAndHostLifecycle", 34, hosts_asked),
    check("privileged", 0, privileged),
    check("procMount", 0, proc_mount),
    check("seLinuxOptions", 0, se_linux),
    check("seccompProfile_baseline", 0, seccomp),
    check("sysctls", 0, sysctls),
    check("windowsHostProcess", 0, host_process),
];

const CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Sysctls that concern nobody else, each with the version since which it is allowed.
const SYSCTLS: [(&str, u32); 12] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

/// Profiles of `AppArmor` and of seccomp that confine.
fn confines(profile: &str) -> bool {
    ["RuntimeDefault", "Localhost"].contains(&profile)
}

/// The texts of a field that do not suit, of the pod itself and of its containers.
fn unsuitable<'a>(
    pod: &'a Value,
    field: &str,
    suits: impl Fn(&str) -> bool,
) -> (bool, Vec<&'a str>, BTreeSet<&'a str>) {
    let bad = |holder: &'a Value| said(holder, field).and_then(Value::as_str).filter(|value| !suits(value));
    let of_pod = bad(&pod["spec"]);
    let names = containers(pod).filter(|it| bad(it).is_some()).filter_map(|it| text(it, "/name")).collect();
    let values = of_pod.into_iter().chain(containers(pod).filter_map(bad)).collect();
    (of_pod.is_some(), names, values)
}

/// The texts of a list of all containers that do not suit, and the containers that have them.
fn listed<'a, T: Ord>(pod: &'a Value, of: impl Fn(&'a Value) -> Vec<T>) -> (Vec<&'a str>, BTreeSet<T>) {
    let bad = containers(pod).map(|container| (container, of(container))).filter(|(_, values)| !values.is_empty());
    let (mut names, mut all) = (Vec::new(), BTreeSet::new());
    for (container, values) in bad {
        names.extend(text(container, "/name"));
        all.extend(values);
    }
    (names, all)
}

fn app_armor(pod: &Value, _: u32) -> Said {
    const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";
    let (of_pod, names, values) = unsuitable(pod, "/appArmorProfile/type", confines);
    let is_fine = |value: &str| value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
    let annotations = pod["metadata"]["annotations"].as_object().into_iter().flatten();
    let mut annotated: Vec<String> = annotations
        .filter(|(key, value)| key.starts_with(ANNOTATION) && !is_fine(value.as_str().unwrap_or_default()))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    annotated.sort();
    let annotations = (!annotated.is_empty()).then(|| plural("annotation", annotated.len()));
    let who: Vec<String> = setters(of_pod, &names).into_iter().chain(annotations).collect();
    let all: Vec<String> = values.into_iter().map(str::to_owned).chain(annotated).collect();
    (!who.is_empty()).then(|| {
        let detail = format!("{} must not set AppArmor profile type to {}", who.join(" and "), quoted(&all));
        (plural("forbidden AppArmor profile", all.len()), detail)
    })
}

/// The capabilities beside these that containers add, and the containers.
pub(super) fn added<'a>(pod: &'a Value, allowed: &[&str]) -> (Vec<&'a str>, BTreeSet<&'a str>) {
    listed(pod, |container| {
        let added = items(container, "/securityContext/capabilities/add").filter_map(Value::as_str);
        added.filter(|name| !allowed.contains(name)).collect()
    })
}

fn capabilities(pod: &Value, _: u32) -> Said {
    let (names, added) = added(pod, &CAPABILITIES);
    (!names.is_empty()).then(|| {
        let detail =
            format!("{} must not include {} in securityContext.capabilities.add", named(&names), quoted(added));
        ("non-default capabilities".to_owned(), detail)
    })
}

fn host_namespaces(pod: &Value, _: u32) -> Said {
    let shared = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|key| pod["spec"][key] == true);
    let shared: Vec<String> = shared.map(|key| format!("{key}=true")).collect();
    (!shared.is_empty()).then(|| ("host namespaces".to_owned(), shared.join(", ")))
}

fn host_paths(pod: &Value, _: u32) -> Said {
    let of_host = items(pod, "/spec/volumes").filter(|volume| volume["hostPath"].is_object());
    let names: Vec<&str> = of_host.filter_map(|volume| text(volume, "/name")).collect();
    (!names.is_empty())
        .then(|| ("hostPath volumes".to_owned(), format!("{} {}", plural("volume", names.len()), quoted(&names))))
}

fn host_ports(pod: &Value, _: u32) -> Said {
    let of = |container| {
        let ports = items(container, "/ports").filter_map(|port| port["hostPort"].as_i64());
        // In the order of their letters, as they are told.
        ports.filter(|port| *port != 0).map(|port| port.to_string()).collect()
    };
    let (names, ports) = listed(pod, of);
    (!names.is_empty()).then(|| {
        let (uses, word) = (uses(names.len()), plural("hostPort", ports.len()));
        let ports = ports.into_iter().collect::<Vec<_>>().join(", ");
        ("hostPort".to_owned(), format!("{} {uses} {word} {ports}", named(&names)))
    })
}

fn hosts_asked(pod: &Value, _: u32) -> Said {
    const PLACES: [&str; 5] =
        ["/livenessProbe", "/readinessProbe", "/startupProbe", "/lifecycle/postStart", "/lifecycle/preStop"];
    let of = |container| {
        let all = PLACES.iter().flat_map(|place| ["httpGet", "tcpSocket"].map(|way| format!("{place}/{way}/host")));
        all.filter_map(|pointer| text(container, &pointer)).filter(|host| !host.is_empty()).collect()
    };
    let (mut names, hosts) = listed(pod, of);
    names.sort_unstable();
    (!names.is_empty()).then(|| {
        let uses = uses(names.len());
        let word = plural("probe or lifecycle host", hosts.len());
        ("probe or lifecycle host".to_owned(), format!("{} {uses} {word} {}", named(&names), quoted(hosts)))
    })
}

fn privileged(pod: &Value, _: u32) -> Said {
    let names = those(pod, |container| container["securityContext"]["privileged"] == true);
    (!names.is_empty())
        .then(|| ("privileged".to_owned(), format!("{} must not set securityContext.privileged=true", named(&names))))
}

fn proc_mount(pod: &Value, _: u32) -> Said {
    let of = |container| {
        let mount = text(container, "/securityContext/procMount");
        mount.filter(|mount| *mount != "Default").into_iter().collect()
    };
    let (names, mounts) = listed(pod, of);
    (!names.is_empty()).then(|| {
        let detail = format!("{} must not set securityContext.procMount to {}", named(&names), quoted(mounts));
        ("procMount".to_owned(), detail)
    })
}

fn options(holder: &Value) -> Option<&Value> {
    said(holder, "/seLinuxOptions")
}

fn se_linux(pod: &Value, minor: u32) -> Said {
    let is_known = |kind: &str| {
        ["", "container_t", "container_init_t", "container_kvm_t"].contains(&kind)
            || (minor >= 31 && kind == "container_engine_t")
    };
    let kind = |options: &Value| options["type"].as_str().filter(|kind| !is_known(kind)).map(str::to_owned);
    let sets = |options: &Value, key: &str| options[key].as_str().is_some_and(|value| !value.is_empty());
    let is_bad = |options: &Value| kind(options).is_some() || sets(options, "user") || sets(options, "role");
    let names = those(pod, |container| options(container).is_some_and(is_bad));
    let who = setters(options(&pod["spec"]).is_some_and(is_bad), &names)?;
    let all = || containers(pod).chain([&pod["spec"]]).filter_map(options);
    let kinds: BTreeSet<String> = all().filter_map(kind).collect();
    let mut what = Vec::new();
    if !kinds.is_empty() {
        what.push(format!("{} {}", plural("type", kinds.len()), quoted(&kinds)));
    }
    for key in ["user", "role"] {
        if all().any(|options| sets(options, key)) {
            what.push(format!("{key} may not be set"));
        }
    }
    let detail = format!("{who} set forbidden securityContext.seLinuxOptions: {}", what.join("; "));
    Some(("seLinuxOptions".to_owned(), detail))
}

fn seccomp(pod: &Value, minor: u32) -> Said {
    if minor < 19 {
        return seccomp_annotations(pod);
    }
    seccomp_profile(pod)
}

/// A profile that does not confine.
pub(super) fn seccomp_profile(pod: &Value) -> Said {
    let (of_pod, names, values) = unsuitable(pod, "/seccompProfile/type", confines);
    let who = setters(of_pod, &names)?;
    let detail = format!("{who} must not set securityContext.seccompProfile.type to {}", quoted(values));
    Some(("seccompProfile".to_owned(), detail))
}

/// Before it was a field.
fn seccomp_annotations(pod: &Value) -> Said {
    let is_fine =
        |value: &str| ["runtime/default", "docker/default"].contains(&value) || value.starts_with("localhost/");
    let of_containers = containers(pod).filter_map(|container| text(container, "/name"));
    let keys = of_containers.map(|name| format!("container.seccomp.security.alpha.kubernetes.io/{name}"));
    let keys = keys.chain(["seccomp.security.alpha.kubernetes.io/pod".to_owned()]);
    let said = keys.filter_map(|key| {
        let value = pod["metadata"]["annotations"][&key].as_str().filter(|value| !is_fine(value))?;
        Some(format!("{key}={value:?}"))
    });
    let said: BTreeSet<String> = said.collect();
    (!said.is_empty()).then(|| {
        let word = plural("annotation", said.len());
        let said = said.into_iter().collect::<Vec<_>>().join(", ");
        ("seccompProfile".to_owned(), format!("forbidden {word} {said}"))
    })
}

fn sysctls(pod: &Value, minor: u32) -> Said {
    let is_safe = |name: &&str| SYSCTLS.iter().any(|(known, since)| known == name && *since <= minor);
    let names = items(pod, "/spec/securityContext/sysctls").filter_map(|sysctl| text(sysctl, "/name"));
    let names: Vec<&str> = names.filter(|name| !is_safe(name)).collect();
    (!names.is_empty()).then(|| ("forbidden sysctls".to_owned(), names.join(", ")))
}

fn host_process(pod: &Value, _: u32) -> Said {
    let is_one = |holder: &Value| said(holder, "/windowsOptions/hostProcess").is_some_and(|value| *value == true);
    let who = setters(is_one(&pod["spec"]), &those(pod, is_one))?;
    let detail = format!("{who} must not set securityContext.windowsOptions.hostProcess=true");
    Some(("hostProcess".to_owned(), detail))
}
