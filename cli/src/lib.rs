//! The parts of the `keis` command that tests use.

pub mod programme;
pub mod sample;
