//! Streams of backups, as `keis node restore` meets them: byte for byte after an odd first byte; after an even one their frames are
//! right, whatever stands in them: two bytes for the length, the content, and again. Bytes alone would never find a checksum.
#![no_main]

use keis_node::backup::{Frame, FrameReader};
use libfuzzer_sys::fuzz_target;

/// The stream that these frames make.
fn stream(mut rest: &[u8]) -> Vec<u8> {
    let (mut stream, mut last) = (Vec::new(), [0; 32]);
    while let [low, high, after @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (payload, after) = after.split_at(length);
        rest = after;
        let length = (payload.len() as u32).to_le_bytes();
        last = *blake3::Hasher::new().update(&last).update(&length).update(payload).finalize().as_bytes();
        stream.extend([length.as_slice(), payload, &last].concat());
    }
    stream
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let stream = if kind % 2 == 1 { bytes.to_vec() } else { stream(bytes) };
    let mut reader = FrameReader::new(stream.as_slice());
    while reader.pull().is_ok_and(|frame| !matches!(frame, Frame::End(..))) {}
});
