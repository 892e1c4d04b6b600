//! From kube's errors to [`ConnectFault`]: the cause is found by type, down the chain of sources.

use super::ConnectFault;
use crate::host::text::clean;
use kube::client::AuthError;
use kube::config::{KubeconfigError, LoadDataError};
use rustls::CertificateError;
use std::error::Error as StdError;
use std::io;

/// What a failed request or connection means.
pub fn classify(error: &kube::Error) -> ConnectFault {
    match error {
        kube::Error::Api(status) => api(status),
        kube::Error::Auth(error) => auth(error),
        kube::Error::InferKubeconfig(error) => classify_config(error),
        kube::Error::InferConfig(_) => ConnectFault::NoContext,
        kube::Error::ProxyProtocolDisabled { proxy_url, protocol_feature } => ConnectFault::Proxy {
            proxy: without_userinfo(&proxy_url.to_string()),
            detail: format!("this build has no support for it ({protocol_feature})"),
        },
        kube::Error::ProxyProtocolUnsupported { proxy_url } => ConnectFault::Proxy {
            proxy: without_userinfo(&proxy_url.to_string()),
            detail: "its protocol is not supported".into(),
        },
        kube::Error::RustlsTls(error) => ConnectFault::BadConfig { detail: clean(&error.to_string()) },
        kube::Error::SerdeError(error) => ConnectFault::NotKubernetes { detail: clean(&error.to_string()) },
        kube::Error::FromUtf8(_) => ConnectFault::NotKubernetes { detail: "it is not text".into() },
        other => transport(other),
    }
}

/// What a kubeconfig that gives no usable configuration means.
pub fn classify_config(error: &KubeconfigError) -> ConnectFault {
    match error {
        KubeconfigError::CurrentContextNotSet | KubeconfigError::FindPath => ConnectFault::NoContext,
        KubeconfigError::LoadContext(context) => ConnectFault::UnknownContext { context: clean(context) },
        KubeconfigError::LoadClusterOfContext(cluster) => ConnectFault::UnknownCluster { cluster: clean(cluster) },
        KubeconfigError::LoadCertificateAuthority(cause) => unreadable("certificate-authority", cause),
        KubeconfigError::LoadClientCertificate(cause) => unreadable("client-certificate", cause),
        KubeconfigError::LoadClientKey(cause) => unreadable("client-key", cause),
        // The parser quotes the place it stopped at, which may be a token.
        KubeconfigError::Parse(cause) => ConnectFault::BadConfig {
            detail: cause.location().map_or_else(
                || "it is not valid".into(),
                |place| format!("it is not valid at line {}, column {}", place.line(), place.column()),
            ),
        },
        other => ConnectFault::BadConfig { detail: clean(&other.to_string()) },
    }
}

fn unreadable(setting: &str, cause: &LoadDataError) -> ConnectFault {
    let detail = match cause {
        LoadDataError::DecodeBase64(_) => format!("`{setting}-data` is not base64"),
        LoadDataError::ReadFile(error, path) => format!("`{setting}`: {}: {error}", path.display()),
        LoadDataError::NoBase64DataOrFile => format!("`{setting}` is missing"),
    };
    ConnectFault::BadConfig { detail: clean(&detail) }
}

fn api(status: &kube::core::Status) -> ConnectFault {
    match status.code {
        401 => ConnectFault::Unauthorized,
        403 => forbidden(&status.message),
        // A plain HTTP request to a TLS port; Go's server answers it in words.
        400 if status.message.contains("HTTP request to an HTTPS server") => {
            ConnectFault::Tls { detail: "the server speaks https, the address says http".into() }
        }
        407 => ConnectFault::Proxy { proxy: String::new(), detail: "it wants a login (407)".into() },
        404 => ConnectFault::NotKubernetes { detail: format!("404 {}", clean(&status.message)) },
        code => ConnectFault::Server { code, message: clean(&status.message) },
    }
}

/// Reads who may not do what from the sentence of the API server's authorizer: the status has no fields for it.
fn forbidden(message: &str) -> ConnectFault {
    let message = clean(message);
    let between = |start: &str, end: &str| {
        let rest = &message[message.find(start)? + start.len()..];
        rest.find(end).map(|at| rest[..at].to_owned())
    };
    let group = between("in API group \"", "\"").filter(|group| !group.is_empty());
    let resource = between("resource \"", "\"").map(|resource| match &group {
        Some(group) => format!("{resource}.{group}"),
        None => resource,
    });
    ConnectFault::Forbidden {
        user: between("User \"", "\""),
        verb: between(" cannot ", " "),
        resource: resource.or_else(|| between(" path \"", "\"")),
        namespace: between("in the namespace \"", "\""),
    }
}

