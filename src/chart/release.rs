//! Helm's own record of its releases: a Secret for each revision. Reading is one list; what it means is pure.

use std::io::Read as _;

use flate2::read::GzDecoder;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use kube::Client;
use kube::api::{Api, ListParams};
use serde::Deserialize;
use serde_json::Value;

use super::Manifest;
use crate::object::{ObjectRef, number, text};

/// The type of the Secrets in which helm 3 and 4 keep releases.
pub const TYPE: &str = "helm.sh/release.v1";
/// Tells the releases that a plan of ours has made: a label of the record, which helm 3.13 and newer write.
pub const MARK: &str = "seaworthy.dev/plan";
/// The largest release that is read: a Secret holds a megabyte, and texts shrink well.
const LARGEST: u64 = 128 * 1024 * 1024;

/// What helm says of a revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is what is there.
    Deployed,
    /// A newer one has taken its place.
    Superseded,
    /// It did not come to its end.
    Failed,
    /// It was taken away, and its record kept.
    Uninstalled,
    /// It is being taken away.
    Uninstalling,
    /// Its first install is under way, or was killed.
    PendingInstall,
    /// It is being upgraded to, or helm was killed.
    PendingUpgrade,
    /// It is being gone back to, or helm was killed.
    PendingRollback,
    /// Anything else.
    #[serde(other)]
    Unknown,
}

impl Status {
    /// Whether helm refuses every change until it is over.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }

    /// As helm writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalled => "uninstalled",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
            Self::Unknown => "unknown",
        }
    }
}

/// A revision of a release.
#[derive(Clone, PartialEq)]
pub struct Release {
    /// Counted from 1.
    pub revision: u64,
    /// What helm says of it.
    pub status: Status,
    /// When it was begun.
    pub begun: Option<Timestamp>,
    /// Name of the chart.
    pub chart: String,
    /// Version of the chart.
    pub version: String,
    /// The values that helm was given.
    pub values: Value,
    /// What it has made, and what helm ran on the way.
    pub manifest: Manifest,
    /// Whether it was applied on the server, where fields have owners; helm 4 goes on in the way of the revision before.
    pub on_server: bool,
    /// Names of what helm runs when it is taken away.
    pub farewells: Vec<String>,
    /// The plan of ours that made it.
    pub mark: Option<String>,
    /// The Secret that all this is from.
    pub record: ObjectRef,
    /// Its uid.
    pub uid: String,
}

/// All revisions of one release that helm still knows, the newest first.
#[derive(Clone, Default, PartialEq)]
pub struct Releases(pub Vec<Release>);

impl Releases {
    /// Reads them.
    ///
    /// # Errors
    /// When the API server does not give them, or one of them cannot be read: a message with its name.
    pub async fn read(client: &Client, namespace: &str, name: &str) -> Result<Result<Self, String>, kube::Error> {
        let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(client.clone(), namespace);
        let labels = ListParams::default().labels(&format!("owner=helm,name={name}"));
        let list = secrets.list(&labels).await?;
        let objects = list.items.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>();
        Ok(objects.map_err(|error| error.to_string()).and_then(|objects| Self::of(&objects)))
    }

    /// From the Secrets.
    ///
    /// # Errors
    /// The name of a Secret that cannot be read, and why.
    pub fn of(secrets: &[Value]) -> Result<Self, String> {
        let mut all =
            secrets.iter().filter(|secret| secret["type"] == TYPE).map(Release::of).collect::<Result<Vec<_>, _>>()?;
        all.sort_by_key(|release| std::cmp::Reverse(release.revision));
        Ok(Self(all))
    }

    /// The newest revision, unless it was taken away.
    pub fn newest(&self) -> Option<&Release> {
        self.0.first().filter(|release| release.status != Status::Uninstalled)
    }

    /// The newest that came to its end.
    pub fn deployed(&self) -> Option<&Release> {
        self.0.iter().find(|release| release.status == Status::Deployed)
    }

