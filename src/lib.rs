//! The engine of Seaworthy: everything but the terminal.
//!
//! ```text
//! host ------.                          approve
//! snapshot --+-- decide -- Plan ---------- run -- verify -- snapshot' -- checks --+-- healthy -> records
//! stack -----'                              ^                                     '-- findings -- causes -- remedy or playbook
//!                                           '----------------------------------------------------------------------------'
//! ```
//!
//! Modules stand in the order of that flow. Only `engine` writes. Nothing here prints, reads the environment or exits.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod cluster;
pub mod error;
pub mod host;
pub mod kinds;
pub mod stack;