fn auth(error: &AuthError) -> ConnectFault {
    let failed = |said: &str| ConnectFault::PluginFailed { command: None, said: clean(said) };
    match error {
        AuthError::AuthExecStart(cause) if cause.kind() == io::ErrorKind::NotFound => {
            ConnectFault::PluginMissing { command: None, install: None }
        }
        AuthError::AuthExecStart(cause) => failed(&cause.to_string()),
        AuthError::AuthExecRun { cmd, out } => ConnectFault::PluginFailed {
            // Arguments may hold secrets.
            command: cmd.split_whitespace().next().map(|word| clean(word.trim_matches('"'))),
            said: match clean(&String::from_utf8_lossy(&out.stderr)) {
                said if said.is_empty() => out.status.to_string(),
                said => said,
            },
        },
        // What it printed is the credential, or close to it: not repeated.
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => failed("it did not print a credential"),
        AuthError::MalformedTokenExpirationDate(_) => failed("the expiry of its credential is not a time"),
        AuthError::AuthExec(said) => failed(said),
        AuthError::UnrefreshableTokenResponse => failed("it gave no new credential"),
        other => ConnectFault::BadConfig { detail: clean(&other.to_string()) },
    }
}

fn transport(error: &kube::Error) -> ConnectFault {
    let chain = chain(error);
    chain.iter().find_map(|cause| known(*cause)).unwrap_or_else(|| {
        let mut words: Vec<String> = chain.iter().map(ToString::to_string).collect();
        // Most wrappers repeat their cause's words; the shortest telling is the innermost.
        words.dedup_by(|inner, outer| outer.contains(inner.as_str()));
        ConnectFault::Other { detail: clean(&words.join(": ")) }
    })
}

/// The error and its causes, outermost first.
///
/// An [`io::Error`] gives its content's source as its own and so hides the content, where rustls puts its error.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> Vec<&'a (dyn StdError + 'static)> {
    let mut chain = vec![error];
    while let Some(last) = chain.last().copied() {
        let inner = last.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
        match inner.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| last.source()) {
            Some(next) => chain.push(next),
            None => break,
        }
    }
    chain
}

fn known(cause: &(dyn StdError + 'static)) -> Option<ConnectFault> {
    if let Some(error) = cause.downcast_ref::<AuthError>() {
        return Some(auth(error));
    }
    if let Some(error) = cause.downcast_ref::<rustls::Error>() {
        return Some(tls(error));
    }
    // hyper-util keeps the type of its connect error private; the words are all there is.
    if cause.to_string().starts_with("dns error") {
        return Some(ConnectFault::Dns);
    }
    if let Some(error) = cause.downcast_ref::<io::Error>() {
        return io_kind(error);
    }
    let incomplete = cause.to_string().contains("before message completed");
    incomplete.then(|| ConnectFault::Unreachable { detail: "it was closed before the answer was complete".into() })
}

fn io_kind(error: &io::Error) -> Option<ConnectFault> {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::ConnectionRefused => Some(ConnectFault::Refused),
        Kind::TimedOut => Some(ConnectFault::Timeout),
        Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::ConnectionReset
        | Kind::ConnectionAborted
        | Kind::UnexpectedEof
        | Kind::BrokenPipe => Some(ConnectFault::Unreachable { detail: error.to_string() }),
        _ => None,
    }
}

fn tls(error: &rustls::Error) -> ConnectFault {
    let time = |time: rustls::pki_types::UnixTime| {
        i64::try_from(time.as_secs()).ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
    };
    match error {
        rustls::Error::InvalidCertificate(reason) => match reason {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => ConnectFault::UnknownAuthority,
            CertificateError::Expired => ConnectFault::CertificateExpired { not_after: None },
            CertificateError::ExpiredContext { not_after, .. } => {
                ConnectFault::CertificateExpired { not_after: time(*not_after) }
            }
            CertificateError::NotValidYet => ConnectFault::CertificateNotYetValid { not_before: None },
            CertificateError::NotValidYetContext { not_before, .. } => {
                ConnectFault::CertificateNotYetValid { not_before: time(*not_before) }
            }
            CertificateError::NotValidForName => ConnectFault::HostnameMismatch { presented: Vec::new() },
            CertificateError::NotValidForNameContext { presented, .. } => {
                ConnectFault::HostnameMismatch { presented: presented.iter().map(|name| plain_name(name)).collect() }
            }
            other => ConnectFault::Tls { detail: clean(&other.to_string()) },
        },
        rustls::Error::InvalidMessage(_) => ConnectFault::Tls { detail: "the server does not speak TLS".into() },
        rustls::Error::AlertReceived(alert) => {
            ConnectFault::Tls { detail: format!("the server refused the handshake ({alert:?})") }
        }
        other => ConnectFault::Tls { detail: clean(&other.to_string()) },
    }
}

/// webpki names a certificate's names as `DnsName("localhost")` and `IpAddress(127.0.0.1)`.
fn plain_name(name: &str) -> String {
    let inside = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    clean(inside.trim_matches('"'))
}

