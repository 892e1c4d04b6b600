//! The values of a stack: merged from all that says something about them, each remembering who said it.
//!
//! Order, later wins: the defaults, the profile, the example (only when asked for), what the last run recorded, `-f` in
//! their order, `--set`, `--set-file`, what was typed into a form, `--secret`. Maps are merged, everything else is replaced, null removes a key.

pub mod merge;
pub mod set;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::fault::{Fault, FaultKind, Mark, Origin, Place};
use super::node::{Data, Node};
use super::path::{Step, Way};
use super::schema::Schema;
use super::yaml;

/// What is shown in place of a secret.
pub const HIDDEN: &str = "<secret>";

/// What stands for a secret that nobody gave and that is to be made: until it is known whether the cluster has one already.
pub const MADE: &str = "<made at random>";

/// A text that somebody has already read, and the name it has for the user.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// The file's name, as the user gave it.
    pub name: String,
    /// What is in it.
    pub text: String,
}

/// Everything a user said about the values of a stack.
#[derive(Clone, Default)]
pub struct Choices {
    /// The profile; without one, the stack's smallest.
    pub profile: Option<String>,
    /// Whether the stack's example answers what has no default.
    pub example: bool,
    /// What the last run recorded.
    pub recorded: Option<Value>,
    /// The files given with `-f`.
    pub files: Vec<Text>,
    /// Each `--set`, as typed.
    pub set: Vec<String>,
    /// Each `--set-file`: the way, and the file.
    pub set_file: Vec<(String, Text)>,
    /// Each value typed into a form: the way written with dots, and the value.
    pub typed: Vec<(String, Value)>,
    /// Each `--secret`: the way, and the secret.
    pub secrets: Vec<(String, String)>,
}

impl fmt::Debug for Choices {
    /// Names what was said, and never the values: there may be secrets among them.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        let secrets: Vec<&str> = self.secrets.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("Choices")
            .field("profile", &self.profile)
            .field("files", &files)
            .field("set", &self.set.len())
            .field("typed", &self.typed.len())
            .field("secrets", &secrets)
            .finish_non_exhaustive()
    }
}

/// The values of a stack, merged.
#[derive(Clone, PartialEq)]
pub struct Values {
    profile: String,
    tree: Value,
    nodes: Node<Origin>,
    secrets: Vec<Way>,
    removed: Vec<(Way, Origin)>,
    chosen: Value,
}

impl Values {
    /// The profile they were merged for.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// The tree, secrets included: for templates and for nothing that is shown or kept.
    pub fn tree(&self) -> &Value {
        &self.tree
    }

    /// The value at a way written with dots.
    pub fn get(&self, dotted: &str) -> Option<&Value> {
        Way::dotted(dotted).find(&self.tree)
    }

    /// Where the value at the way came from, or the deepest value on the way that there is.
    pub fn origin(&self, way: &Way) -> &Origin {
        self.nodes.nearest(way)
    }

    /// The ways to the values that come from a file of this name, as people write them.
    pub fn from_file(&self, name: &str) -> Vec<String> {
        fn walk(node: &Node<Origin>, way: &str, name: &str, found: &mut Vec<String>) {
            match &node.data {
                Data::Map(entries) if !entries.is_empty() => entries.iter().for_each(|(key, node)| {
                    walk(node, &if way.is_empty() { key.clone() } else { format!("{way}.{key}") }, name, found);
                }),
                _ => {
                    if matches!(&node.at, Origin::Place(place) if place.file.ends_with(name)) {
                        found.push(way.to_owned());
                    }
                }
            }
        }
        let mut found = Vec::new();
        walk(&self.nodes, "", name, &mut found);
        found
    }

    /// The same with another value at the way, said by nobody: to look at the rest where what was said is wrong.
    pub(super) fn mended(&self, way: &Way, value: Value) -> Self {
        let mut mended = self.clone();
        let Some((last, above)) = way.0.split_last() else { return mended };
        let place = above.iter().try_fold(&mut mended.tree, |tree, step| match (step, tree) {
            (Step::Key(name), Value::Object(entries)) => {
                Some(entries.entry(name.clone()).or_insert_with(|| Value::Object(serde_json::Map::new())))
            }
            (Step::Index(index), Value::Array(items)) => items.get_mut(*index),
            _ => None,
        });
        match (last, place) {
            (Step::Key(name), Some(Value::Object(entries))) => {
                entries.insert(name.clone(), value);
            }
            (Step::Index(index), Some(Value::Array(items))) => {
                items.get_mut(*index).into_iter().for_each(|item| *item = value.clone());
            }
            // There is no place for it, and whoever looks again finds the same fault.
            _ => {}
        }
        mended
    }

