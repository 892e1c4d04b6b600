//! `prerequisites check`: a small stack uses the prerequisite as stacks do, and is taken away again.

use std::process::ExitCode;

use seaworthy::cluster::Cluster;
use seaworthy::doctor::Cause;
use seaworthy::network::Reach;
use seaworthy::object::ObjectRef;
use seaworthy::plan::uninstall::{DataName, Destroy};
use seaworthy::prerequisites::smoke::{self, Proof};
use seaworthy::prerequisites::{Health, Picture, Prerequisite, Wants, assess};
use seaworthy::stack::{Catalogue, Choices, Stack};
use serde_json::{Value, json};

use super::{CheckArgs, bare, picture};
use crate::cli::choose::choose_of;
use crate::cli::install::{InstallArgs, decide};
use crate::cli::uninstall::Traces;
use crate::cli::voyage::refuse;
use crate::cli::{Choice, Failure, Session, pool};
use crate::front::face::Face;
use crate::front::plain::cause_text;

/// What came of one check.
pub(super) struct Checked {
    prerequisite: Prerequisite,
    proof: Proof,
}

/// How a check is made.
pub(super) struct Way<'a> {
    pub(super) session: &'a Session,
    pub(super) face: Face,
    pub(super) cluster: Cluster,
    pub(super) registry: Option<String>,
    /// Whether this machine reaches the addresses of load balancers, as far as that is known.
    pub(super) reach: Option<Reach>,
}

