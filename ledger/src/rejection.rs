//! Why a transaction has no effect: one variant a rule, in the order in which rules are judged.

use serde::Serialize;

use crate::chain::Height;
use crate::classifiers::Scope;
use crate::money::Cents;
use crate::record::{DecisionState, OrderState, StatementState};
use crate::time::Timestamp;

/// The rule that a transaction breaks. Where it breaks several, the one that stands first here is named. `item` is the
/// index in the transaction's list, so that no answer names a pupil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Rejection {
    /// Its last instant has passed.
    #[error("it was valid until {}; the ledger's time is {}", valid_until.0, at.0)]
    Expired {
        /// Its last instant.
        valid_until: Timestamp,
        /// The block's time.
        at: Timestamp,
    },
    /// Its last instant lies too far ahead.
    #[error("it may be valid until {} at the latest", latest.0)]
    ValidTooLong {
        /// The latest that is allowed now.
        latest: Timestamp,
    },
    /// It is on the ledger already.
    #[error("it is on the ledger already")]
    Known,
    /// The key is bound to nobody.
    #[error("the signing key is not bound to anybody")]
    KeyUnknown,
    /// The key's time has not begun, or is over.
    #[error("the signing key may be used from {} to {}", from.0, until.0)]
    KeyInactive {
        /// First instant.
        from: Timestamp,
        /// Not from this instant on.
        until: Timestamp,
    },
    /// Only an officer of the operator acts for somebody else.
    #[error("only an officer of the operator may act on behalf of a party")]
    BehalfNotAllowed,
    /// The chain's rules do not know it yet.
    #[error("the rules of version {since} are needed; the network has not switched to them")]
    ProtocolTooOld {
        /// The first version that knows it.
        since: u32,
    },
    /// The signer's office or party is not the one that this needs.
    #[error("the signer's office or party does not allow this")]
    NotPermitted,
    /// The key lacks the scope.
    #[error("the signing key lacks the scope {scope:?}")]
    ScopeMissing {
        /// The scope that is needed.
        scope: Scope,
    },
    /// The signer's institution holds no validator.
    #[error("the signer's institution holds no validator")]
    NotMember,
    /// A list is empty.
    #[error("a list is empty")]
    ListEmpty,
    /// A list is too long.
    #[error("a list has more than {most} items")]
    ListTooLong {
        /// Most items.
        most: u32,
    },
    /// A list does not ascend, or names something twice.
    #[error("a list must ascend without repetition, from item {item} on it does not")]
    ListNotAscending {
        /// First item out of order.
        item: u32,
    },
    /// An amount of nothing.
    #[error("an amount must be positive")]
    AmountZero,
    /// Parameters that contradict themselves.
    #[error("the parameters contradict themselves")]
    ParametersUnsound,
    /// Terms of a service that contradict themselves.
    #[error("the terms of the service contradict themselves")]
    TermsUnsound,
    /// A session that ends before it begins, is for nobody, or nowhere.
    #[error("the session's time, place or capacity cannot be")]
    OfferUnsound,
    /// A grade, place or key that cannot be.
    #[error("item {item} holds a grade, place, scope or time that cannot be")]
    ItemUnsound {
        /// Which one.
        item: u32,
    },
    /// Validators that make no set.
    #[error("the validators make no set: each institution needs sound keys and less than a third of the votes")]
    ValidatorsUnsound,
    /// Who joins does not come with governance keys, or somebody else does.
    #[error("every institution that joins, and no other, comes with two governance keys of its own")]
    AdmissionsWrong,
    /// A measure whose window, length or parties cannot be.
    #[error("the measure's window, length or parties cannot be")]
    MeasureUnsound,
    /// No such year.
    #[error("the year is not on the ledger")]
    YearUnknown,
    /// The year is there already.
    #[error("the year was opened before")]
    YearExists,
    /// The year has ended.
    #[error("the year has ended")]
    YearEnded,
    /// The year cannot end before its window.
    #[error("the year may end from {} on", from.0)]
    YearNotOver {
        /// End of the window.
        from: Timestamp,
    },
    /// The year must have ended first.
    #[error("the year has not ended")]
    YearOpen,
    /// The year is sealed.
    #[error("the year is sealed")]
    YearSealed,
    /// No such school.
    #[error("the school of item {item} is not on the ledger")]
    SchoolUnknown {
        /// Which one.
        item: u32,
    },
    /// No such provider.
    #[error("the provider is not on the ledger")]
    ProviderUnknown,
    /// No such pupil in that year.
    #[error("the pupil of item {item} has no wallet in this year")]
    PupilUnknown {
        /// Which one.
        item: u32,
    },
    /// No such service.
    #[error("the service is not on the ledger")]
    ServiceUnknown,
    /// No such session in that year.
    #[error("the session is not on the ledger")]
    SessionUnknown,
    /// No such order in that year.
    #[error("the order of item {item} is not on the ledger")]
    OrderUnknown {
        /// Which one.
        item: u32,
    },
    /// No such statement in that year.
    #[error("the statement is not on the ledger")]
    StatementUnknown,
    /// No such institution.
    #[error("the institution holds no validator")]
    InstitutionUnknown,
    /// No such decision.
    #[error("the decision is not on the ledger")]
    DecisionUnknown,
    /// The key that it names is bound to nobody.
    #[error("the key to revoke is not bound to anybody")]
    TargetKeyUnknown,
    /// The key that it names is no officer's.
    #[error("the key to end is no officer's")]
    TargetKeyOther,
    /// The key that it names has ended.
    #[error("the key to revoke ended at {}", until.0)]
    TargetKeyEnded {
        /// Not used from this instant on.
        until: Timestamp,
    },
    /// The id is in use.
    #[error("the id of item {item} is in use")]
    IdTaken {
        /// Which one.
        item: u32,
    },
    /// The pupil has a wallet of this year.
    #[error("the token of item {item} was used: this pupil has a wallet of the year")]
    NullifierUsed {
        /// Which one.
        item: u32,
    },
    /// The key is bound already.
    #[error("the key of item {item} is bound already")]
    KeyTaken {
        /// Which one.
        item: u32,
    },
    /// No such payment of the statement.
    #[error("the statement has no payment of this reference")]
    PaymentUnknown,
    /// No such repayment in that year.
    #[error("the repayment is not on the ledger")]
    RepaymentUnknown,
    /// The commitment stands for something else already.
    #[error("the reference was recorded before")]
    ReferenceUsed,
    /// It belongs to somebody else.
    #[error("it belongs to another party")]
    NotYours,
    /// One person would stand on both sides.
    #[error("one person or key would stand on both sides of the order")]
    BothSides,
    /// An institution's own vote on its governance keys.
    #[error("an institution does not vote on its own governance keys")]
    OwnKeys,
    /// One person or institution would check its own work.
    #[error("another person must do this than the one whose work it checks")]
    SamePerson,
    /// The wallet is suspended.
    #[error("the wallet of item {item} is suspended")]
    WalletSuspended {
        /// Which one.
        item: u32,
    },
    /// The wallet is closed.
    #[error("the wallet of item {item} is closed")]
    WalletClosed {
        /// Which one.
        item: u32,
    },
    /// The wallet stands already as asked.
    #[error("the wallet stands as asked already")]
    StandingUnchanged,
    /// The wallet still has orders or money to settle.
    #[error("the wallet still has money of its own or open orders")]
    WalletInUse,
    /// The service is suspended or withdrawn.
    #[error("the service is not offered now")]
    ServiceNotOffered,
    /// The session takes no more orders.
    #[error("the session is closed")]
    SessionClosed,
    /// The session has orders in it.
    #[error("orders have joined the session")]
    SessionInUse,
    /// The session is of another service.
    #[error("the session is of another service")]
    SessionOfOtherService,
    /// The provider has no payment account.
    #[error("the provider has no payment account on the ledger")]
    PaymentAccountMissing,
    /// The order is not in a state that allows this.
    #[error("the order is {state:?}")]
    OrderStateWrong {
        /// Its state.
        state: OrderState,
    },
    /// The statement is not in a state that allows this.
    #[error("the statement is {state:?}")]
    StatementStateWrong {
        /// Its state.
        state: StatementState,
    },
    /// The repayment was compared with the bank before.
    #[error("the repayment was reconciled before")]
    ReconciledBefore,
    /// No change waits.
    #[error("no change waits for an answer")]
    ChangeMissing,
    /// A change waits already.
    #[error("a change waits for an answer already")]
    ChangePending,
    /// One's own proposal cannot be accepted.
    #[error("the other side must accept the change")]
    ChangeOwn,
    /// The change changes nothing.
    #[error("the change changes nothing")]
    ChangeEmpty,
    /// A dispute was decided, or this side raised one before.
    #[error("this side has disputed the order before, or a dispute on it was decided")]
    DisputeSpent,
    /// The year has too many exceptions.
    #[error("a year has at most {most} of these at a time")]
    TooManyExceptions {
        /// Most exceptions of the kind.
        most: u32,
    },
    /// The decision no longer waits.
    #[error("the decision is {state:?}")]
    DecisionClosed {
        /// Its state.
        state: DecisionState,
    },
    /// The institution has voted for it.
    #[error("the institution has voted for this already")]
    ApprovedAlready,
    /// Too many proposals of the institution wait.
    #[error("an institution has at most {most} proposals that wait")]
    TooManyDecisions {
        /// Most proposals.
        most: u16,
    },
    /// Money was given by these parameters.
    #[error("wallets have their money by these amounts; they can no longer change")]
    ParametersInUse,
    /// Not yet.
    #[error("this is possible from {} on", from.0)]
    TooEarly {
        /// First instant.
        from: Timestamp,
    },
    /// No longer.
    #[error("this was possible until {}", until.0)]
    TooLate {
        /// Last instant.
        until: Timestamp,
    },
    /// A proposal that would stand too long, or not at all.
    #[error("a proposal stands until {} at the latest", latest.0)]
    TermWrong {
        /// The latest that is allowed now.
        latest: Timestamp,
    },
    /// Not the next version of the rules.
    #[error("the next version of the rules is {next}")]
    VersionWrong {
        /// The version that can be switched to.
        next: u32,
    },
    /// The height of a switch is too near.
    #[error("the rules can be switched at height {earliest} at the earliest")]
    HeightTooNear {
        /// The first height that is allowed now.
        earliest: Height,
    },
    /// Outside the programme's window or the service's time.
    #[error("the session lies outside the time of the programme or of the service")]
    OutsideWindow,
    /// The service is not given there.
    #[error("the service is not given at this place")]
    VenueNotOffered,
    /// The price is another one.
    #[error("the price is {price}")]
    PriceDiffers {
        /// Price a pupil.
        price: Cents,
    },
    /// The line does not exist.
    #[error("the order has no line {line}")]
    LineUnknown {
        /// Which one.
        line: u16,
    },
    /// The line is no longer booked.
    #[error("line {line} is not booked")]
    LineNotBooked {
        /// Which one.
        line: u16,
    },
    /// No line would be left.
    #[error("no line would be left; cancel the order instead")]
    NoLineLeft,
    /// The order would have too many lines.
    #[error("an order has at most {most} lines")]
    TooManyLines {
        /// Most lines.
        most: u32,
    },
    /// More bookings would be dropped than one transaction may.
    #[error("at most {most} booked lines are dropped at once")]
    TooManyBookings {
        /// Most lines.
        most: u32,
    },
    /// A split that does not name each line once, or gives more than the line may owe.
    #[error("the split lacks line {line}, or gives more than it may owe")]
    SplitUnsound {
        /// Which one.
        line: u16,
    },
    /// The pupil is enrolled elsewhere.
    #[error("the pupil of item {item} is enrolled at another school")]
    NotEnrolled {
        /// Which one.
        item: u32,
    },
    /// The service is not for this grade.
    #[error("the service is not for the grade of item {item}")]
    GradeNotOffered {
        /// Which one.
        item: u32,
    },
    /// The pupil is somewhere else at that time, or here already.
    #[error("the pupil of item {item} is booked at that time")]
    PupilElsewhere {
        /// Which one.
        item: u32,
    },
    /// The session has too few places.
    #[error("the session has {free} free places")]
    SessionFull {
        /// Places left.
        free: u16,
    },
    /// The wallet has its money.
    #[error("the wallet of item {item} has its money of the year")]
    AllocatedBefore {
        /// Which one.
        item: u32,
    },
    /// The pupil was not there.
    #[error("the pupil was not there")]
    NotAttended,
    /// It was rated.
    #[error("the order was rated already")]
    RatedBefore,
    /// The order costs more than the key may spend.
    #[error("the order costs {cost}; the key may sign {cap}")]
    CapExceeded {
        /// What it costs.
        cost: Cents,
        /// What the key may sign.
        cap: Cents,
    },
    /// More school money would be needed than was agreed to.
    #[error("{missing} of school money beyond the agreed amount would be needed")]
    SchoolMoneyExceeded {
        /// What is missing.
        missing: Cents,
    },
    /// An account has too little.
    #[error("the money does not suffice: {missing} are missing")]
    FundsMissing {
        /// What is missing.
        missing: Cents,
    },
    /// An amount beyond what can be counted.
    #[error("an amount is too large to count")]
    AmountTooLarge,
    /// The order owes nothing to this buyer's statement, or is in one.
    #[error("the order of item {item} owes this buyer nothing that is not in a statement")]
    NothingDue {
        /// Which one.
        item: u32,
    },
    /// The provider had a statement to this buyer not long ago.
    #[error("the next statement to this buyer may be issued from {} on", from.0)]
    StatementTooSoon {
        /// First instant.
        from: Timestamp,
    },
    /// More than is open.
    #[error("only {open} are open")]
    AboveOpen {
        /// What is open.
        open: Cents,
    },
    /// The statement was paid in too many parts.
    #[error("a statement is paid in at most {most} parts; the last must be all that is open")]
    TooManyPayments {
        /// Most parts.
        most: u16,
    },
    /// Something of the year is still due.
    #[error("work of the year is still due")]
    WorkLeft,
    /// Money of the year is still somewhere.
    #[error("{outstanding} of the year are neither paid nor returned, or are owed")]
    MoneyLeft {
        /// How much.
        outstanding: Cents,
    },
    /// Payments of the year were not compared with the bank.
    #[error("{count} payments of the year are not reconciled")]
    PaymentsLeft {
        /// How many.
        count: u32,
    },
}

impl Rejection {
    /// Whether the same bytes may be taken later, since only an earlier transaction is missing or time must pass.
    pub fn may_pass_later(&self) -> bool {
        matches!(
            self,
            Self::KeyUnknown
                | Self::YearUnknown
                | Self::SchoolUnknown { .. }
                | Self::ProviderUnknown
                | Self::PupilUnknown { .. }
                | Self::ServiceUnknown
                | Self::SessionUnknown
                | Self::OrderUnknown { .. }
                | Self::StatementUnknown
                | Self::RepaymentUnknown
                | Self::DecisionUnknown
                | Self::TargetKeyUnknown
                | Self::ValidTooLong { .. }
        )
    }
}
