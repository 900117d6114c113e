//! The ledger's records as an authenticated, persistent map: a compressed binary Merkle trie.
//!
//! Owns the shape and the hashes; knows nothing of what keys and values mean. A branch stands at every bit where keys that
//! agree before it part, so there is one branch fewer than leaves, and shape and root follow from the set of (key, hash of
//! value) alone, whatever the order of the changes that led to it.
//!
//! - leaf: `hash(StateLeaf, key ‖ hash of value)`
//! - branch: `hash(StateNode, bit as u16 big endian ‖ left ‖ right)`; left holds the keys whose bit is 0
//! - empty tree: 32 zero bytes
//!
//! Nodes are shared between clones: a clone costs nothing, and a change copies only the path to it, or nothing at all when
//! no clone is alive.

mod change;
mod proof;
mod range;
mod rehash;

use std::cmp::Ordering;
use std::sync::Arc;

use bincode::{Decode, Encode};

use crate::crypto::{Domain, Hash, hash};
use crate::text::{self, TextError};

pub use proof::{Proof, ProofError, Step};
pub use range::Range;

use change::{After, Placed, grow_new, update};
use rehash::Walk;

pub(crate) use change::Change;

/// Bits of a key; no branch stands at this bit or a later one.
const KEY_BITS: u16 = 272;

/// Bits of what a part of the tree has in common.
const PREFIX_BITS: u16 = 16;

/// Where a record stands: the year it belongs to, then the hash of its own key. Ordered as bytes are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub struct TreeKey(pub [u8; 34]);
text::hex_type!(TreeKey, 34, "");

/// A map from keys to values with a root that commits to all of it.
pub struct Tree<V> {
    top: Option<Node<V>>,
}

enum Node<V> {
    Leaf(Arc<Leaf<V>>),
    Branch(Arc<Branch<V>>),
}

struct Leaf<V> {
    key: TreeKey,
    value_hash: Hash,
    value: Arc<V>,
}

/// Keys below agree in all bits before `bit`; `sides` are those with 0 and those with 1 in it. Their hashes stand here, so
/// that a change beside them need not go there.
struct Branch<V> {
    hashes: [Hash; 2],
    bit: u16,
    /// Sides that have changed since their hash was made.
    stale: [bool; 2],
    /// Number of leaves below.
    len: u32,
    sides: [Node<V>; 2],
}

/// Keys that must ascend do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("key {key} comes at or before {before}, which it must follow")]
pub struct OrderError {
    /// The key before.
    pub before: TreeKey,
    /// The key that does not follow it.
    pub key: TreeKey,
}

impl<V> Tree<V> {
    /// The empty tree.
    pub const fn new() -> Self {
        Self { top: None }
    }

    /// The tree of records that ascend by key, in time proportional to their number. For snapshots, so order is checked.
    ///
    /// # Errors
    /// [`OrderError`] at the first key that does not follow the one before it.
    pub fn from_sorted(records: impl IntoIterator<Item = (TreeKey, Hash, Arc<V>)>) -> Result<Self, OrderError> {
        let leaves = records.into_iter().map(|(key, value_hash, value)| Leaf { key, value_hash, value });
        let mut top = grow(leaves)?;
        if let Some(top) = &mut top {
            let mut walk = Walk::default();
            walk.gather(top);
            walk.settle(top);
        }
        Ok(Self { top })
    }

    /// The hash that commits to every key and value.
    pub fn root(&self) -> Hash {
        self.top.as_ref().map_or(Hash([0; 32]), Node::hash)
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.top.as_ref().map_or(0, |top| top.len() as usize)
    }

    /// Whether there is no record.
    pub const fn is_empty(&self) -> bool {
        self.top.is_none()
    }

    /// The value of a key.
    pub fn get(&self, key: &TreeKey) -> Option<&Arc<V>> {
        self.find(key).map(|leaf| &leaf.value)
    }

    /// The hash of a key's value, as the caller of [`Tree::apply`] gave it.
    pub fn value_hash(&self, key: &TreeKey) -> Option<Hash> {
        self.find(key).map(|leaf| leaf.value_hash)
    }

