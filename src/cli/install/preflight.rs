//! What stands in the way of a plan: what refuses it, and what is only warned of.

use seaworthy::cluster::{Cluster, Resources};
use seaworthy::error::closest;
use seaworthy::plan::Plan;
use seaworthy::preflight::{self, Objection, Subject};
use seaworthy::prepare::Prepared;
use seaworthy::prepare::needs::{self, shortfalls};
use seaworthy::prepare::sharing::{self, Shares, Sharing};

use crate::cli::choose::Chosen;
use crate::cli::{Failure, Session};

/// What refuses goes to the plan, unless its check is ignored; the rest warns.
pub(super) fn sort(
    (mut warnings, objections): (Vec<String>, Vec<Objection>),
    prepared: &mut Prepared,
    ignored: &[String],
) -> Vec<String> {
    for objection in objections {
        if objection.refuses && !ignored.iter().any(|check| check == objection.check) {
            prepared.refusals.push(objection.cause());
        } else {
            warnings.push(objection.to_string());
        }
    }
    warnings
}

/// What the cluster does not have of what the profile needs, and what is in the way of the plan. What is short may come; what cannot
/// succeed is refused, unless the check that says so is ignored.
pub(super) async fn judge(
    session: &Session,
    cluster: &Cluster,
    chosen: &Chosen,
    (plan, resources): (&Plan, &Resources),
    ignored: &[String],
) -> Result<(Vec<String>, Vec<Objection>), Failure> {
    let shares = Shares::of_plan(plan, chosen.shared_class.clone());
    let picture = needs::picture(cluster, plan, &chosen.needs, &shares).await.map_err(|error| Failure::kube(&error))?;
    if let Some(picture) = picture.as_ref().filter(|_| !shares.claims.is_empty()) {
        let sharing = sharing::sharing(cluster, picture, session.shore()).await;
        refuse_unshared(&sharing, &shares, &plan.installation.profile)?;
    }
    let short = shortfalls(cluster, plan, &chosen.needs, picture.as_ref()).await;
    let warnings = short.map_err(|error| Failure::kube(&error))?;
    let subject = Subject { plan, kubernetes: chosen.kubernetes.as_deref() };
    // Whom nobody believes nobody needs to ask.
    let registries = session.registries().filter(|_| !ignored.iter().any(|check| check == "images"));
    let around = preflight::look(cluster, subject, resources, picture.as_ref(), registries.as_ref()).await;
    let objections = preflight::judge(subject, &around.map_err(|error| Failure::kube(&error))?);
    Ok((warnings, objections))
}

/// Reads `--ignore`: the name of a check.
pub(in crate::cli) fn check_name(text: &str) -> Result<String, String> {
    let names = || preflight::CHECKS.iter().map(|(name, _)| *name);
    if names().any(|name| name == text) {
        return Ok(text.to_owned());
    }
    let meant = closest(text, names()).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
    Err(format!("there is no check `{text}`{meant} Checks are {}", names().collect::<Vec<_>>().join(", ")))
}

/// Refuses a profile that shares volumes nobody can make.
pub(in crate::cli) fn refuse_unshared(sharing: &Sharing, shares: &Shares, profile: &str) -> Result<(), Failure> {
    let objections = sharing.objections(shares);
    if objections.is_empty() {
        return Ok(());
    }
    let message = format!(
        "profile {profile} wants volumes that several nodes write to, and nobody can make them; nothing was written"
    );
    Err(Failure::input("no-shared-volumes", message, sharing.remedy(shares)).because(objections))
}
