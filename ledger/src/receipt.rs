//! What a node answers for a transaction or a clock step that took effect.

use bincode::{Decode, Encode};
use serde::Serialize;

use crate::chain::Height;
use crate::classifiers::Year;
use crate::crypto::{Batch, Domain, Hash, hash};
use crate::ids::{
    DecisionId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId, TransactionId,
};
use crate::list;
use crate::money::Amounts;
use crate::record::OrderState;
use crate::time::Timestamp;

/// Kinds of receipts, each with what it is about, in the order of their numbers.
macro_rules! kinds {
    ($($(#[$words:meta])* $kind:ident: $topic:ident,)*) => {
        /// What took effect. The number of a kind never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($(#[$words])* $kind,)*
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// What a receipt of this kind is about.
            pub fn topic(self) -> Topic {
                match self {
                    $(Self::$kind => Topic::$topic,)*
                }
            }
        }
    };
}

/// What a receipt is about in the first place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A year's rules and money.
    Year,
    /// Wallets and their keys.
    Wallet,
    /// A service.
    Service,
    /// A session.
    Session,
    /// An order.
    Order,
    /// A statement.
    Statement,
    /// What a provider paid back.
    Repayment,
    /// A decision, or what follows from one for the network or a whole year.
    Governance,
}

kinds! {
    /// A year was opened.
    YearOpened: Year,
    /// Wallets received their money of the year.
    Allocated: Year,
    /// A school's own money came in.
    SchoolMoneyRecorded: Year,
    /// A year ended.
    YearEnded: Year,
    /// Schools' wallets were opened.
    SchoolsOpened: Wallet,
    /// Providers' wallets were opened.
    ProvidersOpened: Wallet,
    /// Pupils' wallets were opened.
    PupilsOpened: Wallet,
    /// Keys were bound.
    KeysBound: Wallet,
    /// A key was revoked.
    KeyRevoked: Wallet,
    /// A pupil moved to another school.
    PupilMoved: Wallet,
    /// A wallet was suspended.
    WalletSuspended: Wallet,
    /// A wallet was reinstated.
    WalletReinstated: Wallet,
    /// A wallet was closed.
    WalletClosed: Wallet,
    /// A service was published.
    ServicePublished: Service,
    /// A service has a new version.
    ServiceAmended: Service,
    /// A service was suspended.
    ServiceSuspended: Service,
    /// A service was reinstated.
    ServiceReinstated: Service,
    /// A service was withdrawn.
    ServiceWithdrawn: Service,
    /// A session was opened.
    SessionOpened: Session,
    /// A session was changed.
    SessionAmended: Session,
    /// A session was closed.
    SessionClosed: Session,
    /// An order was proposed.
    OrderProposed: Order,
    /// An order was requested.
    OrderRequested: Order,
    /// An order was confirmed.
    OrderConfirmed: Order,
    /// An order was declined.
    OrderDeclined: Order,
    /// A change was proposed.
    ChangeProposed: Order,
    /// A change was accepted.
    ChangeAccepted: Order,
    /// A change was refused or taken back.
    ChangeDropped: Order,
    /// Pupils were swapped.
    LinesSwapped: Order,
    /// Lines were dropped.
    LinesDropped: Order,
    /// An order was cancelled.
    OrderCancelled: Order,
    /// Delivery was reported.
    DeliveryReported: Order,
    /// Attendance was confirmed.
    AttendanceConfirmed: Order,
    /// A statement was issued.
    StatementIssued: Statement,
    /// A statement was accepted.
    StatementAccepted: Statement,
    /// A statement was contested.
    StatementContested: Statement,
    /// An order lapsed (clock step).
    OrderLapsed: Order,
    /// The provider's list stood (clock step).
    AttendanceAutomatic: Order,
    /// Free money of an ended year returned (clock step).
    FundsReturned: Year,
    /// A measure was proposed.
    DecisionProposed: Governance,
    /// A vote for a measure was given; others are still needed.
    DecisionApproved: Governance,
    /// A proposal was taken back.
    DecisionWithdrawn: Governance,
    /// A proposal was not decided in time (clock step).
    DecisionExpired: Governance,
    /// The network's parameters were set.
    NetworkParametersSet: Governance,
    /// A year's parameters were set.
    ProgrammeParametersSet: Governance,
    /// The validators were set.
    ValidatorsSet: Governance,
    /// An officer was appointed.
    OfficerAppointed: Governance,
    /// An officer was dismissed.
    OfficerDismissed: Governance,
    /// An institution has other governance keys.
    GovernanceKeysReplaced: Governance,
    /// A switch of the rules was decided.
    ProtocolSwitchDecided: Governance,
    /// The rules were switched (clock step).
    ProtocolSwitched: Governance,
    /// An invoice was attached.
    InvoiceAttached: Statement,
    /// An invoice was refused.
    InvoiceRejected: Statement,
    /// An invoice was approved.
    InvoiceApproved: Statement,
    /// A payment was recorded.
    PaymentRecorded: Statement,
    /// A payment was set off against what the provider owed.
    PaymentSetOff: Statement,
    /// Payments were found on the bank's statement.
    PaymentReconciled: Statement,
    /// Money of a statement was credited.
    CreditNoted: Statement,
    /// A repayment was recorded.
    RepaymentRecorded: Repayment,
    /// A repayment was found on the bank's statement.
    RepaymentReconciled: Repayment,
    /// A provider's payment account was set.
    PaymentAccountSet: Wallet,
    /// A year was sealed.
    YearSealed: Year,
    /// An order was rated by its school.
    RatedBySchool: Order,
    /// An order was rated by a pupil.
    RatedByPupil: Order,
    /// An order is disputed.
    OrderDisputed: Order,
    /// A dispute was taken back.
    DisputeWithdrawn: Order,
    /// A dispute was decided.
    DisputeResolved: Order,
    /// What was due of lines was given back.
    OrderReversed: Order,
    /// Force majeure was declared.
    ForceMajeureDeclared: Governance,
    /// Force majeure looked for orders and sessions, or found one that had ended by itself (clock step).
    ForceMajeureContinued: Governance,
    /// Every order of a force majeure is cancelled (clock step).
    ForceMajeureEnded: Governance,
    /// An order was cancelled by force majeure (clock step).
    OrderStruck: Order,
    /// Deadlines were moved.
    DeadlinesExtended: Governance,
    /// An order's deadline has come, and was moved (clock step).
    DeadlinePostponed: Order,
    /// A school or provider has a successor.
    PartySucceeded: Wallet,
    /// All keys of a party were revoked.
    AllKeysRevoked: Wallet,
    /// Pupils moved to other schools or grades.
    PupilsMoved: Wallet,
    /// The bank sent a payment back.
    PaymentReturned: Statement,
}

