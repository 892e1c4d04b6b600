//! Where a text stops being JSON, in the words of Go's `encoding/json` (`scanner.go`).

const END: &str = "unexpected end of JSON input";

/// Reads a text from its beginning to the first letter that does not fit.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

type Read = Result<(), String>;

/// What is wrong with a text. `None`: it is JSON.
pub(super) fn fault(bytes: &[u8]) -> Option<String> {
    let mut reader = Reader { bytes, at: 0 };
    reader.document().err()
}

/// A letter as Go quotes it.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        0x20..=0x7e | 0xa1..=0xac | 0xae..=0xff => format!("'{}'", char::from(byte)),
        0x80..=0xff => format!("'\\u{byte:04x}'"),
        _ => format!("'\\x{byte:02x}'"),
    }
}

impl Reader<'_> {
    fn next(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The letter that is next does not fit here; or there is none.
    fn wrong(&self, context: &str) -> Read {
        Err(self.next().map_or_else(|| END.to_owned(), |byte| format!("invalid character {} {context}", quoted(byte))))
    }

    fn blank(&mut self) {
        while self.next().is_some_and(|byte| [b' ', b'\t', b'\r', b'\n'].contains(&byte)) {
            self.at += 1;
        }
    }

    fn document(&mut self) -> Read {
        self.value()?;
        self.blank();
        if self.next().is_none() { Ok(()) } else { self.wrong("after top-level value") }
    }

    fn value(&mut self) -> Read {
        self.blank();
        match self.next() {
            Some(b'{') => self.members(),
            Some(b'[') => self.elements(),
            Some(b'"') => self.string(),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.wrong("looking for beginning of value"),
        }
    }

    fn members(&mut self) -> Read {
        self.at += 1;
        self.blank();
        if self.next() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blank();
            if self.next() != Some(b'"') {
                return self.wrong("looking for beginning of object key string");
            }
            self.string()?;
            self.blank();
            if self.next() != Some(b':') {
                return self.wrong("after object key");
            }
            self.at += 1;
            self.value()?;
            if self.is_last(b'}', "after object key:value pair")? {
                return Ok(());
            }
        }
    }

    fn elements(&mut self) -> Read {
        self.at += 1;
        self.blank();
        if self.next() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value()?;
            if self.is_last(b']', "after array element")? {
                return Ok(());
            }
        }
    }

    /// Whether what was read is closed here, or goes on.
    fn is_last(&mut self, close: u8, context: &str) -> Result<bool, String> {
        self.blank();
        match self.next() {
            Some(byte) if byte == close || byte == b',' => {
                self.at += 1;
                Ok(byte == close)
            }
            _ => self.wrong(context).map(|()| false),
        }
    }

    fn string(&mut self) -> Read {
        self.at += 1;
        loop {
            match self.next() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    self.escape()?;
                }
                Some(byte) if byte >= 0x20 => self.at += 1,
                _ => return self.wrong("in string literal"),
            }
        }
    }

    fn escape(&mut self) -> Read {
        match self.next() {
            Some(b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"') => self.at += 1,
            Some(b'u') => {
                for _ in 0..4 {
                    self.at += 1;
                    if !self.next().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                        return self.wrong("in \\u hexadecimal character escape");
                    }
                }
                self.at += 1;
            }
            _ => return self.wrong("in string escape code"),
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Read {
        for expected in word.bytes() {
            if self.next() != Some(expected) {
                return self.wrong(&format!("in literal {word} (expecting {})", quoted(expected)));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn digits(&mut self, context: &str) -> Read {
        if !self.next().is_some_and(|byte| byte.is_ascii_digit()) {
            return self.wrong(context);
        }
        while self.next().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn number(&mut self) -> Read {
        if self.next() == Some(b'-') {
            self.at += 1;
        }
        if self.next() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits("in numeric literal")?;
        }
        if self.next() == Some(b'.') {
            self.at += 1;
            self.digits("after decimal point in numeric literal")?;
        }
        if matches!(self.next(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.next(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits("in exponent of numeric literal")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_first_letter_that_does_not_fit_is_named_as_go_names_it() {
        let table = [
            ("", END),
            ("{", END),
            (r#"{"a"#, END),
            ("{not json", "invalid character 'n' looking for beginning of object key string"),
            (r#"{"a":1,}"#, "invalid character '}' looking for beginning of object key string"),
            (r#"{"a" 1}"#, "invalid character '1' after object key"),
            (r#"{"a":1 "b":2}"#, "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("{} {}", "invalid character '{' after top-level value"),
            ("'a'", r"invalid character '\'' looking for beginning of value"),
            ("trap", "invalid character 'a' in literal true (expecting 'u')"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("1ex", "invalid character 'x' in exponent of numeric literal"),
            ("01", "invalid character '1' after top-level value"),
            ("\"a\nb\"", r"invalid character '\n' in string literal"),
            (r#""\q""#, "invalid character 'q' in string escape code"),
            (r#""\u12x4""#, r"invalid character 'x' in \u hexadecimal character escape"),
            ("\u{e9}", "invalid character 'Ã' looking for beginning of value"),
        ];
        for (text, expected) in table {
            assert_eq!(fault(text.as_bytes()).as_deref(), Some(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_json_has_no_fault_and_what_is_none_has_one(text in r#"[\[\]{}":,0-9a-fnrtu.eE+\\ -]{0,16}"#) {
            // Numbers too big for a float, and lone surrogates, are JSON in letters only.
            let is_in_range = |error: &serde_json::Error| {
                !["number out of range", "surrogate", "hex escape"].iter().any(|part| error.to_string().contains(part))
            };
            match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(_) => prop_assert_eq!(fault(text.as_bytes()), None),
                Err(error) if is_in_range(&error) => prop_assert!(fault(text.as_bytes()).is_some(), "{error}"),
                Err(_) => {}
            }
        }
    }
}
