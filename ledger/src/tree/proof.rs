//! Proofs about one key of a tree, verified with the root alone.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{KEY_BITS, TreeKey, branch_hash, leaf_hash};
use crate::crypto::Hash;

/// Where a search for a key ends, and the way back up to the root.
///
/// A key that the tree holds ends at its own leaf. Any other ends at a leaf that agrees with it in the bit of every branch
/// on the way, which shows that the tree has no place where the key could be besides. So a proof of absence discloses that
/// other leaf: its key and the hash of its value, both hashes; a sibling on any path discloses less. For one set of records
/// and one key there is one proof.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Proof {
    /// Key and hash of the value of the leaf at which the search ends; none for the empty tree.
    pub leaf: Option<(TreeKey, Hash)>,
    /// The branches passed, from the leaf up, so that their bits descend.
    pub path: Vec<Step>,
}

/// One branch on the way from a leaf to the root. On which side the leaf lies is the key's own bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Step {
    /// The bit that the branch distinguishes.
    pub bit: u16,
    /// Hash of the side that the path does not take.
    pub sibling: Hash,
}

/// Why a proof does not prove what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The branches are not those of a path.
    #[error("the bit {0} of the path is no bit of a key or does not come before the one below it")]
    Path(u16),
    /// A search for the key would not end at the leaf shown.
    #[error("a search for the key {key} leaves the path to {leaf} at bit {bit}")]
    Elsewhere {
        /// The key asked about.
        key: TreeKey,
        /// The key of the leaf shown.
        leaf: TreeKey,
        /// The bit of the branch where they part.
        bit: u16,
    },
    /// The path leads to another root.
    #[error("the proof is of the root {0}")]
    Root(Hash),
    /// The tree holds the key, but not with this value.
    #[error("the tree holds the key with the value of hash {0}")]
    Present(Hash),
    /// The tree does not hold the key.
    #[error("the tree does not hold the key")]
    Absent,
}

impl Proof {
    /// Verifies that the tree of `root` holds `key` with a value of hash `value_hash`, or, for `None`, does not hold it.
    ///
    /// # Errors
    /// [`ProofError`]: first of the proof's form, then of the root, and only for a sound proof of what it says instead.
    pub fn verify(&self, root: &Hash, key: &TreeKey, value_hash: Option<&Hash>) -> Result<(), ProofError> {
        let computed = self.root_for(key)?;
        if computed != *root {
            return Err(ProofError::Root(computed));
        }
        let held = self.leaf.filter(|(leaf, _)| leaf == key).map(|(_, value_hash)| value_hash);
        match (held, value_hash) {
            (Some(held), Some(asked)) if held == *asked => Ok(()),
            (Some(held), Some(_) | None) => Err(ProofError::Present(held)),
            (None, Some(_)) => Err(ProofError::Absent),
            (None, None) => Ok(()),
        }
    }

    /// The root to which the path leads, if a search for `key` takes this path.
    fn root_for(&self, key: &TreeKey) -> Result<Hash, ProofError> {
        let Some((leaf, value_hash)) = &self.leaf else {
            return self.path.first().map_or(Ok(Hash([0; 32])), |step| Err(ProofError::Path(step.bit)));
        };
        let mut hash = leaf_hash(leaf, value_hash);
        let mut below = KEY_BITS;
        for Step { bit, sibling } in &self.path {
            if *bit >= below {
                return Err(ProofError::Path(*bit));
            }
            let side = key.side(*bit);
            if side != leaf.side(*bit) {
                return Err(ProofError::Elsewhere { key: *key, leaf: *leaf, bit: *bit });
            }
            hash = if side == 0 { branch_hash(*bit, &hash, sibling) } else { branch_hash(*bit, sibling, &hash) };
            below = *bit;
        }
        Ok(hash)
    }
}
