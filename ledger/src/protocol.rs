//! Versions of the rules. A chain names the version of each block in its header; governance switches it at a height.
//!
//! Every version's rules stay in this crate, so that a chain is executed again from its first block.

/// The rules as they were first: years, wallets, catalogue, orders, statements and governance.
pub const FIRST: u32 = 1;

/// Disputes and their remedies, settlement to its end, sealing and rating.
pub const SECOND: u32 = 2;

/// The newest rules that this build knows. A block of a later version is not executed: [`crate::block::InvalidBlock`]
/// names the version, and a node stops until it is replaced.
pub const LATEST: u32 = 2;
