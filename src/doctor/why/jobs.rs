//! Job and `CronJob`: how far, how it ended, when it runs next.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::case::{Case, Said, Trouble, counted, some, words};
use super::cron::Schedule;
use crate::doctor::stall::words::{seconds, span};
use crate::object::{ObjectRef, is_true, items, text};

/// A Job.
pub(super) fn job(case: &Case<'_>) -> Said {
    let count = |field: &str| case.count(&format!("/status/{field}"));
    let wanted = case.number("/spec/completions").unwrap_or(1);
    let (failed, limit) = (count("failed"), case.number("/spec/backoffLimit").unwrap_or(6));
    let took = took(case.live).map(|took| format!(" in {}", span(took))).unwrap_or_default();
    let condition = |kind: &str| case.condition(kind).filter(|one| one["status"] == "True");
    let state = if let Some(over) = condition("Failed") {
        format!("failed: {}", text(over, "/reason").unwrap_or("for a reason that is not told"))
    } else if condition("Complete").is_some() {
        format!("complete{took}")
    } else if case.live["spec"]["suspend"] == true {
        "suspended".to_owned()
    } else {
        format!("{} active, {} of {wanted} succeeded", count("active"), count("succeeded"))
    };
    let fails = (failed > 0).then(|| {
        format!(
            "{} failed; its limit is {limit} (`backoffLimit`)",
            counted(usize::try_from(failed).unwrap_or(0), "pod")
        )
    });
    let indexes = case.text("/status/failedIndexes").map(|indexes| format!("failed: {indexes}"));
    let deadline = case.number("/spec/activeDeadlineSeconds").map(|limit| format!("it may run for {}", span(limit)));
    let mut said = Said::new(state)
        .amiss("pods", fails)
        .amiss("indexes", indexes)
        .note("deadline", deadline.filter(|_| count("active") > 0));
    // The last words of a pod that failed say more than the count.
    let last = super::workloads::pods(case).into_iter().filter_map(|pod| ended(case, pod)).next_back();
    said = said.amiss("last end", last.filter(|_| failed > 0));
    said
}

fn took(job: &Value) -> Option<i64> {
    let time = |pointer| text(job, pointer)?.parse::<jiff::Timestamp>().ok();
    Some(seconds(time("/status/startTime")?, time("/status/completionTime")?))
}

/// How the containers of a pod ended that failed.
fn ended(case: &Case<'_>, pod: &Value) -> Option<String> {
    let name = text(pod, "/metadata/name").unwrap_or_default();
    items(pod, "/status/containerStatuses").find_map(|status| {
        let end = status.pointer("/state/terminated").filter(|end| end["exitCode"] != 0)?;
        let ago = case.ago(end, "/finishedAt").unwrap_or_default();
        let code = end["exitCode"].as_i64().unwrap_or(0);
        let reason = text(end, "/reason").filter(|reason| *reason != "Error").map(|reason| format!(" ({reason})"));
        Some(format!("pod {name}: exit code {code}{} {ago}", reason.unwrap_or_default()))
    })
}

/// A `CronJob`.
pub(super) fn cron_job(case: &Case<'_>) -> Said {
    let schedule = case.text("/spec/schedule").unwrap_or_default();
    let zone = case.text("/spec/timeZone");
    let parsed = Schedule::parse(schedule);
    let suspended = case.live["spec"]["suspend"] == true;
    let next = next(case, parsed.as_ref(), zone);
    let state = match (&next, suspended) {
        (_, true) => format!("suspended, schedule `{schedule}`"),
        (Ok(next), _) => format!("schedule `{schedule}`, next run {next}"),
        (Err(_), _) => format!("schedule `{schedule}`"),
    };
    let mut jobs: Vec<&Value> = case.snapshot().owned_by(case.live).filter(|job| job["kind"] == "Job").collect();
    jobs.sort_by_key(|job| std::cmp::Reverse(text(job, "/metadata/creationTimestamp").map(str::to_owned)));
    let last = jobs.first().map(|job| run(case, job));
    let never = || case.ago(case.live, "/status/lastScheduleTime").map(|ago| format!("{ago}, its Job is not kept"));
    let last = last.or_else(never).unwrap_or_else(|| "none yet".to_owned());
    let good = case.ago(case.live, "/status/lastSuccessfulTime").unwrap_or_else(|| "none known".to_owned());
    let is_failed = jobs.first().is_some_and(|job| is_true(job, "Failed"));
    let active: Vec<String> =
        case.items("/status/active").filter_map(|job| text(job, "/name")).map(str::to_owned).collect();
    let forbids = case.text("/spec/concurrencyPolicy") == Some("Forbid") && !active.is_empty();
    let forbids = forbids.then(|| "the next run waits for it (`concurrencyPolicy: Forbid`)".to_owned());
    let mut said = Said::new(state);
    said = if is_failed { said.amiss("last run", last) } else { said.note("last run", last) };
    said = said
        .note("last good", is_failed.then_some(good))
        .note("runs", (!active.is_empty()).then(|| some(&active)))
        .note("runs", forbids);
    if let (Err(why), false) = (&next, suspended) {
        said = said.note("next run", (*why).to_owned());
    }
    let refused = parsed.is_none() && !schedule.starts_with("@every");
    let trouble = refused.then(|| {
        Trouble::new(format!("its schedule `{schedule}` cannot be read: it never runs")).fix(format!(
            "Give it five fields: `kubectl edit cronjob {}{}`.",
            case.object.name,
            case.flag()
        ))
    });
    let failed = jobs.first().filter(|_| is_failed).and_then(|job| {
        let over = items(job, "/status/conditions").find(|one| one["type"] == "Failed")?;
        let root = ObjectRef::of(job)?;
        let fix = format!("See what it said: `kubectl logs job/{}{}`.", root.name, case.flag());
        Some(Trouble::new(format!("its last run failed: {}", words(over))).fix(fix).root(root))
    });
    said.wrong(trouble).wrong(failed)
}

fn run(case: &Case<'_>, job: &Value) -> String {
    let name = text(job, "/metadata/name").unwrap_or_default();
    let ago =
        case.ago(job, "/status/startTime").or_else(|| case.ago(job, "/metadata/creationTimestamp")).unwrap_or_default();
    let how = if is_true(job, "Failed") {
        "failed".to_owned()
    } else if is_true(job, "Complete") {
        took(job).map_or_else(|| "complete".to_owned(), |took| format!("complete in {}", span(took)))
    } else {
        "not ended".to_owned()
    };
    format!("{ago} ({name}): {how}")
}

/// When it runs next, or why that cannot be told.
fn next(case: &Case<'_>, schedule: Option<&Schedule>, zone: Option<&str>) -> Result<String, &'static str> {
    let schedule = schedule.ok_or("not known: the schedule has no times")?;
    // The controller's own zone is that of the control plane's machines: UTC nearly everywhere.
    let tz = match zone {
        Some(name) => TimeZone::get(name).map_err(|_| "not known: this machine has no table of the time zone")?,
        None => TimeZone::UTC,
    };
    let now = case.evidence.taken;
    let next = schedule.next(now, &tz).ok_or("never: no day fits the schedule")?;
    let at = next.to_zoned(tz).strftime("%F %H:%M").to_string();
    Ok(format!("in {} ({at} {})", span(seconds(now, next)), zone.unwrap_or("UTC")))
}
