//! Does what the full screen wants done. Each effect is a task of its own; its answer is a message.

mod rescue;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use seaworthy::cluster::Cluster;
use seaworthy::cluster::fault::ConnectFault;
use seaworthy::doctor::walk::{self, LogAsk, Words};
use seaworthy::engine::forward::Forward;
use seaworthy::host::clusters::{self, ClusterFact, Unreached};
use seaworthy::host::kubeconfig::{ContextFact, KubeconfigFacts};
use seaworthy::host::{self, HostEvent, LookOptions};
use seaworthy::object::ObjectRef;
use seaworthy::plan::Reach;
use seaworthy::sandbox::Kind;
use seaworthy::stack::Text;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::around::Around;
use super::draft::draft;
use super::{logs, lookout};
use crate::cli::Session;
use crate::cli::choose::text;
use crate::cli::cluster::yard::yards;
use crate::cli::images::load::Load;
use crate::cli::install::{InstallArgs, Ready};
use crate::cli::open::listen;
use crate::cli::prerequisites::Order;
use crate::front::face::{Face, Link};
use crate::front::mask::Mask;
use crate::front::signals::Signals;
use crate::front::tui::model::{Effect, Message, Request};
use crate::front::tui::{Director, terminal};

/// How long a cluster may take to say what it has.
const PATIENCE: Duration = Duration::from_secs(30);

/// The plan that was made last, until it is run.
type Drafted = Arc<Mutex<Option<(u64, Next)>>>;

/// What the plan on the screen does.
pub(super) enum Next {
    /// Brings what the stack needs of the cluster, before it.
    Prepare(Box<Order>),
    /// Puts the images into the nodes that they lack, before the installation.
    Load(Box<Load>),
    /// Installs.
    Install(Box<Ready>),
    /// Brings back what was lost.
    Recover(Box<Ready>),
}

/// Everything that works for the screen.
pub(super) struct Crew {
    session: Arc<Session>,
    arguments: InstallArgs,
    messages: mpsc::Sender<Message>,
    drafted: Drafted,
    /// The planning that is under way; a newer one ends it.
    planning: Option<JoinHandle<()>>,
    /// Who looks for losses.
    sighting: Option<JoinHandle<()>>,
    /// Who looks at a cluster for the home screen.
    lookout: Option<JoinHandle<()>>,
    /// The run that is under way.
    link: Option<Link>,
    /// The cluster that was installed on.
    cluster: Option<Cluster>,
    forward: Arc<Mutex<Option<Forward>>>,
    /// Who follows logs.
    listener: Option<JoinHandle<()>>,
    /// What logs must not show.
    mask: Mask,
}

impl Crew {
    pub(super) fn new(session: Arc<Session>, arguments: InstallArgs, messages: mpsc::Sender<Message>) -> Self {
        let (drafted, forward) = (Drafted::default(), Arc::default());
        let (planning, sighting, lookout, link, cluster) = (None, None, None, None, None);
        let (listener, mask) = (None, Mask::default());
        Self {
            session,
            arguments,
            messages,
            drafted,
            planning,
            sighting,
            lookout,
            link,
            cluster,
            forward,
            listener,
            mask,
        }
    }

    /// From now on it works with another session.
    pub(super) fn turn(&mut self, session: Arc<Session>) {
        self.session = session;
    }

    /// Signals are messages as keys are. Without the right to hear one, it ends the program as it always does.
    pub(super) fn hear_signals(&self) {
        let ends = [(SignalKind::interrupt(), 130), (SignalKind::terminate(), 143), (SignalKind::hangup(), 129)];
        for (kind, code) in ends {
            self.hear(kind, move || Message::Signal(code));
        }
        let stop = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
        self.hear(stop, || Message::Stopped);
        let go_on = SignalKind::from_raw(rustix::process::Signal::CONT.as_raw());
        self.hear(go_on, || Message::Continued);
    }

    fn hear(&self, kind: SignalKind, message: impl Fn() -> Message + Send + 'static) {
        let messages = self.messages.clone();
        match signal(kind) {
            Ok(mut stream) => drop(tokio::spawn(async move {
                while stream.recv().await.is_some() {
                    // The screen is gone when nobody takes it.
                    let _ = messages.send(message()).await;
                }
            })),
            Err(error) => tracing::warn!(%error, "a signal cannot be heard"),
        }
    }

    /// Begins a task that answers with one message. If it panics, the screen is given back and the loop has to notice.
    fn begin(&self, task: impl Future<Output = Message> + Send + 'static) -> JoinHandle<()> {
        let messages = self.messages.clone();
        let task = tokio::spawn(task);
        let abort = task.abort_handle();
        let guard = AbortOnDrop(abort);
        tokio::spawn(async move {
            let _guard = guard;
            let message = task.await.unwrap_or(Message::Tick { clock: 0, time: 0 });
            // The screen is gone when nobody takes it.
            let _ = messages.send(message).await;
        })
    }

