//! Changing a tree: each change goes down once, and what has to be hashed anew is gathered on the way back.

use std::sync::Arc;

use super::rehash::{Gathered, Walk};
use super::{Branch, KEY_BITS, Leaf, Node, TreeKey, below, grow};
use crate::crypto::Hash;

/// What to do with one key.
pub(crate) struct Change<V> {
    pub(crate) key: TreeKey,
    /// Whether the tree is known to hold the key, which saves the search for it.
    pub(crate) stands: bool,
    /// What the key is set to, with the value's hash; or none, which removes it.
    pub(crate) value: Option<(Hash, Arc<V>)>,
}

/// A change, and where it leaves the tree as it was: `parts_at` is the first bit in which the key differs from the leaf
/// that a search for it ends at, or [`KEY_BITS`] when that leaf is its own.
pub(super) struct Placed<V> {
    pub(super) key: TreeKey,
    pub(super) parts_at: u16,
    pub(super) value: Option<(Hash, Arc<V>)>,
}

/// What changes made of a side of a branch.
pub(super) enum After {
    /// No change led there.
    Untouched,
    /// Nothing remains.
    Gone,
    /// It has to be hashed anew.
    Changed(Gathered),
}

impl After {
    fn gathered(self) -> Option<Gathered> {
        match self {
            Self::Changed(gathered) => Some(gathered),
            Self::Untouched | Self::Gone => None,
        }
    }
}

/// Applies changes that all lead to `node`; what is shared with a clone is copied. What is to be hashed is gathered from
/// left to right, since it is settled in that order.
pub(super) fn update<V>(node: &mut Node<V>, changes: &mut [Placed<V>], walk: &mut Walk) -> After {
    let Some(parts_at) = changes.iter().map(|change| change.parts_at).min() else {
        return After::Untouched;
    };
    let branch = match node {
        Node::Leaf(leaf) if parts_at == KEY_BITS => {
            return if set(leaf, changes) { After::Changed(walk.leaf(leaf)) } else { After::Gone };
        }
        Node::Branch(branch) if parts_at > branch.bit => branch,
        Node::Leaf(_) | Node::Branch(_) => return After::Changed(graft(node, parts_at, changes, walk)),
    };
    let branch = Arc::make_mut(branch);
    let (low, high) = split(changes, branch.bit);
    let [left, right] = &mut branch.sides;
    let (low, high) = (update(left, low, walk), update(right, high, walk));
    let (survivor, after) = match (low, high) {
        (After::Gone, After::Gone) => return After::Gone,
        (After::Gone, high) => (right.clone(), high),
        (low, After::Gone) => (left.clone(), low),
        (low, high) => {
            branch.len = below(&branch.sides);
            let gathered = [low.gathered(), high.gathered()];
            branch.stale = [gathered[0].is_some(), gathered[1].is_some()];
            return After::Changed(walk.branch(branch, gathered));
        }
    };
    *node = survivor;
    After::Changed(after.gathered().unwrap_or_else(|| walk.gather(node)))
}

/// Puts a branch above `node` for the new keys that part from it at a bit where it has none. One of both sides is new, all
/// other changes belong to `node` itself.
fn graft<V>(node: &mut Node<V>, bit: u16, changes: &mut [Placed<V>], walk: &mut Walk) -> Gathered {
    let (low, high) = split(changes, bit);
    let grow_side = |part| grow_new(part).expect("a key parts from the node here, so one side has new keys");
    let new_is_low = low.first().is_some_and(|change| change.parts_at == bit);
    let (new, rest) = if new_is_low { (grow_side(low), high) } else { (grow_side(high), low) };
    let new_first = new_is_low.then(|| walk.gather(&new));
    let old = match update(node, rest, walk) {
        After::Gone => None,
        After::Changed(gathered) => Some(gathered),
        After::Untouched => Some(walk.gather(node)),
    };
    let new_gathered = new_first.unwrap_or_else(|| walk.gather(&new));
    let Some(old_gathered) = old else {
        *node = new;
        return new_gathered;
    };
    let (sides, gathered) = if new_is_low {
        ([new, node.clone()], [new_gathered, old_gathered])
    } else {
        ([node.clone(), new], [old_gathered, new_gathered])
    };
    let branch = Branch::new(bit, sides);
    let gathered = walk.branch(&branch, gathered.map(Some));
    *node = Node::Branch(Arc::new(branch));
    gathered
}

/// Sets or removes the one key that a leaf holds; says whether the leaf remains.
fn set<V>(leaf: &mut Arc<Leaf<V>>, changes: &mut [Placed<V>]) -> bool {
    let [Placed { key, value, .. }] = changes else {
        unreachable!("changes ascend strictly, so one at most has this key")
    };
    assert_eq!(leaf.key, *key, "who says that the tree holds a key has found it there");
    let Some((value_hash, value)) = value.take() else { return false };
    let leaf = Arc::make_mut(leaf);
    (leaf.value_hash, leaf.value) = (value_hash, value);
    true
}

fn split<V>(changes: &mut [Placed<V>], bit: u16) -> (&mut [Placed<V>], &mut [Placed<V>]) {
    changes.split_at_mut(changes.partition_point(|change| change.key.side(bit) == 0))
}

/// The tree of keys that are all new. They ascend, as [`Tree::apply`] saw to, and what removed nothing is left out by then.
pub(super) fn grow_new<V>(changes: &mut [Placed<V>]) -> Option<Node<V>> {
    let leaves = changes.iter_mut().filter_map(|change| {
        let (value_hash, value) = change.value.take()?;
        Some(Leaf { key: change.key, value_hash, value })
    });
    grow(leaves).expect("changes strictly ascend by key")
}
