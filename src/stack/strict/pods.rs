//! What must hold inside a pod and between a workload and its pods.

use std::collections::HashSet;

use serde_json::Value;

use super::super::fault::Fault;
use super::super::path::{Step, Way};
use super::super::render::Rendered;
use super::super::{names, quantity};
use super::{fault, items, limits, text};

/// The pods a workload makes: the way to their template, and the template.
pub(super) fn template(object: &Rendered) -> Option<(Way, &Value)> {
    let way = match object.kind_name() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Job" => "spec.template",
        "CronJob" => "spec.jobTemplate.spec.template",
        "Pod" => "",
        _ => return None,
    };
    let way = if way.is_empty() { Way::default() } else { Way::dotted(way) };
    let template = way.find(&object.object)?;
    Some((way, template))
}

pub(super) fn check(object: &Rendered, faults: &mut Vec<Fault>) {
    let Some((way, template)) = template(object) else { return };
    selector(object, template, faults);
    let mut pod = Pod { object, way: way.key("spec"), spec: &template["spec"], faults };
    pod.restart_policy();
    pod.volumes();
    pod.containers();
}

/// A workload must select the pods it makes.
fn selector(object: &Rendered, template: &Value, faults: &mut Vec<Fault>) {
    if !matches!(object.kind_name(), "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") {
        return;
    }
    let way = Way::dotted("spec.selector");
    let selector = &object.object["spec"]["selector"];
    let wanted = selector["matchLabels"].as_object();
    if wanted.is_none_or(serde_json::Map::is_empty) && items(selector, "matchExpressions").next().is_none() {
        faults.push(fault(object, &way, "selects nothing: `matchLabels` is empty"));
    }
    for (name, value) in wanted.into_iter().flatten() {
        let has = &template["metadata"]["labels"][name.as_str()];
        if has != value {
            let message = format!("selects {name}={}, but its pods have {}", shown(value), shown(has));
            faults.push(fault(object, &way.key("matchLabels").key(name), message));
        }
    }
}

fn shown(value: &Value) -> &str {
    value.as_str().unwrap_or("no such label")
}

struct Pod<'a> {
    object: &'a Rendered,
    way: Way,
    spec: &'a Value,
    faults: &'a mut Vec<Fault>,
}

