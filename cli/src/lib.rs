//! The parts of the `keis` command, as a library that the binary and the tests use.

pub mod allocator;
pub mod audit;
pub mod bench;
pub mod books;
pub mod demo;
pub mod draw;
pub mod export;
pub mod found;
pub mod genesis;
pub mod governance;
pub mod invoice;
pub mod key;
pub mod node;
pub mod portal;
mod processes;
pub mod programme;
pub mod proof;
pub mod receipt;
pub mod registry;
pub mod sample;
pub mod wallet;
pub mod words;
