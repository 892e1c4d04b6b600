//! `stacks validate`: everything that can be known about a stack without a cluster, all faults at once.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::definition::Rule;
use super::fault::{Fault, FaultKind, Severity, StackError, any_error};
use super::mend::{Mended, mend};
use super::render::Rendered;
use super::source::{Folder, read_folder};
use super::values::Choices;
use super::{Stack, draft, reach, render, rules, runtime, strict};
use crate::doctor::stacks;

/// What was found out about a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The stack.
    pub name: String,
    /// Everything that is wrong or odd, each thing once.
    pub faults: Vec<Fault>,
    /// How many objects each profile makes with the example values.
    pub objects: BTreeMap<String, usize>,
    /// Kinds of objects whose fields could not be checked, because they are not built in.
    pub unchecked: Vec<String>,
}

impl Report {
    /// Whether nothing stops the stack from being installed.
    pub fn is_good(&self) -> bool {
        !any_error(&self.faults)
    }

    fn add(&mut self, faults: Vec<Fault>) {
        for fault in faults {
            if !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
        }
    }
}

/// Validates the stack in a folder on disk.
///
/// # Errors
/// When the folder cannot be read; what is wrong with the stack is in the report.
pub fn validate_folder(dir: &Path) -> Result<Report, StackError> {
    match read_folder(dir) {
        Ok(folder) => Ok(validate(&folder)),
        Err(StackError::Faults(faults)) => {
            let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Ok(Report { name, faults, objects: BTreeMap::new(), unchecked: Vec::new() })
        }
        Err(error) => Err(error),
    }
}

/// Validates a stack: its files, its schema, and what every profile makes with the example values, once as it is and once
/// with every component on.
pub fn validate(folder: &Folder) -> Report {
    let mut report =
        Report { name: folder.name.clone(), faults: Vec::new(), objects: BTreeMap::new(), unchecked: Vec::new() };
    let draft = draft::read(folder);
    report.add(draft.faults);
    let mut proof = stacks::examine(folder);
    let is_whole = draft.stack.is_some();
    if let Some(stack) = draft.stack {
        report.add(stack.schema.lint());
        for profile in stack.profiles.keys() {
            one_profile(&stack, profile, &mut report, &mut proof);
        }
    }
    report.add(proof.faults(is_whole));
    report.faults.sort_by_key(|fault| fault.severity == Severity::Warning);
    report
}

fn one_profile(stack: &Stack, profile: &str, report: &mut Report, proof: &mut stacks::Proof<'_>) {
    let choices = Choices { profile: Some(profile.to_owned()), example: true, ..Choices::default() };
    let switches = stack.definition.components.iter().filter_map(|component| component.enabled.as_ref());
    let all_on = Choices { set: switches.map(|way| format!("{way}=true")).collect(), ..choices.clone() };
    for (choices, is_usual) in [(&choices, true), (&all_on, false)] {
        let values = match stack.values(choices) {
            Ok(values) => values,
            Err(error) => {
                report.add(error.faults().to_vec());
                continue;
            }
        };
        let mut faults = stack.schema.check(&values);
        let mended = mend(&stack.schema, values, &faults);
        if !is_usual {
            // That everything is on is nobody's choice: what is wrong with the values is told of the choice that the profile is.
            faults.clear();
        }
        let examined = mended.map(|mended| made(stack, &mended, is_usual));
        let count = examined.as_ref().map(|made| made.objects.len());
        if let Some(made) = examined {
            proof.used_by(made.objects.iter().map(|rendered| &rendered.object));
            report.unchecked.extend(strict::unchecked(&made.objects));
            report.unchecked.sort();
            report.unchecked.dedup();
            faults.extend(made.faults);
        }
        if let Some(count) = count.filter(|_| is_usual && !any_error(&faults)) {
            report.objects.insert(profile.to_owned(), count);
        }
        report.add(faults);
    }
}

/// What is found out about what a stack makes.
struct Made {
    objects: Vec<Rendered>,
    faults: Vec<Fault>,
}

/// Everything that is wrong with what the stack makes of its values, but for what only follows from what is told of them. `rules`: with its rules.
fn made(stack: &Stack, mended: &Mended, rules: bool) -> Made {
    let (values, release) = (&mended.values, stack.release(None, None));
    let (definition, sheet, templates) = (&stack.definition, &stack.sheet, &stack.templates);
    let mut faults = if rules { ruled(stack, mended) } else { Vec::new() };
    let names = stack.names(values, &release);
    let mut examined = render::examine(definition, templates, values, &names, &release);
    faults.append(&mut examined.faults);
    faults.extend(runtime::resolve(definition, sheet, templates, &names).err().into_iter().flatten());
    let mut found = strict::examine(&examined.objects, examined.is_whole);
    found.extend(strict::in_the_clear(&examined.objects, values));
    match reach::resolve(definition, sheet, templates, values, &names) {
        Ok(reach) if examined.is_whole => found.extend(reach::check(&reach, sheet, definition, &examined.objects)),
        Ok(_) => {}
        Err(told) => faults.extend(told),
    }
    found.retain(|fault| !examined.is_of_a_hole(fault));
    faults.append(&mut found);
    let faults = values.explained(faults).into_iter().filter(|fault| !mended.explains(fault)).collect();
    Made { objects: examined.objects, faults }
}

