//! An order's lines as officers see them: whose they are, where they stand, what money is on them. Names are for who may see
//! classes; others go by the lines' numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use keis_ledger::ids::PupilId;
use keis_ledger::money::Cents;
use keis_ledger::operation::Party;
use keis_ledger::record::{Line, LineState, Order, OrderState, Side};
use keis_registry::people::PupilCard;
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;

use super::list::label;
use crate::call::{Acting, Call};
use crate::office::acts;
use crate::order_state;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// What the lines of an order are called, in their order.
pub(super) async fn names(
    site: &Arc<Site>,
    call: &Call,
    acting: &Acting,
    view: &OrderView,
) -> Result<Vec<String>, Trouble> {
    let w = call.words();
    let may = acting.user.grants.iter().any(|grant| grant.role.may(Permission::SeeClasses));
    let cards: BTreeMap<PupilId, PupilCard> = if may {
        let pupils: Vec<PupilId> = view.order.lines.iter().map(|line| line.pupil).collect();
        site.registry.pupils_by_wallet(&acting.actor(), view.year, &pupils).await?
    } else {
        BTreeMap::new()
    };
    let name = |(index, line): (usize, &Line)| {
        let number = (index + 1).to_string();
        match cards.get(&line.pupil) {
            None => w.with1("decisions-line", "number", &number),
            Some(card) => format!("{number}. {} {}, {}", card.family_name, card.given_name, card.class),
        }
    };
    Ok(view.order.lines.iter().enumerate().map(name).collect())
}

/// What people call an order and its lines, for the signing page.
pub(super) fn labels(site: &Arc<Site>, call: &Call, view: &OrderView, names: &[String]) -> Vec<(String, String)> {
    let lines = names.iter().enumerate().map(|(index, name)| (format!("{}/{index}", view.id), name.clone()));
    std::iter::once((view.id.to_string(), label(site, call, view.id, view))).chain(lines).collect()
}

/// What an officer reads of an order before it is decided on.
pub(super) async fn facts(site: &Arc<Site>, call: &Call, view: &OrderView) -> Result<Vec<(String, String)>, Trouble> {
    let w = call.words();
    let order = &view.order;
    site.catalogue.ensure(view.year, [order.session]).await?;
    let mut facts = vec![
        (w.text("decisions-order"), label(site, call, view.id, view)),
        (w.text("decisions-school"), acts::party_name(site, Party::School(order.school)).await?),
        (w.text("decisions-provider"), acts::party_name(site, Party::Provider(order.provider)).await?),
        (w.text("decisions-price"), w.money(&order.price)),
        (w.text("office-state"), order_state::words(w, order.state)),
    ];
    if let Some(dispute) = view.dispute.filter(|_| order.state == OrderState::Disputed) {
        let by = match dispute.by {
            Side::Orderer => "decisions-disputed-by-school",
            Side::Provider => "decisions-disputed-by-provider",
        };
        facts.push((w.text("decisions-disputed"), w.with1(by, "at", &w.date_time(&dispute.raised))));
        facts.push((w.text("decisions-was"), order_state::words(w, dispute.was)));
    }
    Ok(facts)
}

/// Where a line stands, in words.
pub(super) fn state(w: &Words, state: LineState) -> String {
    w.text(match state {
        LineState::Proposed => "decisions-line-proposed",
        LineState::Booked => "decisions-line-booked",
        LineState::Dropped => "decisions-line-dropped",
        LineState::Attended => "decisions-line-attended",
        LineState::Absent => "decisions-line-absent",
        LineState::Reversed => "decisions-line-reversed",
    })
}

/// What is frozen of a line.
pub(super) fn frozen(line: &Line) -> Cents {
    line.escrow.total().unwrap_or(Cents::ZERO)
}

/// What is due of a line.
pub(super) fn due(line: &Line) -> Cents {
    line.due.total().unwrap_or(Cents::ZERO)
}

/// Most that a decision may give the provider of a line: the ledger's rule, told before it refuses.
pub(super) fn most(order: &Order, line: &Line) -> Cents {
    match line.state {
        LineState::Attended | LineState::Absent => order.price,
        LineState::Proposed | LineState::Booked | LineState::Dropped | LineState::Reversed => frozen(line),
    }
}

/// A sum of a list, which the ledger has counted before.
pub(super) fn sum(all: impl IntoIterator<Item = Cents>) -> Cents {
    all.into_iter().try_fold(Cents::ZERO, Cents::checked_add).unwrap_or(Cents::ZERO)
}
