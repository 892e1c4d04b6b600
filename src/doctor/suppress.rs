//! What somebody has looked at and lives with: findings that are counted and not shown, each with a reason, until a day.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::checks;
use super::finding::Finding;
use super::report::Report;
use crate::error::{Class, Explain};
use crate::stack::yaml;

/// The entries of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Suppressions(Vec<Entry>);

/// What is not to be shown, and why. By its fingerprint, or by check and object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    fingerprint: Option<String>,
    check: Option<String>,
    object: Option<String>,
    reason: String,
    #[serde(default, deserialize_with = "day")]
    until: Option<Date>,
}

/// A day as people are asked to write it.
fn day<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Date>, D::Error> {
    let told = String::deserialize(from)?;
    let day = told.parse().map_err(|_| format!("`until` is no day such as 2026-12-31: `{told}`"));
    day.map(Some).map_err(serde::de::Error::custom)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    suppress: Vec<Entry>,
}

/// What the entries did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Suppressed {
    /// What was found and is not shown.
    pub findings: Vec<Quiet>,
    /// Entries whose day is over: they suppress nothing.
    pub expired: Vec<String>,
    /// Entries that fit nothing that was found.
    pub unused: Vec<String>,
}

/// A finding that is not shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quiet {
    /// The finding, with all that hangs below it.
    pub finding: Finding,
    /// Why somebody lives with it.
    pub reason: String,
    /// The last day on which it is suppressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// Why a file of suppressions cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SuppressError {
    /// It cannot be read.
    #[error("{}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// It is not as it must be: the place, and why.
    #[error("{0}")]
    Malformed(String),
}

impl Explain for SuppressError {
    fn id(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "unreadable-file",
            Self::Malformed(_) => "bad-suppressions",
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { .. } => "name a file that can be read with --suppress".to_owned(),
            Self::Malformed(_) => "an entry of `suppress` has `fingerprint`, or `check` and `object`; a `reason`; and may have `until: YYYY-MM-DD`".to_owned(),
        })
    }
}

/// Reads a file of suppressions.
///
/// # Errors
/// When it cannot be read, and everything in it that is not as it must be.
pub fn read(path: &Path) -> Result<Suppressions, SuppressError> {
    let unreadable =
        |error: std::io::Error| SuppressError::Unreadable { path: path.to_owned(), why: error.to_string() };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    parse(&path.display().to_string(), &text).map_err(SuppressError::Malformed)
}

fn parse(name: &str, text: &str) -> Result<Suppressions, String> {
    let shape: Option<Value> = yaml::read(name, text).unwrap_or_default();
    // What does not have the shape is said in the words of the form, not in those of a parser.
    if yaml::nodes(name, text).is_ok() && !shape.is_some_and(|shape| shape["suppress"].is_array()) {
        return Err(format!("{name}: it has no list `suppress`"));
    }
    let file: File = yaml::read(name, text).map_err(|fault| fault.to_string())?;
    let faults: Vec<String> = file
        .suppress
        .iter()
        .enumerate()
        .filter_map(|(at, entry)| Some(format!("suppress[{at}]: {}", entry.fault()?)))
        .collect();
    if faults.is_empty() { Ok(Suppressions(file.suppress)) } else { Err(format!("{name}: {}", faults.join("; "))) }
}

impl Entry {
    fn fault(&self) -> Option<String> {
        let check = self.check.as_deref();
        match (&self.fingerprint, check, &self.object) {
            _ if self.reason.trim().is_empty() => Some("the reason is empty; say why it is lived with".to_owned()),
            (Some(_), None, None) => None,
            // Of a stack's own checks only the stack knows the names.
            (None, Some(check), Some(_)) if check.contains('/') || checks::find(check).is_some() => None,
            (None, Some(check), Some(_)) => {
                let near = checks::nearest(check).map(|near| format!(", did you mean {near}?")).unwrap_or_default();
                Some(format!("there is no check `{check}`{near}"))
            }
            _ => Some("give either `fingerprint`, or `check` and `object`".to_owned()),
        }
    }

    /// People write kinds as kubectl does, in small letters.
    fn fits(&self, finding: &Finding) -> bool {
        if let Some(fingerprint) = &self.fingerprint {
            return *fingerprint == finding.fingerprint;
        }
        let check = self.check.as_deref().is_some_and(|check| check.eq_ignore_ascii_case(&finding.id));
        check
            && self
                .object
                .as_deref()
                .is_some_and(|pattern| is_like(&pattern.to_lowercase(), &finding.object.to_string().to_lowercase()))
    }

    /// The entry as it is told about.
    fn words(&self) -> String {
        let what = self.fingerprint.clone().unwrap_or_else(|| {
            format!("{} {}", self.check.as_deref().unwrap_or_default(), self.object.as_deref().unwrap_or_default())
        });
        let until = self.until.map(|until| format!(", until {until}")).unwrap_or_default();
        format!("{what} ({}{until})", self.reason.trim())
    }
}

/// Whether a text is like a pattern, in which `*` stands for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    starts.into_iter().any(|at| is_like(rest, &text[at..]))
}

