//! The official chart of a stack, as far as a stack knows it: which values it takes, and what is known not to work in it.

use minijinja::Value as Names;
use semver::{Version, VersionReq};
use serde_json::Value;

use super::Stack;
use super::definition::{Chart, ChartFailure, Definition};
use super::fault::Fault;
use super::load::Sheet;
use super::path::{Step, Way};
use super::render::Templates;
use super::values::{Choices, Values};

/// Where Helm charts commonly have the registry of all images.
const REGISTRY_SETTING: &str = "global.imageRegistry";

impl Choices {
    /// Answers the setting that charts have for the registry of all images, where the stack has it; what is set otherwise counts more.
    pub fn take_registry(&mut self, stack: &Stack, registry: Option<&str>) {
        let has_setting = || stack.settings().iter().any(|setting| setting.path == REGISTRY_SETTING);
        if let Some(registry) = registry.filter(|_| has_setting()) {
            self.set.insert(0, format!("{REGISTRY_SETTING}={registry}"));
        }
    }
}

/// The values as the chart takes them.
#[derive(Clone, PartialEq)]
pub struct ChartValues {
    /// The tree, secrets included.
    pub tree: Value,
    /// JSON pointers to the secrets in it.
    pub secrets: Vec<String>,
    /// Settings that were chosen and that the chart does not know.
    pub left_out: Vec<String>,
}

/// The merged values without those that only we have.
pub fn values(chart: &Chart, values: &Values) -> ChartValues {
    let mut tree = values.tree().clone();
    let mut left_out = Vec::new();
    for path in &chart.ours {
        let way = Way::dotted(path);
        remove(&mut tree, &way.0);
        if way.find(values.chosen()).is_some() {
            left_out.push(path.clone());
        }
    }
    let secrets = values.secrets().iter().filter(|way| way.find(&tree).is_some()).map(pointer).collect();
    ChartValues { tree, secrets, left_out }
}

/// Takes away what is there, and maps that hold nothing without it.
fn remove(tree: &mut Value, way: &[Step]) {
    let Some((Step::Key(name), rest)) = way.split_first() else { return };
    let Some(entries) = tree.as_object_mut() else { return };
    if rest.is_empty() {
        entries.shift_remove(name);
    } else if let Some(below) = entries.get_mut(name) {
        let had = below.as_object().is_some_and(|below| !below.is_empty());
        remove(below, rest);
        if had && below.as_object().is_some_and(serde_json::Map::is_empty) {
            entries.shift_remove(name);
        }
    }
}

fn pointer(way: &Way) -> String {
    let part = |step: &Step| match step {
        Step::Key(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Index(index) => format!("/{index}"),
    };
    way.0.iter().map(part).collect()
}

/// What is known not to work in this version, with these values.
///
/// # Errors
/// Every condition that cannot be evaluated.
pub fn failures(
    definition: &Definition,
    sheet: &Sheet,
    templates: &Templates,
    (names, version): (&Names, &str),
) -> Result<Vec<ChartFailure>, Vec<Fault>> {
    let (mut known, mut faults) = (Vec::new(), Vec::new());
    let all = definition.chart.iter().flat_map(|chart| &chart.failures).enumerate();
    for (index, failure) in all.filter(|(_, failure)| is_about(failure, version)) {
        match failure.when.as_deref().map_or(Ok(true), |when| templates.is_true(when, names)) {
            Ok(true) => known.push(failure.clone()),
            Ok(false) => {}
            Err(message) => faults.push(sheet.fault(&format!("chart.failures[{index}].when"), message)),
        }
    }
    if faults.is_empty() { Ok(known) } else { Err(faults) }
}

/// A version that cannot be read is taken to have every failure: better named in vain than met.
fn is_about(failure: &ChartFailure, version: &str) -> bool {
    let Some(Ok(range)) = failure.versions.as_deref().map(VersionReq::parse) else { return true };
    Version::parse(version.trim_start_matches('v')).map_or(true, |version| range.matches(&version))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{STACK, profile, stack};
    use super::super::values::Choices;
    use super::*;
    use serde_json::json;

    const CHART: &str = "chart:\n  name: demo\n  version: 0.1.0\n  ours: [web.image.tag]\n  failures:\n  \
        - {versions: '<0.2', what: old, fatal: true}\n  - {when: values.web.replicas > 3, what: many}\nrules:";

    #[test]
    fn what_only_we_have_is_left_out_and_said_when_it_was_chosen() {
        let stack = stack(&[("stack.yaml", &STACK.replace("rules:", CHART))]);
        let chart = stack.definition().chart.clone().unwrap();
        let set = |set: &str| Choices { set: vec![set.to_owned()], ..profile("ha") };
        let chosen = stack.values(&set("web.image.tag=1")).unwrap();
        let given = values(&chart, &chosen);
        assert_eq!(given.tree.pointer("/web/image/tag"), None);
        assert_eq!(given.left_out, ["web.image.tag"]);
        assert!(given.tree.pointer("/web/replicas").is_some());
        let silent = stack.values(&profile("ha")).unwrap();
        assert!(values(&chart, &silent).left_out.is_empty());
    }

    #[test]
    fn a_map_goes_with_its_last_entry_and_a_secret_is_pointed_at() {
        let mut tree = json!({"a": {"b": {"c": 1}}, "d": {}, "e": {"f": 1, "g": 2}});
        for way in ["a.b.c", "d.x", "e.f", "nothing.at.all"] {
            remove(&mut tree, &Way::dotted(way).0);
        }
        assert_eq!(tree, json!({"d": {}, "e": {"g": 2}}));
        assert_eq!(pointer(&Way::dotted("a").key("x/y~z").with(Step::Index(2))), "/a/x~1y~0z/2");
    }

    #[test]
    fn failures_are_of_versions_and_of_values() {
        let stack = stack(&[("stack.yaml", &STACK.replace("rules:", CHART))]);
        let told = |version: &str, set: &str| {
            let values = stack.values(&Choices { set: vec![set.to_owned()], ..profile("ha") }).unwrap();
            let known = stack.chart_failures(version, &values, &stack.release(None, None)).unwrap();
            known.into_iter().map(|failure| failure.what).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told("0.1.9", "web.replicas=1"), "old");
        assert_eq!(told("v0.2.0", "web.replicas=1"), "");
        assert_eq!(told("0.2.0", "web.replicas=5"), "many");
        assert_eq!(told("main", "web.replicas=5"), "old many");
    }

    #[test]
    fn a_chart_that_is_described_badly_is_named() {
        let bad = "chart: {name: demo, version: 1, ours: [web.nothing], failures: [{versions: new, when: '1 +', what: ' '}]}\nrules:";
        let folder = super::super::tests::folder(&[("stack.yaml", &STACK.replace("rules:", bad))]);
        let told = super::super::Stack::load(&folder).unwrap_err().to_string();
        for part in ["chart.ours[0]", "chart.failures[0].what", "chart.failures[0].versions", "chart.failures[0].when"]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
    }
}
