//! What is planned of a release, and how it stands while the plan runs.

use serde_json::json;

use super::super::task::helm::testing::deployment;
use super::super::{Installation, Purpose};
use super::*;
use crate::chart::release::MARK;
use crate::chart::release::testing::{releases, secret};
use crate::cluster::{ClusterId, Resources};

const MANIFEST: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec: {ports: [{port: 80}]}\n---\n\
    apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec: {replicas: 1, volumeClaimTemplates: [{metadata: {name: data}}]}\n";

fn manifest(text: &str) -> Manifest {
    let mut manifest = Manifest::read(text).unwrap();
    manifest.complete("sea", &Resources::default());
    manifest
}

fn empty(purpose: Purpose) -> Plan {
    let text = |text: &str| text.to_owned();
    let installation = Installation {
        stack: text("shop"),
        version: text("1"),
        namespace: text("sea"),
        release: text("shop"),
        profile: text("ha"),
    };
    let cluster = ClusterId { context: text("harbour"), server: String::new(), uid: text("u") };
    Plan { purpose, installation, cluster, steps: Vec::new(), reach: Vec::new(), occasion: None }
}

fn live(manifest: &Manifest) -> Snapshot {
    let mut snapshot = Snapshot::default();
    for object in &manifest.objects {
        let mut object = object.clone();
        object["metadata"]["uid"] = "u".into();
        snapshot.insert(object);
    }
    snapshot
}

/// What the step of helm changes.
fn changed(text: &str, releases: &Releases, there: &Snapshot) -> Change {
    let manifest = manifest(text);
    let mut plan = empty(Purpose::Install);
    let wanted = Wanted {
        deployment: deployment(releases.revision()),
        manifest: &manifest,
        releases,
        live: there,
        reach: &[],
        unlock: false,
        on_server: true,
        now: Timestamp::UNIX_EPOCH,
    };
    assert_eq!(add(&mut plan, wanted), None);
    plan.steps[0].change.clone()
}

fn kept(status: &str, text: &str) -> Releases {
    let values = deployment(0).values;
    let mut releases = Releases::of(&[secret(1, status, &values, text)]).unwrap();
    releases.0[0].manifest.complete("sea", &Resources::default());
    releases
}

