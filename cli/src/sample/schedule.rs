//! What is still to come in the year, by time.

use std::collections::BTreeMap;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::programme::{Day, Month, Parameters, UtcInstant};

use super::story::Story;

/// Something that is due. Orders and statements by position.
#[derive(Debug, Clone, Copy)]
pub(super) enum Event {
    Begin { story: Story, attempt: u8 },
    JoinSession { session: usize, other_school: usize, attempt: u8 },
    Request(usize),
    Answer(usize),
    Lapse(usize),
    AnswerTooLate(usize),
    Withdraw(usize),
    ProposeChange(usize),
    AnswerChange(usize),
    Swap(usize),
    Drop(usize),
    Cancel(usize),
    FillAgain(usize),
    Report(usize),
    ConfirmAttendance(usize),
    AutomaticAttendance(usize),
    ProposeAmendment(usize),
    AcceptAmendment(usize),
    IssueStatements(Month),
    AcceptStatement(usize),
    ContestStatement(usize),
    ReissueStatement(usize),
    EndYear,
}

/// The queue of events; those of one instant keep the order in which they were added.
#[derive(Default)]
pub(super) struct Schedule {
    due: BTreeMap<(UtcInstant, u64), Event>,
    added: u64,
}

impl Schedule {
    pub(super) fn add(&mut self, at: UtcInstant, event: Event) {
        self.due.insert((at, self.added), event);
        self.added += 1;
    }

    pub(super) fn next(&mut self) -> Option<(UtcInstant, Event)> {
        self.due.pop_first().map(|((at, _), event)| (at, event))
    }
}

/// A moment of office hours on this day.
pub(super) fn office_hours(parameters: &Parameters, day: Day, rng: &mut ChaCha8Rng) -> UtcInstant {
    let (hour, minute, second) = (rng.random_range(8..17), rng.random_range(0..60), rng.random_range(0..60));
    parameters.instant(day, hour, minute).plus_seconds(second)
}

/// Office hours of a working day, so many days from now or as soon after as somebody works.
pub(super) fn later(
    parameters: &Parameters,
    now: UtcInstant,
    days: std::ops::RangeInclusive<i64>,
    rng: &mut ChaCha8Rng,
) -> UtcInstant {
    let day = parameters.local_day(now).plus(rng.random_range(days));
    office_hours(parameters, parameters.working_day_from(day), rng)
}
