//! The form of a walk-through: one file each in `walks/`.

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::expect::Expectation;
use crate::doctor::checks;
use crate::doctor::evidence::resources;
use crate::doctor::stacks::form::{When, fault};
use crate::error::closest;
use crate::stack::{Fault, Folder, names, yaml};

/// A walk-through, as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Walk {
    #[serde(skip)]
    pub(super) stack: String,
    /// Its name: that of its file.
    #[serde(skip)]
    pub name: String,
    /// What the person sees, in their words.
    pub symptom: String,
    /// What it is about.
    pub about: About,
    pub(super) steps: Vec<Step>,
}

impl Walk {
    /// The stack that it is of.
    pub fn stack(&self) -> &str {
        &self.stack
    }
}

/// What a walk-through is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The kind of the object that shows the symptom.
    pub kind: String,
    /// Its component, where it is of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
}

/// `Kind of component`.
impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.component {
            Some(component) => write!(f, "{} of {component}", self.kind),
            None => f.write_str(&self.kind),
        }
    }
}

/// A step, as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::doctor) struct Step {
    pub(super) title: String,
    pub(super) at: Place,
    #[serde(default)]
    pub(super) expect: Vec<Expectation>,
    #[serde(default)]
    pub(super) checks: Vec<String>,
    pub(super) log: Option<LogLook>,
    pub(super) means: String,
    pub(super) otherwise: String,
    /// What it means that there is nothing to look at.
    pub(super) none: Option<String>,
    #[serde(default)]
    then: Then,
    /// The command, where the one that is made of the place does not show it.
    pub(super) command: Option<String>,
    /// Something with which the step does not hold: a line of a log, or an object.
    example: Option<Value>,
}

/// What comes after a step that does not hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Then {
    /// Nothing: this is the cause.
    #[default]
    Stop,
    /// The next step tells why.
    GoOn,
}

/// Which objects a step looks at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub(super) kind: String,
    pub(super) component: Option<String>,
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) labels: std::collections::BTreeMap<String, String>,
    /// Another namespace than that of the installation.
    pub(super) namespace: Option<String>,
    /// Only those of which all of this holds.
    #[serde(default, rename = "where")]
    pub(super) only: Vec<When>,
}

/// What must not stand in a log.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogLook {
    #[serde(deserialize_with = "regex")]
    pub(super) says: Regex,
    pub(super) container: Option<String>,
    /// Also the logs of pods that are ready.
    #[serde(default)]
    pub(super) ready: bool,
}

fn regex<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Regex, D::Error> {
    let text = String::deserialize(from)?;
    Regex::new(&text).map_err(serde::de::Error::custom)
}

impl Step {
    pub(super) fn stops(&self) -> bool {
        self.then == Then::Stop
    }

