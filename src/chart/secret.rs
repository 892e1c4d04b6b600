//! Values that nobody gives now, in what helm is given: they are in no journal and no record, only in helm's own. Pure but for chance.

use serde_json::Value;

use crate::plan::difference::HIDDEN;
use crate::prepare::made_secret;
use crate::stack::values::MADE;

/// Puts in what is known: from `kept`, the values of the newest release, or made anew where the stack says so. What is still missing is
/// told, as people write ways.
pub fn fill(values: &mut Value, secrets: &[String], kept: Option<&Value>) -> Vec<String> {
    let mut missing = Vec::new();
    for pointer in secrets {
        let Some(value) = values.pointer_mut(pointer).filter(|value| **value == HIDDEN || **value == MADE) else {
            continue;
        };
        let known = kept.and_then(|kept| kept.pointer(pointer)).filter(|known| **known != HIDDEN && **known != MADE);
        match known.cloned().or_else(|| (*value == MADE).then(made_secret).flatten().map(Value::from)) {
            Some(known) => *value = known,
            None => missing.push(dotted(pointer)),
        }
    }
    missing
}

/// A JSON pointer as people write ways.
pub fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// The values as they may be written down.
#[must_use]
pub fn hidden(values: &Value, secrets: &[String]) -> Value {
    let mut values = values.clone();
    for pointer in secrets {
        if let Some(value) = values.pointer_mut(pointer) {
            *value = HIDDEN.into();
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_release_has_is_kept_and_what_nobody_knows_is_told() {
        let secrets = ["/web/password", "/web/token", "/key"].map(str::to_owned);
        let wanted = json!({"web": {"password": HIDDEN, "token": MADE}, "key": "given"});
        let kept = json!({"web": {"password": "swordfish", "token": "old"}, "key": "other"});
        let mut again = wanted.clone();
        assert!(fill(&mut again, &secrets, Some(&kept)).is_empty());
        assert_eq!(again, json!({"web": {"password": "swordfish", "token": "old"}, "key": "given"}));
        let mut first = wanted.clone();
        assert_eq!(fill(&mut first, &secrets, None), ["web.password"]);
        assert!(
            first
                .pointer("/web/token")
                .is_some_and(|made| made != MADE && made.as_str().is_some_and(|made| made.len() > 20))
        );
        assert_eq!(hidden(&again, &secrets), json!({"web": {"password": HIDDEN, "token": HIDDEN}, "key": HIDDEN}));
    }
}
