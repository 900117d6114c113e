//! What follows a statement's acceptance: its invoice, the approval, what was paid, credited and is open.

use std::collections::BTreeSet;

use keis_ledger::ids::Commitment;
use keis_ledger::money::Cents;
use keis_ledger::record::{Payment, PaymentWay, StatementState};
use keis_registry::RegistryError;
use keis_registry::invoices::{Paper, PaperKind};
use keis_registry::permission::Permission;
use keis_wallet::client::StatementView;

use super::Own;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// A statement after its acceptance.
pub(super) struct BillLook {
    /// What happens next.
    pub(super) next: String,
    /// What keeps it from being paid.
    pub(super) warning: Option<String>,
    pub(super) facts: Vec<(String, String)>,
    pub(super) payments: Vec<PaymentRow>,
    pub(super) notes: Vec<PaperRow>,
    /// Where the invoice is attached.
    pub(super) attach: Option<String>,
    /// Where the attached invoice is shown, if it is kept here.
    pub(super) invoice: Option<String>,
    /// Where the buyer's reason is told, when it refused the last invoice.
    pub(super) refused: Option<String>,
}

/// Money that was paid or set off.
pub(super) struct PaymentRow {
    pub(super) at: String,
    pub(super) amount: String,
    pub(super) way: String,
}

/// A credit note that was made ready.
pub(super) struct PaperRow {
    pub(super) at: String,
    pub(super) number: String,
    pub(super) file: String,
    /// Where it is shown, if it is kept here.
    pub(super) href: Option<String>,
}

/// Papers of a statement, its own and those of providers in whose place it stands.
pub(super) async fn papers(site: &Site, own: &Own, view: &StatementView) -> Result<Vec<Paper>, Trouble> {
    match site.registry.papers(&own.acting.actor(), view.year, view.id).await {
        Ok(papers) => Ok(papers),
        Err(RegistryError::Denied(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The statement after its acceptance; none before.
pub(super) async fn look(site: &Site, w: &Words, own: &Own, view: &StatementView) -> Result<Option<BillLook>, Trouble> {
    let state = view.statement.state;
    if !state.is_accepted() {
        return Ok(None);
    }
    let papers = papers(site, own, view).await?;
    let wallet = site.client.provider_wallet(own.id, view.year).await?;
    let has_account = wallet.is_some_and(|wallet| wallet.payment_account.is_some());
    // A stranger to the papers is shown none of them.
    let documents =
        if papers.is_empty() { BTreeSet::new() } else { site.registry.kept_files(view.year, view.id).await? };
    let at = |file: &Commitment| {
        let there = documents.contains(file);
        there.then(|| format!("/provider/statements/{}/paper?year={}&file={file}", view.id, view.year))
    };
    let attaches = state == StatementState::Accepted && own.acting.role.may(Permission::AcceptStatements);
    Ok(Some(BillLook {
        next: next(w, view),
        warning: (!has_account && awaits_money(state)).then(|| w.text("provider-no-account")),
        facts: facts(w, view, &papers),
        payments: view.bill.payments.iter().map(|payment| row(w, payment)).collect(),
        notes: papers
            .iter()
            .filter(|paper| paper.kind != PaperKind::Invoice)
            .map(|paper| note(w, paper, at(&paper.commitments.file)))
            .collect(),
        invoice: view.bill.invoice.and_then(|attached| at(&attached.file)),
        attach: attaches.then(|| format!("/provider/statements/{}/invoice?year={}", view.id, view.year)),
        refused: refused(site, own, view).await?,
    }))
}

/// Where the buyer's reason is told, while a refused invoice waits for another.
async fn refused(site: &Site, own: &Own, view: &StatementView) -> Result<Option<String>, Trouble> {
    if view.statement.state != StatementState::Accepted {
        return Ok(None);
    }
    match site.registry.refusals(&own.acting.actor(), view.id, None).await {
        Ok(reasons) => Ok((!reasons.is_empty()).then(|| format!("/provider/refused/{}", view.id))),
        Err(RegistryError::Denied(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn awaits_money(state: StatementState) -> bool {
    match state {
        StatementState::Accepted | StatementState::InvoiceAttached | StatementState::Approved => true,
        StatementState::Issued
        | StatementState::Contested
        | StatementState::Paid
        | StatementState::Reconciled
        | StatementState::Credited => false,
    }
}

fn next(w: &Words, view: &StatementView) -> String {
    let open = w.money(&view.statement.balance);
    match view.statement.state {
        StatementState::Issued | StatementState::Contested => String::new(),
        StatementState::Accepted => w.text("provider-next-invoice"),
        StatementState::InvoiceAttached => w.text("provider-next-approval"),
        StatementState::Approved => w.with1("provider-next-payment", "open", &open),
        StatementState::Paid => w.text("provider-next-paid"),
        StatementState::Reconciled => w.text("provider-next-reconciled"),
        StatementState::Credited => w.text("provider-next-credited"),
    }
}

fn facts(w: &Words, view: &StatementView, papers: &[Paper]) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut fact = |key: &str, value: String| all.push((w.text(key), value));
    if let Some(attached) = &view.bill.invoice {
        let said =
            |paper: &&Paper| (paper.commitments.file, paper.commitments.number) == (attached.file, attached.number);
        match papers.iter().find(said) {
            Some(paper) => {
                fact("provider-invoice-number", paper.number.clone());
                fact("provider-invoice-file", paper.file.name.clone());
                fact("provider-invoice-hash", paper.file.hash_text());
            }
            None => fact("provider-invoice-number", w.text("provider-invoice-elsewhere")),
        }
    }
    if let Some(approval) = &view.bill.approval {
        fact("provider-approved", w.date(&approval.at));
    }
    for (key, sum) in
        [("provider-paid", view.paid), ("provider-set-off", view.set_off), ("provider-credited", view.bill.credited)]
    {
        if sum > Cents::ZERO {
            fact(key, w.money(&sum));
        }
    }
    fact("provider-still-open", w.money(&view.statement.balance));
    all
}

fn row(w: &Words, payment: &Payment) -> PaymentRow {
    let way = match payment.way {
        PaymentWay::Bank { .. } => "provider-way-bank",
        PaymentWay::SetOff => "provider-way-set-off",
        PaymentWay::Returned { .. } => "provider-way-returned",
    };
    PaymentRow { at: w.date(&payment.at), amount: w.money(&payment.amount), way: w.text(way) }
}

fn note(w: &Words, paper: &Paper, href: Option<String>) -> PaperRow {
    PaperRow { at: w.date(&paper.added), number: paper.number.clone(), file: paper.file.name.clone(), href }
}
