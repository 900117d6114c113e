//! Hashes of what has changed in a tree, made level by level, so that many are made at once.

use std::sync::Arc;

use super::{Branch, Leaf, Node, TreeKey};
use crate::crypto::{Batch, Domain, Hash};

/// Nodes that wait for their hash, each after those below it, from left to right.
#[derive(Default)]
pub(super) struct Walk {
    leaves: Batch,
    branches: Vec<Waiting>,
    /// The branches that have so many levels of waiting ones below, by their index.
    levels: Vec<Vec<usize>>,
}

/// A node that waits, and the levels of branches that wait from it down.
pub(super) struct Gathered {
    side: Side,
    levels: usize,
}

struct Waiting {
    bit: u16,
    sides: [Side; 2],
}

/// Where the hash of a branch's side comes from.
enum Side {
    /// It has not changed.
    Known(Hash),
    /// A leaf, by its index.
    Leaf(usize),
    /// A branch that waits, by its index.
    Waiting(usize),
}

impl Walk {
    /// A walk to so many leaves that have changed.
    pub(super) fn to(leaves: usize) -> Self {
        Self {
            leaves: Batch::with_room(leaves, size_of::<TreeKey>() + size_of::<Hash>()),
            branches: Vec::with_capacity(leaves.saturating_mul(4)),
            levels: Vec::new(),
        }
    }

    /// Takes a leaf in.
    pub(super) fn leaf<V>(&mut self, leaf: &Leaf<V>) -> Gathered {
        self.leaves.add_node(Domain::StateLeaf, &leaf.key.0, [&leaf.value_hash]);
        Gathered { side: Side::Leaf(self.leaves.len() - 1), levels: 0 }
    }

    /// Takes a branch in after those of its sides that have changed.
    pub(super) fn branch<V>(&mut self, branch: &Branch<V>, gathered: [Option<Gathered>; 2]) -> Gathered {
        let below = gathered.iter().flatten().map(|side| side.levels).max().unwrap_or_default();
        let [left, right] = gathered;
        let side = |index: usize, gathered: Option<Gathered>| {
            gathered.map_or_else(|| Side::Known(branch.hashes[index]), |gathered| gathered.side)
        };
        let index = self.branches.len();
        self.branches.push(Waiting { bit: branch.bit, sides: [side(0, left), side(1, right)] });
        if self.levels.len() == below {
            self.levels.push(Vec::new());
        }
        self.levels[below].push(index);
        Gathered { side: Side::Waiting(index), levels: below + 1 }
    }

    /// Takes a node in with all that is stale below it.
    pub(super) fn gather<V>(&mut self, node: &Node<V>) -> Gathered {
        match node {
            Node::Leaf(leaf) => self.leaf(leaf),
            Node::Branch(branch) => {
                let gathered = [0, 1].map(|side| branch.stale[side].then(|| self.gather(&branch.sides[side])));
                self.branch(branch, gathered)
            }
        }
    }

    /// Makes the hashes and puts them where they belong, below a node that was taken in.
    pub(super) fn settle<V>(self, top: &mut Node<V>) {
        let leaves = self.leaves.hashes();
        let branches = self.branch_hashes(&leaves);
        settle(top, &mut leaves.into_iter(), &mut branches.into_iter());
    }

    fn branch_hashes(&self, leaves: &[Hash]) -> Vec<Hash> {
        let mut hashes = vec![Hash::default(); self.branches.len()];
        for level in &self.levels {
            let mut batch = Batch::with_room(level.len(), size_of::<u16>() + 2 * size_of::<Hash>());
            for Waiting { bit, sides } in level.iter().map(|index| &self.branches[*index]) {
                let [left, right] = sides.each_ref().map(|side| match side {
                    Side::Known(hash) => hash,
                    Side::Leaf(index) => &leaves[*index],
                    Side::Waiting(index) => &hashes[*index],
                });
                batch.add_node(Domain::StateNode, &bit.to_be_bytes(), [left, right]);
            }
            for (index, hash) in level.iter().zip(batch.hashes()) {
                hashes[*index] = hash;
            }
        }
        hashes
    }
}

/// Puts hashes into the stale sides below a node, in the order in which they were gathered; gives the node's own.
fn settle<V>(
    node: &mut Node<V>,
    leaves: &mut impl Iterator<Item = Hash>,
    branches: &mut impl Iterator<Item = Hash>,
) -> Hash {
    let branch = match node {
        Node::Leaf(_) => return leaves.next().expect("every leaf that waited has its hash"),
        Node::Branch(branch) => branch,
    };
    if branch.stale.contains(&true) {
        let Branch { hashes, stale, sides, .. } = Arc::make_mut(branch);
        for (index, side) in sides.iter_mut().enumerate().filter(|(index, _)| stale[*index]) {
            hashes[index] = settle(side, leaves, branches);
        }
        *stale = [false; 2];
    }
    branches.next().expect("every branch that waited has its hash")
}
