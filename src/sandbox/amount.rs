//! Quantities as the API server writes them back. Source: `k8s.io/apimachinery`, `pkg/api/resource/quantity.go`, 1.34.

use std::fmt;
use std::ops::AddAssign;

use serde_json::Value;

use crate::stack::quantity::{self, Nano};

/// A whole, in nano units.
const ONE: Nano = 1_000_000_000;
const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/// How a quantity was written, and so is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Format {
    #[default]
    Decimal,
    Binary,
    Exponent,
}

/// A quantity and the way it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Amount {
    nano: Nano,
    format: Format,
}

impl Amount {
    /// So many of something.
    pub(super) fn count(number: usize) -> Self {
        Self { nano: Nano::try_from(number).unwrap_or(0) * ONE, format: Format::Decimal }
    }

    /// A quantity as it stands in an object: a text, or a number.
    pub(super) fn of(value: &Value) -> Option<Self> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let nano = quantity::parse(&text)?;
        let format = match text.trim_start_matches(|letter: char| letter.is_ascii_digit() || "+-.".contains(letter)) {
            suffix if suffix.ends_with('i') => Format::Binary,
            suffix if suffix.len() > 1 => Format::Exponent,
            _ => Format::Decimal,
        };
        Some(Self { nano, format })
    }

    /// In nano units.
    pub(super) fn nano(self) -> Nano {
        self.nano
    }

    pub(super) fn is_zero(self) -> bool {
        self.nano == 0
    }

    /// What is more than another; nothing when it is less.
    pub(super) fn beyond(self, other: Self) -> Self {
        Self { nano: (self.nano - other.nano).max(0), format: self.format }
    }

    /// The greater of the two.
    pub(super) fn greater(self, other: Self) -> Self {
        if other.nano > self.nano { other } else { self }
    }
}

/// A sum is written as its first part that is more than nothing.
impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        if self.nano == 0 {
            self.format = other.format;
        }
        self.nano += other.nano;
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nano == 0 {
            return f.write_str("0");
        }
        // Parts of one, and what is smaller than a Ki, have no binary suffix.
        if self.format == Format::Binary && self.nano % ONE == 0 && self.nano.abs() >= 1024 * ONE {
            let (mut number, mut power) = (self.nano / ONE, 0);
            while number % 1024 == 0 && power + 1 < BINARY.len() {
                number /= 1024;
                power += 1;
            }
            return write!(f, "{number}{}", BINARY[power]);
        }
        let (mut number, mut thousands) = (self.nano, 0_usize);
        while number % 1000 == 0 && thousands + 1 < DECIMAL.len() {
            number /= 1000;
            thousands += 1;
        }
        match (self.format, 3 * i32::try_from(thousands).unwrap_or(0) - 9) {
            (Format::Exponent, 0) => write!(f, "{number}"),
            (Format::Exponent, tens) => write!(f, "{number}e{tens}"),
            _ => write!(f, "{number}{}", DECIMAL[thousands]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_quantity_is_written_as_short_as_it_can_be_in_its_own_way() {
        let table = [
            ("0", "0"),
            ("0Gi", "0"),
            ("1000m", "1"),
            ("0.1", "100m"),
            ("1500m", "1500m"),
            ("100000", "100k"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("0.5Ki", "512"),
            ("0.5Ei", "512Pi"),
            ("1e3", "1e3"),
            ("1000e3", "1e6"),
            ("1E", "1E"),
            ("1n", "1n"),
            ("-2000", "-2k"),
        ];
        for (text, expected) in table {
            assert_eq!(Amount::of(&json!(text)).unwrap().to_string(), expected, "{text}");
        }
        assert_eq!(Amount::of(&json!(2)).unwrap().to_string(), "2");
        for wrong in [json!("1gi"), json!(""), json!(true), json!(null), json!({"a": 1})] {
            assert_eq!(Amount::of(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_sum_is_written_as_its_parts() {
        let mut sum = Amount::default();
        sum += Amount::of(&json!("512Mi")).unwrap();
        sum += Amount::of(&json!("0.5Gi")).unwrap();
        assert_eq!(sum.to_string(), "1Gi");
        assert_eq!(sum.beyond(Amount::of(&json!("2Gi")).unwrap()), Amount { nano: 0, format: Format::Binary });
        assert_eq!(Amount::count(3).to_string(), "3");
    }
}
