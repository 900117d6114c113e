//! The credit note about a reversal. The ledger gave the money back by the decision of two persons and takes no note about it: it is
//! made or taken here, kept, and sent to the buyer. Nothing is signed.

use std::sync::Arc;

use askama::Template;
use keis_einvoice::Received;
use keis_ledger::ids::{OrderId, StatementId};
use keis_ledger::record::LineState;
use keis_registry::documents::Made;
use keis_wallet::client::OrderView;
use warp::http::StatusCode;

use super::credit::{Asked, Wrong, asked, heading, heading_inputs, refused};
use super::invoice::{PaperProblems, billing};
use super::rows::OrderRow;
use super::statements::Row;
use crate::attached::{self, Attached};
use crate::billing::{BillingTrouble, OwnNote, Reversed};
use crate::call::{Answer, Call, Fields, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::office::forms::{Control, Group};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

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
    let made = if asked.drawn {
        draw(&site, &asked, &of, &sent, &mut wrong, w).await?
    } else {
        take(&site, &asked, &of, &sent, &mut wrong, w).await?
    };
    let Some(made) = made else { return shown(&site, &call, asked, &of, &sent.fields, wrong).await };
    call.flash(Flash::good(&w.with1("provider-rev-kept", "number", &made.number))).await?;
    redirect(&asked.row.href)
}

async fn draw(
    site: &Site,
    asked: &Asked,
    of: &Reversed,
    sent: &Attached,
    wrong: &mut Wrong,
    w: &Words,
) -> Result<Option<Made>, Trouble> {
    let heading = match heading(&sent.fields) {
        Ok(heading) => heading,
        Err(problems) => {
            wrong.heading = problems;
            return Ok(None);
        }
    };
    let (actor, order) = (asked.own.acting.actor(), (asked.own.id, asked.order.id));
    told(billing(site).make_reversal_note(&actor, &asked.view, order, of, heading).await, wrong, w)
}

async fn take(
    site: &Site,
    asked: &Asked,
    of: &Reversed,
    sent: &Attached,
    wrong: &mut Wrong,
    w: &Words,
) -> Result<Option<Made>, Trouble> {
    let Some((name, bytes)) = sent.file.as_ref().filter(|(_, bytes)| Received::parse(bytes).is_ok()) else {
        wrong.paper.file = Some("provider-rev-file");
        return Ok(None);
    };
    let own = OwnNote {
        provider: asked.own.id,
        order: &asked.order,
        total: of.amount,
        pupils: of.pupils,
        reversal: Some(of.reversal),
        file: (name, bytes),
    };
    told(billing(site).take_credit_note(&asked.own.acting.actor(), &asked.view, own).await, wrong, w)
}

fn told(made: Result<Made, BillingTrouble>, wrong: &mut Wrong, w: &Words) -> Result<Option<Made>, Trouble> {
    match made {
        Ok(made) => Ok(Some(made)),
        Err(trouble) => {
            refused(wrong, w, trouble)?;
            Ok(None)
        }
    }
}
