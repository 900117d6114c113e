//! An order from its beginning to its attendance.

use rand::Rng;

use crate::programme::{Actor, Awaited, BookedLines, Day, Deed, RejectionReason};

use super::choice::{Choice, Purse, Wish};
use super::mirror::{Line, OrderMirror, Stage, share};
use super::schedule::{self, Event};
use super::story::Story;
use super::year::Year;

impl Year {
    pub(super) fn begin(&mut self, story: Story, attempt: u8) {
        let done = match story {
            Story::Arrival => {
                self.pupil_arrives();
                true
            }
            Story::Leaving => self.unbound_pupil().map(|pupil| self.pupil_leaves(pupil)).is_some(),
            Story::Moving => self.move_unbound(),
            Story::MovingBooked(booked) => self.move_booked(booked),
            Story::Clash => self.refuse_clash(),
            Story::WrongActor => self.refuse_wrong_actor(),
            Story::RequestedTooLate => self.refuse_too_late(),
            Story::NoMoney => self.refuse_chosen(story, RejectionReason::NoMoney),
            Story::RelatedProvider => self.refuse_chosen(story, RejectionReason::RelatedProvider),
            Story::NotEnrolled => self.refuse_chosen(story, RejectionReason::NotEnrolled),
            Story::Plain
            | Story::Proposed
            | Story::MixedClasses
            | Story::TwoSchools
            | Story::TimeChanged
            | Story::TimeRefused
            | Story::PupilsChanged
            | Story::Swapped
            | Story::Dropped
            | Story::DroppedLate
            | Story::Absences
            | Story::Amended
            | Story::AddedAtConfirmation
            | Story::Automatic
            | Story::SchoolMoney
            | Story::Declined
            | Story::Lapsed
            | Story::ConfirmedAfterLapse
            | Story::Withdrawn
            | Story::CancelledFree
            | Story::CancelledLate
            | Story::CancelledByProvider
            | Story::SessionFull => self.begin_order(story),
        };
        if !done {
            self.try_again(story, attempt);
        }
    }

    pub(super) fn move_unbound(&mut self) -> bool {
        let Some(pupil) = self.unbound_pupil() else {
            return false;
        };
        let Some(class) = self.class_elsewhere(pupil) else {
            return false;
        };
        self.pupil_moves(pupil, class, BookedLines::Keep);
        true
    }

    pub(super) fn begin_order(&mut self, story: Story) -> bool {
        let wish = Wish::of(story);
        let Some(choice) = self.choose(&wish) else {
            return false;
        };
        if wish.purse == Purse::Topped {
            self.record_school_money(&choice);
        }
        let school = choice.school;
        let order = self.open_order(choice, story);
        if story == Story::TwoSchools {
            let session = self.orders[order].session;
            let at = self.later(1..=3);
            self.schedule.add(at, Event::JoinSession { session, other_school: school, attempt: 0 });
        }
        true
    }

    /// A second school joins the session.
    pub(super) fn join_session(&mut self, session: usize, other_school: usize, attempt: u8) {
        const MOST_ATTEMPTS: u8 = 4;
        if self.sessions[session].record.start < self.now.plus_days(12) {
            return;
        }
        let wish = Wish { session: Some(session), other_than_school: Some(other_school), ..Wish::default() };
        if let Some(choice) = self.choose(&wish) {
            self.open_order(choice, Story::Plain);
        } else if attempt < MOST_ATTEMPTS {
            let at = self.later(1..=2);
            self.schedule.add(at, Event::JoinSession { session, other_school, attempt: attempt + 1 });
        }
    }

    pub(super) fn record_school_money(&mut self, choice: &Choice) {
        // Schools pay in tens of euros; what is left over stays theirs.
        let short = self.shortfall_cents(&choice.pupils, choice.service);
        let amount_cents = short.saturating_sub(self.mirror.school_cents[choice.school]).div_ceil(1_000) * 1_000;
        if amount_cents > 0 {
            self.mirror.school_cents[choice.school] += amount_cents;
            let school = self.schools[choice.school].school_code;
            self.act(Actor::Operator, Deed::RecordSchoolMoney { school, amount_cents });
        }
    }

