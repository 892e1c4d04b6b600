//! What looks random and is nothing else that does: digests, ids, names of pods and versions stay readable.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::patterns::Patterns;
use super::{Hit, Rule};

const RULE: Rule = "random";
/// Shorter words are names, versions and suffixes of pods too often.
const LEAST: usize = 16;
/// From so many letters on, less of a word has to be odd.
const LONG: usize = 20;

/// For each letter those that follow it often, as bits; made from English prose and identifiers.
const OFTEN: [u32; 26] = [
    0x17e_bd6e, 0x012_4b11, 0x01a_4d95, 0x116_411b, 0x1ef_b97f, 0x01a_4931, 0x016_4191, 0x108_4111, 0x22e_f87f,
    0x004_4010, 0x014_2110, 0x11c_4939, 0x014_d113, 0x15c_ed7d, 0x1fe_fd7f, 0x11e_c911, 0x010_0000, 0x13e_7d5d,
    0x15c_e595, 0x15e_c99d, 0x00e_b95e, 0x000_4111, 0x002_6191, 0x008_8000, 0x00c_e000, 0x000_0010,
];

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Letters of base64, both alphabets.
const WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = u8::MAX;
    // Zero is none.
    while byte > 0 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-' | b'=');
        byte -= 1;
    }
    table
};

/// The random words of a text, outside of what was found already and of what is public.
pub(super) fn random_words(text: &str, taken: &[Hit], public: &[std::ops::Range<usize>]) -> Vec<Hit> {
    let bytes = text.as_bytes();
    let (mut hits, mut at, mut next, mut open) = (Vec::new(), 0, 0, 0);
    while let Some(run) = next_run(bytes, at) {
        at = run.end;
        while taken.get(next).is_some_and(|hit| hit.range.end <= run.start) {
            next += 1;
        }
        while public.get(open).is_some_and(|clear| clear.end <= run.start) {
            open += 1;
        }
        let is_taken = taken.get(next).is_some_and(|hit| hit.range.start < run.end);
        let is_public = public.get(open).is_some_and(|clear| clear.start < run.end);
        if !is_taken && !is_public {
            hits.extend(of_run(text, run));
        }
    }
    hits
}

/// The next run of at least [`LEAST`] letters. What stands so far ahead tells whether there can be one, so most letters are not
/// looked at.
fn next_run(bytes: &[u8], mut at: usize) -> Option<std::ops::Range<usize>> {
    loop {
        let ahead = at + LEAST - 1;
        if !WORD[usize::from(*bytes.get(ahead)?)] {
            at = ahead + 1;
            continue;
        }
        let mut start = ahead;
        while start > at && WORD[usize::from(bytes[start - 1])] {
            start -= 1;
        }
        if start > at {
            at = start;
            continue;
        }
        let mut end = ahead + 1;
        while bytes.get(end).is_some_and(|byte| WORD[usize::from(*byte)]) {
            end += 1;
        }
        return Some(start..end);
    }
}

fn of_run(text: &str, run: std::ops::Range<usize>) -> Vec<Hit> {
    let word = &text[run.clone()];
    if is_digest(&text[..run.start], word) || is_hexadecimal(word) {
        return Vec::new();
    }
    // The name before `=` is none of it.
    let start = word.trim_end_matches('=').rfind('=').map_or(0, |equals| equals + 1);
    let segments = segments(word);
    let random: Vec<&(usize, &str)> = segments.iter().filter(|(_, segment)| is_random(segment)).collect();
    if random.is_empty() && !is_key_identifier(&word[start..]) && !is_broken_up(&word[start..], &segments) {
        return Vec::new();
    }
    if is_readable_base64(&word[start..]) {
        return Vec::new();
    }
    // Of a path only what is random; a whole secret in base64 has no words between its slashes.
    let is_path = word.contains('/') && segments.iter().any(|(_, segment)| segment.len() >= 3 && is_wordlike(segment));
    if is_path {
        let part = |(at, segment): &(usize, &str)| Hit::new(run.start + at..run.start + at + segment.len(), RULE);
        return random.into_iter().map(part).collect();
    }
    vec![Hit::new(run.start + start..run.end, RULE)]
}

/// Twilio's keys are hexadecimal but for their first letters.
fn is_key_identifier(word: &str) -> bool {
    word.len() == 34 && word.strip_prefix("SK").is_some_and(is_hexadecimal)
}

/// Base64 whose slashes happen to lie so close that no part is long enough.
fn is_broken_up(word: &str, segments: &[(usize, &str)]) -> bool {
    let whole = || segments.iter().map(|(_, segment)| *segment).collect::<String>();
    word.len() >= 2 * LEAST
        && word.contains(['/', '+'])
        && !word.contains(['-', '_'])
        && !word.starts_with('/')
        && !segments.iter().any(|(_, segment)| segment.len() >= 4 && is_wordlike(segment))
        && is_random(&whole())
}

/// Runs of letters and digits, with where they begin.
fn segments(word: &str) -> Vec<(usize, &str)> {
    let (mut found, mut start) = (Vec::new(), 0);
    for part in word.split(|letter: char| !letter.is_ascii_alphanumeric()) {
        if !part.is_empty() {
            found.push((start, part));
        }
        start += part.len() + 1;
    }
    found
}

