//! One exercise: a playbook and a loss.

use seaworthy::error::Class;
use seaworthy::object::ObjectRef;
use seaworthy::recover::compile::claim_of_role;
use seaworthy::recover::drill::{ByHand, Data, Drilled, Practice};
use seaworthy::recover::{Playbook, Sighting, join, subject};
use seaworthy::sandbox::Kind;
use seaworthy::sandbox::faults::{self, FAULTS};
use serde_json::Value;

use super::ground::Ground;
use super::shore::{Said, Shore};
use crate::cli::{Failure, Session};

/// The file by which a volume is known again.
const MARKER: &str = "seaworthy-drill";
/// Seconds of the sandbox's time in which controllers take in what was broken.
const TAKEN_IN: i64 = 90;
/// The time until somebody notices: a pod without a node has been so for long enough to be a fact.
const NOTICED: i64 = 310;

/// Where an exercise takes place.
pub(super) trait Place {
    /// Runs a command of ours there.
    async fn say(&self, words: &[&str]) -> Result<Said, Failure>;
    /// The stack is there and well, its data marked, and the loss made: of which claim, in which namespace. Or what went wrong.
    async fn made(&self, exercise: &Exercise) -> Result<Result<(String, ObjectRef), String>, Failure>;
    /// What became of the data.
    async fn data(&self, namespace: &str, claim: &str) -> Result<Data, Failure>;
}

/// What is practised.
#[derive(Debug, Clone)]
pub(super) struct Exercise(pub(super) Practice);

impl Exercise {
    /// A playbook with each loss that it can be practised for.
    pub(super) fn all(playbook: &Playbook) -> Vec<Self> {
        Practice::all(playbook).into_iter().map(Self).collect()
    }

