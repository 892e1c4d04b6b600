//! Makes a bundle of what was read: decides which files there are, hides what is secret, and looks over all of it once more. Pure.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::manifest::{self, About, Manifest};
use super::redact::tree::{Place, Tree};
use super::redact::{Known, Redactor, Rule, Sealer, Values};
use super::{Bundle, Gap, Material, Options, Packed, name, safe, texts};
use crate::error::{Class, Explain};
use crate::object::{ObjectRef, text};
use crate::snapshot::Snapshot;

/// Where the evidence is, which `doctor --from` reads.
pub const EVIDENCE: &str = "evidence.json";
/// What the server keeps for itself, and repeats the object in a form that nobody reads.
const BOOKKEEPING: &str = "managedFields";

/// Why a bundle was not made.
#[derive(Debug, thiserror::Error)]
pub enum Leak {
    /// A secret would still be in it.
    #[error("{file}:{line}: the rule `{rule}` still finds a secret; nothing was written")]
    Left {
        /// File of the bundle.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What found it.
        rule: Rule,
    },
    /// A file cannot be put into its form.
    #[error("{file} of the bundle cannot be written: {why}")]
    Unwritable {
        /// File of the bundle.
        file: String,
        /// What the form does not allow.
        why: String,
    },
}

impl Explain for Leak {
    fn id(&self) -> &'static str {
        match self {
            Self::Left { .. } => "bundle-leak",
            Self::Unwritable { .. } => "bundle-form",
        }
    }

    fn class(&self) -> Class {
        Class::Failed
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Left { .. } => {
                "name a stack or a namespace to leave that file out, and report the rule and the kind of file"
                    .to_owned()
            }
            Self::Unwritable { .. } => "name a stack or a namespace to leave that object out".to_owned(),
        })
    }
}

/// What the doctor found, as text and as data.
pub struct Findings {
    /// For people.
    pub text: String,
    /// For programs.
    pub document: Value,
}

/// Makes a bundle, and takes all secrets out of it.
///
/// # Errors
/// When a secret would still be in it, or a file cannot be put into its form.
#[expect(clippy::needless_pass_by_value, reason = "it holds all secrets, and nobody is to have it afterwards")]
pub fn pack(material: Material, findings: Option<Findings>, options: Options, sealer: Sealer) -> Result<Bundle, Leak> {
    let known = known(&material.objects);
    let known_values = known.len();
    let redactor = Redactor::new(sealer, known);
    let mut gaps = material.gaps.clone();
    gaps.extend(blind(&material));
    for gap in &mut gaps {
        (gap.what, gap.why) = (redactor.text(&gap.what).text, redactor.text(&gap.why).text);
    }
    let mut press = Press { redactor: &redactor, options, files: Vec::new() };
    press.evidence(&material)?;
    if let Some(findings) = findings {
        press.structured("findings.json", findings.document)?;
        press.plain("findings.txt", &findings.text);
    }
    press.structured("versions.json", versions(&material))?;
    press.objects(&material)?;
    press.logs(&material);
    for (run, text) in &material.runs {
        press.journal(run, text)?;
    }
    press.plain("unread.txt", &texts::unread(&gaps));
    let mut files = press.files;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    // A password may be a part of what things are called.
    for place in files.iter_mut().flat_map(|file| &mut file.hidden) {
        place.at = redactor.text(&place.at).text;
    }
    let about = About {
        taken: material.taken,
        cluster: &material.cluster,
        namespace: material.namespace.as_deref(),
        with_config: options.with_config,
        known_values,
        gaps: &gaps,
    };
    let manifest = serde_json::to_string_pretty(&Manifest::of(&about, &files));
    let text = manifest.map_err(|error| unwritable(manifest::FILE, error.to_string()))? + "\n";
    files.push(Packed { path: manifest::FILE.to_owned(), text, hidden: Vec::new() });
    look_again(&redactor, &files)?;
    let name = redactor.text(&name(&material.cluster.context, material.taken)).text;
    Ok(Bundle { name: safe(&name), taken: material.taken, files, gaps })
}