    fn look(&self) {
        let (session, messages) = (self.session.clone(), self.messages.clone());
        let kinds = session.globals.sandbox.map_or_else(|| Kind::ALL.to_vec(), |kind| vec![kind]);
        for kind in kinds {
            let session = session.clone();
            drop(self.begin(async move { visited(&session, kind) }));
        }
        if let Some(kind) = session.globals.sandbox {
            drop(self.begin(async move {
                for event in sandbox(&session, kind).await {
                    // The screen is gone when nobody takes it.
                    let _ = messages.send(Message::Host(event)).await;
                }
                Message::Looked
            }));
            return;
        }
        let options = LookOptions { kubeconfig: session.globals.kubeconfig.clone(), ..LookOptions::default() };
        drop(self.begin(async move {
            let (sender, mut events) = mpsc::channel(16);
            let pass_on = async {
                while let Some(event) = events.recv().await {
                    let _ = messages.send(Message::Host(event)).await;
                }
            };
            // The facts end when nobody can send one any more.
            let report = async move { host::report_clusters(&session.here, &options, &sender).await };
            tokio::join!(report, pass_on);
            Message::Looked
        }));
    }

    fn yards(&self) {
        let session = self.session.clone();
        drop(self.begin(async move { Message::Yards(yards(&session).await) }));
    }

    fn stacks(&self) {
        let session = self.session.clone();
        drop(self.begin(async move {
            let catalogue = session.catalogue();
            let (found, broken) = catalogue.stacks();
            let broken = broken.into_iter().map(|(name, error)| format!("{name} cannot be used: {error}"));
            Message::Stacks { found: found.into_iter().map(Arc::new).collect(), broken: broken.collect() }
        }));
    }

    fn watch(&mut self, context: String) {
        if let Some(older) = self.lookout.take() {
            older.abort();
        }
        let (session, messages) = (self.session.clone(), self.messages.clone());
        self.lookout = Some(tokio::spawn(async move { lookout::keep(&session, &context, &messages).await }));
    }

    /// Who may not be connected to is not heard: that stands with each log.
    fn words(&self, ticket: u64, context: String, asks: Vec<LogAsk>) {
        let session = self.session.clone();
        drop(self.begin(async move {
            let words = match session.connect_to(Some(&context)).await {
                Ok(cluster) => walk::read(&cluster.client, asks).await,
                Err(failure) => {
                    let mut words = Words::default();
                    for ask in asks {
                        words.keep(ask, Err(failure.message.clone()));
                    }
                    words
                }
            };
            Message::Words { ticket, words }
        }));
    }

    /// What profiles need comes first, because it takes fewer questions; then what prerequisites are judged by.
    fn survey(&self, context: String) {
        let (session, messages) = (self.session.clone(), self.messages.clone());
        drop(self.begin(async move {
            let late = || format!("no answer within {} s", PATIENCE.as_secs());
            let looked = timeout(PATIENCE, Around::look(&session, &context)).await;
            let looked = looked.map_or_else(|_| Err(late()), |looked| looked.map_err(|failure| failure.message));
            let room = looked.as_ref().map(|around| around.room.clone()).map_err(Clone::clone);
            // The screen is gone when nobody takes it.
            let _ = messages.send(Message::Surveyed { context: context.clone(), room }).await;
            let ground = match looked {
                Ok(around) => {
                    let ground = timeout(PATIENCE, around.ground(&session)).await;
                    ground.map(Arc::new).map_err(|_| late())
                }
                Err(why) => Err(why),
            };
            Message::Grounded { context, ground }
        }));
    }

    fn plan(&mut self, ticket: u64, request: Box<Request>) {
        if let Some(older) = self.planning.take() {
            older.abort();
        }
        let (session, arguments, drafted) = (self.session.clone(), self.arguments.clone(), self.drafted.clone());
        self.planning = Some(self.begin(async move {
            let made = match Box::pin(draft(&session, arguments, *request)).await {
                Ok((ready, made)) => {
                    *drafted.lock().unwrap_or_else(PoisonError::into_inner) = Some((ticket, ready));
                    Ok(Box::new(made))
                }
                Err(failure) => Err(Box::new(failure)),
            };
            Message::Planned { ticket, made }
        }));
    }

    fn run(&mut self) {
        let Some((_, ready)) = self.drafted.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let link = Link::new(self.messages.clone(), self.session.globals.events.clone(), Signals::new());
        if let Next::Install(ready) | Next::Recover(ready) = &ready {
            self.cluster = Some(ready.cluster.clone());
            self.mask = Mask::of(&ready.prepared.plan);
        }
        self.link = Some(link.clone());
        let (session, arguments) = (self.session.clone(), self.arguments.clone());
        let messages = self.messages.clone();
        drop(self.begin(async move {
            let face = Face::Screen(link);
            let sailed = match ready {
                Next::Prepare(order) => Box::pin(order.sail(&session, face)).await,
                Next::Load(load) => load.sail(&session, face).await,
                Next::Install(ready) => ready.sail(&session, face, arguments.take_lock.as_deref()).await,
                Next::Recover(ready) => {
                    let landed = Box::pin(ready.land(&session, face, arguments.take_lock.as_deref())).await;
                    rescue::landed(landed, &messages).await
                }
            };
            Message::Ended(sailed.map_err(Box::new))
        }));
    }

