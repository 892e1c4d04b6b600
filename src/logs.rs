//! The logs of the pods of an object: their last lines, and then what they go on to say. Reads only.
//!
//! One watch tells which pods there are and how their containers stand; each container that has begun is followed by a task of its
//! own. What a container cannot be asked for yet is said in a line, with the reason.

mod text;
mod whose;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{AsyncBufRead, AsyncBufReadExt as _, StreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::LogParams;
use kube::core::ApiResource;
use kube::runtime::watcher;
use kube::{Api, Client};
use serde_json::Value;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinSet;

use crate::error::root;
use crate::object::{ObjectRef, items, number, text as at};
use crate::snapshot::Snapshot;
use crate::snapshot::watch::Watched;
pub use text::plain;
pub(crate) use text::split_time;
use whose::Whose;

/// Lines that are told of what was said before.
pub const TAIL: i64 = 200;
/// Of the log of a container before its restart: why it ended stands at its end.
const TAIL_BEFORE: i64 = 50;
/// Bytes of a line that are kept.
const LINE: usize = 4096;
/// The pause before a log that broke off is asked for again, and the longest.
const PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// Something about logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A container has said a line; control characters and escape sequences are gone.
    Line {
        /// Which container of which pod.
        source: Source,
        /// The line.
        text: String,
    },
    /// What is to be said about it by us.
    Note(String),
}

/// Where a line comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// Whether it is the container before the one that runs now.
    pub previous: bool,
}

/// Whether there can be logs of it.
#[must_use]
pub fn may_have(object: &ObjectRef) -> bool {
    object.namespace.is_some() && (object.kind == "Service" || Whose::of(object).is_some())
}

/// Follows the logs of what belongs to an object until nobody listens; returns why that cannot be done.
pub async fn follow(client: &Client, object: &ObjectRef, said: &Sender<Said>) -> String {
    let Some(namespace) = object.namespace.clone() else { return whose::without_pods(object) };
    let whose = match whose(client, object, &namespace).await {
        Ok(whose) => whose,
        Err(why) => return why,
    };
    let resource = ApiResource::erase::<Pod>(&());
    let watched = Watched { resource, namespace: Some(namespace.clone()) };
    let pods = Api::namespaced(client.clone(), &namespace);
    let mut ward =
        Ward { pods, said: said.clone(), tasks: JoinSet::new(), told: BTreeMap::new(), heard: BTreeSet::new() };
    let (mut snapshot, mut listed) = (Snapshot::default(), BTreeSet::new());
    let mut events = watched.events(client);
    let mut silent = false;
    loop {
        let event = tokio::select! {
            event = events.next() => event,
            () = said.closed() => return String::new(),
        };
        match event {
            Some(Ok(event)) => {
                silent = false;
                let is_whole = matches!(event, watcher::Event::InitDone);
                let is_part = matches!(event, watcher::Event::Init | watcher::Event::InitApply(_));
                watched.absorb(&mut snapshot, event, &mut listed, Some);
                if is_part {
                    continue;
                }
                let mine: Vec<&Value> = snapshot.of_kind("", "Pod").filter(|pod| whose.owns(pod)).collect();
                if is_whole && mine.is_empty() {
                    ward.note(&format!("there is no pod of {object} yet")).await;
                }
                for pod in mine {
                    ward.attend(pod).await;
                }
            }
            Some(Err(error)) => {
                if let Some(unread) = watched.denied(&error) {
                    let ask = "ask for list and watch on pods, and get on pods/log";
                    return format!("the pods of {object} cannot be read ({}): {ask}", unread.why);
                }
                if !silent {
                    ward.note(&format!("the API server does not answer ({}); asked again", root(&error))).await;
                }
                silent = true;
            }
            None => return "the watch has ended".to_owned(),
        }
    }
}

/// What makes a pod one of the object's.
async fn whose(client: &Client, object: &ObjectRef, namespace: &str) -> Result<Whose, String> {
    if object.kind != "Service" {
        return Whose::of(object).ok_or_else(|| whose::without_pods(object));
    }
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    let service =
        services.get(&object.name).await.map_err(|error| format!("{object} cannot be read: {}", root(&error)))?;
    let selector = service.spec.and_then(|spec| spec.selector).unwrap_or_default();
    if selector.is_empty() { Err(format!("{object} selects no pods")) } else { Ok(Whose::Selected(selector)) }
}

/// A container of a pod, by the number of its start.
type Start = (String, String, i64);

/// The pods that are listened to.
struct Ward {
    pods: Api<Pod>,
    said: Sender<Said>,
    tasks: JoinSet<()>,
    /// Why a container has no log, as it was told last.
    told: BTreeMap<(String, String), String>,
    heard: BTreeSet<Start>,
}

impl Ward {
    /// Whoever listened may be gone; the loop hears of that.
    async fn note(&self, text: &str) {
        let _ = self.said.send(Said::Note(plain(text))).await;
    }

    /// Begins to listen to what has begun in a pod, and says what has not.
    async fn attend(&mut self, pod: &Value) {
        let (Some(uid), Some(name)) = (at(pod, "/metadata/uid"), at(pod, "/metadata/name")) else { return };
        let init = items(pod, "/status/initContainerStatuses");
        let statuses: Vec<&Value> = init.chain(items(pod, "/status/containerStatuses")).collect();
        if statuses.is_empty() {
            let why = if at(pod, "/spec/nodeName").is_none() {
                "no node chosen yet"
            } else {
                "its containers are not made yet"
            };
            self.silence((uid, ""), format!("pod {name} has no log yet: {why}")).await;
        }
        for status in statuses {
            self.listen_to((uid, name), status).await;
        }
    }

