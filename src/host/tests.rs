use super::testing::{EngineStub, api_server, fixtures, healthy, in_folder, silence, silent_port, write};
use super::*;
use clusters::Reach;
use serde_json::json;
use std::net::SocketAddr;
use std::path::Path;

fn kubeconfig(contexts: &[(&str, SocketAddr)]) -> String {
    let clusters: Vec<_> = contexts
        .iter()
        .map(|(name, address)| json!({"name": name, "cluster": {"server": format!("http://{address}")}}))
        .collect();
    let contexts: Vec<_> =
        contexts.iter().map(|(name, _)| json!({"name": name, "context": {"cluster": name, "user": ""}})).collect();
    json!({"clusters": clusters, "contexts": contexts}).to_string()
}

/// A machine with one good engine, one hanging engine, a hanging tool, a good cluster and a hanging one.
struct Machine {
    folder: tempfile::TempDir,
    here: Surroundings,
    _servers: Vec<testing::Server>,
}

async fn machine() -> Machine {
    let folder = tempfile::tempdir().unwrap();
    let mut here = in_folder(folder.path());
    here.variables.insert("PATH".into(), fixtures().join("tools").display().to_string());
    let socket = |path: &Path| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        path.to_path_buf()
    };
    let docker = EngineStub::docker().serve(&socket(&here.at_root("/var/run/docker.sock")));
    let podman = silence(&socket(&here.at_root("/run/podman/podman.sock")));
    let (good, api) = api_server(None, healthy).await;
    let (bad, silent) = silent_port().await;
    write(&here.at_home(".kube/config").unwrap(), &kubeconfig(&[("silent", bad), ("good", good)]));
    Machine { folder, here, _servers: vec![docker, podman, api, silent] }
}

fn options(limit: Duration) -> LookOptions {
    LookOptions {
        engine_limit: limit,
        tool_limit: limit,
        cluster_limit: limit,
        file_limit: limit,
        ..LookOptions::default()
    }
}

#[tokio::test]
async fn what_hangs_delays_nothing_else() {
    let Machine { here, .. } = &machine().await;
    let limit = Duration::from_secs(2);
    let started = Instant::now();
    let host = look(here, &options(limit)).await;
    let slack = Duration::from_secs(2);
    assert!(started.elapsed() < limit + slack, "{:?}", started.elapsed());

    assert!(host.resources.is_some());
    assert_eq!(host.engines.len(), 1);
    assert_eq!(host.tools.len(), TOOLS.len());
    assert_eq!(host.tools[0].version(), Some("v1.34.2"));
    let names: Vec<_> = host.clusters.iter().map(|cluster| cluster.context.as_str()).collect();
    assert_eq!(names, ["silent", "good"], "in the order of the kubeconfig, not of the answers");
    assert!(matches!(host.clusters[0].reach, Reach::Unreached(_)));
    assert!(matches!(host.clusters[1].reach, Reach::Reached(_)));
}

#[tokio::test]
async fn facts_come_as_they_are_known() {
    let machine = machine().await;
    let (sender, mut events) = mpsc::channel(1);
    let watching = async {
        let mut host = Host::default();
        let mut slowest = false;
        while let Some(event) = events.recv().await {
            let silent = matches!(&event, HostEvent::Cluster { cluster } if cluster.context == "silent");
            assert!(!slowest || !matches!(&event, HostEvent::Cluster { .. }), "the silent cluster is the last one");
            slowest |= silent;
            host.add(event);
        }
        host
    };
    let options = options(Duration::from_secs(2));
    let ((), host) = tokio::join!(report(&machine.here, &options, sender), watching);
    assert_eq!(host.clusters.len(), 2);
}

#[tokio::test]
async fn one_context_is_asked_when_one_is_wanted() {
    let machine = machine().await;
    let mut options = options(Duration::from_secs(30));
    options.context = Some("good".into());
    let loaded = load(&machine.here, &options).await;
    let (sender, mut events) = mpsc::channel(8);
    report_clusters(&machine.here, &options, &sender).await;
    drop(sender);
    let mut asked = 0;
    while let Some(event) = events.recv().await {
        asked += usize::from(matches!(event, HostEvent::Cluster { .. }));
    }
    assert_eq!((loaded.facts.contexts.len(), asked), (2, 1));
}

#[tokio::test]
async fn a_host_can_be_saved_and_loaded_and_its_order_is_fixed() {
    let machine = machine().await;
    let mut options = options(Duration::from_secs(1));
    options.folders.push(machine.folder.path().into());
    let (sender, mut events) = mpsc::channel(256);
    report(&machine.here, &options, sender).await;
    let mut facts = Vec::new();
    while let Some(event) = events.recv().await {
        facts.push(serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap());
    }
    let fold = |facts: Vec<HostEvent>| {
        facts.into_iter().fold(Host::default(), |mut host, event| {
            host.add(event);
            host
        })
    };
    let host = fold(facts.clone());
    facts.reverse();
    assert_eq!(fold(facts), host);
    let json = serde_json::to_string(&host).unwrap();
    assert_eq!(serde_json::from_str::<Host>(&json).unwrap(), host);
}

#[tokio::test]
async fn a_reader_that_leaves_breaks_nothing() {
    let machine = machine().await;
    let (sender, events) = mpsc::channel(1);
    drop(events);
    report(&machine.here, &options(Duration::from_millis(200)), sender).await;
}

#[tokio::test]
async fn a_file_system_that_hangs_is_not_waited_for() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let stuck = blocking(Duration::from_millis(50), move || held.recv()).await;
    assert!(stuck.is_none());
    drop(release);
}
