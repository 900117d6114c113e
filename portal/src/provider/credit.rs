//! A credit note: money of an order in an accepted statement goes back, line by line.

use std::sync::Arc;

use askama::Template;
use jiff::civil::Date;
use keis_einvoice::{CreditHeading, InvoiceError, Received, Text};
use keis_ledger::classifiers::Scope;
use keis_ledger::ids::{Commitment, OrderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, SettlementOperation};
use keis_registry::documents::{DocumentError, Made, NumberWish};
use keis_registry::invoices::{LONGEST_NUMBER, NewPaper, Paper, PaperKind};
use keis_wallet::client::{OrderView, StatementView};
use warp::http::StatusCode;

use super::invoice::{PaperLook, PaperProblems, billing, judged, opened, ready};
use super::order::{line_labels, lines, names};
use super::rows::{OrderRow, rows};
use super::statements::Row;
use super::{INTENT, Own, Sheet, sign};
use crate::attached::{self, Attached};
use crate::billing::{BillingTrouble, Given, told};
use crate::call::{Answer, Call, Fields, page, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::office::forms::{Builder, Control, Group, Problems};
use crate::public::listing::euro;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Most letters of a reason.
const LONGEST_REASON: usize = 300;

#[derive(Template)]
#[template(path = "provider/credit.html")]
struct CreditForm {
    f: Frame,
    id: StatementId,
    order: OrderId,
    tail: String,
    row: Row,
    about: OrderRow,
    lines: Vec<LineInput>,
    /// Number, day, reason and what is wrong with them, where the note is drawn here.
    drawn: Option<Group>,
    number: String,
    e: PaperProblems,
    /// Key of what is wrong with the amounts.
    wrong: Option<&'static str>,
    /// What keeps the note from being made.
    refused: Vec<String>,
}

impl CreditForm {
    fn bad(&self) -> bool {
        let heading = self.drawn.iter().flat_map(|group| &group.inputs).any(|input| input.error.is_some());
        heading || self.e.any() || self.wrong.is_some() || !self.refused.is_empty()
    }
}

/// A line with what is to be given back of it.
struct LineInput {
    index: u16,
    name: String,
    due: String,
    value: String,
    wrong: bool,
}

#[derive(Template)]
#[template(path = "provider/credit_check.html")]
struct CreditCheck {
    f: Frame,
    id: StatementId,
    order: OrderId,
    tail: String,
    row: Row,
    about: OrderRow,
    /// Pupil, amount in words, line and cents as the form sends them.
    lines: Vec<(String, String, String)>,
    total: String,
    paper: PaperLook,
    note: Commitment,
}

/// An order of the statement whose money may be given back.
pub(super) struct Asked {
    pub(super) own: Own,
    pub(super) view: StatementView,
    pub(super) row: Row,
    pub(super) order: OrderView,
    pub(super) about: OrderRow,
    /// Whether the invoice was drawn here, so that its credit notes are, too.
    pub(super) drawn: bool,
}

impl Asked {
    /// What is due of a line out of this statement's source.
    fn due(&self, line: u16) -> Cents {
        let source = self.view.statement.buyer.source();
        self.order.order.lines.get(usize::from(line)).map_or(Cents::ZERO, |line| line.due.of(source))
    }

    fn lines(&self) -> impl Iterator<Item = u16> {
        (0..).zip(&self.order.order.lines).map(|(index, _)| index).filter(|line| !self.due(*line).is_zero())
    }
}

pub(super) async fn asked(site: &Site, call: &Call, order: OrderId) -> Result<Asked, Trouble> {
    let (own, view, row) = opened(site, call).await?;
    if !view.statement.orders.contains(&order) {
        return Err(Trouble::NotFound);
    }
    let order = site.client.order_lines(view.year, order).await?.ok_or(Trouble::NotFound)?;
    let about = rows(site, call.lang, std::slice::from_ref(&order)).await?.pop().ok_or(Trouble::NotFound)?;
    let attached = billing(site).attached(&own.acting.actor(), &view).await?;
    // A predecessor's invoice bears its name: a successor's own note follows it.
    let drawn = attached.is_some_and(|kept| kept.facts.is_some() && kept.provider == own.id);
    Ok(Asked { own, view, row, order, about, drawn })
}

/// What is given back of each line, ascending; or the lines whose amount cannot be.
fn amounts(asked: &Asked, fields: &Fields) -> Result<Vec<(u16, Cents)>, Vec<u16>> {
    let (mut given, mut wrong) = (Vec::new(), Vec::new());
    for line in asked.lines() {
        let Some(text) = fields.get(&format!("amount-{line}")) else { continue };
        match euro(text) {
            Some(amount) if amount.is_zero() => {}
            Some(amount) if amount <= asked.due(line) => given.push((line, amount)),
            Some(_) | None => wrong.push(line),
        }
    }
    if wrong.is_empty() { Ok(given) } else { Err(wrong) }
}

async fn not_now(call: &Call, row: &Row) -> Answer {
    call.flash(Flash::bad(call.words().text("provider-credit-not-now"))).await?;
    redirect(&row.href)
}

/// What was filled in wrongly.
#[derive(Default)]
pub(super) struct Wrong {
    pub(super) paper: PaperProblems,
    pub(super) heading: Problems,
    amounts: Option<&'static str>,
    lines: Vec<u16>,
    pub(super) refused: Vec<String>,
}

impl Wrong {
    pub(super) fn any(&self) -> bool {
        self.paper.any() || !self.heading.is_empty() || self.amounts.is_some() || !self.refused.is_empty()
    }
}

/// The fields of a credit note that is drawn here.
pub(super) fn heading_inputs(w: &'static Words, fields: &Fields, problems: &Problems) -> Option<Group> {
    let form = Builder::new(w, "", "provider-to-check", fields, problems)
        .line("number", "inv-number")
        .date("issued", "inv-issued")
        .line("reason", "inv-reason")
        .done();
    form.groups.into_iter().next()
}

/// Number, day and reason as they were sent.
fn heading(fields: &Fields) -> Result<(NumberWish, CreditHeading), Problems> {
    let mut problems = Problems::default();
    let text = |text: &str| Text::new(text).ok().filter(|text| text.as_str().chars().count() <= LONGEST_NUMBER);
    let number = match fields.get("number") {
        None => Some(NumberWish::Next),
        Some(_) => problems.need(fields, "number", "inv-error-number-long", text).map(NumberWish::Given),
    };
    let issued = problems.need(fields, "issued", "inv-error-day", |text| text.parse::<Date>().ok());
    let short = |text: &str| Text::new(text).ok().filter(|text| text.as_str().chars().count() <= LONGEST_REASON);
    let reason = match fields.get("reason") {
        None => None,
        Some(_) => problems.need(fields, "reason", "inv-error-text", short),
    };
    let stand_in = Text::new("0").expect("a digit is a text");
    match (number, issued) {
        (Some(number), Some(issued)) if problems.is_empty() => {
            Ok((number, CreditHeading { number: stand_in, issued, reason }))
        }
        _ => Err(problems),
    }
}

async fn shown(site: &Arc<Site>, call: &Call, asked: Asked, fields: &Fields, wrong: Wrong) -> Answer {
    let w = call.words();
    let names = names(site, &asked.own, &asked.order).await?;
    let named = lines(w, &asked.order, &names);
    let input = |line: u16| LineInput {
        index: line,
        name: named[usize::from(line)].name.clone(),
        due: w.money(&asked.due(line)),
        value: fields.get(&format!("amount-{line}")).unwrap_or_default().to_owned(),
        wrong: wrong.lines.contains(&line),
    };
    let inputs = asked.lines().map(input).collect();
    let status = if wrong.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let f = call.frame(site, Section::Statements, w.text("provider-credit-note")).await?;
    let form = CreditForm {
        f,
        id: asked.view.id,
        order: asked.order.id,
        tail: format!("?year={}", asked.view.year),
        lines: inputs,
        drawn: if asked.drawn { heading_inputs(w, fields, &wrong.heading) } else { None },
        refused: wrong.refused,
        number: fields.get("number").unwrap_or_default().to_owned(),
        e: wrong.paper,
        wrong: wrong.amounts,
        row: asked.row,
        about: asked.about,
    };
    page_with(status, &form)
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let asked = asked(&site, &call, call.query.need("order")?).await?;
    if !asked.view.statement.state.is_accepted() || asked.lines().next().is_none() {
        return not_now(&call, &asked.row).await;
    }
    let today = billing(&site).day(site.now().await?).to_string();
    let fields = Fields(vec![("issued".to_owned(), today)]);
    shown(&site, &call, asked, &fields, Wrong::default()).await
}

/// Takes amounts, number and file, keeps the commitment, and shows what will be signed.
pub(super) async fn upload(site: Arc<Site>, call: Call) -> Answer {
    let sent = attached::read(&call.body).await?;
    let asked = asked(&site, &call, sent.fields.need("order")?).await?;
    if sent.fields.need::<StatementId>("statement")? != asked.view.id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    if !asked.view.statement.state.is_accepted() {
        return not_now(&call, &asked.row).await;
    }
    let mut wrong = Wrong::default();
    let given = amounts(&asked, &sent.fields).unwrap_or_else(|lines| {
        wrong.lines = lines;
        Vec::new()
    });
    if !wrong.lines.is_empty() {
        wrong.amounts = Some("provider-credit-amount-wrong");
    } else if given.is_empty() {
        wrong.amounts = Some("provider-credit-nothing");
    }
    let made = give(&site, &asked, &given, &sent, &mut wrong, call.words()).await?;
    match made {
        Some(made) if !wrong.any() => check(&site, &call, asked, given, made).await,
        Some(_) | None => shown(&site, &call, asked, &sent.fields, wrong).await,
    }
}

/// Makes the note, or takes the provider's own: of what is no e-invoice its number and mark. None once something is wrong.
async fn give(
    site: &Site,
    asked: &Asked,
    given: &[(u16, Cents)],
    sent: &Attached,
    wrong: &mut Wrong,
    w: &Words,
) -> Result<Option<Made>, Trouble> {
    // Without a line nothing is drawn or taken, but everything that is wrong is told.
    let of = Given::of_lines(asked.own.id, asked.order.id, given).ok();
    if asked.drawn {
        let Some(of) = of else {
            wrong.heading = heading(&sent.fields).err().unwrap_or_default();
            return Ok(None);
        };
        return draw(site, asked, &of, &sent.fields, wrong, w).await;
    }
    let (number, file) = match judged(sent) {
        Ok(paper) => paper,
        Err(paper) => {
            wrong.paper = paper;
            return Ok(None);
        }
    };
    let Some(of) = of.filter(|_| !wrong.any()) else { return Ok(None) };
    if let Some(file) = e_invoice(sent) {
        return take(site, asked, &of, file, wrong, w).await;
    }
    let (year, statement, buyer) = (asked.view.year, asked.view.id, asked.view.statement.buyer);
    let kind = PaperKind::CreditNote(of.order);
    let new =
        NewPaper { kind, year, statement, provider: of.provider, buyer, number: number.clone(), file: file.clone() };
    let commitments = site.registry.keep_paper(&asked.own.acting.actor(), &new).await?;
    Ok(Some(Made { commitments, number, file }))
}

/// Draws a note, once nothing is wrong.
pub(super) async fn draw(
    site: &Site,
    asked: &Asked,
    given: &Given,
    fields: &Fields,
    wrong: &mut Wrong,
    w: &Words,
) -> Result<Option<Made>, Trouble> {
    match heading(fields) {
        Err(problems) => {
            wrong.heading = problems;
            Ok(None)
        }
        Ok(_) if wrong.any() => Ok(None),
        Ok(heading) => {
            let actor = asked.own.acting.actor();
            told_of(billing(site).make_credit_note(&actor, &asked.view, given, heading).await, wrong, w)
        }
    }
}

/// Name and bytes of the file that was sent, if it is an e-invoice.
pub(super) fn e_invoice(sent: &Attached) -> Option<(&str, &[u8])> {
    let (name, bytes) = sent.file.as_ref().filter(|(_, bytes)| Received::parse(bytes).is_ok())?;
    Some((name, bytes))
}

/// Takes the provider's own e-invoice once nothing differs.
pub(super) async fn take(
    site: &Site,
    asked: &Asked,
    given: &Given,
    file: (&str, &[u8]),
    wrong: &mut Wrong,
    w: &Words,
) -> Result<Option<Made>, Trouble> {
    let (actor, supplied) = (asked.own.acting.actor(), asked.order.order.start);
    let made = billing(site).take_credit_note(&actor, &asked.view, (given, supplied), file).await;
    let made = told_of(made, wrong, w)?;
    // The form has no fields of a heading, so what is wrong with the number stands with the rest.
    wrong.refused.extend(wrong.heading.0.drain(..).map(|(_, key)| w.text(key)));
    Ok(made)
}

/// What was made; or none, once it is told what is wrong.
fn told_of(made: Result<Made, BillingTrouble>, wrong: &mut Wrong, w: &Words) -> Result<Option<Made>, Trouble> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(trouble) => {
            refused(wrong, w, trouble)?;
            Ok(None)
        }
    }
}

