//! The folder of runs on a real disk.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use super::*;
use crate::cluster::ClusterId;
use crate::engine::journal::{Entry, Inputs, Took};
use crate::object::ObjectRef;
use crate::plan::install::Policy;
use crate::plan::{Action, Change, Installation, Purpose, Step};

fn own(text: &str) -> String {
    text.to_owned()
}

fn inputs() -> Inputs {
    let (values, policy) = (json!({"a": 1}), Policy::default());
    Inputs {
        binary: own("0"),
        stack_version: own("1"),
        release: own("shop"),
        profile: own("ha"),
        values,
        policy,
        ..Inputs::default()
    }
}

fn plan(stack: &str) -> Plan {
    let installation = Installation {
        stack: own(stack),
        version: own("1"),
        namespace: own("sea"),
        release: own(stack),
        profile: own("ha"),
    };
    let step = |name: &str| Step {
        id: own(name),
        title: own(name),
        component: None,
        needs: Vec::new(),
        action: Action::Await { object: ObjectRef::new("v1", "Pod", Some("sea"), name) },
        change: Change::Create,
    };
    let cluster = ClusterId { context: own("c"), server: own("s"), uid: own("u") };
    Plan {
        purpose: Purpose::Install,
        installation,
        cluster,
        steps: vec![step("a"), step("b")],
        reach: Vec::new(),
        occasion: None,
    }
}

fn intent(step: &str) -> Entry {
    Entry::Intent { step: own(step), at: Timestamp::now() }
}

fn done(step: &str) -> Entry {
    Entry::Done { step: own(step), at: Timestamp::now(), changed: true, note: None, took: Took::default() }
}

fn closed(ended: Ended) -> Entry {
    Entry::Closed { at: Timestamp::now(), ended }
}

/// A folder of runs that goes away with the test.
struct Folder {
    home: tempfile::TempDir,
    runs: Runs,
}

impl Folder {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { runs: Runs::new(home.path()), home }
    }

    fn path(&self, run: &str) -> PathBuf {
        self.home.path().join("runs").join(format!("{run}.jsonl"))
    }

    /// A run that was opened and did these things.
    async fn run(&self, entries: impl IntoIterator<Item = Entry>) -> String {
        let journal = self.runs.open(inputs(), plan("shop")).await.unwrap();
        entries.into_iter().for_each(|entry| journal.note(entry));
        journal.run().to_owned()
    }

    fn append(&self, run: &str, text: &str) {
        use std::io::Write as _;
        OpenOptions::new().append(true).open(self.path(run)).unwrap().write_all(text.as_bytes()).unwrap();
    }
}

#[tokio::test]
async fn a_run_is_read_back_as_it_was_written() {
    let folder = Folder::new();
    assert!(folder.runs.list().unwrap().0.is_empty(), "no folder is no run");
    let journal = folder.runs.open(inputs(), plan("shop")).await.unwrap();
    let run = journal.run().to_owned();
    journal.commit(intent("a")).await.unwrap();
    journal.note(done("a"));
    journal.commit(intent("b")).await.unwrap();
    let record = folder.runs.load(&run).unwrap();
    assert_eq!((record.state, &record.inputs, &record.plan), (RunState::Open, &inputs(), &plan("shop")));
    assert_eq!(record.done, [own("a")].into(), "a note is written with the commit behind it");
    journal.commit(closed(Ended::Done)).await.unwrap();
    assert_eq!(folder.runs.load(&run).unwrap().state, RunState::Done);
}

#[tokio::test]
async fn what_was_noted_is_written_when_the_journal_goes() {
    let folder = Folder::new();
    let run = folder.run([done("a"), done("b")]).await;
    assert_eq!(folder.runs.load(&run).unwrap().done.len(), 2);
}

#[tokio::test]
async fn nobody_else_may_read_it() {
    let folder = Folder::new();
    // A folder of before, open to all, is closed.
    fs::create_dir(folder.home.path().join("runs")).unwrap();
    fs::set_permissions(folder.home.path().join("runs"), fs::Permissions::from_mode(0o755)).unwrap();
    let run = folder.run([]).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder.home.path().join("runs")), mode(&folder.path(&run))), (0o700, 0o600));
}

#[tokio::test]
async fn runs_of_one_second_have_names_of_their_own_and_keep_their_order() {
    let folder = Folder::new();
    let mut names = Vec::new();
    for _ in 0..12 {
        names.push(folder.run([closed(Ended::Done)]).await);
    }
    let listed: Vec<String> = folder.runs.list().unwrap().0.into_iter().map(|record| record.run).collect();
    assert_eq!(listed, names, "oldest first");
    assert_eq!(folder.runs.latest("u", "sea.shop").unwrap().unwrap().run, names[11]);
}