fn unwritable(file: &str, why: String) -> Leak {
    Leak::Unwritable { file: file.to_owned(), why }
}

/// The values of all Secrets that could be read, without what other things are called.
fn known(objects: &Snapshot) -> Known {
    let mut values = Values::default();
    for secret in objects.of_kind("", "Secret") {
        // Helm keeps whole releases there, packed.
        if text(secret, "/type") == Some("helm.sh/release.v1") {
            continue;
        }
        for (key, value) in secret["data"].as_object().into_iter().flatten() {
            let bytes: Result<k8s_openapi::ByteString, _> = serde_json::from_value(value.clone());
            if let Some(value) = bytes.ok().and_then(|bytes| String::from_utf8(bytes.0).ok()) {
                values.take(key, &value);
            }
        }
    }
    values.forget(objects.objects().filter_map(|object| text(object, "/metadata/name")));
    Known::of(values)
}

/// That values could not be looked for, because Secrets may not be read.
fn blind(material: &Material) -> Option<Gap> {
    let unread = material.gaps.iter().find(|gap| gap.what.starts_with("Secret"))?;
    let what = "values of Secrets, to hide them wherever they stand";
    Some(Gap::new(what, format!("what has the shape of a secret is hidden all the same: {}", unread.why)))
}

fn versions(material: &Material) -> Value {
    json!({
        "seaworthy": env!("CARGO_PKG_VERSION"),
        "kubernetes": material.cluster.version,
        "context": material.cluster.context,
        "server": material.cluster.server,
        "uid": material.cluster.uid,
        "taken": material.taken,
        "namespace": material.namespace,
    })
}

/// Something that was hidden by itself may make another thing visible: what goes out is looked at as it goes out.
fn look_again(redactor: &Redactor, files: &[Packed]) -> Result<(), Leak> {
    for file in files {
        for text in [&file.path, &file.text] {
            if let Some((line, rule)) = redactor.still_there(text).first() {
                return Err(Leak::Left { file: file.path.clone(), line: *line, rule });
            }
        }
    }
    Ok(())
}

fn is_json(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ending| ending == "json")
}

/// Puts files into their forms.
struct Press<'a> {
    redactor: &'a Redactor,
    options: Options,
    files: Vec<Packed>,
}

