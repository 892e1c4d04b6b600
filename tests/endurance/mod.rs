//! The engine against every order of faults, in the manner of `FoundationDB` and `TigerBeetle`: a seed decides what is asked for,
//! when the API server refuses, hangs up or is far away, when a process is killed, when a node is gone, when a second operator
//! comes, and when the clock jumps. At every request and every event the invariants of [`watchdog`] are checked. The same seed
//! is the same story: nothing in it hangs on threads, hashes, disks or the time of day.
//!
//! Two kinds of stories: [`sail`] installs, changes, removes and recovers one small stack; [`salvage`] makes one of the losses that playbooks
//! are practised for, in the stack that they name for it, and recovers.
//!
//! `cargo test` sails a few seeds (`tests/seeds.rs`), `cargo bench --bench endurance -- SEEDS [FIRST]` many.

mod chance;
mod errand;
mod operator;
mod salvage;
mod sea;
mod stock;
mod story;
mod voyage;
mod watchdog;
mod weather;

pub(crate) use salvage::{losses, salvage};
pub(crate) use story::sail;
pub(crate) use voyage::Report;
