//! Stand-ins: the whole of a stack with a busybox in the place of every program, for a look at it where its images are not to be had. A stand-in
//! listens where its program would, answers probes and the ways in, and does nothing else.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::definition::{Expect, Reach};
use super::render::{Rendered, pod_template};
use crate::object::{items, text};

/// Label of every workload, and of every pod, that runs stand-ins.
pub const LABEL: &str = "seaworthy.dev/stand-in";
/// What is to be known of an installation of stand-ins, wherever it is spoken of.
pub const WARNING: &str = "a demonstration with stand-ins: every container is a busybox that answers its probes; the application itself does not run";
/// The image that stands in, as the maps of images in values have it.
pub(super) const REGISTRY: &str = "docker.io";
/// See [`REGISTRY`].
pub(super) const REPOSITORY: &str = "library/busybox:1.37.0";
/// Part of every answer.
const ANSWER: &str = "stand-in";
/// Where its pages are, on a volume of its own: it may have no other place to write to.
const FOLDER: &str = "/seaworthy";
const VOLUME: &str = "seaworthy-stand-in";
/// Any user but root, for pods that say no more than that.
const SOMEBODY: u32 = 65532;
/// Ports below this one are root's, unless the sysctl says otherwise.
const PRIVILEGED: u16 = 1024;
const LOW_PORTS: &str = "net.ipv4.ip_unprivileged_port_start";
/// What is done once is done.
const END: [&str; 3] = ["/bin/sh", "-c", "exit 0"];
/// $0: what it stands in for. $1: its container, since those of a pod share the volume, and may be different users. $2: ports. $3: paths of pages.
const SERVE: &str = r#"set -eu
trap 'exit 0' TERM INT
pages=/seaworthy/$1
for page in $3; do
  mkdir -p "$pages${page%/*}"
  echo "This is a stand-in for $0: it answers, and does nothing else." >"$pages$page"
done
for port in $2; do
  busybox httpd -f -p "$port" -h "$pages" &
done
echo "stand-in for $0, listening at: ${2:-nothing}"
tail -f /dev/null &
wait
"#;

/// Puts stand-ins into the place of all programs, and has the ways in expect their answer.
pub(super) fn stand_in(objects: &mut [Rendered], reach: &mut [Reach], image: &str) {
    for way in reach.iter_mut() {
        way.path = way.path.take().filter(|path| is_plain(path));
        way.expect = Some(Expect { status: 200, contains: Some(ANSWER.to_owned()) });
    }
    let services: Vec<Value> =
        objects.iter().filter(|rendered| rendered.object["kind"] == "Service").map(|r| r.object.clone()).collect();
    let mut paths: BTreeSet<String> = reach.iter().filter_map(|way| way.path.clone()).collect();
    for rendered in objects.iter_mut() {
        if let Some(template) = pod_template(&mut rendered.object) {
            paths.extend(probed_paths(template));
        }
    }
    let pages = pages(&paths);
    for rendered in objects {
        let ends = matches!(rendered.kind_name(), "Job" | "CronJob");
        let Some(template) = pod_template(&mut rendered.object) else { continue };
        let ports = served(template, &services);
        replace(&mut template["spec"], image, (&ports, &pages), ends);
        template["metadata"]["labels"][LABEL] = "true".into();
        rendered.object["metadata"]["labels"][LABEL] = "true".into();
    }
}

/// A path that a shell and a file system take as it is.
fn is_plain(path: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    path.starts_with('/') && path.chars().all(is_word) && !path.split('/').any(|part| part == "..")
}

const PROBES: [&str; 3] = ["startupProbe", "readinessProbe", "livenessProbe"];

fn probed_paths(template: &Value) -> BTreeSet<String> {
    let containers = ["/spec/initContainers", "/spec/containers"].into_iter().flat_map(|list| items(template, list));
    let probes = containers.flat_map(|container| PROBES.iter().map(|probe| &container[*probe]["httpGet"]["path"]));
    probes.filter_map(Value::as_str).filter(|path| is_plain(path)).map(str::to_owned).collect()
}

/// The files that answer at these paths: what has others below it is a folder.
fn pages(paths: &BTreeSet<String>) -> Vec<String> {
    let page = |path: &String| {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let is_folder = path.ends_with('/') || paths.iter().any(|other| other.starts_with(&folder));
        if is_folder { format!("{folder}index.html") } else { path.clone() }
    };
    let all: BTreeSet<String> = paths.iter().map(page).chain(["/index.html".to_owned()]).collect();
    all.into_iter().collect()
}

/// Ports by number that Services lead to and no container of the pod names.
fn served(template: &Value, services: &[Value]) -> Vec<u16> {
    let labels = &template["metadata"]["labels"];
    let selects = |service: &&Value| {
        let selector = service["spec"]["selector"].as_object();
        selector.is_some_and(|it| !it.is_empty() && it.iter().all(|(key, value)| &labels[key] == value))
    };
    let ports = services.iter().filter(selects).flat_map(|service| items(service, "/spec/ports"));
    let number = |port: &Value| port.get("targetPort").unwrap_or(&port["port"]).as_u64();
    ports.filter(|port| is_tcp(port)).filter_map(number).filter_map(|it| u16::try_from(it).ok()).collect()
}

fn is_tcp(port: &Value) -> bool {
    port.get("protocol").is_none_or(|protocol| protocol == "TCP")
}

