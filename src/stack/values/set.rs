//! `--set a.b[0].c=1,d=x`: read as helm reads it.

use serde_json::Value;

use super::super::fault::{Fault, FaultKind, Origin};
use super::super::node::{Data, Node};
use super::super::path::{Step, Way};
use super::super::schema::Types;

/// Items of a list beyond this are a slip of the finger.
const MOST_ITEMS: usize = 1024;

/// One `way=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The value it sets.
    pub way: Way,
    /// What it sets it to.
    pub given: Given,
}

/// A value as typed; what it means can depend on the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    /// `x`: a text unless it looks like something else.
    Plain(String),
    /// `"x"`: a text.
    Quoted(String),
    /// `{x,y}`: a list.
    List(Vec<Given>),
}

/// What is wrong with a `--set`, and at which character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The character it was found at, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    /// The problem as a fault that shows the way but not the value, which may be a secret.
    pub fn fault(&self, text: &str) -> Fault {
        let way = text.split_once('=').map_or(text, |(way, _)| way);
        let message = format!("{} (at character {})", self.message, self.column);
        Fault::new(FaultKind::BrokenSet, Origin::Set(way.into()), message)
    }
}

impl Given {
    /// The value that is meant where the schema allows these types: whole numbers, true, false and null are what they
    /// look like, unless only a text is allowed; `0.5` is a number only where the schema says so, or `tag=1.30` would
    /// become 1.3.
    pub fn value(&self, types: &Types) -> Value {
        match self {
            Self::Quoted(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(|item| item.value(&Types::default())).collect(),
            Self::Plain(text) if text == "null" => Value::Null,
            Self::Plain(text) if types.only_text() => text.as_str().into(),
            Self::Plain(text) => scalar(text, types),
        }
    }
}

fn scalar(text: &str, types: &Types) -> Value {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits == "0" || !digits.starts_with('0');
    match text {
        "true" => true.into(),
        "false" => false.into(),
        _ if whole && digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.is_empty() => text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.parse::<u64>().map(Value::from))
            .unwrap_or(text.into()),
        _ if types.names("number") && !types.names("string") => {
            text.parse::<f64>().ok().filter(|number| number.is_finite()).map_or(text.into(), Value::from)
        }
        _ => text.into(),
    }
}

/// Reads one `--set`.
///
/// # Errors
/// What cannot be read, and at which character.
pub fn parse(text: &str) -> Result<Vec<Assignment>, Problem> {
    let mut reader = Reader::new(text);
    let mut assignments = Vec::new();
    loop {
        let way = reader.way()?;
        if reader.next() != Some('=') {
            return Err(reader.problem(format!("`{way}` has no value: write `{way}=...`")));
        }
        assignments.push(Assignment { way, given: reader.given(&[','])? });
        match reader.next() {
            None => return Ok(assignments),
            Some(',') => {}
            Some(other) => return Err(reader.problem(format!("expected `,` before `{other}`"))),
        }
    }
}

/// Reads the way of a `--set-file` or `--secret`.
///
/// # Errors
/// What cannot be read, and at which character.
pub fn parse_way(text: &str) -> Result<Way, Problem> {
    let mut reader = Reader::new(text);
    let way = reader.way()?;
    match reader.next() {
        None => Ok(way),
        Some(other) => Err(reader.problem(format!("unexpected `{other}`"))),
    }
}

struct Reader {
    characters: Vec<char>,
    at: usize,
}

impl Reader {
    fn new(text: &str) -> Self {
        Self { characters: text.chars().collect(), at: 0 }
    }

    fn problem(&self, message: impl Into<String>) -> Problem {
        Problem { column: self.at.max(1), message: message.into() }
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let character = self.peek();
        self.at += usize::from(character.is_some());
        character
    }

    /// The text up to one of the characters, which is left unread; a backslash takes the next character as it is.
    fn until(&mut self, ends: &[char]) -> Result<String, Problem> {
        let mut text = String::new();
        while let Some(character) = self.peek() {
            if ends.contains(&character) {
                break;
            }
            self.at += 1;
            match character {
                '\\' => text.push(self.next().ok_or_else(|| self.problem("a `\\` ends the text"))?),
                other => text.push(other),
            }
        }
        Ok(text)
    }