/// A checksum of something public.
fn is_digest(before: &str, word: &str) -> bool {
    const NAMES: [&str; 8] = ["sha256-", "sha384-", "sha512-", "SHA256:", "sha256:", "sha512:", "MD5:", "h1:"];
    NAMES.iter().any(|name| before.ends_with(name) || word.starts_with(name))
        || before.ends_with("apiserver-")
        || word.starts_with("apiserver-")
}

fn is_hexadecimal(word: &str) -> bool {
    let digits = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f' | b'-' | b'_' | b'/' | b'=' | b'+');
    word.bytes().all(digits)
        || word.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'A'..=b'F' | b'-' | b'_'))
}

/// Base64 of ordinary text, in which no secret is.
fn is_readable_base64(word: &str) -> bool {
    let Some(text) = decoded(word) else { return false };
    let Ok(text) = String::from_utf8(text) else { return false };
    let is_text = text.chars().all(|letter| !letter.is_control() || letter.is_ascii_whitespace())
        && text.bytes().filter(u8::is_ascii).count() * 10 >= text.len() * 9;
    is_text && Patterns::shared().find(&text).0.is_empty() && random_words(&text, &[], &[]).is_empty()
}

/// What a word of base64 means, in either alphabet, with or without its padding.
pub(super) fn decoded(word: &str) -> Option<Vec<u8>> {
    let engine = if word.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    engine.decode(word).ok().filter(|bytes| !bytes.is_empty())
}

/// Whether letters and digits stand as chance would put them, and not as words do.
pub(super) fn is_random(segment: &str) -> bool {
    let length = segment.len();
    if length < LEAST || is_hexadecimal(segment) {
        return false;
    }
    let (odd, all) = oddness(segment);
    // In percent of what stands beside each other.
    let least = if length < LONG { 48 } else { 40 };
    odd * 100 >= all * least * 2
}

/// Whether a short secret can be told from a word: a password of an environment variable.
pub(super) fn is_odd(word: &str) -> bool {
    let (odd, all) = oddness(word);
    all > 0 && odd * 100 >= all * 35 * 2
}

/// Letters only, as words of a language are.
pub(super) fn is_wordlike(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic()) && !is_odd(word)
}

/// Twice the number of pairs that words do not have, and the number of all pairs.
fn oddness(word: &str) -> (usize, usize) {
    let bytes = word.as_bytes();
    let twice = |pair: &[u8]| match (pair[0], pair[1]) {
        (a, b) if a.is_ascii_digit() && b.is_ascii_digit() => 0,
        (a, b) if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
            let (first, second) = (a.to_ascii_lowercase() - b'a', b.to_ascii_lowercase() - b'a');
            let rare = OFTEN[usize::from(first)] & (1 << second) == 0;
            let hump = a.is_ascii_lowercase() && b.is_ascii_uppercase();
            // A new word may begin with any letter.
            if hump { 1 } else { 2 * usize::from(rare) }
        }
        _ => 2,
    };
    (bytes.windows(2).map(twice).sum(), bytes.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_random_is_told_from_what_only_looks_odd() {
        for word in [
            "q7Zp2LkV9xTn4RbW8sYd",
            "hT5kQz8mWv2xRn7pLc4b",
            "dBjftJeZ4CVPmB92K27uhbUJU1p1r",
            "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
            "x9k2m4q8z7w1v5t3j6h0",
            "JBSWY3DPEHPK3PXPGZQ7",
        ] {
            assert!(is_random(word), "{word}: {:?}", oddness(word));
        }
        for word in [
            "3b9a1f0c7d2e4a5b8c6d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b",
            "ControllerRevisionHash",
            "IPv4DualStackNodePortRange",
            "NodePressureEvictionManager",
            "RecommendedConfiguration",
            "20261120T102917Z",
            "authenticationconfiguration",
            "SpringApplicationContextInitializer",
            "requestheaderclientca",
            "x509UnknownAuthorityError",
        ] {
            assert!(!is_random(word), "{word}: {:?}", oddness(word));
        }
    }

    #[test]
    fn runs_are_found_wherever_they_stand() {
        let word = "q7Zp2LkV9xTn4RbW8sYd";
        for before in 0..40 {
            let text = format!("{}{} {word} and {word}", "a ".repeat(before), "b".repeat(before % 15));
            let hits = random_words(&text, &[], &[]);
            assert_eq!(hits.iter().map(|hit| &text[hit.range.clone()]).collect::<Vec<_>>(), [word; 2], "{text}");
        }
    }

    #[test]
    fn base64_of_ordinary_text_stays() {
        let readable = "VGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIHRoZSBsYXp5IGRvZw==";
        assert_eq!(random_words(readable, &[], &[]), []);
        // password=correct-horse-7
        let secret = "cGFzc3dvcmQ9Y29ycmVjdC1ob3JzZS03IGFuZCBzbyBvbg==";
        assert_eq!(random_words(secret, &[], &[]).len(), 1);
    }
}
