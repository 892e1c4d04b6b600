//! `bundle`: gather, redact, look again, write; or show what would be written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use seaworthy::cluster::Cluster;
use seaworthy::doctor::bundle::pack::Findings;
use seaworthy::doctor::bundle::redact::Sealer;
use seaworthy::doctor::bundle::{Bundle, Gap, Leak, Material, Options, Wanted, file, gather, manifest, pack};
use seaworthy::doctor::remedy;
use seaworthy::doctor::report::{Choice, judge};
use seaworthy::error::Class;
use seaworthy::object::printable;
use serde_json::{Value, json};

use super::namespace::known_namespace;
use super::session::document_of;
use super::uninstall::bare_installation;
use super::{Failure, Session};
use crate::front::paint::{Paint, count, table};
use crate::front::report_text::{Origin, Style, report_text};
use crate::front::say;

/// `bundle`
#[derive(Debug, Args)]
pub(crate) struct BundleArgs {
    /// Whole objects and logs of this stack's namespace only; what checks read is of the whole cluster all the same (default: all of it)
    pub(crate) stack: Option<String>,
    /// Whole objects and logs of this namespace only; what checks read is of the whole cluster all the same
    #[arg(short, long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// List every file that would be written, its size, and what was hidden in it by which rule; nothing is written
    #[arg(long)]
    pub(crate) preview: bool,
    /// Take values of ConfigMaps too, without the secrets in them (default: their keys only)
    #[arg(long)]
    pub(crate) with_config: bool,
    /// The archive (default: seaworthy-CONTEXT-TIME.tar.gz in this folder); never one that is there already
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
}

pub(crate) async fn run(session: &Session, arguments: &BundleArgs) -> Result<ExitCode, Failure> {
    let namespace = match (&arguments.namespace, &arguments.stack) {
        (Some(namespace), _) => Some(namespace.clone()),
        (None, Some(stack)) => Some(bare_installation(session, stack, None)?.namespace),
        (None, None) => None,
    };
    if let Some(path) = arguments.to.as_deref().filter(|_| !arguments.preview) {
        file::check(path)?;
    }
    let cluster = session.connect().await?;
    if let Some(namespace) = &namespace {
        known_namespace(&cluster, namespace).await?;
    }
    let (bundle, has_cluster) = made(session, &cluster, namespace, arguments.with_config).await?;
    let path = arguments.to.clone().unwrap_or_else(|| PathBuf::from(format!("{}.{}", bundle.name, file::ENDING)));
    let size = if arguments.preview { None } else { Some(file::write(&bundle, &path)?) };
    for line in unread(&bundle.gaps) {
        say(line);
    }
    session.print("Bundle", &document(&bundle, &path, size), || text(&bundle, &path, size));
    if has_cluster {
        return Ok(ExitCode::SUCCESS);
    }
    say("nothing of the cluster could be read: what is in the bundle comes from this machine");
    Ok(ExitCode::FAILURE)
}

/// Things that were not read and are named; the rest is counted, and stands in the bundle.
const NAMED: usize = 5;

/// What was not read, each reason once.
fn unread(gaps: &[Gap]) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for gap in gaps {
        match reasons.iter_mut().find(|(why, _)| *why == gap.why) {
            Some((_, whats)) => whats.push(&gap.what),
            None => reasons.push((&gap.why, vec![&gap.what])),
        }
    }
    let line = |(why, whats): &(&str, Vec<&str>)| {
        let more = match whats.len().saturating_sub(NAMED) {
            0 => String::new(),
            many => format!(" and {many} more (unread.txt names all)"),
        };
        let named = whats.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        printable(&format!("not read: {named}{more}: {why}"))
    };
    reasons.iter().map(line).collect()
}

