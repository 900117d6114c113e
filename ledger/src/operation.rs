//! What a transaction may ask for, by the groups of DESIGN section 4. Everything here is signed: no text, no maps.

mod governance;
mod remedy;
mod settlement;
mod since;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::classifiers::{ArtField, Facts, Grades, Place, Scopes, Score, ServiceKind, VatCategory, Year};
use crate::crypto::PublicKey;
use crate::ids::{
    DocumentId, EntityId, InstitutionId, Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId,
};
use crate::money::Cents;
use crate::parameters::ProgrammeParameters;
use crate::time::{Span, Timestamp};

pub use governance::{
    Admission, GovernanceOperation, LONGEST_PROPOSAL, MAX_OPEN_DECISIONS, MAX_VALIDATORS, Measure, SWITCH_NOTICE,
    Threshold,
};
pub use remedy::{ClosureScope, PupilMove};
pub use settlement::{Buyer, SettlementOperation};

/// Most wallets in one batch.
pub const MAX_BATCH: usize = 500;
/// Most pupils of an order, over its whole life.
pub const MAX_PUPILS: usize = 500;
/// Most orders in a statement.
pub const MAX_STATEMENT_ORDERS: usize = 500;
/// Most venues of a service.
pub const MAX_VENUES: usize = 64;

/// One request of a transaction's signer.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Years and funds.
    Funds(FundsOperation),
    /// Wallets and keys.
    Wallet(WalletOperation),
    /// Services and sessions.
    Catalogue(CatalogueOperation),
    /// One order.
    Order {
        /// The year that the order belongs to.
        year: Year,
        /// The order.
        order: OrderId,
        /// What happens to it.
        action: OrderAction,
    },
    /// Statements.
    Settlement(SettlementOperation),
    /// Decisions of the institutions.
    Governance(GovernanceOperation),
    /// Says how an order was, for its school or for a pupil who was there. Once.
    Rate {
        /// The year that the order belongs to.
        year: Year,
        /// The order.
        order: OrderId,
        /// How good it was.
        score: Score,
        /// What was as it should be.
        facts: Facts,
    },
}

/// Operations on a year and its funds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FundsOperation {
    /// Opens a year and mints its budget and reserve.
    OpenYear {
        /// The year.
        year: Year,
        /// Its rules.
        parameters: ProgrammeParameters,
        /// For the pupils of the register's day.
        budget: Cents,
        /// For pupils who arrive later.
        reserve: Cents,
    },
    /// Gives each of these wallets its money of the year, once.
    Allocate {
        /// The year.
        year: Year,
        /// The wallets.
        pupils: Vec<PupilId>,
    },
    /// Mints money that a school has paid in.
    RecordSchoolMoney {
        /// The year.
        year: Year,
        /// The school.
        school: SchoolId,
        /// What came in.
        amount: Cents,
    },
    /// Ends a year: no new orders; free money returns to its source.
    EndYear {
        /// The year.
        year: Year,
    },
    /// Seals an ended year in which nothing is left to do: one leaf takes the place of its records.
    SealYear {
        /// The year.
        year: Year,
    },
}

/// A pupil's wallet to open.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct NewPupil {
    /// Random, new every year.
    pub pupil: PupilId,
    /// The pupil's token of the year.
    pub nullifier: Nullifier,
    /// Where the pupil is enrolled.
    pub school: SchoolId,
    /// Grade, 1 to 12.
    pub grade: u8,
}

/// A school's wallet to open.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct NewSchool {
    /// The wallet.
    pub school: SchoolId,
    /// Who controls it.
    pub entity: EntityId,
    /// Where it is.
    pub place: Place,
}

/// A provider's wallet to open.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct NewProvider {
    /// The wallet.
    pub provider: ProviderId,
    /// Who controls it.
    pub entity: EntityId,
}

/// A wallet of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// A pupil's wallet of a year.
    Pupil(Year, PupilId),
    /// A school.
    School(SchoolId),
    /// A provider.
    Provider(ProviderId),
}

/// Whom a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// The holder of a wallet.
    Party(Party),
    /// An officer of the institution that operates the programme.
    Operator(InstitutionId),
    /// An officer of the institution that holds the budget.
    BudgetHolder(InstitutionId),
    /// An auditor, who reads everything and signs nothing.
    Auditor(InstitutionId),
    /// An institution that holds a validator, when it votes on measures.
    Governance(InstitutionId),
}

/// A key to bind to a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct KeyGrant {
    /// The key.
    pub key: PublicKey,
    /// Whose it becomes.
    pub party: Party,
    /// What it may do.
    pub scopes: Scopes,
    /// Most that one order may cost when this key signs it.
    pub cap: Cents,
    /// First instant of its use.
    pub from: Timestamp,
    /// It is no longer accepted from this instant on.
    pub until: Timestamp,
}

