//! What an answer warns of, in its headers (RFC 7234, section 5.5). Source: `k8s.io/apiserver`, `pkg/endpoints/filters/warning.go`, 1.34.

use http::{HeaderMap, HeaderValue, header::WARNING};

/// How many letters all warnings of an answer have together, until each is cut.
const ALL: usize = 4 * 1024;
/// How many letters one then has.
const ONE: usize = 256;

/// Writes each warning once.
pub(super) fn write(headers: &mut HeaderMap, warnings: &[String]) {
    let mut told: Vec<&str> = Vec::new();
    for text in warnings.iter().map(String::as_str).filter(|text| !text.is_empty()) {
        if !told.contains(&text) {
            told.push(text);
        }
    }
    let is_long = told.iter().map(|text| text.chars().count()).sum::<usize>() > ALL;
    let mut written = 0;
    for text in told {
        let text: String = text.chars().take(if is_long { ONE } else { usize::MAX }).collect();
        written += text.chars().count();
        if let Ok(value) = HeaderValue::from_str(&format!("299 - {}", quoted(&text))) {
            headers.append(WARNING, value);
        }
        if is_long && written >= ALL {
            return;
        }
    }
}

/// A quoted text of a header: RFC 7230, section 3.2.6. What is no letter of it becomes a space.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace(|letter: char| letter.is_control(), " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(warnings: &[String]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        write(&mut headers, warnings);
        headers.get_all(WARNING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    #[test]
    fn a_warning_is_quoted_and_told_once() {
        let said = [
            r#"unknown field "a\b""#.to_owned(),
            String::new(),
            r#"unknown field "a\b""#.to_owned(),
            "two\nlines".to_owned(),
        ];
        assert_eq!(written(&said), [r#"299 - "unknown field \"a\\b\"""#, "299 - \"two lines\""]);
    }

    #[test]
    fn too_many_letters_are_cut() {
        let long: Vec<String> = (0..40).map(|number| format!("{number:02}{}", "x".repeat(400))).collect();
        let all = written(&long);
        assert_eq!(all.len(), ALL / ONE);
        assert!(all.iter().all(|warning| warning.len() == ONE + "299 - \"\"".len()));
    }
}
