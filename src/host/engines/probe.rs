//! Asking an address who is there.

use super::fault::classify;
use super::plain::get;
use super::{Endpoint, Engine, EngineFault, Product};
use crate::host::text::clean;
use bollard::models::{SystemInfo, SystemVersion};
use bollard::{API_DEFAULT_VERSION, Docker};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout, timeout_at};

/// How much of a stranger's answer is read, in bytes.
const GLIMPSE: u64 = 512;

/// Asks the endpoint for its version and its facts, within `limit` in all.
///
/// An engine that tells its version but not its facts in time is still an engine; the facts are then `None`. The
/// addresses are left empty: the caller knows who named them.
pub(super) async fn probe(endpoint: &Endpoint, limit: Duration) -> Result<Engine, EngineFault> {
    let deadline = Instant::now() + limit;
    let Ok(answer) = timeout_at(deadline, version(endpoint, limit)).await else {
        return Err(EngineFault::Timeout { after_ms: crate::host::millis(limit) });
    };
    let (docker, version) = answer?;
    let info = timeout_at(deadline, docker.info()).await.ok().and_then(Result::ok).unwrap_or_default();
    let mut engine = engine(endpoint, version, info);
    if engine.product == Product::Podman {
        let own = timeout_at(deadline, rootless(endpoint)).await.ok().flatten();
        engine.rootless = own.or(engine.rootless);
    }
    Ok(engine)
}

/// Podman says in a field of its own whether it runs without root, and not where Docker does (measured: 4.3).
async fn rootless(endpoint: &Endpoint) -> Option<bool> {
    let answer = get(endpoint, "/info").await.ok()?;
    serde_json::from_slice::<serde_json::Value>(&answer).ok()?.get("Rootless")?.as_bool()
}

async fn version(endpoint: &Endpoint, limit: Duration) -> Result<(Docker, SystemVersion), EngineFault> {
    // bollard wraps the errors of connecting in ways that differ by transport, so the door is tried first.
    knock(endpoint).await?;
    let docker = client(endpoint, limit).map_err(|error| EngineFault::Io { detail: clean(&error.to_string()) })?;
    match docker.version().await {
        Ok(version) if version.api_version.is_some() => Ok((docker, version)),
        Err(bollard::errors::Error::RequestTimeoutError) => {
            Err(EngineFault::Timeout { after_ms: crate::host::millis(limit) })
        }
        _ => Err(EngineFault::NotAnEngine { answered: glimpse(endpoint, limit / 4).await }),
    }
}

async fn knock(endpoint: &Endpoint) -> Result<(), EngineFault> {
    let opened = match endpoint {
        Endpoint::Unix(path) => UnixStream::connect(path).await.map(drop),
        Endpoint::Http(host) => TcpStream::connect(host).await.map(drop),
    };
    opened.map_err(|error| classify(&error))
}

/// A client for the endpoint. Its version of the API is the newest there is: paths that differ by version need
/// `negotiate_version` first.
pub(in crate::host) fn client(endpoint: &Endpoint, limit: Duration) -> Result<Docker, bollard::errors::Error> {
    // Whole seconds, and more than ours, so that ours is the one that counts. The version is not negotiated: these
    // two paths are the same in all of them.
    let seconds = limit.as_secs() + 1;
    match endpoint {
        Endpoint::Unix(path) => Docker::connect_with_unix(&path.to_string_lossy(), seconds, API_DEFAULT_VERSION),
        Endpoint::Http(host) => Docker::connect_with_http(host, seconds, API_DEFAULT_VERSION),
    }
}

/// The beginning of what is said at an address that is no engine.
async fn glimpse(endpoint: &Endpoint, limit: Duration) -> String {
    let mut bytes = Vec::new();
    let talk = async {
        match endpoint {
            Endpoint::Unix(path) => listen(UnixStream::connect(path).await?, &mut bytes).await,
            Endpoint::Http(host) => listen(TcpStream::connect(host).await?, &mut bytes).await,
        }
    };
    // Whatever came before an error or the end of our patience is what we wanted.
    let _ = timeout(limit, talk).await;
    match clean(&String::from_utf8_lossy(&bytes)) {
        said if said.is_empty() => "nothing".into(),
        said => said.chars().take(120).collect(),
    }
}

async fn listen(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, into: &mut Vec<u8>) -> std::io::Result<()> {
    stream.write_all(b"GET /version HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut stream = stream.take(GLIMPSE);
    while stream.read_buf(into).await? > 0 {}
    Ok(())
}

fn engine(endpoint: &Endpoint, version: SystemVersion, info: SystemInfo) -> Engine {
    let component = |name: &str| {
        version.components.iter().flatten().find(|component| component.name == name).map(|found| found.version.clone())
    };
    let (product, number) = match (component("Podman Engine"), component("Engine")) {
        (Some(podman), _) => (Product::Podman, Some(podman)),
        (None, Some(docker)) => (Product::Docker, Some(docker)),
        (None, None) => (Product::Other, None),
    };
    Engine {
        id: identity(endpoint, product, &info),
        product,
        version: number.or(version.version).map(|number| clean(&number)).unwrap_or_default(),
        api_version: version.api_version.map(|number| clean(&number)).unwrap_or_default(),
        rootless: info.security_options.map(|options| options.iter().any(|option| option.contains("rootless"))),
        cgroup_version: info.cgroup_version.and_then(|version| version.to_string().parse().ok()),
        cgroup_driver: info.cgroup_driver.map(|driver| driver.to_string()).filter(|driver| !driver.is_empty()),
        storage_driver: info.driver.map(|driver| clean(&driver)),
        data_root: info.docker_root_dir.map(|folder| clean(&folder)),
        cpus: info.ncpu.and_then(|count| count.try_into().ok()),
        memory: info.mem_total.and_then(|bytes| bytes.try_into().ok()),
        os: version.os.or(info.os_type).map(|os| clean(&os)),
        arch: version.arch.or(info.architecture).map(|arch| clean(&arch)),
        system: info.operating_system.map(|system| clean(&system)),
        addresses: Vec::new(),
    }
}

fn identity(endpoint: &Endpoint, product: Product, info: &SystemInfo) -> String {
    match (product, &info.id, &info.name, &info.docker_root_dir) {
        (Product::Docker, Some(id), ..) if !id.is_empty() => clean(id),
        (_, _, Some(host), Some(folder)) => clean(&format!("{host}:{folder}")),
        _ => match endpoint {
            Endpoint::Unix(path) => real(path).display().to_string(),
            Endpoint::Http(host) => host.clone(),
        },
    }
}

fn real(path: &Path) -> std::path::PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.into())
}
