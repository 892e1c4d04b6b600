//! The formats that schemas of values use, each with what it is in plain words.

use jsonschema::ValidationOptions;

use super::super::{names, quantity};
use crate::network::Range;

/// One format.
pub struct Format {
    /// Its name in a schema: `format: quantity`.
    pub name: &'static str,
    /// What it is, to stand behind "expected".
    pub words: &'static str,
    check: fn(&str) -> bool,
}

/// All of them.
pub const FORMATS: &[Format] = &[
    Format {
        name: "quantity",
        words: "a quantity such as `500m` or `2Gi`",
        check: |text| quantity::parse(text).is_some(),
    },
    Format {
        name: "dns-label",
        words: "a DNS label: at most 63 small letters, digits and `-`",
        check: names::is_label,
    },
    Format {
        name: "dns-subdomain",
        words: "a DNS name: small letters, digits, `-` and `.`",
        check: names::is_subdomain,
    },
    Format { name: "dns-name", words: "a DNS name: small letters, digits, `-` and `.`", check: names::is_subdomain },
    Format { name: "storage-class", words: "the name of a storage class", check: is_storage_class },
    Format { name: "duration", words: "a duration such as `30s`, `5m` or `1h30m`", check: is_duration },
    Format { name: "port", words: "a port from 1 to 65535", check: is_port },
    Format { name: "cron", words: "a cron schedule such as `0 3 * * *`", check: is_cron },
    Format {
        name: "image-tag",
        words: "an image's tag: letters, digits, `_`, `.` and `-`, at most 128",
        check: is_image_tag,
    },
    Format {
        name: "address-range",
        words: "addresses such as `172.18.255.200-172.18.255.250` or `172.18.255.192/26`",
        check: is_address_range,
    },
];

/// What a format is in plain words, when it is one of these.
pub fn words(name: &str) -> Option<&'static str> {
    // The one of JSON Schema itself that our stacks use.
    if name == "regex" {
        return Some("a regular expression");
    }
    FORMATS.iter().find(|format| format.name == name).map(|format| format.words)
}

/// Options of a validator that knows the formats.
pub fn options<'a>() -> ValidationOptions<'a> {
    let options = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false);
    FORMATS.iter().fold(options, |options, format| options.with_format(format.name, format.check))
}

/// An empty name stands for the cluster's default class, as in charts.
fn is_storage_class(text: &str) -> bool {
    text.is_empty() || text == "-" || names::is_subdomain(text)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// As an `IPAddressPool` has them: a single address is a network of one, and is written as one.
fn is_address_range(text: &str) -> bool {
    text.contains(['-', '/']) && text.parse::<Range>().is_ok()
}

fn is_image_tag(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with(['.', '-'])
}

/// A Go duration: numbers with units, biggest first by custom, and `0` alone.
fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
        let (number, unit) = rest.split_at(digits);
        if number.parse::<f64>().is_err() {
            return false;
        }
        let units = ["ns", "us", "µs", "ms", "s", "m", "h"];
        let Some(unit) = units.iter().filter(|name| unit.starts_with(**name)).max_by_key(|name| name.len()) else {
            return false;
        };
        rest = &rest[digits + unit.len()..];
    }
    true
}

/// The five fields of a cron schedule with their ranges, or one of its nicknames.
fn is_cron(text: &str) -> bool {
    const RANGES: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
    if let Some(nickname) = text.strip_prefix('@') {
        return ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"].contains(&nickname);
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    fields.len() == RANGES.len()
        && fields.iter().zip(RANGES).all(|(field, range)| field.split(',').all(|part| is_cron_part(part, range)))
}

fn is_cron_part(part: &str, (least, most): (u32, u32)) -> bool {
    let (span, step) = part.split_once('/').map_or((part, None), |(span, step)| (span, Some(step)));
    if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
        return false;
    }
    let number = |text: &str| cron_number(text).filter(|number| (least..=most).contains(number));
    match span.split_once('-') {
        _ if span == "*" || span == "?" => true,
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
        None => number(span).is_some(),
    }
}

/// A number, or the three letters of a month or a day.
fn cron_number(text: &str) -> Option<u32> {
    const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let lower = text.to_lowercase();
    let position = |names: &[&str]| names.iter().position(|name| *name == lower).and_then(|at| u32::try_from(at).ok());
    text.parse().ok().or_else(|| position(&DAYS)).or_else(|| position(&MONTHS).map(|month| month + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formats_tell_right_from_wrong() {
        let table: [(&str, &[&str], &[&str]); 9] = [
            ("quantity", &["500m", "2Gi", "1"], &["2GB", "", "x"]),
            ("dns-label", &["a-b"], &["a.b", "A"]),
            ("dns-subdomain", &["a.b"], &["a_b"]),
            ("storage-class", &["", "-", "local-path"], &["A b"]),
            ("duration", &["30s", "1h30m", "1.5s", "0", "100ms"], &["30", "s", "", "1x", "1.2.3s"]),
            ("port", &["80"], &["0", "65536", "http"]),
            (
                "cron",
                &["0 3 * * *", "*/5 * * * mon-fri", "@daily", "0 0 1,15 jan ?"],
                &["0 3 * *", "60 * * * *", "x", "*/0 * * * *"],
            ),
            ("image-tag", &["1.2.3-alpha_1"], &["", ".x", "a:b", "a b"]),
            (
                "address-range",
                &["192.0.2.1-192.0.2.9", "192.0.2.0/28", "2001:db8::1-2001:db8::9", "2001:db8::/64"],
                &["192.0.2.1", "192.0.2.9-192.0.2.1", "192.0.2.0/33", "192.0.2.1-2001:db8::1", "harbour", "", "-", "/"],
            ),
        ];
        for (name, right, wrong) in table {
            let format = FORMATS.iter().find(|format| format.name == name).unwrap();
            for text in right {
                assert!((format.check)(text), "{name} {text}");
            }
            for text in wrong {
                assert!(!(format.check)(text), "{name} {text}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_of_a_format_or_not(text in ".{0,24}", close in "[-0-9a-z*/,.@µ ]{0,24}") {
            for format in FORMATS {
                let _ = ((format.check)(&text), (format.check)(&close));
            }
        }
    }
}
