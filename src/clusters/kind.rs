//! Clusters of kind: nodes that are containers.

pub mod config;
pub mod create;
pub mod profile;
pub mod words;
