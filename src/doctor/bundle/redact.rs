//! Takes secrets out of text and objects. Pure.
//!
//! Three looks at a text, the first that finds something wins: values that are known to be secret, what has the shape or stands in
//! the place of a secret, and what is left and looks random. [`tree`] goes before them through what has a structure.

mod entropy;
mod keys;
mod known;
mod pairs;
mod patterns;
mod pem;
mod places;
mod shapes;
mod token;
pub mod tree;
mod values;

#[cfg(test)]
mod tests;

use std::ops::Range;

pub use known::{Known, Values};
pub use token::Sealer;

use entropy::random_words;
use patterns::Patterns;

/// What found a secret.
pub type Rule = &'static str;

/// A place in a text that is to be hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    /// Bytes of the text.
    range: Range<usize>,
    rule: Rule,
    /// The token of a known value, which may stand there in another spelling.
    token: Option<String>,
}

impl Hit {
    fn new(range: Range<usize>, rule: Rule) -> Self {
        Self { range, rule, token: None }
    }
}

/// Something that was hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// Line of the text, from 1.
    pub line: usize,
    /// What found it.
    pub rule: Rule,
    /// What stands in its place.
    pub token: String,
}

/// What is left of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redacted {
    /// The text with tokens in place of secrets.
    pub text: String,
    /// What was hidden, in the order of the text.
    pub hidden: Vec<Hidden>,
}

/// Hides secrets; the same secret has the same token as long as it lives.
pub struct Redactor {
    sealer: Sealer,
    known: Known,
    patterns: &'static Patterns,
}

impl Redactor {
    /// With a key that nobody else has, and values that are secret wherever they stand.
    pub fn new(sealer: Sealer, known: Known) -> Self {
        Self { sealer, known, patterns: Patterns::shared() }
    }

    /// The token of a secret.
    pub fn token(&self, secret: &str) -> String {
        self.sealer.token(secret)
    }

    /// The text without secrets. Hiding one may show another, or make a sentence of what was none: it is looked at until nothing is
    /// found. That comes to an end, because tokens are never hidden again and each time there is less beside them.
    pub fn text(&self, text: &str) -> Redacted {
        let mut left = self.replace(text, &self.all(text));
        while !left.hidden.is_empty() {
            let again = self.all(&left.text);
            if again.is_empty() {
                break;
            }
            let more = self.replace(&left.text, &again);
            left.text = more.text;
            left.hidden.extend(more.hidden);
            left.hidden.sort_by_key(|hidden| hidden.line);
        }
        left
    }

    /// What a known value or a pattern still finds: line and rule. What merely looks random is no proof.
    pub fn still_there(&self, text: &str) -> Vec<(usize, Rule)> {
        let mut lines = Lines::of(text);
        self.patterned(text).0.into_iter().map(|hit| (lines.at(hit.range.start), hit.rule)).collect()
    }

    /// The bytes that would be hidden, and by what: for measuring.
    pub fn ranges(&self, text: &str) -> Vec<(Range<usize>, Rule)> {
        self.all(text).into_iter().map(|hit| (hit.range, hit.rule)).collect()
    }

    /// What a known value or a pattern finds, and what is public.
    fn patterned(&self, text: &str) -> patterns::Found {
        let (found, public) = self.patterns.find(text);
        (merge(self.known.find(text, &self.sealer), found), public)
    }

    fn all(&self, text: &str) -> Vec<Hit> {
        let (hits, public) = self.patterned(text);
        let random = random_words(text, &hits, &public);
        merge(hits, random)
    }

    fn replace(&self, text: &str, hits: &[Hit]) -> Redacted {
        let (mut left, mut hidden) = (String::with_capacity(text.len()), Vec::with_capacity(hits.len()));
        let (mut from, mut lines) = (0, Lines::of(text));
        for hit in hits {
            let token = hit.token.clone().unwrap_or_else(|| self.sealer.token(&text[hit.range.clone()]));
            left.push_str(&text[from..hit.range.start]);
            left.push_str(&token);
            hidden.push(Hidden { line: lines.at(hit.range.start), rule: hit.rule, token });
            from = hit.range.end;
        }
        left.push_str(&text[from..]);
        Redacted { text: left, hidden }
    }
}

/// Both in the order of the text; where two overlap they become one, which is what the first of them says it is.
fn merge(first: Vec<Hit>, second: Vec<Hit>) -> Vec<Hit> {
    if second.is_empty() {
        return first;
    }
    let ranked = first.into_iter().map(|hit| (0, hit)).chain(second.into_iter().map(|hit| (1, hit)));
    let mut all: Vec<(u8, Hit)> = ranked.filter(|(_, hit)| !hit.range.is_empty()).collect();
    all.sort_by_key(|(rank, hit)| (hit.range.start, *rank));
    let mut merged: Vec<(u8, Hit)> = Vec::with_capacity(all.len());
    for (rank, hit) in all {
        match merged.last_mut().filter(|(_, last)| last.range.end > hit.range.start) {
            Some((before, last)) => {
                last.range.end = last.range.end.max(hit.range.end);
                if rank < *before {
                    (*before, last.rule, last.token) = (rank, hit.rule, hit.token);
                }
            }
            None => merged.push((rank, hit)),
        }
    }
    merged.into_iter().map(|(_, hit)| hit).collect()
}

/// Counts lines on the way through a text.
struct Lines<'a> {
    text: &'a str,
    seen: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        Self { text, seen: 0, line: 1 }
    }

    /// Places are asked for in order.
    fn at(&mut self, place: usize) -> usize {
        self.line += self.text[self.seen..place].matches('\n').count();
        self.seen = place;
        self.line
    }
}
