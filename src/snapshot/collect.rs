//! The only place that lists.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::future::Either;
use futures::stream::{self, StreamExt as _};
use kube::Client;
use kube::core::{ApiResource, Request, params::GetParams, params::ListParams};
use serde_json::Value;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::page::{self, Part, Skip};
use super::{Snapshot, Unread};
use crate::cluster::fault::{PAUSES, classify, is_unwell};
use crate::object::ObjectRef;

/// Objects a page: the API server's own default chunk for kubectl.
const PAGE: u32 = 500;
/// Requests in flight at once.
const IN_FLIGHT: usize = 16;
/// Up to this many cluster-scoped objects of a kind are read one by one rather than by listing the kind, because
/// clusters hold many of some kinds (ClusterRole) and a stack only a few.
const FEW: usize = 3;

/// One question to the API server.
#[derive(Debug, Clone)]
pub struct Query {
    /// The kind.
    pub resource: ApiResource,
    /// The namespace; `None` for cluster-scoped kinds and for all namespaces.
    pub namespace: Option<String>,
    /// What to read of it.
    pub scope: Scope,
}

/// What to read of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    All,
    /// What carries these labels.
    Labelled(String),
    /// What has these fields, such as `spec.nodeName=NAME`.
    Fields(String),
    /// One object.
    Named(String),
}

/// The fewest questions that show every one of these objects as it is now: one list per kind and namespace.
pub fn queries_for<'a>(objects: impl IntoIterator<Item = (&'a ObjectRef, &'a ApiResource)>) -> Vec<Query> {
    /// A kind in a namespace, and the names that are wanted of it.
    type Scopes = BTreeMap<(String, String, Option<String>), (ApiResource, BTreeSet<String>)>;
    let mut scopes = Scopes::new();
    for (object, resource) in objects {
        let scope = (resource.group.clone(), resource.kind.clone(), object.namespace.clone());
        scopes.entry(scope).or_insert_with(|| (resource.clone(), BTreeSet::new())).1.insert(object.name.clone());
    }
    let questions = |((_, _, namespace), (resource, names)): (_, (ApiResource, BTreeSet<String>))| {
        let namespace: Option<String> = namespace;
        let whole = namespace.is_some() || names.len() > FEW;
        let scopes = if whole { vec![Scope::All] } else { names.into_iter().map(Scope::Named).collect() };
        scopes
            .into_iter()
            .map(move |scope| Query { resource: resource.clone(), namespace: namespace.clone(), scope })
            .collect::<Vec<_>>()
    };
    scopes.into_iter().flat_map(questions).collect()
}

/// What is kept of the objects of a list.
#[derive(Clone, Copy)]
pub struct Keep {
    /// What is not even parsed.
    pub skip: Skip,
    /// What is kept of an object.
    pub of: fn(Value) -> Value,
}

impl Keep {
    /// All of it.
    pub const WHOLE: Self = Self { skip: page::whole, of: |object| object };
}

/// Asks everything at once. What cannot be read is part of the answer, except when the API server itself is gone.
pub async fn collect(client: &Client, queries: Vec<Query>) -> Result<Snapshot, kube::Error> {
    let mut answers = stream::iter(queries.into_iter().map(|query| ask(client, query))).buffer_unordered(IN_FLIGHT);
    let mut snapshot = Snapshot::default();
    while let Some(answer) = answers.next().await {
        snapshot.extend(answer?);
    }
    Ok(snapshot)
}

/// Asks everything at once, each question for at most `deadline`. Whatever goes wrong with one question is part of the
/// answer: a cluster that needs a doctor does not answer everything. `keep` gives what is kept of an object, page by page: whole objects are
/// most of what a large cluster weighs.
pub async fn collect_all(client: &Client, queries: Vec<Query>, deadline: Duration, keep: Keep) -> Snapshot {
    let ask = |query: Query| async move {
        let answer = tokio::time::timeout(deadline, ask_leniently(client, &query, keep)).await;
        let late = |_| unread(&query, format!("no answer within {} s", deadline.as_secs()));
        answer.unwrap_or_else(late)
    };
    let mut answers = stream::iter(queries.into_iter().map(ask)).buffer_unordered(IN_FLIGHT);
    let mut snapshot = Snapshot::default();
    while let Some(answer) = answers.next().await {
        snapshot.extend(answer);
    }
    snapshot
}

