//! What a block says that the index keeps. Orders, sessions and statements stand in public receipts; pupils and keys in the
//! transactions alone.

use keis_ledger::chain::{Header, Height};
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::{Hash, PublicKey};
use keis_ledger::ids::{Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId};
use keis_ledger::operation::{Operation, Party, WalletOperation};
use keis_ledger::receipt::{Kind, Receipt};

use crate::chain::{Archive, ChainError};

/// One thing to be kept.
pub(super) enum Fact {
    /// A service is new or another.
    Service(ServiceId),
    /// A session is new.
    Session { year: Year, session: SessionId, service: ServiceId, provider: ProviderId },
    /// Something happened to an order.
    Order { year: Year, order: OrderId, school: SchoolId, provider: ProviderId, at: (Height, u32) },
    /// Something happened to a statement; a school pays it, or the programme.
    Statement { year: Year, statement: StatementId, school: Option<SchoolId>, provider: ProviderId, at: (Height, u32) },
    /// A pupil's wallet is new.
    Pupil { year: Year, pupil: PupilId, school: SchoolId, nullifier: Nullifier },
    /// A pupil is at another school.
    Moved { year: Year, pupil: PupilId, school: SchoolId },
    /// A key is bound.
    Key { party: Party, key: PublicKey },
    /// Other validators decide after this height: those of this hash.
    Handover { at: Height, next: Hash },
}

/// Reads some blocks, in order.
pub(super) fn read(archive: &Archive, from: Height, until: Height) -> Result<Vec<Fact>, ChainError> {
    let mut facts = Vec::new();
    for height in (from.0..=until.0).map(Height) {
        let Some(past) = archive.past(height)? else { continue };
        let Header { validators, next_validators, .. } = past.header;
        if validators != next_validators {
            facts.push(Fact::Handover { at: height, next: next_validators });
        }
        let mut names_wallets = false;
        for full in &past.receipts {
            facts.extend(public(&full.receipt));
            names_wallets |= matches!(
                full.receipt.kind,
                Kind::PupilsOpened | Kind::PupilMoved | Kind::PupilsMoved | Kind::KeysBound
            );
        }
        if names_wallets {
            wallets(archive, height, &mut facts)?;
        }
    }
    Ok(facts)
}

fn public(receipt: &Receipt) -> Option<Fact> {
    let subject = &receipt.subject;
    let at = (receipt.height, receipt.index);
    match receipt.kind {
        Kind::ServicePublished
        | Kind::ServiceAmended
        | Kind::ServiceSuspended
        | Kind::ServiceReinstated
        | Kind::ServiceWithdrawn => subject.service.map(Fact::Service),
        Kind::SessionOpened => Some(Fact::Session {
            year: subject.year?,
            session: subject.session?,
            service: subject.service?,
            provider: subject.provider?,
        }),
        Kind::OrderProposed
        | Kind::OrderRequested
        | Kind::OrderConfirmed
        | Kind::OrderDeclined
        | Kind::ChangeProposed
        | Kind::ChangeAccepted
        | Kind::ChangeDropped
        | Kind::LinesSwapped
        | Kind::LinesDropped
        | Kind::OrderCancelled
        | Kind::DeliveryReported
        | Kind::AttendanceConfirmed
        | Kind::OrderLapsed
        | Kind::AttendanceAutomatic
        | Kind::RatedBySchool
        | Kind::OrderDisputed
        | Kind::DisputeWithdrawn
        | Kind::DisputeResolved
        | Kind::OrderReversed
        | Kind::OrderStruck
        | Kind::DeadlinePostponed => Some(Fact::Order {
            year: subject.year?,
            order: subject.order?,
            school: subject.school?,
            provider: subject.provider?,
            at,
        }),
        Kind::StatementIssued
        | Kind::StatementAccepted
        | Kind::StatementContested
        | Kind::InvoiceAttached
        | Kind::InvoiceRejected
        | Kind::InvoiceApproved
        | Kind::PaymentRecorded
        | Kind::PaymentSetOff
        | Kind::CreditNoted => Some(Fact::Statement {
            year: subject.year?,
            statement: subject.statement?,
            school: subject.school,
            provider: subject.provider?,
            at,
        }),
        Kind::YearOpened
        | Kind::Allocated
        | Kind::SchoolMoneyRecorded
        | Kind::YearEnded
        | Kind::SchoolsOpened
        | Kind::ProvidersOpened
        | Kind::PupilsOpened
        | Kind::KeysBound
        | Kind::KeyRevoked
        | Kind::PupilMoved
        | Kind::WalletSuspended
        | Kind::WalletReinstated
        | Kind::WalletClosed
        | Kind::SessionAmended
        | Kind::SessionClosed
        | Kind::FundsReturned
        | Kind::DecisionProposed
        | Kind::DecisionApproved
        | Kind::DecisionWithdrawn
        | Kind::DecisionExpired
        | Kind::NetworkParametersSet
        | Kind::ProgrammeParametersSet
        | Kind::ValidatorsSet
        | Kind::OfficerAppointed
        | Kind::OfficerDismissed
        | Kind::GovernanceKeysReplaced
        | Kind::ProtocolSwitchDecided
        | Kind::ProtocolSwitched
        | Kind::PaymentReturned
        | Kind::PaymentReconciled
        | Kind::RepaymentRecorded
        | Kind::RepaymentReconciled
        | Kind::PaymentAccountSet
        | Kind::YearSealed
        | Kind::RatedByPupil
        | Kind::ForceMajeureDeclared
        | Kind::ForceMajeureContinued
        | Kind::ForceMajeureEnded
        | Kind::DeadlinesExtended
        | Kind::PartySucceeded
        | Kind::AllKeysRevoked
        | Kind::PupilsMoved => None,
    }
}

/// Pupils and keys of a block. A block holds only transactions that took effect.
fn wallets(archive: &Archive, height: Height, facts: &mut Vec<Fact>) -> Result<(), ChainError> {
    let Some(block) = archive.block(height)? else { return Ok(()) };
    for raw in block.raw_transactions() {
        let malformed = |_| ChainError::Malformed { what: "a transaction", height };
        let transaction = raw.parse(&block.header.network).map_err(malformed)?;
        let Operation::Wallet(operation) = &transaction.body().operation else { continue };
        match operation {
            WalletOperation::OpenPupils { year, pupils } => facts.extend(pupils.iter().map(|new| Fact::Pupil {
                year: *year,
                pupil: new.pupil,
                school: new.school,
                nullifier: new.nullifier,
            })),
            WalletOperation::BindKeys { grants } => {
                facts.extend(grants.iter().map(|grant| Fact::Key { party: grant.party, key: grant.key }));
            }
            WalletOperation::MovePupil { year, pupil, school, .. } => {
                facts.push(Fact::Moved { year: *year, pupil: *pupil, school: *school });
            }
            WalletOperation::MovePupils { year, moves, .. } => facts.extend(moves.iter().map(|moved| Fact::Moved {
                year: *year,
                pupil: moved.pupil,
                school: moved.school,
            })),
            WalletOperation::OpenSchools { .. }
            | WalletOperation::OpenProviders { .. }
            | WalletOperation::RevokeKey { .. }
            | WalletOperation::RevokeAllKeys { .. }
            | WalletOperation::Suspend { .. }
            | WalletOperation::Reinstate { .. }
            | WalletOperation::Close { .. } => {}
        }
    }
    Ok(())
}
