//! A real cluster as the place of an exercise: a namespace in which losses may be made, with the stack installed.

use std::ffi::OsString;
use std::time::Duration;

use jiff::Timestamp;
use seaworthy::cluster::Cluster;
use seaworthy::engine::rescue::practice;
use seaworthy::object::ObjectRef;
use seaworthy::recover::compile::claim_of_role;
use seaworthy::recover::drill::Data;
use seaworthy::recover::{Sighting, look};
use tokio::time::{Instant, sleep};

use super::exercise::{Exercise, Place, wrong};
use super::shore::{self, Said};
use crate::cli::namespace::known_namespace;
use crate::cli::{Failure, Session};

/// How long a loss may take until it is certain: controllers have to see it.
const RECOGNISED: Duration = Duration::from_secs(180);
/// Between two looks of the program.
const LOOK: Duration = Duration::from_secs(2);

/// The namespace.
pub(super) struct Ground<'a> {
    session: &'a Session,
    cluster: Cluster,
    namespace: String,
    /// What only this drill writes.
    word: String,
}

impl<'a> Ground<'a> {
    /// Connects, and asks whether losses may be made there; the name of the cluster has to be typed.
    pub(super) async fn new(session: &'a Session, namespace: &str, consent: Option<&str>) -> Result<Self, Failure> {
        let cluster = session.connect().await?;
        known_namespace(&cluster, namespace).await?;
        practice::allowed(&cluster.client, namespace).await?;
        let wanted = format!("{}/{namespace}", cluster.id.context);
        if consent != Some(wanted.as_str()) {
            let message = format!(
                "a drill loses data on purpose, in namespace {namespace} of cluster {}; nothing was done yet",
                cluster.id.context
            );
            return Err(Failure::input(
                "drill-consent",
                message,
                format!("agree to that by its name: --consent={wanted}"),
            ));
        }
        let word = format!("seaworthy drill {}", Timestamp::now().strftime("%Y%m%d%H%M%S"));
        Ok(Self { session, cluster, namespace: namespace.to_owned(), word })
    }

    async fn sight(&self) -> Result<Sighting, Failure> {
        let seen = look::sight(&self.cluster, Some(&self.namespace), Vec::new()).await;
        seen.map_err(|error| Failure::kube(&error))
    }

    async fn recognised(&self, exercise: &Exercise, claim: &ObjectRef) -> Result<Result<(), String>, Failure> {
        let deadline = Instant::now() + RECOGNISED;
        loop {
            let said = self.say(&["recover", "--namespace", &self.namespace]).await?;
            if exercise.loss_in(&said.document, claim).is_some() {
                return Ok(Ok(()));
            }
            if Instant::now() >= deadline {
                return Ok(Err(wrong("the loss was not recognised", &said)));
            }
            // Each look is a run of the program; nothing tells when controllers have seen what was done.
            sleep(LOOK).await;
        }
    }
}

impl Place for Ground<'_> {
    async fn say(&self, words: &[&str]) -> Result<Said, Failure> {
        let mut place: Vec<OsString> = Vec::new();
        if let Some(kubeconfig) = &self.session.globals.kubeconfig {
            place.extend(["--kubeconfig".into(), kubeconfig.into()]);
        }
        // The one that was agreed to, whatever the current one is meanwhile.
        place.extend(["--context".into(), OsString::from(&self.cluster.id.context)]);
        shore::say(self.session, &place, &self.session.state_dir()?, words).await
    }

    async fn made(&self, exercise: &Exercise) -> Result<Result<(String, ObjectRef), String>, Failure> {
        let role = exercise.0.claim.as_ref().ok_or(practice::PracticeError::NotHere(exercise.0.loss))?;
        let said = self.say(&["status", &exercise.0.stack, "--namespace", &self.namespace]).await?;
        if said.code != 0 {
            return Ok(Err(wrong("the stack is not well beforehand", &said)));
        }
        let sighting = self.sight().await?;
        let claim = claim_of_role(&sighting, &self.namespace, role)?;
        practice::mark(&self.cluster.client, &sighting.snapshot, &claim, &self.word).await?;
        // What is there when it is well is taken down, so that it is missed.
        let said = self.say(&["recover", "--namespace", &self.namespace]).await?;
        if said.code != 0 {
            return Ok(Err(wrong("something is lost beforehand", &said)));
        }
        practice::strike(&self.cluster.client, &sighting.snapshot, &claim, exercise.0.loss).await?;
        Ok(self.recognised(exercise, &claim).await?.map(|()| (self.namespace.clone(), claim)))
    }

    async fn data(&self, _: &str, claim: &str) -> Result<Data, Failure> {
        let sighting = self.sight().await?;
        let claim = seaworthy::recover::join::claim_ref(&self.namespace, claim);
        let marked = practice::is_marked(&self.cluster.client, &sighting.snapshot, &claim, &self.word).await?;
        Ok(if marked { Data::Saved } else { Data::Fresh })
    }
}
