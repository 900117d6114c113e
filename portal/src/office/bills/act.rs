//! Acts that need no more than the statement: approving and refusing invoices, payments that the bank sent back.

use std::sync::Arc;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::Commitment;
use keis_ledger::operation::{Operation, SettlementOperation};
use keis_ledger::record::PaymentWay;
use keis_registry::refusals::{LONGEST_REASON, NewRefusal};
use keis_wallet::client::StatementView;

use super::book::{Slip, Standing};
use super::statement::payee;
use super::{Desk, Names, Sheet, chosen, desk, label, next, open_year, sign};
use crate::call::{Answer, Call, redirect};
use crate::frame::Flash;
use crate::site::Site;
use crate::trouble::Trouble;

/// POST /office/bills/{year}/act
pub(super) async fn act(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    if call.form.get("statement").is_none() {
        return back(&call, year, "bills-none-chosen").await;
    }
    let views = chosen(&site, year, &call.form).await?;
    match call.form.get("act") {
        Some("approve") => approve(&site, &call, &desk, &views).await,
        Some("reject") => reject(&site, &call, &desk, &views).await,
        Some("return") => come_back(&site, &call, &desk, &views).await,
        _ => Err(Trouble::Malformed("trouble-field")),
    }
}

/// Back to the list with what keeps it from being done.
pub(super) async fn back(call: &Call, year: Year, key: &str) -> Answer {
    call.flash(Flash::bad(call.words().text(key))).await?;
    redirect(&format!("/office/bills?year={year}"))
}

async fn back_to(call: &Call, views: &[StatementView], text: String) -> Answer {
    call.flash(Flash::bad(text)).await?;
    let year = views.first().map_or(Year(0), |view| view.year);
    redirect(&next(year, views))
}

async fn labels(site: &Site, call: &Call, views: &[StatementView]) -> Result<Vec<(String, String)>, Trouble> {
    let mut names = Names::default();
    let mut labels = Vec::new();
    for view in views {
        labels.push((view.id.to_string(), label(site, call.words(), &mut names, view).await?));
    }
    Ok(labels)
}

/// Whether all are in one standing; the sentence that says so otherwise.
fn all_in(views: &[StatementView], standing: Standing) -> bool {
    views.iter().all(|view| Standing::of(view) == standing)
}

async fn approve(site: &Arc<Site>, call: &Call, desk: &Desk, views: &[StatementView]) -> Answer {
    let w = call.words();
    if !desk.operator {
        return Err(Trouble::Forbidden);
    }
    if !all_in(views, Standing::InvoiceAttached) {
        return back_to(call, views, w.text("bills-no-longer-invoice")).await;
    }
    for view in views {
        if payee(site, view.year, view.statement.provider).await?.account.is_none() {
            let label = label(site, w, &mut Names::default(), view).await?;
            return back_to(call, views, w.with1("bills-account-missing-of", "statement", &label)).await;
        }
    }
    let operation = |view: &StatementView| {
        Operation::Settlement(SettlementOperation::Approve { year: view.year, statement: view.id })
    };
    let sheet = Sheet {
        title: w.text("bills-approve-title"),
        operations: views.iter().map(operation).collect(),
        labels: labels(site, call, views).await?,
        next: next(views[0].year, views),
        warnings: vec![w.text("bills-approve-warning")],
    };
    sign(site, call, sheet).await
}

async fn reject(site: &Arc<Site>, call: &Call, desk: &Desk, views: &[StatementView]) -> Answer {
    let w = call.words();
    if !all_in(views, Standing::InvoiceAttached) {
        return back_to(call, views, w.text("bills-no-longer-invoice")).await;
    }
    let reason = call.form.get("reason").map(str::trim).filter(|text| !text.is_empty());
    if reason.is_some_and(|text| text.chars().count() > LONGEST_REASON) {
        let most = LONGEST_REASON.to_string();
        return back_to(call, views, w.with1("school-refuse-why-long", "most", &most)).await;
    }
    for view in views {
        let Some(invoice) = &view.bill.invoice else { continue };
        let (year, of) = (view.year, view.statement.provider);
        let provider = payee(site, year, of).await?.successor.unwrap_or(of);
        let new = NewRefusal { statement: view.id, file: invoice.file, provider, buyer: view.statement.buyer };
        site.registry.keep_refusal(&desk.actor(), &new, reason).await?;
    }
    let operation = |view: &StatementView| {
        Operation::Settlement(SettlementOperation::RejectInvoice { year: view.year, statement: view.id })
    };
    let sheet = Sheet {
        title: w.text("bills-reject-title"),
        operations: views.iter().map(operation).collect(),
        labels: labels(site, call, views).await?,
        next: next(views[0].year, views),
        warnings: vec![w.text("bills-reject-more")],
    };
    sign(site, call, sheet).await
}

/// The bank sent a payment back: it is open again.
async fn come_back(site: &Arc<Site>, call: &Call, desk: &Desk, views: &[StatementView]) -> Answer {
    let w = call.words();
    let reference: Commitment = call.form.need("reference")?;
    let [view] = views else { return Err(Trouble::Malformed("trouble-field")) };
    let slip = Slip::of(view);
    if !desk.pays(slip.buyer) {
        return Err(Trouble::Forbidden);
    }
    let stands = view.bill.payments.iter().find(|payment| match payment.way {
        PaymentWay::Bank { reference: known, .. } => known == reference,
        PaymentWay::SetOff | PaymentWay::Returned { .. } => false,
    });
    let Some(payment) = stands.filter(|_| slip.standing.is_payable() || slip.standing == Standing::Paid) else {
        return back_to(call, views, w.text("bills-no-longer-payment")).await;
    };
    let mut labels = labels(site, call, views).await?;
    let opened = site.registry.opened_marks(&desk.actor(), &[reference]).await?;
    labels.extend(opened.into_iter().map(|(reference, text)| (reference.to_string(), text)));
    let operation = SettlementOperation::ReturnPayment { year: view.year, statement: view.id, reference };
    let sheet = Sheet {
        title: w.text("bills-return-title"),
        operations: vec![Operation::Settlement(operation)],
        labels,
        next: next(view.year, views),
        warnings: vec![w.with1("bills-return-warning", "sum", &w.money(&payment.amount))],
    };
    sign(site, call, sheet).await
}
