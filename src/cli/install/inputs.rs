//! What a plan is made from, and what is remembered of it.

use seaworthy::engine::journal::{Inputs, RunRecord};
use seaworthy::engine::record::{InstallRecord, applied};
use seaworthy::plan::install::{Desired, Policy};
use seaworthy::plan::{self, Installation};

use super::{InstallArgs, OnConflict};
use crate::cli::choose::Chosen;

pub(super) fn policy(arguments: &InstallArgs) -> Policy {
    Policy {
        conflicts: arguments.on_conflict.map(conflict_choice),
        adopt: arguments.adopt,
        recreate: arguments.recreate,
    }
}

/// `--on-conflict`, as plans have it.
pub(in crate::cli) fn conflict_choice(choice: OnConflict) -> plan::Choice {
    match choice {
        OnConflict::Keep => plan::Choice::Keep,
        OnConflict::Take => plan::Choice::Take,
        OnConflict::Stop => plan::Choice::Stop,
    }
}

pub(super) fn inputs(chosen: &Chosen, policy: Policy) -> Inputs {
    let Installation { version, release, profile, .. } = chosen.installation.clone();
    Inputs {
        binary: env!("CARGO_PKG_VERSION").to_owned(),
        stack_version: version,
        release,
        profile,
        values: chosen.values.without_secrets(),
        chosen: chosen.values.chosen().clone(),
        registry: chosen.registry.clone(),
        pull_secret: chosen.pull_secret.clone(),
        login: chosen.login,
        stand_ins: chosen.stand_ins,
        chart: None,
        policy,
    }
}

/// What is wanted, and what was applied before.
pub(super) fn desired(chosen: &Chosen, record: Option<&InstallRecord>, latest: Option<&RunRecord>) -> Desired {
    Desired {
        objects: chosen.objects.clone(),
        namespace_labels: chosen.namespace_labels.clone(),
        after: chosen.after.clone(),
        reach: chosen.reach.clone(),
        inventory: applied(record, latest),
    }
}
