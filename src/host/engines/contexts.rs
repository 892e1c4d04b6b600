//! Docker contexts: the addresses that docker's own command keeps in its configuration folder.

use super::EngineFault;
use crate::host::surroundings::Surroundings;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One docker context.
pub(super) struct DockerContext {
    pub(super) name: String,
    /// Whether docker uses it now.
    pub(super) current: bool,
    /// The address and, if it has its own TLS material, the folder of that; or why there is none.
    pub(super) address: Result<(String, Option<PathBuf>), EngineFault>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigFile {
    current_context: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    name: String,
    #[serde(default)]
    endpoints: Endpoints,
}

#[derive(Deserialize, Default)]
struct Endpoints {
    docker: Option<DockerEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerEndpoint {
    host: String,
}

/// All contexts, the current one first. The one called `default` is docker's word for none, and not among them.
pub(super) fn read(here: &Surroundings) -> Vec<DockerContext> {
    let Some(folder) = here.variable("DOCKER_CONFIG").map(PathBuf::from).or_else(|| here.at_home(".docker")) else {
        return Vec::new();
    };
    let (current, broken) = current(here, &folder);
    let mut contexts = stored(&folder, current.as_deref());
    if let Some(name) = current.filter(|name| !contexts.iter().any(|context| context.name == *name)) {
        contexts.push(DockerContext { name, current: true, address: Err(EngineFault::UnknownContext) });
    }
    contexts.extend(broken);
    contexts.sort_by(|one, two| two.current.cmp(&one.current).then_with(|| one.name.cmp(&two.name)));
    contexts
}

/// The context in use, as docker decides it: `DOCKER_HOST` overrides all, `DOCKER_CONTEXT` the configuration.
fn current(here: &Surroundings, folder: &Path) -> (Option<String>, Option<DockerContext>) {
    let file = folder.join("config.json");
    let (configured, broken) = match json::<ConfigFile>(&file) {
        Ok(config) => (config.and_then(|config| config.current_context), None),
        Err(fault) => (None, Some(DockerContext { name: "in use".into(), current: true, address: Err(fault) })),
    };
    if here.variable("DOCKER_HOST").is_some() {
        return (None, broken);
    }
    let name = here.variable("DOCKER_CONTEXT").map(Into::into).or(configured);
    (name.filter(|name| !name.is_empty() && name != "default"), broken)
}

fn stored(folder: &Path, current: Option<&str>) -> Vec<DockerContext> {
    let Ok(entries) = fs::read_dir(folder.join("contexts/meta")) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let id = entry.file_name();
            let tls = Some(folder.join("contexts/tls").join(&id).join("docker")).filter(|tls| tls.is_dir());
            match json::<Meta>(&entry.path().join("meta.json")) {
                Ok(meta) => {
                    let Meta { name, endpoints } = meta?;
                    // A context may be for another orchestrator only.
                    let host = endpoints.docker?.host;
                    Some(DockerContext { current: current == Some(name.as_str()), name, address: Ok((host, tls)) })
                }
                Err(fault) => {
                    let name = id.to_string_lossy().chars().take(12).collect();
                    Some(DockerContext { name, current: false, address: Err(fault) })
                }
            }
        })
        .collect()
}

/// A JSON file; `None` if it does not exist. The parser's words may quote a credential, so only the place is kept.
fn json<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, EngineFault> {
    let broken = |why: String| EngineFault::BrokenFile { file: file.into(), why };
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            broken(format!("not as docker writes it, at line {}, column {}", error.line(), error.column()))
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(broken(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::testing::{in_folder, write};

    #[test]
    fn a_broken_file_is_told_and_hides_no_other_context() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = in_folder(folder.path());
        let docker = folder.path().join("elsewhere");
        here.variables.insert("DOCKER_CONFIG".into(), docker.display().to_string());
        write(&docker.join("config.json"), "{\"auths\": {\"x\": hunter2}");
        let good = r#"{"Name":"good","Endpoints":{"docker":{"Host":"ssh://me@far","SkipTLSVerify":false}}}"#;
        write(&docker.join("contexts/meta/aa/meta.json"), good);
        write(&docker.join("contexts/meta/bb/meta.json"), "[]");
        write(&docker.join("contexts/meta/cc/meta.json"), r#"{"Name":"kube","Endpoints":{}}"#);

        let found = read(&here);
        let names: Vec<_> = found.iter().map(|context| (context.name.as_str(), context.address.is_ok())).collect();
        assert_eq!(names, [("in use", false), ("bb", false), ("good", true)]);
        let told = found[0].address.as_ref().unwrap_err().to_string();
        assert!(told.contains("line 1") && !told.contains("hunter2"), "{told}");
    }

    #[test]
    fn docker_host_overrides_the_context_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let mut here = in_folder(folder.path());
        here.variables.insert("DOCKER_CONTEXT".into(), "gone".into());
        assert_eq!(read(&here).len(), 1);
        here.variables.insert("DOCKER_HOST".into(), "unix:///x".into());
        assert!(read(&here).is_empty());
    }
}
