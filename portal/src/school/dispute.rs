//! The school disputes an order, or takes its dispute back.

use std::sync::Arc;

use keis_ledger::classifiers::Scope;
use keis_ledger::ids::OrderId;
use keis_ledger::operation::Party;
use keis_ledger::record::Side;
use keis_registry::permission::Permission;

use super::look::{self, order_label};
use super::new_order::standing_labels;
use super::roll::Names;
use super::{Desk, Signing, Standing, order_path, sign};
use crate::call::{Answer, Call, page, redirect};
use crate::dispute::{DisputeForm, Step};
use crate::frame::{Flash, Section};
use crate::site::Site;
use crate::trouble::Trouble;

/// What the school may do about a dispute; a pupil's own order is the pupil's to dispute.
pub(super) fn step(desk: &Desk, found: &Standing) -> Option<Step> {
    let ordered = matches!(found.view.order.orderer, Party::School(_));
    Step::of(&found.view, Side::Orderer, desk.now).filter(|_| ordered)
}

async fn not_now(call: &Call, found: &Standing) -> Answer {
    call.flash(Flash::bad(call.words().text("dispute-not-now"))).await?;
    redirect(&order_path(found.view.id))
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::PlaceOrder).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    let Some(step) = step(&desk, &found) else { return not_now(&call, &found).await };
    let (w, id) = (call.words(), found.view.id);
    site.catalogue.ensure(found.view.year, [found.view.order.session]).await?;
    let f = call.frame(&site, Section::Orders, w.text(step.title())).await?.with_scripts(&["page.js"]);
    page(&DisputeForm {
        f,
        id,
        label: order_label(&site, call.lang, id, found.view.order.session),
        back: order_path(id),
        action: format!("{}/dispute", order_path(id)),
        intent: step.intent(),
        told: step.told(w, &found.view, &look::short(id)),
        button: w.text(step.button()),
        raises: matches!(step, Step::Raise(_)),
    })
}

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::PlaceOrder).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    if call.form.need::<OrderId>("order")? != found.view.id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    let Some(step) = step(&desk, &found) else { return not_now(&call, &found).await };
    let (w, id) = (call.words(), found.view.id);
    let names = Names::of_order(&site, &desk, found.view.year, &found.view.order).await?;
    site.catalogue.ensure(found.view.year, [found.view.order.session]).await?;
    let signing = Signing {
        title: w.text(step.title()),
        operations: vec![found.act(step.action())],
        labels: standing_labels(&site, call.lang, &found.view, &names),
        scope: Scope::Attendance,
        next: order_path(id),
        warnings: step.told(w, &found.view, &look::short(id)),
    };
    sign(&site, &call, &desk, signing).await
}
