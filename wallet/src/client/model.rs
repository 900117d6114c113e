//! What gateways answer, typed.

use std::collections::BTreeMap;

use keis_ledger::chain::{Certificate, Header, Height};
use keis_ledger::classifiers::{Fact, Place, Year};
use keis_ledger::crypto::Hash;
use keis_ledger::ids::{BlockId, DocumentId, ProviderId, SchoolId, ServiceId, SessionId, StatementId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::ServiceTerms;
use keis_ledger::parameters::{NetworkParameters, ProgrammeParameters};
use keis_ledger::receipt::Receipt;
use keis_ledger::record::{OrderState, Standing, Totals, YearState};
use keis_ledger::time::Timestamp;
use serde::{Deserialize, Deserializer};

use super::error::Rejection;
use crate::wire::{CertificateWire, HeaderWire, ReceiptWire, TotalsWire, height, named};

/// A receipt with the head of its block.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Located {
    /// The public part of the receipt.
    #[serde(deserialize_with = "ReceiptWire::deserialize")]
    pub receipt: Receipt,
    /// Head of its block.
    #[serde(deserialize_with = "HeaderWire::deserialize")]
    pub header: Header,
    /// Whether a driver steps the network's time.
    pub simulated: bool,
}

/// Where a transaction stands.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum TransactionStatus {
    /// It waits for a block.
    Waiting,
    /// It waits for an earlier transaction.
    Parked,
    /// It took effect.
    Included {
        /// The public part of its receipt.
        #[serde(deserialize_with = "boxed_receipt")]
        receipt: Box<Receipt>,
    },
    /// It no longer waits, without effect; it may be sent again.
    Dropped {
        /// The rule it broke.
        rejection: Rejection,
        /// Height of the state on which it did.
        #[serde(deserialize_with = "height")]
        height: Height,
    },
}

/// What a gateway says to a transaction that is offered.
#[derive(Debug, Clone, PartialEq)]
pub enum Submission {
    /// It was taken, or is there already.
    Taken(TransactionStatus),
    /// It has no effect.
    Refused(Rejection),
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It took effect.
    Included(Box<Receipt>),
    /// It was refused at the door.
    Refused(Rejection),
    /// It was taken and then dropped without effect; it may be sent again.
    Dropped {
        /// The rule it broke.
        rejection: Rejection,
        /// Height of the state on which it did.
        height: Height,
    },
    /// Its last instant passed without effect.
    Expired,
}

/// Where a network stands, as one gateway sees it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Status {
    /// Hash of the genesis document.
    pub network: Hash,
    /// Height of the last block.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// Id of the last block.
    pub block: BlockId,
    /// Time of the last block.
    pub time: Timestamp,
    /// Root of the state after it.
    pub state_root: Hash,
    /// What the node's clock shows; transactions are composed at this time.
    pub clock: Timestamp,
    /// Whether a driver steps the network's time.
    pub simulated: bool,
    /// Whether the node is catching up with its peers.
    pub syncing: bool,
    /// Versions of the rules; none from a gateway that knows the first ones alone.
    #[serde(default)]
    pub protocol: Option<Protocol>,
    /// Everything else that the gateway tells of itself.
    #[serde(flatten)]
    pub node: serde_json::Map<String, serde_json::Value>,
}

/// Versions of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Protocol {
    /// The next block's.
    pub version: u32,
    /// The newest that the node's software knows.
    pub supported: u32,
    /// A switch that was decided and whose height has not come.
    #[serde(default)]
    pub switch: Option<Switch>,
}

/// A decided switch of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Switch {
    /// The version.
    pub version: u32,
    /// The first block under it.
    #[serde(deserialize_with = "height")]
    pub height: Height,
}

/// The head of a block.
#[derive(Deserialize)]
pub(super) struct HeaderAnswer(#[serde(deserialize_with = "HeaderWire::deserialize")] pub(super) Header);

/// A block's certificate.
#[derive(Deserialize)]
pub(super) struct CertificateAnswer(#[serde(deserialize_with = "CertificateWire::deserialize")] pub(super) Certificate);

/// Parameters in force.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Parameters {
    /// Height at which they were read.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// The network's.
    pub network: NetworkParameters,
    /// Those of each year, ascending.
    pub years: Vec<YearParameters>,
    /// Years that are sealed and have none any more, ascending.
    #[serde(default)]
    pub sealed: Vec<Year>,
}

/// Parameters of a programme year.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct YearParameters {
    /// The year.
    pub year: Year,
    /// Whether it is open.
    #[serde(deserialize_with = "named")]
    pub state: YearState,
    /// Its rules.
    pub parameters: ProgrammeParameters,
}

/// The money of a year.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Funds {
    /// The year.
    pub year: Year,
    /// Whether it is open.
    #[serde(deserialize_with = "named")]
    pub state: YearState,
    /// Height at which it was read.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// Time of that block.
    pub time: Timestamp,
    /// The sums by source.
    pub money: Money,
    /// Whether the gateway finds the money equation to hold; [`Money::balances`] counts again.
    pub balanced: bool,
    /// What is left of the year, once it is sealed.
    #[serde(default)]
    pub sealed: Option<Seal>,
}

