//! Export files whose frames and checksums are right, whatever stands in them: a byte for the kind, two for the length, the
//! content, and again. Bytes alone would never find a checksum.
#![no_main]

use keis_audit::{MAGIC, Part, Reader};
use libfuzzer_sys::fuzz_target;

/// The file that these frames make.
fn file(mut rest: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    let mut chain = *blake3::hash(&MAGIC).as_bytes();
    while let [kind, low, high, after @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (plain, after) = after.split_at(length);
        rest = after;
        let packed = zstd::bulk::compress(plain, 1).expect("memory is there");
        let mut head = [0; 12];
        head[0] = *kind;
        head[4..8].copy_from_slice(&u32::try_from(packed.len()).expect("a short frame").to_le_bytes());
        head[8..].copy_from_slice(&u32::try_from(plain.len()).expect("a short frame").to_le_bytes());
        let mut hasher = blake3::Hasher::new();
        hasher.update(&chain).update(&head).update(&packed);
        chain = *hasher.finalize().as_bytes();
        file.extend([head.as_slice(), &chain, &packed].concat());
    }
    file
}

fuzz_target!(|bytes: &[u8]| {
    let file = file(bytes);
    let Ok(mut reader) = Reader::open(file.as_slice()) else { return };
    while let Ok(part) = reader.part() {
        if matches!(part, Part::End(..)) {
            break;
        }
    }
});
