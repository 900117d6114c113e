//! The invoice of an accepted statement: its number and file are committed to, shown, and signed.

use std::sync::Arc;

use askama::Template;
use bytes::Bytes;
use keis_ledger::classifiers::Scope;
use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::operation::{Operation, SettlementOperation};
use keis_ledger::record::StatementState;
use keis_registry::invoices::{FileMark, LONGEST_NUMBER, NewPaper, Paper, PaperKind};
use keis_registry::permission::Permission;
use keis_wallet::client::StatementView;
use warp::http::StatusCode;

use super::statements::{Row, find, row};
use super::{INTENT, Own, Sheet, bill, own, sign};
use crate::attached::{self, Attached};
use crate::call::{Answer, Call, page, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

#[derive(Template)]
#[template(path = "provider/invoice.html")]
struct InvoiceForm {
    f: Frame,
    id: StatementId,
    tail: String,
    row: Row,
    number: String,
    e: PaperProblems,
}

#[derive(Template)]
#[template(path = "provider/invoice_check.html")]
struct InvoiceCheck {
    f: Frame,
    id: StatementId,
    tail: String,
    row: Row,
    paper: PaperLook,
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

async fn not_now(call: &Call, row: &Row) -> Answer {
    call.flash(Flash::bad(call.words().text("provider-invoice-not-now"))).await?;
    redirect(&row.href)
}

async fn shown(
    site: &Arc<Site>,
    call: &Call,
    view: &StatementView,
    row: Row,
    (number, e): (String, PaperProblems),
) -> Answer {
    let status = if e.any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let f = call.frame(site, Section::Statements, call.words().text("provider-attach-invoice")).await?;
    page_with(status, &InvoiceForm { f, id: view.id, tail: format!("?year={}", view.year), row, number, e })
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let (_, view, row) = opened(&site, &call).await?;
    if view.statement.state != StatementState::Accepted {
        return not_now(&call, &row).await;
    }
    shown(&site, &call, &view, row, (String::new(), PaperProblems::default())).await
}

/// Takes number and file, keeps their commitments, and shows what will be signed.
pub(super) async fn upload(site: Arc<Site>, call: Call) -> Answer {
    let (own, view, row) = opened(&site, &call).await?;
    let body: &Bytes = &call.body;
    let sent = attached::read(body).await?;
    if sent.fields.need::<StatementId>("statement")? != view.id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    if view.statement.state != StatementState::Accepted {
        return not_now(&call, &row).await;
    }
    let (number, file) = match judged(&sent) {
        Ok(paper) => paper,
        Err(e) => {
            let number = sent.fields.get("number").unwrap_or_default().to_owned();
            return shown(&site, &call, &view, row, (number, e)).await;
        }
    };
    let w = call.words();
    let look = PaperLook::of(w, &number, &file);
    let new = NewPaper {
        kind: PaperKind::Invoice,
        year: view.year,
        statement: view.id,
        provider: own.id,
        buyer: view.statement.buyer,
        number,
        file,
    };
    let kept = site.registry.keep_paper(&own.acting.actor(), &new).await?;
    let mut f = call.frame(&site, Section::Statements, w.text("provider-check-invoice")).await?.with_scripts(INTENT);
    // This page answers a form; in the other language one begins again.
    f.other_lang_href = format!("{}&lang={}", row.href, call.lang.other().code());
    page(&InvoiceCheck {
        f,
        id: view.id,
        tail: format!("?year={}", view.year),
        row,
        paper: look,
        invoice: kept.file,
        number: kept.number,
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
