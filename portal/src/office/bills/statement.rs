//! One statement: what it is for, its invoice, what was paid, and what may be done with it now.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use futures::stream::{self, StreamExt, TryStreamExt};
use keis_ledger::classifiers::{VatCategory, Year};
use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::money::{Cents, Source};
use keis_ledger::operation::Buyer;
use keis_ledger::record::{LineState, Payment, PaymentWay};
use keis_registry::invoices::Paper;
use keis_registry::refusals::LONGEST_REASON;
use keis_wallet::client::{OrderView, StatementView};

use super::book::{Slip, Standing};
use super::{Desk, INTENT, Names, desk, open_year, source, standing};
use crate::billing::{Billing, told};
use crate::call::{Answer, Call, page};
use crate::catalogue::names as terms;
use crate::frame::{Frame, Section};
use crate::public::listing::{PageLink, page_links};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Orders on a page.
const PER_PAGE: usize = 50;
/// Orders that are asked for at a time.
const AT_ONCE: usize = 8;
/// Successors that are followed from a provider at the most.
const SUCCESSORS: usize = 16;

/// An order of the statement.
struct OrderLine {
    when: String,
    title: String,
    school: String,
    attended: usize,
    absent: usize,
    price: String,
    vat: String,
    due: String,
}

/// A payment or set-off.
struct Paid {
    at: String,
    way: String,
    amount: String,
    reference: String,
    /// The institution whose officer recorded it.
    by: String,
    /// The commitment, where it may be recorded that the bank sent the payment back.
    returnable: Option<Commitment>,
}

/// The figures of an invoice that is kept here.
struct DocumentSums {
    href: String,
    number: String,
    net: String,
    tax: String,
    gross: String,
}

/// What this desk may do now.
#[derive(Default)]
struct May {
    approve: bool,
    reject: bool,
    pay: bool,
    set_off: bool,
    reconcile: bool,
}

