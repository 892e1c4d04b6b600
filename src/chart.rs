//! Official charts, installed by helm as ordinary releases, and watched, judged and taken away like everything else.
//!
//! ```text
//! --chart REF -- reference --.
//! helm on the PATH -- helm --+-- template --> manifest (objects, hooks) --.
//! values -- stack::chart ----'                                            +-- plan::chart --> steps
//! the cluster -- release (helm's own records) ----------------------------'
//! ```
//!
//! Reads only. What runs helm for a change is the engine.

pub mod digest;
pub mod helm;
pub mod hooks;
pub mod manifest;
pub mod reference;
pub mod release;
pub mod secret;

pub use helm::{Access, Helm, HelmError};
pub use manifest::Manifest;
pub use reference::{Form, Reference, ReferenceError};
pub use release::{Release, Releases};
