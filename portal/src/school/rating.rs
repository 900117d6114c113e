//! How an order was: a score and what was as it should be, said once by the school.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::{Fact, Facts, Scope, Score};
use keis_ledger::ids::OrderId;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::receipt::{Kind, Receipt};
use keis_registry::permission::Permission;
use warp::http::StatusCode;

use super::look::{SessionLook, order_label, order_labels};
use super::{Desk, Signing, Standing, order_path, sign};
use crate::call::{Answer, Call, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::order_state::Stage;
use crate::ratings::{SCORES, code, fact_key, score_key};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

#[derive(Template)]
#[template(path = "school/rate.html")]
struct RatePage {
    f: Frame,
    id: OrderId,
    label: String,
    look: SessionLook,
    scores: Vec<Choice>,
    facts: Vec<Choice>,
    error: Option<String>,
}

/// A score or fact that can be chosen.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// Whether the school may rate an order: it ordered, the order took place, and it has not rated yet.
pub(super) fn may(desk: &Desk, found: &Standing, receipts: &[Receipt]) -> bool {
    let order = &found.view.order;
    let took_place = matches!(Stage::of(order.state), Stage::Attended | Stage::Settled);
    let rated = receipts.iter().any(|receipt| receipt.kind == Kind::RatedBySchool);
    let ordered = matches!(order.orderer, Party::School(_));
    took_place && ordered && !rated && desk.may(Permission::TickAttendance)
}

async fn open(site: &Arc<Site>, call: &Call) -> Result<(Desk, Standing, bool), Trouble> {
    let desk = Desk::open(site, call, Permission::TickAttendance).await?;
    let found = desk.order(site, call.part(0)?).await?;
    let receipts = site.client.order_history(found.view.year, found.view.id).await?.unwrap_or_default();
    let may = may(&desk, &found, &receipts);
    Ok((desk, found, may))
}

async fn not_now(call: &Call, found: &Standing) -> Answer {
    call.flash(Flash::bad(call.words().text("rating-not-now"))).await?;
    redirect(&order_path(found.view.id))
}

fn choices(w: &Words, score: Option<Score>, facts: Facts) -> (Vec<Choice>, Vec<Choice>) {
    let of_score = |one: Score| Choice {
        value: one.get().to_string(),
        label: w.with("rating-score", &[("score", &one.get().to_string()), ("word", &w.text(score_key(one)))]),
        chosen: score == Some(one),
    };
    let of_fact =
        |one: Fact| Choice { value: code(one).to_owned(), label: w.text(fact_key(one)), chosen: facts.has(one) };
    (SCORES.into_iter().filter_map(Score::new).map(of_score).collect(), Fact::ALL.into_iter().map(of_fact).collect())
}

async fn show(
    site: &Arc<Site>,
    call: &Call,
    found: &Standing,
    (score, facts): (Option<Score>, Facts),
    error: Option<String>,
) -> Answer {
    let (w, id, order) = (call.words(), found.view.id, &found.view.order);
    let look = SessionLook::of(site, call.lang, found.view.year, order).await?;
    let f = call.frame(site, Section::Orders, w.text("rating-title")).await?.with_scripts(&["page.js"]);
    let label = order_label(site, call.lang, id, order.session);
    let (scores, facts) = choices(w, score, facts);
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page_with(status, &RatePage { f, id, label, look, scores, facts, error })
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let (_, found, may) = open(&site, &call).await?;
    if !may {
        return not_now(&call, &found).await;
    }
    show(&site, &call, &found, (None, Facts::of(&[])), None).await
}

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let (desk, found, may) = open(&site, &call).await?;
    let (w, id, order) = (call.words(), found.view.id, &found.view.order);
    if call.form.need::<OrderId>("order")? != id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    if !may {
        return not_now(&call, &found).await;
    }
    let score =
        call.form.parse::<u8>("score")?.map(|score| Score::new(score).ok_or(Trouble::Malformed("trouble-field")));
    let mut named = Vec::new();
    for name in call.form.all("facts") {
        let fact = Fact::ALL.into_iter().find(|fact| code(*fact) == name);
        named.push(fact.ok_or(Trouble::Malformed("trouble-field"))?);
    }
    let facts = Facts::of(&named);
    let Some(score) = score.transpose()? else {
        let error = w.text("rating-no-score");
        return show(&site, &call, &found, (None, facts), Some(error)).await;
    };
    site.catalogue.ensure(found.view.year, [order.session]).await?;
    let signing = Signing {
        title: w.text("rating-title"),
        operations: vec![Operation::Rate { year: found.view.year, order: id, score, facts }],
        labels: order_labels(&site, call.lang, id, order),
        scope: Scope::Propose,
        next: order_path(id),
        warnings: vec![w.text("rating-once")],
    };
    sign(&site, &call, &desk, signing).await
}