    async fn silence(&mut self, (uid, container): (&str, &str), why: String) {
        let key = (uid.to_owned(), container.to_owned());
        if self.told.get(&key) != Some(&why) {
            self.note(&why).await;
            self.told.insert(key, why);
        }
    }

    async fn listen_to(&mut self, (uid, pod): (&str, &str), status: &Value) {
        let Some(container) = at(status, "/name") else { return };
        let restarts = number(status, "/restartCount").unwrap_or(0);
        let waiting = status.pointer("/state/waiting");
        if let Some(waiting) = waiting {
            let part = |name: &str| at(waiting, name).filter(|text| !text.is_empty());
            let reason = part("/reason").unwrap_or("waiting");
            let message = part("/message").map_or_else(String::new, |message| format!(": {message}"));
            let why = format!("container {container} of pod {pod} waits: {reason}{message}");
            self.silence((uid, container), why).await;
        }
        // One that waits to be started again has the log of its last start.
        let start = if waiting.is_some() { restarts - 1 } else { restarts };
        if start < 0 || !self.heard.insert((uid.to_owned(), container.to_owned(), start)) {
            return;
        }
        let first = !self.heard.contains(&(uid.to_owned(), container.to_owned(), start - 1));
        let source = Source { pod: pod.to_owned(), container: container.to_owned(), previous: false };
        let before = first && start > 0 && status.pointer("/lastState/terminated").is_some() && waiting.is_none();
        let goes_on = status.pointer("/state/running").is_some();
        self.tasks.spawn(listen(self.pods.clone(), source, self.said.clone(), (before, goes_on)));
        // What has ended leaves the set.
        while self.tasks.try_join_next().is_some() {}
    }
}

/// One start of a container, until it ends. `before`: what the one before has said comes first.
async fn listen(pods: Api<Pod>, source: Source, said: Sender<Said>, (before, goes_on): (bool, bool)) {
    if before {
        let previous = Source { previous: true, ..source.clone() };
        let params = params(&previous, TAIL_BEFORE);
        // That it is gone already is no news.
        if let Err(error) = read(&pods, (&previous, &said), &params, &mut None).await {
            tracing::debug!(%error, pod = source.pod, "the log of before could not be read");
        }
    }
    let (mut since, mut pause) = (None, PAUSE);
    loop {
        let mut params = LogParams { follow: goes_on, timestamps: true, ..params(&source, TAIL) };
        if since.is_some() {
            (params.since_time, params.tail_lines) = (since, None);
        }
        let seen = since;
        match read(&pods, (&source, &said), &params, &mut since).await {
            Ok(()) => return,
            Err(kube::Error::Api(status)) if status.code < 500 => {
                let Source { pod, container, .. } = &source;
                let note = format!("container {container} of pod {pod} has no log: {}", status.message);
                // Whoever listened may be gone.
                let _ = said.send(Said::Note(plain(&note))).await;
                return;
            }
            Err(error) => tracing::debug!(%error, pod = source.pod, "its log broke off"),
        }
        pause = if since == seen { (pause * 2).min(LONGEST_PAUSE) } else { PAUSE };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = said.closed() => return,
        }
    }
}

fn params(source: &Source, tail: i64) -> LogParams {
    LogParams {
        container: Some(source.container.clone()),
        previous: source.previous,
        tail_lines: Some(tail),
        ..LogParams::default()
    }
}

async fn read(
    pods: &Api<Pod>,
    (source, said): (&Source, &Sender<Said>),
    params: &LogParams,
    since: &mut Option<Timestamp>,
) -> Result<(), kube::Error> {
    let mut log = pods.log_stream(&source.pod, params).await?;
    let begun = *since;
    while let Some(line) = next_line(&mut log).await.map_err(kube::Error::ReadEvents)? {
        let (time, line) = if params.timestamps { split_time(&line) } else { (None, line.as_str()) };
        // `sinceTime` has whole seconds: what was heard before comes again.
        if time.is_some() && time <= begun {
            continue;
        }
        *since = time.or(*since);
        let line = Said::Line { source: source.clone(), text: plain(line) };
        if said.send(line).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The next line, of which no more is kept than [`LINE`] bytes: whoever writes a log may never end one.
async fn next_line(log: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut kept = Vec::new();
    let mut is_any = false;
    loop {
        let bytes = log.fill_buf().await?;
        if bytes.is_empty() {
            break;
        }
        is_any = true;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        kept.extend_from_slice(&part[..part.len().min(LINE.saturating_sub(kept.len()))]);
        let read = end.map_or(bytes.len(), |end| end + 1);
        log.consume_unpin(read);
        if end.is_some() {
            break;
        }
    }
    Ok(is_any.then(|| String::from_utf8_lossy(&kept).into_owned()))
}

#[cfg(test)]
mod tests {
    use futures::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn lines_are_read_whole_and_no_longer_than_is_kept() {
        let long = "x".repeat(LINE * 3);
        let mut log = Cursor::new(format!("one\n\n{long}\nlast"));
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut log).await.unwrap() {
            lines.push(line.len());
        }
        assert_eq!(lines, [3, 0, LINE, 4]);
    }
}