/// What the receipt is about; public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Subject {
    /// The year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<Year>,
    /// The order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// The order's state afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_state: Option<OrderState>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceId>,
    /// The school.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub school: Option<SchoolId>,
    /// The provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// The statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<StatementId>,
    /// The decision of governance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
}

/// Opens the encoding of a subject that names a decision. Other subjects open with the year's own byte, 0 or 1, and are
/// written as they were before there were decisions.
const NAMES_DECISION: u8 = 2;

impl Encode for Subject {
    fn encode<E: bincode::enc::Encoder>(&self, encoder: &mut E) -> Result<(), bincode::error::EncodeError> {
        let Self { year, order, order_state, session, service, school, provider, statement, decision } = self;
        if let Some(decision) = decision {
            NAMES_DECISION.encode(encoder)?;
            decision.encode(encoder)?;
        }
        (year, order, order_state, session).encode(encoder)?;
        (service, school, provider, statement).encode(encoder)
    }
}

impl<Context> Decode<Context> for Subject {
    fn decode<D: bincode::de::Decoder<Context = Context>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        let (decision, with_year) = match u8::decode(decoder)? {
            NAMES_DECISION => (Some(DecisionId::decode(decoder)?), u8::decode(decoder)?),
            with_year => (None, with_year),
        };
        let year = match with_year {
            0 => None,
            1 => Some(Year::decode(decoder)?),
            _ => return Err(bincode::error::DecodeError::Other("an option that is neither none nor some")),
        };
        let (order, order_state, session) = Decode::decode(decoder)?;
        let (service, school, provider, statement) = Decode::decode(decoder)?;
        Ok(Self { year, order, order_state, session, service, school, provider, statement, decision })
    }
}

