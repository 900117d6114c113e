//! Pupils for a session: whom it suits, and what it takes from whom.

use keis_ledger::classifiers::Grades;
use keis_ledger::ids::{OrderId, SchoolId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::record::{Booking, Standing};
use keis_ledger::time::Timestamp;
use keis_wallet::client::PupilWallet;

/// Below so many pupils a provider may well decline. A hint, no rule of the ledger.
pub(in crate::school) const SMALL_GROUP: usize = 5;

/// For whom pupils are looked for.
#[derive(Debug, Clone, Copy)]
pub(in crate::school) struct Wanted {
    /// Enrolled where.
    pub(in crate::school) school: SchoolId,
    /// Of which grades.
    pub(in crate::school) grades: Grades,
    /// Free from this instant …
    pub(in crate::school) start: Timestamp,
    /// … until this one.
    pub(in crate::school) end: Timestamp,
    /// This order may book the pupil already.
    pub(in crate::school) but: Option<OrderId>,
}

/// Whether a pupil can take part; the first reason why not, in the ledger's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::school) enum Fit {
    /// Can.
    Fits,
    /// Has no wallet this year yet.
    NoWallet,
    /// The wallet is suspended.
    Suspended,
    /// The wallet is closed.
    Closed,
    /// Is enrolled elsewhere.
    Moved,
    /// The service is for other grades.
    Grade,
    /// Is booked at that time, in this order.
    Elsewhere(OrderId),
}

impl Fit {
    /// Whether the pupil can take part.
    pub(in crate::school) fn fits(self) -> bool {
        self == Self::Fits
    }

    /// Key of the reason in words.
    pub(in crate::school) fn key(self) -> &'static str {
        match self {
            Self::Fits => "school-fit-fits",
            Self::NoWallet => "school-fit-no-wallet",
            Self::Suspended => "school-fit-suspended",
            Self::Closed => "school-fit-closed",
            Self::Moved => "school-fit-moved",
            Self::Grade => "school-fit-grade",
            Self::Elsewhere(_) => "school-fit-elsewhere",
        }
    }
}

/// The booking that keeps a pupil from being somewhere from `start` until `end`.
pub(in crate::school) fn clash(
    bookings: &[Booking],
    but: Option<OrderId>,
    start: Timestamp,
    end: Timestamp,
) -> Option<&Booking> {
    let other = |booking: &&Booking| Some(booking.order) != but;
    bookings.iter().filter(other).find(|booking| booking.start < end && start < booking.end)
}

/// Whether a pupil can take part.
pub(in crate::school) fn fit(pupil: Option<&PupilWallet>, wanted: &Wanted) -> Fit {
    let Some(pupil) = pupil else { return Fit::NoWallet };
    match pupil.standing {
        Standing::Active => {}
        Standing::Suspended => return Fit::Suspended,
        Standing::Closed => return Fit::Closed,
    }
    if pupil.school != wanted.school {
        return Fit::Moved;
    }
    if !wanted.grades.has(pupil.grade) {
        return Fit::Grade;
    }
    match clash(&pupil.bookings, wanted.but, wanted.start, wanted.end) {
        Some(booking) => Fit::Elsewhere(booking.order),
        None => Fit::Fits,
    }
}

/// What pupils of these balances pay at this price: each what the wallet has, the school the rest. None when the sum
/// cannot be counted.
pub(in crate::school) fn quote(price: Cents, balances: impl Iterator<Item = Cents>) -> Option<Amounts> {
    balances.map(|balance| part(price, balance)).try_fold(Amounts::ZERO, |sum, part| sum.checked_add(&part))
}

/// What one pupil pays.
pub(super) fn part(price: Cents, balance: Cents) -> Amounts {
    let state = balance.min(price);
    Amounts { state, school: price.saturating_sub(state) }
}