    /// Books the money and seats, and proposes or requests.
    pub(super) fn open_order(&mut self, choice: Choice, story: Story) -> usize {
        let record = &self.services[choice.service].record;
        let capacity = if story == Story::SessionFull {
            u16::try_from(choice.pupils.len()).expect("at most a group")
        } else if story == Story::TwoSchools {
            record.max_group * 2
        } else {
            record.max_group
        };
        let price_cents = record.price_cents;
        let session = match choice.session {
            Some(session) => session,
            None => self.open_session(choice.service, choice.day, capacity),
        };
        let lines: Vec<Line> = choice
            .pupils
            .iter()
            .map(|pupil| self.mirror.book(*pupil, choice.school, price_cents, choice.day))
            .collect();
        self.sessions[session].seats_taken += lines.len();
        let code = self.next_order_code();
        let order = self.orders.len();
        self.orders.push(OrderMirror {
            code,
            story,
            school: choice.school,
            session,
            stage: Stage::Proposed,
            automatic: false,
            requested_pupils: lines.len(),
            lines,
            dropped_late: Vec::new(),
            absent: Vec::new(),
            pending: Vec::new(),
            open_statements: 0,
        });
        if story == Story::Proposed {
            let pupils = self.codes_of(choice.pupils);
            let session = self.sessions[session].record.session_code;
            self.act(self.school_actor(choice.school), Deed::Propose { order: code, session, pupils });
            let at = self.now.plus_seconds(self.rng.random_range(600..7_200));
            for class in choice.classes {
                self.locked_until[class] = at.plus_seconds(60);
            }
            self.schedule.add(at, Event::Request(order));
        } else {
            self.request(order, false);
        }
        order
    }

    pub(super) fn request_proposed(&mut self, order: usize) {
        self.request(order, true);
    }

    pub(super) fn request(&mut self, order: usize, from_proposal: bool) {
        let mirrored = &mut self.orders[order];
        mirrored.stage = Stage::Requested;
        let (code, story, school, session) = (mirrored.code, mirrored.story, mirrored.school, mirrored.session);
        let school_cents = mirrored.captured().1;
        let pupils: Vec<u32> = mirrored.lines.iter().map(|line| line.pupil).collect();
        let deed = Deed::Request {
            order: code,
            session: self.sessions[session].record.session_code,
            pupils: self.codes_of(pupils),
            from_proposal,
            school_cents,
        };
        self.act(self.school_actor(school), deed);
        let (at, event) = if matches!(story, Story::Lapsed | Story::ConfirmedAfterLapse) {
            let days = i64::from(self.parameters.rules.hold_expiry_days);
            let expiry = self.now.plus_days(days).min(self.sessions[session].record.start);
            (expiry.plus_seconds(60), Event::Lapse(order))
        } else if story == Story::Withdrawn {
            (self.later(1..=2), Event::Withdraw(order))
        } else {
            (self.later(1..=3), Event::Answer(order))
        };
        self.schedule.add(at, event);
    }

    pub(super) fn answer(&mut self, order: usize) {
        let provider = self.provider_actor(self.provider_of(order));
        let code = self.orders[order].code;
        if self.orders[order].story == Story::Declined {
            self.act(provider, Deed::Decline { order: code });
            self.release(order, Stage::Declined);
            return;
        }
        self.act(provider, Deed::Confirm { order: code });
        self.orders[order].stage = Stage::Confirmed;
        self.plan_after_confirmation(order);
    }

    pub(super) fn plan_after_confirmation(&mut self, order: usize) {
        let start_day = self.session_day(self.orders[order].session);
        let soon = self.later(1..=2);
        let mut before_start = |days: std::ops::RangeInclusive<i64>| {
            let day = start_day.plus(-self.rng.random_range(days));
            schedule::office_hours(&self.parameters, day, &mut self.rng)
        };
        let (at, event) = match self.orders[order].story {
            Story::TimeChanged | Story::TimeRefused | Story::PupilsChanged => (soon, Event::ProposeChange(order)),
            Story::CancelledFree | Story::CancelledByProvider => (soon, Event::Cancel(order)),
            Story::CancelledLate => (before_start(2..=5), Event::Cancel(order)),
            Story::Swapped => (before_start(1..=5), Event::Swap(order)),
            Story::Dropped => (soon, Event::Drop(order)),
            Story::DroppedLate => (before_start(2..=5), Event::Drop(order)),
            Story::SessionFull => {
                self.plan_report(order);
                (self.now.plus_seconds(3_600), Event::FillAgain(order))
            }
            Story::Plain
            | Story::Proposed
            | Story::MixedClasses
            | Story::TwoSchools
            | Story::Absences
            | Story::Amended
            | Story::AddedAtConfirmation
            | Story::Automatic
            | Story::SchoolMoney => return self.plan_report(order),
            Story::Declined
            | Story::Lapsed
            | Story::ConfirmedAfterLapse
            | Story::Withdrawn
            | Story::Clash
            | Story::NoMoney
            | Story::RelatedProvider
            | Story::RequestedTooLate
            | Story::WrongActor
            | Story::NotEnrolled
            | Story::Arrival
            | Story::Leaving
            | Story::Moving
            | Story::MovingBooked(_) => unreachable!("no order of this story is confirmed"),
        };
        self.schedule.add(at, event);
    }

