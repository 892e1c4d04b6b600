//! Where the value behind a name begins and ends, in the syntax that it stands in, and whether it can be a secret at all.

use std::ops::Range;

use super::entropy::{is_odd, is_wordlike};
use super::keys::Weight;
use super::places::is_placeholder;

/// How a value stands behind its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Between quotes.
    Quoted,
    /// `name=value`, or behind a flag.
    Equals,
    /// `name: value` somewhere in a line.
    Colon,
    /// `name: value` as a line of its own.
    Line,
    /// The lines below `name: |`.
    Block,
    /// `name value`.
    Blank,
}

/// A value and how it stands there.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) range: Range<usize>,
    pub(super) style: Style,
}

impl Value {
    pub(super) fn is_quoted(&self) -> bool {
        self.style == Style::Quoted
    }
}

/// The value behind a name; `None` when there is none.
pub(super) fn value_at(text: &str, name: &Range<usize>) -> Option<Value> {
    let rest = &text[name.end..];
    let quote = quote_length(rest);
    let closed = &rest[quote..];
    let bracket = usize::from(quote > 0 && closed.starts_with(']'));
    let blanks = blank_length(&closed[bracket..]);
    let behind = &closed[bracket + blanks..];
    if let Some(length) = separator(behind) {
        let from = name.end + quote + bracket + blanks + length;
        return behind_separator(
            text,
            from,
            (name.start, quote > 0 || behind.starts_with('=')),
            behind.starts_with(':'),
        );
    }
    if text[..name.start].ends_with('<') && rest.starts_with('>') {
        let from = name.end + 1;
        let length = text[from..].find(['<', '\n'])?;
        return Some(Value { range: from..from + length, style: Style::Quoted });
    }
    let is_flag = text[name.clone()].starts_with('-');
    if is_flag {
        return flag(text, name.end + quote, quote > 0);
    }
    named(text, name).or_else(|| blank(text, name.end + quote, quote > 0))
}

/// Length of `:`, `=`, `:=` or `=>`; not of `::`, `==` or `://`.
fn separator(rest: &str) -> Option<usize> {
    if rest.starts_with("::") || rest.starts_with("==") || rest.starts_with("://") {
        return None;
    }
    [":=", "=>", "->"]
        .iter()
        .find(|sign| rest.starts_with(**sign))
        .map(|sign| sign.len())
        .or(rest.starts_with([':', '=']).then_some(1))
}

fn behind_separator(text: &str, from: usize, (name, bare): (usize, bool), is_colon: bool) -> Option<Value> {
    let rest = &text[from..];
    let blanks = blank_length(rest);
    let start = from + blanks;
    let rest = &rest[blanks..];
    if let Some(quoted) = quoted(text, start) {
        return Some(quoted);
    }
    if rest.is_empty() || rest.starts_with(['\n', '\r']) {
        return None;
    }
    if is_colon && !bare && (blanks > 0) && is_line(text, name) {
        if rest.starts_with(['|', '>']) && block_begins(rest) {
            return block(text, start, name);
        }
        // `token: x, user: y` is one line of a log.
        let end = bare_end(text, start);
        let is_field = text[end..].starts_with([',', ';']);
        return Some(if is_field { Value { range: start..end, style: Style::Colon } } else { line(text, start) });
    }
    let style = if is_colon { Style::Colon } else { Style::Equals };
    Some(Value { range: start..bare_end(text, start), style })
}

/// `"..."`, `'...'`, and both escaped; to the end of the line where the end is missing.
fn quoted(text: &str, start: usize) -> Option<Value> {
    let rest = &text[start..];
    // Python's b'...' and u'...'.
    let prefix = usize::from(rest.starts_with(['b', 'u', 'r', '@']) && rest[1..].starts_with(['"', '\'']));
    let escapes = rest[prefix..].bytes().take_while(|byte| *byte == b'\\').count();
    let quote = rest.as_bytes().get(prefix + escapes).copied().filter(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
    let from = start + prefix + escapes + 1;
    let (mut run, bytes) = (0, text.as_bytes());
    let mut end = bytes.len();
    for (place, byte) in bytes.iter().enumerate().skip(from) {
        if *byte == quote && run % (2 * (escapes + 1)) == escapes {
            end = place - escapes;
            break;
        }
        if *byte == b'\n' {
            end = place;
            break;
        }
        run = if *byte == b'\\' { run + 1 } else { 0 };
    }
    Some(Value { range: from..end.max(from), style: Style::Quoted })
}

/// Whether the name stands at the beginning of its line, as in YAML or a header.
fn is_line(text: &str, name: usize) -> bool {
    let begin = text[..name].rfind('\n').map_or(0, |at| at + 1);
    let before = &text[begin..name];
    // Kubelets put the time before each line.
    let before = match before.split_once(' ') {
        Some((time, rest)) if time.ends_with('Z') && time.starts_with(|letter: char| letter.is_ascii_digit()) => rest,
        _ => before,
    };
    before.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'-' | b'#' | b'>' | b'<' | b'\'' | b'"'))
}

