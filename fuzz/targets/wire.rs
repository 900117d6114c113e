//! Messages of the engine's network and log, the first byte for the kind.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| keis_engine::fuzzing::wire(bytes));
