//! The programme's figures: money by class and source, orders in tables, sessions. Small counts of orders are not printed.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::money::Cents;
use keis_ledger::record::{Totals, YearState};
use keis_wallet::client::{CountTable, OrderTables};

use crate::call::{Answer, Call, page};
use crate::catalogue::names;
use crate::frame::{Frame, Section};
use crate::order_state;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Width of the longest bar and height of a row, in the picture's units.
const WIDE: u64 = 420;
const ROW: u64 = 28;
/// Where bars begin: the names stand before them.
const LEFT: u64 = 250;

#[derive(Template)]
#[template(path = "public/figures.html")]
struct Figures {
    f: Frame,
    year: Year,
    years: Vec<(Year, bool)>,
    ended: bool,
    money: Vec<MoneyRow>,
    minted: MoneyRow,
    height: u64,
    balanced: bool,
    tables: Vec<Table>,
    withheld: bool,
    few: bool,
    sessions: Vec<(String, String)>,
    read: String,
}

/// Orders by something, as the gateway tells them.
struct Table {
    caption: String,
    head: String,
    rows: Vec<(String, String)>,
    /// Those together of which nothing is told.
    withheld: Option<String>,
    total: String,
}

/// A class of accounts: its money by source, and its bar.
struct MoneyRow {
    name: String,
    state: String,
    school: String,
    y: u64,
    text_y: u64,
    state_wide: u64,
    school_x: u64,
    school_wide: u64,
}

/// Classes in the order in which money moves through them.
fn classes(totals: &Totals) -> [(&'static str, Cents); 9] {
    [
        ("public-money-budget", totals.budget),
        ("public-money-reserve", totals.reserve),
        ("public-money-pupils", totals.pupils),
        ("public-money-schools", totals.schools),
        ("public-money-held", totals.held),
        ("public-money-escrowed", totals.escrowed),
        ("public-money-providers", totals.providers),
        ("public-money-settlement", totals.settlement),
        ("public-money-returned", totals.returned),
    ]
}

/// How long the bar of an amount is, where `most` is the longest: nothing only for nothing.
fn wide(amount: Cents, most: u64) -> u64 {
    if amount.is_zero() || most == 0 {
        return 0;
    }
    let wide = u128::from(amount.get()) * u128::from(WIDE) / u128::from(most);
    u64::try_from(wide).unwrap_or(WIDE).clamp(1, WIDE)
}

fn row(w: &Words, index: u64, name: &str, state: Cents, school: Cents, most: u64) -> MoneyRow {
    let (state_wide, school_wide) = (wide(state, most), wide(school, most));
    MoneyRow {
        name: w.text(name),
        state: w.money(&state),
        school: w.money(&school),
        y: index * ROW,
        text_y: index * ROW + 17,
        state_wide,
        school_x: LEFT + state_wide,
        school_wide,
    }
}

fn money(w: &Words, state: &Totals, school: &Totals) -> Vec<MoneyRow> {
    let both = classes(state).into_iter().zip(classes(school));
    let most = both.clone().map(|((_, state), (_, school))| state.get().saturating_add(school.get())).max();
    let most = most.unwrap_or_default();
    let rows = both.zip(0..).map(|(((name, state), (_, school)), index)| row(w, index, name, state, school, most));
    rows.collect()
}

/// The tables of a year's orders; none while there is no order.
fn tables(w: &Words, orders: &OrderTables) -> Vec<Table> {
    if orders.total == 0 {
        return Vec::new();
    }
    let table = |kind: &str, table: &CountTable, mut named: Vec<(String, u64)>, in_order: bool| {
        if !in_order {
            named.sort_by(|(one, _), (other, _)| w.compare(one, other));
        }
        Table {
            caption: w.text(&format!("public-orders-by-{kind}")),
            head: w.text(&format!("public-orders-{kind}")),
            rows: named.into_iter().map(|(name, count)| (name, w.number(count))).collect(),
            withheld: (table.withheld > 0).then(|| w.number(table.withheld)),
            total: w.number(orders.total),
        }
    };
    let known = |prefix: &str, cell: &str| {
        let key = format!("{prefix}-{cell}");
        if w.has(&key) { w.text(&key) } else { cell.to_owned() }
    };
    let named = |prefix: &str, table: &CountTable| -> Vec<(String, u64)> {
        table.cells.iter().map(|(cell, count)| (known(prefix, cell), *count)).collect()
    };
    let states = order_state::ALL.into_iter().filter_map(|state| {
        let count = orders.states.cells.get(order_state::code(state))?;
        Some((order_state::words(w, state), *count))
    });
    let months = orders.months.cells.iter().map(|(month, count)| (names::month(w, month), *count));
    vec![
        table("state", &orders.states, states.collect(), true),
        table("place", &orders.places, named("place", &orders.places), false),
        table("field", &orders.fields, named("field", &orders.fields), false),
        table("month", &orders.months, months.collect(), true),
    ]
}

pub(super) async fn figures(site: Arc<Site>, call: Call) -> Answer {
    let w = call.words();
    let years = site.years().await?;
    let asked = call.query.get("year").map(|text| text.parse().map(Year).map_err(|_| Trouble::NotFound)).transpose()?;
    let year = match asked {
        Some(year) => year,
        None => site.programme().await?.year,
    };
    let parameters = years.iter().find(|one| one.year == year).ok_or(Trouble::NotFound)?;
    let funds = site.client.funds(year).await?.ok_or(Trouble::NotFound)?;
    let statistics = site.client.statistics(year).await?.ok_or(Trouble::NotFound)?;
    let tables = statistics.orders.as_ref().map(|orders| tables(w, orders)).unwrap_or_default();
    let given = site.catalogue.year(year);
    let figure = |key: &str, number: u64| (w.text(key), w.number(number));
    let sessions = vec![
        figure("public-figures-sessions", given.sessions),
        figure("public-figures-capacity", given.places),
        figure("public-figures-taken", given.taken),
    ];
    let money = money(w, &funds.money.state, &funds.money.school);
    let f = call.frame(&site, Section::Figures, w.with("public-figures", &[("year", &year.to_string())])).await?;
    page(&Figures {
        f,
        year,
        years: years.iter().map(|one| (one.year, one.year == year)).collect(),
        ended: parameters.state == YearState::Ended,
        height: ROW * 9,
        minted: row(w, 0, "public-money-minted", funds.money.state.minted, funds.money.school.minted, 0),
        money,
        balanced: funds.balanced && funds.money.balances(),
        withheld: tables.iter().any(|table| table.withheld.is_some()),
        few: statistics.orders.is_none(),
        tables,
        sessions,
        read: w.date_time(&funds.time),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion_and_never_vanish() {
        assert_eq!(wide(Cents::ZERO, 100), 0);
        assert_eq!(wide(Cents::new(100), 100), WIDE);
        assert_eq!(wide(Cents::new(50), 100), WIDE / 2);
        assert_eq!(wide(Cents::new(1), u64::MAX), 1);
        assert_eq!(wide(Cents::new(u64::MAX), u64::MAX), WIDE);
    }
}
