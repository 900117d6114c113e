//! Plans: every rule on one transaction, read only. A plan ends in an effect that cannot fail, or in a rejection.
//!
//! First who signs and whether in time (here), then the rules of the operation, group by group.

mod catalogue;
mod funds;
mod governance;
mod order;
mod rating;
mod settlement;
mod succession;
mod wallet;

use crate::classifiers::{Scope, Scopes, Year};
use crate::crypto::{Hash, PublicKey};
use crate::money::{Cents, Source};
use crate::operation::{Operation, OrderAction, Owner, Party};
use crate::record::{
    BoundIn, DueKey, DueWork, Entity, Era, Exceptions, Key, Network, Order, ProviderPurse, School, Sealed, Service,
    Session, Succession, YearRecord, YearState,
};
use crate::rejection::Rejection;
use crate::state::{Draft, Effect, Work};
use crate::time::Timestamp;
use crate::transaction::{Body, SignedTransaction, VerifiedTransaction};

/// Who signs, once it is known to be in force at the block's time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actor {
    /// Whose key it is, or for whom an officer acts.
    pub(crate) owner: Owner,
    /// The key itself.
    pub(crate) key: PublicKey,
    scopes: Scopes,
    cap: Cents,
}

/// Judges a transaction at a block's time on a draft (DESIGN section 2).
///
/// # Errors
/// The first [`Rejection`], in their order.
pub fn plan(draft: &Draft, at: Timestamp, transaction: &VerifiedTransaction) -> Result<Effect, Rejection> {
    let mut work = Work::on(draft);
    let body = transaction.body();
    look_ahead(&work, transaction);
    look_further(&work, body);
    let actor = authorize(&work, at, transaction)?;
    remember(&mut work, transaction);
    match &body.operation {
        Operation::Funds(operation) => funds::plan(work, at, &actor, operation),
        Operation::Wallet(operation) => wallet::plan(work, at, &actor, operation),
        Operation::Catalogue(operation) => catalogue::plan(work, at, &actor, operation),
        Operation::Order { year, order, action } => {
            order::plan(work, at, &actor, (*year, *order), action, transaction.blind())
        }
        Operation::Settlement(operation) => settlement::plan(work, at, &actor, operation),
        Operation::Rate { year, order, score, facts } => {
            rating::plan(work, at, &actor, (*year, *order), (*score, *facts))
        }
        Operation::Governance(operation) => governance::plan(work, at, &actor, operation),
    }
}

/// Judges what is asked of every transaction, whatever it wants: that it is new and in time, that its key is in force, and that
/// the rules know its operation. Costs a small part of [`plan`].
///
/// # Errors
/// The first [`Rejection`]; a transaction without one may still be rejected by the rules of its operation.
pub fn authorized(draft: &Draft, at: Timestamp, transaction: &VerifiedTransaction) -> Result<(), Rejection> {
    authorize(&Work::on(draft), at, transaction).map(drop)
}

/// Looks for what nearly every transaction asks for, all at one time.
fn look_ahead(work: &Work, transaction: &SignedTransaction) {
    let body = transaction.body();
    let known = DueKey::known(transaction.id(), body.valid_until);
    let signer = [Network::key(()), DueWork::key(known), Key::key(body.signer), BoundIn::key(body.signer)];
    let Operation::Order { year, order, action } = &body.operation else {
        return work.look_ahead(signer.into_iter());
    };
    let order = [YearRecord::key(*year), Order::key((*year, *order)), Exceptions::key(*year)];
    let session = match action {
        OrderAction::Propose { session, .. } | OrderAction::Request { session, .. } => Some(*session),
        OrderAction::Confirm
        | OrderAction::Decline
        | OrderAction::ProposeChange(_)
        | OrderAction::AcceptChange
        | OrderAction::DropChange
        | OrderAction::Swap { .. }
        | OrderAction::DropLines { .. }
        | OrderAction::Cancel
        | OrderAction::ReportDelivery { .. }
        | OrderAction::ConfirmAttendance { .. }
        | OrderAction::Dispute
        | OrderAction::WithdrawDispute => None,
    };
    let session = session.map(|session| Session::key((*year, session)));
    work.look_ahead(signer.into_iter().chain(order).chain(session));
}

