//! What is searched for, and a description that it may find.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| keis_node::gateway::fuzzing::search(bytes));