fn line(text: &str, start: usize) -> Value {
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let whole = &text[start..end];
    let whole = whole.split(" #").next().unwrap_or(whole).trim_end();
    Value { range: start..start + whole.len(), style: Style::Line }
}

fn block_begins(rest: &str) -> bool {
    let head = rest.split('\n').next().unwrap_or_default().trim_end();
    head.len() <= 3 && head[1..].bytes().all(|byte| matches!(byte, b'-' | b'+' | b'0'..=b'9'))
}

/// The lines that are further in than the name.
fn block(text: &str, start: usize, name: usize) -> Option<Value> {
    let begin = text[..name].rfind('\n').map_or(0, |at| at + 1);
    let indent = name - begin;
    let first = start + text[start..].find('\n')? + 1;
    let (mut end, mut from) = (first, None);
    for line in text[first..].split_inclusive('\n') {
        let inner = line.trim_start_matches(' ');
        if !inner.trim().is_empty() && line.len() - inner.len() <= indent {
            break;
        }
        from = from.or((!inner.trim().is_empty()).then_some(end + line.len() - inner.len()));
        end += line.len();
    }
    let from = from?;
    let length = text[from..end].trim_end().len();
    Some(Value { range: from..from + length, style: Style::Block })
}

/// `--password VALUE`, and the same in a list: `"--password","VALUE"`.
fn flag(text: &str, from: usize, was_quoted: bool) -> Option<Value> {
    let rest = &text[from..];
    let comma = usize::from(was_quoted && rest.starts_with(','));
    let blanks = blank_length(&rest[comma..]);
    if comma + blanks == 0 {
        return None;
    }
    let start = from + comma + blanks;
    if let Some(value) = quoted(text, start) {
        return (!text[value.range.clone()].starts_with('-')).then_some(value);
    }
    let end = bare_end(text, start);
    let is_other = text[start..end].starts_with('-') || end == start;
    (!is_other).then_some(Value { range: start..end, style: Style::Equals })
}

/// `name: TOKEN` with `value: ...` behind it: environment in manifests, settings in XML.
fn named(text: &str, name: &Range<usize>) -> Option<Value> {
    let before = text[..name.start].trim_end_matches(['"', '\'', '\\', ' ']);
    if !before.ends_with([':', '=']) {
        return None;
    }
    let rest = &text[name.end..];
    let mut at = quote_length(rest);
    loop {
        let step = rest[at..].bytes().take_while(|byte| matches!(byte, b',' | b' ' | b'\t' | b'\n' | b'\r')).count();
        let escaped = if rest[at + step..].starts_with("\\n") { 2 } else { 0 };
        at += step + escaped;
        if step + escaped == 0 {
            break;
        }
    }
    let key = at + quote_length(&rest[at..]);
    let word = rest.get(key..key + 5).filter(|word| word.eq_ignore_ascii_case("value"))?;
    let behind = key + word.len();
    let quote = quote_length(&rest[behind..]);
    let blanks = blank_length(&rest[behind + quote..]);
    let sign = &rest[behind + quote + blanks..];
    let length = separator(sign)?;
    let from = name.end + behind + quote + blanks + length;
    behind_separator(text, from, (name.end + key, quote > 0), sign.starts_with(':'))
}

/// `password VALUE`: only what is no word of a sentence.
fn blank(text: &str, from: usize, was_quoted: bool) -> Option<Value> {
    let rest = &text[from..];
    let blanks = blank_length(rest);
    if blanks == 0 || was_quoted {
        return None;
    }
    let start = from + blanks;
    if text[start..].starts_with('\'') {
        return quoted(text, start);
    }
    let end = bare_end(text, start);
    let word = &text[start..end];
    let has = |test: fn(&u8) -> bool| word.bytes().any(|byte| test(&byte));
    let is_secret = word.len() >= 6
        && has(u8::is_ascii_alphabetic)
        && has(u8::is_ascii_digit)
        && !word.contains(['/', '=', ':', '(', '[', '{', '"', '<']);
    is_secret.then_some(Value { range: start..end, style: Style::Blank })
}

fn quote_length(rest: &str) -> usize {
    let escapes = rest.bytes().take_while(|byte| *byte == b'\\').count();
    if matches!(rest.as_bytes().get(escapes), Some(b'"' | b'\'')) { escapes + 1 } else { 0 }
}

