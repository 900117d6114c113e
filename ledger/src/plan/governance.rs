//! Decisions: who may propose and vote, what counts, and what becomes of a proposal.
//!
//! The decision's own rules are judged here, and before those of its measure ([`measure`]).

mod account;
mod measure;
mod members;
mod network;
mod officers;
mod year;

use std::collections::BTreeSet;

use super::Actor;
use crate::crypto::PublicKey;
use crate::ids::{DecisionId, InstitutionId};
use crate::money::Amounts;
use crate::operation::{GovernanceOperation, LONGEST_PROPOSAL, MAX_OPEN_DECISIONS, Measure, Threshold};
use crate::receipt::{Kind, Subject};
use crate::record::{Approval, Decision, DecisionState, DueKey, DueWork, Institution, Key, Network};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::Timestamp;

pub(super) use network::switch as switch_protocol;

/// The occasion on which a measure is carried out.
pub(super) struct Occasion {
    /// Time of the block.
    pub(super) at: Timestamp,
    /// The decision.
    pub(super) decision: DecisionId,
}

/// What a measure that was carried out says in its receipt; the lines it has noted in the work.
pub(super) struct Applied {
    /// What took effect.
    pub(super) kind: Kind,
    /// What it is about, beside the decision.
    pub(super) subject: Subject,
    /// Money moved.
    pub(super) total: Amounts,
}

pub(super) fn plan(
    work: Work,
    at: Timestamp,
    actor: &Actor,
    operation: &GovernanceOperation,
) -> Result<Effect, Rejection> {
    match operation {
        GovernanceOperation::Propose { decision, measure, until } => {
            propose(work, at, actor, *decision, measure, *until)
        }
        GovernanceOperation::Approve { decision } => approve(work, actor, &Occasion { at, decision: *decision }),
        GovernanceOperation::Withdraw { decision } => withdraw(work, at, actor, *decision),
    }
}

fn about(decision: DecisionId) -> Subject {
    Subject { decision: Some(decision), ..Subject::default() }
}

fn propose(
    mut work: Work,
    at: Timestamp,
    actor: &Actor,
    id: DecisionId,
    measure: &Measure,
    until: Timestamp,
) -> Result<Effect, Rejection> {
    let proposer = voter(&work, actor, measure.threshold())?;
    if work.has::<Decision>(id) {
        return Err(Rejection::IdTaken { item: 0 });
    }
    if work.get::<Institution>(proposer).is_some_and(|one| one.open >= MAX_OPEN_DECISIONS) {
        return Err(Rejection::TooManyDecisions { most: MAX_OPEN_DECISIONS });
    }
    let latest = at.after(LONGEST_PROPOSAL);
    if until <= at || until > latest {
        return Err(Rejection::TermWrong { latest });
    }
    measure::judge(&work, at, measure)?;

    let approvals = vec![Approval { institution: proposer, key: actor.key, at }];
    let measure = measure.clone();
    work.put(id, Decision { measure, proposer, proposed: at, until, approvals, state: DecisionState::Open });
    work.put(DueKey::decision(until, id), DueWork::Expire(id));
    let mut institution = work.get::<Institution>(proposer).cloned().unwrap_or_default();
    institution.open += 1;
    work.put(proposer, institution);
    Ok(work.done(Kind::DecisionProposed, about(id), Amounts::ZERO))
}

fn approve(mut work: Work, actor: &Actor, occasion: &Occasion) -> Result<Effect, Rejection> {
    let (at, id) = (occasion.at, occasion.decision);
    may_vote_on_something(actor)?;
    let decision = work.get::<Decision>(id).ok_or(Rejection::DecisionUnknown)?;
    let threshold = decision.measure.threshold();
    let institution = voter(&work, actor, threshold)?;
    if decision.measure.without_vote() == Some(institution) {
        return Err(Rejection::OwnKeys);
    }
    is_open(decision)?;
    if at >= decision.until {
        return Err(Rejection::TooLate { until: decision.until });
    }
    let members = members(&work);
    let mut approvals = decision.approvals.clone();
    approvals.retain(|vote| counts(&work, at, &members, threshold, vote));
    if approvals.iter().any(|vote| vote.institution == institution) {
        return Err(Rejection::ApprovedAlready);
    }
    approvals.push(Approval { institution, key: actor.key, at });
    let counted = approvals.iter().filter(|vote| decision.measure.without_vote() != Some(vote.institution)).count();

    work.edit::<Decision>(id).expect("the decision was found above").approvals = approvals;
    if !threshold.is_met(counted, members.len()) {
        return Ok(work.done(Kind::DecisionApproved, about(id), Amounts::ZERO));
    }
    let measure = close(&mut work, id, DecisionState::Executed(at)).measure;
    let Applied { kind, subject, total } = measure::apply(&mut work, occasion, &measure)?;
    Ok(work.done(kind, Subject { decision: Some(id), ..subject }, total))
}

