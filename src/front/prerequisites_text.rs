//! How prerequisites stand, as people read it.

use seaworthy::prerequisites::{Assessment, Health, Verdict};

use super::paint::{cut, table, wrap};

/// The width that every terminal has.
const WIDTH: usize = 80;
/// What stands before the second line of a sentence and those below it.
const INDENT: &str = "  ";
/// The widest cells of the columns BY and THERE.
const BY: usize = 24;
const THERE: usize = 8;

/// A table that fits on 80 columns, and below it why.
pub(crate) fn list_text(all: &[Assessment]) -> String {
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let table = table(&["PREREQUISITE", "THERE", "BY", "WORKS", "INSTALL WOULD"], &rows);
    let details = all.iter().flat_map(|it| {
        let sentence = format!("{}: {}", it.prerequisite, why_text(it));
        let lines = wrap(&sentence, WIDTH - INDENT.len()).into_iter().enumerate();
        lines.map(|(index, line)| if index == 0 { line } else { format!("{INDENT}{line}") })
    });
    let meaning = all.iter().find_map(|it| it.found.as_ref()?.manager.explained()).map(str::to_owned);
    std::iter::once(table).chain([String::new()]).chain(details).chain(meaning).collect::<Vec<_>>().join("\n")
}

fn row(assessment: &Assessment) -> Vec<String> {
    let found = assessment.found.as_ref();
    let there = found.map_or("no", |found| found.version.as_deref().unwrap_or("yes"));
    let by = found.map(|found| cut(&found.manager.to_string(), BY)).unwrap_or_default();
    let works = match (found.map(|found| &found.health), &assessment.verdict) {
        (None, _) => "",
        // What works of it is not all that stacks expect.
        (Some(Health::Healthy), Verdict::Install { .. }) => "in part",
        (Some(Health::Healthy), _) => "yes",
        (Some(Health::Unhealthy { .. }), _) => "no",
    };
    let name = assessment.prerequisite.to_string();
    vec![name, cut(there, THERE), by, works.to_owned(), act_text(assessment).to_owned()]
}

/// What `install` would do, in a word or two.
pub(crate) fn act_text(assessment: &Assessment) -> &'static str {
    match (&assessment.verdict, assessment.found.as_ref().map(|found| &found.health)) {
        (Verdict::Keep { .. }, Some(Health::Unhealthy { .. })) => "mend it",
        (Verdict::Use { .. } | Verdict::Keep { .. }, _) => "do nothing",
        (Verdict::Install { .. }, None) => "install it",
        (Verdict::Install { .. }, Some(_)) => "complete it",
        (Verdict::Upgrade { .. }, _) => "upgrade it",
        (Verdict::Leave { .. }, _) => "only by its name",
        (Verdict::Blocked(_), _) => "not do it",
    }
}

/// Why, in a sentence.
pub(crate) fn why_text(assessment: &Assessment) -> String {
    match &assessment.verdict {
        Verdict::Use { because } | Verdict::Install { because, .. } | Verdict::Leave { because } => because.clone(),
        Verdict::Keep { .. } => match assessment.found.as_ref().map(|found| &found.health) {
            Some(Health::Unhealthy { why }) => format!("it is ours, and does not work: {why}"),
            _ => "it is ours, in the version that this program brings".to_owned(),
        },
        Verdict::Upgrade { from, to, .. } => format!("it is ours: from {from} to {to}"),
        Verdict::Blocked(blocked) => format!("{}; {}", blocked.because, blocked.remedy),
    }
}
