//! Label and field selectors, and the query of a request. Source: Kubernetes, "Labels and Selectors", "Field Selectors".

use serde_json::Value;

use super::refusal::Refusal;

/// The pairs of a query string.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pairs =
            text.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(key, value)| (decoded(key), decoded(value))).collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    pub(super) fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter(|(known, _)| known == key).map(|(_, value)| value.as_str()).collect()
    }

    pub(super) fn is_true(&self, key: &str) -> bool {
        matches!(self.get(key), Some("true" | "1"))
    }
}

/// Labels as a selector that takes what has all of them: `a=b,c=d`.
pub(super) fn written(labels: &Value) -> String {
    let pairs = labels.as_object().into_iter().flatten();
    pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code = || std::str::from_utf8(more.get(..2)?).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, code()) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = more;
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[derive(Debug, PartialEq)]
enum Term {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// Which objects of a collection are meant.
#[derive(Debug, Default)]
pub(super) struct Selector {
    labels: Vec<Term>,
    fields: Vec<(String, bool, String)>,
}

impl Selector {
    pub(super) fn of(query: &Query) -> Result<Self, Refusal> {
        let labels = split(query.get("labelSelector").unwrap_or_default());
        let fields = query.get("fieldSelector").unwrap_or_default();
        Ok(Self {
            labels: labels.iter().map(|term| label(term)).collect::<Result<_, _>>()?,
            fields: fields.split(',').filter(|term| !term.is_empty()).map(field).collect::<Result<_, _>>()?,
        })
    }

    /// The selector of a query for a built-in kind, which has only some fields to select by.
    pub(super) fn for_kind(query: &Query, kind: &str, is_builtin: bool) -> Result<Self, Refusal> {
        let selector = Self::of(query)?;
        let unknown = selector.fields.iter().find(|(path, _, _)| !is_field(kind, path));
        match unknown.filter(|_| is_builtin) {
            Some((path, _, _)) if kind == "Pod" => {
                Err(Refusal::new(400, "BadRequest", format!("field label not supported: {path}")))
            }
            Some((path, _, _)) => {
                let message =
                    format!("\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"");
                Err(Refusal::new(400, "BadRequest", message))
            }
            None => Ok(selector),
        }
    }

    pub(super) fn takes(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        let value = |key: &String| labels.get(key).and_then(Value::as_str);
        let label = |term: &Term| match term {
            Term::In(key, values) => value(key).is_some_and(|value| values.iter().any(|known| known == value)),
            Term::NotIn(key, values) => value(key).is_none_or(|value| !values.iter().any(|known| known == value)),
            Term::Exists(key) => value(key).is_some(),
            Term::Missing(key) => value(key).is_none(),
        };
        let field = |(path, equal, wanted): &(String, bool, String)| (field_text(object, path) == *wanted) == *equal;
        self.labels.iter().all(label) && self.fields.iter().all(field)
    }
}

/// Fields by which a built-in kind can be selected. Source: the `AddFieldLabelConversionFunc` of Kubernetes 1.34.
fn is_field(kind: &str, path: &str) -> bool {
    let own: &[&str] = match kind {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        "Event" => {
            return path.starts_with("involvedObject.")
                || ["reason", "type", "source", "reportingComponent", "metadata.name", "metadata.namespace"]
                    .contains(&path);
        }
        "Secret" => &["type"],
        "Node" => &["spec.unschedulable"],
        "Namespace" => &["status.phase"],
        "Job" => &["status.successful"],
        "ReplicaSet" | "ReplicationController" => &["status.replicas"],
        "Service" => &["spec.clusterIP", "spec.type"],
        "CertificateSigningRequest" => &["spec.signerName"],
        _ => &[],
    };
    ["metadata.name", "metadata.namespace"].contains(&path) || own.contains(&path)
}

fn field_text(object: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(object, |value, part| value.get(part));
    match found {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// At commas outside of parentheses.
fn split(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut depth = 0;
    for letter in text.chars() {
        match letter {
            ',' if depth == 0 => terms.push(String::new()),
            _ => {
                depth += i32::from(letter == '(') - i32::from(letter == ')');
                if let Some(last) = terms.last_mut() {
                    last.push(letter);
                }
            }
        }
    }
    terms.into_iter().map(|term| term.trim().to_owned()).filter(|term| !term.is_empty()).collect()
}

fn unreadable(text: &str) -> Refusal {
    Refusal::new(400, "BadRequest", format!("unable to parse requirement: {text}"))
}

fn label(text: &str) -> Result<Term, Refusal> {
    let own = |text: &str| text.trim().to_owned();
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Term::NotIn(own(key), vec![own(value)]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Term::In(own(key), vec![own(value)]));
    }
    if let Some(key) = text.strip_prefix('!') {
        return Ok(Term::Missing(own(key)));
    }
    let Some((head, values)) = text.split_once('(') else {
        return if text.contains(char::is_whitespace) { Err(unreadable(text)) } else { Ok(Term::Exists(own(text))) };
    };
    let values = values.strip_suffix(')').ok_or_else(|| unreadable(text))?.split(',').map(own).collect();
    match head.split_whitespace().collect::<Vec<_>>().as_slice() {
        [key, "in"] => Ok(Term::In(own(key), values)),
        [key, "notin"] => Ok(Term::NotIn(own(key), values)),
        _ => Err(unreadable(text)),
    }
}

fn field(text: &str) -> Result<(String, bool, String), Refusal> {
    let found = text.split_once("!=").map(|pair| (pair, false));
    let ((path, value), equal) =
        found.or_else(|| text.split_once("==").or_else(|| text.split_once('=')).map(|pair| (pair, true))).ok_or_else(
            || Refusal::new(400, "BadRequest", format!("invalid selector: '{text}'; can't understand '{text}'")),
        )?;
    Ok((path.to_owned(), equal, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn takes(query: &str) -> bool {
        let pod = json!({"metadata": {"name": "p", "labels": {"app": "web", "tier": "front"}}, "status": {"phase": "Running"}});
        Selector::of(&Query::parse(query)).unwrap().takes(&pod)
    }

    #[test]
    fn selectors_take_what_kubernetes_takes() {
        let yes = [
            "",
            "labelSelector=app%3Dweb",
            "labelSelector=app%3D%3Dweb%2Ctier",
            "labelSelector=app+in+%28web%2Cdb%29",
            "labelSelector=app+notin+%28db%29%2C%21x",
            "labelSelector=x%21%3D1",
            "fieldSelector=status.phase%3DRunning",
            "fieldSelector=metadata.name%21%3Dq",
        ];
        for query in yes {
            assert!(takes(query), "{query}");
        }
        for query in [
            "labelSelector=app%3Ddb",
            "labelSelector=x",
            "labelSelector=%21app",
            "fieldSelector=status.phase%3DPending",
        ] {
            assert!(!takes(query), "{query}");
        }
        assert!(Selector::of(&Query::parse("labelSelector=a+b+%28c%29")).is_err());
        assert!(Selector::of(&Query::parse("fieldSelector=a")).is_err());
    }
}