fn withdraw(mut work: Work, at: Timestamp, actor: &Actor, id: DecisionId) -> Result<Effect, Rejection> {
    may_vote_on_something(actor)?;
    let decision = work.get::<Decision>(id).ok_or(Rejection::DecisionUnknown)?;
    let institution = decision.measure.threshold().voter(actor.owner).ok_or(Rejection::NotPermitted)?;
    if institution != decision.proposer {
        return Err(Rejection::NotYours);
    }
    is_open(decision)?;
    if at >= decision.until {
        return Err(Rejection::TooLate { until: decision.until });
    }

    close(&mut work, id, DecisionState::Withdrawn(at));
    Ok(work.done(Kind::DecisionWithdrawn, about(id), Amounts::ZERO))
}

/// Clock step: a proposal was not decided in time.
pub(super) fn expire(mut work: Work, at: Timestamp, id: DecisionId) -> Effect {
    close(&mut work, id, DecisionState::Expired(at));
    work.done(Kind::DecisionExpired, about(id), Amounts::ZERO)
}

/// Ends a decision's waiting. Gives it as it is then.
fn close(work: &mut Work, id: DecisionId, state: DecisionState) -> Decision {
    let decision = work.edit::<Decision>(id).expect("the decision was found before");
    decision.state = state;
    let decision = decision.clone();
    work.remove::<DueWork>(DueKey::decision(decision.until, id));
    let proposer = work.edit::<Institution>(decision.proposer).expect("it was put when it proposed");
    proposer.open = proposer.open.checked_sub(1).expect("it was counted when it was proposed");
    decision
}

fn is_open(decision: &Decision) -> Result<(), Rejection> {
    match decision.state {
        DecisionState::Open => Ok(()),
        state @ (DecisionState::Executed(_) | DecisionState::Withdrawn(_) | DecisionState::Expired(_)) => {
            Err(Rejection::DecisionClosed { state })
        }
    }
}

/// The signer votes on decisions of some kind.
fn may_vote_on_something(actor: &Actor) -> Result<(), Rejection> {
    let votes = |threshold: Threshold| threshold.voter(actor.owner).is_some();
    if votes(Threshold::TwoPersons) || votes(Threshold::TwoThirds) { Ok(()) } else { Err(Rejection::NotPermitted) }
}

/// The institution for which the signer votes, which must be a member.
fn voter(work: &Work, actor: &Actor, threshold: Threshold) -> Result<InstitutionId, Rejection> {
    let institution = threshold.voter(actor.owner).ok_or(Rejection::NotPermitted)?;
    if is_member(work, institution) { Ok(institution) } else { Err(Rejection::NotMember) }
}

/// Whether a vote counts now: its institution is a member, and the key that gave it still votes for it.
fn counts(
    work: &Work,
    at: Timestamp,
    members: &BTreeSet<InstitutionId>,
    threshold: Threshold,
    vote: &Approval,
) -> bool {
    let in_force = |key: &Key| key.from <= at && at < key.until;
    let key = work.get::<Key>(vote.key).filter(|key| in_force(key));
    members.contains(&vote.institution)
        && key.and_then(|key| threshold.voter(key.owner)).is_some_and(|voter| voter == vote.institution)
}

fn network<'w>(work: &'w Work) -> &'w Network {
    work.get::<Network>(()).expect("genesis puts the network's record, and nothing takes it away")
}

/// The institutions that hold a validator.
fn members(work: &Work) -> BTreeSet<InstitutionId> {
    network(work).validators.as_slice().iter().map(|validator| validator.institution).collect()
}

fn is_member(work: &Work, institution: InstitutionId) -> bool {
    network(work).validators.as_slice().iter().any(|validator| validator.institution == institution)
}

/// Whether a key is bound to somebody or signs votes of consensus: every key serves one purpose.
pub(super) fn is_taken(work: &Work, key: &PublicKey) -> bool {
    work.has::<Key>(*key) || network(work).validators.as_slice().iter().any(|validator| validator.key == *key)
}
