//! What invoices name on the programme's side: the buyer, terms, rates of VAT; and of each provider and school what the operator
//! answers for.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{ProviderId, SchoolId, StatementId};
use keis_registry::billing::{BillingError, ProgrammePart};
use keis_registry::permission::{Body, Permission};
use warp::http::StatusCode;

use crate::billing::{Billing, details};
use crate::call::{Answer, Call, Fields, page, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::papers;
use crate::route::{Route, get, post};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

use super::forms::{Control, Form, Problems};

/// The routes.
pub(super) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![
        get(site, "/office/invoicing", overview),
        get(site, "/office/invoicing/buyer", buyer_form),
        post(site, "/office/invoicing/buyer", buyer),
        get(site, "/office/invoicing/terms", terms_form),
        post(site, "/office/invoicing/terms", terms),
        get(site, "/office/invoicing/rates", rates_form),
        post(site, "/office/invoicing/rates", rates),
        get(site, "/office/invoicing/{body}", body_form),
        post(site, "/office/invoicing/{body}", body_details),
        post(site, "/office/invoicing/{body}/registrations", registrations),
        get(site, "/office/invoicing/{year}/{statement}/paper", paper),
        get(site, "/office/invoicing/{year}/{statement}/paper/xml", paper_xml),
    ]
}

#[derive(Template)]
#[template(path = "office/invoicing.html")]
struct Overview {
    f: Frame,
    /// What is set, in words; none where nothing is.
    buyer: Option<String>,
    terms: Option<String>,
    rates: Vec<String>,
    /// Providers whose flag of the import and registrations disagree: id, name, what the import says.
    apart: Vec<(String, String, String)>,
    /// Whether they may see schools and providers.
    bodies: bool,
}

#[derive(Template)]
#[template(path = "office/invoicing_form.html")]
struct FormPage {
    f: Frame,
    intro: String,
    form: Form,
}

#[derive(Template)]
#[template(path = "office/invoicing_body.html")]
struct BodyPage {
    f: Frame,
    id: String,
    name: String,
    form: Form,
    /// Of a provider.
    registrations: Option<Form>,
    /// What the import says of a provider.
    flag: Option<String>,
}

/// GET /office/invoicing
async fn overview(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ManageYear).await?;
    let w = call.words();
    let set = site.registry.programme_billing().await?;
    let day = Billing::new(site.client.clone(), site.registry.clone()).day(site.now().await?);
    let apart = if acting.role.may(Permission::ManageBodies) {
        site.registry.vat_disagreements(&acting.actor(), day).await?
    } else {
        Vec::new()
    };
    let flag = |registered| w.text(if registered { "inv-flag-yes" } else { "inv-flag-no" });
    let apart = apart.into_iter().map(|one| (one.id.to_string(), one.name, flag(one.vat_registered))).collect();
    let terms = set.terms.as_ref().map(|terms| {
        let named = [&terms.reference, &terms.order, &terms.contract, &terms.payment];
        let named = named.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        format!("{named}; {}", w.count("inv-days-due", u64::from(terms.days_due)))
    });
    let rates = details::rates_fields(set.rates.as_ref());
    let rates = rates.get("rates").unwrap_or_default().lines().map(str::to_owned).collect();
    let f = call.frame(&site, Section::Bills, w.text("inv-office-title")).await?;
    let buyer = set.buyer.map(|buyer| format!("{}, {}", buyer.name, buyer.code));
    page(&Overview { f, buyer, terms, rates, apart, bodies: acting.role.may(Permission::ManageBodies) })
}

async fn form_page(
    site: &Arc<Site>,
    call: &Call,
    (title, intro): (&str, &str),
    problems: &Problems,
    form: Form,
) -> Answer {
    let w = call.words();
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = call.frame(site, Section::Bills, w.text(title)).await?;
    page_with(status, &FormPage { f, intro: w.text(intro), form })
}

/// Sets parts of the programme's side and goes back to the overview.
async fn keep(site: &Arc<Site>, call: &Call, parts: &[ProgrammePart]) -> Answer {
    let acting = call.acting(Permission::ManageYear).await?;
    for part in parts {
        site.registry.set_programme_billing(&acting.actor(), part).await.map_err(trouble)?;
    }
    call.flash(Flash::good(call.words().text("inv-kept"))).await?;
    redirect("/office/invoicing")
}