    /// Whether the value at the way is a secret, or holds or belongs to one.
    pub fn is_secret(&self, way: &Way) -> bool {
        self.secrets.iter().any(|secret| secret.0.starts_with(&way.0) || way.0.starts_with(&secret.0))
    }

    /// The ways to all secrets that have a value.
    pub fn secrets(&self) -> &[Way] {
        &self.secrets
    }

    /// The tree with `<secret>` in place of every secret: for everything that is shown.
    pub fn without_secrets(&self) -> Value {
        let mut tree = self.tree.clone();
        for way in &self.secrets {
            if let Some(value) = find_mut(&mut tree, way) {
                *value = Value::from(HIDDEN);
            }
        }
        tree
    }

    /// The faults with the name of whoever removed a value that a template misses, and without any secret in their
    /// messages: what a template or a type says about a value may quote it.
    pub fn explained(&self, mut faults: Vec<Fault>) -> Vec<Fault> {
        let mut hidden = Vec::new();
        for value in self.secrets.iter().filter_map(|way| way.find(&self.tree)) {
            scalars(value, &mut hidden);
        }
        for fault in &mut faults {
            let missed = |way: &Way| fault.message.contains(&format!("`values.{way}` is undefined"));
            if let Some((_, origin)) = self.removed.iter().find(|(way, _)| missed(way)) {
                fault.message = format!("{}; it was removed with null ({origin})", fault.message);
            }
            for text in &hidden {
                if fault.message.contains(text.as_str()) {
                    fault.message = fault.message.replace(text.as_str(), HIDDEN);
                }
            }
        }
        faults
    }

    /// What the user chose beyond defaults and profile, with `<secret>` in place of every secret: what a run records for the next one,
    /// for which it stands for what the cluster has.
    pub fn chosen(&self) -> &Value {
        &self.chosen
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Values")
            .field("profile", &self.profile)
            .field("tree", &self.without_secrets())
            .finish_non_exhaustive()
    }
}

/// The texts of all scalars that are long enough to be told from other words.
fn scalars(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| scalars(item, into)),
        Value::Object(entries) => entries.values().for_each(|value| scalars(value, into)),
        Value::String(text) if text.len() > 2 => into.push(text.clone()),
        Value::Number(number) if number.to_string().len() > 2 => into.push(number.to_string()),
        _ => {}
    }
}

fn find_mut<'a>(tree: &'a mut Value, way: &Way) -> Option<&'a mut Value> {
    way.0.iter().try_fold(tree, |value, step| match step {
        Step::Key(name) => value.get_mut(name),
        Step::Index(index) => value.get_mut(*index),
    })
}

/// Reads one layer of values from a YAML text.
///
/// # Errors
/// When it is not YAML, or not a map.
pub fn layer(file: &str, text: &str) -> Result<Node<Origin>, Fault> {
    let node = yaml::node(file, text)?;
    let file: Arc<str> = file.into();
    let place = |mark: Mark| Origin::Place(Place { file: file.clone(), mark });
    if !matches!(node.data, Data::Map(_)) {
        return Err(Fault::new(FaultKind::WrongType, place(node.at), "expected a map of values"));
    }
    Ok(node.annotate(&place))
}

/// Merges the stack's own layers with what the user chose.
///
/// # Errors
/// Every file that is not YAML and every `--set` that cannot be read.
pub fn merged(own: Node<Origin>, profile: &str, choices: &Choices, schema: &Schema) -> Result<Values, Vec<Fault>> {
    let mut chosen = Chosen { nodes: Node::map(Origin::Recorded), own: &own, schema, faults: Vec::new() };
    chosen.take(choices);
    let Chosen { nodes: chosen, faults, .. } = chosen;
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut nodes = own;
    merge::merge(&mut nodes, chosen.clone());
    let mut removed = Vec::new();
    merge::settle(&mut nodes, &Way::default(), schema, &mut removed);
    for way in schema.made() {
        let is_given = way.find(&nodes.to_value()).is_some_and(|value| value != "");
        if !is_given {
            set::put(&mut nodes, &Node::map(Origin::Made), &way, Node::from_value(MADE.into(), &Origin::Made));
        }
    }
    let secrets = secrets(&nodes, schema);
    let mut chosen = chosen.to_value();
    for way in &secrets {
        if let Some(value) = find_mut(&mut chosen, way) {
            *value = Value::from(HIDDEN);
        }
    }
    Ok(Values { profile: profile.to_owned(), tree: nodes.to_value(), nodes, secrets, removed, chosen })
}

