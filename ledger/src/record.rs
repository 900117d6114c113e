//! Records: everything that a rule reads, each under its key in the state tree.
//!
//! A record knows no rule. Balances change through [`crate::accounts`] alone.

mod due;
mod governance;
mod order;
mod rating;
mod remedy;
mod settlement;
mod year;

use std::sync::Arc;

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::chain::ValidatorSet;
use crate::classifiers::{Place, Scopes, Year};
use crate::codec;
use crate::crypto::{Batch, Domain, Hash, PublicKey};
use crate::ids::{
    Commitment, DecisionId, EntityId, InstitutionId, Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId,
    SessionId, StatementId,
};
use crate::money::{Amounts, Cents};
use crate::operation::{Buyer, Owner, Party, ServiceTerms, SessionOffer};
use crate::parameters::NetworkParameters;
use crate::time::Timestamp;
use crate::tree::TreeKey;

pub use due::{DueKey, DueKind, DueWork};
pub use governance::{Approval, Decision, DecisionState, Institution, ProtocolSwitch};
pub use order::{Line, LineState, Order, OrderState, PendingChange, PinnedRules, Side};
pub use rating::{Rating, ServiceRating, Tally};
pub use remedy::{BoundIn, Closure, Dispute, DisputeState, Era, Exceptions, Extension, Succession};
pub use settlement::{
    Bill, Billing, Invoice, InvoiceApproval, Payment, PaymentAccount, PaymentWay, Receivable, Reference, Repayment,
    Statement, StatementState,
};
pub use year::{Books, Sealed, SealedProof, Totals, YearRecord, YearState};

/// Key of a record; its hash, after the year, is the record's place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum RecordKey {
    /// The network's parameters and validators.
    Network,
    /// A bound key.
    Key(PublicKey),
    /// A school.
    School(SchoolId),
    /// A provider.
    Provider(ProviderId),
    /// A service.
    Service(ServiceId),
    /// A year.
    Year(Year),
    /// A pupil's wallet.
    Pupil(Year, PupilId),
    /// A pupil's token.
    Nullifier(Year, Nullifier),
    /// A school's own money.
    SchoolPurse(Year, SchoolId),
    /// A provider's earned money.
    ProviderPurse(Year, ProviderId),
    /// A session.
    Session(Year, SessionId),
    /// An order.
    Order(Year, OrderId),
    /// A statement.
    Statement(Year, StatementId),
    /// When a provider last had a statement to a buyer.
    Billing(Year, ProviderId, Buyer),
    /// Due work, in its order.
    Due(DueKey),
    /// An institution.
    Institution(InstitutionId),
    /// A decision of governance.
    Decision(DecisionId),
    /// The switch of the rules that waits.
    ProtocolSwitch,
    /// What followed a statement's acceptance.
    Bill(Year, StatementId),
    /// What a provider owes a buyer.
    Receivable(Year, ProviderId, Buyer),
    /// A repayment, by its bank reference.
    Repayment(Year, Commitment),
    /// What of a year waits to be reconciled.
    Books(Year),
    /// The rating of an order, by its school or by a pupil.
    Rating(Year, OrderId, Option<PupilId>),
    /// What is left of a sealed year.
    Sealed(Year),
    /// Where a provider is paid.
    PaymentAccount(ProviderId),
    /// A commitment that is used once.
    Reference(Commitment),
    /// Sums of a service's ratings.
    ServiceRating(ServiceId),
    /// The last dispute on an order.
    Dispute(Year, OrderId),
    /// Moved deadlines and force majeure of a year.
    Exceptions(Year),
    /// Who took a school's or provider's place.
    Succession(Party),
    /// When all keys of a party were last revoked.
    Era(Party),
    /// The era in which a key was bound.
    BoundIn(PublicKey),
}

/// Namespaces of known ids and of the due queue in the tree, after every year that can be.
const KNOWN: u16 = u16::MAX - 1;
const QUEUE: u16 = u16::MAX;

