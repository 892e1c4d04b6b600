//! Reviews, which are answered and never stored. The user of a sandbox may do everything.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::sandbox::address::Route;
use crate::sandbox::protobuf;
use crate::sandbox::refusal::Refusal;

/// The answer to a review; `None`: it is none.
pub(super) fn answer(request: &Request<Bytes>, route: &Route) -> Result<Option<Value>, Refusal> {
    if !["authorization.k8s.io", "authentication.k8s.io"].contains(&route.group()) {
        return Ok(None);
    }
    if *request.method() != Method::POST {
        return Err(Refusal::new(
            405,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        ));
    }
    let unreadable = |error: serde_json::Error| Refusal::new(400, "BadRequest", error.to_string());
    let mut review: Value = if protobuf::is(request.body()) {
        let broken = || Refusal::new(400, "BadRequest", "the review cannot be read");
        protobuf::object(request.body()).ok_or_else(broken)?
    } else {
        serde_json::from_slice(request.body()).map_err(unreadable)?
    };
    if route.plural == "selfsubjectaccessreviews"
        && ["resourceAttributes", "nonResourceAttributes"].iter().all(|key| review["spec"].get(*key).is_none())
    {
        let fault = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
        let faults = [("spec.resourceAttributes".to_owned(), fault.to_owned())];
        return Err(Refusal::invalid("", "authorization.k8s.io", "", &faults));
    }
    let status = match route.plural.as_str() {
        "selfsubjectaccessreviews" | "subjectaccessreviews" | "localsubjectaccessreviews" => {
            json!({"allowed": true, "reason": "everything is allowed in the sandbox"})
        }
        "selfsubjectrulesreviews" => {
            let all = json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]);
            json!({"resourceRules": all, "nonResourceRules": [], "incomplete": false})
        }
        "selfsubjectreviews" => json!({"userInfo": {"username": "sandbox", "groups": ["system:masters"]}}),
        other => return Err(Refusal::not_simulated(other)),
    };
    review["status"] = status;
    Ok(Some(review))
}
