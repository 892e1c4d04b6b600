//! The helm program: found, asked for its version, and what it is asked without changing anything.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use semver::Version;
use serde_json::Value;

use super::reference::{Form, Reference};
use crate::error::{Class, Explain};
use crate::host::Surroundings;
use crate::host::child::give;
use crate::host::exec::{Broken, Ended};
use crate::host::text::clean;
use crate::host::tools::{self, TOOLS, Tool, ToolState};
use crate::stack::yaml;

/// The oldest helm that will do: from here on it knows charts in registries of images.
pub const OLDEST: Version = Version::new(3, 8, 0);
/// From here on it labels its records.
const LABELS: Version = Version::new(3, 13, 0);
/// How long it may take to say its version.
const ANSWER: Duration = Duration::from_secs(20);
/// How long it may take to fetch a chart and render it.
const RENDER: Duration = Duration::from_secs(180);

/// Why helm did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HelmError {
    /// It is not on the PATH.
    #[error("--chart needs helm, which is not on the PATH")]
    Absent,
    /// It is there, and says no version.
    #[error("{} does not say its version: {why}", path.display())]
    Mute {
        /// The program.
        path: PathBuf,
        /// What was met.
        why: String,
    },
    /// It keeps its releases where they are not looked for.
    #[error("HELM_DRIVER says that helm keeps releases as `{driver}`; only Secrets are read here")]
    Driver {
        /// What the variable says.
        driver: String,
    },
    /// It is too old.
    #[error("{} is helm {version}; --chart needs {OLDEST} or newer", path.display())]
    Old {
        /// The program.
        path: PathBuf,
        /// Its version.
        version: Version,
    },
    /// It ended with an error, or not at all.
    #[error("helm cannot {what}: {said}")]
    Failed {
        /// What it was to do.
        what: String,
        /// What it said.
        said: String,
        /// What to do.
        remedy: String,
    },
}

impl Explain for HelmError {
    fn id(&self) -> &'static str {
        match self {
            Self::Absent => "no-helm",
            Self::Mute { .. } => "broken-helm",
            Self::Old { .. } => "old-helm",
            Self::Driver { .. } => "helm-driver",
            Self::Failed { .. } => "helm-failed",
        }
    }

    fn class(&self) -> Class {
        Class::Input
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Absent => {
                format!("install helm {OLDEST} or newer (helm.sh/docs/intro/install), or leave --chart out")
            }
            Self::Mute { path, .. } => format!("run `{} version --short` to see what is wrong with it", path.display()),
            Self::Old { .. } => "install a newer one (helm.sh/docs/intro/install), before it on the PATH".to_owned(),
            Self::Driver { .. } => "take the variable away, or leave --chart out".to_owned(),
            Self::Failed { remedy, .. } => remedy.clone(),
        })
    }
}

/// Through which kubeconfig helm gets at the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The context.
    pub context: String,
    /// The file; `None`: those of the environment.
    pub kubeconfig: Option<PathBuf>,
}

impl Access {
    /// As options of helm.
    pub fn options(&self) -> Vec<String> {
        let mut options = vec!["--kube-context".to_owned(), self.context.clone()];
        if let Some(file) = &self.kubeconfig {
            options.extend(["--kubeconfig".to_owned(), file.display().to_string()]);
        }
        options
    }
}

/// A helm that will do.
#[derive(Debug, Clone)]
pub struct Helm {
    /// The program.
    pub program: PathBuf,
    /// Its version.
    pub version: Version,
}

/// What a chart says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What a chart is rendered for.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    /// The release's name.
    pub release: &'a str,
    /// Its namespace.
    pub namespace: &'a str,
    /// The API server's version.
    pub kubernetes: &'a str,
    /// What the API server has, as helm names it: `apps/v1`, `apps/v1/Deployment`.
    pub apis: &'a [String],
    /// Whether the release is there: what the chart looks up is then looked up in the cluster.
    pub upgrade: Option<&'a Access>,
}

impl Helm {
    /// Finds it on the PATH of the surroundings.
    ///
    /// # Errors
    /// When there is none, or it will not do.
    pub async fn find(here: &Surroundings) -> Result<Self, HelmError> {
        if let Some(driver) = here.variable("HELM_DRIVER").filter(|driver| !["secret", "secrets"].contains(driver)) {
            return Err(HelmError::Driver { driver: clean(driver) });
        }
        let Some(row) = TOOLS.iter().find(|row| row.name == "helm") else { return Err(HelmError::Absent) };
        Self::judge(&tools::probe(row, here, ANSWER).await)
    }

