//! The form of a stack's checks: one file each in `checks/`, and `checks/allow.yaml`.

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::{Knowledge, belongs, is_component};
use crate::doctor::check::Severity;
use crate::doctor::checks;
use crate::doctor::evidence::{logs, resources};
use crate::doctor::finding::Finding;
use crate::doctor::walk;
use crate::object::{at, is_true, text};
use crate::snapshot::Snapshot;
use crate::stack::{Fault, FaultKind, Folder, yaml};

/// The file with what is meant to be.
pub(super) const ALLOW: &str = "checks/allow.yaml";

/// A check of a stack's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StackCheck {
    /// `STACK/NAME`.
    #[serde(skip)]
    pub id: String,
    #[serde(skip)]
    pub(super) stack: String,
    #[serde(skip)]
    pub(super) name: String,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong when it finds something.
    pub title: String,
    /// What it means, and how it comes about.
    pub explain: String,
    /// What to do.
    pub fix: String,
    /// What looks alike and is not reported.
    pub unless: String,
    pub(super) look: Look,
    pub(super) with: Option<Look>,
    pub(super) examples: Examples,
}

/// Which objects, and what has to hold of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Look {
    pub(super) kind: String,
    component: Option<String>,
    when: Vec<When>,
}

/// One thing that has to hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Told")]
pub(in crate::doctor) enum When {
    /// A line of what the containers of a pod that is not ready said.
    Log(Regex),
    /// Something about the value at a pointer.
    Value(String, Test),
}

#[derive(Debug, Clone)]
pub(in crate::doctor) enum Test {
    Is(Value),
    Not(Value),
    Above(f64),
    Below(f64),
    Missing(bool),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    log: Option<String>,
    at: Option<String>,
    is: Option<Value>,
    not: Option<Value>,
    above: Option<f64>,
    below: Option<f64>,
    missing: Option<bool>,
}

/// With what a check is proved.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Examples {
    pub(super) object: String,
    pub(super) fail: Vec<Value>,
    pub(super) healthy: Vec<Value>,
    pub(super) lookalike: Vec<Value>,
}

/// A finding that is meant to be.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Allowance {
    #[serde(skip)]
    stack: String,
    pub(super) check: String,
    kind: Option<String>,
    component: Option<String>,
    pub(super) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowFile {
    allow: Vec<Allowance>,
}

impl TryFrom<Told> for When {
    type Error = String;

    fn try_from(told: Told) -> Result<Self, String> {
        let tests = [
            told.is.map(Test::Is),
            told.not.map(Test::Not),
            told.above.map(Test::Above),
            told.below.map(Test::Below),
            told.missing.map(Test::Missing),
        ];
        let mut tests = tests.into_iter().flatten();
        match (told.log, told.at, tests.next(), tests.next()) {
            (Some(pattern), None, None, None) => Regex::new(&pattern).map(Self::Log).map_err(|error| error.to_string()),
            (None, Some(at), Some(test), None) if at.starts_with('/') => Ok(Self::Value(at, test)),
            (None, Some(at), Some(_), None) => Err(format!("`{at}` is no JSON pointer: it begins with /")),
            _ => Err("give `log`, or `at` with one of `is`, `not`, `above`, `below`, `missing`".to_owned()),
        }
    }
}

impl Look {
    /// The objects of a stack that it is about.
    pub(super) fn objects<'a>(&'a self, stack: &'a str, snapshot: &'a Snapshot) -> impl Iterator<Item = &'a Value> {
        let of_kind = snapshot.objects().filter(|object| object["kind"] == self.kind.as_str());
        of_kind
            .filter(move |object| is_component(object, self.component.as_deref()) && belongs(object, stack, snapshot))
    }

    /// What was seen where everything holds of an object.
    pub(super) fn holds(&self, object: &Value) -> Option<Vec<String>> {
        self.when.iter().map(|when| when.holds(object)).collect()
    }

    fn fault(&self) -> Option<String> {
        if !resources().any(|resource| resource.kind == self.kind) {
            let known: Vec<String> = resources().map(|resource| resource.kind).collect();
            let near = crate::error::closest(&self.kind, known.iter().map(String::as_str));
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            return Some(format!("`{}` is no kind that the doctor reads{near}", self.kind));
        }
        let reads_log = self.when.iter().any(|when| matches!(when, When::Log(_)));
        (self.when.is_empty())
            .then(|| "`when` is empty: every object would be found".to_owned())
            .or_else(|| (reads_log && self.kind != "Pod").then(|| "only pods have a log".to_owned()))
    }
}

impl When {
    /// Whether it is about a log.
    pub(in crate::doctor) fn is_log(&self) -> bool {
        matches!(self, Self::Log(_))
    }