    /// Providers report on the day itself, an hour or more after the end.
    pub(super) fn plan_report(&mut self, order: usize) {
        let end = self.sessions[self.orders[order].session].record.end;
        let at = end.plus_seconds(self.rng.random_range(3_600..10_800));
        self.schedule.add(at, Event::Report(order));
    }

    pub(super) fn lapse(&mut self, order: usize) {
        let code = self.orders[order].code;
        self.act(Actor::Clock, Deed::Nothing { order: code, awaited: Awaited::Lapse });
        self.release(order, Stage::Lapsed);
        if self.orders[order].story == Story::ConfirmedAfterLapse {
            let at = self.later(1..=2);
            self.schedule.add(at, Event::AnswerTooLate(order));
        }
    }

    pub(super) fn answer_too_late(&mut self, order: usize) {
        let provider = self.provider_actor(self.provider_of(order));
        let deed = Deed::Confirm { order: self.orders[order].code };
        self.act_in_vain(provider, deed, RejectionReason::TooLate);
    }

    pub(super) fn cancel(&mut self, order: usize) {
        let mirrored = &self.orders[order];
        let deed = Deed::Cancel { order: mirrored.code };
        if mirrored.story == Story::CancelledByProvider {
            self.act(self.provider_actor(self.provider_of(order)), deed);
            return self.release(order, Stage::CancelledByProvider);
        }
        self.act(self.school_actor(mirrored.school), deed);
        if self.is_free_of_charge(order) {
            return self.release(order, Stage::CancelledFree);
        }
        let late_cents = self.share_of_price(order, self.parameters.rules.late_share_bp);
        self.close_lines(order, |_| late_cents);
        self.orders[order].stage = Stage::CancelledLate;
        self.accrue(order);
    }

    /// Whether changing or cancelling costs nothing now. Both limits are the same in the sample's rules.
    pub(super) fn is_free_of_charge(&self, order: usize) -> bool {
        let rules = self.parameters.rules;
        let days = i64::from(rules.free_cancel_days.max(rules.free_change_days));
        let order = &self.orders[order];
        order.stage == Stage::Requested || self.now.plus_days(days) < self.sessions[order.session].record.start
    }

    pub(super) fn share_of_price(&self, order: usize, basis_points: u16) -> u32 {
        let service = self.sessions[self.orders[order].session].service;
        share(self.services[service].record.price_cents, basis_points)
    }

    /// Everything returns.
    pub(super) fn release(&mut self, order: usize, stage: Stage) {
        self.close_lines(order, |_| 0);
        self.orders[order].stage = stage;
    }

    /// Sets what each line costs in the end and unbinds its pupil.
    pub(super) fn close_lines(&mut self, order: usize, charge_cents: impl Fn(u32) -> u32) {
        let mirrored = &mut self.orders[order];
        for line in &mut mirrored.lines {
            self.mirror.charge(line, mirrored.school, charge_cents(line.pupil));
            self.mirror.close(line);
        }
    }

    /// Takes one line off, with everything that it held.
    pub(super) fn release_line(&mut self, order: usize, at: usize) -> u32 {
        let mirrored = &mut self.orders[order];
        let mut line = mirrored.lines.remove(at);
        self.mirror.charge(&mut line, mirrored.school, 0);
        self.mirror.close(&line);
        line.pupil
    }

    pub(super) fn book_newcomer(&mut self, order: usize, pupil: u32) {
        let (school, session) = (self.orders[order].school, self.orders[order].session);
        let day = self.session_day(session);
        let price_cents = self.services[self.sessions[session].service].record.price_cents;
        let line = self.mirror.book(pupil, school, price_cents, day);
        self.sessions[session].seats_taken += 1;
        self.orders[order].lines.push(line);
    }

    /// Tries the same story again some days later, a few times and not into the winter.
    pub(super) fn try_again(&mut self, story: Story, attempt: u8) {
        const MOST_ATTEMPTS: u8 = 8;
        let day = self.parameters.local_day(self.now).plus(self.rng.random_range(1..=9));
        if attempt >= MOST_ATTEMPTS || day > Day::new(2027, 11, 3) {
            return;
        }
        let at = self.first_moment(story, day);
        self.schedule.add(at, Event::Begin { story, attempt: attempt + 1 });
    }
}
