//! The parameters of the sample year.

use crate::programme::{ArrivalAmount, Counts, Day, KIND, Offset, Parameters, Rules, UtcInstant, Window};

use super::size::Size;

const YEAR: i16 = 2027;

/// Public holidays of Lithuania in 2027, and the first day of 2028.
const HOLIDAYS: &[(i16, i8, i8)] = &[
    (2027, 1, 1),
    (2027, 2, 16),
    (2027, 3, 11),
    (2027, 3, 28),
    (2027, 3, 29),
    (2027, 5, 1),
    (2027, 5, 2),
    (2027, 6, 6),
    (2027, 6, 24),
    (2027, 7, 6),
    (2027, 8, 15),
    (2027, 11, 1),
    (2027, 11, 2),
    (2027, 12, 24),
    (2027, 12, 25),
    (2027, 12, 26),
    (2028, 1, 1),
];

fn instant(text: &str) -> UtcInstant {
    text.parse().expect("written here as RFC 3339")
}

pub(super) fn parameters(size: Size, seed: u64) -> Parameters {
    let amount_per_pupil_cents = 1_400;
    Parameters {
        kind: KIND.to_owned(),
        year: YEAR,
        seed,
        amount_per_pupil_cents,
        arrival_amount: ArrivalAmount::Full,
        // Three in a hundred may arrive; about one does.
        reserve_cents: u64::from(amount_per_pupil_cents) * (size.pupils as u64 * 3).div_ceil(100),
        holidays: HOLIDAYS.iter().map(|&(year, month, day)| Day::new(year, month, day)).collect(),
        window: Window {
            start: instant("2026-12-31T22:00:00Z"),
            // 20 December is the last day.
            end: instant("2027-12-20T22:00:00Z"),
        },
        rules: Rules {
            hold_expiry_days: 10,
            free_change_days: 7,
            free_cancel_days: 7,
            late_share_bp: 5_000,
            absence_share_bp: 5_000,
            minimum_group_charge_cents: 0,
            attendance_working_days: 5,
            settlement_months: 1,
        },
        // Filled when the year is over.
        counts: Counts {
            pupils: 0,
            classes: 0,
            schools: 0,
            pupil_changes: 0,
            providers: 0,
            services: 0,
            sessions: 0,
            orders: 0,
            actions: 0,
        },
        offsets: vec![
            Offset { from: instant("2026-10-25T01:00:00Z"), minutes: 120 },
            Offset { from: instant("2027-03-28T01:00:00Z"), minutes: 180 },
            Offset { from: instant("2027-10-31T01:00:00Z"), minutes: 120 },
        ],
    }
}
