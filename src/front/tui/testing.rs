//! What the tests of the full screen begin with.

mod ground;
mod home;
mod recovery;

use std::sync::{Arc, LazyLock};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use seaworthy::doctor::{Cause, Outlook};
use seaworthy::event::{Ended, Event, Facts, Moved, Outcome, Part, Pull, PullState, StepState};
use seaworthy::host::HostEvent;
use seaworthy::host::clusters::{ClusterAnswer, ClusterFact, Reach, Unreached};
use seaworthy::host::distribution::{Distribution, Recognised};
use seaworthy::host::engines::Product;
use seaworthy::host::kubeconfig::{ContextFact, KubeconfigFacts};
use seaworthy::logs::{Said, Source};
use seaworthy::object::ObjectRef;
use seaworthy::plan::{Action, Change, FieldChange, Plan};
use seaworthy::prepare::Room;
use seaworthy::prepare::sharing::{Class, Offer, Shares, Sharing};
use seaworthy::stack::{Catalogue, Choices, Stack};
use serde_json::json;

use crate::front::look::Look;
pub(super) use ground::{at_prerequisites, grounded, grounded_by_somebody_strange, grounded_with_folder};
pub(super) use home::{at_home, home, home_with_run, home_with_walks};
pub(super) use recovery::*;

use super::model::{Effect, Made, Message, Model, Stage, Wish};
use super::update::update;
use crate::front::form::tests::shop;
use crate::front::yard::{Maker, Yard};

/// Memory as quantities are counted, in thousand millionths of a byte.
const GIB: i128 = (1 << 30) * 1_000_000_000;

pub(super) fn key(code: KeyCode) -> Message {
    Message::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// So many milliseconds have passed.
pub(super) fn tick(millis: u64) -> Message {
    Message::Tick { clock: millis, time: millis }
}

pub(super) fn control(character: char) -> Message {
    Message::Key(KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL))
}

/// Takes messages in, one after the other; the effects of the last come back.
pub(super) fn all(model: &mut Model, messages: impl IntoIterator<Item = Message>) -> Vec<Effect> {
    messages.into_iter().fold(Vec::new(), |_, message| update(model, message))
}

pub(super) fn typed(model: &mut Model, text: &str) {
    all(model, text.chars().map(|character| key(KeyCode::Char(character))));
}

fn context(name: &str, current: bool) -> ContextFact {
    ContextFact {
        name: name.to_owned(),
        current,
        file: "/home/a/.kube/config".into(),
        cluster: "c".to_owned(),
        cluster_file: Some("/home/a/.kube/config".into()),
        server: Some("https://127.0.0.1:6443".to_owned()),
        user: None,
        user_file: None,
        namespace: None,
        plugin: None,
    }
}

pub(super) fn kubeconfig() -> Message {
    let contexts = vec![context("far", false), context("dev", true)];
    let kubeconfig = KubeconfigFacts { current: Some("dev".to_owned()), contexts, ..KubeconfigFacts::default() };
    Message::Host(HostEvent::Kubeconfig { kubeconfig })
}

pub(super) fn reached() -> Message {
    let recognised = Recognised { distribution: Distribution::Kind, because: "providerID kind://".to_owned() };
    let answer = ClusterAnswer {
        version: "v1.34.2".to_owned(),
        recognised,
        nodes: Some(1),
        identity: None,
        latency_ms: 12,
        unread: Vec::new(),
    };
    let cluster = ClusterFact { context: "dev".to_owned(), server: None, reach: Reach::Reached(answer) };
    Message::Host(HostEvent::Cluster { cluster })
}

pub(super) fn unreached() -> Message {
    let why = Unreached {
        fault: seaworthy::cluster::fault::ConnectFault::Timeout,
        // As whoever runs that server likes.
        message: "no answer in time\u{1b}[2J".to_owned(),
        file: None,
        remedy: Some("is the machine on? Its address is https://10.0.0.9:6443".to_owned()),
    };
    let cluster = ClusterFact { context: "far".to_owned(), server: None, reach: Reach::Unreached(why) };
    Message::Host(HostEvent::Cluster { cluster })
}

