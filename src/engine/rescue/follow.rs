//! Following the logs of all pods of a workload until a line says that it is done.
//!
//! Which replica leads is not known, so all are followed. What a pod said before we came counts: the workload was stopped or
//! restarted just before, so its pods are new, and a run that is taken up again finds the line where it stands. A stream that
//! breaks (log rotation, a node that loses its way) is taken up from the last line's time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, Client};
use regex::Regex;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant as Tick, MissedTickBehavior, interval, sleep_until};

use crate::doctor::{Cause, Outlook};
use crate::engine::step::{Doing, Ending, done};
use crate::engine::wait::{CLOCK, Wait};
use crate::logs::split_time;
use crate::object::{ObjectRef, items, printable, text};
use crate::plan::Step;
use crate::plan::verb::{Pinned, Verb};
use crate::snapshot::Snapshot;

/// Lines that are shown when none of them was the one.
const LAST_WORDS: usize = 5;
/// How long a line may be; the rest is no part of what is matched or shown.
const LINE: usize = 4096;
/// The pause before a log that broke off is asked for again.
const PAUSE: Duration = Duration::from_millis(500);

/// What to look for.
struct Wanted {
    workload: ObjectRef,
    container: Option<String>,
    until: Regex,
    fail: Option<Regex>,
}

/// A line of a pod.
struct Line {
    pod: String,
    text: String,
}

impl Doing<'_> {
    pub(super) async fn follow_logs(&self, step: &Step, verb: &Verb, limit: Duration) -> Ending {
        let Verb::Follow { workload, container, until, fail } = verb else { return Ending::Stopped };
        let wanted = match wanted(workload, container.as_deref(), until, fail.as_deref()) {
            Ok(wanted) => wanted,
            Err(error) => return Ending::Failed(bad_pattern(&workload.object, &error)),
        };
        let mut listening = Listening::new(self.context.cluster.client.clone(), wanted);
        let wait = Wait { limit, ..Wait::new(self.context, &self.tracker, &step.id, &workload.object) };
        self.tracker.follow(&workload.object);
        let pods = ObjectRef::new("v1", "Pod", workload.object.namespace.as_deref(), "");
        let deadline = Tick::now() + limit;
        let mut changes = self.tracker.changes();
        let mut clock = interval(CLOCK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            changes.heed();
            if let Some(found) = self.tracker.look(std::slice::from_ref(&pods), |picture| pods_of(picture, workload)) {
                listening.attend(&found);
            }
            if let Err(unmet) = wait.check_api() {
                return unmet.into();
            }
            tokio::select! {
                biased;
                () = self.context.cancel.cancelled() => return Ending::Stopped,
                () = sleep_until(deadline) => return Ending::Failed(listening.silent(limit)),
                () = changes.rung() => {}
                _ = clock.tick() => wait.say(&listening.progress(), None),
                line = listening.next() => if let Some(ending) = listening.judge(&line) { return ending },
            }
        }
    }
}

fn wanted(workload: &Pinned, container: Option<&str>, until: &str, fail: Option<&str>) -> Result<Wanted, regex::Error> {
    Ok(Wanted {
        workload: workload.object.clone(),
        container: container.map(str::to_owned),
        until: Regex::new(until)?,
        fail: fail.map(Regex::new).transpose()?,
    })
}

/// The pods of a workload by their owners: directly, or through a ReplicaSet.
fn pods_of(picture: &Snapshot, workload: &Pinned) -> Vec<Value> {
    let owner = serde_json::json!({"metadata": {"uid": workload.uid}});
    let below = picture.owned_by(&owner).chain(picture.owned_by(&owner).flat_map(|set| picture.owned_by(set)));
    below.filter(|object| object["kind"] == "Pod").cloned().collect()
}

/// The logs that are being followed.
struct Listening {
    client: Client,
    wanted: Wanted,
    streams: JoinSet<()>,
    /// uid of each pod that is listened to.
    attended: BTreeMap<String, String>,
    sender: mpsc::Sender<Line>,
    lines: mpsc::Receiver<Line>,
    last: VecDeque<String>,
    heard: u64,
}

impl Listening {
    fn new(client: Client, wanted: Wanted) -> Self {
        let (sender, lines) = mpsc::channel(256);
        let (streams, attended) = (JoinSet::new(), BTreeMap::new());
        Self { client, wanted, streams, attended, sender, lines, last: VecDeque::new(), heard: 0 }
    }

