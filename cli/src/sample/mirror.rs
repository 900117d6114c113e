//! The mirror: what each pupil and school has left, where each pupil is on which day, who sits in which session.
//!
//! Cautious where rules could be read in two ways: a seat or a day once taken is not given out again in the sample, even
//! after a release. Money is exact: it returns when the ledger must return it.

use crate::programme::{Day, OrderCode};

use super::story::Story;

/// A pupil during the year.
pub(super) struct PupilMirror {
    pub(super) school: usize,
    pub(super) class: usize,
    pub(super) enrolled: bool,
    pub(super) balance_cents: u32,
    pub(super) open_lines: u16,
    /// Days on which the pupil is booked.
    pub(super) busy: Vec<Day>,
}

impl PupilMirror {
    /// A pupil with a fresh wallet.
    pub(super) fn enrolled(school: usize, class: usize, balance_cents: u32) -> Self {
        Self { school, class, enrolled: true, balance_cents, open_lines: 0, busy: Vec::new() }
    }
}

/// A pupil's place on an order, with the money that it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub(super) pupil: u32,
    /// Taken from the pupil's wallet at booking.
    state_cents: u32,
    /// Taken from the school's own money at booking.
    school_cents: u32,
    /// What it costs in the end; all of it until something is released.
    charge_cents: u32,
}

impl Line {
    fn booked_cents(&self) -> u32 {
        self.state_cents + self.school_cents
    }

    /// What the line costs the state and the school: a release restores the school first.
    pub(super) fn captured(&self) -> (u32, u32) {
        let released = self.booked_cents() - self.charge_cents;
        let to_school = released.min(self.school_cents);
        (self.state_cents - (released - to_school), self.school_cents - to_school)
    }
}

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Proposed,
    Requested,
    Confirmed,
    Delivered,
    Attended,
    Settled,
    Declined,
    Lapsed,
    CancelledFree,
    CancelledLate,
    CancelledByProvider,
}

/// An order during the year.
pub(super) struct OrderMirror {
    pub(super) code: OrderCode,
    pub(super) story: Story,
    pub(super) school: usize,
    pub(super) session: usize,
    pub(super) stage: Stage,
    pub(super) automatic: bool,
    pub(super) requested_pupils: usize,
    pub(super) lines: Vec<Line>,
    /// Lines dropped after the limit: gone, but charged.
    pub(super) dropped_late: Vec<Line>,
    pub(super) absent: Vec<u32>,
    /// Lines of an amendment or change that waits for the other side.
    pub(super) pending: Vec<u32>,
    /// Statements that must be accepted before the order is settled.
    pub(super) open_statements: u8,
}

impl OrderMirror {
    /// What the order costs the state and the school.
    pub(super) fn captured(&self) -> (u32, u32) {
        self.lines
            .iter()
            .chain(&self.dropped_late)
            .map(Line::captured)
            .fold((0, 0), |(state, school), line| (state + line.0, school + line.1))
    }
}

/// Share of a price in basis points, half up to the cent.
pub(super) fn share(price_cents: u32, basis_points: u16) -> u32 {
    let exact = u64::from(price_cents) * u64::from(basis_points);
    u32::try_from((exact + 5_000) / 10_000).expect("a share is at most the price")
}

/// The money of pupils and schools.
pub(super) struct Mirror {
    pub(super) pupils: Vec<PupilMirror>,
    pub(super) school_cents: Vec<u32>,
}

impl Mirror {
    /// Whether the pupil can be booked on this day, money apart.
    pub(super) fn is_free(&self, pupil: u32, day: Day) -> bool {
        let pupil = &self.pupils[pupil as usize];
        pupil.enrolled && !pupil.busy.contains(&day)
    }

    /// Takes the price: the pupil's money first, then the school's.
    pub(super) fn book(&mut self, pupil: u32, school: usize, price_cents: u32, day: Day) -> Line {
        let mirrored = &mut self.pupils[pupil as usize];
        let state_cents = price_cents.min(mirrored.balance_cents);
        let school_cents = price_cents - state_cents;
        mirrored.balance_cents -= state_cents;
        mirrored.open_lines += 1;
        mirrored.busy.push(day);
        self.school_cents[school] = self.school_cents[school]
            .checked_sub(school_cents)
            .expect("the school's money was recorded before the booking");
        Line { pupil, state_cents, school_cents, charge_cents: price_cents }
    }

    /// Sets what the line costs; the rest returns to where it came from.
    pub(super) fn charge(&mut self, line: &mut Line, school: usize, charge_cents: u32) {
        assert!(charge_cents <= line.charge_cents, "a charge only ever goes down");
        let before = line.captured();
        line.charge_cents = charge_cents;
        let after = line.captured();
        self.pupils[line.pupil as usize].balance_cents += before.0 - after.0;
        self.school_cents[school] += before.1 - after.1;
    }

    /// The line binds the pupil no longer.
    pub(super) fn close(&mut self, line: &Line) {
        let pupil = &mut self.pupils[line.pupil as usize];
        pupil.open_lines = pupil.open_lines.checked_sub(1).expect("a line is closed once");
    }
}
