//! The way to a value: `collector.env[0].name`, with `\.` for a dot inside a name.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// One step down a tree of values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Into the map's entry of this name.
    Key(String),
    /// Into the list's item at this index.
    Index(usize),
}

/// The way from the root of a tree to one value; the root itself is the empty way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Way(pub Vec<Step>);

impl Way {
    /// The way to the entry `name` of what this way leads to.
    #[must_use]
    pub fn key(&self, name: &str) -> Self {
        self.with(Step::Key(name.to_owned()))
    }

    /// This way and one step more.
    #[must_use]
    pub fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// The way written with dots: the inverse of `Display` for names, indices and escaped dots.
    pub fn dotted(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        let mut steps = Vec::new();
        let mut name = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '\\' => name.extend(characters.next()),
                '.' => push_part(&mut steps, &mut name),
                other => name.push(other),
            }
        }
        push_part(&mut steps, &mut name);
        Self(steps)
    }

    /// The way a JSON pointer describes, in the tree it points into.
    pub fn pointer(pointer: &str, root: &Value) -> Self {
        let mut at = Some(root);
        let mut steps = Vec::new();
        for part in pointer.split('/').skip(1) {
            let name = part.replace("~1", "/").replace("~0", "~");
            let index = at.filter(|value| value.is_array()).and_then(|_| name.parse().ok());
            at = at.and_then(|value| index.map_or_else(|| value.get(&name), |index: usize| value.get(index)));
            steps.push(index.map_or(Step::Key(name), Step::Index));
        }
        Self(steps)
    }

    /// What is there in the tree, if it goes that deep.
    pub fn find<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(root, |value, step| match step {
            Step::Key(name) => value.get(name),
            Step::Index(index) => value.get(index),
        })
    }

    /// Whether this way leads to nothing but the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

/// Ends one part between dots: a name with the indices behind it.
fn push_part(steps: &mut Vec<Step>, part: &mut String) {
    let part = std::mem::take(part);
    let (name, indices) = part.find('[').map_or((part.as_str(), ""), |at| part.split_at(at));
    let indices: Option<Vec<usize>> = indices
        .split_terminator(']')
        .map(|index| index.strip_prefix('[').and_then(|index| index.parse().ok()))
        .collect();
    match indices {
        Some(indices) => {
            if !name.is_empty() || indices.is_empty() {
                steps.push(Step::Key(name.to_owned()));
            }
            steps.extend(indices.into_iter().map(Step::Index));
        }
        None => steps.push(Step::Key(part)),
    }
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Key(name) => {
                    let dot = if position == 0 { "" } else { "." };
                    write!(formatter, "{dot}{}", name.replace('\\', "\\\\").replace('.', "\\."))?;
                }
            }
        }
        Ok(())
    }
}

impl Serialize for Way {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_indices_and_escapes() {
        let key = |name: &str| Step::Key(name.to_owned());
        let table = [
            ("a.b", vec![key("a"), key("b")]),
            ("a[0].b", vec![key("a"), Step::Index(0), key("b")]),
            ("a[0][12]", vec![key("a"), Step::Index(0), Step::Index(12)]),
            (r"labels.app\.kubernetes\.io/name", vec![key("labels"), key("app.kubernetes.io/name")]),
            ("a[x]", vec![key("a[x]")]),
        ];
        for (text, steps) in table {
            assert_eq!(Way::dotted(text), Way(steps), "{text}");
            assert_eq!(Way::dotted(text).to_string(), text);
        }
    }

    #[test]
    fn a_pointer_is_read_in_the_tree_it_points_into() {
        let tree = serde_json::json!({"a": [{"b/c": 1}], "0": {"1": 2}});
        assert_eq!(Way::pointer("/a/0/b~1c", &tree).to_string(), "a[0].b/c");
        assert_eq!(Way::pointer("/0/1", &tree), Way(vec![Step::Key("0".into()), Step::Key("1".into())]));
        assert_eq!(Way::pointer("/a/0/b~1c", &tree).find(&tree), Some(&serde_json::json!(1)));
        assert!(Way::pointer("", &tree).is_root());
    }
}
