//! Orders as rows of a list, with the words that people know them by.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, SchoolId};
use keis_wallet::client::OrderView;

use super::rules;
use crate::catalogue::names;
use crate::order_state::{self, Stage};
use crate::public::terms;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Lang;

/// An order in a list.
pub(super) struct OrderRow {
    pub(super) id: OrderId,
    pub(super) href: String,
    pub(super) school: String,
    pub(super) title: String,
    pub(super) when: String,
    pub(super) place: String,
    pub(super) pupils: String,
    pub(super) worth: String,
    pub(super) state: String,
    pub(super) mood: &'static str,
    pub(super) until: String,
    /// Key of the words for a waiting change.
    pub(super) change: Option<&'static str>,
    /// What the signing page calls the order.
    pub(super) label: String,
}

/// Names of the orders' schools; a school that the registry does not know by its id.
async fn schools(site: &Site, orders: &[OrderView]) -> Result<BTreeMap<SchoolId, String>, Trouble> {
    let mut named = BTreeMap::new();
    for view in orders {
        let id = view.order.school;
        if let Entry::Vacant(free) = named.entry(id) {
            let school = site.registry.school(id).await?;
            free.insert(school.map_or_else(|| id.to_string(), |school| school.name));
        }
    }
    Ok(named)
}

/// Orders as rows, in the order in which they are given.
pub(super) async fn rows(site: &Site, lang: Lang, orders: &[OrderView]) -> Result<Vec<OrderRow>, Trouble> {
    let schools = schools(site, orders).await?;
    let years: BTreeSet<Year> = orders.iter().map(|view| view.year).collect();
    for year in years {
        let of_year = orders.iter().filter(|view| view.year == year);
        site.catalogue.ensure(year, of_year.map(|view| view.order.session)).await?;
    }
    Ok(orders.iter().map(|view| row(site, lang, view, &schools[&view.order.school])).collect())
}

/// One order as a row.
fn row(site: &Site, lang: Lang, view: &OrderView, school: &str) -> OrderRow {
    let (w, order) = (lang.words(), &view.order);
    let session = site.catalogue.session(order.session);
    let pupils = w.count("count-pupils", rules::pupils(order));
    let when = session.as_ref().map_or_else(|| w.date_time(&order.start), |session| terms::when(w, session));
    OrderRow {
        id: view.id,
        href: format!("/provider/orders/{}?year={}", view.id, view.year),
        school: school.to_owned(),
        title: site.catalogue.title(order.service, lang),
        when,
        place: session.map(|session| names::place(w, session.place)).unwrap_or_default(),
        worth: w.money(&rules::worth(order)),
        state: order_state::words(w, order.state),
        mood: Stage::of(order.state).mood(),
        until: w.date_time(&order.deadline),
        change: order.change.as_ref().map(|change| match change.by {
            keis_ledger::record::Side::Orderer => "provider-change-theirs",
            keis_ledger::record::Side::Provider => "provider-change-ours",
        }),
        label: format!("{school}, {}, {pupils}", site.catalogue.label(order.session, lang)),
        pupils,
    }
}
