//! When the deadlines of orders fall by now: the pinned ones, as extensions of their year have moved them. The gateway tells it.

use keis_ledger::time::{Calendar, Span, Timestamp};
use keis_wallet::client::OrderView;

/// The order with its deadlines as they stand by now, so that every page and rule that reads them goes by the moved ones.
pub(crate) fn moved(mut view: OrderView) -> OrderView {
    if let Some(now) = view.deadlines {
        let order = &mut view.order;
        let before_start = |instant: Timestamp| Span(order.start.0.saturating_sub(instant.0));
        order.rules.free_change = before_start(now.free_change);
        order.rules.free_cancel = before_start(now.free_cancel);
        order.deadline = now.next.unwrap_or(order.deadline);
    }
    view
}

/// The same of many orders.
pub(crate) fn all_moved(views: Vec<OrderView>) -> Vec<OrderView> {
    views.into_iter().map(moved).collect()
}

/// From when on a confirmed order that was never reported is free to cancel.
pub(crate) fn unreported(view: &OrderView, calendar: &Calendar) -> Timestamp {
    let pinned = || view.order.rules.attendance_deadline(calendar, view.order.end);
    view.deadlines.and_then(|now| now.unreported).unwrap_or_else(pinned)
}
