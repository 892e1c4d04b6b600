//! What the pure parts cost for a thousand objects, beside the parsing of the same objects as JSON, which every tool of
//! this kind has to do: `cargo bench`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use seaworthy::plan::compare::compare;
use seaworthy::stack::{Choices, Stack, source::read_folder};
use serde_json::{Value, json};

const OBJECTS: usize = 1000;
const ROUNDS: usize = 15;

const FILES: [(&str, &str); 6] = [
    (
        "stack.yaml",
        "format: 1\nname: many\ntitle: Many\ndescription: Many maps.\nversion: 1.0.0\nnamespace: many\ncomponents:\n  - \
         {name: maps, title: Maps, manifests: [maps.yaml]}\nprofiles:\n  single-node: {title: One, description: One., \
         needs: {nodes: 1}}\n",
    ),
    (
        "values.schema.yaml",
        "type: object\nadditionalProperties: false\nproperties:\n  count: {type: integer, title: Count}\n",
    ),
    ("values.yaml", "count: 1000\n"),
    ("single-node.yaml", "{}\n"),
    ("example.yaml", "{}\n"),
    (
        "manifests/maps.yaml",
        "{% for i in range(values.count) %}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ r ~ '-' ~ i }}\n  \
         labels: {{ labels('maps') }}\ndata:\n  text: {{ 'some text ' ~ i }}\n{% endfor %}\n",
    ),
];

fn main() {
    let folder = std::env::temp_dir().join(format!("seaworthy-bench-{}", std::process::id())).join("many");
    for (path, text) in FILES {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    }
    let stack = Stack::load(&read_folder(&folder).expect("a folder")).expect("a stack");
    let release = stack.release(None, None);
    let objects: Vec<Value> = stack
        .prepare(&Choices::default(), &release)
        .expect("objects")
        .objects
        .into_iter()
        .map(|rendered| rendered.object)
        .collect();
    assert_eq!(objects.len(), OBJECTS);
    let live: Vec<Value> = objects.iter().map(applied).collect();
    let text = serde_json::to_string(&live).expect("JSON");

    let parse = median(|| drop(black_box(serde_json::from_str::<Value>(&text).expect("JSON"))));
    let prepare = median(|| drop(black_box(stack.prepare(&Choices::default(), &release).expect("objects"))));
    let decide = median(|| {
        assert!(objects.iter().zip(&live).all(|(wanted, live)| compare(wanted, live).is_same()));
    });
    println!("{OBJECTS} objects, medians of {ROUNDS}");
    for (what, took) in
        [("parse as JSON", parse), ("values to checked objects", prepare), ("compare with live", decide)]
    {
        println!(
            "{what:<28} {:>8.2} ms  {:>5.2} x",
            took.as_secs_f64() * 1e3,
            took.as_secs_f64() / parse.as_secs_f64()
        );
    }
    std::fs::remove_dir_all(folder.parent().expect("a parent")).expect("to clean up");
}

/// The object as an API server keeps it after our apply.
fn applied(object: &Value) -> Value {
    let labels = object["metadata"]["labels"].as_object().into_iter().flat_map(serde_json::Map::keys);
    let mut owned = json!({"f:data": {"f:text": {}}, "f:metadata": {"f:labels": {}}});
    for label in labels {
        owned["f:metadata"]["f:labels"][format!("f:{label}")] = json!({});
    }
    let mut live = object.clone();
    live["metadata"]["managedFields"] =
        json!([{"manager": "seaworthy", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": owned}]);
    live["metadata"]["resourceVersion"] = json!("1");
    live
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}
