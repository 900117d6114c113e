//! The state's root after each block, from what the block changes alone.
//!
//! What [`crate::tree`] defines, for a reader who keeps no other state and proves nothing: of a year whose places are hashes,
//! the hash of every prefix of so many bits stands in an array of its own, where it is found without a search; a prefix that
//! one side alone fills has that side's hash, which is what leaving a branch out means. Below the last array stand a few
//! leaves for each prefix. What a block changes is hashed level by level, many at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::buckets::Buckets;
use super::records::{Changes, fetch, is_even};
use super::{RECORD, State};
use crate::classifiers::Year;
use crate::crypto::{Batch, Domain, Hash};
use crate::record::Shared;
use crate::tree::{Tree, TreeKey, parting};

/// Bits of the year, with which every place opens.
const YEAR_BITS: u16 = 16;
/// Bytes of a leaf and of a branch.
const LEAF: usize = size_of::<TreeKey>() + size_of::<Hash>();
const BRANCH: usize = size_of::<u16>() + 2 * size_of::<Hash>();
/// Hashes that are made at one time: what they are made of stays near.
const AT_A_TIME: usize = 1 << 11;

/// What no key's hash is: the root of nothing.
const NOTHING: Hash = Hash([0; 32]);

/// The hashes of a state.
#[derive(Default)]
pub struct Roots {
    years: BTreeMap<Year, Part>,
}

enum Part {
    Even(Even),
    /// Due work and known ids: few, and in the order of their keys.
    Ordered(Tree<()>),
}

/// The hashes of a year.
struct Even {
    leaves: Buckets<Hash>,
    /// The hash of every prefix, by its number of bits behind the year's; the last are those of the buckets.
    levels: Vec<Vec<Hash>>,
}

/// Root and number of the records of years.
pub(crate) type Weights = BTreeMap<Year, (Hash, usize)>;

/// A place with the hash of what stands there; or none, when nothing does any more.
type Placed = (TreeKey, Option<Hash>);

impl Roots {
    /// The hashes of a state.
    pub fn of(state: &State) -> Self {
        let mut roots = Self::default();
        let placed: Vec<Placed> = state.tree.iter().map(|(place, _)| (*place, state.tree.value_hash(place))).collect();
        roots.place(&placed);
        roots
    }

    /// Takes over what a block changes.
    pub fn change(&mut self, changes: &Changes) {
        for year in &changes.sealed {
            self.years.remove(year);
        }
        let mut placed: Vec<Placed> = Vec::with_capacity(changes.records.len());
        for some in changes.records.chunks(AT_A_TIME) {
            fetch(some.iter().filter_map(|(_, record)| record.as_ref()));
            let mut values = Batch::with_room(some.len(), RECORD);
            for record in some.iter().filter_map(|(_, record)| record.as_deref()) {
                values.add_value(Domain::RecordValue, &[], record);
            }
            let mut hashes = values.hashes().into_iter();
            let mut hash = |_: &Shared| hashes.next().expect("there is a hash for every record");
            placed.extend(some.iter().map(|(place, record)| (*place, record.as_ref().map(&mut hash))));
        }
        self.place(&placed);
    }

    fn place(&mut self, placed: &[Placed]) {
        for placed in placed.chunk_by(|(one, _), (other, _)| one.year() == other.year()) {
            let year = placed[0].0.year();
            match self.years.entry(year).or_insert_with(|| Part::of(year)) {
                Part::Even(even) => even.place(placed),
                Part::Ordered(tree) => {
                    let value = Arc::new(());
                    tree.apply(
                        placed.iter().map(|(place, hash)| (*place, hash.map(|hash| (hash, Arc::clone(&value))))),
                    );
                }
            }
        }
    }

    /// What a seal keeps of each year whose places are hashes.
    pub(crate) fn weights(&self) -> Weights {
        let weight = |(year, part): (&Year, &Part)| match part {
            Part::Even(even) => Some((*year, (even.levels[0][0], even.leaves.len()))),
            Part::Ordered(_) => None,
        };
        self.years.iter().filter_map(weight).collect()
    }

