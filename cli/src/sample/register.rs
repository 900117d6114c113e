//! Arrivals, leavers and movers: what the Pupil Register learns during the year.

use rand::Rng;

use crate::programme::{BookedLines, ChangeKind, PupilChange};

use super::mirror::{PupilMirror, Stage};
use super::names;
use super::story::Story;
use super::year::Year;

/// Throws of the dice before there is nobody to be found.
const TRIES: usize = 300;

impl Year {
    pub(super) fn pupil_arrives(&mut self) {
        let class = self.rng.random_range(0..self.classes.len());
        let position = self.codes.len();
        let code = names::register_code(position as u64, self.seed);
        self.codes.push(code);
        let seat = &mut self.classes[class];
        seat.pupils.push(u32::try_from(position).expect("fewer pupils than u32 holds"));
        let amount_cents = self.parameters.amount_per_pupil_cents;
        self.mirror.pupils.push(PupilMirror::enrolled(seat.school, class, amount_cents));
        let mut change = self.change_of(position, ChangeKind::Arrived, Some(class));
        change.given_name = Some(names::given_name(&mut self.rng));
        change.family_name = Some(names::family_name(&mut self.rng));
        self.pupil_changes.push(change);
    }

    pub(super) fn pupil_leaves(&mut self, pupil: usize) {
        let class = self.mirror.pupils[pupil].class;
        self.classes[class].pupils.retain(|member| *member as usize != pupil);
        self.mirror.pupils[pupil].enrolled = false;
        let change = self.change_of(pupil, ChangeKind::Left, None);
        self.pupil_changes.push(change);
    }

    pub(super) fn pupil_moves(&mut self, pupil: usize, class: usize, booked: BookedLines) {
        let from = self.mirror.pupils[pupil].class;
        self.classes[from].pupils.retain(|member| *member as usize != pupil);
        self.classes[class].pupils.push(u32::try_from(pupil).expect("fewer pupils than u32 holds"));
        self.mirror.pupils[pupil].class = class;
        self.mirror.pupils[pupil].school = self.classes[class].school;
        let mut change = self.change_of(pupil, ChangeKind::Moved, Some(class));
        change.booked_lines = Some(booked);
        self.pupil_changes.push(change);
    }

    fn change_of(&self, pupil: usize, kind: ChangeKind, class: Option<usize>) -> PupilChange {
        let seat = class.map(|class| &self.classes[class]);
        let school = seat.map(|seat| &self.schools[seat.school]);
        PupilChange {
            at: self.now,
            kind,
            register_code: self.codes[pupil],
            given_name: None,
            family_name: None,
            school_code: school.map(|school| school.school_code),
            branch: seat.map(|seat| seat.branch),
            place: school.map(|school| school.place),
            class: seat.map(|seat| seat.name),
            joint_class: seat.and_then(|seat| seat.joint),
            grade: seat.map(|seat| seat.name.grade()),
            booked_lines: None,
        }
    }

    /// A pupil without open lines, enrolled now.
    pub(super) fn unbound_pupil(&mut self) -> Option<usize> {
        (0..TRIES).find_map(|_| {
            let position = self.rng.random_range(0..self.mirror.pupils.len());
            let pupil = &self.mirror.pupils[position];
            (pupil.enrolled && pupil.open_lines == 0 && self.classes[pupil.class].pupils.len() > 1).then_some(position)
        })
    }

    /// A class of the same grade in another school.
    pub(super) fn class_elsewhere(&mut self, pupil: usize) -> Option<usize> {
        let (school, class) = (self.mirror.pupils[pupil].school, self.mirror.pupils[pupil].class);
        let grade = self.classes[class].name.grade();
        (0..TRIES).find_map(|_| {
            let other = self.rng.random_range(0..self.classes.len());
            let fits = self.classes[other].school != school && self.classes[other].name.grade() == grade;
            fits.then_some(other)
        })
    }

    /// A pupil with one booked line moves; the line stays or is released. Answers whether there was one.
    pub(super) fn move_booked(&mut self, booked: BookedLines) -> bool {
        let Some((order, at)) = (0..TRIES).find_map(|_| self.booked_line()) else {
            return false;
        };
        let pupil = self.orders[order].lines[at].pupil as usize;
        let Some(class) = self.class_elsewhere(pupil) else {
            return false;
        };
        if booked == BookedLines::Release {
            self.release_line(order, at);
        }
        self.pupil_moves(pupil, class, booked);
        true
    }

    /// A line of a simple order that can spare it, of a pupil who has no other.
    fn booked_line(&mut self) -> Option<(usize, usize)> {
        let order = self.standing_order(Stage::Confirmed, 10)?;
        let simple = matches!(self.orders[order].story, Story::Plain | Story::Proposed | Story::Absences);
        if !simple || !self.can_spare(order, 4) {
            return None;
        }
        let at = self.rng.random_range(0..self.orders[order].lines.len());
        let pupil = &self.mirror.pupils[self.orders[order].lines[at].pupil as usize];
        (pupil.open_lines == 1 && pupil.enrolled).then_some((order, at))
    }
}