/// The bundle, and whether anything of the cluster is in it.
async fn made(
    session: &Session,
    cluster: &Cluster,
    namespace: Option<String>,
    with_config: bool,
) -> Result<(Bundle, bool), Failure> {
    let sealer = Sealer::random().map_err(|error| {
        let message = format!("the kernel gives no random numbers for the tokens of the bundle: {error}");
        Failure::new(
            "no-random-numbers",
            Class::Failed,
            message,
            Some("try again when the machine has been up for a while".to_owned()),
        )
    })?;
    let _busy = session.busy("reading the cluster");
    let wanted = Wanted { namespace, runs: session.runs().ok() };
    let material = gather(cluster, &wanted).await;
    let findings = findings(session, &material).transpose()?;
    let has_cluster = material.evidence.is_some() || !material.objects.is_empty();
    Ok((pack(material, findings, Options { with_config }, sealer)?, has_cluster))
}

/// What the doctor says of the same evidence, with the checks of one's own stacks.
fn findings(session: &Session, material: &Material) -> Option<Result<Findings, Leak>> {
    let stacks = super::doctor::knowledge(session);
    let choice = Choice { namespace: material.namespace.clone(), stacks, ..Choice::default() };
    let evidence = material.evidence.as_ref()?;
    let mut report = judge(evidence, &choice);
    remedy::offer(&mut report, evidence);
    let style = Style { paint: Paint(false), unicode: false };
    let unwritable =
        |error: serde_json::Error| Leak::Unwritable { file: "findings.json".to_owned(), why: error.to_string() };
    // As `doctor -o json` has it: what reads that reads this.
    let document = serde_json::to_value(&report).map(|report| document_of("Doctor", &report)).map_err(unwritable);
    Some(document.map(|document| Findings { text: report_text(&report, Origin::File, style) + "\n", document }))
}

fn document(bundle: &Bundle, path: &Path, size: Option<u64>) -> Value {
    let files: Vec<Value> = bundle
        .files
        .iter()
        .map(|file| json!({"path": file.path, "size": file.text.len(), "hidden": manifest::by_rule(file)}))
        .collect();
    json!({
        "file": size.map(|_| path.display().to_string()),
        "size": size,
        "preview": size.is_none(),
        "name": bundle.name,
        "taken": bundle.taken,
        "files": files,
        "hidden": hidden(bundle),
        "unread": bundle.gaps,
    })
}

/// By rule, in all files.
fn hidden(bundle: &Bundle) -> BTreeMap<&'static str, usize> {
    let mut all = BTreeMap::new();
    for (rule, number) in bundle.files.iter().flat_map(manifest::by_rule) {
        *all.entry(rule).or_insert(0) += number;
    }
    all
}

fn text(bundle: &Bundle, path: &Path, size: Option<u64>) -> String {
    let rules = |counts: &BTreeMap<&str, usize>| {
        let rules: Vec<String> = counts.iter().map(|(rule, number)| format!("{rule} {number}")).collect();
        rules.join(", ")
    };
    let all = hidden(bundle);
    let total: usize = all.values().sum();
    let said = if total == 0 { "nothing had to be hidden".to_owned() } else { format!("hidden: {}", rules(&all)) };
    let files = count(bundle.files.len(), "file");
    if let Some(size) = size {
        let what = format!("{}: {files}, {}", path.display(), bytes(size));
        return format!(
            "{what}\n{said}\nmanifest.json in it says what was hidden where; look through it before you send it\n"
        );
    }
    let row = |file: &seaworthy::doctor::bundle::Packed| {
        vec![file.path.clone(), bytes(file.text.len() as u64), rules(&manifest::by_rule(file))]
    };
    let rows: Vec<Vec<String>> = bundle.files.iter().map(row).collect();
    let list = table(&["FILE", "SIZE", "HIDDEN"], &rows);
    format!("{list}\n{files} would be written to {}; {said}\n", path.display())
}

fn bytes(number: u64) -> String {
    match number {
        0..=9_999 => format!("{number} B"),
        10_000..=9_999_999 => format!("{} kB", number / 1000),
        _ => format!("{} MB", number / 1_000_000),
    }
}
