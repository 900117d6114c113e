//! Changes of an order between its confirmation and its start.

use rand::Rng;

use crate::programme::{Actor, Change, Deed};

use super::choice::Wish;
use super::schedule::Event;
use super::story::Story;
use super::year::Year;

impl Year {
    /// Who asks for a change: sometimes the school, sometimes the provider.
    pub(super) fn sides(&self, order: usize) -> [Actor; 2] {
        let school = self.school_actor(self.orders[order].school);
        let provider = self.provider_actor(self.provider_of(order));
        if order.is_multiple_of(2) { [school, provider] } else { [provider, school] }
    }

    pub(super) fn propose_change(&mut self, order: usize) {
        if self.now.plus_days(16) > self.sessions[self.orders[order].session].record.start {
            return self.plan_report(order);
        }
        let proposed = if self.orders[order].story == Story::PupilsChanged {
            self.propose_pupils(order)
        } else {
            self.propose_session(order)
        };
        let Some(change) = proposed else {
            return self.plan_report(order);
        };
        let [proposer, _] = self.sides(order);
        self.act(proposer, Deed::ProposeChange { order: self.orders[order].code, change });
        let at = self.later(1..=2);
        self.schedule.add(at, Event::AnswerChange(order));
    }

    /// Another day on which all pupils are free.
    fn propose_session(&mut self, order: usize) -> Option<Change> {
        let wish = Wish { lead_days: 25..=70, ..Wish::default() };
        let mirrored = &self.orders[order];
        let (service, seats) = (self.sessions[mirrored.session].service, mirrored.lines.len());
        let pupils: Vec<u32> = mirrored.lines.iter().map(|line| line.pupil).collect();
        let offered = &self.services[service].record;
        let (valid, capacity) = (offered.valid_from..=offered.valid_until, offered.max_group);
        let day = (0..40).find_map(|_| {
            let day = self.candidate_day(&wish)?;
            let free = pupils.iter().all(|pupil| !self.mirror.pupils[*pupil as usize].busy.contains(&day));
            (free && valid.contains(&day)).then_some(day)
        })?;
        let session = self.open_session(service, day, capacity);
        self.sessions[session].seats_taken += seats;
        for pupil in pupils {
            self.mirror.pupils[pupil as usize].busy.push(day);
        }
        self.orders[order].pending = vec![u32::try_from(session).expect("six digits")];
        Some(Change::Session(self.sessions[session].record.session_code))
    }

    /// One pupil comes, another does not.
    fn propose_pupils(&mut self, order: usize) -> Option<Change> {
        if !self.has_room(order) {
            return None;
        }
        let newcomer = self.choose_newcomer(order)?;
        let leaver = self.orders[order].lines[0].pupil;
        self.orders[order].pending = vec![newcomer, leaver];
        Some(Change::Pupils { add: self.codes_of([newcomer]), drop: self.codes_of([leaver]) })
    }

    pub(super) fn answer_change(&mut self, order: usize) {
        let [_, answerer] = self.sides(order);
        let code = self.orders[order].code;
        let pending = std::mem::take(&mut self.orders[order].pending);
        let accepted = match pending.as_slice() {
            [newcomer, leaver] => self.change_pupils(order, *newcomer, *leaver),
            [session] if self.orders[order].story == Story::TimeChanged => {
                self.orders[order].session = *session as usize;
                true
            }
            _ => false,
        };
        let deed = if accepted { Deed::AcceptChange { order: code } } else { Deed::RefuseChange { order: code } };
        self.act(answerer, deed);
        self.plan_report(order);
    }

    /// Changes the pupils unless the newcomer has spent the money or moved meanwhile.
    fn change_pupils(&mut self, order: usize, newcomer: u32, leaver: u32) -> bool {
        let session = self.orders[order].session;
        let price_cents = self.services[self.sessions[session].service].record.price_cents;
        let pupil = &self.mirror.pupils[newcomer as usize];
        let fits = pupil.school == self.orders[order].school
            && pupil.balance_cents >= price_cents
            && self.mirror.is_free(newcomer, self.session_day(session));
        let at = self.orders[order].lines.iter().position(|line| line.pupil == leaver);
        let Some(at) = at.filter(|_| fits && self.is_free_of_charge(order)) else {
            return false;
        };
        self.release_line(order, at);
        self.book_newcomer(order, newcomer);
        true
    }

    pub(super) fn swap(&mut self, order: usize) {
        if self.has_room(order)
            && let Some(newcomer) = self.choose_newcomer(order)
        {
            let at = self.rng.random_range(0..self.orders[order].lines.len());
            let leaver = self.release_line(order, at);
            self.book_newcomer(order, newcomer);
            let codes = self.codes_of([leaver, newcomer]);
            let deed = Deed::Swap { order: self.orders[order].code, from: codes[0], to: codes[1] };
            self.act(self.school_actor(self.orders[order].school), deed);
        }
        self.plan_report(order);
    }

    pub(super) fn drop_pupils(&mut self, order: usize) {
        if self.can_spare(order, 2) {
            let count = self.rng.random_range(1..=2);
            let late_cents = self.share_of_price(order, self.parameters.rules.late_share_bp);
            let free = self.is_free_of_charge(order);
            let mut dropped = Vec::new();
            for _ in 0..count {
                let mirrored = &mut self.orders[order];
                let at = self.rng.random_range(0..mirrored.lines.len());
                if free {
                    dropped.push(self.release_line(order, at));
                } else {
                    let mut line = mirrored.lines.remove(at);
                    self.mirror.charge(&mut line, mirrored.school, late_cents);
                    self.mirror.close(&line);
                    dropped.push(line.pupil);
                    mirrored.dropped_late.push(line);
                }
            }
            let deed = Deed::Drop { order: self.orders[order].code, pupils: self.codes_of(dropped) };
            self.act(self.school_actor(self.orders[order].school), deed);
        }
        self.plan_report(order);
    }
}
