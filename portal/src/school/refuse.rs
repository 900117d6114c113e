//! The school refuses an invoice for its own money, and says why: the reason goes to the provider, the refusal to the ledger.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::{Scope, Year};
use keis_ledger::ids::{Commitment, ProviderId, StatementId};
use keis_ledger::operation::{Operation, Party, SettlementOperation};
use keis_ledger::record::StatementState;
use keis_registry::permission::{Body, Permission, Role};
use keis_registry::refusals::{LONGEST_REASON, NewRefusal};
use keis_wallet::client::StatementView;
use warp::http::StatusCode;

use super::statements::{invoice_link, provider_name, statement};
use crate::billing::{Billing, BillingTrouble};
use crate::call::{Acting, Answer, Call, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::wallet::{SignRequest, Signer, has_key, sign_page};

#[derive(Template)]
#[template(path = "school/refuse.html")]
struct RefusePage {
    f: Frame,
    id: StatementId,
    year: Year,
    label: String,
    facts: Vec<(String, String)>,
    /// Number and address of the invoice, where it is kept here.
    invoice: Option<(String, String)>,
    /// None of the user's keys signs this.
    keyless: bool,
    reason: String,
    wrong: Option<String>,
    longest: usize,
}

/// Whether the school can refuse the statement's invoice now.
pub(super) fn can(role: Role, view: &StatementView) -> bool {
    role.may(Permission::RefuseInvoices) && attached(view).is_some()
}

/// The invoice that waits for its approval; approved ones are past refusing.
fn attached(view: &StatementView) -> Option<Commitment> {
    let waits = view.statement.state == StatementState::InvoiceAttached;
    view.bill.invoice.as_ref().filter(|_| waits).map(|invoice| invoice.file)
}

/// Where the statements of its year are listed.
fn list(view: &StatementView) -> String {
    format!("/school/statements?year={}", view.year)
}

async fn not_now(call: &Call, view: &StatementView) -> Answer {
    call.flash(Flash::bad(call.words().text("school-refuse-late"))).await?;
    redirect(&list(view))
}

/// GET /school/statements/{id}/refuse
pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let (acting, view) = statement(&site, &call, Permission::RefuseInvoices).await?;
    if attached(&view).is_none() {
        return not_now(&call, &view).await;
    }
    show(&site, &call, &acting, &view, Asked { reason: "", wrong: None }).await
}

/// What the form was sent with, and what is wrong with it.
struct Asked<'a> {
    reason: &'a str,
    wrong: Option<&'static str>,
}

async fn show(site: &Arc<Site>, call: &Call, acting: &Acting, view: &StatementView, asked: Asked<'_>) -> Answer {
    let w = call.words();
    let provider = provider_name(site, view).await?;
    let facts = vec![
        (w.text("inv-school-provider"), provider),
        (w.text("provider-issued"), w.date(&view.statement.issued)),
        (w.text("nav-orders"), w.count("count-orders", view.statement.orders.len())),
        (w.text("provider-total"), w.money(&view.statement.total)),
    ];
    let status = if asked.wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let f = call.frame(site, Section::Orders, w.text("school-refuse-title")).await?.with_scripts(&["page.js"]);
    let refuse = RefusePage {
        f,
        id: view.id,
        year: view.year,
        label: label(site, call, view).await?,
        facts,
        invoice: invoice_link(site, &acting.actor(), view).await?,
        keyless: !has_key(site, call.user()?, party(acting)?, Scope::Settlement).await?,
        reason: asked.reason.to_owned(),
        wrong: asked.wrong.map(|key| w.with1(key, "most", &LONGEST_REASON.to_string())),
        longest: LONGEST_REASON,
    };
    page_with(status, &refuse)
}

/// The school that refuses: the buyer, or who stands in its place.
fn party(acting: &Acting) -> Result<Party, Trouble> {
    match acting.body {
        Body::School(school) => Ok(Party::School(school)),
        Body::Provider(_) | Body::Operator | Body::BudgetHolder => Err(Trouble::Forbidden),
    }
}

/// What the signing page calls the statement.
async fn label(site: &Site, call: &Call, view: &StatementView) -> Result<String, Trouble> {
    let (w, statement) = (call.words(), &view.statement);
    let provider = provider_name(site, view).await?;
    Ok(format!("{provider}, {}, {}", w.date(&statement.issued), w.money(&statement.total)))
}

/// POST /school/statements/{id}/refuse
pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let (acting, view) = statement(&site, &call, Permission::RefuseInvoices).await?;
    if call.form.need::<StatementId>("statement")? != view.id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    let Some(file) = attached(&view) else { return not_now(&call, &view).await };
    let reason = call.form.get("reason").unwrap_or_default().trim();
    let wrong = match reason.chars().count() {
        0 => Some("school-refuse-why-missing"),
        1..=LONGEST_REASON => None,
        _ => Some("school-refuse-why-long"),
    };
    let keyless = !has_key(&site, call.user()?, party(&acting)?, Scope::Settlement).await?;
    if keyless || wrong.is_some() {
        return show(&site, &call, &acting, &view, Asked { reason, wrong }).await;
    }
    keep(&site, &acting, &view, file, reason).await?;
    let w = call.words();
    let request = SignRequest {
        title: w.text("school-refuse-title"),
        operations: vec![Operation::Settlement(SettlementOperation::RejectInvoice {
            year: view.year,
            statement: view.id,
        })],
        labels: vec![(view.id.to_string(), label(&site, &call, &view).await?)],
        signer: Signer::Party { party: party(&acting)?, scopes: vec![Scope::Settlement] },
        next: list(&view),
        warnings: vec![w.text("school-refuse-what"), w.with1("school-refuse-said", "reason", reason)],
    };
    sign_page(&site, &call, request).await
}

/// The reason is kept before the refusal is signed: the provider reads it once the ledger has the invoice no longer.
async fn keep(
    site: &Site,
    acting: &Acting,
    view: &StatementView,
    file: Commitment,
    reason: &str,
) -> Result<(), Trouble> {
    let provider = payee(site, view).await?;
    let new = NewRefusal { statement: view.id, file, provider, buyer: view.statement.buyer };
    Ok(site.registry.keep_refusal(&acting.actor(), &new, Some(reason)).await?)
}

/// Who is paid for the statement, and so reads the reason.
async fn payee(site: &Site, view: &StatementView) -> Result<ProviderId, Trouble> {
    let billing = Billing::new(site.client.clone(), site.registry.clone());
    match billing.payee(view.year, view.statement.provider).await {
        Ok((payee, _)) => Ok(payee),
        Err(BillingTrouble::Ledger(error)) => Err(error.into()),
        Err(BillingTrouble::Registry(error)) => Err(error.into()),
        Err(error) => Err(Trouble::internal(error)),
    }
}
