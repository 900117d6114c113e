//! The invoice of an accepted statement: made here from the settled orders, or the provider's own e-invoice; shown, and signed.

use std::sync::Arc;

use askama::Template;
use jiff::civil::Date;
use keis_einvoice::Text;
use keis_ledger::classifiers::Scope;
use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::operation::{Operation, SettlementOperation};
use keis_ledger::record::StatementState;
use keis_registry::bodies::ProviderKind;
use keis_registry::documents::{DocumentError, Made, NumberWish};
use keis_registry::invoices::{FileMark, LONGEST_NUMBER, Paper, PaperKind};
use keis_registry::permission::Permission;
use keis_wallet::client::StatementView;
use warp::http::StatusCode;

use super::statements::{Row, find, row};
use super::{INTENT, Own, Sheet, bill, own, sign};
use crate::attached::{self, Attached};
use crate::billing::told::{self, DocumentLook, Told, look};
use crate::billing::{Billing, BillingTrouble, Draft, Lack};
use crate::call::{Answer, Call, Fields, page, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::office::forms::{Builder, Control, Form, Problems};
use crate::papers;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Most letters of a note.
const LONGEST_NOTE: usize = 300;

#[derive(Template)]
#[template(path = "provider/invoice.html")]
struct InvoiceForm {
    f: Frame,
    id: StatementId,
    tail: String,
    row: Row,
    form: Option<Form>,
    /// What keeps the invoice from being made.
    lacks: Vec<Told>,
    /// What else should be known.
    notes: Vec<String>,
    /// What is wrong with the provider's own file.
    wrong: Vec<String>,
    /// Whether the provider may attach its own e-invoice.
    takes: bool,
}

#[derive(Template)]
#[template(path = "provider/invoice_check.html")]
struct InvoiceCheck {
    f: Frame,
    id: StatementId,
    tail: String,
    row: Row,
    paper: PaperLook,
    look: DocumentLook,
    notes: Vec<String>,
    invoice: Commitment,
    number: Commitment,
}

/// What is wrong with a paper's number or file: keys of words.
#[derive(Default)]
pub(super) struct PaperProblems {
    pub(super) number: Option<&'static str>,
    pub(super) file: Option<&'static str>,
}

impl PaperProblems {
    pub(super) fn any(&self) -> bool {
        self.number.is_some() || self.file.is_some()
    }
}

/// A paper before it is signed.
pub(super) struct PaperLook {
    pub(super) number: String,
    pub(super) file: String,
    pub(super) size: String,
    pub(super) hash: String,
}

impl PaperLook {
    pub(super) fn of(w: &Words, number: &str, file: &FileMark) -> Self {
        let size = w.with1("provider-file-size", "bytes", &w.number(file.size));
        Self { number: number.to_owned(), file: file.name.clone(), size, hash: file.hash_text() }
    }
}

/// Number and file as they were sent, or what is wrong with them.
pub(super) fn judged(sent: &Attached) -> Result<(String, FileMark), PaperProblems> {
    let number = sent.fields.get("number").unwrap_or_default();
    let plain = number.chars().count() <= LONGEST_NUMBER && !number.chars().any(char::is_control);
    let problems = PaperProblems {
        number: match (number.is_empty(), plain) {
            (true, _) => Some("provider-number-missing"),
            (false, false) => Some("provider-number-long"),
            (false, true) => None,
        },
        file: sent.file.is_none().then_some("provider-file-missing"),
    };
    match &sent.file {
        Some((name, bytes)) if !problems.any() => Ok((number.to_owned(), FileMark::of(name, bytes))),
        Some(_) | None => Err(problems),
    }
}

/// The provider's statement, as the address names it, for who may bind the provider.
pub(super) async fn opened(site: &Site, call: &Call) -> Result<(Own, StatementView, Row), Trouble> {
    let own = own(call, Permission::AcceptStatements).await?;
    let view = find(site, call, &own).await?;
    let row = row(site, call.words(), &view).await?;
    Ok((own, view, row))
}

/// A paper that was made ready for a statement, by what the form says of it.
pub(super) async fn ready(
    site: &Site,
    own: &Own,
    view: &StatementView,
    is_it: impl Fn(&Paper) -> bool,
) -> Result<Paper, Trouble> {
    bill::papers(site, own, view).await?.into_iter().find(is_it).ok_or(Trouble::Malformed("trouble-field"))
}

pub(super) fn billing(site: &Site) -> Billing {
    Billing::new(site.client.clone(), site.registry.clone())
}

async fn not_now(call: &Call, row: &Row) -> Answer {
    call.flash(Flash::bad(call.words().text("provider-invoice-not-now"))).await?;
    redirect(&row.href)
}

/// What a page of the form begins with or says.
#[derive(Default)]
struct Said {
    fields: Fields,
    problems: Problems,
    lacks: Vec<Lack>,
    notes: Vec<String>,
    wrong: Vec<String>,
}

async fn shown(site: &Arc<Site>, call: &Call, own: &Own, view: &StatementView, row: Row, said: Said) -> Answer {
    let w = call.words();
    let bad = !said.problems.is_empty() || !said.lacks.is_empty() || !said.wrong.is_empty();
    let status = if bad { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let action = format!("/provider/statements/{}/invoice/make?year={}", view.id, view.year);
    let form = Builder::new(w, action, "inv-make", &said.fields, &said.problems)
        .hidden("statement", view.id)
        .hidden("offered", said.fields.get("offered").unwrap_or_default())
        .line("number", "inv-number")
        .date("issued", "inv-issued")
        .date("due", "inv-due")
        .line("note", "inv-note")
        .done();
    let kind = site.registry.provider(own.id).await?.map(|provider| provider.kind);
    let f = call.frame(site, Section::Statements, w.text("provider-attach-invoice")).await?;
    let page = InvoiceForm {
        f,
        id: view.id,
        tail: format!("?year={}", view.year),
        row,
        form: said.lacks.is_empty().then_some(form),
        lacks: told::lacks(w, &said.lacks),
        notes: said.notes,
        wrong: said.wrong,
        takes: kind == Some(ProviderKind::Legal),
    };
    page_with(status, &page)
}

/// What must be said before an invoice can be made of what was prepared.
fn noted(w: &Words, retitled: &[keis_ledger::ids::OrderId]) -> Vec<String> {
    if retitled.is_empty() { Vec::new() } else { vec![w.count("inv-retitled", retitled.len())] }
}

/// Orders by the seller's status, where it changed among them.
fn mixed(w: &Words, facts: &keis_einvoice::Facts) -> Vec<String> {
    let statuses = Billing::statuses(facts);
    if statuses.len() < 2 {
        return Vec::new();
    }
    let of = |(number, orders): &(Option<keis_einvoice::VatNumber>, Vec<keis_ledger::ids::OrderId>)| {
        let orders = orders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match number {
            Some(number) => w.with("inv-status-registered", &[("number", number.as_str()), ("orders", &orders)]),
            None => w.with1("inv-status-none", "orders", &orders),
        }
    };
    let mut told = vec![w.text("inv-mixed-status")];
    told.extend(statuses.iter().map(of));
    told.push(w.text("inv-mixed-do"));
    told
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let (own, view, row) = opened(&site, &call).await?;
    if view.statement.state != StatementState::Accepted {
        return not_now(&call, &row).await;
    }
    let said = begun(&site, &call, &own, &view).await?;
    match shown(&site, &call, &own, &view, row, said).await {
        // What is missing is no fault of who opens the page.
        Ok(mut response) => {
            *response.status_mut() = StatusCode::OK;
            Ok(response)
        }
        other => other,
    }
}

/// What the form offers: the next number, today, the day by the programme's terms; or what is missing.
async fn begun(site: &Arc<Site>, call: &Call, own: &Own, view: &StatementView) -> Result<Said, Trouble> {
    let (billing, actor, w) = (billing(site), own.acting.actor(), call.words());
    let issued = billing.day(site.now().await?);
    let draft = Draft { issued, due: None, note: None };
    let prepared = match billing.prepare(&actor, view, &draft).await {
        Ok(prepared) => prepared,
        Err(BillingTrouble::Lacks(lacks)) => return Ok(Said { lacks, ..Said::default() }),
        Err(BillingTrouble::Invoice(error)) => {
            return Ok(Said { notes: vec![told::refusal(w, &error)], ..Said::default() });
        }
        Err(other) => return Err(other.into()),
    };
    let offered = site.registry.offered_number(&actor, own.id, view.id).await?;
    let offered = offered.map(|number| number.to_string()).unwrap_or_default();
    let mut notes = noted(w, &prepared.retitled);
    notes.extend(mixed(w, &prepared.facts));
    let field = |name: &str, value: String| (name.to_owned(), value);
    let fields = Fields(vec![
        field("offered", offered.clone()),
        field("number", offered),
        field("issued", issued.to_string()),
        field("due", prepared.facts.heading.due.to_string()),
    ]);
    Ok(Said { fields, notes, ..Said::default() })
}

/// Number, dates and note as they were sent.
fn read(fields: &Fields) -> Result<(NumberWish, Draft), Problems> {
    let mut problems = Problems::default();
    let number = |text: &str| Text::new(text).ok().filter(|number| number.as_str().chars().count() <= LONGEST_NUMBER);
    let given = match fields.get("number") {
        None => Some(NumberWish::Next),
        same if same == fields.get("offered") => Some(NumberWish::Next),
        Some(_) => problems.need(fields, "number", "inv-error-number-long", number).map(NumberWish::Given),
    };
    let day = |text: &str| text.parse::<Date>().ok();
    let issued = problems.need(fields, "issued", "inv-error-day", day);
    let due = match fields.get("due") {
        None => None,
        Some(_) => problems.need(fields, "due", "inv-error-day", day),
    };
    let short = |text: &str| Text::new(text).ok().filter(|note| note.as_str().chars().count() <= LONGEST_NOTE);
    let note = match fields.get("note") {
        None => None,
        Some(_) => problems.need(fields, "note", "inv-error-text", short),
    };
    match (given, issued) {
        (Some(given), Some(issued)) if problems.is_empty() => Ok((given, Draft { issued, due, note })),
        _ => Err(problems),
    }
}

/// POST …/invoice/make: draws the invoice, keeps it and shows what will be signed.
pub(super) async fn make(site: Arc<Site>, call: Call) -> Answer {
    let (own, view, row) = opened(&site, &call).await?;
    if call.form.need::<StatementId>("statement")? != view.id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    if view.statement.state != StatementState::Accepted {
        return not_now(&call, &row).await;
    }
    let (w, fields) = (call.words(), call.form.clone());
    let (number, draft) = match read(&fields) {
        Ok(read) => read,
        Err(problems) => {
            return shown(&site, &call, &own, &view, row, Said { fields, problems, ..Said::default() }).await;
        }
    };
    let (billing, actor) = (billing(&site), own.acting.actor());
    let mut notes = Vec::new();
    let made = async {
        let prepared = billing.prepare(&actor, &view, &draft).await?;
        notes = noted(w, &prepared.retitled);
        notes.extend(mixed(w, &prepared.facts));
        billing.make(&actor, &view, prepared, number).await
    };
    match made.await {
        Ok(made) => check(&site, &call, (&own, &view), row, made, notes).await,
        Err(trouble) => {
            let said = refused(w, fields, notes, trouble)?;
            shown(&site, &call, &own, &view, row, said).await
        }
    }
}

/// What the form says after the invoice was refused.
fn refused(w: &Words, fields: Fields, notes: Vec<String>, trouble: BillingTrouble) -> Result<Said, Trouble> {
    let mut said = Said { fields, notes, ..Said::default() };
    match trouble {
        BillingTrouble::Lacks(lacks) if lacks == [Lack::Series] => {
            said.problems.add("number", "inv-error-number-missing")
        }
        BillingTrouble::Lacks(lacks) => said.lacks = lacks,
        BillingTrouble::Invoice(keis_einvoice::InvoiceError::DueBeforeIssue { .. }) => {
            said.problems.add("due", "inv-error-due");
        }
        BillingTrouble::Invoice(error) => {
            said.wrong.push(told::refusal(w, &error));
        }
        BillingTrouble::Xml(error) => said.wrong.push(told::no_invoice(w, &error)),
        BillingTrouble::Differs(all) => said.wrong = told::differences(w, &all),
        BillingTrouble::Document(
            error @ (DocumentError::NumberTaken | DocumentError::NumberLong | DocumentError::SeriesOver),
        ) => {
            said.problems.add("number", told::not_kept(&error));
        }
        BillingTrouble::Document(error) => said.wrong.push(w.text(told::not_kept(&error))),
        other @ (BillingTrouble::Registry(_) | BillingTrouble::Ledger(_) | BillingTrouble::Absent) => {
            return Err(other.into());
        }
    }
    Ok(said)
}

/// POST …/invoice: takes the provider's own e-invoice, compares it, keeps it and shows what will be signed.
pub(super) async fn upload(site: Arc<Site>, call: Call) -> Answer {
    let (own, view, row) = opened(&site, &call).await?;
    let sent = attached::read(&call.body).await?;
    if sent.fields.need::<StatementId>("statement")? != view.id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    if view.statement.state != StatementState::Accepted {
        return not_now(&call, &row).await;
    }
    let w = call.words();
    let Some((name, bytes)) = &sent.file else {
        let said = begun(&site, &call, &own, &view).await?;
        let wrong = vec![w.text("provider-file-missing")];
        return shown(&site, &call, &own, &view, row, Said { wrong, ..said }).await;
    };
    match billing(&site).take(&own.acting.actor(), &view, (name, bytes)).await {
        Ok(made) => check(&site, &call, (&own, &view), row, made, Vec::new()).await,
        Err(trouble) => {
            let begun = begun(&site, &call, &own, &view).await?;
            let mut said = refused(w, begun.fields, begun.notes, trouble)?;
            if !said.problems.is_empty() {
                said.problems = Problems::default();
                said.wrong.push(w.text("inv-error-number-taken"));
            }
            shown(&site, &call, &own, &view, row, said).await
        }
    }
}

/// The page from which the invoice is signed.
async fn check(
    site: &Arc<Site>,
    call: &Call,
    (own, view): (&Own, &StatementView),
    row: Row,
    made: Made,
    notes: Vec<String>,
) -> Answer {
    let w = call.words();
    let kept = site.registry.document(&own.acting.actor(), view.year, view.id, &made.commitments.file).await?;
    let kept = kept.ok_or(Trouble::NotFound)?;
    let mut f = call.frame(site, Section::Statements, w.text("provider-check-invoice")).await?.with_scripts(INTENT);
    // This page answers a form; in the other language one begins again.
    f.other_lang_href = format!("{}&lang={}", row.href, call.lang.other().code());
    page(&InvoiceCheck {
        f,
        id: view.id,
        tail: format!("?year={}", view.year),
        row,
        paper: PaperLook::of(w, &made.number, &made.file),
        look: look(w, &kept)?,
        notes,
        invoice: made.commitments.file,
        number: made.commitments.number,
    })
}

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let (own, view, row) = opened(&site, &call).await?;
    let (year, statement) = (view.year, view.id);
    if call.form.need::<StatementId>("statement")? != statement {
        return Err(Trouble::Malformed("trouble-field"));
    }
    let (invoice, number) = (call.form.need::<Commitment>("invoice")?, call.form.need::<Commitment>("number")?);
    if view.statement.state != StatementState::Accepted {
        return not_now(&call, &row).await;
    }
    let said = |paper: &Paper| {
        paper.kind == PaperKind::Invoice && (paper.commitments.file, paper.commitments.number) == (invoice, number)
    };
    let paper = ready(&site, &own, &view, said).await?;
    let w = call.words();
    let sheet = Sheet {
        title: w.text("provider-attach-invoice"),
        operations: vec![Operation::Settlement(SettlementOperation::AttachInvoice {
            year,
            statement,
            invoice,
            number,
        })],
        labels: vec![
            (statement.to_string(), row.label()),
            (invoice.to_string(), paper.file.name),
            (number.to_string(), paper.number),
        ],
        scope: Scope::Settlement,
        next: row.href,
        warnings: vec![w.text("provider-invoice-commitments")],
    };
    sign(&site, &call, &own, sheet).await
}

/// GET …/paper: a document of the statement as people read it.
pub(super) async fn paper(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::SeeStatements).await?;
    let view = find(&site, &call, &own).await?;
    let kept = papers::find(&site, &call, &own.acting.actor(), &view).await?;
    let back = format!("/provider/statements/{}?year={}", view.id, view.year);
    papers::show(&site, &call, Section::Statements, (back, call.words().text("provider-back-to-statement")), &kept)
        .await
}

/// GET …/paper/xml: the same as a file.
pub(super) async fn paper_xml(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::SeeStatements).await?;
    let view = find(&site, &call, &own).await?;
    papers::file(&call, papers::find(&site, &call, &own.acting.actor(), &view).await?).await
}
