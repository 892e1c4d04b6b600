use super::*;
use crate::error::Explain;
use crate::host::testing::{fixtures, in_folder, write};
use std::os::unix::fs::PermissionsExt;

const FIRST: &str = "
apiVersion: v1
kind: Config
current-context: blue
clusters:
- {name: one, cluster: {server: 'https://me:hunter2@10.0.0.1:6443', certificate-authority: pki/ca.crt}}
users:
- {name: red, user: {token: hunter2}}
contexts:
- {name: blue, context: {cluster: one, user: red, namespace: apps}}
";

const SECOND: &str = "
current-context: green
clusters:
- {name: two, cluster: {server: 'https://10.0.0.2:6443'}}
users:
- {name: red, user: {token: other}}
- name: plug
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin, installHint: brew install it}
contexts:
- {name: green, context: {cluster: two, user: plug}}
- {name: lost, context: {cluster: nowhere, user: nobody}}
";

/// A folder with these files (mode 0600), and `KUBECONFIG` naming them in this order.
fn given(files: &[(&str, &str)]) -> (tempfile::TempDir, Surroundings) {
    let folder = tempfile::tempdir().unwrap();
    let mut here = in_folder(folder.path());
    let paths: Vec<_> = files.iter().map(|(name, text)| (folder.path().join(name), text)).collect();
    for (path, text) in &paths {
        write(path, text);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let list = std::env::join_paths(paths.iter().map(|(path, _)| path)).unwrap();
    here.variables.insert("KUBECONFIG".into(), list.into_string().unwrap());
    (folder, here)
}

fn ids(facts: &KubeconfigFacts) -> Vec<&'static str> {
    facts.problems.iter().map(Explain::id).collect()
}

#[test]
fn the_first_file_wins_and_the_rest_is_added() {
    let (folder, here) = given(&[("a", FIRST), ("b", SECOND)]);
    let Loaded { facts, merged } = read(&here, None);
    assert_eq!(facts.current.as_deref(), Some("blue"));
    let names: Vec<_> = facts.contexts.iter().map(|context| context.name.as_str()).collect();
    assert_eq!(names, ["blue", "green", "lost"]);

    let blue = &facts.contexts[0];
    assert!(blue.current);
    assert_eq!((blue.namespace.as_deref(), blue.file.clone()), (Some("apps"), folder.path().join("a")));
    assert_eq!(blue.server.as_deref(), Some("https://10.0.0.1:6443"));
    let authority = merged.clusters[0].cluster.as_ref().unwrap().certificate_authority.clone();
    assert_eq!(authority, Some(folder.path().join("pki/ca.crt").display().to_string()));
    assert_eq!(
        ids(&facts),
        ["kubeconfig-shadowed", "credential-plugin-missing", "kubeconfig-unknown-cluster", "kubeconfig-unknown-user"]
    );
    assert_eq!(facts.problems[1].hint().as_deref(), Some("brew install it"));
}

#[test]
fn no_credential_is_in_the_facts() {
    let (_folder, here) = given(&[("a", FIRST), ("b", SECOND)]);
    let facts = read(&here, None).facts;
    let json = serde_json::to_string(&facts).unwrap();
    assert!(!json.contains("hunter2") && !format!("{facts:?}").contains("hunter2"));
    assert_eq!(serde_json::from_str::<KubeconfigFacts>(&json).unwrap(), facts);
}

#[test]
fn a_broken_file_is_placed_and_hides_no_other() {
    for (text, line) in [
        ("contexts:\n- name: [hunter2\n", None),
        ("users:\n- name: a\n  user: hunter2\n", Some(3)),
        ("users:\n- name: a\n  user:\n    token: [hunter2]\n", Some(4)),
        ("contexts:\n\t- hunter2", Some(2)),
    ] {
        let (folder, here) = given(&[("broken", text), ("good", FIRST)]);
        let facts = read(&here, None).facts;
        assert_eq!(facts.contexts.len(), 1, "{text}");
        assert_eq!(facts.files[0].state, FileState::Broken);
        let Problem::Broken { file, line: found, .. } = &facts.problems[0] else { panic!("{:?}", facts.problems) };
        assert_eq!(file, &folder.path().join("broken"));
        assert!(found.is_some() && (line.is_none() || *found == line), "{text}: {}", facts.problems[0]);
        assert!(!facts.problems[0].to_string().contains("hunter2"), "{}", facts.problems[0]);
    }
}

