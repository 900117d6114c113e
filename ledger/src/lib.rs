#![doc = include_str!("../README.md")]

pub mod chain;
pub mod codec;
pub mod crypto;
pub mod ids;
pub mod list;
pub mod money;
pub mod text;
pub mod time;
pub mod tree;
