//! `prerequisites pool`: what is refused before anything is asked, and the whole of it on a sandbox.

use crate::test::Test;

const COMMAND: &str = "prerequisites pool";

#[test]
fn what_is_no_range_is_refused_before_anything_is_asked() {
    let hint = "write it as FIRST-LAST or as a CIDR: `--pool 172.18.255.200-172.18.255.250`";
    for (given, said) in [
        ("harbour", "`harbour` is no range of addresses: `harbour` is not an IP address"),
        ("10.0.0.1-50", "`10.0.0.1-50` is no range of addresses: `50` is not an IP address"),
        (
            "10.0.0.9-10.0.0.1",
            "`10.0.0.9-10.0.0.1` is no range of addresses: `10.0.0.9-10.0.0.1` ends before it begins",
        ),
        ("10.0.0.0/40", "`10.0.0.0/40` is no range of addresses: `10.0.0.0/40` is not a CIDR"),
    ] {
        let test = Test::new().line(COMMAND).args(["--pool", given]).touches_nothing().status(2);
        test.stderr(&format!("error: {said}\n hint: {hint}")).run();
    }
    let usage = Test::new().line(COMMAND).line("--needed 0 -o json").touches_nothing().status(2).any_stdout().run();
    assert_eq!(usage.json()["error"]["id"], "usage");
}

#[test]
fn a_pool_is_shown_with_its_proof() {
    let said = "\
172.30.255.200-172.30.255.250: 51 addresses, 3 needed
  network sandbox-ha of a container engine, subnet 172.30.0.0/16
  looked for in 172.30.255.200-172.30.255.250: near the end of the subnet, where the engine assigns addresses last
  left out: 172.30.0.1, the gateway
  left out: 172.30.0.2, node sandbox-1
  left out: 172.30.0.3, node sandbox-2
  left out: 172.30.0.4, node sandbox-3";
    Test::new().line(COMMAND).line("--sandbox=ha --needed 3").stdout(said).run();
    let document = Test::new().line(COMMAND).line("--sandbox -o json").any_stdout().run().json();
    assert_eq!(document["kind"], "Pool");
    assert_eq!(document["pool"]["addresses"], serde_json::json!(["172.30.255.200-172.30.255.250"]));
    assert_eq!((&document["pool"]["origin"], &document["pool"]["parts"][0]["size"]), (&"found".into(), &51.into()));
}

#[test]
fn a_given_pool_is_checked() {
    let said = "\
172.30.9.0-172.30.9.15: 16 addresses, 3 needed
  network sandbox-single-node of a container engine, subnet 172.30.0.0/16
  as given
  left out: 172.30.0.1, the gateway
  left out: 172.30.0.2, node sandbox-1";
    Test::new().line(COMMAND).line("--sandbox --needed 3 --pool 172.30.9.0/28").stdout(said).run();
    let said = "\
error: 10.96.0.5-10.96.0.6, 172.30.0.0-172.30.0.3 cannot be the pool:
       10.96.0.5-10.96.0.6 is not in 172.30.0.0/16, where the nodes are
       172.30.0.0-172.30.0.3 holds 172.30.0.0, the first address of 172.30.0.0/16
       172.30.0.0-172.30.0.3 contains 172.30.0.1, the gateway
       172.30.0.0-172.30.0.3 contains 172.30.0.2, node sandbox-1
 hint: this part of it would do: `--pool 172.30.0.3`";
    let bad = |more: &str| {
        Test::new().line(COMMAND).line("--sandbox --pool 172.30.0.0/30 --pool 10.96.0.5-10.96.0.6").line(more).status(2)
    };
    bad("").stderr(said).run();
    let error = bad("-o json").any_stdout().run().json();
    assert_eq!((&error["error"]["id"], &error["error"]["class"]), (&"pool-unfit".into(), &"input".into()));
}

#[test]
fn nothing_is_written() {
    let said = Test::new().line(COMMAND).line("--sandbox --read-only").any_stdout().any_stderr().run().stderr;
    assert!(said.starts_with("read-only: 0 writes"), "{said}");
}
