//! The provider disputes an order, or takes its dispute back.

use std::sync::Arc;

use keis_ledger::classifiers::Scope;
use keis_ledger::ids::OrderId;
use keis_ledger::record::Side;
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;

use super::rows::{OrderRow, rows};
use super::{INTENT, Own, Sheet, act, find_order, own, sign};
use crate::call::{Answer, Call, page, redirect};
use crate::dispute::{DisputeForm, Step};
use crate::frame::{Flash, Section};
use crate::site::Site;
use crate::trouble::Trouble;

/// Characters of an id by which people tell orders apart when they speak of them.
const SHORT: usize = 8;

struct Asked {
    own: Own,
    view: OrderView,
    row: OrderRow,
    step: Option<Step>,
}

async fn asked(site: &Site, call: &Call) -> Result<Asked, Trouble> {
    let own = own(call, Permission::ReportDelivery).await?;
    let view = find_order(site, call, &own).await?;
    let row = rows(site, call.lang, std::slice::from_ref(&view)).await?.pop().ok_or(Trouble::NotFound)?;
    let step = Step::of(&view, Side::Provider, site.now().await?);
    Ok(Asked { own, view, row, step })
}

async fn not_now(call: &Call, row: &OrderRow) -> Answer {
    call.flash(Flash::bad(call.words().text("dispute-not-now"))).await?;
    redirect(&row.href)
}

fn short(id: OrderId) -> String {
    id.to_string().split('_').next_back().unwrap_or_default().chars().take(SHORT).collect()
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let Asked { view, row, step, .. } = asked(&site, &call).await?;
    let Some(step) = step else { return not_now(&call, &row).await };
    let w = call.words();
    let f = call.frame(&site, Section::Requests, w.text(step.title())).await?.with_scripts(INTENT);
    page(&DisputeForm {
        f,
        id: view.id,
        label: row.label,
        action: format!("/provider/orders/{}/dispute?year={}", view.id, view.year),
        back: row.href,
        intent: step.intent(),
        told: step.told(w, &view, &short(view.id)),
        button: w.text(step.button()),
        raises: matches!(step, Step::Raise(_)),
    })
}

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let Asked { own, view, row, step } = asked(&site, &call).await?;
    if call.form.need::<OrderId>("order")? != view.id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    let Some(step) = step else { return not_now(&call, &row).await };
    let w = call.words();
    let sheet = Sheet {
        title: w.text(step.title()),
        operations: vec![act(&view, step.action())],
        labels: vec![(view.id.to_string(), row.label)],
        scope: Scope::Attendance,
        next: row.href,
        warnings: step.told(w, &view, &short(view.id)),
    };
    sign(&site, &call, &own, sheet).await
}
