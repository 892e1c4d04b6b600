//! Each stack in each of its profiles, in the sandbox: installed, installed again without a write, changed in one value, and taken away
//! but for what it said.

use crate::test::{Output, Test};

struct Pair {
    stack: &'static str,
    profile: &'static str,
    /// What the cluster needs before, and which settings go with it.
    before: &'static str,
    set: &'static str,
    /// One value, and exactly the objects that have to change with it.
    change: &'static str,
    changes: &'static [&'static str],
    /// What stays when it is taken away, but for its namespace.
    kept: &'static [&'static str],
}

const SHARED: &str = "prerequisites install shared-path";

/// Who reads the extender's port: the scheduler's configuration, the extender's own, and both in one pod.
const EXTENDER: &[&str] =
    &["ConfigMap/kube-scheduler-config", "ConfigMap/scheduler-extender-configuration", "Deployment/gateway"];

/// One configuration that both programs read at their start.
const CONFIGURED: &[&str] = &["ConfigMap/exafunction-config", "Deployment/module-repository", "Deployment/scheduler"];

const PAIRS: &[Pair] = &[
    Pair {
        stack: "distributed-notebook",
        profile: "single-node",
        before: "",
        set: "",
        change: "scheduler_extender.port=8085",
        changes: EXTENDER,
        kept: &[
            "PersistentVolumeClaim/jupyter-notebook-work",
            "PersistentVolumeClaim/node-local-local-daemon-0",
            "Secret/jupyter-notebook-token",
        ],
    },
    Pair {
        stack: "distributed-notebook",
        profile: "ha",
        before: "prerequisites install kruise metallb",
        set: "",
        change: "scheduler_extender.port=8085",
        changes: EXTENDER,
        kept: &[
            "PersistentVolumeClaim/jupyter-notebook-work",
            "PersistentVolumeClaim/node-local-local-daemon-0",
            "PersistentVolumeClaim/node-local-local-daemon-1",
            "PersistentVolumeClaim/node-local-local-daemon-2",
            "Secret/jupyter-notebook-token",
        ],
    },
    Pair {
        stack: "exadeploy",
        profile: "single-node",
        before: "",
        set: "",
        change: "scheduler.maxRunners=4",
        changes: CONFIGURED,
        kept: &["Secret/exafunction-api-key"],
    },
    Pair {
        stack: "exadeploy",
        profile: "ha",
        before: "prerequisites install metallb",
        set: "",
        change: "scheduler.maxRunners=4",
        changes: CONFIGURED,
        kept: &[
            "Secret/exafunction-api-key",
            "Secret/exafunction-postgres-password",
            "Secret/exafunction-s3-access-key",
        ],
    },
    Pair {
        stack: "geodata",
        profile: "single-node",
        before: "",
        set: "",
        change: "prefect.limit=5",
        changes: &["Deployment/prefect-agent"],
        kept: &["PersistentVolumeClaim/nova-geodata-prod"],
    },
    Pair {
        stack: "geodata",
        profile: "ha",
        before: SHARED,
        set: "persistence.storageClass=shared",
        change: "prefect.limit=5",
        changes: &["Deployment/prefect-agent"],
        kept: &["PersistentVolumeClaim/nova-geodata-prod"],
    },
    Pair {
        stack: "newton-v2t",
        profile: "single-node",
        before: "",
        set: "",
        change: "core.health.startupSeconds=90",
        changes: &["Deployment/newton-v2t-core"],
        kept: &[
            "PersistentVolumeClaim/data-newton-v2t-etcd-0",
            "PersistentVolumeClaim/newton-v2t-history",
            "PersistentVolumeClaim/newton-v2t-workspace",
        ],
    },
    Pair {
        stack: "newton-v2t",
        profile: "ha",
        before: SHARED,
        set: "global.storageClass=shared",
        change: "core.health.startupSeconds=90",
        changes: &["Deployment/newton-v2t-core"],
        kept: &[
            "PersistentVolumeClaim/data-newton-v2t-etcd-0",
            "PersistentVolumeClaim/data-newton-v2t-etcd-1",
            "PersistentVolumeClaim/data-newton-v2t-etcd-2",
            "PersistentVolumeClaim/newton-v2t-history",
            "PersistentVolumeClaim/newton-v2t-workspace",
        ],
    },
    Pair {
        stack: "telemetry-pipeline",
        profile: "single-node",
        before: "",
        set: "",
        change: "streamer.rate=0.5",
        changes: &["DaemonSet/telemetry-pipeline-streamer"],
        kept: &["PersistentVolumeClaim/telemetry-pipeline-collector-pvc"],
    },
    Pair {
        stack: "telemetry-pipeline",
        profile: "ha",
        before: "",
        set: "",
        change: "streamer.rate=0.5",
        changes: &["DaemonSet/telemetry-pipeline-streamer"],
        kept: &["PersistentVolumeClaim/telemetry-pipeline-collector-pvc"],
    },
];