impl Press<'_> {
    fn add(&mut self, path: &str, text: &str, mut hidden: Vec<Place>) {
        let left = self.redactor.text(text);
        // A form for programs stays one, whatever the text alone looks like.
        let breaks = is_json(path) && !left.hidden.is_empty() && serde_json::from_str::<Value>(&left.text).is_err();
        let text = if breaks { text.to_owned() } else { left.text };
        if !breaks {
            let place = |hidden: super::redact::Hidden| Place {
                at: format!("line {}", hidden.line),
                rule: hidden.rule,
                token: Some(hidden.token),
            };
            hidden.extend(left.hidden.into_iter().map(place));
        }
        let path = path.split('/').map(|part| safe(&self.redactor.text(part).text)).collect::<Vec<_>>().join("/");
        self.files.push(Packed { path, text, hidden });
    }

    fn plain(&mut self, path: &str, text: &str) {
        self.add(path, text, Vec::new());
    }

    fn structured(&mut self, path: &str, mut document: Value) -> Result<(), Leak> {
        let mut tree = Tree::new(self.redactor, self.options.with_config);
        tree.clean(&mut document, "");
        let text = serde_json::to_string_pretty(&document).map_err(|error| unwritable(path, error.to_string()))? + "\n";
        let hidden = tree.hidden;
        self.add(path, &text, hidden);
        Ok(())
    }

    /// As `doctor --save` writes it.
    fn evidence(&mut self, material: &Material) -> Result<(), Leak> {
        let Some(evidence) = &material.evidence else { return Ok(()) };
        let mut document =
            crate::doctor::evidence::document(evidence).map_err(|error| unwritable(EVIDENCE, error.to_string()))?;
        let mut tree = Tree::new(self.redactor, self.options.with_config);
        if let Some(items) = document.get_mut("items").and_then(Value::as_array_mut) {
            for item in items {
                let place = place(item);
                // Its values were emptied when it was taken.
                tree.clean(item, &place);
            }
        }
        let items = document.as_object_mut().and_then(|map| map.shift_remove("items"));
        tree.clean(&mut document, "");
        document["items"] = items.unwrap_or_default();
        let text = serde_json::to_string(&document).map_err(|error| unwritable(EVIDENCE, error.to_string()))? + "\n";
        let hidden = tree.hidden;
        self.add(EVIDENCE, &text, hidden);
        Ok(())
    }

    fn objects(&mut self, material: &Material) -> Result<(), Leak> {
        let known = material.evidence.as_ref().map_or(&material.objects, |evidence| &evidence.snapshot);
        self.plain("nodes.txt", &texts::nodes(known));
        let here = |namespace: Option<&str>| {
            namespace.is_none() || material.namespace.is_none() || namespace == material.namespace.as_deref()
        };
        for (namespace, text) in texts::events(known) {
            if here(Some(&namespace)) {
                self.plain(&format!("events/{namespace}.txt"), &text);
            }
        }
        let mut groups: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
        for object in material.objects.objects() {
            let Some(reference) = ObjectRef::of(object).filter(|reference| here(reference.namespace.as_deref())) else {
                continue;
            };
            let folder = reference.namespace.as_deref().unwrap_or("_cluster");
            let group = reference.group();
            let group = if group.is_empty() || crate::kinds::is_builtin_group(&reference.api_version) {
                String::new()
            } else {
                format!(".{group}")
            };
            groups.entry(format!("objects/{folder}/{}{group}.yaml", reference.kind)).or_default().push(object);
        }
        groups.into_iter().try_for_each(|(path, objects)| self.manifests(&path, &objects))
    }

    fn manifests(&mut self, path: &str, objects: &[&Value]) -> Result<(), Leak> {
        let mut tree = Tree::new(self.redactor, self.options.with_config);
        let mut text = String::new();
        for object in objects {
            let mut object = (*object).clone();
            if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
                metadata.shift_remove(BOOKKEEPING);
            }
            let place = place(&object);
            tree.clean(&mut object, &place);
            let yaml = serde_yaml::to_string(&object).map_err(|error| unwritable(path, format!("{place}{error}")))?;
            text.push_str("---\n");
            text.push_str(yaml.trim_end());
            text.push('\n');
        }
        let hidden = tree.hidden;
        self.add(path, &text, hidden);
        Ok(())
    }

    fn logs(&mut self, material: &Material) {
        for log in &material.logs {
            let before = if log.previous { ".previous" } else { "" };
            let path = format!("logs/{}/{}/{}{before}.log", log.namespace, log.pod, log.container);
            let cut = log.cut.as_ref().map_or_else(String::new, |cut| format!("[seaworthy: {cut}]\n"));
            self.plain(&path, &(cut + &log.text));
        }
    }

    /// A journal is one object a line; what a kill has cut off is text.
    fn journal(&mut self, run: &str, text: &str) -> Result<(), Leak> {
        let path = format!("runs/{run}.jsonl");
        let mut tree = Tree::new(self.redactor, self.options.with_config);
        let mut lines = String::new();
        for (number, line) in text.lines().enumerate() {
            match serde_json::from_str::<Value>(line) {
                Ok(mut entry) => {
                    tree.clean(&mut entry, &format!("line {}: ", number + 1));
                    lines.push_str(
                        &serde_json::to_string(&entry).map_err(|error| unwritable(&path, error.to_string()))?,
                    );
                }
                Err(_) => lines.push_str(line),
            }
            lines.push('\n');
        }
        let hidden = tree.hidden;
        self.add(&path, &lines, hidden);
        Ok(())
    }
}

fn place(object: &Value) -> String {
    ObjectRef::of(object).map_or_else(String::new, |reference| format!("{reference}: "))
}
