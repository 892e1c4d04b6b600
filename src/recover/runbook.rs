//! The runbook: every loss, how it is recognised by hand, and every step of every playbook with the kubectl command that does the same.
//! It is made from the playbooks themselves, compiled against objects with names to be filled in, so that it says what the program does.
//! Pure.

mod scene;

use jiff::Timestamp;

use scene::{ETCD, FIRST_MEMBER, NAMESPACE, claim, scene};

use super::LossKind;
use super::compile::{Copies, Wish, compile};
use super::etcd::all_claims;
use super::guide::Guide;
use super::join::claim_ref;
use super::playbook::{Part, Playbook, Playbooks};
use crate::cluster::ClusterId;
use crate::etcd::Id;
use crate::plan::{Action, Installation, Step};

const HEAD: &str = "# Recovery by hand

<!-- Generated from the playbooks: SEAWORTHY_WRITE_DOCS=1 cargo test --lib -- runbook -->

What each playbook does, step by step, with the command that does the same: for the night on which `seaworthy` itself is not at hand. How the program goes
about it is told in [recovering.md](recovering.md). Fill in the names in capitals; `kubectl get pvc,pv,pods -A -o wide` shows them. What a claim or a volume that is made
again has to ask for (SIZE, CLASS, PATH, the uid of its claim) stands in `before.yaml`, which the second command below writes: so it comes before everything else. Snapshots of an etcd are taken by `etcdctl` of
this machine, of the etcd's own version. A pod that copies, or makes an etcd's data, has to be allowed to read what is on the volume: give it the `securityContext` of the workload where the namespace or the files ask for one.

Three rules. *Keep first*: set the policy of every volume to `Retain` before anything else. *Stop what writes* before a claim is deleted, and see it gone. *One volume at a
time* where several belong to one group.

    kubectl get pv -o name | xargs -I{} kubectl patch {} -p '{\"spec\":{\"persistentVolumeReclaimPolicy\":\"Retain\"}}'
    kubectl get pv,pvc,pods,deployments,statefulsets,events -A -o yaml > before.yaml
";

const GUIDES: &str = "## By hand only

What no playbook does, because the API server is away or because it lies outside of the cluster. `seaworthy recover --guide` shows the same without a cluster.
";

/// The whole document.
pub fn document(playbooks: &Playbooks, guides: &[Guide]) -> String {
    let mut lines = vec![
        HEAD.to_owned(),
        "## Losses\n".to_owned(),
        "| loss | what it means | what to do first |".to_owned(),
        "|---|---|---|".to_owned(),
    ];
    lines.extend(
        LossKind::ALL.iter().map(|kind| format!("| `{}` | {} | {} |", kind.name(), kind.meaning(), kind.advice())),
    );
    for playbook in &playbooks.0 {
        lines.push(String::new());
        lines.extend(chapter(playbook));
    }
    lines.push(format!("\n{GUIDES}"));
    for guide in guides {
        lines.push(guide.markdown(3));
    }
    format!("{}\n", lines.join("\n"))
}

/// Of a playbook that no loss in the cluster calls for.
const NO_LOSS: &str = "By its name only: the cluster shows no loss that it is for.\n";

fn chapter(playbook: &Playbook) -> Vec<String> {
    let sheet = &playbook.sheet;
    let losses: Vec<String> = sheet.losses.iter().map(|kind| format!("`{}`", kind.name())).collect();
    let mut lines = vec![
        format!("## {}: {}\n", playbook.name, sheet.title),
        if losses.is_empty() { NO_LOSS.to_owned() } else { format!("For {}.\n", losses.join(", ")) },
        format!("* Lost: {}.\n* Untouched: {}.\n* Comes back: {}.", sheet.lost, sheet.untouched, sheet.returns),
    ];
    let mut told: Vec<(Vec<String>, Vec<LossKind>)> = Vec::new();
    for kind in &sheet.losses {
        let steps = steps(playbook, *kind);
        match told.iter_mut().find(|(known, _)| *known == steps) {
            Some((_, kinds)) => kinds.push(*kind),
            None => told.push((steps, vec![*kind])),
        }
    }
    if sheet.losses.is_empty() {
        told.push((steps(playbook, LossKind::ALL[0]), Vec::new()));
    }
    for (steps, kinds) in &told {
        if told.len() > 1 {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
            lines.push(format!("\n### When it is {}", kinds.join(" or ")));
        }
        lines.push(String::new());
        lines.extend(steps.iter().cloned());
    }
    lines
}

