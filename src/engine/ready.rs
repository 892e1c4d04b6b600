//! Waiting is watching: one shared set of watches a namespace, from which the readiness of every object and the cause of
//! every stall is judged.

mod inquiry;
pub mod judge;
mod parts;
mod pulls;
mod settle;
mod tracker;
pub(crate) mod words;

pub use judge::{Readiness, is_awaited, judge};
pub use tracker::Tracker;
