//! What is installed: read and rendered once, since that is not what is tried here.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use seaworthy::plan::Installation;
use seaworthy::stack::source::read_folder;
use seaworthy::stack::{Choices, Stack};
use serde_json::Value;

use super::watchdog::SECRET;

/// What is installed of the shop in turn: replicas, and what the window says.
pub(crate) const WANTED: [(usize, &str); 4] =
    [(1, "ahoy"), (2, "ahoy"), (1, "land in sight"), (3, "all hands on deck")];

static SHOP: LazyLock<Vec<Stock>> = LazyLock::new(|| (0..WANTED.len()).map(shop).collect());

/// A stack with its values. Its ways in are left out: each is a socket of this machine, which is no matter of a seed.
pub(crate) struct Stock {
    pub(crate) installation: Installation,
    pub(crate) objects: Vec<(Option<String>, Value)>,
    pub(crate) namespace_labels: BTreeMap<String, String>,
    pub(crate) after: BTreeMap<String, Vec<String>>,
    pub(crate) values: Value,
    /// What its components say when they have started.
    pub(crate) says: BTreeMap<String, Vec<String>>,
}

impl Stock {
    /// One of [`WANTED`].
    pub(crate) fn shop(number: usize) -> &'static Self {
        &SHOP[number]
    }

    /// A stack with these values, in the namespace that it has by default.
    pub(crate) fn of(stack: &Stack, choices: &Choices) -> Self {
        let release = stack.release(None, None);
        let prepared = stack.prepare(choices, &release).expect("objects");
        let definition = stack.definition();
        let after = definition.components.iter().map(|component| (component.name.clone(), component.after.clone()));
        Self {
            installation: Installation {
                stack: stack.name().to_owned(),
                version: definition.version.clone(),
                namespace: release.namespace.clone(),
                release: release.name.clone(),
                profile: prepared.values.profile().to_owned(),
            },
            after: after.collect(),
            namespace_labels: definition.namespace_labels(),
            says: definition.simulation.clone(),
            values: prepared.values.without_secrets(),
            objects: prepared.objects.into_iter().map(|rendered| (rendered.component, rendered.object)).collect(),
        }
    }
}

fn shop(number: usize) -> Stock {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cli/stacks/shop");
    let stack = Stack::load(&read_folder(&folder).expect("a folder")).expect("a stack");
    let (replicas, greeting) = WANTED[number];
    let choices = Choices {
        set: vec![format!("replicas={replicas}"), format!("greeting={greeting}")],
        secrets: vec![("password".to_owned(), SECRET.to_owned())],
        ..Choices::default()
    };
    Stock::of(&stack, &choices)
}
