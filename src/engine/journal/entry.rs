//! What stands in a journal.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::doctor::Cause;
use crate::event::Ended;
use crate::plan::install::Policy;
use crate::plan::{Installation, Plan};

/// The version of this format. Another one is refused, with the version of the program that wrote it.
pub const FORMAT: u32 = 1;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// The first line: everything that is needed to take the run up again.
    Opened {
        /// See [`FORMAT`].
        format: u32,
        /// Id of the run.
        run: String,
        /// When.
        at: Timestamp,
        /// The command, where it is not told by the plan's purpose: an upgrade and a rollback install.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        command: Option<String>,
        /// What was chosen.
        inputs: Box<Inputs>,
        /// The plan; values of Secrets are replaced.
        plan: Box<Plan>,
    },
    /// The step is about to act.
    Intent {
        /// Id of the step.
        step: String,
        /// When.
        at: Timestamp,
    },
    /// The step is done.
    Done {
        /// Id of the step.
        step: String,
        /// When.
        at: Timestamp,
        /// Whether it wrote.
        changed: bool,
        /// What its proof was, where it is more than that. Older programs did not write it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// By the clock of the cluster, which is not this machine's in a sandbox.
        #[serde(flatten)]
        took: Took,
    },
    /// The step failed.
    Failed {
        /// Id of the step.
        step: String,
        /// When.
        at: Timestamp,
        /// Why.
        cause: Cause,
        /// By the clock of the cluster, which is not this machine's in a sandbox.
        #[serde(flatten)]
        took: Took,
    },
    /// A person answered a question of the step.
    Answered {
        /// Id of the step.
        step: String,
        /// When.
        at: Timestamp,
        /// Whether they agreed.
        agreed: bool,
    },
    /// The run was taken up again.
    Resumed {
        /// When.
        at: Timestamp,
        /// Version of the program.
        binary: String,
    },
    /// The run ended.
    Closed {
        /// When.
        at: Timestamp,
        /// How.
        ended: Ended,
    },
    /// The run was given up for a new plan, or by `runs abort`.
    Abandoned {
        /// When.
        at: Timestamp,
    },
}

/// How long a step took, and when in its run it ended. Older programs did not write it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    /// How long it took, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// From the beginning of the run, or of the try, to the end of the step, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// The official chart that a release is made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartInput {
    /// The chart, as helm is given it.
    pub reference: String,
    /// The version that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Name and version, as the chart says itself.
    pub named: String,
    /// A [digest](crate::chart::digest) of its files, where it lies on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl ChartInput {
    /// In what it differs from another, for people.
    fn difference(now: Option<&Self>, was: Option<&Self>) -> Option<String> {
        let said = |chart: &Self| format!("{} ({})", chart.named, chart.reference);
        let from = |chart: Option<&Self>| chart.map_or_else(|| "none".to_owned(), said);
        let (now_said, was_said) = (from(now), from(was));
        if now == was {
            return None;
        }
        if now_said != was_said {
            return Some(format!("chart: {now_said}, was {was_said}"));
        }
        let version = |chart: Option<&Self>| chart.and_then(|chart| chart.version.clone());
        if version(now) == version(was) {
            return Some(format!("chart: {now_said}, whose files were others"));
        }
        let asked = |chart| version(chart).unwrap_or_else(|| "none".to_owned());
        Some(format!("chart: {now_said}, asked for as version {}, was {}", asked(now), asked(was)))
    }
}

/// What was chosen for a run: two runs with the same inputs want the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// Version of the program.
    pub binary: String,
    /// Version of the stack.
    pub stack_version: String,
    /// The release name.
    pub release: String,
    /// The profile.
    pub profile: String,
    /// The merged values, without secrets.
    pub values: Value,
    /// What of them was chosen beyond defaults and profile: what an upgrade begins with.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub chosen: Value,
    /// The registry that all images come from, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry: Option<String>,
    /// The Secret that all pods pull with, where one was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pull_secret: Option<String>,
    /// Whether a Secret was made with logins of registries.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub login: bool,
    /// Whether a stand-in runs in the place of every program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stand_ins: bool,
    /// The official chart, where helm makes the objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<ChartInput>,
    /// What was decided about fields that somebody else owns.
    #[serde(default)]
    pub policy: Policy,
}

