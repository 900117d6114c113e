//! Languages and media types that clients take.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| keis_node::gateway::fuzzing::accept(bytes));
