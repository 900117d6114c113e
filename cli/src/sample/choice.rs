//! Who could order what, now: a class (or several), a service, a session, and money enough, or too little on purpose.

use std::ops::RangeInclusive;

use rand::Rng;
use rand::seq::IndexedRandom;

use crate::programme::{Day, PlaceCode};

use super::story::Story;
use super::year::Year;

/// Attempts before a wish counts as not to be met now.
const TRIES: usize = 80;
/// Attempts that insist on every pupil of a class.
const WHOLE_CLASS_TRIES: usize = 50;

/// From whose money an order is to be paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purse {
    /// Each pupil has enough.
    Own,
    /// Somebody has too little and the school adds the rest.
    Topped,
    /// Somebody has too little and the school has nothing.
    Short,
}

/// What an order should be like.
#[derive(Debug, Clone)]
pub(super) struct Wish {
    pub(super) purse: Purse,
    /// Pupils of two classes, half of each.
    pub(super) mixed: bool,
    /// From a provider that the school controls.
    pub(super) related: bool,
    /// Days from now to the session.
    pub(super) lead_days: RangeInclusive<i64>,
    /// So early in a month that all that follows falls into it.
    pub(super) mid_month: bool,
    /// A session that stands already; `respect_capacity` tells whether it must have seats.
    pub(super) session: Option<usize>,
    pub(super) respect_capacity: bool,
    pub(super) other_than_school: Option<usize>,
    /// Pupils beyond the smallest group, who may stay away later.
    pub(super) spare: usize,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            purse: Purse::Own,
            mixed: false,
            related: false,
            lead_days: 21..=75,
            mid_month: false,
            session: None,
            respect_capacity: true,
            other_than_school: None,
            spare: 0,
        }
    }
}

impl Wish {
    pub(super) fn of(story: Story) -> Self {
        let mut wish = Self::default();
        match story {
            Story::MixedClasses => wish.mixed = true,
            Story::TimeChanged | Story::TimeRefused | Story::PupilsChanged | Story::SessionFull => {
                wish.lead_days = 32..=80;
            }
            Story::DroppedLate | Story::Amended => {
                wish.mid_month = true;
                wish.spare = 4;
            }
            Story::Automatic => wish.mid_month = true,
            Story::Dropped | Story::Absences => wish.spare = 4,
            Story::SchoolMoney => wish.purse = Purse::Topped,
            Story::NoMoney => wish.purse = Purse::Short,
            Story::RelatedProvider => wish.related = true,
            Story::Plain
            | Story::Proposed
            | Story::TwoSchools
            | Story::Swapped
            | Story::AddedAtConfirmation
            | Story::Declined
            | Story::Lapsed
            | Story::ConfirmedAfterLapse
            | Story::Withdrawn
            | Story::CancelledFree
            | Story::CancelledLate
            | Story::CancelledByProvider
            | Story::Clash
            | Story::RequestedTooLate
            | Story::WrongActor
            | Story::NotEnrolled
            | Story::Arrival
            | Story::Leaving
            | Story::Moving
            | Story::MovingBooked(_) => {}
        }
        wish
    }
}

/// A wish met.
pub(super) struct Choice {
    pub(super) school: usize,
    pub(super) classes: Vec<usize>,
    pub(super) pupils: Vec<u32>,
    pub(super) service: usize,
    pub(super) day: Day,
    pub(super) session: Option<usize>,
}

impl Year {
    /// Somebody for whom the wish can be met now.
    pub(super) fn choose(&mut self, wish: &Wish) -> Option<Choice> {
        (0..TRIES).find_map(|attempt| self.try_choice(wish, attempt < WHOLE_CLASS_TRIES))
    }

    fn try_choice(&mut self, wish: &Wish, whole: bool) -> Option<Choice> {
        let class = self.candidate_class(wish)?;
        let school = self.classes[class].school;
        if Some(school) == wish.other_than_school {
            return None;
        }
        let (service, day) = match wish.session {
            Some(session) => (self.sessions[session].service, self.session_day(session)),
            None => (self.candidate_service(school, wish)?, self.candidate_day(wish)?),
        };
        if !self.is_on_offer(service, school, class, day, wish.related) {
            return None;
        }
        let classes = self.candidate_classes(class, service, wish)?;
        let record = &self.services[service].record;
        let (min, max) = (usize::from(record.min_group), usize::from(record.max_group));
        let mut pupils = Vec::new();
        for class in &classes {
            let members = &self.classes[*class].pupils;
            let mut free: Vec<u32> =
                members.iter().copied().filter(|pupil| self.is_eligible(*pupil, service, day, wish)).collect();
            if whole && !wish.mixed && free.len() != members.len() {
                return None;
            }
            if wish.mixed {
                free.truncate(members.len().div_ceil(2));
            }
            pupils.append(&mut free);
        }
        pupils.truncate(max);
        let seats =
            wish.session.filter(|_| wish.respect_capacity).map_or(usize::MAX, |session| self.seats_left(session));
        if pupils.len() < min + wish.spare
            || pupils.len() > seats
            || !self.purse_fits(&pupils, school, service, wish.purse)
        {
            return None;
        }
        Some(Choice { school, classes, pupils, service, day, session: wish.session })
    }

