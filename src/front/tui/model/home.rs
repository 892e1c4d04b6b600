//! What is known of the cluster on the home screen, and where the person is in it.

use seaworthy::doctor::change::Change;
use seaworthy::doctor::finding::Finding;
use seaworthy::home::{Home, NodeState, OpenRun, PrerequisiteState};
use seaworthy::object::ObjectRef;
use seaworthy::plan::Installation;
use seaworthy::prepare::Health;
use seaworthy::recover::map::Chain;

use crate::front::form::quoted;

/// The cluster that is looked at.
#[derive(Default)]
pub(crate) struct Watch {
    /// Its context; `None`: nobody is at home.
    pub(crate) context: Option<String>,
    /// What is known, once anything is; or why nothing can be.
    pub(crate) home: Option<Result<Box<Home>, String>>,
    /// The line of the home screen.
    pub(crate) cursor: usize,
    /// The line of the storage map.
    pub(crate) link: usize,
    /// Only what holds this text is shown.
    pub(crate) filter: String,
}

/// The parts of the home screen, in their order: what is wrong comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Findings,
    Stacks,
    Runs,
    Changes,
    Nodes,
    Prerequisites,
}

impl Part {
    /// Its heading.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Findings => "Findings",
            Self::Changes => "Changed since all was well",
            Self::Stacks => "Stacks",
            Self::Runs => "Open runs",
            Self::Nodes => "Nodes (share of resources requested)",
            Self::Prerequisites => "Prerequisites",
        }
    }
}

