//! `detect`: what is here.

use std::process::ExitCode;

use seaworthy::host::clusters::{ClusterFact, Reach};
use seaworthy::host::engines::Engine;
use seaworthy::host::{self, Host, LookOptions};
use seaworthy::object::printable;

use super::{Failure, Session};
use crate::front::paint::{Paint, count, table};

pub(crate) async fn run(session: &Session) -> Result<ExitCode, Failure> {
    let options = LookOptions {
        kubeconfig: session.globals.kubeconfig.clone(),
        context: session.globals.context.clone(),
        folders: session.state_dir().into_iter().collect(),
        ..LookOptions::default()
    };
    let busy = session.busy("asking engines, tools and clusters");
    let host = host::look(&session.here, &options).await;
    drop(busy);
    session.print("Host", &host, || printable_lines(&text(&host, Paint(session.is_colourful()))));
    Ok(ExitCode::SUCCESS)
}

/// Escape sequences are ours only where we put them; what comes from engines and clusters was cleaned when it was read.
fn printable_lines(text: &str) -> String {
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn text(host: &Host, paint: Paint) -> String {
    let mut lines = vec![paint.strong("MACHINE"), machine(host)];
    lines.push(paint.strong("\nCONTAINER ENGINES"));
    lines.extend(host.engines.iter().map(|engine| engine_line(engine, paint)));
    if host.engines.is_empty() {
        lines.push("  none answers".to_owned());
    }
    for engine in host.unusable_engines.iter().filter(|engine| engine.is_noteworthy()) {
        lines.push(format!("  {} {}", paint.careful("no  "), printable(&with_hint(engine))));
    }
    lines.push(paint.strong("\nTOOLS"));
    lines.extend(tool_lines(host));
    let absent: Vec<&str> =
        host.tools.iter().filter(|tool| tool.path.is_none()).map(|tool| tool.name.as_str()).collect();
    if !absent.is_empty() {
        lines.push(paint.faint(&format!("  not here: {}", absent.join(", "))));
    }
    lines.push(paint.strong("\nCLUSTERS"));
    lines.extend(host.clusters.iter().flat_map(|cluster| cluster_lines(cluster, host, paint)));
    if host.kubeconfig.contexts.is_empty() {
        lines.push("  no kubeconfig names one; `seaworthy cluster create` makes one".to_owned());
    }
    for problem in &host.kubeconfig.problems {
        lines.push(format!("  {} {}", paint.careful("note"), printable(&with_hint(problem))));
    }
    lines.join("\n")
}

/// Every tool that is here; what it said of its version may be longer than any column.
fn tool_lines(host: &Host) -> Vec<String> {
    let here = host.tools.iter().filter_map(|tool| {
        let version = tool.version().unwrap_or("no version").to_owned();
        Some([format!("  {}", tool.name), version, tool.path.as_ref()?.display().to_string()].to_vec())
    });
    let rows: Vec<Vec<String>> = here.collect();
    // The heading stands above; the columns need none.
    let table = table(&["", "", ""], &rows);
    table.lines().skip(1).map(str::to_owned).collect()
}

fn with_hint(error: &impl seaworthy::error::Explain) -> String {
    match error.hint() {
        Some(hint) => format!("{error}\n       {hint}"),
        None => error.to_string(),
    }
}

fn machine(host: &Host) -> String {
    let Some(resources) = &host.resources else { return "  could not be read in time".to_owned() };
    let gib = |bytes: u64| format!("{:.1} GiB", bytes_to_gib(bytes));
    let parts = [
        resources.cpus.map(|cpus| count(cpus, "CPU")),
        resources
            .memory_available
            .zip(resources.memory_total)
            .map(|(free, total)| format!("{} of {} memory free", gib(free), gib(total))),
        resources.disks.first().map(|disk| format!("{} disk free", gib(disk.free))),
        resources.kernel.as_ref().map(|kernel| format!("kernel {}", printable(kernel))),
    ];
    format!("  {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

#[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
fn bytes_to_gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

fn engine_line(engine: &Engine, paint: Paint) -> String {
    let product = serde_json::to_value(engine.product).ok();
    let product = product.as_ref().and_then(serde_json::Value::as_str).unwrap_or("engine").to_owned();
    let addresses: Vec<&str> = engine.addresses.iter().map(|address| address.url.as_str()).collect();
    let rootless = if engine.rootless == Some(true) { " rootless" } else { "" };
    let cgroups = engine.cgroup_version.map_or_else(String::new, |version| format!(", cgroup v{version}"));
    let version = &engine.version;
    format!("  {} {product} {version}{rootless}{cgroups} at {}", paint.good("ok  "), addresses.join(", "))
}

fn cluster_lines(cluster: &ClusterFact, host: &Host, paint: Paint) -> Vec<String> {
    let current = host.kubeconfig.current.as_ref() == Some(&cluster.context);
    let name = format!("{}{}", cluster.context, if current { " (current)" } else { "" });
    match &cluster.reach {
        Reach::Reached(answer) => {
            let nodes = answer.nodes.map_or_else(String::new, |nodes| {
                format!(", {}", count(usize::try_from(nodes).unwrap_or(usize::MAX), "node"))
            });
            let kind = serde_json::to_value(answer.recognised.distribution).ok();
            let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or("other").to_owned();
            let because = &answer.recognised.because;
            let how = if because.is_empty() { kind } else { format!("{kind} ({because})") };
            vec![format!("  {} {name}: {}, {how}{nodes}, {} ms", paint.good("ok  "), answer.version, answer.latency_ms)]
        }
        Reach::Unreached(unreached) => {
            let file = unreached.file.as_ref().map_or_else(String::new, |file| format!(" (from {})", file.display()));
            let mut lines = vec![format!("  {} {name}: {}{file}", paint.bad("no  "), printable(&unreached.message))];
            lines.extend(unreached.remedy.as_ref().map(|remedy| format!("       {}", printable(remedy))));
            lines
        }
    }
}
