//! The command line: help, bad input, results.

mod chart;
mod cluster;
mod connect;
mod doctor;
mod help;
mod images;
mod input;
mod install;
mod json;
mod life;
mod pairs;
mod pool;
mod preflight;
mod prerequisites;
mod render;
mod runs;
mod stacks;
mod terminal;
mod walk;

pub(crate) use install::is_nowhere;
