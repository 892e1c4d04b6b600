//! Clusters of kind: nodes that are containers.

pub mod config;
pub mod create;
pub mod words;
