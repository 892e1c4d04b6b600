//! Sentences made of the cluster's own words, and what can be read out of such words.

use jiff::Timestamp;

use crate::doctor::{Cause, Outlook};
use crate::object::{ObjectRef, printable};

/// Longest quotation from the cluster.
const LONGEST: usize = 300;

/// A cause that most likely somebody has to do something about.
pub(in crate::doctor) fn stuck(object: Option<ObjectRef>, reason: &str, message: impl AsRef<str>) -> Cause {
    Cause {
        id: String::new(),
        object,
        reason: clip(reason),
        message: clip(message.as_ref()),
        remedy: None,
        outlook: Outlook::Stuck,
    }
}

impl Cause {
    pub(in crate::doctor) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(printable(&remedy.into()));
        self
    }

    pub(in crate::doctor) fn outlook(mut self, outlook: Outlook) -> Self {
        self.outlook = outlook;
        self
    }

    pub(in crate::doctor) fn about(mut self, object: ObjectRef) -> Self {
        self.object = Some(object);
        self
    }

    pub(in crate::doctor) fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }
}

/// The first few names, and how many more there are.
pub(crate) fn some<T: AsRef<str>>(names: &[T]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// Text fit for one line of a terminal: no control characters, no line ends, not longer than a few lines. What is too long is cut
/// in the middle: programs say what they did first, and what went wrong last.
pub(crate) fn clip(text: &str) -> String {
    // What is cut off anyway need not be looked at: an event may hold a whole log.
    let ends = cut_in_the_middle(text, 8 * LONGEST);
    cut_in_the_middle(&printable(&ends).split_whitespace().collect::<Vec<_>>().join(" "), LONGEST)
}

fn cut_in_the_middle(text: &str, longest: usize) -> String {
    let length = text.chars().count();
    if length <= longest {
        return text.to_owned();
    }
    let head = longest / 2;
    let tail = longest - head - 1;
    let first: String = text.chars().take(head).collect();
    let last: String = text.chars().skip(length - tail).collect();
    format!("{first}…{last}")
}

/// The last lines of a container's message that say something: most programs say what is wrong last.
pub(in crate::doctor) fn last_lines(text: &str) -> Option<String> {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let from = lines.len().saturating_sub(2);
    (!lines.is_empty()).then(|| clip(&lines[from..].join("; ")))
}

/// Whether the text holds any of the words; both in lower case.
pub(in crate::doctor) fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.contains(word))
}

/// What stands between two marks.
pub(in crate::doctor) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}

/// What stands behind a mark, up to the end of the word.
pub(in crate::doctor) fn word_after<'a>(text: &'a str, before: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split([' ', ',', '"', '\'', ';'])
        .next()
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|w| !w.is_empty())
}

/// Seconds from `then` to `now`; 0 when it lies ahead.
pub(in crate::doctor) fn seconds(then: Timestamp, now: Timestamp) -> i64 {
    now.as_second().saturating_sub(then.as_second()).max(0)
}

/// `12 s`, `3 min`, `2 h`.
pub(crate) fn span(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// ` -n NAMESPACE` for a command, or nothing.
pub(in crate::doctor) fn in_namespace(namespace: Option<&str>) -> String {
    namespace.map(|namespace| format!(" -n {namespace}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_are_one_short_line() {
        assert_eq!(clip("a\x1b[2J\n b\t c"), "a?[2J b c");
        let long = clip(&"ä ".repeat(5000));
        assert_eq!((long.chars().count(), long.matches('…').count()), (LONGEST, 1));
        let pull = clip(&format!("Head \"https://{}\": dial tcp: connection refused", "x".repeat(5000)));
        assert!(pull.starts_with("Head \"https://xxx") && pull.ends_with("dial tcp: connection refused"), "{pull}");
    }

    #[test]
    fn words_are_found_between_marks() {
        assert_eq!(between("secret \"a\" not found", "secret \"", "\""), Some("a"));
        assert_eq!(word_after("couldn't find key token in Secret n/s", "find key "), Some("token"));
        assert_eq!(word_after("exceeded quota: team, requested", "quota: "), Some("team"));
        assert_eq!(last_lines("a\n\nb\nc\n").as_deref(), Some("b; c"));
        assert_eq!((span(5), span(130), span(7300)), ("5 s".into(), "2 min".into(), "2 h".into()));
    }
}
