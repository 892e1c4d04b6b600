//! What must hold between the objects of a stack.

use serde_json::Value;

use super::super::fault::Fault;
use super::super::path::{Step, Way};
use super::super::render::Rendered;
use super::{Doubt, fault, items, pods, text, warning};

/// `doubts`: what of each cannot be judged; `is_whole`: whether what is not among them is nowhere.
pub(super) fn check(objects: &[Rendered], (doubts, is_whole): (&[Doubt], bool), faults: &mut Vec<Fault>) {
    let stack = Stack { objects, doubts, is_whole };
    for object in objects {
        match object.kind_name() {
            "Service" => stack.service(object, faults),
            "Deployment" => stack.held(object, faults),
            "StatefulSet" => stack.governing_service(object, faults),
            "HorizontalPodAutoscaler" => stack.scaled(object, faults),
            "PodDisruptionBudget" => stack.budget(object, faults),
            "Ingress" => stack.ingress(object, faults),
            _ => {}
        }
        stack.mentioned(object, faults);
    }
}

struct Stack<'a> {
    objects: &'a [Rendered],
    doubts: &'a [Doubt],
    is_whole: bool,
}

impl<'a> Stack<'a> {
    /// Whether the stack has it, as far as is known.
    fn has(&self, kind: &str, name: &str, namespace: &str) -> bool {
        if !self.is_whole {
            return true;
        }
        let same =
            |object: &&Rendered| object.kind_name() == kind && object.name() == name && object.namespace() == namespace;
        self.objects.iter().any(|object| same(&object))
    }

    /// The pod templates in the namespace that have all of the labels.
    fn selected(
        &self,
        labels: &'a serde_json::Map<String, Value>,
        namespace: &'a str,
    ) -> impl Iterator<Item = (&'a Rendered, &'a Value)> {
        let near = self.objects.iter().filter(move |object| object.namespace() == namespace);
        let templates = near.filter_map(|object| Some((object, pods::template(object)?.1)));
        templates.filter(move |(_, template)| {
            labels.iter().all(|(name, value)| template["metadata"]["labels"].get(name) == Some(value))
        })
    }

    /// A port by name must be one that the selected pods have.
    fn service(&self, service: &'a Rendered, faults: &mut Vec<Fault>) {
        let spec = &service.object["spec"];
        let Some(labels) = spec["selector"].as_object().filter(|labels| !labels.is_empty()) else { return };
        let selected: Vec<_> = self.selected(labels, service.namespace()).collect();
        if selected.is_empty() && !self.is_whole {
            return;
        }
        if selected.is_empty() {
            faults.push(warning(service, &Way::dotted("spec.selector"), "selects no pods of this stack"));
            return;
        }
        for (index, port) in items(spec, "ports").enumerate() {
            let Some(name) = port["targetPort"].as_str().filter(|name| name.parse::<u16>().is_err()) else { continue };
            let lacks = |(workload, template): &&(&Rendered, &Value)| {
                !port_names(template).any(|known| known == name) && !self.hides_ports(workload, template)
            };
            let lacking = selected.iter().find(lacks);
            if let Some((workload, template)) = lacking {
                let meant = crate::error::closest(name, port_names(template));
                let meant = meant.map(|name| format!(", did you mean `{name}`?")).unwrap_or_default();
                let way = Way::dotted("spec.ports").with(Step::Index(index)).key("targetPort");
                faults.push(fault(service, &way, format!("{} has no port `{name}`{meant}", workload.title())));
            }
        }
    }

    /// Whether a port of its pods can have any name.
    fn hides_ports(&self, workload: &Rendered, template: &Value) -> bool {
        let number = self.objects.iter().position(|object| std::ptr::eq(object, workload));
        let is_no_text = |port: &Value| port.get("name").is_some_and(|name| !name.is_string());
        number.and_then(|number| self.doubts.get(number)).is_some_and(Doubt::hides_pods)
            || ports(template).any(is_no_text)
    }

    fn governing_service(&self, set: &Rendered, faults: &mut Vec<Fault>) {
        let name = text(&set.object["spec"], "serviceName");
        if !name.is_empty() && !self.has("Service", name, set.namespace()) {
            faults.push(warning(set, &Way::dotted("spec.serviceName"), format!("this stack has no Service `{name}`")));
        }
    }