impl Pair {
    /// The program with this line, in the sandbox of the profile.
    fn run(&self, home: Option<Output>, line: &str, status: i32) -> Output {
        let test = home.map_or_else(Test::new, Test::after);
        let sandbox = if self.profile == "ha" { "--sandbox=ha" } else { "--sandbox=single-node" };
        test.line(line).line(sandbox).any_stdout().any_stderr().status(status).run()
    }

    fn install(&self, home: Option<Output>, more: &str, status: i32) -> Output {
        let set = if self.set.is_empty() { String::new() } else { format!("--set {}", self.set) };
        self.run(home, &format!("install {} --profile {} {set} {more}", self.stack, self.profile), status)
    }

    /// What a plan says that it will do to which objects: `Kind/name`, sorted.
    fn announced(output: &Output, mark: &str) -> Vec<String> {
        let said = |line: &str| Some(line.trim().strip_prefix(mark)?.trim().split(':').next()?.to_owned());
        let mut titles: Vec<String> = output.stdout.lines().chain(output.stderr.lines()).filter_map(said).collect();
        titles.sort();
        titles
    }

    fn is_installed_changed_and_taken_away(&self) {
        let pair = format!("{} {}", self.stack, self.profile);
        let ready = (!self.before.is_empty()).then(|| {
            // Without it the plan is refused before anything is written.
            let refused = self.run(None, &format!("install {} --profile {} --yes", self.stack, self.profile), 2);
            assert!(refused.stderr.contains("nothing was written"), "{pair}: {}", refused.stderr);
            self.run(Some(refused), &format!("{} --yes", self.before), 0)
        });
        let installed = self.install(ready, "--yes", 0);
        assert!(installed.stderr.contains("ok   reach "), "{pair}: {}", installed.stderr);
        let again = self.install(Some(installed), "--yes -o json", 0);
        assert_eq!(again.json()["outcome"]["requests"]["writes"], 0, "{pair}: {}", again.stderr);
        let status = self.run(Some(again), &format!("status {}", self.stack), 0);
        assert!(status.stdout.contains(": healthy"), "{pair}: {}", status.stdout);

        let upgraded = self.run(Some(status), &format!("upgrade {} --set {} --yes", self.stack, self.change), 0);
        assert_eq!(Self::announced(&upgraded, "~ update"), self.changes, "{pair}: what {} changes", self.change);
        for other in ["+ create", "- delete"] {
            assert_eq!(Self::announced(&upgraded, other), [""; 0], "{pair}: what {} makes or takes away", self.change);
        }

        let gone = self.run(Some(upgraded), &format!("uninstall {} --yes", self.stack), 0);
        let mut kept = Self::announced(&gone, "= keep");
        kept.retain(|title| !title.starts_with("Namespace/"));
        assert_eq!(kept, self.kept, "{pair}: what stays");
    }
}

macro_rules! pairs {
    ($($name:ident: $stack:literal,)*) => {$(
        #[test]
        fn $name() {
            let pairs: Vec<&Pair> = PAIRS.iter().filter(|pair| pair.stack == $stack).collect();
            assert_eq!(pairs.len(), 2, "both profiles");
            for pair in pairs {
                pair.is_installed_changed_and_taken_away();
            }
        }
    )*};
}

pairs! {
    distributed_notebook: "distributed-notebook",
    exadeploy: "exadeploy",
    geodata: "geodata",
    newton_v2t: "newton-v2t",
    telemetry_pipeline: "telemetry-pipeline",
}
