//! Services and their sessions.

use std::ops::Bound;
use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::{ArtField, Place, ServiceKind, Year};
use keis_ledger::ids::{ProviderId, ServiceId, SessionId};
use keis_ledger::operation::{ServiceTerms, SessionOffer};
use keis_ledger::record::{Sealed, Service, Session, Standing};
use keis_ledger::state::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::keep::Keep;
use super::problem::Problem;
use super::ratings::Rating;
use super::schema;
use super::search::Wanted;
use super::years::missing;
use crate::documents::DocumentError;

/// Most services in one answer.
pub(super) const MOST_SERVICES: usize = 200;

/// Services, in the order of their ids.
#[derive(Serialize, ToSchema)]
pub(super) struct Services {
    /// Height of the ledger that was asked; the list may be newer.
    #[schema(value_type = u64)]
    height: Height,
    /// The services.
    services: Vec<ServiceView>,
    /// `cursor` of the next answer; absent when there is none.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<ServiceId>,
}

/// A service in its current version.
#[derive(Serialize, ToSchema)]
pub(super) struct ServiceView {
    /// The service.
    #[schema(value_type = String, example = "srv_00ff…")]
    id: ServiceId,
    /// Who gives it.
    #[schema(value_type = String, example = "prv_00ff…")]
    provider: ProviderId,
    /// Counts from 1.
    version: u32,
    /// Active, suspended or closed.
    #[schema(value_type = String, example = "active")]
    standing: Standing,
    /// What it offers.
    #[schema(value_type = schema::ServiceTerms)]
    terms: ServiceTerms,
    /// What those who were there say of it.
    rating: Rating,
}

/// A service with its public description.
#[derive(Serialize, ToSchema)]
pub(super) struct ServiceDetail {
    /// The service.
    #[serde(flatten)]
    service: ServiceView,
    /// Whether this node holds the description.
    description: Description,
    /// The description, as the provider published it.
    #[schema(value_type = Option<Object>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<Value>,
}

/// Whether a description is held.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Description {
    /// It is.
    Held,
    /// The node asks its peers for it.
    Missing,
}

/// Sessions of a service in one year, in the order of their beginning.
#[derive(Serialize, ToSchema)]
pub(super) struct Sessions {
    /// The service.
    #[schema(value_type = String, example = "srv_00ff…")]
    service: ServiceId,
    /// The year.
    #[schema(value_type = u16)]
    year: Year,
    /// Height at which they were read.
    #[schema(value_type = u64)]
    height: Height,
    /// The sessions.
    sessions: Vec<SessionView>,
}

/// A session.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionView {
    /// The session.
    #[schema(value_type = String, example = "ses_00ff…")]
    id: SessionId,
    /// Time, place and capacity.
    #[schema(value_type = schema::SessionOffer)]
    #[serde(flatten)]
    offer: SessionOffer,
    /// Places left.
    free: u16,
    /// Whether orders may join.
    open: bool,
}

/// A session with the service that it is of.
#[derive(Serialize, ToSchema)]
pub(super) struct SessionDetail {
    /// Its year.
    #[schema(value_type = u16)]
    year: Year,
    /// Its service.
    #[schema(value_type = String, example = "srv_00ff…")]
    service: ServiceId,
    /// The session.
    #[serde(flatten)]
    session: SessionView,
}

/// What a listing is narrowed to.
struct Filter {
    field: Option<ArtField>,
    kind: Option<ServiceKind>,
    place: Option<Place>,
    grade: Option<u8>,
    provider: Option<ProviderId>,
}

impl Filter {
    fn takes(&self, service: &Service) -> bool {
        let terms = &service.terms;
        service.standing == Standing::Active
            && self.field.is_none_or(|field| terms.field == field)
            && self.kind.is_none_or(|kind| terms.kind == kind)
            && self.place.is_none_or(|place| terms.venues.contains(&place))
            && self.grade.is_none_or(|grade| terms.grades.has(grade))
            && self.provider.is_none_or(|provider| service.provider == provider)
    }
}

fn view(state: &State, id: ServiceId, service: &Service) -> ServiceView {
    let Service { provider, version, terms, standing } = service.clone();
    ServiceView { id, provider, version, standing, terms, rating: Rating::of(state, id) }
}

