//! The web pages of the culture passport.

pub mod billing;
pub mod books;
pub mod call;
pub mod catalogue;
pub mod closings;
pub mod dispatch;
pub mod door;
pub mod erasure;
pub mod frame;
pub mod route;
pub mod server;
pub mod session;
pub mod settings;
pub mod signin;
pub mod site;
pub mod trouble;
pub mod words;

mod account;
mod assets;
mod attached;
mod deadlines;
mod dispute;
mod events;
mod health;
mod metrics;
mod office;
mod order_state;
mod papers;
mod provider;
mod public;
mod ratings;
mod routes;
mod school;
mod wallet;
