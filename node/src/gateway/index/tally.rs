//! Orders of a year, counted as blocks come.

use std::collections::BTreeMap;

use keis_ledger::ids::{OrderId, SchoolId, ServiceId};
use keis_ledger::record::{Order, OrderState};
use keis_ledger::time::{Calendar, Timestamp};

/// A month of the local calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::gateway) struct Month {
    year: u32,
    month: u32,
}

/// How many orders there are of each kind. What belongs to a service or a school is looked up when it is told, so that every node
/// tells the same, whenever it began to count.
#[derive(Default)]
pub(in crate::gateway) struct Tally {
    orders: BTreeMap<OrderId, Place>,
    pub(in crate::gateway) states: BTreeMap<OrderState, u64>,
    pub(in crate::gateway) schools: BTreeMap<SchoolId, u64>,
    pub(in crate::gateway) services: BTreeMap<ServiceId, u64>,
    pub(in crate::gateway) months: BTreeMap<Month, u64>,
}

/// Where an order is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    state: OrderState,
    school: SchoolId,
    service: ServiceId,
    month: Month,
}

impl Tally {
    /// Counts an order as it stands now, and no longer as it stood.
    pub(super) fn put(&mut self, id: OrderId, order: &Order, calendar: &Calendar) {
        let month = Month::of(calendar, order.start);
        let now = Place { state: order.state, school: order.school, service: order.service, month };
        if let Some(before) = self.orders.insert(id, now) {
            less(&mut self.states, before.state);
            less(&mut self.schools, before.school);
            less(&mut self.services, before.service);
            less(&mut self.months, before.month);
        }
        *self.states.entry(now.state).or_default() += 1;
        *self.schools.entry(now.school).or_default() += 1;
        *self.services.entry(now.service).or_default() += 1;
        *self.months.entry(now.month).or_default() += 1;
    }
}

fn less<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl Month {
    /// The month of an instant, by the year's calendar.
    fn of(calendar: &Calendar, at: Timestamp) -> Self {
        let mut days = calendar.day(at).0;
        let mut year = 1970;
        while days >= length_of_year(year) {
            days -= length_of_year(year);
            year += 1;
        }
        let february = length_of_year(year) - 337;
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 1;
        for length in lengths {
            if days < length {
                break;
            }
            days -= length;
            month += 1;
        }
        Self { year, month }
    }
}

fn length_of_year(year: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}