/// Looks for what those records lead to, again all at one time.
fn look_further(work: &Work, body: &Body) {
    let party = work.get::<Key>(body.signer).and_then(|key| match key.owner {
        Owner::Party(party) => Some(party),
        Owner::Operator(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) | Owner::Governance(_) => None,
    });
    let era = party.map(Era::key);
    let Operation::Order { year, order, action } = &body.operation else {
        return work.look_ahead(era.into_iter());
    };
    if let OrderAction::Propose { session, .. } | OrderAction::Request { session, .. } = action {
        let service = work.get::<Session>((*year, *session)).map(|session| Service::key(session.service));
        let school = party.into_iter().flat_map(|party| match party {
            Party::School(school) => [Some(School::key(school)), Some(Succession::key(party))],
            Party::Provider(_) | Party::Pupil(..) => [None, None],
        });
        return work.look_ahead(era.into_iter().chain(service).chain(school.flatten()));
    }
    let sides = work.get::<Order>((*year, *order)).map(|order| {
        [
            Succession::key(Party::School(order.school)),
            Succession::key(Party::Provider(order.provider)),
            ProviderPurse::key((*year, order.provider)),
        ]
    });
    // Money is earned when attendance is confirmed.
    let earns = matches!(action, OrderAction::ConfirmAttendance { .. });
    let asked = sides.iter().flat_map(|keys| if earns { &keys[..] } else { &keys[..2] });
    work.look_ahead(era.into_iter().chain(asked.copied()));
}

/// Does one piece of due work, which cannot be refused, and gives the seed of its lines' blinds. `room` bounds the
/// records that a piece which is itself large may touch.
pub(crate) fn due(draft: &Draft, at: Timestamp, key: DueKey, due: DueWork, room: usize) -> (Effect, Hash) {
    let mut work = Work::on(draft);
    work.remove::<DueWork>(key);
    if let DueWork::Lapse(year, order) | DueWork::Attendance(year, order) | DueWork::Strike(year, order) = due {
        let keys = [YearRecord::key(year), Order::key((year, order)), Exceptions::key(year)];
        work.look_ahead(keys.into_iter());
    }
    match due {
        DueWork::Lapse(year, order) => order::lapse(work, at, (year, order)),
        DueWork::Attendance(year, order) => order::attendance_stands(work, at, (year, order)),
        DueWork::Return(year, from) => {
            let (effect, seed) = funds::return_free_money(work, year, from, at, room);
            (effect, seed.unwrap_or_default())
        }
        DueWork::Strike(year, order) => order::strike::strike(work, (year, order)),
        DueWork::Closure(year, decision, from) => {
            (order::strike::walk(work, at, (year, decision), from, room), Hash::default())
        }
        DueWork::Expire(decision) => (governance::expire(work, at, decision), Hash::default()),
        DueWork::Forget(_) => unreachable!("known ids stand in a namespace of their own, before the queue"),
    }
}

/// The first block under another version of the rules.
pub(crate) fn switch_protocol(draft: &Draft, version: u32) -> Effect {
    governance::switch_protocol(Work::on(draft), version)
}

fn authorize(work: &Work, at: Timestamp, transaction: &SignedTransaction) -> Result<Actor, Rejection> {
    let body = transaction.body();
    let network = work.get::<Network>(()).expect("genesis puts the network's record, and nothing takes it away");
    let latest = at.after(network.parameters.max_validity);
    if body.valid_until < at {
        return Err(Rejection::Expired { valid_until: body.valid_until, at });
    }
    if body.valid_until > latest {
        return Err(Rejection::ValidTooLong { latest });
    }
    if work.has::<DueWork>(DueKey::known(transaction.id(), body.valid_until)) {
        return Err(Rejection::Known);
    }
    let actor = actor_of(work, at, body)?;
    let since = body.operation.since();
    if since > network.parameters.protocol { Err(Rejection::ProtocolTooOld { since }) } else { Ok(actor) }
}

fn actor_of(work: &Work, at: Timestamp, body: &Body) -> Result<Actor, Rejection> {
    let key = work.get::<Key>(body.signer).ok_or(Rejection::KeyUnknown)?;
    let until = wallet::key_end(work, body.signer, key);
    if at < key.from || at >= until {
        return Err(Rejection::KeyInactive { from: key.from, until });
    }
    match body.behalf {
        None => Ok(Actor { owner: key.owner, key: body.signer, scopes: key.scopes, cap: key.cap }),
        Some(party) => match key.owner {
            Owner::Operator(_) => Ok(Actor {
                owner: Owner::Party(party),
                key: body.signer,
                scopes: Scopes::all(),
                cap: Cents::new(u64::MAX),
            }),
            Owner::Party(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) | Owner::Governance(_) => {
                Err(Rejection::BehalfNotAllowed)
            }
        },
    }
}

