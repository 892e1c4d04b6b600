//! Archives as engines write them, made in memory.

use std::collections::BTreeMap;

use serde_json::json;

use super::sum::checksum;

/// A file or a link of a tar.
pub(crate) enum Part {
    File(String, Vec<u8>),
    Link(String, String),
}

pub(crate) fn file(name: &str, text: impl AsRef<[u8]>) -> Part {
    Part::File(name.to_owned(), text.as_ref().to_vec())
}

pub(crate) fn tar(parts: &[Part]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for part in parts {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        match part {
            Part::File(name, text) => {
                header.set_size(text.len() as u64);
                tar.append_data(&mut header, name, text.as_slice()).unwrap();
            }
            Part::Link(name, target) => {
                header.set_size(0);
                header.set_entry_type(tar::EntryType::Symlink);
                tar.append_link(&mut header, name, target).unwrap();
            }
        }
    }
    tar.into_inner().unwrap()
}

/// Layers of a given content: what is in them matters to nobody here.
pub(crate) fn layer(content: &str) -> Vec<u8> {
    tar(&[file("etc/release", content)])
}

pub(crate) fn config(architecture: &str, layers: &[&[u8]]) -> Vec<u8> {
    let ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", checksum(layer))).collect();
    json!({"architecture": architecture, "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": ids}})
        .to_string()
        .into_bytes()
}

/// As Docker 20.10 saves two images that share their lowest layer: a folder for each layer, and a link where it was saved
/// already.
pub(crate) fn docker_20() -> Vec<Part> {
    let (base, one, two) = (layer("base"), layer("one"), layer("two"));
    let configs = [config("amd64", &[&base, &one]), config("amd64", &[&base, &two])];
    let names: Vec<String> = configs.iter().map(|config| format!("{}.json", checksum(config))).collect();
    let manifest = json!([
        {"Config": names[0], "RepoTags": ["one:1"], "Layers": ["aa/layer.tar", "bb/layer.tar"]},
        {"Config": names[1], "RepoTags": ["quay.io/x/two:2"], "Layers": ["cc/layer.tar", "dd/layer.tar"]},
    ]);
    vec![
        file("aa/VERSION", "1.0"),
        file("aa/json", "{}"),
        file("aa/layer.tar", base),
        file("bb/layer.tar", one),
        Part::Link("cc/layer.tar".to_owned(), "../aa/layer.tar".to_owned()),
        file("dd/layer.tar", two),
        file(&names[0], &configs[0]),
        file(&names[1], &configs[1]),
        file("manifest.json", manifest.to_string()),
        file("repositories", "{}"),
    ]
}

/// Both of them, by their whole names.
pub(crate) fn both() -> BTreeMap<String, String> {
    let pair = |whole: &str, name: &str| (whole.to_owned(), name.to_owned());
    BTreeMap::from([pair("docker.io/library/one:1", "one:1"), pair("quay.io/x/two:2", "quay.io/x/two:2")])
}
