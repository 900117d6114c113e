//! What becomes of each order, dealt before the year begins so that every situation occurs.

use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::programme::{BookedLines, Day};

use super::size::Size;

/// One thing that happens in the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Story {
    // Delivered in the end.
    Plain,
    Proposed,
    MixedClasses,
    /// Two orders of two schools in one session.
    TwoSchools,
    TimeChanged,
    TimeRefused,
    PupilsChanged,
    Swapped,
    Dropped,
    DroppedLate,
    Absences,
    Amended,
    AddedAtConfirmation,
    Automatic,
    SchoolMoney,
    // Not delivered.
    Declined,
    Lapsed,
    ConfirmedAfterLapse,
    Withdrawn,
    CancelledFree,
    CancelledLate,
    CancelledByProvider,
    // Refused by the ledger.
    Clash,
    NoMoney,
    SessionFull,
    RelatedProvider,
    RequestedTooLate,
    WrongActor,
    NotEnrolled,
    // Of pupils.
    Arrival,
    Leaving,
    Moving,
    MovingBooked(BookedLines),
}

/// Story, deliveries in a thousand, fewest in a sample of a municipality.
const DELIVERED: &[(Story, usize, usize)] = &[
    (Story::Proposed, 150, 2),
    (Story::MixedClasses, 100, 2),
    (Story::TwoSchools, 30, 2),
    (Story::TimeChanged, 40, 2),
    (Story::TimeRefused, 20, 2),
    (Story::PupilsChanged, 30, 2),
    (Story::Swapped, 40, 2),
    (Story::Dropped, 30, 2),
    (Story::DroppedLate, 10, 2),
    (Story::Absences, 60, 3),
    (Story::Amended, 20, 2),
    (Story::AddedAtConfirmation, 20, 2),
    (Story::Automatic, 80, 3),
    (Story::SchoolMoney, 30, 3),
];

const NOT_DELIVERED: &[(Story, usize, usize)] = &[
    (Story::Declined, 40, 3),
    (Story::Lapsed, 30, 3),
    (Story::ConfirmedAfterLapse, 2, 2),
    (Story::Withdrawn, 10, 2),
    (Story::CancelledFree, 40, 3),
    (Story::CancelledLate, 25, 3),
    (Story::CancelledByProvider, 20, 3),
    // A handful, however large the year.
    (Story::Clash, 1, 2),
    (Story::NoMoney, 1, 2),
    (Story::SessionFull, 1, 2),
    (Story::RelatedProvider, 1, 2),
    (Story::RequestedTooLate, 1, 2),
    (Story::WrongActor, 1, 2),
    (Story::NotEnrolled, 1, 2),
    (Story::MovingBooked(BookedLines::Keep), 2, 2),
    (Story::MovingBooked(BookedLines::Release), 2, 2),
];

/// One pupil in so many arrives, leaves or moves.
const PUPILS_PER_CHANGE: usize = 100;

/// Below this, a sample is too small for every situation.
const COMPLETE_FROM_PUPILS: usize = 1_000;

/// All stories with the day on which each begins.
pub(super) fn deal(size: Size, rng: &mut ChaCha8Rng) -> Vec<(Story, Day)> {
    let mut stories = Vec::new();
    let add = |stories: &mut Vec<Story>, &(story, permille, fewest): &(Story, usize, usize)| {
        let fewest = if size.pupils < COMPLETE_FROM_PUPILS { 0 } else { fewest };
        let count = (size.deliveries * permille / 1_000).max(fewest);
        stories.extend(std::iter::repeat_n(story, count));
    };
    DELIVERED.iter().for_each(|row| add(&mut stories, row));
    let pairs = stories.iter().filter(|story| **story == Story::TwoSchools).count();
    let plain = size.deliveries.saturating_sub(stories.len() + pairs);
    stories.extend(std::iter::repeat_n(Story::Plain, plain));
    NOT_DELIVERED.iter().for_each(|row| add(&mut stories, row));
    let changes = size.pupils / PUPILS_PER_CHANGE;
    for story in [Story::Arrival, Story::Leaving, Story::Moving] {
        stories.extend(std::iter::repeat_n(story, changes));
    }
    stories.shuffle(rng);
    stories.into_iter().map(|story| (story, first_day(story, rng))).collect()
}

/// Ordering bunches in the first days of January and in autumn.
fn first_day(story: Story, rng: &mut ChaCha8Rng) -> Day {
    let between =
        |rng: &mut ChaCha8Rng, from: Day, to: Day| from.plus(rng.random_range(0..=to.epoch_days() - from.epoch_days()));
    let january = (Day::new(2027, 1, 4), Day::new(2027, 1, 20));
    let spring = (Day::new(2027, 1, 21), Day::new(2027, 5, 21));
    let september = (Day::new(2027, 9, 1), Day::new(2027, 9, 30));
    let october = (Day::new(2027, 10, 1), Day::new(2027, 10, 25));
    let (from, to) = match story {
        // Only a year that has been spent from knows empty wallets.
        Story::NoMoney | Story::SchoolMoney => october,
        // These happen to orders that stand.
        Story::Clash | Story::WrongActor | Story::MovingBooked(_) => (Day::new(2027, 1, 18), Day::new(2027, 1, 29)),
        Story::Arrival | Story::Leaving | Story::Moving => (Day::new(2027, 2, 1), Day::new(2027, 11, 30)),
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
        | Story::Declined
        | Story::Lapsed
        | Story::ConfirmedAfterLapse
        | Story::Withdrawn
        | Story::CancelledFree
        | Story::CancelledLate
        | Story::CancelledByProvider
        | Story::SessionFull
        | Story::RelatedProvider
        | Story::RequestedTooLate
        | Story::NotEnrolled => match rng.random_range(0..100) {
            0..=34 => january,
            35..=54 => spring,
            55..=84 => september,
            _ => october,
        },
    };
    between(rng, from, to)
}
