//! What a manifest's template may look like, line by line, and the text that is really evaluated.
//!
//! An expression is a whole scalar and ends its line; a control tag stands alone on its line; neither is found in a block
//! scalar. So an expression never changes the shape of the document, and after every control tag a marker can be written
//! (`#@13`: the next line is line 13 of the template), from which [`template_lines`] tells where every line came from.

use super::super::fault::{Fault, FaultKind, Place};
use super::whole;

/// The words a control tag may begin with.
const WORDS: [&str; 9] = ["if", "elif", "else", "endif", "for", "endfor", "set", "with", "endwith"];

/// What is said about an expression that is a part of something.
const WHOLE: &str = "an expression must be a whole scalar: `name: {{ r ~ '-x' }}`, not `name: {{ r }}-x`";

/// How a marker begins.
const MARKER: &str = "#@";

/// A manifest's template, checked.
#[derive(Debug)]
pub struct Prepared {
    /// The text to evaluate, which has the same number of lines.
    pub text: String,
    /// Every line that is not as it must be.
    pub faults: Vec<Fault>,
    /// Whether the text can be evaluated all the same, because it is plain what was meant.
    pub is_plain: bool,
}

/// Checks a manifest's template.
pub fn prepare(file: &str, text: &str) -> Prepared {
    let lines = text.lines().collect();
    let mut linter = Linter { file, lines, block: None, comment: false, faults: Vec::new(), unclear: false };
    let mut prepared = String::with_capacity(text.len() + 64);
    for index in 0..linter.lines.len() {
        prepared.push_str(&linter.line(index));
        prepared.push('\n');
    }
    if linter.comment {
        linter.fault(linter.lines.len().saturating_sub(1), "a comment `{#` is not closed");
    }
    Prepared { text: prepared, faults: linter.faults, is_plain: !linter.unclear }
}

/// The template's line for every line of what was rendered.
pub fn template_lines(rendered: &str) -> Vec<u32> {
    let mut lines = Vec::new();
    let mut next = 1;
    for line in rendered.lines() {
        // A marker is the rest of its control tag's line, and names the line that follows.
        let following = line.strip_prefix(MARKER).and_then(|number| number.parse::<u32>().ok());
        let following = following.unwrap_or(next + 1);
        lines.push(following.saturating_sub(1));
        next = following;
    }
    lines
}

struct Linter<'a> {
    file: &'a str,
    lines: Vec<&'a str>,
    /// The indentation above a block scalar that is open.
    block: Option<usize>,
    /// Whether a comment is open.
    comment: bool,
    faults: Vec<Fault>,
    /// Whether there was a fault of which nobody knows what was meant.
    unclear: bool,
}

