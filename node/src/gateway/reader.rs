//! Who asks, and what the one may read: an officer everything, a party what is its own.

use std::sync::Arc;

use keis_ledger::classifiers::{Scope, Year};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{ProviderId, PupilId, SchoolId};
use keis_ledger::operation::{Buyer, Owner, Party};
use keis_ledger::receipt::{ReceiptLine, Subject};
use keis_ledger::record::{Key, Order, Pupil, Statement};

use super::Context;
use super::call::Call;
use super::problem::Problem;
use super::signature::{Claim, Refusal, Taken, wall_clock};
use crate::view::View;

/// Somebody whose signature holds and whose key is on the ledger.
pub(super) struct Signer {
    /// The ledger as it is read for this request.
    pub(super) view: Arc<View>,
    key: PublicKey,
    record: Key,
}

/// A signer whose key is in use and may read.
pub(super) struct Reader {
    /// The ledger as it is read for this request.
    pub(super) view: Arc<View>,
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Of the operator, the budget holder or an auditor.
    Officer,
    /// Holds a wallet.
    Party(Party),
}

/// How much of an order somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// All of it.
    Whole,
    /// Its lines of one pupil.
    LinesOf(PupilId),
}

impl Context {
    /// Who has signed a request.
    pub(super) async fn signer(&self, call: &Call) -> Result<Signer, Problem> {
        let now = wall_clock();
        let claim = Claim::read(&call.message(), now).map_err(|refusal| refused(&refusal))?;
        let view = self.view();
        // Looked up first, so that only keys of the ledger make the node prove anything.
        let record = view.tip.state.get::<Key>(claim.key).cloned();
        let record = record.ok_or_else(|| Problem::signature_wrong("the key is not on the ledger"))?;
        claim.prove(&call.message(), &self.authorities).map_err(|refusal| refused(&refusal))?;
        match self.replays.take(claim.key, &claim.nonce, claim.until, now) {
            Taken::First => Ok(Signer { view, key: claim.key, record }),
            Taken::Again => Err(Problem::signature_wrong("the nonce was used before")),
            Taken::KeyFull => Err(Problem::reader_full()),
            Taken::Full => Err(Problem::unavailable("readers_full", "too many signed requests; ask again soon")),
        }
    }

    /// Who has signed a request, with a key that may read now.
    pub(super) async fn reader(&self, call: &Call) -> Result<Reader, Problem> {
        self.signer(call).await?.reader()
    }
}

fn refused(refusal: &Refusal) -> Problem {
    match refusal {
        Refusal::Missing => Problem::signature_missing(refusal.to_string()),
        Refusal::Several
        | Refusal::Flaw(_)
        | Refusal::Uncovered(_)
        | Refusal::Parameter(_)
        | Refusal::Time
        | Refusal::Body
        | Refusal::Wrong => Problem::signature_wrong(refusal.to_string()),
    }
}

impl Signer {
    /// Whether the signer asks with this very key.
    pub(super) fn is(&self, key: PublicKey) -> bool {
        self.key == key
    }

    /// The signer as a reader: in use at the ledger's time, with the scope to read unless an office gives it.
    pub(super) fn reader(self) -> Result<Reader, Problem> {
        let Key { owner, scopes, from, .. } = self.record;
        let (state, now) = (&self.view.tip.state, self.view.tip.time);
        if now < from || state.key_end(self.key).is_none_or(|end| end <= now) {
            return Err(Problem::not_yours("the key is not in use at the ledger's time"));
        }
        let role = match owner {
            Owner::Operator(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) => Role::Officer,
            Owner::Governance(_) => {
                return Err(Problem::not_yours("a governance key votes on measures and reads nothing"));
            }
            Owner::Party(party) if state.stands_for(party) != party => {
                return Err(Problem::not_yours(
                    "another one stands in the place of this key's holder, and reads for it",
                ));
            }
            Owner::Party(party) if scopes.has(Scope::Read) => Role::Party(party),
            Owner::Party(_) => return Err(Problem::not_yours("the key has not the scope to read")),
        };
        Ok(Reader { view: self.view, role })
    }
}

