//! Erasing a person: what will happen, a confirmation that is typed, and the receipt.

use std::sync::Arc;

use askama::Template;
use keis_registry::RegistryError;
use keis_registry::erasure::{Circumstances, Erased, ErasureError, ErasureReceipt};
use keis_registry::ids::PersonId;
use keis_registry::log::{Entry, append};
use keis_registry::permission::Permission;
use warp::http::StatusCode;

use super::forms::{Builder, Control, Form, Problems};
use super::pupil::{current_year, reason};
use crate::call::{Answer, Call, Fields, page, page_with};
use crate::erasure::{self, OpenOrders, OrdersError};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;

/// Reasons for which somebody is erased.
const REASONS: [&str; 3] = ["request", "court", "expired"];

#[derive(Template)]
#[template(path = "office/erase.html")]
struct ErasePage {
    f: Frame,
    form: Form,
    person: String,
    name: Option<String>,
    orders: Vec<String>,
}

#[derive(Template)]
#[template(path = "office/erased.html")]
struct ErasedPage {
    f: Frame,
    receipt: Vec<(String, String)>,
    intro: String,
    swept: bool,
}

/// Who is to be erased, as far as this page can tell.
struct Target {
    id: PersonId,
    name: Option<String>,
    orders: OpenOrders,
}

async fn target(site: &Arc<Site>, call: &Call) -> Result<Target, Trouble> {
    let acting = call.acting(Permission::ErasePerson).await?;
    let id: PersonId = call.part(0)?;
    let year = current_year(site).await?;
    let record = site.registry.pupil(&acting.actor(), id, year).await?;
    let name = record.map(|record| format!("{} {}", record.card.given_name, record.card.family_name));
    let orders = erasure::open_orders(&site.registry, &site.client, &acting.actor(), id).await;
    let orders = orders.map_err(|error| match error {
        OrdersError::Registry(error) => Trouble::from(error),
        OrdersError::Ledger(error) => Trouble::from(error),
    })?;
    Ok(Target { id, name, orders })
}

/// What is said of a person who was erased before; none for everybody else.
async fn gone(site: &Arc<Site>, call: &Call) -> Result<Option<Answer>, Trouble> {
    call.acting(Permission::ErasePerson).await?;
    let id: PersonId = call.part(0)?;
    let Some(Erased { at, swept }) = site.registry.erasure_of(id).await? else { return Ok(None) };
    let w = call.words();
    let receipt =
        vec![(w.text("office-erased-person"), id.to_string()), (w.text("office-erased-at"), w.date_time(&at))];
    let f = call.frame(site, Section::People, w.text("office-erased-title")).await?;
    let intro = w.text("office-erased-before");
    Ok(Some(page(&ErasedPage { f, receipt, intro, swept })))
}

/// GET /office/erase/{person}
pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    if let Some(gone) = gone(&site, &call).await? {
        return gone;
    }
    let target = target(&site, &call).await?;
    shown(&site, &call, target, &Fields::default(), &Problems::default()).await
}

async fn shown(site: &Arc<Site>, call: &Call, target: Target, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let reasons = REASONS.map(|reason| (reason.to_owned(), w.text(&format!("office-reason-{reason}")))).to_vec();
    let mut form = Builder::new(w, format!("/office/erase/{}", target.id), "office-erase-button", fields, problems)
        .select("reason", "office-erase-reason", reasons)
        .line("case", "office-pupil-case");
    if target.orders.any() {
        form = form.tick("despite", "office-erase-despite");
    }
    let form = form.line("typed", "office-erase-typed").done();
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = call.frame(site, Section::People, w.text("office-erase-title")).await?;
    let Target { id, name, orders } = target;
    let counted = [("office-erase-ahead", orders.ahead), ("office-erase-begun", orders.begun)];
    let counted = counted.into_iter().filter(|(_, count)| *count > 0);
    let orders = counted.map(|(key, count)| w.with1(key, "count", &w.number(count))).collect();
    page_with(status, &ErasePage { f, form, person: id.to_string(), name, orders })
}

/// POST /office/erase/{person}
pub(super) async fn erase(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ErasePerson).await?;
    if let Some(gone) = gone(&site, &call).await? {
        return gone;
    }
    let w = call.words();
    let target = target(&site, &call).await?;
    let mut problems = Problems::default();
    let reason = reason(&call.form, &mut problems, &REASONS);
    let word = w.text("office-erase-word");
    problems.need(&call.form, "typed", "office-erase-not-typed", |text| (text.to_uppercase() == word).then_some(()));
    if target.orders.any() && !call.form.ticked("despite") {
        problems.add("despite", "office-erase-open-orders");
    }
    let Some(reason) = reason.filter(|_| problems.is_empty()) else {
        return shown(&site, &call, target, &call.form, &problems).await;
    };
    let mut work = site.registry.begin().await?;
    append(&mut work, Entry::new(&acting.actor(), "erasure decided", target.id).detail(reason)).await?;
    work.commit().await?;
    let circumstances = Circumstances { open_orders: target.orders.any(), despite_them: call.form.ticked("despite") };
    let receipt = match site.registry.erase(&acting.actor(), target.id, circumstances).await {
        Ok(receipt) => receipt,
        Err(ErasureError::OpenOrders(_)) => {
            problems.add("despite", "office-erase-open-orders");
            return shown(&site, &call, target, &call.form, &problems).await;
        }
        Err(ErasureError::Registry(RegistryError::PersonUnknown(_))) => return Err(Trouble::NotFound),
        Err(ErasureError::Registry(error)) => return Err(error.into()),
    };
    told(&site, &call, &receipt).await
}

async fn told(site: &Arc<Site>, call: &Call, receipt: &ErasureReceipt) -> Answer {
    let w = call.words();
    let rows = receipt.closing.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let lines = vec![
        (w.text("office-erased-person"), receipt.person.to_string()),
        (w.text("office-erased-at"), w.date_time(&receipt.at)),
        (w.text("office-erased-wallets"), w.number(receipt.wallets)),
        (w.text("office-erased-closing"), if rows.is_empty() { w.text("no") } else { rows }),
    ];
    let f = call.frame(site, Section::People, w.text("office-erased-title")).await?;
    page(&ErasedPage { f, receipt: lines, intro: w.text("office-erased-more"), swept: receipt.swept })
}
