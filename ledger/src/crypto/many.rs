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
    /// The messages, each filled up with zeros to whole blocks, as blake3 takes them.
    bytes: Vec<u8>,
    messages: Vec<Message>,
}

/// Where a message is.
#[derive(Clone, Copy)]
struct Message {
    from: usize,
    length: usize,
}

/// Blocks that are compressed one after the other into one value, in a lane.
#[derive(Clone, Copy)]
struct Row<'b> {
    /// Filled up with zeros.
    blocks: &'b [[u8; BLOCK]],
    /// Bytes without the zeros.
    length: usize,
    /// Number of the chunk within its message.
    chunk: u32,
    /// Flags of the first block and of the last.
    flags: [u32; 2],
    /// Where the value belongs.
    to: usize,
}

/// Bytes of a leaf's or a branch's message in a state's tree.
const NODE: usize = 82;
/// Bytes that one compression takes.
const BLOCK: usize = 64;
/// Bytes of a chunk; a longer message is a tree of chunks.
const CHUNK: usize = 1024;
/// Most lanes of any machine.
const LANES: usize = 16;
/// Words of a block, and of a value.
const WORDS: usize = 16;
const VALUE_WORDS: usize = 8;

const START: [u32; VALUE_WORDS] =
    [0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19];
const FIRST_BLOCK: u32 = 1;
const LAST_BLOCK: u32 = 1 << 1;
const PARENT: u32 = 1 << 2;
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
        let each = bytes.saturating_add(Domain::Transaction.tag().len()).next_multiple_of(BLOCK);
        Self { bytes: Vec::with_capacity(messages.saturating_mul(each)), messages: Vec::with_capacity(messages) }
    }

    /// Adds a message: `parts` one after the other under a domain tag. The caller sees to it that their borders are fixed.
    #[inline]
    pub fn add(&mut self, domain: Domain, parts: &[&[u8]]) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(domain.tag());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.end(from);
    }

    /// Adds a message of a state's tree: a number or a place, then a hash or two. Put together first, which is faster.
    #[inline]
    pub(crate) fn add_node<const FIRST: usize, const REST: usize>(
        &mut self,
        domain: Domain,
        first: &[u8; FIRST],
        rest: [&Hash; REST],
    ) {
        let mut message = [0; NODE.next_multiple_of(BLOCK)];
        let (tag, behind) = message.split_at_mut(domain.tag().len());
        tag.copy_from_slice(domain.tag());
        let (start, hashes) = behind.split_at_mut(FIRST);
        start.copy_from_slice(first);
        hashes.as_chunks_mut().0.iter_mut().zip(rest).for_each(|(room, hash)| *room = hash.0);
        let (from, length) = (self.bytes.len(), domain.tag().len() + FIRST + REST * size_of::<Hash>());
        self.bytes.extend_from_slice(&message[..length.next_multiple_of(BLOCK)]);
        self.messages.push(Message { from, length });
    }

    /// Adds a message of parts and then a value's encoding.
    #[inline]
    pub fn add_value<T: Encode>(&mut self, domain: Domain, parts: &[&[u8]], value: &T) {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(domain.tag());
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        codec::append(value, &mut self.bytes);
        self.end(from);
    }

    /// Ends the message that began there.
    #[inline]
    fn end(&mut self, from: usize) {
        let end = self.bytes.len();
        self.bytes.resize(end.next_multiple_of(BLOCK), 0);
        self.messages.push(Message { from, length: end - from });
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.messages.len()
    }

    /// Whether there is no message.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The messages' hashes, in the order in which they were added.
    pub fn hashes(&self) -> Vec<Hash> {
        self.hashes_on(Level::new())
    }

    /// The same with the vectors of a lower level than the machine's best: what other machines do.
    pub fn hashes_on(&self, level: Level) -> Vec<Hash> {
        if let [Message { from, length }] = self.messages[..] {
            // Alone, a message is hashed no slower by the library.
            return vec![Hash(*blake3::hash(&self.bytes[from..from + length]).as_bytes())];
        }
        let (mut rows, mut long) = (Vec::with_capacity(self.len()), Vec::new());
        // The values of long messages' chunks stand behind the hashes until they are joined.
        let mut values = self.len();
        for (index, message) in self.messages.iter().enumerate() {
            if message.length <= CHUNK {
                rows.push(self.chunk(*message, 0, ROOT, index));
                continue;
            }
            let count = message.length.div_ceil(CHUNK);
            rows.extend((0..count).map(|number| self.chunk(*message, number, 0, values + number)));
            long.push((index, values..values + count));
            values += count;
        }
        let mut hashes = vec![Hash::default(); values];
        compress_all(level, rows, &mut hashes);
        join(level, long, &mut hashes);
        hashes.truncate(self.len());
        hashes
    }

    /// A chunk of a message.
    fn chunk(&self, Message { from, length }: Message, number: usize, root: u32, to: usize) -> Row<'_> {
        let length = (length - number * CHUNK).min(CHUNK);
        let blocks = length.div_ceil(BLOCK);
        let from = from / BLOCK + number * (CHUNK / BLOCK);
        let blocks = &self.bytes.as_chunks().0[from..from + blocks];
        let chunk = u32::try_from(number).expect("what is hashed fits into memory");
        Row { blocks, length, chunk, flags: [FIRST_BLOCK, LAST_BLOCK | root], to }
    }
}

