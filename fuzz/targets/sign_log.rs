//! Sign logs with any records behind their beginning.
#![no_main]

mod folder;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| keis_engine::fuzzing::sign_log(&folder::FOLDER, bytes));