impl Reader {
    /// Whether the reader is the party, or stands in its place.
    fn holds(&self, party: Party) -> bool {
        self.role == Role::Officer || self.role == Role::Party(self.view.tip.state.stands_for(party))
    }

    fn only_if(holds: bool, whose: &str) -> Result<(), Problem> {
        if holds { Ok(()) } else { Err(Problem::not_yours(format!("only {whose} may read this"))) }
    }

    /// Officers only.
    pub(super) fn officer(&self) -> Result<(), Problem> {
        Self::only_if(self.role == Role::Officer, "officers and auditors")
    }

    /// What belongs to an owner of keys.
    pub(super) fn owner(&self, owner: Owner) -> Result<(), Problem> {
        let own = match owner {
            Owner::Party(party) => self.holds(party),
            Owner::Operator(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) | Owner::Governance(_) => {
                self.role == Role::Officer
            }
        };
        Self::only_if(own, "the keys of the same holder, officers and auditors")
    }

    /// What belongs to a school.
    pub(super) fn school(&self, school: SchoolId) -> Result<(), Problem> {
        Self::only_if(self.holds(Party::School(school)), "the school, officers and auditors")
    }

    /// What belongs to a provider.
    pub(super) fn provider(&self, provider: ProviderId) -> Result<(), Problem> {
        Self::only_if(self.holds(Party::Provider(provider)), "the provider, officers and auditors")
    }

    /// What belongs to a pupil.
    pub(super) fn pupil(&self, year: Year, pupil: &Pupil) -> Result<(), Problem> {
        let own = self.holds(Party::Pupil(year, pupil.pupil)) || self.holds(Party::School(pupil.school));
        Self::only_if(own, "the pupil, its school, officers and auditors")
    }

    /// What belongs to the sides of an order. A pupil who did not order sees of a school's order its own lines.
    pub(super) fn order(&self, year: Year, order: &Order) -> Result<Sight, Problem> {
        let side = self.holds(Party::School(order.school))
            || self.holds(Party::Provider(order.provider))
            || self.holds(order.orderer);
        if side {
            return Ok(Sight::Whole);
        }
        match self.role {
            Role::Party(Party::Pupil(own_year, pupil))
                if own_year == year && order.lines.iter().any(|line| line.pupil == pupil) =>
            {
                Ok(Sight::LinesOf(pupil))
            }
            Role::Party(_) | Role::Officer => {
                Err(Problem::not_yours("only the sides of the order, officers and auditors may read this"))
            }
        }
    }

    /// Whether the reader is a side of what a receipt is about, or an officer, also where it is about no side.
    pub(super) fn sees_receipt(&self, subject: &Subject) -> bool {
        if self.role == Role::Officer {
            return true;
        }
        let school = subject.school.is_some_and(|school| self.holds(Party::School(school)));
        school || subject.provider.is_some_and(|provider| self.holds(Party::Provider(provider)))
    }

    /// Whether a line of a receipt is the reader's: as a side of all of it, as its pupil, or as the pupil's school.
    pub(super) fn sees_line(&self, subject: &Subject, line: &ReceiptLine) -> bool {
        if self.sees_receipt(subject) {
            return true;
        }
        match self.role {
            Role::Officer => true,
            Role::Party(Party::Pupil(year, pupil)) => subject.year == Some(year) && pupil == line.pupil,
            // A receipt about another school tells this one nothing of a pupil who has moved here since.
            Role::Party(Party::School(_)) if subject.school.is_none() => {
                let pupil = subject.year.and_then(|year| self.view.tip.state.get::<Pupil>((year, line.pupil)));
                pupil.is_some_and(|pupil| self.holds(Party::School(pupil.school)))
            }
            Role::Party(Party::School(_) | Party::Provider(_)) => false,
        }
    }

    /// What belongs to the sides of a statement.
    pub(super) fn statement(&self, statement: &Statement) -> Result<(), Problem> {
        let buyer = match statement.buyer {
            Buyer::Programme => false,
            Buyer::School(school) => self.holds(Party::School(school)),
        };
        let side = buyer || self.holds(Party::Provider(statement.provider));
        Self::only_if(side, "the sides of the statement, officers and auditors")
    }
}
