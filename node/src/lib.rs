#![doc = include_str!("../README.md")]

pub mod backup;
pub mod chain;
pub mod clock;
pub mod config;
pub mod disk;
pub mod documents;
pub mod gateway;
pub mod home;
pub mod mempool;
pub mod network;
pub mod run;
pub mod store;
pub mod sync;
pub mod telemetry;
pub mod view;