/// The layers that are the user's, while they are merged.
struct Chosen<'a> {
    nodes: Node<Origin>,
    /// The stack's own layers, below: `--set a[1].b=c` looks at their lists.
    own: &'a Node<Origin>,
    schema: &'a Schema,
    faults: Vec<Fault>,
}

impl Chosen<'_> {
    /// Takes everything, in the order in which it counts.
    fn take(&mut self, choices: &Choices) {
        if let Some(recorded) = choices.recorded.clone().filter(Value::is_object) {
            merge::merge(&mut self.nodes, Node::from_value(recorded, &Origin::Recorded));
        }
        for file in &choices.files {
            match layer(&file.name, &file.text) {
                Ok(layer) => merge::merge(&mut self.nodes, layer),
                Err(fault) => self.faults.push(fault),
            }
        }
        for text in &choices.set {
            self.set(text);
        }
        for (way, file) in &choices.set_file {
            let origin = Origin::SetFile(way.as_str().into(), file.name.as_str().into());
            self.text(way, &file.text, &origin);
        }
        for (way, value) in &choices.typed {
            let node = Node::from_value(value.clone(), &Origin::Form);
            set::put(&mut self.nodes, self.own, &Way::dotted(way), node);
        }
        for (way, secret) in &choices.secrets {
            self.text(way, secret, &Origin::Secret(way.as_str().into()));
        }
    }

    fn set(&mut self, text: &str) {
        match set::parse(text) {
            Ok(assignments) => {
                for assignment in assignments {
                    let origin = Origin::Set(assignment.way.to_string().into());
                    let value = assignment.given.value(&self.schema.types(&assignment.way));
                    set::put(&mut self.nodes, self.own, &assignment.way, Node::from_value(value, &origin));
                }
            }
            Err(problem) => self.faults.push(problem.fault(text)),
        }
    }

    fn text(&mut self, way: &str, text: &str, origin: &Origin) {
        match set::parse_way(way) {
            Ok(way) => set::put(&mut self.nodes, self.own, &way, Node::from_value(text.into(), origin)),
            Err(problem) => self.faults.push(Fault::new(FaultKind::BrokenSet, origin.clone(), problem.message)),
        }
    }
}