    fn candidate_class(&mut self, wish: &Wish) -> Option<usize> {
        let class = if wish.related {
            let schools: Vec<usize> = self.related_services.keys().copied().collect();
            let school = *schools.choose(&mut self.rng)?;
            *self.classes_of_school[school].choose(&mut self.rng)?
        } else {
            self.rng.random_range(0..self.classes.len())
        };
        (self.locked_until[class] <= self.now).then_some(class)
    }

    fn candidate_classes(&mut self, class: usize, service: usize, wish: &Wish) -> Option<Vec<usize>> {
        if !wish.mixed {
            return Some(vec![class]);
        }
        let second = *self.classes_of_school[self.classes[class].school].choose(&mut self.rng)?;
        let fits = second != class && self.locked_until[second] <= self.now && self.fits_grade(service, second);
        fits.then(|| vec![class, second])
    }

    fn candidate_service(&mut self, school: usize, wish: &Wish) -> Option<usize> {
        if wish.related {
            return self.related_services.get(&school)?.choose(&mut self.rng).copied();
        }
        // Most go to what is near; who has nothing near goes anywhere.
        let place: PlaceCode = self.schools[school].place;
        match self.services_by_place.get(&place) {
            Some(near) if self.rng.random_bool(0.8) => near.choose(&mut self.rng).copied(),
            Some(_) | None => Some(self.rng.random_range(0..self.services.len())),
        }
    }

    /// A school day in the wished time, or none on this throw.
    pub(super) fn candidate_day(&mut self, wish: &Wish) -> Option<Day> {
        let today = self.parameters.local_day(self.now);
        let mut day = today.plus(self.rng.random_range(wish.lead_days.clone()));
        if (Day::new(2027, 6, 16)..Day::new(2027, 9, 3)).contains(&day) {
            day = Day::new(2027, 9, 6).plus(self.rng.random_range(0..25));
        }
        if wish.mid_month {
            let shift = i64::from(self.rng.random_range(10..=17) - day.day_of_month());
            day = day.plus(shift);
        }
        let last = if wish.mid_month { Day::new(2027, 11, 30) } else { Day::new(2027, 12, 15) };
        let late_enough = today.plus(*wish.lead_days.start()) <= day;
        (late_enough && day <= last && self.parameters.is_working_day(day)).then_some(day)
    }

    pub(super) fn fits_grade(&self, service: usize, class: usize) -> bool {
        let record = &self.services[service].record;
        (record.grade_from..=record.grade_to).contains(&self.classes[class].name.grade())
    }

    fn is_on_offer(&self, service: usize, school: usize, class: usize, day: Day, related: bool) -> bool {
        let offered = &self.services[service];
        let today = self.parameters.local_day(self.now);
        let provider = &self.providers[offered.provider];
        let controlled = provider.controlling_code == Some(self.schools[school].school_code);
        self.fits_grade(service, class)
            && offered.record.valid_from <= today
            && (offered.record.valid_from..=offered.record.valid_until).contains(&day)
            && controlled == related
    }

    fn is_eligible(&self, pupil: u32, service: usize, day: Day, wish: &Wish) -> bool {
        let price_cents = self.services[service].record.price_cents;
        self.mirror.is_free(pupil, day)
            && match wish.purse {
                Purse::Own => self.mirror.pupils[pupil as usize].balance_cents >= price_cents,
                Purse::Topped | Purse::Short => true,
            }
    }

    fn purse_fits(&self, pupils: &[u32], school: usize, service: usize, purse: Purse) -> bool {
        let short = self.shortfall_cents(pupils, service) > 0;
        match purse {
            Purse::Own => !short,
            Purse::Topped => short,
            Purse::Short => short && self.mirror.school_cents[school] == 0,
        }
    }

    /// What the pupils lack for this service.
    pub(super) fn shortfall_cents(&self, pupils: &[u32], service: usize) -> u32 {
        let price_cents = self.services[service].record.price_cents;
        pupils.iter().map(|pupil| price_cents.saturating_sub(self.mirror.pupils[*pupil as usize].balance_cents)).sum()
    }

    /// A pupil of the order's school who could come along on this day and pay.
    pub(super) fn choose_newcomer(&mut self, order: usize) -> Option<u32> {
        let (school, session) = (self.orders[order].school, self.orders[order].session);
        let (service, day) = (self.sessions[session].service, self.session_day(session));
        for _ in 0..TRIES {
            let class = *self.classes_of_school[school].choose(&mut self.rng)?;
            if !self.fits_grade(service, class) || self.locked_until[class] > self.now {
                continue;
            }
            let Some(pupil) = self.classes[class].pupils.choose(&mut self.rng).copied() else {
                continue;
            };
            if self.is_eligible(pupil, service, day, &Wish::default()) {
                return Some(pupil);
            }
        }
        None
    }

    /// Whether one more pupil fits into the order's group and session.
    pub(super) fn has_room(&self, order: usize) -> bool {
        let order = &self.orders[order];
        let service = self.sessions[order.session].service;
        order.lines.len() < usize::from(self.services[service].record.max_group) && self.seats_left(order.session) > 0
    }

    /// Whether so many pupils can be taken off and a group is left.
    pub(super) fn can_spare(&self, order: usize, pupils: usize) -> bool {
        let order = &self.orders[order];
        let service = self.sessions[order.session].service;
        order.lines.len() >= usize::from(self.services[service].record.min_group) + pupils
    }
}
