//! What happened to an order, from its receipts.

use keis_ledger::money::Cents;
use keis_ledger::receipt::Receipt;
use keis_ledger::record::OrderState;

use super::super::look::by_source;
use crate::events;
use crate::order_state::Stage;
use crate::words::Words;

/// Something that happened.
pub(super) struct Event {
    pub(super) at: String,
    pub(super) what: String,
    pub(super) who: String,
    pub(super) on_behalf: bool,
    pub(super) money: String,
    pub(super) receipt: String,
}

pub(super) fn events(w: &Words, receipts: &[Receipt]) -> Vec<Event> {
    receipts.iter().map(|receipt| event(w, receipt)).collect()
}

fn event(w: &Words, receipt: &Receipt) -> Event {
    Event {
        at: w.date_time(&receipt.time),
        what: events::what(w, receipt.kind),
        who: events::side(receipt).map_or_else(String::new, |who| w.text(who)),
        on_behalf: receipt.on_behalf,
        money: money(w, receipt),
        receipt: receipt.id.to_string(),
    }
}

/// What was moved; of an order that ended without taking place it went back.
fn money(w: &Words, receipt: &Receipt) -> String {
    let went_back = receipt.subject.order_state.is_some_and(|state| match Stage::of(state) {
        Stage::Off | Stage::Reversed => state != OrderState::CancelledLate,
        Stage::Asked | Stage::Agreed | Stage::Delivered | Stage::Attended | Stage::Settled | Stage::Disputed => false,
    });
    match receipt.total.total() {
        Some(Cents::ZERO) => String::new(),
        Some(sum) if went_back => w.with1("school-event-returned", "sum", &w.money(&sum)),
        Some(_) | None => by_source(w, &receipt.total),
    }
}
