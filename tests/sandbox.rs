//! The sandbox: the real engine above it, and its API against what a real API server answers.

mod admission;
mod api;
mod backups;
mod broken_off;
mod bundle;
mod copies;
mod cut;
mod drills;
mod etcd;
mod etcd_recover;
mod faults;
mod fix;
mod healthy;
mod live;
mod logs;
mod mistaken;
mod place;
mod program;
mod secrets;
mod storage;
mod stories;
pub(crate) mod support;
mod walks;
mod why;