    /// Sets each key to its value with that value's hash, or removes it. Every branch on the way is hashed once.
    /// Removing what is not there changes nothing.
    ///
    /// # Panics
    /// When the keys do not strictly ascend: the caller would have meant one of two values for a key.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = (TreeKey, Option<(Hash, Arc<V>)>)>) {
        let unknown = |(key, value)| Change { key, stands: false, value };
        self.apply_known(changes.into_iter().map(unknown));
    }

    /// The same, where it may be known that the tree holds a key.
    pub(crate) fn apply_known(&mut self, changes: impl IntoIterator<Item = Change<V>>) {
        let mut before: Option<TreeKey> = None;
        let changes = changes.into_iter();
        let mut effective = Vec::with_capacity(changes.size_hint().0);
        for Change { key, stands, value } in changes {
            assert!(
                before.replace(key).is_none_or(|before| before < key),
                "changes must strictly ascend by key: {key}"
            );
            let parts_at = match &self.top {
                Some(_) if stands => KEY_BITS,
                Some(top) => parting(&top.nearest(&key).key, &key),
                None => 0,
            };
            if value.is_some() || parts_at == KEY_BITS {
                effective.push(Placed { key, parts_at, value });
            }
        }
        let mut walk = Walk::to(effective.len());
        let after = match &mut self.top {
            Some(top) => update(top, &mut effective, &mut walk),
            None => {
                self.top = grow_new(&mut effective);
                self.top.as_ref().map_or(After::Gone, |top| After::Changed(walk.gather(top)))
            }
        };
        match (&mut self.top, after) {
            (Some(top), After::Changed(_)) => walk.settle(top),
            (Some(_), After::Gone) => self.top = None,
            (Some(_), After::Untouched) | (None, After::Untouched | After::Gone | After::Changed(_)) => {}
        }
    }

    /// The records from the first whose key is `from` or later, ascending.
    pub fn range(&self, from: &TreeKey) -> Range<'_, V> {
        Range::new(self.top.as_ref(), from)
    }

    /// All records, ascending by key.
    pub fn iter(&self) -> Range<'_, V> {
        self.range(&TreeKey([0; 34]))
    }

    /// The first record whose key is `from` or later.
    pub fn first_at_or_after(&self, from: &TreeKey) -> Option<(&TreeKey, &Arc<V>)> {
        self.range(from).next()
    }

    /// Proves what the tree holds under a key, or that it holds nothing.
    pub fn prove(&self, key: &TreeKey) -> Proof {
        let mut path = Vec::new();
        let mut next = self.top.as_ref();
        while let Some(Node::Branch(branch)) = next {
            let side = key.side(branch.bit);
            path.push(Step { bit: branch.bit, sibling: branch.hashes[1 - side] });
            next = Some(&branch.sides[side]);
        }
        path.reverse();
        let leaf = self.top.as_ref().map(|top| top.nearest(key));
        Proof { leaf: leaf.map(|leaf| (leaf.key, leaf.value_hash)), path }
    }

    /// The part of the tree whose keys open with these bytes, as a tree of its own: its root is the hash of the node that
    /// holds them, and its proofs are the lower ends of this tree's. Shares everything with this tree.
    pub fn part(&self, prefix: [u8; 2]) -> Self {
        let key = first_key(prefix);
        let mut node = self.top.as_ref();
        while let Some(Node::Branch(branch)) = node
            && branch.bit < PREFIX_BITS
        {
            node = Some(&branch.sides[key.side(branch.bit)]);
        }
        Self { top: node.filter(|node| node.nearest(&key).key.0[..2] == prefix).cloned() }
    }

    /// Takes away every key that opens with these bytes, in the time of one key's removal.
    pub fn remove_part(&mut self, prefix: [u8; 2]) {
        let remains = self.top.as_mut().is_none_or(|top| cut(top, &first_key(prefix)));
        if !remains {
            self.top = None;
        }
    }

    /// The values of several keys, for which the tree is searched at one time: a machine fetches from many places of its
    /// memory as fast as from one.
    pub(crate) fn get_all(&self, keys: &[TreeKey]) -> Vec<Option<&Arc<V>>> {
        let Some(top) = &self.top else { return vec![None; keys.len()] };
        let mut nodes = vec![top; keys.len()];
        let mut descends = true;
        while descends {
            descends = false;
            for (node, key) in nodes.iter_mut().zip(keys) {
                if let Node::Branch(branch) = *node {
                    *node = &branch.sides[key.side(branch.bit)];
                    descends = true;
                }
            }
        }
        let leaves = nodes.iter().zip(keys).map(|(node, key)| match node {
            Node::Leaf(leaf) if leaf.key == *key => Some(&leaf.value),
            Node::Leaf(_) | Node::Branch(_) => None,
        });
        leaves.collect()
    }

    fn find(&self, key: &TreeKey) -> Option<&Leaf<V>> {
        self.top.as_ref().map(|top| top.nearest(key)).filter(|leaf| leaf.key == *key)
    }
}

fn first_key([first, second]: [u8; 2]) -> TreeKey {
    let mut key = [0; 34];
    (key[0], key[1]) = (first, second);
    TreeKey(key)
}

// Written out, since most keys differ in their first bytes, and one number is compared faster than a slice.
impl Ord for TreeKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.head().cmp(&other.head()).then_with(|| self.0[16..].cmp(&other.0[16..]))
    }
}

impl PartialOrd for TreeKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl TreeKey {
    fn head(&self) -> u128 {
        u128::from_be_bytes(*self.0.first_chunk().expect("a key has 34 bytes"))
    }

    /// The side of a branch at `bit` on which this key stands: that bit, the first being the highest of the first byte.
    fn side(&self, bit: u16) -> usize {
        usize::from(self.0[usize::from(bit / 8)] >> (7 - bit % 8) & 1)
    }
}

/// The first bit in which two keys differ, or [`KEY_BITS`] when they are equal.
pub(crate) fn parting(one: &TreeKey, other: &TreeKey) -> u16 {
    let mut bit = 0;
    for (a, b) in one.0.iter().zip(&other.0) {
        if a != b {
            return bit + u16::try_from((a ^ b).leading_zeros()).expect("a byte has at most 8 leading zeros");
        }
        bit += 8;
    }
    KEY_BITS
}