fn refused(wrong: &mut Wrong, w: &Words, trouble: BillingTrouble) -> Result<(), Trouble> {
    match trouble {
        BillingTrouble::Document(DocumentError::SeriesMissing) => {
            wrong.heading.add("number", "inv-error-number-missing")
        }
        BillingTrouble::Document(
            error @ (DocumentError::NumberTaken | DocumentError::NumberLong | DocumentError::SeriesOver),
        ) => wrong.heading.add("number", told::not_kept(&error)),
        BillingTrouble::Document(error) => wrong.refused.push(w.text(told::not_kept(&error))),
        BillingTrouble::Invoice(InvoiceError::NumberOfInvoice) => {
            wrong.heading.add("number", "inv-error-number-of-invoice");
        }
        BillingTrouble::Invoice(InvoiceError::BeforeInvoice { .. }) => {
            wrong.heading.add("issued", "inv-error-before-invoice");
        }
        BillingTrouble::Invoice(error) => wrong.refused.push(told::refusal(w, &error)),
        BillingTrouble::Xml(error) => wrong.refused.push(told::no_invoice(w, &error)),
        BillingTrouble::Differs(all) => wrong.refused.extend(told::differences(w, &all)),
        BillingTrouble::Lacks(lacks) => {
            wrong.refused.extend(told::lacks(w, &lacks).into_iter().map(|lack| format!("{} {}", lack.text, lack.who)));
        }
        other @ (BillingTrouble::Registry(_) | BillingTrouble::Ledger(_) | BillingTrouble::Absent) => {
            return Err(other.into());
        }
    }
    Ok(())
}

