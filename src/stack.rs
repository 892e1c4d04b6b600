//! Stacks: folders of templates, values and a description, and what comes out of them.
//!
//! ```text
//! Catalogue -- folder --> Stack -- choices --> Values -- release --> objects
//!   source      load               values                 render
//!                                  schema, rules          strict
//! ```
//!
//! Everything here is pure but [`source`], which reads folders. Nothing knows the name of a stack;
//! `docs/writing-a-stack.md` is the format.

pub mod chart;
pub mod definition;
mod draft;
pub mod fault;
pub mod load;
mod mend;
pub mod names;
pub mod node;
pub mod path;
pub mod quantity;
pub mod reach;
pub mod render;
pub mod rules;
pub mod runtime;
pub mod schema;
pub mod source;
pub mod stand_in;
pub mod starter;
pub mod strict;
pub mod typed;
pub mod validate;
pub mod values;
pub mod yaml;

use std::collections::BTreeMap;
use std::fmt;

use crate::error::closest;
pub use definition::{Definition, Reach, RunTime};
pub use fault::{Fault, FaultKind, Origin, Place, Severity, StackError};
use node::Node;
pub use render::{Release, Rendered};
use schema::Schema;
pub use schema::describe::Setting;
pub use source::{Catalogue, Folder, Home};
pub use validate::{Report, validate, validate_folder};
pub use values::{Choices, Text, Values};

/// A stack, loaded and checked.
#[derive(Clone)]
pub struct Stack {
    definition: Definition,
    folder: Folder,
    sheet: load::Sheet,
    schema: Schema,
    defaults: Node<Origin>,
    profiles: BTreeMap<String, Node<Origin>>,
    example: Option<Node<Origin>>,
    templates: render::Templates,
    warnings: Vec<Fault>,
}

impl Stack {
    /// Reads a stack from the texts of its folder.
    ///
    /// # Errors
    /// Everything in the folder that is not as it must be, at once.
    pub fn load(folder: &Folder) -> Result<Self, StackError> {
        match draft::read(folder) {
            draft::Draft { stack: Some(stack), faults } if !fault::any_error(&faults) => {
                Ok(Self { warnings: faults, ..stack })
            }
            draft::Draft { faults, .. } => Err(StackError::Faults(faults)),
        }
    }

    /// What it is.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Where its files are.
    pub fn home(&self) -> &Home {
        &self.folder.home
    }

    /// What is odd about its files, but stops nothing.
    pub fn warnings(&self) -> &[Fault] {
        &self.warnings
    }

    /// The texts below one of its folders, such as `playbooks`, by their path in it.
    pub fn texts(&self, below: &str) -> impl Iterator<Item = (&str, &str)> {
        let files = self.folder.files.iter();
        files.filter_map(move |(path, text)| Some((path.strip_prefix(below)?.strip_prefix('/')?, text.as_str())))
    }

    /// A release of it: name and namespace are the stack's own unless chosen.
    pub fn release(&self, name: Option<&str>, namespace: Option<&str>) -> Release {
        Release {
            name: name.unwrap_or(self.name()).to_owned(),
            namespace: namespace.unwrap_or(self.definition.default_namespace()).to_owned(),
            registry: None,
            pull_secret: None,
            stand_ins: false,
        }
    }

    /// Merges its values with what the user chose; whether they are allowed is not checked here.
    ///
    /// # Errors
    /// When it has no such profile, and every file and `--set` that cannot be read.
    pub fn values(&self, choices: &Choices) -> Result<Values, StackError> {
        let profile = choices.profile.as_deref().unwrap_or(self.definition.default_profile());
        let layer = self.profiles.get(profile).ok_or_else(|| self.no_profile(profile))?;
        let mut own = self.defaults.clone();
        values::merge::merge(&mut own, layer.clone());
        if let Some(example) = self.example.clone().filter(|_| choices.example) {
            values::merge::merge(&mut own, example);
        }
        values::merged(own, profile, choices, &self.schema).map_err(StackError::Faults)
    }

    /// A profile of it; without a name its default.
    ///
    /// # Errors
    /// When it has none of that name.
    pub fn profile(&self, name: Option<&str>) -> Result<&definition::Profile, StackError> {
        let name = name.unwrap_or(self.definition.default_profile());
        self.definition.profiles.get(name).ok_or_else(|| self.no_profile(name))
    }

    fn no_profile(&self, name: &str) -> StackError {
        let known: Vec<String> = self.profiles.keys().cloned().collect();
        let closest = closest(name, known.iter().map(String::as_str)).map(str::to_owned);
        StackError::UnknownProfile { stack: self.name().to_owned(), name: name.to_owned(), closest, known }
    }

