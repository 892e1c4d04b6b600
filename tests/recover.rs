//! Recoveries against an API server in memory with the controllers of storage: each story told once, and broken off everywhere.

mod command;
mod follow;
mod gates;
mod guides;
pub(crate) mod harbour;
mod stories;
mod wrong;
