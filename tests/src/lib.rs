//! Whole-system tests: networks of real processes, driven through their public doors. What runs when is in README.md.
//!
//! This library is the harness; the tests are in `tests/`. It knows the product only from outside: the `keis` command, the
//! folders that it makes and the REST gateways.

pub mod address;
pub mod browser;
pub mod check;
pub mod cluster;
pub mod council;
pub mod door;
pub mod flow;
pub mod house;
pub mod program;
pub mod scan;
pub mod sources;
pub mod swap;
pub mod times;
pub mod wait;
pub mod world;

/// How many rounds a loop of faults goes: `KEIS_ROUNDS` in the environment, for long runs by hand, or the test's own number.
pub fn rounds(standard: usize) -> usize {
    std::env::var("KEIS_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(standard)
}
