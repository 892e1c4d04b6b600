//! Credential plugins, run ourselves.
//!
//! kube runs them on the calling thread, several times for one client, without a limit, and lets them use the terminal.
//! Here one that hangs or asks questions must cost nothing but its own deadline.

use crate::cluster::fault::ConnectFault;
use crate::host::child::{self, ChildFault};
use crate::host::surroundings::Surroundings;
use crate::host::text::clean;
use crate::host::tools;
use k8s_openapi::ByteString;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

/// What a plugin prints (`client.authentication.k8s.io`).
#[derive(Deserialize)]
struct ExecCredential {
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Replaces a plugin by the credential it gives, if the user has one and nothing that goes before it.
pub(super) async fn replace(user: &mut AuthInfo, here: &Surroundings, limit: Duration) -> Result<(), ConnectFault> {
    if let Some(provider) = &user.auth_provider
        && !provider.config.contains_key("id-token")
    {
        return Err(ConnectFault::PluginFailed {
            command: None,
            said: clean(&format!("the auth provider `{}` was removed from Kubernetes in 1.26", provider.name)),
        });
    }
    let Some(plugin) = user.exec.take() else { return Ok(()) };
    if user.token.is_some() || user.token_file.is_some() {
        return Ok(());
    }
    let given = credential(&plugin, here, limit).await?;
    // The fields' type belongs to a crate that is not ours to name; deserialising makes it.
    let given: AuthInfo =
        serde_json::from_value(given).map_err(|_| failed(&plugin, "it did not print a credential"))?;
    user.token = given.token;
    if given.client_certificate_data.is_some() {
        user.client_certificate_data = given.client_certificate_data;
        user.client_key_data = given.client_key_data;
    }
    Ok(())
}

async fn credential(plugin: &ExecConfig, here: &Surroundings, limit: Duration) -> Result<Value, ConnectFault> {
    if plugin.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err(failed(plugin, "it wants to ask on a terminal"));
    }
    let command = plugin.command.as_deref().unwrap_or_default();
    let missing = || ConnectFault::PluginMissing {
        command: Some(clean(command)),
        install: plugin.install_hint.as_deref().map(clean),
    };
    let path = tools::find(command, here).ok_or_else(missing)?;
    let arguments = plugin.args.clone().unwrap_or_default();
    let finished =
        child::run(&path, &arguments, &variables(plugin, here), limit).await.map_err(|fault| match fault {
            ChildFault::Hung => failed(plugin, &format!("no answer within {} ms", crate::host::millis(limit))),
            ChildFault::Failed(error) if error.kind() == io::ErrorKind::NotFound => missing(),
            ChildFault::Failed(error) => failed(plugin, &error.to_string()),
        })?;
    if !finished.status.success() {
        let said = clean(&String::from_utf8_lossy(&finished.stderr));
        return Err(failed(plugin, if said.is_empty() { "it said nothing" } else { &said }));
    }
    read(&finished.stdout).ok_or_else(|| failed(plugin, "it did not print a credential"))
}

/// The user's settings in a plugin's output, JSON or YAML.
fn read(output: &[u8]) -> Option<Value> {
    let status = serde_yaml::from_slice::<ExecCredential>(output).ok()?.status?;
    let encoded = |text: Option<String>| text.and_then(|text| serde_json::to_value(ByteString(text.into_bytes())).ok());
    let (certificate, key) = (encoded(status.client_certificate_data), encoded(status.client_key_data));
    (status.token.is_some() || certificate.is_some())
        .then(|| json!({ "token": status.token, "client-certificate-data": certificate, "client-key-data": key }))
}

/// The plugin's variables: ours, those of the kubeconfig, and what the protocol demands.
fn variables(plugin: &ExecConfig, here: &Surroundings) -> BTreeMap<String, String> {
    let mut variables = here.variables.clone();
    for entry in plugin.env.iter().flatten() {
        if let (Some(name), Some(value)) = (entry.get("name"), entry.get("value")) {
            variables.insert(name.clone(), value.clone());
        }
    }
    let mut spec = json!({ "interactive": false });
    if let Some(cluster) = plugin.cluster.as_ref().and_then(|cluster| serde_json::to_value(cluster).ok()) {
        spec["cluster"] = cluster;
    }
    let info = json!({ "kind": "ExecCredential", "apiVersion": plugin.api_version, "spec": spec });
    variables.insert("KUBERNETES_EXEC_INFO".into(), info.to_string());
    variables
}

fn failed(plugin: &ExecConfig, said: &str) -> ConnectFault {
    ConnectFault::PluginFailed { command: plugin.command.as_deref().map(clean), said: clean(said) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_certificates_are_read_from_json_and_yaml() {
        let token =
            read(br#"{"kind":"ExecCredential","status":{"token":"t","expirationTimestamp":"2030-01-01T00:00:00Z"}}"#);
        assert_eq!(token.unwrap()["token"], "t");
        let certificate = read(b"status:\n  clientCertificateData: cert\n  clientKeyData: key\n").unwrap();
        assert_eq!(certificate["client-certificate-data"], "Y2VydA==");
        for nothing in ["", "hello", "{}", r#"{"status":{}}"#] {
            assert!(read(nothing.as_bytes()).is_none(), "{nothing}");
        }
    }

    #[test]
    fn the_plugin_is_told_not_to_ask() {
        let here = Surroundings::new([("A".into(), "1".into())], 0);
        let plugin: ExecConfig = serde_json::from_value(json!({
            "apiVersion": "client.authentication.k8s.io/v1", "command": "x", "env": [{"name": "B", "value": "2"}]
        }))
        .unwrap();
        let variables = variables(&plugin, &here);
        assert_eq!((variables["A"].as_str(), variables["B"].as_str()), ("1", "2"));
        let info: Value = serde_json::from_str(&variables["KUBERNETES_EXEC_INFO"]).unwrap();
        assert_eq!(info["spec"]["interactive"], false);
        assert_eq!(info["apiVersion"], "client.authentication.k8s.io/v1");
    }
}
