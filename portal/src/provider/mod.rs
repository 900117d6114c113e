//! A provider's pages: what waits, sessions, orders to answer and to report, statements.
//!
//! Everything that changes the ledger is signed in the browser with a key of the provider's own.

mod bill;
mod change;
mod credit;
mod dispute;
mod home;
mod invoice;
mod invoicing;
mod month;
mod order;
mod owed;
mod refused;
mod requests;
mod reversed;
mod rows;
mod rules;
mod session;
mod session_form;
mod sessions;
mod statements;
mod tick;

use std::sync::Arc;

use futures::future::try_join_all;
use keis_ledger::classifiers::{Scope, Year};
use keis_ledger::ids::{OrderId, ProviderId};
use keis_ledger::operation::{Operation, OrderAction, Party};
use keis_ledger::record::OrderState;
use keis_registry::permission::{Body, Permission};
use keis_wallet::client::{OrderView, StatementView};

use crate::call::{Acting, Answer, Call};
use crate::deadlines::{all_moved, moved};
use crate::route::{Route, get, post};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::wallet::{SignRequest, Signer, sign_page};
use crate::words::Words;

/// Remembers what a form asks for; on every page from which something is signed.
const INTENT: &[&str] = &["page.js"];
/// Predecessors of whom it is asked in whose places they stood, at the most.
const MOST_HOUSES: usize = 16;

/// The routes.
pub(crate) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![
        get(site, "/provider", home::home),
        post(site, "/provider/notices/dismiss", home::dismiss),
        get(site, "/provider/sessions", sessions::sessions),
        get(site, "/provider/sessions/new", session_form::new),
        post(site, "/provider/sessions/new", session_form::open),
        get(site, "/provider/sessions/{id}", session::session),
        post(site, "/provider/sessions/{id}/amend", session_form::amend),
        post(site, "/provider/sessions/{id}/close", session::close),
        get(site, "/provider/requests", requests::requests),
        post(site, "/provider/requests/answer", requests::answer),
        get(site, "/provider/orders/{id}", order::order),
        post(site, "/provider/orders/{id}/change", change::propose),
        post(site, "/provider/orders/{id}/accept", change::accept),
        post(site, "/provider/orders/{id}/drop", change::drop_change),
        post(site, "/provider/orders/{id}/cancel", change::cancel),
        get(site, "/provider/orders/{id}/report", tick::report),
        post(site, "/provider/orders/{id}/report", tick::send_report),
        get(site, "/provider/orders/{id}/attendance", tick::attendance),
        post(site, "/provider/orders/{id}/attendance", tick::send_attendance),
        get(site, "/provider/orders/{id}/print", tick::print),
        get(site, "/provider/orders/{id}/dispute", dispute::form),
        post(site, "/provider/orders/{id}/dispute", dispute::submit),
        get(site, "/provider/refused/{statement}", refused::show),
        get(site, "/provider/statements", statements::statements),
        get(site, "/provider/statements/{id}", statements::statement),
        post(site, "/provider/statements/{id}/answer", statements::answer),
        get(site, "/provider/statements/{id}/invoice", invoice::form),
        post(site, "/provider/statements/{id}/invoice", invoice::upload),
        post(site, "/provider/statements/{id}/invoice/make", invoice::make),
        post(site, "/provider/statements/{id}/invoice/sign", invoice::submit),
        get(site, "/provider/statements/{id}/paper", invoice::paper),
        get(site, "/provider/statements/{id}/paper/xml", invoice::paper_xml),
        get(site, "/provider/statements/{id}/credit", credit::form),
        post(site, "/provider/statements/{id}/credit", credit::upload),
        post(site, "/provider/statements/{id}/credit/sign", credit::submit),
        get(site, "/provider/statements/{id}/reversed", reversed::form),
        post(site, "/provider/statements/{id}/reversed", reversed::submit),
        get(site, "/provider/invoicing", invoicing::form),
        post(site, "/provider/invoicing", invoicing::submit),
    ]
}

/// Where a statement stands, in words.
pub(crate) fn statement_state(w: &Words, view: &StatementView) -> String {
    statements::state(w, view).0
}

