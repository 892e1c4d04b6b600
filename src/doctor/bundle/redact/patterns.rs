//! One pass over a text that stops only where a secret may be: the anchors are in one automaton, and each is judged in its place.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::pem::{self, Block};
use super::shapes::{SHAPES, Shape, fits};
use super::{Hit, pairs, places, token};

/// Parts of names of secrets.
const WORDS: &[&str] = &[
    "pass",
    "pwd",
    "secret",
    "token",
    "key",
    "auth",
    "cred",
    "cookie",
    "signature",
    "sig=",
    "jwt",
    "bearer=",
    "otp",
    "psk",
    "mnemonic",
    "bindpw",
    "sessionid",
    "sessid",
    "hmac",
    "salt",
    "dsn",
    "connectionstring",
    "connection_string",
];
const SCHEMES: &[&str] = &["bearer ", "basic "];
const CRYPT: &[&str] = &[
    "$2a$",
    "$2b$",
    "$2y$",
    "$5$",
    "$6$",
    "$y$",
    "$apr1$",
    "$argon2",
    "{ssha}",
    "{sha}",
    "pbkdf2_sha256$",
    "scram-sha-256$",
];

/// What to look at where an anchor stands.
#[derive(Debug, Clone, Copy)]
enum Anchor {
    Word,
    Shape(usize),
    Url,
    Pem,
    EncodedPem,
    Scheme,
    Curl,
    Dsn,
    Oracle,
    Crypt,
}

impl Anchor {
    /// Whether a secret is known by what stands around it, and not by itself.
    fn is_place(self) -> bool {
        !matches!(self, Self::Shape(_) | Self::Pem | Self::EncodedPem | Self::Crypt)
    }
}

/// All patterns, ready to be looked for.
pub(super) struct Patterns {
    finder: AhoCorasick,
    anchors: Vec<(Anchor, &'static str)>,
}

/// Secrets, and what is public though it looks random; both in the order of the text.
pub(super) type Found = (Vec<Hit>, Vec<Range<usize>>);

impl Patterns {
    /// They are the same for everybody.
    pub(super) fn shared() -> &'static Self {
        static PATTERNS: LazyLock<Patterns> = LazyLock::new(Patterns::new);
        &PATTERNS
    }

    fn new() -> Self {
        let of = |words: &'static [&'static str], anchor: Anchor| words.iter().map(move |word| (anchor, *word));
        let shapes = SHAPES.iter().enumerate().map(|(place, shape)| (Anchor::Shape(place), shape.prefix));
        let single = [
            (Anchor::Url, "://"),
            (Anchor::Pem, pem::HEADER),
            (Anchor::EncodedPem, pem::HEADER_IN_BASE64),
            (Anchor::Curl, "curl"),
            (Anchor::Dsn, "@tcp("),
            (Anchor::Dsn, "@unix("),
            (Anchor::Oracle, "jdbc:oracle:thin:"),
            (Anchor::Oracle, "jdbc:oracle:oci:"),
        ];
        // Where several begin at one place the first counts.
        let mut anchors: Vec<(Anchor, &'static str)> = shapes.chain(single).collect();
        anchors.sort_by_key(|(_, word)| std::cmp::Reverse(word.len()));
        anchors.extend(of(SCHEMES, Anchor::Scheme).chain(of(CRYPT, Anchor::Crypt)).chain(of(WORDS, Anchor::Word)));
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostFirst)
            .kind(Some(AhoCorasickKind::DFA))
            .build(anchors.iter().map(|(_, word)| word));
        let Ok(finder) = finder else { unreachable!("the table is a constant, and small") };
        Self { finder, anchors }
    }

    /// What is secret in a text, and what is public.
    pub(super) fn find(&self, text: &str) -> Found {
        let (mut hits, mut public) = (Vec::new(), Vec::new());
        let mut from = 0;
        while let Some(found) = self.finder.find(aho_corasick::Input::new(text).range(from..)) {
            let (anchor, word) = self.anchors[found.pattern().as_usize()];
            let before = hits.len();
            let resume = judge(text, found.range(), (anchor, word), &mut hits, &mut public);
            if anchor.is_place() {
                // With a token in it a place reads otherwise than it did. It was judged then, and what is secret in it is hidden.
                let fresh = hits.split_off(before);
                hits.extend(fresh.into_iter().filter(|hit: &Hit| !token::is_in(text, &hit.range)));
            }
            let covered = hits[before..].iter().map(|hit: &Hit| hit.range.end).max().unwrap_or_default();
            // One letter on and not the whole anchor: the next may begin inside of it.
            from = resume.max(covered).max(found.start() + 1);
        }
        hits.sort_by_key(|hit| hit.range.start);
        (super::merge(Vec::new(), hits), public)
    }
}

/// Judges what stands at an anchor; returns from where on to look further.
fn judge(
    text: &str,
    at: Range<usize>,
    (anchor, word): (Anchor, &str),
    hits: &mut Vec<Hit>,
    public: &mut Vec<Range<usize>>,
) -> usize {
    match anchor {
        Anchor::Word => {
            let found = pairs::at(text, at);
            hits.extend(found.hit);
            found.resume
        }
        Anchor::Shape(place) => {
            hits.extend(shaped(text, &at, &SHAPES[place]));
            at.start
        }
        Anchor::Pem | Anchor::EncodedPem => {
            if &text[at.clone()] != word {
                return at.start;
            }
            let block =
                if matches!(anchor, Anchor::Pem) { pem::block(text, at.start) } else { pem::encoded(text, at.start) };
            match block {
                Some(Block::Key(hit)) => hits.push(hit),
                Some(Block::Public(range)) => {
                    public.push(range.clone());
                    return range.end;
                }
                None => {}
            }
            at.end
        }
        Anchor::Url => {
            hits.extend(places::url(text, at.end));
            at.end
        }
        Anchor::Scheme => {
            hits.extend(places::scheme(text, at.clone()));
            at.end
        }
        Anchor::Curl => {
            hits.extend(places::curl(text, at.end));
            at.end
        }
        Anchor::Dsn => {
            hits.extend(places::dsn(text, at.start));
            at.end
        }
        Anchor::Oracle => {
            hits.extend(places::oracle(text, at.end));
            at.end
        }
        Anchor::Crypt => {
            hits.extend(places::crypt(text, at.clone()));
            at.end
        }
    }
}

/// A secret by its shape: its prefix as it is written, nothing before it that could be a part of it, enough letters behind.
fn shaped(text: &str, at: &Range<usize>, shape: &Shape) -> Option<Hit> {
    if text[at.clone()] != *shape.prefix {
        return None;
    }
    let before = text[..at.start].bytes().next_back();
    let is_inside = before.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let length = text[at.end..].bytes().take_while(|byte| shape.letters.has(*byte)).count();
    let rest = text[at.end..at.end + length].trim_end_matches(['.', '/']);
    if rest.len() < shape.least || !fits(shape, rest) {
        return None;
    }
    // These stand behind a part of the secret.
    let start = match shape.prefix {
        ":AA" => at.start - text[..at.start].bytes().rev().take_while(u8::is_ascii_digit).count(),
        ".atlasv1." => at.start - text[..at.start].bytes().rev().take_while(u8::is_ascii_alphanumeric).count(),
        _ if is_inside => return None,
        // What leads to a webhook is its path.
        prefix if prefix.ends_with('/') => at.end,
        _ => at.start,
    };
    let is_behind = !matches!(shape.prefix, ":AA") || at.start - start >= 8;
    is_behind.then(|| Hit::new(start..at.end + rest.len(), shape.rule))
}
