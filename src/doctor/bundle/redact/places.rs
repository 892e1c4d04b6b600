//! Secrets known by the place where they stand: before the `@` of an address, behind `Bearer`, in `curl -u`.

use std::ops::Range;

use super::token::BEGIN;
use super::{Hit, Rule};

const URL: Rule = "url-password";
const HEADER: Rule = "authorization";
const CURL: Rule = "curl-user";
const DSN: Rule = "dsn-password";
const CRYPT: Rule = "password-hash";

/// Shorter words behind `Bearer` are words.
const LEAST_BEARER: usize = 8;

/// The password, or the token in the place of a user, of the address whose `://` ends here.
pub(super) fn url(text: &str, end: usize) -> Option<Hit> {
    let rest = &text[end..];
    let stop = |letter: char| {
        letter.is_whitespace() || matches!(letter, '"' | '\'' | '`' | '<' | '>' | '\\') || letter.is_control()
    };
    // A token may stand there already.
    if rest.starts_with(BEGIN) {
        return None;
    }
    let whole = &rest[..rest.find(stop).unwrap_or(rest.len())];
    // Another address behind a comma has its own.
    let whole = whole.split("://").next().unwrap_or(whole);
    let authority = whole.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.split([':', '@']).next().unwrap_or_default();
    let behind = &whole[user.len()..];
    if behind.starts_with('@') {
        return user_alone(user).then(|| Hit::new(end..end + user.len(), URL));
    }
    let secret = behind.strip_prefix(':')?;
    // The last `@` before the path ends it; when there is none before, a password with a slash may.
    let inside = authority.len().saturating_sub(user.len() + 1);
    let at = secret[..inside].rfind('@').or_else(|| sloppy(secret))?;
    let secret = &secret[..at];
    if secret.is_empty() || is_placeholder(secret) {
        return None;
    }
    let from = end + user.len() + 1;
    Some(Hit::new(from..from + at, URL))
}

/// A user without a password is a token where it is long: `https://TOKEN@host`.
fn user_alone(user: &str) -> bool {
    user.len() >= 16 && user.bytes().any(|byte| byte.is_ascii_digit()) && !is_placeholder(user)
}

/// Where a password with `/`, `?` or `#` in it ends. A port is none, and an image has its digest behind an `@`.
fn sloppy(secret: &str) -> Option<usize> {
    let port = secret.bytes().take_while(u8::is_ascii_digit).count();
    let is_port = port > 0 && matches!(secret.as_bytes().get(port), None | Some(b'/' | b'?' | b'#'));
    let at = secret.rfind('@')?;
    let host = &secret[at + 1..];
    let is_host = host.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'[');
    (!is_port && is_host && !host.starts_with("sha256:")).then_some(at)
}

/// What follows `Bearer` or `Basic`, whose blank ends here.
pub(super) fn scheme(text: &str, range: Range<usize>) -> Option<Hit> {
    let before = text[..range.start].bytes().next_back();
    if before.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let rest = &text[range.end..];
    let is_letter = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=' | b':')
    };
    let length = rest.bytes().take_while(is_letter).count();
    let word = rest[..length].trim_end_matches([':', '.']);
    let has_both =
        word.bytes().any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase() || matches!(byte, b'=' | b'+'));
    let fits = word.len() >= LEAST_BEARER
        && has_both
        && !word.contains('/') | word.contains(['+', '='])
        && !word.contains("realm=");
    fits.then(|| Hit::new(range.end..range.end + word.len(), HEADER))
}

/// The password of `curl -u USER:PASSWORD`, of which `curl` ends here.
pub(super) fn curl(text: &str, end: usize) -> Vec<Hit> {
    let line = text[end..].split('\n').next().unwrap_or_default();
    let mut hits = Vec::new();
    for option in [" -u ", " -u", " --user ", " --user=", " --proxy-user ", " --proxy-user=", " -U "] {
        let Some(at) = line.find(option) else { continue };
        let from = at + option.len();
        let word = line[from..].trim_start_matches(['\'', '"', '\\']);
        let from = from + (line.len() - from - word.len());
        let close = line[..from].chars().next_back().filter(|quote| matches!(quote, '\'' | '"'));
        let stop = |letter: char| {
            close.map_or(letter.is_whitespace() || matches!(letter, '"' | '\''), |quote| letter == quote)
        };
        let word = &word[..word.find(stop).unwrap_or(word.len())];
        let Some((user, secret)) = word.trim_end_matches('\\').split_once(':') else { continue };
        if !secret.is_empty() && !is_placeholder(secret) {
            let from = end + from + user.len() + 1;
            hits.push(Hit::new(from..from + secret.len(), CURL));
            break;
        }
    }
    hits
}

/// The password before `@tcp(`, as Go's drivers write it: `user:password@tcp(host:3306)/db`.
pub(super) fn dsn(text: &str, start: usize) -> Option<Hit> {
    let before = &text[..start];
    let stop = |letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'' | '`' | '=');
    let from = before.rfind(stop).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[from..];
    let word = word.rsplit_once("://").map_or(word, |(_, rest)| rest);
    let from = start - word.len();
    let (user, secret) = word.split_once(':')?;
    (!secret.is_empty() && !is_placeholder(secret)).then(|| Hit::new(from + user.len() + 1..start, DSN))
}

/// The password of `jdbc:oracle:thin:USER/PASSWORD@host`, whose prefix ends here.
pub(super) fn oracle(text: &str, end: usize) -> Option<Hit> {
    let rest = &text[end..];
    let word =
        &rest[..rest.find(|letter: char| letter.is_whitespace() || matches!(letter, '"' | '\'')).unwrap_or(rest.len())];
    let (user, _) = word.split_once('/')?;
    let at = word.rfind('@')?;
    let secret = word.get(user.len() + 1..at)?;
    (!user.contains('@') && !secret.is_empty() && !is_placeholder(secret))
        .then(|| Hit::new(end + user.len() + 1..end + at, DSN))
}

/// The hash of a password, as crypt(3) and its kin write it.
pub(super) fn crypt(text: &str, range: Range<usize>) -> Option<Hit> {
    let is_letter = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'$' | b'=' | b'+' | b',' | b'-' | b':')
    };
    let length = text[range.end..].bytes().take_while(is_letter).count();
    (length >= 16).then(|| Hit::new(range.start..range.end + length, CRYPT))
}

/// What stands where a secret would, and is none.
pub(super) fn is_placeholder(value: &str) -> bool {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    let is_mask = value.chars().all(|letter| matches!(letter, '*' | 'x' | 'X' | '.' | '-' | '•' | '#'));
    let is_variable = value.starts_with("$(")
        || value.starts_with("${")
        || value.starts_with("{{")
        || value.starts_with("%(")
        || (value.starts_with('$')
            && value[1..].bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
            && value.len() > 2)
        || (value.starts_with('%') && value.ends_with('%') && value.len() > 2);
    let words = ["redacted", "hidden", "secret", "omitted", "masked", "withheld", "sensitive"];
    let bare = lower.trim_matches(|letter: char| matches!(letter, '<' | '>' | '[' | ']' | '(' | ')' | '*' | '"'));
    let is_word = words.contains(&bare) && lower.len() > bare.len();
    value.is_empty()
        || is_mask
        || is_variable
        || is_word
        || value.starts_with(BEGIN)
        || value.starts_with("<secret")
        || bare == "redacted"
}
