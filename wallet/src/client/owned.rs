//! What gateways answer to those who may read more than the public, typed.

use keis_ledger::chain::Height;
use keis_ledger::classifiers::{Place, Scopes, Year};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{
    Commitment, Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId, TransactionId,
};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::{Buyer, Owner};
use keis_ledger::receipt::Receipt;
use keis_ledger::record::{
    Bill, Booking, DisputeState, Order, OrderState, PaymentAccount, Repayment, Session, Side, Standing, Statement,
};
use keis_ledger::time::Timestamp;
use serde::Deserialize;

use super::model::receipts;
use crate::wire::{height, named};

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
    /// The school that stands in its place.
    #[serde(default)]
    pub successor: Option<SchoolId>,
    /// Schools in whose place it stands; what they did is listed under their names.
    #[serde(default)]
    pub predecessors: Vec<SchoolId>,
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
    /// Where it is paid, once that is bound.
    #[serde(default)]
    pub payment_account: Option<PaymentAccount>,
    /// The provider that stands in its place.
    #[serde(default)]
    pub successor: Option<ProviderId>,
    /// Providers in whose place it stands; what they did is listed under their names.
    #[serde(default)]
    pub predecessors: Vec<ProviderId>,
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
    /// Its deadlines as extensions have moved them; none from a gateway that knows no extensions.
    #[serde(default)]
    pub deadlines: Option<Deadlines>,
    /// The last dispute on it.
    #[serde(default)]
    pub dispute: Option<DisputeView>,
    /// Who stands in its school's place by now.
    #[serde(default)]
    pub school_successor: Option<SchoolId>,
    /// Who stands in its provider's place by now.
    #[serde(default)]
    pub provider_successor: Option<ProviderId>,
}

/// When an order's deadlines fall by now. The rules go by these, not by the one in the order's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Deadlines {
    /// From this instant on an answer, or a confirmation of attendance, comes too late; none when none is awaited.
    #[serde(default)]
    pub next: Option<Timestamp>,
    /// Changes by agreement are free until then.
    pub free_change: Timestamp,
    /// Cancelling is free until then.
    pub free_cancel: Timestamp,
    /// A confirmed order that was never reported is free to cancel from then on.
    #[serde(default)]
    pub unreported: Option<Timestamp>,
}

/// The last dispute on an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct DisputeView {
    /// Who raised it.
    pub by: Side,
    /// When.
    pub raised: Timestamp,
    /// Where the order stood.
    pub was: OrderState,
    /// Where the dispute stands.
    #[serde(deserialize_with = "named")]
    pub state: DisputeState,
    /// Whether the other side raised one before this one.
    pub both: bool,
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
    /// The ledger's record; what is open is its balance.
    pub statement: Statement,
    /// What followed its acceptance.
    #[serde(default)]
    pub bill: Bill,
    /// What the bank paid and did not send back.
    #[serde(default)]
    pub paid: Cents,
    /// What was set off against what the provider owed.
    #[serde(default)]
    pub set_off: Cents,
}

/// What a provider owes a buyer for what was paid and reversed afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ReceivableView {
    /// To whom.
    pub buyer: Buyer,
    /// How much.
    pub owed: Cents,
}

/// Money that a provider paid back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct RepaymentView {
    /// Commitment to the bank's reference.
    pub reference: Commitment,
    /// The ledger's record.
    pub repayment: Repayment,
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