    fn way(&mut self) -> Result<Way, Problem> {
        let mut steps = Vec::new();
        loop {
            let name = self.until(&['.', '[', '=', ','])?;
            if name.is_empty() {
                return Err(self.problem("a name is empty"));
            }
            steps.push(Step::Key(name));
            while self.peek() == Some('[') {
                steps.push(Step::Index(self.index()?));
            }
            if self.peek() != Some('.') {
                return Ok(Way(steps));
            }
            self.at += 1;
        }
    }

    fn index(&mut self) -> Result<usize, Problem> {
        self.at += 1;
        let digits = self.until(&[']', '='])?;
        if self.next() != Some(']') {
            return Err(self.problem("a `[` is not closed"));
        }
        let index = digits.parse().ok().filter(|index| *index < MOST_ITEMS);
        index.ok_or_else(|| self.problem(format!("`[{digits}]` is not an index from 0 to {}", MOST_ITEMS - 1)))
    }

    fn given(&mut self, ends: &[char]) -> Result<Given, Problem> {
        match self.peek() {
            Some('{') => self.list(),
            Some('"') => self.quoted(ends),
            _ => self.until(ends).map(Given::Plain),
        }
    }

    fn list(&mut self) -> Result<Given, Problem> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek() == Some('}') {
            self.at += 1;
            return Ok(Given::List(items));
        }
        loop {
            items.push(match self.peek() {
                Some('"') => self.quoted(&[',', '}'])?,
                _ => Given::Plain(self.until(&[',', '}'])?),
            });
            match self.next() {
                Some('}') => return Ok(Given::List(items)),
                Some(_) => {}
                None => return Err(self.problem("a `{` is not closed")),
            }
        }
    }

    /// A text in quotes; quotes that do not span the whole value are part of it.
    fn quoted(&mut self, ends: &[char]) -> Result<Given, Problem> {
        let start = self.at;
        self.at += 1;
        let text = self.until(&['"'])?;
        let closed = self.next().is_some();
        if closed && self.peek().is_none_or(|next| ends.contains(&next)) {
            return Ok(Given::Quoted(text));
        }
        self.at = start;
        self.until(ends).map(Given::Plain)
    }
}

/// Sets the value at the way. A list that is only in the layers below is taken over first, so that the items which are
/// not set keep their values (helm replaces such a list by one with holes).
pub fn put(nodes: &mut Node<Origin>, below: &Node<Origin>, way: &Way, value: Node<Origin>) {
    let mut node = nodes;
    let mut below = Some(below);
    for step in &way.0 {
        below = below.and_then(|below| below.child(step));
        node = match step {
            Step::Key(name) => entry(node, name, &value.at),
            Step::Index(index) => item(node, *index, &value.at),
        };
        if let (Data::Scalar(Value::Null), Some(below)) = (&node.data, below)
            && matches!(below.data, Data::List(_))
        {
            *node = below.clone();
        }
    }
    *node = value;
}

fn entry<'a>(node: &'a mut Node<Origin>, name: &str, at: &Origin) -> &'a mut Node<Origin> {
    if !matches!(node.data, Data::Map(_)) {
        *node = Node::map(at.clone());
    }
    let Data::Map(entries) = &mut node.data else { unreachable!("made a map above") };
    let position = entries.iter().position(|(key, _)| key == name).unwrap_or_else(|| {
        entries.push((name.to_owned(), Node::from_value(Value::Null, at)));
        entries.len() - 1
    });
    &mut entries[position].1
}

