//! What the ledger says of papers, read from its blocks: sealed years are in them like all others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use keis_audit::{Part, Reader};
use keis_ledger::block::Block;
use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::operation::{Operation, SettlementOperation};
use keis_ledger::record::StatementState;
use keis_wallet::client::Client;

use crate::words::Advice;

/// A statement of a year.
pub(super) type Key = (Year, StatementId);

/// How far a statement has come.
#[derive(Debug, Clone, Default)]
struct Course {
    state: Option<StatementState>,
    /// The invoice that is attached.
    invoice: Option<Commitment>,
    notes: BTreeSet<Commitment>,
}

/// The papers of a ledger.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    statements: BTreeMap<Key, Course>,
}

impl Ledger {
    /// Reads an export.
    pub(super) fn of_export(path: &Path, network: Hash) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut reader = Reader::open(BufReader::new(file)).with_context(|| path.display().to_string())?;
        let head = *reader.head();
        ensure!(head.network == network, "{} is of the network {}", path.display(), head.network);
        ensure!(
            head.from.0 == 1,
            "{} begins with block {}; invoices of earlier ones are missing",
            path.display(),
            head.from
        );
        let mut ledger = Self::default();
        loop {
            match reader.part()? {
                Part::Documents(_) => {}
                Part::End(_) => return Ok(ledger),
                Part::Blocks(entries) => {
                    entries.iter().try_for_each(|entry| ledger.block(&entry.block, entry.height, &network))?;
                }
            }
        }
    }

    /// Reads all blocks of a gateway, which gives them to officers and auditors.
    pub(super) async fn of_gateway(client: &Client, network: Hash) -> anyhow::Result<Self> {
        let tip = client.status().await?.height;
        let (mut ledger, mut next) = (Self::default(), Height(1));
        while next <= tip {
            let given = client.raw_blocks(next).await.or_advise("Raw blocks are for officers and auditors.")?;
            let blocks = given.with_context(|| format!("the gateway does not hold height {next}"))?;
            let Some(last) = blocks.last() else { break };
            next = last.height.next();
            blocks.iter().try_for_each(|raw| ledger.block(&raw.block, raw.height, &network))?;
        }
        Ok(ledger)
    }

    fn block(&mut self, bytes: &[u8], height: Height, network: &Hash) -> anyhow::Result<()> {
        let Ok(block) = Block::decode(bytes) else { bail!("block {height} cannot be read") };
        for raw in block.raw_transactions() {
            let signed = raw.parse(network).with_context(|| format!("a transaction of block {height}"))?;
            if let Operation::Settlement(operation) = &signed.body().operation {
                self.take(operation);
            }
        }
        Ok(())
    }

    /// Everything in a block took effect.
    fn take(&mut self, operation: &SettlementOperation) {
        use SettlementOperation as Is;
        let (key, state) = match *operation {
            Is::Issue { year, statement, .. } => ((year, statement), StatementState::Issued),
            Is::Accept { year, statement } | Is::RejectInvoice { year, statement } => {
                ((year, statement), StatementState::Accepted)
            }
            Is::Contest { year, statement } => ((year, statement), StatementState::Contested),
            Is::AttachInvoice { year, statement, .. } => ((year, statement), StatementState::InvoiceAttached),
            Is::Approve { year, statement } | Is::ReturnPayment { year, statement, .. } => {
                ((year, statement), StatementState::Approved)
            }
            Is::RecordPayment { year, statement, .. } | Is::SetOff { year, statement, .. } => {
                ((year, statement), StatementState::Paid)
            }
            Is::Reconcile { year, statement, .. } => ((year, statement), StatementState::Reconciled),
            Is::CreditNote { year, statement, note, .. } => {
                self.statements.entry((year, statement)).or_default().notes.insert(note);
                return;
            }
            Is::RecordRepayment { .. } | Is::ReconcileRepayment { .. } => return,
        };
        let course = self.statements.entry(key).or_default();
        course.state = Some(state);
        if let Is::AttachInvoice { invoice, .. } = operation {
            course.invoice = Some(*invoice);
        }
        if let Is::RejectInvoice { .. } = operation {
            course.invoice = None;
        }
    }

    /// The years in which papers are named.
    pub(super) fn years(&self) -> BTreeSet<Year> {
        let named = self.statements.iter().filter(|(_, course)| course.invoice.is_some() || !course.notes.is_empty());
        named.map(|((year, _), _)| *year).collect()
    }

    /// How many papers it names.
    pub(super) fn papers(&self) -> usize {
        self.statements.values().map(|course| course.notes.len() + usize::from(course.invoice.is_some())).sum()
    }

    /// Whether it names this paper for the statement: as the invoice that stands, or as a credit note.
    pub(super) fn names(&self, key: Key, paper: &Commitment) -> bool {
        let course = self.statements.get(&key);
        course.is_some_and(|course| course.invoice == Some(*paper) || course.notes.contains(paper))
    }

    /// How far a statement has come, by its last step.
    pub(super) fn state(&self, key: Key) -> Option<StatementState> {
        self.statements.get(&key)?.state
    }
}
