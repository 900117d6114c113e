//! Records in the order of their keys, one step at a time.

use std::sync::Arc;

use super::{KEY_BITS, Node, TreeKey, parting};

/// Records from a key on, ascending. Holds at most one node a level, whatever is left to give.
pub struct Range<'a, V> {
    /// Subtrees not given yet; the last one holds the smallest keys.
    ahead: Vec<&'a Node<V>>,
}

impl<'a, V> Range<'a, V> {
    pub(super) fn new(top: Option<&'a Node<V>>, from: &TreeKey) -> Self {
        let mut ahead = Vec::new();
        let Some(mut node) = top else { return Self { ahead } };
        let parts_at = parting(&node.nearest(from).key, from);
        while let Node::Branch(branch) = node
            && branch.bit < parts_at
        {
            let [left, right] = &branch.sides;
            if from.side(branch.bit) == 0 {
                ahead.push(right);
                node = left;
            } else {
                node = right;
            }
        }
        // Every key below `node` parts from `from` at the same bit, so all come before it or all after, or it is the key.
        if parts_at == KEY_BITS || from.side(parts_at) == 0 {
            ahead.push(node);
        }
        Self { ahead }
    }
}

impl<'a, V> Iterator for Range<'a, V> {
    type Item = (&'a TreeKey, &'a Arc<V>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut node = self.ahead.pop()?;
        loop {
            match node {
                Node::Leaf(leaf) => return Some((&leaf.key, &leaf.value)),
                Node::Branch(branch) => {
                    let [left, right] = &branch.sides;
                    self.ahead.push(right);
                    node = left;
                }
            }
        }
    }
}

impl<V> std::iter::FusedIterator for Range<'_, V> {}
