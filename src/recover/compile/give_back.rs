//! Letting a volume name the claim again that names it. The claim is not deleted for it: what it names cannot have been changed.

use serde_json::Value;

use super::{CompileError, Draft, LIMIT_BOUND, LIMIT_PATCH};
use crate::object::{ObjectRef, text};
use crate::plan::verb::{Field, Pinned, Verb};
use crate::recover::join::{claim_of, volume_ref, workloads};
use crate::recover::loss::strayed;

/// A claim and the volume that it is to have.
struct Pair<'a> {
    claim: ObjectRef,
    live: &'a Value,
    volume: &'a Value,
}

impl<'a> Draft<'a> {
    /// Everybody who writes to one of the disks stops before any of them changes hands; the references are set one after the other.
    pub(super) fn give_back(&mut self, of: &ObjectRef) -> Result<(), CompileError> {
        let (pairs, losers) = self.entangled(of)?;
        for volume in pairs.iter().filter_map(|pair| Pinned::of(pair.volume)) {
            self.push(Verb::Keep { volume, quarantine: None }, LIMIT_PATCH);
        }
        for loser in &losers {
            let question = format!(
                "{of} and {loser} both name this volume. Is what is on it the data of {of}? {loser} is then without a volume; what uses it stays stopped, and `seaworthy recover replace` gives it a fresh one"
            );
            self.push(Verb::Ask { question, word: Some(of.name.clone()) }, 0);
        }
        let own = self.users.clone();
        for other in pairs.iter().map(|pair| &pair.claim).chain(&losers) {
            let more = workloads(&self.wish.sighting.snapshot, other).into_iter();
            let more: Vec<_> = more.filter(|user| !self.users.contains(user)).collect();
            self.users.extend(more);
        }
        self.stop(&[])?;
        // What uses a claim that stays without a volume would not start.
        let stays = |user: &super::Workload| {
            !own.contains(user)
                && losers.iter().any(|loser| workloads(&self.wish.sighting.snapshot, loser).contains(user))
        };
        let (users, stopped) = (self.users.clone(), self.stopped.clone());
        self.users = users.into_iter().filter(|user| !stays(user)).collect();
        self.stopped = stopped.into_iter().filter(|user| !stays(user)).collect();
        for pair in &pairs {
            self.refer(pair);
        }
        for pair in &pairs {
            let volume = ObjectRef::of(pair.volume).map(|volume| volume.name);
            self.push(Verb::Bound { claim: pair.claim.clone(), volume }, LIMIT_BOUND);
        }
        Ok(())
    }

    /// The claims whose volumes have to change hands together, the wished one first, and those that lose theirs with it: they name the
    /// same volume.
    fn entangled(&self, of: &ObjectRef) -> Result<(Vec<Pair<'a>>, Vec<ObjectRef>), CompileError> {
        let sighting = self.wish.sighting;
        let (mut pairs, mut losers, mut open): (Vec<Pair<'a>>, Vec<ObjectRef>, Vec<ObjectRef>) =
            (Vec::new(), Vec::new(), vec![of.clone()]);
        while let Some(claim) = open.pop() {
            let live = self.live(&claim).ok_or_else(|| CompileError::NoClaim(claim.clone()))?;
            let Some(volume) = strayed(sighting, live) else { continue };
            let holder = claim_of(volume).filter(|holder| {
                let live = self.live(holder).and_then(|live| text(live, "/metadata/uid"));
                *holder != claim && live.is_some() && live == text(volume, "/spec/claimRef/uid")
            });
            pairs.push(Pair { claim, live, volume });
            let Some(holder) = holder.filter(|holder| !pairs.iter().any(|pair| pair.claim == *holder)) else {
                continue;
            };
            let named = self.live(&holder).and_then(|live| text(live, "/spec/volumeName"));
            let both = named.map(volume_ref) == ObjectRef::of(volume);
            if both { losers.push(holder) } else { open.push(holder) }
        }
        if pairs.is_empty() { Err(CompileError::NothingLost(of.clone())) } else { Ok((pairs, losers)) }
    }

    fn refer(&mut self, pair: &Pair<'a>) {
        let wanted = [
            ("namespace", pair.claim.namespace.as_deref()),
            ("name", Some(pair.claim.name.as_str())),
            ("uid", text(pair.live, "/metadata/uid")),
        ];
        let field = |(key, value): (&str, Option<&str>)| {
            Field::of(pair.volume, &format!("/spec/claimRef/{key}"), value.map(Value::from))
        };
        let fields = wanted.into_iter().filter_map(field).collect();
        if let Some(object) = Pinned::of(pair.volume) {
            let does = format!("give {} back to {}", object.object.name, pair.claim);
            self.push(Verb::Set { object, does, fields }, LIMIT_PATCH);
        }
    }
}
