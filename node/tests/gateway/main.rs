//! The gateway over a real chain, store and mempool, one file a resource.

mod catalogue;
mod chain;
mod documents;
mod openapi;
mod server;
mod support;
mod system;
mod transactions;
