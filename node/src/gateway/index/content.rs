//! What the index holds: ids, nothing that the state says too.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use keis_ledger::chain::{Height, ValidatorSet};
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::{Hash, PublicKey};
use keis_ledger::ids::{
    Commitment, DecisionId, Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId,
};
use keis_ledger::operation::{Buyer, Measure, Party, ServiceTerms};
use keis_ledger::record::{Decision, Network, Order, Sealed, Service, Statement, YearRecord};
use keis_ledger::state::State;

use super::decided::Decided;
use super::facts::Fact;
use super::tally::Tally;
use crate::gateway::books::{Journal, Taxation};

/// What is on the ledger, by id.
#[derive(Default)]
pub(in crate::gateway) struct Content {
    /// How far it reaches.
    pub(in crate::gateway) height: Height,
    /// Every service as it is now.
    pub(in crate::gateway) services: BTreeMap<ServiceId, Service>,
    /// Sessions of each service and year.
    pub(in crate::gateway) sessions: BTreeMap<(ServiceId, Year), BTreeSet<SessionId>>,
    /// Every key ever bound to a party.
    keys: BTreeMap<Party, BTreeSet<PublicKey>>,
    /// Decisions of governance.
    pub(in crate::gateway) decided: Decided,
    /// How every version of a service is taxed.
    pub(in crate::gateway) taxation: Taxation,
    /// What every version of a service offers, the first one first.
    versions: BTreeMap<ServiceId, Vec<ServiceTerms>>,
    /// In whose place a party stands.
    predecessors: BTreeMap<Party, BTreeSet<Party>>,
    years: BTreeMap<Year, Programme>,
    /// Heights after which other validators decide, and the hash of those.
    handovers: BTreeMap<Height, Hash>,
    /// Sets of validators by their hash.
    validators: BTreeMap<Hash, ValidatorSet>,
}

/// What belongs to one year.
#[derive(Default)]
struct Programme {
    pupils: BTreeMap<PupilId, Enrolled>,
    classes: BTreeMap<SchoolId, BTreeSet<PupilId>>,
    /// Every order, with where its receipts stand.
    orders: BTreeMap<OrderId, Vec<(Height, u32)>>,
    school_orders: BTreeMap<SchoolId, BTreeSet<OrderId>>,
    provider_orders: BTreeMap<ProviderId, BTreeSet<OrderId>>,
    provider_sessions: BTreeMap<ProviderId, BTreeSet<SessionId>>,
    school_statements: BTreeMap<SchoolId, BTreeSet<StatementId>>,
    provider_statements: BTreeMap<ProviderId, BTreeSet<StatementId>>,
    statements: BTreeSet<StatementId>,
    /// Who ever had a statement of a provider.
    buyers: BTreeMap<ProviderId, BTreeSet<Buyer>>,
    repayments: BTreeMap<ProviderId, BTreeSet<Commitment>>,
    /// What receipts say of settled money.
    journal: Journal,
    /// How many orders there are.
    tally: Tally,
}

/// Where a pupil is, and the token of its wallet.
#[derive(Debug, Clone, Copy)]
struct Enrolled {
    school: SchoolId,
    nullifier: Nullifier,
}

/// Ids in their order; none where nothing is known.
type Ids<'a, T> = std::iter::Flatten<std::option::IntoIter<&'a BTreeSet<T>>>;

fn of<K: Ord, T>(sets: Option<&BTreeMap<K, BTreeSet<T>>>, key: K) -> Ids<'_, T> {
    sets.and_then(|sets| sets.get(&key)).into_iter().flatten()
}

impl Content {
    /// Orders of a year.
    pub(in crate::gateway) fn orders(&self, year: Year) -> impl Iterator<Item = &OrderId> {
        self.years.get(&year).into_iter().flat_map(|year| year.orders.keys())
    }

    /// How many orders a year has; nothing where it has none.
    pub(in crate::gateway) fn tally(&self, year: Year) -> Option<&Tally> {
        self.years.get(&year).map(|year| &year.tally)
    }