/// kind would work with Docker; all else lacks something.
pub(super) fn yards() -> Message {
    let yard = |maker, name: &str, refusals: &[&str], warnings: &[&str]| Yard {
        maker,
        name: name.to_owned(),
        refusals: refusals.iter().map(|text| (*text).to_owned()).collect(),
        warnings: warnings.iter().map(|text| (*text).to_owned()).collect(),
    };
    let memory = "500 MiB of memory are free, and a cluster of 1 node takes about 700 MiB";
    Message::Yards(vec![
        yard(Maker::Kind(Product::Docker), "kind-2", &[], &[memory]),
        yard(
            Maker::Kind(Product::Podman),
            "kind-2",
            &[
                "no podman answers on this machine; start Podman (systemctl start podman.socket), or install it; `seaworthy detect` shows who answers",
            ],
            &[],
        ),
        yard(
            Maker::K3s,
            "here",
            &["k3s is not on the PATH; install it", "only root may do this; sudo -E seaworthy cluster create k3s"],
            &[],
        ),
    ])
}

pub(super) fn surveyed(context: &str) -> Message {
    let room =
        Room { nodes: Some(1), cpu: 2_000_000_000, memory: 4 * GIB, storage_class: Some(None), ..Room::default() };
    Message::Surveyed { context: context.to_owned(), room: Ok(room) }
}

/// A stack that shares volumes, read once.
static SHARING: LazyLock<Arc<Stack>> = LazyLock::new(|| {
    let catalogue = Catalogue::default();
    let mut all_stacks = catalogue.names().into_iter().rev().filter_map(|name| catalogue.get(&name).ok());
    let stack = all_stacks.find(|stack| !Shares::of_profile(stack, &Choices::default(), "ha").claims.is_empty());
    Arc::new(stack.unwrap())
});

/// On the screen of the profiles, with the cursor on the one that shares volumes, of a stack that has one.
pub(super) fn at_sharing(size: (u16, u16)) -> Model {
    let mut model = begun(size);
    let stacks = Message::Stacks { found: vec![SHARING.clone()], broken: Vec::new() };
    all(&mut model, [stacks, key(KeyCode::Enter), key(KeyCode::Enter), key(KeyCode::Enter), key(KeyCode::Home)]);
    model
}

/// Who can make volumes that several nodes write to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shared {
    /// A class that is there.
    Class,
    /// A prerequisite that can be added.
    Offer,
    /// Nobody.
    Nobody,
}

/// A cluster without what another profile needs, all of which can be added.
pub(super) fn surveyed_bare() -> Message {
    let missing = ["local-path", "metallb", "kruise"].map(str::to_owned);
    let prerequisites = missing.iter().map(|name| (name.clone(), (Some(false), "not installed".to_owned())));
    let room = Room {
        nodes: Some(3),
        cpu: 24_000_000_000,
        memory: 48 * GIB,
        storage_class: Some(None),
        prerequisites: prerequisites.collect(),
        addable: missing.into(),
        ..Room::default()
    };
    Message::Surveyed { context: "dev".to_owned(), room: Ok(room) }
}

/// A stack whose images nobody gives away, read once.
static UNPUBLISHED: LazyLock<Arc<Stack>> = LazyLock::new(|| {
    let (stacks, _) = Catalogue::default().stacks();
    Arc::new(stacks.into_iter().find(|stack| stack.definition().unpublished.is_some()).unwrap())
});

/// Where the images of that stack are asked for.
pub(super) fn at_unpublished(size: (u16, u16)) -> Model {
    let mut model = begun(size);
    let stacks = Message::Stacks { found: vec![UNPUBLISHED.clone()], broken: Vec::new() };
    all(&mut model, [stacks, key(KeyCode::Enter), key(KeyCode::Enter)]);
    model
}

/// What a cluster offers to it: local-path, and perhaps more.
pub(super) fn surveyed_for_sharing(shared: Shared) -> Message {
    let class = |name: &str, unable: Option<&str>| Class {
        name: name.to_owned(),
        default: unable.is_some(),
        unable: unable.map(str::to_owned),
    };
    let mut classes =
        vec![class("standard", Some("volumes of class standard (rancher.io/local-path) are on one node only"))];
    classes.extend((shared == Shared::Class).then(|| class("nfs", None)));
    let offer = match shared {
        Shared::Nobody => Offer::Nothing {
            because: "the nodes are machines of their own, and share no folder that is known here".to_owned(),
            remedy: "install a StorageClass that makes ReadWriteMany volumes (NFS, CephFS, ...)".to_owned(),
        },
        _ => Offer::Install("all nodes share /srv/shared: survives a node, not this disk".to_owned()),
    };
    let sharing = Sharing { classes: Some(classes), free: Some([].into()), offer };
    let room = Room { nodes: Some(3), cpu: 4_000_000_000, memory: 48 * GIB, sharing, ..Room::default() };
    Message::Surveyed { context: "dev".to_owned(), room: Ok(room) }
}