fn item<'a>(node: &'a mut Node<Origin>, index: usize, at: &Origin) -> &'a mut Node<Origin> {
    if !matches!(node.data, Data::List(_)) {
        *node = Node { at: at.clone(), data: Data::List(Vec::new()) };
    }
    let Data::List(items) = &mut node.data else { unreachable!("made a list above") };
    while items.len() <= index {
        items.push(Node::from_value(Value::Null, at));
    }
    &mut items[index]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn tree(text: &str) -> Value {
        let mut nodes = Node::map(Origin::Recorded);
        let below = nodes.clone();
        for assignment in parse(text).unwrap() {
            let value = assignment.given.value(&Types::default());
            put(&mut nodes, &below, &assignment.way, Node::from_value(value, &Origin::Recorded));
        }
        nodes.to_value()
    }

    #[test]
    fn reads_what_helm_reads() {
        let table = [
            ("a=b", json!({"a": "b"})),
            ("a.b=1,c=2", json!({"a": {"b": 1}, "c": 2})),
            ("a=true,b=false,c=null,d=", json!({"a": true, "b": false, "c": null, "d": ""})),
            ("a=-3,b=0,c=007,d=1.5", json!({"a": -3, "b": 0, "c": "007", "d": "1.5"})),
            ("a={b,c,1}", json!({"a": ["b", "c", 1]})),
            ("a={}", json!({"a": []})),
            ("a[0]=x,a[1].b=y", json!({"a": ["x", {"b": "y"}]})),
            ("a[0][1]=x", json!({"a": [[null, "x"]]})),
            (r"a\.b=c\,d", json!({"a.b": "c,d"})),
            ("a=b=c", json!({"a": "b=c"})),
            ("a=\"5\",b=\"x,y\"", json!({"a": "5", "b": "x,y"})),
            ("a=\"x\" y", json!({"a": "\"x\" y"})),
            ("a.b=1,a.c=2", json!({"a": {"b": 1, "c": 2}})),
            ("a=18446744073709551616", json!({"a": "18446744073709551616"})),
        ];
        for (text, expected) in table {
            assert_eq!(tree(text), expected, "{text}");
        }
    }

    #[test]
    fn says_what_it_cannot_read() {
        let table = [
            ("", "a name is empty"),
            ("a", "`a` has no value: write `a=...`"),
            ("a,b=1", "`a` has no value: write `a=...`"),
            (".a=1", "a name is empty"),
            ("a[x]=1", "`[x]` is not an index from 0 to 1023"),
            ("a[9999999]=1", "`[9999999]` is not an index from 0 to 1023"),
            ("a[0=1", "a `[` is not closed"),
            ("a={b", "a `{` is not closed"),
            ("a=b\\", "a `\\` ends the text"),
            ("a={b}c", "expected `,` before `c`"),
        ];
        for (text, message) in table {
            assert_eq!(parse(text).unwrap_err().message, message, "{text}");
        }
    }

    #[test]
    fn a_list_of_the_layers_below_keeps_its_other_items() {
        let origin = Origin::Recorded;
        let below = Node::from_value(json!({"a": [{"b": 1, "c": 2}, 3]}), &origin);
        let mut nodes = Node::map(origin.clone());
        put(&mut nodes, &below, &Way::dotted("a[0].b"), Node::from_value(json!(9), &origin));
        assert_eq!(nodes.to_value(), json!({"a": [{"b": 9, "c": 2}, 3]}));
    }

    /// Writes a text so that it is read back as it is.
    fn escaped(text: &str) -> String {
        text.chars().flat_map(|character| ['\\', character]).collect()
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            names in prop::collection::vec(".{1,6}", 1..4), index in prop::option::of(0..20usize), value in ".{0,12}",
        ) {
            let mut text = names.iter().map(|name| escaped(name)).collect::<Vec<_>>().join(".");
            let mut steps: Vec<Step> = names.into_iter().map(Step::Key).collect();
            if let Some(index) = index {
                text.push_str(&format!("[{index}]"));
                steps.push(Step::Index(index));
            }
            let read = parse(&format!("{text}={}", escaped(&value))).unwrap();
            prop_assert_eq!(read, vec![Assignment { way: Way(steps), given: Given::Plain(value) }]);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}", special in "[a=,.\\[\\]{}\"\\\\0]{0,20}") {
            let _ = parse(&text);
            if let Ok(assignments) = parse(&special) {
                let mut nodes = Node::map(Origin::Recorded);
                for assignment in assignments {
                    let value = assignment.given.value(&Types::default());
                    put(&mut nodes, &Node::map(Origin::Recorded), &assignment.way, Node::from_value(value, &Origin::Recorded));
                }
            }
        }
    }
}
