#![doc = include_str!("../README.md")]

pub mod client;
pub mod compose;
mod file;
pub mod keystore;
pub mod random;
pub mod secret_file;
pub mod verify;
mod wire;