#[test]
fn another_yaml_file_is_no_kubeconfig() {
    let (_folder, here) = given(&[("a", "apiVersion: v1\nkind: Pod\n")]);
    let facts = read(&here, None).facts;
    assert_eq!(ids(&facts), ["kubeconfig-broken"]);
    assert!(facts.problems[0].to_string().contains("`Pod`"), "{}", facts.problems[0]);
}

#[test]
fn an_empty_file_is_fine() {
    let (_folder, here) = given(&[("a", ""), ("b", FIRST)]);
    let facts = read(&here, None).facts;
    assert_eq!((facts.contexts.len(), facts.problems.len()), (1, 0));
}

#[test]
fn a_missing_file_counts_only_when_the_flag_names_it() {
    let (folder, mut here) = given(&[]);
    let missing = folder.path().join("missing");
    here.variables.insert("KUBECONFIG".into(), format!(":{}::", missing.display()));
    let facts = read(&here, None).facts;
    assert_eq!((facts.files[0].state, facts.files.len(), facts.problems.len()), (FileState::Missing, 1, 0));
    assert_eq!(ids(&read(&here, Some(&missing)).facts), ["kubeconfig-missing"]);
}

#[test]
fn the_flag_is_the_only_file() {
    let (folder, here) = given(&[("a", FIRST), ("b", SECOND)]);
    let facts = read(&here, Some(&folder.path().join("b"))).facts;
    assert_eq!(facts.current.as_deref(), Some("green"));
    assert_eq!((facts.contexts.len(), facts.files[0].named_by), (2, NamedBy::Flag));
}

#[test]
fn without_a_variable_it_is_the_home_and_then_k3s() {
    let folder = tempfile::tempdir().unwrap();
    let here = in_folder(folder.path());
    assert_eq!(read(&here, None).facts.files[0].state, FileState::Missing);

    write(&here.at_root("/etc/rancher/k3s/k3s.yaml"), SECOND);
    let files = read(&here, None).facts.files;
    assert_eq!(files.iter().map(|file| file.named_by).collect::<Vec<_>>(), [NamedBy::Default, NamedBy::K3s]);

    write(&here.at_home(".kube/config").unwrap(), FIRST);
    assert_eq!(read(&here, None).facts.current.as_deref(), Some("blue"));
}

#[test]
fn what_everybody_can_read_is_told() {
    let (folder, here) = given(&[("a", FIRST)]);
    let path = folder.path().join("a");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let problem = read(&here, None).facts.problems.remove(0);
    assert_eq!(problem, Problem::Exposed { file: path.clone(), mode: "0644".into() });
    assert_eq!(problem.hint(), Some(format!("`chmod 600 {}`", path.display())));
}

#[test]
fn a_name_twice_in_one_file_and_a_current_context_without_one_are_told() {
    let text = "current-context: gone\nclusters:\n- {name: a, cluster: {server: 'http://h'}}\n- {name: a}\n";
    let (_folder, here) = given(&[("a", text)]);
    assert_eq!(ids(&read(&here, None).facts), ["kubeconfig-duplicate", "kubeconfig-unknown-current-context"]);
}

#[test]
fn a_plugin_on_path_is_found() {
    let (_folder, mut here) = given(&[("a", &SECOND.replace("no-such-plugin", "kubectl"))]);
    here.variables.insert("PATH".into(), fixtures().join("tools").display().to_string());
    let plugin = read(&here, None).facts.contexts[0].plugin.clone().unwrap();
    assert_eq!(plugin.path, Some(fixtures().join("tools/kubectl")));
}
