//! Disputes as both sides of an order see them: when one may be raised or taken back, and what became of it.

use askama::Template;
use keis_ledger::ids::OrderId;
use keis_ledger::money::Cents;
use keis_ledger::operation::OrderAction;
use keis_ledger::record::{DisputeState, Line, LineState, OrderState, Side};
use keis_ledger::time::Timestamp;
use keis_wallet::client::{DisputeView, OrderView};

use crate::frame::Frame;
use crate::order_state::Stage;
use crate::words::Words;

/// The page on which a side raises a dispute or takes its own back: what it does, and the way to sign it.
#[derive(Template)]
#[template(path = "parts/dispute_form.html")]
pub(crate) struct DisputeForm {
    pub(crate) f: Frame,
    pub(crate) id: OrderId,
    /// What the signing page calls the order.
    pub(crate) label: String,
    pub(crate) back: String,
    pub(crate) action: String,
    pub(crate) intent: &'static str,
    pub(crate) told: Vec<String>,
    pub(crate) button: String,
    pub(crate) raises: bool,
}

/// What a side may do about a dispute now.
pub(crate) enum Step {
    /// Raise one.
    Raise(Raising),
    /// Take its own back.
    Withdraw(DisputeView),
}

impl Step {
    /// What a side may do now; nothing for who is no side.
    pub(crate) fn of(view: &OrderView, side: Side, now: Timestamp) -> Option<Self> {
        let raise = raising(view, side, now).map(Self::Raise);
        raise.or_else(|| own_open(view, side).map(Self::Withdraw))
    }

    /// Key of the page's title, which the way to it bears too.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Raise(_) => "dispute-raise",
            Self::Withdraw(_) => "dispute-withdraw",
        }
    }

    /// Key of what the button says.
    pub(crate) fn button(&self) -> &'static str {
        match self {
            Self::Raise(_) => "dispute-raise-button",
            Self::Withdraw(_) => "dispute-withdraw-button",
        }
    }

    /// What the form asks for.
    pub(crate) fn intent(&self) -> &'static str {
        match self {
            Self::Raise(_) => "order.dispute",
            Self::Withdraw(_) => "order.withdraw_dispute",
        }
    }

    /// What is signed.
    pub(crate) fn action(&self) -> OrderAction {
        match self {
            Self::Raise(_) => OrderAction::Dispute,
            Self::Withdraw(_) => OrderAction::WithdrawDispute,
        }
    }

    /// What somebody should know before; `order` is the number by which people name it.
    pub(crate) fn told(&self, w: &Words, view: &OrderView, order: &str) -> Vec<String> {
        match self {
            Self::Raise(raising) => consequences(w, view, *raising, order),
            Self::Withdraw(dispute) => withdrawal(w, dispute),
        }
    }
}

/// Until when a side may raise a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Raising {
    /// Before this instant.
    Until(Timestamp),
    /// Until a statement names the order.
    UntilStatement,
}

/// Whether a side may raise a dispute now, as the ledger judges it.
fn raising(view: &OrderView, side: Side, now: Timestamp) -> Option<Raising> {
    let order = &view.order;
    if order.programme_statement.is_some() || order.school_statement.is_some() || is_spent(view, side) {
        return None;
    }
    match Stage::of(order.state) {
        Stage::Delivered => (now < order.deadline).then_some(Raising::Until(order.deadline)),
        Stage::Attended => Some(Raising::UntilStatement),
        Stage::Asked | Stage::Agreed | Stage::Settled | Stage::Off | Stage::Disputed | Stage::Reversed => None,
    }
}

/// A side has one dispute, and nobody has any after a decision.
fn is_spent(view: &OrderView, side: Side) -> bool {
    view.dispute.is_some_and(|last| match last.state {
        DisputeState::Open | DisputeState::Resolved => true,
        DisputeState::Withdrawn => last.by == side || last.both,
    })
}

/// The open dispute of a side, which alone may take it back.
fn own_open(view: &OrderView, side: Side) -> Option<DisputeView> {
    let open = view.order.state == OrderState::Disputed;
    view.dispute.filter(|last| open && last.by == side && last.state == DisputeState::Open)
}