/// Services that may be ordered, narrowed by what is asked for.
#[utoipa::path(get, path = "/v1/services", tag = "catalogue",
    params(
        ("q" = Option<String>, Query, description = "Beginnings of words of the description, up to 8 in any order; case and marks on letters do \
            not matter, so `azuolas` finds „Ąžuolas“"),
        ("field" = Option<String>, Query, description = "Branch of the arts, such as `theatre`"),
        ("kind" = Option<String>, Query, description = "Kind, such as `workshop`"),
        ("place" = Option<String>, Query, description = "A venue: `LT-01` to `LT-60`, or a country's two letters"),
        ("grade" = Option<u8>, Query, description = "A grade that it is for"),
        ("provider" = Option<String>, Query, description = "Who gives it"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 200; 50 if absent"),
    ),
    responses(
        (status = 200, body = Services),
        (status = 400, description = "A wrong parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn services(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["q", "field", "kind", "place", "grade", "provider", "cursor", "limit"])?;
    let wanted = call.text("q").map(Wanted::of).transpose()?;
    let filter = Filter {
        field: call.word("field")?,
        kind: call.word("kind")?,
        place: call.parameter("place")?,
        grade: call.parameter("grade")?,
        provider: call.parameter("provider")?,
    };
    let limit: usize = call.parameter("limit")?.unwrap_or(50);
    if limit == 0 || limit > MOST_SERVICES {
        return Err(Problem::malformed(format!("`limit` is 1 to {MOST_SERVICES}")));
    }
    let cursor: Option<ServiceId> = call.parameter("cursor")?;
    let now = context.view();
    context.index.reached(now.height()).await?;
    let (index, search, documents) =
        (context.index.clone(), context.search.clone(), context.services.documents.clone());
    let listed = context.work(move || {
        let offered: Vec<(ServiceId, Service)> = index.with(|content| {
            search.tidy(content.services.values());
            let after = content.services.range((cursor.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded));
            let offered = after.filter(|(_, service)| filter.takes(service)).map(|(id, one)| (*id, one.clone()));
            // Without words to look for, no more is wanted than is answered.
            offered.take(if wanted.is_some() { usize::MAX } else { limit + 1 }).collect()
        });
        let mut found = Vec::new();
        for (id, service) in offered {
            let is_wanted = wanted.as_ref().map(|wanted| search.finds(&documents, &service, wanted));
            if is_wanted.transpose()?.unwrap_or(true) {
                found.push(view(&now.tip.state, id, &service));
            }
            if found.len() > limit {
                break;
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| last.id);
        Ok::<_, DocumentError>(Services { height: now.height(), services: found, next })
    });
    let listed = listed.await?.map_err(|error| Problem::internal(&error))?;
    json(StatusCode::OK, Keep::Moving, &listed)
}

/// A service with its public description, whether it may be ordered now or not. Orders are of the version that they were placed
/// for, which is answered on request.
#[utoipa::path(get, path = "/v1/services/{id}", tag = "catalogue",
    params(
        ("id" = String, Path, description = "The service"),
        ("version" = Option<u32>, Query, description = "A version, counted from 1; the current one if absent"),
    ),
    responses(
        (status = 200, body = ServiceDetail),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn service(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["version"])?;
    let id: ServiceId = call.id()?;
    let version: Option<u32> = call.parameter("version")?;
    let view_of_now = context.view();
    let mut service = view_of_now.tip.state.get::<Service>(id).ok_or_else(no_service)?.clone();
    if let Some(version) = version.filter(|version| *version != service.version) {
        context.index.reached(view_of_now.height()).await?;
        let terms = context.index.with(|content| content.version(id, version).cloned());
        service.terms = terms.ok_or_else(|| Problem::not_found("the service has no such version"))?;
        service.version = version;
    }
    let (documents, named) = (context.services.documents.clone(), service.terms.document);
    let held = context.work(move || documents.get(&named)).await?.map_err(|error| Problem::internal(&error))?;
    let document = held.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let description = if document.is_some() { Description::Held } else { Description::Missing };
    json(
        StatusCode::OK,
        Keep::Moving,
        &ServiceDetail { service: view(&view_of_now.tip.state, id, &service), description, document },
    )
}

/// Sessions of a service, with the places that are left.
#[utoipa::path(get, path = "/v1/services/{id}/sessions", tag = "catalogue",
    params(
        ("id" = String, Path, description = "The service"),
        ("year" = u16, Query, description = "Programme year"),
    ),
    responses(
        (status = 200, body = Sessions),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn sessions(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let service: ServiceId = call.id()?;
    let year = call.year()?;
    let now = context.view();
    if now.tip.state.get::<Service>(service).is_none() {
        return Err(no_service());
    }
    if now.tip.state.get::<Sealed>(year).is_some() {
        return Err(missing(&now.tip.state, year, "the year is sealed"));
    }
    let height = now.height();
    context.index.reached(height).await?;
    let ids: Vec<SessionId> =
        context.index.with(|content| content.sessions.get(&(service, year)).into_iter().flatten().copied().collect());
    let one = |id| now.tip.state.get::<Session>((year, id)).map(|session| SessionView::of(id, session));
    let mut sessions: Vec<SessionView> = ids.into_iter().filter_map(one).collect();
    sessions.sort_by_key(|session| (session.offer.start, session.id));
    json(StatusCode::OK, Keep::Moving, &Sessions { service, year, height, sessions })
}

impl SessionView {
    fn of(id: SessionId, session: &Session) -> Self {
        let Session { offer, booked, open, .. } = *session;
        Self { id, offer, free: offer.capacity.saturating_sub(booked), open }
    }
}

/// A session with the service that it is of.
#[utoipa::path(get, path = "/v1/sessions/{id}", tag = "catalogue",
    params(
        ("id" = String, Path, description = "The session"),
        ("year" = u16, Query, description = "Programme year"),
    ),
    responses(
        (status = 200, body = SessionDetail),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn session(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let (id, year): (SessionId, Year) = (call.id()?, call.year()?);
    let view = context.view();
    let session = view.tip.state.get::<Session>((year, id));
    let none = || missing(&view.tip.state, year, "the session is not on the ledger in this year");
    let session = session.ok_or_else(none)?;
    let detail = SessionDetail { year, service: session.service, session: SessionView::of(id, session) };
    json(StatusCode::OK, Keep::Moving, &detail)
}

fn no_service() -> Problem {
    Problem::not_found("the service is not on the ledger")
}
