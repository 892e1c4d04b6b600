//! Containers that cannot start, or end.

use super::{PASSED, error, row, warning};
use crate::doctor::check::{Check, Severity};

const POD: &[&str] = &["Pod"];

/// The rows.
pub(in crate::doctor::checks) const ROWS: &[Check] = &[
    error(
        "P001",
        "a program fails, or ends again and again",
        [
            "The container starts and ends again and again; Kubernetes waits longer before each new start (CrashLoopBackOff). The \
            last lines of its log are shown, because most programs say there why.",
            "Read the log of the one before: `kubectl logs POD -c CONTAINER --previous`.",
            "a first bad start of a program that runs again, and everything about a pod that is ready now.",
        ],
        POD,
    ),
    error(
        "P009",
        "a container's configuration is refused",
        [
            "The kubelet cannot set the container up as the pod asks: for one, the image's user is root and `runAsNonRoot` is set.",
            "Follow the message; for users set `runAsUser` to a number other than 0.",
            "a Secret, ConfigMap or key that is missing, which are checks of their own (F001 to F003).",
        ],
        POD,
    ),
    error(
        "P010",
        "the container runtime refuses a container",
        [
            "The runtime could not create or start the container, or a hook of it failed.",
            "Follow the message: most often it is a mount, a hook's command or a security setting.",
            PASSED,
        ],
        POD,
    ),
    error(
        "P011",
        "a container used more memory than it may",
        [
            "The kernel ended the program because it used more memory than the container's limit (OOMKilled). Only the reason is \
            believed; exit code 137 alone can have other causes (P012).",
            "Raise the container's memory limit in the values, or make the program use less.",
            "a program that was ended so once and is ready now; when it goes on, P024 says so.",
        ],
        POD,
    ),
    warning(
        "P012",
        "a container is killed from outside",
        [
            "The program got SIGKILL (exit code 137), not for memory: it did not stop in time, or somebody ended it.",
            "Look for a failed liveness probe or an eviction among its events: `kubectl describe pod POD`.",
            "OOMKilled, which is P011.",
        ],
        POD,
    ),
    error(
        "P013",
        "a container's command cannot be started",
        [
            "The command is not in the image (exit code 127), or may not be executed (126).",
            "Correct `command` and `args` of the container, or its image.",
            PASSED,
        ],
        POD,
    ),
    error(
        "P014",
        "a program uses instructions that the processor lacks",
        [
            "The program got SIGILL (exit code 132): it was built for newer processors, or the virtual machine hides the host's.",
            "Give the virtual machine the host's processor type, or use an image for older processors.",
            PASSED,
        ],
        POD,
    ),
    error(
        "P015",
        "a program crashes",
        [
            "The program ended itself by a signal (exit codes 134, 135, 136, 139): a fault in it, or in what it is given.",
            "Read its log, `kubectl logs POD --previous`; try another version of the image.",
            PASSED,
        ],
        POD,
    ),
    row(
        "P016",
        Severity::Info,
        "a container is told to stop",
        [
            "The program got SIGTERM (exit code 143), which is how pods are stopped in good order, again and again.",
            "Look who stops it: `kubectl describe pod POD`.",
            "fewer than three restarts: a normal stop.",
        ],
        POD,
    ),
    error(
        "P017",
        "a program ends because something that it needs is missing",
        [
            "The last words of the program speak of a connection that was refused, a name that does not resolve, a password that is wrong, a \
            file that is missing or a disk that is full. When it names a Service in which something is wrong, it is counted there.",
            "Follow the last words; read more with `kubectl logs POD --previous`.",
            "the first restarts, while what it needs may still be starting.",
        ],
        POD,
    ),
    error(
        "P021",
        "a readiness or startup probe fails",
        [
            "The program runs, but does not answer as its probe asks, so no Service sends it anything.",
            "Read its log, and try what the probe asks: `kubectl exec POD -- wget -qO- localhost:PORT/PATH`.",
            "the time that the probe itself allows for starting (initialDelaySeconds, failureThreshold x periodSeconds).",
        ],
        POD,
    ),
    warning(
        "P022",
        "a container is restarted because a probe fails",
        [
            "The liveness or startup probe fails, and the kubelet restarts the container for it.",
            "Give the program more time with a startupProbe, or correct what the probe asks.",
            PASSED,
        ],
        POD,
    ),
    error(
        "F001",
        "a ConfigMap that a pod needs is missing",
        [
            "A container reads a ConfigMap that is not in its namespace, and it is not optional.",
            "Create it, or correct its name in the values.",
            "a reference that is optional.",
        ],
        POD,
    ),
    error(
        "F002",
        "a Secret that a pod needs is missing",
        [
            "A container reads a Secret that is not in its namespace, and it is not optional.",
            "Create it, or correct its name in the values. Values of Secrets are never read or shown.",
            "a reference that is optional.",
        ],
        POD,
    ),
    error(
        "F003",
        "a key that a pod needs is missing",
        [
            "The Secret or ConfigMap is there, but without the key that a container reads. The keys that it has are shown.",
            "Add the key, or correct its name in the values.",
            "a reference that is optional.",
        ],
        POD,
    ),
];
