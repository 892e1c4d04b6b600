//! The Secret with the logins of registries, which the stack need not know of.

use serde_json::{Value, json};

use super::Release;
use super::context::{base_name, labels};
use crate::images::login::{PullLogin, of_text, secret};
use crate::plan::difference::HIDDEN;
use crate::stack::Stack;

impl Stack {
    /// The Secret of this stack's own with which its pods pull, and its name.
    pub fn login_secret(&self, release: &Release, login: &PullLogin) -> (String, Value) {
        let definition = self.definition();
        let name = format!("{}-registry", base_name(&release.name, &definition.name));
        let labels = json!(labels(definition, release));
        let mut object = match login {
            PullLogin::Given(logins) => secret(&name, &labels, logins),
            // What is hidden is taken from the cluster before anything is written.
            PullLogin::Kept => of_text(&name, &labels, HIDDEN),
        };
        object["metadata"]["namespace"] = json!(release.namespace);
        (name, object)
    }
}
