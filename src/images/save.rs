//! Deciding what goes into an archive. Pure, but for `look`, which looks where it is to lie.

use std::fs;
use std::path::{Path, PathBuf};

use super::load::not_here;
use super::stock::{Found, Stock};
use crate::cluster::ClusterId;
use crate::clusters::{Decision, refusal, step};
use crate::doctor::Cause;
use crate::plan::task::Task;
use crate::plan::task::image::{ImageSource, Packed};
use crate::plan::{Installation, Plan, Purpose};

/// Where an archive is to lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Berth {
    /// Its whole path.
    pub file: PathBuf,
    /// Whether something lies there.
    pub taken: bool,
    /// The folder that is not there, when it is not.
    pub no_folder: Option<PathBuf>,
}

/// Looks at the place of an archive.
pub fn look(file: &Path) -> Berth {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let whole = fs::canonicalize(folder).ok().zip(file.file_name()).map(|(folder, name)| folder.join(name));
    Berth {
        taken: fs::symlink_metadata(file).is_ok(),
        no_folder: (!folder.is_dir()).then(|| folder.to_owned()),
        file: whole.unwrap_or_else(|| file.to_owned()),
    }
}

/// The plan that saves these images to a new archive. `name`: whose images they are; `place`: this machine.
pub fn decide(images: &[&str], stock: &Stock, berth: &Berth, (name, place): (&str, ClusterId)) -> Decision {
    let (mut packed, mut refusals) = (Vec::new(), Vec::new());
    refusals.extend(no_berth(berth));
    for image in images {
        match stock.of(image) {
            Found::Here(ware) if !image.contains('@') => {
                if let ImageSource::Engine { engine, name } = &ware.from {
                    let (image, name) = ((*image).to_owned(), name.clone());
                    packed.push(Packed { image, engine: engine.clone(), name, size: ware.size });
                }
            }
            found => refusals.push(not_here(image, found, stock, ", or build it")),
        }
    }
    if images.is_empty() {
        refusals.push(refusal("no-images", "NoImages", &format!("{name} needs no image"), "name another stack"));
    }
    let plan = refusals.is_empty().then(|| plan(berth, packed, (name, place)));
    Decision { plan, refusals, warnings: Vec::new() }
}

fn plan(berth: &Berth, images: Vec<Packed>, (name, place): (&str, ClusterId)) -> Plan {
    let task = Task::SaveImages { file: berth.file.clone(), images };
    let step = step(format!("save:{}", berth.file.display()), task, Vec::new());
    let file = berth.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let installation = Installation { stack: name.to_owned(), ..Installation::of_cluster("", &file, "") };
    Plan {
        purpose: Purpose::SaveImages,
        installation,
        cluster: place,
        steps: vec![step],
        reach: Vec::new(),
        occasion: None,
    }
}

fn no_berth(berth: &Berth) -> Option<Cause> {
    let file = berth.file.display();
    if let Some(folder) = &berth.no_folder {
        let message = format!("there is no folder {}", folder.display());
        return Some(refusal("no-folder", "NoFolder", &message, "make it first"));
    }
    let message = format!("{file} is there already, and no archive is ever written over");
    berth.taken.then(|| refusal("archive-exists", "Exists", &message, "choose another name, or take it away"))
}