pub(super) fn plan() -> Plan {
    let step = |id: &str, title: &str, component: Option<&str>, change: Change| {
        let words: Vec<&str> = id.split([':', '/']).collect();
        let (kind, namespace, name) = (words[1], words.get(3).map(|_| "sea"), words[words.len() - 1]);
        let before = match (id.split(':').next(), kind) {
            (Some("await"), _) => vec!["apply:Deployment/sea/mq"],
            (_, "Namespace") => Vec::new(),
            _ => vec!["apply:Namespace/sea"],
        };
        let version = if kind == "Deployment" { "apps/v1" } else { "v1" };
        json!({"id": id, "title": title, "component": component, "change": change, "needs": before,
            "action": {"do": "await", "object": {"apiVersion": version, "kind": kind, "namespace": namespace, "name": name}}})
    };
    let field = FieldChange {
        path: "spec.template.spec.containers[web].image".to_owned(),
        now: Some("registry.example.com/harbour/window:1.0.0".into()),
        wanted: Some("registry.example.com/harbour/window:1.1.0".into()),
    };
    let update = Change::Update { fields: vec![field], conflicts: Vec::new(), resource_version: "1".to_owned() };
    let plan = json!({"purpose": "install",
        "installation": {"stack": "shop", "version": "1.0.0", "namespace": "sea", "release": "shop", "profile": "single-node"},
        "cluster": {"context": "dev", "server": "https://127.0.0.1:6443", "uid": "u"},
        "steps": [
            step("apply:Namespace/sea", "create Namespace/sea", None, Change::Create),
            step("apply:Deployment/sea/mq", "create Deployment/sea/mq", Some("mq"), Change::Create),
            step("await:Deployment/sea/mq", "wait for Deployment/sea/mq", Some("mq"), Change::Observe),
            step("apply:Deployment/sea/web", "update Deployment/sea/web", Some("web"), update),
            step("apply:Service/sea/web", "apply Service/sea/web", Some("web"), Change::Unchanged),
        ],
        "reach": [{"name": "window", "title": "Shop window", "namespace": "sea", "service": "shop-web", "port": "http",
            "path": "/", "status": 200}]});
    serde_json::from_value(plan).unwrap()
}

pub(super) fn made() -> Box<Made> {
    let warnings = vec!["greeting: nobody will read so long a text".to_owned()];
    let differences = vec!["greeting: \"good day\", was \"ahoy\"".to_owned()];
    let time = "took 41.0 s to 1 min 12 s in 3 earlier runs like this one".to_owned();
    Box::new(Made { time, differences, ..Made::of(plan(), warnings, Stage::Install) })
}

/// Somebody else has set a field, and the API server would refuse an object.
pub(super) fn made_with_conflicts(is_refused: bool) -> Box<Made> {
    let mut made = made();
    let conflict = json!({"path": "spec.replicas", "pointer": "/spec/replicas", "owners": ["kubectl-scale"], "now": 5,
        "wanted": 2, "choice": "stop"});
    if let Change::Update { conflicts, .. } = &mut made.plan.steps[3].change {
        conflicts.push(serde_json::from_value(conflict).unwrap());
    }
    if is_refused {
        made.refusals = vec![cause(Outlook::Final)];
    }
    made
}

/// With objects that name images.
pub(super) fn made_with_images() -> Box<Made> {
    let mut made = made();
    let image = |name: &str| format!("registry.example.com/harbour/{name}:1.0.0");
    let names = ["queue", "window", "a-program-with-a-name-that-is-longer-than-most-screens-are-wide"];
    for (step, name) in made.plan.steps.iter_mut().zip(names) {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "sea"},
            "spec": {"template": {"spec": {"containers": [{"name": "c", "image": image(name)}]}}}});
        step.action = Action::Apply { object };
    }
    made
}

pub(super) fn cause(outlook: Outlook) -> Cause {
    Cause {
        id: "P003".to_owned(),
        object: Some(ObjectRef::new("v1", "Pod", Some("sea"), "shop-mq-7dbd656c9f-cw986")),
        reason: "ErrImagePull".to_owned(),
        message: "registry.example.com/harbour/queue:1.0.0 does not exist:\u{1b}]0;x\u{7} not found".to_owned(),
        remedy: Some("build and push it, or choose another tag with global.imageTag".to_owned()),
        outlook,
    }
}

pub(super) fn event(event: Event) -> Message {
    Message::Event(Box::new(event))
}

pub(super) fn step(id: &str, done: usize, state: StepState) -> Message {
    event(Event::Step { id: id.to_owned(), done, total: 5, state })
}

