//! The portal over a registry of its own and a ledger that stands still, in one binary: each that is linked costs minutes of a
//! clean build.

mod bills;
mod bills_support;
mod books;
mod catalogue;
mod dispatch;
mod encoder;
mod market;
mod metrics;
mod office;
mod office_acts;
mod office_decisions;
mod office_support;
mod provider;
mod public;
mod publish;
mod school;
mod school_unreached;
mod server;
mod server_tls;
mod signin;
mod signin_authority;
mod signin_certified;
mod signin_lying;
mod support;
mod wallet;
mod words;