/// The id stays known until the transaction can no longer be included.
fn remember(work: &mut Work, transaction: &SignedTransaction) {
    let key = DueKey::known(transaction.id(), transaction.body().valid_until);
    work.put(key, DueWork::Forget(transaction.id()));
}

impl Actor {
    /// The signer is an officer of the operator.
    pub(crate) fn operator(&self) -> Result<(), Rejection> {
        match self.owner {
            Owner::Operator(_) => Ok(()),
            Owner::Party(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) | Owner::Governance(_) => {
                Err(Rejection::NotPermitted)
            }
        }
    }

    /// The signer is an officer of the budget holder.
    pub(crate) fn budget_holder(&self) -> Result<(), Rejection> {
        match self.owner {
            Owner::BudgetHolder(_) => Ok(()),
            Owner::Party(_) | Owner::Operator(_) | Owner::Auditor(_) | Owner::Governance(_) => {
                Err(Rejection::NotPermitted)
            }
        }
    }

    /// The signer is a party and the key has the scope.
    pub(crate) fn party(&self, scope: Scope) -> Result<Party, Rejection> {
        match self.owner {
            Owner::Party(party) if self.scopes.has(scope) => Ok(party),
            Owner::Party(_) => Err(Rejection::ScopeMissing { scope }),
            Owner::Operator(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) | Owner::Governance(_) => {
                Err(Rejection::NotPermitted)
            }
        }
    }

    /// Whether the key may sign for so many lines at this price.
    pub(crate) fn may_spend_on(&self, price: Cents, lines: usize) -> Result<(), Rejection> {
        self.may_spend(price.checked_mul(lines as u64).ok_or(Rejection::AmountTooLarge)?)
    }

    /// Whether the key may sign for an order of this cost.
    pub(crate) fn may_spend(&self, cost: Cents) -> Result<(), Rejection> {
        if cost <= self.cap { Ok(()) } else { Err(Rejection::CapExceeded { cost, cap: self.cap }) }
    }
}

/// A year whose records are there.
pub(crate) fn year_of<'w>(work: &'w Work, year: Year) -> Result<&'w YearRecord, Rejection> {
    work.get::<YearRecord>(year).ok_or_else(|| year_missing(work, year))
}

/// Why a year has no record: it was sealed, or never opened.
pub(crate) fn year_missing(work: &Work, year: Year) -> Rejection {
    if work.has::<Sealed>(year) { Rejection::YearSealed } else { Rejection::YearUnknown }
}

/// A year that takes new business.
pub(crate) fn open_year<'w>(work: &'w Work, year: Year) -> Result<&'w YearRecord, Rejection> {
    let record = year_of(work, year)?;
    match record.state {
        YearState::Open => Ok(record),
        YearState::Ended => Err(Rejection::YearEnded),
    }
}

/// A list of one to `most` items.
pub(crate) fn bounded<T>(list: &[T], most: usize) -> Result<(), Rejection> {
    if list.is_empty() {
        return Err(Rejection::ListEmpty);
    }
    if list.len() > most {
        return Err(Rejection::ListTooLong { most: u32::try_from(most).expect("bounds of lists are small") });
    }
    Ok(())
}

/// A list without repetition, in ascending order.
pub(crate) fn ascending<T: Ord>(list: &[T]) -> Result<(), Rejection> {
    match list.windows(2).position(|pair| pair[0] >= pair[1]) {
        None => Ok(()),
        Some(before) => Err(Rejection::ListNotAscending { item: item(before + 1) }),
    }
}

/// The rule on every item of a list; the first item that breaks it is named.
pub(crate) fn every<T>(
    list: &[T],
    holds: impl Fn(&T) -> bool,
    otherwise: impl FnOnce(u32) -> Rejection,
) -> Result<(), Rejection> {
    match list.iter().position(|entry| !holds(entry)) {
        None => Ok(()),
        Some(index) => Err(otherwise(item(index))),
    }
}

/// Index of a list's item, as rejections name it.
pub(crate) fn item(index: usize) -> u32 {
    u32::try_from(index).expect("a transaction of 64 KB has fewer items")
}

/// The money equation of every year that the draft touched (DESIGN section 3).
///
/// # Panics
/// When money is not conserved: no node may go on after it.
pub(crate) fn assert_balanced(draft: &Draft) {
    for record in draft.changed_years() {
        for source in Source::ALL {
            assert!(
                record.totals(source).balances(),
                "money of {source:?} is not conserved: {:?}",
                record.totals(source)
            );
        }
    }
}