#[tokio::test]
async fn the_end_decides_the_state_and_resuming_opens_again() {
    let folder = Folder::new();
    for (ended, state) in
        [(Ended::Done, RunState::Done), (Ended::Failed, RunState::Failed), (Ended::Interrupted, RunState::Interrupted)]
    {
        let run = folder.run([intent("a"), closed(ended)]).await;
        assert_eq!(folder.runs.load(&run).unwrap().state, state);
        drop(folder.runs.resume(&run, "0").await.unwrap());
        let record = folder.runs.load(&run).unwrap();
        assert_eq!((record.state, record.resumed, record.causes.len()), (RunState::Open, 1, 0));
        folder.runs.abandon(&run).await.unwrap();
        assert_eq!(folder.runs.load(&run).unwrap().state, RunState::Abandoned);
    }
    assert!(folder.runs.latest("u", "sea.shop").unwrap().is_none(), "given up is not the latest");
}

#[tokio::test]
async fn the_unfinished_run_is_that_of_this_installation_and_cluster() {
    let folder = Folder::new();
    let run = folder.run([intent("a")]).await;
    let found = |uid, key| {
        let latest = folder.runs.latest(uid, key).unwrap();
        latest.filter(|record| record.state.is_unfinished()).map(|record| record.run)
    };
    assert_eq!(found("u", "sea.shop"), Some(run));
    assert_eq!((found("other", "sea.shop"), found("u", "sea.other")), (None, None));
    // A newer run that is finished settles it.
    folder.run([closed(Ended::Done)]).await;
    assert_eq!(found("u", "sea.shop"), None);
}