/// Joins the values of each long message's chunks, two by two, to its hash.
fn join(level: Level, mut long: Vec<(usize, std::ops::Range<usize>)>, hashes: &mut [Hash]) {
    while !long.is_empty() {
        let pairs = long.iter().flat_map(|(_, values)| hashes[values.clone()].as_chunks::<2>().0);
        let pairs: Vec<[u8; BLOCK]> = pairs.map(|[left, right]| pair(left, right)).collect();
        let (mut rows, mut next) = (Vec::with_capacity(pairs.len()), pairs.as_chunks::<1>().0.iter());
        let mut alone = Vec::new();
        for (index, values) in &mut long {
            let count = values.len();
            let (root, first) = if count == 2 { (ROOT, *index) } else { (0, values.start) };
            for (number, blocks) in next.by_ref().take(count / 2).enumerate() {
                rows.push(Row { blocks, length: BLOCK, chunk: 0, flags: [PARENT, root], to: first + number });
            }
            if count % 2 == 1 {
                alone.push((values.start + count / 2, hashes[values.end - 1]));
            }
            values.end = values.start + count.div_ceil(2);
        }
        compress_all(level, rows, hashes);
        alone.into_iter().for_each(|(to, value)| hashes[to] = value);
        long.retain(|(_, values)| values.len() > 1);
    }
}

fn pair(left: &Hash, right: &Hash) -> [u8; BLOCK] {
    let mut pair = [0; BLOCK];
    pair.as_chunks_mut().0.iter_mut().zip([left, right]).for_each(|(room, hash)| *room = hash.0);
    pair
}

/// Compresses rows, those of like length side by side.
fn compress_all(level: Level, mut rows: Vec<Row>, values: &mut [Hash]) {
    // Mostly in order already, which costs one look.
    rows.sort_by_key(|row| row.blocks.len());
    dispatch!(level, simd => compress_rows(simd, &rows, values));
}

#[inline(always)]
fn compress_rows<S: Simd>(simd: S, rows: &[Row], values: &mut [Hash]) {
    for group in rows.chunks(S::u32s::LEN) {
        compress_group(simd, group, values);
    }
}

/// Compresses rows that ascend in length, one in each lane.
#[inline(always)]
fn compress_group<S: Simd>(simd: S, group: &[Row], values: &mut [Hash]) {
    let blocks = |row: Option<&Row>| row.map_or(0, |row| row.blocks.len());
    let (fewest, most) = (blocks(group.first()), blocks(group.last()));
    let numbers = in_lanes(simd, group, |row| row.chunk);
    let [none, full] = [0, BLOCK as u32].map(|word| all_lanes(simd, word));
    let mut chain = START.map(|word| all_lanes(simd, word));
    for block in 0..most {
        let first = if block == 0 { in_lanes(simd, group, |row| row.flags[0]) } else { none };
        let words = words_of(simd, group, block);
        if block + 1 < fewest {
            chain = compress(simd, chain, &words, numbers, [full, first]);
            continue;
        }
        let is_last = |row: &Row| block + 1 == row.blocks.len();
        let lengths = in_lanes(simd, group, |row| row.length.saturating_sub(block * BLOCK).min(BLOCK) as u32);
        let last = in_lanes(simd, group, |row| if is_last(row) { row.flags[1] } else { 0 });
        let next = compress(simd, chain, &words, numbers, [lengths, first | last]);
        // Rows that have ended keep their values.
        let goes_on = in_lanes(simd, group, |row| if block < row.blocks.len() { u32::MAX } else { 0 });
        chain.iter_mut().zip(next).for_each(|(old, new)| *old = *old ^ ((*old ^ new) & goes_on));
    }
    give(simd, chain, group, values);
}

/// A block of each row: its first word in every lane, its second, and so on.
#[inline(always)]
fn words_of<S: Simd>(simd: S, group: &[Row], block: usize) -> [S::u32s; WORDS] {
    let lanes = S::u32s::LEN;
    let mut words = [all_lanes(simd, 0); WORDS];
    for (first, words) in (0..WORDS).step_by(lanes).zip(words.chunks_mut(lanes)) {
        for (row, lane) in group.iter().zip(words.iter_mut()) {
            if let Some(bytes) = row.blocks.get(block) {
                *lane = S::u32s::from_slice(simd, &to_words(bytes)[first..first + lanes]);
            }
        }
        transpose(words);
    }
    words
}

