//! What is said when a volume cannot be copied: which, where, and what to do.

use std::path::Path;

use super::archive::ArchiveError;
use super::list::some;
use crate::clusters::count;
use crate::doctor::{Cause, Outlook};
use crate::error::Explain as _;
use crate::object::ObjectRef;

const AGAIN: &str = "then the same command again: it begins this copy anew";

fn cause(claim: &ObjectRef, (id, reason): (&str, &str), message: String, remedy: String) -> Cause {
    Cause {
        id: id.to_owned(),
        object: Some(claim.clone()),
        reason: reason.to_owned(),
        message,
        remedy: Some(remedy),
        outlook: Outlook::Stuck,
    }
}

/// The claim is not as it has to be.
pub(super) fn shut(claim: &ObjectRef, why: &str) -> Cause {
    cause(
        claim,
        ("copy-shut", "GateShut"),
        format!("{claim} cannot be copied: {why}"),
        "`seaworthy recover` recognises what is lost; what is bound can be copied".to_owned(),
    )
}

/// Something uses it that was to be stopped.
pub(super) fn in_use(claim: &ObjectRef, pod: &str) -> Cause {
    cause(
        claim,
        ("copy-in-use", "InUse"),
        format!("{claim} is to be copied while nothing writes to it, and pod {pod} has it mounted"),
        format!("stop what pod {pod} belongs to, then the same command again"),
    )
}

/// No pod could be had that can read or write the volume.
pub(super) fn no_place(claim: &ObjectRef, tried: &[String]) -> Cause {
    let tried = if tried.is_empty() {
        "no node of the volume has an image that is known to carry tar, and nothing uses the claim".to_owned()
    } else {
        tried.join("; ")
    };
    cause(
        claim,
        ("copy-no-tools", "NoTar"),
        format!("no pod can copy {claim}: {tried}"),
        "name an image that has sh, tar, find and sha256sum, such as busybox, with --helper-image; without a registry put it on the \
         node first: `seaworthy images load`"
            .to_owned(),
    )
}

/// Admission does not let the helper in.
pub(super) fn refused(claim: &ObjectRef, seen: Cause) -> Cause {
    if seen.reason != "PodSecurity" && !seen.message.contains("PodSecurity") {
        return seen;
    }
    let namespace = claim.namespace.as_deref().unwrap_or_default();
    cause(
        claim,
        ("copy-refused", "PodSecurity"),
        format!("namespace {namespace} does not let the pod in that reads the volume as root: {}", seen.message),
        format!(
            "for the time of the copy: kubectl label namespace {namespace} pod-security.kubernetes.io/enforce=baseline --overwrite; \
             then the same command again, and the label back"
        ),
    )
}

/// The helper is still there.
pub(super) fn helper_left(claim: &ObjectRef, why: &str) -> Cause {
    let pod = super::helper::reference(claim);
    let remedy = format!("kubectl delete pod -n {} {}", pod.namespace.as_deref().unwrap_or_default(), pod.name);
    cause(claim, ("helper-left", "HelperLeft"), format!("{pod} could not be deleted, and holds {claim}: {why}"), remedy)
}

/// The disk of this machine is too small.
pub(super) fn no_room(claim: &ObjectRef, folder: &Path, (needed, free): (u64, u64)) -> Cause {
    cause(
        claim,
        ("copy-no-room", "NoRoom"),
        format!(
            "{claim} needs about {} MiB in {}, and {} MiB are free",
            needed.div_ceil(1 << 20),
            folder.display(),
            free >> 20
        ),
        format!("make room, or choose another folder with --to or SEAWORTHY_STATE_DIR; {AGAIN}"),
    )
}

/// Copied again and again, and never as it was.
pub(super) fn unproven(claim: &ObjectRef, tries: usize, why: &str) -> Cause {
    cause(
        claim,
        ("copy-unproven", "CopyBroken"),
        format!("{claim} was copied {tries} times, and never came over whole; last: {why}"),
        format!(
            "look at the network and at the node's kubelet; a copy through the API server is not for every size: copy on the node's disk \
             itself where it goes on so; else {AGAIN}"
        ),
    )
}

/// It took too long.
pub(super) fn late(claim: &ObjectRef, seconds: u64) -> Cause {
    cause(
        claim,
        ("copy-late", "Timeout"),
        format!("{claim} was not copied within {seconds} s"),
        format!("give it more with --timeout; {AGAIN}"),
    )
}

/// What is there would be lost.
pub(super) fn not_empty(claim: &ObjectRef, first: &str) -> Cause {
    cause(
        claim,
        ("copy-not-empty", "NotEmpty"),
        format!("{claim} is not empty: it holds {first}; nothing was written"),
        format!("what is on it goes with --destroy-data={claim}, or when its name is typed"),
    )
}

/// There is nothing to copy in.
pub(super) fn no_archive(claim: &ObjectRef, path: &Path) -> Cause {
    cause(
        claim,
        ("copy-no-archive", "NoArchive"),
        format!("{} is no copy of {claim} that is whole: archive, list and certificate do not agree", path.display()),
        "choose another backup: `seaworthy backup list` shows which are whole".to_owned(),
    )
}

/// This machine's disk, or an archive that is not what it has to be.
pub(super) fn local(claim: &ObjectRef, error: &ArchiveError) -> Cause {
    let (id, remedy) = match error {
        ArchiveError::Shelf(error) => (error.id(), error.hint()),
        ArchiveError::Broken { .. } => ("copy-broken", None),
    };
    cause(claim, (id, "LocalDisk"), error.to_string(), remedy.unwrap_or_else(|| AGAIN.to_owned()))
}

/// The file is no snapshot, or not all of one.
pub(super) fn no_snapshot(claim: &ObjectRef, file: &str) -> Cause {
    cause(
        claim,
        ("etcd-snapshot-torn", "NoSnapshot"),
        format!("{file} is no snapshot of an etcd that is whole: it does not end with the checksum of what it holds"),
        "choose another one, `seaworthy backup list` shows what there is; nothing was written to the claim".to_owned(),
    )
}

/// The claim is not as it has to be.
pub(super) fn unseeded(claim: &ObjectRef, why: &str) -> Cause {
    cause(
        claim,
        ("seed-shut", "GateShut"),
        format!("no data can be made on {claim}: {why}"),
        "`seaworthy recover` recognises what is lost now and makes a new plan".to_owned(),
    )
}

/// No pod could be had that makes the data.
pub(super) fn no_maker(claim: &ObjectRef, tried: &[String]) -> Cause {
    let tried = if tried.is_empty() {
        "no node has an image that is known to carry a shell, by which the snapshot gets into the pod".to_owned()
    } else {
        tried.join("; ")
    };
    cause(
        claim,
        ("seed-no-program", "NoProgram"),
        format!("the data on {claim} was not made: {tried}"),
        "the image of the etcd needs etcdutl (from 3.5 on) or etcdctl; an image with sh, head and sha256sum is named with --helper-image; \
         the snapshot stays where it is, and the same command goes on with it"
            .to_owned(),
    )
}

/// It took too long.
pub(super) fn late_seed(claim: &ObjectRef, seconds: u64, state: &str) -> Cause {
    cause(
        claim,
        ("seed-late", "Timeout"),
        format!("the data on {claim} was not made within {seconds} s ({state})"),
        "look at the pod; the same command goes on with it".to_owned(),
    )
}

/// Files that are there and cannot be read.
pub(super) fn unreadable(names: &[String]) -> String {
    format!("{} of the volume could not be read: {}", count(names.len(), "file"), some(names))
}