#[tokio::test]
async fn a_torn_line_is_passed_over_and_mended() {
    let folder = Folder::new();
    let run = folder.run([intent("a"), done("a")]).await;
    folder.append(&run, r#"{"entry":"done","step":"b","at":"2026-"#);
    let record = folder.runs.load(&run).unwrap();
    assert_eq!((record.state, record.done.len()), (RunState::Open, 1));
    let journal = folder.runs.resume(&run, "0").await.unwrap();
    journal.commit(done("b")).await.unwrap();
    assert_eq!(folder.runs.load(&run).unwrap().done.len(), 2);
    drop(journal);
    // Torn within a character of several bytes: not even text.
    let mut bytes = fs::read(folder.path(&run)).unwrap();
    bytes.extend_from_slice(b"{\"entry\":\"done\",\"step\":\"\xc3");
    fs::write(folder.path(&run), bytes).unwrap();
    assert_eq!(folder.runs.load(&run).unwrap().done.len(), 2);
    folder.runs.abandon(&run).await.unwrap();
    assert_eq!(folder.runs.load(&run).unwrap().state, RunState::Abandoned);
}

#[tokio::test]
async fn what_is_no_journal_is_named_with_its_line() {
    let folder = Folder::new();
    let run = folder.run([]).await;
    folder.append(&run, "{\"entry\":\"dance\"}\n");
    let error = folder.runs.load(&run).unwrap_err();
    assert!(matches!(&error, JournalError::Broken { line: 2, .. }), "{error}");
    let (good, bad) = folder.runs.list().unwrap();
    assert_eq!((good.len(), bad.len()), (0, 1));
    fs::write(folder.path(&run), "{\"entry\":\"resumed\",\"at\":\"2026-01-01T00:00:00Z\",\"binary\":\"0\"}\n").unwrap();
    assert!(matches!(folder.runs.load(&run), Err(JournalError::Broken { line: 1, .. })));
    assert!(matches!(folder.runs.load("20200101-000000"), Err(JournalError::Unknown { .. })));
}

#[tokio::test]
async fn a_run_that_is_under_way_is_not_touched() {
    let folder = Folder::new();
    let journal = folder.runs.open(inputs(), plan("shop")).await.unwrap();
    let run = journal.run().to_owned();
    let busy = |error: JournalError| assert!(matches!(&error, JournalError::Busy { .. }), "{error}");
    busy(folder.runs.resume(&run, "0").await.err().unwrap());
    busy(folder.runs.abandon(&run).await.unwrap_err());
    busy(folder.runs.purge(&run).unwrap_err());
    drop(journal);
    folder.runs.purge(&run).unwrap();
    assert!(folder.runs.list().unwrap().0.is_empty());
}

#[tokio::test]
async fn twenty_runs_are_kept_and_never_an_unfinished_one_forgotten() {
    let folder = Folder::new();
    let open = folder.run([intent("a")]).await;
    let first = folder.run([closed(Ended::Done)]).await;
    for _ in 2..KEPT {
        folder.run([closed(Ended::Failed)]).await;
    }
    assert_eq!(folder.runs.names().unwrap().len(), KEPT);
    let newest = folder.run([closed(Ended::Done)]).await;
    let names = folder.runs.names().unwrap();
    assert_eq!(names.len(), KEPT);
    assert!(names.contains(&open) && names.contains(&newest) && !names.contains(&first), "{names:?}");
}

#[tokio::test]
async fn runs_of_others_push_nobody_out() {
    let folder = Folder::new();
    let mine = folder.run([closed(Ended::Done)]).await;
    for _ in 0..KEPT + 2 {
        let journal = folder.runs.open(inputs(), plan("other")).await.unwrap();
        journal.note(closed(Ended::Done));
    }
    let names = folder.runs.names().unwrap();
    assert!(names.contains(&mine) && names.len() == KEPT + 1, "{names:?}");
}

/// No room, no right, no disk: whoever waits for the disk hears of it, and so does everybody after.
#[tokio::test]
async fn a_disk_that_does_not_take_it_is_an_error_of_the_commit() {
    let folder = Folder::new();
    let run = folder.run([]).await;
    let path = folder.path(&run);
    let before = fs::read(&path).unwrap();
    // Opened for reading only: every write to it fails.
    let journal = Journal::start(run, path.clone(), FileLock::take(File::open(&path).unwrap()).unwrap().unwrap());
    journal.note(done("a"));
    for _ in 0..2 {
        let error = journal.commit(intent("b")).await.unwrap_err();
        assert!(matches!(&error, JournalError::Io { path: named, .. } if *named == path), "{error}");
    }
    drop(journal);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let error = Runs::new(&home.path().join("file")).open(inputs(), plan("shop")).await.err().unwrap();
    assert!(matches!(&error, JournalError::Io { .. }), "{error}");
}

#[test]
fn differences_of_inputs_are_lines_for_people() {
    let mut now = inputs();
    now.profile = own("single-node");
    now.values = json!({"a": 2, "b": Value::Null});
    assert_eq!(now.differences(&inputs()), ["profile: single-node, was ha", "a: 2, was 1", "b: null, was nothing"]);
    assert!(inputs().differences(&inputs()).is_empty());
}

fn times(seconds: i64) -> Times {
    let at = |second| Timestamp::from_second(second).unwrap();
    Times { since: at(1000), until: at(1000 + seconds), ..Times::default() }
}

#[test]
fn how_long_it_takes_is_told_by_runs_with_the_same_to_do() {
    let record = |seconds: i64, change: &dyn Fn(&mut RunRecord)| {
        let mut record = RunRecord {
            run: own("r"),
            at: Timestamp::UNIX_EPOCH,
            command: None,
            inputs: inputs(),
            plan: plan("shop"),
            state: RunState::Done,
            done: BTreeSet::new(),
            agreed: BTreeSet::new(),
            causes: Vec::new(),
            resumed: 0,
            times: times(seconds),
        };
        change(&mut record);
        record
    };
    let same = |_: &mut RunRecord| {};
    let runs = [
        record(40, &same),
        record(60, &same),
        record(1, &|run| run.state = RunState::Failed),
        record(2, &|run| run.resumed = 1),
        record(3, &|run| run.plan.cluster.uid = own("another")),
        record(4, &|run| run.plan.steps[1].change = Change::Unchanged),
        record(5, &|run| run.times = Times::default()),
    ];
    let told = crate::engine::journal::estimate(&runs, &plan("shop")).unwrap();
    let span = (told.runs, told.least.as_secs(), told.most.as_secs());
    assert_eq!(span, (2, 40, 60));
    assert_eq!(crate::engine::journal::estimate(&runs[2..], &plan("shop")), None, "nobody knows");
}

/// A claim is deleted, made again and filled: from the deletion on until it is full a failed recovery is to be gone on with.
#[tokio::test]
async fn a_recovery_that_failed_between_a_deletion_and_what_takes_its_place_is_half_done() {
    let folder = Folder::new();
    let claim = ObjectRef::new("v1", "PersistentVolumeClaim", Some("sea"), "data");
    let verbs = [
        Verb::Unreferenced { claim: claim.clone() },
        Verb::Delete { object: crate::plan::verb::Pinned { object: claim.clone(), uid: own("u") } },
        Verb::Create {
            object: json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "sea"}}),
            instead_of: None,
        },
        Verb::CopyIn { claim, folder: own("f"), image: None, over: false },
        Verb::Ask { question: own("well?"), word: None },
    ];
    let ids: Vec<String> = verbs.iter().map(Verb::id).collect();
    let steps = || {
        let step = |verb: &Verb| Step {
            id: verb.id(),
            action: Action::Rescue { verb: Box::new(verb.clone()), limit: 0 },
            ..plan("shop").steps.remove(0)
        };
        verbs.iter().map(step).collect::<Vec<_>>()
    };
    for (purpose, ended, until, expected) in [
        (Purpose::Recover, Ended::Failed, 1, false),
        (Purpose::Recover, Ended::Failed, 2, true),
        (Purpose::Recover, Ended::Failed, 3, true),
        (Purpose::Recover, Ended::Failed, 4, false),
        (Purpose::Recover, Ended::Done, 3, false),
        (Purpose::Restore, Ended::Failed, 3, false),
    ] {
        let journal = folder.runs.open(inputs(), Plan { purpose, steps: steps(), ..plan("shop") }).await.unwrap();
        ids.iter().take(until).map(|id| done(id)).chain([closed(ended)]).for_each(|entry| journal.note(entry));
        let run = journal.run().to_owned();
        drop(journal);
        assert_eq!(folder.runs.load(&run).unwrap().is_half_done(), expected, "{purpose:?} {ended:?} after {until}");
    }
}
