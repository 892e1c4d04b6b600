//! Merging two trees of values: maps are merged, everything else is replaced.

use serde_json::Value;

use super::super::fault::Origin;
use super::super::node::{Data, Node};
use super::super::path::{Step, Way};
use super::super::schema::Schema;

/// Lays one tree over another. A null replaces like any other value; [`settle`] takes it out at the end.
pub fn merge<A>(base: &mut Node<A>, over: Node<A>) {
    match (&mut base.data, over.data) {
        (Data::Map(entries), Data::Map(overs)) => {
            for (name, over) in overs {
                match entries.iter_mut().find(|(key, _)| *key == name) {
                    Some((_, node)) => merge(node, over),
                    None => entries.push((name, over)),
                }
            }
        }
        (_, data) => *base = Node { at: over.at, data },
    }
}

/// Takes out every entry that is null, unless the schema allows null there: then it is the value. Remembers what it took
/// out, and who wanted that.
pub fn settle(node: &mut Node<Origin>, way: &Way, schema: &Schema, removed: &mut Vec<(Way, Origin)>) {
    match &mut node.data {
        Data::Scalar(_) => {}
        Data::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                settle(item, &way.with(Step::Index(index)), schema, removed);
            }
        }
        Data::Map(entries) => {
            entries.retain(|(name, node)| {
                let way = way.key(name);
                let keep = node.data != Data::Scalar(Value::Null) || schema.types(&way).allows("null");
                if !keep {
                    removed.push((way, node.at.clone()));
                }
                keep
            });
            for (name, node) in entries {
                settle(node, &way.key(name), schema, removed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<bool>().prop_map(Value::from), (0..5i32).prop_map(Value::from), Just(Value::Null)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    fn lay(base: &Value, over: &Value) -> Value {
        let mut node = Node::from_value(base.clone(), &());
        merge(&mut node, Node::from_value(over.clone(), &()));
        node.to_value()
    }

    proptest! {
        #[test]
        fn merging_a_tree_with_itself_changes_nothing(tree in tree()) {
            prop_assert_eq!(lay(&tree, &tree), tree);
        }

        #[test]
        fn merging_again_changes_nothing(base in tree(), over in tree()) {
            let once = lay(&base, &over);
            prop_assert_eq!(lay(&once, &over), once);
        }

        #[test]
        fn maps_can_be_merged_in_any_grouping(
            a in prop::collection::btree_map("[a-d]", tree(), 0..4),
            b in prop::collection::btree_map("[a-d]", tree(), 0..4),
            c in prop::collection::btree_map("[a-d]", tree(), 0..4),
        ) {
            // Grouping matters only where a map was replaced by something else and then by a map again.
            let [a, b, c]: [Value; 3] = [a, b, c].map(|map| map.into_iter().map(|(k, v)| (k, only_maps(v))).collect());
            prop_assert_eq!(lay(&lay(&a, &b), &c), lay(&a, &lay(&b, &c)));
        }

        #[test]
        fn an_empty_layer_changes_nothing(map in prop::collection::btree_map("[a-d]", tree(), 0..4)) {
            let map: Value = map.into_iter().collect();
            prop_assert_eq!(lay(&map, &serde_json::json!({})), map);
        }
    }

    /// The tree with an empty map in place of all that is none.
    fn only_maps(value: Value) -> Value {
        match value {
            Value::Object(map) => map.into_iter().map(|(name, value)| (name, only_maps(value))).collect(),
            _ => serde_json::json!({}),
        }
    }
}
