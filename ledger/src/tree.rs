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

mod proof;
mod range;

use std::cmp::Ordering;
use std::sync::Arc;

use bincode::{Decode, Encode};

use crate::crypto::{Domain, Hash, hash};
use crate::text::{self, TextError};

pub use proof::{Proof, ProofError, Step};
pub use range::Range;

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

/// Keys below agree in all bits before `bit`; `sides` are those with 0 and those with 1 in it.
struct Branch<V> {
    hash: Hash,
    bit: u16,
    /// Number of leaves below.
    len: u32,
    sides: [Node<V>; 2],
}

/// What to do with one key, and where it leaves the tree as it was: `parts_at` is the first bit in which the key differs
/// from the leaf that a search for it ends at, or [`KEY_BITS`] when that leaf is its own.
struct Change<V> {
    key: TreeKey,
    parts_at: u16,
    value: Option<(Hash, Arc<V>)>,
}

/// A key with what it is set to, and that value's hash; or none, which removes it.
pub(crate) type Applied<V> = (TreeKey, Option<(Hash, Arc<V>)>);

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
        Ok(Self { top: grow(leaves)? })
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
        self.apply_with(changes, |_, _| ());
    }

    /// The same; gives, in order, what leads back to the tree before.
    pub(crate) fn apply_undoably(&mut self, changes: impl IntoIterator<Item = Applied<V>>) -> Vec<Applied<V>> {
        let mut undo = Vec::new();
        self.apply_with(changes, |key, leaf| {
            undo.push((key, leaf.map(|leaf| (leaf.value_hash, Arc::clone(&leaf.value)))));
        });
        undo
    }

    fn apply_with(
        &mut self,
        changes: impl IntoIterator<Item = Applied<V>>,
        mut note: impl FnMut(TreeKey, Option<&Leaf<V>>),
    ) {
        let mut before: Option<TreeKey> = None;
        let mut effective = Vec::new();
        for (key, value) in changes {
            assert!(
                before.replace(key).is_none_or(|before| before < key),
                "changes must strictly ascend by key: {key}"
            );
            let nearest = self.top.as_ref().map(|top| top.nearest(&key));
            let parts_at = nearest.map_or(0, |leaf| parting(&leaf.key, &key));
            if value.is_none() && parts_at != KEY_BITS {
                continue;
            }
            note(key, nearest.filter(|_| parts_at == KEY_BITS));
            effective.push(Change { key, parts_at, value });
        }
        let remains = match &mut self.top {
            Some(top) => update(top, &effective),
            None => {
                self.top = grow_new(&effective);
                true
            }
        };
        if !remains {
            self.top = None;
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
            path.push(Step { bit: branch.bit, sibling: branch.sides[1 - side].hash() });
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
fn parting(one: &TreeKey, other: &TreeKey) -> u16 {
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

fn branch_hash(bit: u16, left: &Hash, right: &Hash) -> Hash {
    hash(Domain::StateNode, &[&bit.to_be_bytes(), &left.0, &right.0])
}

impl<V> Node<V> {
    fn branch(bit: u16, sides: [Self; 2]) -> Self {
        let hash = branch_hash(bit, &sides[0].hash(), &sides[1].hash());
        let len = below(&sides);
        Self::Branch(Arc::new(Branch { hash, bit, len, sides }))
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
            Self::Branch(branch) => branch.hash,
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

fn below<V>([left, right]: &[Node<V>; 2]) -> u32 {
    left.len().checked_add(right.len()).expect("a state has far fewer records than can be counted")
}

impl<V> Branch<V> {
    /// Hash and number of leaves, after a side has changed.
    fn refresh(&mut self) {
        let [left, right] = &self.sides;
        self.hash = branch_hash(self.bit, &left.hash(), &right.hash());
        self.len = below(&self.sides);
    }
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
        branch.refresh();
    } else {
        *node = branch.sides[1 - side].clone();
    }
    true
}

/// Applies changes that all lead to `node`; says whether anything remains of it. What is shared with a clone is copied.
fn update<V>(node: &mut Node<V>, changes: &[Change<V>]) -> bool {
    let Some(parts_at) = changes.iter().map(|change| change.parts_at).min() else {
        return true;
    };
    let branch = match node {
        Node::Leaf(leaf) if parts_at == KEY_BITS => return set(leaf, changes),
        Node::Branch(branch) if parts_at > branch.bit => branch,
        Node::Leaf(_) | Node::Branch(_) => return graft(node, parts_at, changes),
    };
    let branch = Arc::make_mut(branch);
    let (low, high) = split(changes, branch.bit);
    let [left, right] = &mut branch.sides;
    match (update(left, low), update(right, high)) {
        (true, true) => branch.refresh(),
        (true, false) => *node = left.clone(),
        (false, true) => *node = right.clone(),
        (false, false) => return false,
    }
    true
}

/// Puts a branch above `node` for the new keys that part from it at a bit where it has none. One of both sides is new, all
/// other changes belong to `node` itself.
fn graft<V>(node: &mut Node<V>, bit: u16, changes: &[Change<V>]) -> bool {
    let (low, high) = split(changes, bit);
    let new_is_low = low.first().is_some_and(|change| change.parts_at == bit);
    let (new, rest) = if new_is_low { (low, high) } else { (high, low) };
    let remains = update(node, rest);
    let new = grow_new(new).expect("a key parts from the node at this bit, so one side has new keys");
    *node = match (remains, new_is_low) {
        (true, true) => Node::branch(bit, [new, node.clone()]),
        (true, false) => Node::branch(bit, [node.clone(), new]),
        (false, true | false) => new,
    };
    true
}

/// Sets or removes the one key that a leaf holds; says whether the leaf remains.
fn set<V>(leaf: &mut Arc<Leaf<V>>, changes: &[Change<V>]) -> bool {
    let [Change { value, .. }] = changes else { unreachable!("changes ascend strictly, so one at most has this key") };
    let Some((value_hash, value)) = value else { return false };
    let leaf = Arc::make_mut(leaf);
    leaf.value_hash = *value_hash;
    leaf.value = Arc::clone(value);
    true
}

fn split<V>(changes: &[Change<V>], bit: u16) -> (&[Change<V>], &[Change<V>]) {
    changes.split_at(changes.partition_point(|change| change.key.side(bit) == 0))
}

/// The tree of keys that are all new. They ascend, as [`Tree::apply`] saw to, and what removed nothing is left out by then.
fn grow_new<V>(changes: &[Change<V>]) -> Option<Node<V>> {
    let leaves = changes.iter().filter_map(|change| {
        let (value_hash, value) = change.value.as_ref()?;
        Some(Leaf { key: change.key, value_hash: *value_hash, value: Arc::clone(value) })
    });
    grow(leaves).expect("changes strictly ascend by key")
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
        Self { hash: self.hash, bit: self.bit, len: self.len, sides: self.sides.clone() }
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