/// The provider for which somebody acts.
struct Own {
    acting: Acting,
    id: ProviderId,
}

impl Own {
    fn party(&self) -> Party {
        Party::Provider(self.id)
    }

    /// The provider and those in whose place it stands: what they did is listed under their names.
    async fn houses(&self, site: &Site) -> Result<Vec<ProviderId>, Trouble> {
        let mut all = vec![self.id];
        let Some(latest) = site.years().await?.last().map(|latest| latest.year) else { return Ok(all) };
        let mut next = 0;
        while let Some(house) = all.get(next).copied().filter(|_| next < MOST_HOUSES) {
            next += 1;
            let wallet = site.client.provider_wallet(house, latest).await?;
            for before in wallet.map(|wallet| wallet.predecessors).unwrap_or_default() {
                // The registry shows a successor what stands under the old name.
                site.registry.note_succession(&Body::Provider(before), &Body::Provider(house)).await?;
                if !all.contains(&before) {
                    all.push(before);
                }
            }
        }
        Ok(all)
    }

    /// Whether what bears a provider's name is this provider's by now.
    async fn stands_for(&self, site: &Site, provider: ProviderId) -> Result<bool, Trouble> {
        Ok(provider == self.id || self.houses(site).await?.contains(&provider))
    }
}

/// For which provider somebody acts who may do this.
async fn own(call: &Call, permission: Permission) -> Result<Own, Trouble> {
    let acting = call.acting(permission).await?;
    match acting.body {
        Body::Provider(id) => Ok(Own { id, acting }),
        Body::School(_) | Body::Operator | Body::BudgetHolder => Err(Trouble::Forbidden),
    }
}

/// The years in which something may wait for a provider: the one of now, the one before it, and one that was opened ahead.
/// The latest first.
async fn live_years(site: &Site) -> Result<Vec<Year>, Trouble> {
    let years = site.years().await?;
    if years.is_empty() {
        return Ok(Vec::new());
    }
    let now = site.programme().await?.year;
    Ok(years.iter().rev().map(|known| known.year).filter(|year| now.0 <= year.0.saturating_add(1)).collect())
}

/// The provider's order in whichever year it is; of the query's year alone when it names one.
async fn find_order(site: &Site, call: &Call, own: &Own) -> Result<OrderView, Trouble> {
    let id: OrderId = call.part(0)?;
    let years = match call.query.parse::<u16>("year")? {
        Some(year) => vec![Year(year)],
        None => site.years().await?.iter().rev().map(|year| year.year).collect(),
    };
    for year in years {
        if let Some(found) = site.client.order_lines(year, id).await? {
            return if is_own(own, &found) { Ok(moved(found)) } else { Err(Trouble::NotFound) };
        }
    }
    Err(Trouble::NotFound)
}

/// Whether an order is the provider's, or of one in whose place it stands.
fn is_own(own: &Own, view: &OrderView) -> bool {
    view.order.provider == own.id || view.provider_successor == Some(own.id)
}

/// The provider's orders of a year in these states.
async fn orders_in(site: &Site, own: &Own, year: Year, states: &[OrderState]) -> Result<Vec<OrderView>, Trouble> {
    let mut all = Vec::new();
    for house in own.houses(site).await? {
        let asked = states.iter().map(|state| site.client.all_provider_orders(house, year, Some(*state)));
        all.extend(try_join_all(asked).await?.into_iter().flatten());
    }
    Ok(all_moved(all))
}

/// What is to be signed for a provider.
struct Sheet {
    title: String,
    operations: Vec<Operation>,
    labels: Vec<(String, String)>,
    scope: Scope,
    next: String,
    warnings: Vec<String>,
}

async fn sign(site: &Arc<Site>, call: &Call, own: &Own, sheet: Sheet) -> Answer {
    let Sheet { title, operations, labels, scope, next, warnings } = sheet;
    let signer = Signer::Party { party: own.party(), scopes: vec![scope] };
    sign_page(site, call, SignRequest { title, operations, labels, signer, next, warnings }).await
}

/// An operation on an order.
fn act(view: &OrderView, action: OrderAction) -> Operation {
    Operation::Order { year: view.year, order: view.id, action }
}