impl Pod<'_> {
    fn fault(&mut self, way: &Way, message: impl std::fmt::Display) {
        self.faults.push(fault(self.object, way, message));
    }

    fn restart_policy(&mut self) {
        let allowed: &[&str] = match self.object.kind_name() {
            "Job" | "CronJob" => &["OnFailure", "Never"],
            "Pod" => &["Always", "OnFailure", "Never"],
            _ => &["Always"],
        };
        let policy = self.spec["restartPolicy"].as_str().unwrap_or("Always");
        if !allowed.contains(&policy) {
            let message = format!("restartPolicy is {policy}; here it can be {}", allowed.join(" or "));
            let way = self.way.key("restartPolicy");
            self.fault(&way, message);
        }
    }

    fn volumes(&mut self) {
        let mut seen = HashSet::new();
        for (index, volume) in items(self.spec, "volumes").enumerate() {
            let way = self.way.key("volumes").with(Step::Index(index));
            let name = text(volume, "name");
            if !names::is_label(name) {
                self.fault(&way.key("name"), format!("`{name}` is not a DNS label"));
            }
            if !seen.insert(name) {
                self.fault(&way.key("name"), format!("two volumes are named `{name}`"));
            }
            let sources = volume
                .as_object()
                .map_or(0, |map| map.iter().filter(|(key, value)| *key != "name" && !value.is_null()).count());
            if sources > 1 {
                self.fault(&way, format!("the volume `{name}` has {sources} sources; one is allowed"));
            }
        }
    }

    fn containers(&mut self) {
        if items(self.spec, "containers").next().is_none() {
            let way = self.way.key("containers");
            self.fault(&way, "a pod needs at least one container");
        }
        let mut names = HashSet::new();
        let mut ports = HashSet::new();
        for field in ["initContainers", "containers"] {
            for (index, container) in items(self.spec, field).enumerate() {
                let way = self.way.key(field).with(Step::Index(index));
                let name = text(container, "name");
                if !names::is_label(name) {
                    self.fault(&way.key("name"), format!("`{name}` is not a DNS label"));
                }
                if !names.insert(name) {
                    self.fault(&way.key("name"), format!("two containers are named `{name}`"));
                }
                self.container(container, &way);
                self.ports(container, &way, &mut ports);
            }
        }
    }

    fn container(&mut self, container: &Value, way: &Way) {
        let image = text(container, "image");
        if image.is_empty() || image.contains(char::is_whitespace) {
            self.fault(&way.key("image"), format!("`{image}` is not an image"));
        }
        let policy = text(container, "imagePullPolicy");
        if !["", "Always", "IfNotPresent", "Never"].contains(&policy) {
            self.fault(&way.key("imagePullPolicy"), format!("`{policy}` is not one of Always, IfNotPresent, Never"));
        }
        self.environment(container, way);
        self.mounts(container, way);
        self.resources(container, way);
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            self.probe(container, probe, way);
        }
    }

    fn environment(&mut self, container: &Value, way: &Way) {
        let mut seen = HashSet::new();
        for (index, variable) in items(container, "env").enumerate() {
            let way = way.key("env").with(Step::Index(index));
            let name = text(variable, "name");
            if name.is_empty() || name.contains(['=', ' ']) {
                self.fault(&way.key("name"), format!("`{name}` cannot name an environment variable"));
            }
            if !seen.insert(name) {
                self.fault(&way.key("name"), format!("`{name}` is set twice"));
            }
            let has = |field: &str| variable.get(field).is_some_and(|value| !value.is_null());
            if has("valueFrom") && !text(variable, "value").is_empty() {
                self.fault(&way, format!("`{name}` has both `value` and `valueFrom`"));
            }
        }
    }

    fn mounts(&mut self, container: &Value, way: &Way) {
        let templates =
            items(&self.object.object["spec"], "volumeClaimTemplates").map(|template| &template["metadata"]);
        let volumes: HashSet<&str> =
            items(self.spec, "volumes").chain(templates).map(|volume| text(volume, "name")).collect();
        // A volume whose name is not known may be any.
        let is_known = items(self.spec, "volumes").all(|volume| volume["name"].is_string());
        let mut paths = HashSet::new();
        for (index, mount) in items(container, "volumeMounts").enumerate() {
            let way = way.key("volumeMounts").with(Step::Index(index));
            let (name, path) = (text(mount, "name"), text(mount, "mountPath"));
            if is_known && !volumes.contains(name) {
                let meant = crate::error::closest(name, volumes.iter().copied());
                let meant = meant.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
                self.fault(&way.key("name"), format!("the pod has no volume `{name}`{meant}"));
            }
            if path.is_empty() {
                self.fault(&way.key("mountPath"), "a mount needs a path");
            } else if !paths.insert(path) {
                self.fault(&way.key("mountPath"), format!("two volumes are mounted at `{path}`"));
            }
        }
    }

    fn resources(&mut self, container: &Value, way: &Way) {
        let way = way.key("resources");
        let resources = &container["resources"];
        for field in ["requests", "limits"] {
            limits::quantities(self.object, resources, &way, field, self.faults);
        }
        for (name, request) in resources["requests"].as_object().into_iter().flatten() {
            let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let Some(limit) = resources["limits"].get(name).map(plain) else { continue };
            let request = plain(request);
            if quantity::compare(&request, &limit).is_some_and(std::cmp::Ordering::is_gt) {
                let way = way.key("requests").key(name);
                self.fault(&way, format!("requests {request} of {name}, but is limited to {limit}"));
            }
        }
    }

    fn probe(&mut self, container: &Value, probe: &str, way: &Way) {
        let Some(spec) = container.get(probe).filter(|spec| spec.is_object()) else { return };
        let way = way.key(probe);
        let actions =
            ["exec", "httpGet", "tcpSocket", "grpc"].iter().filter(|action| spec.get(**action).is_some()).count();
        if actions != 1 {
            self.fault(&way, format!("has {actions} actions; a probe needs one of exec, httpGet, tcpSocket, grpc"));
        }
        for action in ["httpGet", "tcpSocket"] {
            let Some(name) = spec[action]["port"].as_str().filter(|name| name.parse::<u16>().is_err()) else {
                continue;
            };
            if !items(container, "ports").any(|port| text(port, "name") == name) {
                let way = way.key(action).key("port");
                self.fault(&way, format!("the container has no port `{name}`"));
            }
        }
    }

    fn ports<'a>(&mut self, container: &'a Value, way: &Way, names: &mut HashSet<&'a str>) {
        let mut numbers = HashSet::new();
        for (index, port) in items(container, "ports").enumerate() {
            let way = way.key("ports").with(Step::Index(index));
            let name = text(port, "name");
            if !name.is_empty() && !names::is_port(name) {
                self.fault(
                    &way.key("name"),
                    format!("`{name}` cannot name a port: at most 15 small letters, digits and `-`"),
                );
            }
            if !name.is_empty() && !names.insert(name) {
                self.fault(&way.key("name"), format!("two ports are named `{name}`"));
            }
            if !port["containerPort"].as_i64().is_some_and(|number| (1..=65535).contains(&number)) {
                self.fault(&way.key("containerPort"), "is not a port from 1 to 65535");
            }
            if !numbers.insert((port["containerPort"].as_i64(), limits::protocol(port))) {
                self.fault(&way, format!("port {}/{} is there twice", port["containerPort"], limits::protocol(port)));
            }
        }
    }
}
