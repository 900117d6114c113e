//! What a block says that the index keeps. Orders, sessions and statements stand in public receipts; pupils and keys in the
//! transactions alone.

use keis_ledger::chain::{Header, Height};
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::{Hash, PublicKey};
use keis_ledger::ids::{
    Commitment, DecisionId, Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId,
};
use keis_ledger::operation::{
    CatalogueOperation, Operation, Party, ServiceTerms, SettlementOperation, WalletOperation,
};
use keis_ledger::receipt::{Kind, Receipt, Topic};

use crate::chain::{Archive, ChainError};
use crate::gateway::books::Posting;

/// One thing to be kept.
pub(super) enum Fact {
    /// A service is new or another.
    Service(ServiceId),
    /// A service has its next version.
    Version { service: ServiceId, terms: ServiceTerms },
    /// Settled money moved.
    Posting(Posting),
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
    /// A provider has paid something back.
    Repayment { year: Year, provider: ProviderId, reference: Commitment },
    /// Something happened to a decision.
    Decision { decision: DecisionId, at: (Height, u32) },
    /// A decision has put one party in the place of another.
    Succession { decision: DecisionId },
    /// A year's records are gone.
    Sealed(Year),
}

impl Fact {
    /// The year that it belongs to, if it does not outlive that.
    pub(super) fn year(&self) -> Option<Year> {
        match self {
            Self::Session { year, .. }
            | Self::Order { year, .. }
            | Self::Statement { year, .. }
            | Self::Pupil { year, .. }
            | Self::Moved { year, .. }
            | Self::Repayment { year, .. }
            | Self::Key { party: Party::Pupil(year, _), .. } => Some(*year),
            Self::Posting(posting) => Some(posting.year()),
            Self::Service(_)
            | Self::Version { .. }
            | Self::Key { party: Party::School(_) | Party::Provider(_), .. }
            | Self::Handover { .. }
            | Self::Decision { .. }
            | Self::Succession { .. }
            | Self::Sealed(_) => None,
        }
    }
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
        let mut says_less = false;
        for full in &past.receipts {
            facts.extend(public(&full.receipt));
            facts.extend(decision(&full.receipt));
            facts.extend(Posting::of(full).map(Fact::Posting));
            says_less |= matches!(
                full.receipt.kind,
                Kind::PupilsOpened
                    | Kind::PupilMoved
                    | Kind::PupilsMoved
                    | Kind::KeysBound
                    | Kind::RepaymentRecorded
                    | Kind::ServicePublished
                    | Kind::ServiceAmended
            );
        }
        if says_less {
            transactions(archive, height, &mut facts)?;
        }
    }
    Ok(facts)
}

fn public(receipt: &Receipt) -> Option<Fact> {
    let subject = &receipt.subject;
    let at = (receipt.height, receipt.index);
    match receipt.kind.topic() {
        Topic::Service => subject.service.map(Fact::Service),
        Topic::Session if receipt.kind == Kind::SessionOpened => Some(Fact::Session {
            year: subject.year?,
            session: subject.session?,
            service: subject.service?,
            provider: subject.provider?,
        }),
        // A pupil's rating belongs to nobody's list of orders.
        Topic::Order if receipt.kind != Kind::RatedByPupil => Some(Fact::Order {
            year: subject.year?,
            order: subject.order?,
            school: subject.school?,
            provider: subject.provider?,
            at,
        }),
        Topic::Statement => Some(Fact::Statement {
            year: subject.year?,
            statement: subject.statement?,
            school: subject.school,
            provider: subject.provider?,
            at,
        }),
        Topic::Year if receipt.kind == Kind::YearSealed => subject.year.map(Fact::Sealed),
        Topic::Wallet if receipt.kind == Kind::PartySucceeded => {
            subject.decision.map(|decision| Fact::Succession { decision })
        }
        Topic::Year | Topic::Wallet | Topic::Session | Topic::Order | Topic::Repayment | Topic::Governance => None,
    }
}

/// What a receipt says of a decision. How far force majeure has come is told in too many of them.
fn decision(receipt: &Receipt) -> Option<Fact> {
    let decision = receipt.subject.decision.filter(|_| receipt.kind != Kind::ForceMajeureContinued)?;
    Some(Fact::Decision { decision, at: (receipt.height, receipt.index) })
}

/// Pupils, keys, bank references and services' versions of a block. A block holds only transactions that took effect.
fn transactions(archive: &Archive, height: Height, facts: &mut Vec<Fact>) -> Result<(), ChainError> {
    let Some(block) = archive.block(height)? else { return Ok(()) };
    for raw in block.raw_transactions() {
        let malformed = |_| ChainError::Malformed { what: "a transaction", height };
        let transaction = raw.parse(&block.header.network).map_err(malformed)?;
        let operation = &transaction.body().operation;
        if let Operation::Wallet(operation) = operation {
            wallets(operation, facts);
        } else if let Operation::Settlement(SettlementOperation::RecordRepayment {
            year, provider, reference, ..
        }) = operation
        {
            facts.push(Fact::Repayment { year: *year, provider: *provider, reference: *reference });
        }
        if let Operation::Catalogue(
            CatalogueOperation::Publish { service, terms, .. } | CatalogueOperation::Amend { service, terms },
        ) = operation
        {
            facts.push(Fact::Version { service: *service, terms: terms.clone() });
        }
    }
    Ok(())
}

fn wallets(operation: &WalletOperation, facts: &mut Vec<Fact>) {
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