fn trouble(error: BillingError) -> Trouble {
    match error {
        BillingError::Registry(error) => error.into(),
        other @ (BillingError::RegistrationsOverlap
        | BillingError::ReferenceMissing
        | BillingError::NumberGiven { .. }
        | BillingError::SeriesLong) => Trouble::internal(other),
    }
}

const BUYER: (&str, &str) = ("inv-buyer-title", "inv-buyer-intro");
const TERMS: (&str, &str) = ("inv-terms-title", "inv-terms-intro");
const RATES: (&str, &str) = ("inv-rates-title", "inv-rates-intro");

async fn buyer_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageYear).await?;
    let fields = details::buyer_fields(&site.registry.programme_billing().await?);
    let problems = Problems::default();
    form_page(&site, &call, BUYER, &problems, details::buyer_form(call.words(), &fields, &problems)).await
}

async fn buyer(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageYear).await?;
    let mut problems = Problems::default();
    match details::read_buyer(&call.form, &mut problems) {
        Some((buyer, answering)) => {
            keep(&site, &call, &[ProgrammePart::Buyer(buyer), ProgrammePart::Answering(answering)]).await
        }
        None => {
            let form = details::buyer_form(call.words(), &call.form, &problems);
            form_page(&site, &call, BUYER, &problems, form).await
        }
    }
}

async fn terms_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageYear).await?;
    let fields = details::terms_fields(site.registry.programme_billing().await?.terms.as_ref());
    let problems = Problems::default();
    form_page(&site, &call, TERMS, &problems, details::terms_form(call.words(), &fields, &problems)).await
}

async fn terms(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageYear).await?;
    let mut problems = Problems::default();
    match details::read_terms(&call.form, &mut problems) {
        Some(terms) => keep(&site, &call, &[ProgrammePart::Terms(terms)]).await,
        None => {
            let form = details::terms_form(call.words(), &call.form, &problems);
            form_page(&site, &call, TERMS, &problems, form).await
        }
    }
}

async fn rates_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageYear).await?;
    let fields = details::rates_fields(site.registry.programme_billing().await?.rates.as_ref());
    let problems = Problems::default();
    form_page(&site, &call, RATES, &problems, details::rates_form(call.words(), &fields, &problems)).await
}

async fn rates(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageYear).await?;
    let mut problems = Problems::default();
    match details::read_rates(&call.form, &mut problems) {
        Some(rates) => keep(&site, &call, &[ProgrammePart::Rates(rates)]).await,
        None => {
            let form = details::rates_form(call.words(), &call.form, &problems);
            form_page(&site, &call, RATES, &problems, form).await
        }
    }
}

/// What a page of a body shows beside what is known.
#[derive(Default)]
struct Said {
    fields: Option<Fields>,
    problems: Problems,
    registrations: Option<Fields>,
    registrations_problems: Problems,
}

async fn body_page(site: &Arc<Site>, call: &Call, body: Body, said: Said) -> Answer {
    let w = call.words();
    let bad = !said.problems.is_empty() || !said.registrations_problems.is_empty();
    let status = if bad { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let f = call.frame(site, Section::Bills, w.text("inv-body-title")).await?;
    let shown = match body {
        Body::School(id) => school(site, w, f, id, said).await?,
        Body::Provider(id) => provider(site, call, f, id, said).await?,
        Body::Operator | Body::BudgetHolder => return Err(Trouble::NotFound),
    };
    page_with(status, &shown)
}

async fn school(site: &Site, w: &'static Words, f: Frame, id: SchoolId, said: Said) -> Result<BodyPage, Trouble> {
    let school = site.registry.school(id).await?.ok_or(Trouble::NotFound)?;
    let fields = match said.fields {
        Some(fields) => fields,
        None => details::school_fields(site.registry.school_billing(id).await?.as_ref()),
    };
    let form = details::school_form(w, &format!("/office/invoicing/{id}"), &fields, &said.problems);
    Ok(BodyPage { f, id: id.to_string(), name: school.name, form, registrations: None, flag: None })
}

async fn provider(site: &Site, call: &Call, f: Frame, id: ProviderId, said: Said) -> Result<BodyPage, Trouble> {
    let (w, acting) = (call.words(), call.acting(Permission::ManageBodies).await?);
    let provider = site.registry.provider(id).await?.ok_or(Trouble::NotFound)?;
    let file = site.registry.seller_file(&acting.actor(), id).await?;
    let fields = said.fields.unwrap_or_else(|| details::seller_fields(&file));
    let form = details::seller_form(w, &format!("/office/invoicing/{id}"), &fields, &said.problems);
    let known = said.registrations.unwrap_or_else(|| details::registrations_fields(&file.registrations));
    let action = format!("/office/invoicing/{id}/registrations");
    let registrations = details::registrations_form(w, &action, &known, &said.registrations_problems);
    let flag = w.text(if provider.vat_registered { "inv-flag-yes" } else { "inv-flag-no" });
    let name = provider.name;
    Ok(BodyPage { f, id: id.to_string(), name, form, registrations: Some(registrations), flag: Some(flag) })
}

/// GET /office/invoicing/{body}
async fn body_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageBodies).await?;
    let body: Body = call.part(0)?;
    body_page(&site, &call, body, Said::default()).await
}

