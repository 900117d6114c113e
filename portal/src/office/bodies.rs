//! A school or provider that is in no file: taken into the registry, its wallet opened on the ledger.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Place;
use keis_ledger::operation::{self, Operation, WalletOperation};
use keis_registry::Work;
use keis_registry::bodies::{self, NewProvider, NewSchool, ProviderKind};
use keis_registry::log::{Entry, append};
use keis_registry::outbox::{self, Effect, New, Office, OutboxId};
use keis_registry::permission::Permission;
use warp::http::StatusCode;

use super::acts;
use super::forms::{Builder, Control, Form, Problems, number};
use crate::call::{Acting, Answer, Call, Fields, page_with, redirect};
use crate::catalogue::names;
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Longest name of a body.
const LONGEST: usize = 200;

#[derive(Template)]
#[template(path = "office/body_new.html")]
struct NewPage {
    f: Frame,
    form: Form,
}

fn places(w: &Words) -> Vec<(String, String)> {
    let all: Vec<Place> = names::municipalities().collect();
    names::places(w, &all).into_iter().map(|(place, name)| (place.to_string(), name)).collect()
}

fn name_of(text: &str) -> Option<String> {
    let fits = text.chars().count() <= LONGEST && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

fn code_of(text: &str) -> Option<String> {
    let fits = (3..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then(|| text.to_owned())
}

/// The code of who controls the body; none when it stands for itself.
fn controller(fields: &Fields, problems: &mut Problems) -> Option<String> {
    let given = fields.get("controller")?;
    let code = code_of(given);
    if code.is_none() {
        problems.add("controller", "office-error-code");
    }
    code
}

async fn shown(site: &Arc<Site>, call: &Call, title: &str, form: Form) -> Answer {
    let wrong = !form.errors().is_empty() || !form.general.is_empty();
    let f = call.frame(site, Section::People, call.words().text(title)).await?;
    page_with(if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &NewPage { f, form })
}

async fn school_page(site: &Arc<Site>, call: &Call, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let form = Builder::new(w, "/office/people/schools/new", "office-body-add", fields, problems)
        .line("name", "office-name")
        .line("code", "office-body-code")
        .select("place", "office-body-place", places(w))
        .line("country", "office-body-country")
        .number("branches", "office-body-branches")
        .line("controller", "office-body-controller")
        .done();
    shown(site, call, "office-school-new", form).await
}

async fn provider_page(site: &Arc<Site>, call: &Call, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let kinds = ["legal", "natural"].map(|kind| (kind.to_owned(), w.text(&format!("office-provider-{kind}")))).to_vec();
    let form = Builder::new(w, "/office/people/providers/new", "office-body-add", fields, problems)
        .select("kind", "office-provider-kind", kinds)
        .line("name", "office-name")
        .line("code", "office-provider-code")
        .select("place", "office-body-place", places(w))
        .tick("vat", "office-provider-vat")
        .line("controller", "office-body-controller")
        .done();
    shown(site, call, "office-provider-new", form).await
}

/// GET /office/people/schools/new
pub(super) async fn school_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageBodies).await?;
    school_page(&site, &call, &Fields::default(), &Problems::default()).await
}

/// GET /office/people/providers/new
pub(super) async fn provider_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageBodies).await?;
    provider_page(&site, &call, &Fields::default(), &Problems::default()).await
}

fn read_school(fields: &Fields) -> Result<NewSchool, Problems> {
    let mut problems = Problems::default();
    let name = problems.need(fields, "name", "office-error-long", name_of);
    let code = problems.need(fields, "code", "office-error-code", code_of);
    // A school abroad is placed by its country's code.
    let field = if fields.get("country").is_some() { "country" } else { "place" };
    let place = problems.need(fields, field, "office-error-place", |text| text.to_uppercase().parse::<Place>().ok());
    let branches = match fields.get("branches") {
        None => Some(0),
        Some(_) => problems.need(fields, "branches", "office-error-number", number::<u8>),
    };
    let controlling_code = controller(fields, &mut problems);
    match (name, code, place, branches) {
        (Some(name), Some(code), Some(place), Some(branches)) if problems.is_empty() => {
            Ok(NewSchool { code, name, place, branches, controlling_code })
        }
        _ => Err(problems),
    }
}

