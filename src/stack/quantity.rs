//! Kubernetes quantities, compared exactly: `500m`, `1.5Gi`, `1e3`, `0.1`.

use std::cmp::Ordering;

/// A quantity as an integer of nano units: what the API server keeps (smaller fractions are rounded up).
pub type Nano = i128;

const NANO: i128 = 1_000_000_000;

/// The text as a quantity, or none when the API server would refuse it.
pub fn parse(text: &str) -> Option<Nano> {
    let (negative, rest) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
    let (digits, suffix) = rest.split_at(end);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let (factor, tens) = scale(suffix)?;
    let fraction = fraction.trim_end_matches('0');
    let mantissa = number(format!("{whole}{fraction}").trim_start_matches('0'))?;
    let nano = shifted(mantissa.checked_mul(factor)?, tens + 9 - i32::try_from(fraction.len()).ok()?)?;
    Some(if negative { -nano } else { nano })
}

/// Digits without leading zeros as a number.
fn number(digits: &str) -> Option<i128> {
    if digits.is_empty() { Some(0) } else { digits.parse().ok() }
}

/// The number times a power of ten, rounded away from zero.
fn shifted(number: i128, tens: i32) -> Option<i128> {
    if number == 0 {
        return Some(0);
    }
    let power = 10_i128.checked_pow(tens.unsigned_abs());
    if tens >= 0 {
        return number.checked_mul(power?).filter(|nano| nano / NANO <= i128::from(i64::MAX));
    }
    // A divisor beyond the range of numbers leaves the smallest fraction.
    Some(power.map_or(1, |power| number / power + i128::from(number % power != 0)))
}

/// The factor and the power of ten that a suffix stands for.
fn scale(suffix: &str) -> Option<(i128, i32)> {
    let binary = |power: u32| Some((1_i128 << (10 * power), 0));
    let decimal = |tens: i32| Some((1, tens));
    match suffix {
        "" => decimal(0),
        "n" => decimal(-9),
        "u" => decimal(-6),
        "m" => decimal(-3),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        _ => {
            let exponent = suffix.strip_prefix(['e', 'E'])?;
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            let fits = !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|byte| byte.is_ascii_digit());
            decimal(exponent.parse().ok().filter(|_| fits)?)
        }
    }
}

/// Whether two texts are the same quantity; texts that are no quantities are the same when they are the same text.
pub fn equal(a: &str, b: &str) -> bool {
    compare(a, b).map_or(a == b, Ordering::is_eq)
}

/// How two quantities compare, or none when one of them is no quantity.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.cmp(&parse(b)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_quantities() {
        let table = [
            ("0", Some(0)),
            ("1", Some(NANO)),
            ("500m", Some(NANO / 2)),
            ("0.5", Some(NANO / 2)),
            (".5", Some(NANO / 2)),
            ("5.", Some(5 * NANO)),
            ("1.5Gi", Some(1536 * 1024 * 1024 * NANO)),
            ("1Ki", Some(1024 * NANO)),
            ("1k", Some(1000 * NANO)),
            ("1e3", Some(1000 * NANO)),
            ("1E3", Some(1000 * NANO)),
            ("1E", Some(1_000_000_000_000_000_000 * NANO)),
            ("5e-1", Some(NANO / 2)),
            ("-1", Some(-NANO)),
            ("+1", Some(NANO)),
            ("1n", Some(1)),
            ("0.1n", Some(1)),
            ("1e-40", Some(1)),
            ("100000000u", Some(100 * NANO)),
            ("000.10", Some(NANO / 10)),
            ("", None),
            (".", None),
            ("Gi", None),
            ("1 Gi", None),
            ("1gi", None),
            ("1KB", None),
            ("1K", None),
            ("1.2.3", None),
            ("1e", None),
            ("1e3m", None),
            ("--1", None),
            ("١", None),
            ("9e99", None),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn equality_is_of_numbers() {
        let equals = [("1", "1000m"), ("1Gi", "1024Mi"), ("0.5", "500m"), ("1e3", "1k"), ("0", "0Gi"), ("x", "x")];
        let differ = [("1G", "1Gi"), ("1", "1001m"), ("x", "y"), ("x", "1")];
        for (a, b) in equals {
            assert!(equal(a, b), "{a} {b}");
        }
        for (a, b) in differ {
            assert!(!equal(a, b), "{a} {b}");
        }
        assert_eq!(compare("100m", "1"), Some(Ordering::Less));
    }

    proptest! {
        #[test]
        fn any_text_is_a_quantity_or_not(text in "[-+.0-9eEKMGimnuk]{0,24}", other in ".{0,12}") {
            let _ = (parse(&text), parse(&other));
        }

        #[test]
        fn whole_numbers_are_themselves(number in any::<i64>()) {
            prop_assert_eq!(parse(&number.to_string()), Some(i128::from(number) * NANO));
        }
    }
}
