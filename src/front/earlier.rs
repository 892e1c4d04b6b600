//! What an installation begins with where one is there already: what was recorded of it, on the full screen and on lines.

use seaworthy::engine::record::InstallRecord;
use seaworthy::stack::Stack;

use super::form::Form;
use super::origin::{Origin, Way};

/// What the cluster remembers of a stack in this namespace; `None`: in the stack's own.
pub(crate) fn record_of<'a>(
    records: &'a [InstallRecord],
    stack: &Stack,
    namespace: Option<&str>,
) -> Option<&'a InstallRecord> {
    let namespace = namespace.unwrap_or(stack.definition().default_namespace());
    records.iter().find(|record| {
        let installation = &record.installation;
        (installation.stack.as_str(), installation.namespace.as_str()) == (stack.name(), namespace)
    })
}

/// Begins with it, but for where images come from when that was answered; what is to be said of it.
pub(crate) fn begin_with(record: &InstallRecord, form: &mut Form, origin: &mut Origin) -> String {
    form.begin_with(record);
    if origin.way == Way::default() {
        origin.begin_with(&record.inputs);
    }
    format!("begins with what run {} has installed; secrets are asked for", record.run)
}
