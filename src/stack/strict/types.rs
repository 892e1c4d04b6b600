//! The type of each built-in kind, and what of an object does not fit it.

use k8s_openapi::api::{
    admissionregistration::v1 as admission, apps::v1 as apps, autoscaling::v2 as autoscaling, batch::v1 as batch,
    certificates::v1 as certificates, coordination::v1 as coordination, core::v1 as core, discovery::v1 as discovery,
    networking::v1 as networking, node::v1 as node, policy::v1 as policy, rbac::v1 as rbac,
    scheduling::v1 as scheduling, storage::v1 as storage,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1 as extensions;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1 as registration;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::super::path::{Step, Way};
use super::super::render::Rendered;
use super::super::typed::{self, Misfit, Problem};

/// Everything in the object that does not fit its type; nothing for kinds that are not built in.
pub(super) fn misfits(object: &Rendered) -> Vec<Misfit> {
    object.kind.map_or_else(Vec::new, |kind| misfits_of(kind.kind, &object.object))
}

/// Everything in an object of a built-in kind that does not fit the kind's type.
pub(super) fn misfits_of(kind: &str, object: &Value) -> Vec<Misfit> {
    macro_rules! dispatch {
        ($($kind:literal => $type:ty,)*) => {
            match kind {
                $($kind => of::<$type>(object),)*
                _ => Vec::new(),
            }
        };
    }
    // No two groups of the table in `kinds` have a kind of the same name.
    dispatch! {
        "ConfigMap" => core::ConfigMap,
        "Endpoints" => core::Endpoints,
        "Event" => core::Event,
        "LimitRange" => core::LimitRange,
        "PersistentVolumeClaim" => core::PersistentVolumeClaim,
        "Pod" => core::Pod,
        "PodTemplate" => core::PodTemplate,
        "ReplicationController" => core::ReplicationController,
        "ResourceQuota" => core::ResourceQuota,
        "Secret" => core::Secret,
        "Service" => core::Service,
        "ServiceAccount" => core::ServiceAccount,
        "Namespace" => core::Namespace,
        "Node" => core::Node,
        "PersistentVolume" => core::PersistentVolume,
        "ControllerRevision" => apps::ControllerRevision,
        "DaemonSet" => apps::DaemonSet,
        "Deployment" => apps::Deployment,
        "ReplicaSet" => apps::ReplicaSet,
        "StatefulSet" => apps::StatefulSet,
        "CronJob" => batch::CronJob,
        "Job" => batch::Job,
        "HorizontalPodAutoscaler" => autoscaling::HorizontalPodAutoscaler,
        "PodDisruptionBudget" => policy::PodDisruptionBudget,
        "Ingress" => networking::Ingress,
        "NetworkPolicy" => networking::NetworkPolicy,
        "IngressClass" => networking::IngressClass,
        "Role" => rbac::Role,
        "RoleBinding" => rbac::RoleBinding,
        "ClusterRole" => rbac::ClusterRole,
        "ClusterRoleBinding" => rbac::ClusterRoleBinding,
        "CSIStorageCapacity" => storage::CSIStorageCapacity,
        "CSIDriver" => storage::CSIDriver,
        "CSINode" => storage::CSINode,
        "StorageClass" => storage::StorageClass,
        "VolumeAttachment" => storage::VolumeAttachment,
        "CustomResourceDefinition" => extensions::CustomResourceDefinition,
        "APIService" => registration::APIService,
        "MutatingWebhookConfiguration" => admission::MutatingWebhookConfiguration,
        "ValidatingAdmissionPolicy" => admission::ValidatingAdmissionPolicy,
        "ValidatingAdmissionPolicyBinding" => admission::ValidatingAdmissionPolicyBinding,
        "ValidatingWebhookConfiguration" => admission::ValidatingWebhookConfiguration,
        "Lease" => coordination::Lease,
        "PriorityClass" => scheduling::PriorityClass,
        "EndpointSlice" => discovery::EndpointSlice,
        "CertificateSigningRequest" => certificates::CertificateSigningRequest,
        "RuntimeClass" => node::RuntimeClass,
    }
}

fn of<T: DeserializeOwned + Serialize>(object: &Value) -> Vec<Misfit> {
    let read: T = match typed::read(object) {
        Ok(read) => read,
        Err(misfits) => return misfits,
    };
    // A field that must be there is written even when it was not read: what appears in the round trip was missing.
    let mut misfits = Vec::new();
    if let Ok(written) = serde_json::to_value(&read) {
        missing(object, &written, &mut Way::default(), &mut misfits);
    }
    misfits
}

/// Fields that the types call necessary, but the API server fills in.
const FILLED_IN: [&str; 3] = ["metadata", "spec", "status"];

fn missing(object: &Value, written: &Value, way: &mut Way, misfits: &mut Vec<Misfit>) {
    match (object, written) {
        (Value::Object(given), Value::Object(written)) => {
            for (name, written) in written {
                match given.get(name).filter(|value| !value.is_null()) {
                    Some(given) => descend(Step::Key(name.clone()), given, written, way, misfits),
                    None if FILLED_IN.contains(&name.as_str()) && way.0.len() < 2 => {}
                    None => misfits.push(Misfit { way: way.clone(), problem: Problem::Missing(name.clone()) }),
                }
            }
        }
        (Value::Array(given), Value::Array(written)) => {
            for (index, (given, written)) in given.iter().zip(written).enumerate() {
                descend(Step::Index(index), given, written, way, misfits);
            }
        }
        _ => {}
    }
}

fn descend(step: Step, given: &Value, written: &Value, way: &mut Way, misfits: &mut Vec<Misfit>) {
    way.0.push(step);
    missing(given, written, way, misfits);
    way.0.pop();
}
