//! What changes an order: another time, answers to the school's changes, cancelling.

use std::sync::Arc;

use keis_ledger::classifiers::Scope;
use keis_ledger::ids::{OrderId, SessionId};
use keis_ledger::operation::{Change, OrderAction};
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;

use super::rows::{OrderRow, rows};
use super::rules::{self, May};
use super::{Own, Sheet, act, find_order, order, own, sign};
use crate::call::{Answer, Call, redirect};
use crate::frame::Flash;
use crate::site::Site;
use crate::trouble::Trouble;

/// An order that a form names beside the address, and what may be done with it.
struct Asked {
    own: Own,
    view: OrderView,
    row: OrderRow,
    may: May,
}

async fn asked(site: &Site, call: &Call, permission: Permission) -> Result<Asked, Trouble> {
    let own = own(call, permission).await?;
    let view = find_order(site, call, &own).await?;
    if call.form.need::<OrderId>("order")? != view.id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    let row = rows(site, call.lang, std::slice::from_ref(&view)).await?.pop().ok_or(Trouble::NotFound)?;
    let may = rules::may_with(&view, site.now().await?);
    Ok(Asked { own, view, row, may })
}

/// Back to the order: what was asked is no longer possible.
async fn too_late(call: &Call, asked: &Asked) -> Answer {
    call.flash(Flash::bad(call.words().text("provider-too-late"))).await?;
    redirect(&asked.row.href)
}

impl Asked {
    fn sheet(&self, title: String, action: OrderAction, scope: Scope) -> Sheet {
        Sheet {
            title,
            operations: vec![act(&self.view, action)],
            labels: vec![(self.view.id.to_string(), self.row.label.clone())],
            scope,
            next: self.row.href.clone(),
            warnings: Vec::new(),
        }
    }

    /// The scope that an answer to the waiting change needs.
    fn change_scope(&self) -> Scope {
        match self.view.order.change.as_ref().map(|waiting| &waiting.change) {
            Some(Change::Attendance { .. }) => Scope::Attendance,
            Some(Change::Booking { .. }) | None => Scope::Order,
        }
    }
}

pub(super) async fn propose(site: Arc<Site>, call: Call) -> Answer {
    let asked = asked(&site, &call, Permission::AnswerRequests).await?;
    let session: SessionId = call.form.need("session")?;
    let wanted = site.catalogue.find_session(asked.view.year, session).await?;
    let (_, offer) = wanted.ok_or(Trouble::NotFound)?;
    if !asked.own.stands_for(&site, offer.provider).await? {
        return Err(Trouble::NotFound);
    }
    if !asked.may.change_time || offer.id != asked.view.order.service {
        return too_late(&call, &asked).await;
    }
    let change = Change::Booking { session: Some(session), drop: Vec::new(), add: Vec::new() };
    let title = call.words().text("provider-change-time");
    let mut sheet = asked.sheet(title, OrderAction::ProposeChange(change), Scope::Order);
    sheet.labels.push((session.to_string(), site.catalogue.label(session, call.lang)));
    sign(&site, &call, &asked.own, sheet).await
}

pub(super) async fn accept(site: Arc<Site>, call: Call) -> Answer {
    let asked = asked(&site, &call, Permission::AnswerRequests).await?;
    if !asked.may.accept {
        return too_late(&call, &asked).await;
    }
    let title = call.words().text("provider-accept-change");
    let mut sheet = asked.sheet(title, OrderAction::AcceptChange, asked.change_scope());
    sheet.warnings = order::waiting(&site, &call, &asked.own, &asked.view).await?;
    sign(&site, &call, &asked.own, sheet).await
}

pub(super) async fn drop_change(site: Arc<Site>, call: Call) -> Answer {
    let asked = asked(&site, &call, Permission::AnswerRequests).await?;
    let key = match (asked.may.refuse, asked.may.take_back) {
        (true, _) => "provider-refuse-change",
        (false, true) => "provider-take-back",
        (false, false) => return too_late(&call, &asked).await,
    };
    let sheet = asked.sheet(call.words().text(key), OrderAction::DropChange, asked.change_scope());
    sign(&site, &call, &asked.own, sheet).await
}

pub(super) async fn cancel(site: Arc<Site>, call: Call) -> Answer {
    let asked = asked(&site, &call, Permission::AnswerRequests).await?;
    if !asked.may.cancel {
        return too_late(&call, &asked).await;
    }
    let w = call.words();
    let money = w.money(&rules::worth(&asked.view.order));
    let mut sheet = asked.sheet(w.text("provider-cancel"), OrderAction::Cancel, Scope::Order);
    sheet.warnings = vec![w.with("provider-cancel-warning", &[("pupils", &asked.row.pupils), ("money", &money)])];
    sign(&site, &call, &asked.own, sheet).await
}
