//! What a registry says of an image, asked as a node would ask: is it there for this login, and for which architectures. Source: OCI
//! Distribution Specification 1.1, "Pulling manifests"; tokens: the "Token Authentication Specification" of distribution.
//!
//! A client of its own on kube's HTTP stack: the crate for it would bring 20 more and a second version of four.

mod http;
mod manifest;
mod place;

use std::collections::BTreeSet;
use std::time::Duration;

use ::http::StatusCode;
use tokio::time::timeout;

use super::full_name;
use super::login::{Login, Logins};
use http::{Door, MANIFESTS, Reply};
use manifest::Manifest;
use place::Place;

/// So long one image may take; a registry that is slower is not waited for before an install.
const LIMIT: Duration = Duration::from_secs(10);

/// What a registry says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is there.
    There {
        /// For these architectures, in the words of Go (`amd64`); empty when the registry did not tell.
        architectures: BTreeSet<String>,
    },
    /// There is no such image.
    Missing,
    /// It is not given away, or not to whom asked; many registries say so of what is not there, too.
    Refused {
        /// Whether somebody had logged in.
        as_user: Option<String>,
    },
    /// That cannot be told.
    Unknown {
        /// Why.
        why: String,
    },
}

/// The registries of the world, as this machine reaches them.
#[derive(Debug, Clone)]
pub struct Registries {
    /// Or why there is none.
    door: Result<Door, String>,
}

impl Default for Registries {
    fn default() -> Self {
        Self::new()
    }
}

impl Registries {
    /// With the authorities that this machine trusts; when it has none that can be read, every answer says so.
    pub fn new() -> Self {
        let unusable = |error| format!("the authorities that this machine trusts cannot be read: {error}");
        Self { door: Door::new().map_err(unusable) }
    }

    /// Asks for this image with the login of its registry, where there is one.
    pub async fn ask(&self, image: &str, logins: &Logins) -> Answer {
        let place = Place::of(&full_name(image));
        let login = logins.get(&place.registry);
        let door = match &self.door {
            Ok(door) => door,
            Err(why) => return Answer::Unknown { why: why.clone() },
        };
        match timeout(LIMIT, manifest(door, &place, login)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(why)) => Answer::Unknown { why },
            Err(_) => Answer::Unknown { why: format!("no answer within {} s", LIMIT.as_secs()) },
        }
    }
}

async fn manifest(door: &Door, place: &Place, login: Option<&Login>) -> Result<Answer, String> {
    let url = place.manifest();
    let mut pass = None;
    let mut reply = door.get(&url, MANIFESTS, None).await?;
    if reply.status == StatusCode::UNAUTHORIZED {
        pass = door.pass(&reply, place, login).await?;
        if pass.is_some() {
            reply = door.get(&url, MANIFESTS, pass.as_deref()).await?;
        }
    }
    match reply.status {
        StatusCode::OK => there(door, place, &reply, pass.as_deref()).await,
        StatusCode::NOT_FOUND => Ok(Answer::Missing),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Ok(Answer::Refused { as_user: login.map(|login| login.user.clone()) })
        }
        status => Err(format!("it answers {status}")),
    }
}

/// An index names architectures itself; of one image its configuration does.
async fn there(door: &Door, place: &Place, reply: &Reply, pass: Option<&str>) -> Result<Answer, String> {
    let architectures = match Manifest::read(&reply.body)? {
        Manifest::Index(architectures) => architectures,
        Manifest::Image { configuration } => {
            let blob = door.get(&place.blob(&configuration), "*/*", pass).await?;
            let told = (blob.status == StatusCode::OK).then(|| manifest::architecture(&blob.body)).flatten();
            told.into_iter().collect()
        }
    };
    Ok(Answer::There { architectures })
}

#[cfg(test)]
mod tests;