    /// Whether a helm that was found will do. Pure.
    ///
    /// # Errors
    /// Why it will not.
    pub fn judge(tool: &Tool) -> Result<Self, HelmError> {
        let Some(path) = tool.path.clone() else { return Err(HelmError::Absent) };
        let why = match &tool.state {
            ToolState::Absent => return Err(HelmError::Absent),
            ToolState::Works { version, .. } => match read_version(version) {
                Some(version) if version < OLDEST => return Err(HelmError::Old { path, version }),
                Some(version) => return Ok(Self { program: path, version }),
                None => format!("it says `{version}`"),
            },
            ToolState::Hung { after_ms } => format!("it did not answer within {} s", after_ms / 1000),
            ToolState::Failed { status, said } => format!("{status}: {said}"),
            ToolState::Unintelligible { said } => format!("it says `{said}`"),
            ToolState::Unstartable { error } => error.clone(),
        };
        Err(HelmError::Mute { path, why })
    }

    /// Whether the records of its releases can be labelled.
    pub fn labels(&self) -> bool {
        self.version >= LABELS
    }

    /// Whether it can be told to delete the pods of a workload before the workload.
    pub fn cascades(&self) -> bool {
        self.version >= LABELS
    }

    /// Whether it applies on the server, where fields have owners.
    pub fn applies_on_server(&self) -> bool {
        self.version.major >= 4
    }

    /// Asks a chart who it is.
    ///
    /// # Errors
    /// When there is no such chart.
    pub async fn identify(&self, reference: &Reference, here: &Surroundings) -> Result<Identity, HelmError> {
        let command =
            self.command(&["show", "chart"], &[std::slice::from_ref(&reference.text), &pin(reference)[..]].concat());
        let what = format!("find the chart {reference}");
        let said = finished(
            give(&command, &here.variables, None::<crate::host::exec::Nothing>).await,
            &what,
            &remedy(reference),
        )?;
        let fail = |said: String| HelmError::Failed { what: what.clone(), said, remedy: remedy(reference) };
        let documents = yaml::documents("Chart.yaml", &said).map_err(|fault| fail(fault.to_string()))?;
        let part = |name: &str| {
            documents
                .first()
                .and_then(|(_, chart)| chart.get(name))
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let identity = Identity { name: part("name"), version: part("version") };
        if identity.name.is_empty() || identity.version.is_empty() {
            return Err(fail("its Chart.yaml has no name or no version".to_owned()));
        }
        Ok(identity)
    }

    /// Renders a chart. The values go to standard input: they can hold secrets.
    ///
    /// # Errors
    /// When it does not render.
    pub async fn template(
        &self,
        (reference, version): (&Reference, Option<&str>),
        target: &Target<'_>,
        values: &Value,
        here: &Surroundings,
    ) -> Result<String, HelmError> {
        let mut words = vec![target.release.to_owned(), reference.text.clone()];
        let options =
            ["--namespace", target.namespace, "--include-crds", "--kube-version", target.kubernetes, "--values", "-"];
        words.extend(options.map(str::to_owned));
        words.extend(version.iter().flat_map(|version| ["--version".to_owned(), (*version).to_owned()]));
        words.extend(target.apis.iter().flat_map(|api| ["--api-versions".to_owned(), api.clone()]));
        if let Some(access) = target.upgrade {
            words.push("--is-upgrade".to_owned());
            words.extend(access.options());
            // Before it looked nothing up, and would make passwords anew that a chart means to keep.
            words.extend(self.labels().then(|| "--dry-run=server".to_owned()));
        }
        let input = stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from(values.to_string()))]);
        let command = self.command(&["template"], &words);
        let ended = tokio::time::timeout(RENDER, give(&command, &here.variables, Some(input))).await;
        let what = format!("render the chart {reference}");
        let late = || Broken::Place(format!("it did not end within {} s", RENDER.as_secs()));
        let remedy = "what it says names the template or the value; `seaworthy stacks show` lists the settings";
        finished(ended.unwrap_or_else(|_| Err(late())), &what, remedy)
    }

    /// A whole command line of it.
    pub fn command(&self, verb: &[&str], words: &[String]) -> Vec<String> {
        command(&self.program, verb, words)
    }
}

