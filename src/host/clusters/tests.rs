use super::*;
use crate::error::Explain as _;
use crate::host::distribution::Distribution;
use crate::host::kubeconfig;
use crate::host::testing::{HANG, api_server, fixtures, healthy, in_folder, silent_port, status, version, write};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use std::net::SocketAddr;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const LONG: Duration = Duration::from_secs(30);

/// Asks the one context of a kubeconfig with this cluster and user.
async fn ask_with(cluster: serde_json::Value, user: serde_json::Value, limit: Duration) -> (ClusterFact, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let mut here = in_folder(folder.path());
    here.variables.insert("PATH".into(), fixtures().join("tools").display().to_string());
    let file = here.at_home(".kube/config").unwrap();
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "a",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
    });
    write(&file, &config.to_string());
    let loaded = kubeconfig::read(&here, None);
    (ask(&loaded, &loaded.facts.contexts[0], &here, limit).await, file)
}

async fn ask_at(address: SocketAddr, limit: Duration) -> Reach {
    ask_with(json!({"server": format!("http://{address}")}), json!({"token": "t"}), limit).await.0.reach
}

fn fault(reach: Reach) -> Unreached {
    match reach {
        Reach::Unreached(unreached) => unreached,
        Reach::Reached(answer) => panic!("{answer:?}"),
    }
}

#[tokio::test]
async fn a_healthy_cluster_tells_what_it_is() {
    let (address, _server) = api_server(None, healthy).await;
    let Reach::Reached(answer) = ask_at(address, LONG).await else { panic!("unreached") };
    assert_eq!((answer.version.as_str(), answer.nodes), ("v1.34.2", Some(3)));
    assert_eq!(answer.recognised.distribution, Distribution::Kind);
    assert_eq!(answer.identity.as_deref(), Some("1-2-3"));
    assert!(answer.unread.is_empty());
}

#[tokio::test]
async fn what_is_forbidden_is_said_and_the_version_still_known() {
    let refuse = |path: &str| match path {
        "/version" => (200, version()),
        _ => status(
            403,
            "nodes is forbidden: User \"me\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
        ),
    };
    let (address, _server) = api_server(None, refuse).await;
    let Reach::Reached(answer) = ask_at(address, LONG).await else { panic!("unreached") };
    assert_eq!((answer.version.as_str(), answer.nodes, answer.identity), ("v1.34.2", None, None));
    assert_eq!(answer.unread[0].what, "nodes");
    assert_eq!(answer.unread[0].fault.to_string(), "`me` may not list nodes (403)");
}

#[tokio::test]
async fn refused_credentials_are_the_users_files_fault() {
    let (address, _server) = api_server(None, |_| status(401, "Unauthorized")).await;
    let server = json!({"server": format!("http://{address}")});
    let (fact, file) = ask_with(server, json!({"token": "t"}), LONG).await;
    let unreached = fault(fact.reach);
    assert_eq!((unreached.fault, unreached.file), (ConnectFault::Unauthorized, Some(file)));
    assert!(unreached.remedy.unwrap().contains("log in again"));
}

#[tokio::test]
async fn a_closed_port_silence_and_a_stranger_are_told_apart() {
    let (address, server) = silent_port().await;
    assert_eq!(fault(ask_at(address, Duration::from_millis(200)).await).fault, ConnectFault::Timeout);
    drop(server);
    let (stranger, _server) = api_server(None, |_| (200, json!({"hello": "world"}))).await;
    assert_eq!(fault(ask_at(stranger, LONG).await).fault.id(), "not-kubernetes");
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(fault(ask_at(closed, LONG).await).fault, ConnectFault::Refused);
}

#[tokio::test]
async fn nodes_that_hang_do_not_hide_the_version() {
    let hang = |path: &str| if path == "/version" { (200, version()) } else { (HANG, json!(null)) };
    let (address, _server) = api_server(None, hang).await;
    let Reach::Reached(answer) = ask_at(address, Duration::from_millis(1500)).await else { panic!("unreached") };
    assert_eq!(answer.version, "v1.34.2");
    assert!(answer.unread.iter().all(|unread| unread.fault == ConnectFault::Timeout) && answer.unread.len() == 2);
}

/// An authority, and a server configuration with a certificate of it that is valid in these years for this name.
fn tls(years: (i32, i32), name: &str) -> (String, ServerConfig) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.into()]).unwrap();
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    let certificate = params.signed_by(&key, &authority).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    (authority.pem(), config)
}

