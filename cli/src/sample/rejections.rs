//! What the ledger must refuse: each with one cause only, so that the answer is certain.

use rand::Rng;

use crate::programme::{Deed, RejectionReason};

use super::choice::{Choice, Wish};
use super::mirror::Stage;
use super::story::Story;
use super::year::Year;

const TRIES: usize = 300;

impl Year {
    /// A request that must not become an order.
    fn request_in_vain(&mut self, choice: &Choice, session: usize, reason: RejectionReason) {
        let order = self.next_order_code();
        let deed = Deed::Request {
            order,
            session: self.sessions[session].record.session_code,
            pupils: self.codes_of(choice.pupils.iter().copied()),
            from_proposal: false,
            school_cents: 0,
        };
        self.act_in_vain(self.school_actor(choice.school), deed, reason);
    }

    /// A request that meets every rule but one, at a session of its own. Answers whether there was one to make.
    pub(super) fn refuse_chosen(&mut self, story: Story, reason: RejectionReason) -> bool {
        let Some(mut choice) = self.choose(&Wish::of(story)) else {
            return false;
        };
        if reason == RejectionReason::NotEnrolled {
            let Some(stranger) = self.stranger(&choice) else {
                return false;
            };
            *choice.pupils.last_mut().expect("a group has pupils") = stranger;
        }
        let capacity = self.services[choice.service].record.max_group;
        let session = self.open_session(choice.service, choice.day, capacity);
        self.request_in_vain(&choice, session, reason);
        true
    }

    /// A pupil of another school who could otherwise come along.
    fn stranger(&mut self, choice: &Choice) -> Option<u32> {
        let price_cents = self.services[choice.service].record.price_cents;
        (0..TRIES).find_map(|_| {
            let position = self.rng.random_range(0..self.mirror.pupils.len());
            let pupil = &self.mirror.pupils[position];
            let fits = pupil.school != choice.school
                && pupil.balance_cents >= price_cents
                && self.fits_grade(choice.service, pupil.class);
            let code = u32::try_from(position).expect("fewer pupils than u32 holds");
            (fits && self.mirror.is_free(code, choice.day)).then_some(code)
        })
    }

    /// The pupils of a standing order are asked to be elsewhere half an hour after its start.
    pub(super) fn refuse_clash(&mut self) -> bool {
        let Some(order) = self.standing_order(Stage::Confirmed, 14) else {
            return false;
        };
        let standing = &self.orders[order];
        let (school, session) = (standing.school, standing.session);
        let pupils: Vec<u32> = standing.lines.iter().map(|line| line.pupil).collect();
        let day = self.session_day(session);
        let all_here = |year: &Self| {
            pupils.iter().all(|pupil| {
                let pupil = &year.mirror.pupils[*pupil as usize];
                pupil.enrolled && pupil.school == school
            })
        };
        if !all_here(self) {
            return false;
        }
        let found = (0..TRIES).find_map(|_| {
            let service = self.rng.random_range(0..self.services.len());
            self.clashing_service_fits(service, school, &pupils, day).then_some(service)
        });
        let Some(service) = found else { return false };
        let start = self.sessions[session].record.start.plus_seconds(1_800);
        let capacity = self.services[service].record.max_group;
        let elsewhere = self.add_session(service, start, 7_200, capacity);
        let choice = Choice { school, classes: Vec::new(), pupils, service, day, session: None };
        self.request_in_vain(&choice, elsewhere, RejectionReason::Clash);
        true
    }

    fn clashing_service_fits(&self, service: usize, school: usize, pupils: &[u32], day: crate::programme::Day) -> bool {
        let offered = &self.services[service];
        let record = &offered.record;
        let group = usize::from(record.min_group)..=usize::from(record.max_group);
        let today = self.parameters.local_day(self.now);
        group.contains(&pupils.len())
            && record.valid_from <= today
            && (record.valid_from..=record.valid_until).contains(&day)
            && self.providers[offered.provider].controlling_code != Some(self.schools[school].school_code)
            && self.shortfall_cents(pupils, service) == 0
            && pupils.iter().all(|pupil| self.fits_grade(service, self.mirror.pupils[*pupil as usize].class))
    }

    /// An order at this stage whose session is so many days away.
    pub(super) fn standing_order(&mut self, stage: Stage, days_away: i64) -> Option<usize> {
        if self.orders.is_empty() {
            return None;
        }
        (0..TRIES).find_map(|_| {
            let position = self.rng.random_range(0..self.orders.len());
            let order = &self.orders[position];
            let start = self.sessions[order.session].record.start;
            // A request that nobody answers may lapse at any moment.
            let lapses = matches!(order.story, Story::Lapsed | Story::ConfirmedAfterLapse);
            (order.stage == stage && !lapses && start > self.now.plus_days(days_away)).then_some(position)
        })
    }

    /// A second school asks for seats in a session that the first has filled.
    pub(super) fn request_full_session(&mut self, order: usize) {
        let standing = &self.orders[order];
        let wish = Wish { session: Some(standing.session), respect_capacity: false, ..Wish::default() };
        if standing.stage != Stage::Confirmed {
            return;
        }
        if let Some(choice) = self.choose(&wish) {
            let session = choice.session.expect("the wish named it");
            self.request_in_vain(&choice, session, RejectionReason::SessionFull);
        }
    }

    /// A request for a session that was last week.
    pub(super) fn refuse_too_late(&mut self) -> bool {
        if self.sessions.is_empty() {
            return false;
        }
        for _ in 0..TRIES {
            let position = self.rng.random_range(0..self.sessions.len());
            let session = &self.sessions[position];
            let recently = session.record.end < self.now && session.record.start > self.now.plus_days(-40);
            if !recently {
                continue;
            }
            let wish = Wish { session: Some(position), ..Wish::default() };
            if let Some(choice) = self.choose(&wish) {
                self.request_in_vain(&choice, position, RejectionReason::TooLate);
                return true;
            }
        }
        false
    }

    /// Another provider confirms, or another school cancels.
    pub(super) fn refuse_wrong_actor(&mut self) -> bool {
        let confirms = self.rng.random_bool(0.5);
        let stage = if confirms { Stage::Requested } else { Stage::Confirmed };
        // Far enough away that the order stands whatever its story is.
        let Some(order) = self.standing_order(stage, 8) else {
            return false;
        };
        let (actor, deed) = if confirms {
            if self.providers.len() < 2 {
                return false;
            }
            let other = (self.provider_of(order) + 1) % self.providers.len();
            (self.provider_actor(other), Deed::Confirm { order: self.orders[order].code })
        } else {
            if self.schools.len() < 2 {
                return false;
            }
            let other = (self.orders[order].school + 1) % self.schools.len();
            (self.school_actor(other), Deed::Cancel { order: self.orders[order].code })
        };
        self.act_in_vain(actor, deed, RejectionReason::WrongActor);
        true
    }
}
