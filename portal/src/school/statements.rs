//! Statements for a school's own money, with their invoices.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_registry::permission::{Body, Permission};
use keis_wallet::client::StatementView;

use super::SchoolId;
use crate::billing::Billing;
use crate::call::{Acting, Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::papers;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

#[derive(Template)]
#[template(path = "school/statements.html")]
struct StatementsPage {
    f: Frame,
    years: Vec<(Year, bool)>,
    list: Vec<Row>,
}

struct Row {
    issued: String,
    provider: String,
    orders: String,
    total: String,
    state: String,
    /// Number and address of the invoice.
    invoice: Option<(String, String)>,
    attached: bool,
}

/// The school for which somebody acts who sees its statements.
async fn own(call: &Call) -> Result<(Acting, SchoolId), Trouble> {
    let acting = call.acting(Permission::SeeStatements).await?;
    match acting.body {
        Body::School(school) => Ok((acting, school)),
        Body::Provider(_) | Body::Operator | Body::BudgetHolder => Err(Trouble::Forbidden),
    }
}

/// GET /school/statements
pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    let (acting, school) = own(&call).await?;
    let w = call.words();
    let years = site.years().await?;
    let year = match call.query.parse::<u16>("year")? {
        Some(year) => Year(year),
        None => site.programme().await?.year,
    };
    if !years.iter().any(|known| known.year == year) {
        return Err(site.no_year(year).await);
    }
    let mut all = site.client.all_school_statements(school, year).await?;
    all.sort_by_key(|view| (std::cmp::Reverse(view.statement.issued), view.id));
    let billing = Billing::new(site.client.clone(), site.registry.clone());
    let mut list = Vec::with_capacity(all.len());
    for view in &all {
        list.push(row(&site, w, &billing, &acting, view).await?);
    }
    let f = call.frame(&site, Section::Orders, w.text("inv-school-title")).await?;
    let years = years.iter().map(|known| (known.year, known.year == year)).collect();
    page(&StatementsPage { f, years, list })
}

async fn row(
    site: &Site,
    w: &Words,
    billing: &Billing,
    acting: &Acting,
    view: &StatementView,
) -> Result<Row, Trouble> {
    let statement = &view.statement;
    let provider = site.registry.provider(statement.provider).await?;
    let kept = billing.attached(&acting.actor(), view).await?;
    let address = |kept: keis_registry::documents::Kept| {
        let file = kept.commitments.file;
        (kept.number, format!("/school/statements/{}/paper?year={}&file={file}", view.id, view.year))
    };
    Ok(Row {
        issued: w.date(&statement.issued),
        provider: provider.map_or_else(|| statement.provider.to_string(), |provider| provider.name),
        orders: w.count("count-orders", statement.orders.len()),
        total: w.money(&statement.total),
        state: crate::provider::statement_state(w, view),
        invoice: kept.map(address),
        attached: view.bill.invoice.is_some(),
    })
}

/// The school's statement, as the address names it.
async fn statement(site: &Site, call: &Call) -> Result<(Acting, StatementView), Trouble> {
    let (acting, school) = own(call).await?;
    let year = Year(call.query.need("year")?);
    let view = site.client.statement(year, call.part(0)?).await?.ok_or(Trouble::NotFound)?;
    match view.statement.buyer {
        keis_ledger::operation::Buyer::School(buyer) if buyer == school => Ok((acting, view)),
        keis_ledger::operation::Buyer::School(_) | keis_ledger::operation::Buyer::Programme => Err(Trouble::NotFound),
    }
}

/// GET /school/statements/{id}/paper
pub(super) async fn paper(site: Arc<Site>, call: Call) -> Answer {
    let (acting, view) = statement(&site, &call).await?;
    let kept = papers::find(&site, &call, &acting.actor(), &view).await?;
    let back = (format!("/school/statements?year={}", view.year), call.words().text("inv-school-title"));
    papers::show(&site, &call, Section::Orders, back, &kept).await
}

/// GET /school/statements/{id}/paper/xml
pub(super) async fn paper_xml(site: Arc<Site>, call: Call) -> Answer {
    let (acting, view) = statement(&site, &call).await?;
    papers::file(&call, papers::find(&site, &call, &acting.actor(), &view).await?).await
}
