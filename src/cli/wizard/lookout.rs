//! Looks at a cluster for the home screen, for as long as it is shown.

use std::sync::Arc;
use std::time::Duration;

use seaworthy::cluster::Cluster;
use seaworthy::doctor::change::Mark;
use seaworthy::doctor::evidence::{Freshness, Live, Scope, gather};
use seaworthy::engine::journal::RunRecord;
use seaworthy::engine::record::InstallRecord;
use seaworthy::home::{Beside, Home, PrerequisiteState, records_mark};
use seaworthy::prerequisites::{Prerequisite, Wants, assess, picture};
use seaworthy::recover::record;
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, timeout};

use crate::cli::doctor::own_stacks;
use crate::cli::pace::Pace;
use crate::cli::{Failure, Session};
use crate::front::tui::model::Message;

/// What hangs on the time of day, and the runs of this machine, are looked at again after so long, at the soonest.
const AGAIN: Duration = Duration::from_secs(5);
const PACE: Pace = Pace { together: Duration::from_millis(300), again: AGAIN };
/// How old what is known of the prerequisites may be.
const PREREQUISITES: Duration = Duration::from_secs(60);
/// How often at most it is kept how the cluster looks while nothing is wrong.
const KEEP: Duration = Duration::from_secs(60);
/// How long the API server may take for what is read beside the watches.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was read beside the watches, and when.
#[derive(Default)]
struct Read {
    beside: Arc<Beside>,
    mark: Option<Vec<(String, String)>>,
    runs: Option<Instant>,
    prerequisites: Option<Instant>,
    kept: Option<Instant>,
}

/// Tells what it sees until nobody listens.
pub(super) async fn keep(session: &Session, context: &str, messages: &Sender<Message>) {
    let tell = |home| Message::Home { context: context.to_owned(), home };
    let cluster = match session.connect_to(Some(context)).await {
        Ok(cluster) => cluster,
        Err(failure) => {
            // The screen is gone when nobody takes it.
            let _ = messages.send(tell(Err(failure.message))).await;
            return;
        }
    };
    let live = Arc::new(Live::begin(&cluster));
    let mut ear = live.changes();
    let mut read = Read::new(session);
    read.green(session, &cluster);
    let mut has_changed = true;
    loop {
        ear.heed();
        let known = live.look(|evidence, freshness| (freshness.awaited == 0).then(|| records_mark(evidence)));
        if known.is_some() && known != read.mark {
            read.records(&cluster).await;
            read.mark = known;
        }
        if is_older(read.runs, AGAIN) {
            read.runs(session, &cluster);
        }
        let began = Instant::now();
        let (home, mark) = see(&live, &read.beside, read.wants_mark(has_changed)).await;
        let took = began.elapsed();
        read.keep(session, mark);
        if messages.send(tell(Ok(home))).await.is_err() {
            return;
        }
        // The first look is shown before what takes longer.
        if read.mark.is_some() && is_older(read.prerequisites, PREREQUISITES) {
            read.prerequisites(&cluster).await;
            continue;
        }
        has_changed = PACE.rest(&ear, took).await;
    }
}

/// What is to be seen now, for who looks only once.
pub(super) async fn once(session: &Session, context: &str) -> Result<Home, Failure> {
    let cluster = session.connect_to(Some(context)).await?;
    let evidence = gather(&cluster, &Scope::default()).await?;
    let mut read = Read::new(session);
    read.green(session, &cluster);
    read.runs(session, &cluster);
    read.records(&cluster).await;
    read.prerequisites(&cluster).await;
    let home = Home::of(&evidence, &Freshness { awaited: 0, broken: None }, &read.beside);
    read.keep(session, if home.is_green() { Mark::of(&evidence) } else { None });
    Ok(home)
}