/// Asks a TLS server, trusting `trusted` or the server's own authority.
async fn ask_tls(server: ServerConfig, authority: &str, user: serde_json::Value) -> ClusterFact {
    let (address, _server) = api_server(Some(server), healthy).await;
    let encoded = serde_json::to_value(k8s_openapi::ByteString(authority.into())).unwrap();
    let cluster = json!({"server": format!("https://{address}"), "certificate-authority-data": encoded});
    ask_with(cluster, user, LONG).await.0
}

#[tokio::test]
async fn certificates_are_judged_by_what_is_wrong_with_them() {
    let token = json!({"token": "t"});
    let (authority, server) = tls((2020, 2040), "127.0.0.1");
    let fact = ask_tls(server, &authority, token.clone()).await;
    assert!(matches!(fact.reach, Reach::Reached(_)), "{fact:?}");

    let (_, strange) = tls((2020, 2040), "127.0.0.1");
    assert_eq!(fault(ask_tls(strange, &authority, token.clone()).await.reach).fault, ConnectFault::UnknownAuthority);

    let (authority, expired) = tls((2020, 2021), "127.0.0.1");
    let found = fault(ask_tls(expired, &authority, token.clone()).await.reach);
    assert_eq!(found.message, "the server's certificate has expired (2021-01-01T00:00:00Z)");

    let (authority, other) = tls((2020, 2040), "kubernetes.example");
    let found = fault(ask_tls(other, &authority, token).await.reach);
    assert_eq!(found.fault, ConnectFault::HostnameMismatch { presented: vec!["kubernetes.example".into()] });
}

#[tokio::test]
async fn http_and_https_mixed_up_is_said() {
    let (address, _server) = api_server(None, healthy).await;
    let cluster = json!({"server": format!("https://{address}")});
    let found = fault(ask_with(cluster, json!({}), LONG).await.0.reach);
    assert_eq!(found.fault, ConnectFault::Tls { detail: "the server does not speak TLS".into() });
}

#[tokio::test]
async fn plugins_give_tokens_or_the_reason_why_not() {
    let (address, _server) = api_server(None, healthy).await;
    let run = async |command: &str, limit| {
        let exec =
            json!({"apiVersion": "client.authentication.k8s.io/v1", "command": command, "installHint": "get it"});
        let server = json!({"server": format!("http://{address}")});
        ask_with(server, json!({ "exec": exec }), limit).await.0.reach
    };
    assert!(matches!(run("login-ok", LONG).await, Reach::Reached(_)));

    let missing = fault(run("login-none", LONG).await);
    assert_eq!(missing.message, "the credential plugin `login-none` is not installed");
    assert_eq!(missing.remedy.as_deref(), Some("get it"));

    let failed = fault(run("kind", LONG).await);
    assert_eq!(failed.message, "the credential plugin `kind` failed: panic: no such thing");
    assert_eq!(
        fault(run("k3d", LONG).await).message,
        "the credential plugin `k3d` failed: it did not print a credential"
    );

    let started = std::time::Instant::now();
    fault(run("podman", Duration::from_millis(100)).await);
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_setting_that_cannot_be_read_names_its_file() {
    let cluster = json!({"server": "https://127.0.0.1:1", "certificate-authority": "gone.crt"});
    let (fact, file) = ask_with(cluster, json!({}), LONG).await;
    let found = fault(fact.reach);
    assert!(
        found.message.contains("`certificate-authority`") && found.message.contains("gone.crt"),
        "{}",
        found.message
    );
    assert_eq!(found.file, Some(file));
    let nowhere = fault(ask_with(json!({}), json!({}), LONG).await.0.reach);
    assert_eq!(nowhere.fault.id(), "bad-kubeconfig");
}

#[tokio::test]
async fn a_proxy_we_cannot_use_is_said_without_its_login() {
    for (proxy, id) in [("socks5://me:hunter2@127.0.0.1:1", Some("proxy")), ("http://me:hunter2@127.0.0.1:1", None)] {
        let cluster = json!({"server": "https://127.0.0.1:6443", "proxy-url": proxy});
        let found = fault(ask_with(cluster, json!({}), LONG).await.0.reach);
        assert!(id.is_none_or(|id| found.fault.id() == id), "{found:?}");
        assert!(!found.message.contains("hunter2"), "{}", found.message);
    }
}

#[tokio::test]
async fn a_fact_survives_json() {
    let (address, _server) = api_server(None, healthy).await;
    let server = json!({"server": format!("http://{address}")});
    let (reached, _) = ask_with(server, json!({"token": "t"}), LONG).await;
    let (unreached, _) = ask_with(json!({"server": "http://127.0.0.1:1"}), json!({}), LONG).await;
    for fact in [reached, unreached] {
        let json = serde_json::to_string(&fact).unwrap();
        assert_eq!(serde_json::from_str::<ClusterFact>(&json).unwrap(), fact, "{json}");
    }
}