    /// Begins to listen to the pods that are not listened to yet, once their container has begun.
    fn attend(&mut self, pods: &[Value]) {
        for pod in pods {
            let (Some(uid), Some(name)) = (text(pod, "/metadata/uid"), text(pod, "/metadata/name")) else { continue };
            let Some(container) = self.container_of(pod).filter(|_| !self.attended.contains_key(uid)) else { continue };
            self.attended.insert(uid.to_owned(), name.to_owned());
            let namespace = self.wanted.workload.namespace.clone().unwrap_or_default();
            let pods: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
            self.streams.spawn(listen(pods, name.to_owned(), container, self.sender.clone()));
        }
    }

    fn container_of(&self, pod: &Value) -> Option<String> {
        let first = || items(pod, "/spec/containers").find_map(|container| text(container, "/name"));
        let name = self.wanted.container.as_deref().or_else(first)?;
        let begun = |status: &Value| status["name"] == name && status.pointer("/state/waiting").is_none();
        items(pod, "/status/containerStatuses").any(begun).then(|| name.to_owned())
    }

    async fn next(&mut self) -> Line {
        match self.lines.recv().await {
            Some(line) => line,
            // We hold a sender ourselves: the channel does not end.
            None => std::future::pending().await,
        }
    }

    fn judge(&mut self, line: &Line) -> Option<Ending> {
        let shown = format!("{}: {}", line.pod, printable(&line.text));
        self.heard += 1;
        self.last.push_back(shown.clone());
        if self.last.len() > LAST_WORDS {
            self.last.pop_front();
        }
        if self.wanted.until.is_match(&line.text) {
            return Some(done(false, Some(shown)));
        }
        let failed = self.wanted.fail.as_ref().is_some_and(|fail| fail.is_match(&line.text));
        failed.then(|| Ending::Failed(self.cause("log-says-no", "LogSaysNo", shown, Outlook::Final)))
    }

    fn progress(&self) -> String {
        let last = self.last.back().map_or_else(String::new, |line| format!("; last: {line}"));
        format!("{} pods, {} lines{last}", self.attended.len(), self.heard)
    }

    fn silent(&self, limit: Duration) -> Cause {
        let last: Vec<&str> = self.last.iter().map(String::as_str).collect();
        let heard =
            if last.is_empty() { "no line at all".to_owned() } else { format!("the last lines: {}", last.join(" | ")) };
        let message = format!("no line matched /{}/ within {} s; {heard}", self.wanted.until, limit.as_secs());
        self.cause("log-silent", "Timeout", message, Outlook::Stuck)
    }

    fn cause(&self, id: &str, reason: &str, message: String, outlook: Outlook) -> Cause {
        Cause {
            id: id.to_owned(),
            object: Some(self.wanted.workload.clone()),
            reason: reason.to_owned(),
            message,
            remedy: Some(format!(
                "look at the logs: kubectl logs -n {} {}/{}; `seaworthy runs resume` follows them again; another pattern is chosen with --set",
                self.wanted.workload.namespace.as_deref().unwrap_or_default(),
                self.wanted.workload.kind.to_lowercase(),
                self.wanted.workload.name
            )),
            outlook,
        }
    }
}

fn bad_pattern(workload: &ObjectRef, error: &regex::Error) -> Cause {
    Cause {
        id: "bad-pattern".to_owned(),
        object: Some(workload.clone()),
        reason: "BadPattern".to_owned(),
        message: format!("the pattern of the line to wait for cannot be read: {error}"),
        remedy: Some("mend it in the playbook, or with --set".to_owned()),
        outlook: Outlook::Final,
    }
}

/// Until the pod is gone, or nobody listens any more.
async fn listen(pods: Api<Pod>, pod: String, container: String, lines: mpsc::Sender<Line>) {
    let mut since: Option<Timestamp> = None;
    loop {
        let params = LogParams {
            container: Some(container.clone()),
            follow: true,
            timestamps: true,
            since_time: since,
            ..LogParams::default()
        };
        match stream(&pods, &pod, &params, (&lines, &mut since)).await {
            Err(kube::Error::Api(status)) if status.code == 404 => return,
            Err(error) => tracing::debug!(%error, pod, "its log broke off"),
            Ok(()) => {}
        }
        if lines.is_closed() {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn stream(
    pods: &Api<Pod>,
    pod: &str,
    params: &LogParams,
    (lines, since): (&mpsc::Sender<Line>, &mut Option<Timestamp>),
) -> Result<(), kube::Error> {
    let mut log = pods.log_stream(pod, params).await?.lines();
    let begun = *since;
    while let Some(line) = log.try_next().await.map_err(kube::Error::ReadEvents)? {
        let (at, text) = split_time(&line);
        // `sinceTime` has whole seconds: what was heard before comes again.
        if at.is_some() && at <= begun {
            continue;
        }
        *since = at.or(*since);
        let text = text.chars().take(LINE).collect();
        if lines.send(Line { pod: pod.to_owned(), text }).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}
