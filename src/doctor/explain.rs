//! What a check means, offline: for `explain`, and as the page `docs/checks.md`.

use std::fmt::Write as _;

use super::check::{Check, Judge};
use super::checks::left_out::LEFT_OUT;
use super::stacks::Knowledge;
use super::{checks, remedy};

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
        "{count} checks, and {} of stacks, at the end. {by_rules} look with the rules that also say why a wait stalls. Severity: critical, error, warning, info; \
         a finding may be milder or worse where its text says so.",
        Knowledge::built_in().checks().len()
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
        if remedy::is_offered(check.id) {
            let _ = writeln!(page, "* `--fix`: can do something about it, where the cluster allows it");
        }
        let reads = reads(check);
        let _ = writeln!(page, "* Reads: {reads}");
    }
    of_stacks(&mut page);
    left_out(&mut page);
    page
}

/// What a check cannot do without.
fn reads(check: &Check) -> String {
    match (check.id, check.reads) {
        ("A001", _) => "`/readyz`".to_owned(),
        (_, []) => "this machine".to_owned(),
        (_, kinds) => kinds.join(", "),
    }
}

/// The checks that are data of the embedded stacks.
fn of_stacks(page: &mut String) {
    let _ = writeln!(
        page,
        "\n## Checks of stacks\n\nData in the folders of the stacks ([writing-a-stack.md](writing-a-stack.md)); a cluster without the stack is not looked at."
    );
    for check in Knowledge::built_in().checks() {
        let _ = writeln!(page, "\n### {}: {}\n", check.id, check.title);
        let _ = writeln!(page, "{}. {}\n", capital(check.severity.word()), check.explain.trim());
        let _ = writeln!(page, "* What to do: {}\n* Not reported: {}", check.fix.trim(), check.unless.trim());
    }
}

/// Rows of the study that have no check here, with the reason.
fn left_out(page: &mut String) {
    let count: usize = LEFT_OUT.iter().map(|(_, ids)| ids.len()).sum();
    let _ = writeln!(
        page,
        "\n## Left out\n\n{count} rows of the study of what goes wrong in clusters, from which the ids are, have no check here.\n\n| why | rows |\n|---|---|"
    );
    for (why, ids) in LEFT_OUT {
        let _ = writeln!(page, "| {why} | {} |", ids.join(", "));
    }
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
