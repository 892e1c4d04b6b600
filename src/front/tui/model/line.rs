//! A line that is being typed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The text, and where the next character goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Line {
    characters: Vec<char>,
    at: usize,
}

impl Line {
    pub(crate) fn new(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        Self { at: characters.len(), characters }
    }

    pub(crate) fn text(&self) -> String {
        self.characters.iter().collect()
    }

    /// The text in front of the cursor, and behind it.
    pub(crate) fn around(&self) -> (String, String) {
        let (before, after) = self.characters.split_at(self.at);
        (before.iter().collect(), after.iter().collect())
    }

    /// Puts text in at the cursor.
    pub(crate) fn insert(&mut self, text: &str) {
        let added: Vec<char> = text.replace("\r\n", "\n").replace('\r', "\n").chars().collect();
        let length = added.len();
        self.characters.splice(self.at..self.at, added);
        self.at += length;
    }

    /// What one key does to it; keys that do nothing are passed over.
    pub(crate) fn press(&mut self, key: KeyEvent) {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match (key.code, control) {
            (KeyCode::Char('a'), true) | (KeyCode::Home, _) => self.at = 0,
            (KeyCode::Char('e'), true) | (KeyCode::End, _) => self.at = self.characters.len(),
            (KeyCode::Char('u'), true) => drop(self.characters.drain(..std::mem::take(&mut self.at))),
            (KeyCode::Char('k'), true) => self.characters.truncate(self.at),
            (KeyCode::Char('w'), true) => self.erase_word(),
            (KeyCode::Left, _) => self.at = self.at.saturating_sub(1),
            (KeyCode::Right, _) => self.at = (self.at + 1).min(self.characters.len()),
            (KeyCode::Backspace, _) if self.at > 0 => {
                self.at -= 1;
                self.characters.remove(self.at);
            }
            (KeyCode::Delete, _) if self.at < self.characters.len() => drop(self.characters.remove(self.at)),
            (KeyCode::Char(character), false) if !key.modifiers.contains(KeyModifiers::ALT) => {
                self.insert(&character.to_string());
            }
            _ => {}
        }
    }

    fn erase_word(&mut self) {
        let before = &self.characters[..self.at];
        let blanks = before.iter().rev().take_while(|character| character.is_whitespace()).count();
        let word = before.iter().rev().skip(blanks).take_while(|character| !character.is_whitespace()).count();
        let from = self.at - blanks - word;
        self.characters.drain(from..self.at);
        self.at = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_do_what_they_do_in_a_shell() {
        let key = |code| KeyEvent::new(code, KeyModifiers::NONE);
        let control = |character| KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL);
        let mut line = Line::new("one two");
        for press in [key(KeyCode::Left), key(KeyCode::Backspace), key(KeyCode::Char('é')), key(KeyCode::Delete)] {
            line.press(press);
        }
        assert_eq!(line.text(), "one té");
        line.press(control('w'));
        assert_eq!(line.text(), "one ");
        line.press(key(KeyCode::Home));
        line.insert("a\r\nb ");
        assert_eq!(line.around(), ("a\nb ".to_owned(), "one ".to_owned()));
        line.press(control('k'));
        line.press(control('u'));
        line.press(key(KeyCode::Backspace));
        line.press(control('w'));
        assert_eq!(line, Line::default());
    }
}
