//! Clusters of kind: made and deleted by its own program, whose words are watched.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{Work, failure};
use crate::cluster::{ConnectOptions, connect};
use crate::clusters::KIND_LABEL;
use crate::clusters::kind::words::{self, Stage};
use crate::doctor::{Cause, Outlook};
use crate::engine::step::{Ending, done};
use crate::host::child;
use crate::host::engines::Product;
use crate::host::networks::{Container, labelled};
use crate::plan::task::{KindCluster, Task};

/// How many of its last lines are kept to find out why it failed.
const KEPT_LINES: usize = 5000;
/// How long a cluster that should be there may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How long collecting the logs of nodes may take.
const EVIDENCE: Duration = Duration::from_secs(60);
/// Files of `kind export logs` in which the reason for a failure stands, and how much of their end is read, in bytes.
const LOGS: [&str; 2] = ["kubelet.log", "serial.log"];
const TAIL: usize = 64 * 1024;

/// How often the journals of the nodes are looked at, how often the same has to stand there until it is shown, and until
/// waiting is given up: kubelets are started again every second.
const LOOK: Duration = Duration::from_secs(5);
const SHOWN: usize = 2;
const DOOMED: usize = 5;
/// The last words of a node's kubelet. What it said once, while it was coming up, is no news any more.
const JOURNAL: &str = "journalctl --unit kubelet --output cat --no-pager --since=-8s --lines 200";

/// Why kind did not come to its own end.
enum Broken {
    Unstartable(io::Error),
    TooLate,
    Doomed(Box<Cause>),
}

/// What is there of the cluster that is to be made.
enum Found {
    Nothing,
    Whole,
    /// What an earlier try of the same plan has left.
    Half,
    /// Containers that were there before the plan.
    Others(Vec<String>),
}

