//! Names of objects. Source: `pkg/apis/core/validation` and `k8s.io/apimachinery`, `pkg/api/validation`, 1.34.

use super::invalid;
use crate::sandbox::address::Address;
use crate::sandbox::refusal::Refusal;
use crate::stack::names::{is_label, is_subdomain};

/// What is said of a name that is none of a subdomain.
pub(super) const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/// The name is one that Kubernetes takes.
pub(in crate::sandbox) fn name(kind: &str, address: &Address) -> Result<(), Refusal> {
    let name = address.name.as_str();
    let fault = if name.is_empty() {
        Some("Required value: name or generateName is required".to_owned())
    } else if kind == "Service" && (!is_label(name) || name.starts_with(|letter: char| letter.is_ascii_digit())) {
        Some(format!(
            "Invalid value: \"{name}\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
        ))
    } else if kind == "Namespace" && !is_label(name) {
        Some(format!(
            "Invalid value: \"{name}\": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
        ))
    } else if address.group() != "rbac.authorization.k8s.io" && !is_subdomain(name) {
        Some(invalid(format!("\"{name}\""), SUBDOMAIN))
    } else {
        None
    };
    match fault {
        Some(fault) => Err(Refusal::invalid(kind, address.group(), name, &[("metadata.name".to_owned(), fault)])),
        None => Ok(()),
    }
}