impl RecordKey {
    /// The record's place in the tree: the year, then the hash of the key, so that a proof shows no neighbour. The due
    /// queue alone is in the order of its keys, since it is worked off in that order.
    pub fn place(&self) -> TreeKey {
        let mut place = [0; 34];
        if let Self::Due(key) = self {
            let namespace = if key.kind == DueKind::Forget { KNOWN } else { QUEUE };
            place[..2].copy_from_slice(&namespace.to_be_bytes());
            place[2..10].copy_from_slice(&key.due.0.to_be_bytes());
            place[10] = key.kind as u8;
            place[11..].copy_from_slice(&key.id);
        } else {
            place[..2].copy_from_slice(&self.year().0.to_be_bytes());
            place[2..].copy_from_slice(&codec::hash(Domain::RecordKey, &[], self).0);
        }
        TreeKey(place)
    }

    /// The places of several keys, whose hashes are made together.
    pub(crate) fn places(keys: &[Self]) -> Vec<TreeKey> {
        let mut batch = Batch::default();
        keys.iter().for_each(|key| batch.add_value(Domain::RecordKey, &[], key));
        let place = |(key, hash): (&Self, Hash)| {
            if let Self::Due(_) = key {
                return key.place();
            }
            let mut place = [0; 34];
            place[..2].copy_from_slice(&key.year().0.to_be_bytes());
            place[2..].copy_from_slice(&hash.0);
            TreeKey(place)
        };
        keys.iter().zip(batch.hashes()).map(place).collect()
    }

    /// The first place of the due queue.
    pub fn queue_start() -> TreeKey {
        Self::year_start(Year(QUEUE))
    }

    /// The first place of the transactions' ids that are known.
    pub fn known_start() -> TreeKey {
        Self::year_start(Year(KNOWN))
    }

    /// The first place of a year.
    pub fn year_start(year: Year) -> TreeKey {
        let mut place = [0; 34];
        place[..2].copy_from_slice(&year.0.to_be_bytes());
        TreeKey(place)
    }

    fn year(&self) -> Year {
        match self {
            Self::Network
            | Self::Key(_)
            | Self::School(_)
            | Self::Provider(_)
            | Self::Service(_)
            | Self::Due(_)
            | Self::Institution(_)
            | Self::Decision(_)
            | Self::ProtocolSwitch
            | Self::PaymentAccount(_)
            | Self::Reference(_)
            | Self::ServiceRating(_)
            | Self::Succession(_)
            | Self::Era(_)
            | Self::BoundIn(_) => Year(0),
            Self::Year(year)
            | Self::Pupil(year, _)
            | Self::Nullifier(year, _)
            | Self::SchoolPurse(year, _)
            | Self::ProviderPurse(year, _)
            | Self::Session(year, _)
            | Self::Order(year, _)
            | Self::Statement(year, _)
            | Self::Billing(year, _, _)
            | Self::Bill(year, _)
            | Self::Receivable(year, _, _)
            | Self::Repayment(year, _)
            | Self::Books(year)
            | Self::Rating(year, _, _)
            | Self::Sealed(year)
            | Self::Dispute(year, _)
            | Self::Exceptions(year) => *year,
        }
    }
}

/// A record of any kind. What is larger than a pupil is behind a pointer: most records are pupils.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Record {
    /// See [`Network`].
    Network(Box<Network>),
    /// See [`Key`].
    Key(Box<Key>),
    /// See [`School`].
    School(Box<School>),
    /// See [`Provider`].
    Provider(Box<Provider>),
    /// See [`Service`].
    Service(Box<Service>),
    /// See [`YearRecord`].
    Year(Box<YearRecord>),
    /// See [`Pupil`].
    Pupil(Pupil),
    /// See [`Token`].
    Nullifier(Token),
    /// See [`SchoolPurse`].
    SchoolPurse(SchoolPurse),
    /// See [`ProviderPurse`].
    ProviderPurse(ProviderPurse),
    /// See [`Session`].
    Session(Box<Session>),
    /// See [`Order`].
    Order(Box<Order>),
    /// See [`Statement`].
    Statement(Box<Statement>),
    /// See [`Billing`].
    Billing(Billing),
    /// See [`DueWork`].
    Due(DueWork),
    /// See [`Institution`].
    Institution(Box<Institution>),
    /// See [`Decision`].
    Decision(Box<Decision>),
    /// See [`ProtocolSwitch`].
    ProtocolSwitch(ProtocolSwitch),
    /// See [`Bill`].
    Bill(Box<Bill>),
    /// See [`Receivable`].
    Receivable(Receivable),
    /// See [`Repayment`].
    Repayment(Box<Repayment>),
    /// See [`Books`].
    Books(Books),
    /// See [`Rating`].
    Rating(Rating),
    /// See [`Sealed`].
    Sealed(Box<Sealed>),
    /// See [`PaymentAccount`].
    PaymentAccount(PaymentAccount),
    /// See [`Reference`].
    Reference(Reference),
    /// See [`ServiceRating`].
    ServiceRating(Box<ServiceRating>),
    /// See [`Dispute`].
    Dispute(Dispute),
    /// See [`Exceptions`].
    Exceptions(Box<Exceptions>),
    /// See [`Succession`].
    Succession(Succession),
    /// See [`Era`].
    Era(Era),
    /// See [`BoundIn`].
    BoundIn(BoundIn),
}

