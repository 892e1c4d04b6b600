//! Logs that are looked at: their last lines, and from where on they are shown.

use std::collections::VecDeque;

use seaworthy::logs::Said;
use seaworthy::object::ObjectRef;

/// Lines that are kept; the oldest go first.
const KEPT: usize = 5000;

/// The logs of the pods of one object.
#[derive(Debug)]
pub(crate) struct Logs {
    /// The number of the question: answers to an older one are passed over.
    pub(crate) ticket: u64,
    pub(crate) object: ObjectRef,
    pub(crate) lines: VecDeque<Said>,
    /// The first line that is shown, of those that the filter lets through; `None` follows the last.
    pub(crate) top: Option<usize>,
    pub(crate) filter: String,
    /// Why nothing more comes.
    pub(crate) over: Option<String>,
}

impl Logs {
    pub(crate) fn new(ticket: u64, object: ObjectRef) -> Self {
        Self { ticket, object, lines: VecDeque::new(), top: None, filter: String::new(), over: None }
    }

    /// More lines have come. What somebody reads stays where it is.
    pub(crate) fn add(&mut self, said: Vec<Said>) {
        self.lines.extend(said);
        let surplus = self.lines.len().saturating_sub(KEPT);
        let words = words(&self.filter);
        let gone = self.lines.drain(..surplus).filter(|line| holds(line, &words)).count();
        self.top = self.top.map(|top| top.saturating_sub(gone));
    }

    /// The lines that hold all these words; what we say ourselves is always shown.
    pub(crate) fn shown(&self, filter: &str) -> Vec<&Said> {
        let words = words(filter);
        self.lines.iter().filter(|line| holds(line, &words)).collect()
    }

    /// Moves what is shown; at the end it follows again. `page`: lines that fit.
    pub(crate) fn scroll(&mut self, by: isize, page: usize) {
        let last = self.shown(&self.filter).len().saturating_sub(page);
        let to = self.top.unwrap_or(last).min(last).saturating_add_signed(by);
        self.top = (to < last).then_some(to);
    }
}

fn words(filter: &str) -> Vec<String> {
    filter.to_lowercase().split_whitespace().map(str::to_owned).collect()
}

fn holds(said: &Said, words: &[String]) -> bool {
    let Said::Line { text, .. } = said else { return true };
    if words.is_empty() {
        return true;
    }
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use seaworthy::logs::Source;

    use super::*;

    fn lines(numbers: std::ops::Range<usize>) -> Vec<Said> {
        let source = Source { pod: "p".to_owned(), container: "c".to_owned(), previous: false };
        numbers.map(|number| Said::Line { source: source.clone(), text: format!("Line {number}") }).collect()
    }

    #[test]
    fn what_is_read_stays_while_more_comes_and_the_oldest_go() {
        let mut logs = Logs::new(1, ObjectRef::new("v1", "Pod", Some("sea"), "p"));
        logs.add(lines(0..100));
        assert_eq!(logs.top, None);
        logs.scroll(-10, 20);
        assert_eq!(logs.top, Some(70));
        logs.add(lines(100..KEPT + 50));
        assert_eq!((logs.lines.len(), logs.top), (KEPT, Some(20)));
        logs.scroll(isize::MAX / 2, 20);
        assert_eq!(logs.top, None, "it follows again");
        logs.scroll(isize::MIN / 2, 20);
        assert_eq!(logs.top, Some(0));
    }

    #[test]
    fn the_filter_wants_all_words_and_lets_our_own_through() {
        let mut logs = Logs::new(1, ObjectRef::new("v1", "Pod", Some("sea"), "p"));
        logs.add(lines(0..30));
        logs.add(vec![Said::Note("it waits".to_owned())]);
        assert_eq!(logs.shown("LINE 2").len(), 12 + 1, "2, 12, 20 to 29, and the note");
        assert_eq!(logs.shown("nowhere").len(), 1);
    }
}
