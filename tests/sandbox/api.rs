//! The API of the sandbox. What is expected here was answered by a real API server, 1.34.

use http::Method;
use seaworthy::sandbox::Kind;
use serde_json::{Value, json};

use super::support::{Harbour, claim, pod};

fn map(name: &str, labels: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "sea", "labels": labels}, "data": {"a": "1"}})
}

const MAPS: &str = "/api/v1/namespaces/sea/configmaps";

#[tokio::test]
async fn lists_are_selected_and_paged() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    for name in ["a", "b", "c", "d"] {
        harbour.make(&map(name, &json!({"tier": if name == "d" { "y" } else { "x" }}))).await.unwrap();
    }
    let names = |list: &Value| -> Vec<String> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = harbour.get(&format!("{MAPS}?labelSelector=tier%3Dx&limit=2")).await.unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    let next = first["metadata"]["continue"].as_str().unwrap();
    let second = harbour.get(&format!("{MAPS}?labelSelector=tier%3Dx&limit=2&continue={next}")).await.unwrap();
    assert_eq!((names(&second), second["metadata"].get("continue")), (vec!["c".to_owned()], None));
    let one = harbour.get(&format!("{MAPS}?fieldSelector=metadata.name%3Dd")).await.unwrap();
    assert_eq!(names(&one), ["d"]);
}

#[tokio::test]
async fn refusals_are_those_of_kubernetes() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&map("a", &json!({}))).await.unwrap();
    let table = [
        (harbour.get(&format!("{MAPS}/b")).await, 404, "configmaps \"b\" not found"),
        (harbour.make(&map("a", &json!({}))).await, 409, "configmaps \"a\" already exists"),
        (harbour.get("/apis/apps/v1/namespaces/sea/deployments/x").await, 404, "deployments.apps \"x\" not found"),
        (harbour.get("/apis/apps/v1/things").await, 404, "the server could not find the requested resource"),
        (
            harbour
                .send(
                    Method::POST,
                    "/api/v1/namespaces/nowhere/configmaps",
                    "application/json",
                    &json!({"metadata": {"name": "a"}}),
                )
                .await,
            404,
            "namespaces \"nowhere\" not found",
        ),
        (
            harbour
                .send(
                    Method::POST,
                    &format!("{MAPS}?fieldValidation=Strict"),
                    "application/json",
                    &json!({"metadata": {"name": "s"}, "date": {}}),
                )
                .await,
            400,
            "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"date\"",
        ),
        (
            harbour
                .send(
                    Method::PUT,
                    &format!("{MAPS}/a"),
                    "application/json",
                    &json!({"metadata": {"name": "a", "resourceVersion": "1"}}),
                )
                .await,
            409,
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again",
        ),
    ];
    for (answer, code, message) in table {
        let status = answer.expect_err(message);
        assert_eq!((&status["code"], status["message"].as_str().unwrap()), (&json!(code), message));
    }
}

#[tokio::test]
async fn what_is_not_simulated_names_itself() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&claim("data")).await.unwrap();
    harbour.make(&pod("app", "data")).await.unwrap();
    let status = harbour
        .send(Method::POST, "/api/v1/namespaces/sea/pods/app/attach", "application/json", &json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        (&status["code"], &status["message"]),
        (&json!(501), &json!("the sandbox does not simulate pods/attach"))
    );
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_an_apply_conflicts() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let at = |extra: &str| format!("{MAPS}/a?fieldManager={extra}");
    let apply = "application/apply-patch+yaml";
    let mut wanted = map("a", &json!({}));
    wanted["metadata"].as_object_mut().unwrap().remove("labels");
    harbour.send(Method::PATCH, &at("one&dryRun=All"), apply, &wanted).await.unwrap();
    assert!(harbour.get(&format!("{MAPS}/a")).await.is_err());
    let made = harbour.send(Method::PATCH, &at("one"), apply, &wanted).await.unwrap();
    assert_eq!(made["metadata"]["managedFields"][0]["fieldsV1"], json!({"f:data": {"f:a": {}}}));
    let mut other = wanted.clone();
    other["data"]["a"] = "2".into();
    let status = harbour.send(Method::PATCH, &at("two"), apply, &other).await.unwrap_err();
    assert_eq!(status["message"], "Apply failed with 1 conflict: conflict with \"one\": .data.a");
    let taken = harbour.send(Method::PATCH, &at("two&force=true"), apply, &other).await.unwrap();
    assert_eq!(taken["data"]["a"], "2");
    let same = harbour.send(Method::PATCH, &at("two&force=true"), apply, &other).await.unwrap();
    assert_eq!(same["metadata"]["resourceVersion"], taken["metadata"]["resourceVersion"], "nothing changed");
}

#[tokio::test]
async fn a_namespace_goes_with_everything_in_it() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    harbour.make(&claim("data")).await.unwrap();
    harbour.make(&pod("app", "data")).await.unwrap();
    harbour.sandbox.rest(30);
    harbour.delete("/api/v1/namespaces/sea").await.unwrap();
    let status = harbour.make(&map("late", &json!({}))).await.unwrap_err();
    assert_eq!(status["code"], 403, "{status}");
    harbour.sandbox.rest(120);
    assert!(harbour.get("/api/v1/namespaces/sea").await.is_err());
}

/// Every group and version that is listed answers with its kinds, and each kind can be listed.
#[tokio::test]
async fn discovery_names_only_what_there_is() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let groups = harbour.get("/apis").await.unwrap();
    let mut versions = vec!["/api/v1".to_owned()];
    for group in groups["groups"].as_array().unwrap() {
        versions.push(format!("/apis/{}", group["preferredVersion"]["groupVersion"].as_str().unwrap()));
    }
    let mut kinds = 0;
    for version in &versions {
        let list = harbour.get(version).await.unwrap();
        for resource in list["resources"].as_array().unwrap() {
            let name = resource["name"].as_str().unwrap();
            if resource["verbs"].as_array().unwrap().contains(&json!("list")) && !name.contains('/') {
                harbour
                    .get(&format!("{version}/{name}"))
                    .await
                    .unwrap_or_else(|status| panic!("{version}/{name}: {status}"));
                kinds += 1;
            }
        }
    }
    assert_eq!(kinds, seaworthy::kinds::BUILTIN.len());
}

#[tokio::test]
async fn time_leaps_over_a_day_of_waiting() {
    let harbour = Harbour::new(Kind::SingleNode).await;
    let (began, before) = (std::time::Instant::now(), harbour.clock.now());
    let _leap = harbour.clock.leap();
    tokio::time::sleep(std::time::Duration::from_secs(86_400)).await;
    assert!(harbour.clock.now().duration_since(before).as_secs() >= 86_400);
    assert!(began.elapsed().as_secs() < 60);
}
