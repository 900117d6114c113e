//! Cancelling an order: what it costs is told before it is signed.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Scope;
use keis_ledger::ids::OrderId;
use keis_ledger::operation::OrderAction;
use keis_ledger::record::{OrderState, YearState};
use keis_registry::permission::Permission;

use super::acts::{can, too_late};
use super::look::{SessionLook, by_source, days_between, deadline};
use super::new_order::standing_labels;
use super::roll::Names;
use super::rules::{self, Act, Cancelling};
use super::{Desk, Signing, Standing, order_path, sign};
use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::words::Words;

/// From so many days before the end of the year's services on, money that is released will hardly be used.
const LATE_DAYS: u64 = 30;

#[derive(Template)]
#[template(path = "school/cancel.html")]
struct CancelPage {
    f: Frame,
    id: OrderId,
    label: String,
    look: SessionLook,
    free: bool,
    cost: Vec<String>,
}

pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::PlaceOrder).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    if !can(&desk, &found, Act::Cancel) {
        return too_late(&call, &found).await;
    }
    let look = SessionLook::of(&site, call.lang, found.view.year, &found.view.order).await?;
    let f = call.frame(&site, Section::Orders, call.words().text("school-cancel-title")).await?;
    let (free, cost) = cost(f.w, &desk, &found);
    let label = super::look::order_label(&site, call.lang, found.view.id, found.view.order.session);
    page(&CancelPage { id: found.view.id, label, look, free, cost, f: f.with_scripts(&["page.js"]) })
}

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::PlaceOrder).await?;
    let found = desk.order(&site, call.part(0)?).await?;
    if !can(&desk, &found, Act::Cancel) {
        return too_late(&call, &found).await;
    }
    let names = Names::of_order(&site, &desk, found.view.year, &found.view.order).await?;
    site.catalogue.ensure(found.view.year, [found.view.order.session]).await?;
    let signing = Signing {
        title: call.words().text("school-cancel-title"),
        operations: vec![found.act(OrderAction::Cancel)],
        labels: standing_labels(&site, call.lang, &found.view, &names),
        scope: Scope::Order,
        next: order_path(found.view.id),
        warnings: cost(call.words(), &desk, &found).1,
    };
    sign(&site, &call, &desk, signing).await
}

/// Whether it is free, and what it comes to in sentences.
fn cost(w: &Words, desk: &Desk, found: &Standing) -> (bool, Vec<String>) {
    let order = &found.view.order;
    let mut said = Vec::new();
    let free = match rules::cancelling(order, desk.now, found.unreported()) {
        Cancelling::Free(Some(until)) => {
            said.push(w.with1("school-cancel-free", "until", &deadline(w, desk.now, until)));
            true
        }
        Cancelling::Free(None) => {
            said.push(w.text("school-cancel-unreported"));
            true
        }
        Cancelling::Late { each, total } => {
            let since = w.date_time(&rules::late_from(order));
            let parts = [("since", since.as_str()), ("each", &w.money(&each)), ("total", &by_source(w, &total))];
            said.push(w.with("school-cancel-late", &parts));
            false
        }
        Cancelling::Impossible => false,
    };
    let moves_money = order.state != OrderState::Proposed;
    if moves_money && found.state == YearState::Ended {
        said.push(w.text("school-warn-ended"));
    } else if moves_money && desk.now >= found.parameters.window_until {
        said.push(w.with1("school-warn-window-over", "until", &w.date(&found.parameters.window_until)));
    } else if moves_money && days_between(desk.now, found.parameters.window_until) < LATE_DAYS {
        said.push(w.with1("school-warn-year-end", "until", &w.date(&found.parameters.window_until)));
    }
    (free, said)
}
