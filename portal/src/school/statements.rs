//! Statements for a school's own money, with their invoices.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::operation::Buyer;
use keis_registry::Actor;
use keis_registry::permission::{Body, Permission};
use keis_wallet::client::StatementView;

use super::{SchoolId, houses, refuse};
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
    /// Where the invoice can be refused.
    refuse: Option<String>,
}

/// The school for which somebody acts who may do this with its statements.
async fn own(call: &Call, permission: Permission) -> Result<(Acting, SchoolId), Trouble> {
    let acting = call.acting(permission).await?;
    match acting.body {
        Body::School(school) => Ok((acting, school)),
        Body::Provider(_) | Body::Operator | Body::BudgetHolder => Err(Trouble::Forbidden),
    }
}

/// GET /school/statements
pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    let (acting, school) = own(&call, Permission::SeeStatements).await?;
    let w = call.words();
    let (year, years) = site.asked_year(&call).await?;
    let mut all = Vec::new();
    for house in houses(&site, school, year).await? {
        all.extend(site.client.all_school_statements(house, year).await?);
    }
    all.sort_by_key(|view| (std::cmp::Reverse(view.statement.issued), view.id));
    let mut list = Vec::with_capacity(all.len());
    for view in &all {
        list.push(row(&site, w, &acting, view).await?);
    }
    let f = call.frame(&site, Section::Orders, w.text("inv-school-title")).await?;
    page(&StatementsPage { f, years, list })
}

async fn row(site: &Site, w: &Words, acting: &Acting, view: &StatementView) -> Result<Row, Trouble> {
    let statement = &view.statement;
    Ok(Row {
        issued: w.date(&statement.issued),
        provider: provider_name(site, view).await?,
        orders: w.count("count-orders", statement.orders.len()),
        total: w.money(&statement.total),
        state: crate::provider::statement_state(w, view),
        invoice: invoice_link(site, &acting.actor(), view).await?,
        attached: view.bill.invoice.is_some(),
        refuse: refuse::can(acting.role, view)
            .then(|| format!("/school/statements/{}/refuse?year={}", view.id, view.year)),
    })
}

/// What people call the statement's provider.
pub(super) async fn provider_name(site: &Site, view: &StatementView) -> Result<String, Trouble> {
    let provider = site.registry.provider(view.statement.provider).await?;
    Ok(provider.map_or_else(|| view.statement.provider.to_string(), |provider| provider.name))
}

/// Number and address of the attached invoice, where it is kept here.
pub(super) async fn invoice_link(
    site: &Site,
    actor: &Actor,
    view: &StatementView,
) -> Result<Option<(String, String)>, Trouble> {
    let kept = Billing::new(site.client.clone(), site.registry.clone()).attached(actor, view).await?;
    Ok(kept.map(|kept| {
        let file = kept.commitments.file;
        (kept.number, format!("/school/statements/{}/paper?year={}&file={file}", view.id, view.year))
    }))
}

/// The school's statement, as the address names it, for who may do this with it. What stands under the name of a school in whose place
/// this one stands is its own by now: the ledger takes its signature.
pub(super) async fn statement(
    site: &Site,
    call: &Call,
    permission: Permission,
) -> Result<(Acting, StatementView), Trouble> {
    let (acting, school) = own(call, permission).await?;
    let year = Year(call.query.need("year")?);
    let view = site.client.statement(year, call.part(0)?).await?.ok_or(Trouble::NotFound)?;
    match view.statement.buyer {
        Buyer::School(buyer) if buyer == school => Ok((acting, view)),
        Buyer::School(buyer) => {
            let ours = houses(site, school, year).await?.contains(&buyer);
            if ours { Ok((acting, view)) } else { Err(Trouble::NotFound) }
        }
        Buyer::Programme => Err(Trouble::NotFound),
    }
}

/// GET /school/statements/{id}/paper
pub(super) async fn paper(site: Arc<Site>, call: Call) -> Answer {
    let (acting, view) = statement(&site, &call, Permission::SeeStatements).await?;
    let kept = papers::find(&site, &call, &acting.actor(), &view).await?;
    let back = (format!("/school/statements?year={}", view.year), call.words().text("inv-school-title"));
    papers::show(&site, &call, Section::Orders, back, &kept).await
}

/// GET /school/statements/{id}/paper/xml
pub(super) async fn paper_xml(site: Arc<Site>, call: Call) -> Answer {
    let (acting, view) = statement(&site, &call, Permission::SeeStatements).await?;
    papers::file(&call, papers::find(&site, &call, &acting.actor(), &view).await?).await
}
