//! Addresses from outside, and APIs that others serve.

use super::{error, warning};
use crate::doctor::check::Check;

/// The rows.
pub(in crate::doctor::checks) const ROWS: &[Check] = &[
    error(
        "L001",
        "nobody gives addresses to Services",
        [
            "A Service of type LoadBalancer waits for an address, and nothing in the cluster hands them out.",
            "Install a load balancer such as MetalLB, or set the Service's type to ClusterIP.",
            "the first minute.",
        ],
        &["Service"],
    ),
    error(
        "L005",
        "no address can be given to a Service",
        [
            "The load balancer is there and refuses: its pool is used up, or the Service asks for what it does not have.",
            "Give the pool more addresses, or set the Service's type to ClusterIP.",
            "a Service that has its address.",
        ],
        &["Service"],
    ),
    error(
        "I001",
        "an Ingress names a class that does not exist",
        [
            "No controller serves this class, so nothing answers at the Ingress' host.",
            "Install the controller, or set `ingressClassName` to a class that exists.",
            "a cluster whose controller needs no IngressClass at all.",
        ],
        &["Ingress", "IngressClass"],
    ),
    warning(
        "I006",
        "an Ingress has no address",
        [
            "No controller has taken the Ingress up.",
            "Install an Ingress controller, or reach the application with `seaworthy open`.",
            "the first two minutes.",
        ],
        &["Ingress"],
    ),
    error(
        "X007",
        "the names of a CustomResourceDefinition are taken",
        [
            "Another definition already has the kind's name, so this kind is not served.",
            "Keep one of the two: `kubectl get crd`.",
            "a definition that was accepted.",
        ],
        &["CustomResourceDefinition"],
    ),
    error(
        "X010",
        "the server of an added API is not available",
        [
            "An APIService leads to a server that does not answer: `kubectl` complains at every call, autoscalers are blind if it is the \
            metrics API, and namespaces cannot be deleted.",
            "Look after its pods; delete the APIService when nobody needs it any more.",
            "APIs that the API server serves itself.",
        ],
        &["APIService"],
    ),
];