    /// The highest number so far.
    pub fn revision(&self) -> u64 {
        self.0.first().map_or(0, |release| release.revision)
    }
}

impl Release {
    /// From its Secret.
    ///
    /// # Errors
    /// Its name, and why it cannot be read.
    pub fn of(secret: &Value) -> Result<Self, String> {
        let name = text(secret, "/metadata/name").unwrap_or_default();
        let namespace = text(secret, "/metadata/namespace");
        let broken = |why: String| {
            format!("helm's record Secret/{}/{name} cannot be read: {why}", namespace.unwrap_or_default())
        };
        let body = body(secret).map_err(broken)?;
        let part = |pointer| text(&body, pointer).unwrap_or_default().to_owned();
        let mut manifest = Manifest::read(text(&body, "/manifest").unwrap_or_default()).map_err(broken)?;
        let revision = number(&body, "/version").and_then(|number| u64::try_from(number).ok());
        let status = body.pointer("/info/status").cloned().unwrap_or_default();
        let hooks = body.get("hooks").and_then(Value::as_array).into_iter().flatten();
        for hook in hooks.clone() {
            // What is no manifest of its own, such as one that an old helm has kept, is known by its name alone.
            let kept = Manifest::read(text(hook, "/manifest").unwrap_or_default()).map_err(broken)?;
            manifest.hooks.extend(kept.hooks);
        }
        Ok(Self {
            revision: revision.ok_or_else(|| broken("it has no revision".to_owned()))?,
            status: serde_json::from_value(status).map_err(|error| broken(error.to_string()))?,
            begun: text(&body, "/info/last_deployed").and_then(|time| time.parse().ok()),
            chart: part("/chart/metadata/name"),
            version: part("/chart/metadata/version"),
            values: body
                .get("config")
                .cloned()
                .filter(|values| !values.is_null())
                .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
            manifest,
            on_server: text(&body, "/apply_method") == Some("ssa"),
            farewells: hooks
                .filter(|hook| is_farewell(hook))
                .filter_map(|hook| text(hook, "/name").map(str::to_owned))
                .collect(),
            mark: secret["metadata"]["labels"][MARK].as_str().map(str::to_owned),
            record: ObjectRef::new("v1", "Secret", namespace, name),
            uid: text(secret, "/metadata/uid").unwrap_or_default().to_owned(),
        })
    }
}

fn is_farewell(hook: &Value) -> bool {
    let events = hook.get("events").and_then(Value::as_array).into_iter().flatten();
    events.filter_map(Value::as_str).any(|event| event.ends_with("-delete"))
}

/// In a Secret (base64) lies base64 of compressed JSON.
fn body(secret: &Value) -> Result<Value, String> {
    let outer = secret.pointer("/data/release").ok_or("it holds no release")?;
    let inner = decode(outer)?;
    let packed = decode(&Value::from(String::from_utf8(inner).map_err(|error| error.to_string())?))?;
    let mut json = Vec::new();
    if packed.starts_with(&[0x1f, 0x8b]) {
        let read = GzDecoder::new(packed.as_slice()).take(LARGEST).read_to_end(&mut json);
        read.map_err(|error| error.to_string())?;
    } else {
        json = packed;
    }
    serde_json::from_slice(&json).map_err(|error| format!("it is no JSON: {error}"))
}

fn decode(value: &Value) -> Result<Vec<u8>, String> {
    serde_json::from_value::<ByteString>(value.clone()).map(|bytes| bytes.0).map_err(|_| "it is no base64".to_owned())
}

#[cfg(test)]
pub(crate) mod testing {
    use std::io::Write as _;

    use serde_json::json;

    use super::*;

    /// A hook as helm keeps it.
    const HOOK: &str = "# Source: shop/templates/hi.yaml\napiVersion: batch/v1\nkind: Job\nmetadata: {name: hi, annotations: {helm.sh/hook: pre-install}}\n";