pub(super) fn stalls() -> Vec<Message> {
    let done = || StepState::Done { changed: true, millis: 120, note: None };
    let object = ObjectRef::new("apps/v1", "Deployment", Some("sea"), "mq");
    let (id, progress) = ("await:Deployment/sea/mq".to_owned(), "0 of 1 pods ready".to_owned());
    let (cause, limit, facts) = (Some(cause(Outlook::Stuck)), Some(300_000), Box::new(stalled()));
    vec![
        event(Event::Started { run: "20260102-030405".to_owned(), total: 5 }),
        step("apply:Namespace/sea", 1, done()),
        step("apply:Deployment/sea/mq", 2, done()),
        step("await:Deployment/sea/mq", 2, StepState::Running),
        event(Event::Waiting { id, object, progress, cause, limit, facts }),
    ]
}

fn part(kind: &str, name: &str, (ready, wanted): (u64, u64), said: &str) -> Part {
    let node = (kind == "Pod").then(|| "dev-worker".to_owned());
    let object = ObjectRef::new("v1", kind, Some("sea"), name);
    Part { object, ready, wanted, said: said.to_owned(), node }
}

fn pull(image: &str, state: PullState, (millis, bytes): (Option<u64>, Option<u64>)) -> Pull {
    let since = "2026-11-20T10:00:00Z".parse().ok();
    Pull { image: image.to_owned(), node: Some("dev-worker".to_owned()), state, since, millis, bytes }
}

/// What is seen of the queue while its image cannot be had.
fn stalled() -> Facts {
    let pod = part("Pod", "shop-mq-7dbd656c9f-cw986", (0, 1), "ErrImagePull");
    let parts = vec![part("Deployment", "mq", (0, 1), ""), pod];
    let pulls = vec![pull("registry.example.com/harbour/queue:1.0.0", PullState::Failed, (None, None))];
    Facts { parts, pulls, ..Facts::default() }
}

/// Images are under way, and one has come.
pub(super) fn pulling() -> Vec<Message> {
    let object = ObjectRef::new("apps/v1", "Deployment", Some("sea"), "mq");
    let pulls = vec![
        pull("registry.example.com/harbour/queue:1.0.0", PullState::Asked, (None, Some(213_000_000))),
        // Whoever writes a pod names its images.
        pull("evil\u{1b}[2J:1", PullState::Asked, (None, None)),
        pull("registry.example.com/harbour/anchor:1.0.0", PullState::Done, (Some(3200), Some(20_000_000))),
        pull("busybox:1.36", PullState::Present, (None, None)),
    ];
    let parts = vec![
        part("Deployment", "mq", (1, 3), ""),
        part("PersistentVolumeClaim", "mq-data", (0, 1), "Pending"),
        part("Pod", "shop-mq-7dbd656c9f-cw986", (0, 1), "ContainerCreating"),
        part("Pod", "shop-mq-7dbd656c9f-x7x7x", (1, 1), ""),
    ];
    let facts = Box::new(Facts { at: "2026-11-20T10:00:12Z".parse().ok(), parts, pulls, more: 1, moved: None });
    let (id, progress) = ("await:Deployment/sea/mq".to_owned(), "1 of 3 pods ready".to_owned());
    let waits = event(Event::Waiting { id, object, progress, cause: None, limit: Some(300_000), facts });
    stalls().into_iter().take(4).chain([waits]).collect()
}

/// An archive is on its way into a node.
pub(super) fn moving() -> Vec<Message> {
    let object = ObjectRef::new("host", "Node", None, "dev-worker");
    let moved = Moved { bytes: 96_000_000, total: 213_000_000, millis: 8000 };
    let facts = Box::new(Facts { moved: Some(moved), ..Facts::default() });
    let id = "await:Deployment/sea/mq".to_owned();
    let progress = "96.0 MB of about 213 MB, 12.0 MB/s".to_owned();
    let waits = event(Event::Waiting { id, object, progress, cause: None, limit: None, facts });
    stalls().into_iter().take(4).chain([waits]).collect()
}

/// A run over its time: what it waited for is still under way.
pub(super) fn over_time() -> Vec<Message> {
    let mut messages = vec![tick(0)];
    messages.extend(agreed());
    let times = [100, 400, 700, 900, 1000].map(tick);
    messages.extend(times.into_iter().zip(stalls()).flat_map(|(time, message)| [time, message]));
    messages.extend([tick(1200), step("apply:Deployment/sea/web", 2, StepState::Running), tick(5000)]);
    messages.extend(web_is_done());
    messages.push(tick(65_000));
    messages
}