/// Whether two persons have decided: what is due is final then, and attendance is not corrected any more.
pub(crate) fn is_decided(view: &OrderView) -> bool {
    view.dispute.is_some_and(|last| last.state == DisputeState::Resolved)
}

/// What would be frozen, or is: what is due of the order and what waits in escrow.
fn frozen(view: &OrderView) -> Cents {
    let of_line = |line: &Line| [line.due, line.escrow].into_iter().filter_map(|part| part.total());
    let parts = view.order.lines.iter().flat_map(of_line);
    parts.fold(Cents::ZERO, |sum, part| sum.checked_add(part).unwrap_or(sum))
}

/// What a side should know before it raises a dispute.
fn consequences(w: &Words, view: &OrderView, raising: Raising, order: &str) -> Vec<String> {
    let until = match raising {
        Raising::Until(until) => w.with1("dispute-until", "until", &w.date_time(&until)),
        Raising::UntilStatement => w.text("dispute-until-statement"),
    };
    let mut said = vec![w.with1("dispute-freezes", "sum", &w.money(&frozen(view))), w.text("dispute-who-decides")];
    if view.order.state == OrderState::Delivered {
        said.push(w.text("dispute-clock-stands"));
    }
    said.extend([w.with1("dispute-reason", "order", order), w.text("dispute-once"), until]);
    said
}

/// What a side should know before it takes its dispute back.
fn withdrawal(w: &Words, dispute: &DisputeView) -> Vec<String> {
    let delivered = dispute.was == OrderState::Delivered;
    let was = w.text(if delivered { "dispute-withdraw-delivered" } else { "dispute-withdraw-attended" });
    vec![was, w.text("dispute-withdraw-last")]
}

/// The last dispute of an order, told afterwards or while it waits.
pub(crate) struct DisputeLook {
    pub(crate) heading: String,
    pub(crate) told: Vec<String>,
    /// What two persons decided: pupil, what the provider receives, the price.
    pub(crate) split: Vec<(String, String, String)>,
}

/// Tells of the last dispute, if there was one. `name` is how this side names the pupil of a line.
pub(crate) fn look(w: &Words, view: &OrderView, name: impl Fn(u16) -> String) -> Option<DisputeLook> {
    let dispute = view.dispute?;
    let by = match dispute.by {
        Side::Orderer => "dispute-by-school",
        Side::Provider => "dispute-by-provider",
    };
    let mut told = vec![w.with1(by, "at", &w.date_time(&dispute.raised))];
    let (heading, split) = match dispute.state {
        DisputeState::Open => {
            told.push(w.with1("dispute-frozen", "sum", &w.money(&frozen(view))));
            told.push(w.text("dispute-waits"));
            ("dispute-open", Vec::new())
        }
        DisputeState::Withdrawn => {
            told.push(w.text("dispute-withdrawn-more"));
            ("dispute-withdrawn", Vec::new())
        }
        DisputeState::Resolved => {
            told.push(w.text("dispute-resolved-more"));
            ("dispute-resolved", split(w, view, name))
        }
    };
    Some(DisputeLook { heading: w.text(heading), told, split })
}

fn split(w: &Words, view: &OrderView, name: impl Fn(u16) -> String) -> Vec<(String, String, String)> {
    let price = view.order.price;
    let takes_part = |line: &Line| line.state != LineState::Dropped || !line.due.is_zero();
    let lines = (0..).zip(&view.order.lines).filter(|(_, line)| takes_part(line));
    lines.map(|(index, line)| (name(index), w.money(&line.due.total().unwrap_or_default()), w.money(&price))).collect()
}

#[cfg(test)]
mod tests {
    use keis_ledger::classifiers::Year;
    use keis_ledger::ids::{OrderId, StatementId};
    use serde_json::json;

    use super::*;

    const SIDES: [Side; 2] = [Side::Orderer, Side::Provider];

