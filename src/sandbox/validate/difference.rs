//! What differs between two values, as the API server shows it: their JSON line by line, with three lines around each change.
//! Source: `k8s.io/apimachinery`, `pkg/util/diff/diff.go`, 1.34.

use serde::Serialize as _;
use serde_json::Value;

/// Lines shown before and after a change.
const AROUND: usize = 3;

/// A line of both, or of one of them.
#[derive(Clone, Copy)]
enum Line<'a> {
    Both(&'a str),
    Before(&'a str),
    After(&'a str),
}

/// The lines that differ, in the form of `diff -u` without its head.
pub(super) fn of(before: &Value, after: &Value) -> String {
    let (before, after) = (pretty(before), pretty(after));
    let (before, after): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let all = aligned(&before, &after);
    let changed: Vec<usize> = (0..all.len()).filter(|index| !matches!(all[*index], Line::Both(_))).collect();
    // Changes whose surroundings touch are shown together.
    let mut shown = String::new();
    for group in changed.chunk_by(|one, next| next - one <= 2 * AROUND + 1) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        let from = first.saturating_sub(AROUND);
        let to = (last + 1 + AROUND).min(all.len());
        shown.push_str(&hunk(&all, from, to));
    }
    shown
}

fn pretty(value: &Value) -> String {
    let mut bytes = Vec::new();
    let mut writer =
        serde_json::Serializer::with_formatter(&mut bytes, serde_json::ser::PrettyFormatter::with_indent(b" "));
    // A document in memory always has a text.
    let written = value.serialize(&mut writer);
    debug_assert!(written.is_ok(), "{written:?}");
    String::from_utf8(bytes).unwrap_or_default()
}

/// The lines of both in one order, with as many in common as there can be.
fn aligned<'a>(before: &[&'a str], after: &[&'a str]) -> Vec<Line<'a>> {
    // How many lines two rests have in common.
    let mut common = vec![vec![0_usize; after.len() + 1]; before.len() + 1];
    for one in (0..before.len()).rev() {
        for other in (0..after.len()).rev() {
            common[one][other] = if before[one] == after[other] {
                common[one + 1][other + 1] + 1
            } else {
                common[one + 1][other].max(common[one][other + 1])
            };
        }
    }
    let (mut one, mut other, mut all) = (0, 0, Vec::new());
    while one < before.len() || other < after.len() {
        if one < before.len() && other < after.len() && before[one] == after[other] {
            all.push(Line::Both(before[one]));
            (one, other) = (one + 1, other + 1);
        } else if one < before.len() && (other == after.len() || common[one + 1][other] >= common[one][other + 1]) {
            all.push(Line::Before(before[one]));
            one += 1;
        } else {
            all.push(Line::After(after[other]));
            other += 1;
        }
    }
    all
}

fn hunk(all: &[Line<'_>], from: usize, to: usize) -> String {
    let counted = |lines: &[Line<'_>]| {
        let of_before = lines.iter().filter(|line| !matches!(line, Line::After(_))).count();
        let of_after = lines.iter().filter(|line| !matches!(line, Line::Before(_))).count();
        (of_before, of_after)
    };
    let (start, length) = (counted(&all[..from]), counted(&all[from..to]));
    let mut text = format!("@@ -{} +{} @@\n", range(start.0, length.0), range(start.1, length.1));
    for line in &all[from..to] {
        let (mark, line) = match line {
            Line::Both(line) => (' ', line),
            Line::Before(line) => ('-', line),
            Line::After(line) => ('+', line),
        };
        text.push(mark);
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// Where lines are: the first, counted from 1, and how many unless it is one.
fn range(start: usize, length: usize) -> String {
    match length {
        0 => format!("{start},0"),
        1 => (start + 1).to_string(),
        _ => format!("{},{length}", start + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn changes_are_shown_with_what_is_around_them() {
        let before = json!({"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8, "i": 9, "j": 10});
        let mut after = before.clone();
        after["b"] = 0.into();
        assert_eq!(
            of(&before, &after),
            "@@ -1,6 +1,6 @@\n {\n  \"a\": 1,\n- \"b\": 2,\n+ \"b\": 0,\n  \"c\": 3,\n  \"d\": 4,\n  \"e\": 5,\n"
        );
        after["j"] = json!([]);
        assert_eq!(of(&before, &after).matches("@@ -").count(), 2);
        after["f"] = 0.into();
        assert_eq!(of(&before, &after).matches("@@ -").count(), 1);
        assert_eq!(of(&before, &before), "");
        assert_eq!(of(&json!(1), &json!(2)), "@@ -1 +1 @@\n-1\n+2\n");
    }
}
