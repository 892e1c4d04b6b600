//! What the built-in stacks make of which values: names and labels that recovery finds things by, and rules that refuse.

mod distributed_notebook;
mod exadeploy;
mod geodata;
mod hello;
mod newton_v2t;
mod telemetry_pipeline;

use seaworthy::stack::values::Text;
use seaworthy::stack::{Catalogue, Choices, Severity, Stack};
use serde_json::Value;

/// A built-in stack.
fn stack(name: &str) -> Stack {
    Catalogue::default().get(name).unwrap()
}

/// The stack's example in a profile, with something set.
fn example(profile: &str, set: &[&str]) -> Choices {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    Choices { profile: Some(profile.to_owned()), example: true, set, ..Choices::default() }
}

/// All objects that it makes of its example.
fn objects(stack: &Stack, profile: &str, set: &[&str]) -> Vec<Value> {
    let prepared = stack.prepare(&example(profile, set), &stack.release(None, None));
    prepared.unwrap_or_else(|error| panic!("{set:?}: {error}")).objects.into_iter().map(|made| made.object).collect()
}

/// The object `Kind/name` among them.
#[track_caller]
fn object<'a>(objects: &'a [Value], title: &str) -> &'a Value {
    objects.iter().find(|object| self::title(object) == title).unwrap_or_else(|| panic!("no {title}"))
}

fn title(object: &Value) -> String {
    format!("{}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
}

/// What is said about the example with this set, in a profile: `path: message`, warnings marked.
fn told(stack: &Stack, profile: &str, set: &[&str]) -> Vec<String> {
    let values = stack.values(&example(profile, set)).unwrap();
    stack.check(&values).iter().map(ToString::to_string).collect()
}

/// Asserts that something is said, or with an empty text that nothing is.
#[track_caller]
fn says(stack: &Stack, profile: &str, set: &[&str], said: &str) {
    let told = told(stack, profile, set);
    if said.is_empty() {
        assert_eq!(told, [""; 0], "{profile} {set:?}");
    } else {
        assert!(told.iter().any(|line| line.contains(said)), "{profile} {set:?}: {told:#?}");
    }
}

/// The values that have to be given, in the order of the schema.
fn required(stack: &Stack) -> Vec<String> {
    stack.settings().into_iter().filter(|setting| setting.required).map(|setting| setting.path).collect()
}

/// Every setting that a person may be asked for says what it is for.
fn assert_helpful(stack: &Stack) {
    for setting in stack.settings() {
        let text = [&setting.title, &setting.description];
        assert!(
            text.iter().all(|text| text.is_some()),
            "{}: {} needs title and description",
            stack.name(),
            setting.path
        );
    }
}

/// A profile, a values file, and all that is said of it.
type Wrong = (&'static str, &'static str, &'static [&'static str]);

/// What is said of a values file on top of what is enough, as `way: message`, warnings marked.
fn told_of(stack: &Stack, enough: &str, profile: &str, text: &str) -> Vec<String> {
    let file = |name: &str, text: &str| Text { name: name.into(), text: text.into() };
    let files = vec![file("enough.yaml", enough), file("wrong.yaml", text)];
    let choices = Choices { profile: Some(profile.into()), files, ..Choices::default() };
    let faults = stack.check(&stack.values(&choices).unwrap_or_else(|error| panic!("{text}: {error}")));
    let mark = |severity| if severity == Severity::Warning { "warning: " } else { "" };
    faults.iter().map(|fault| format!("{}{}: {}", mark(fault.severity), fault.way, fault.message)).collect()
}

/// Asserts each row; all that differ are shown, as they would stand in the table.
#[track_caller]
fn assert_told(stack: &Stack, enough: &str, table: &[Wrong]) {
    let row = |(profile, text, said): &Wrong| {
        let told = told_of(stack, enough, profile, text);
        (told != *said).then(|| format!("    ({profile:?}, {text:?}, &{told:?}),"))
    };
    let differing: Vec<String> = table.iter().filter_map(row).collect();
    assert!(differing.is_empty(), "otherwise than the table has it:\n{}", differing.join("\n"));
}
