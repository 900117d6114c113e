//! Streams of both protocols between nodes: frames, requests, answers.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| keis_node::network::fuzzing::frames(bytes));