/// The ways to all values that the schema calls secret or that were given as one.
fn secrets(nodes: &Node<Origin>, schema: &Schema) -> Vec<Way> {
    let mut found = Vec::new();
    let mut open = vec![(Way::default(), nodes)];
    while let Some((way, node)) = open.pop() {
        if matches!(node.at, Origin::Secret(_)) || schema.is_secret(&way) {
            found.push(way);
            continue;
        }
        match &node.data {
            Data::Scalar(_) => {}
            Data::List(items) => {
                open.extend(items.iter().enumerate().map(|(index, item)| (way.with(Step::Index(index)), item)));
            }
            Data::Map(entries) => open.extend(entries.iter().map(|(name, node)| (way.key(name), node))),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Schema {
        let text = "type: object\nproperties:\n  password: {type: string, x-seaworthy: {secret: true}}\n  \
                    class: {type: [string, 'null']}\n  image: {type: object, properties: {tag: {type: string}}}\n  \
                    ratio: {type: number}\n  any: {}\n";
        Schema::read("values.schema.yaml", text).unwrap()
    }

    fn merge(choices: &Choices) -> Result<Values, Vec<Fault>> {
        let own = layer("values.yaml", "any: {a: 1, b: {c: [1, {d: 2}]}}\nimage: {tag: '1'}\nratio: 1\n").unwrap();
        merged(own, "single-node", choices, &schema())
    }

    fn text(name: &str, text: &str) -> Text {
        Text { name: name.into(), text: text.into() }
    }

    #[test]
    fn later_wins_and_every_value_knows_who_said_it() {
        let choices = Choices {
            recorded: Some(json!({"any": {"a": 2, "r": 1}})),
            files: vec![text("f.yaml", "any:\n  a: 3\n  f: 1\n"), text("g.yaml", "any: {f: 2}")],
            set: vec!["any.a=4,any.b.c[1].d=x".into()],
            set_file: vec![("any.text".into(), text("x.txt", "hello\n"))],
            typed: vec![("any.form".into(), json!([1])), ("any.b.c[0]".into(), json!(9))],
            ..Choices::default()
        };
        let values = merge(&choices).unwrap();
        let expected = json!({"a": 4, "b": {"c": [9, {"d": "x"}]}, "r": 1, "f": 2, "text": "hello\n", "form": [1]});
        assert_eq!(values.get("any"), Some(&expected));
        let table = [
            ("any.a", "--set any.a"),
            ("any.r", "recorded by the last run"),
            ("any.f", "g.yaml:1:7"),
            ("any.b.c[0]", "typed in"),
            ("any.form", "typed in"),
            ("any.b.c[1].d", "--set any.b.c[1].d"),
            ("any.text", "--set-file any.text=x.txt"),
            ("image.tag", "values.yaml:2:9"),
            ("image.missing", "values.yaml:2:1"),
        ];
        for (way, origin) in table {
            assert_eq!(values.origin(&Way::dotted(way)).to_string(), origin, "{way}");
        }
        assert_eq!(values.chosen()["any"]["a"], json!(4));
        assert_eq!(values.chosen().get("image"), None);
    }

    #[test]
    fn null_removes_a_key_unless_the_schema_has_a_use_for_it() {
        let choices = Choices { set: vec!["any.b=null,class=null".into()], ..Choices::default() };
        let values = merge(&choices).unwrap();
        assert_eq!(values.get("any"), Some(&json!({"a": 1})));
        assert_eq!(values.get("class"), Some(&json!(null)));
    }

    #[test]
    fn the_schema_says_how_an_unquoted_value_is_meant() {
        let choices = Choices { set: vec!["image.tag=1.30,ratio=0.5,any.x=1.5".into()], ..Choices::default() };
        let values = merge(&choices).unwrap();
        assert_eq!(values.get("image.tag"), Some(&json!("1.30")));
        assert_eq!(values.get("ratio"), Some(&json!(0.5)));
        assert_eq!(values.get("any.x"), Some(&json!("1.5")), "as helm reads it, where the schema does not say");
    }

    #[test]
    fn a_secret_is_shown_nowhere() {
        let secrets = vec![("any.key".to_owned(), "hunter2".to_owned())];
        let choices = Choices { set: vec!["password=hunter2".into()], secrets, ..Choices::default() };
        let values = merge(&choices).unwrap();
        assert_eq!(values.get("password"), Some(&json!("hunter2")));
        assert_eq!(values.get("any.key"), Some(&json!("hunter2")));
        let shown =
            [values.without_secrets().to_string(), format!("{values:?} {choices:?}"), values.chosen().to_string()];
        for shown in shown {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert!(values.is_secret(&Way::dotted("any")) && !values.is_secret(&Way::dotted("any.a")));
    }

    #[test]
    fn a_secret_that_nobody_gave_is_to_be_made() {
        let text =
            "properties: {web: {properties: {token: {type: string, x-seaworthy: {secret: true, generate: true}}}}}";
        let schema = Schema::read("values.schema.yaml", text).unwrap();
        let own = || layer("values.yaml", "web: {token: ''}\n").unwrap();
        let values = merged(own(), "ha", &Choices::default(), &schema).unwrap();
        assert_eq!(values.get("web.token"), Some(&json!(MADE)));
        assert_eq!(values.origin(&Way::dotted("web.token")), &Origin::Made);
        assert_eq!(values.without_secrets(), json!({"web": {"token": HIDDEN}}));
        let given = Choices { secrets: vec![("web.token".into(), "hunter2".into())], ..Choices::default() };
        assert_eq!(merged(own(), "ha", &given, &schema).unwrap().get("web.token"), Some(&json!("hunter2")));
        // What the last run recorded stands for what the cluster has.
        let again = Choices { recorded: Some(json!({"web": {"token": HIDDEN}})), ..Choices::default() };
        assert_eq!(merged(own(), "ha", &again, &schema).unwrap().get("web.token"), Some(&json!(HIDDEN)));
    }

    #[test]
    fn what_cannot_be_read_is_told_all_at_once() {
        let choices = Choices {
            files: vec![text("f.yaml", "a: [1"), text("g.yaml", "- 1")],
            set: vec!["nothing".into()],
            ..Choices::default()
        };
        let faults = merge(&choices).unwrap_err();
        assert_eq!(faults.len(), 3, "{faults:?}");
        assert_eq!(faults[1].to_string(), "g.yaml:1:1: expected a map of values");
    }
}