    /// The fault that brings the loss about.
    fn fault(&self) -> Result<&'static faults::Fault, Failure> {
        faults::find(&self.0.fault).ok_or_else(|| {
            let known: Vec<&str> = FAULTS.iter().map(|fault| fault.name).collect();
            let near = seaworthy::error::closest(&self.0.fault, known.iter().copied());
            let hint = near.map_or_else(|| known.join(", "), |near| format!("did you mean `{near}`?"));
            let message = format!("the drill of {} names the fault `{}`, which is none", self.0.playbook, self.0.fault);
            Failure::input("unknown-fault", message, hint)
        })
    }

    /// The sandbox for it: of one node nothing would be left to recover to.
    fn stage<'a>(&self, session: &'a Session) -> Result<Shore<'a>, Failure> {
        let kind = if self.fault()?.is_of_a_node() { Kind::Ha } else { Kind::SingleNode };
        let name = format!("{}-{}", self.0.playbook.replace('/', "-"), self.0.loss.name());
        Shore::new(session, &name, kind)
    }

    /// Our loss in what `recover` said, when it is certain.
    pub(super) fn loss_in<'d>(&self, document: &'d Value, of: &ObjectRef) -> Option<&'d Value> {
        let key = if of.kind == "Namespace" { "namespace" } else { "claim" };
        let ours = |loss: &&Value| {
            loss["loss"]["kind"] == self.0.loss.name()
                && loss["loss"][key] == serde_json::json!(of)
                && loss["loss"]["certain"] == true
        };
        document["losses"].as_array().into_iter().flatten().find(ours)
    }

    /// Makes the loss, and leaves the rest to whoever practises.
    pub(super) async fn by_hand(&self, session: &Session) -> Result<ByHand, Failure> {
        let shore = self.stage(session)?;
        let (_, claim) = shore.made(self).await?.map_err(|why| {
            Failure::new(
                "no-drill",
                Class::Failed,
                why,
                Some("`seaworthy drill` without --by-hand tries it, too".to_owned()),
            )
        })?;
        Ok(ByHand {
            playbook: self.0.playbook.clone(),
            loss: self.0.loss,
            claim: claim.to_string(),
            sandbox: shore.kind_name(),
            folder: shore.folder().to_owned(),
        })
    }

    pub(super) async fn run(&self, session: &Session) -> Result<Drilled, Failure> {
        let shore = self.stage(session)?;
        let mut drilled = self.drilled();
        drilled.failed = self.sail(&shore, &mut drilled).await?;
        if drilled.has_passed() {
            shore.leave()?;
        } else {
            drilled.folder = Some(shore.folder().to_owned());
        }
        Ok(drilled)
    }

    /// The same on a cluster.
    pub(super) async fn run_on(&self, ground: &Ground<'_>) -> Result<Drilled, Failure> {
        let mut drilled = self.drilled();
        drilled.failed = self.sail(ground, &mut drilled).await?;
        Ok(drilled)
    }

    fn drilled(&self) -> Drilled {
        Drilled {
            playbook: self.0.playbook.clone(),
            loss: self.0.loss,
            fault: self.0.fault.clone(),
            claim: String::new(),
            facts: Vec::new(),
            steps: 0,
            millis: 0,
            data: None,
            failed: None,
            folder: None,
        }
    }

    /// All of it; what went wrong, when something did.
    async fn sail(&self, place: &impl Place, drilled: &mut Drilled) -> Result<Option<String>, Failure> {
        let (namespace, claim) = match place.made(self).await? {
            Ok(made) => made,
            Err(why) => return Ok(Some(why)),
        };
        let is_whole = claim.kind == "Namespace";
        drilled.claim = subject::option(&claim).1;
        let look = ["recover", "--namespace", &namespace];

        let said = place.say(&look).await?;
        let Some(loss) = self.loss_in(&said.document, &claim) else {
            return Ok(Some(wrong("the loss was not recognised", &said)));
        };
        let facts = loss["loss"]["facts"].as_array().into_iter().flatten().filter_map(Value::as_str);
        drilled.facts = facts.map(str::to_owned).collect();
        let proposed = loss["proposals"].as_array().into_iter().flatten();
        let mut proposed = proposed.filter_map(|proposal| proposal["command"].as_str());
        if !proposed.any(|command| command.contains(&format!("recover {} ", self.0.playbook))) {
            return Ok(Some(wrong("the playbook was not proposed", &said)));
        }

        let said = self.recover(place, &claim).await?;
        drilled.steps = said.document.pointer("/outcome/total").and_then(Value::as_u64).unwrap_or(0);
        drilled.millis = said.document.pointer("/outcome/millis").and_then(Value::as_u64).unwrap_or(0);
        if said.code != 0 {
            return Ok(Some(wrong("the recovery did not come to its end", &said)));
        }
        // Of a namespace that is gone the proof is that it can be had again.
        let well = if is_whole { "install" } else { "status" };
        let said = place.say(&[well, &self.0.stack, "--namespace", &namespace]).await?;
        if said.code != 0 {
            return Ok(Some(wrong("the stack is not well afterwards", &said)));
        }
        let said = place.say(&look).await?;
        if self.loss_in(&said.document, &claim).is_some() {
            return Ok(Some(wrong("the loss is still there", &said)));
        }
        if is_whole {
            return Ok(None);
        }
        let data = place.data(&namespace, &claim.name).await?;
        drilled.data = Some(data);
        Ok((self.0.saves && data != Data::Saved).then(|| "the volume is there, and what was on it is not".to_owned()))
    }

    /// Marks the data and makes the loss.
    fn strike(&self, shore: &Shore<'_>, namespace: &str, fault: &faults::Fault) -> Result<ObjectRef, Failure> {
        let sandbox = shore.sandbox()?;
        let snapshot = sandbox.objects().into_iter().collect();
        let sighting = Sighting { snapshot, ..Sighting::default() };
        let (of, target) = match &self.0.claim {
            None => (subject::namespace(namespace), namespace.to_owned()),
            Some(role) => {
                let claim = claim_of_role(&sighting, namespace, role)?;
                sandbox.write_file((namespace, &claim.name), MARKER, self.0.playbook.as_bytes());
                let host = || join::host_of(&sighting.snapshot, &claim).unwrap_or_default().to_owned();
                let target = if fault.is_of_a_node() { host() } else { format!("{namespace}/{}", claim.name) };
                (claim, target)
            }
        };
        sandbox.strike(fault, &target);
        sandbox.rest(TAKEN_IN);
        sandbox.pass(NOTICED);
        sandbox.save()?;
        Ok(of)
    }

    /// Runs the playbook; what wants its name typed has it typed.
    async fn recover(&self, place: &impl Place, subject: &ObjectRef) -> Result<Said, Failure> {
        let (option, named) = subject::option(subject);
        let mut words = vec!["recover", self.0.playbook.as_str(), option, &named];
        let first = place.say(&words).await?;
        if first.document.pointer("/error/id").and_then(Value::as_str) != Some("destroy-data-needed") {
            return Ok(first);
        }
        let hint = first.document.pointer("/error/hint").and_then(Value::as_str).unwrap_or_default().to_owned();
        words.extend(
            hint.split_whitespace()
                .filter(|word| word.starts_with("--destroy-data=") || word.starts_with("--consent=")),
        );
        place.say(&words).await
    }
}

impl Place for Shore<'_> {
    async fn say(&self, words: &[&str]) -> Result<Said, Failure> {
        Shore::say(self, words).await
    }

    async fn made(&self, exercise: &Exercise) -> Result<Result<(String, ObjectRef), String>, Failure> {
        let mut install = vec!["install", exercise.0.stack.as_str()];
        install.extend(exercise.0.set.iter().flat_map(|set| ["--set", set.as_str()]));
        let said = Shore::say(self, &install).await?;
        if said.code != 0 {
            return Ok(Err(wrong("the stack could not be installed", &said)));
        }
        let namespace = self.namespace_of(&exercise.0.stack)?;
        let claim = exercise.strike(self, &namespace, exercise.fault()?)?;
        Ok(Ok((namespace, claim)))
    }

    async fn data(&self, namespace: &str, claim: &str) -> Result<Data, Failure> {
        let sandbox = self.sandbox()?;
        let files = sandbox.files(namespace, claim).unwrap_or_default();
        Ok(if files.contains_key(MARKER) { Data::Saved } else { Data::Fresh })
    }
}

/// What was to be, and the last of what the program said instead.
pub(super) fn wrong(what: &str, said: &Said) -> String {
    let message = said.document.pointer("/error/message").and_then(Value::as_str).map(str::to_owned);
    let last = || said.lines.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned);
    match message.or_else(last) {
        Some(words) => format!("{what} (exit code {}): {}", said.code, words.trim()),
        None => format!("{what} (exit code {})", said.code),
    }
}
