//! How orders look on every page: state, session, people, deadlines in words.

use std::sync::Arc;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, ServiceId, SessionId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::record::{LineState, Order, OrderState};
use keis_ledger::time::{Span, Timestamp};

use crate::order_state::Stage;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::{Lang, Words};

const DAY: u64 = 24 * 60 * 60 * 1000;
/// Characters of an id by which people tell orders apart when they speak of them.
const SHORT: usize = 8;

/// The colour of a state's badge; the words beside it say the same.
pub(super) fn state_class(state: OrderState) -> &'static str {
    if state == OrderState::CancelledFree { "" } else { Stage::of(state).mood() }
}

/// Lines that take part, or took part.
pub(super) fn standing(order: &Order) -> usize {
    order.lines.iter().filter(|line| line.state != LineState::Dropped).count()
}

/// What a line holds or owes, by source.
pub(super) fn line_money(line: &keis_ledger::record::Line) -> Amounts {
    let sum = line.held.checked_add(&line.escrow).and_then(|sum| sum.checked_add(&line.due));
    sum.expect("the ledger holds the sum of a line")
}

/// What an order holds or owes, by source.
pub(super) fn order_money(order: &Order) -> Amounts {
    let parts = order.lines.iter().map(line_money);
    parts.into_iter().try_fold(Amounts::ZERO, |sum, part| sum.checked_add(&part)).expect("the ledger holds the sum")
}

/// Both sources together.
pub(super) fn both(money: &Amounts) -> Cents {
    money.total().expect("the ledger holds the sum of both sources")
}

/// What an order comes to: of a proposal, which sets no money aside yet, what it would cost.
pub(super) fn worth(order: &Order) -> Cents {
    if order.state != OrderState::Proposed {
        return both(&order_money(order));
    }
    let standing = u64::try_from(standing(order)).unwrap_or(u64::MAX);
    order.price.checked_mul(standing).unwrap_or(order.price)
}

/// How people name an order: the session, and the first characters of the id.
pub(super) fn order_label(site: &Arc<Site>, lang: Lang, id: OrderId, session: SessionId) -> String {
    format!("{} ({})", site.catalogue.label(session, lang), short(id))
}

/// The first characters of an order's id.
pub(super) fn short(id: OrderId) -> String {
    id.to_string().split('_').next_back().unwrap_or_default().chars().take(SHORT).collect()
}

/// Names what the pages of an order speak of, for the signing page.
pub(super) fn order_labels(site: &Arc<Site>, lang: Lang, id: OrderId, order: &Order) -> Vec<(String, String)> {
    vec![
        (id.to_string(), order_label(site, lang, id, order.session)),
        (order.session.to_string(), site.catalogue.label(order.session, lang)),
        (order.service.to_string(), site.catalogue.title(order.service, lang)),
    ]
}

/// A session as pages show it.
pub(super) struct SessionLook {
    pub(super) service: ServiceId,
    pub(super) title: String,
    pub(super) provider: String,
    pub(super) when: String,
    pub(super) place: String,
}

impl SessionLook {
    /// The session of an order. The order's own times are those that hold.
    pub(super) async fn of(site: &Arc<Site>, lang: Lang, year: Year, order: &Order) -> Result<Self, Trouble> {
        let found = site.catalogue.find_session(year, order.session).await?;
        let w = lang.words();
        let (title, provider, place) = match &found {
            Some((session, offer)) => (
                offer.title.of(lang).to_owned(),
                offer.provider_name.clone(),
                crate::catalogue::names::place(w, session.place),
            ),
            None => (order.service.to_string(), order.provider.to_string(), String::new()),
        };
        Ok(Self { service: order.service, title, provider, when: span(w, order.start, order.end), place })
    }
}

/// "ketvirtadienis, 2028-02-10 10:00–11:30"; both days when it ends on another.
pub(super) fn span(w: &Words, start: Timestamp, end: Timestamp) -> String {
    let last = if w.date(&start) == w.date(&end) { w.time(&end) } else { w.date_time(&end) };
    format!("{} {}–{last}", w.weekday_date(&start), w.time(&start))
}

/// Whole days from one instant until another; 0 once it has passed.
pub(super) fn days_between(now: Timestamp, until: Timestamp) -> u64 {
    until.0.saturating_sub(now.0) / DAY
}

/// An instant with how far off it is: "2028-02-10 10:00 (po 3 dienų)".
pub(super) fn deadline(w: &Words, now: Timestamp, until: Timestamp) -> String {
    let at = w.date_time(&until);
    let left = Span(until.0.saturating_sub(now.0));
    let far = match (left.0 / DAY, left.0 / (DAY / 24)) {
        _ if until <= now => return w.with1("school-deadline-past", "at", &at),
        (0, 0) => w.text("school-left-soon"),
        (0, hours) => w.count("school-left-hours", hours),
        (days, _) => w.count("school-left-days", days),
    };
    w.with("school-deadline", &[("at", &at), ("left", &far)])
}

/// A span of a rule: "72 valandos", or days when it is whole days.
pub(super) fn length(w: &Words, span: Span) -> String {
    match span.0 / (DAY / 24) {
        hours if hours >= 48 && hours % 24 == 0 => w.count("school-length-days", hours / 24),
        hours => w.count("school-length-hours", hours),
    }
}

/// Money by source: "24,00 € valstybės ir 6,00 € mokyklos"; one source alone when there is no other, none when there is no money.
pub(super) fn by_source(w: &Words, money: &Amounts) -> String {
    if money.is_zero() {
        return w.money(&Cents::ZERO);
    }
    if money.school.is_zero() {
        return w.with1("school-state-money", "sum", &w.money(&money.state));
    }
    if money.state.is_zero() {
        return w.with1("school-own-money", "sum", &w.money(&money.school));
    }
    w.with("school-both-money", &[("state", &w.money(&money.state)), ("school", &w.money(&money.school))])
}
