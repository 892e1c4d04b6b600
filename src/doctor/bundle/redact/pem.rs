//! Keys in PEM, over several lines or in one, and as base64; certificates stay.

use std::ops::Range;

use super::entropy::decoded;
use super::token::BEGIN;
use super::{Hit, Rule};

const RULE: Rule = "private-key";
pub(super) const HEADER: &str = "-----BEGIN ";
/// The beginning of base64 of a header.
pub(super) const HEADER_IN_BASE64: &str = "LS0tLS1CRUdJTi";
/// The longest name of what a block holds.
const LABEL: usize = 80;

/// What a block of PEM is.
pub(super) enum Block {
    /// Its key, to be hidden.
    Key(Hit),
    /// Something public, with where it ends.
    Public(Range<usize>),
}

/// The block whose header begins here.
pub(super) fn block(text: &str, start: usize) -> Option<Block> {
    let label_at = start + HEADER.len();
    let rest = text.get(label_at..)?;
    let label = rest.get(..rest.char_indices().take(LABEL).last()?.0)?.split("-----").next()?;
    let body = label_at + label.len() + "-----".len();
    let end = text.get(body..)?.find("-----END ").map(|at| body + at).filter(|end| is_body(&text[body..*end]));
    if !label.contains("PRIVATE") && !label.contains("SECRET") {
        return Some(Block::Public(start..end.unwrap_or(body)));
    }
    let end = end.unwrap_or_else(|| body + cut_off(&text[body..]));
    let inner = &text[body..end];
    // Line ends at both sides stay, written out or as they are in JSON.
    let trimmed = inner.trim_start_matches(is_filling);
    let from = body + inner.len() - trimmed.len();
    let until = from + trimmed.trim_end_matches(|letter| is_filling(letter) || letter == '\\').len();
    let inner = &text[from..until];
    let is_hidden = inner.is_empty() || inner.starts_with(BEGIN);
    Some(if is_hidden { Block::Public(start..end) } else { Block::Key(Hit::new(from..until, RULE)) })
}

fn is_filling(letter: char) -> bool {
    letter.is_whitespace() || letter == '|'
}

/// No other block begins before its end.
fn is_body(inner: &str) -> bool {
    !inner.contains(HEADER)
}

/// How far a key goes whose end is missing: over its lines of base64.
fn cut_off(rest: &str) -> usize {
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        let is_base64 = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '=' | '\\');
        let words = line.trim_matches(|letter: char| !is_base64(letter));
        let is_header = words.starts_with("Proc-Type") || words.starts_with("DEK-Info");
        let is_key = words.len() >= 8 && !words.contains(char::is_whitespace);
        if !(is_key || is_header || line.trim().is_empty()) {
            break;
        }
        end += line.len();
    }
    end
}

/// Base64 that begins with the header of a block; `None` when it is no block.
pub(super) fn encoded(text: &str, start: usize) -> Option<Block> {
    let length = text[start..]
        .bytes()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
        .count();
    let range = start..start + length;
    let head = &text[start..start + length.min(200) / 4 * 4];
    let head = decoded(head)?;
    let head = String::from_utf8_lossy(&head);
    let label = head.strip_prefix(HEADER)?.split("-----").next()?;
    let holds_key = label.contains("PRIVATE") || decoded(&text[range.clone()]).is_some_and(|whole| holds_key(&whole));
    Some(if holds_key { Block::Key(Hit::new(range, RULE)) } else { Block::Public(range) })
}

/// A certificate may have its key behind it.
fn holds_key(whole: &[u8]) -> bool {
    String::from_utf8_lossy(whole)
        .split(HEADER)
        .any(|part| part.split("-----").next().is_some_and(|label| label.contains("PRIVATE")))
}
