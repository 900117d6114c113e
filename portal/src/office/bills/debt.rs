//! What providers owe for what was paid and taken back afterwards, and what they have paid back.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, ProviderId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, Operation, SettlementOperation};
use keis_registry::payments::BankMark;
use keis_wallet::client::RepaymentView;

use super::book::{Books, debts};
use super::form::{self, Field, Form, Hidden};
use super::pay::{amount, mark};
use super::{Desk, Names, Sheet, desk, open_year, sign};
use crate::call::{Answer, Call, Fields, page, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::office::forms::written;
use crate::site::Site;
use crate::trouble::Trouble;

/// What somebody owes.
struct Owed {
    provider: String,
    buyer: String,
    sum: String,
    /// Where its repayment is recorded, when that is this desk's.
    href: Option<String>,
}

/// What was paid back.
struct Repaid {
    provider: String,
    buyer: String,
    at: String,
    sum: String,
    reference: String,
    bank: Option<String>,
    /// Where it is compared with the bank, when that is this desk's.
    href: Option<String>,
}

#[derive(Template)]
#[template(path = "office/bill_debts.html")]
struct DebtsPage {
    f: Frame,
    year: Year,
    owed: Vec<Owed>,
    repaid: Vec<Repaid>,
}

fn buyer_name(buyer: Buyer) -> String {
    match buyer {
        Buyer::Programme => "programme".to_owned(),
        Buyer::School(id) => id.to_string(),
    }
}

fn buyer_of(text: &str) -> Result<Buyer, Trouble> {
    if text == "programme" {
        return Ok(Buyer::Programme);
    }
    text.parse().map(Buyer::School).map_err(|_| Trouble::Malformed("trouble-field"))
}

/// GET /office/bills/{year}/debts
pub(super) async fn list(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let (w, mut names) = (call.words(), Names::default());
    let book = books.of(&site, year, call.query.ticked("changed")).await?;
    let debts = debts(&site, year, book.debtors()).await?;
    let marks: Vec<Commitment> =
        debts.repaid.iter().flat_map(|(_, view)| [Some(view.reference), view.repayment.bank]).flatten().collect();
    let opened = site.registry.opened_marks(&desk.actor(), &marks).await?;
    let text = |mark: Commitment| opened.get(&mark).cloned().unwrap_or_else(|| mark.to_string());
    let mut owed = Vec::new();
    for (provider, view) in &debts.owed {
        let href = format!("/office/bills/{year}/repay?provider={provider}&buyer={}", buyer_name(view.buyer));
        owed.push(Owed {
            provider: names.provider(&site, *provider).await?,
            buyer: names.buyer(&site, w, view.buyer).await?,
            sum: w.money(&view.owed),
            href: desk.pays(view.buyer).then_some(href),
        });
    }
    let mut repaid = Vec::new();
    for (provider, view) in &debts.repaid {
        let one = &view.repayment;
        let href = format!("/office/bills/{year}/repaid?provider={provider}&reference={}", view.reference);
        repaid.push(Repaid {
            provider: names.provider(&site, *provider).await?,
            buyer: names.buyer(&site, w, one.buyer).await?,
            at: w.date(&one.at),
            sum: w.money(&one.amount),
            reference: text(view.reference),
            bank: one.bank.map(text),
            href: (one.bank.is_none() && desk.compares(&site, one.buyer, &[one.institution])).then_some(href),
        });
    }
    let f = call.frame(&site, Section::Bills, w.with1("bills-debts-title", "year", &year.to_string())).await?;
    page(&DebtsPage { f, year, owed, repaid })
}

/// A debt that a form is about.
struct Debt {
    year: Year,
    provider: ProviderId,
    buyer: Buyer,
    owed: Cents,
}

/// The debt that a link or form names, when it is this desk's to record its repayment.
async fn debt(site: &Site, desk: &Desk, year: Year, fields: &Fields) -> Result<Option<Debt>, Trouble> {
    let provider: ProviderId = fields.need("provider")?;
    let buyer = buyer_of(fields.get("buyer").unwrap_or_default())?;
    if !desk.pays(buyer) {
        return Err(Trouble::Forbidden);
    }
    let all = site.client.all_provider_receivables(provider, year).await?;
    let owed = all.iter().find(|one| one.buyer == buyer).map(|one| one.owed);
    Ok(owed.map(|owed| Debt { year, provider, buyer, owed }))
}

async fn back(call: &Call, year: Year, key: &str) -> Answer {
    call.flash(Flash::bad(call.words().text(key))).await?;
    redirect(&format!("/office/bills/{year}/debts"))
}

/// GET /office/bills/{year}/repay
pub(super) async fn repay_form(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    match debt(&site, &desk, year, &call.query).await? {
        Some(debt) => {
            let proposed = written(debt.owed.get());
            show_repay(&site, &call, &debt, [(proposed, None), (String::new(), None)]).await
        }
        None => back(&call, year, "bills-nothing-owed").await,
    }
}

/// A field's value and what is wrong with it.
type Given = (String, Option<&'static str>);

async fn show_repay(site: &Arc<Site>, call: &Call, debt: &Debt, [sum, reference]: [Given; 2]) -> Answer {
    let (w, mut names) = (call.words(), Names::default());
    let provider = names.provider(site, debt.provider).await?;
    let buyer = names.buyer(site, w, debt.buyer).await?;
    let field = |name, label: &str, (value, error): Given, is_amount| Field {
        name,
        line: None,
        label: w.text(label),
        hint: None,
        value,
        error: error.map(|key| w.text(key)),
        is_amount,
    };
    let form = Form {
        title: w.text("bills-repay-title"),
        back: (format!("/office/bills/{}/debts", debt.year), w.text("bills-debts")),
        intro: w.text("bills-repay-intro"),
        facts: vec![
            (w.text("bills-provider"), provider.clone()),
            (w.text("bills-buyer"), buyer.clone()),
            (w.text("bills-owed"), w.money(&debt.owed)),
        ],
        action: format!("/office/bills/{}/repay", debt.year),
        intent: "settlement.record_repayment",
        hidden: vec![
            Hidden { name: "provider", value: debt.provider.to_string(), label: provider },
            Hidden {
                name: "buyer",
                value: buyer_name(debt.buyer),
                label: if debt.buyer == Buyer::Programme { String::new() } else { buyer },
            },
        ],
        fields: vec![
            field("amount", "bills-repay-amount", sum, true),
            field("reference", "bills-pay-reference", reference, false),
        ],
    };
    form::show(site, call, form).await
}

/// POST /office/bills/{year}/repay
pub(super) async fn repay(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let Some(debt) = debt(&site, &desk, year, &call.form).await? else {
        return back(&call, year, "bills-nothing-owed").await;
    };
    let text = |name: &str| call.form.get(name).unwrap_or_default().to_owned();
    let (given, typed) = (text("amount"), text("reference"));
    let (sum, reference) = match (amount(&given, debt.owed), mark(&typed)) {
        (Ok(sum), Ok(reference)) => (sum, reference),
        (sum, reference) => {
            let wrong = [(given, sum.err()), (typed, reference.err())];
            return show_repay(&site, &call, &debt, wrong).await;
        }
    };
    let kept =
        site.registry.keep_bank_marks(&desk.actor(), BankMark::Reference, std::slice::from_ref(&reference)).await?;
    let commitment = *kept.first().ok_or_else(|| Trouble::internal("a bank's mark was not kept"))?;
    let (w, mut names) = (call.words(), Names::default());
    let operation = SettlementOperation::RecordRepayment {
        year,
        provider: debt.provider,
        buyer: debt.buyer,
        amount: sum,
        reference: commitment,
    };
    let mut labels = vec![
        (debt.provider.to_string(), names.provider(&site, debt.provider).await?),
        (commitment.to_string(), reference),
    ];
    if let Buyer::School(school) = debt.buyer {
        labels.push((school.to_string(), names.buyer(&site, w, debt.buyer).await?));
    }
    let sheet = Sheet {
        title: w.text("bills-repay-title"),
        operations: vec![Operation::Settlement(operation)],
        labels,
        next: format!("/office/bills/{year}/debts?changed=yes"),
        warnings: vec![w.text("bills-repay-warning")],
    };
    sign(&site, &call, sheet).await
}

/// The repayment that a link or form names, while nobody compared it with the bank.
async fn repayment(site: &Site, desk: &Desk, year: Year, fields: &Fields) -> Result<Option<RepaymentView>, Trouble> {
    let provider: ProviderId = fields.need("provider")?;
    let reference: Commitment = fields.need("reference")?;
    let all = site.client.all_provider_repayments(provider, year).await?;
    let found = all.into_iter().find(|one| one.reference == reference).ok_or(Trouble::NotFound)?;
    if !desk.compares(site, found.repayment.buyer, &[found.repayment.institution]) {
        return Err(Trouble::Forbidden);
    }
    Ok(Some(found).filter(|one| one.repayment.bank.is_none()))
}

/// GET /office/bills/{year}/repaid
pub(super) async fn reconcile_form(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    match repayment(&site, &desk, year, &call.query).await? {
        Some(found) => show_reconcile(&site, &call, &desk, (year, &found), (String::new(), None)).await,
        None => back(&call, year, "bills-no-longer-repaid").await,
    }
}

async fn show_reconcile(
    site: &Arc<Site>,
    call: &Call,
    desk: &Desk,
    (year, found): (Year, &RepaymentView),
    (value, error): Given,
) -> Answer {
    let (w, mut names) = (call.words(), Names::default());
    let opened = site.registry.opened_marks(&desk.actor(), &[found.reference]).await?;
    let reference = opened.get(&found.reference).cloned().unwrap_or_else(|| found.reference.to_string());
    let form = Form {
        title: w.text("bills-repaid-title"),
        back: (format!("/office/bills/{year}/debts"), w.text("bills-debts")),
        intro: w.text("bills-repaid-intro"),
        facts: vec![
            (w.text("bills-provider"), names.provider(site, found.repayment.provider).await?),
            (w.text("bills-buyer"), names.buyer(site, w, found.repayment.buyer).await?),
            (w.text("bills-at"), w.date(&found.repayment.at)),
            (w.text("bills-amount"), w.money(&found.repayment.amount)),
            (w.text("bills-reference"), reference),
        ],
        action: format!("/office/bills/{year}/repaid"),
        intent: "settlement.reconcile_repayment",
        hidden: vec![
            Hidden { name: "provider", value: found.repayment.provider.to_string(), label: String::new() },
            Hidden { name: "reference", value: found.reference.to_string(), label: String::new() },
        ],
        fields: vec![Field {
            name: "bank",
            line: None,
            label: w.text("bills-bank"),
            hint: Some(w.text("bills-bank-hint")),
            value,
            error: error.map(|key| w.text(key)),
            is_amount: false,
        }],
    };
    form::show(site, call, form).await
}

/// POST /office/bills/{year}/repaid
pub(super) async fn reconcile(site: Arc<Site>, call: Call) -> Answer {
    let desk = desk(&call)?;
    let year = match open_year(&site, &call).await? {
        Ok(year) => year,
        Err(gone) => return Ok(gone),
    };
    let Some(found) = repayment(&site, &desk, year, &call.form).await? else {
        return back(&call, year, "bills-no-longer-repaid").await;
    };
    let typed = call.form.get("bank").unwrap_or_default().to_owned();
    let text = match mark(&typed) {
        Ok(text) => text,
        Err(key) => return show_reconcile(&site, &call, &desk, (year, &found), (typed, Some(key))).await,
    };
    let kept = site.registry.keep_bank_marks(&desk.actor(), BankMark::Statement, std::slice::from_ref(&text)).await?;
    let bank = *kept.first().ok_or_else(|| Trouble::internal("a bank's mark was not kept"))?;
    let opened = site.registry.opened_marks(&desk.actor(), &[found.reference]).await?;
    let mut labels: Vec<(String, String)> =
        opened.into_iter().map(|(reference, text)| (reference.to_string(), text)).collect();
    labels.push((bank.to_string(), text));
    let w = call.words();
    let operation = SettlementOperation::ReconcileRepayment { year, reference: found.reference, bank };
    let sheet = Sheet {
        title: w.text("bills-repaid-title"),
        operations: vec![Operation::Settlement(operation)],
        labels,
        next: format!("/office/bills/{year}/debts?changed=yes"),
        warnings: vec![w.text("bills-reconcile-warning")],
    };
    sign(&site, &call, sheet).await
}
