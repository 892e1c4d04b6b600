//! The ways to make a cluster on this machine, as they are offered.

use seaworthy::clusters::k3s;
use seaworthy::clusters::kind::config::{Wish, config};
use seaworthy::host::engines::Product;
use seaworthy::stack::names::is_label;

/// What makes it, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    /// kind, with nodes in containers of this engine.
    Kind(Product),
    /// k3s, on this machine itself.
    K3s,
}

/// A place where one could be made.
#[derive(Debug, Clone)]
pub(crate) struct Yard {
    pub(crate) maker: Maker,
    /// The name that it would have, unless another is typed.
    pub(crate) name: String,
    /// What stands in the way, and what to do about it.
    pub(crate) refusals: Vec<String>,
    /// What is good to know before.
    pub(crate) warnings: Vec<String>,
}

impl Yard {
    /// Whether nothing stands in the way.
    pub(crate) fn is_free(&self) -> bool {
        self.refusals.is_empty()
    }
}

impl Maker {
    /// For people, in a few words.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Kind(product) => format!("kind in {product}: nodes in containers"),
            Self::K3s => "k3s: one node, this machine itself".to_owned(),
        }
    }

    /// Whether it can have more than one node.
    pub(crate) fn has_nodes(self) -> bool {
        matches!(self, Self::Kind(_))
    }

    /// What is wrong with a name, or a number of nodes, in the words of the command that would be given them.
    pub(crate) fn objection(self, name: &str, nodes: &str) -> Option<String> {
        let Ok(count) = nodes.parse::<usize>() else {
            return Some(format!("`{nodes}` is no number of nodes: a whole number from 1 on"));
        };
        match self {
            _ if count == 0 => Some("a cluster has at least one node".to_owned()),
            Self::Kind(_) => {
                let wish = Wish { name: Some(name.to_owned()), nodes: Some(count), ..Wish::default() };
                config(&wish).err().map(|fault| fault.to_string())
            }
            Self::K3s => (!is_label(name)).then(|| format!("`{name}` is not a name that a node can have")),
        }
    }

    /// The command that makes it.
    pub(crate) fn command(self, name: &str, nodes: &str) -> Vec<String> {
        let words: Vec<String> = match self {
            Self::Kind(product) => vec!["kind".to_owned(), format!("--engine={product}"), format!("--nodes={nodes}")],
            Self::K3s => vec!["k3s".to_owned()],
        };
        let first = ["cluster", "create"].map(str::to_owned).into_iter();
        first.chain(words).chain([format!("--name={name}")]).collect()
    }

    /// The context that it has then, and the kubeconfig file where that is not the usual one.
    pub(crate) fn context(self, name: &str) -> (String, Option<&'static str>) {
        match self {
            Self::Kind(_) => (format!("kind-{name}"), None),
            Self::K3s => (k3s::CONTEXT.to_owned(), Some(k3s::KUBECONFIG)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_judged_as_the_command_judges_it() {
        let kind = Maker::Kind(Product::Docker);
        assert_eq!(kind.objection("sea", "3"), None);
        for (name, nodes) in [("Sea Monster", "1"), ("sea", "0"), ("sea", "many"), ("sea", "-1"), ("", "1")] {
            assert!(kind.objection(name, nodes).is_some(), "{name} {nodes}");
        }
        assert!(Maker::K3s.objection("sea monster", "1").is_some());
    }
}
