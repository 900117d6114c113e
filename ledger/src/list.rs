//! Merkle root of a list and proofs that something stands in it: a block's transactions and receipts, a receipt's lines.
//!
//! Owns the shape; knows nothing of what the leaves are. The inner tree is that of RFC 6962: the left side takes the largest
//! power of two smaller than the number of leaves. The root commits to that number too, so no list is taken for a longer one.
//!
//! - leaf: `hash(ListLeaf, bytes)`
//! - node: `hash(ListNode, left ‖ right)`; the tree of no leaves is `hash(ListNode, nothing)`
//! - root: `hash(ListNode, number of leaves as u64 big endian ‖ tree)`

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::codec;
use crate::crypto::{Batch, Domain, Hash, hash};

/// Proof that a leaf stands at a place of a list, verified with the root alone. One leaf has one proof.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ListProof {
    /// Place of the leaf, from 0.
    pub index: u64,
    /// Number of leaves of the list.
    pub count: u64,
    /// Siblings on the way from the leaf to the top.
    pub path: Vec<Hash>,
}

/// Why a proof does not prove that a leaf stands in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// The list ends before the place.
    #[error("place {index} is not in a list of {count}")]
    Index {
        /// The place claimed.
        index: u64,
        /// The number of leaves claimed.
        count: u64,
    },
    /// The path is too short or too long for the place.
    #[error("a path of {length} hashes does not lead from place {index} to the top of a list of {count}")]
    Length {
        /// The place claimed.
        index: u64,
        /// The number of leaves claimed.
        count: u64,
        /// Hashes in the path.
        length: usize,
    },
    /// The path leads to another root.
    #[error("the proof is of the root {0}")]
    Root(Hash),
}

/// The hash of a leaf whose bytes are `parts` one after the other; the caller sees to it that the parts' borders are fixed.
pub fn leaf(parts: &[&[u8]]) -> Hash {
    hash(Domain::ListLeaf, parts)
}

/// The hash of a leaf whose bytes are `parts`, then the encoding of a value.
pub(crate) fn leaf_of<T: Encode>(parts: &[&[u8]], value: &T) -> Hash {
    codec::hash(Domain::ListLeaf, parts, value)
}

/// The root of a list of leaves.
pub fn root(leaves: &[Hash]) -> Hash {
    roots(vec![leaves.to_vec()])[0]
}

/// The roots of several lists, whose hashes are made together.
pub(crate) fn roots(lists: Vec<Vec<Hash>>) -> Vec<Hash> {
    let counts: Vec<u64> = lists.iter().map(|leaves| length(leaves)).collect();
    let mut levels = lists;
    while levels.iter().any(|level| level.len() > 1) {
        let count = levels.iter().map(|level| level.len() / 2).sum();
        let mut pairs = Batch::with_room(count, 2 * size_of::<Hash>());
        for [left, right] in levels.iter().flat_map(|level| level.as_chunks().0) {
            pairs.add(Domain::ListNode, &[&left.0, &right.0]);
        }
        let mut above = pairs.hashes().into_iter();
        for level in &mut levels {
            let alone = level.as_chunks::<2>().1.first().copied();
            let joined = level.len() / 2;
            level.clear();
            level.extend(above.by_ref().take(joined));
            level.extend(alone);
        }
    }
    let mut tops = Batch::default();
    for (count, level) in counts.iter().zip(&levels) {
        let tree = level.first().copied().unwrap_or_else(|| hash(Domain::ListNode, &[]));
        tops.add(Domain::ListNode, &[&count.to_be_bytes(), &tree.0]);
    }
    tops.hashes()
}

/// Proves the leaf at a place, counted from 0; `None` when the list ends before it.
pub fn prove(leaves: &[Hash], index: usize) -> Option<ListProof> {
    leaves.get(index)?;
    let mut path = Vec::new();
    let mut level = leaves.to_vec();
    let mut place = index;
    while level.len() > 1 {
        path.extend(level.get(place ^ 1));
        level = level_above(&level);
        place /= 2;
    }
    let index = u64::try_from(index).expect("places fit 64 bits");
    Some(ListProof { index, count: length(leaves), path })
}

impl ListProof {
    /// Verifies that `leaf` stands at `index` in the list of `root`, which has `count` leaves.
    ///
    /// # Errors
    /// [`ListError`] for the first fault found.
    pub fn verify(&self, root: &Hash, leaf: &Hash) -> Result<(), ListError> {
        let Self { index, count, ref path } = *self;
        if index >= count {
            return Err(ListError::Index { index, count });
        }
        let wrong_length = ListError::Length { index, count, length: path.len() };
        let mut siblings = path.iter();
        let mut hash = *leaf;
        let (mut place, mut last) = (index, count - 1);
        while last > 0 {
            if place % 2 == 1 {
                hash = node(siblings.next().ok_or(wrong_length)?, &hash);
            } else if place < last {
                hash = node(&hash, siblings.next().ok_or(wrong_length)?);
            }
            (place, last) = (place / 2, last / 2);
        }
        if siblings.next().is_some() {
            return Err(wrong_length);
        }
        let computed = top(count, hash);
        if computed == *root { Ok(()) } else { Err(ListError::Root(computed)) }
    }
}

/// Joins neighbours; a last one without neighbour rises as it is, which gives the shape of RFC 6962.
fn level_above(level: &[Hash]) -> Vec<Hash> {
    let join = |pair: &[Hash]| pair.get(1).map_or(pair[0], |right| node(&pair[0], right));
    level.chunks(2).map(join).collect()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    hash(Domain::ListNode, &[&left.0, &right.0])
}

fn top(count: u64, tree: Hash) -> Hash {
    hash(Domain::ListNode, &[&count.to_be_bytes(), &tree.0])
}

fn length(leaves: &[Hash]) -> u64 {
    u64::try_from(leaves.len()).expect("lengths fit 64 bits")
}