impl Work<'_> {
    pub(super) async fn create_kind(&self) -> Ending {
        let Task::CreateKind { cluster, evidence, retain, folders, .. } = self.task else {
            return Ending::Failed(failure(self.task, "damaged-plan", "Damaged", "the step is none that creates"));
        };
        self.let_end(cluster).await;
        match self.look(cluster).await {
            Err(ending) => return ending,
            Ok(Found::Whole) => return done(false, Some(format!("context {}", cluster.context()))),
            Ok(Found::Others(names)) => return Ending::Failed(taken(self.task, cluster, &names)),
            Ok(Found::Half) => {
                self.say("taking away what an earlier try left", None);
                if let Err(cause) = self.remove(cluster).await {
                    return Ending::Failed(cause);
                }
            }
            Ok(Found::Nothing) => {}
        }
        if let Err(why) = begin(evidence, folders) {
            return Ending::Failed(failure(self.task, "no-folder", "NoFolder", &why));
        }
        let (status, output) = self.create(cluster).await;
        let cause = match status {
            Err(Broken::Doomed(cause)) => *cause,
            Ok(status) if status.success() => return self.created(cluster).await,
            Ok(status) => words::explain(&output, status.code()),
            Err(Broken::TooLate) => self.too_late(),
            Err(Broken::Unstartable(error)) => return Ending::Failed(unstartable(self.task, cluster, &error)),
        };
        Ending::Failed(self.failed(cluster, (cause, &output), (evidence, *retain)).await)
    }

    /// A run that was killed may have left its kind behind, which still makes containers: two at once would be in each
    /// other's way.
    async fn let_end(&self, cluster: &KindCluster) {
        let words = ["create", "cluster", "--name", cluster.name.as_str()];
        while let Some(pid) = child::find(&cluster.program, &words) {
            self.say(&format!("kind of an earlier run is still at work (process {pid}); waiting for its end"), None);
            child::wait_for(pid).await;
        }
    }

    async fn look(&self, cluster: &KindCluster) -> Result<Found, Ending> {
        let Task::CreateKind { since, nodes, evidence, .. } = self.task else { return Ok(Found::Nothing) };
        let there = self.containers(cluster).await?;
        if there.is_empty() {
            return Ok(Found::Nothing);
        }
        // Before this plan has begun, whatever is there is somebody else's; afterwards what is older than the plan.
        let begun = mark(evidence).exists();
        let others = there.iter().filter(|node| !begun || is_older(node, *since));
        let others: Vec<String> = others.map(|node| node.name.clone()).collect();
        if !others.is_empty() {
            return Ok(Found::Others(others));
        }
        let all = nodes.iter().all(|name| there.iter().any(|node| node.name == *name && node.running));
        // kind writes the context at its very end.
        Ok(if all && self.answers(cluster).await { Found::Whole } else { Found::Half })
    }

    async fn containers(&self, cluster: &KindCluster) -> Result<Vec<Container>, Ending> {
        let docker = self.open(&cluster.engine).await?;
        labelled(&docker, KIND_LABEL, &cluster.name).await.map_err(|error| {
            let message = format!("the containers of {} could not be read: {error}", cluster.engine);
            Ending::Failed(Cause { outlook: Outlook::Stuck, ..failure(self.task, "no-engine", "NoEngine", &message) })
        })
    }

    async fn answers(&self, cluster: &KindCluster) -> bool {
        let options = ConnectOptions {
            kubeconfig: cluster.kubeconfig.clone(),
            context: Some(cluster.context()),
            read_only: true,
            timeout: ANSWER,
        };
        connect(&self.doing.context.here, &options).await.is_ok()
    }

    async fn create(&self, cluster: &KindCluster) -> (Result<ExitStatus, Broken>, Vec<String>) {
        let Task::CreateKind { image, config, .. } = self.task else { return (Err(Broken::TooLate), Vec::new()) };
        // The logs of nodes are collected before they go; kind itself would throw them away with the nodes.
        let mut arguments = vec!["create", "cluster", "--name", &cluster.name, "--retain", "--config", "-"];
        if let Some(image) = image {
            arguments.extend(["--image", image]);
        }
        let mut output = VecDeque::new();
        let status = self.kind(cluster, &arguments, config, |line| {
            if let Some(Stage::Begun(stage)) = words::stage(&line) {
                self.say(&stage, None);
            }
            output.push_back(line);
            if output.len() > KEPT_LINES {
                output.pop_front();
            }
        });
        let status = tokio::select! {
            ended = timeout(self.limit(), status) => match ended {
                Ok(ended) => ended.map_err(Broken::Unstartable),
                Err(_) => Err(Broken::TooLate),
            },
            cause = self.doom(cluster) => Err(Broken::Doomed(Box::new(cause))),
        };
        (status, output.into())
    }

    /// Why there is no use in waiting any longer, once that is so: kubeadm waits four minutes for a kubelet that ends at its
    /// every start, and all the while the node's journal says why.
    async fn doom(&self, cluster: &KindCluster) -> Cause {
        let mut clock = interval(LOOK);
        clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut standing, mut times) = (None, 0);
        loop {
            clock.tick().await;
            let seen = if self.is_waiting_for_kubelets() { self.journals(cluster).await } else { None };
            let same = seen.as_ref().is_some_and(|cause| standing.as_ref() == Some(&cause.id));
            times = if same { times + 1 } else { 1 };
            standing = seen.as_ref().map(|cause| cause.id.clone());
            if let Some(cause) = seen.filter(|_| times >= SHOWN) {
                let (stage, _) = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
                self.say(&stage, Some(&cause));
                if times >= DOOMED && words::is_hopeless(&cause) {
                    return cause;
                }
            }
        }
    }

    fn is_waiting_for_kubelets(&self) -> bool {
        let stage = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        ["Starting control-plane", "Joining"].iter().any(|begin| stage.0.starts_with(begin))
    }

    /// What the kubelets of the nodes said last, understood.
    async fn journals(&self, cluster: &KindCluster) -> Option<Cause> {
        let docker = self.open(&cluster.engine).await.ok()?;
        let nodes = labelled(&docker, KIND_LABEL, &cluster.name).await.ok()?;
        for node in nodes.iter().filter(|node| node.running) {
            // A node that is just coming up has no journal yet.
            let Ok(said) = self.shell(&docker, &node.name, JOURNAL).await else { continue };
            let lines: Vec<String> = String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned).collect();
            if let Some(cause) = words::recognise(&lines) {
                return Some(Cause { object: Some(self.task.subject()), ..cause });
            }
        }
        None
    }

    async fn created(&self, cluster: &KindCluster) -> Ending {
        match self.look(cluster).await {
            Err(ending) => ending,
            Ok(Found::Whole) => done(true, Some(format!("context {}", cluster.context()))),
            Ok(_) => {
                let message =
                    "kind said that it was done, but its nodes do not all run, or the cluster does not answer";
                Ending::Failed(failure(self.task, "not-whole", "NotWhole", message))
            }
        }
    }

    /// Why it failed, with the evidence on disk and nothing else left, unless that was asked for.
    async fn failed(
        &self,
        cluster: &KindCluster,
        (cause, output): (Cause, &[String]),
        (folder, retain): (&Path, bool),
    ) -> Cause {
        if cause.id == words::NAME_TAKEN {
            // Somebody was faster: nothing that is there is ours to look into, or to take away.
            return Cause { object: Some(self.task.subject()), ..cause };
        }
        let nodes = self.containers(cluster).await.unwrap_or_default();
        let mut deeper = None;
        let mut kept = String::new();
        if !nodes.is_empty() {
            self.say("collecting the logs of the nodes", None);
            kept = match self.collect(cluster, folder).await {
                Ok(()) => format!("logs of the nodes: {}", folder.display()),
                Err(why) => format!("not all logs of the nodes could be collected in {}: {why}", folder.display()),
            };
            deeper = words::recognise(&tails(folder));
        }
        write_output(folder, output).unwrap_or_else(|error| kept = format!("{kept}; {}: {error}", folder.display()));
        if !kept.is_empty() {
            self.notice(kept).await;
        }
        if !nodes.is_empty() && !retain {
            // What could not be taken away is said by the next look at it.
            if let Err(cause) = self.remove(cluster).await {
                self.notice(cause.message).await;
            }
        }
        // What a node says is nearer to the root than what kind says of the node.
        Cause { object: Some(self.task.subject()), ..deeper.filter(|_| words::is_shallow(&cause)).unwrap_or(cause) }
    }

    async fn collect(&self, cluster: &KindCluster, folder: &Path) -> Result<(), String> {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let place = folder.display().to_string();
        let mut last = String::new();
        let arguments = ["export", "logs", &place, "--name", &cluster.name];
        let export = self.kind(cluster, &arguments, "", |line| last = line);
        match timeout(EVIDENCE, export).await {
            Err(_) => Err(format!("not done after {} s", EVIDENCE.as_secs())),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(_)) => Err(last),
        }
    }

    pub(super) async fn delete_kind(&self, cluster: &KindCluster) -> Ending {
        match self.containers(cluster).await {
            Err(ending) => return ending,
            Ok(there) => self.say(&format!("{} to go", crate::clusters::count(there.len(), "container")), None),
        }
        // kind forgets the context, too, also of a cluster that has no containers any more.
        match self.remove(cluster).await {
            Ok(()) => done(true, None),
            Err(cause) => Ending::Failed(cause),
        }
    }

    /// Deletes it, and looks whether it is gone.
    async fn remove(&self, cluster: &KindCluster) -> Result<(), Cause> {
        let mut output = Vec::new();
        let arguments = ["delete", "cluster", "--name", &cluster.name];
        let status = self.kind(cluster, &arguments, "", |line| output.push(line)).await;
        let status = status.map_err(|error| unstartable(self.task, cluster, &error))?;
        if !status.success() {
            return Err(Cause { object: Some(self.task.subject()), ..words::explain(&output, status.code()) });
        }
        match self.containers(cluster).await {
            Ok(there) if there.is_empty() => Ok(()),
            Ok(there) => {
                let names: Vec<&str> = there.iter().map(|node| node.name.as_str()).collect();
                let message = format!("kind said that it was done, but these are still there: {}", names.join(", "));
                Err(failure(self.task, "not-gone", "NotGone", &message))
            }
            Err(Ending::Failed(cause)) => Err(cause),
            Err(_) => Ok(()),
        }
    }

    async fn kind(
        &self,
        cluster: &KindCluster,
        arguments: &[&str],
        input: &str,
        heard: impl FnMut(String),
    ) -> io::Result<ExitStatus> {
        let mut arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        if let Some(file) = &cluster.kubeconfig
            && arguments.get(1).is_some_and(|what| what == "cluster")
        {
            arguments.extend(["--kubeconfig".to_owned(), file.display().to_string()]);
        }
        let variables = variables(&self.doing.context.here.variables, cluster);
        child::listen(&cluster.program, &arguments, &variables, input, heard).await
    }
}