fn sum(given: &[(u16, Cents)]) -> Cents {
    given.iter().fold(Cents::ZERO, |sum, (_, amount)| sum.checked_add(*amount).unwrap_or(sum))
}

async fn check(site: &Arc<Site>, call: &Call, asked: Asked, given: Vec<(u16, Cents)>, made: Made) -> Answer {
    let w = call.words();
    let paper = PaperLook::of(w, &made.number, &made.file);
    let names = names(site, &asked.own, &asked.order).await?;
    let named = lines(w, &asked.order, &names);
    let total = sum(&given);
    let line = |(line, amount): &(u16, Cents)| {
        (named[usize::from(*line)].name.clone(), w.money(amount), format!("{line}:{}", amount.get()))
    };
    let mut f = call.frame(site, Section::Statements, w.text("provider-check-credit")).await?.with_scripts(INTENT);
    // This page answers a form; in the other language one begins again.
    f.other_lang_href = format!("{}&lang={}", asked.row.href, call.lang.other().code());
    page(&CreditCheck {
        f,
        id: asked.view.id,
        order: asked.order.id,
        tail: format!("?year={}", asked.view.year),
        lines: given.iter().map(line).collect(),
        total: w.money(&total),
        paper,
        note: made.commitments.file,
        row: asked.row,
        about: asked.about,
    })
}