    /// The hash that commits to every record.
    pub fn root(&self) -> Hash {
        let parts = self.years.iter().map(|(year, part)| (*year, part.root()));
        join(&parts.filter(|(_, root)| *root != NOTHING).collect::<Vec<_>>(), 0)
    }
}

/// The root over records that ascend, which is kept nowhere.
pub(super) fn root_of(records: &[(&TreeKey, &Shared)]) -> Hash {
    let mut hashes: Vec<Hash> = Vec::with_capacity(records.len());
    for some in records.chunks(AT_A_TIME) {
        let mut values = Batch::with_room(some.len(), RECORD);
        some.iter().for_each(|(_, record)| values.add_value(Domain::RecordValue, &[], &***record));
        let mut leaves = Batch::with_room(some.len(), LEAF);
        for ((place, _), value) in some.iter().zip(values.hashes()) {
            leaves.add_node(Domain::StateLeaf, &place.0, [&value]);
        }
        hashes.extend(leaves.hashes());
    }
    let mut parts_at: Vec<u16> = Vec::with_capacity(records.len());
    parts_at.extend(records.first().map(|_| 0));
    parts_at.extend(records.windows(2).map(|pair| parting(pair[0].0, pair[1].0)));
    while parts_at.len() > 1 {
        join_neighbours(&mut hashes, &mut parts_at, 1);
    }
    hashes.first().copied().unwrap_or(NOTHING)
}

/// The hash of years that agree in the bits before this one.
fn join(parts: &[(Year, Hash)], bit: u16) -> Hash {
    match parts {
        [] => NOTHING,
        [(_, root)] => *root,
        several => {
            let high = |year: Year| year.0 >> (YEAR_BITS - 1 - bit) & 1 == 1;
            let (left, right) = several.split_at(several.partition_point(|(year, _)| !high(*year)));
            if left.is_empty() || right.is_empty() {
                return join(several, bit + 1);
            }
            crate::tree::branch_hash(bit, &join(left, bit + 1), &join(right, bit + 1))
        }
    }
}

impl Part {
    fn of(year: Year) -> Self {
        if is_even(year) { Self::Even(Even::new()) } else { Self::Ordered(Tree::new()) }
    }

    fn root(&self) -> Hash {
        match self {
            Self::Even(even) => even.levels[0][0],
            Self::Ordered(tree) => tree.root(),
        }
    }
}

impl Even {
    fn new() -> Self {
        Self { leaves: Buckets::new(), levels: vec![vec![NOTHING]] }
    }

    fn place(&mut self, placed: &[Placed]) {
        for some in placed.chunks(AT_A_TIME) {
            let mut batch = Batch::with_room(some.len(), LEAF);
            for (place, hash) in some.iter().filter_map(|(place, hash)| Some((place, hash.as_ref()?))) {
                batch.add_node(Domain::StateLeaf, &place.0, [hash]);
            }
            let mut leaves = batch.hashes().into_iter();
            self.leaves.fetch(some.iter().map(|(place, _)| place));
            for (place, hash) in some {
                let leaf = hash.map(|_| leaves.next().expect("there is a hash for every leaf"));
                self.leaves.set(*place, leaf);
            }
        }
        while self.leaves.widen() {
            self.levels.push(vec![NOTHING; 1 << self.leaves.bits()]);
            let all: Vec<usize> = (0..1 << self.leaves.bits()).collect();
            all.chunks(AT_A_TIME).for_each(|some| self.hash_buckets(some));
        }
        let mut changed: Vec<usize> = placed.iter().map(|(place, _)| self.leaves.index(place)).collect();
        changed.dedup();
        changed.chunks(AT_A_TIME).for_each(|some| self.hash_buckets(some));
        self.hash_above(changed);
    }