/// The steps of a playbook for a loss, as a numbered list.
fn steps(playbook: &Playbook, kind: LossKind) -> Vec<String> {
    let (sighting, archive) = scene(playbook, kind);
    let own = str::to_owned;
    let installation = Installation {
        stack: playbook.stack.clone().unwrap_or_else(|| own("STACK")),
        version: String::new(),
        namespace: own(NAMESPACE),
        release: own("RELEASE"),
        profile: String::new(),
    };
    let settings = playbook.sheet.settings.iter().map(|(name, setting)| (name.clone(), setting.default.clone()));
    let member = claim_ref(NAMESPACE, &format!("data-{ETCD}-0"));
    let claims = match playbook.sheet.etcd {
        None if playbook.sheet.is_of_a_namespace() => Vec::new(),
        None => vec![claim_ref(NAMESPACE, &claim(playbook))],
        Some(Part::Member) => vec![member],
        Some(Part::All) => all_claims(&sighting.snapshot, &member).unwrap_or_default(),
    };
    let wish = Wish {
        playbook,
        claims,
        sighting: &sighting,
        archive: &archive,
        cluster: ClusterId { context: String::new(), server: String::new(), uid: String::new() },
        installation,
        reach: None,
        settings: settings.collect(),
        folder: own("EXPORT"),
        copies: Copies { folder: own("FOLDER"), ..Copies::default() },
        snapshots: Vec::new(),
        at: Timestamp::UNIX_EPOCH,
    };
    match compile(&wish) {
        Ok(plan) => {
            let lines = plan.steps.iter().enumerate().flat_map(|(number, step)| step_lines(number + 1, step));
            lines.map(|line| line.replace(&Id(FIRST_MEMBER).to_string(), "MEMBER-ID")).collect()
        }
        Err(error) => vec![format!("Not by hand: {error}.")],
    }
}

fn step_lines(number: usize, step: &Step) -> Vec<String> {
    let Action::Rescue { verb, limit } = &step.action else { return vec![format!("{number}. {}", step.title)] };
    let hard = if verb.is_irreversible() { " **It cannot be taken back.**" } else { "" };
    let within = if *limit == 0 { String::new() } else { format!(", within {limit} s") };
    let mut lines = vec![format!(
        "{number}. {}. Before: {}. Done when: {}{within}.{hard}",
        capital(&step.title),
        verb.gate(),
        verb.proof()
    )];
    if let Some(command) = verb.kubectl(*limit) {
        // A block of code in a list stands four spaces behind the text of its item.
        let margin = " ".repeat(format!("{number}. ").len() + 4);
        lines.push(String::new());
        lines.extend(command.lines().map(|line| format!("{margin}{line}")));
        lines.push(String::new());
    }
    lines
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Catalogue;

    /// The file in the repository is what the playbooks say.
    #[test]
    fn the_runbook_in_docs_is_that_of_the_playbooks() {
        let catalogue = Catalogue::default();
        let guides = crate::recover::guide::all(&catalogue).unwrap();
        let written = document(&Playbooks::read(&catalogue).unwrap(), &guides);
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/recovery.md");
        if std::env::var_os("SEAWORTHY_WRITE_DOCS").is_some() {
            std::fs::write(path, &written).unwrap();
        }
        let found = std::fs::read_to_string(path).unwrap();
        assert!(
            found == written,
            "docs/recovery.md is out of date: SEAWORTHY_WRITE_DOCS=1 cargo test --lib -- runbook"
        );
    }

    /// Whoever pastes what is printed gets no further with a claim that asks for nothing, or with a pod that nobody makes.
    #[test]
    fn what_is_printed_can_be_pasted() {
        let catalogue = Catalogue::default();
        let guides = crate::recover::guide::all(&catalogue).unwrap();
        let text = document(&Playbooks::read(&catalogue).unwrap(), &guides);
        for wrong in [r#""spec":{}"#, "-C PATH --numeric-owner", "snapshot save FILE", "--name=NAME", "localhost:2380"]
        {
            assert!(!text.contains(wrong), "{wrong}");
        }
        let count = |word: &str| text.matches(word).count();
        assert_eq!(count("del seaworthy-probe"), count("put seaworthy-probe"));
        assert_eq!(count("member remove MEMBER-ID"), count("etcdctl member remove"));
        assert_eq!(count(". Count the files of "), count("-- find PATH -xdev -type f | wc -l"));
        let lost = |chapter: &str| {
            let from = text.split(&format!("\n## {chapter}:")).nth(1).unwrap();
            from.split("### When it is claim-lost").nth(1).unwrap().split("\n### ").next().unwrap().to_owned()
        };
        assert!(
            lost("rebind").contains("kubectl scale deployment/WORKLOAD -n NAMESPACE --replicas=0"),
            "{}",
            lost("rebind")
        );
    }

    #[test]
    fn every_playbook_can_be_followed_by_hand() {
        let playbooks = Playbooks::read(&Catalogue::default()).unwrap();
        for playbook in &playbooks.0 {
            for kind in &playbook.sheet.losses {
                let steps = steps(playbook, *kind);
                assert!(
                    steps.len() >= 3 && !steps[0].starts_with("Not by hand"),
                    "{} {kind:?}: {steps:#?}",
                    playbook.name
                );
            }
        }
    }
}
