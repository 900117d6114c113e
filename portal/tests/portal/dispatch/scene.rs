//! A registry with documents to send, a ledger that stands still, and time that tests move.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use keis_ledger::classifiers::{Place, Year};
use keis_ledger::ids::{Commitment, ProviderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, SettlementOperation};
use keis_ledger::record::StatementState;
use keis_ledger::time::Timestamp;
use keis_registry::bodies::{NewProvider, ProviderKind};
use keis_registry::dispatch::{
    self, Carrier, Dispatch, DispatchState, Document, Found, LedgerBill, NewDispatch, Pace, Papers, PapersError, Pulse,
};
use keis_registry::invoices::PaperKind;
use keis_registry::{Actor, MasterKey, Page, Registry, outbox};
use tempfile::TempDir;

pub const SYSTEM: Actor = Actor::System("test");
pub const PACE: Pace = Pace {
    in_flight: 3,
    first_wait: Duration::from_secs(1),
    longest_wait: Duration::from_secs(60),
    most_attempts: 1_000,
    lease: Duration::from_secs(30),
    look: Duration::from_millis(1),
};

pub struct Scene {
    pub registry: Registry,
    pub folder: TempDir,
    pub url: String,
    provider: ProviderId,
    clock: AtomicU64,
}

/// The registry at an address, from whichever process.
pub async fn open(url: &str) -> Registry {
    Registry::open(url, &MasterKey::from_bytes([7; 32])).await.expect("the registry opens")
}

/// Every statement has its invoice attached, and every document is at hand.
pub struct Attached;

#[async_trait]
impl Papers for Attached {
    async fn document(&self, dispatch: &Dispatch) -> Result<Found, PapersError> {
        let sender = Some("0200:300000017".to_owned());
        let receiver = Some("0200:190000001\r\nInjected: yes".to_owned());
        Ok(Found::Document(Document { bytes: bytes(&dispatch.of), sender, receiver }))
    }

    async fn bill(&self, _: Year, statement: StatementId) -> Result<Option<LedgerBill>, PapersError> {
        let (state, open) = (StatementState::InvoiceAttached, Cents::new(900));
        Ok(Some(LedgerBill { state, invoice: Some(file(statement)), open, references: Vec::new() }))
    }

    fn pays(&self) -> bool {
        true
    }
}

fn file(statement: StatementId) -> Commitment {
    Commitment([statement.0[0]; 32])
}

pub fn bytes(of: &NewDispatch) -> Vec<u8> {
    format!("<Invoice>{} ąčęėįšųūž</Invoice>", of.statement).into_bytes()
}

impl Pulse for Scene {
    fn now(&self) -> Timestamp {
        Timestamp(self.clock.load(Ordering::SeqCst))
    }

    fn jitter(&self, pause: Duration) -> Duration {
        pause
    }
}

impl Scene {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("registry.sqlite").display());
        let registry = open(&url).await;
        let new = NewProvider {
            code: "300000017".to_owned(),
            kind: ProviderKind::Legal,
            name: "Šviesos teatras".to_owned(),
            place: Place::Municipality(57),
            vat_registered: false,
            controlling_code: None,
        };
        let provider = registry.put_provider(&SYSTEM, &new).await.expect("a provider").body.id;
        Self { registry, folder, url, provider, clock: AtomicU64::new(1_800_000_000_000) }
    }

    /// Queues documents of the statements of these numbers.
    pub async fn queue(&self, numbers: std::ops::RangeInclusive<u8>) -> Vec<NewDispatch> {
        let new = |number: u8| {
            let statement = StatementId([number; 16]);
            let (year, file) = (Year(2026), file(statement));
            NewDispatch { kind: PaperKind::Invoice, year, statement, provider: self.provider, file }
        };
        let all: Vec<NewDispatch> = numbers.map(new).collect();
        let mut work = self.registry.begin().await.expect("a writer");
        dispatch::enqueue(&mut work, &SYSTEM, &all).await.expect("they are queued");
        work.commit().await.expect("it is durable");
        all
    }

    pub async fn step(&self, carrier: &dyn Carrier) -> dispatch::Stepped {
        dispatch::step(&self.registry, carrier, &Attached, &PACE, self).await.expect("the registry works")
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds * 1_000, Ordering::SeqCst);
    }

    pub async fn get(&self, new: &NewDispatch) -> Dispatch {
        let found = self.registry.dispatch(&SYSTEM, new.message()).await.expect("the registry works");
        found.expect("it is queued")
    }

    pub async fn state(&self, new: &NewDispatch) -> DispatchState {
        self.get(new).await.state
    }

    /// What the ledger is asked of a statement: how often to approve, and how often to reject.
    pub async fn wishes(&self, of: &NewDispatch) -> (usize, usize) {
        let rows =
            outbox::list(&self.registry, None, &Page::first(Page::MOST)).await.expect("the registry works").items;
        let approve = |row: &&outbox::OutboxRow| matches!(&row.operation, Operation::Settlement(SettlementOperation::Approve { statement, .. }) if *statement == of.statement);
        let reject = |row: &&outbox::OutboxRow| matches!(&row.operation, Operation::Settlement(SettlementOperation::RejectInvoice { statement, .. }) if *statement == of.statement);
        (rows.iter().filter(approve).count(), rows.iter().filter(reject).count())
    }

    pub async fn aside(&self) -> Vec<String> {
        let listed = self.registry.answers_aside(&SYSTEM, &Page::first(Page::MOST)).await.expect("the registry works");
        listed.items.into_iter().map(|(row, _)| row.why.unwrap_or_default()).collect()
    }
}
