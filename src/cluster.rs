//! The cluster: reaching it, and saying why it cannot be reached.

pub mod fault;