impl Inputs {
    /// What was chosen beyond defaults and profile. Records of before that was recorded have only all values together.
    pub fn said(&self) -> &Value {
        if self.chosen.is_null() { &self.values } else { &self.chosen }
    }

    /// What was chosen for an installation of which nothing but this is known.
    pub fn of(installation: &Installation, values: Value) -> Self {
        Self {
            binary: env!("CARGO_PKG_VERSION").to_owned(),
            stack_version: installation.version.clone(),
            release: installation.release.clone(),
            profile: installation.profile.clone(),
            values,
            ..Self::default()
        }
    }

    /// In what these inputs differ from others, one line each: `profile: single-node, was ha`.
    pub fn differences(&self, was: &Self) -> Vec<String> {
        let names = [
            ("binary", &self.binary, &was.binary),
            ("stack version", &self.stack_version, &was.stack_version),
            ("release", &self.release, &was.release),
            ("profile", &self.profile, &was.profile),
        ];
        let mut lines: Vec<String> = names
            .iter()
            .filter(|(_, now, was)| now != was)
            .map(|(name, now, was)| format!("{name}: {now}, was {was}"))
            .collect();
        let options =
            [("registry", &self.registry, &was.registry), ("pull secret", &self.pull_secret, &was.pull_secret)];
        let named = |option: &Option<String>| option.clone().unwrap_or_else(|| "none".to_owned());
        let changed = options.iter().filter(|(_, now, was)| now != was);
        lines.extend(changed.map(|(name, now, was)| format!("{name}: {}, was {}", named(now), named(was))));
        if self.login != was.login {
            let word = |is| if is { "given" } else { "none" };
            lines.push(format!("registry login: {}, was {}", word(self.login), word(was.login)));
        }
        if self.stand_ins != was.stand_ins {
            let word = |is| if is { "stand-ins" } else { "the stack's own" };
            lines.push(format!("programs: {}, was {}", word(self.stand_ins), word(was.stand_ins)));
        }
        lines.extend(ChartInput::difference(self.chart.as_ref(), was.chart.as_ref()));
        let show = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
        lines.extend(
            crate::plan::difference::difference(&was.values, &self.values)
                .iter()
                .map(|change| format!("{}: {}, was {}", change.path, show(&change.wanted), show(&change.now))),
        );
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_with_other_files_is_another_one() {
        let inputs = |change: fn(&mut ChartInput)| {
            let mut chart = ChartInput {
                reference: "/shop".to_owned(),
                version: None,
                named: "shop 0.1.0".to_owned(),
                digest: Some("sha256:1".to_owned()),
            };
            change(&mut chart);
            Inputs { chart: Some(chart), ..Inputs::default() }
        };
        let was = inputs(|_| {});
        let changed = inputs(|chart| chart.digest = Some("sha256:2".to_owned()));
        assert_ne!(changed, was);
        assert_eq!(changed.differences(&was), ["chart: shop 0.1.0 (/shop), whose files were others"]);
        let newer = inputs(|chart| chart.named = "shop 0.2.0".to_owned());
        assert_eq!(newer.differences(&was), ["chart: shop 0.2.0 (/shop), was shop 0.1.0 (/shop)"]);
        let asked = inputs(|chart| chart.version = Some("0.1.0".to_owned()));
        assert_eq!(asked.differences(&was), ["chart: shop 0.1.0 (/shop), asked for as version 0.1.0, was none"]);
        assert_eq!(Inputs::default().differences(&was), ["chart: none, was shop 0.1.0 (/shop)"]);
        assert!(was.differences(&was).is_empty());
    }
}
