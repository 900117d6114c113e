//! Parts of blocks from some peers, in any order.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| keis_engine::fuzzing::streams(bytes));
