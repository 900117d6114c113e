//! Which documents the ledger names: invoices of the programme's statements, and credit notes to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use keis_einvoice::Received;
use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, OrderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::Buyer;
use keis_ledger::receipt::{Kind, Receipt};
use keis_ledger::record::StatementState;
use keis_registry::dispatch::{NewDispatch, enqueue};
use keis_registry::documents::Kept;
use keis_registry::invoices::PaperKind;
use keis_registry::{Actor, Registry, RegistryError};
use keis_wallet::client::{Client, ClientError, StatementView};

use crate::billing;

const ACTOR: Actor = Actor::System("dispatch");
/// Credit notes may follow in every state, so that the whole year is read for them: no oftener than this.
const PAUSE: Duration = Duration::from_secs(300);

/// Why documents could not be looked for.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No gateway answers.
    #[error("the ledger cannot be read")]
    Ledger(#[from] ClientError),
    /// The registry failed.
    #[error("the registry cannot be read or written")]
    Registry(#[from] RegistryError),
}

/// What was seen before, so that a ledger that stands still is not read again.
#[derive(Default)]
struct Seen {
    invoices: Option<Height>,
    notes: Option<(Instant, Height)>,
    /// Up to which document it was seen what is kept. A note about a reversal is kept while the ledger stands still.
    kept: Option<u64>,
    /// What of a statement was credited, and how many documents it had.
    credited: BTreeMap<StatementId, (Cents, usize)>,
}

/// Looks for documents.
pub struct Finder {
    registry: Registry,
    client: Client,
    seen: Mutex<Seen>,
}

impl Finder {
    /// Over a registry and gateways that an officer's key may read.
    pub fn new(registry: Registry, client: Client) -> Self {
        Self { registry, client, seen: Mutex::default() }
    }

    /// Queues every document that is to be sent and is not queued yet; says how many those were.
    ///
    /// # Errors
    /// [`FindError`]; what was found before it stays queued.
    pub async fn look(&self) -> Result<u64, FindError> {
        let height = self.client.status().await?.height;
        let (invoices, notes, after) = {
            let seen = self.seen();
            let rested = seen.notes.is_none_or(|(read, _)| read.elapsed() >= PAUSE);
            let notes = rested && seen.notes.is_none_or(|(_, seen)| seen != height);
            (seen.invoices != Some(height), notes, seen.kept)
        };
        let (last, fresh) = self.registry.kept_after(after).await?;
        let mut queued = 0;
        if invoices || notes {
            let years = self.client.parameters().await?.years;
            for state in [StatementState::InvoiceAttached, StatementState::Approved] {
                for year in years.iter().filter(|_| invoices) {
                    queued += self.invoices(year.year, state).await?;
                }
            }
            self.seen().invoices = Some(height);
            for year in years.iter().filter(|_| notes) {
                queued += self.notes_of(year.year).await?;
            }
        }
        if notes {
            self.seen().notes = Some((Instant::now(), height));
        } else {
            queued += self.notes_among(fresh).await?;
        }
        self.seen().kept = Some(last);
        Ok(queued)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Credit notes of statements of which something was kept since the last look.
    async fn notes_among(&self, fresh: BTreeSet<(Year, StatementId)>) -> Result<u64, FindError> {
        let mut queued = 0;
        for (year, id) in fresh {
            let view = billing::statement(&self.client, year, id).await?;
            if let Some(view) = view.filter(|view| view.statement.buyer == Buyer::Programme) {
                queued += self.notes(&view).await?;
            }
        }
        Ok(queued)
    }

    async fn invoices(&self, year: Year, state: StatementState) -> Result<u64, FindError> {
        let (mut queued, mut cursor) = (0, None::<String>);
        loop {
            let page = self.client.statements_of(year, Some(state), cursor.as_deref()).await?;
            let invoices: Vec<NewDispatch> = page.items.iter().filter_map(invoice).collect();
            queued += self.queue(&invoices).await?;
            cursor = page.next;
            if cursor.is_none() {
                return Ok(queued);
            }
        }
    }

    async fn notes_of(&self, year: Year) -> Result<u64, FindError> {
        let (mut queued, mut cursor) = (0, None::<String>);
        loop {
            let page = self.client.statements_of(year, None, cursor.as_deref()).await?;
            for view in page.items.iter().filter(|view| view.statement.buyer == Buyer::Programme) {
                queued += self.notes(view).await?;
            }
            cursor = page.next;
            if cursor.is_none() {
                return Ok(queued);
            }
        }
    }

    async fn queue(&self, documents: &[NewDispatch]) -> Result<u64, FindError> {
        let missing = self.registry.dispatches_missing(documents).await?;
        if missing.is_empty() {
            return Ok(0);
        }
        let mut work = self.registry.begin().await?;
        let queued = enqueue(&mut work, &ACTOR, &missing).await?;
        work.commit().await?;
        Ok(queued)
    }

    /// Credit notes of a statement of which more is credited than when it was last looked at.
    async fn notes(&self, view: &StatementView) -> Result<u64, FindError> {
        if view.bill.credited.is_zero() {
            return Ok(0);
        }
        let credited = (view.bill.credited, self.registry.kept_files(view.year, view.id).await?.len());
        let known = self.seen().credited.get(&view.id).copied();
        // A note goes after its invoice, and only where that went.
        if known == Some(credited) || !self.is_queued(view).await? {
            return Ok(0);
        }
        let (mut by_order, mut notes) = (BTreeMap::<OrderId, Vec<(Commitment, Cents)>>::new(), Vec::new());
        for kept in self.registry.documents(&ACTOR, view.year, view.id).await? {
            if let (PaperKind::CreditNote(_), Some(_)) = (kept.kind, kept.reversal) {
                // It was made of what the ledger did, which names no note about it.
                notes.push(document(view, kept.kind, kept.commitments.file));
            } else if let (PaperKind::CreditNote(order), Some(amount)) = (kept.kind, amount(&kept)) {
                by_order.entry(order).or_default().push((kept.commitments.file, amount));
            }
        }
        for (order, made) in by_order {
            let receipts = self.client.order_history(view.year, order).await?.unwrap_or_default();
            let of_statement =
                |receipt: &&Receipt| receipt.kind == Kind::CreditNoted && receipt.subject.statement == Some(view.id);
            let credits: Vec<Cents> =
                receipts.iter().filter(of_statement).filter_map(|receipt| receipt.total.total()).collect();
            let (effective, is_certain) = effective(&made, &credits);
            if !is_certain {
                tracing::warn!(statement = %view.id, %order, "which credit note took effect is not known; none is sent");
            }
            notes.extend(effective.into_iter().map(|file| document(view, PaperKind::CreditNote(order), file)));
        }
        let queued = self.queue(&notes).await?;
        self.seen().credited.insert(view.id, credited);
        Ok(queued)
    }

    async fn is_queued(&self, view: &StatementView) -> Result<bool, FindError> {
        let Some(invoice) = &view.bill.invoice else { return Ok(false) };
        let invoice = document(view, PaperKind::Invoice, invoice.file);
        Ok(self.registry.dispatches_missing(&[invoice]).await?.is_empty())
    }
}

/// What a credit note gives up.
fn amount(kept: &Kept) -> Option<Cents> {
    match &kept.credit {
        Some(facts) => facts.credits.iter().try_fold(Cents::ZERO, |sum, line| sum.checked_add(line.gross)),
        None => u64::try_from(Received::parse(&kept.bytes).ok()?.totals.gross).ok().map(Cents::new),
    }
}

/// Which of an order's notes took effect. The ledger names a note in its transaction alone; its receipts tell amounts. Where more
/// notes of an amount were made ready than took effect, it is not known which, and none of them is meant.
fn effective(made: &[(Commitment, Cents)], credits: &[Cents]) -> (Vec<Commitment>, bool) {
    let (mut found, mut is_certain) = (Vec::new(), true);
    for (file, amount) in made {
        let ready = made.iter().filter(|(_, other)| other == amount).count();
        let credited = credits.iter().filter(|other| *other == amount).count();
        if ready <= credited {
            found.push(*file);
        } else if credited > 0 {
            is_certain = false;
        }
    }
    (found, is_certain)
}

fn document(view: &StatementView, kind: PaperKind, file: Commitment) -> NewDispatch {
    NewDispatch { kind, year: view.year, statement: view.id, provider: view.statement.provider, file }
}

/// The invoice of a statement of the programme, while something is to be paid: what was paid before invoices went this way stays here.
fn invoice(view: &StatementView) -> Option<NewDispatch> {
    let goes = match view.statement.state {
        StatementState::InvoiceAttached | StatementState::Approved => true,
        StatementState::Issued
        | StatementState::Accepted
        | StatementState::Contested
        | StatementState::Paid
        | StatementState::Reconciled
        | StatementState::Credited => false,
    };
    let attached = view.bill.invoice.filter(|_| goes && view.statement.buyer == Buyer::Programme)?;
    Some(document(view, PaperKind::Invoice, attached.file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_told_apart_by_what_took_effect() {
        let note = |number: u8, cents: u64| (Commitment([number; 32]), Cents::new(cents));
        let file = |number: u8| Commitment([number; 32]);
        let credits = |all: &[u64]| all.iter().copied().map(Cents::new).collect::<Vec<_>>();
        for (made, took, wanted) in [
            (vec![note(1, 500)], credits(&[500]), (vec![file(1)], true)),
            (vec![note(1, 500), note(2, 300)], credits(&[300]), (vec![file(2)], true)),
            (vec![note(1, 500), note(2, 500)], credits(&[500]), (vec![], false)),
            (vec![note(1, 500), note(2, 500)], credits(&[500, 500]), (vec![file(1), file(2)], true)),
            (vec![note(1, 500)], credits(&[]), (vec![], true)),
            (vec![], credits(&[500]), (vec![], true)),
        ] {
            assert_eq!(effective(&made, &took), wanted, "{made:?} {took:?}");
        }
    }
}
