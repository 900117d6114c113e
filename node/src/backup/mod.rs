//! A node's ledger as one stream: written from a store, also while the node runs, and made into a folder again.
//!
//! A copy of the store's files would be whole only while nothing writes to them. So what is told is the ledger itself, from
//! behind the durable point: the newest sound snapshot and every block with certificate and receipts up to the tip. A node that
//! runs writes it to whoever asks at its [`door`] from this machine with the same user or the superuser's.
//!
//! What is restored is proven like what a stranger gives: certificates from the founding document on, parents, receipts, and
//! the state by its root. It owns the stream and the folder that is made from it; it must not know where the stream is kept, nor
//! replace a folder that is there. The sign guard is never in it: a folder from a backup follows unsigned until it is adopted.
//!
//! | module | owns |
//! |---|---|
//! | `frame` | the pieces of a stream and their checksums |
//! | `write` | from a store to a stream |
//! | `ledger` | from a stream to a store, every piece proven |
//! | `restore` | the folder around the store |
//! | `door` | where a running node hands its ledger out |

pub mod door;
mod frame;
mod ledger;
mod restore;
mod write;

pub use frame::{Frame, FrameError, FrameReader, FrameWriter, Head, Tally};
pub use restore::{Given, Progress, RestoreError, Restored, check, restore};
pub use write::{BackupError, write};
