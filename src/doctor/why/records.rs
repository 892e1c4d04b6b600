//! Namespaces, and what tells of others: Leases, Events, revisions.

use std::collections::BTreeMap;

use super::case::{Case, Said, Trouble, counted, some, words};
use crate::doctor::stall::words::span;
use crate::object::{ObjectRef, text};

/// A Namespace.
pub(super) fn namespace(case: &Case<'_>) -> Said {
    let phase = case.text("/status/phase").unwrap_or("Active");
    let own = |object: &&serde_json::Value| text(object, "/metadata/namespace") == Some(case.object.name.as_str());
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    let mut going: Vec<String> = Vec::new();
    for object in case.snapshot().objects().filter(own).filter(|object| object["kind"] != "Event") {
        *kinds.entry(text(object, "/kind").unwrap_or_default()).or_default() += 1;
        if object["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty()) {
            going.extend(ObjectRef::of(object).map(|object| object.short()));
        }
    }
    let mut counts: Vec<(usize, &str)> = kinds.into_iter().map(|(kind, count)| (count, kind)).collect();
    counts.sort_by(|a, b| b.cmp(a));
    let counts: Vec<String> = counts.into_iter().map(|(count, kind)| super::case::counted(count, kind)).collect();
    let quotas = super::limits::of_namespace(case);
    let level = case.live["metadata"]["labels"]["pod-security.kubernetes.io/enforce"].as_str();
    let mut said = Said::new(phase);
    if case.text("/metadata/deletionTimestamp").is_some() {
        // What the namespace controller could not do, in its own words.
        for condition in case.items("/status/conditions").filter(|one| one["status"] == "True") {
            said = said
                .amiss("condition", format!("{}: {}", text(condition, "/type").unwrap_or_default(), words(condition)));
        }
        said = said.amiss("held by", (!going.is_empty()).then(|| some(&going)));
    }
    said.note("holds", (!counts.is_empty()).then(|| some(&counts)))
        .note("quotas", (!quotas.is_empty()).then(|| some(&quotas)))
        .note("pod security", level.map(|level| format!("enforces {level}")))
}

/// A Lease.
pub(super) fn lease(case: &Case<'_>) -> Said {
    let holder = case.text("/spec/holderIdentity");
    let lasts = case.number("/spec/leaseDurationSeconds").unwrap_or(0);
    let renewed = case.evidence.since(case.live, "/spec/renewTime");
    let state = match (holder, renewed) {
        (None, _) => "held by nobody".to_owned(),
        (Some(holder), None) => format!("held by {holder}"),
        (Some(holder), Some(age)) if age > lasts => {
            format!("run out: {holder} renewed it {} ago, for {lasts} s", span(age))
        }
        (Some(holder), Some(age)) => format!("held by {holder}, renewed {} ago", span(age)),
    };
    let is_over = holder.is_some() && renewed.is_some_and(|age| age > lasts);
    let changes =
        case.number("/spec/leaseTransitions").filter(|count| *count > 0).map(|count| format!("{count} times"));
    let trouble = is_over.then(|| {
        Trouble::new(format!(
            "its holder {} is silent: it ended, or does not reach the API server",
            holder.unwrap_or_default()
        ))
        .fix("Look after the program that held it; whoever is left takes it over by itself.")
    });
    Said::new(state).note("changed hands", changes).wrong(trouble)
}

/// An Event.
pub(super) fn event(case: &Case<'_>) -> Said {
    let part = |pointer| case.text(pointer).unwrap_or_default();
    // `events.k8s.io` has other names for the same.
    let at = if case.live.get("regarding").is_some() { "/regarding" } else { "/involvedObject" };
    let (kind, name) = (format!("{at}/kind"), format!("{at}/name"));
    let about = format!("{}/{}", part(&kind), part(&name));
    let said = case.text("/message").or_else(|| case.text("/note")).unwrap_or_default();
    let count = case.number("/series/count").or_else(|| case.number("/count")).filter(|count| *count > 1);
    let count = count.map(|count| format!(", {count} times")).unwrap_or_default();
    let time = super::case::event_time(case.live).and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let ago = time
        .map(|time| format!(", last {} ago", span(crate::doctor::stall::words::seconds(time, case.evidence.taken))));
    let by = case
        .text("/source/component")
        .or_else(|| case.text("/reportingComponent"))
        .or_else(|| case.text("/reportingController"));
    Said::new(format!("{} {} of {about}{count}{}", part("/type"), part("/reason"), ago.unwrap_or_default()))
        .note("says", said.to_owned())
        .note("by", by.map(str::to_owned))
        .note("about", Some(format!("`seaworthy why {about}{}` tells of that object", case.flag())))
}

/// A `ControllerRevision`.
pub(super) fn revision(case: &Case<'_>) -> Said {
    let owner = super::owners::owners(case.live).next().map(|owner| format!(" of {}", owner.short()));
    Said::new(format!("revision {}{}", case.count("/revision"), owner.unwrap_or_default()))
}

/// A `ServiceCIDR`.
pub(super) fn addresses(case: &Case<'_>) -> Said {
    let ranges: Vec<&str> = case.items("/spec/cidrs").filter_map(serde_json::Value::as_str).collect();
    Said::new(format!("{} for Services: {}", counted(ranges.len(), "range"), ranges.join(", ")))
}
