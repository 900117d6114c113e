#![doc = include_str!("../README.md")]

mod app;
mod context;
mod engine;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod guard;
mod host;
mod journal;
mod listed;
mod relink;
mod seal;
mod streams;
mod wait;
mod wal;
mod wire;
mod witness;

pub use app::{AppError, Application, Blocks, Proposal, Verdict};
pub use engine::{Config, Engine, EngineError, Peer, Timeouts, metrics, network_key, start};