    /// Hashes what stands in buckets, ascending: neighbours that part later than from both of their other neighbours have a
    /// branch of their own, round by round.
    fn hash_buckets(&mut self, indices: &[usize]) {
        let first_bit = YEAR_BITS + u16::try_from(self.leaves.bits()).expect("few bits name a bucket");
        let mut hashes: Vec<Hash> = Vec::with_capacity(2 * indices.len());
        // The bit at which each leaf parts from the one before, 0 for the first of a bucket.
        let mut parts_at: Vec<u16> = Vec::with_capacity(2 * indices.len());
        for index in indices {
            let bucket = self.leaves.bucket(*index);
            hashes.extend(bucket.iter().map(|(_, leaf)| *leaf));
            parts_at.extend(bucket.first().map(|_| 0));
            parts_at.extend(bucket.windows(2).map(|pair| parting(&pair[0].0, &pair[1].0)));
        }
        while parts_at.iter().any(|bit| *bit >= first_bit) {
            join_neighbours(&mut hashes, &mut parts_at, first_bit);
        }
        let last = self.levels.last_mut().expect("there is a level for no bits at all");
        let mut hashes = hashes.into_iter();
        for index in indices {
            let filled = !self.leaves.bucket(*index).is_empty();
            last[*index] = if filled { hashes.next().expect("a bucket has a hash") } else { NOTHING };
        }
    }

    /// Hashes the prefixes above those, ascending, that have changed.
    fn hash_above(&mut self, mut changed: Vec<usize>) {
        for bits in (0..self.levels.len() - 1).rev() {
            changed.iter_mut().for_each(|index| *index /= 2);
            changed.dedup();
            let [above, below] = &mut self.levels[bits..bits + 2] else { unreachable!("a level lies below") };
            let bit = (YEAR_BITS + u16::try_from(bits).expect("few bits name a bucket")).to_be_bytes();
            changed.chunks(AT_A_TIME).for_each(|some| hash_over(bit, some, below, above));
        }
    }
}

/// Hashes prefixes from the level below, of which both sides part at this bit.
fn hash_over(bit: [u8; 2], prefixes: &[usize], below: &[Hash], above: &mut [Hash]) {
    let mut batch = Batch::with_room(prefixes.len(), BRANCH);
    for index in prefixes {
        let [left, right] = [&below[2 * index], &below[2 * index + 1]];
        if *left != NOTHING && *right != NOTHING {
            batch.add_node(Domain::StateNode, &bit, [left, right]);
        }
    }
    let mut hashes = batch.hashes().into_iter();
    for index in prefixes {
        let [left, right] = [&below[2 * index], &below[2 * index + 1]];
        above[*index] = if *right == NOTHING {
            *left
        } else if *left == NOTHING {
            *right
        } else {
            hashes.next().expect("there is a hash for every branch")
        };
    }
}

/// Puts branches over neighbours that part at `first_bit` or later, and later than from what stands beside them.
fn join_neighbours(hashes: &mut Vec<Hash>, parts_at: &mut Vec<u16>, first_bit: u16) {
    let mut batch = Batch::default();
    let joins = |index: usize| {
        let bit = parts_at[index];
        let next = parts_at.get(index + 1).copied().unwrap_or_default();
        bit >= first_bit && bit > parts_at[index - 1] && bit > next
    };
    let right: Vec<usize> = (1..parts_at.len()).filter(|index| joins(*index)).collect();
    for index in &right {
        let bit = parts_at[*index].to_be_bytes();
        batch.add_node(Domain::StateNode, &bit, [&hashes[*index - 1], &hashes[*index]]);
    }
    for (index, hash) in right.iter().zip(batch.hashes()) {
        hashes[*index - 1] = hash;
    }
    let mut gone = right.iter().peekable();
    let mut kept = 0;
    for index in 0..hashes.len() {
        if gone.next_if_eq(&&index).is_none() {
            (hashes[kept], parts_at[kept]) = (hashes[index], parts_at[index]);
            kept += 1;
        }
    }
    hashes.truncate(kept);
    parts_at.truncate(kept);
}
