//! The settings of a stack while somebody fills them in. What is allowed is the schema's business; this only keeps what
//! was typed, and asks the stack what it thinks of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use seaworthy::engine::record::InstallRecord;
use seaworthy::sandbox::Kind;
use seaworthy::stack::path::Way;
use seaworthy::stack::values::HIDDEN;
use seaworthy::stack::{Choices, Fault, FaultKind, Setting, Severity, Stack, Text, Values};

/// A stack's settings, and what was typed.
#[derive(Clone)]
pub(crate) struct Form {
    stack: Arc<Stack>,
    /// What the command line and loaded files say.
    base: Choices,
    /// Whether the first `--set` of it says which registry was chosen for all images.
    has_registry: bool,
    settings: Vec<Setting>,
    /// What was typed, by the number of the setting. Secrets too, which never leave through anything but `choices`.
    typed: BTreeMap<usize, String>,
    values: Option<Values>,
    /// With the number of the setting each is about, where there is one.
    faults: Vec<(Option<usize>, Fault)>,
}

impl Form {
    /// With nothing typed yet.
    pub(crate) fn new(stack: Arc<Stack>, base: Choices) -> Self {
        let settings = stack.settings();
        let mut form = Self {
            stack,
            base,
            has_registry: false,
            settings,
            typed: BTreeMap::new(),
            values: None,
            faults: Vec::new(),
        };
        form.check();
        form
    }

    pub(crate) fn stack(&self) -> &Arc<Stack> {
        &self.stack
    }

    pub(crate) fn settings(&self) -> &[Setting] {
        &self.settings
    }

    pub(crate) fn profile(&self) -> &str {
        self.base.profile.as_deref().unwrap_or(self.stack.definition().default_profile())
    }

    pub(crate) fn set_profile(&mut self, profile: &str) {
        self.base.profile = Some(profile.to_owned());
        self.check();
    }

    /// Begins with what was recorded of an installation, as if it had been typed, but for secrets: nobody has recorded those.
    pub(crate) fn begin_with(&mut self, record: &InstallRecord) {
        if self.base.profile.is_none() && self.stack.definition().profiles.contains_key(&record.installation.profile) {
            self.base.profile = Some(record.installation.profile.clone());
        }
        for (index, setting) in self.settings.iter().enumerate().filter(|(_, setting)| !setting.secret) {
            let place = format!("/{}", setting.path.replace('.', "/"));
            if let Some(value) = record.inputs.said().pointer(&place) {
                self.typed.entry(index).or_insert_with(|| Setting::write(value));
            }
        }
        self.check();
        // What is so anyway was said by nobody.
        let usual = self.stack.values(&self.base).ok();
        let settings = &self.settings;
        self.typed.retain(|index, text| {
            let value = usual.as_ref().and_then(|values| values.get(&settings[*index].path));
            value.map(Setting::write).as_ref() != Some(text)
        });
        self.check();
    }

    /// Where the images come from was answered, perhaps otherwise than before: the registry of all of them, and whether the stack's example
    /// answers what has no default.
    pub(crate) fn set_origin(&mut self, registry: Option<&str>, example: bool) {
        if self.has_registry {
            self.base.set.remove(0);
        }
        let before = self.base.set.len();
        self.base.take_registry(&self.stack, registry);
        self.has_registry = self.base.set.len() > before;
        self.base.example = example;
        self.check();
    }

    /// The setting now has this text.
    pub(crate) fn put(&mut self, index: usize, text: &str) {
        if self.text(index) == text {
            return;
        }
        self.typed.insert(index, text.to_owned());
        self.check();
    }

    /// The setting is as it was before anything was typed.
    pub(crate) fn undo(&mut self, index: usize) {
        self.typed.remove(&index);
        self.check();
    }

    /// What was typed for a setting, a secret too.
    pub(crate) fn typed(&self, index: usize) -> Option<String> {
        self.typed.get(&index).cloned()
    }

    pub(crate) fn is_typed(&self, index: usize) -> bool {
        self.typed.contains_key(&index)
    }

