//! Export files, byte for byte, as an auditor's reader meets them.
#![no_main]

use keis_audit::{Part, Reader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = Reader::open(bytes) else { return };
    while let Ok(part) = reader.part() {
        if matches!(part, Part::End(..)) {
            break;
        }
    }
});