    /// What is there in the place that it is about.
    pub(in crate::doctor) fn seen(&self, object: &Value) -> String {
        match self {
            Self::Log(pattern) => pattern.to_string(),
            Self::Value(pointer, _) => seen(pointer, at(object, pointer)),
        }
    }

    /// What was seen, where it holds.
    pub(in crate::doctor) fn holds(&self, object: &Value) -> Option<String> {
        match self {
            Self::Log(pattern) => {
                let mut lines = logs(object).flat_map(|(_, log)| log.lines()).filter(|_| !is_true(object, "Ready"));
                lines.find(|line| pattern.is_match(line)).map(str::to_owned)
            }
            Self::Value(pointer, test) => {
                let value = at(object, pointer);
                let number = value.and_then(Value::as_f64);
                let holds = match test {
                    Test::Is(wanted) => value == Some(wanted),
                    Test::Not(wanted) => value.is_some_and(|value| value != wanted),
                    Test::Above(limit) => number.is_some_and(|number| number > *limit),
                    Test::Below(limit) => number.is_some_and(|number| number < *limit),
                    Test::Missing(wanted) => value.is_none_or(Value::is_null) == *wanted,
                };
                holds.then(|| seen(pointer, value))
            }
        }
    }
}

fn seen(pointer: &str, value: Option<&Value>) -> String {
    format!("{pointer} is {}", value.map_or("not there".to_owned(), ToString::to_string))
}

impl Allowance {
    pub(super) fn fits(&self, finding: &Finding, snapshot: &Snapshot) -> bool {
        let fits = |object: &Value| {
            self.kind.as_deref().is_none_or(|kind| text(object, "/kind") == Some(kind))
                && is_component(object, self.component.as_deref())
                && belongs(object, &self.stack, snapshot)
        };
        self.check.eq_ignore_ascii_case(&finding.id) && snapshot.get(&finding.object).is_some_and(fits)
    }

    /// The entry as it is told about.
    pub(super) fn words(&self) -> String {
        let parts = [Some(self.check.as_str()), self.kind.as_deref(), self.component.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// What a stack's folder says, and what of it cannot be read.
pub(super) fn read(folder: &Folder) -> (Knowledge, Vec<Fault>) {
    let (mut known, mut faults) = (Knowledge::default(), Vec::new());
    for (path, text) in folder.files.iter().filter(|(path, _)| path.starts_with("checks/")) {
        let told = if path == ALLOW {
            allowances(folder, text).map(|mut all| known.allowed.append(&mut all))
        } else {
            check(folder, path, text).map(|check| known.checks.push(check))
        };
        faults.extend(told.err());
    }
    let (walks, told) = walk::read_form(folder);
    known.walks = walks;
    faults.extend(told);
    (known, faults)
}

/// Something that is wrong in a file of a stack.
pub(in crate::doctor) fn fault(folder: &Folder, path: &str, message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::BadStack, folder.home.place(path), message)
}

fn check(folder: &Folder, path: &str, text: &str) -> Result<StackCheck, Fault> {
    let wrong = |message: &str| fault(folder, path, message);
    let name = path
        .strip_prefix("checks/")
        .and_then(|path| path.strip_suffix(".yaml"))
        .filter(|name| crate::stack::names::is_label(name));
    let name =
        name.ok_or_else(|| wrong("a check is a file NAME.yaml, with small letters, digits and hyphens in its name"))?;
    let mut check: StackCheck = yaml::read(&folder.home.file(path), text)?;
    (check.id, check.name) = (format!("{}/{name}", folder.name), name.to_owned());
    check.stack.clone_from(&folder.name);
    for (field, text) in
        [("title", &check.title), ("explain", &check.explain), ("fix", &check.fix), ("unless", &check.unless)]
    {
        if text.trim().is_empty() {
            return Err(wrong(&format!("`{field}` is empty")));
        }
    }
    match std::iter::once(&check.look).chain(&check.with).find_map(Look::fault) {
        Some(why) => Err(wrong(&why)),
        None => Ok(check),
    }
}

fn allowances(folder: &Folder, text: &str) -> Result<Vec<Allowance>, Fault> {
    let file: AllowFile = yaml::read(&folder.home.file(ALLOW), text)?;
    let wrong = |message: String| Err(fault(folder, ALLOW, message));
    let mut all = file.allow;
    for (number, one) in all.iter_mut().enumerate() {
        one.stack.clone_from(&folder.name);
        if one.reason.trim().is_empty() {
            return wrong(format!("allow[{number}]: the reason is empty; say why it is meant to be"));
        }
        if checks::find(&one.check).is_none() {
            let near = checks::nearest(&one.check).map(|near| format!(", did you mean {near}?")).unwrap_or_default();
            return wrong(format!("allow[{number}]: there is no check `{}`{near}", one.check));
        }
    }
    Ok(all)
}