async fn kept(call: &Call, body: Body) -> Answer {
    call.flash(Flash::good(call.words().text("inv-kept"))).await?;
    redirect(&format!("/office/invoicing/{body}"))
}

/// POST /office/invoicing/{body}
async fn body_details(site: Arc<Site>, call: Call) -> Answer {
    let actor = call.acting(Permission::ManageBodies).await?.actor();
    let body: Body = call.part(0)?;
    let mut problems = Problems::default();
    match body {
        Body::School(id) => {
            if let Some(said) = details::read_school(&call.form, &mut problems) {
                site.registry.set_school_billing(&actor, id, &said).await?;
                return kept(&call, body).await;
            }
        }
        Body::Provider(id) => {
            if let Some((said, next)) = details::read_seller(&call.form, &mut problems) {
                match site.registry.set_seller_details(&actor, id, &said, next).await {
                    Ok(()) => return kept(&call, body).await,
                    Err(BillingError::NumberGiven { .. }) => problems.add("next", "inv-error-number-given"),
                    Err(BillingError::SeriesLong) => problems.add("series", "inv-error-series-long"),
                    Err(error) => return Err(trouble(error)),
                }
            }
        }
        Body::Operator | Body::BudgetHolder => return Err(Trouble::NotFound),
    }
    let said = Said { fields: Some(call.form.clone()), problems, ..Said::default() };
    body_page(&site, &call, body, said).await
}

/// POST /office/invoicing/{body}/registrations
async fn registrations(site: Arc<Site>, call: Call) -> Answer {
    let actor = call.acting(Permission::ManageBodies).await?.actor();
    let body: Body = call.part(0)?;
    let id = match body {
        Body::Provider(id) => id,
        Body::School(_) | Body::Operator | Body::BudgetHolder => return Err(Trouble::NotFound),
    };
    let mut problems = Problems::default();
    if let Some(all) = details::read_registrations(&call.form, &mut problems) {
        match site.registry.set_vat_registrations(&actor, id, &all).await {
            Ok(()) => return kept(&call, body).await,
            Err(BillingError::RegistrationsOverlap) => problems.add("registrations", "inv-error-registrations"),
            Err(error) => return Err(trouble(error)),
        }
    }
    let said = Said { registrations: Some(call.form.clone()), registrations_problems: problems, ..Said::default() };
    body_page(&site, &call, body, said).await
}

/// The statement of an address, and who may read its documents.
async fn statement(
    site: &Site,
    call: &Call,
) -> Result<(keis_registry::Actor, keis_wallet::client::StatementView), Trouble> {
    let acting = call.acting(Permission::RecordPayments).await?;
    let (year, id): (u16, StatementId) = (call.part(0)?, call.part(1)?);
    let view = site.client.statement(Year(year), id).await?.ok_or(Trouble::NotFound)?;
    Ok((acting.actor(), view))
}

/// GET /office/invoicing/{year}/{statement}/paper
async fn paper(site: Arc<Site>, call: Call) -> Answer {
    let (actor, view) = statement(&site, &call).await?;
    let kept = papers::find(&site, &call, &actor, &view).await?;
    let back = format!("/office/bills/{}/{}", view.year, view.id);
    papers::show(&site, &call, Section::Bills, (back, call.words().text("provider-back-to-statement")), &kept).await
}

/// GET /office/invoicing/{year}/{statement}/paper/xml
async fn paper_xml(site: Arc<Site>, call: Call) -> Answer {
    let (actor, view) = statement(&site, &call).await?;
    papers::file(&call, papers::find(&site, &call, &actor, &view).await?).await
}