    /// Orders of a school.
    pub(in crate::gateway) fn school_orders(&self, year: Year, school: SchoolId) -> Ids<'_, OrderId> {
        of(self.years.get(&year).map(|year| &year.school_orders), school)
    }

    /// Orders of a provider.
    pub(in crate::gateway) fn provider_orders(&self, year: Year, provider: ProviderId) -> Ids<'_, OrderId> {
        of(self.years.get(&year).map(|year| &year.provider_orders), provider)
    }

    /// Sessions of a provider.
    pub(in crate::gateway) fn provider_sessions(&self, year: Year, provider: ProviderId) -> Ids<'_, SessionId> {
        of(self.years.get(&year).map(|year| &year.provider_sessions), provider)
    }

    /// Statements that a school pays.
    pub(in crate::gateway) fn school_statements(&self, year: Year, school: SchoolId) -> Ids<'_, StatementId> {
        of(self.years.get(&year).map(|year| &year.school_statements), school)
    }

    /// Statements of a provider.
    pub(in crate::gateway) fn provider_statements(&self, year: Year, provider: ProviderId) -> Ids<'_, StatementId> {
        of(self.years.get(&year).map(|year| &year.provider_statements), provider)
    }

    /// Every statement of a year.
    pub(in crate::gateway) fn statements(&self, year: Year) -> impl Iterator<Item = &StatementId> {
        self.years.get(&year).into_iter().flat_map(|year| &year.statements)
    }

    /// Who ever had a statement of a provider: the only ones whom it can owe.
    pub(in crate::gateway) fn buyers(&self, year: Year, provider: ProviderId) -> Ids<'_, Buyer> {
        of(self.years.get(&year).map(|year| &year.buyers), provider)
    }

    /// Bank references of what a provider paid back.
    pub(in crate::gateway) fn repayments(&self, year: Year, provider: ProviderId) -> Ids<'_, Commitment> {
        of(self.years.get(&year).map(|year| &year.repayments), provider)
    }

    /// What a version of a service, counted from 1, offers: orders are of the version that they were placed for.
    pub(in crate::gateway) fn version(&self, service: ServiceId, version: u32) -> Option<&ServiceTerms> {
        self.versions.get(&service)?.get(usize::try_from(version).ok()?.checked_sub(1)?)
    }

    /// What receipts say of a year's settled money.
    pub(in crate::gateway) fn journal(&self, year: Year) -> Option<&Journal> {
        self.years.get(&year).map(|year| &year.journal)
    }

    /// Parties in whose place a party was put.
    pub(in crate::gateway) fn predecessors(&self, party: Party) -> Ids<'_, Party> {
        of(Some(&self.predecessors), party)
    }

    /// Pupils enrolled at a school.
    pub(in crate::gateway) fn school_pupils(&self, year: Year, school: SchoolId) -> Ids<'_, PupilId> {
        of(self.years.get(&year).map(|year| &year.classes), school)
    }

    /// Every pupil of a year after `cursor`.
    pub(in crate::gateway) fn pupils(&self, year: Year, cursor: Option<PupilId>) -> impl Iterator<Item = &PupilId> {
        let from = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        self.years
            .get(&year)
            .into_iter()
            .flat_map(move |year| year.pupils.range((from, Bound::Unbounded)).map(|(id, _)| id))
    }

    /// A pupil's token of the year.
    pub(in crate::gateway) fn nullifier(&self, year: Year, pupil: PupilId) -> Option<Nullifier> {
        self.years.get(&year)?.pupils.get(&pupil).map(|enrolled| enrolled.nullifier)
    }

    /// Keys ever bound to a party.
    pub(in crate::gateway) fn keys(&self, party: Party) -> Ids<'_, PublicKey> {
        of(Some(&self.keys), party)
    }

    /// Where the receipts of an order stand, in their order.
    pub(in crate::gateway) fn history(&self, year: Year, order: OrderId) -> &[(Height, u32)] {
        self.years.get(&year).and_then(|year| year.orders.get(&order)).map_or(&[], Vec::as_slice)
    }

    /// Heights in this range after which other validators decide, with those where they are known.
    pub(in crate::gateway) fn handovers(
        &self,
        from: Height,
        until: Height,
    ) -> impl Iterator<Item = (Height, Option<ValidatorSet>)> {
        let known =
            self.handovers.iter().skip_while(move |(at, _)| **at < from).take_while(move |(at, _)| **at <= until);
        known.map(|(at, next)| (*at, self.validators.get(next).cloned()))
    }

    /// Takes in what blocks up to `height` say; `state` is of that height or later.
    pub(super) fn take(&mut self, facts: Vec<Fact>, height: Height, state: &State) {
        for fact in facts {
            // What a sealed year held can no longer be read, so it is not kept either.
            if fact.year().is_none_or(|year| state.get::<Sealed>(year).is_none()) {
                self.add(fact, state);
            }
        }
        if let Some(network) = state.get::<Network>(()) {
            self.validators.entry(network.validators.hash()).or_insert_with(|| network.validators.clone());
        }
        self.height = height;
    }

    fn add(&mut self, fact: Fact, state: &State) {
        match fact {
            Fact::Service(id) => {
                if let Some(service) = state.get::<Service>(id) {
                    self.services.insert(id, service.clone());
                }
            }
            Fact::Session { year, session, service, provider } => {
                self.sessions.entry((service, year)).or_default().insert(session);
                self.year(year).provider_sessions.entry(provider).or_default().insert(session);
            }
            Fact::Order { year, order, school, provider, at } => {
                let key = year;
                let year = self.year(year);
                let history = year.orders.entry(order).or_default();
                if history.is_empty() {
                    year.school_orders.entry(school).or_default().insert(order);
                    year.provider_orders.entry(provider).or_default().insert(order);
                }
                history.push(at);
                year.count(key, &[order], state);
            }
            Fact::Statement { year, statement, school, provider, at } => {
                // A receipt names the statement alone; its record keeps which orders it is about.
                let orders = state.get::<Statement>((year, statement)).map(|record| record.orders.as_slice());
                let (key, year, orders) = (year, self.year(year), orders.unwrap_or_default());
                year.statement(statement, school, provider, orders, at);
                year.count(key, orders, state);
            }
            Fact::Pupil { year, pupil, school, nullifier } => {
                let year = self.year(year);
                year.pupils.insert(pupil, Enrolled { school, nullifier });
                year.classes.entry(school).or_default().insert(pupil);
            }
            Fact::Moved { year, pupil, school } => self.year(year).move_pupil(pupil, school),
            Fact::Repayment { year, provider, reference } => {
                self.year(year).repayments.entry(provider).or_default().insert(reference);
            }
            Fact::Version { service, terms } => {
                self.taxation.add(service, terms.vat);
                self.versions.entry(service).or_default().push(terms);
            }
            Fact::Posting(posting) => self.year(posting.year()).journal.take(&posting, state),
            Fact::Decision { decision, at } => {
                self.decided.add(decision, at);
                self.proposed_set(decision, state);
            }
            Fact::Succession { decision } => self.succession(decision, state),
            Fact::Sealed(year) => self.forget(year),
            Fact::Key { party, key } => {
                self.keys.entry(party).or_default().insert(key);
            }
            Fact::Handover { at, next } => {
                self.handovers.insert(at, next);
            }
        }
    }

    /// A set that is no longer the tip's is found in the decision that brought it: records of decisions are kept.
    fn proposed_set(&mut self, decision: DecisionId, state: &State) {
        if let Some(Decision { measure: Measure::SetValidators { validators, .. }, .. }) = state.get(decision)
            && let Ok(set) = ValidatorSet::new(validators.clone())
        {
            self.validators.insert(set.hash(), set);
        }
    }

    /// A receipt names the decision; its record keeps who takes whose place.
    fn succession(&mut self, decision: DecisionId, state: &State) {
        if let Some(Decision { measure: Measure::Succeed { from, to, .. }, .. }) = state.get(decision) {
            self.predecessors.entry(*to).or_default().insert(*from);
        }
    }

    /// Lets go of all that a sealed year held.
    fn forget(&mut self, year: Year) {
        self.years.remove(&year);
        self.sessions.retain(|(_, of), _| *of != year);
        self.keys.retain(|party, _| !matches!(party, Party::Pupil(of, _) if *of == year));
    }

    fn year(&mut self, year: Year) -> &mut Programme {
        self.years.entry(year).or_default()
    }
}

