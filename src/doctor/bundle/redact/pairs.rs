//! A name of a secret with its value behind it: in JSON, YAML, properties, logs, headers, flags, SQL and XML.

use std::ops::Range;

use super::keys::{self, Weight};
use super::values::{Style, Value, is_innocent, value_at};
use super::{Hit, Rule};

const RULE: Rule = "named-secret";
const HEADER: Rule = "authorization";
const COOKIE: Rule = "cookie";
/// The longest name that is looked at.
const LONGEST: usize = 96;
/// Words that tell how a secret is sent, before it.
const SCHEMES: &[&str] = &[
    "bearer",
    "basic",
    "token",
    "digest",
    "negotiate",
    "apikey",
    "api-key",
    "aws4-hmac-sha256",
    "key",
    "ssws",
    "genie-key",
];

/// What was found at a name, and from where on to look further.
pub(super) struct Found {
    pub(super) hit: Option<Hit>,
    pub(super) resume: usize,
}

/// Looks at the name of which a part stands here.
pub(super) fn at(text: &str, part: Range<usize>) -> Found {
    let name = name(text, part);
    let resume = name.end;
    let hit = hit(text, &name);
    Found { hit, resume }
}

fn hit(text: &str, name: &Range<usize>) -> Option<Hit> {
    let word = text[name.clone()].trim_start_matches(['-', '.']);
    let value = value_at(text, name)?;
    let lower = word.to_ascii_lowercase();
    if lower.ends_with("cookie") && value.style != Style::Equals {
        return cookie(text, &value);
    }
    let weight = keys::weight(word)?;
    if lower.ends_with("authorization") || weight == Weight::Weak && lower.ends_with("auth") {
        return authorization(text, &value);
    }
    let range = value.range.clone();
    if range.is_empty() || is_innocent(text, &value, weight) {
        return None;
    }
    Some(Hit::new(range, RULE))
}

/// The whole name of which a part stands here.
fn name(text: &str, part: Range<usize>) -> Range<usize> {
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let before = text.as_bytes()[..part.start].iter().rev().take(LONGEST).take_while(|byte| is_letter(byte)).count();
    let behind = text.as_bytes()[part.end..].iter().take(LONGEST).take_while(|byte| is_letter(byte)).count();
    let whole = &text[part.start - before..part.end + behind];
    part.start - before..part.start - before + whole.trim_end_matches(['.', '-']).len()
}

/// `Authorization: Bearer ...`: what stands behind the scheme.
fn authorization(text: &str, value: &Value) -> Option<Hit> {
    let mut range = value.range.clone();
    let whole = &text[range.clone()];
    let scheme = whole.split([' ', '\t']).next().unwrap_or_default();
    let is_scheme = SCHEMES.contains(&scheme.trim_matches(['"', '\'', '[', ':']).to_ascii_lowercase().as_str());
    if is_scheme {
        // A bare value is one word; its secret is the next.
        let rest = &text[range.start + scheme.len()..];
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let from = range.start + scheme.len() + blanks;
        let end = if value.is_quoted() { range.end } else { super::values::bare_end(text, from) };
        range = from..end.max(from);
    }
    let secret = &text[range.clone()];
    let least = if is_scheme { 4 } else { 8 };
    let is_secret = secret.len() >= least
        && !super::places::is_placeholder(secret)
        && !secret.contains("realm=")
        && (is_scheme || secret.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() || byte == b'='));
    (is_secret && !is_innocent(text, &Value { range: range.clone(), style: value.style }, Weight::Weak))
        .then(|| Hit::new(range, HEADER))
}

fn cookie(text: &str, value: &Value) -> Option<Hit> {
    let from = value.range.start;
    let end = if value.is_quoted() {
        value.range.end
    } else {
        from + text[from..].find(['\n', '\r', '"', '\'']).unwrap_or(text.len() - from)
    };
    let whole = &text[from..end];
    let is_cookie = whole.contains('=') && !super::places::is_placeholder(whole);
    is_cookie.then(|| Hit::new(from..end, COOKIE))
}
