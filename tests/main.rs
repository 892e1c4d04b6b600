//! Tests of the whole program, in one binary so that the dependencies are linked once.
//!
//! * `cli`: the real program, started with an empty home and a fake cluster or none;
//! * `engine`: the engine against an API server in memory, below the real Kubernetes client;
//! * `recover`: losses and playbooks, against the same server with the controllers of storage;
//! * `properties`: what holds for every plan, tried on many;
//! * `stacks`: what each built-in stack makes of which values;
//! * `sandbox`: the simulated cluster, and the program above it;
//! * `endurance`, `seeds`: the engine on the simulated cluster, against every order of faults;
//! * `conformance`: behaviours recorded on a real API server, against the sandbox or a real cluster;
//! * `front`: the program in a pseudo-terminal, by keys;
//! * `layering`: rules about the source itself.
//!
//! They take no network but loopback, and sleep nowhere. What needs a real cluster is in `cluster/`.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod cli;
mod conformance;
mod endurance;
mod engine;
mod front;
mod layering;
mod properties;
mod recover;
mod sandbox;
mod seeds;
mod stacks;
mod test;
