#![doc = include_str!("../README.md")]

mod check;
mod document;
mod file;

pub use check::CheckError;
pub use document::{ClockKind, Document, FORMAT, Institution, Office, Officer, default_parameters};
pub use file::{LoadError, SaveError};

use keis_ledger::block::Tip;
use keis_ledger::chain::{Height, ValidatorSet};
use keis_ledger::classifiers::Scopes;
use keis_ledger::codec;
use keis_ledger::crypto::{Domain, Hash, PublicKey, hash};
use keis_ledger::ids::BlockId;
use keis_ledger::money::Cents;
use keis_ledger::operation::Owner;
use keis_ledger::record::{self, Entity, Key, Network, Record};
use keis_ledger::state::State;
use keis_ledger::tree::TreeKey;

/// A checked founding document, with what follows from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Genesis {
    document: Document,
    validators: ValidatorSet,
    hash: Hash,
}

impl Genesis {
    /// Only [`Document::check`] makes one.
    pub(crate) fn of(document: Document, validators: ValidatorSet) -> Self {
        let hash = hash(Domain::Genesis, &[&codec::encode(&document)]);
        Self { document, validators, hash }
    }

    /// What the document says.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The network's identity: the hash of the content, whatever the file's white space.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Who decides the first block.
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// Whether a driver steps the network's time.
    pub fn is_simulated(&self) -> bool {
        self.driver().is_some()
    }

    /// The key that steps a simulated network's time.
    pub fn driver(&self) -> Option<PublicKey> {
        match self.document.clock {
            ClockKind::Real => None,
            ClockKind::Simulated { driver } => Some(driver),
        }
    }

    /// The institution whose consensus key this is.
    pub fn institution_of(&self, consensus_key: &PublicKey) -> Option<&Institution> {
        self.document.institutions.iter().find(|institution| institution.consensus_key == *consensus_key)
    }

    /// The state before the first block: the network's record, the institutions and the officers, with their keys.
    pub fn state(&self) -> State {
        let network = Network { parameters: self.document.parameters.clone(), validators: self.validators.clone() };
        let mut records = vec![placed((), network)];
        for institution in &self.document.institutions {
            let mut keys = institution.governance_keys.to_vec();
            keys.sort_unstable();
            let governance = Key::governance(institution.id, self.document.time);
            records.extend(keys.iter().map(|key| placed(*key, governance.clone())));
            records.push(placed(institution.id, record::Institution { keys, open: 0 }));
        }
        records.extend(self.document.officers.iter().map(|officer| placed(officer.key, officer.key_record())));
        records.sort_by_key(|(place, _)| *place);
        State::from_records(records)
            .expect("every key and id of a checked document occurs once, so the sorted places ascend")
    }

    /// Where the chain stands before its first block.
    pub fn tip(&self) -> Tip {
        Tip {
            network: self.hash,
            height: Height::default(),
            block: BlockId::default(),
            time: self.document.time,
            state: self.state(),
        }
    }
}

fn placed<E: Entity>(key: E::Key, entity: E) -> (TreeKey, Record) {
    (E::key(key).place(), entity.into_record())
}

impl Officer {
    /// Whose the key is, as the ledger knows it.
    pub fn owner(&self) -> Owner {
        match self.office {
            Office::Operator => Owner::Operator(self.institution),
            Office::BudgetHolder => Owner::BudgetHolder(self.institution),
            Office::Auditor => Owner::Auditor(self.institution),
        }
    }

    fn key_record(&self) -> Key {
        // An officer acts by office: no scopes, and no order to sign.
        Key { owner: self.owner(), scopes: Scopes::of(&[]), cap: Cents::ZERO, from: self.from, until: self.until }
    }
}
