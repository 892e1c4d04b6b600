//! `--chart`: what is refused before helm is asked for anything but its version, and before a cluster is. With the real helm:
//! tests/cluster/groups/chart.sh.

use std::path::PathBuf;

use crate::test::Test;

/// The stack and the chart of the tests with the real helm.
fn charts(path: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/charts").join(path).display().to_string()
}

/// An install of the shop, in a home with a password.
fn shop(line: &str) -> Test {
    let test = Test::new().file("password", "swordfish\n").touches_nothing().any_stderr();
    test.line("install shop --yes --secret web.password=@password --profiles")
        .args([&charts("stacks")])
        .line(line)
        .status(2)
}

#[track_caller]
fn refused(test: Test, parts: &[&str]) {
    let said = test.run().stderr;
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
    assert!(!said.contains("swordfish"), "{said}");
}

#[test]
fn a_reference_that_leads_nowhere_is_refused_by_its_form() {
    for (reference, part) in [
        ("./nowhere", "there is no chart at ./nowhere"),
        ("nowhere", "`nowhere` names no chart"),
        ("oci://", "it names no host"),
        ("https://me:secret@host/a.tgz", "it holds a user or a password"),
        ("password", "no archive of a chart"),
    ] {
        refused(shop(&format!("--chart {reference}")), &[part, "hint: "]);
    }
    refused(shop(&format!("--chart {}", charts("stacks"))), &["is no chart: the folder has no Chart.yaml"]);
    refused(shop("--chart a/b --chart-version new"), &["--chart-version `new` is no version"]);
}

#[test]
fn a_helm_that_is_not_there_or_too_old_is_named() {
    let chart = charts("shop");
    refused(
        shop(&format!("--chart {chart}")),
        &["--chart needs helm, which is not on the PATH", "helm 3.8.0 or newer"],
    );
    let old = |script: &str| {
        let test = shop(&format!("--chart {chart}")).file("bin/helm", script).env("PATH", "/nowhere");
        let bin = test.home().join("bin").display().to_string();
        test.env("PATH", &bin).before(&format!("/bin/chmod +x {bin}/helm"))
    };
    refused(old("#!/bin/sh\necho v3.7.2+g663a896\n"), &["is helm 3.7.2+g663a896; --chart needs 3.8.0 or newer"]);
    refused(old("#!/bin/sh\necho nonsense\n"), &["does not say its version: it says `nonsense`"]);
    refused(
        old("#!/bin/sh\necho v3.19.0\n").env("HELM_DRIVER", "configmap"),
        &["HELM_DRIVER says that helm keeps releases as `configmap`"],
    );
}

#[test]
fn what_helm_cannot_do_is_refused() {
    let chart = format!("--chart {}", charts("shop"));
    refused(shop(&format!("{chart} --sandbox")), &["helm cannot reach the sandbox"]);
    refused(shop(&format!("{chart} --pull-secret s")), &["--pull-secret changes objects"]);
    refused(shop(&format!("{chart} --adopt")), &["cannot be used with"]);
    refused(shop("--chart-version 1.0.0"), &["--chart-version says something of a chart, and no chart is named"]);
    refused(shop("--unlock-release"), &["--unlock-release says something of a chart"]);
    let hello = Test::new().line(&format!("install hello --yes {chart}")).touches_nothing().any_stderr().status(2);
    refused(hello, &["hello knows no official chart"]);
    let none = Test::new().line(&format!("install --yes {chart}")).touches_nothing().any_stderr().status(2);
    refused(none, &["--chart needs the name of the stack"]);
}

#[test]
fn values_are_checked_before_helm_is_looked_for() {
    refused(shop(&format!("--chart {} --set web.replicas=-1", charts("shop"))), &["web.replicas"]);
}

#[test]
fn known_failures_are_shown_with_the_stack() {
    let shown = Test::new().line("stacks show telemetry-pipeline").touches_nothing().any_stdout().run().stdout;
    assert!(shown.contains("OFFICIAL CHART (--chart)\n  telemetry-pipeline 0.1.0"), "{shown}");
    assert!(shown.contains("fails in =0.1.0, when collector.enabled: the collector never becomes ready"), "{shown}");
}
