//! Heads of requests, as signatures (RFC 9421) are read out of them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| keis_node::gateway::fuzzing::signature(bytes));
