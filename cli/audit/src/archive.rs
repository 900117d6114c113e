//! What an audit keeps of sealed years: their records, so that one can be proven when no node holds it any more.

use std::collections::BTreeMap;

use keis_ledger::chain::{Certificate, Header, ValidatorSet};
use keis_ledger::classifiers::Year;
use keis_ledger::record::{Record, RecordKey, Sealed, SealedProof};
use keis_ledger::state::{Records, State};
use keis_ledger::tree::TreeKey;

/// A block after which other validators decide.
#[derive(Debug, Clone)]
pub struct Change {
    /// Its head.
    pub header: Header,
    /// That the validators before decided it.
    pub certificate: Certificate,
    /// Who decides from the next height on.
    pub validators: ValidatorSet,
}

/// A record of a sealed year, or its absence, and what proves it under an export's last block.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Every change of the validators before the block, ascending.
    pub changes: Vec<Change>,
    /// Head of the last block.
    pub header: Header,
    /// That the validators decided it.
    pub certificate: Certificate,
    /// What is left of the year in the state.
    pub sealed: Sealed,
    /// The record that the year had.
    pub record: Option<Record>,
    /// The way to both.
    pub proof: SealedProof,
}

/// The records of sealed years, out of a sound export.
#[derive(Default)]
pub struct Archive {
    years: BTreeMap<Year, State>,
    changes: Vec<Change>,
    last: Option<(Header, Certificate)>,
    state: State,
}

/// A block of which everything holds, and whom it hands over to.
pub(crate) struct Decided {
    pub(crate) header: Header,
    pub(crate) certificate: Certificate,
    pub(crate) handed_to: Option<ValidatorSet>,
}

impl Archive {
    /// Follows a block.
    pub(crate) fn take(&mut self, decided: Decided) {
        let Decided { header, certificate, handed_to } = decided;
        if let Some(validators) = handed_to {
            self.changes.push(Change { header: header.clone(), certificate: certificate.clone(), validators });
        }
        self.last = Some((header, certificate));
    }

    /// Keeps the records that a sealed year had.
    pub(crate) fn keep(&mut self, year: Year, records: &Records) {
        let (start, end) = (RecordKey::year_start(year), RecordKey::year_start(Year(year.0.saturating_add(1))));
        self.years.insert(year, state_of(records.records_from(&start).take_while(|(place, _)| **place < end)));
    }

    /// With what there is after the last block.
    pub(crate) fn ended(self, records: &Records) -> Self {
        let state = state_of(records.records_from(&RecordKey::year_start(Year(0))));
        Self { state, ..self }
    }

    /// The sealed years, ascending.
    pub fn years(&self) -> impl Iterator<Item = Year> {
        self.years.keys().copied()
    }

    /// A record of a sealed year with its proof, or the proof that the year had none; none when the year is not sealed.
    pub fn prove(&self, year: Year, key: &RecordKey) -> Option<Kept> {
        let (header, certificate) = self.last.as_ref()?;
        let records = self.years.get(&year)?;
        let sealed = *self.state.get::<Sealed>(year)?;
        let leaf = self.state.prove(&RecordKey::Sealed(year));
        let place = key.place();
        let record = records.records_from(&place).next().filter(|(at, _)| **at == place).map(|(_, record)| record);
        // Who decides after the last block is of no use to it.
        let before = self.changes.iter().filter(|change| change.header.height < header.height);
        Some(Kept {
            changes: before.cloned().collect(),
            header: header.clone(),
            certificate: certificate.clone(),
            sealed,
            record: record.cloned(),
            proof: SealedProof { leaf, record: records.prove(key) },
        })
    }
}

fn state_of<'r>(records: impl Iterator<Item = (&'r TreeKey, &'r Record)>) -> State {
    let records = records.map(|(place, record)| (*place, record.clone()));
    State::from_records(records).expect("records come in the order of their places")
}
