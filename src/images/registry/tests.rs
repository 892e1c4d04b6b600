//! Against a registry on loopback that answers as the specification says; the real one is asked in `tests/cluster`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use ::http::{Request, Response};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::*;

const INDEX: &str = r#"{"manifests": [{"platform": {"os": "linux", "architecture": "amd64"}},
    {"platform": {"os": "linux", "architecture": "arm64"}}, {"platform": {"os": "unknown", "architecture": "unknown"}}]}"#;
const IMAGE: &str = r#"{"config": {"digest": "sha256:00"}}"#;

/// Status, header and body by path; those behind a door are answered with a challenge unless the right pass is shown.
type Pages = BTreeMap<&'static str, (u16, Option<(&'static str, String)>, String)>;

/// Serves until the test ends.
async fn serve(pages: impl FnOnce(&str) -> Pages, pass: Option<(&'static str, &'static str)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let pages = Arc::new(pages(&host));
    let challenge = pass.map(|(scheme, _)| match scheme {
        "Bearer" => format!(r#"Bearer realm="http://{host}/token",service="here",scope="repository:private:pull""#),
        other => format!(r#"{other} realm="here""#),
    });
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (pages, challenge) = (pages.clone(), challenge.clone());
            let service = service_fn(move |request| {
                let reply = answer(&request, &pages, challenge.as_deref(), pass.map(|(_, pass)| pass));
                async move { Ok::<_, Infallible>(reply) }
            });
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    host
}

fn answer(
    request: &Request<Incoming>,
    pages: &Pages,
    challenge: Option<&str>,
    pass: Option<&str>,
) -> Response<Full<Bytes>> {
    let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let path = request.uri().path();
    let closed = path.starts_with("/v2/private") && shown != pass;
    // "robot:hunter2" in base64; the token is had for it alone.
    let stranger = path == "/token" && shown != Some("Basic cm9ib3Q6aHVudGVyMg==");
    if closed || stranger {
        let reply = Response::builder().status(401).header("www-authenticate", challenge.unwrap_or("Basic realm=x"));
        return reply.body(Full::default()).unwrap();
    }
    let absent = (404, None, String::new());
    let (status, header, body) = pages.get(path).unwrap_or(&absent);
    let mut reply = Response::builder().status(*status);
    if let Some((name, value)) = header {
        reply = reply.header(*name, value);
    }
    reply.body(Full::from(body.clone())).unwrap()
}

fn open_pages(host: &str) -> Pages {
    let page = |body: &str| (200, None, body.to_owned());
    Pages::from([
        ("/v2/many/manifests/1", page(INDEX)),
        ("/v2/one/manifests/1", page(IMAGE)),
        ("/v2/one/blobs/sha256:00", (307, Some(("location", format!("http://{host}/elsewhere"))), String::new())),
        ("/elsewhere", page(r#"{"architecture": "arm64"}"#)),
        ("/v2/silent/manifests/1", page(IMAGE)),
        ("/v2/torn/manifests/1", page("<html>")),
        ("/v2/round/manifests/1", (302, Some(("location", "/v2/round/manifests/1".to_owned())), String::new())),
        ("/v2/busy/manifests/1", (503, None, String::new())),
        ("/v2/private/manifests/1", page(INDEX)),
        ("/token", page(r#"{"access_token": "sesame"}"#)),
    ])
}

fn logins(host: &str, password: &str) -> Logins {
    Logins::from([(host.to_owned(), Login { user: "robot".into(), password: password.into() })])
}

async fn told(host: &str, image: &str, logins: &Logins) -> String {
    match Registries::new().ask(&format!("{host}/{image}"), logins).await {
        Answer::There { architectures } => Vec::from_iter(architectures).join("+"),
        Answer::Missing => "missing".to_owned(),
        Answer::Refused { as_user } => format!("refused to {}", as_user.as_deref().unwrap_or("anybody")),
        Answer::Unknown { why } => why,
    }
}

#[tokio::test]
async fn what_lies_in_an_open_registry() {
    let host = serve(open_pages, None).await;
    let table = [
        ("many:1", "amd64+arm64"),
        ("one:1", "arm64"),
        ("silent:1", ""),
        ("absent:1", "missing"),
        ("torn:1", "what it answers is no manifest"),
        ("round:1", "it sends on more than 5 times"),
        ("busy:1", "it answers 503 Service Unavailable"),
    ];
    for (image, wanted) in table {
        assert_eq!(told(&host, image, &Logins::new()).await, wanted, "{image}");
    }
}

#[tokio::test]
async fn with_a_login_a_token_is_had_or_the_login_is_shown_itself() {
    let bearer = serve(open_pages, Some(("Bearer", "Bearer sesame"))).await;
    let basic = serve(open_pages, Some(("Basic", "Basic cm9ib3Q6aHVudGVyMg=="))).await;
    for host in [bearer, basic] {
        assert_eq!(told(&host, "private:1", &logins(&host, "hunter2")).await, "amd64+arm64");
        assert_eq!(told(&host, "private:1", &logins(&host, "wrong")).await, "refused to robot");
        assert_eq!(told(&host, "private:1", &Logins::new()).await, "refused to anybody");
    }
}

#[tokio::test]
async fn a_registry_that_is_not_there_is_no_answer() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let told = told(&free.to_string(), "x:1", &Logins::new()).await;
    assert!(told.contains("onnect"), "{told}");
}
