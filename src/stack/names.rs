//! The names Kubernetes accepts.

/// Whether the text is a DNS label (RFC 1123): at most 63 of `a-z 0-9 -`, with a letter or digit at both ends.
pub fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && bytes.len() <= 63
        && bytes.iter().all(|byte| inner(*byte) || *byte == b'-')
        && bytes.first().is_some_and(|byte| inner(*byte))
        && bytes.last().is_some_and(|byte| inner(*byte))
}

/// Whether the text is a DNS subdomain: at most 253 characters, labels of any length up to that joined with dots.
pub fn is_subdomain(text: &str) -> bool {
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let part = |part: &str| {
        let bytes = part.as_bytes();
        bytes.iter().all(|byte| inner(byte) || *byte == b'-')
            && bytes.first().is_some_and(inner)
            && bytes.last().is_some_and(inner)
    };
    text.len() <= 253 && text.split('.').all(part)
}

/// Whether the text is a DNS label that begins with a letter (RFC 1035), as a Service's name must be.
pub fn is_service(text: &str) -> bool {
    is_label(text) && text.as_bytes()[0].is_ascii_lowercase()
}

/// Whether the text may name a port: at most 15 of `a-z 0-9 -`, with a letter among them.
pub fn is_port(text: &str) -> bool {
    is_label(text) && text.len() <= 15 && text.bytes().any(|byte| byte.is_ascii_lowercase()) && !text.contains("--")
}

/// Whether the text may be the value of a label: empty, or at most 63 of letters, digits, `-`, `_` and `.`.
pub fn is_label_value(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_alphanumeric);
    bytes.len() <= 63
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        && ends(bytes.first())
        && ends(bytes.last())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_kind() {
        let long = "a".repeat(64);
        let table = [
            ("web", true, true, true),
            ("9web", true, true, false),
            ("a.b", false, true, false),
            ("-a", false, false, false),
            ("a-", false, false, false),
            ("A", false, false, false),
            ("a..b", false, false, false),
            ("", false, false, false),
            (long.as_str(), false, true, false),
        ];
        for (name, label, subdomain, service) in table {
            assert_eq!((is_label(name), is_subdomain(name), is_service(name)), (label, subdomain, service), "{name}");
        }
        assert!(is_port("http-2") && !is_port("80") && !is_port("a-name-that-is-long") && !is_port("a--b"));
        assert!(is_label_value("") && is_label_value("1.0_a-b") && !is_label_value("a b") && !is_label_value("-a"));
    }
}