    /// The value of a setting as one would type it; a secret only says whether it is there.
    pub(crate) fn shown(&self, index: usize) -> String {
        let setting = &self.settings[index];
        let text = self.text(index);
        if setting.secret && !text.is_empty() { HIDDEN.to_owned() } else { text }
    }

    /// What an editor begins with: a secret is typed anew.
    pub(crate) fn editable(&self, index: usize) -> String {
        if self.settings[index].secret { String::new() } else { self.text(index) }
    }

    fn text(&self, index: usize) -> String {
        let value = || self.values.as_ref()?.get(&self.settings[index].path).map(Setting::write);
        self.typed.get(&index).cloned().or_else(value).unwrap_or_default()
    }

    /// What is wrong with a setting, errors first.
    pub(crate) fn faults_of(&self, index: usize) -> impl Iterator<Item = &Fault> {
        let of = move |severity| {
            let those =
                self.faults.iter().filter(move |(about, fault)| *about == Some(index) && fault.severity == severity);
            those.map(|(_, fault)| fault)
        };
        of(Severity::Error).chain(of(Severity::Warning))
    }

    /// What is wrong and belongs to no single setting.
    pub(crate) fn other_faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().filter(|(about, _)| about.is_none()).map(|(_, fault)| fault)
    }

    /// How many errors there are, and the first setting that has one.
    pub(crate) fn errors(&self) -> (usize, Option<usize>) {
        let errors = || self.faults.iter().filter(|(_, fault)| fault.severity == Severity::Error);
        (errors().count(), errors().find_map(|(about, _)| *about))
    }

    /// Everything that was said about the values, for the stack to take.
    pub(crate) fn choices(&self) -> Choices {
        self.read().0
    }

    /// What was typed as choices, and what could not be read.
    fn read(&self) -> (Choices, Vec<Fault>) {
        let mut choices = self.base.clone();
        let mut faults = Vec::new();
        for (index, text) in &self.typed {
            let setting = &self.settings[*index];
            if setting.secret {
                choices.secrets.push((setting.path.clone(), text.clone()));
                continue;
            }
            match setting.read(text) {
                Ok(value) => choices.typed.push((setting.path.clone(), value)),
                Err(why) => {
                    let fault = Fault::nowhere(FaultKind::WrongType, format!("cannot be read: {why}"));
                    faults.push(fault.on(Way::dotted(&setting.path)));
                }
            }
        }
        (choices, faults)
    }

    fn check(&mut self) {
        let (choices, mut faults) = self.read();
        match self.stack.values(&choices) {
            Ok(values) => {
                faults.extend(self.stack.check(&values));
                self.values = Some(values);
            }
            Err(error) => match error.faults() {
                [] => faults.push(Fault::nowhere(FaultKind::BadValue, error.to_string())),
                all => faults.extend(all.iter().cloned()),
            },
        }
        self.faults = faults.into_iter().map(|fault| (self.about(&fault), fault)).collect();
    }

    /// The setting that a fault is about: the one it names, or the one that holds what it names.
    fn about(&self, fault: &Fault) -> Option<usize> {
        let holds = |setting: &Setting| {
            let way = Way::dotted(&setting.path);
            !fault.way.is_root() && fault.way.0.starts_with(&way.0)
        };
        self.settings.iter().position(holds)
    }

    /// What was chosen beyond defaults and profile, as a values file without secrets.
    pub(crate) fn as_file(&self) -> Result<String, String> {
        let chosen = self.values.as_ref().map(Values::chosen);
        serde_yaml::to_string(&chosen).map_err(|error| error.to_string())
    }

    /// A file now says all that was said before, but for secrets.
    pub(crate) fn saved(&mut self, file: Text) {
        self.base =
            Choices { profile: self.base.profile.clone(), secrets: self.base.secrets.clone(), ..self.empty(file) };
        let secret = |index: &usize| self.settings[*index].secret;
        self.typed.retain(|index, _| secret(index));
        self.check();
    }

    /// A file says something more; what it says counts, and not what was typed before.
    pub(crate) fn loaded(&mut self, file: Text) {
        self.base.files.push(file);
        let secret = |index: &usize| self.settings[*index].secret;
        self.typed.retain(|index, _| secret(index));
        self.check();
    }

    fn empty(&self, file: Text) -> Choices {
        Choices { files: vec![file], example: self.base.example, ..Choices::default() }
    }

    /// The options of the command line that say the same.
    pub(crate) fn options(&self) -> Vec<String> {
        let base = &self.base;
        let mut options = vec![format!("--profile {}", quoted(self.profile()))];
        options.extend(base.files.iter().map(|file| format!("-f {}", quoted(&file.name))));
        options.extend(base.set.iter().map(|set| format!("--set {}", quoted(set))));
        options.extend(base.set_file.iter().map(|(way, file)| format!("--set-file {way}={}", quoted(&file.name))));
        options.extend(base.secrets.iter().map(|(way, _)| format!("--secret {way}=@FILE")));
        options.extend(self.typed.iter().map(|(index, text)| typed_option(&self.settings[*index], text)));
        options
    }

    /// The option that gives a setting the value that it has now; `None` where it has none.
    pub(crate) fn option(&self, index: usize) -> Option<String> {
        let text = self.text(index);
        (!text.is_empty()).then(|| typed_option(&self.settings[index], &text))
    }
}