impl Record {
    /// Hash of the record's encoding.
    pub fn hash(&self) -> Hash {
        codec::hash(Domain::RecordValue, &[], self)
    }
}

/// A kind of record with the key under which it stands.
pub trait Entity: Clone + Sized {
    /// What identifies one of them.
    type Key: Copy;
    /// Its key among all records.
    fn key(key: Self::Key) -> RecordKey;
    /// Itself as a record.
    fn into_record(self) -> Record;
    /// Itself in a record of its kind.
    fn from_record(record: &Record) -> Option<&Self>;
    /// Itself in a record of its kind, to change.
    fn from_record_mut(record: &mut Record) -> Option<&mut Self>;
}

macro_rules! entity {
    (boxed $type:ident as $variant:ident, $key:ty, |$k:ident| $make:expr) => {
        entity!(@ $type, $variant, $key, $k, $make, Box::new);
    };
    (plain $type:ident as $variant:ident, $key:ty, |$k:ident| $make:expr) => {
        entity!(@ $type, $variant, $key, $k, $make, std::convert::identity);
    };
    (@ $type:ident, $variant:ident, $key:ty, $k:ident, $make:expr, $wrap:path) => {
        impl Entity for $type {
            type Key = $key;
            fn key($k: $key) -> RecordKey {
                $make
            }
            fn into_record(self) -> Record {
                Record::$variant($wrap(self))
            }
            fn from_record(record: &Record) -> Option<&Self> {
                if let Record::$variant(value) = record { Some(value) } else { None }
            }
            fn from_record_mut(record: &mut Record) -> Option<&mut Self> {
                if let Record::$variant(value) = record { Some(value) } else { None }
            }
        }
    };
}

