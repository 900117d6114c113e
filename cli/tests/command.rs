//! The built `keis` command, as people and scripts use it: what it prints, its exit codes, and that no secret leaves it.

#![allow(clippy::unwrap_used, reason = "what a test expects and does not find ends it")]

#[path = "command/genesis.rs"]
mod genesis;
#[path = "command/governance.rs"]
mod governance;
#[path = "command/help.rs"]
mod help;
#[path = "command/key.rs"]
mod key;
#[path = "command/network.rs"]
mod network;
#[path = "command/node.rs"]
mod node;
#[path = "command/portal.rs"]
mod portal;
#[path = "command/registry.rs"]
mod registry;
#[path = "command/support.rs"]
mod support;
#[path = "command/wallet.rs"]
mod wallet;
