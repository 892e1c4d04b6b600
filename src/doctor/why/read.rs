//! Reads what is needed to say something of one object: the doctor's evidence, and beside it the object itself and what concerns it.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::core::ApiResource;

use super::beside::{of_kind, of_live};
use super::fault::WhyError;
use super::names::{Asked, Kind, absent, kind_called, known, object_called};
use crate::cluster::{Cluster, Resources, discover};
use crate::doctor::evidence::{Evidence, GatherError, KEPT, Scope, gather, is_gathered};
use crate::doctor::finding::Finding;
use crate::doctor::report::{Choice, judge};
use crate::error::Explain;
use crate::object::ObjectRef;
use crate::snapshot::collect::{Query, Scope as What, collect_all};

/// How long what is read beside the evidence may take.
const BESIDE: Duration = Duration::from_secs(15);

/// Why an object cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Nothing could be read.
    #[error(transparent)]
    Gather(#[from] GatherError),
    /// It is not clear which object is meant, or it is not there.
    #[error(transparent)]
    Why(#[from] WhyError),
}

impl Explain for ReadError {
    fn id(&self) -> &'static str {
        match self {
            Self::Gather(error) => error.id(),
            Self::Why(error) => error.id(),
        }
    }

    fn class(&self) -> crate::error::Class {
        match self {
            Self::Gather(error) => error.class(),
            Self::Why(error) => error.class(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Gather(error) => error.hint(),
            Self::Why(error) => error.hint(),
        }
    }
}

/// Which object of the evidence is meant.
///
/// # Errors
/// When that is not clear.
pub fn within(asked: &Asked, evidence: &Evidence) -> Result<ObjectRef, WhyError> {
    let kinds = known(evidence);
    object_called(asked, kind_called(&asked.kind, &kinds, &[])?, "default", evidence)
}

/// Reads the evidence of a cluster, and the object that is meant with what concerns it.
///
/// # Errors
/// When nothing can be read, or it is not clear which object is meant. That the object itself is not there is not told here.
pub async fn read(cluster: &Cluster, asked: &Asked) -> Result<(ObjectRef, Evidence), ReadError> {
    let usual = cluster.client.default_namespace().to_owned();
    let scope = Scope { namespace: Some(asked.namespace.clone().unwrap_or_else(|| usual.clone())) };
    let mut evidence = gather(cluster, &scope).await?;
    let kind = find_kind(cluster, asked, &evidence).await?;
    let object = object_called(asked, &kind, &usual, &evidence)?;
    let mut resources = Resources::default();
    for definition in evidence.snapshot.of_kind("apiextensions.k8s.io", "CustomResourceDefinition") {
        resources.learn(definition);
    }
    let resource = |object: &ObjectRef| {
        let is_own = (object.group(), &object.kind) == (kind.resource.group.as_str(), &kind.resource.kind);
        if is_own {
            Some((kind.resource.clone(), kind.namespaced))
        } else {
            Some((resources.of(object)?, resources.is_namespaced(object)))
        }
    };
    let mut first = of_kind(&object);
    if evidence.snapshot.get(&object).is_none() {
        first.push(object.clone());
    }
    beside(cluster, first, &resource, &mut evidence).await;
    match evidence.snapshot.get(&object).map(of_live) {
        Some(next) => {
            let next: Vec<ObjectRef> =
                next.into_iter().filter(|one| evidence.snapshot.get(one).is_none() && !is_gathered(one)).collect();
            beside(cluster, next, &resource, &mut evidence).await;
        }
        // For the nearest name.
        None if !is_gathered(&object) && !evidence.snapshot.is_unread(&object.kind) => {
            let all = ObjectRef { name: String::new(), ..object.clone() };
            beside(cluster, vec![all], &resource, &mut evidence).await;
        }
        None => {}
    }
    Ok((object, evidence))
}

/// The kind that is meant; the API server is asked when the evidence does not know it.
async fn find_kind(cluster: &Cluster, asked: &Asked, evidence: &Evidence) -> Result<Kind, WhyError> {
    let kinds = known(evidence);
    match kind_called(&asked.kind, &kinds, &[]) {
        Err(WhyError::NoKind { .. }) => {}
        answer => return answer.cloned(),
    }
    let defined = kinds.iter().map(|kind| kind.resource.group.clone());
    // Groups of Kubernetes' own may hold kinds that not every cluster has; those of definitions are known whole.
    let defined: BTreeSet<String> =
        defined.filter(|group| !crate::kinds::is_builtin_group(&format!("{group}/v1"))).collect();
    let found =
        discover(&cluster.client, &defined).await.map_err(|error| WhyError::Discovery(crate::error::root(&error)))?;
    let all: Vec<Kind> = kinds.iter().cloned().chain(found.kinds.into_iter().map(Kind::from)).collect();
    kind_called(&asked.kind, &all, &found.silent).cloned()
}

/// Reads objects, or all of a kind where no name is given. What cannot be read is part of the evidence.
async fn beside(
    cluster: &Cluster,
    objects: Vec<ObjectRef>,
    resource: &impl Fn(&ObjectRef) -> Option<(ApiResource, bool)>,
    evidence: &mut Evidence,
) {
    let mut queries = Vec::new();
    for mut object in objects {
        let Some((resource, namespaced)) = resource(&object) else { continue };
        object.namespace = object.namespace.filter(|_| namespaced);
        let scope = if object.name.is_empty() { What::All } else { What::Named(object.name.clone()) };
        queries.push(Query { resource, namespace: object.namespace.clone(), scope });
        evidence.beside.push(object);
    }
    if queries.is_empty() {
        return;
    }
    evidence.snapshot.extend(collect_all(&cluster.client, queries, BESIDE, KEPT).await);
}

/// What is to be said of an object of the evidence, with the checks of this choice.
///
/// # Errors
/// When it is not there, or could not be read.
pub fn answer(object: &ObjectRef, evidence: &Evidence, choice: &Choice) -> Result<super::Why, WhyError> {
    let report = judge(evidence, choice);
    if let Some(answer) = super::why_in(object, evidence, &report) {
        return Ok(answer);
    }
    let told = report.findings.iter().flat_map(Finding::walk).map(|finding| finding.object.clone());
    Err(absent(object, evidence, &told.collect::<Vec<_>>()))
}
