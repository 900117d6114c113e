//! Erasing a person: what will happen, a confirmation that is typed, and the receipt.

use std::sync::Arc;

use askama::Template;
use keis_registry::RegistryError;
use keis_registry::erasure::{Circumstances, ErasureError, ErasureReceipt};
use keis_registry::ids::PersonId;
use keis_registry::log::{Entry, append};
use keis_registry::permission::Permission;
use warp::http::StatusCode;

use super::forms::{Builder, Control, Form, Problems};
use super::pupil::{current_year, reason};
use crate::call::{Answer, Call, Fields, page, page_with};
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
    open_orders: bool,
}

#[derive(Template)]
#[template(path = "office/erased.html")]
struct ErasedPage {
    f: Frame,
    receipt: Vec<(String, String)>,
    swept: bool,
}

/// Who is to be erased, as far as this page can tell.
struct Target {
    id: PersonId,
    name: Option<String>,
    open_orders: bool,
}

async fn target(site: &Arc<Site>, call: &Call) -> Result<Target, Trouble> {
    let acting = call.acting(Permission::ErasePerson).await?;
    let id: PersonId = call.part(0)?;
    let year = current_year(site).await?;
    let Some(record) = site.registry.pupil(&acting.actor(), id, year).await? else {
        return Ok(Target { id, name: None, open_orders: false });
    };
    let mut open_orders = false;
    if let Some(wallet) = record.card.wallet
        && let Some(held) = site.client.pupil_wallet(year, wallet).await?
    {
        open_orders = !held.bookings.is_empty();
    }
    Ok(Target { id, name: Some(format!("{} {}", record.card.given_name, record.card.family_name)), open_orders })
}

/// GET /office/erase/{person}
pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ErasePerson).await?;
    let target = target(&site, &call).await?;
    shown(&site, &call, target, &Fields::default(), &Problems::default()).await
}

async fn shown(site: &Arc<Site>, call: &Call, target: Target, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let reasons = REASONS.map(|reason| (reason.to_owned(), w.text(&format!("office-reason-{reason}")))).to_vec();
    let mut form = Builder::new(w, format!("/office/erase/{}", target.id), "office-erase-button", fields, problems)
        .select("reason", "office-erase-reason", reasons)
        .line("case", "office-pupil-case");
    if target.open_orders {
        form = form.tick("despite", "office-erase-despite");
    }
    let form = form.line("typed", "office-erase-typed").done();
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = call.frame(site, Section::People, w.text("office-erase-title")).await?;
    let Target { id, name, open_orders } = target;
    page_with(status, &ErasePage { f, form, person: id.to_string(), name, open_orders })
}

/// POST /office/erase/{person}
pub(super) async fn erase(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ErasePerson).await?;
    let w = call.words();
    let target = target(&site, &call).await?;
    let mut problems = Problems::default();
    let reason = reason(&call.form, &mut problems, &REASONS);
    let word = w.text("office-erase-word");
    problems.need(&call.form, "typed", "office-erase-not-typed", |text| (text.to_uppercase() == word).then_some(()));
    if target.open_orders && !call.form.ticked("despite") {
        problems.add("despite", "office-erase-open-orders");
    }
    let Some(reason) = reason.filter(|_| problems.is_empty()) else {
        return shown(&site, &call, target, &call.form, &problems).await;
    };
    let mut work = site.registry.begin().await?;
    append(&mut work, Entry::new(&acting.actor(), "erasure decided", target.id).detail(reason)).await?;
    work.commit().await?;
    let circumstances = Circumstances { open_orders: target.open_orders, despite_them: call.form.ticked("despite") };
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
    page(&ErasedPage { f, receipt: lines, swept: receipt.swept })
}
