//! Names of the rejections in their order. A new variant does not compile here until it is named.

use keis_ledger::rejection::Rejection;

macro_rules! rejections {
    ($($variant:ident)*) => {
        /// All names, in the order of precedence.
        pub const NAMES: &[&str] = &[$(stringify!($variant)),*];

        pub fn name(rejection: &Rejection) -> &'static str {
            match rejection {
                $(Rejection::$variant { .. } => stringify!($variant),)*
            }
        }
    };
}

rejections! {
    Expired ValidTooLong Known KeyUnknown KeyInactive BehalfNotAllowed ProtocolTooOld NotPermitted ScopeMissing
    NotMember ListEmpty ListTooLong ListNotAscending AmountZero ParametersUnsound TermsUnsound OfferUnsound
    ItemUnsound ValidatorsUnsound AdmissionsWrong MeasureUnsound YearUnknown YearExists YearEnded YearNotOver
    YearOpen YearSealed SchoolUnknown ProviderUnknown PupilUnknown ServiceUnknown SessionUnknown OrderUnknown
    StatementUnknown InstitutionUnknown DecisionUnknown TargetKeyUnknown TargetKeyOther TargetKeyEnded IdTaken
    NullifierUsed KeyTaken PaymentUnknown RepaymentUnknown ReferenceUsed NotYours BothSides OwnKeys SamePerson WalletSuspended
    WalletClosed StandingUnchanged WalletInUse ServiceNotOffered SessionClosed SessionInUse SessionOfOtherService
    PaymentAccountMissing OrderStateWrong StatementStateWrong ReconciledBefore ChangeMissing ChangePending ChangeOwn
    ChangeEmpty DisputeSpent TooManyExceptions DecisionClosed ApprovedAlready TooManyDecisions ParametersInUse
    TooEarly TooLate TermWrong VersionWrong HeightTooNear OutsideWindow VenueNotOffered PriceDiffers LineUnknown
    LineNotBooked NoLineLeft TooManyLines TooManyBookings SplitUnsound NotEnrolled GradeNotOffered PupilElsewhere
    SessionFull AllocatedBefore NotAttended RatedBefore CapExceeded SchoolMoneyExceeded FundsMissing AmountTooLarge
    NothingDue StatementTooSoon AboveOpen TooManyPayments WorkLeft MoneyLeft PaymentsLeft
}

/// Place in the order of precedence.
pub fn rank(name: &str) -> usize {
    NAMES.iter().position(|other| *other == name).expect("every rejection has a name")
}