pub(super) async fn run(session: &Session, arguments: &CheckArgs) -> Result<ExitCode, Failure> {
    let (cluster, picture) = picture(session).await?;
    let asked = if arguments.names.is_empty() { present(&picture) } else { arguments.names.clone() };
    if asked.is_empty() {
        let hint = "`seaworthy prerequisites install` installs them";
        return Err(Failure::input("nothing-to-check", "none of the prerequisites is there", hint));
    }
    if session.globals.read_only {
        let hint = Some("run it without --read-only".to_owned());
        let message = "refused by --read-only: a check makes objects in a namespace of its own, and takes them away";
        return Err(Failure::new("read-only", seaworthy::error::Class::Failed, message, hint));
    }
    // What the pool would be does not matter here, only where this machine is.
    let reach = if asked.contains(&Prerequisite::Metallb) {
        pool::work_out(session, &cluster, &[], 1).await.ok().and_then(|(_, reach)| reach)
    } else {
        None
    };
    let way = Way { session, face: session.face(), cluster, registry: arguments.registry.clone(), reach };
    let checked = all(&way, &asked).await?;
    if session.is_json() {
        session.print("PrerequisitesCheck", &document(&checked), String::new);
    }
    Ok(if all_work(&checked) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Those of which something is there.
fn present(picture: &Picture) -> Vec<Prerequisite> {
    let there = |prerequisite: &Prerequisite| {
        let found = assess(*prerequisite, picture, &Wants::default()).found;
        found.is_some_and(|found| found.health == Health::Healthy)
    };
    Prerequisite::ALL.into_iter().filter(there).collect()
}

/// Checks these, one after the other, and says what came of each.
pub(super) async fn all(way: &Way<'_>, asked: &[Prerequisite]) -> Result<Vec<Checked>, Failure> {
    let mut checked = Vec::new();
    for prerequisite in asked {
        let proof = Box::pin(check(way, *prerequisite)).await?;
        let line = match &proof {
            Ok(proof) => format!("{prerequisite} works: {proof}"),
            Err(cause) => format!("{prerequisite} does not work: {}", cause_text(cause)),
        };
        way.face.say(&line);
        checked.push(Checked { prerequisite: *prerequisite, proof });
    }
    Ok(checked)
}

pub(super) fn document(checked: &[Checked]) -> Value {
    let one = |checked: &Checked| match &checked.proof {
        Ok(proof) => json!({"prerequisite": checked.prerequisite, "works": true, "proof": proof}),
        Err(cause) => json!({"prerequisite": checked.prerequisite, "works": false, "cause": cause}),
    };
    json!({"checks": checked.iter().map(one).collect::<Vec<_>>()})
}

pub(super) fn all_work(checked: &[Checked]) -> bool {
    checked.iter().all(|one| one.proof.is_ok())
}

async fn check(way: &Way<'_>, prerequisite: Prerequisite) -> Result<Proof, Failure> {
    if prerequisite == Prerequisite::MetricsServer {
        return Ok(smoke::metrics(&way.cluster).await);
    }
    let stack = Catalogue::prerequisites().get(&format!("smoke-{prerequisite}"))?;
    let proof = use_it(way, prerequisite, &stack).await;
    // Whatever came of it, nothing is left behind.
    let makes_volumes = matches!(prerequisite, Prerequisite::LocalPath | Prerequisite::SharedPath);
    let volumes = match prerequisite {
        _ if makes_volumes => smoke::volumes(&way.cluster, stack.definition().default_namespace()).await,
        _ => Ok(Vec::new()),
    };
    let volumes = volumes.map_err(|error| Failure::kube(&error))?;
    take_away(way, &stack).await?;
    match proof? {
        Ok(proof) if makes_volumes => {
            let gone = smoke::gone(&way.cluster, prerequisite, &volumes).await;
            Ok(gone.map(|()| format!("{proof}, and the volume was taken away with its claim")))
        }
        proof => Ok(proof),
    }
}

/// Installs the stack of the check, and looks at what became of it.
async fn use_it(way: &Way<'_>, prerequisite: Prerequisite, stack: &Stack) -> Result<Proof, Failure> {
    let apart = prerequisite == Prerequisite::SharedPath
        && smoke::nodes_for_pods(&way.cluster).await.map_err(|error| Failure::kube(&error))? > 1;
    let set: &[&str] = if apart { &["apart=true"] } else { &[] };
    if let Some(cause) = bring(way, stack, set).await? {
        return Ok(Err(cause));
    }
    let namespace = stack.definition().default_namespace();
    let object = |api_version: &str, kind: &str| ObjectRef::new(api_version, kind, Some(namespace), stack.name());
    match prerequisite {
        Prerequisite::Metallb => {
            // The addresses of a sandbox are nobody's, or somebody else's.
            let outside = matches!(way.reach, Some(Reach::Outside { .. })) || way.session.globals.sandbox.is_some();
            let here = !outside;
            Ok(smoke::address(&way.cluster, &object("v1", "Service"), here).await)
        }
        Prerequisite::Kruise => {
            if let Some(cause) = bring(way, stack, &["replicas=1"]).await? {
                return Ok(Err(cause));
            }
            Ok(smoke::defaulted(&way.cluster, &object("apps.kruise.io/v1alpha1", "CloneSet")).await)
        }
        Prerequisite::SharedPath => Ok(smoke::shared(&way.cluster, namespace, apart).await),
        Prerequisite::LocalPath => Ok(Ok("a volume was bound, written to and read".to_owned())),
        Prerequisite::MetricsServer => Ok(Ok(String::new())),
    }
}

/// Brings the stack to these values. Why it did not come up, if it did not.
async fn bring(way: &Way<'_>, stack: &Stack, set: &[&str]) -> Result<Option<Cause>, Failure> {
    let set = set.iter().map(|text| (*text).to_owned()).collect();
    let choices = Choices { set, ..Choices::default() };
    let choice = Choice { registry: way.registry.clone(), ..Choice::default() };
    let chosen = choose_of(stack, &choice, &choices)?;
    // What an earlier check has left is taken over.
    let how = InstallArgs { replan: true, ..InstallArgs::default() };
    let ready = decide(way.session, way.cluster.clone(), &chosen, &how).await?;
    refuse(&ready.prepared)?;
    let landing = ready.land(way.session, way.face.clone(), None).await?;
    if landing.code() == 0 {
        return Ok(None);
    }
    Ok(Some(landing.outcome.causes.into_iter().next().unwrap_or_else(|| Cause {
        id: "interrupted".to_owned(),
        object: None,
        reason: "Interrupted".to_owned(),
        message: "the check was stopped".to_owned(),
        remedy: None,
        outlook: seaworthy::doctor::Outlook::Stuck,
    })))
}

async fn take_away(way: &Way<'_>, stack: &Stack) -> Result<(), Failure> {
    let bare = bare(stack);
    let own = DataName { kind: "Namespace".to_owned(), namespace: None, name: bare.namespace.clone() };
    let traces = Traces::read(way.session, way.cluster.clone(), bare).await?;
    // The namespace and all that is in it were made for the check.
    let claims = traces.known.iter().filter(|object| object.kind == "PersistentVolumeClaim").map(DataName::from);
    let destroy = Destroy(claims.chain([own]).collect());
    let removal = traces.removal(&destroy, &[]).await?;
    let landing = removal.land(way.session, way.face.clone(), None).await?;
    if landing.code() == 0 {
        return Ok(());
    }
    let why = landing.outcome.causes.first().map(cause_text).unwrap_or_default();
    let hint = Some(format!(
        "`seaworthy uninstall {} -n {}` takes it away",
        stack.name(),
        stack.definition().default_namespace()
    ));
    let message = format!("what the check made could not be taken away: {why}");
    Err(Failure::new("smoke-left", seaworthy::error::Class::Failed, message, hint))
}
