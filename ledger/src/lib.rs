#![doc = include_str!("../README.md")]

pub mod accounts;
pub mod block;
pub mod chain;
pub mod classifiers;
pub mod codec;
pub mod crypto;
pub mod follow;
pub mod ids;
pub mod list;
pub mod money;
pub mod operation;
pub mod parameters;
pub mod protocol;
pub mod receipt;
pub mod record;
pub mod rejection;
pub mod state;
pub mod text;
pub mod time;
pub mod transaction;
pub mod tree;

pub use plan::{authorized, plan};
mod plan;
