//! Guides: what people do by hand where no playbook can act, because the API server is away or because what is to be done lies outside of
//! the cluster. Data in `profiles/common/guides/*.yaml`; they need no cluster. Pure.

use serde::{Deserialize, Serialize};

use super::playbook::COMMON;
use crate::error::{Class, Explain, closest};
use crate::stack::{Catalogue, Fault, FaultKind, Place, StackError, typed};

/// The version of this format.
const FORMAT: u32 = 1;

/// A guide as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sheet {
    /// The version of this format; 1.
    pub format: u32,
    /// What has happened, for people.
    pub title: String,
    /// How it shows.
    pub when: Vec<String>,
    /// What to know or to do first, whatever comes then.
    pub first: String,
    /// What makes it worse.
    pub never: Vec<String>,
    /// What is done, in order.
    pub steps: Vec<GuideStep>,
}

/// A step of a guide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuideStep {
    /// What is done.
    #[serde(rename = "do")]
    pub what: String,
    /// The commands, one a line; what has to be filled in is in capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// By what it is known to be done.
    pub done: String,
}

/// A guide and its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guide {
    /// The name of its file.
    pub name: String,
    /// What it says.
    #[serde(flatten)]
    pub sheet: Sheet,
}

/// Why there is no such guide.
#[derive(Debug, thiserror::Error)]
pub enum GuideError {
    /// None has that name.
    #[error("no guide is named `{name}`{}", closest.as_ref().map_or_else(String::new, |near| format!("; did you mean `{near}`?")))]
    Unknown {
        /// What was asked for.
        name: String,
        /// What was probably meant.
        closest: Option<String>,
    },
    /// One cannot be read.
    #[error(transparent)]
    Unreadable(#[from] StackError),
}

impl Explain for GuideError {
    fn id(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "unknown-guide",
            Self::Unreadable(error) => error.id(),
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { .. } => Some("`seaworthy recover --guide` lists them".to_owned()),
            Self::Unreadable(error) => error.hint(),
        }
    }
}

/// All guides.
///
/// # Errors
/// When one cannot be read.
pub fn all(catalogue: &Catalogue) -> Result<Vec<Guide>, GuideError> {
    let folder = catalogue.folder(COMMON)?;
    let read =
        |(file, name, text): (String, &str, &str)| Ok(Guide { name: name.to_owned(), sheet: sheet(&file, text)? });
    // In the order of their paths.
    folder.sheets("guides").map(read).collect()
}

/// The one of this name.
///
/// # Errors
/// When there is none.
pub fn named<'a>(guides: &'a [Guide], name: &str) -> Result<&'a Guide, GuideError> {
    guides.iter().find(|guide| guide.name == name).ok_or_else(|| {
        let closest = closest(name, guides.iter().map(|guide| guide.name.as_str())).map(str::to_owned);
        GuideError::Unknown { name: name.to_owned(), closest }
    })
}

fn sheet(file: &str, text: &str) -> Result<Sheet, StackError> {
    let sheet: Sheet = typed::of_file(file, text)?;
    if sheet.format == FORMAT {
        return Ok(sheet);
    }
    let message = format!("this program reads format {FORMAT}; the guide has format {}", sheet.format);
    Err(Fault::new(FaultKind::BadStack, Place::file(file), message).into())
}

impl Guide {
    /// The guide as Markdown, its title a heading of this depth.
    pub fn markdown(&self, depth: usize) -> String {
        let sheet = &self.sheet;
        let mut lines =
            vec![format!("{} {}: {}\n", "#".repeat(depth), self.name, sheet.title), "It shows so:\n".to_owned()];
        lines.extend(sheet.when.iter().map(|fact| format!("* {fact}")));
        lines.push(format!("\n**First.** {}\n", sheet.first));
        lines.extend(sheet.never.iter().map(|never| format!("* {never}")));
        lines.push(String::new());
        for (number, step) in sheet.steps.iter().enumerate() {
            lines.push(format!("{}. {}. Done when: {}.", number + 1, step.what, step.done));
            if let Some(run) = &step.run {
                lines.push(String::new());
                lines.extend(run.lines().map(|line| format!("       {line}")));
                lines.push(String::new());
            }
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guide_says_how_it_shows_what_makes_it_worse_and_when_a_step_is_done() {
        let guides = all(&Catalogue::default()).unwrap();
        assert!(guides.len() >= 9);
        for Guide { name, sheet } in &guides {
            assert!(!sheet.when.is_empty() && !sheet.never.is_empty() && sheet.steps.len() >= 4, "{name}");
            assert!(sheet.first.ends_with('.') && sheet.never.iter().all(|never| never.ends_with('.')), "{name}");
            let without_stop = sheet.steps.iter().all(|step| !step.what.ends_with('.') && !step.done.ends_with('.'));
            assert!(without_stop, "{name}: the sentences of a step get their stop where they are shown");
        }
        assert_eq!(named(&guides, "control-plane-k3s").unwrap().sheet.format, 1);
        let error = named(&guides, "stuck-namspace").unwrap_err();
        assert!(error.to_string().contains("did you mean `stuck-namespace`?"), "{error}");
    }

    #[test]
    fn what_is_wrong_in_one_is_named_with_its_place() {
        let good = "format: 1\ntitle: t\nwhen: [w]\nfirst: f.\nnever: [n.]\nsteps: [{do: d, done: e}]\n";
        assert!(sheet("g.yaml", good).is_ok());
        for (from, to, expected) in
            [("format: 1", "format: 2", "format 2"), ("done: e", "don: e", "done"), ("when: [w]", "when: w", "when")]
        {
            let error = sheet("g.yaml", &good.replace(from, to)).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("g.yaml"), "{to}: {error}");
        }
    }
}