/// An address without `user:password@`.
pub(crate) fn without_userinfo(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").map_or(("", address), |(scheme, rest)| (scheme, rest));
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest[..authority_end].rsplit_once('@').map_or(&rest[..authority_end], |(_, host)| host);
    let separator = if scheme.is_empty() { "" } else { "://" };
    clean(&format!("{scheme}{separator}{host}{}", &rest[authority_end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Explain;
    use kube::core::Status;

    fn api_error(code: u16, message: &str) -> ConnectFault {
        classify(&kube::Error::Api(Status::failure(message, "").with_code(code).boxed()))
    }

    fn service(error: impl StdError + Send + Sync + 'static) -> ConnectFault {
        classify(&kube::Error::Service(Box::new(error)))
    }

    fn certificate(reason: CertificateError) -> ConnectFault {
        let error = rustls::Error::InvalidCertificate(reason);
        service(io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn a_refusal_says_who_may_not_do_what() {
        let fault = api_error(
            403,
            "deployments.apps is forbidden: User \"system:serviceaccount:a:b\" cannot list resource \"deployments\" \
             in API group \"apps\" in the namespace \"kube-system\"",
        );
        assert_eq!(
            fault,
            ConnectFault::Forbidden {
                user: Some("system:serviceaccount:a:b".into()),
                verb: Some("list".into()),
                resource: Some("deployments.apps".into()),
                namespace: Some("kube-system".into()),
            }
        );
        assert_eq!(
            fault.to_string(),
            "`system:serviceaccount:a:b` may not list deployments.apps in namespace `kube-system` (403)"
        );
    }

    #[test]
    fn a_refused_path_and_an_unknown_wording_are_still_refusals() {
        let path = api_error(403, "forbidden: User \"u\" cannot get path \"/metrics\"");
        assert_eq!(path.to_string(), "`u` may not get /metrics (403)");
        assert_eq!(api_error(403, "no").to_string(), "this user may not do this (403)");
    }

    #[test]
    fn certificates_are_told_apart() {
        assert_eq!(certificate(CertificateError::UnknownIssuer), ConnectFault::UnknownAuthority);
        assert_eq!(certificate(CertificateError::Expired), ConnectFault::CertificateExpired { not_after: None });
        assert_eq!(certificate(CertificateError::NotValidForName).id(), "hostname-mismatch");
        assert_eq!(certificate(CertificateError::NotValidYet).id(), "certificate-not-yet-valid");
        assert_eq!(certificate(CertificateError::Revoked).id(), "tls");
    }

    #[test]
    fn the_network_is_told_apart() {
        let kind = |kind: io::ErrorKind| service(io::Error::from(kind)).id();
        assert_eq!(kind(io::ErrorKind::ConnectionRefused), "connection-refused");
        assert_eq!(kind(io::ErrorKind::TimedOut), "timeout");
        assert_eq!(kind(io::ErrorKind::HostUnreachable), "unreachable");
        assert_eq!(service(io::Error::other("dns error: no such host")), ConnectFault::Dns);
    }

    #[test]
    fn codes_are_told_apart() {
        assert_eq!(api_error(401, "Unauthorized"), ConnectFault::Unauthorized);
        assert_eq!(api_error(500, "etcd is gone").to_string(), "the server answered 500: etcd is gone");
        assert_eq!(api_error(404, "<html>").id(), "not-kubernetes");
        assert_eq!(api_error(400, "Client sent an HTTP request to an HTTPS server.").id(), "tls");
    }

    #[test]
    fn a_plugin_is_named_without_its_arguments() {
        let missing = AuthError::AuthExecStart(io::ErrorKind::NotFound.into());
        assert_eq!(classify(&kube::Error::Auth(missing)).id(), "credential-plugin-missing");
        let out = std::process::Output {
            status: std::process::ExitStatus::default(),
            stdout: b"token".into(),
            stderr: b"\x1b[31mlogin expired\x1b[0m\n".into(),
        };
        let run = AuthError::AuthExecRun { cmd: "\"aws\" \"--secret\" \"x\"".into(), out: Box::new(out) };
        let fault = classify(&kube::Error::Auth(run));
        assert_eq!(fault.to_string(), "the credential plugin `aws` failed: login expired");
    }

    #[test]
    fn a_broken_kubeconfig_is_never_quoted() {
        let broken = kube::config::Kubeconfig::from_yaml("users:\n- name: a\n  user: hunter2\n").unwrap_err();
        let fault = classify_config(&broken);
        assert!(fault.to_string().contains("line 3"), "{fault}");
        assert!(!fault.to_string().contains("hunter2"), "{fault}");
    }

    #[test]
    fn addresses_lose_their_login() {
        assert_eq!(without_userinfo("http://u:p@proxy:3128/x"), "http://proxy:3128/x");
        assert_eq!(without_userinfo("https://10.0.0.1:6443"), "https://10.0.0.1:6443");
        assert_eq!(without_userinfo("u:p@host/a@b"), "host/a@b");
    }

    #[test]
    fn every_fault_survives_json() {
        for fault in [
            ConnectFault::Refused,
            ConnectFault::CertificateExpired { not_after: Some(jiff::Timestamp::UNIX_EPOCH) },
            ConnectFault::Server { code: 503, message: "busy".into() },
        ] {
            let json = serde_json::to_string(&fault).unwrap();
            assert_eq!(serde_json::from_str::<ConnectFault>(&json).unwrap(), fault);
        }
    }
}
