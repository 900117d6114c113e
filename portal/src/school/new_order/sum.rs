//! What a new order costs and whom, until when it can be left, and what to think of before.

use std::sync::Arc;

use keis_ledger::classifiers::{Grades, Scope};
use keis_ledger::ids::OrderId;
use keis_ledger::money::Cents;
use keis_ledger::record::YearState;
use keis_registry::keys::{KeyState, UserKey};

use super::super::Desk;
use super::super::look::{days_between, deadline, length};
use super::super::rules::{SMALL_GROUP, quote};
use crate::call::Call;
use crate::catalogue::{Offer, SessionEntry};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Sessions that end this close to the end of the year's services leave no second chance.
const LAST_DAYS: u64 = 30;

/// What the pupils who are ticked cost.
pub(super) struct Sum {
    pub(super) count: String,
    cost: Cents,
    pub(super) total: String,
    pub(super) state: String,
    /// What the pupils' wallets lack.
    pub(super) missing: Cents,
    pub(super) missing_text: String,
    pub(super) purse: Cents,
    pub(super) purse_text: String,
    /// What the form's field holds.
    pub(super) school_money: String,
}

impl Sum {
    pub(super) fn of(w: &Words, price: Cents, balances: &[Cents], purse: Cents, entered: Option<&str>) -> Self {
        let parts = quote(price, balances.iter().copied()).unwrap_or_default();
        let missing = parts.school;
        let cost = parts.total().unwrap_or_default();
        Self {
            count: w.count("count-pupils", balances.len()),
            cost,
            total: w.money(&cost),
            state: w.money(&parts.state),
            missing,
            missing_text: w.money(&missing),
            purse,
            purse_text: w.money(&purse),
            school_money: entered.map_or_else(|| euro(w, missing), str::to_owned),
        }
    }

    /// Whether it is more than a key may sign for.
    pub(super) fn exceeds(&self, cap: Cents) -> bool {
        self.cost > cap
    }

    /// Whether the school's own money does not reach.
    pub(super) fn lacks(&self) -> bool {
        self.missing > self.purse
    }

    pub(super) fn faults(&self, w: &Words, entered: Option<&str>) -> Option<String> {
        let Some(agreed) = parse_euro(entered.unwrap_or("0")) else {
            return Some(w.text("school-fault-money"));
        };
        if self.lacks() {
            let lacking = w.money(&self.missing.saturating_sub(self.purse));
            return Some(w.with("school-fault-purse", &[("missing", &self.missing_text), ("lacking", &lacking)]));
        }
        (agreed < self.missing).then(|| w.with1("school-fault-shortfall", "missing", &self.missing_text))
    }
}

/// Most that the user's keys may sign for in one order; none while there is no such key, which the signing page tells.
pub(super) async fn cap(site: &Arc<Site>, call: &Call, desk: &Desk) -> Result<Option<Cents>, Trouble> {
    let own = site.registry.keys_of(call.user()?).await?;
    let orders = |key: &UserKey| {
        key.party == desk.party() && key.state == KeyState::Active && !key.revoking && key.scopes.has(Scope::Order)
    };
    Ok(own.into_iter().filter(orders).filter_map(|key| key.cap).max())
}

/// A sum as people type it: "12", "12,5", "12.50 €".
pub(super) fn parse_euro(text: &str) -> Option<Cents> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace() && *c != '€').collect();
    let (euro, cents) = bare.split_once([',', '.']).unwrap_or((&bare, "0"));
    let digits =
        |text: &str, most: usize| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(euro, 9) || !digits(cents, 2) {
        return None;
    }
    let part: u64 = format!("{cents:0<2}").parse().ok()?;
    Some(Cents::new(euro.parse::<u64>().ok()? * 100 + part))
}

/// A sum as a field holds it: "12,50".
fn euro(w: &Words, sum: Cents) -> String {
    let comma = match w.lang() {
        crate::words::Lang::Lt => ',',
        crate::words::Lang::En => '.',
    };
    format!("{}{comma}{:02}", sum.get() / 100, sum.get() % 100)
}

/// A new order's id, drawn at random.
pub(super) fn draw_order() -> Result<OrderId, Trouble> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Trouble::internal)?;
    Ok(OrderId(bytes))
}

pub(super) fn grades(w: &Words, grades: Grades) -> String {
    if grades.from == grades.until {
        return w.with1("school-grade", "grade", &grades.from.to_string());
    }
    let (from, until) = (grades.from.to_string(), grades.until.to_string());
    w.with("school-grades", &[("from", &from), ("until", &until)])
}

/// Why the session takes no order at all.
pub(super) fn blocked(w: &Words, desk: &Desk, session: &SessionEntry, offer: &Offer) -> Option<String> {
    let key = match desk.state {
        YearState::Ended => "school-blocked-year",
        YearState::Open if !offer.is_active() => "school-blocked-service",
        YearState::Open if !session.open => "school-blocked-closed",
        YearState::Open if desk.now >= session.start => "school-blocked-begun",
        YearState::Open if session.free == 0 => "school-blocked-full",
        YearState::Open => return None,
    };
    Some(w.text(key))
}

/// Deadlines in words: name and instant.
pub(super) fn deadlines(w: &Words, desk: &Desk, session: &SessionEntry) -> Vec<(String, String)> {
    let rules = &desk.parameters;
    let answer = desk.now.after(rules.hold_expiry).min(session.start);
    let leave = session.start.before(rules.free_cancel);
    let change = session.start.before(rules.free_change);
    vec![
        (w.text("school-fact-answer"), deadline(w, desk.now, answer)),
        (w.text("school-fact-cancel"), deadline(w, desk.now, leave)),
        (w.text("school-fact-change"), deadline(w, desk.now, change)),
        (w.text("school-fact-attendance"), w.count("school-working-days", u64::from(rules.attendance_days))),
    ]
}

/// What to think of before ordering.
pub(super) fn warnings(w: &Words, desk: &Desk, session: &SessionEntry, price: Cents, pupils: usize) -> Vec<String> {
    let rules = &desk.parameters;
    let mut all = Vec::new();
    if desk.now > session.start.before(rules.free_cancel) {
        let share = w.money(&price.share(rules.late_share));
        all.push(w.with("school-warn-late", &[("share", &share), ("span", &length(w, rules.free_cancel))]));
    }
    if days_between(session.end, rules.window_until) < LAST_DAYS {
        all.push(w.with1("school-warn-year-end", "until", &w.date(&rules.window_until)));
    }
    if (1..SMALL_GROUP).contains(&pupils) {
        all.push(w.text("school-warn-small"));
    }
    if pupils > usize::from(session.free) {
        all.push(w.count("school-warn-large", session.free));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_as_people_type_them() {
        let read = |text: &str| parse_euro(text).map(Cents::get);
        assert_eq!(read("12"), Some(1_200));
        assert_eq!(read(" 12,5 € "), Some(1_250));
        assert_eq!(read("1\u{a0}234.05"), Some(123_405));
        assert_eq!(read("0"), Some(0));
        for wrong in ["", "-1", "1,234", "1,2,3", "a", "12,", "1234567890"] {
            assert_eq!(read(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_a_field_shows_is_read_back() {
        for lang in crate::words::LANGS {
            for cents in [0, 5, 90, 1_205, 999_999_999] {
                assert_eq!(parse_euro(&euro(lang.words(), Cents::new(cents))), Some(Cents::new(cents)));
            }
        }
    }
}
