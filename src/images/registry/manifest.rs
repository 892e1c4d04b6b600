//! What a manifest says. Source: OCI Image Format Specification 1.1, and Docker's "Image Manifest Version 2, Schema 2". Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::object::items;

/// What lies under a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Manifest {
    /// Images for these architectures.
    Index(BTreeSet<String>),
    /// One, whose configuration has this digest.
    Image { configuration: String },
}

impl Manifest {
    pub(super) fn read(body: &[u8]) -> Result<Self, String> {
        let manifest: Value = serde_json::from_slice(body).map_err(|_| "what it answers is no manifest".to_owned())?;
        if manifest["manifests"].is_array() {
            // What is attached to an image (signatures, how it was built) is `unknown`.
            let linux = items(&manifest, "/manifests").filter(|one| one["platform"]["os"] == "linux");
            let known = linux.filter_map(|one| one["platform"]["architecture"].as_str());
            return Ok(Self::Index(known.map(str::to_owned).collect()));
        }
        let configuration = manifest["config"]["digest"].as_str().ok_or("what it answers is no manifest of today")?;
        Ok(Self::Image { configuration: configuration.to_owned() })
    }
}

/// The architecture in an image's configuration.
pub(super) fn architecture(body: &[u8]) -> Option<String> {
    let configuration: Value = serde_json::from_slice(body).ok()?;
    configuration["architecture"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}
