//! Services of the catalogue: published with their description, amended as a new version, suspended, reinstated, withdrawn.

use std::sync::Arc;

use askama::Template;
use keis_ledger::ids::{ProviderId, ServiceId};
use keis_ledger::operation::{CatalogueOperation, Operation};
use keis_ledger::record::Standing;
use keis_registry::outbox::{self, New, Office, OutboxId};
use keis_registry::permission::Permission;
use keis_wallet::random::new_id;
use warp::http::StatusCode;

use super::acts;
use super::forms::{Control, Form, Problems};
use super::service_form::{self, Described};
use crate::call::{Answer, Call, Fields, page, page_with, redirect};
use crate::catalogue::{Filter, Offer, Sort, names};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;

/// A service in the list.
struct Row {
    id: String,
    title: String,
    provider: String,
    price: String,
    version: u32,
    standing: String,
    class: &'static str,
}

#[derive(Template)]
#[template(path = "office/services.html")]
struct ServicesPage {
    f: Frame,
    q: String,
    total: String,
    rows: Vec<Row>,
    next: Option<String>,
    provider: Option<String>,
}

#[derive(Template)]
#[template(path = "office/service_form.html")]
struct FormPage {
    f: Frame,
    form: Form,
    back: String,
    amending: bool,
}

#[derive(Template)]
#[template(path = "office/service.html")]
struct ServicePage {
    f: Frame,
    id: String,
    facts: Vec<(String, String)>,
    description: String,
    standing: Standing,
    described: bool,
}

impl ServicePage {
    fn is(&self, standing: Standing) -> bool {
        self.standing == standing
    }
}

fn class(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "good",
        Standing::Suspended => "wait",
        Standing::Closed => "bad",
    }
}

fn row(call: &Call, offer: &Offer) -> Row {
    let w = call.words();
    Row {
        id: offer.id.to_string(),
        title: offer.title.of(call.lang).to_owned(),
        provider: offer.provider_name.clone(),
        price: w.money(&offer.terms.price),
        version: offer.version,
        standing: w.text(standing_key(offer.standing)),
        class: class(offer.standing),
    }
}

fn standing_key(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "office-service-active",
        Standing::Suspended => "office-service-suspended",
        Standing::Closed => "office-service-withdrawn",
    }
}

/// GET /office/services: what a search finds, or everything of one provider, in any standing.
pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::PublishServices).await?;
    let w = call.words();
    let q = call.query.get("q").unwrap_or_default().to_owned();
    let provider: Option<ProviderId> = call.query.parse("provider")?;
    let number: usize = call.query.parse("page")?.unwrap_or(1);
    let (rows, total, next): (Vec<Row>, usize, _) = match provider {
        Some(provider) => {
            let all = site.catalogue.services_of(provider, call.lang);
            (all.iter().map(|offer| row(&call, offer)).collect(), all.len(), None)
        }
        None => {
            let now = site.now().await?;
            let filter = Filter { text: q.clone(), sort: Sort::Title, now, ..Filter::default() };
            let found = site.catalogue.search(&filter, call.lang, number);
            let next = (found.page < found.pages).then(|| {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                query.append_pair("q", &q).append_pair("page", &(found.page + 1).to_string());
                format!("/office/services?{}", query.finish())
            });
            (found.items.iter().map(|hit| row(&call, &hit.offer)).collect(), found.total, next)
        }
    };
    let provider = match provider {
        Some(id) => Some(acts::party_name(&site, keis_ledger::operation::Party::Provider(id)).await?),
        None => None,
    };
    let total = w.count("count-services", total);
    let f = call.frame(&site, Section::Publishing, w.text("office-services-title")).await?;
    page(&ServicesPage { f, q, total, rows, next, provider })
}

/// GET /office/services/new
pub(super) async fn new_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::PublishServices).await?;
    let mut fields = Fields::default();
    for (name, value) in [("grade-from", "1"), ("grade-until", "12"), ("vat", "exempt_culture")] {
        fields.0.push((name.to_owned(), value.to_owned()));
    }
    if let Some(code) = call.query.get("provider") {
        fields.0.push(("provider".to_owned(), code.to_owned()));
    }
    new_page(&site, &call, &fields, &Problems::default()).await
}

async fn new_page(site: &Arc<Site>, call: &Call, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let form = service_form::form(w, "/office/services/new", "office-service-publish", true, (fields, problems));
    let f = call.frame(site, Section::Publishing, w.text("office-service-new")).await?;
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(status, &FormPage { f, form, back: "/office/services".to_owned(), amending: false })
}

/// POST /office/services/new
pub(super) async fn publish(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::PublishServices).await?;
    let code = call.form.get("provider").unwrap_or_default();
    let provider = site.registry.provider_by_code(code).await?;
    let mut problems = Problems::default();
    match &provider {
        None => problems.add("provider", "office-error-provider"),
        Some(provider) if !provider.opened => problems.add("provider", "office-error-provider-closed"),
        Some(_) => {}
    }
    let described = service_form::read(&call.form).map_err(|found| problems.0.extend(found.0)).ok();
    let (Some(provider), Some(described)) = (provider.filter(|_| problems.is_empty()), described) else {
        return new_page(&site, &call, &call.form, &problems).await;
    };
    let Described { terms, document } = described;
    let service = new_id(ServiceId);
    let operation = CatalogueOperation::Publish { service, provider: provider.id, terms };
    let new = New::of(Office::Operator, "publish", Operation::Catalogue(operation)).with_document(document);
    let id = acts::enqueue_once(&site, &acting, &call.form, new).await?;
    let done = acts::settle(&site, &call, id, &call.words().text("office-service-published")).await?;
    let service = published(&site, id).await?.unwrap_or(service);
    redirect(&if done { format!("/office/services/{service}") } else { "/office/outbox".to_owned() })
}

