//! The engine against an API server in memory.

mod delete;
mod drift;
mod failure;
pub(crate) mod fake;
pub(crate) mod harbour;
mod lock;
mod order;
mod resume;
mod stop;
mod wait;