async fn ask_leniently(client: &Client, query: &Query, keep: Keep) -> Snapshot {
    let began = Instant::now();
    let mut pauses = PAUSES.iter();
    let answer = loop {
        let mut snapshot = Snapshot::default();
        let answer = read(client, query, &mut snapshot, keep).await;
        let Err(error) = answer else { break Ok(snapshot) };
        let goes_on = is_expired(&error) || passes(&error) && began.elapsed() < PATIENCE;
        let Some(pause) = pauses.next().filter(|_| goes_on) else { break Err(error) };
        tokio::time::sleep(*pause).await;
    };
    match answer {
        Ok(snapshot) => snapshot,
        Err(kube::Error::Api(status)) if status.code == 404 => Snapshot::default(),
        Err(kube::Error::Api(status)) => unread(query, status.message.clone()),
        Err(error) => unread(query, classify(&error).to_string()),
    }
}

/// What fails after so long is not asked for again: somebody waits for a first word of what is wrong.
const PATIENCE: Duration = Duration::from_secs(3);

/// Whether a list took longer than the server keeps its state: it is begun again.
fn is_expired(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 410)
}

/// Whether another answer may come when the same is asked once more.
fn passes(error: &kube::Error) -> bool {
    is_unwell(error) || matches!(error, kube::Error::Service(_) | kube::Error::HyperError(_))
}

fn unread(query: &Query, why: String) -> Snapshot {
    let one = Unread { kind: query.resource.kind.clone(), namespace: query.namespace.clone(), why };
    Snapshot { unread: vec![one], ..Snapshot::default() }
}

async fn ask(client: &Client, query: Query) -> Result<Snapshot, kube::Error> {
    let mut snapshot = Snapshot::default();
    match read(client, &query, &mut snapshot, Keep::WHOLE).await {
        Ok(()) => Ok(snapshot),
        // A kind or an object that does not exist is simply not there.
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(snapshot),
        Err(kube::Error::Api(status)) if status.code == 403 => {
            snapshot.unread.push(Unread {
                kind: query.resource.kind,
                namespace: query.namespace,
                why: status.message.clone(),
            });
            Ok(snapshot)
        }
        Err(error) => Err(error),
    }
}

async fn read(client: &Client, query: &Query, snapshot: &mut Snapshot, keep: Keep) -> Result<(), kube::Error> {
    let request = Request::new(url(&query.resource, query.namespace.as_deref()));
    if let Scope::Named(name) = &query.scope {
        let get = request.get(name, &GetParams::default()).map_err(kube::Error::BuildRequest)?;
        let text = client.request_text(get).await?;
        snapshot.insert((keep.of)(page::object(&text, keep.skip).map_err(kube::Error::SerdeError)?));
        return Ok(());
    }
    let mut params = ListParams::default().limit(PAGE);
    match &query.scope {
        Scope::Labelled(labels) => params = params.labels(labels),
        Scope::Fields(fields) => params = params.fields(fields),
        Scope::All | Scope::Named(_) => {}
    }
    // A page is parsed while the next one is on its way; there are never more than these two.
    let mut before: Option<Parsing> = None;
    loop {
        let list = request.list(&params).map_err(kube::Error::BuildRequest)?;
        let text = client.request_text(list).await?;
        if let Some(before) = before.take() {
            before.end(snapshot).await?;
        }
        let mut page = Parsing::begin(text, query.resource.clone(), keep);
        match page.token().await {
            Some(token) => params = params.continue_token(&token),
            None => return page.end(snapshot).await,
        }
        before = Some(page);
    }
}

/// Up to so many bytes a page is parsed where it arrived: to hand it to another thread takes longer.
const SMALL: usize = 64 * 1024;