entity!(boxed Network as Network, (), |_k| RecordKey::Network);
entity!(boxed Key as Key, PublicKey, |k| RecordKey::Key(k));
entity!(boxed School as School, SchoolId, |k| RecordKey::School(k));
entity!(boxed Provider as Provider, ProviderId, |k| RecordKey::Provider(k));
entity!(boxed Service as Service, ServiceId, |k| RecordKey::Service(k));
entity!(boxed YearRecord as Year, Year, |k| RecordKey::Year(k));
entity!(plain Pupil as Pupil, (Year, PupilId), |k| RecordKey::Pupil(k.0, k.1));
entity!(plain Token as Nullifier, (Year, Nullifier), |k| RecordKey::Nullifier(k.0, k.1));
entity!(plain SchoolPurse as SchoolPurse, (Year, SchoolId), |k| RecordKey::SchoolPurse(k.0, k.1));
entity!(plain ProviderPurse as ProviderPurse, (Year, ProviderId), |k| RecordKey::ProviderPurse(k.0, k.1));
entity!(boxed Session as Session, (Year, SessionId), |k| RecordKey::Session(k.0, k.1));
entity!(boxed Order as Order, (Year, OrderId), |k| RecordKey::Order(k.0, k.1));
entity!(boxed Statement as Statement, (Year, StatementId), |k| RecordKey::Statement(k.0, k.1));
entity!(plain Billing as Billing, (Year, ProviderId, Buyer), |k| RecordKey::Billing(k.0, k.1, k.2));
entity!(plain DueWork as Due, DueKey, |k| RecordKey::Due(k));
entity!(boxed Institution as Institution, InstitutionId, |k| RecordKey::Institution(k));
entity!(boxed Decision as Decision, DecisionId, |k| RecordKey::Decision(k));
entity!(plain ProtocolSwitch as ProtocolSwitch, (), |_k| RecordKey::ProtocolSwitch);
entity!(boxed Bill as Bill, (Year, StatementId), |k| RecordKey::Bill(k.0, k.1));
entity!(plain Receivable as Receivable, (Year, ProviderId, Buyer), |k| RecordKey::Receivable(k.0, k.1, k.2));
entity!(boxed Repayment as Repayment, (Year, Commitment), |k| RecordKey::Repayment(k.0, k.1));
entity!(plain Books as Books, Year, |k| RecordKey::Books(k));
entity!(plain Rating as Rating, (Year, OrderId, Option<PupilId>), |k| RecordKey::Rating(k.0, k.1, k.2));
entity!(boxed Sealed as Sealed, Year, |k| RecordKey::Sealed(k));
entity!(plain PaymentAccount as PaymentAccount, ProviderId, |k| RecordKey::PaymentAccount(k));
entity!(plain Reference as Reference, Commitment, |k| RecordKey::Reference(k));
entity!(boxed ServiceRating as ServiceRating, ServiceId, |k| RecordKey::ServiceRating(k));
entity!(plain Dispute as Dispute, (Year, OrderId), |k| RecordKey::Dispute(k.0, k.1));
entity!(boxed Exceptions as Exceptions, Year, |k| RecordKey::Exceptions(k));
entity!(plain Succession as Succession, Party, |k| RecordKey::Succession(k));
entity!(plain Era as Era, Party, |k| RecordKey::Era(k));
entity!(plain BoundIn as BoundIn, PublicKey, |k| RecordKey::BoundIn(k));

/// A record behind a shared pointer, as the tree and drafts hold it.
pub type Shared = Arc<Record>;

/// The network's own record.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Network {
    /// Parameters.
    pub parameters: NetworkParameters,
    /// Who decides the next block.
    pub validators: ValidatorSet,
}

/// A bound key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Key {
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

/// Whether a wallet may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It may.
    Active,
    /// No new orders; what stands goes on.
    Suspended,
    /// Never again.
    Closed,
}

/// A school.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct School {
    /// Who controls it.
    pub entity: EntityId,
    /// Where it is.
    pub place: Place,
    /// Whether it may order.
    pub standing: Standing,
}

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Provider {
    /// Who controls it.
    pub entity: EntityId,
    /// Whether it may take orders.
    pub standing: Standing,
}

/// A service in its current version.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Service {
    /// Who gives it.
    pub provider: ProviderId,
    /// Counts from 1.
    pub version: u32,
    /// What it offers.
    pub terms: ServiceTerms,
    /// Whether it may be ordered.
    pub standing: Standing,
}

/// A pupil's wallet of one year.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Pupil {
    /// The wallet's id.
    pub pupil: PupilId,
    /// Where the pupil is enrolled.
    pub school: SchoolId,
    /// Grade, 1 to 12.
    pub grade: u8,
    /// Whether it may be used.
    pub standing: Standing,
    /// When it was opened.
    pub opened: Timestamp,
    /// Whether its money of the year was allocated.
    pub allocated: bool,
    /// State money left.
    pub balance: Cents,
    /// Where the pupil is booked.
    pub bookings: Vec<Booking>,
}

/// A pupil's place in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Booking {
    /// The order.
    pub order: OrderId,
    /// It begins.
    pub start: Timestamp,
    /// It ends.
    pub end: Timestamp,
}

/// A used token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Token;

/// A school's own money of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct SchoolPurse {
    /// Whose it is.
    pub school: SchoolId,
    /// What is left.
    pub balance: Cents,
}

/// A provider's earned money of a year, not yet in a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize)]
pub struct ProviderPurse {
    /// By source.
    pub balance: Amounts,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Session {
    /// Of which service.
    pub service: ServiceId,
    /// When, where, for how many.
    pub offer: SessionOffer,
    /// Pupils of all orders in it.
    pub booked: u16,
    /// Whether orders may join.
    pub open: bool,
}