fn read_provider(fields: &Fields) -> Result<NewProvider, Problems> {
    let mut problems = Problems::default();
    let kind = problems.need(fields, "kind", "office-error-choice", |text| match text {
        "legal" => Some(ProviderKind::Legal),
        "natural" => Some(ProviderKind::Natural),
        _ => None,
    });
    let name = problems.need(fields, "name", "office-error-long", name_of);
    let code = problems.need(fields, "code", "office-error-code", code_of);
    let place = problems.need(fields, "place", "office-error-place", |text| text.parse::<Place>().ok());
    let controlling_code = controller(fields, &mut problems);
    match (kind, name, code, place) {
        (Some(kind), Some(name), Some(code), Some(place)) if problems.is_empty() => {
            Ok(NewProvider { code, kind, name, place, vat_registered: fields.ticked("vat"), controlling_code })
        }
        _ => Err(problems),
    }
}

/// POST /office/people/schools/new
pub(super) async fn add_school(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ManageBodies).await?;
    let new = match read_school(&call.form) {
        Ok(new) => new,
        Err(problems) => return school_page(&site, &call, &call.form, &problems).await,
    };
    let mut work = site.registry.begin().await?;
    let put = bodies::put_school(&mut work, &new).await?;
    let row = if put.fresh {
        let new = operation::NewSchool { school: put.body.id, entity: put.body.entity, place: put.body.place };
        let open = WalletOperation::OpenSchools { schools: vec![new] };
        Some(opened(&mut work, &acting, "school put", put.body.id, open, Effect::SchoolsOpened).await?)
    } else {
        append(&mut work, Entry::new(&acting.actor(), "school put", put.body.id)).await?;
        None
    };
    work.commit().await?;
    finish(&site, &call, row, &put.body.name).await?;
    redirect(&format!("/office/people/{}", put.body.id))
}

/// POST /office/people/providers/new
pub(super) async fn add_provider(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ManageBodies).await?;
    let new = match read_provider(&call.form) {
        Ok(new) => new,
        Err(problems) => return provider_page(&site, &call, &call.form, &problems).await,
    };
    let mut work = site.registry.begin().await?;
    let put = bodies::put_provider(&mut work, &new).await?;
    let row = if put.fresh {
        let new = operation::NewProvider { provider: put.body.id, entity: put.body.entity };
        let open = WalletOperation::OpenProviders { providers: vec![new] };
        Some(opened(&mut work, &acting, "provider put", put.body.id, open, Effect::ProvidersOpened).await?)
    } else {
        append(&mut work, Entry::new(&acting.actor(), "provider put", put.body.id)).await?;
        None
    };
    work.commit().await?;
    finish(&site, &call, row, &put.body.name).await?;
    redirect(&format!("/office/people/{}", put.body.id))
}

async fn opened(
    work: &mut Work,
    acting: &Acting,
    action: &'static str,
    body: impl std::fmt::Display,
    open: WalletOperation,
    effect: Effect,
) -> Result<OutboxId, Trouble> {
    append(work, Entry::new(&acting.actor(), action, body)).await?;
    let new = New::of(Office::Operator, "open_wallet", Operation::Wallet(open)).then(effect);
    Ok(outbox::enqueue(work, &acting.actor(), new).await?)
}

async fn finish(site: &Arc<Site>, call: &Call, row: Option<OutboxId>, name: &str) -> Result<(), Trouble> {
    let w = call.words();
    match row {
        Some(row) => acts::settle(site, call, row, &w.with1("office-body-added", "name", name)).await.map(drop),
        None => call.flash(Flash::good(w.with1("office-body-renewed", "name", name))).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        Fields(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_school_abroad_is_placed_by_its_country() {
        let new = read_school(&fields(&[("name", "A"), ("code", "190000001"), ("place", "LT-01"), ("country", "pl")]));
        assert_eq!(new.unwrap().place, Place::Country(*b"PL"));
    }

    #[test]
    fn mistakes_are_told_beside_their_fields() {
        let problems = read_school(&fields(&[("name", "A"), ("code", "1 2"), ("country", "Poland")])).unwrap_err();
        assert_eq!(problems.0, [("code", "office-error-code"), ("country", "office-error-place")]);
        let problems =
            read_provider(&fields(&[("kind", "club"), ("code", "190000001"), ("place", "LT-01")])).err().unwrap();
        assert_eq!(problems.0, [("kind", "office-error-choice"), ("name", "office-error-empty")]);
    }
}