    /// A revision as helm keeps it.
    pub(crate) fn secret(revision: u64, status: &str, values: &Value, manifest: &str) -> Value {
        let body = json!({"name": "shop", "namespace": "sea", "version": revision, "config": values, "manifest": manifest,
            "info": {"status": status, "last_deployed": "2026-11-20T10:00:00.123456789Z"},
            "chart": {"metadata": {"name": "shop", "version": "0.1.0"}},
            "hooks": [{"name": "bye", "events": ["pre-delete"]}, {"name": "hi", "events": ["pre-install"], "manifest": HOOK}]});
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(body.to_string().as_bytes()).unwrap();
        let encode = |bytes: Vec<u8>| serde_json::to_value(ByteString(bytes)).unwrap();
        let inner = encode(packed.finish().unwrap()).as_str().unwrap().to_owned();
        json!({"apiVersion": "v1", "kind": "Secret", "type": TYPE, "data": {"release": encode(inner.into_bytes())},
            "metadata": {"name": format!("sh.helm.release.v1.shop.v{revision}"), "namespace": "sea", "uid": format!("u{revision}"),
                "labels": {"name": "shop", "owner": "helm", "status": status}}})
    }

    /// These revisions.
    pub(crate) fn releases(revisions: &[(u64, &str)]) -> Releases {
        let secrets: Vec<Value> =
            revisions.iter().map(|(revision, status)| secret(*revision, status, &json!({}), "")).collect();
        Releases::of(&secrets).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::testing::{releases, secret};
    use super::*;

    #[test]
    fn a_revision_is_read_as_helm_writes_it() {
        let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n";
        let mut kept = secret(3, "pending-upgrade", &json!({"a": 1}), manifest);
        kept["metadata"]["labels"][MARK] = "p".into();
        let release = Release::of(&kept).unwrap();
        assert_eq!(
            (release.revision, release.status, release.chart.as_str(), release.version.as_str()),
            (3, Status::PendingUpgrade, "shop", "0.1.0")
        );
        assert_eq!((release.values, release.manifest.objects.len()), (json!({"a": 1}), 1));
        assert_eq!(
            release.manifest.hooks.iter().filter_map(ObjectRef::of).map(|it| it.name).collect::<Vec<_>>(),
            ["hi"]
        );
        assert_eq!(release.begun.unwrap().as_second(), 1_795_168_800);
        assert_eq!(
            (release.farewells, release.mark.as_deref(), release.uid.as_str()),
            (vec!["bye".to_owned()], Some("p"), "u3")
        );
        assert_eq!(release.record.to_string(), "Secret/sea/sh.helm.release.v1.shop.v3");
    }

    #[test]
    fn the_newest_counts_unless_it_is_gone() {
        let all = releases(&[(1, "superseded"), (3, "failed"), (2, "deployed")]);
        assert_eq!(
            (all.newest().map(|it| it.revision), all.deployed().map(|it| it.revision), all.revision()),
            (Some(3), Some(2), 3)
        );
        let gone = releases(&[(1, "uninstalled")]);
        assert!(gone.newest().is_none() && gone.deployed().is_none());
        assert_eq!(gone.revision(), 1);
        assert_eq!(releases(&[(1, "from-the-future")]).newest().map(|it| it.status), Some(Status::Unknown));
    }

    #[test]
    fn a_record_that_cannot_be_read_is_named() {
        let mut bad = secret(1, "deployed", &json!({}), "");
        for (data, why) in [
            (json!({}), "it holds no release"),
            (json!({"release": "!"}), "no base64"),
            (json!({"release": "Ym04PQ=="}), "no JSON"),
        ] {
            bad["data"] = data;
            let told = Release::of(&bad).err().unwrap();
            assert!(told.contains("Secret/sea/sh.helm.release.v1.shop.v1") && told.contains(why), "{told}");
        }
    }
}
