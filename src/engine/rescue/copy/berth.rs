//! Where a volume is read or written: a helper pod that is made for it, or, when none can be, a container that has it mounted.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::runtime::wait::{Condition, await_condition, conditions};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::causes;
use super::helper::{self, State, Way};
use super::talk::{self, Place};
use crate::doctor::Cause;
use crate::engine::apply::ApplyError;
use crate::engine::rescue::count::mounts;
use crate::engine::step::{Doing, Ending};
use crate::event::Event;
use crate::object::{ObjectRef, items, text};
use crate::plan::FIELD_MANAGER;
use crate::plan::verb::{HELPER, holders, is_helper};
use crate::snapshot::Snapshot;

/// How long a helper may take to run: its image is there, its volume may have to be made.
const START: Duration = Duration::from_secs(120);
/// Before a watch that broke off is begun again.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a pod may take to be gone.
const GONE: Duration = Duration::from_secs(60);

/// Everything that copying runs. What is missing is named.
pub(crate) const PROBE: &str = r#"for tool in tar find sha256sum stat readlink head du; do
  command -v "$tool" >/dev/null || { echo "it has no $tool" >&2; exit 127; }
done
tar --version >/dev/null"#;

/// Where it is done, and whether something else can write there meanwhile.
#[derive(Debug)]
pub(super) struct Berth {
    pub(super) place: Place,
    pub(super) live: bool,
}

/// What was wished for.
pub(super) struct Wanted<'a> {
    pub(super) claim: &'a ObjectRef,
    pub(super) way: Way,
    /// The image that was named.
    pub(super) image: Option<&'a str>,
}

/// A pod when it has come to a point, or `None` when that takes longer than this. A watch that breaks off is begun again: whoever asks next
/// hears why nobody answers.
pub(super) async fn reached(
    pods: &Api<Pod>,
    name: &str,
    point: impl Condition<Pod>,
    limit: Duration,
) -> Option<Option<Pod>> {
    let watched = async {
        loop {
            match await_condition(pods.clone(), name, |pod: Option<&Pod>| point.matches_object(pod)).await {
                Ok(pod) => return pod,
                Err(_) => sleep(AGAIN).await,
            }
        }
    };
    timeout(limit, watched).await.ok()
}