/// Operations on wallets and keys.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalletOperation {
    /// Opens schools' wallets.
    OpenSchools {
        /// The wallets.
        schools: Vec<NewSchool>,
    },
    /// Opens providers' wallets.
    OpenProviders {
        /// The wallets.
        providers: Vec<NewProvider>,
    },
    /// Opens pupils' wallets of a year.
    OpenPupils {
        /// The year.
        year: Year,
        /// The wallets.
        pupils: Vec<NewPupil>,
    },
    /// Binds keys to wallets.
    BindKeys {
        /// The keys.
        grants: Vec<KeyGrant>,
    },
    /// Ends a key's use now.
    RevokeKey {
        /// The key.
        key: PublicKey,
    },
    /// Moves a pupil to another school.
    MovePupil {
        /// The year.
        year: Year,
        /// The pupil.
        pupil: PupilId,
        /// The new school.
        school: SchoolId,
        /// The grade there.
        grade: u8,
        /// Whether booked lines stay; otherwise they are dropped and released.
        keep_lines: bool,
    },
    /// Stops new orders of or to a wallet.
    Suspend {
        /// The wallet.
        party: Party,
    },
    /// Ends a suspension.
    Reinstate {
        /// The wallet.
        party: Party,
    },
    /// Closes a wallet for good. A pupil's booked lines are released and its money returns.
    Close {
        /// The wallet.
        party: Party,
    },
    /// Ends all keys of a school, provider or pupil now, those that have not begun included.
    RevokeAllKeys {
        /// Whose.
        party: Party,
    },
    /// Moves pupils to other schools or grades, all or none.
    MovePupils {
        /// The year.
        year: Year,
        /// The pupils, ascending.
        moves: Vec<PupilMove>,
        /// Whether booked lines stay; otherwise they are dropped and released.
        keep_lines: bool,
    },
}

/// What a version of a service offers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct ServiceTerms {
    /// Branch of the arts.
    pub field: ArtField,
    /// Kind.
    pub kind: ServiceKind,
    /// For which grades.
    pub grades: Grades,
    /// Price a pupil.
    pub price: Cents,
    /// Most pupils in one session.
    pub capacity: u16,
    /// How it is taxed.
    pub vat: VatCategory,
    /// Where it can be given.
    pub venues: Vec<Place>,
    /// Sessions begin at the earliest at this instant …
    pub from: Timestamp,
    /// … and end at the latest at this one.
    pub until: Timestamp,
    /// Public description, kept by nodes beside the chain.
    pub document: DocumentId,
}

/// Operations on the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatalogueOperation {
    /// Publishes an approved service.
    Publish {
        /// The service.
        service: ServiceId,
        /// Who gives it.
        provider: ProviderId,
        /// First version.
        terms: ServiceTerms,
    },
    /// Publishes a new version; standing orders keep theirs.
    Amend {
        /// The service.
        service: ServiceId,
        /// Next version.
        terms: ServiceTerms,
    },
    /// Stops new orders of a service.
    Suspend {
        /// The service.
        service: ServiceId,
    },
    /// Ends a suspension.
    Reinstate {
        /// The service.
        service: ServiceId,
    },
    /// Takes a service out of the catalogue for good.
    Withdraw {
        /// The service.
        service: ServiceId,
    },
    /// Offers a time and place.
    OpenSession {
        /// The year.
        year: Year,
        /// The session.
        session: SessionId,
        /// Its service.
        service: ServiceId,
        /// When and where.
        offer: SessionOffer,
    },
    /// Changes a session that no order has joined.
    AmendSession {
        /// The year.
        year: Year,
        /// The session.
        session: SessionId,
        /// When and where.
        offer: SessionOffer,
    },
    /// Takes no more orders into a session.
    CloseSession {
        /// The year.
        year: Year,
        /// The session.
        session: SessionId,
    },
}

/// Time, place and size of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct SessionOffer {
    /// It begins.
    pub start: Timestamp,
    /// It ends.
    pub end: Timestamp,
    /// Where.
    pub place: Place,
    /// Most pupils of all orders together.
    pub capacity: u16,
}

impl SessionOffer {
    /// How long the session lasts.
    pub fn length(&self) -> Span {
        Span(self.end.0.saturating_sub(self.start.0))
    }
}

/// What can happen to an order. Lines are named by their index in the order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderAction {
    /// A teacher proposes an order to the school's coordinator; no money moves.
    Propose {
        /// The session.
        session: SessionId,
        /// The pupils.
        pupils: Vec<PupilId>,
    },
    /// Requests the session for the pupils and holds the money. Takes the place of a proposal of the same id.
    Request {
        /// The session.
        session: SessionId,
        /// The pupils.
        pupils: Vec<PupilId>,
        /// The price a pupil that the orderer agrees to.
        price: Cents,
        /// Most of the school's own money for what the pupils lack.
        school_money: Cents,
    },
    /// The provider takes the order on.
    Confirm,
    /// The provider does not.
    Decline,
    /// Proposes a change to the other side.
    ProposeChange(Change),
    /// Accepts the other side's proposed change.
    AcceptChange,
    /// Refuses the other side's proposed change, or takes one's own back.
    DropChange,
    /// Puts other pupils into lines, before the start.
    Swap {
        /// Line and its new pupil.
        lines: Vec<(u16, PupilId)>,
    },
    /// Drops lines before the start; late, a share is due.
    DropLines {
        /// The lines, ascending.
        lines: Vec<u16>,
    },
    /// Ends the order. Who signs decides what it costs.
    Cancel,
    /// The provider reports that it took place.
    ReportDelivery {
        /// Lines whose pupils were absent, ascending.
        absent: Vec<u16>,
    },
    /// The orderer confirms who was there.
    ConfirmAttendance {
        /// Lines whose pupils were absent, ascending.
        absent: Vec<u16>,
        /// Pupils who came without a line.
        added: Vec<PupilId>,
    },
    /// Disputes what was delivered or is due. The money is frozen until the dispute is taken back or decided.
    Dispute,
    /// Takes one's own dispute back.
    WithdrawDispute,
}

/// A change that the other side must accept.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Before the start: another session of the service, other pupils, or both.
    Booking {
        /// The session to move to.
        session: Option<SessionId>,
        /// Lines to drop without charge, ascending.
        drop: Vec<u16>,
        /// Pupils to add.
        add: Vec<PupilId>,
    },
    /// After attendance was confirmed and before a statement: who was absent after all.
    Attendance {
        /// Lines whose pupils were absent, ascending.
        absent: Vec<u16>,
    },
}
