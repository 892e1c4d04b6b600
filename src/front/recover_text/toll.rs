//! What a plan costs while it runs: who is down, where a backup goes, and what becomes of the bytes of volumes.

use seaworthy::object::{ObjectRef, printable};
use seaworthy::plan::verb::{Tend, Verb};
use seaworthy::plan::{Plan, Purpose, Step};

/// What becomes of the bytes of the volumes that a plan is about.
pub(super) fn bytes_text(plan: &Plan) -> &'static str {
    let any = |is_one: fn(&Verb) -> bool| plan.steps.iter().filter_map(Step::verb).any(is_one);
    if any(|verb| matches!(verb, Verb::Tend { act: Tend::Erase { .. }, .. })) {
        "; what is on the volume is erased"
    } else if any(|verb| matches!(verb, Verb::Keep { .. })) {
        "; the bytes of the volumes are kept"
    } else {
        ""
    }
}

/// Where a backup goes, and of which moment it is.
pub(super) fn backup_lines(plan: &Plan) -> Vec<String> {
    let Some((folder, head)) = plan.sealed() else { return Vec::new() };
    let moment = match (head.consistent, head.claims.is_empty()) {
        (true, _) => "one: what writes is stopped while it is copied",
        (false, true) => "no files of volumes are copied",
        (false, false) => {
            "live: what is written meanwhile may be cut off, and files may not fit together (--consistent stops what writes)"
        }
    };
    vec![format!("  written to {}", printable(folder)), format!("  moment     {moment}")]
}

/// The workloads that a plan stops, each with the steps at which it is stopped and started.
pub(super) fn stopped(plan: &Plan) -> impl Iterator<Item = (&ObjectRef, usize, Option<usize>)> {
    let scaled = |from: usize, name: &ObjectRef, zero: bool| {
        let later = plan.steps.iter().enumerate().skip(from);
        later.filter_map(|(at, step)| Some((at, step.verb()?))).find_map(|(at, verb)| match verb {
            Verb::Scale { workload, to, .. } if workload.object == *name && (*to == 0) == zero => Some(at),
            _ => None,
        })
    };
    plan.steps.iter().enumerate().filter_map(move |(at, step)| match step.verb()? {
        Verb::Scale { workload, to: 0, .. } => Some((&workload.object, at, scaled(at, &workload.object, false))),
        _ => None,
    })
}

/// Who is down meanwhile.
pub(super) fn down_lines(plan: &Plan) -> Vec<String> {
    let line = |(workload, from, to): (&ObjectRef, usize, Option<usize>)| {
        let to = to.map_or_else(|| "on; it is not started again".to_owned(), |to| format!("to {}", to + 1));
        format!("  down       {}, from step {} {to}", printable(&workload.to_string()), from + 1)
    };
    match plan.purpose {
        Purpose::Recover | Purpose::Backup if stopped(plan).next().is_none() => {
            vec!["  down       nothing is stopped".to_owned()]
        }
        _ => stopped(plan).map(line).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn plan(purpose: &str, verbs: &[Value]) -> Plan {
        let step = |(at, verb): (usize, &Value)| {
            json!({"id": at.to_string(), "title": "x", "change": {"kind": "observe"},
            "action": {"do": "rescue", "limit": 1, "verb": verb}})
        };
        let steps: Vec<Value> = verbs.iter().enumerate().map(step).collect();
        serde_json::from_value(json!({"purpose": purpose,
            "installation": {"stack": "shop", "version": "1", "namespace": "n", "release": "shop", "profile": "ha"},
            "cluster": {"context": "dev", "server": "s", "uid": "u"}, "steps": steps}))
        .unwrap()
    }

    fn scale(to: i64) -> Verb {
        let object = ObjectRef::new("apps/v1", "Deployment", Some("n"), "web");
        let workload = seaworthy::plan::verb::Pinned { object, uid: "u".to_owned() };
        Verb::Scale { workload, to, original: 1 }
    }

    #[test]
    fn who_is_down_and_for_how_many_steps_is_told() {
        let of = |verbs: &[Verb]| {
            let verbs: Vec<Value> = verbs.iter().map(|verb| serde_json::to_value(verb).unwrap()).collect();
            down_lines(&plan("recover", &verbs))
        };
        assert_eq!(of(&[scale(0), scale(1)]), ["  down       Deployment/n/web, from step 1 to 2"]);
        assert_eq!(of(&[scale(0)]), ["  down       Deployment/n/web, from step 1 on; it is not started again"]);
        assert_eq!(of(&[]), ["  down       nothing is stopped"]);
    }
}
