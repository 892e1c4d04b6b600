//! Where the nodes of a cluster are on this machine: the addresses that MetalLB may give to Services, a pool from the network of
//! the nodes, with the proof; and a folder that all of them have ([`folder()`]).
//!
//! ```text
//! engines --- locate ---.
//! cluster --- inputs ---+-- Inputs -- decide -- Proof | Refusal
//! --pool ---- read -----'          '- check --'
//! engine, interfaces ------------------ reach
//! ```
//!
//! Pure but for [`look()`] and what it asks, which only read. The algorithm and its figures: facts of kind, Docker 20.10 and Podman 4.3 as
//! measured (`tests/cluster/groups/networks.sh`), MetalLB 0.15 layer 2.

mod check;
mod cidrs;
mod decide;
mod folder;
mod holders;
mod inputs;
mod locate;
mod look;
mod near;
mod neighbours;
pub mod ports;
mod proof;
mod range;
mod reach;
mod refusal;
mod warn;
mod window;

pub use check::{check, kept, prove, read};
pub use decide::decide;
pub use folder::{Folder, NoFolder, folder};
pub(crate) use holders::pools_query;
pub use inputs::{Forbidden, Holder, Inputs, Near, Network, NodeAddress, Pool, Subnet, Used};
pub(crate) use look::engine_of_nodes;
pub use look::{Seen, Shore, look, see, shore, snapshot};
pub use proof::{Excluded, Origin, Part, Proof, Warning};
pub use range::{Family, Range, RangeFault};
pub use reach::{Case, Machine, Reach, reach};
pub use refusal::{Fault, Refusal};
pub use window::{MOST, Place, Window};

#[cfg(test)]
mod tests;
