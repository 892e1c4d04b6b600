//! What a pod has of its service account: a token in every container, and what to pull images with. Source: the admission plugin
//! `ServiceAccount`, `plugin/pkg/admission/serviceaccount/admission.go`, 1.34.

use serde_json::{Value, json};

use super::forbidden_pod;
use crate::object::{change_list, items, text};
use crate::sandbox::refusal::Refusal;
use crate::sandbox::world::World;

/// Where containers find the token. Who mounts something else there gets none.
const PLACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
const VOLUME: &str = "kube-api-access-";
/// Seconds; the odd ones tell tokens of this plugin from others.
const LIFE: i64 = 3607;

/// Gives a new pod what its account has, which has to be there.
pub(super) fn complete(world: &mut World, pod: &mut Value) -> Result<(), Refusal> {
    let (namespace, name) = (
        text(pod, "/metadata/namespace").unwrap_or_default().to_owned(),
        text(pod, "/spec/serviceAccountName").unwrap_or("default").to_owned(),
    );
    let Some(account) = world.find("ServiceAccount", Some(&namespace), &name).cloned() else {
        let why = format!("error looking up service account {namespace}/{name}: serviceaccount \"{name}\" not found");
        return Err(forbidden_pod(pod, &why));
    };
    // The pod's wish goes before the account's.
    let wish = |object: &Value| object.as_bool();
    let mounts = wish(&pod["spec"]["automountServiceAccountToken"])
        .or_else(|| wish(&account["automountServiceAccountToken"]))
        .unwrap_or(true);
    if mounts {
        let volume = items(pod, "/spec/volumes").filter_map(|volume| text(volume, "/name"));
        let known = volume.into_iter().find(|name| name.starts_with(VOLUME)).map(str::to_owned);
        let volume = known.clone().unwrap_or_else(|| format!("{VOLUME}{}", world.store.ids.suffix()));
        if mount(pod, &volume) && known.is_none() {
            change_list(&mut pod["spec"]["volumes"], |volumes| volumes.push(token(&volume)));
        }
    }
    let has_secrets = items(pod, "/spec/imagePullSecrets").next().is_some();
    if !has_secrets && items(&account, "/imagePullSecrets").next().is_some() {
        pod["spec"]["imagePullSecrets"] = account["imagePullSecrets"].clone();
    }
    Ok(())
}

/// Mounts the volume in every container that has nothing else there. `false`: none needs it.
fn mount(pod: &mut Value, volume: &str) -> bool {
    let mut is_needed = false;
    for list in ["initContainers", "containers"] {
        for container in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if !items(container, "/volumeMounts").any(|mount| mount["mountPath"] == PLACE) {
                let mount = json!({"name": volume, "readOnly": true, "mountPath": PLACE});
                change_list(&mut container["volumeMounts"], |mounts| mounts.push(mount));
                is_needed = true;
            }
        }
    }
    is_needed
}

fn token(volume: &str) -> Value {
    json!({"name": volume, "projected": {"sources": [
        {"serviceAccountToken": {"expirationSeconds": LIFE, "path": "token"}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
        {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}}],
        "defaultMode": 420}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Kind, Sandbox};

    fn completed(account: &Value, pod: &Value) -> Result<Value, String> {
        let sandbox = Sandbox::new(Kind::SingleNode);
        let mut world = sandbox.lock();
        let mut known =
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "namespace": "default"}});
        known.as_object_mut().unwrap().extend(account.as_object().unwrap().clone());
        world.put(known);
        let mut made = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"},
            "spec": {"serviceAccountName": "a", "containers": [{"name": "main"}]}});
        made["spec"].as_object_mut().unwrap().extend(pod.as_object().unwrap().clone());
        complete(&mut world, &mut made).map_err(|refusal| refusal.message)?;
        Ok(made["spec"].clone())
    }

    #[test]
    fn the_pod_decides_before_the_account() {
        let (yes, no) = (json!({"automountServiceAccountToken": true}), json!({"automountServiceAccountToken": false}));
        for (account, pod, has) in
            [(&json!({}), &json!({}), true), (&no, &json!({}), false), (&no, &yes, true), (&yes, &no, false)]
        {
            let spec = completed(account, pod).unwrap();
            assert_eq!(items(&spec, "/volumes").next().is_some(), has, "{account} {pod}");
            assert_eq!(items(&spec, "/containers/0/volumeMounts").next().is_some(), has, "{account} {pod}");
        }
    }

    #[test]
    fn what_is_mounted_there_stays_and_an_account_has_to_be() {
        let own = json!({"containers": [{"name": "main", "volumeMounts": [{"name": "own", "mountPath": PLACE}]}]});
        let spec = completed(&json!({"imagePullSecrets": [{"name": "s"}]}), &own).unwrap();
        assert_eq!(spec["volumes"], Value::Null);
        assert_eq!(spec["containers"][0]["volumeMounts"][0]["name"], "own");
        assert_eq!(spec["imagePullSecrets"], json!([{"name": "s"}]));
        assert_eq!(
            completed(&json!({}), &json!({"serviceAccountName": "nobody"})).unwrap_err(),
            "pods \"p\" is forbidden: error looking up service account default/nobody: serviceaccount \"nobody\" not found"
        );
    }
}