#[test]
fn the_same_chart_with_the_same_values_writes_nothing() {
    let there = live(&manifest(MANIFEST));
    assert_eq!(changed(MANIFEST, &Releases::default(), &Snapshot::default()), Change::Create);
    assert_eq!(changed(MANIFEST, &kept("deployed", MANIFEST), &there), Change::Unchanged);
    let paths = |change: Change| match change {
        Change::Update { fields, .. } => fields.into_iter().map(|field| field.path).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let more = MANIFEST.replace("replicas: 1", "replicas: 2");
    assert_eq!(paths(changed(&more, &kept("deployed", MANIFEST), &there)), ["StatefulSet/sea/db spec.replicas"]);
    assert_eq!(paths(changed(MANIFEST, &kept("failed", MANIFEST), &there)), ["status"]);
    assert_eq!(
        paths(changed(MANIFEST, &kept("deployed", MANIFEST), &Snapshot::default())),
        ["Service/sea/shop", "StatefulSet/sea/db"]
    );
    let mut other = kept("deployed", MANIFEST);
    other.0[0].version = "0.0.9".to_owned();
    assert_eq!(paths(changed(MANIFEST, &other, &there)), ["chart"]);
    let mut other = kept("deployed", MANIFEST);
    other.0[0].values["web"]["replicas"] = json!(7);
    assert_eq!(paths(changed(MANIFEST, &other, &there)), ["values that change no object"]);
}

/// What comes of a StatefulSet that somebody has scaled to 3: the change, or the refusal; and whether helm is told to take it.
fn scaled(text: &str, owner: &str, releases: &Releases, on_server: bool) -> Result<(Change, bool), String> {
    let manifest = manifest(text);
    let mut there = live(&manifest);
    let set = ObjectRef::new("apps/v1", "StatefulSet", Some("sea"), "db");
    let mut object = there.get(&set).unwrap().clone();
    object["spec"]["replicas"] = 3.into();
    object["metadata"]["managedFields"] = json!([
        {"manager": "helm", "operation": "Apply", "fieldsV1": {"f:spec": {"f:volumeClaimTemplates": {}}}},
        {"manager": owner, "operation": "Update", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
    there.insert(object);
    let mut plan = empty(Purpose::Install);
    let wanted = Wanted {
        deployment: deployment(1),
        manifest: &manifest,
        releases,
        live: &there,
        reach: &[],
        unlock: false,
        on_server,
        now: Timestamp::UNIX_EPOCH,
    };
    match add(&mut plan, wanted) {
        Some(cause) => Err(cause.message),
        None => Ok((plan.steps[0].change.clone(), plan.deployment().unwrap().force)),
    }
}

#[test]
fn what_was_changed_by_hand_is_taken_back_and_what_a_controller_set_is_not() {
    let mut releases = kept("deployed", MANIFEST);
    releases.0[0].on_server = true;
    let (change, force) = scaled(MANIFEST, "kubectl", &releases, true).unwrap();
    let Change::Update { fields, conflicts, .. } = change else { panic!("{change:?}") };
    let (field, conflict) = (&fields[0], &conflicts[0]);
    assert_eq!(
        (field.path.as_str(), &field.now, &field.wanted),
        ("StatefulSet/sea/db spec.replicas", &Some(json!(3)), &Some(json!(1)))
    );
    assert_eq!((conflict.owners.as_slice(), conflict.choice), (&["kubectl".to_owned()][..], Choice::Take));
    assert!(force, "helm 4 has to be told");
    // helm 3, and helm 4 with what helm 3 has made, take it unasked, and the option would be refused.
    assert!(!scaled(MANIFEST, "kubectl", &releases, false).unwrap().1);
    assert!(!scaled(MANIFEST, "kubectl", &kept("deployed", MANIFEST), true).unwrap().1);
    // An autoscaler's number is no reason to upgrade; when there is one, helm 4 would stop at it, and helm 3 would not.
    assert_eq!(scaled(MANIFEST, "kube-controller-manager", &releases, true).unwrap().0, Change::Unchanged);
    let more = MANIFEST.replace("port: 80", "port: 81");
    let told = scaled(&more, "kube-controller-manager", &releases, true).unwrap_err();
    assert!(
        told.starts_with(
            "StatefulSet/sea/db spec.replicas is 3 and belongs to kube-controller-manager; the chart wants 1"
        ),
        "{told}"
    );
    let (change, force) = scaled(&more, "kube-controller-manager", &releases, false).unwrap();
    assert!(matches!(change, Change::Update { conflicts, .. } if conflicts.len() == 1) && !force);
}

#[test]
fn what_runs_is_awaited_behind_helm_and_the_service_is_reached_last() {
    let manifest = manifest(MANIFEST);
    let mut plan = empty(Purpose::Install);
    let reach = Reach {
        name: "web".into(),
        title: "Web".into(),
        namespace: "sea".into(),
        service: "shop".into(),
        port: "80".into(),
        path: "/".into(),
        status: 200,
        contains: None,
    };
    let wanted = Wanted {
        deployment: deployment(0),
        manifest: &manifest,
        releases: &Releases::default(),
        live: &Snapshot::default(),
        reach: &[reach],
        unlock: false,
        on_server: true,
        now: Timestamp::UNIX_EPOCH,
    };
    assert_eq!(add(&mut plan, wanted), None);
    let told: Vec<(&str, &[String])> =
        plan.steps.iter().map(|step| (step.id.as_str(), step.needs.as_slice())).collect();
    let deploy = ["deploy:Release/sea/shop".to_owned()];
    let all = ["await:StatefulSet/sea/db".to_owned(), deploy[0].clone()];
    assert_eq!(
        told,
        [(deploy[0].as_str(), &[][..]), ("await:StatefulSet/sea/db", &deploy[..]), ("reach:web", &all[..])]
    );
}

#[test]
fn a_release_under_way_is_freed_only_when_it_is_old_and_somebody_says_so() {
    let begun: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let manifest = manifest(MANIFEST);
    let told = |releases: &Releases, minutes: i64, unlock: bool| {
        let mut plan = empty(Purpose::Install);
        let now = Timestamp::from_second(begun.as_second() + minutes * 60).unwrap();
        let wanted = Wanted {
            deployment: deployment(releases.revision()),
            manifest: &manifest,
            releases,
            live: &Snapshot::default(),
            reach: &[],
            unlock,
            on_server: true,
            now,
        };
        match add(&mut plan, wanted) {
            Some(cause) => (vec![cause.message, cause.remedy.unwrap()], None),
            None => (plan.steps.iter().map(|step| step.title.clone()).collect(), plan.deployment().map(|it| it.before)),
        }
    };
    let first = releases(&[(1, "pending-install")]);
    let young = told(&first, 5, true).0;
    assert!(
        young[0].contains("revision 1 of release shop is pending-install since 2026-11-20 10:00:00 UTC: helm is at it"),
        "{young:?}"
    );
    let old = told(&first, 15, false).0;
    assert!(old[1].contains("--unlock-release"), "{old:?}");
    let (titles, before) = told(&first, 15, true);
    assert_eq!(
        (titles[0].as_str(), before),
        ("delete helm's record of revision 1, which never came to its end", Some(0))
    );
    let (titles, before) = told(&releases(&[(1, "superseded"), (2, "deployed"), (3, "pending-upgrade")]), 15, true);
    assert_eq!(
        titles[0],
        "free release shop from its revision 3, which helm holds to be under way: back to revision 2"
    );
    assert_eq!(before, Some(4));
    assert!(told(&releases(&[(2, "uninstalling")]), 15, true).0[0].contains("is being taken away"));
    assert_eq!(
        told(&releases(&[(2, "uninstalled")]), 15, false).0[0],
        "upgrade release shop from chart shop 0.1.0 with helm"
    );
}

#[test]
fn numbers_are_the_same_by_value_and_unknown_secrets_any() {
    let same = |wanted: &Value, there: &Value| same_values(wanted, there);
    assert!(same(
        &json!({"a": 5.0, "b": [1, null], "p": HIDDEN, "m": MADE}),
        &json!({"m": "x", "p": "y", "a": 5, "b": [1, null]})
    ));
    for (wanted, there) in [
        (json!({"a": 1}), json!({"a": 1, "b": 2})),
        (json!({"a": 1}), json!({"b": 1})),
        (json!([1]), json!([1, 2])),
        (json!("1"), json!(1)),
    ] {
        assert!(!same(&wanted, &there), "{wanted} {there}");
    }
}

#[test]
fn a_revision_is_ours_by_mark_and_values() {
    let revision = |number: u64, status: &str, mark: Option<&str>, values: &Value| {
        let mut kept = secret(number, status, values, "");
        if let Some(mark) = mark {
            kept["metadata"]["labels"][MARK] = mark.into();
        }
        Releases::of(&[kept]).unwrap()
    };
    let word = |deployment: &Deployment, releases: &Releases| match standing(deployment, releases) {
        Standing::Due => "due",
        Standing::Done(_) => "done",
        Standing::Left(_) => "left",
        Standing::Busy(_) => "busy",
        Standing::Moved(_) => "moved",
    };
    let (wanted, values) = (deployment(1), deployment(1).values);
    let other = json!({});
    for (number, status, mark, values, expected) in [
        (1, "deployed", None, &other, "due"),
        (1, "failed", None, &other, "due"),
        (1, "pending-upgrade", None, &other, "busy"),
        (2, "deployed", Some("p1"), &values, "done"),
        (2, "failed", Some("p1"), &values, "due"),
        (2, "pending-upgrade", Some("p1"), &values, "left"),
        (2, "pending-upgrade", Some("p0"), &values, "busy"),
        (2, "pending-upgrade", Some("p1"), &other, "busy"),
        (2, "pending-rollback", Some("p1"), &values, "busy"),
        (2, "deployed", Some("p1"), &other, "moved"),
        (2, "deployed", None, &values, "moved"),
        (2, "uninstalling", Some("p1"), &values, "busy"),
    ] {
        assert_eq!(word(&wanted, &revision(number, status, mark, values)), expected, "{number} {status} {mark:?}");
    }
    let unmarked = Deployment { mark: None, ..deployment(1) };
    assert_eq!(word(&unmarked, &revision(2, "pending-upgrade", None, &values)), "busy", "nothing proves whose it is");
    assert_eq!(word(&unmarked, &revision(2, "deployed", None, &values)), "done");
    assert_eq!(word(&wanted, &Releases::default()), "due");
}

/// The lines of a removal, and what is said of it.
fn removed(text: &str, destroy: &[&str]) -> (Vec<String>, Vec<String>) {
    let releases = kept("deployed", text);
    let mut live = live(&releases.0[0].manifest);
    let claim = |name: &str| json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "sea", "uid": "c"}});
    for name in ["data-db-0", "data-other-0"] {
        live.insert(claim(name));
    }
    let claims: Vec<ObjectRef> =
        ["data-db-0", "data-other-0"].iter().filter_map(|name| ObjectRef::of(&claim(name))).collect();
    let destroy = Destroy(destroy.iter().map(|name| name.parse().unwrap()).collect());
    let mut plan = empty(Purpose::Uninstall);
    let said = add_removal(&mut plan, &deployment(1).place, &releases, (&live, &claims), &destroy).said;
    (plan.steps.iter().map(|step| step.title.clone()).collect(), said)
}

#[test]
fn helm_takes_away_what_holds_no_data_and_what_it_leaves_is_named() {
    let text = format!(
        "{MANIFEST}---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m, annotations: {{helm.sh/resource-policy: keep}}}}\n"
    );
    let (titles, said) = removed(&text, &[]);
    assert_eq!(
        titles,
        [
            "take release shop away with helm",
            "delete StatefulSet/sea/db",
            "delete Service/sea/shop",
            "keep PersistentVolumeClaim/sea/data-db-0",
            "keep ConfigMap/sea/m"
        ]
    );
    assert!(said.is_empty());
    assert_eq!(removed(&text, &["pvc/sea/data-db-0"]).0[3], "delete PersistentVolumeClaim/sea/data-db-0");
}

#[test]
fn what_may_hold_data_is_not_left_to_helm() {
    let text = format!("{MANIFEST}---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: files}}\n");
    let (titles, said) = removed(&text, &[]);
    assert_eq!(
        titles[..3],
        ["delete StatefulSet/sea/db", "delete Service/sea/shop", "keep PersistentVolumeClaim/sea/files"]
    );
    assert_eq!(titles[3], "delete helm's record of revision 1");
    assert!(said[0].starts_with("helm would delete what may hold data") && said[1].ends_with("bye"), "{said:?}");
    let (titles, said) = removed(&text, &["pvc/sea/files"]);
    assert_eq!((titles[0].as_str(), said.len()), ("take release shop away with helm", 0));
}

const HOOKS: &str = "---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}\n\
    ---\napiVersion: batch/v1\nkind: Job\nmetadata: {name: bye, annotations: {helm.sh/hook: post-delete}}\n\
    ---\napiVersion: v1\nkind: Pod\nmetadata: {name: knock, annotations: {helm.sh/hook: pre-delete, helm.sh/hook-delete-policy: hook-succeeded}}\n";

/// With hooks among what the record has.
fn kept_with_hooks() -> Releases {
    let mut releases = kept("deployed", MANIFEST);
    releases.0[0].manifest.hooks = manifest(HOOKS).hooks;
    releases
}

#[test]
fn a_hook_that_changed_is_an_upgrade_and_the_plan_says_which() {
    let there = live(&manifest(MANIFEST));
    let (releases, same) = (kept_with_hooks(), format!("{MANIFEST}{HOOKS}"));
    assert_eq!(changed(&same, &releases, &there), Change::Unchanged);
    let Change::Update { fields, .. } = changed(&same, &kept("deployed", MANIFEST), &there) else {
        panic!("no change")
    };
    let paths: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(
        paths,
        ["hook Job/sea/migrate (pre-upgrade)", "hook Job/sea/bye (post-delete)", "hook Pod/sea/knock (pre-delete)"]
    );
}

#[test]
fn what_hooks_have_made_is_told_when_the_release_goes() {
    let removal = |releases: &Releases| {
        let mut live = live(&releases.0[0].manifest);
        for hook in &releases.0[0].manifest.hooks {
            live.insert(hook.clone());
        }
        let mut plan = empty(Purpose::Uninstall);
        let removal = add_removal(&mut plan, &deployment(1).place, releases, (&live, &[]), &Destroy::default());
        let kept = plan.steps.iter().filter_map(|step| match &step.change {
            Change::Keep { why } => Some(format!("{}: {why}", step.title)),
            _ => None,
        });
        let made = removal.made.iter().map(|made| format!("{} {}", made.object["metadata"]["name"], made.why));
        (kept.collect::<Vec<_>>(), made.collect::<Vec<_>>())
    };
    let migrate = "\"migrate\" helm has made it (hook pre-upgrade), and leaves it";
    let bye = "keep Job/sea/bye: helm runs it when the release goes (post-delete), and leaves it; afterwards `kubectl delete job.batch bye -n sea`";
    assert_eq!(removal(&kept_with_hooks()), (vec![bye.to_owned()], vec![migrate.to_owned()]));
    // Where helm is not asked, it runs nothing, and what an earlier one has left is there as it is.
    let mut by_hand = kept_with_hooks();
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: files}\n";
    by_hand.0[0].manifest.objects.extend(manifest(claim).objects);
    let (kept, made) = removal(&by_hand);
    assert!(kept.len() == 1 && kept[0].starts_with("keep PersistentVolumeClaim/sea/files"), "{kept:?}");
    assert_eq!(made.len(), 3, "{made:?}");
}
