//! Whether a fault would hit anything, before it is injected: who mistypes a name would wait for what never comes.

use serde_json::Value;

use super::strike::{can_go, crew, is_member, is_system, members};
use super::{Fault, bindings, is_target, volumes};
use crate::object::{items, text};
use crate::sandbox::world::World;

/// Where a fault would strike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// Something is there that it strikes.
    Hits,
    /// Nothing is there that it strikes; it strikes what comes.
    Later,
    /// It would strike nothing.
    Misses {
        /// What it strikes.
        what: &'static str,
        /// Of that, what there is.
        there: Vec<String>,
    },
}

/// Where it would strike.
pub(in crate::sandbox) fn aim(fault: &Fault, world: &World, target: &str) -> Aim {
    let Some((what, there, is_hit)) = picked(fault, world, target) else {
        return match fault.target {
            "part of an image's name" if !images(world).any(|image| image.contains(target)) => Aim::Later,
            _ => Aim::Hits,
        };
    };
    // Before anything is installed its name cannot be mistaken for another one.
    let has_applications = world.store.all("Pod").any(is_own);
    match (is_hit, fault.is_lasting() && fault.target != "node" && !has_applications) {
        (true, _) => Aim::Hits,
        (false, true) => Aim::Later,
        (false, false) => Aim::Misses { what, there },
    }
}

/// What it strikes, what there is of that, and whether the target is among it; `None`: it strikes whatever there is.
fn picked(fault: &Fault, world: &World, target: &str) -> Option<(&'static str, Vec<String>, bool)> {
    let called = |there: &[String]| there.iter().any(|name| is_called(name, target));
    // A lasting fault strikes whatever has its target in its name.
    let named = |there: &[String]| there.iter().any(|name| name.contains(target));
    let of_etcd = of_etcd(fault.name, world, target);
    if of_etcd.is_some() {
        return of_etcd;
    }
    let all = |kind: &str| names(world.store.all(kind));
    let (what, there): (_, Vec<String>) = match (fault.name, fault.target) {
        ("claim-renewed", _) => ("claim of a StatefulSet", names(bindings::of_sets(world, "").iter())),
        ("volumes-swapped", _) => {
            let paired = |volume: &Value| !bindings::beside(world, volume).is_empty();
            let is_hit = volumes(world, target).iter().any(paired);
            let there = volumes(world, "").iter().filter(|volume| paired(volume)).map(claim_of).collect();
            return Some(("volume with another one in its namespace", there, is_hit));
        }
        (_, "volume or claim") => {
            let there = volumes(world, "").iter().map(claim_of).collect();
            return Some(("volume", there, !volumes(world, target).is_empty()));
        }
        (_, "claim") => {
            let claims = || world.store.all("PersistentVolumeClaim");
            let is_hit = claims().any(|claim| is_target(claim, target)) || !volumes(world, target).is_empty();
            return Some(("claim", names(claims()), is_hit));
        }
        (_, "node") => ("node", all("Node")),
        (_, "secret") => ("Secret of an application", names(world.store.all("Secret").filter(|one| is_own(one)))),
        ("namespace-stuck", _) => {
            ("namespace of an application", all("Namespace").into_iter().filter(|name| can_go(name)).collect())
        }
        (_, "namespace") => ("namespace", all("Namespace").into_iter().filter(|name| !is_system(name)).collect()),
        // What lasts goes by the bare name.
        (_, "service") => ("Service", bare(&all("Service"))),
        (_, "container") => ("container", bare(&containers(world))),
        (_, "part of pod/container") => ("container", containers(world)),
        _ => return None,
    };
    let is_hit = if fault.is_lasting() { named(&there) } else { called(&there) };
    Some((what, there, is_hit))
}

/// The same for what strikes the etcd of an application.
fn of_etcd(name: &str, world: &World, target: &str) -> Option<(&'static str, Vec<String>, bool)> {
    match name {
        "etcd-quorum-lost" | "etcd-member-wiped" | "etcd-corrupt" => {
            let members = members(world);
            let is_hit = members.iter().any(|pod| is_member(pod, target));
            Some(("member of an application's etcd", names(members.iter()), is_hit))
        }
        "etcd-wiped" | "etcd-full" | "etcd-majority-gone" => {
            // Of a single member the majority is all there is.
            let (what, least) = if name == "etcd-majority-gone" {
                ("etcd of several members", 2)
            } else {
                ("etcd of an application", 1)
            };
            let fit = |target: &str| -> Vec<String> {
                let crews = crew(world, target).into_iter().filter(|(_, pods)| pods.len() >= least);
                crews.map(|(set, _)| format!("{}/{}", set.namespace, set.name())).collect()
            };
            Some((what, fit(""), !fit(target).is_empty()))
        }
        _ => None,
    }
}

/// Whether a name, with its namespace or without, is the target; nothing means any.
fn is_called(name: &str, target: &str) -> bool {
    target.is_empty() || name == target || name.rsplit('/').next() == Some(target)
}

/// The last parts of names, each once.
fn bare(names: &[String]) -> Vec<String> {
    let mut bare: Vec<String> = names.iter().filter_map(|name| name.rsplit('/').next()).map(str::to_owned).collect();
    bare.sort();
    bare.dedup();
    bare
}

fn is_own(object: &Value) -> bool {
    !text(object, "/metadata/namespace").is_some_and(is_system)
}

/// With the namespaces, where they have one.
fn names<'a>(objects: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let name = |object| {
        let name = text(object, "/metadata/name").unwrap_or_default();
        text(object, "/metadata/namespace").map_or(name.to_owned(), |namespace| format!("{namespace}/{name}"))
    };
    objects.map(name).collect()
}

/// A volume as people know it: by its claim.
fn claim_of(volume: &Value) -> String {
    let part = |pointer| text(volume, pointer);
    match (part("/spec/claimRef/namespace"), part("/spec/claimRef/name")) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        _ => part("/metadata/name").unwrap_or_default().to_owned(),
    }
}

/// As `POD/CONTAINER`.
fn containers(world: &World) -> Vec<String> {
    let of = |pod| {
        let name = text(pod, "/metadata/name").unwrap_or_default();
        let all = items(pod, "/spec/initContainers").chain(items(pod, "/spec/containers"));
        all.map(move |one| format!("{name}/{}", text(one, "/name").unwrap_or_default()))
    };
    world.store.all("Pod").flat_map(of).collect()
}

fn images(world: &World) -> impl Iterator<Item = &str> {
    world.store.all("Pod").flat_map(|pod| items(pod, "/spec/containers")).filter_map(|one| text(one, "/image"))
}
