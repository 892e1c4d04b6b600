use std::io::Cursor;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;
use crate::images::archive::testing::{Part, both, config, docker_20, file, layer, tar};
use crate::images::archive::{Archive, check, open};

fn write(folder: &Path, export: &[u8]) -> Result<PathBuf, Flaw> {
    let path = folder.join("images.tar");
    let mut writer = Writer::new(File::create(&path).unwrap());
    writer.take(Cursor::new(export), &both())?;
    writer.finish()?;
    Ok(path)
}

fn summary(archive: &Archive) -> Vec<(Vec<String>, usize)> {
    archive.images.iter().map(|image| (image.names.clone(), image.layers.len())).collect()
}

fn flaw(export: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    match write(folder.path(), export).unwrap_err() {
        Flaw::Io(error) => error.to_string(),
        Flaw::Whole(why) => why,
        Flaw::Entry(entry, why) => format!("{entry}: {why}"),
    }
}

#[test]
fn an_export_becomes_an_archive_in_which_every_layer_lies_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &tar(&docker_20())).unwrap();
    let archive = open(&path).unwrap();
    check(&archive).unwrap();
    let wanted = [(vec!["docker.io/library/one:1".to_owned()], 2), (vec!["quay.io/x/two:2".to_owned()], 2)];
    assert_eq!(summary(&archive), wanted);
    let names: Vec<&str> = archive.entries.keys().map(String::as_str).collect();
    let blobs = names.iter().filter(|name| name.starts_with(BLOBS)).count();
    assert_eq!(blobs, 3 + 2 + 2, "three layers, two configurations, two manifests: {names:?}");
    assert_eq!(names.len(), blobs + 4);
}

#[test]
fn the_same_export_makes_the_same_archive() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let texts =
        folders.each_ref().map(|folder| std::fs::read(write(folder.path(), &tar(&docker_20())).unwrap()).unwrap());
    assert_eq!(texts[0], texts[1]);
    // A reader of whole records finds two empty ones at its end.
    assert!(texts[0].len() % 512 == 0 && texts[0].ends_with(&[0; 1024]));
}

#[test]
fn what_was_saved_is_saved_again_from_the_archive() {
    let folder = tempfile::tempdir().unwrap();
    let first = std::fs::read(write(folder.path(), &tar(&docker_20())).unwrap()).unwrap();
    let again = std::fs::read(write(folder.path(), &first).unwrap()).unwrap();
    assert_eq!(first, again);
}

#[test]
fn large_layers_are_written_as_they_come_and_dropped_when_they_came_before() {
    let large = layer(&"x".repeat(2_000_000));
    let text = config("arm64", &[&large, &large]);
    let name = format!("{}.json", checksum(&text));
    let row = |tag: &str| json!({"Config": name, "RepoTags": [tag], "Layers": ["a/layer.tar", "b/layer.tar"]});
    let parts = [
        file("a/layer.tar", &large),
        file("b/layer.tar", &large),
        file(&name, &text),
        file("manifest.json", json!([row("one:1"), row("quay.io/x/two:2")]).to_string()),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &tar(&parts)).unwrap();
    let length = std::fs::metadata(&path).unwrap().len();
    assert!(length > 2_000_000 && length < 2_100_000, "{length}");
    let archive = open(&path).unwrap();
    check(&archive).unwrap();
    assert_eq!(archive.images[0].architecture, "arm64");
}

#[test]
fn an_export_that_is_not_whole_is_no_archive() {
    let without = |name: &str| -> Vec<u8> {
        let keep = |part: &Part| !matches!(part, Part::File(file, _) if file == name);
        tar(&docker_20().into_iter().filter(keep).collect::<Vec<_>>())
    };
    assert_eq!(flaw(&without("manifest.json")), "the engine's export has no manifest.json");
    assert_eq!(flaw(&without("dd/layer.tar")), "dd/layer.tar: the engine's export names it, and does not hold it");
    let whole = tar(&docker_20());
    for length in [700, 1500, 3000] {
        let said = flaw(&whole[..length]);
        assert!(said.starts_with("the engine's export broke off, or is damaged: "), "{length}: {said}");
    }
    let other = tar(&[file("manifest.json", "[]")]);
    assert_eq!(flaw(&other), "the engine's export does not hold one:1");
}

#[test]
fn a_layer_that_is_not_what_the_configuration_says_is_refused() {
    let mut parts = docker_20();
    parts[3] = file("bb/layer.tar", layer("another"));
    let said = flaw(&tar(&parts));
    assert!(
        said.starts_with("bb/layer.tar: its checksum is ") && said.contains("the image's configuration says"),
        "{said}"
    );
}