impl Suppressions {
    /// Takes out of a report what is suppressed on the day that it is of.
    pub fn apply(&self, report: &mut Report) {
        let today = report.taken.to_zoned(TimeZone::UTC).date();
        let (live, over): (Vec<&Entry>, Vec<&Entry>) =
            self.0.iter().partition(|entry| entry.until.is_none_or(|until| until >= today));
        let mut taken = Taken { used: vec![false; live.len()], entries: live, quiet: Vec::new() };
        let roots = std::mem::take(&mut report.findings);
        let roots = taken.keep(roots);
        let unused = taken.entries.iter().zip(&taken.used).filter(|(_, used)| !**used);
        let told = Suppressed {
            expired: over.iter().map(|entry| entry.words()).collect(),
            unused: unused.map(|(entry, _)| entry.words()).collect(),
            findings: taken.quiet,
        };
        report.suppress(roots, told);
    }
}

struct Taken<'a> {
    entries: Vec<&'a Entry>,
    used: Vec<bool>,
    quiet: Vec<Quiet>,
}

impl Taken<'_> {
    /// What is left of findings. What hangs below a suppressed cause goes with it.
    fn keep(&mut self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut left = Vec::new();
        for mut finding in findings {
            if let Some(at) = self.entries.iter().position(|entry| entry.fits(&finding)) {
                self.used[at] = true;
                let entry = self.entries[at];
                self.quiet.push(Quiet { finding, reason: entry.reason.trim().to_owned(), until: entry.until });
            } else {
                let below = std::mem::take(&mut finding.causes);
                finding.causes = self.keep(below);
                left.push(finding);
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::evidence::{Evidence, kept};
    use crate::doctor::report::{Choice, judge};
    use crate::snapshot::Snapshot;
    use serde_json::json;

    fn report() -> Report {
        let mut snapshot = Snapshot::default();
        for (name, phase) in [("old-1", "Released"), ("old-2", "Failed"), ("new", "Released")] {
            snapshot.insert(kept(json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
                "spec": {"persistentVolumeReclaimPolicy": "Retain"}, "status": {"phase": phase}})));
        }
        judge(&Evidence::new(snapshot, "2026-11-20T10:00:00Z".parse().unwrap()), &Choice::default())
    }

    fn applied(entries: &str) -> Report {
        let mut report = report();
        parse("quiet.yaml", &format!("suppress:\n{entries}")).unwrap().apply(&mut report);
        report
    }

    #[test]
    fn what_fits_is_counted_and_not_shown() {
        let before = report().summary;
        let report = applied(
            "- {check: v012, object: persistentvolume/old-*, reason: kept for the audit, until: 2026-11-20}\n- {fingerprint: V013/PersistentVolume/old-2, reason: known}\n",
        );
        let told = report.suppressed.clone().unwrap();
        assert_eq!(
            told.findings.iter().map(|quiet| quiet.finding.fingerprint.as_str()).collect::<Vec<_>>(),
            ["V013/PersistentVolume/old-2", "V012/PersistentVolume/old-1"]
        );
        assert_eq!((told.expired.len(), told.unused.len(), report.summary.suppressed), (0, 0, 2));
        assert_eq!(
            report.findings.iter().map(|root| root.fingerprint.as_str()).collect::<Vec<_>>(),
            ["V012/PersistentVolume/new"]
        );
        assert_eq!((before.errors, report.summary.errors), (1, 0));
        assert!(report.summary.unknown > 0 && !report.healthy, "what could not be told is not taken for well");
        assert!(report.headline.starts_with("PersistentVolume/new: "), "{}", report.headline);
    }

    #[test]
    fn what_is_over_or_fits_nothing_is_said() {
        let report = applied(
            "- {check: V012, object: '*', reason: old, until: 2026-11-19}\n- {check: V012, object: PersistentVolume/gone, reason: who knows}\n",
        );
        let told = report.suppressed.unwrap();
        assert_eq!(told.expired, ["V012 * (old, until 2026-11-19)"]);
        assert_eq!(told.unused, ["V012 PersistentVolume/gone (who knows)"]);
        assert_eq!((told.findings.len(), report.findings.len()), (0, 3));
    }

    #[test]
    fn an_entry_without_a_reason_or_a_place_is_refused() {
        for (entry, fault) in [
            ("{check: V012, object: '*', reason: ' '}", "the reason is empty"),
            ("{check: V012, object: '*'}", "reason"),
            ("{check: V012, reason: x}", "give either"),
            ("{fingerprint: a, check: V012, object: b, reason: x}", "give either"),
            ("{check: V0012, object: b, reason: x}", "there is no check `V0012`, did you mean V012?"),
            ("{fingerprint: a, reason: x, until: soon}", "until"),
            ("{fingerprint: a, reason: x, untill: 2026-01-01}", "untill"),
        ] {
            let why = parse("quiet.yaml", &format!("suppress:\n- {entry}\n")).unwrap_err();
            assert!(why.starts_with("quiet.yaml") && why.contains(fault), "{entry}: {why}");
        }
    }

    #[test]
    fn a_file_of_another_shape_is_told_in_plain_words() {
        for text in ["", "# nothing yet", "- {check: V012}", "check: V012", "suppress: {}", "suppress:\n"] {
            assert_eq!(parse("quiet.yaml", text).unwrap_err(), "quiet.yaml: it has no list `suppress`", "{text:?}");
        }
        let why = parse("quiet.yaml", "suppress: [{fingerprint: a, reason: x, until: tomorrow}]").unwrap_err();
        assert!(why.contains("`until` is no day such as 2026-12-31: `tomorrow`"), "{why}");
    }

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, text, like) in [
            ("a*c", "abbc", true),
            ("*", "", true),
            ("a*", "ba", false),
            ("*/web-*", "Pod/shop/web-1", true),
            ("a*b*", "acd", false),
            ("a", "ab", false),
        ] {
            assert_eq!(is_like(pattern, text), like, "{pattern} {text}");
        }
    }
}
