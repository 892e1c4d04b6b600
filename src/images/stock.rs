//! Where images are to be had on this machine: its container engines, or an archive. Only reading.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::ImageInspect;
use futures::future::join_all;

use super::archive::Archive;
use super::full_name;
use crate::error::root;
use crate::host::Surroundings;
use crate::host::engines::{self, Product};
use crate::host::text::clean;
use crate::plan::task::Door;
use crate::plan::task::image::ImageSource;

/// How long an engine may take for an answer.
const ENGINE: Duration = Duration::from_secs(10);

/// An image that is to be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ware {
    /// Where.
    pub from: ImageSource,
    /// The checksum of its configuration; `None`: the engine tells another one.
    pub id: Option<String>,
    /// Such as `linux`; empty when it does not say.
    pub os: String,
    /// Such as `amd64`; empty when it does not say.
    pub architecture: String,
    /// In bytes.
    pub size: u64,
}

/// What was found of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It is to be had.
    Here(Ware),
    /// An engine has it, but under other names, which a node would have it under, too.
    OtherName {
        /// The engine.
        engine: Door,
        /// The names.
        names: Vec<String>,
    },
    /// Nobody who was asked has it.
    Nowhere,
}

/// What was found, and who was asked.
#[derive(Debug, Clone, Default)]
pub struct Stock {
    /// By the image, as manifests name it.
    pub found: BTreeMap<String, Found>,
    /// Who was asked, in words.
    pub asked: Vec<String>,
    /// Who could not be asked, and why.
    pub silent: Vec<String>,
}

/// What an archive has of these images.
pub fn of_archive<'a>(archive: &Archive, images: impl IntoIterator<Item = &'a str>) -> Stock {
    let ware = |image: &super::archive::Archived| Ware {
        from: ImageSource::Archive { file: archive.file.clone() },
        id: Some(image.id.clone()),
        os: image.os.clone(),
        architecture: image.architecture.clone(),
        size: archive.size(image),
    };
    let found = images
        .into_iter()
        .map(|name| (name.to_owned(), archive.image(name).map_or(Found::Nowhere, |image| Found::Here(ware(image)))));
    Stock { found: found.collect(), asked: vec![archive.file.display().to_string()], silent: Vec::new() }
}

/// What the engines of this machine have of these images. The first that has one gives it: the one named most explicitly.
/// `only`: engines of this product.
pub async fn of_engines(here: &Surroundings, only: Option<Product>, images: &[&str]) -> Stock {
    let (engines, unusable) = engines::look(here, ENGINE).await;
    let silent = unusable.iter().filter(|engine| engine.is_noteworthy()).map(ToString::to_string).collect();
    let mut stock = Stock { silent, ..Stock::default() };
    for image in images {
        stock.found.insert((*image).to_owned(), Found::Nowhere);
    }
    for engine in engines.iter().filter(|engine| only.is_none_or(|only| engine.product == only)) {
        let door = Door::of(engine);
        match ask(here, &door, images).await {
            Ok(found) => {
                stock.asked.push(door.to_string());
                for (image, found) in found {
                    stock.add(image, found);
                }
            }
            Err(why) => stock.silent.push(format!("{door}: {why}")),
        }
    }
    stock
}

impl Stock {
    fn add(&mut self, image: String, found: Found) {
        let better = match self.found.get(&image) {
            Some(Found::Here(_)) => false,
            Some(Found::OtherName { .. }) => matches!(found, Found::Here(_)),
            Some(Found::Nowhere) | None => true,
        };
        if better {
            self.found.insert(image, found);
        }
    }

    /// What was found of an image.
    pub fn of(&self, image: &str) -> &Found {
        self.found.get(image).unwrap_or(&Found::Nowhere)
    }
}

async fn ask(here: &Surroundings, door: &Door, images: &[&str]) -> Result<Vec<(String, Found)>, String> {
    let docker = engines::open(here, &door.url, ENGINE).await.map_err(|fault| fault.to_string())?;
    let asked = images.iter().map(|image| one(&docker, door, image));
    join_all(asked).await.into_iter().collect()
}

async fn one(docker: &Docker, door: &Door, image: &str) -> Result<(String, Found), String> {
    let found = match docker.inspect_image(image).await {
        Ok(inspected) => judge(door, image, inspected),
        Err(Error::DockerResponseServerError { status_code: 404, .. }) => Found::Nowhere,
        Err(error) => return Err(clean(&root(&error))),
    };
    Ok((image.to_owned(), found))
}

/// An engine finds an image under names that are short for another one (Podman: `localhost/`); a node does not.
fn judge(door: &Door, image: &str, inspected: ImageInspect) -> Found {
    let wanted = full_name(image);
    let names = inspected.repo_tags.unwrap_or_default();
    let Some(name) = names.iter().find(|name| full_name(name) == wanted) else {
        let names = names.iter().map(|name| clean(name)).collect();
        return Found::OtherName { engine: door.clone(), names };
    };
    // With containerd as its store Docker calls the digest of the manifest an image's id, which no node does (API 1.48,
    // `Descriptor`).
    let id = inspected.id.filter(|_| inspected.descriptor.is_none());
    Found::Here(Ware {
        from: ImageSource::Engine { engine: door.clone(), name: name.clone() },
        id: id.map(|id| format!("sha256:{}", id.trim_start_matches("sha256:"))),
        os: inspected.os.unwrap_or_default(),
        architecture: inspected.architecture.unwrap_or_default(),
        size: inspected.size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default(),
    })
}
