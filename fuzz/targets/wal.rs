//! The engine's own log as a torn disk may give it back.
#![no_main]

mod folder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| keis_engine::fuzzing::wal(&folder::FOLDER, bytes));
