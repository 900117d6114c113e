//! Streams of backups, as `keis node restore` meets them.
#![no_main]

use keis_node::backup::{Frame, FrameReader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut reader = FrameReader::new(bytes);
    while reader.pull().is_ok_and(|frame| !matches!(frame, Frame::End(..))) {}
});