/// Puts the rows' values where they belong.
#[inline(always)]
fn give<S: Simd>(simd: S, chain: [S::u32s; VALUE_WORDS], group: &[Row], values: &mut [Hash]) {
    let lanes = S::u32s::LEN;
    let mut words = [all_lanes(simd, 0); WORDS];
    words[..VALUE_WORDS].copy_from_slice(&chain);
    for (first, words) in (0..VALUE_WORDS).step_by(lanes).zip(words.chunks_mut(lanes)) {
        transpose(words);
        for (row, lane) in group.iter().zip(words) {
            let mut value = [0; LANES];
            lane.store_slice(&mut value[..lanes]);
            let room = values[row.to].0.as_chunks_mut().0[first..].iter_mut();
            room.zip(value).for_each(|(bytes, word)| *bytes = u32::to_le_bytes(word));
        }
    }
}

#[inline(always)]
fn to_words(bytes: &[u8; BLOCK]) -> [u32; WORDS] {
    let mut words = [0; WORDS];
    words.iter_mut().zip(bytes.as_chunks().0).for_each(|(word, bytes)| *word = u32::from_le_bytes(*bytes));
    words
}

#[inline(always)]
fn all_lanes<S: Simd>(simd: S, word: u32) -> S::u32s {
    S::u32s::from_slice(simd, &[word; LANES][..S::u32s::LEN])
}

/// A word of each row.
#[inline(always)]
fn in_lanes<S: Simd>(simd: S, group: &[Row], word: impl Fn(&Row) -> u32) -> S::u32s {
    let mut words = [0; LANES];
    words.iter_mut().zip(group).for_each(|(lane, row)| *lane = word(row));
    S::u32s::from_slice(simd, &words[..S::u32s::LEN])
}

/// Makes columns of as many rows as a vector has lanes: each turn moves one bit of a word's row into its column.
#[inline(always)]
fn transpose<S: Simd, V: SimdBase<S>>(rows: &mut [V]) {
    let half = rows.len() / 2;
    for _ in 0..rows.len().trailing_zeros() {
        let mut before = [rows[0]; LANES];
        before[..rows.len()].copy_from_slice(rows);
        for index in 0..half {
            rows[2 * index] = before[index].zip_low(before[index + half]);
            rows[2 * index + 1] = before[index].zip_high(before[index + half]);
        }
    }
}

/// Blake3's compression of a block, in every lane.
#[inline(always)]
fn compress<S: Simd>(
    simd: S,
    chain: [S::u32s; VALUE_WORDS],
    m: &[S::u32s; WORDS],
    number: S::u32s,
    [length, flags]: [S::u32s; 2],
) -> [S::u32s; VALUE_WORDS] {
    let [a, b, c, d, e, f, g, h] = chain;
    let [i, j, k, l] = [0, 1, 2, 3].map(|word| all_lanes(simd, START[word]));
    let mut v = [a, b, c, d, e, f, g, h, i, j, k, l, number, all_lanes(simd, 0), length, flags];
    round::<0, S>(&mut v, m);
    round::<1, S>(&mut v, m);
    round::<2, S>(&mut v, m);
    round::<3, S>(&mut v, m);
    round::<4, S>(&mut v, m);
    round::<5, S>(&mut v, m);
    round::<6, S>(&mut v, m);
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = v;
    [a ^ i, b ^ j, c ^ k, d ^ l, e ^ m, f ^ n, g ^ o, h ^ p]
}

/// One round; its number is known to the compiler, so that no word is looked up.
#[inline(always)]
fn round<const ROUND: usize, S: Simd>(v: &mut [S::u32s; WORDS], m: &[S::u32s; WORDS]) {
    let word = |step: usize| m[ROUNDS[ROUND][step]];
    mix::<S>(v, [0, 4, 8, 12], word(0), word(1));
    mix::<S>(v, [1, 5, 9, 13], word(2), word(3));
    mix::<S>(v, [2, 6, 10, 14], word(4), word(5));
    mix::<S>(v, [3, 7, 11, 15], word(6), word(7));
    mix::<S>(v, [0, 5, 10, 15], word(8), word(9));
    mix::<S>(v, [1, 6, 11, 12], word(10), word(11));
    mix::<S>(v, [2, 7, 8, 13], word(12), word(13));
    mix::<S>(v, [3, 4, 9, 14], word(14), word(15));
}

#[inline(always)]
fn mix<S: Simd>(v: &mut [S::u32s; 16], [a, b, c, d]: [usize; 4], x: S::u32s, y: S::u32s) {
    v[a] = v[a] + v[b] + x;
    v[d] = turned::<16, _>(v[d] ^ v[a]);
    v[c] += v[d];
    v[b] = turned::<12, _>(v[b] ^ v[c]);
    v[a] = v[a] + v[b] + y;
    v[d] = turned::<8, _>(v[d] ^ v[a]);
    v[c] += v[d];
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