    /// A line that its log must not have.
    pub(super) fn example_line(&self) -> String {
        self.example.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    pub(super) fn asks_for(&self, check: &str) -> bool {
        self.checks.iter().any(|asked| asked.eq_ignore_ascii_case(check))
    }

    /// What is wrong with it, and what would be right.
    fn fault(&self, stack: &str) -> Option<String> {
        for (field, text) in [("title", &self.title), ("means", &self.means), ("otherwise", &self.otherwise)] {
            if text.trim().is_empty() {
                return Some(format!("`{field}` is empty"));
            }
        }
        let looks = [!self.expect.is_empty(), !self.checks.is_empty(), self.log.is_some()];
        if looks.into_iter().filter(|is| *is).count() != 1 {
            return Some("give one of `expect`, `checks`, `log`: a step is one look".to_owned());
        }
        kind_fault(&self.at.kind)
            .or_else(|| self.checks.iter().find_map(|id| check_fault(id, stack)))
            .or_else(|| self.log.as_ref().filter(|_| self.at.kind != "Pod").map(|_| "only pods have a log".to_owned()))
            .or_else(|| self.at.only.iter().find_map(|when| pointer_fault(when, "where")))
            .or_else(|| self.expect.iter().find_map(|one| one.fault(&self.at.kind)))
            .or_else(|| self.example_fault())
    }

    /// A pattern and a pointer are proved by something of which they do not hold: nobody sees a slip in them.
    fn example_fault(&self) -> Option<String> {
        let told = self.expect.iter().filter(|one| one.is_of_values()).collect::<Vec<_>>();
        match (&self.log, &self.example) {
            (Some(log), Some(Value::String(line))) => {
                (!log.says.is_match(line)).then(|| format!("`example` is no line that `{}` finds", log.says))
            }
            (Some(_), _) => Some("`example` is missing: a line that `says` has to find".to_owned()),
            (None, Some(object @ Value::Object(_))) if !told.is_empty() => {
                let holds = told.iter().all(|one| one.holds_of(object));
                holds.then(|| "`example` is as it should be; give an object of which `expect` does not hold".to_owned())
            }
            (None, None) if !told.is_empty() => {
                Some("`example` is missing: an object of which `expect` does not hold".to_owned())
            }
            (None, Some(_)) => Some("`example` proves nothing here; leave it out".to_owned()),
            (None, None) => None,
        }
    }
}

pub(super) fn pointer_fault(when: &When, field: &str) -> Option<String> {
    when.is_log().then(|| format!("`{field}` takes `at`; a log has the field `log`"))
}

fn kind_fault(kind: &str) -> Option<String> {
    if resources().any(|resource| resource.kind == kind) {
        return None;
    }
    let known: Vec<String> = resources().map(|resource| resource.kind).collect();
    let near = closest(kind, known.iter().map(String::as_str));
    let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    Some(format!("`{kind}` is no kind that the doctor reads{near}"))
}

/// A check of the catalogue, or one of the stack's own, which is looked for when the stack is examined.
fn check_fault(id: &str, stack: &str) -> Option<String> {
    if checks::find(id).is_some() || id.strip_prefix(stack).is_some_and(|rest| rest.starts_with('/')) {
        return None;
    }
    let near = checks::nearest(id).map(|near| format!(", did you mean {near}?")).unwrap_or_default();
    Some(format!("there is no check `{id}`{near}"))
}

/// What a stack's folder says, and what of it cannot be read.
pub(in crate::doctor) fn read(folder: &Folder) -> (Vec<Walk>, Vec<Fault>) {
    let (mut walks, mut faults) = (Vec::new(), Vec::new());
    for (path, text) in folder.files.iter().filter(|(path, _)| path.starts_with("walks/")) {
        match one(folder, path, text) {
            Ok(walk) => walks.push(walk),
            Err(told) => faults.push(told),
        }
    }
    (walks, faults)
}

fn one(folder: &Folder, path: &str, text: &str) -> Result<Walk, Fault> {
    let wrong = |message: String| fault(folder, path, message);
    let name = path.strip_prefix("walks/").and_then(|path| path.strip_suffix(".yaml"));
    let name = name.filter(|name| names::is_label(name)).ok_or_else(|| {
        wrong("a walk-through is a file NAME.yaml, with small letters, digits and hyphens in its name".to_owned())
    })?;
    let mut walk: Walk = yaml::read(&folder.home.file(path), text)?;
    name.clone_into(&mut walk.name);
    walk.stack.clone_from(&folder.name);
    if walk.symptom.trim().is_empty() {
        return Err(wrong("`symptom` is empty; say what the person sees".to_owned()));
    }
    if walk.steps.is_empty() {
        return Err(wrong("`steps` is empty; give one step for each known cause".to_owned()));
    }
    let steps = walk.steps.iter().enumerate();
    let told = steps.filter_map(|(number, step)| Some(format!("steps[{number}]: {}", step.fault(&folder.name)?)));
    let about = kind_fault(&walk.about.kind).map(|why| format!("about: {why}"));
    match about.into_iter().chain(told).next() {
        Some(why) => Err(wrong(why)),
        None => Ok(walk),
    }
}

/// The components that a walk-through names, with where it does.
pub(in crate::doctor) fn components(walk: &Walk) -> impl Iterator<Item = (String, &str)> {
    let about = walk.about.component.as_deref().map(|component| ("about".to_owned(), component));
    let steps = walk.steps.iter().enumerate();
    let steps = steps.filter_map(|(number, step)| Some((format!("steps[{number}].at"), step.at.component.as_deref()?)));
    about.into_iter().chain(steps)
}

impl Walk {
    /// The checks of the stack's own that it names, with where it does.
    pub(in crate::doctor) fn own_checks(&self) -> impl Iterator<Item = (String, &str)> {
        let steps = self.steps.iter().enumerate();
        steps.flat_map(|(number, step)| {
            let own = step.checks.iter().filter(|id| id.contains('/'));
            own.map(move |id| (format!("steps[{number}].checks"), id.as_str()))
        })
    }
}
