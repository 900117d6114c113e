//! Why the buyer refused a statement's invoice, in its own words.

use std::sync::Arc;

use askama::Template;
use keis_ledger::ids::StatementId;
use keis_registry::RegistryError;
use keis_registry::permission::Permission;

use super::own;
use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;

#[derive(Template)]
#[template(path = "provider/refused.html")]
struct RefusedPage {
    f: Frame,
    statement: StatementId,
    /// When, and why.
    refusals: Vec<(String, String)>,
    /// The statement, where its year can be read.
    href: Option<String>,
}

/// GET /provider/refused/{statement}
pub(super) async fn show(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::SeeStatements).await?;
    let statement: StatementId = call.part(0)?;
    own.houses(&site).await?;
    let mut found = None;
    for year in site.years().await? {
        found = found.or(site.client.statement(year.year, statement).await?);
    }
    let attached = found.as_ref().and_then(|view| view.bill.invoice.as_ref()).map(|invoice| invoice.file);
    let reasons = match site.registry.refusals(&own.acting.actor(), statement, attached).await {
        Ok(reasons) if !reasons.is_empty() => reasons,
        Ok(_) | Err(RegistryError::Denied(_)) => return Err(Trouble::NotFound),
        Err(error) => return Err(error.into()),
    };
    let w = call.words();
    let told = |text: Option<String>| text.unwrap_or_else(|| w.text("dispatch-no-reason"));
    let refusals = reasons.into_iter().map(|reason| (w.date_time(&reason.at), told(reason.text))).collect();
    let href = found.map(|view| format!("/provider/statements/{statement}?year={}", view.year));
    let f = call.frame(&site, Section::Statements, w.text("dispatch-refused-title")).await?;
    page(&RefusedPage { f, statement, refusals, href })
}
