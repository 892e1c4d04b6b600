//! The engine against every order of faults, in the manner of `FoundationDB` and `TigerBeetle`: a seed decides what is asked for,
//! when the API server refuses, hangs up or is far away, when a process is killed, when a node is gone, when a second operator
//! comes, and when the clock jumps. At every request and every event the invariants of [`watchdog`] are checked. The same seed
//! is the same story: nothing in it hangs on threads, hashes, disks or the time of day.
//!
//! `cargo test` sails a few seeds (`tests/seeds.rs`), `cargo bench --bench endurance -- SEEDS [FIRST]` many.

mod chance;
mod operator;
mod sea;
mod story;
mod watchdog;
mod weather;

pub(crate) use story::sail;