/// A line and its cents, as the form sends them.
fn parsed(text: &str) -> Option<(u16, Cents)> {
    let (line, cents) = text.split_once(':')?;
    Some((line.parse().ok()?, Cents::new(cents.parse().ok()?)))
}

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let asked = asked(&site, &call, call.form.need("order")?).await?;
    let (year, statement, order) = (asked.view.year, asked.view.id, asked.order.id);
    if call.form.need::<StatementId>("statement")? != statement {
        return Err(Trouble::Malformed("trouble-field"));
    }
    let note: Commitment = call.form.need("note")?;
    let mut given = Vec::new();
    for text in call.form.all("credit") {
        given.push(parsed(text).ok_or(Trouble::Malformed("trouble-field"))?);
    }
    given.sort_unstable();
    let fits = |(line, amount): &(u16, Cents)| !amount.is_zero() && *amount <= asked.due(*line);
    let twice = given.windows(2).any(|pair| pair[0].0 == pair[1].0);
    if given.is_empty() || twice {
        return Err(Trouble::Malformed("trouble-field"));
    }
    if !asked.view.statement.state.is_accepted() || !given.iter().all(fits) {
        return not_now(&call, &asked.row).await;
    }
    let kind = PaperKind::CreditNote(order);
    let said = |paper: &Paper| paper.kind == kind && paper.commitments.file == note;
    let paper = ready(&site, &asked.own, &asked.view, said).await?;
    let w = call.words();
    let names = names(&site, &asked.own, &asked.order).await?;
    let mut labels = line_labels(order, &lines(w, &asked.order, &names));
    labels.extend([
        (statement.to_string(), asked.row.label()),
        (order.to_string(), asked.about.label.clone()),
        (note.to_string(), paper.file.name),
    ]);
    let credit = SettlementOperation::CreditNote { year, statement, order, lines: given, note };
    let sheet = Sheet {
        title: w.text("provider-credit-note"),
        operations: vec![Operation::Settlement(credit)],
        labels,
        scope: Scope::Settlement,
        next: asked.row.href,
        warnings: vec![w.text("provider-credit-warning")],
    };
    sign(&site, &call, &asked.own, sheet).await
}
