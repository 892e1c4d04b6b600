use super::*;
use crate::cluster::ClusterId;
use crate::clusters::kind::config::{Wish, config};
use crate::clusters::testing::{engine, machine, node, tool, url};
use crate::host::tools::ToolState;
use crate::plan::Action;

fn decided(picture: &Picture, wish: &Wish, options: &Options) -> Decision {
    let place = ClusterId { context: "this machine".into(), server: "box".into(), uid: "host:1".into() };
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    decide(picture, (&config(wish).unwrap(), options), (Path::new("/state"), now), place)
}

/// The id of the first refusal, with its whole message and remedy.
fn refused(picture: &Picture, wish: &Wish, options: &Options) -> (String, String) {
    let decision = decided(picture, wish, options);
    assert!(decision.plan.is_none());
    let first = &decision.refusals[0];
    (first.id.clone(), format!("{}; {}", first.message, first.remedy.as_deref().unwrap_or_default()))
}

#[test]
fn a_good_machine_gets_its_plan_without_a_word() {
    let wish = Wish { name: Some("new".into()), nodes: Some(3), ..Wish::default() };
    let decision = decided(&machine(), &wish, &Options { authority: true, ..Options::default() });
    assert_eq!((decision.refusals.len(), decision.warnings.len()), (0, 0), "{:?}", decision.warnings);
    let plan = decision.plan.unwrap();
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(
        ids,
        ["create:kind/new", "trust:new-control-plane", "trust:new-worker", "trust:new-worker2", "ready:kind/new"]
    );
    assert_eq!(plan.steps[4].needs.len(), 4);
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), plan);
}

#[test]
fn what_stands_in_the_way_is_said_with_what_to_type() {
    type Spoil = fn(&mut Picture);
    let demo = Wish { name: Some("demo".into()), ..Wish::default() };
    let port = Wish { ports: vec!["8080:30080".parse().unwrap()], ..Wish::default() };
    let table: [(&Wish, Spoil, &str, &str); 10] = [
        (&demo, |p| p.engines.clear(), "E001", "no container engine answers on this machine; start Docker"),
        (&demo, |p| p.tools.retain(|tool| tool.name != "kind"), "no-kind", "go install sigs.k8s.io/kind"),
        (
            &demo,
            |p| p.tools[0].state = ToolState::Unintelligible { said: "hello".into() },
            "no-kind",
            "/usr/bin/kind does not tell its version",
        ),
        (&demo, |p| p.tools.retain(|tool| tool.name != "docker"), "no-client", "install the command `docker`"),
        (
            &demo,
            |p| p.engines[0].containers = vec![node("demo", "demo-control-plane", "control-plane", Some("172.18.0.2"))],
            "cluster-exists",
            "a cluster demo is there in docker",
        ),
        (
            &demo,
            |p| p.engines[0].containers = vec![node("demo", "demo-control-plane", "control-plane", None)],
            "cluster-exists",
            "not all of it runs in docker at unix:///run/docker.sock; bring it back with `seaworthy cluster up demo`",
        ),
        (
            &port,
            |p| p.taken = vec![(8080, "in use".into())],
            "port-taken",
            "port 8080 of this machine cannot be had: in use;",
        ),
        (&demo, |p| p.resources.as_mut().unwrap().disks[0].free = 1 << 30, "H005", "only 1 GiB are free"),
        (
            &demo,
            |p| {
                p.engines[0].engine.rootless = Some(true);
                p.delegated = Some(vec!["memory".into(), "pids".into()]);
            },
            "H017",
            "systemd does not leave cpu to this user",
        ),
        (
            &demo,
            |p| {
                p.engines[0].engine.rootless = Some(true);
                p.engines[0].engine.cgroup_version = Some(1);
            },
            "H016",
            "docker runs without root, which needs control groups of version 2",
        ),
    ];
    for (wish, spoil, id, words) in table {
        let mut picture = machine();
        spoil(&mut picture);
        let (found, said) = refused(&picture, wish, &Options::default());
        assert!(found == id && said.contains(words), "{found}: {said}\nnot {id}: {words}");
    }
}

#[test]
fn all_that_stands_in_the_way_is_said_at_once() {
    let mut picture = machine();
    picture.resources.as_mut().unwrap().disks[0].free = 1 << 30;
    picture.tools.retain(|tool| tool.name != "docker");
    let decision = decided(&picture, &Wish::default(), &Options::default());
    let ids: Vec<&str> = decision.refusals.iter().map(|cause| cause.id.as_str()).collect();
    assert_eq!(ids, ["no-client", "H005"]);
}

#[test]
fn of_two_engines_docker_is_taken_and_the_other_is_said() {
    let mut picture = machine();
    picture.engines.insert(0, engine(Product::Podman));
    let taken = |options: &Options| {
        let decision = decided(&picture, &Wish::default(), options);
        let Action::Host { task } = decision.plan.unwrap().steps[0].action.clone() else { panic!() };
        let Task::CreateKind { cluster, .. } = *task else { panic!() };
        (cluster.engine.url, decision.warnings)
    };
    let (first, warnings) = taken(&Options::default());
    assert_eq!(first, url(Product::Docker));
    assert!(warnings[0].contains("podman both answer") && warnings[0].contains("--engine podman"), "{warnings:?}");
    let (asked, warnings) = taken(&Options { engine: Some(Product::Podman), ..Options::default() });
    assert_eq!((asked, warnings.len()), (url(Product::Podman), 0));
}