impl Linter<'_> {
    fn fault(&mut self, index: usize, message: &str) {
        self.unclear = true;
        self.said(index, message);
    }

    fn said(&mut self, index: usize, message: &str) {
        let line = u32::try_from(index + 1).unwrap_or(u32::MAX);
        self.faults.push(Fault::new(FaultKind::BadTemplate, Place::line(self.file, line), message));
    }

    /// The line to evaluate in place of the template's.
    fn line(&mut self, index: usize) -> String {
        let line = self.lines[index];
        let trimmed = line.trim();
        if self.comment {
            return self.comment_goes_on(index, trimmed);
        }
        if self.is_in_block(index) {
            if ["{{", "{%", "{#"].iter().any(|open| trimmed.contains(open)) {
                let inside =
                    "a template's tag inside a block scalar: move the text to files/ and use `{{ file('NAME') }}`";
                self.fault(index, inside);
            }
            return line.to_owned();
        }
        self.block = None;
        match trimmed.get(..2) {
            Some("{#") => self.comment_begins(index, trimmed),
            Some("{%") => self.control(index, trimmed),
            _ if trimmed.starts_with('#') => "#".to_owned(),
            _ => self.content(index, line),
        }
    }

    fn comment_begins(&mut self, index: usize, trimmed: &str) -> String {
        match trimmed[2..].find("#}") {
            Some(at) if at + 4 == trimmed.len() => {}
            Some(_) => self.fault(index, "a comment must stand alone on its line"),
            None => self.comment = true,
        }
        "#".to_owned()
    }

    fn comment_goes_on(&mut self, index: usize, trimmed: &str) -> String {
        if let Some(at) = trimmed.find("#}") {
            self.comment = false;
            if at + 2 != trimmed.len() {
                self.fault(index, "a comment must stand alone on its line");
            }
        }
        "#".to_owned()
    }

    fn control(&mut self, index: usize, trimmed: &str) -> String {
        // Behind what opened it: `{%}` does not close itself.
        let Some(end) = trimmed[2..].find("%}").map(|at| at + 2) else {
            self.fault(index, "a control tag must be closed with `%}` on its line");
            return String::new();
        };
        if end + 2 != trimmed.len() {
            self.fault(index, "a control tag must stand alone on its line");
        }
        let tag = trimmed[2..end].trim_matches(['-', '+']).trim();
        let word = tag.split_whitespace().next().unwrap_or_default();
        if !WORDS.contains(&word) {
            self.fault(
                index,
                &format!("`{{% {word} %}}` cannot be used in a manifest; known are {}", WORDS.join(", ")),
            );
        } else if word == "set" && !tag.contains('=') {
            self.fault(index, "`{% set %}` must be written as `{% set name = value %}`");
        }
        format!("{{% {tag} %}}{MARKER}{}", index + 2)
    }

    fn content(&mut self, index: usize, line: &str) -> String {
        if line.contains("{%") {
            self.fault(index, "a control tag must stand alone on its line");
        } else if line.contains("{#") {
            self.fault(index, "a comment must stand alone on its line");
        } else if let Some(at) = line.find("{{") {
            if let Some(message) = expression_fault(line, at) {
                if let Some(meant) = whole::meant(line).filter(|meant| {
                    message == WHOLE && expression_fault(meant, meant.find("{{").unwrap_or_default()).is_none()
                }) {
                    self.said(index, message);
                    return meant;
                }
                self.fault(index, message);
            } else if line[..at].trim().is_empty() && !self.is_value_due(index) {
                self.fault(index, WHOLE);
            }
        } else {
            self.block = block_above(line);
        }
        line.to_owned()
    }

    /// Whether the text above leaves a value to be written, so that a line of its own is one and not the end of a text.
    fn is_value_due(&self, index: usize) -> bool {
        let is_text = |line: &&&str| {
            let text = line.trim();
            !(text.is_empty() || ["{%", "{{", "#"].iter().any(|open| text.starts_with(open)) || text.ends_with("#}"))
        };
        let above = self.lines[..index].iter().rev().find(is_text);
        above.is_none_or(|line| {
            let text = line.find(" #").map_or(*line, |comment| &line[..comment]);
            text.trim_end().ends_with([':', '-', '[', '{', ','])
        })
    }

    /// Whether the line belongs to a block scalar. A control tag does when the next line of text does: its own
    /// indentation says nothing.
    fn is_in_block(&self, index: usize) -> bool {
        let Some(above) = self.block else { return false };
        let is_text = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with("{%");
        let next = self.lines[index..].iter().find(is_text);
        next.is_some_and(|line| indentation(line) > above)
    }
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// What is wrong with an expression that begins at this byte of the line.
fn expression_fault(line: &str, at: usize) -> Option<&'static str> {
    if !is_key_or_dash(&line[..at]) {
        return Some(WHOLE);
    }
    if line[at + 2..].contains("{{") {
        return Some(WHOLE);
    }
    let Some(end) = line.rfind("}}") else { return Some("an expression must be closed with `}}` on its line") };
    let rest = &line[end + 2..];
    if !(rest.trim().is_empty() || (rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#'))) {
        return Some(WHOLE);
    }
    let inner = &line[at + 2..end];
    if inner.starts_with("- ") || inner.starts_with("+ ") || inner.ends_with('-') {
        return Some("`{{-` and `-}}` cannot be used in a manifest");
    }
    None
}

/// Whether the text before an expression is nothing, dashes of list items, and at most one key.
pub(super) fn is_key_or_dash(text: &str) -> bool {
    let mut rest = text.trim_start_matches(' ');
    while let Some(inner) = rest.strip_prefix("- ") {
        rest = inner.trim_start_matches(' ');
    }
    if rest.is_empty() {
        return true;
    }
    let Some(key) = rest.trim_end_matches(' ').strip_suffix(':') else { return false };
    rest.ends_with(' ') && is_key(key)
}

fn is_key(key: &str) -> bool {
    let quoted = |quote: char| key.len() > 2 && key.starts_with(quote) && key.ends_with(quote);
    let inner = if quoted('"') || quoted('\'') { &key[1..key.len() - 1] } else { key };
    !inner.is_empty() && !inner.contains(['"', '\'', '{', '[', '#', ',']) && !inner.contains(": ")
}

/// The indentation above the block scalar that the line begins, if it does.
fn block_above(line: &str) -> Option<usize> {
    let text = line.find(" #").map_or(line, |comment| &line[..comment]).trim_end();
    let header = text.rfind([' ', '\t']).map_or(text, |at| &text[at + 1..]);
    if !is_block_header(header) || !may_begin_block(&text[..text.len() - header.len()]) {
        return None;
    }
    let mut above = indentation(text);
    let mut column = above;
    let mut rest = &text[above..];
    while let Some(inner) = rest.strip_prefix("- ") {
        above = column;
        let deeper = inner.trim_start_matches(' ');
        column += rest.len() - deeper.len();
        rest = deeper;
    }
    Some(if rest == header { above } else { column })
}

/// `|` or `>`, with what may follow it.
fn is_block_header(word: &str) -> bool {
    let Some(rest) = word.strip_prefix(['|', '>']) else { return false };
    rest.len() <= 2 && rest.chars().all(|character| character == '+' || character == '-' || character.is_ascii_digit())
}