/// The one record that a sealed year leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Seal {
    /// Root over the records that it had.
    pub root: Hash,
    /// How many there were.
    pub records: u64,
    /// When it was sealed.
    pub at: Timestamp,
}

/// Sums of accounts by source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Money {
    /// The state's money.
    #[serde(deserialize_with = "TotalsWire::deserialize")]
    pub state: Totals,
    /// The schools' own.
    #[serde(deserialize_with = "TotalsWire::deserialize")]
    pub school: Totals,
}

impl Money {
    /// Whether all that was brought in is somewhere, for each source.
    pub fn balances(&self) -> bool {
        self.state.balances() && self.school.balances()
    }
}

/// The orders of a year by state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrdersSummary {
    /// The year.
    pub year: Year,
    /// Height at which they were counted.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// All of them.
    pub total: u64,
    /// By the name of the state; states without an order are absent.
    pub orders: BTreeMap<String, u64>,
}

/// A year in tables. Of no few orders is anything told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Statistics {
    /// The year.
    pub year: Year,
    /// Height at which it was read.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// Counts of orders; none where there are so few that any count would tell of one.
    #[serde(default)]
    pub orders: Option<OrderTables>,
    /// Where the money is.
    pub money: Money,
}

/// Counts of a year's orders.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OrderTables {
    /// All of them.
    pub total: u64,
    /// By the name of the state.
    pub states: CountTable,
    /// By the school's municipality or country, such as `LT-57`.
    pub places: CountTable,
    /// By the service's branch of the arts.
    pub fields: CountTable,
    /// By the month in which the session begins, such as `2026-09`.
    pub months: CountTable,
}

/// Counts of five or more. A cell that is not there counts nothing, or is withheld.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct CountTable {
    /// What is told.
    pub cells: BTreeMap<String, u64>,
    /// Sum of the cells that are withheld; 0 when none is.
    pub withheld: u64,
}

/// The public part of an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PublicOrder {
    /// Height at which it was read.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// Where it stands.
    #[serde(deserialize_with = "named")]
    pub state: OrderState,
    /// The school.
    pub school: SchoolId,
    /// The provider.
    pub provider: ProviderId,
    /// The service.
    pub service: ServiceId,
    /// The service's version at request.
    pub version: u32,
    /// The session.
    pub session: SessionId,
    /// Price a pupil.
    pub price: Cents,
    /// Pupils who take part, or took part.
    pub pupils: u64,
    /// What the provider has earned, by source.
    pub due: Amounts,
    /// Statement of the state's part.
    #[serde(default)]
    pub programme_statement: Option<StatementId>,
    /// Statement of the school's part.
    #[serde(default)]
    pub school_statement: Option<StatementId>,
}

/// Everything that took effect in a block.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct BlockReceipts {
    #[serde(deserialize_with = "receipts")]
    pub(super) receipts: Vec<Receipt>,
}

/// A page of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServicePage {
    /// Height of the ledger that was asked.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// The services, in the order of their ids.
    pub services: Vec<ServiceView>,
    /// The `cursor` of the next page; none at the end.
    #[serde(default)]
    pub next: Option<ServiceId>,
}

/// A service in its current version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServiceView {
    /// The service.
    pub id: ServiceId,
    /// Who gives it.
    pub provider: ProviderId,
    /// Counts from 1.
    pub version: u32,
    /// Whether it may be ordered.
    #[serde(deserialize_with = "named")]
    pub standing: Standing,
    /// What it offers.
    pub terms: ServiceTerms,
    /// What those who were there say of it.
    #[serde(default)]
    pub rating: Rating,
}

/// Sums of a service's ratings over all years; none where there are too few to be told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
pub struct Rating {
    /// Those of schools.
    #[serde(default)]
    pub schools: Option<Ratings>,
    /// Those of pupils.
    #[serde(default)]
    pub pupils: Option<Ratings>,
}

/// Sums of ratings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Ratings {
    /// How many.
    pub count: u32,
    /// Average of the scores, 1 to 5, in hundredths.
    pub average_hundredths: u64,
    /// How many say each.
    pub facts: BTreeMap<Fact, u32>,
}

/// A service with its public description.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ServiceDetail {
    /// The service.
    #[serde(flatten)]
    pub service: ServiceView,
    /// The description, as the provider published it; none when the gateway does not hold it.
    #[serde(default)]
    pub document: Option<serde_json::Value>,
}

/// Sessions of a service in one year.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sessions {
    /// Height at which they were read.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// The sessions, in the order of their beginning.
    pub sessions: Vec<SessionView>,
}

/// A session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct SessionView {
    /// The session.
    pub id: SessionId,
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

/// Answer to a document.
#[derive(Deserialize)]
pub(super) struct DocumentAnswer {
    pub(super) id: DocumentId,
}

fn boxed_receipt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Box<Receipt>, D::Error> {
    ReceiptWire::deserialize(deserializer).map(Box::new)
}

pub(super) fn receipts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Receipt>, D::Error> {
    #[derive(Deserialize)]
    struct One(#[serde(deserialize_with = "ReceiptWire::deserialize")] Receipt);
    Vec::<One>::deserialize(deserializer).map(|all| all.into_iter().map(|one| one.0).collect())
}
