//! What gateways answer to those who may read more than the public, typed.

use keis_ledger::chain::Height;
use keis_ledger::classifiers::{Place, Scopes, Year};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{
    Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId, TransactionId,
};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::Owner;
use keis_ledger::receipt::Receipt;
use keis_ledger::record::{Booking, Order, Session, Standing, Statement};
use keis_ledger::time::Timestamp;
use serde::Deserialize;

use super::model::receipts;
use crate::wire::height;

/// Part of a list, in the order of ids.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Page<T> {
    /// Height at which it was read.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// The items.
    pub items: Vec<T>,
    /// The `cursor` of the next page; none at the end.
    #[serde(default)]
    pub next: Option<String>,
}

/// A bound key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct KeyView {
    /// The key.
    pub key: PublicKey,
    /// Whose it is.
    pub owner: Owner,
    /// What it may do; an officer's key has none and acts by office.
    pub scopes: Scopes,
    /// Most that one order may cost when this key signs.
    pub cap: Cents,
    /// First instant of its use.
    pub from: Timestamp,
    /// Not accepted from this instant on.
    pub until: Timestamp,
}

/// A school's wallet in a year.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SchoolWallet {
    /// Height at which it was read.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// The school.
    pub school: SchoolId,
    /// Where it is.
    pub place: Place,
    /// Whether it may order.
    pub standing: Standing,
    /// The school's own money that is left.
    pub purse: Cents,
    /// Wallets of pupils enrolled there that are not closed.
    pub pupils: u64,
    /// Every key ever bound to it.
    pub keys: Vec<KeyView>,
}

/// A provider's wallet in a year.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProviderWallet {
    /// Height at which it was read.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// The provider.
    pub provider: ProviderId,
    /// Whether it may take orders.
    pub standing: Standing,
    /// Earned and not yet in a statement, by source.
    pub purse: Amounts,
    /// Every key ever bound to it.
    pub keys: Vec<KeyView>,
}

/// A pupil's wallet in a year.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PupilWallet {
    /// The wallet.
    pub pupil: PupilId,
    /// Where the pupil is enrolled.
    pub school: SchoolId,
    /// Grade, 1 to 12.
    pub grade: u8,
    /// Whether it may be used.
    pub standing: Standing,
    /// Whether its money of the year was allocated.
    pub allocated: bool,
    /// State money left.
    pub balance: Cents,
    /// Where the pupil is booked.
    pub bookings: Vec<Booking>,
    /// The pupil's token of the year, told to officers in the list of all wallets alone.
    #[serde(default)]
    pub nullifier: Option<Nullifier>,
}

/// An order with its lines, as one of its sides sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderView {
    /// The order.
    pub id: OrderId,
    /// Its year.
    pub year: Year,
    /// The ledger's record.
    pub order: Order,
}

/// A provider's own session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OwnSession {
    /// The session.
    pub id: SessionId,
    /// Its year.
    pub year: Year,
    /// The ledger's record.
    pub session: Session,
}

/// A statement, as one of its sides sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StatementView {
    /// The statement.
    pub id: StatementId,
    /// Its year.
    pub year: Year,
    /// The ledger's record.
    pub statement: Statement,
}

/// A session with the service that it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct SessionDetail {
    /// The session.
    pub id: SessionId,
    /// Its year.
    pub year: Year,
    /// Its service.
    pub service: ServiceId,
    /// It begins.
    pub start: Timestamp,
    /// It ends.
    pub end: Timestamp,
    /// Where.
    pub place: Place,
    /// Most pupils of all orders together.
    pub capacity: u16,
    /// Places left.
    pub free: u16,
    /// Whether orders may join.
    pub open: bool,
}

/// Everything that happened to an order.
#[derive(Deserialize)]
pub(super) struct OrderHistory {
    #[serde(deserialize_with = "receipts")]
    pub(super) receipts: Vec<Receipt>,
}

/// Something that took effect, as the stream of events tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Height of its block.
    pub height: Height,
    /// Place in the block.
    pub index: u32,
    /// The public part of its receipt.
    pub receipt: Receipt,
}

impl Event {
    /// The transaction or clock step.
    pub fn id(&self) -> TransactionId {
        self.receipt.id
    }
}
