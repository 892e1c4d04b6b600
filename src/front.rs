//! Front ends: they show events and ask questions, and hold no logic.

pub(crate) mod ask;
pub(crate) mod paint;
pub(crate) mod plain;
pub(crate) mod plan_text;