/// Whether a value begins behind the text: a key, a dash, an anchor or a tag. Elsewhere `|` is a part of a text.
fn may_begin_block(text: &str) -> bool {
    let text = text.trim_end();
    let word = text.rfind(' ').map_or(text, |at| &text[at + 1..]);
    text.ends_with([':', '-']) || word.starts_with(['&', '!'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn faults(text: &str) -> Vec<String> {
        prepare("m.yaml", text).faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn whole_scalars_are_accepted() {
        let table = [
            "name: {{ r }}",
            "  - {{ r }}",
            "- name: {{ r }}",
            "  - - {{ r }}",
            "    {{ values.x }}",
            "\"a.b/c\": {{ r }}",
            "a.b/c: {{ r }}  # why",
            "x: {{ {'a': {'b': 1}} }}",
            "x: {{ -1 }}",
            "# {{ anything }} here",
            "{% if a %}",
            "  {%- endif -%}",
            "{# note #}",
            "text: |\n  plain\nname: {{ r }}",
            "- |\n plain\n- {{ r }}",
            "a: x |\n  y\nb: {{ r }}",
            "a:\n{% if x %}\n  {{ r }}\n{% else %}\n  {{ r }}\n{% endif %}",
            "a: [\n  {{ r }}\n]",
        ];
        for text in table {
            assert_eq!(faults(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused_with_its_line() {
        let table = [
            ("a: 1\nname: {{ r }}-x", 2, "whole scalar"),
            ("name: x-{{ r }}", 1, "whole scalar"),
            ("name: \"{{ r }}\"", 1, "whole scalar"),
            ("{{ r }}: x", 1, "whole scalar"),
            ("x: [{{ r }}]", 1, "whole scalar"),
            ("x: {a: {{ r }}}", 1, "whole scalar"),
            ("x: {{ r }} {{ r }}", 1, "whole scalar"),
            ("x: {{ r", 1, "closed"),
            ("x: {{- r }}", 1, "cannot be used"),
            ("x: {{- r -}}", 1, "cannot be used"),
            ("x: {% if a %}1{% endif %}", 1, "alone"),
            ("{% if a %} x: 1", 1, "alone"),
            ("{% if a %}{% if b %}", 1, "alone"),
            ("{% if a", 1, "closed"),
            ("{%}", 1, "closed"),
            ("{#}", 1, "not closed"),
            ("{% include 'x' %}", 1, "cannot be used"),
            ("{% set x %}", 1, "must be written"),
            ("x: 1 {# note #}", 1, "alone"),
            ("{# a\nb", 2, "not closed"),
            ("text: |\n  {{ r }}", 2, "block scalar"),
            ("text: |\n{% if a %}\n  b\n{% endif %}\n", 2, "block scalar"),
            ("text: |\n  a\n{% if a %}\n  b\n{% endif %}\nc: 1", 3, "block scalar"),
            ("- text: >-\n    {{ r }}", 2, "block scalar"),
            ("a: sort |\n  {{ r }}", 2, "whole scalar"),
            ("a: x\n\n  {{ r }}", 3, "whole scalar"),
            ("text: !!str |\n  {{ r }}", 2, "block scalar"),
            ("- text: |2\n\n     {{ r }}", 3, "block scalar"),
        ];
        for (text, line, word) in table {
            let faults = faults(text);
            let fault = faults.first().unwrap_or_else(|| panic!("accepted: {text}"));
            assert!(fault.starts_with(&format!("m.yaml:{line}: ")) && fault.contains(word), "{text}\n{fault}");
        }
    }

    #[test]
    fn a_control_tag_after_a_block_scalar_is_no_part_of_it() {
        assert!(faults("a:\n  text: |\n    x\n\n{% if b %}\n  c: {{ r }}\n{% endif %}\n").is_empty());
    }

    #[test]
    fn lines_are_found_again() {
        let text =
            "a: 1\n{% if x %}\nb: 2\n{% endif %}\n{# c\n d #}\n{% for i in l %}\n- 1\n- 2\n{% endfor %}\nend: 1\n";
        let prepared = prepare("m.yaml", text).text;
        assert_eq!(prepared.lines().count(), text.lines().count());
        let rendered = "a: 1\n#@3\nb: 2\n#@5\n#\n#\n#@8\n- 1\n- 2\n#@8\n- 1\n- 2\n#@11\nend: 1\n";
        assert_eq!(template_lines(rendered), [1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 8, 9, 10, 11]);
    }

    proptest! {
        #[test]
        fn any_text_is_prepared_or_refused(text in "[-a: {}%#|>\\n'\"é]{0,60}") {
            let prepared = prepare("x", &text);
            if prepared.is_plain {
                prop_assert_eq!(prepared.text.lines().count(), text.lines().count());
                template_lines(&prepared.text);
            }
        }
    }
}
