//! The one way in which YAML is read: the options are chosen here, once.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_yaml::{Error, Options, Spanned};

use super::fault::{Fault, FaultKind, Mark, Place};
use super::node::Node;

/// One document of a text: where it begins, and its value.
pub type Document = (Mark, Value);

/// All documents of the text, the empty ones left out.
///
/// # Errors
/// When the text is not YAML: file, line, column and the line itself.
pub fn documents(file: &str, text: &str) -> Result<Vec<Document>, Fault> {
    let documents: Vec<Spanned<Value>> = many(file, text)?;
    Ok(documents.into_iter().map(|document| (mark(&document.referenced), document.value)).collect())
}

/// All documents of the text with the position of every value, the empty ones left out.
///
/// # Errors
/// As [`documents`].
pub fn nodes(file: &str, text: &str) -> Result<Vec<Node<Mark>>, Fault> {
    many(file, text)
}

/// The only document of the text with the position of every value; nothing at all is an empty map.
///
/// # Errors
/// As [`documents`], and when there is more than one document.
pub fn node(file: &str, text: &str) -> Result<Node<Mark>, Fault> {
    let mut nodes = nodes(file, text)?;
    match nodes.len() {
        0 => Ok(Node::map(Mark { line: 1, column: 1 })),
        1 => Ok(nodes.remove(0)),
        _ => {
            let place = Place { file: file.into(), mark: nodes[1].at };
            Err(Fault::new(FaultKind::BrokenYaml, place, "a second document begins here; one is expected"))
        }
    }
}

/// The only document of the text as a `T`. Whoever has other errors to tell reads a [`node`] and goes on with [`super::typed`].
///
/// # Errors
/// As [`documents`], and the first thing that does not fit the type.
pub fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Fault> {
    serde_yaml::from_str_with_options(text, options()).map_err(|error| broken(file, text, &error))
}

fn many<T: DeserializeOwned>(file: &str, text: &str) -> Result<Vec<T>, Fault> {
    serde_yaml::from_multiple_with_options(text, options()).map_err(|error| broken(file, text, &error))
}

/// As `kubectl` reads it: only `true` and `false` are booleans, `0644` is octal, a key stands once.
fn options() -> Options {
    serde_yaml::options! {
        strict_booleans: true,
        legacy_octal_numbers: true,
        emit_comments: false,
        with_snippet: false,
        budget: serde_yaml::budget! { max_documents: 10_000, max_nodes: 1_000_000 },
    }
}

fn broken(file: &str, text: &str, error: &Error) -> Fault {
    let mark = error.location().map(|location| mark(&location)).unwrap_or_default();
    let message = error.to_string();
    let message = plain(message.split(" at line ").next().unwrap_or(&message));
    let line = mark.line.checked_sub(1).and_then(|above| text.lines().nth(above as usize)).map(excerpt);
    let message = match line {
        Some(line) if !line.is_empty() => format!("{message}: `{line}`"),
        _ => message,
    };
    Fault::new(FaultKind::BrokenYaml, Place { file: file.into(), mark }, message)
}

/// Without what the library says to programmers.
fn plain(message: &str) -> String {
    let message = message.split(", set DuplicateKeyPolicy").next().unwrap_or(message);
    match message.strip_prefix("duplicate mapping key: ") {
        Some(key) => format!("the key `{key}` stands here a second time"),
        None => message.to_owned(),
    }
}

/// The line as it may be shown: short, and nothing behind a name that smells of a secret.
fn excerpt(line: &str) -> String {
    const SECRET: [&str; 6] = ["pass", "secret", "token", "key", "credential", "auth"];
    let line = line.trim();
    let lower = line.to_lowercase();
    let shown = match line.split_once(':') {
        Some((name, _)) if SECRET.iter().any(|word| lower.contains(word)) => format!("{name}: <hidden>"),
        None if SECRET.iter().any(|word| lower.contains(word)) => return "<hidden>".to_owned(),
        _ => line.to_owned(),
    };
    shown.chars().filter(|character| !character.is_control()).take(80).collect()
}

pub(super) fn mark(location: &serde_yaml::Location) -> Mark {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    Mark { line: small(location.line()), column: small(location.column()) }
}

#[cfg(test)]
mod tests {
    use super::super::path::Way;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn scalars_are_read_as_kubectl_reads_them() {
        let table = [
            ("0644", json!(420)),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("true", json!(true)),
            ("1.30", json!(1.3)),
            ("\"1.30\"", json!("1.30")),
            ("500m", json!("500m")),
            ("18446744073709551615", json!(u64::MAX)),
            ("~", json!(null)),
            ("1e16", json!(1e16)),
            ("1.5e-7", json!(1.5e-7)),
            ("1e+30", json!(1e30)),
            ("0x1F", json!(31)),
            ("2026-11-20", json!("2026-11-20")),
            ("1:30", json!("1:30")),
            ("'true'", json!("true")),
        ];
        for (text, expected) in table {
            let value = node("x", &format!("a: {text}")).unwrap().to_value();
            assert_eq!(value["a"], expected, "{text}");
        }
    }

    #[test]
    fn every_value_knows_its_line_and_column() {
        let text = "# head\na:\n  b: 1\n  c:\n    - x\n    - y: 2\nd: {e: 3}\n";
        let node = node("x", text).unwrap();
        let table = [("a", 2, 1), ("a.b", 3, 3), ("a.c[0]", 5, 7), ("a.c[1].y", 6, 7), ("d.e", 7, 5), ("a.zzz", 2, 1)];
        for (way, line, column) in table {
            assert_eq!(node.nearest(&Way::dotted(way)), &Mark { line, column }, "{way}");
        }
    }

    #[test]
    fn anchors_and_merge_keys_work() {
        let value = node("x", "a: &a {b: 1}\nc:\n  <<: *a\n  d: 2\ne: *a\n").unwrap().to_value();
        assert_eq!(value, json!({"a": {"b": 1}, "c": {"b": 1, "d": 2}, "e": {"b": 1}}));
    }

    #[test]
    fn broken_text_names_file_line_column_and_the_line() {
        let fault = node("values.yaml", "a: 1\nb: [1, 2\nc: 3\n").unwrap_err().to_string();
        assert!(fault.starts_with("values.yaml:"), "{fault}");
        let fault = node("values.yaml", "a: 1\na: 2\n").unwrap_err().to_string();
        assert!(fault.starts_with("values.yaml:2:1: ") && fault.ends_with("`a: 2`"), "{fault}");
        let fault = node("values.yaml", "password: hunter2\npassword: hunter2\n").unwrap_err().to_string();
        assert!(!fault.contains("hunter2"), "{fault}");
    }

    #[test]
    fn documents_know_where_they_begin() {
        let documents = documents("x", "# nothing\n---\na: 1\n---\n\n---\nb: 2\n").unwrap();
        let lines: Vec<_> = documents.iter().map(|(mark, value)| (mark.line, value.clone())).collect();
        assert_eq!(lines, [(3, json!({"a": 1})), (7, json!({"b": 2}))]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-a-z:{}\\[\\]|>&*!'\"#\\n 0-9]{0,80}") {
            let _ = node("x", &text);
        }
    }
}