/// A whole command line of a helm.
pub fn command(program: &Path, verb: &[&str], words: &[String]) -> Vec<String> {
    let verb = verb.iter().map(|word| (*word).to_owned());
    std::iter::once(program.display().to_string()).chain(verb).chain(words.iter().cloned()).collect()
}

/// Builds from its source say no more than `v4.3`.
fn read_version(said: &str) -> Option<Version> {
    let said = said.trim_start_matches('v');
    Version::parse(said).or_else(|_| Version::parse(&format!("{said}.0"))).ok()
}

fn pin(reference: &Reference) -> Vec<String> {
    reference.asked().map(|version| vec!["--version".to_owned(), version.to_owned()]).unwrap_or_default()
}

fn remedy(reference: &Reference) -> String {
    match &reference.form {
        Form::Repository { repository } => {
            format!(
                "`helm repo list` shows whether {repository} is known, `helm repo update` what it has, `helm search repo` its charts; a path begins with ./ or /"
            )
        }
        Form::Registry => {
            "check host, path and version; `helm registry login` opens a registry that wants a password".to_owned()
        }
        Form::Address => "check the address, and that this machine reaches it".to_owned(),
        Form::Folder(_) | Form::Archive(_) => "`helm lint` says what is wrong with a chart".to_owned(),
    }
}

fn finished<E>(ended: Result<Ended, Broken<E>>, what: &str, remedy: &str) -> Result<String, HelmError> {
    let fail = |said: String| HelmError::Failed { what: what.to_owned(), said, remedy: remedy.to_owned() };
    match ended {
        Ok(ended) if ended.code == 0 => Ok(String::from_utf8_lossy(&ended.stdout).into_owned()),
        Ok(ended) => Err(fail(words(&ended))),
        Err(Broken::Place(why)) => Err(fail(why)),
        Err(Broken::Input(_)) => Err(fail("it took no values".to_owned())),
    }
}

/// What helm gives as the reason: its line `Error: ...` and what follows; warnings come before.
pub(crate) fn words(ended: &Ended) -> String {
    let said = String::from_utf8_lossy(&ended.stderr);
    let reason = said.rfind("Error: ").map_or("", |at| &said[at + "Error: ".len()..]);
    match clean(reason.trim_end_matches("Use --debug flag to render out invalid YAML\n")) {
        reason if reason.is_empty() => ended.words(),
        reason => reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(state: ToolState) -> Tool {
        Tool { name: "helm".into(), purpose: String::new(), path: Some("/bin/helm".into()), state }
    }

    fn works(version: &str) -> Result<Helm, HelmError> {
        Helm::judge(&tool(ToolState::Works { version: version.to_owned(), answers_as: None }))
    }

    #[test]
    fn only_a_helm_that_knows_registries_will_do() {
        assert!(works("v3.8.0").is_ok() && works("v4.3.1").is_ok());
        assert!(works("v3.13.0+g1").unwrap().labels() && !works("v3.12.9").unwrap().labels());
        let old = works("v3.7.2+g663a896").unwrap_err();
        assert_eq!(old.to_string(), "/bin/helm is helm 3.7.2+g663a896; --chart needs 3.8.0 or newer");
        assert_eq!(works("v4.3").unwrap().version, Version::new(4, 3, 0));
        assert!(works("4").unwrap_err().to_string().contains("it says `4`"));
        assert_eq!(Helm::judge(&Tool { path: None, ..tool(ToolState::Absent) }).unwrap_err(), HelmError::Absent);
        let hung = Helm::judge(&tool(ToolState::Hung { after_ms: 20_000 })).unwrap_err();
        assert!(hung.to_string().contains("within 20 s"), "{hung}");
    }

    #[test]
    fn the_reason_is_told_without_the_warnings_before_it() {
        let said = |stderr: &str| words(&Ended { code: 1, stdout: Vec::new(), stderr: stderr.as_bytes().to_vec() });
        assert_eq!(said("WARNING: old\nError: chart\nrequires kubeVersion\n"), "chart requires kubeVersion");
        assert_eq!(said("panic: x\n"), "panic: x");
    }
}
