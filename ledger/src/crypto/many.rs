//! Many hashes of short messages at once: blake3 with one message in each lane of the machine's vectors.
//!
//! A block's hashes are thousands of messages of about eighty bytes, of which [`blake3::hash`] can take but one at a time.
//! Here as many go side by side as the machine has lanes, which is five times as fast where it has sixteen. The hashes are
//! blake3's own, whatever the machine: what has no room in the lanes goes to [`blake3::hash`], and a test compares both.

use std::ops::{BitOr, Shl, Shr};

use bincode::Encode;
use fearless_simd::{Level, Simd, SimdBase, dispatch};

use super::{Domain, Hash};
use crate::codec;

/// Messages that wait to be hashed.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    /// Where each message ends.
    ends: Vec<usize>,
}

/// Bytes of a leaf's or a branch's message in a state's tree.
const NODE: usize = 82;
/// Bytes that one compression takes.
const BLOCK: usize = 64;
/// Most blocks of a message that goes into a lane: longer ones are trees.
const MOST_BLOCKS: usize = 16;
/// Most lanes of any machine.
const LANES: usize = 16;
/// Words of a block.
const WORDS: usize = 16;

const START: [u32; 8] =
    [0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19];
const FIRST_BLOCK: u32 = 1;
const LAST_BLOCK: u32 = 1 << 1;
const ROOT: u32 = 1 << 3;

/// Which word of the block each of a round's steps takes.
const ROUNDS: [[usize; WORDS]; 7] = rounds();

const fn rounds() -> [[usize; WORDS]; 7] {
    let permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
    let mut rounds = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]; 7];
    let mut round = 1;
    while round < rounds.len() {
        let mut word = 0;
        while word < WORDS {
            rounds[round][word] = rounds[round - 1][permutation[word]];
            word += 1;
        }
        round += 1;
    }
    rounds
}

