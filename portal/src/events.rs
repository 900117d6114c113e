//! What happened to an order or a statement, from its receipts: one table of words for all rooms.

use keis_ledger::receipt::{Kind, Receipt, Topic};
use keis_ledger::record::OrderState;

use crate::words::Words;

/// What took effect, in words. Their keys end with the kind's own name.
pub(crate) fn what(w: &Words, kind: Kind) -> String {
    let name = serde_json::to_value(kind).expect("a kind is a name");
    let key = format!("event-{}", name.as_str().unwrap_or_default());
    w.text(if w.has(&key) { &key } else { "event-other" })
}

/// Key of the words for who did it, where the receipt tells.
pub(crate) fn side(receipt: &Receipt) -> Option<&'static str> {
    let kind = receipt.kind;
    let by_provider = receipt.subject.order_state == Some(OrderState::CancelledByProvider);
    match kind.topic() {
        Topic::Order if is_either(kind) => None,
        Topic::Order if is_clock(kind) => Some("event-side-clock"),
        Topic::Order if is_office(kind) => Some("event-side-operator"),
        Topic::Order if is_provider(kind) || (kind == Kind::OrderCancelled && by_provider) => {
            Some("event-side-provider")
        }
        Topic::Order => Some("event-side-school"),
        Topic::Statement if is_provider(kind) => Some("event-side-provider"),
        Topic::Statement
        | Topic::Year
        | Topic::Wallet
        | Topic::Service
        | Topic::Session
        | Topic::Repayment
        | Topic::Governance => Some("event-side-operator"),
    }
}

/// Of these the receipt does not tell whose side it was.
fn is_either(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ChangeProposed
            | Kind::ChangeAccepted
            | Kind::ChangeDropped
            | Kind::OrderDisputed
            | Kind::DisputeWithdrawn
            | Kind::RatedByPupil
    )
}

fn is_clock(kind: Kind) -> bool {
    matches!(kind, Kind::OrderLapsed | Kind::AttendanceAutomatic | Kind::DeadlinePostponed)
}

fn is_office(kind: Kind) -> bool {
    matches!(kind, Kind::DisputeResolved | Kind::OrderReversed | Kind::OrderStruck)
}

fn is_provider(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::OrderConfirmed
            | Kind::OrderDeclined
            | Kind::DeliveryReported
            | Kind::StatementAccepted
            | Kind::StatementContested
            | Kind::InvoiceAttached
            | Kind::CreditNoted
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::LANGS;

    #[test]
    fn all_that_happens_to_orders_and_statements_has_words() {
        for kind in Kind::ALL.iter().filter(|kind| matches!(kind.topic(), Topic::Order | Topic::Statement)) {
            for lang in LANGS {
                assert_ne!(what(lang.words(), *kind), lang.words().text("event-other"), "{kind:?}");
            }
        }
    }
}
