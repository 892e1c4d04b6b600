//! HTTP with registries: redirects, challenges, tokens. A login goes to whom the registry names, and never in the clear over a network.

use std::io;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, LOCATION, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, StatusCode, Uri};
use http_auth::{ChallengeRef, PasswordClient, PasswordParams};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::place::{Place, is_here};
use crate::error::root;
use crate::images::login::Login;
use crate::object::printable;

/// What manifests are called. Source: OCI Image Format Specification, "Media Types", and Docker's own.
pub(super) const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// A registry need not take manifests of more than this many bytes (OCI Distribution Specification, "Pushing Manifests").
const LARGEST: usize = 4 << 20;
/// A registry that sends on more often than this goes in circles.
const REDIRECTS: usize = 5;

/// What was answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The way out of this machine.
#[derive(Debug, Clone)]
pub(super) struct Door {
    client: Client<HttpsConnector<HttpConnector>, Empty<Bytes>>,
}

impl Door {
    pub(super) fn new() -> io::Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// Asks, and goes where it is sent on to; what proves who asks goes along only to the same host.
    pub(super) async fn get(&self, url: &str, accept: &str, pass: Option<&str>) -> Result<Reply, String> {
        let mut place = url.to_owned();
        for _ in 0..=REDIRECTS {
            let pass = pass.filter(|_| host(&place) == host(url));
            let reply = self.once(&place, accept, pass).await?;
            let next = reply.headers.get(LOCATION).and_then(|next| next.to_str().ok());
            match next.filter(|_| reply.status.is_redirection()) {
                Some(next) => place = onward(&place, next)?,
                None => return Ok(reply),
            }
        }
        Err(format!("it sends on more than {REDIRECTS} times"))
    }

    async fn once(&self, url: &str, accept: &str, pass: Option<&str>) -> Result<Reply, String> {
        let mut request = Request::get(url)
            .header(ACCEPT, accept)
            .header(USER_AGENT, concat!("seaworthy/", env!("CARGO_PKG_VERSION")));
        if let Some(pass) = pass {
            request = request.header(AUTHORIZATION, pass);
        }
        let request = request.body(Empty::new()).map_err(|error| format!("{url} cannot be asked for: {error}"))?;
        let (head, body) = self.client.request(request).await.map_err(|error| root(&error))?.into_parts();
        let body =
            Limited::new(body, LARGEST).collect().await.map_err(|error| format!("its answer broke off: {error}"))?;
        Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes() })
    }

    /// What has to be shown after such a refusal: the login itself, or a token that is had for it; none where only a login would do and there is
    /// none, or where it is refused.
    pub(super) async fn pass(
        &self,
        refusal: &Reply,
        place: &Place,
        login: Option<&Login>,
    ) -> Result<Option<String>, String> {
        let challenges: Vec<&str> =
            refusal.headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok()).collect();
        let parsed = challenges.iter().filter_map(|text| http_auth::parse_challenges(text).ok()).flatten();
        let bearer = parsed.into_iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"));
        if let Some(bearer) = bearer {
            return self.token(&bearer, place, login).await;
        }
        let basic = challenges.iter().any(|text| text.to_ascii_lowercase().starts_with("basic"));
        Ok(login.filter(|_| basic).and_then(basic_pass))
    }

    async fn token(
        &self,
        bearer: &ChallengeRef<'_>,
        place: &Place,
        login: Option<&Login>,
    ) -> Result<Option<String>, String> {
        let parameter = |name: &str| {
            let found = bearer.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_unescaped())
        };
        let realm = parameter("realm").ok_or("it wants a token and does not say from where")?;
        let scope = parameter("scope").unwrap_or_else(|| format!("repository:{}:pull", place.repository));
        let safe = realm.starts_with("https://") || host(&realm).is_some_and(|host| is_here(&host));
        if login.is_some() && !safe {
            return Err(format!("it wants the login sent to {} in the clear", printable(&realm)));
        }
        let service = parameter("service").map(|service| format!("&service={}", escaped(&service))).unwrap_or_default();
        let join = if realm.contains('?') { '&' } else { '?' };
        let url = format!("{realm}{join}scope={}{service}", escaped(&scope));
        let reply = self.get(&url, "application/json", login.and_then(basic_pass).as_deref()).await?;
        match reply.status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Ok(None),
            status => return Err(format!("who gives its tokens answers {status}")),
        }
        let answer: Value =
            serde_json::from_slice(&reply.body).map_err(|_| "who gives its tokens answers no JSON".to_owned())?;
        let token = answer["token"].as_str().or_else(|| answer["access_token"].as_str());
        Ok(Some(format!("Bearer {}", token.ok_or("who gives its tokens answers without one")?)))
    }
}

fn basic_pass(login: &Login) -> Option<String> {
    let mut basic = PasswordClient::try_from("Basic realm=\"\"").ok()?;
    let (username, password) = (login.user.as_str(), login.password.as_str());
    basic.respond(&PasswordParams { username, password, uri: "/", method: "GET", body: None }).ok()
}

/// Host and port of a URL.
fn host(url: &str) -> Option<String> {
    url.parse::<Uri>().ok()?.authority().map(ToString::to_string)
}

/// Where a redirect leads: it may leave out what stays the same.
fn onward(from: &str, to: &str) -> Result<String, String> {
    if to.contains("://") {
        return Ok(to.to_owned());
    }
    let from: Uri = from.parse().map_err(|_| "it sends on to nowhere".to_owned())?;
    let (scheme, authority) = from.scheme_str().zip(from.authority()).ok_or("it sends on to nowhere")?;
    Ok(format!("{scheme}://{authority}{to}"))
}

/// As part of a query.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
