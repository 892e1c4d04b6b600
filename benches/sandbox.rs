//! A large sandbox: how long 5,000 pods on 200 nodes take to run, what they weigh, and how long a list of them takes, beside what
//! writing the same list as JSON takes, which whoever serves it has to do: `cargo bench --bench sandbox`.
#![allow(clippy::unwrap_used, reason = "a panic is the report")]
#![allow(clippy::print_stdout, reason = "a bench speaks")]

mod crowd;

use std::time::{Duration, Instant};

use crowd::text;
use http::Method;
use seaworthy::sandbox::{Kind, Sandbox};
use serde_json::Value;

const NODES: usize = 200;
const DEPLOYMENTS: usize = 50;
const REPLICAS: usize = 100;
const ROUNDS: usize = 15;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let empty = resident();
    let sandbox = Sandbox::new(Kind::SingleNode);
    let _leap = sandbox.clock().leap();
    let client = sandbox.client();
    let began = Instant::now();
    crowd::add_nodes(&client, NODES).await;
    let with_nodes = began.elapsed();
    crowd::run_pods(&client, DEPLOYMENTS, REPLICAS).await;
    let running = began.elapsed();
    println!(
        "{NODES} nodes after {:.2} s, {} pods ready after {:.2} s",
        with_nodes.as_secs_f64(),
        DEPLOYMENTS * REPLICAS,
        running.as_secs_f64()
    );
    println!("resident: {} MiB more than before", (resident() - empty) >> 10);
    let path = "/api/v1/namespaces/default/pods";
    let list: Value = serde_json::from_str(&text(&client, Method::GET, path, &Value::Null).await).unwrap();
    let write = median(|| drop(std::hint::black_box(list.to_string())));
    let mut asked: Vec<Duration> = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        std::hint::black_box(text(&client, Method::GET, path, &Value::Null).await);
        asked.push(began.elapsed());
    }
    asked.sort();
    let page = {
        let began = Instant::now();
        std::hint::black_box(text(&client, Method::GET, &format!("{path}?limit=500"), &Value::Null).await);
        began.elapsed()
    };
    let asked = asked[ROUNDS / 2];
    println!(
        "a list of all pods: {:.1} ms, {:.2} times what writing it as JSON takes ({:.1} ms); a page of 500: {:.1} ms",
        millis(asked),
        asked.as_secs_f64() / write.as_secs_f64(),
        millis(write),
        millis(page)
    );
}

fn median(mut work: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            work();
            began.elapsed()
        })
        .collect();
    times.sort();
    times[ROUNDS / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Resident memory of this process, KiB (proc(5)).
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse().ok()).unwrap_or(0)
}