    /// The first order lets what is under way come to its end; the second ends the program.
    fn stop(&self, code: u8) {
        if let Some(link) = &self.link
            && !link.signals.order(code)
        {
            terminal::give_back();
            crate::front::signals::end_now(code);
        }
    }

    fn open(&self, reach: Reach) {
        let (forward, cluster) = (self.forward.clone(), self.cluster.clone());
        drop(self.begin(async move {
            let Some(cluster) = cluster else { return Message::Opened(Err("nothing was installed".to_owned())) };
            Message::Opened(match listen(&cluster.client, &reach, None).await {
                Ok(open) => {
                    let url = format!("http://{}", open.address());
                    *forward.lock().unwrap_or_else(PoisonError::into_inner) = Some(open);
                    Ok(url)
                }
                Err(failure) => Err(failure.message),
            })
        }));
    }

    fn logs(&mut self, ticket: u64, object: ObjectRef) {
        self.no_logs();
        let messages = self.messages.clone();
        let Some(cluster) = &self.cluster else {
            let why = "nothing was installed on a cluster yet".to_owned();
            drop(self.begin(async move { Message::LogsOver { ticket, why } }));
            return;
        };
        let (client, mask) = (cluster.client.clone(), self.mask.clone());
        self.listener = Some(tokio::spawn(logs::keep(client, (ticket, object), mask, messages)));
    }

    fn no_logs(&mut self) {
        if let Some(older) = self.listener.take() {
            older.abort();
        }
    }

    fn close(&self) {
        drop(self.forward.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    fn save(&self, path: PathBuf, text: String) {
        drop(self.begin(async move { Message::Saved(write(&path, text)) }));
    }

    fn load(&self, path: PathBuf) {
        drop(self.begin(async move { Message::Loaded(text(&path).map_err(|failure| failure.message)) }));
    }
}

impl Director for Crew {
    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Look => self.look(),
            Effect::Yards => self.yards(),
            Effect::Stacks => self.stacks(),
            Effect::Watch { context } => self.watch(context),
            Effect::Words { ticket, context, asks } => self.words(ticket, context, asks),
            Effect::Survey { context } => self.survey(context),
            Effect::Plan { ticket, request } => self.plan(ticket, request),
            Effect::Run => self.run(),
            Effect::Stop(code) => self.stop(code),
            Effect::Answer(agreed) => self.link.iter().for_each(|link| link.answer(agreed)),
            Effect::Open(reach) => self.open(*reach),
            Effect::Close => self.close(),
            Effect::Logs { ticket, object } => self.logs(ticket, object),
            Effect::NoLogs => self.no_logs(),
            Effect::Sight { ticket, context } => self.sight(ticket, context),
            Effect::Chart { ticket, wanted } => self.chart(ticket, wanted),
            Effect::Hold { context, namespace } => self.hold(context, namespace),
            Effect::Note { run, text } => self.note(run, text),
            Effect::Report { run } => self.report(run),
            Effect::Save { path, text } => self.save(path, text),
            Effect::Load { path } => self.load(path),
            // The loop does these itself.
            Effect::Copy(_) | Effect::Suspend | Effect::Sleep | Effect::Retake | Effect::Quit(_) => {}
        }
    }
}

/// What earlier visits have left in a sandbox.
fn visited(session: &Session, kind: Kind) -> Message {
    let state = session.state_dir().map_err(|failure| failure.message);
    let used = state.and_then(|state| seaworthy::sandbox::used(&state, kind).map_err(|error| error.to_string()));
    Message::Sandbox { kind, used }
}

/// The sandbox, in the place of the clusters of this machine.
async fn sandbox(session: &Session, kind: Kind) -> Vec<HostEvent> {
    let context = ContextFact {
        name: format!("the sandbox {kind}"),
        server: Some("simulated inside this program; nothing in it is real".to_owned()),
        ..ContextFact::default()
    };
    let kubeconfig = KubeconfigFacts { contexts: vec![context.clone()], ..KubeconfigFacts::default() };
    let cluster = match session.connect_to(None).await {
        Ok(cluster) => clusters::ask_with(cluster.client, &context, LookOptions::default().cluster_limit).await,
        Err(failure) => {
            let fault = ConnectFault::Unreachable { detail: failure.message.clone() };
            let why = Unreached { fault, message: failure.message, file: None, remedy: failure.hint };
            ClusterFact { context: context.name, server: context.server, reach: clusters::Reach::Unreached(why) }
        }
    };
    vec![HostEvent::Kubeconfig { kubeconfig }, HostEvent::Cluster { cluster }]
}

/// A task nobody waits for any more is of no use.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Values may name hosts and people: nobody else on this machine needs to read them. A file that is there already is
/// somebody's work.
fn write(path: &std::path::Path, text: String) -> Result<Text, String> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let name = path.display().to_string();
    let open = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = open.and_then(|mut file| file.write_all(text.as_bytes()));
    match written {
        Ok(()) => Ok(Text { name, text }),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(format!("{name} is there already; choose another name"))
        }
        Err(error) => Err(format!("{name}: {error}")),
    }
}
