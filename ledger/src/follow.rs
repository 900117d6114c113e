//! Following one chain to its end: blocks are executed one after the other, and nothing is kept but the last records.
//!
//! The work is done in two parts that can be at different blocks: a [`Follower`] applies the rules, and [`Roots`] makes the
//! hashes of what came of it, by which the headers are judged. Both together are what [`crate::block::execute`] does.

use std::sync::Arc;

use crate::block::{Builder, InvalidBlock, Parent, Tip, receipts_root, stands_on};
use crate::chain::{Header, Height};
use crate::classifiers::Year;
use crate::crypto::Hash;
use crate::ids::BlockId;
use crate::protocol;
use crate::receipt::FullReceipt;
use crate::record::{Entity, Network};
use crate::state::{Back, Changes, Draft, Records, Roots, Weights};
use crate::time::Timestamp;
use crate::transaction::VerifiedTransaction;

/// A reader of one chain.
pub struct Follower {
    parent: Parent,
    validators: Hash,
    records: Arc<Records>,
    /// What is known of years that the next block may seal.
    weights: Weights,
}

/// A block that was executed and whose header was not yet judged.
pub struct Followed {
    /// What its header is to be judged by.
    pub unproven: Unproven,
    /// What leads back to where the chain stood before it.
    pub retreat: Retreat,
    /// The years that the block seals.
    pub sealed: Vec<Year>,
}

/// What came of a block, with hashes still to be made.
pub struct Unproven {
    header: Header,
    changes: Changes,
    receipts: Vec<FullReceipt>,
}

/// What leads back to where a chain stood before a block.
pub struct Retreat {
    parent: Parent,
    validators: Hash,
    back: Back,
}

impl Follower {
    /// A reader of what follows on a tip.
    pub fn of(tip: &Tip) -> Self {
        let records = Arc::new(Records::of(&tip.state));
        let validators = tip.network_record().validators.hash();
        Self { parent: tip.into(), validators, records, weights: Weights::default() }
    }

    /// Height of the last block.
    pub fn height(&self) -> Height {
        self.parent.height
    }

    /// Id of the last block.
    pub fn block(&self) -> BlockId {
        self.parent.block
    }

    /// Time of the last block.
    pub fn time(&self) -> Timestamp {
        self.parent.time
    }

    /// The records after it.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// A record of a known kind.
    pub fn get<E: Entity>(&self, key: E::Key) -> Option<&E> {
        self.records.get::<E>(key)
    }

    /// Tells what `roots` knows of the years, which must be those of the last block that was taken: if the next one seals a
    /// year, the year's records need not be hashed once more.
    pub fn weigh_by(&mut self, roots: &Roots) {
        self.weights = roots.weights();
    }

    /// Executes the next block, of which this is said. `transactions` are the block's own, in its order, with their signatures
    /// proven. `id` is the block's. Whether its roots are right is still to be judged.
    ///
    /// # Errors
    /// [`InvalidBlock`] when the block has no such effect by the rules; the reader stands where it stood then.
    pub fn take(
        &mut self,
        said: &Header,
        id: BlockId,
        transactions: &[VerifiedTransaction],
    ) -> Result<Followed, InvalidBlock> {
        stands_on(&self.parent, said)?;
        let draft = Draft::following(said.height, &self.records, std::mem::take(&mut self.weights));
        let builder = Builder::start_on(self.parent, draft, said.time, protocol::LATEST)?;
        let (draft, receipts, protocol) = builder.admit_all(transactions)?.into_parts();
        let validators = draft.changed::<Network>(()).map(|network| network.validators.hash());
        let next_validators = validators.unwrap_or(self.validators);
        let (changes, back) = draft.finish_in(&mut self.records);
        let header = Header {
            protocol,
            network: self.parent.network,
            height: self.parent.height.next(),
            parent: self.parent.block,
            time: said.time,
            proposer: said.proposer,
            transactions_root: Hash::default(),
            receipts_root: Hash::default(),
            state_root: Hash::default(),
            validators: self.validators,
            next_validators,
        };
        let sealed = changes.sealed().to_vec();
        let retreat = Retreat { parent: self.parent, validators: self.validators, back };
        self.parent = Parent { height: said.height, block: id, time: said.time, ..self.parent };
        self.validators = next_validators;
        Ok(Followed { unproven: Unproven { header, changes, receipts }, retreat, sealed })
    }

    /// Goes back to before the last block that was taken.
    ///
    /// # Panics
    /// Never: nobody else holds the records while the reader can be changed.
    pub fn retreat(&mut self, retreat: Retreat) {
        let Retreat { parent, validators, back } = retreat;
        (self.parent, self.validators) = (parent, validators);
        Arc::get_mut(&mut self.records).expect("drafts are gone before a reader is changed").go_back(back);
    }
}

impl Retreat {
    /// Where nobody goes back to: the years that the block sealed, with the records that they had.
    pub fn into_sealed(self) -> Vec<(Year, Records)> {
        self.back.into_sealed()
    }
}

impl Unproven {
    /// The header that follows from the block's contents, whose transactions have this root, and its receipts. `roots` are
    /// those of the block before.
    pub fn prove(self, roots: &mut Roots, transactions_root: Hash) -> (Header, Vec<FullReceipt>) {
        let Self { header, changes, mut receipts } = self;
        FullReceipt::complete(&mut receipts);
        roots.change(&changes);
        let receipts_root = receipts_root(&receipts);
        (Header { transactions_root, receipts_root, state_root: roots.root(), ..header }, receipts)
    }

    /// The receipts, whose lines have no root yet.
    pub fn receipts(&self) -> &[FullReceipt] {
        &self.receipts
    }
}
