//! A credit note: money of an order in an accepted statement goes back, line by line.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Scope;
use keis_ledger::ids::{Commitment, OrderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, SettlementOperation};
use keis_registry::invoices::{NewPaper, Paper, PaperKind};
use keis_wallet::client::{OrderView, StatementView};
use warp::http::StatusCode;

use super::invoice::{PaperLook, PaperProblems, judged, opened, ready};
use super::order::{line_labels, lines, names};
use super::rows::{OrderRow, rows};
use super::statements::Row;
use super::{INTENT, Own, Sheet, sign};
use crate::attached;
use crate::call::{Answer, Call, Fields, page, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::public::listing::euro;
use crate::site::Site;
use crate::trouble::Trouble;

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
    number: String,
    e: PaperProblems,
    /// Key of what is wrong with the amounts.
    wrong: Option<&'static str>,
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
struct Asked {
    own: Own,
    view: StatementView,
    row: Row,
    order: OrderView,
    about: OrderRow,
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

async fn asked(site: &Site, call: &Call, order: OrderId) -> Result<Asked, Trouble> {
    let (own, view, row) = opened(site, call).await?;
    if !view.statement.orders.contains(&order) {
        return Err(Trouble::NotFound);
    }
    let order = site.client.order_lines(view.year, order).await?.ok_or(Trouble::NotFound)?;
    let about = rows(site, call.lang, std::slice::from_ref(&order)).await?.pop().ok_or(Trouble::NotFound)?;
    Ok(Asked { own, view, row, order, about })
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
struct Wrong {
    paper: PaperProblems,
    amounts: Option<&'static str>,
    lines: Vec<u16>,
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
    let bad = wrong.paper.any() || wrong.amounts.is_some();
    let status = if bad { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let f = call.frame(site, Section::Statements, w.text("provider-credit-note")).await?;
    let form = CreditForm {
        f,
        id: asked.view.id,
        order: asked.order.id,
        tail: format!("?year={}", asked.view.year),
        lines: inputs,
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
    shown(&site, &call, asked, &Fields::default(), Wrong::default()).await
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
    let paper = match judged(&sent) {
        Ok(paper) if wrong.amounts.is_none() => paper,
        Ok(_) => return shown(&site, &call, asked, &sent.fields, wrong).await,
        Err(paper) => return shown(&site, &call, asked, &sent.fields, Wrong { paper, ..wrong }).await,
    };
    check(&site, &call, asked, given, paper).await
}

async fn check(
    site: &Arc<Site>,
    call: &Call,
    asked: Asked,
    given: Vec<(u16, Cents)>,
    (number, file): (String, keis_registry::invoices::FileMark),
) -> Answer {
    let w = call.words();
    let paper = PaperLook::of(w, &number, &file);
    let new = NewPaper {
        kind: PaperKind::CreditNote(asked.order.id),
        year: asked.view.year,
        statement: asked.view.id,
        provider: asked.own.id,
        buyer: asked.view.statement.buyer,
        number,
        file,
    };
    let kept = site.registry.keep_paper(&asked.own.acting.actor(), &new).await?;
    let names = names(site, &asked.own, &asked.order).await?;
    let named = lines(w, &asked.order, &names);
    let total = given.iter().fold(Cents::ZERO, |sum, (_, amount)| sum.checked_add(*amount).unwrap_or(sum));
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
        note: kept.file,
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
