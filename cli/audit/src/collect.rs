//! What an audit notes while blocks go by: things that the last state no longer tells.

use std::collections::{BTreeMap, BTreeSet};

use keis_ledger::classifiers::{ArtField, VatCategory, Year};
use keis_ledger::ids::{DocumentId, ProviderId, ServiceId};
use keis_ledger::money::Source;
use keis_ledger::operation::{CatalogueOperation, Operation, ServiceTerms};
use keis_ledger::receipt::{FullReceipt, Kind, Receipt};
use serde::Serialize;

use crate::check::Checked;
use crate::content::document_named;

/// How often a kind took effect, and what it moved, in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Moved {
    /// How often.
    pub count: u64,
    /// The state's money that it moved.
    pub state: u128,
    /// The schools' money that it moved.
    pub school: u128,
}

/// What the figures need of a service's version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Version {
    pub(crate) field: ArtField,
    pub(crate) vat: VatCategory,
}

/// How the attendance of a provider's orders was confirmed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Confirmations {
    pub(crate) by_orderer: u64,
    pub(crate) automatic: u64,
}

/// Notes of a whole export.
#[derive(Default)]
pub(crate) struct Collector {
    pub(crate) blocks: u64,
    pub(crate) transactions: u64,
    pub(crate) steps: u64,
    pub(crate) precommits: u64,
    pub(crate) on_behalf: u64,
    pub(crate) moved: BTreeMap<Option<Year>, BTreeMap<Kind, Moved>>,
    pub(crate) confirmations: BTreeMap<(Year, ProviderId), Confirmations>,
    versions: BTreeMap<ServiceId, Vec<Version>>,
    named: BTreeSet<DocumentId>,
    held: BTreeSet<DocumentId>,
}

impl Collector {
    pub(crate) fn take(&mut self, checked: &Checked, receipts: &[FullReceipt]) {
        self.blocks += 1;
        self.transactions += checked.transactions.len() as u64;
        self.steps += receipts.len().saturating_sub(checked.transactions.len()) as u64;
        self.precommits += checked.certificate.signatures.len() as u64;
        for transaction in &checked.transactions {
            let body = transaction.body();
            self.on_behalf += u64::from(body.behalf.is_some());
            self.named.extend(document_named(body));
            if let Operation::Catalogue(
                CatalogueOperation::Publish { service, terms, .. } | CatalogueOperation::Amend { service, terms },
            ) = &body.operation
            {
                self.version(*service, terms);
            }
        }
        receipts.iter().for_each(|full| self.receipt(&full.receipt));
    }

    fn version(&mut self, service: ServiceId, terms: &ServiceTerms) {
        self.versions.entry(service).or_default().push(Version { field: terms.field, vat: terms.vat });
    }

    fn receipt(&mut self, receipt: &Receipt) {
        let moved = self.moved.entry(receipt.subject.year).or_default().entry(receipt.kind).or_default();
        moved.count += 1;
        moved.state += u128::from(receipt.total.of(Source::State).get());
        moved.school += u128::from(receipt.total.of(Source::School).get());
        let (automatic, by_orderer) =
            (receipt.kind == Kind::AttendanceAutomatic, receipt.kind == Kind::AttendanceConfirmed);
        if let (true, Some(year), Some(provider)) =
            (automatic || by_orderer, receipt.subject.year, receipt.subject.provider)
        {
            let confirmations = self.confirmations.entry((year, provider)).or_default();
            confirmations.automatic += u64::from(automatic);
            confirmations.by_orderer += u64::from(by_orderer);
        }
    }

    /// A service's version, counted from 1.
    pub(crate) fn terms(&self, service: ServiceId, version: u32) -> Option<Version> {
        self.versions.get(&service)?.get(usize::try_from(version).ok()?.checked_sub(1)?).copied()
    }

    /// Notes a document of the export; whether it is what its id says.
    pub(crate) fn document(&mut self, id: DocumentId, bytes: &[u8]) -> bool {
        DocumentId::of(bytes) == id && self.held.insert(id)
    }

    /// The first document that no transaction names.
    pub(crate) fn stray(&self) -> Option<DocumentId> {
        self.held.difference(&self.named).next().copied()
    }

    /// Documents that transactions name.
    pub(crate) fn named(&self) -> u64 {
        self.named.len() as u64
    }

    /// Of those, how many the export does not hold: their source had hidden or lost them.
    pub(crate) fn missing(&self) -> u64 {
        self.named.difference(&self.held).count() as u64
    }
}