/// A page that is being parsed.
struct Parsing {
    token: oneshot::Receiver<Option<String>>,
    objects: Either<Objects, JoinHandle<Objects>>,
}

/// What was in a page.
type Objects = serde_json::Result<Vec<Value>>;

impl Parsing {
    fn begin(text: String, resource: ApiResource, keep: Keep) -> Self {
        let (told, token) = oneshot::channel();
        let is_small = text.len() <= SMALL;
        let parse = move || objects(&text, &resource, keep, told);
        let objects = if is_small { Either::Left(parse()) } else { Either::Right(spawn_blocking(parse)) };
        Self { token, objects }
    }

    /// Of the next page, as soon as it is known.
    async fn token(&mut self) -> Option<String> {
        // A page that is no list has none, and an error below.
        (&mut self.token).await.ok().flatten()
    }

    async fn end(self, snapshot: &mut Snapshot) -> Result<(), kube::Error> {
        let objects = match self.objects {
            Either::Left(parsed) => parsed,
            Either::Right(elsewhere) => elsewhere.await.map_err(|error| kube::Error::Service(error.into()))?,
        };
        objects.map_err(kube::Error::SerdeError)?.into_iter().for_each(|object| snapshot.insert(object));
        Ok(())
    }
}

fn objects(text: &str, resource: &ApiResource, keep: Keep, told: oneshot::Sender<Option<String>>) -> Objects {
    let (mut found, mut told) = (Vec::new(), Some(told));
    page::read(text, keep.skip, &mut |part| match part {
        Part::GoesOn(token) => {
            // Whoever asked may have given up meanwhile.
            told.take().map(|told| told.send(token));
        }
        Part::Object(object) => found.push((keep.of)(typed(object, resource))),
    })?;
    Ok(found)
}

/// Items of a list come without kind and version.
fn typed(mut item: Value, resource: &ApiResource) -> Value {
    if let Some(map) = item.as_object_mut() {
        map.insert("apiVersion".to_owned(), Value::String(resource.api_version.clone()));
        map.insert("kind".to_owned(), Value::String(resource.kind.clone()));
    }
    item
}

/// The path of a collection.
pub fn url(resource: &ApiResource, namespace: Option<&str>) -> String {
    let root = if resource.group.is_empty() { "/api".to_owned() } else { format!("/apis/{}", resource.group) };
    match namespace {
        Some(namespace) => format!("{root}/{}/namespaces/{namespace}/{}", resource.version, resource.plural),
        None => format!("{root}/{}/{}", resource.version, resource.plural),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use serde_json::json;

    use super::*;
    use crate::cluster::answering::answering;

    /// What a list comes to at a server that answers so, one answer after the other, and how often it was asked.
    async fn asked(codes: &'static [u16]) -> (Snapshot, usize) {
        let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": [{"metadata": {"name": "one", "namespace": "n"}}]});
        let (client, asked) = answering(codes, &list);
        let resource = crate::cluster::Resources::default().of(&ObjectRef::new("v1", "Pod", None, "")).unwrap();
        let query = Query { resource, namespace: None, scope: Scope::All };
        let snapshot = collect_all(&client, vec![query], Duration::from_secs(30), Keep::WHOLE).await;
        (snapshot, asked.load(Ordering::Relaxed))
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_fails_for_a_moment_is_read_and_one_that_is_refused_is_not_asked_for_again() {
        for (codes, found, times) in [
            (&[200][..], 1, 1),
            (&[500, 200], 1, 2),
            (&[429, 503, 200], 1, 3),
            (&[410, 200], 1, 2),
            (&[500], 0, 3),
            (&[403, 200], 0, 1),
        ] {
            let (snapshot, asked) = asked(codes).await;
            assert_eq!((snapshot.of_kind("", "Pod").count(), asked), (found, times), "{codes:?}");
            assert_eq!(snapshot.is_unread("Pod"), found == 0, "{codes:?}");
        }
    }
}
