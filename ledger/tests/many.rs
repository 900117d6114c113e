//! Hashes that are made together are blake3's own, on every level of vectors that the machine has.

use fearless_simd::{Level, Simd};
use keis_ledger::crypto::{Batch, Domain, Hash, hash};

/// Bytes without a pattern.
fn bytes(seed: usize, length: usize) -> Vec<u8> {
    let mut reader = blake3::Hasher::new_derive_key("KEIS test").update(&seed.to_le_bytes()).finalize_xof();
    let mut bytes = vec![0; length];
    reader.fill(&mut bytes);
    bytes
}

fn levels() -> Vec<Level> {
    let best = Level::new();
    #[cfg(target_arch = "x86_64")]
    let lower = [
        best.as_sse2().map(|simd| simd.level()),
        best.as_sse4_2().map(|simd| simd.level()),
        best.as_avx2().map(|simd| simd.level()),
    ];
    #[cfg(not(target_arch = "x86_64"))]
    let lower = [None];
    lower.into_iter().flatten().chain([Level::baseline(), best]).collect()
}

fn check(lengths: impl IntoIterator<Item = usize>) {
    let messages: Vec<Vec<u8>> = lengths.into_iter().enumerate().map(|(seed, length)| bytes(seed, length)).collect();
    let mut batch = Batch::default();
    messages.iter().for_each(|message| batch.add(Domain::ListLeaf, &[message]));
    let alone: Vec<Hash> = messages.iter().map(|message| hash(Domain::ListLeaf, &[message])).collect();
    assert_eq!(batch.hashes(), alone);
    for level in levels() {
        assert_eq!(batch.hashes_on(level), alone, "{level:?}");
    }
}

#[test]
fn of_every_length_up_to_a_chunk_and_beyond() {
    check((0..1_100).chain([2_000, 3_000, 70_000]));
}

#[test]
fn of_every_number_of_messages() {
    for count in 0..70 {
        check((0..count).map(|_| 66));
    }
}

#[test]
fn of_mixed_lengths() {
    check((0..5_000).map(|number| number * 37 % 300));
}

#[test]
fn parts_and_values_are_one_message() {
    let mut batch = Batch::with_room(2, 40);
    batch.add(Domain::RecordKey, &[b"one ", b"two ", b"three"]);
    batch.add_value(Domain::RecordKey, &[b"one"], &7_u64);
    let expected =
        [hash(Domain::RecordKey, &[b"one two three"]), hash(Domain::RecordKey, &[b"one", &7_u64.to_le_bytes()])];
    assert_eq!(batch.hashes(), expected);
    assert_eq!((batch.len(), batch.is_empty(), Batch::default().is_empty()), (2, false, true));
}