#[derive(Template)]
#[template(path = "office/bill.html")]
struct StatementPage {
    f: Frame,
    id: StatementId,
    year: Year,
    label: String,
    badge: (String, &'static str),
    facts: Vec<(String, String)>,
    waits: Option<String>,
    notes: Vec<String>,
    invoice: Option<Paper>,
    attached: bool,
    /// Net, VAT and gross of the invoice, where it is kept here; and where it is shown.
    document: Option<DocumentSums>,
    payments: Vec<Paid>,
    bank: Option<String>,
    history: Vec<(String, String)>,
    orders: Vec<OrderLine>,
    vat: Vec<(String, String)>,
    caption: String,
    pages: Vec<PageLink>,
    range: String,
    may: May,
    most_reason: usize,
}

/// Where a provider is paid: by the account of who stands in its place now.
pub(super) struct Payee {
    /// Commitment to the account; none while none is bound.
    pub(super) account: Option<Commitment>,
    /// Who stands in the provider's place, if somebody does.
    pub(super) successor: Option<keis_ledger::ids::ProviderId>,
}

/// Who is paid for this provider.
pub(super) async fn payee(site: &Site, year: Year, id: keis_ledger::ids::ProviderId) -> Result<Payee, Trouble> {
    let mut now = id;
    for _ in 0..SUCCESSORS {
        let wallet = site.client.provider_wallet(now, year).await?.ok_or(Trouble::NotFound)?;
        match wallet.successor {
            Some(next) => now = next,
            None => {
                let account = wallet.payment_account.map(|known| known.account);
                return Ok(Payee { account, successor: (now != id).then_some(now) });
            }
        }
    }
    Err(Trouble::internal("the successors of a provider do not end"))
}

/// What a provider owes this buyer.
pub(super) async fn owed(site: &Site, view: &StatementView) -> Result<Cents, Trouble> {
    let all = site.client.all_provider_receivables(view.statement.provider, view.year).await?;
    Ok(all.iter().find(|one| one.buyer == view.statement.buyer).map_or(Cents::ZERO, |one| one.owed))
}

/// Whether one of the officer's own keys approved the invoice: then another officer records what is paid.
pub(super) async fn approved_here(site: &Site, desk: &Desk, slip: &Slip) -> Result<bool, Trouble> {
    let Some(by) = slip.approved_by else { return Ok(false) };
    Ok(site.registry.officer_keys(&desk.user).await?.iter().any(|own| own.key == by))
}

/// GET /office/bills/{year}/{statement}
pub(super) async fn show(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let w = call.words();
    let view = site.client.statement(year, call.part(1)?).await?.ok_or(Trouble::NotFound)?;
    let slip = Slip::of(&view);
    let mut names = Names::default();
    let label = super::label(&site, w, &mut names, &view).await?;
    let opened = site.registry.opened_marks(&desk.actor(), &marks(&view)).await?;
    let invoice = match &view.bill.invoice {
        Some(attached) => site.registry.invoice(&desk.actor(), year, view.id, attached).await?,
        None => None,
    };
    let orders = orders(&site, &view).await?;
    let pages = orders.len().div_ceil(PER_PAGE).max(1);
    let number = call.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, pages);
    let shown: Vec<_> = orders.iter().skip((number - 1) * PER_PAGE).take(PER_PAGE).collect();
    let lines = lines(&site, &call, &mut names, slip.buyer.source(), &shown).await?;
    let (may, notes) = may(&site, w, &desk, &view, &slip).await?;
    let f = call.frame(&site, Section::Bills, w.text("bills-statement")).await?.with_scripts(INTENT);
    page(&StatementPage {
        f,
        id: view.id,
        year,
        label,
        badge: (standing(w, slip.standing), slip.standing.mood()),
        facts: facts(&site, w, &mut names, &view).await?,
        waits: waits(w, &slip),
        notes,
        invoice,
        attached: view.bill.invoice.is_some(),
        document: document(&site, w, &desk, &view).await?,
        payments: payments(&site, w, &desk, &view, &opened),
        bank: view.bill.bank.map(|bank| opened.get(&bank).cloned().unwrap_or_else(|| bank.to_string())),
        history: history(w, &view),
        vat: vat(&site, w, slip.buyer.source(), &orders).await?,
        caption: w.count("count-orders", orders.len()),
        orders: lines,
        pages: page_links(&call, number, pages),
        range: w.with("public-page-of", &[("page", &number.to_string()), ("pages", &pages.to_string())]),
        may,
        most_reason: LONGEST_REASON,
    })
}

/// The attached invoice, if it is kept here.
async fn document(site: &Site, w: &Words, desk: &Desk, view: &StatementView) -> Result<Option<DocumentSums>, Trouble> {
    let billing = Billing::new(site.client.clone(), site.registry.clone());
    let Some(kept) = billing.attached(&desk.actor(), view).await? else { return Ok(None) };
    let look = told::look(w, &kept)?;
    let (year, id, file) = (view.year, view.id, kept.commitments.file);
    Ok(Some(DocumentSums {
        href: format!("/office/invoicing/{year}/{id}/paper?file={file}"),
        number: kept.number,
        net: look.net,
        tax: look.tax,
        gross: look.gross,
    }))
}

/// Everything of the bill that the registry may know by its text.
fn marks(view: &StatementView) -> Vec<Commitment> {
    let reference = |payment: &Payment| match payment.way {
        PaymentWay::Bank { reference, .. } | PaymentWay::Returned { reference } => Some(reference),
        PaymentWay::SetOff => None,
    };
    view.bill.payments.iter().filter_map(reference).chain(view.bill.bank).collect()
}