/// A line that the cursor can be on.
#[derive(Clone, Copy)]
pub(crate) enum Entry<'a> {
    /// What is wrong, and how deep below its cause.
    Finding(&'a Finding, usize),
    /// What has changed since nothing was wrong.
    Change(&'a Change),
    Stack(&'a Health),
    Run(&'a OpenRun),
    Node(&'a NodeState),
    Prerequisite(&'a PrerequisiteState),
}

impl Entry<'_> {
    pub(crate) fn part(&self) -> Part {
        match self {
            Self::Finding(..) => Part::Findings,
            Self::Change(_) => Part::Changes,
            Self::Stack(_) => Part::Stacks,
            Self::Run(_) => Part::Runs,
            Self::Node(_) => Part::Nodes,
            Self::Prerequisite(_) => Part::Prerequisites,
        }
    }

    /// By what it can be found.
    fn words(&self) -> String {
        match self {
            Self::Finding(finding, _) => {
                format!("{} {} {} {}", finding.id, finding.object, finding.reason, finding.message)
            }
            Self::Change(change) => format!("{} {}", change.object, change.how),
            Self::Stack(Health { installation: Installation { stack, namespace, .. }, .. }) => {
                format!("{stack} {namespace}")
            }
            Self::Run(run) => format!("{} {} {}", run.run.run, run.run.command, run.of),
            Self::Node(node) => format!("{} {}", node.name, node.role),
            Self::Prerequisite(it) => it.prerequisite.to_string(),
        }
    }

    /// The command of ours that tells more of it, or goes on with it.
    pub(crate) fn command(&self) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match self {
            Self::Finding(finding, _) => why(finding.places().first().unwrap_or(&finding.object)),
            Self::Change(change) => why(&change.object),
            Self::Stack(health) => {
                let Installation { stack, namespace, .. } = &health.installation;
                words(&["status", stack, "--namespace", namespace])
            }
            Self::Run(run) => words(&["runs", "resume", &run.run.run]),
            Self::Node(node) => words(&["why", &format!("node/{}", node.name)]),
            Self::Prerequisite(_) => words(&["prerequisites", "list"]),
        }
    }

    /// The same as kubectl would show it.
    pub(crate) fn kubectl(&self, context: Option<&str>) -> String {
        let about = |object: &ObjectRef| describe(object, context);
        match self {
            Self::Finding(finding, _) => about(finding.places().first().unwrap_or(&finding.object)),
            Self::Change(change) => about(&change.object),
            Self::Node(node) => about(&ObjectRef::new("v1", "Node", None, &node.name)),
            Self::Stack(health) => {
                let Installation { stack, namespace, .. } = &health.installation;
                format!("{} -n {namespace} get all,pvc -l seaworthy.dev/stack={stack}", kubectl(context))
            }
            Self::Run(run) => format!("seaworthy runs show {}", run.run.run),
            Self::Prerequisite(_) => "seaworthy prerequisites list".to_owned(),
        }
    }
}

/// A sandbox has no context: who serves it names its kubeconfig.
pub(crate) fn kubectl(context: Option<&str>) -> String {
    context.map_or_else(|| "kubectl".to_owned(), |context| format!("kubectl --context {}", quoted(context)))
}

/// What kubectl says of an object.
pub(crate) fn describe(object: &ObjectRef, context: Option<&str>) -> String {
    let kind = match object.group() {
        "" => object.kind.to_lowercase(),
        group => format!("{}.{group}", object.kind.to_lowercase()),
    };
    let place = object.namespace.as_ref().map_or_else(String::new, |namespace| format!(" -n {namespace}"));
    format!("{}{place} describe {kind} {}", kubectl(context), object.name)
}

fn why(object: &ObjectRef) -> Vec<String> {
    let place = object.namespace.iter().flat_map(|namespace| ["--namespace".to_owned(), namespace.clone()]);
    ["why".to_owned(), format!("{}/{}", object.kind.to_lowercase(), object.name)].into_iter().chain(place).collect()
}

impl Watch {
    /// Another cluster is looked at.
    pub(crate) fn turn_to(&mut self, context: String) {
        *self = Self { context: Some(context), ..Self::default() };
    }

    /// Whether something is still to come without being asked for.
    pub(crate) fn home_may_come(&self) -> bool {
        !matches!(self.home, Some(Err(_)))
    }

    /// What is known.
    pub(crate) fn known(&self) -> Option<&Home> {
        self.home.as_ref()?.as_ref().ok().map(Box::as_ref)
    }

    /// Every line that the filter lets through.
    pub(crate) fn entries(&self, filter: &str) -> Vec<Entry<'_>> {
        let Some(home) = self.known() else { return Vec::new() };
        let findings = home.report.findings.iter().flat_map(|root| deep(root, 0));
        let changes = home.report.since.iter().filter(|_| !home.is_green()).flat_map(|since| &since.changes);
        let prerequisites = home.prerequisites.iter().flatten().flatten();
        let all = findings
            .chain(home.installations.iter().map(Entry::Stack))
            .chain(home.runs.iter().map(Entry::Run))
            .chain(changes.map(Entry::Change))
            .chain(home.nodes.iter().map(Entry::Node))
            .chain(prerequisites.map(Entry::Prerequisite));
        all.filter(|entry| filter.is_empty() || holds(&entry.words(), filter)).collect()
    }

    /// Every chain of the storage map that the filter lets through; what is broken comes first.
    pub(crate) fn chains(&self, filter: &str) -> Vec<&Chain> {
        let Some(home) = self.known() else { return Vec::new() };
        let words = |chain: &Chain| {
            let claim = chain.claim.as_ref().map_or_else(String::new, ObjectRef::to_string);
            format!("{claim} {} {} {}", chain.volume.as_deref().unwrap_or_default(), chain.place, chain.pods.join(" "))
        };
        let mut chains: Vec<&Chain> =
            home.chains.iter().filter(|chain| filter.is_empty() || holds(&words(chain), filter)).collect();
        chains.sort_by_key(|chain| chain.broken.is_none());
        chains
    }
}

/// A finding and those below it.
fn deep(finding: &Finding, depth: usize) -> Vec<Entry<'_>> {
    let below = finding.causes.iter().flat_map(|below| deep(below, depth + 1));
    std::iter::once(Entry::Finding(finding, depth)).chain(below).collect()
}

/// Whether all words of a filter are in it, in any order and case.
pub(crate) fn holds(words: &str, filter: &str) -> bool {
    let words = words.to_lowercase();
    filter.split_whitespace().all(|part| words.contains(&part.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_copied_names_cluster_namespace_and_group() {
        let object = ObjectRef::new("apps/v1", "Deployment", Some("sea"), "web");
        assert_eq!(
            describe(&object, Some("dev one")),
            "kubectl --context 'dev one' -n sea describe deployment.apps web"
        );
        assert_eq!(describe(&ObjectRef::new("v1", "Node", None, "a"), None), "kubectl describe node a");
    }

    #[test]
    fn a_filter_is_words_in_any_order_and_case() {
        assert!(holds("P003 Deployment/sea/web ErrImagePull", "WEB p003"));
        assert!(!holds("P003 Deployment/sea/web", "web P004"));
        assert!(holds("anything", ""));
    }
}
