//! Hooks: what helm runs by itself on the way, keeps apart from the objects of a release, and leaves there when the release goes. Pure.

use serde_json::Value;

use super::Release;
use super::manifest::{Manifest, events};
use crate::object::{ObjectRef, text};
use crate::plan::FieldChange;
use crate::plan::difference::difference;

/// Says when helm takes away what a hook has made.
const POLICY: &str = "/metadata/annotations/helm.sh~1hook-delete-policy";

/// In what the hooks of a chart differ from those of a release, as far as helm would do something else for it: a hook that an upgrade runs, and one that
/// is run when the release goes. What is run at the first install alone is over.
pub fn changes(wanted: &Manifest, there: &Release) -> Vec<FieldChange> {
    let relevant = |hook: &&Value| events(hook).iter().any(|event| !event.ends_with("-install"));
    let mut gone: Vec<&Value> = there.manifest.hooks.iter().collect();
    let mut changes = Vec::new();
    for hook in &wanted.hooks {
        let Some(about) = about(hook) else { continue };
        let before = gone.iter().position(|before| is_same(before, hook, there.revision)).map(|at| gone.remove(at));
        if !(relevant(&hook) || before.is_some_and(|before| relevant(&before))) {
            continue;
        }
        let Some(before) = before else {
            changes.push(FieldChange { path: about, now: None, wanted: Some("created".into()) });
            continue;
        };
        let mut before = before.clone();
        forgive(&mut before["metadata"], &hook["metadata"], there.revision);
        let template = "/spec/template/metadata";
        if let (Some(before), Some(wanted)) = (before.pointer_mut(template), hook.pointer(template)) {
            forgive(before, wanted, there.revision);
        }
        let fields = difference(&before, hook).into_iter();
        changes.extend(fields.map(|change| FieldChange { path: format!("{about} {}", change.path), ..change }));
    }
    // One that the first install alone renders is gone in every upgrade.
    let farewells = gone.into_iter().filter(|hook| is_farewell(hook)).filter_map(about);
    changes.extend(farewells.map(|path| FieldChange { path, now: Some("there".into()), wanted: None }));
    changes
}

/// `hook Job/sea/migrate (pre-upgrade)`.
fn about(hook: &Value) -> Option<String> {
    Some(format!("hook {} ({})", ObjectRef::of(hook)?, events(hook).join(", ")))
}

/// Whether helm runs it when the release goes.
pub fn is_farewell(hook: &Value) -> bool {
    events(hook).iter().any(|event| event.ends_with("-delete"))
}

/// Whether helm takes away what it has made once it ended well.
pub fn goes_by_itself(hook: &Value) -> bool {
    text(hook, POLICY).is_some_and(|policy| policy.split(',').any(|word| word.trim() == "hook-succeeded"))
}

fn is_same(there: &Value, wanted: &Value, revision: u64) -> bool {
    let part = |hook: &Value, pointer| text(hook, pointer).unwrap_or_default().to_owned();
    let same = |pointer| part(there, pointer) == part(wanted, pointer);
    let names = (part(there, "/metadata/name"), part(wanted, "/metadata/name"));
    same("/kind") && same("/metadata/namespace") && is_said_of(&names.0, &names.1, revision)
}

/// A chart is rendered as revision 1 (`.Release.Revision`), and the record is of the revision that it is: names and labels that differ in nothing else are
/// taken to be the same.
fn forgive(there: &mut Value, wanted: &Value, revision: u64) {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            for (name, there) in there {
                if let Some(wanted) = wanted.get(name) {
                    forgive(there, wanted, revision);
                }
            }
        }
        (Value::String(there), Value::String(wanted)) if is_said_of(there, wanted, revision) => {
            there.clone_from(wanted);
        }
        _ => {}
    }
}

/// Whether two texts are the same but for the number of the revision.
fn is_said_of(there: &str, wanted: &str, revision: u64) -> bool {
    let (there, wanted, revision) = (runs(there), runs(wanted), revision.to_string());
    let same = |(there, wanted): (&&str, &&str)| there == wanted || (*there == revision.as_str() && *wanted == "1");
    there.len() == wanted.len() && there.iter().zip(&wanted).all(same)
}