#[test]
fn kubelets_that_refuse_the_first_control_groups_are_not_even_tried() {
    let mut picture = machine();
    picture.resources.as_mut().unwrap().cgroups = Some(Cgroups::Hybrid);
    let image = |tag: &str| Options { image: Some(format!("kindest/node:{tag}")), ..Options::default() };
    assert_eq!(refused(&picture, &Wish::default(), &image("v1.35.1")).0, "H016");
    let decision = decided(&picture, &Wish::default(), &image("v1.34.0"));
    assert!(decision.plan.is_some() && !decision.warnings.join("").contains("version 1"), "{:?}", decision.warnings);
    let unknown = decided(&picture, &Wish::default(), &image("mine"));
    assert!(unknown.plan.is_some() && unknown.warnings[0].contains("version 1"), "{:?}", unknown.warnings);
    // The image that this kind takes by itself is known, too.
    let (id, said) = refused(&picture, &Wish::default(), &Options::default());
    assert!(id == "H016" && said.contains("kindest/node:v1.37.0"), "{said}");
    let told = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nkubeadmConfigPatches:\n- |\n  kind: KubeletConfiguration\n  failCgroupV1: false\n";
    let wish = Wish { file: Some(("mine.yaml".into(), told.into())), ..Wish::default() };
    assert!(decided(&picture, &wish, &image("v1.35.1")).plan.is_some());
}

#[test]
fn what_a_creation_has_left_that_is_given_up_is_in_nobodys_way() {
    let mut picture = machine();
    picture.engines[0].containers = vec![node("demo", "demo-control-plane", "control-plane", Some("172.18.0.2"))];
    picture.contexts.clear();
    let demo = Wish { name: Some("demo".into()), ..Wish::default() };
    let (since, evidence) = ("2026-11-20T11:00:00Z".parse::<Timestamp>().unwrap(), PathBuf::from("/state/failed"));
    let options = Options { left: Some((since, evidence.clone())), ..Options::default() };
    let decision = decided(&picture, &demo, &options);
    assert!(decision.warnings.join("").contains("is deleted first: demo-control-plane"), "{:?}", decision.warnings);
    let plan = decision.plan.unwrap();
    let Action::Host { task } = &plan.steps[0].action else { panic!("{plan:?}") };
    let Task::CreateKind { since: theirs, evidence: kept, .. } = &**task else { panic!("{task:?}") };
    assert_eq!((theirs, kept), (&since, &evidence));
    // A whole one has its context, and is somebody's.
    picture.contexts = vec!["kind-demo".into()];
    assert_eq!(refused(&picture, &demo, &options).0, "cluster-exists");
}

#[test]
fn a_node_image_that_is_not_here_is_said_before_it_is_waited_for() {
    let warned = |change: &dyn Fn(&mut Picture), image: Option<&str>| {
        let mut picture = machine();
        change(&mut picture);
        let options = Options { image: image.map(str::to_owned), ..Options::default() };
        decided(&picture, &Wish::default(), &options).warnings
    };
    let none: &dyn Fn(&mut Picture) = &|_| ();
    assert_eq!(warned(none, Some("docker.io/kindest/node:v1.34.0")), Vec::<String>::new());
    assert!(warned(none, Some("kindest/node:v1.33.0"))[0].contains("here are: kindest/node:v1.37.0"));
    let older = warned(&|picture| picture.tools[0] = tool("kind", "v0.27.0"), None);
    assert!(older[0].starts_with("the node image that this kind was made for is not"), "{older:?}");
    let empty = warned(&|picture| picture.images.values_mut().for_each(Vec::clear), None);
    assert!(empty[0].contains("kindest/node:v1.37.0") && empty[0].contains("docker load -i"), "{empty:?}");
    assert_eq!(warned(&|picture| picture.images.clear(), None), Vec::<String>::new(), "not read is not absent");
}

#[test]
fn limits_and_proxies_that_nodes_will_trip_over_are_said() {
    let mut picture = machine();
    picture.resources.as_mut().unwrap().inotify_instances = Some(128);
    picture.proxies = [("HTTPS_PROXY".to_owned(), "http://u:secret@127.0.0.1:3128".to_owned())].into();
    let wish = Wish { nodes: Some(3), ..Wish::default() };
    let warnings = decided(&picture, &wish, &Options::default()).warnings.join("\n");
    assert!(warnings.contains("max_user_instances is 128") && warnings.contains("192"), "{warnings}");
    assert!(warnings.contains("max_user_instances=512"), "{warnings}");
    picture.resources.as_mut().unwrap().inotify_instances = Some(1024);
    let many = Wish { nodes: Some(99), ..Wish::default() };
    let warnings = decided(&picture, &many, &Options::default()).warnings.join("\n");
    assert!(warnings.contains("max_user_instances=8192"), "never less than there is: {warnings}");
    assert!(warnings.contains("127.0.0.1:3128") && !warnings.contains("secret"), "{warnings}");
}