fn typed_option(setting: &Setting, text: &str) -> String {
    let path = &setting.path;
    if setting.secret {
        return format!("--secret {path}=@FILE");
    }
    let items = match setting.read(text) {
        Ok(serde_json::Value::Array(items)) if items.iter().all(serde_json::Value::is_string) => {
            let items: Vec<String> = items.iter().map(|item| escaped(&Setting::write(item))).collect();
            return format!("--set {}", quoted(&format!("{path}={{{}}}", items.join(","))));
        }
        Ok(serde_json::Value::Array(_) | serde_json::Value::Object(_)) => None,
        _ => Some(escaped(text)),
    };
    // A map has no way into one `--set`.
    items.map_or_else(|| "-f FILE".to_owned(), |text| format!("--set {}", quoted(&format!("{path}={text}"))))
}

/// What `--set` would take for something else gets a backslash.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for (position, character) in text.chars().enumerate() {
        if matches!(character, ',' | '\\' | '}') || (position == 0 && matches!(character, '{' | '"')) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// How a cluster is named on the command line: a context of the kubeconfig, or the sandbox.
pub(crate) fn cluster_option(sandbox: Option<Kind>, context: &str) -> String {
    match sandbox {
        None => format!("--context={}", quoted(context)),
        Some(kind) if kind == Kind::default() => "--sandbox".to_owned(),
        Some(kind) => format!("--sandbox={kind}"),
    }
}

/// A word that a POSIX shell takes as it is.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./=:@%+,".contains(character);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use seaworthy::stack::Catalogue;

    /// The stack of the tests of the command line: one required secret and little else.
    pub(crate) fn shop() -> Arc<Stack> {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cli/stacks");
        Arc::new(Catalogue::new([dir.into()]).get("shop").unwrap())
    }

    fn index(form: &Form, path: &str) -> usize {
        form.settings().iter().position(|setting| setting.path == path).unwrap()
    }

    #[test]
    fn a_secret_is_asked_for_and_shown_nowhere() {
        let mut form = Form::new(shop(), Choices::default());
        let password = index(&form, "password");
        assert_eq!(form.errors(), (1, Some(password)));
        form.put(password, "swordfish");
        assert_eq!(form.errors(), (0, None), "{:?}", form.faults);
        assert_eq!((form.shown(password).as_str(), form.editable(password).as_str()), (HIDDEN, ""));
        assert_eq!(form.choices().secrets, [("password".to_owned(), "swordfish".to_owned())]);
        let told = format!("{:?} {}", form.options(), form.as_file().unwrap());
        assert!(!told.contains("swordfish") && told.contains("--secret password=@FILE"), "{told}");
    }

    #[test]
    fn words_for_a_shell_stay_what_they_are() {
        for (word, quoted_word) in [
            ("a=1", "a=1"),
            ("kind-one", "kind-one"),
            ("it's me", r"'it'\''s me'"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(word), quoted_word);
        }
        assert_eq!(escaped(r#""a,b}"#), r#"\"a\,b\}"#);
    }
}
