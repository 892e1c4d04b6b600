//! Values that are secret wherever they stand: as they are, escaped, in base64 and in addresses.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::entropy::is_wordlike;
use super::{Hit, Rule, Sealer, keys, places};

const RULE: Rule = "value-of-a-secret";
/// Shorter values would blacken half of a text and hide nothing.
const LEAST: usize = 6;
/// Of a value of several lines each line counts that is at least so long.
const LEAST_LINE: usize = 16;
/// A longer value is a file or a release of Helm's, and stands nowhere as a whole.
const LONGEST: usize = 64 * 1024;
/// Shorter values have to stand alone: `harbour1` is no part of `harbour12`.
const SHORT: usize = 12;

/// Values being gathered.
#[derive(Default)]
pub struct Values(BTreeSet<String>);

impl Values {
    /// Takes a value of a Secret, by the name of its key. What is public by its name, and words that names of things are made of,
    /// are left out.
    pub fn take(&mut self, key: &str, value: &str) {
        let whole = value.trim();
        if whole.len() > LONGEST || is_public(key) {
            return;
        }
        if !whole.contains('\n') {
            self.add(key, whole);
        } else if !whole.contains("-----BEGIN CERTIFICATE") || whole.contains("PRIVATE KEY") {
            private_lines(whole).filter(|line| line.len() >= LEAST_LINE).for_each(|line| self.add(key, line));
        }
        // What is secret inside of it: the password of an address, a setting of a file.
        let (hits, _) = super::patterns::Patterns::shared().find(whole);
        for hit in hits {
            let inner = whole[hit.range].trim();
            if !inner.contains('\n') && inner != whole {
                self.add("password", inner);
            }
        }
    }

    /// Leaves out what other things are called: it would hide their names.
    pub fn forget<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        for name in names {
            self.0.remove(name);
        }
    }

    fn add(&mut self, key: &str, value: &str) {
        let is_named = keys::weight(key).is_some();
        let has_sign = value.bytes().any(|byte| !byte.is_ascii_alphabetic());
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'));
        let is_fit = value.len() >= LEAST
            && !places::is_placeholder(value)
            && !is_of_ours(value)
            && (!is_number || value.len() >= 8)
            && (is_named || has_sign && !is_name(value));
        if is_fit {
            self.0.insert(value.to_owned());
        }
    }
}

/// Words of which tokens and files of a bundle are named.
const OURS: [&str; 9] =
    ["hidden", "withheld", "manifest", "evidence", "findings", "versions", "objects", "events", "unread"];

/// Whether a value is the name of a secret (`password`) or one of [`OURS`]: it stands for other things everywhere, and whoever has it
/// for a password hides nothing with it.
fn is_of_ours(value: &str) -> bool {
    let word = value.to_ascii_lowercase();
    OURS.contains(&word.as_str()) || !value.contains(['-', '_', '.']) && keys::weight(&word).is_some()
}

/// Lines of a file that are not those of a certificate in it, nor headers.
fn private_lines(whole: &str) -> impl Iterator<Item = &str> {
    let mut in_certificate = false;
    whole.lines().map(str::trim).filter(move |line| {
        if line.starts_with("-----") {
            in_certificate = line.contains("BEGIN CERTIFICATE");
            return false;
        }
        !in_certificate && !is_name(line) && !line.starts_with('#')
    })
}

/// What names things: words with signs between, hosts, addresses.
fn is_name(value: &str) -> bool {
    value.split(|letter: char| !letter.is_ascii_alphanumeric()).all(|part| {
        part.is_empty() || is_wordlike(part) || part.bytes().all(|byte| byte.is_ascii_digit()) && part.len() <= 5
    })
}

/// Keys under which nothing secret stands.
fn is_public(key: &str) -> bool {
    const PUBLIC: [&str; 18] = [
        "ca.crt",
        "tls.crt",
        "namespace",
        "username",
        "user",
        "host",
        "hostname",
        "port",
        "database",
        "dbname",
        "server",
        "region",
        "bucket",
        "email",
        "usage-bootstrap-authentication",
        "usage-bootstrap-signing",
        "expiration",
        "description",
    ];
    PUBLIC.contains(&key.to_ascii_lowercase().as_str())
}

/// Letters of which a place is told that a value may stand around it.
const GRAM: usize = 4;
/// Every so many places are looked at: each value is long enough that one of them lies in it with a whole gram.
const STRIDE: usize = LEAST + 1 - GRAM;
/// Bits of the first filter.
const BITS: u32 = 18;

/// Secret values, ready to be looked for.
#[derive(Default)]
pub struct Known {
    /// A bit for each gram that a spelling has in one of its first places.
    filter: Vec<u64>,
    /// The spellings that have a gram, and where.
    grams: HashMap<u32, Vec<(usize, usize)>>,
    spelt: Vec<Spelling>,
    values: Vec<String>,
}

