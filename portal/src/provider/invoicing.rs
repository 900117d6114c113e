//! What a provider says of itself for its invoices: address, contact, electronic address, bank, series.

use std::sync::Arc;

use askama::Template;
use keis_registry::billing::{BillingError, SellerFile};
use keis_registry::permission::Permission;
use warp::http::StatusCode;

use super::own;
use crate::billing::details;
use crate::call::{Answer, Call, Fields, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::office::forms::{Control, Form, Problems};
use crate::site::Site;
use crate::trouble::Trouble;

#[derive(Template)]
#[template(path = "provider/invoicing.html")]
struct DetailsPage {
    f: Frame,
    form: Form,
    /// When the provider is registered for VAT, in words.
    registrations: Vec<String>,
}

async fn shown(site: &Arc<Site>, call: &Call, file: &SellerFile, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let form = details::seller_form(w, "/provider/invoicing", fields, problems);
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = call.frame(site, Section::Statements, w.text("inv-details-title")).await?;
    page_with(status, &DetailsPage { f, form, registrations: details::registrations(w, &file.registrations) })
}

/// GET /provider/invoicing
pub(super) async fn form(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::AcceptStatements).await?;
    let file = site.registry.seller_file(&own.acting.actor(), own.id).await?;
    shown(&site, &call, &file, &details::seller_fields(&file), &Problems::default()).await
}

/// POST /provider/invoicing
pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let own = own(&call, Permission::AcceptStatements).await?;
    let actor = own.acting.actor();
    let mut problems = Problems::default();
    if let Some((said, next)) = details::read_seller(&call.form, &mut problems) {
        match site.registry.set_seller_details(&actor, own.id, &said, next).await {
            Ok(()) => {
                call.flash(Flash::good(call.words().text("inv-details-kept"))).await?;
                return redirect("/provider/invoicing");
            }
            Err(BillingError::NumberGiven { .. }) => problems.add("next", "inv-error-number-given"),
            Err(BillingError::SeriesLong) => problems.add("series", "inv-error-series-long"),
            Err(BillingError::Registry(error)) => return Err(error.into()),
            Err(other @ (BillingError::RegistrationsOverlap | BillingError::ReferenceMissing)) => {
                return Err(Trouble::internal(other));
            }
        }
    }
    let file = site.registry.seller_file(&actor, own.id).await?;
    shown(&site, &call, &file, &call.form, &problems).await
}
