//! What limits others: quotas, limit ranges, priorities.

use serde_json::Value;

use super::case::{Case, Said, counted, newest_first, plain, some};
use crate::object::{ObjectRef, text};
use crate::stack::quantity;

/// A `ResourceQuota`.
pub(super) fn quota(case: &Case<'_>) -> Said {
    let hard = case.live.pointer("/status/hard").or_else(|| case.live.pointer("/spec/hard")).and_then(Value::as_object);
    let mut full = Vec::new();
    let mut used = Vec::new();
    for (resource, hard) in hard.into_iter().flatten() {
        let hard = plain(hard);
        let has = case.live["status"]["used"].get(resource).map_or_else(|| "0".to_owned(), plain);
        let share = quantity::parse(&has).zip(quantity::parse(&hard)).filter(|(_, hard)| *hard > 0);
        let share = share.map_or(100, |(has, hard)| has.saturating_mul(100) / hard);
        used.push((share, format!("{resource} {has} of {hard}")));
        if share >= 100 {
            full.push(resource.as_str());
        }
    }
    used.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let lines: Vec<&str> = used.iter().map(|(_, line)| line.as_str()).collect();
    let state = if full.is_empty() { "not used up".to_owned() } else { format!("used up: {}", some(&full)) };
    Said::new(state).amiss("refused", refused(case)).note("used", (!lines.is_empty()).then(|| some(&lines)))
}

/// Who was refused because of it, by the newest Event that says so.
fn refused(case: &Case<'_>) -> Option<String> {
    let mark = format!("exceeded quota: {},", case.object.name);
    let events = case.snapshot().in_namespace("", "Event", case.namespace());
    let events =
        newest_first(events.filter(|event| text(event, "/message").is_some_and(|said| said.contains(&mark))).collect());
    let first = events.first()?;
    let who = format!("{}/{}", text(first, "/involvedObject/kind")?, text(first, "/involvedObject/name")?);
    let time = super::case::event_time(first)?.parse::<jiff::Timestamp>().ok()?;
    let ago = crate::doctor::stall::words::span(crate::doctor::stall::words::seconds(time, case.evidence.taken));
    let others = events
        .iter()
        .filter_map(|event| text(event, "/involvedObject/name"))
        .collect::<std::collections::BTreeSet<_>>()
        .len()
        - 1;
    let others = if others == 0 { String::new() } else { format!(" and {others} more") };
    Some(format!("{who}{others}, {ago} ago"))
}

/// A `LimitRange`.
pub(super) fn range(case: &Case<'_>) -> Said {
    let mut said = Said::default();
    let mut kinds = Vec::new();
    for limit in case.items("/spec/limits") {
        let kind = text(limit, "/type").unwrap_or("Container");
        kinds.push(kind);
        for (field, word) in [
            ("defaultRequest", "asks for, unless it says"),
            ("default", "may have, unless it says"),
            ("min", "has to ask for at least"),
            ("max", "may have at most"),
            ("maxLimitRequestRatio", "may have so many times what it asks for, at most"),
        ] {
            let map = limit.get(field).and_then(Value::as_object).filter(|map| !map.is_empty());
            let parts =
                map.map(|map| map.iter().map(|(key, value)| format!("{key} {}", plain(value))).collect::<Vec<_>>());
            said = said.note("limit", parts.map(|parts| format!("a {kind} {word}: {}", parts.join(", "))));
        }
    }
    kinds.dedup();
    said.state =
        Some(format!("limits each {}", if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(" and ") }));
    said
}

/// A `PriorityClass`.
pub(super) fn priority(case: &Case<'_>) -> Said {
    let pods = case.snapshot().of_kind("", "Pod");
    let pods = pods.filter(|pod| text(pod, "/spec/priorityClassName") == Some(&case.object.name)).count();
    let default = if case.live["globalDefault"] == true { ", the default" } else { "" };
    let never = case.text("/preemptionPolicy") == Some("Never");
    let says = (!never).then(|| "its pods may take the place of pods with a lower priority".to_owned());
    Said::new(format!("priority {}{default}, {}", case.count("/value"), counted(pods, "pod"))).note("preemption", says)
}

/// A `RuntimeClass`.
pub(super) fn runtime(case: &Case<'_>) -> Said {
    let pods = case.snapshot().of_kind("", "Pod");
    let pods = pods.filter(|pod| text(pod, "/spec/runtimeClassName") == Some(&case.object.name)).count();
    Said::new(format!("handler {}, {}", case.text("/handler").unwrap_or("none"), counted(pods, "pod")))
}

/// The namespace's own quotas, by name.
pub(super) fn of_namespace(case: &Case<'_>) -> Vec<String> {
    let all = case.snapshot().in_namespace("", "ResourceQuota", &case.object.name);
    all.filter_map(ObjectRef::of).map(|quota| quota.name).collect()
}
