//! Whether a fault would hit anything, before it is injected: who mistypes a name would wait for what never comes.

use crate::object::{items, text};
use crate::sandbox::world::World;

use super::bindings::of_sets;
use super::strike::{crew, is_member, is_system, members};
use super::{Fault, is_target, volumes};

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
    let (what, there): (_, Vec<String>) = match fault.name {
        "etcd-quorum-lost" | "etcd-member-wiped" | "etcd-corrupt" => {
            ("member of an application's etcd", names(members(world).iter()))
        }
        "etcd-wiped" | "etcd-full" => ("application's etcd", sets(world, 1)),
        "etcd-majority-gone" => ("application's etcd of more than one member", sets(world, 2)),
        "volumes-swapped" => ("volume beside another one of its namespace", beside_another(world)),
        "claim-renewed" => ("claim of a StatefulSet", names(of_sets(world).iter())),
        _ => match fault.target {
            "node" => ("node", names(world.store.all("Node"))),
            "volume or claim" => ("volume", volumes(world, "").iter().map(claim_of).collect()),
            "claim" => ("claim", names(world.store.all("PersistentVolumeClaim"))),
            "secret" => ("Secret of an application", names(world.store.all("Secret").filter(|one| is_own(one)))),
            "namespace" => {
                ("namespace", names(world.store.all("Namespace")).into_iter().filter(|name| !is_system(name)).collect())
            }
            // What lasts goes by the bare name.
            "service" => ("Service", bare(&names(world.store.all("Service")))),
            "container" => ("container", bare(&containers(world))),
            "part of pod/container" => ("container", containers(world)),
            "part of an image's name" => {
                return if images(world).any(|image| image.contains(target)) { Aim::Hits } else { Aim::Later };
            }
            _ => return Aim::Hits,
        },
    };
    let is_hit = match fault.target {
        "StatefulSet, pod or claim" => {
            let least = if fault.name == "etcd-majority-gone" { 2 } else { 1 };
            crew(world, target).iter().any(|(_, pods)| pods.len() >= least)
        }
        "pod or claim" => members(world).iter().any(|pod| is_member(pod, target)),
        "claim" if fault.name == "claim-renewed" => of_sets(world).iter().any(|claim| is_target(claim, target)),
        "volume or claim" if fault.name == "volumes-swapped" => {
            volumes(world, target).iter().any(|volume| there.contains(&claim_of(volume)))
        }
        "volume or claim" => !volumes(world, target).is_empty(),
        "claim" => {
            world.store.all("PersistentVolumeClaim").any(|claim| is_target(claim, target))
                || !volumes(world, target).is_empty()
        }
        "pod" => members(world).iter().any(|pod| is_target(pod, target)),
        // A lasting fault strikes whatever has its target in its name.
        _ if fault.is_lasting() => there.iter().any(|name| name.contains(target)),
        _ => there.iter().any(|name| is_called(name, target)),
    };
    // Before anything is installed its name cannot be mistaken for another one.
    let has_applications = world.store.all("Pod").any(is_own);
    match (is_hit, fault.is_lasting() && fault.target != "node" && !has_applications) {
        (true, _) => Aim::Hits,
        (false, true) => Aim::Later,
        (false, false) => Aim::Misses { what, there },
    }
}

/// The etcds of so many members or more, by their `StatefulSet`.
fn sets(world: &World, least: usize) -> Vec<String> {
    let all = crew(world, "").into_iter().filter(|(_, pods)| pods.len() >= least);
    all.map(|(set, _)| format!("{}/{}", set.namespace, set.name())).collect()
}

/// The volumes, by their claims, that are not the only one of their namespace.
fn beside_another(world: &World) -> Vec<String> {
    let all = volumes(world, "");
    let is_alone = |volume: &serde_json::Value| {
        let namespace = &volume["spec"]["claimRef"]["namespace"];
        all.iter().filter(|other| other["spec"]["claimRef"]["namespace"] == *namespace).count() < 2
    };
    all.iter().filter(|volume| !is_alone(volume)).map(claim_of).collect()
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

fn is_own(object: &serde_json::Value) -> bool {
    !text(object, "/metadata/namespace").is_some_and(is_system)
}

/// With the namespaces, where they have one.
fn names<'a>(objects: impl Iterator<Item = &'a serde_json::Value>) -> Vec<String> {
    let name = |object| {
        let name = text(object, "/metadata/name").unwrap_or_default();
        text(object, "/metadata/namespace").map_or(name.to_owned(), |namespace| format!("{namespace}/{name}"))
    };
    objects.map(name).collect()
}

/// A volume as people know it: by its claim.
fn claim_of(volume: &serde_json::Value) -> String {
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
