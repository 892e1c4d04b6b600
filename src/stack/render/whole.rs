//! What was meant by a line in which an expression is a part of a text: `name: {{ r }}-web` is `name: {{ r ~ '-web' }}`.

use super::lint::is_key_or_dash;

/// The line as it should have been written, where that is plain: one text, with expressions that are closed.
pub(super) fn meant(line: &str) -> Option<String> {
    let first = line.find("{{")?;
    let begin = (1..=first)
        .rev()
        .find(|at| line.is_char_boundary(*at) && line[..*at].ends_with(' ') && is_begun(&line[..*at]))?;
    let (before, text) = line.split_at(begin);
    let text = text.trim_end();
    let text = text.find(" #").map_or(text, |comment| text[..comment].trim_end());
    let text = unquoted(text);
    if text.starts_with(['[', '|', '>', '&', '*', '!', '@']) || (text.starts_with('{') && !text.starts_with("{{")) {
        return None;
    }
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some(open) = rest.find("{{") {
        let close = rest[open..].find("}}").map(|at| open + at)?;
        let expression = rest[open + 2..close].trim();
        if expression.is_empty() || expression.contains(['{', '"']) {
            return None;
        }
        parts.extend(literal(&rest[..open]));
        parts.push(format!("({expression})"));
        rest = &rest[close + 2..];
    }
    parts.extend(literal(rest));
    Some(format!("{before}{{{{ {} }}}}", parts.join(" ~ ")))
}

/// Whether a value begins behind the text, and not in its middle.
fn is_begun(before: &str) -> bool {
    !before.trim().is_empty() && is_key_or_dash(before)
}

fn unquoted(text: &str) -> &str {
    let within = |quote: char| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

fn literal(text: &str) -> Option<String> {
    let escaped = || text.replace('\\', "\\\\").replace('\'', "\\'");
    (!text.is_empty()).then(|| format!("'{}'", escaped()))
}

#[cfg(test)]
mod tests {
    use super::meant;

    #[test]
    fn a_text_with_expressions_is_put_together() {
        let table = [
            ("  name: {{ r }}-web", Some("  name: {{ (r) ~ '-web' }}")),
            ("  - name: \"{{ r }}-web\" # here", Some("  - name: {{ (r) ~ '-web' }}")),
            ("image: repo/{{ a }}:{{ b|upper }}", Some("image: {{ 'repo/' ~ (a) ~ ':' ~ (b|upper) }}")),
            ("- http://it's/{{ a }}", Some("- {{ 'http://it\\'s/' ~ (a) }}")),
            ("labels: {a: {{ r }}}", None),
            ("args: [{{ r }}, b]", None),
            ("name: {{ r -web", None),
            ("{{ r }}-web", None),
        ];
        for (line, expected) in table {
            assert_eq!(meant(line).as_deref(), expected, "{line}");
        }
    }
}