/// One way in which a value may be written.
struct Spelling {
    text: String,
    /// Which value it is.
    value: usize,
    /// Whether it has to stand alone.
    alone: bool,
}

impl Known {
    /// Looks for these.
    pub fn of(values: Values) -> Self {
        let values: Vec<String> = values.0.into_iter().collect();
        let mut texts: BTreeMap<String, (usize, bool)> = BTreeMap::new();
        for (place, value) in values.iter().enumerate() {
            for (spelling, alone) in spellings(value) {
                texts.entry(spelling).or_insert((place, alone));
            }
        }
        let spelling = |(text, (value, alone))| Spelling { text, value, alone };
        let spelt: Vec<Spelling> = texts.into_iter().map(spelling).collect();
        let mut known = Self { filter: vec![0; 1 << (BITS - 6)], grams: HashMap::new(), spelt, values };
        for number in 0..known.spelt.len() {
            for offset in 0..STRIDE {
                let gram = gram(known.spelt[number].text.as_bytes(), offset);
                let (word, bit) = place(gram);
                known.filter[word] |= bit;
                known.grams.entry(gram).or_default().push((number, offset));
            }
        }
        known
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub(super) fn find(&self, text: &str, sealer: &Sealer) -> Vec<Hit> {
        if self.values.is_empty() {
            return Vec::new();
        }
        let bytes = text.as_bytes();
        let mut found: Vec<(Range<usize>, usize)> = Vec::new();
        for at in (0..bytes.len().saturating_sub(GRAM - 1)).step_by(STRIDE) {
            let gram = gram(bytes, at);
            let (word, bit) = place(gram);
            if self.filter[word] & bit != 0 {
                found.extend(self.around(text, at, gram));
            }
        }
        // Where several stand in one place the longest is meant.
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut hits: Vec<Hit> = Vec::new();
        for (range, value) in found {
            match hits.last_mut().filter(|last| last.range.end > range.start) {
                Some(last) => last.range.end = last.range.end.max(range.end),
                None => hits.push(Hit { range, rule: RULE, token: Some(sealer.token(&self.values[value])) }),
            }
        }
        hits
    }

    /// The spellings that stand around a place with this gram.
    fn around(&self, text: &str, at: usize, gram: u32) -> impl Iterator<Item = (Range<usize>, usize)> {
        let candidates = self.grams.get(&gram).into_iter().flatten();
        candidates.filter_map(move |(number, offset)| {
            let spelling = &self.spelt[*number];
            let start = at.checked_sub(*offset)?;
            let range = start..start + spelling.text.len();
            let stands = text.as_bytes().get(range.clone()) == Some(spelling.text.as_bytes());
            (stands && (!spelling.alone || stands_alone(text, &range))).then_some((range, spelling.value))
        })
    }
}

/// The letters at a place; there are enough of them.
fn gram(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The bit of a gram in the filter.
fn place(gram: u32) -> (usize, u64) {
    let hash = gram.wrapping_mul(0x9e37_79b1) >> (32 - BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    !is_part(text[..range.start].chars().next_back()) && !is_part(text[range.end..].chars().next())
}

/// All ways in which a value may be written, and whether that has to stand alone.
fn spellings(value: &str) -> Vec<(String, bool)> {
    let short = value.len() < SHORT && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let mut all = vec![(value.to_owned(), short)];
    let quoted = serde_json::Value::from(value).to_string();
    let escaped = quoted[1..quoted.len() - 1].to_owned();
    let twice = serde_json::Value::from(escaped.as_str()).to_string();
    all.push((twice[1..twice.len() - 1].to_owned(), short));
    all.push((escaped, short));
    all.push((in_address(value, false), short));
    all.push((in_address(value, true), short));
    all.push((value.replace('\'', "''"), short));
    for bytes in [value.as_bytes(), format!("{value}\n").as_bytes()] {
        all.push((STANDARD_NO_PAD.encode(bytes), false));
        all.push((URL_SAFE_NO_PAD.encode(bytes), false));
    }
    // Inside of something longer in base64: `user:password` of a header.
    for shift in 0..3 {
        all.extend(inner_base64(value, shift).map(|word| (word, false)));
    }
    all
}

/// The letters of base64 that a value makes wherever it stands in something longer, so many bytes behind a multiple of three.
fn inner_base64(value: &str, shift: usize) -> Option<String> {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(value.as_bytes());
    let encoded = STANDARD_NO_PAD.encode(&bytes);
    let begin = [0, 2, 3][shift];
    // Letters that hang on what stands behind are left out.
    let end = bytes.len() * 8 / 6;
    encoded.get(begin..end).filter(|word| word.len() >= 8).map(str::to_owned)
}

/// Percent-encoding, strict or as forms write it.
fn in_address(value: &str, form: bool) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            b' ' if form => encoded.push('+'),
            // Writing to a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
    encoded
}
