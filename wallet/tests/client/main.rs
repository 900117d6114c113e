//! The client against gateways that answer what a test tells them to.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

mod calls;
mod owners;
mod support;
