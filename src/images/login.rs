//! Logins of registries: as the user gives them, as engines keep them in a file, and as Secrets hold them.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use serde_json::{Map, Value, json};

use super::pull;
use crate::object::printable;

/// The type of the Secret that is made, and its key.
const TYPE: &str = pull::TYPES[0].0;
const KEY: &str = pull::TYPES[0].1;
/// Under this name clients keep the login of Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Who pulls.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password, or a token in its place.
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Logins by their registries, such as `registry.example.org:5000`.
pub type Logins = BTreeMap<String, Login>;

/// Where the logins that a Secret is made of come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullLogin {
    /// From the user.
    Given(Logins),
    /// From the Secret that the cluster has of an earlier run.
    Kept,
}

/// Why a file has no login for a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoLogin {
    /// It is not what an engine writes.
    #[error("it is not a file of logins as docker and podman keep them: {0}")]
    Broken(String),
    /// Its passwords lie elsewhere.
    #[error("it leaves the login of {registry} to the helper `{helper}`, which only its engine can ask")]
    Helper {
        /// The registry.
        registry: String,
        /// The name of the helper.
        helper: String,
    },
    /// It names other registries, or none.
    #[error("it has no login for {wanted}; it has {there}")]
    Others {
        /// What was looked for.
        wanted: String,
        /// What there is.
        there: String,
    },
    /// What stands there is no name with a password.
    #[error("its login of {0} is not a name with a password")]
    Unreadable(String),
}