    /// Everything in the values that the schema or a rule does not allow. Rules speak about values that fit the schema,
    /// so they are looked at only then.
    pub fn check(&self, values: &Values) -> Vec<Fault> {
        let mut faults = self.schema.check(values);
        if !fault::any_error(&faults) {
            faults.append(&mut rules::placeholders(&self.definition, values));
            faults.append(&mut rules::check(&self.definition, &self.sheet, &self.templates, values));
        }
        faults
    }

    /// All its settings, flat and in the order of the schema.
    pub fn settings(&self) -> Vec<Setting> {
        let profiles = self.profiles.iter().map(|(name, layer)| (name.clone(), layer.to_value())).collect();
        schema::describe::settings(&self.schema, &self.defaults.to_value(), &profiles)
    }

    /// Renders its objects: the shared ones first, then each component's; components that are off render nothing.
    ///
    /// # Errors
    /// Every template that cannot be evaluated and every object that cannot be told from what it made.
    pub fn render(&self, values: &Values, release: &Release) -> Result<Vec<Rendered>, StackError> {
        let names = self.names(values, release);
        let rendered = render::render(&self.definition, &self.templates, values, &names, release);
        rendered.map_err(|faults| StackError::Faults(values.explained(faults)))
    }

    /// From what the user chose to objects that can be applied: merged, checked, rendered, and checked again against the
    /// types of Kubernetes.
    ///
    /// # Errors
    /// All faults of the first of these stages that finds some.
    pub fn prepare(&self, choices: &Choices, release: &Release) -> Result<Prepared, StackError> {
        let values = self.values(choices)?;
        let mut faults = release.check();
        faults.extend(release.check_place(&self.definition));
        faults.append(&mut self.check(&values));
        if fault::any_error(&faults) {
            return Err(StackError::Faults(faults));
        }
        let mut prepared = self.make(values, release)?;
        prepared.warnings.splice(0..0, faults);
        Ok(prepared)
    }

    /// What the application makes while it runs, for a release with these values.
    ///
    /// # Errors
    /// Every selector that cannot be evaluated.
    pub fn runtime(&self, values: &Values, release: &Release) -> Result<Vec<RunTime>, StackError> {
        let names = self.names(values, release);
        let resolved = runtime::resolve(&self.definition, &self.sheet, &self.templates, &names);
        resolved.map_err(|faults| StackError::Faults(values.explained(faults)))
    }

    /// What is known not to work in this version of its official chart, with these values.
    ///
    /// # Errors
    /// Every condition that cannot be evaluated.
    pub fn chart_failures(
        &self,
        version: &str,
        values: &Values,
        release: &Release,
    ) -> Result<Vec<definition::ChartFailure>, StackError> {
        let names = self.names(values, release);
        let known = chart::failures(&self.definition, &self.sheet, &self.templates, (&names, version));
        known.map_err(|faults| StackError::Faults(values.explained(faults)))
    }

    /// [`Stack::prepare`] for values that were checked.
    fn make(&self, values: Values, release: &Release) -> Result<Prepared, StackError> {
        let mut objects = self.render(&values, release)?;
        if let Some(secret) = &release.pull_secret {
            for rendered in &mut objects {
                render::pull_with(&mut rendered.object, secret);
            }
        }
        let names = self.names(&values, release);
        let reach = reach::resolve(&self.definition, &self.sheet, &self.templates, &values, &names);
        let mut reach = reach.map_err(|faults| StackError::Faults(values.explained(faults)))?;
        if release.stand_ins {
            let registry = release.registry.as_deref().unwrap_or(stand_in::REGISTRY).trim_end_matches('/');
            let image = format!("{registry}/{}", stand_in::REPOSITORY);
            stand_in::stand_in(&mut objects, &mut reach, &image);
        }
        self.runtime(&values, release)?;
        let mut faults = strict::check(&objects);
        faults.extend(strict::in_the_clear(&objects, &values));
        faults.extend(reach::check(&reach, &self.sheet, &self.definition, &objects));
        let faults = values.explained(faults);
        if fault::any_error(&faults) {
            return Err(StackError::Faults(faults));
        }
        Ok(Prepared { values, objects, reach, warnings: faults })
    }

    fn names(&self, values: &Values, release: &Release) -> minijinja::Value {
        render::context::names(&self.definition, values, release)
    }
}

impl fmt::Debug for Stack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stack").field("name", &self.name()).field("home", self.home()).finish_non_exhaustive()
    }
}

/// A stack with its values, rendered and found good.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The values.
    pub values: Values,
    /// The objects: the shared ones first, then each component's.
    pub objects: Vec<Rendered>,
    /// The ways that lead to the components which are on.
    pub reach: Vec<Reach>,
    /// What is odd, but stops nothing.
    pub warnings: Vec<Fault>,
}

#[cfg(test)]
pub(crate) mod tests;
