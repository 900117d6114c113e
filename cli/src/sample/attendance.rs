//! Delivery, attendance and its amendment.

use rand::Rng;
use rand::seq::SliceRandom;

use crate::programme::{Actor, Awaited, Deed};

use super::mirror::Stage;
use super::schedule::Event;
use super::story::Story;
use super::year::Year;

impl Year {
    pub(super) fn report(&mut self, order: usize) {
        let story = self.orders[order].story;
        let absent = if story == Story::Absences {
            self.rng.random_range(1..=3)
        } else {
            usize::from(self.rng.random_bool(0.1))
        };
        self.orders[order].absent = self.choose_present(order, absent);
        let codes = self.codes_of(self.orders[order].absent.iter().copied());
        let deed = Deed::ReportDelivery { order: self.orders[order].code, absent: codes };
        self.act(self.provider_actor(self.provider_of(order)), deed);
        self.orders[order].stage = Stage::Delivered;
        let (at, event) = if story == Story::Automatic {
            let days = self.parameters.rules.attendance_working_days;
            let deadline = self.parameters.after_working_days(self.now, days);
            (deadline.plus_seconds(3_600), Event::AutomaticAttendance(order))
        } else {
            (self.later(1..=2), Event::ConfirmAttendance(order))
        };
        self.schedule.add(at, event);
    }

    /// So many pupils who were there, as long as a group is left.
    fn choose_present(&mut self, order: usize, count: usize) -> Vec<u32> {
        if !self.can_spare(order, count + self.orders[order].absent.len()) {
            return Vec::new();
        }
        let mirrored = &self.orders[order];
        let mut present: Vec<u32> =
            mirrored.lines.iter().map(|line| line.pupil).filter(|pupil| !mirrored.absent.contains(pupil)).collect();
        let (chosen, _) = present.partial_shuffle(&mut self.rng, count);
        chosen.to_vec()
    }

    pub(super) fn confirm_attendance(&mut self, order: usize) {
        let mut added = Vec::new();
        if self.orders[order].story == Story::AddedAtConfirmation {
            for _ in 0..self.rng.random_range(1..=2) {
                if self.has_room(order)
                    && let Some(newcomer) = self.choose_newcomer(order)
                {
                    self.book_newcomer(order, newcomer);
                    added.push(newcomer);
                }
            }
        }
        let deed = Deed::ConfirmAttendance {
            order: self.orders[order].code,
            absent: self.codes_of(self.orders[order].absent.iter().copied()),
            added: self.codes_of(added),
        };
        self.act(self.school_actor(self.orders[order].school), deed);
        self.attend(order);
        if self.orders[order].story == Story::Amended {
            let at = self.later(1..=1);
            self.schedule.add(at, Event::ProposeAmendment(order));
        }
    }

    pub(super) fn attend_automatically(&mut self, order: usize) {
        let deed = Deed::Nothing { order: self.orders[order].code, awaited: Awaited::AutomaticAttendance };
        self.act(Actor::Clock, deed);
        self.orders[order].automatic = true;
        self.attend(order);
    }

    fn attend(&mut self, order: usize) {
        let session = self.orders[order].session;
        let price_cents = self.services[self.sessions[session].service].record.price_cents;
        let absence_cents = self.share_of_price(order, self.parameters.rules.absence_share_bp);
        let absent = self.orders[order].absent.clone();
        self.close_lines(order, |pupil| if absent.contains(&pupil) { absence_cents } else { price_cents });
        self.orders[order].stage = Stage::Attended;
        self.accrue(order);
    }

    pub(super) fn propose_amendment(&mut self, order: usize) {
        // Who has left since has no wallet to which the money could return.
        let chosen = self.choose_present(order, 1);
        if chosen.is_empty() || chosen.iter().any(|pupil| !self.mirror.pupils[*pupil as usize].enrolled) {
            return;
        }
        // What is amended is stated with the month in which it was attended.
        let at = self.later(1..=1);
        if self.parameters.local_day(at).month() != self.parameters.local_day(self.now).month() {
            return;
        }
        let absent = self.codes_of(self.orders[order].absent.iter().chain(&chosen).copied());
        self.orders[order].pending = chosen;
        let [proposer, _] = self.sides(order);
        self.act(proposer, Deed::ProposeAmendment { order: self.orders[order].code, absent });
        self.schedule.add(at, Event::AcceptAmendment(order));
    }

    pub(super) fn accept_amendment(&mut self, order: usize) {
        let [_, accepter] = self.sides(order);
        self.act(accepter, Deed::AcceptAmendment { order: self.orders[order].code });
        let absence_cents = self.share_of_price(order, self.parameters.rules.absence_share_bp);
        let mirrored = &mut self.orders[order];
        for pupil in std::mem::take(&mut mirrored.pending) {
            let line = mirrored.lines.iter_mut().find(|line| line.pupil == pupil).expect("chosen from the lines");
            self.mirror.charge(line, mirrored.school, absence_cents);
            mirrored.absent.push(pupil);
        }
    }
}