bincode::impl_borrow_decode!(Subject);

/// The public part of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Receipt {
    /// The transaction, or the clock step.
    pub id: TransactionId,
    /// Height of the block.
    pub height: Height,
    /// Place in the block.
    pub index: u32,
    /// Time of the block.
    pub time: Timestamp,
    /// What took effect.
    pub kind: Kind,
    /// What it is about.
    pub subject: Subject,
    /// Whether an officer signed on a party's behalf.
    pub on_behalf: bool,
    /// Money moved, by source.
    pub total: Amounts,
    /// Number of lines.
    pub lines: u32,
    /// Root over the blinded lines.
    pub lines_root: Hash,
}

/// One pupil's part in what took effect; shown to its parties and to auditors alone.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct ReceiptLine {
    /// The pupil.
    pub pupil: PupilId,
    /// Money moved from or to this pupil's line, by source.
    pub moved: Amounts,
}

impl ReceiptLine {
    /// The blinded leaf of the line at `index`.
    pub fn leaf(&self, seed: &Hash, id: &TransactionId, index: u32) -> Hash {
        let blind = hash(Domain::Blind, &[&seed.0, &id.0, &index.to_be_bytes()]);
        list::leaf_of(&[&blind.0], self)
    }
}

/// A receipt with its lines, as a node stores it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct FullReceipt {
    /// The public part.
    pub receipt: Receipt,
    /// The lines.
    pub lines: Vec<ReceiptLine>,
    /// Seed of the lines' blinds.
    pub seed: Hash,
}

impl FullReceipt {
    /// Completes the public part with the root over its lines.
    pub fn new(receipt: Receipt, lines: Vec<ReceiptLine>, seed: Hash) -> Self {
        let mut alone = [Self { receipt, lines, seed }];
        Self::complete(&mut alone);
        let [whole] = alone;
        whole
    }

    /// Completes the public parts of many, whose hashes are made together.
    pub(crate) fn complete(receipts: &mut [Self]) {
        let lines = receipts.iter().map(|full| full.lines.len()).sum();
        let mut blinds = Batch::with_room(lines, 68);
        for Self { receipt, lines, seed } in receipts.iter() {
            for index in 0..count(lines) {
                blinds.add(Domain::Blind, &[&seed.0, &receipt.id.0, &index.to_be_bytes()]);
            }
        }
        let mut leaves = Batch::with_room(lines, 64);
        for (line, blind) in receipts.iter().flat_map(|full| &full.lines).zip(blinds.hashes()) {
            leaves.add_value(Domain::ListLeaf, &[&blind.0], line);
        }
        let mut leaves = leaves.hashes().into_iter();
        let lists = receipts.iter().map(|full| leaves.by_ref().take(full.lines.len()).collect()).collect();
        for (full, root) in receipts.iter_mut().zip(list::roots(lists)) {
            full.receipt.lines = count(&full.lines);
            full.receipt.lines_root = root;
        }
    }
}

fn count(lines: &[ReceiptLine]) -> u32 {
    u32::try_from(lines.len()).expect("an operation has at most a few hundred lines")
}

impl Receipt {
    /// The receipt's leaf under the block's receipts root.
    pub fn leaf(&self) -> Hash {
        list::leaf_of(&[], self)
    }
}
