//! What a check means, offline: for `explain`, and as the page `docs/checks.md`.

use std::fmt::Write as _;

use super::check::{Check, Judge};
use super::checks;

/// Facts about a check, in the order in which they are told.
pub fn parts(check: &Check) -> [(&'static str, &'static str); 4] {
    [("means", check.explain), ("fix", check.fix), ("not", check.unless), ("severity", check.severity.word())]
}

/// The page with all checks.
pub fn page() -> String {
    let mut page = String::from(
        "# Checks\n\nGenerated from the catalogue in the source (`src/doctor/checks/`); a test fails when it is stale. `seaworthy explain ID` \
         says the same.\n\n",
    );
    let count = checks::all().count();
    let by_rules = checks::all().filter(|check| matches!(check.judge, Judge::Rules)).count();
    let _ = writeln!(
        page,
        "{count} checks. {by_rules} of them look with the rules that also say why a wait stalls. Severity: critical, error, warning, info; \
         a finding may be milder or worse where its text says so."
    );
    let mut group = "";
    for check in sorted() {
        if check.group() != group {
            group = check.group();
            let _ = writeln!(page, "\n## {}", capital(group));
        }
        let _ = writeln!(page, "\n### {}: {} <a id=\"{}\"></a>\n", check.id, check.title, check.id.to_lowercase());
        let _ = writeln!(page, "{}. {}\n", capital(check.severity.word()), check.explain);
        let _ = writeln!(page, "* What to do: {}", check.fix);
        let _ = writeln!(page, "* Not reported: {}", check.unless);
        let reads = if check.reads.is_empty() { "`/readyz`".to_owned() } else { check.reads.join(", ") };
        let _ = writeln!(page, "* Reads: {reads}");
    }
    page
}

/// By group, in the order of the groups, then by id.
fn sorted() -> Vec<&'static Check> {
    let place = |check: &Check| super::check::GROUPS.iter().position(|(_, name)| *name == check.group());
    let mut all: Vec<&'static Check> = checks::all().collect();
    all.sort_by_key(|check| (place(check), check.id));
    all
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