impl Programme {
    /// Counts orders as they stand now.
    fn count(&mut self, year: Year, orders: &[OrderId], state: &State) {
        let Some(YearRecord { parameters, .. }) = state.get(year) else { return };
        for id in orders {
            if let Some(order) = state.get::<Order>((year, *id)) {
                self.tally.put(*id, order, &parameters.calendar);
            }
        }
    }

    fn statement(
        &mut self,
        statement: StatementId,
        school: Option<SchoolId>,
        provider: ProviderId,
        orders: &[OrderId],
        at: (Height, u32),
    ) {
        self.statements.insert(statement);
        self.buyers.entry(provider).or_default().insert(school.map_or(Buyer::Programme, Buyer::School));
        self.provider_statements.entry(provider).or_default().insert(statement);
        if let Some(school) = school {
            self.school_statements.entry(school).or_default().insert(statement);
        }
        for order in orders {
            self.orders.entry(*order).or_default().push(at);
        }
    }

    fn move_pupil(&mut self, pupil: PupilId, school: SchoolId) {
        let Some(enrolled) = self.pupils.get_mut(&pupil) else { return };
        let before = std::mem::replace(&mut enrolled.school, school);
        if let Some(class) = self.classes.get_mut(&before) {
            class.remove(&pupil);
        }
        self.classes.entry(school).or_default().insert(pupil);
    }
}
