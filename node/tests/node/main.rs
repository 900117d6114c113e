//! The rooms of a node and clusters of them, in one binary: each that is linked costs minutes. The gateway has its own.

#![allow(clippy::unwrap_used, reason = "what a test expects and does not find ends it")]

mod chain;
mod clock;
mod cluster;
mod cluster_support;
mod documents;
mod governed;
mod home;
mod mempool;
mod mempool_support;
mod network;
mod store;
mod store_faults;
mod store_support;
mod sync;
