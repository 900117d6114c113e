//! Deadlines of orders, as extensions have moved them. An order keeps the deadline that was set for it; where it falls by
//! now is read here and nowhere else, whether or not the due queue has come to it.

use super::{Key, done, order, order_mut};
use crate::classifiers::Year;
use crate::crypto::Hash;
use crate::money::Amounts;
use crate::plan::governance::Applied;
use crate::plan::{item, year_of};
use crate::receipt::{Kind, Subject};
use crate::record::{DueKey, DueKind, DueWork, Exceptions, Extension};
use crate::rejection::Rejection;
use crate::state::{Effect, Work};
use crate::time::{Span, Timestamp};

/// Longest span by which one decision moves deadlines.
const LONGEST: Span = Span::days(366);

/// Where an instant of a year's rules falls by now.
pub(super) fn extended(work: &Work, year: Year, instant: Timestamp) -> Timestamp {
    Exceptions::moved(work.get::<Exceptions>(year), instant)
}

/// Where a limit that lies before an order's start falls by now.
pub(super) fn before_start(work: &Work, key: Key, span: Span) -> Timestamp {
    order(work, key).limit_before_start(span, work.get::<Exceptions>(key.0))
}

/// The instant from which an answer or a confirmation comes too late.
pub(super) fn deadline(work: &Work, key: Key) -> Timestamp {
    order(work, key).deadline_now(work.get::<Exceptions>(key.0))
}

/// Nobody answers after the start.
fn capped(work: &Work, key: Key, kind: DueKind, deadline: Timestamp) -> Timestamp {
    if kind == DueKind::Lapse { deadline.min(order(work, key).start) } else { deadline }
}

fn work_of(kind: DueKind, key: Key) -> DueWork {
    match kind {
        DueKind::Lapse => DueWork::Lapse(key.0, key.1),
        DueKind::Attendance => DueWork::Attendance(key.0, key.1),
        DueKind::Forget | DueKind::Return | DueKind::Expire | DueKind::Strike | DueKind::Closure => {
            unreachable!("orders have deadlines for answers and attendance only")
        }
    }
}

/// Puts a deadline of the order into the due queue.
pub(super) fn set_deadline(work: &mut Work, key: Key, kind: DueKind, deadline: Timestamp) {
    order_mut(work, key).deadline = deadline;
    work.put(DueKey::order(kind, deadline, key), work_of(kind, key));
}

/// Takes the order's deadline out of the due queue, wherever extensions have put it.
pub(super) fn clear_deadline(work: &mut Work, key: Key, kind: DueKind) {
    let first = order(work, key).deadline;
    let Some(exceptions) = work.get::<Exceptions>(key.0) else {
        work.remove::<DueWork>(DueKey::order(kind, first, key));
        return;
    };
    let places: Vec<Timestamp> = exceptions.stages(first).collect();
    for place in places {
        let place = DueKey::order(kind, capped(work, key, kind, place), key);
        if work.has::<DueWork>(place) {
            work.remove::<DueWork>(place);
        }
    }
}

/// Clock step: a deadline that extensions have moved beyond this instant goes back into the queue.
pub(super) fn postponed(work: &mut Work, at: Timestamp, key: Key, kind: DueKind) -> bool {
    let until = deadline(work, key);
    if until <= at {
        return false;
    }
    work.put(DueKey::order(kind, until, key), work_of(kind, key));
    true
}

/// What a step says that postponed a deadline.
pub(super) fn postponement(work: Work, key: Key) -> (Effect, Hash) {
    let seed = order(&work, key).blind;
    (done(work, key, Kind::DeadlinePostponed, Amounts::ZERO), seed)
}

/// Whether deadlines can be moved so.
pub(in crate::plan) fn judge(
    work: &Work,
    year: Year,
    (from, until): (Timestamp, Timestamp),
    by: Span,
) -> Result<(), Rejection> {
    if from >= until || by == Span::default() || by > LONGEST {
        return Err(Rejection::MeasureUnsound);
    }
    year_of(work, year)?;
    let most = Exceptions::MOST;
    if work.get::<Exceptions>(year).is_some_and(|exceptions| exceptions.extensions.len() >= most) {
        return Err(Rejection::TooManyExceptions { most: item(most) });
    }
    Ok(())
}

/// Moves deadlines.
pub(in crate::plan) fn extend(
    work: &mut Work,
    year: Year,
    (from, until): (Timestamp, Timestamp),
    by: Span,
) -> Result<Applied, Rejection> {
    judge(work, year, (from, until), by)?;
    let mut exceptions = work.get::<Exceptions>(year).cloned().unwrap_or_default();
    exceptions.extensions.push(Extension { from, until, by });
    work.put(year, exceptions);
    let subject = Subject { year: Some(year), ..Subject::default() };
    Ok(Applied { kind: Kind::DeadlinesExtended, subject, total: Amounts::ZERO })
}
