use std::path::Path;

use crate::images::archive::send::send;
use crate::images::archive::testing::{Part, both, docker_20, file, tar};
use crate::images::archive::write::Writer;
use crate::images::archive::{ArchiveError, check, open};

/// An archive of ours, of two images.
fn ours(folder: &Path) -> Vec<u8> {
    let path = folder.join("ours.tar");
    let mut writer = Writer::new(std::fs::File::create(&path).unwrap());
    writer.take(tar(&docker_20()).as_slice(), &both()).unwrap();
    writer.finish().unwrap();
    std::fs::read(&path).unwrap()
}

fn judge(bytes: &[u8]) -> Result<(), ArchiveError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tar");
    std::fs::write(&path, bytes).unwrap();
    check(&open(&path)?)
}

fn said(bytes: &[u8]) -> String {
    let text = judge(bytes).unwrap_err().to_string();
    let (file, why) = text.split_once(": ").unwrap();
    assert!(file.ends_with("/a.tar"), "{text}");
    why.to_owned()
}

/// Every file of an archive, in its order.
fn parts(bytes: &[u8]) -> Vec<Part> {
    let mut parts = Vec::new();
    for entry in tar::Archive::new(bytes).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut text).unwrap();
        parts.push(file(&name, text));
    }
    parts
}

fn name(part: &Part) -> &str {
    let (Part::File(name, _) | Part::Link(name, _)) = part;
    name
}

/// The archive with one file changed.
fn with(bytes: &[u8], which: &str, change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let changed = parts(bytes).into_iter().map(|part| match part {
        Part::File(name, text) if name == which => Part::File(name, change(&text)),
        part => part,
    });
    tar(&changed.collect::<Vec<_>>())
}

fn replace(from: &str, to: &str) -> impl Fn(&[u8]) -> Vec<u8> {
    move |text| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        text.replace(from, to).into_bytes()
    }
}

#[test]
fn what_docker_saves_is_checked_by_what_the_configurations_say() {
    judge(&tar(&docker_20())).unwrap();
    let mut altered = docker_20();
    altered[3] = file("bb/layer.tar", "another");
    assert!(said(&tar(&altered)).starts_with("bb/layer.tar: its checksum is "), "{}", said(&tar(&altered)));
}

#[test]
fn no_byte_of_a_blob_can_change_unnoticed() {
    let folder = tempfile::tempdir().unwrap();
    let whole = ours(folder.path());
    for part in parts(&whole) {
        let entry = name(&part).to_owned();
        let altered = with(&whole, &entry, |text| {
            let mut text = text.to_vec();
            // A letter of a value, so that what is JSON stays JSON as often as can be.
            let place = text.len() / 2;
            text[place] ^= 1;
            text
        });
        let said = said(&altered);
        assert!(said.contains(entry.trim_start_matches("./")) || entry == "images.json", "{entry}: {said}");
    }
}

#[test]
fn an_archive_that_is_cut_off_anywhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = ours(folder.path());
    let end = whole.len() - 1024;
    for length in (0..end).step_by(512).chain([1, end - 1, 700]) {
        let said = said(&whole[..length]);
        let known = ["it is empty", "it is cut off", "cut off", "it is no tar archive, or damaged", "unexpected EOF"];
        assert!(known.iter().any(|words| said.contains(words)), "{length}: {said}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let whole = ours(folder.path());
    for part in parts(&whole).iter().filter(|part| name(part) != "images.json" && name(part) != "index.json") {
        let rest: Vec<Part> = parts(&whole).into_iter().filter(|other| name(other) != name(part)).collect();
        let said = said(&tar(&rest));
        assert!(said.contains(name(part)) && !said.contains("checksum is"), "{}: {said}", name(part));
    }
}

#[test]
fn descriptions_that_were_exchanged_do_not_pass() {
    let folder = tempfile::tempdir().unwrap();
    let whole = ours(folder.path());
    let renamed = with(&whole, "manifest.json", replace("quay.io/x/two:2", "quay.io/x/two:3"));
    assert!(said(&renamed).starts_with("manifest.json: its checksum is "), "{}", said(&renamed));
    let listed = with(&whole, "images.json", replace("quay.io/x/two:2", "quay.io/x/two:3"));
    assert_eq!(said(&listed), "images.json: it does not say of quay.io/x/two:2 what manifest.json says");
}

#[test]
fn a_foreign_file_is_named_for_what_it_is() {
    assert_eq!(said(b""), "it is empty");
    assert_eq!(said(b"\x1f\x8b\x08\x00\x00\x00\x00"), "it is compressed; unpack it first with `gunzip`");
    assert!(
        said(b"PK\x03\x04 something else entirely").contains("it is no tar archive, or damaged, after its beginning")
    );
    let tarball = tar(&[file("README", "hello")]);
    assert_eq!(said(&tarball), "it has no manifest.json: it is no archive of images, or cut off");
    assert!(said(&tar(&[file("manifest.json", "hello")])).starts_with("manifest.json: it cannot be understood"));
    assert_eq!(said(&tar(&[file("manifest.json", "[]")])), "manifest.json: it names no image");
    let missing = tar(&[file("manifest.json", r#"[{"Config":"x.json","Layers":[]}]"#)]);
    assert_eq!(said(&missing), "x.json: it is not in the archive");
}

#[test]
fn one_image_of_an_archive_is_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let docker = folder.path().join("docker.tar");
    std::fs::write(&docker, tar(&docker_20())).unwrap();
    ours(folder.path());
    let mut sent = Vec::new();
    for path in [docker, folder.path().join("ours.tar")] {
        let archive = open(&path).unwrap();
        let image = archive.image("quay.io/x/two:2").unwrap();
        let mut bytes = Vec::new();
        send(&archive, image, "quay.io/x/two:2", &mut bytes).unwrap();
        judge(&bytes).unwrap();
        sent.push(bytes);
    }
    assert_eq!(sent[0], sent[1], "whoever saved it");
    assert!(parts(&sent[0]).iter().any(|part| name(part) == "index.json"));
}

#[test]
fn an_archive_that_changes_after_the_check_is_not_sent_on() {
    let folder = tempfile::tempdir().unwrap();
    let whole = ours(folder.path());
    let path = folder.path().join("ours.tar");
    let archive = open(&path).unwrap();
    let image = archive.image("one:1").unwrap();
    let place = archive.entries[&image.layers[1].0];
    let mut altered = whole;
    altered[usize::try_from(place.offset).unwrap() + 10] ^= 1;
    std::fs::write(&path, altered).unwrap();
    let said = send(&archive, image, "docker.io/library/one:1", &mut Vec::new()).unwrap_err().to_string();
    assert!(said.ends_with("it is not any more what it was when it was checked"), "{said}");
}