/// The variables of this program, and which engine to use: kind asks the clients `docker` and `podman`, and those ask whom
/// the variables name.
fn variables(ours: &BTreeMap<String, String>, cluster: &KindCluster) -> BTreeMap<String, String> {
    let mut variables = ours.clone();
    let provider = if cluster.engine.product == Product::Podman { "podman" } else { "docker" };
    variables.insert("KIND_EXPERIMENTAL_PROVIDER".to_owned(), provider.to_owned());
    if cluster.engine.product == Product::Podman {
        // With it podman asks over the socket, and kind needs a podman that works by itself.
        variables.remove("CONTAINER_HOST");
    } else {
        variables.insert("DOCKER_HOST".to_owned(), cluster.engine.url.clone());
    }
    variables
}

/// The file that says that a plan has begun to make its cluster. It stays: the run may be killed before its end is written down.
fn mark(evidence: &Path) -> PathBuf {
    evidence.with_extension("begun")
}

/// Makes what has to be there first, the mark last.
fn begin(evidence: &Path, folders: &[PathBuf]) -> Result<(), String> {
    let mark = mark(evidence);
    for folder in folders.iter().map(PathBuf::as_path).chain(mark.parent()) {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::File::create(&mark).and_then(|file| file.sync_all()).map_err(|error| format!("{}: {error}", mark.display()))
}

fn is_older(node: &Container, since: Timestamp) -> bool {
    // Engines tell whole seconds.
    node.created + 1 < since.as_second()
}

/// The ends of the logs in which nodes say why they did not come.
fn tails(folder: &Path) -> Vec<String> {
    let nodes = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = nodes.filter(|path| path.is_dir()).flat_map(|node| LOGS.map(|name| node.join(name)));
    let ends = files
        .filter_map(|file| fs::read(file).ok())
        .map(|bytes| String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(TAIL)..]).into_owned());
    ends.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

fn write_output(folder: &Path, output: &[String]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("kind.log"), output.join("\n") + "\n")
}

fn taken(task: &Task, cluster: &KindCluster, names: &[String]) -> Cause {
    let name = &cluster.name;
    let message = format!("containers of a cluster {name} were there before this plan began: {}", names.join(", "));
    let remedy = format!("choose another --name, or take it away with `seaworthy cluster delete {name}`");
    Cause { remedy: Some(remedy), ..failure(task, "cluster-exists", "NameTaken", &message) }
}

fn unstartable(task: &Task, cluster: &KindCluster, error: &io::Error) -> Cause {
    let message = format!("{} cannot be run: {error}", cluster.program.display());
    let remedy = Some("install kind, or put it back where it was".to_owned());
    Cause { remedy, ..failure(task, "no-kind", "NoKind", &message) }
}
