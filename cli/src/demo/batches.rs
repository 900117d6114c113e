//! The year in batches: what may be sent at once, because nothing in a batch depends on another part of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::programme::{
    Action, Actor, Deed, LegalCode, OrderCode, Programme, ProviderCode, PupilChange, RegisterCode, SessionCode,
    StatementCode, UtcInstant,
};

/// Longest stretch of the year that one batch covers, in seconds: well within the files' distance from any deadline.
const LONGEST_SECONDS: i64 = 2 * 60 * 60;
/// Most events of a batch; bounds what is under way at once.
const MOST_EVENTS: usize = 256;

/// Something that happens in the year.
#[derive(Clone, Copy)]
pub(super) enum Event<'p> {
    /// An action of the calendar.
    Action(&'p Action),
    /// A change in the register.
    Register(&'p PupilChange),
}

impl Event<'_> {
    /// When.
    pub(super) fn at(&self) -> UtcInstant {
        match self {
            Self::Action(action) => action.at,
            Self::Register(change) => change.at,
        }
    }
}

/// What two events may both touch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Touched {
    Order(OrderCode),
    Pupil(RegisterCode),
    Session(SessionCode),
    Purse(LegalCode),
    Statement(StatementCode),
    Billing(ProviderCode),
    Everything,
}

/// All events by time; what the register learns comes before what is done at the same instant.
pub(super) fn events(programme: &Programme) -> Vec<Event<'_>> {
    let changes = programme.pupil_changes.iter().map(Event::Register);
    let mut events: Vec<Event> = changes.chain(programme.calendar.iter().map(Event::Action)).collect();
    events.sort_by_key(Event::at);
    events
}

/// Cuts the events into batches.
pub(super) fn batches(programme: &Programme, events: &[Event]) -> Vec<Range<usize>> {
    let footprints = footprints(programme);
    let mut batches = Vec::new();
    let mut start = 0;
    let mut taken: BTreeSet<Touched> = BTreeSet::new();
    for (index, event) in events.iter().enumerate() {
        let touched = touched(event, &footprints);
        let alone = touched.contains(&Touched::Everything) || taken.contains(&Touched::Everything);
        let long = event.at().seconds() - events[start].at().seconds() > LONGEST_SECONDS;
        let clash = touched.iter().any(|one| taken.contains(one));
        if index > start && (alone || long || clash || index - start >= MOST_EVENTS) {
            batches.push(start..index);
            start = index;
            taken.clear();
        }
        taken.extend(touched);
    }
    if start < events.len() {
        batches.push(start..events.len());
    }
    batches
}

/// Everybody and every session that an order has to do with over its whole life.
fn footprints(programme: &Programme) -> BTreeMap<OrderCode, BTreeSet<Touched>> {
    let mut footprints: BTreeMap<OrderCode, BTreeSet<Touched>> = BTreeMap::new();
    for action in &programme.calendar {
        let Some(order) = action.deed.order() else { continue };
        let footprint = footprints.entry(order).or_default();
        footprint.extend(action.deed.pupils().into_iter().map(Touched::Pupil));
        footprint.extend(action.deed.session().map(Touched::Session));
        if let (Deed::Request { school_cents: 1.., .. }, Actor::School(school)) = (&action.deed, action.actor) {
            footprint.insert(Touched::Purse(school));
        }
    }
    footprints
}

fn touched(event: &Event, footprints: &BTreeMap<OrderCode, BTreeSet<Touched>>) -> BTreeSet<Touched> {
    let action = match event {
        Event::Register(change) => return BTreeSet::from([Touched::Pupil(change.register_code)]),
        Event::Action(action) => action,
    };
    if let Some(order) = action.deed.order() {
        let footprint = footprints.get(&order).into_iter().flatten().copied();
        return footprint.chain([Touched::Order(order)]).collect();
    }
    if let Deed::RecordSchoolMoney { school, .. } = &action.deed {
        return BTreeSet::from([Touched::Purse(*school)]);
    }
    if let Deed::IssueStatement { statement, provider, orders, .. } = &action.deed {
        let orders = orders.iter().map(|order| Touched::Order(*order));
        return orders.chain([Touched::Statement(*statement), Touched::Billing(*provider)]).collect();
    }
    if let Deed::AcceptStatement { statement } | Deed::ContestStatement { statement } = &action.deed {
        return BTreeSet::from([Touched::Statement(*statement)]);
    }
    BTreeSet::from([Touched::Everything])
}
