//! `explain`: what a check means, without a cluster.

use std::process::ExitCode;

use clap::Args;
use seaworthy::doctor::check::Check;
use seaworthy::doctor::report::Choice;
use seaworthy::doctor::stacks::StackCheck;
use seaworthy::doctor::{checks, explain, remedy};
use serde_json::{Value, json};

use super::doctor::unknown_check;
use super::{Failure, Session};
use crate::front::paint::table;

/// `explain`
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Id of a check, such as P002 (default: list all)
    pub(crate) check: Option<String>,
}

pub(crate) fn run(session: &Session, arguments: &ExplainArgs) -> Result<ExitCode, Failure> {
    let choice = Choice { stacks: super::doctor::knowledge(session), ..Choice::default() };
    let of_stacks = choice.knowledge().checks();
    let Some(id) = &arguments.check else {
        let all: Vec<Value> = checks::all().map(document).chain(of_stacks.iter().map(document_of_stack)).collect();
        session.print("Checks", &all, || list(of_stacks));
        return Ok(ExitCode::SUCCESS);
    };
    if let Some(check) = choice.knowledge().find(id) {
        session.print("Check", &document_of_stack(check), || of_stack(check));
        return Ok(ExitCode::SUCCESS);
    }
    let check = checks::find(id).ok_or_else(|| unknown_check(id))?;
    session.print("Check", &document(check), || explanation(check));
    Ok(ExitCode::SUCCESS)
}

fn document(check: &Check) -> Value {
    json!({"id": check.id, "group": check.group(), "severity": check.severity, "title": check.title,
        "explain": check.explain, "fix": check.fix, "unless": check.unless, "reads": check.reads,
        "remedy": remedy::is_offered(check.id)})
}

fn document_of_stack(check: &StackCheck) -> Value {
    json!({"id": check.id, "severity": check.severity, "title": check.title, "explain": check.explain, "fix": check.fix,
        "unless": check.unless})
}

/// Every check that `doctor` asks, and how many that are: as many as its last line counts.
fn list(of_stacks: &[StackCheck]) -> String {
    let row = |check: &Check| [check.id, check.severity.word(), check.group(), check.title].map(str::to_owned).to_vec();
    let mut rows: Vec<Vec<String>> = checks::all().map(row).collect();
    rows.sort();
    let row =
        |check: &StackCheck| [&check.id, check.severity.word(), "stacks", &check.title].map(str::to_owned).to_vec();
    rows.extend(of_stacks.iter().map(row));
    let counted = format!("{} checks, {} of them of stacks", rows.len(), of_stacks.len());
    format!("{}\n\n{counted}", table(&["CHECK", "SEVERITY", "GROUP", "WHAT IT FINDS"], &rows))
}

fn explanation(check: &Check) -> String {
    let labels = [("means", "What it means"), ("fix", "What to do"), ("not", "Not reported"), ("severity", "Severity")];
    let parts = explain::parts(check).map(|(part, text)| {
        let label = labels.iter().find(|(key, _)| *key == part).map_or(part, |(_, label)| label);
        format!("{label}:\n{}", wrapped(text))
    });
    let can = if remedy::is_offered(check.id) {
        "where the cluster allows it: `seaworthy doctor` says with a finding what it would do"
    } else {
        "nothing about it"
    };
    format!("{}  {}\n\n{}\n\nWhat --fix can do:\n  {can}", check.id, check.title, parts.join("\n\n"))
}

/// A check that is data of a stack.
fn of_stack(check: &StackCheck) -> String {
    let parts = [
        ("What it means", check.explain.as_str()),
        ("What to do", &check.fix),
        ("Not reported", &check.unless),
        ("Severity", check.severity.word()),
    ];
    let parts = parts.map(|(label, text)| format!("{label}:\n{}", wrapped(text)));
    format!("{}  {}\n\n{}", check.id, check.title, parts.join("\n\n"))
}

/// Lines of at most 96 letters, two blanks in.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::from(" ")];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if lines[last].chars().count() + word.chars().count() > 96 {
            lines.push(format!("  {word}"));
        } else {
            lines[last].push(' ');
            lines[last].push_str(word);
        }
    }
    lines.join("\n")
}