/// A text in runs of digits and of everything else.
fn runs(text: &str) -> Vec<&str> {
    let (mut runs, mut from, mut before) = (Vec::new(), 0, None);
    for (at, c) in text.char_indices() {
        let digit = c.is_ascii_digit();
        if before.is_some_and(|before| before != digit) {
            runs.push(&text[from..at]);
            from = at;
        }
        before = Some(digit);
    }
    runs.push(&text[from..]);
    runs
}

#[cfg(test)]
mod tests {
    use super::super::release::testing::releases;
    use super::*;

    fn hook(name: &str, events: &str, seconds: u64) -> String {
        format!(
            "---\napiVersion: batch/v1\nkind: Job\nmetadata: {{name: {name}, namespace: sea, labels: {{of: v{seconds}}}, annotations: {{helm.sh/hook: '{events}'}}}}\n\
             spec: {{activeDeadlineSeconds: {seconds}}}\n"
        )
    }

    fn told(wanted: &str, there: &str, revision: u64) -> Vec<String> {
        let mut release = releases(&[(revision, "deployed")]).0.remove(0);
        release.manifest = Manifest::read(there).unwrap();
        let changes = changes(&Manifest::read(wanted).unwrap(), &release);
        let shown = |value: Option<Value>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        changes.into_iter().map(|it| format!("{}: {} {}", it.path, shown(it.now), shown(it.wanted))).collect()
    }

    #[test]
    fn a_hook_that_an_upgrade_runs_or_that_goes_with_the_release_counts() {
        let both = "post-install,post-upgrade";
        let job = hook("migrate", both, 5);
        assert!(told(&job, &job, 1).is_empty());
        let about = "hook Job/sea/migrate (post-install, post-upgrade)";
        assert_eq!(told(&job, "", 1), [format!("{about}: - \"created\"")]);
        assert_eq!(
            told(&hook("migrate", both, 6).replace("v6", "v5"), &job, 1),
            [format!("{about} spec.activeDeadlineSeconds: 5 6")]
        );
        assert!(told("", &job, 1).is_empty(), "there is nothing to run");
        let first = hook("seed", "pre-install", 5);
        assert!(told(&first, "", 1).is_empty() && told(&hook("seed", "pre-install", 6), &first, 1).is_empty());
        let bye = hook("bye", "pre-delete", 5);
        assert_eq!(told(&bye, "", 1), ["hook Job/sea/bye (pre-delete): - \"created\""]);
        assert_eq!(told("", &bye, 1), ["hook Job/sea/bye (pre-delete): \"there\" -"]);
        // From one that is over to one that is run again.
        assert_eq!(told(&hook("seed", "pre-install,pre-upgrade", 5), &first, 1).len(), 1);
    }

    #[test]
    fn the_number_of_the_revision_is_no_difference_and_every_other_is() {
        let (at, of) = (|name: &str, label: u64| hook(name, "pre-upgrade", 5).replace("v5", &format!("v{label}")), 3);
        assert!(told(&at("migrate-1", 1), &at("migrate-3", 3), of).is_empty());
        assert!(
            told(&at("migrate-1", 3), &at("migrate-3", 3), of).is_empty(),
            "a number that only happens to be the same"
        );
        assert_eq!(told(&at("migrate-1", 2), &at("migrate-3", 3), of).len(), 1);
        assert_eq!(told(&at("migrate-2", 1), &at("migrate-3", 3), of).len(), 1, "another hook");
        // In what it does, a number is what it says.
        let (now, was) = (
            hook("m", "pre-upgrade", 1).replace("of: v1", "of: v"),
            hook("m", "pre-upgrade", 3).replace("of: v3", "of: v"),
        );
        assert_eq!(told(&now, &was, of).len(), 1);
    }

    #[test]
    fn what_goes_by_itself_is_told_by_its_policy() {
        let with = |policy: &str| {
            let text = hook("m", "pre-delete", 5)
                .replace("annotations: {", &format!("annotations: {{helm.sh/hook-delete-policy: '{policy}', "));
            let hook = Manifest::read(&text).unwrap().hooks.remove(0);
            (is_farewell(&hook), goes_by_itself(&hook))
        };
        assert_eq!(with("before-hook-creation, hook-succeeded"), (true, true));
        assert_eq!(with("before-hook-creation"), (true, false));
    }
}
