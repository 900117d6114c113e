//! The credit note about a reversal. The ledger gave the money back by the decision of two persons and takes no note about it: it is
//! made or taken here, kept, and sent to the buyer. Nothing is signed.

use std::sync::Arc;

use askama::Template;
use keis_ledger::ids::{OrderId, StatementId};
use keis_ledger::record::LineState;
use keis_wallet::client::OrderView;
use warp::http::StatusCode;

use super::credit::{Asked, Wrong, asked, draw, e_invoice, heading_inputs, take};
use super::invoice::{PaperProblems, billing};
use super::rows::OrderRow;
use super::statements::Row;
use crate::attached;
use crate::billing::{Given, Reversed};
use crate::call::{Answer, Call, Fields, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::office::forms::{Control, Group};
use crate::site::Site;
use crate::trouble::Trouble;

#[derive(Template)]
#[template(path = "provider/reversed.html")]
struct ReversedForm {
    f: Frame,
    id: StatementId,
    order: OrderId,
    tail: String,
    row: Row,
    about: OrderRow,
    /// When it was reversed, and how much.
    facts: Vec<(String, String)>,
    /// Number, day and reason, where the note is drawn here.
    drawn: Option<Group>,
    number: String,
    e: PaperProblems,
    /// What keeps the note from being made.
    refused: Vec<String>,
    bad: bool,
}

/// Whether something of an order was reversed, so that a credit note may be missing.
pub(super) fn is_reversed(order: &OrderView) -> bool {
    order.order.lines.iter().any(|line| line.state == LineState::Reversed)
}

/// The first reversal without a credit note.
async fn open(site: &Site, asked: &Asked) -> Result<Option<Reversed>, Trouble> {
    let found = billing(site).reversals(&asked.own.acting.actor(), &asked.view, asked.order.id).await?;
    Ok(found.into_iter().next())
}

async fn none_left(call: &Call, asked: &Asked) -> Answer {
    call.flash(Flash::bad(call.words().text("provider-rev-none"))).await?;
    redirect(&asked.row.href)
}

async fn shown(site: &Arc<Site>, call: &Call, asked: Asked, of: &Reversed, fields: &Fields, wrong: Wrong) -> Answer {
    let w = call.words();
    let bad = wrong.any();
    let status = if bad { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let form = ReversedForm {
        f: call.frame(site, Section::Statements, w.text("provider-rev-title")).await?,
        id: asked.view.id,
        order: asked.order.id,
        tail: format!("?year={}", asked.view.year),
        facts: vec![
            (w.text("provider-rev-at"), w.date_time(&of.at)),
            (w.text("provider-rev-amount"), w.money(&of.amount)),
        ],
        drawn: if asked.drawn { heading_inputs(w, fields, &wrong.heading) } else { None },
        number: fields.get("number").unwrap_or_default().to_owned(),
        e: wrong.paper,
        refused: wrong.refused,
        bad,
        row: asked.row,
        about: asked.about,
    };
    page_with(status, &form)
}

/// GET /provider/statements/{id}/reversed
pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let asked = asked(&site, &call, call.query.need("order")?).await?;
    let Some(of) = open(&site, &asked).await? else { return none_left(&call, &asked).await };
    let today = billing(&site).day(site.now().await?).to_string();
    let fields = Fields(vec![("issued".to_owned(), today)]);
    shown(&site, &call, asked, &of, &fields, Wrong::default()).await
}

/// POST /provider/statements/{id}/reversed: makes the note, or takes the provider's own, and keeps it.
pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let sent = attached::read(&call.body).await?;
    let asked = asked(&site, &call, sent.fields.need("order")?).await?;
    if sent.fields.need::<StatementId>("statement")? != asked.view.id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    let Some(of) = open(&site, &asked).await? else { return none_left(&call, &asked).await };
    let (w, mut wrong) = (call.words(), Wrong::default());
    let given = Given::of_reversal(asked.own.id, asked.order.id, &of);
    let made = if asked.drawn {
        draw(&site, &asked, &given, &sent.fields, &mut wrong, w).await?
    } else if let Some(file) = e_invoice(&sent) {
        take(&site, &asked, &given, file, &mut wrong, w).await?
    } else {
        wrong.paper.file = Some("provider-rev-file");
        None
    };
    let Some(made) = made else { return shown(&site, &call, asked, &of, &sent.fields, wrong).await };
    call.flash(Flash::good(w.with1("provider-rev-kept", "number", &made.number))).await?;
    redirect(&asked.row.href)
}