    /// A rolling update starts a pod beside the one that it replaces. One that has a claim for one node, or one pod, keeps the new one from it.
    fn held(&self, deployment: &Rendered, faults: &mut Vec<Fault>) {
        let spec = &deployment.object["spec"];
        let strategy = &spec["strategy"];
        if text(strategy, "type") == "Recreate" || strategy["rollingUpdate"]["maxSurge"] == 0 {
            return;
        }
        let namespace = deployment.namespace();
        let for_one = |name: &str| {
            let is_it = |it: &&Rendered| {
                it.kind_name() == "PersistentVolumeClaim" && it.name() == name && it.namespace() == namespace
            };
            let claim = self.objects.iter().find(is_it)?;
            let modes: Vec<&str> = items(&claim.object["spec"], "accessModes").filter_map(Value::as_str).collect();
            modes.iter().all(|mode| ["ReadWriteOnce", "ReadWriteOncePod"].contains(mode)).then(|| modes.join(", "))
        };
        for volume in items(&spec["template"]["spec"], "volumes") {
            let claim = text(&volume["persistentVolumeClaim"], "claimName");
            if let Some(modes) = for_one(claim) {
                let message = format!(
                    "the claim `{claim}` is {modes}: while an update is rolled out, a new pod on another node waits for the old one to let go of it; \
                     set spec.strategy.type to Recreate"
                );
                faults.push(warning(deployment, &Way::dotted("spec.strategy"), message));
            }
        }
    }

    fn scaled(&self, autoscaler: &Rendered, faults: &mut Vec<Fault>) {
        let target = &autoscaler.object["spec"]["scaleTargetRef"];
        let (kind, name) = (text(target, "kind"), text(target, "name"));
        if !self.has(kind, name, autoscaler.namespace()) {
            let way = Way::dotted("spec.scaleTargetRef.name");
            faults.push(warning(autoscaler, &way, format!("this stack has no {kind} `{name}`")));
        }
    }

    fn budget(&self, budget: &'a Rendered, faults: &mut Vec<Fault>) {
        let labels = budget.object["spec"]["selector"]["matchLabels"].as_object();
        if self.is_whole && labels.is_some_and(|labels| self.selected(labels, budget.namespace()).next().is_none()) {
            faults.push(warning(budget, &Way::dotted("spec.selector"), "selects no pods of this stack"));
        }
    }

    fn ingress(&self, ingress: &Rendered, faults: &mut Vec<Fault>) {
        for (rule, http) in items(&ingress.object["spec"], "rules").map(|rule| &rule["http"]).enumerate() {
            for (index, path) in items(http, "paths").enumerate() {
                let name = text(&path["backend"]["service"], "name");
                if !name.is_empty() && !self.has("Service", name, ingress.namespace()) {
                    let way = Way::dotted(&format!("spec.rules[{rule}].http.paths[{index}].backend.service.name"));
                    faults.push(warning(ingress, &way, format!("this stack has no Service `{name}`")));
                }
            }
        }
    }

    /// What the pods mention by name and the stack does not have; Secrets are often made elsewhere, so they are left out.
    fn mentioned(&self, object: &Rendered, faults: &mut Vec<Fault>) {
        let Some((way, template)) = pods::template(object) else { return };
        let (way, spec) = (way.key("spec"), &template["spec"]);
        let mut lacks = |kind: &str, name: &str, way: Way| {
            if !name.is_empty() && !self.has(kind, name, object.namespace()) {
                faults.push(warning(object, &way, format!("this stack has no {kind} `{name}`")));
            }
        };
        if text(spec, "serviceAccountName") != "default" {
            lacks("ServiceAccount", text(spec, "serviceAccountName"), way.key("serviceAccountName"));
        }
        for (index, volume) in items(spec, "volumes").enumerate() {
            let way = way.key("volumes").with(Step::Index(index));
            if volume["configMap"]["optional"] != true {
                lacks("ConfigMap", text(&volume["configMap"], "name"), way.key("configMap").key("name"));
            }
            let claim = text(&volume["persistentVolumeClaim"], "claimName");
            lacks("PersistentVolumeClaim", claim, way.key("persistentVolumeClaim").key("claimName"));
        }
        for (index, container) in items(spec, "containers").enumerate() {
            let way = way.key("containers").with(Step::Index(index));
            for (index, source) in items(container, "envFrom").enumerate() {
                if source["configMapRef"]["optional"] != true {
                    let way = way.key("envFrom").with(Step::Index(index)).key("configMapRef").key("name");
                    lacks("ConfigMap", text(&source["configMapRef"], "name"), way);
                }
            }
        }
    }
}

fn ports(template: &Value) -> impl Iterator<Item = &Value> {
    let containers = items(&template["spec"], "containers").chain(items(&template["spec"], "initContainers"));
    containers.flat_map(|container| items(container, "ports"))
}

fn port_names(template: &Value) -> impl Iterator<Item = &str> {
    ports(template).map(|port| text(port, "name"))
}