    fn view(state: OrderState, dispute: Option<(Side, &str, bool)>) -> OrderView {
        let id = |prefix: &str| format!("{prefix}{}", "01".repeat(16));
        let order = json!({
            "school": id("sch_"), "orderer": { "school": id("sch_") }, "provider": id("prv_"), "service": id("srv_"),
            "version": 1, "session": id("ses_"), "start": 1_000, "end": 2_000, "state": state, "price": 500,
            "rules": {
                "free_change": 10, "free_cancel": 20, "late_share": 5_000, "absence_share": 5_000,
                "minimum_share": 6_000, "attendance_days": 5,
            },
            "school_money": 0, "deadline": 3_000, "lines": [{
                "pupil": id("pup_"), "state": "attended", "held": { "state": 0, "school": 0 },
                "escrow": { "state": 200, "school": 0 }, "due": { "state": 300, "school": 100 },
            }],
            "change": null, "orderer_key": format!("key_{}", "01".repeat(32)), "provider_key": null,
            "programme_statement": null, "school_statement": null, "blind": "01".repeat(32),
        });
        let dispute = dispute.map(
            |(by, state, both)| json!({ "by": by, "raised": 2_500, "was": "delivered", "state": state, "both": both }),
        );
        serde_json::from_value(
            json!({ "id": OrderId([1; 16]), "year": Year(2026), "order": order, "dispute": dispute }),
        )
        .expect("the gateway's form")
    }

    #[test]
    fn a_dispute_is_raised_before_the_deadline_or_a_statement() {
        for side in SIDES {
            let delivered = view(OrderState::Delivered, None);
            assert_eq!(raising(&delivered, side, Timestamp(2_999)), Some(Raising::Until(Timestamp(3_000))));
            assert_eq!(raising(&delivered, side, Timestamp(3_000)), None);
            for state in [OrderState::Attended, OrderState::AttendedAutomatically] {
                let mut attended = view(state, None);
                assert_eq!(raising(&attended, side, Timestamp(9_000)), Some(Raising::UntilStatement));
                attended.order.school_statement = Some(StatementId([1; 16]));
                assert_eq!(raising(&attended, side, Timestamp(9_000)), None);
            }
            for state in [OrderState::Confirmed, OrderState::Settled, OrderState::Disputed, OrderState::Reversed] {
                assert_eq!(raising(&view(state, None), side, Timestamp(9)), None);
            }
        }
    }

    #[test]
    fn each_side_has_one_and_none_after_a_decision() {
        let (own, other) = (Side::Orderer, Side::Provider);
        let may = |dispute| raising(&view(OrderState::Attended, Some(dispute)), own, Timestamp(9)).is_some();
        assert!(!may((own, "withdrawn", false)));
        assert!(may((other, "withdrawn", false)));
        assert!(!may((other, "withdrawn", true)));
        assert!(!may((own, "resolved", false)) && !may((other, "resolved", false)));
    }

    #[test]
    fn who_raised_it_takes_it_back_while_it_is_open() {
        let open = view(OrderState::Disputed, Some((Side::Provider, "open", false)));
        assert!(own_open(&open, Side::Provider).is_some() && own_open(&open, Side::Orderer).is_none());
        let over = view(OrderState::Attended, Some((Side::Provider, "resolved", false)));
        assert!(own_open(&over, Side::Provider).is_none());
        assert_eq!(frozen(&open), Cents::new(600));
    }

    #[test]
    fn what_became_of_it_is_told() {
        let w = crate::words::Lang::En.words();
        let name = |line: u16| format!("Pupil {line}");
        assert!(look(w, &view(OrderState::Attended, None), name).is_none());
        let open = look(w, &view(OrderState::Disputed, Some((Side::Orderer, "open", false))), name).expect("one");
        assert!(open.told.iter().any(|text| text.contains("€6.00")) && open.split.is_empty());
        let over = look(w, &view(OrderState::Attended, Some((Side::Orderer, "resolved", false))), name).expect("one");
        assert_eq!(over.split, [("Pupil 0".to_owned(), "€4.00".to_owned(), "€5.00".to_owned())]);
    }
}