fn leaf_hash(key: &TreeKey, value_hash: &Hash) -> Hash {
    hash(Domain::StateLeaf, &[&key.0, &value_hash.0])
}

pub(crate) fn branch_hash(bit: u16, left: &Hash, right: &Hash) -> Hash {
    hash(Domain::StateNode, &[&bit.to_be_bytes(), &left.0, &right.0])
}

impl<V> Node<V> {
    fn branch(bit: u16, sides: [Self; 2]) -> Self {
        Self::Branch(Arc::new(Branch::new(bit, sides)))
    }

    fn len(&self) -> u32 {
        match self {
            Self::Leaf(_) => 1,
            Self::Branch(branch) => branch.len,
        }
    }

    fn hash(&self) -> Hash {
        match self {
            Self::Leaf(leaf) => leaf_hash(&leaf.key, &leaf.value_hash),
            Self::Branch(branch) => branch_hash(branch.bit, &branch.hashes[0], &branch.hashes[1]),
        }
    }

    /// The leaf that a search for `key` ends at: its own, or one that agrees with it in the bit of every branch passed.
    fn nearest(&self, key: &TreeKey) -> &Leaf<V> {
        let mut node = self;
        loop {
            match node {
                Self::Leaf(leaf) => return leaf,
                Self::Branch(branch) => node = &branch.sides[key.side(branch.bit)],
            }
        }
    }
}

impl<V> Branch<V> {
    /// A branch whose hashes are still to be made.
    fn new(bit: u16, sides: [Node<V>; 2]) -> Self {
        Self { hashes: [Hash::default(); 2], bit, stale: [true; 2], len: below(&sides), sides }
    }
}

fn below<V>([left, right]: &[Node<V>; 2]) -> u32 {
    left.len().checked_add(right.len()).expect("a state has far fewer records than can be counted")
}

/// Takes the keys away that agree with `key` in the prefix; says whether anything remains of the node.
fn cut<V>(node: &mut Node<V>, key: &TreeKey) -> bool {
    let branch = match node {
        Node::Branch(branch) if branch.bit < PREFIX_BITS => branch,
        Node::Leaf(_) | Node::Branch(_) => return node.nearest(key).key.0[..2] != key.0[..2],
    };
    let branch = Arc::make_mut(branch);
    let side = key.side(branch.bit);
    if cut(&mut branch.sides[side], key) {
        branch.hashes[side] = branch.sides[side].hash();
        branch.len = below(&branch.sides);
    } else {
        *node = branch.sides[1 - side].clone();
    }
    true
}

/// The tree of ascending leaves. `open` holds the branches still waiting for their right side, bits ascending.
fn grow<V>(leaves: impl IntoIterator<Item = Leaf<V>>) -> Result<Option<Node<V>>, OrderError> {
    let mut leaves = leaves.into_iter();
    let Some(first) = leaves.next() else { return Ok(None) };
    let mut before = first.key;
    let mut last = Node::Leaf(Arc::new(first));
    let mut open: Vec<(u16, Node<V>)> = Vec::new();
    for leaf in leaves {
        let key = leaf.key;
        if key <= before {
            return Err(OrderError { before, key });
        }
        let bit = parting(&before, &key);
        while let Some((above, left)) = open.pop_if(|(above, _)| *above > bit) {
            last = Node::branch(above, [left, last]);
        }
        open.push((bit, std::mem::replace(&mut last, Node::Leaf(Arc::new(leaf)))));
        before = key;
    }
    while let Some((bit, left)) = open.pop() {
        last = Node::branch(bit, [left, last]);
    }
    Ok(Some(last))
}

impl<V> Default for Tree<V> {
    fn default() -> Self {
        Self::new()
    }
}

// Written out, since a derived `Clone` would ask for it of the values, which are shared and never copied.
impl<V> Clone for Tree<V> {
    fn clone(&self) -> Self {
        Self { top: self.top.clone() }
    }
}

impl<V> Clone for Node<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Leaf(leaf) => Self::Leaf(Arc::clone(leaf)),
            Self::Branch(branch) => Self::Branch(Arc::clone(branch)),
        }
    }
}

impl<V> Clone for Leaf<V> {
    fn clone(&self) -> Self {
        Self { key: self.key, value_hash: self.value_hash, value: Arc::clone(&self.value) }
    }
}

impl<V> Clone for Branch<V> {
    fn clone(&self) -> Self {
        Self { hashes: self.hashes, bit: self.bit, stale: self.stale, len: self.len, sides: self.sides.clone() }
    }
}

impl<V> std::fmt::Debug for Tree<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tree of {} records, root {}", self.len(), self.root())
    }
}

impl<'a, V> IntoIterator for &'a Tree<V> {
    type Item = (&'a TreeKey, &'a Arc<V>);
    type IntoIter = Range<'a, V>;

    fn into_iter(self) -> Range<'a, V> {
        self.iter()
    }
}
