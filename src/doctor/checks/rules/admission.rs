//! Why the API server refuses to make pods.

use super::error;
use crate::doctor::check::Check;

/// Whose pods are refused; other workloads refuse alike.
const MAKER: &[&str] = &["ReplicaSet"];

/// The rows.
pub(in crate::doctor::checks) const ROWS: &[Check] = &[
    error(
        "Q001",
        "a quota is used up",
        [
            "The namespace may have no more of what the pods ask for. Asked, used and limit are shown.",
            "Raise the quota, or lower what the values ask for.",
            "a quota that is full while all pods are there (Q002).",
        ],
        MAKER,
    ),
    error(
        "Q003",
        "a quota wants every container to say what it needs",
        [
            "A quota on CPU or memory makes requests or limits compulsory, and a container has none.",
            "Set the containers' resources in the values, or give the namespace a LimitRange with defaults.",
            "containers to which a LimitRange gives defaults.",
        ],
        MAKER,
    ),
    error(
        "Q004",
        "a LimitRange forbids a pod",
        [
            "A container asks for more, or less, than the namespace's LimitRange allows.",
            "Change the resources in the values, or the LimitRange.",
            "a LimitRange that only gives defaults.",
        ],
        MAKER,
    ),
    error(
        "Z004",
        "the namespace's pod security level refuses a pod",
        [
            "The namespace enforces a level (`restricted`, `baseline`) that the pods do not keep. What they break is shown.",
            "Change the pods' securityContext, or the namespace's label.",
            "levels that only warn or audit.",
        ],
        MAKER,
    ),
    error(
        "R003",
        "a pod's service account does not exist",
        [
            "The workload names a service account that is not in its namespace.",
            "Create it, or correct its name in the values.",
            "the account `default`, which comes by itself a moment after its namespace.",
        ],
        MAKER,
    ),
    error(
        "X003",
        "an admission webhook's certificate is not trusted",
        [
            "The API server must ask the webhook and does not trust the certificate that it shows: the `caBundle` does not fit.",
            "Have the webhook's controller write its `caBundle` again: most often a restart does.",
            "refusals that are over.",
        ],
        MAKER,
    ),
    error(
        "X005",
        "an admission webhook does not answer in time",
        [
            "The API server must ask the webhook and gets no answer: it is overloaded, or a firewall is between.",
            "Look after its pods; let the control plane reach their port.",
            "refusals that are over.",
        ],
        MAKER,
    ),
    error(
        "X013",
        "a policy of the cluster denies the pods",
        [
            "An admission webhook or a ValidatingAdmissionPolicy says no, and gives its reason.",
            "Change the values so that the policy is kept, or ask for an exception.",
            "refusals that are over.",
        ],
        MAKER,
    ),
];
