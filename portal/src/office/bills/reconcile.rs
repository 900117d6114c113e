//! Payments of statements, compared with the bank's statement by an institution that recorded none of them.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::operation::{Operation, SettlementOperation};
use keis_ledger::record::PaymentWay;
use keis_registry::payments::{BankMark, LONGEST_MARK};
use keis_wallet::client::StatementView;
use warp::http::StatusCode;

use super::act::back;
use super::book::{Slip, Standing};
use super::pay::mark;
use super::{Chosen, Desk, INTENT, Names, Sheet, chosen, desk, label, next, open_year, rows, sign};
use crate::call::{Answer, Call, page_with};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;

/// A statement with its payments as the bank's statement must show them.
struct Compared {
    row: Chosen,
    label: String,
    payments: Vec<(String, String, String)>,
}

#[derive(Template)]
#[template(path = "office/bill_reconcile.html")]
struct ReconcilePage {
    f: Frame,
    year: Year,
    rows: Vec<Compared>,
    bank: String,
    error: Option<String>,
    most: usize,
}

fn hindrance(site: &Site, desk: &Desk, views: &[StatementView]) -> Option<&'static str> {
    let slips = || views.iter().map(Slip::of);
    if slips().any(|slip| slip.standing != Standing::Paid) {
        return Some("bills-no-longer-paid");
    }
    if slips().any(|slip| !desk.compares(site, slip.buyer, &slip.recorded_by)) {
        Some("bills-not-comparer")
    } else {
        None
    }
}

/// GET /office/bills/{year}/reconcile
pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    if call.query.get("statement").is_none() {
        return back(&call, year, "bills-none-chosen").await;
    }
    let views = chosen(&site, year, &call.query).await?;
    match hindrance(&site, &desk, &views) {
        Some(key) => back(&call, year, key).await,
        None => show(&site, &call, &desk, &views, None).await,
    }
}

async fn compared(site: &Site, call: &Call, desk: &Desk, views: &[StatementView]) -> Result<Vec<Compared>, Trouble> {
    let (w, mut names) = (call.words(), Names::default());
    let references: Vec<_> = views.iter().flat_map(|view| Slip::of(view).references).collect();
    let opened = site.registry.opened_marks(&desk.actor(), &references).await?;
    let mut all = Vec::new();
    for (row, view) in rows(site, call, desk, views, &mut names).await?.into_iter().zip(views) {
        let payments = view.bill.payments.iter().map(|payment| {
            let text = |reference| opened.get(&reference).cloned().unwrap_or_else(|| reference.to_string());
            let what = match payment.way {
                PaymentWay::Bank { reference, .. } => text(reference),
                PaymentWay::SetOff => w.text("bills-way-set-off"),
                PaymentWay::Returned { reference } => w.with1("bills-returned-mark", "reference", &text(reference)),
            };
            (w.date(&payment.at), what, w.money(&payment.amount))
        });
        all.push(Compared { payments: payments.collect(), label: label(site, w, &mut names, view).await?, row });
    }
    Ok(all)
}

async fn show(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    views: &[StatementView],
    error: Option<&'static str>,
) -> Answer {
    let w = call.words();
    let f = call.frame(site, Section::Bills, w.text("bills-reconcile-title")).await?.with_scripts(INTENT);
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let shown = ReconcilePage {
        f,
        year: views[0].year,
        rows: compared(site, call, desk, views).await?,
        bank: call.form.get("bank").unwrap_or_default().to_owned(),
        error: error.map(|key| w.text(key)),
        most: LONGEST_MARK,
    };
    page_with(status, &shown)
}

/// POST /office/bills/{year}/reconcile
pub(super) async fn reconcile(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let views = chosen(&site, year, &call.form).await?;
    if let Some(key) = hindrance(&site, &desk, &views) {
        return back(&call, year, key).await;
    }
    let text = match mark(call.form.get("bank").unwrap_or_default()) {
        Ok(text) => text,
        Err(key) => return show(&site, &call, &desk, &views, Some(key)).await,
    };
    let kept = site.registry.keep_bank_marks(&desk.actor(), BankMark::Statement, std::slice::from_ref(&text)).await?;
    let bank = *kept.first().ok_or_else(|| Trouble::internal("a bank's mark was not kept"))?;
    let (w, mut names) = (call.words(), Names::default());
    let (mut operations, mut labels) = (Vec::new(), vec![(bank.to_string(), text)]);
    for view in &views {
        let operation = SettlementOperation::Reconcile { year, statement: view.id, bank };
        operations.push(Operation::Settlement(operation));
        labels.push((view.id.to_string(), label(&site, w, &mut names, view).await?));
    }
    let sheet = Sheet {
        title: w.text("bills-reconcile-title"),
        operations,
        labels,
        // What came from a file goes on there.
        next: if call.query.get("from") == Some("file") {
            format!("/office/books/{year}/compare")
        } else {
            next(year, &views)
        },
        warnings: vec![w.text("bills-reconcile-warning")],
    };
    sign(&site, &call, sheet).await
}