async fn facts(
    site: &Site,
    w: &Words,
    names: &mut Names,
    view: &StatementView,
) -> Result<Vec<(String, String)>, Trouble> {
    let (statement, bill) = (&view.statement, &view.bill);
    let mut facts = vec![
        (w.text("bills-provider"), names.provider(site, statement.provider).await?),
        (w.text("bills-buyer"), names.buyer(site, w, statement.buyer).await?),
        (w.text("bills-source"), source(w, statement.buyer.source())),
        (w.text("bills-issued"), w.date(&statement.issued)),
        (w.text("bills-total"), w.money(&statement.total)),
    ];
    for (key, amount) in
        [("bills-credited", bill.credited), ("bills-paid-bank", view.paid), ("bills-set-off", view.set_off)]
    {
        if !amount.is_zero() {
            facts.push((w.text(key), w.money(&amount)));
        }
    }
    facts.push((w.text("bills-open"), w.money(&statement.balance)));
    Ok(facts)
}

/// For whom the statement waits.
fn waits(w: &Words, slip: &Slip) -> Option<String> {
    let key = match (slip.standing, slip.buyer) {
        (Standing::Issued, _) => "bills-next-answer",
        (Standing::Accepted, _) => "bills-next-invoice",
        (Standing::InvoiceAttached, _) => "bills-next-approve",
        (Standing::Approved | Standing::PartPaid, Buyer::Programme) => "bills-next-pay-programme",
        (Standing::Approved | Standing::PartPaid, Buyer::School(_)) => "bills-next-pay-school",
        (Standing::Paid, Buyer::Programme) => "bills-next-compare-programme",
        (Standing::Paid, Buyer::School(_)) => "bills-next-compare-school",
        (Standing::Reconciled | Standing::Contested | Standing::Credited, _) => return None,
    };
    Some(w.text(key))
}

/// What this desk may do now, and what stands in its way.
async fn may(
    site: &Site,
    w: &Words,
    desk: &Desk,
    view: &StatementView,
    slip: &Slip,
) -> Result<(May, Vec<String>), Trouble> {
    let (mut may, mut notes) = (May::default(), Vec::new());
    let bound = match slip.standing {
        Standing::InvoiceAttached | Standing::Approved | Standing::PartPaid => {
            let payee = payee(site, view.year, slip.provider).await?;
            if payee.account.is_none() {
                notes.push(w.text("bills-account-missing"));
            }
            if payee.successor.is_some() {
                notes.push(w.text("bills-successor"));
            }
            payee.account.is_some()
        }
        Standing::Issued
        | Standing::Accepted
        | Standing::Paid
        | Standing::Reconciled
        | Standing::Contested
        | Standing::Credited => false,
    };
    match slip.standing {
        Standing::InvoiceAttached => {
            may.approve = desk.operator && bound;
            may.reject = true;
        }
        Standing::Approved | Standing::PartPaid if desk.pays(slip.buyer) => {
            let own = approved_here(site, desk, slip).await?;
            if own {
                notes.push(w.text("bills-own-approval"));
            }
            may.pay = bound && !own;
            let owed = owed(site, view).await?;
            may.set_off = !own && !owed.is_zero();
            if may.set_off {
                notes.push(w.with1("bills-owed-note", "sum", &w.money(&owed)));
            }
        }
        Standing::Paid => may.reconcile = desk.compares(site, slip.buyer, &slip.recorded_by),
        Standing::Approved
        | Standing::PartPaid
        | Standing::Issued
        | Standing::Accepted
        | Standing::Reconciled
        | Standing::Contested
        | Standing::Credited => {}
    }
    Ok((may, notes))
}

fn payments(
    site: &Site,
    w: &Words,
    desk: &Desk,
    view: &StatementView,
    opened: &BTreeMap<Commitment, String>,
) -> Vec<Paid> {
    let slip = Slip::of(view);
    let open = slip.standing.is_payable() || slip.standing == Standing::Paid;
    let row = |payment: &Payment| {
        let (way, reference, returnable) = match payment.way {
            PaymentWay::Bank { reference, .. } => {
                ("bills-way-bank", Some(reference), open && desk.pays(view.statement.buyer))
            }
            PaymentWay::SetOff => ("bills-way-set-off", None, false),
            PaymentWay::Returned { reference } => ("bills-way-returned", Some(reference), false),
        };
        let text = |reference: Commitment| opened.get(&reference).cloned().unwrap_or_else(|| reference.to_string());
        Paid {
            at: w.date(&payment.at),
            way: w.text(way),
            amount: w.money(&payment.amount),
            reference: reference.map(text).unwrap_or_default(),
            by: site.network.institutions.name(payment.institution),
            returnable: reference.filter(|_| returnable),
        }
    };
    view.bill.payments.iter().map(row).collect()
}

