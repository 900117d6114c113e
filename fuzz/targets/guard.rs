//! Requests to a sign guard between restarts, torn writes and words of a second copy.
#![no_main]

mod folder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| keis_engine::fuzzing::guard(&folder::FOLDER, bytes));