/// Rules that are broken or cannot be evaluated, and texts that only stand for a value.
fn ruled(stack: &Stack, mended: &Mended) -> Vec<Fault> {
    let (definition, values) = (&stack.definition, &mended.values);
    let mut faults = rules::placeholders(definition, values);
    let told = rules::check(definition, &stack.sheet, &stack.templates, values);
    let follows = |fault: &Fault| {
        let is_it = |rule: &&Rule| rule.message == fault.message && rule.path == fault.way.to_string();
        fault.kind == FaultKind::BrokenRule && definition.rules.iter().filter(is_it).any(|rule| mended.is_about(rule))
    };
    faults.extend(told.into_iter().filter(|fault| !follows(fault)));
    faults
}

#[cfg(test)]
mod tests {
    use super::super::source::Catalogue;
    use super::super::tests::folder;
    use super::*;

    fn told(changes: &[(&str, &str)]) -> Vec<String> {
        validate(&folder(changes)).faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_embedded_stack_is_good() {
        let catalogue = Catalogue::default();
        for name in catalogue.names() {
            let report = validate(&catalogue.folder(&name).unwrap());
            let faults: Vec<_> = report.faults.iter().map(ToString::to_string).collect();
            assert!(report.is_good(), "{name}:\n{}", faults.join("\n"));
            assert!(report.objects.values().all(|count| *count > 0), "{name} makes nothing");
        }
    }

    #[test]
    fn a_good_stack_has_objects_in_every_profile() {
        let report = validate(&folder(&[]));
        assert!(report.is_good(), "{report:#?}");
        assert_eq!(report.objects, BTreeMap::from([("ha".to_owned(), 5), ("single-node".to_owned(), 5)]));
    }

    #[test]
    fn faults_of_all_layers_are_told_once() {
        let faults = told(&[("ha.yaml", "web: {replicas: x, zzz: 1}\n"), ("example.yaml", "")]);
        let expected = [
            "embedded:demo/ha.yaml:1:7: web.replicas: is `x`, expected a whole number",
            "embedded:demo/ha.yaml:1:20: web.zzz: unknown key; known are enabled, replicas, image, password",
            "web.password: is required (Password of the page) and has no default; give it with `--secret web.password=@FILE`",
        ];
        for expected in expected {
            assert_eq!(faults.iter().filter(|fault| *fault == expected).count(), 1, "{expected}\n{faults:#?}");
        }
    }

    #[test]
    fn components_that_are_off_are_checked_too() {
        let values = "web:\n  enabled: false\n  replicas: 1\n  image: {repository: web, tag: '1'}\n";
        let broken = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndaat: {}\n";
        let faults = told(&[("values.yaml", values), ("manifests/web.yaml", broken)]);
        assert!(
            faults.iter().any(|fault| fault.contains("daat: unknown field of ConfigMap/x, did you mean `data`?")),
            "{faults:#?}"
        );
    }

    #[test]
    fn a_way_to_the_stack_must_lead_somewhere() {
        let service = "apiVersion: v1\nkind: Service\nmetadata: {name: demo-wbe}\nspec: {ports: [{port: 1}]}\n";
        let page = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: page}\n";
        let faults = told(&[("manifests/web.yaml", page), ("manifests/db.yaml", service)]);
        let expected = "reach[0].service: the stack makes no Service `demo-web`, did you mean `demo-wbe`?";
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{faults:#?}");
        let faults = told(&[("manifests/web.yaml", page), ("manifests/db.yaml", &service.replace("wbe", "web"))]);
        assert!(faults.iter().any(|fault| fault.contains("Service/demo-web has no port `http`")), "{faults:#?}");
    }

    #[test]
    fn a_folder_on_disk_is_validated_by_its_own_name() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("demo");
        for (path, text) in folder(&[("ha.yaml", "web: {replicas: [}\n")]).files {
            let path = home.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let report = validate_folder(&home).unwrap();
        let place = format!("{}:1:", home.join("ha.yaml").display());
        assert!(report.faults[0].to_string().starts_with(&place), "{report:#?}");
        assert!(validate_folder(&dir.path().join("nothing")).is_err());
    }
}