/// What happened so far, as the statement's record tells it.
fn history(w: &Words, view: &StatementView) -> Vec<(String, String)> {
    let (statement, bill) = (&view.statement, &view.bill);
    let mut told = vec![(w.date_time(&statement.issued), w.text("bills-did-issue"))];
    if statement.state.is_accepted() {
        told.push((String::new(), w.text("bills-did-accept")));
    }
    if bill.invoice.is_some() {
        told.push((String::new(), w.text("bills-did-attach")));
    }
    told.extend(bill.approval.map(|approval| (w.date_time(&approval.at), w.text("bills-did-approve"))));
    for payment in &bill.payments {
        let key = match payment.way {
            PaymentWay::Bank { .. } => "bills-did-pay",
            PaymentWay::SetOff => "bills-did-set-off",
            PaymentWay::Returned { .. } => "bills-did-return",
        };
        told.push((w.date_time(&payment.at), w.with1(key, "sum", &w.money(&payment.amount))));
    }
    if !bill.credited.is_zero() {
        told.push((String::new(), w.with1("bills-did-credit", "sum", &w.money(&bill.credited))));
    }
    if bill.bank.is_some() {
        told.push((String::new(), w.text("bills-did-reconcile")));
    }
    told
}

async fn orders(site: &Site, view: &StatementView) -> Result<Vec<OrderView>, Trouble> {
    let ids = view.statement.orders.iter().copied();
    let asked = stream::iter(ids).map(|id| site.client.order_lines(view.year, id)).buffered(AT_ONCE);
    Ok(asked.try_filter_map(async |found| Ok(found)).try_collect().await?)
}

/// What an order owes of a source now: credits have been taken off.
fn due(order: &OrderView, source: Source) -> Cents {
    let add = |sum: Cents, line: &keis_ledger::record::Line| sum.checked_add(line.due.of(source)).unwrap_or(sum);
    order.order.lines.iter().fold(Cents::ZERO, add)
}

async fn category(site: &Site, order: &OrderView) -> Result<Option<VatCategory>, Trouble> {
    Ok(site.catalogue.find_service(order.order.service).await?.map(|offer| offer.terms.vat))
}

fn vat_words(w: &Words, vat: Option<VatCategory>) -> String {
    vat.map_or_else(|| w.text("bills-vat-unknown"), |vat| terms::vat(w, vat))
}

/// Sums by VAT category.
async fn vat(site: &Site, w: &Words, source: Source, orders: &[OrderView]) -> Result<Vec<(String, String)>, Trouble> {
    let mut sums: BTreeMap<String, Cents> = BTreeMap::new();
    for order in orders {
        let sum = sums.entry(vat_words(w, category(site, order).await?)).or_default();
        *sum = sum.checked_add(due(order, source)).unwrap_or(*sum);
    }
    Ok(sums.into_iter().map(|(name, sum)| (name, w.money(&sum))).collect())
}

async fn lines(
    site: &Site,
    call: &Call,
    names: &mut Names,
    source: Source,
    orders: &[&OrderView],
) -> Result<Vec<OrderLine>, Trouble> {
    let w = call.words();
    let mut lines = Vec::new();
    for view in orders {
        let order = &view.order;
        let count = |state: LineState| order.lines.iter().filter(|line| line.state == state).count();
        lines.push(OrderLine {
            when: w.date_time(&order.start),
            title: site.catalogue.title(order.service, call.lang),
            school: names.buyer(site, w, Buyer::School(order.school)).await?,
            attended: count(LineState::Attended),
            absent: count(LineState::Absent),
            price: w.money(&order.price),
            vat: vat_words(w, category(site, view).await?),
            due: w.money(&due(view, source)),
        });
    }
    Ok(lines)
}