impl Batch {
    /// A batch with room for so many messages of about so many bytes.
    pub fn with_room(messages: usize, bytes: usize) -> Self {
        let bytes = messages.saturating_mul(bytes.saturating_add(Domain::Transaction.tag().len()));
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(messages) }
    }

    /// Adds a message: `parts` one after the other under a domain tag. The caller sees to it that their borders are fixed.
    #[inline]
    pub fn add(&mut self, domain: Domain, parts: &[&[u8]]) {
        self.bytes.extend_from_slice(domain.tag());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.ends.push(self.bytes.len());
    }

    /// Adds a message of a state's tree: a number or a place, then a hash or two. Put together first, which is faster.
    #[inline]
    pub(crate) fn add_node<const FIRST: usize, const REST: usize>(
        &mut self,
        domain: Domain,
        first: &[u8; FIRST],
        rest: [&Hash; REST],
    ) {
        let mut message = [0; NODE];
        let (tag, behind) = message.split_at_mut(domain.tag().len());
        tag.copy_from_slice(domain.tag());
        let (start, hashes) = behind.split_at_mut(FIRST);
        start.copy_from_slice(first);
        hashes.as_chunks_mut().0.iter_mut().zip(rest).for_each(|(room, hash)| *room = hash.0);
        self.bytes.extend_from_slice(&message[..domain.tag().len() + FIRST + REST * size_of::<Hash>()]);
        self.ends.push(self.bytes.len());
    }

    /// Adds a message of parts and then a value's encoding.
    #[inline]
    pub fn add_value<T: Encode>(&mut self, domain: Domain, parts: &[&[u8]], value: &T) {
        self.bytes.extend_from_slice(domain.tag());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        codec::append(value, &mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The messages' hashes, in the order in which they were added.
    pub fn hashes(&self) -> Vec<Hash> {
        self.hashes_on(Level::new())
    }

    /// The same with the vectors of a lower level than the machine's best: what other machines do.
    pub fn hashes_on(&self, level: Level) -> Vec<Hash> {
        let mut hashes = vec![Hash::default(); self.len()];
        if self.len() * 4 <= LANES {
            (0..self.len()).for_each(|index| self.hash_alone(index, &mut hashes));
        } else {
            dispatch!(level, simd => self.hash_in_lanes(simd, &mut hashes));
        }
        hashes
    }

    #[inline]
    fn message(&self, index: usize) -> &[u8] {
        let from = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[from..self.ends[index]]
    }

    fn hash_alone(&self, index: usize, hashes: &mut [Hash]) {
        hashes[index] = Hash(*blake3::hash(self.message(index)).as_bytes());
    }

    /// Gathers messages of as many blocks until there is one for each lane.
    #[inline(always)]
    fn hash_in_lanes<S: Simd>(&self, simd: S, hashes: &mut [Hash]) {
        let lanes = S::u32s::LEN;
        let mut groups: [([usize; LANES], usize); MOST_BLOCKS] = Default::default();
        for index in 0..self.len() {
            let blocks = self.message(index).len().div_ceil(BLOCK).max(1);
            let Some((group, filled)) = groups.get_mut(blocks - 1) else {
                self.hash_alone(index, hashes);
                continue;
            };
            group[*filled] = index;
            *filled += 1;
            if *filled == lanes {
                self.hash_group(simd, &group[..lanes], blocks, hashes);
                *filled = 0;
            }
        }
        for ((group, filled), blocks) in groups.iter().zip(1..) {
            let group = &group[..*filled];
            if filled * 4 <= lanes {
                group.iter().for_each(|index| self.hash_alone(*index, hashes));
            } else {
                self.hash_group(simd, group, blocks, hashes);
            }
        }
    }

    /// Hashes messages of `blocks` blocks, one in each lane.
    #[inline(always)]
    fn hash_group<S: Simd>(&self, simd: S, group: &[usize], blocks: usize, hashes: &mut [Hash]) {
        let lanes = S::u32s::LEN;
        let mut chain = START.map(|word| all_lanes(simd, word));
        for block in 0..blocks {
            let mut words = [[0; LANES]; WORDS];
            let mut lengths = [0; LANES];
            for (lane, index) in group.iter().enumerate() {
                let rest = &self.message(*index)[block * BLOCK..];
                let length = rest.len().min(BLOCK);
                lengths[lane] = u32::try_from(length).expect("a block has 64 bytes");
                if let Some(full) = rest.first_chunk::<BLOCK>() {
                    for (word, bytes) in words.iter_mut().zip(full.as_chunks().0) {
                        word[lane] = u32::from_le_bytes(*bytes);
                    }
                    continue;
                }
                let (whole, part) = rest.as_chunks();
                for (word, bytes) in words.iter_mut().zip(whole) {
                    word[lane] = u32::from_le_bytes(*bytes);
                }
                if !part.is_empty() {
                    words[whole.len()][lane] = part.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
                }
            }
            let first = if block == 0 { FIRST_BLOCK } else { 0 };
            let last = if block + 1 == blocks { LAST_BLOCK | ROOT } else { 0 };
            let words = words.map(|word| S::u32s::from_slice(simd, &word[..lanes]));
            let lengths = S::u32s::from_slice(simd, &lengths[..lanes]);
            chain = compress(simd, chain, &words, lengths, first | last);
        }
        for (word, lane_words) in chain.iter().enumerate() {
            let mut lane_word = [0; LANES];
            lane_words.store_slice(&mut lane_word[..lanes]);
            for (index, value) in group.iter().zip(lane_word) {
                hashes[*index].0[word * 4..][..4].copy_from_slice(&value.to_le_bytes());
            }
        }
    }
}

#[inline(always)]
fn all_lanes<S: Simd>(simd: S, word: u32) -> S::u32s {
    S::u32s::from_slice(simd, &[word; LANES][..S::u32s::LEN])
}

/// Blake3's compression of a block, in every lane.
#[inline(always)]
fn compress<S: Simd>(simd: S, chain: [S::u32s; 8], m: &[S::u32s; WORDS], length: S::u32s, flags: u32) -> [S::u32s; 8] {
    let [a, b, c, d, e, f, g, h] = chain;
    let [i, j, k, l] = [0, 1, 2, 3].map(|word| all_lanes(simd, START[word]));
    // The counter of chunks is 0: longer messages are not for the lanes.
    let none = all_lanes(simd, 0);
    let mut v = [a, b, c, d, e, f, g, h, i, j, k, l, none, none, length, all_lanes(simd, flags)];
    for round in &ROUNDS {
        mix::<S>(&mut v, [0, 4, 8, 12], m[round[0]], m[round[1]]);
        mix::<S>(&mut v, [1, 5, 9, 13], m[round[2]], m[round[3]]);
        mix::<S>(&mut v, [2, 6, 10, 14], m[round[4]], m[round[5]]);
        mix::<S>(&mut v, [3, 7, 11, 15], m[round[6]], m[round[7]]);
        mix::<S>(&mut v, [0, 5, 10, 15], m[round[8]], m[round[9]]);
        mix::<S>(&mut v, [1, 6, 11, 12], m[round[10]], m[round[11]]);
        mix::<S>(&mut v, [2, 7, 8, 13], m[round[12]], m[round[13]]);
        mix::<S>(&mut v, [3, 4, 9, 14], m[round[14]], m[round[15]]);
    }
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = v;
    [a ^ i, b ^ j, c ^ k, d ^ l, e ^ m, f ^ n, g ^ o, h ^ p]
}

#[inline(always)]
fn mix<S: Simd>(v: &mut [S::u32s; 16], [a, b, c, d]: [usize; 4], x: S::u32s, y: S::u32s) {
    v[a] = v[a] + v[b] + x;
    v[d] = turned::<16, _>(v[d] ^ v[a]);
    v[c] = v[c] + v[d];
    v[b] = turned::<12, _>(v[b] ^ v[c]);
    v[a] = v[a] + v[b] + y;
    v[d] = turned::<8, _>(v[d] ^ v[a]);
    v[c] = v[c] + v[d];
    v[b] = turned::<7, _>(v[b] ^ v[c]);
}

/// Turned right by so many bits.
#[inline(always)]
fn turned<const BITS: u32, V>(word: V) -> V
where
    V: Shl<u32, Output = V> + Shr<u32, Output = V> + BitOr<Output = V> + Copy,
{
    (word >> BITS) | (word << (u32::BITS - BITS))
}
