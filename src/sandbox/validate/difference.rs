//! What differs between two values, as the API server shows it: their JSON line by line, with three lines around each change.
//! Source: `k8s.io/apimachinery`, `pkg/util/diff/diff.go`, 1.34.

use serde::Serialize as _;
use serde_json::Value;
use similar::TextDiff;

/// Lines shown before and after a change.
const AROUND: usize = 3;

/// The lines that differ, in the form of `diff -u` without its head.
pub(super) fn of(before: &Value, after: &Value) -> String {
    let (before, after) = (pretty(before), pretty(after));
    TextDiff::from_lines(&before, &after).unified_diff().context_radius(AROUND).missing_newline_hint(false).to_string()
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
