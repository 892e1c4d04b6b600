//! Images that cannot be had.

use super::{PASSED, error};
use crate::doctor::check::Check;

const POD: &[&str] = &["Pod"];

/// The rows.
pub(in crate::doctor::checks) const ROWS: &[Check] = &[
    error(
        "P002",
        "an image does not exist",
        [
            "The registry answered, and has no such repository or tag. Nothing changes by itself.",
            "Correct the image's name or tag in the values, or load the image into the nodes.",
            "a registry that cannot be reached (P004), and a pod that is ready now.",
        ],
        POD,
    ),
    error(
        "P003",
        "a registry refuses access to an image",
        [
            "The registry wants credentials, or hides that it has no such repository.",
            "Create a pull secret and name it in the values: `kubectl create secret docker-registry NAME -n NAMESPACE --docker-server=HOST --docker-username=USER --docker-password=PASSWORD`.",
            PASSED,
        ],
        POD,
    ),
    error(
        "P004",
        "a node cannot get an image from its registry",
        [
            "The node does not reach the registry: a name that does not resolve, a closed port, a proxy, a certificate that the node \
            does not trust, or a server that fails.",
            "Check name resolution, proxy, firewall and certificates on the node; or load the image into the nodes.",
            PASSED,
        ],
        POD,
    ),
    error(
        "P005",
        "a registry's rate limit is reached",
        [
            "The registry hands out no more images to this address for a while.",
            "Log in to the registry, use a mirror, or load the image into the nodes.",
            PASSED,
        ],
        POD,
    ),
    error(
        "P006",
        "an image was not built for the node's kind of machine",
        [
            "The image has no variant for the node's architecture, or holds programs for another (`exec format error`).",
            "Use a tag that is built for this architecture, or choose other nodes with a nodeSelector.",
            PASSED,
        ],
        POD,
    ),
    error(
        "P007",
        "an image is not on the node and may not be pulled",
        [
            "The pod says `imagePullPolicy: Never`, and nobody loaded the image into the node.",
            "Load it: `seaworthy images load STACK`, or `ctr -n k8s.io images import FILE` on the node.",
            PASSED,
        ],
        POD,
    ),
    error(
        "P008",
        "an image has no valid name",
        [
            "The name cannot be read as an image's name; most often a value was not set.",
            "Set the image in the values: `[HOST/]NAME[:TAG]`, in lower case.",
            PASSED,
        ],
        POD,
    ),
];