/// Of a file as `docker login` and `podman login` write it, the logins of these registries; those that it does not name are left out as
/// long as there is one.
///
/// # Errors
/// When there is none that can be used.
pub fn of_file<'a>(text: &str, registries: impl IntoIterator<Item = &'a str>) -> Result<Logins, NoLogin> {
    let file: Value = serde_json::from_str(text).map_err(|error| NoLogin::Broken(error.to_string()))?;
    let none = Map::new();
    let known = file["auths"].as_object().unwrap_or(&none);
    let (mut found, mut wanted) = (Logins::new(), Vec::new());
    for registry in registries {
        let entry = known.iter().find(|(name, _)| pull::host(name) == registry).map(|(_, entry)| entry);
        // A helper of this registry, or of all: then the entry is there, and empty.
        let own =
            file["credHelpers"].as_object().and_then(|own| own.iter().find(|(name, _)| pull::host(name) == registry));
        let helper = own.and_then(|(_, name)| name.as_str()).or_else(|| file["credsStore"].as_str());
        match (entry.and_then(login), helper, entry) {
            (Some(login), ..) => _ = found.insert(registry.to_owned(), login),
            (None, Some(helper), Some(_)) => {
                return Err(NoLogin::Helper { registry: registry.to_owned(), helper: printable(helper) });
            }
            (None, None, Some(_)) => return Err(NoLogin::Unreadable(registry.to_owned())),
            (None, _, None) => wanted.push(registry),
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let there: Vec<String> = known.keys().map(|name| printable(&pull::host(name))).collect();
    let there = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    Err(NoLogin::Others { wanted: wanted.join(", "), there })
}

/// The logins in a Secret that pods pull with; none of what cannot be read, which is said elsewhere.
pub fn of_secret(secret: &Value) -> Logins {
    let Some((_, key, place)) = pull::TYPES.iter().find(|(name, ..)| secret["type"] == *name) else {
        return Logins::new();
    };
    let known = config(secret, key).unwrap_or_default();
    let entries = known.pointer(place).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(name, entry)| Some((pull::host(name), login(entry)?))).collect()
}

fn config(secret: &Value, key: &str) -> Option<Value> {
    if let Some(text) = secret["stringData"][key].as_str() {
        return serde_json::from_str(text).ok();
    }
    let bytes: ByteString = serde_json::from_value(secret["data"].get(key)?.clone()).ok()?;
    serde_json::from_slice(&bytes.0).ok()
}

/// An entry: name and password apart, or together as `auth`, base64 of `NAME:PASSWORD`.
fn login(entry: &Value) -> Option<Login> {
    let text = |key: &str| entry[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    if let (Some(user), Some(password)) = (text("username"), text("password")) {
        return Some(Login { user, password });
    }
    let bytes: ByteString = serde_json::from_value(text("auth")?.into()).ok()?;
    let both = String::from_utf8(bytes.0).ok()?;
    let (user, password) = both.split_once(':')?;
    let password = password.trim_end_matches('\0');
    (!user.is_empty() && !password.is_empty()).then(|| Login { user: user.to_owned(), password: password.to_owned() })
}

/// The Secret of this name that has these logins.
pub fn secret(name: &str, labels: &Value, logins: &Logins) -> Value {
    let entry = |(registry, login): (&String, &Login)| {
        let key = if registry == "docker.io" { DOCKER_HUB } else { registry };
        let auth = ByteString(format!("{}:{}", login.user, login.password).into_bytes());
        (key.to_owned(), json!({"username": login.user, "password": login.password, "auth": auth}))
    };
    let auths: Map<String, Value> = logins.iter().map(entry).collect();
    of_text(name, labels, &json!({"auths": auths}).to_string())
}

/// The same with this text in it, which stands for one that the cluster has.
pub fn of_text(name: &str, labels: &Value, text: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "labels": labels}, "type": TYPE, "stringData": {KEY: text}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(registry: &str, user: &str, password: &str) -> Logins {
        let login = Login { user: user.into(), password: password.into() };
        Logins::from([(registry.to_owned(), login)])
    }

    // "robot:pa:ss" in base64
    const FILE: &str = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "cm9ib3Q6cGE6c3M="}, "r.example:5000": {"username": "a", "password": "b"},
        "helped.example": {}, "torn.example": {"auth": "?"}}, "credHelpers": {"helped.example": "ecr-login"}}"#;

    #[test]
    fn of_a_file_only_what_is_needed_is_taken() {
        assert_eq!(of_file(FILE, ["docker.io"]), Ok(one("docker.io", "robot", "pa:ss")));
        assert_eq!(of_file(FILE, ["quay.io", "r.example:5000"]), Ok(one("r.example:5000", "a", "b")));
    }

    #[test]
    fn a_file_without_the_login_says_what_it_has() {
        let why = |text: &str, registry: &str| of_file(text, [registry]).unwrap_err().to_string();
        assert_eq!(
            why(FILE, "helped.example"),
            "it leaves the login of helped.example to the helper `ecr-login`, which only its engine can ask"
        );
        assert_eq!(why(FILE, "torn.example"), "its login of torn.example is not a name with a password");
        assert_eq!(
            why(FILE, "x.example"),
            "it has no login for x.example; it has docker.io, r.example:5000, helped.example, torn.example"
        );
        let stored = r#"{"auths": {"x.example": {}}, "credsStore": "desktop"}"#;
        assert_eq!(
            why(stored, "x.example"),
            "it leaves the login of x.example to the helper `desktop`, which only its engine can ask"
        );
        assert_eq!(why("{}", "x.example"), "it has no login for x.example; it has none");
        assert!(why("user: x", "x.example").starts_with("it is not a file of logins as docker and podman keep them: "));
    }

    #[test]
    fn a_secret_that_is_made_is_read_again_and_shows_nothing() {
        let mut logins = one("docker.io", "robot", "pa:ss");
        logins.extend(one("r.example", "a", "b"));
        let secret = secret("shop-registry", &json!({}), &logins);
        assert!(secret["stringData"][KEY].as_str().unwrap().contains(DOCKER_HUB));
        assert_eq!(of_secret(&secret), logins);
        assert!(!format!("{logins:?}").contains("pa:ss"));
        assert_eq!(of_secret(&json!({"type": "Opaque", "stringData": {KEY: "{}"}})), Logins::new());
    }
}