fn blank_length(rest: &str) -> usize {
    rest.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// Where a bare value ends: at a blank, or at a sign behind which something new begins.
pub(super) fn bare_end(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let in_string = text[begin..start].contains('"');
    for (at, letter) in rest.char_indices() {
        if letter.is_whitespace() || letter.is_control() {
            return start + at;
        }
        let behind = &rest[at + letter.len_utf8()..];
        let ends = match letter {
            ',' | ';' | '&' | '|' => ends_field(behind),
            '"' | '\'' | '`' => {
                behind.is_empty()
                    || behind.starts_with([' ', ',', ':', ';', ')', ']', '}', '\n', '\r', '\\', '|', '.', '>'])
            }
            ')' | ']' | '}' | '>' => {
                behind.is_empty()
                    || behind.starts_with([' ', ',', ';', ')', ']', '}', '\n', '\r', '"', '\'', '.', '\\'])
            }
            '<' => behind.starts_with('/'),
            '\\' => behind.starts_with(['"', '\'']) || in_string && behind.starts_with(['n', 'r', 't']),
            _ => false,
        };
        if ends {
            return start + at;
        }
    }
    text.len()
}

/// Behind the sign stands nothing, or another name with its value.
fn ends_field(behind: &str) -> bool {
    let behind = behind.trim_start_matches([' ', '"', '\'', '\\']);
    let name = behind
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' '))
        .count();
    behind.is_empty()
        || behind.starts_with(['\n', '\r'])
        || name > 0 && behind[name..].trim_start_matches(['"', '\'', '\\']).starts_with(['=', ':'])
}

/// Whether a value is no secret, whatever its name is.
pub(super) fn is_innocent(text: &str, value: &Value, weight: Weight) -> bool {
    let word = text[value.range.clone()].trim_matches(['"', '\'']);
    if is_placeholder(word) || is_literal(word) || is_path(word) {
        return true;
    }
    let is_dump = value.style == Style::Colon && word.starts_with(['(', '{', '[', '&', '*', '<'])
        || word
            .strip_prefix("0x")
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()) && rest.len() <= 16);
    let is_nested = !value.is_quoted()
        && value.style != Style::Equals
        && (word.starts_with('{') && word.ends_with(['{', '}']) || word.starts_with('[') && word.ends_with(['[', ']']));
    if is_dump || is_nested {
        return true;
    }
    let is_sentence = word.split_whitespace().count() >= 3 && words(word);
    match weight {
        Weight::Strong => {
            is_sentence
                || value.style == Style::Colon && is_wordlike(word.trim_end_matches([',', '.', ';']))
                || word.len() <= 3 && word.bytes().all(|byte| byte.is_ascii_digit())
        }
        Weight::Weak => is_number(word) || words(word),
    }
}

/// The same for a value that stands alone in a structure.
pub(super) fn is_innocent_word(word: &str, weight: Weight) -> bool {
    is_innocent(word, &Value { range: 0..word.len(), style: Style::Quoted }, weight)
}

fn is_literal(word: &str) -> bool {
    const LITERALS: [&str; 12] =
        ["true", "false", "null", "nil", "none", "yes", "no", "undefined", "<nil>", "<none>", "unknown", "~"];
    LITERALS.contains(&word.to_ascii_lowercase().as_str())
}

/// A file, and no secret with slashes.
fn is_path(word: &str) -> bool {
    let is_file = ["/", "./", "../", "~/", "file:"].iter().any(|begin| word.starts_with(begin));
    is_file
        && word.len() > 2
        && word.split('/').all(|part| part.len() < 3 || !is_odd(part))
        && !word.contains([' ', '+', '='])
}

/// A small number, or a time such as `24h0m0s`.
fn is_number(word: &str) -> bool {
    let is_digits = word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-'));
    let is_time = word.as_bytes().first().is_some_and(u8::is_ascii_digit)
        && word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'h' | b'm' | b's' | b'n' | b'.' | b'd'));
    is_digits && word.len() <= 7 || is_time && word.len() <= 16
}

/// A name or a sentence: words with `-`, `/`, `.` or blanks between, and perhaps a suffix such as pods have.
fn words(word: &str) -> bool {
    let parts: Vec<&str> =
        word.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|part| !part.is_empty()).collect();
    let plain = parts.iter().filter(|part| part.len() >= 2 && is_wordlike(part) && !has_humps(part)).count();
    let small = parts.iter().filter(|part| part.len() <= 5).count();
    plain > 0
        && parts.iter().all(|part| {
            is_wordlike(part) && !has_humps(part) || part.len() <= 5 && (plain >= 2 || small == 0) || part.len() <= 2
        })
        && !word.contains(['!', '?', '@', '#', '$', '%', '^', '*', '=', '+', '~'])
}

/// Capitals inside of a word as a random one has them.
fn has_humps(word: &str) -> bool {
    let capitals = word.bytes().skip(1).filter(u8::is_ascii_uppercase).count();
    capitals > 0 && capitals < word.len() - 1 && capitals * 4 > word.len()
}