fn replace(spec: &mut Value, image: &str, (served, pages): (&[u16], &[String]), ends: bool) {
    let Some(pod) = spec.as_object_mut() else { return };
    // What only the programs need of a node.
    for field in ["nodeSelector", "runtimeClassName", "readinessGates"] {
        pod.remove(field);
    }
    if let Some(affinity) = pod.get_mut("affinity").and_then(Value::as_object_mut) {
        affinity.remove("nodeAffinity");
    }
    name_somebody(pod);
    let mut taken = BTreeSet::new();
    let containers = items(spec, "/containers").chain(items(spec, "/initContainers"));
    let elsewhere: BTreeSet<u16> = containers.flat_map(ports_of).collect();
    let mut left: Vec<u16> = served.iter().filter(|port| !elsewhere.contains(port)).copied().collect();
    for (list, is_init) in [("initContainers", true), ("containers", false)] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            let once = ends || is_init && container["restartPolicy"] != "Always";
            let mut ports = ports_of(container);
            if !is_init {
                ports.append(&mut left);
            }
            let command = if once {
                END.map(str::to_owned).into()
            } else {
                ports.retain(|port| taken.insert(*port));
                serve(container, &ports, pages)
            };
            play(container, image, command);
        }
    }
    if taken.iter().any(|port| *port < PRIVILEGED) && spec["hostNetwork"] != true {
        open_low_ports(spec);
    }
    let volumes = spec["volumes"].take();
    let own = json!({"name": VOLUME, "emptyDir": {"sizeLimit": "1Mi"}});
    spec["volumes"] = volumes.as_array().into_iter().flatten().cloned().chain([own]).collect();
}

/// Lets any user listen at any port in the pod's own network. A safe sysctl in Kubernetes since 1.22 ("Using sysctls in a Kubernetes Cluster").
fn open_low_ports(spec: &mut Value) {
    let context = &mut spec["securityContext"];
    let mut sysctls: Vec<Value> = items(context, "/sysctls").cloned().collect();
    if !sysctls.iter().any(|sysctl| sysctl["name"] == LOW_PORTS) {
        sysctls.push(json!({"name": LOW_PORTS, "value": "0"}));
    }
    context["sysctls"] = sysctls.into();
}

/// The image's own user is root, which such a pod may not have.
fn name_somebody(pod: &mut serde_json::Map<String, Value>) {
    let says = |context: Option<&Value>| context.is_some_and(|it| it["runAsNonRoot"] == true);
    let named = |context: Option<&Value>| context.is_some_and(|it| it["runAsUser"].is_u64());
    let everywhere = (says(pod.get("securityContext")), named(pod.get("securityContext")));
    for list in ["initContainers", "containers"] {
        for container in pod.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let own = container.get("securityContext");
            if (everywhere.0 || says(own)) && !everywhere.1 && !named(own) {
                container["securityContext"]["runAsUser"] = SOMEBODY.into();
            }
        }
    }
}

/// Where a container listens: the ports that it names, and those that its probes ask at.
fn ports_of(container: &Value) -> Vec<u16> {
    let declared = items(container, "/ports").filter(|port| is_tcp(port)).map(|port| &port["containerPort"]);
    let probed = PROBES
        .iter()
        .flat_map(|probe| ["httpGet", "tcpSocket", "grpc"].iter().map(move |how| &container[*probe][*how]["port"]));
    let mut ports: Vec<u16> =
        declared.chain(probed).filter_map(Value::as_u64).filter_map(|port| u16::try_from(port).ok()).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

fn serve(container: &Value, ports: &[u16], pages: &[String]) -> Vec<String> {
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let name = text(container, "/name").unwrap_or_default();
    let program = text(container, "/image").unwrap_or(name);
    ["/bin/sh", "-c", SERVE, program, name, &ports.join(" "), &pages.join(" ")].map(str::to_owned).into()
}

fn play(container: &mut Value, image: &str, command: Vec<String>) {
    for probe in PROBES {
        soften(container, probe);
    }
    let Some(fields) = container.as_object_mut() else { return };
    for field in ["args", "workingDir", "lifecycle"] {
        fields.remove(field);
    }
    container["image"] = image.into();
    container["imagePullPolicy"] = "IfNotPresent".into();
    container["command"] = command.into();
    container["resources"] = json!({"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"memory": "64Mi"}});
    let mounts = container["volumeMounts"].take();
    let own = json!({"name": VOLUME, "mountPath": FOLDER});
    container["volumeMounts"] = mounts.as_array().into_iter().flatten().cloned().chain([own]).collect();
}

/// Has a probe ask what a stand-in can answer: a page, or whether somebody listens.
fn soften(container: &mut Value, probe: &str) {
    let asked = ["grpc", "httpGet"].into_iter().find(|how| container[probe].get(how).is_some());
    let Some(fields) = container.get_mut(probe).and_then(Value::as_object_mut) else { return };
    match asked {
        Some("httpGet") if fields["httpGet"]["path"].as_str().is_none_or(is_plain) => {
            fields["httpGet"].as_object_mut().map(|get| get.remove("scheme"));
        }
        Some(how) => {
            let port = fields.remove(how).map(|how| how["port"].clone());
            fields.insert("tcpSocket".to_owned(), json!({"port": port}));
        }
        None if fields.contains_key("exec") => {
            fields.insert("exec".to_owned(), json!({"command": END}));
        }
        None => {}
    }
}

#[cfg(test)]
mod tests;