/// The service that a row publishes: the same form sent twice has one.
async fn published(site: &Arc<Site>, id: OutboxId) -> Result<Option<ServiceId>, Trouble> {
    let row = outbox::get(&site.registry, id).await?.ok_or(Trouble::NotFound)?;
    let Operation::Catalogue(CatalogueOperation::Publish { service, .. }) = row.operation else { return Ok(None) };
    Ok(Some(service))
}

async fn offer(site: &Arc<Site>, call: &Call) -> Result<Arc<Offer>, Trouble> {
    let id: ServiceId = call.part(0)?;
    site.catalogue.find_service(id).await?.ok_or(Trouble::NotFound)
}

/// GET /office/services/{service}
pub(super) async fn show(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::PublishServices).await?;
    let w = call.words();
    let offer = offer(&site, &call).await?;
    let terms = &offer.terms;
    let venues: Vec<String> = names::places(w, &terms.venues).into_iter().map(|(_, name)| name).collect();
    let last = keis_ledger::time::Timestamp(terms.until.0.saturating_sub(1));
    let facts = vec![
        (w.text("office-service-standing"), w.text(standing_key(offer.standing))),
        (w.text("office-service-version"), offer.version.to_string()),
        (w.text("office-service-given-by"), offer.provider_name.clone()),
        (w.text("office-service-title-lt"), offer.title.lt.clone()),
        (w.text("office-service-title-en"), offer.title.en.clone()),
        (w.text("office-service-field"), names::field(w, terms.field)),
        (w.text("office-service-kind"), names::kind(w, terms.kind)),
        (w.text("office-service-for"), names::grades(w, terms.grades)),
        (w.text("office-service-price"), w.money(&terms.price)),
        (w.text("office-service-vat"), names::vat(w, terms.vat)),
        (w.text("office-service-capacity"), w.count("count-pupils", terms.capacity)),
        (w.text("office-service-validity"), format!("{} – {}", w.date(&terms.from), w.date(&last))),
        (w.text("office-service-venues"), venues.join(", ")),
    ];
    let f = call.frame(&site, Section::Publishing, offer.title.of(call.lang).to_owned()).await?;
    page(&ServicePage {
        f,
        id: offer.id.to_string(),
        facts,
        description: offer.description.of(call.lang).to_owned(),
        standing: offer.standing,
        described: offer.described,
    })
}

/// GET /office/services/{service}/amend
pub(super) async fn amend_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::PublishServices).await?;
    let offer = offer(&site, &call).await?;
    let fields = service_form::prefilled(call.words(), &offer);
    amend_page(&site, &call, &fields, &Problems::default()).await
}

async fn amend_page(site: &Arc<Site>, call: &Call, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let id: ServiceId = call.part(0)?;
    let back = format!("/office/services/{id}");
    let form =
        service_form::form(w, &format!("{back}/amend"), "office-service-amend-button", false, (fields, problems));
    let f = call.frame(site, Section::Publishing, w.text("office-service-amend")).await?;
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(status, &FormPage { f, form, back, amending: true })
}

/// POST /office/services/{service}/amend
pub(super) async fn amend(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::PublishServices).await?;
    let service = offer(&site, &call).await?.id;
    let Described { terms, document } = match service_form::read(&call.form) {
        Ok(described) => described,
        Err(problems) => return amend_page(&site, &call, &call.form, &problems).await,
    };
    let operation = Operation::Catalogue(CatalogueOperation::Amend { service, terms });
    let new = New::of(Office::Operator, "amend", operation).with_document(document);
    let id = acts::enqueue(&site, &acting, new).await?;
    acts::settle(&site, &call, id, &call.words().text("office-service-amended")).await?;
    redirect(&format!("/office/services/{service}"))
}

/// POST /office/services/{service}/standing
pub(super) async fn standing(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::PublishServices).await?;
    let service = offer(&site, &call).await?.id;
    let (operation, done) = match call.form.get("to") {
        Some("suspend") => (CatalogueOperation::Suspend { service }, "office-service-suspended-flash"),
        Some("reinstate") => (CatalogueOperation::Reinstate { service }, "office-service-reinstated-flash"),
        Some("withdraw") if call.form.ticked("sure") => {
            (CatalogueOperation::Withdraw { service }, "office-service-withdrawn-flash")
        }
        Some("withdraw") => return Err(Trouble::Malformed("office-service-withdraw-sure-missing")),
        Some(_) | None => return Err(Trouble::Malformed("trouble-field")),
    };
    let new = New::of(Office::Operator, "service_standing", Operation::Catalogue(operation));
    let id = acts::enqueue(&site, &acting, new).await?;
    acts::settle(&site, &call, id, &call.words().text(done)).await?;
    redirect(&format!("/office/services/{service}"))
}
