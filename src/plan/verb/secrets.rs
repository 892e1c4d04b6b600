//! Secrets: into a file that only the holders of keys can read, and back.

use serde::{Deserialize, Serialize};

/// Something done with the Secrets of a namespace and a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// Of which namespace; `None`: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The encrypted file on this machine. Beside it lies a list of what is in it, which is written last.
    pub file: String,
    /// What is done.
    #[serde(flatten)]
    pub act: SecretsAct,
}

/// What is done with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum SecretsAct {
    /// Writes them into the file, in the format of age (`age-encryption.org/v1`).
    Save {
        /// Public keys: `age1...`. Whoever has the key to one of them can read the file.
        recipients: Vec<String>,
    },
    /// Makes those in the file that are not in the cluster. What is there is never changed.
    Bring {
        /// The file with the key. A path: no key gets into a journal.
        identity: String,
    },
}

impl Secrets {
    fn place(&self) -> String {
        self.namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), |name| format!("namespace {name}"))
    }

    /// The word for a step's id.
    pub(super) fn id(&self) -> &'static str {
        match self.act {
            SecretsAct::Save { .. } => "save-secrets",
            SecretsAct::Bring { .. } => "bring-secrets",
        }
    }

    /// What it does, for people.
    pub(super) fn title(&self) -> String {
        match self.act {
            SecretsAct::Save { .. } => format!("save the Secrets of {}, encrypted", self.place()),
            SecretsAct::Bring { .. } => format!("make the Secrets of {} that are gone", self.place()),
        }
    }

    /// What must be so before it is done.
    pub(super) fn gate(&self) -> &'static str {
        match self.act {
            SecretsAct::Save { .. } => "they may be read",
            SecretsAct::Bring { .. } => "the key opens the file",
        }
    }

    /// What is observed when it is done.
    pub(super) fn proof(&self) -> &'static str {
        match self.act {
            SecretsAct::Save { .. } => "the file is read again and is what was written; a list says what is in it",
            SecretsAct::Bring { .. } => "each of them is there; those that were there are as they were",
        }
    }

    /// Whether it writes to the cluster.
    pub(super) fn writes(&self) -> bool {
        matches!(self.act, SecretsAct::Bring { .. })
    }

    /// The commands that do the same.
    pub(super) fn commands(&self) -> String {
        let scope = self.namespace.as_ref().map_or_else(|| " -A".to_owned(), |name| format!(" -n {name}"));
        match &self.act {
            SecretsAct::Save { recipients } => {
                let keys: Vec<String> = recipients.iter().map(|key| format!("-r {key}")).collect();
                format!("kubectl get secrets{scope} -o json | age {} > {}", keys.join(" "), self.file)
            }
            // `create` leaves those that are there; in our file no object has the fields that the server writes.
            SecretsAct::Bring { identity } => format!("age -d -i {identity} {} | kubectl create -f -", self.file),
        }
    }
}