/// What two containers say, one of which was started again, and one that cannot.
pub(super) fn said() -> Vec<Said> {
    let line = |container: &str, previous: bool, text: &str| {
        let source = Source { pod: "shop-mq-7dbd656c9f-cw986".to_owned(), container: container.to_owned(), previous };
        Said::Line { source, text: text.to_owned() }
    };
    vec![
        line("mq", true, "panic: no route to the harbour"),
        line("mq", false, "2026-11-20T10:00:00Z INFO  listening on :5672"),
        line("mq", false, "   indented,  with   blanks"),
        line("mq", false, &format!("{{\"level\":\"warn\",\"text\":\"{}\"}}", "a long line ".repeat(12))),
        line("sidecar", false, "日本語 \u{1b}[2J and what must not get through"),
        Said::Note("container window of pod shop-web-5d9 waits: ContainerCreating".to_owned()),
    ]
}

/// Many lines of one container.
pub(super) fn many(lines: usize) -> Vec<Said> {
    let source = Source { pod: "shop-mq-0".to_owned(), container: "mq".to_owned(), previous: false };
    (1..=lines).map(|number| Said::Line { source: source.clone(), text: format!("message {number}") }).collect()
}

pub(super) fn finished(ended: Ended) -> Message {
    let causes = if ended == Ended::Failed { vec![cause(Outlook::Final)] } else { Vec::new() };
    let requests = seaworthy::cluster::Counts { reads: 9, writes: 3, dry: 1, refused: 0 };
    let run = "20260102-030405".to_owned();
    let done = if ended == Ended::Done { 5 } else { 2 };
    event(Event::Finished { outcome: Outcome { run, ended, done, total: 5, causes, requests, millis: 65_000 } })
}

fn is_done(id: &str, done: usize, (changed, millis): (bool, u64)) -> Message {
    step(id, done, StepState::Done { changed, millis, note: None })
}

/// What waits for nothing is done.
pub(super) fn web_is_done() -> [Message; 2] {
    [is_done("apply:Deployment/sea/web", 3, (true, 3800)), is_done("apply:Service/sea/web", 4, (false, 12))]
}

/// What was waited for has come, and with it the end.
pub(super) fn done() -> Vec<Message> {
    vec![
        is_done("await:Deployment/sea/mq", 5, (false, 64_000)),
        finished(Ended::Done),
        Message::Ended(Ok(std::process::ExitCode::SUCCESS)),
    ]
}

/// What was begun is not waited for, and the rest not begun any more.
pub(super) fn web_is_left() -> [Message; 3] {
    let web = |state| step("apply:Deployment/sea/web", 2, state);
    [web(StepState::Running), web(StepState::Left), step("apply:Service/sea/web", 2, StepState::Skipped)]
}

/// What was waited for fails.
pub(super) fn failed() -> Vec<Message> {
    vec![
        step("await:Deployment/sea/mq", 2, StepState::Failed { cause: cause(Outlook::Final) }),
        finished(Ended::Failed),
        Message::Ended(Ok(std::process::ExitCode::FAILURE)),
    ]
}

/// Clusters and stacks are known.
pub(super) fn begun(size: (u16, u16)) -> Model {
    let look = Look { colour: true, unicode: true };
    let mut model = Model::new(look, size, Wish::default());
    let stacks = Message::Stacks { found: vec![shop()], broken: Vec::new() };
    all(&mut model, [kubeconfig(), reached(), unreached(), Message::Looked, yards(), stacks]);
    model
}

/// On the settings of the first stack; the cluster has answered.
pub(super) fn at_settings(size: (u16, u16)) -> Model {
    let mut model = begun(size);
    let answers = [key(KeyCode::Enter), surveyed("dev"), grounded(true)];
    all(&mut model, answers.into_iter().chain((0..4).map(|_| key(KeyCode::Enter))));
    model
}

/// Everything is answered, and the plan is on the screen.
pub(super) fn reviewed(size: (u16, u16)) -> Model {
    let mut model = at_settings(size);
    all(&mut model, [key(KeyCode::Enter)]);
    typed(&mut model, "swordfish");
    all(&mut model, [key(KeyCode::Enter), key(KeyCode::Right), Message::Planned { ticket: 1, made: Ok(made()) }]);
    model
}

/// Agrees to the plan that is on the screen.
pub(super) fn agreed() -> [Message; 2] {
    [key(KeyCode::End), key(KeyCode::Enter)]
}

/// The first stack of the model, for what a test needs of it.
pub(super) fn first_stack(model: &Model) -> Arc<Stack> {
    model.stacks.found.as_ref().unwrap()[0].clone()
}
