//! A case as it is written in `AREA.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// One behaviour.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// Says the behaviour.
    pub(super) name: String,
    /// How many nodes it needs: one, or more.
    #[serde(default = "one")]
    pub(super) nodes: u32,
    pub(super) steps: Vec<Step>,
    /// Paths of what it made outside of its namespace, which is deleted at its end.
    #[serde(default)]
    pub(super) after: Vec<String>,
}

fn one() -> u32 {
    1
}

/// One request. In its path and its body `NS` is the namespace of the case, and `$name` what was kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Step {
    /// `METHOD path`.
    #[serde(rename = "do")]
    pub(super) request: Option<String>,
    /// A path that is watched until the server ends it.
    pub(super) watch: Option<String>,
    /// `apply`, `merge`, `json`, `strategic`, or a whole content type.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) accept: Option<String>,
    pub(super) body: Option<Value>,
    /// Asked again until these pointers have these values; `code` is the code of the answer, `warnings`
    /// the number of its warnings.
    pub(super) until: BTreeMap<String, Value>,
    /// What of the answer is compared; see `look.rs`.
    pub(super) look: Option<Vec<String>>,
    /// Whether the warnings of the answer (`Warning` headers, RFC 7234) are compared, too.
    pub(super) warnings: bool,
    /// Parts of the answer that later steps name as `$name`.
    pub(super) keep: BTreeMap<String, String>,
}

impl Step {
    /// What the recording calls it.
    pub(super) fn title(&self) -> String {
        match (&self.request, &self.watch) {
            (Some(request), _) => request.clone(),
            (None, Some(path)) => format!("WATCH {path}"),
            (None, None) => "KEEP".to_owned(),
        }
    }

    /// The content type of its body.
    pub(super) fn content_type(&self) -> &str {
        match self.kind.as_deref() {
            None => "application/json",
            Some("apply") => "application/apply-patch+yaml",
            Some("merge") => "application/merge-patch+json",
            Some("json") => "application/json-patch+json",
            Some("strategic") => "application/strategic-merge-patch+json",
            Some(other) => other,
        }
    }
}
