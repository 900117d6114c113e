//! What receipts say of settled money, in their order. Records alone do not tell when a statement was accepted or when
//! something of it was credited; receipts do.

use std::collections::BTreeMap;

use keis_ledger::classifiers::{VatCategory, Year};
use keis_ledger::ids::{OrderId, PupilId, ServiceId, StatementId};
use keis_ledger::money::{Amounts, Cents, Source};
use keis_ledger::operation::{CatalogueOperation, Operation};
use keis_ledger::receipt::{FullReceipt, Kind, ReceiptLine, Topic};
use keis_ledger::record::Statement;
use keis_ledger::state::State;
use keis_ledger::time::Timestamp;

/// What a receipt moves between accounts of settlement.
#[derive(Debug, Clone)]
pub struct Posting {
    year: Year,
    at: Timestamp,
    kind: Kind,
    statement: Option<StatementId>,
    order: Option<OrderId>,
    total: Amounts,
    /// Lines of credits.
    lines: Vec<ReceiptLine>,
}

impl Posting {
    /// What a receipt says of settled money, if it says something.
    pub fn of(full: &FullReceipt) -> Option<Self> {
        let receipt = &full.receipt;
        let of_settlement = matches!(receipt.kind.topic(), Topic::Statement | Topic::Repayment);
        if !of_settlement && receipt.kind != Kind::OrderReversed {
            return None;
        }
        // Who is credited is asked for where a line may be left with nothing due.
        let credits = matches!(receipt.kind, Kind::CreditNoted | Kind::OrderReversed);
        let lines = if credits { full.lines.clone() } else { Vec::new() };
        Some(Self {
            year: receipt.subject.year?,
            at: receipt.time,
            kind: receipt.kind,
            statement: receipt.subject.statement,
            order: receipt.subject.order,
            total: receipt.total,
            lines,
        })
    }

    /// Its year.
    pub fn year(&self) -> Year {
        self.year
    }
}

/// What happened to settled money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// A statement was issued.
    Issued,
    /// Its provider agreed.
    Accepted,
    /// Its provider did not; what it held is with the provider again.
    Contested,
    /// Of an accepted statement something went back: out of what it held, and the rest as a debt.
    Credited { held: Cents, owed: Cents },
    /// The bank paid.
    Paid,
    /// The bank sent a payment back.
    CameBack,
    /// A payment was set off against a debt.
    SetOff,
    /// A provider paid back what it owed.
    Repaid,
}

/// What receipts of a kind tell, beside credits.
const EVENTS: [(Kind, Event); 7] = [
    (Kind::StatementIssued, Event::Issued),
    (Kind::StatementAccepted, Event::Accepted),
    (Kind::StatementContested, Event::Contested),
    (Kind::PaymentRecorded, Event::Paid),
    (Kind::PaymentReturned, Event::CameBack),
    (Kind::PaymentSetOff, Event::SetOff),
    (Kind::RepaymentRecorded, Event::Repaid),
];

/// An entry of the journal.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) at: Timestamp,
    pub(super) source: Source,
    pub(super) event: Event,
    pub(super) statement: Option<StatementId>,
    /// The order, of a credit.
    pub(super) order: Option<OrderId>,
    pub(super) amount: Cents,
    /// Pupils of whose lines something was credited.
    pub(super) pupils: Vec<PupilId>,
}

/// The journal of a year's settlement.
#[derive(Debug, Default)]
pub struct Journal {
    pub(super) entries: Vec<Entry>,
    /// What each statement holds.
    held: BTreeMap<StatementId, Cents>,
    /// The statement in which each order is now, by source.
    homes: BTreeMap<(OrderId, Source), StatementId>,
}

impl Journal {
    /// Writes down what a receipt says, receipt after receipt. `state` is of its height or later: it tells which orders a
    /// statement has, which never changes.
    pub fn take(&mut self, posting: &Posting, state: &State) {
        for source in Source::ALL.into_iter().filter(|source| !posting.total.of(*source).is_zero()) {
            let amount = posting.total.of(source);
            if matches!(posting.kind, Kind::CreditNoted | Kind::OrderReversed) {
                self.credit(posting, source, amount);
                continue;
            }
            // Nothing moves when an invoice is attached or judged, or when payments are found at the bank.
            let Some((_, event)) = EVENTS.into_iter().find(|(kind, _)| *kind == posting.kind) else { continue };
            if event == Event::Issued {
                self.house(posting, source, state);
            }
            self.balance(posting.statement, event, amount);
            let Posting { at, statement, .. } = *posting;
            self.entries.push(Entry { at, source, event, statement, order: None, amount, pupils: Vec::new() });
        }
    }

    /// Notes in which statement the orders are now.
    fn house(&mut self, posting: &Posting, source: Source, state: &State) {
        let Some(id) = posting.statement else { return };
        let orders = state.get::<Statement>((posting.year, id)).map(|statement| statement.orders.as_slice());
        for order in orders.unwrap_or_default() {
            self.homes.insert((*order, source), id);
        }
    }

    fn balance(&mut self, statement: Option<StatementId>, event: Event, amount: Cents) {
        let Some(id) = statement else { return };
        let held = self.held.entry(id).or_default();
        *held = match event {
            Event::Issued | Event::CameBack => held.checked_add(amount).unwrap_or(*held),
            Event::Contested | Event::Paid | Event::SetOff => held.saturating_sub(amount),
            Event::Credited { held: taken, .. } => held.saturating_sub(taken),
            Event::Accepted | Event::Repaid => *held,
        };
        if event == Event::Contested {
            self.homes.retain(|_, home| *home != id);
        }
    }

    /// A credit note names its statement. A reversal names the order: what is in no statement comes out of earnings, which
    /// are not settled yet.
    fn credit(&mut self, posting: &Posting, source: Source, amount: Cents) {
        let Some(order) = posting.order else { return };
        let home = posting.statement.or_else(|| self.homes.get(&(order, source)).copied());
        let Some(statement) = home else { return };
        let held = self.held.get(&statement).copied().unwrap_or_default().min(amount);
        let event = Event::Credited { held, owed: amount.saturating_sub(held) };
        self.balance(Some(statement), event, amount);
        let credited = posting.lines.iter().filter(|line| !line.moved.of(source).is_zero());
        self.entries.push(Entry {
            at: posting.at,
            source,
            event,
            statement: Some(statement),
            order: Some(order),
            amount,
            pupils: credited.map(|line| line.pupil).collect(),
        });
    }
}

/// How every version of every service is taxed.
#[derive(Debug, Default)]
pub struct Taxation(BTreeMap<ServiceId, Vec<VatCategory>>);

impl Taxation {
    /// A service's new version, if an operation brings one. Versions follow each other as their operations do.
    pub fn version_in(operation: &Operation) -> Option<(ServiceId, VatCategory)> {
        let Operation::Catalogue(
            CatalogueOperation::Publish { service, terms, .. } | CatalogueOperation::Amend { service, terms },
        ) = operation
        else {
            return None;
        };
        Some((*service, terms.vat))
    }

    /// Notes a service's next version.
    pub fn add(&mut self, service: ServiceId, vat: VatCategory) {
        self.0.entry(service).or_default().push(vat);
    }

    /// How a version, counted from 1, is taxed.
    pub(super) fn of(&self, service: ServiceId, version: u32) -> Option<VatCategory> {
        self.0.get(&service)?.get(usize::try_from(version).ok()?.checked_sub(1)?).copied()
    }
}
