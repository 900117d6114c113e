//! Which documents the ledger names: invoices of the programme's statements, and credit notes to them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::Buyer;
use keis_ledger::receipt::Kind;
use keis_ledger::record::StatementState;
use keis_registry::dispatch::{NewDispatch, enqueue};
use keis_registry::invoices::{Paper, PaperKind};
use keis_registry::{Actor, Registry, RegistryError};
use keis_wallet::client::{Client, ClientError, StatementView};

const ACTOR: Actor = Actor::System("dispatch");

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
    height: Option<Height>,
    credited: BTreeMap<StatementId, Cents>,
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
        if self.seen.lock().unwrap_or_else(PoisonError::into_inner).height == Some(height) {
            return Ok(0);
        }
        let mut queued = 0;
        for year in self.client.parameters().await?.years {
            queued += self.of_year(year.year).await?;
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).height = Some(height);
        Ok(queued)
    }

    async fn of_year(&self, year: Year) -> Result<u64, FindError> {
        let (mut queued, mut cursor) = (0, None::<String>);
        loop {
            let page = self.client.statements_of(year, None, cursor.as_deref()).await?;
            let invoices: Vec<NewDispatch> = page.items.iter().filter_map(invoice).collect();
            queued += self.queue(&invoices).await?;
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

    /// Credit notes of a statement of which more is credited than when it was last looked at. The ledger names a note within its
    /// transaction alone; receipts tell how many of an order took effect. Where fewer did than were made ready here, it is not
    /// known which, and none is queued.
    async fn notes(&self, view: &StatementView) -> Result<u64, FindError> {
        let credited = view.bill.credited;
        let known = self.seen.lock().unwrap_or_else(PoisonError::into_inner).credited.get(&view.id).copied();
        if credited.is_zero() || known == Some(credited) {
            return Ok(0);
        }
        let mut by_order: BTreeMap<OrderId, Vec<Paper>> = BTreeMap::new();
        for paper in self.registry.papers(&ACTOR, view.year, view.id).await? {
            if let PaperKind::CreditNote(order) = paper.kind {
                by_order.entry(order).or_default().push(paper);
            }
        }
        let mut notes = Vec::new();
        for (order, papers) in by_order {
            let receipts = self.client.order_history(view.year, order).await?.unwrap_or_default();
            let of_statement = |kind: Kind, statement| kind == Kind::CreditNoted && statement == Some(view.id);
            let effective =
                receipts.iter().filter(|receipt| of_statement(receipt.kind, receipt.subject.statement)).count();
            if papers.len() > effective {
                tracing::warn!(statement = %view.id, %order, "which credit note took effect is not known; none is sent");
                continue;
            }
            notes.extend(papers.iter().map(|paper| document(view, paper.kind, paper.commitments.file)));
        }
        // A note goes after its invoice, and only where that went.
        let queued = if self.is_queued(view).await? { self.queue(&notes).await? } else { 0 };
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).credited.insert(view.id, credited);
        Ok(queued)
    }

    async fn is_queued(&self, view: &StatementView) -> Result<bool, FindError> {
        let Some(invoice) = &view.bill.invoice else { return Ok(false) };
        let invoice = document(view, PaperKind::Invoice, invoice.file);
        Ok(self.registry.dispatches_missing(&[invoice]).await?.is_empty())
    }
}

fn document(view: &StatementView, kind: PaperKind, file: keis_ledger::ids::Commitment) -> NewDispatch {
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
