//! Protobuf text as a flat list of `path = value`, in the order of the text: enough to compare two of them field by field.

/// The fields of a text. A message without fields is `path = {}`; what is written several times comes several times.
///
/// # Panics
/// When it is no protobuf text, with what is left of it.
pub(super) fn fields(text: &str) -> Vec<String> {
    let mut reader = Reader { rest: text, found: Vec::new() };
    reader.message("");
    assert!(reader.rest.is_empty(), "not closed, or closed too often: {:?}", reader.rest);
    reader.found
}

struct Reader<'a> {
    rest: &'a str,
    found: Vec<String>,
}

impl<'a> Reader<'a> {
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let Some(comment) = self.rest.strip_prefix('#') else { return };
            self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    fn take(&mut self, sign: char) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Everything up to the first character that does not fit.
    fn word(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        self.skip();
        let end = self.rest.find(|character: char| !fits(character)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        assert!(!word.is_empty(), "no name and no value: {rest:?}");
        self.rest = rest;
        word
    }

    fn message(&mut self, above: &str) {
        loop {
            self.skip();
            if self.rest.is_empty() || self.rest.starts_with('}') {
                return;
            }
            // The chart's own example names a field with a dash, which the format does not allow.
            let name = self.word(|character| character.is_alphanumeric() || "_-".contains(character));
            self.field(&format!("{above}{name}"));
            let _ = self.take(',') || self.take(';');
        }
    }

    fn field(&mut self, path: &str) {
        let has_colon = self.take(':');
        if self.take('{') {
            let before = self.found.len();
            self.message(&format!("{path}."));
            assert!(self.take('}'), "{path} is not closed");
            if self.found.len() == before {
                self.found.push(format!("{path} = {{}}"));
            }
            return;
        }
        assert!(has_colon, "{path} has no colon: {:?}", self.rest);
        let value = if self.take('"') {
            self.quoted()
        } else {
            self.word(|c| c.is_alphanumeric() || "_.-+".contains(c)).to_owned()
        };
        self.found.push(format!("{path} = {value}"));
    }

    /// The text up to the closing quotation mark, in its marks again: a number in marks is not a number.
    fn quoted(&mut self) -> String {
        let mut text = String::from("\"");
        let mut characters = self.rest.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return text + "\"";
                }
                '\n' => break,
                '\\' => match characters.next().map(|(_, escaped)| escaped) {
                    Some('n') => text.push('\n'),
                    Some(escaped @ ('"' | '\\')) => text.push(escaped),
                    other => panic!("not an escape: {other:?}"),
                },
                other => text.push(other),
            }
        }
        panic!("a text without an end: {:?}", self.rest)
    }
}

#[test]
fn fields_are_told_apart() {
    let text = "a { b: 1 # why\n c {} } a: { b: \"x\\\"}\\n\" },\nd: -2.5;e: true";
    assert_eq!(fields(text), ["a.b = 1", "a.c = {}", "a.b = \"x\"}\n\"", "d = -2.5", "e = true"]);
    for wrong in ["a {", "a }", "a: \"x", "a 1", "a: ", ": 1"] {
        assert!(std::panic::catch_unwind(|| fields(wrong)).is_err(), "{wrong}");
    }
}