impl Doing<'_> {
    /// Finds a place with all that copying needs. A helper first: it is root, its tools are known, and its work does not count as the
    /// application's. Where none can be made (a claim that waits for its deletion, a namespace that refuses it, no fitting image), a
    /// running container that has the whole volume mounted.
    pub(super) async fn berth(&self, seen: &Snapshot, wanted: &Wanted<'_>) -> Result<Berth, Ending> {
        let live = used_by(seen, wanted.claim).is_some();
        let mut tried = Vec::new();
        let mut refused = None;
        let is_going = seen.get(wanted.claim).is_some_and(|claim| text(claim, "/metadata/deletionTimestamp").is_some());
        if is_going {
            tried.push("no new pod can mount a claim that waits for its deletion".to_owned());
        } else {
            for image in helper::images(seen, wanted.claim, wanted.image) {
                match Box::pin(self.helper(seen, wanted, &image)).await {
                    Ok(place) => return Ok(Berth { place, live }),
                    Err(Miss::Image(why)) => tried.push(format!("{image}: {why}")),
                    Err(Miss::Refused(cause)) => {
                        tried.push(cause.message.clone());
                        refused = Some(cause);
                        break;
                    }
                    Err(Miss::Ended(ending)) => return Err(ending),
                }
            }
        }
        if wanted.way == Way::Out
            && let Some(place) = self.holder(seen, wanted.claim, &mut tried).await
        {
            return Ok(Berth { place, live: true });
        }
        Err(Ending::Failed(match refused {
            Some(cause) => *cause,
            None => causes::no_place(wanted.claim, &tried),
        }))
    }

    async fn holder(&self, seen: &Snapshot, claim: &ObjectRef, tried: &mut Vec<String>) -> Option<Place> {
        for pod in holders(seen, claim).filter(|pod| !is_helper(pod)) {
            for (container, path) in mounts(pod, claim) {
                let name = text(pod, "/metadata/name").unwrap_or_default();
                if has_mounts_below(pod, &container, &path) {
                    tried.push(format!("{name}/{container}: something else is mounted below {path}"));
                    continue;
                }
                let image = items(pod, "/spec/containers").find(|it| it["name"] == container.as_str());
                let place = Place {
                    namespace: claim.namespace.clone().unwrap_or_default(),
                    pod: name.to_owned(),
                    image: image.and_then(|it| text(it, "/image")).unwrap_or_default().to_owned(),
                    container,
                    path,
                };
                match talk::ask(&self.context.cluster.client, &place, PROBE).await {
                    Ok(_) => return Some(place),
                    Err(why) => tried.push(format!("{name}/{}: {why}", place.container)),
                }
            }
        }
        None
    }

    /// Makes the helper of a claim, or takes the one that is there, and proves that it can do what is wanted of it.
    async fn helper(&self, seen: &Snapshot, wanted: &Wanted<'_>, image: &str) -> Result<Place, Miss> {
        let claim = wanted.claim;
        let wished = helper::pod(claim, wanted.way, image, &helper::pull_secrets(seen, claim));
        let pods = self.pods(claim);
        let name = helper::name(claim);
        let about = helper::reference(claim);
        let there = self.patiently(&about, || async { Ok::<_, ApplyError>(pods.get_opt(&name).await?) }).await?;
        if !there.as_ref().is_some_and(|live| helper::is_same(live, &wished)) {
            if there.is_some() {
                self.no_helper(claim).await.map_err(Miss::Refused)?;
            }
            self.make_helper(claim, &wished).await?;
        }
        let running = |pod: Option<&Pod>| !matches!(helper::state(pod), State::Starting(_));
        let pod = match reached(&pods, &name, running, START).await {
            Some(pod) => pod,
            None => self.patiently(&about, || async { Ok::<_, ApplyError>(pods.get_opt(&name).await?) }).await?,
        };
        let failed = match helper::state(pod.as_ref()) {
            State::Running => None,
            State::Hopeless(why) => Some(why),
            State::Starting(why) => Some(format!("it does not run after {} s: {why}", START.as_secs())),
        };
        let place = helper::place(claim, wanted.way, image);
        let failed = match failed {
            None => talk::ask(&self.context.cluster.client, &place, PROBE).await.err(),
            failed => failed,
        };
        match failed {
            None => Ok(place),
            Some(why) => {
                self.no_helper(claim).await.map_err(Miss::Refused)?;
                Err(Miss::Image(why))
            }
        }
    }

    /// Rehearsed first: what admission says of it is said before anything is there.
    pub(super) async fn make_helper(&self, claim: &ObjectRef, wished: &Value) -> Result<(), Miss> {
        let about = helper::reference(claim);
        let pods = self.pods(claim);
        let pod: Pod = serde_json::from_value(wished.clone()).map_err(|error| Miss::Image(error.to_string()))?;
        for dry_run in [true, false] {
            let params = PostParams { dry_run, field_manager: Some(FIELD_MANAGER.to_owned()) };
            let send = || async {
                match pods.create(&params, &pod).await {
                    // Our own try before, of which the answer was lost.
                    Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
                    answer => Ok::<_, ApplyError>(answer.map(|_| ())?),
                }
            };
            match self.patiently(&about, send).await {
                Ok(()) => {}
                Err(Ending::Failed(cause)) => return Err(Miss::Refused(Box::new(causes::refused(claim, cause)))),
                Err(ending) => return Err(Miss::Ended(ending)),
            }
        }
        Ok(())
    }

    /// The helper of a claim goes, whoever made it, and is waited for: as long as it is there it holds the claim.
    pub(super) async fn no_helper(&self, claim: &ObjectRef) -> Result<(), Box<Cause>> {
        let (pods, name) = (self.pods(claim), helper::name(claim));
        let left = |why: String| Box::new(causes::helper_left(claim, &why));
        let Some(pod) = pods.get_opt(&name).await.map_err(|error| left(crate::error::root(&error)))? else {
            return Ok(());
        };
        let ours = pod.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key(HELPER));
        if !ours {
            return Err(left("it is somebody else's: it has not our label".to_owned()));
        }
        let uid = pod.metadata.uid;
        let only = Preconditions { uid: uid.clone(), resource_version: None };
        match pods.delete(&name, &DeleteParams::default().grace_period(0).preconditions(only)).await {
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => return Ok(()),
            answer => answer.map(|_| ()).map_err(|error| left(crate::error::root(&error)))?,
        }
        let gone = conditions::is_deleted(uid.as_deref().unwrap_or_default());
        match reached(&pods, &name, gone, GONE).await {
            Some(_) => Ok(()),
            None => Err(left(format!("it is still there after {} s", GONE.as_secs()))),
        }
    }

    /// The same on the way out, whichever way that is: said when it does not go, and no failure of what was done before.
    pub(super) async fn cast_off(&self, claim: &ObjectRef) {
        if let Err(cause) = self.no_helper(claim).await {
            let text = format!("{} ({})", cause.message, cause.remedy.unwrap_or_default());
            self.context.emit(Event::Notice { text }).await;
        }
    }

    pub(super) fn pods(&self, claim: &ObjectRef) -> Api<Pod> {
        Api::namespaced(self.context.cluster.client.clone(), claim.namespace.as_deref().unwrap_or_default())
    }
}

/// Why there is no helper.
pub(super) enum Miss {
    /// Not with this image; another may do.
    Image(String),
    /// Not at all.
    Refused(Box<Cause>),
    /// The run is being stopped, or the API server is gone.
    Ended(Ending),
}

impl From<Ending> for Miss {
    fn from(ending: Ending) -> Self {
        Self::Ended(ending)
    }
}

/// The first pod, other than a helper, that may have the volume mounted.
pub(super) fn used_by<'a>(seen: &'a Snapshot, claim: &'a ObjectRef) -> Option<&'a str> {
    let mut pods = holders(seen, claim).filter(|pod| !is_helper(pod) && crate::recover::join::is_on_a_node(pod));
    pods.find_map(|pod| text(pod, "/metadata/name"))
}

/// What is mounted below a volume is not its own.
fn has_mounts_below(pod: &Value, container: &str, path: &str) -> bool {
    let below = format!("{}/", path.trim_end_matches('/'));
    let of = items(pod, "/spec/containers").filter(|it| it["name"] == container);
    of.flat_map(|it| items(it, "/volumeMounts"))
        .any(|mount| text(mount, "/mountPath").is_some_and(|other| other.starts_with(&below)))
}
