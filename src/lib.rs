//! The engine of Seaworthy: everything but the terminal.
//!
//! ```text
//! host ------.                          approve
//! snapshot --+-- decide -- Plan ---------- run -- verify -- snapshot' -- checks --+-- healthy -> records
//! stack -----'                              ^                                     '-- findings -- causes -- remedy or playbook
//!                                           '----------------------------------------------------------------------------'
//! ```
//!
//! Modules stand in the order of that flow. Only [`engine`] writes. Nothing here prints, reads the environment or exits.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod bell;
pub mod error;
mod file_lock;
mod heir;
pub mod kinds;
pub mod object;
pub mod references;

pub mod cluster;
pub mod host;
pub mod snapshot;

pub mod logs;

pub mod etcd;

pub mod network;

pub mod stack;

pub mod chart;

pub mod images;
pub mod prerequisites;

pub mod clusters;
pub mod preflight;
pub mod prepare;

pub mod plan;

pub mod event;

pub mod engine;

pub mod doctor;

pub mod recover;

pub mod home;

pub mod sandbox;

/// musl's own takes three times as long for the many small pieces of a cluster's objects; tests, too, are built with musl.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