/// Judging everything takes its time, in which the screen has to move. Where nothing is wrong it is marked how that looks, if that is
/// wanted.
async fn see(live: &Arc<Live>, beside: &Arc<Beside>, wants_mark: bool) -> (Box<Home>, Option<Mark>) {
    let (live, beside) = (live.clone(), beside.clone());
    let look = move || {
        live.look(|evidence, freshness| {
            let home = Box::new(Home::of(evidence, freshness, &beside));
            let mark = if wants_mark && home.is_green() { Mark::of(evidence) } else { None };
            (home, mark)
        })
    };
    match tokio::task::spawn_blocking(look).await {
        Ok(seen) => seen,
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

fn is_older(at: Option<Instant>, age: Duration) -> bool {
    at.is_none_or(|at| at.elapsed() >= age)
}

impl Read {
    fn new(session: &Session) -> Self {
        let (stacks, faults) = own_stacks(session);
        // `stacks validate` tells who writes them.
        for fault in faults {
            tracing::warn!(fault, "the check is left out, it cannot be read");
        }
        Self { beside: Arc::new(Beside { stacks, ..Beside::default() }), ..Self::default() }
    }

    fn beside(&mut self) -> &mut Beside {
        Arc::make_mut(&mut self.beside)
    }

    /// How the cluster looked when nothing was wrong with it for the last time.
    fn green(&mut self, session: &Session, cluster: &Cluster) {
        match session.marks().and_then(|marks| Ok(marks.read(&cluster.id.uid)?)) {
            Ok(mark) => self.beside().green = mark.map(Arc::new),
            Err(failure) => tracing::warn!(why = failure.message, "what has changed cannot be told"),
        }
    }

    /// Whether how it looks now may differ from what is remembered.
    fn wants_mark(&self, has_changed: bool) -> bool {
        has_changed || is_older(self.kept, KEEP)
    }

    /// Remembers how it looks now; on disk, when that is news or the last time is long ago.
    fn keep(&mut self, session: &Session, mark: Option<Mark>) {
        let Some(mark) = mark else { return };
        let is_news = !self.beside.green.as_ref().is_some_and(|green| green.is_like(&mark));
        if is_news || is_older(self.kept, KEEP) {
            self.kept = Some(Instant::now());
            if let Err(failure) = session.marks().and_then(|marks| Ok(marks.keep(&mark)?)) {
                tracing::warn!(why = failure.message, "how it looks when all is well cannot be kept");
            }
        }
        self.beside().green = Some(Arc::new(mark));
    }

    /// The records and the runs of this machine, of this cluster. What cannot be read is told by `runs list`.
    fn runs(&mut self, session: &Session, cluster: &Cluster) {
        self.runs = Some(Instant::now());
        let here = |runs: Vec<RunRecord>| runs.into_iter().filter(|run| run.plan.cluster.uid == cluster.id.uid);
        if let Ok(state) = session.state_dir() {
            self.beside().healthy = Arc::new(record::all(&state, &cluster.id));
        }
        match session.runs().and_then(|runs| Ok(runs.list()?)) {
            Ok((runs, _)) => self.beside().runs = here(runs).collect(),
            Err(failure) => tracing::warn!(why = failure.message, "the runs of this machine could not be read"),
        }
    }

    async fn records(&mut self, cluster: &Cluster) {
        match timeout(PATIENCE, InstallRecord::list(&cluster.client)).await {
            Ok(Ok(records)) => self.beside().records = records,
            // Labels and runs tell of installations, too.
            Ok(Err(error)) => tracing::debug!(%error, "the records could not be read"),
            Err(_) => tracing::debug!("the records have not come in time"),
        }
    }

    async fn prerequisites(&mut self, cluster: &Cluster) {
        self.prerequisites = Some(Instant::now());
        let looked = match timeout(PATIENCE, picture::look(cluster)).await {
            Ok(Ok(picture)) => Ok(Prerequisite::ALL.into_iter().filter_map(|it| state(it, &picture)).collect()),
            Ok(Err(error)) => Err(Failure::kube(&error).message),
            Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        self.beside().prerequisites = Some(looked);
    }
}

/// What is only installed by its name is worth a line once it is there.
fn state(prerequisite: Prerequisite, picture: &picture::Picture) -> Option<PrerequisiteState> {
    let assessment = assess(prerequisite, picture, &Wants::default());
    let (there, said) = assessment.standing();
    // What is said names it where it matters; that nobody is known is said there, too.
    let manager =
        assessment.found.as_ref().map(|found| &found.manager).filter(|manager| !said.contains(&manager.to_string()));
    let manager = manager.map(|manager| format!("by {manager}"));
    let is_asked_for = prerequisite == Prerequisite::SharedPath && assessment.found.is_none();
    (!is_asked_for).then_some(PrerequisiteState { prerequisite, there, said, manager })
}
