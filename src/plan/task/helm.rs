//! Releases of helm, as steps have them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chart::{Access, helm, secret};
use crate::object::ObjectRef;

/// A release, and the helm that has to do with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its name.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The helm program.
    pub program: PathBuf,
    /// Whether it can be told to delete what hangs below an object before the object.
    #[serde(default)]
    pub cascades: bool,
    /// The kubeconfig context.
    pub context: String,
    /// The kubeconfig file; `None`: those of the environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<PathBuf>,
}

impl Place {
    /// What it is about, in the words of events and causes.
    pub fn subject(&self) -> ObjectRef {
        ObjectRef::new("helm", "Release", Some(&self.namespace), &self.release)
    }

    fn access(&self) -> Access {
        Access { context: self.context.clone(), kubeconfig: self.kubeconfig.clone() }
    }

    /// A command line about it: the verb, the release, what else is said, and where.
    pub fn command(&self, verb: &str, words: &[String]) -> Vec<String> {
        let place = ["--namespace".to_owned(), self.namespace.clone()];
        let words = [std::slice::from_ref(&self.release), words, &place, &self.access().options()].concat();
        helm::command(&self.program, &[verb], &words)
    }

    /// The same as people would type it.
    pub fn shown(&self, verb: &str, words: &[String]) -> String {
        let mut command = self.command(verb, words);
        "helm".clone_into(&mut command[0]);
        command.join(" ")
    }
}

/// What a release is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// Which release.
    pub place: Place,
    /// The chart, as helm is given it.
    pub chart: String,
    /// The version that helm is told to take; a chart of this machine has the one that it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
    /// Name and version of the chart, as it says itself.
    pub named: String,
    /// The values. Secrets in them are replaced when the plan is written down.
    pub values: Value,
    /// JSON pointers to the secrets among the values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// The revision that was the newest when the plan was made; 0: there was none.
    pub before: u64,
    /// By which this plan knows its own revision again; `None`: this helm labels nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Whether helm takes fields that somebody has changed by hand; an older one does so unasked.
    #[serde(default)]
    pub force: bool,
    /// What the chart renders to.
    pub objects: Vec<ObjectRef>,
    /// What helm runs on the way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<ObjectRef>,
}

impl Deployment {
    /// The words by which a helm that does this is found among the processes of this machine, and those that follow.
    pub fn words(&self) -> (Vec<String>, Vec<String>) {
        let place = &self.place;
        let first =
            ["upgrade", &place.release, &self.chart, "--install", "--namespace", &place.namespace].map(str::to_owned);
        let mut rest = place.access().options();
        rest.extend(self.pin.iter().flat_map(|pin| ["--version".to_owned(), pin.clone()]));
        rest.extend(
            self.mark
                .iter()
                .flat_map(|mark| ["--labels".to_owned(), format!("{}={mark}", crate::chart::release::MARK)]),
        );
        rest.extend(self.force.then(|| "--force-conflicts".to_owned()));
        rest.extend(["--values".to_owned(), "-".to_owned()]);
        (first.to_vec(), rest)
    }

    pub(super) fn title(&self) -> String {
        let verb = if self.before == 0 { "install" } else { "upgrade" };
        format!("{verb} release {} from chart {} with helm", self.place.release, self.named)
    }

    pub(super) fn shown(&self) -> String {
        let (first, rest) = self.words();
        let marked = |word: &&String| !word.starts_with(crate::chart::release::MARK) && *word != "--labels";
        let words: Vec<String> = first.into_iter().chain(rest.iter().filter(marked).cloned()).collect();
        format!("helm {} <values.yaml", words.join(" "))
    }

    pub(super) fn details(&self) -> Vec<String> {
        let mut lines = vec![format!("chart: {}", self.chart), format!("objects: {}", counted(&self.objects))];
        if !self.hooks.is_empty() {
            lines.push(format!("helm runs on the way: {}", counted(&self.hooks)));
        }
        if !self.secrets.is_empty() {
            let names: Vec<String> = self.secrets.iter().map(|pointer| secret::dotted(pointer)).collect();
            lines.push(format!(
                "in the clear: helm keeps all values in its own record (Secret/{}/sh.helm.release.v1.{}.v{}), also {}",
                self.place.namespace,
                self.place.release,
                self.before + 1,
                names.join(", ")
            ));
        }
        lines
    }

    /// The same without secrets.
    #[must_use]
    pub fn without_secrets(&self) -> Self {
        Self { values: secret::hidden(&self.values, &self.secrets), ..self.clone() }
    }
}

/// `2 Service, 1 Deployment`, in the order in which they come.
fn counted(objects: &[ObjectRef]) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    for object in objects {
        if !kinds.contains(&object.kind.as_str()) {
            kinds.push(&object.kind);
        }
        *numbers.entry(&object.kind).or_default() += 1;
    }
    let said: Vec<String> = kinds.iter().map(|kind| format!("{} {kind}", numbers[kind])).collect();
    if said.is_empty() { "none".to_owned() } else { said.join(", ") }
}

#[cfg(test)]
pub(crate) mod testing {
    use serde_json::json;

    use super::*;

    /// A shop of two objects.
    pub(crate) fn deployment(before: u64) -> Deployment {
        let object = |api, kind, name| ObjectRef::new(api, kind, Some("sea"), name);
        Deployment {
            place: Place {
                release: "shop".to_owned(),
                namespace: "sea".to_owned(),
                program: "/bin/helm".into(),
                cascades: true,
                context: "harbour".to_owned(),
                kubeconfig: Some("/k".into()),
            },
            chart: "repo/shop".to_owned(),
            pin: Some("0.1.0".to_owned()),
            named: "shop 0.1.0".to_owned(),
            values: json!({"web": {"password": "swordfish", "replicas": 1}}),
            secrets: vec!["/web/password".to_owned()],
            before,
            mark: Some("p1".to_owned()),
            force: false,
            objects: vec![object("v1", "Service", "shop"), object("apps/v1", "Deployment", "shop")],
            hooks: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::deployment;
    use crate::plan::task::Task;

    #[test]
    fn no_secret_is_in_a_command_or_in_what_is_written_down() {
        let deployment = deployment(0);
        let (first, rest) = deployment.words();
        let all = [first, rest].concat().join(" ");
        assert_eq!(
            all,
            "upgrade shop repo/shop --install --namespace sea --kube-context harbour --kubeconfig /k --version 0.1.0 --labels seaworthy.dev/plan=p1 --values -"
        );
        let written = serde_json::to_string(&deployment.without_secrets()).unwrap();
        let task = Task::DeployRelease { deployment: Box::new(deployment.clone()) };
        let told = [task.title(), task.details().join("\n"), task.commands().join("\n"), written].join("\n");
        assert!(!told.contains("swordfish"), "{told}");
        assert!(
            told.contains("install release shop from chart shop 0.1.0")
                && told.contains("objects: 1 Service, 1 Deployment"),
            "{told}"
        );
        assert!(told.contains("in the clear") && told.contains("also web.password"), "{told}");
        assert!(task.commands()[0].ends_with("--version 0.1.0 --values - <values.yaml"), "{:?}", task.commands());
    }

    #[test]
    fn what_is_about_a_release_says_which_and_where() {
        let place = deployment(1).place;
        assert_eq!(place.subject().to_string(), "Release/sea/shop");
        assert_eq!(
            place.shown("rollback", &["3".to_owned()]),
            "helm rollback shop 3 --namespace sea --kube-context harbour --kubeconfig /k"
        );
    }
}
