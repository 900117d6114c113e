//! Wallets and keys, as their owners and officers read them.

use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::{Place, Scopes, Year};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{Nullifier, ProviderId, PupilId, SchoolId};
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::{Owner, Party};
use keis_ledger::record::{
    Booking, Key, PaymentAccount, Provider, ProviderPurse, Pupil, School, SchoolPurse, Standing,
};
use keis_ledger::state::State;
use keis_ledger::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::index::Content;
use super::keep::Keep;
use super::page::{Page, Part};
use super::problem::Problem;
use super::remedies::{provider_successor, school_successor};
use super::schema;
use super::years::{missing, readable};
use crate::view::View;

/// A bound key.
#[derive(Serialize, ToSchema)]
pub(super) struct KeyView {
    /// The key.
    #[schema(value_type = String, example = "key_00ff…")]
    key: PublicKey,
    /// Whose it is.
    #[schema(value_type = Object)]
    owner: Owner,
    /// What it may do; an officer's key has none and acts by office.
    #[schema(value_type = Vec<String>)]
    scopes: Scopes,
    /// Most that one order may cost when this key signs, in cents.
    #[schema(value_type = u64)]
    cap: Cents,
    /// First instant of its use.
    #[schema(value_type = u64)]
    from: Timestamp,
    /// Not accepted from this instant on.
    #[schema(value_type = u64)]
    until: Timestamp,
}

/// A school's wallet in a year.
#[derive(Serialize, ToSchema)]
pub(super) struct SchoolWallet {
    /// Height at which it was read.
    #[schema(value_type = u64)]
    height: Height,
    /// The school.
    #[schema(value_type = String, example = "sch_00ff…")]
    school: SchoolId,
    /// Where it is.
    #[schema(value_type = String, example = "LT-57")]
    place: Place,
    /// Active, suspended or closed.
    #[schema(value_type = String, example = "active")]
    standing: Standing,
    /// The school's own money that is left, in cents.
    #[schema(value_type = u64)]
    purse: Cents,
    /// Wallets of pupils enrolled there that are not closed.
    pupils: u64,
    /// Every key ever bound to it.
    keys: Vec<KeyView>,
    /// The school that stands in its place.
    #[schema(value_type = Option<String>, example = "sch_00ff…")]
    #[serde(skip_serializing_if = "Option::is_none")]
    successor: Option<SchoolId>,
    /// Schools in whose place it stands; what they did is listed under their names.
    #[schema(value_type = Vec<String>)]
    predecessors: Vec<SchoolId>,
}

/// A provider's wallet in a year.
#[derive(Serialize, ToSchema)]
pub(super) struct ProviderWallet {
    /// Height at which it was read.
    #[schema(value_type = u64)]
    height: Height,
    /// The provider.
    #[schema(value_type = String, example = "prv_00ff…")]
    provider: ProviderId,
    /// Active, suspended or closed.
    #[schema(value_type = String, example = "active")]
    standing: Standing,
    /// Earned and not yet in a statement, by source.
    #[schema(value_type = schema::Amounts)]
    purse: Amounts,
    /// Every key ever bound to it.
    keys: Vec<KeyView>,
    /// Where it is paid, once two persons have bound that.
    #[schema(value_type = Option<schema::PaymentAccount>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_account: Option<PaymentAccount>,
    /// The provider that stands in its place.
    #[schema(value_type = Option<String>, example = "prv_00ff…")]
    #[serde(skip_serializing_if = "Option::is_none")]
    successor: Option<ProviderId>,
    /// Providers in whose place it stands; what they did is listed under their names.
    #[schema(value_type = Vec<String>)]
    predecessors: Vec<ProviderId>,
}

/// A pupil's wallet in a year.
#[derive(Serialize, ToSchema)]
pub(super) struct PupilWallet {
    /// The wallet.
    #[schema(value_type = String, example = "pup_00ff…")]
    pupil: PupilId,
    /// Where the pupil is enrolled.
    #[schema(value_type = String, example = "sch_00ff…")]
    school: SchoolId,
    /// Grade, 1 to 12.
    grade: u8,
    /// Active, suspended or closed.
    #[schema(value_type = String, example = "active")]
    standing: Standing,
    /// Whether its money of the year was allocated.
    allocated: bool,
    /// State money left, in cents.
    #[schema(value_type = u64)]
    balance: Cents,
    /// Where the pupil is booked.
    #[schema(value_type = Vec<schema::Booking>)]
    bookings: Vec<Booking>,
    /// The pupil's token of the year, in the list of all wallets alone.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    nullifier: Option<Nullifier>,
}

impl KeyView {
    /// A key as it holds by now: all keys of a party may have been revoked at once.
    fn of(state: &State, key: PublicKey) -> Option<Self> {
        let Key { owner, scopes, cap, from, until: _ } = *state.get::<Key>(key)?;
        Some(Self { key, owner, scopes, cap, from, until: state.key_end(key)? })
    }

    fn all(content: &Content, view: &View, party: Party) -> Vec<Self> {
        content.keys(party).filter_map(|key| Self::of(&view.tip.state, *key)).collect()
    }
}

impl PupilWallet {
    fn of(pupil: &Pupil) -> Self {
        let Pupil { pupil, school, grade, standing, opened: _, allocated, balance, bookings } = pupil.clone();
        Self { pupil, school, grade, standing, allocated, balance, bookings, nullifier: None }
    }

    /// Parts for the size of a page: itself and its bookings.
    fn sized(self) -> (Self, usize) {
        let size = 1 + self.bookings.len();
        (self, size)
    }
}

fn school_of(party: &Party) -> Option<SchoolId> {
    match party {
        Party::School(school) => Some(*school),
        Party::Provider(_) | Party::Pupil(..) => None,
    }
}

fn provider_of(party: &Party) -> Option<ProviderId> {
    match party {
        Party::Provider(provider) => Some(*provider),
        Party::School(_) | Party::Pupil(..) => None,
    }
}

/// A key, for itself, the other keys of its holder and officers.
#[utoipa::path(get, path = "/v1/keys/{key}", tag = "owners", security(("signature" = [])),
    params(("key" = String, Path, description = "The key")),
    responses(
        (status = 200, body = KeyView),
        (status = 400, description = "No key", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "It belongs to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn key(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let key: PublicKey = call.id()?;
    let signer = context.signer(&call).await?;
    let view = signer.view.clone();
    let record = view.tip.state.get::<Key>(key);
    if !signer.is(key) {
        let reader = signer.reader()?;
        match record {
            Some(record) => reader.owner(record.owner)?,
            None => reader.officer()?,
        }
    }
    let key = KeyView::of(&view.tip.state, key).ok_or_else(|| Problem::not_found("the key is not on the ledger"))?;
    json(StatusCode::OK, Keep::Never, &key)
}

/// A school's wallet.
#[utoipa::path(get, path = "/v1/schools/{id}", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The school"),
        ("year" = u16, Query, description = "Programme year"),
    ),
    responses(
        (status = 200, body = SchoolWallet),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "It belongs to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn school(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let (id, year): (SchoolId, Year) = (call.id()?, call.year()?);
    let reader = context.reader(&call).await?;
    reader.school(id)?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let state = &view.tip.state;
        let School { place, standing, .. } = *state.get::<School>(id)?;
        let open = |pupil: &&PupilId| {
            state.get::<Pupil>((year, **pupil)).is_some_and(|pupil| pupil.standing != Standing::Closed)
        };
        Some(SchoolWallet {
            height: view.height(),
            school: id,
            place,
            standing,
            purse: state.get::<SchoolPurse>((year, id)).map_or(Cents::ZERO, |purse| purse.balance),
            pupils: content.school_pupils(year, id).filter(open).count() as u64,
            keys: KeyView::all(content, view, Party::School(id)),
            successor: school_successor(state, id),
            predecessors: content.predecessors(Party::School(id)).filter_map(school_of).collect(),
        })
    };
    let wallet = context.list(read).await?;
    json(StatusCode::OK, Keep::Never, &wallet.ok_or_else(|| Problem::not_found("the school is not on the ledger"))?)
}

/// Wallets of the pupils enrolled at a school, closed ones included, in the order of their ids.
#[utoipa::path(get, path = "/v1/schools/{id}/pupils", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The school"),
        ("year" = u16, Query, description = "Programme year"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<PupilWallet>),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn school_pupils(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "cursor", "limit"])?;
    let (id, year): (SchoolId, Year) = (call.id()?, call.year()?);
    let part: Part<PupilId> = Part::of(&call)?;
    let reader = context.reader(&call).await?;
    reader.school(id)?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let ids = content.school_pupils(year, id).copied();
        part.page(view.height(), ids, |pupil| {
            let pupil = view.tip.state.get::<Pupil>((year, pupil)).filter(|pupil| pupil.school == id);
            pupil.map(|pupil| PupilWallet::of(pupil).sized())
        })
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}

/// Every pupil's wallet of a year, in the order of their ids; for officers and auditors.
#[utoipa::path(get, path = "/v1/pupils", tag = "owners", security(("signature" = [])),
    params(
        ("year" = u16, Query, description = "Programme year"),
        ("cursor" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<u64>, Query, description = "How many, 1 to 500; 100 if absent"),
    ),
    responses(
        (status = 200, body = Page<PupilWallet>),
        (status = 400, description = "A wrong parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "They belong to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn pupils(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year", "cursor", "limit"])?;
    let year = call.year()?;
    let part: Part<PupilId> = Part::of(&call)?;
    let reader = context.reader(&call).await?;
    reader.officer()?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let ids = content.pupils(year, part.cursor).copied();
        part.page(view.height(), ids, |pupil| {
            let wallet = PupilWallet::of(view.tip.state.get::<Pupil>((year, pupil))?);
            Some(PupilWallet { nullifier: content.nullifier(year, pupil), ..wallet }.sized())
        })
    };
    json(StatusCode::OK, Keep::Never, &context.list(read).await?)
}

/// A pupil's wallet.
#[utoipa::path(get, path = "/v1/pupils/{id}", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The wallet"),
        ("year" = u16, Query, description = "Its programme year"),
    ),
    responses(
        (status = 200, body = PupilWallet),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "It belongs to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn pupil(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let (id, year): (PupilId, Year) = (call.id()?, call.year()?);
    let reader = context.reader(&call).await?;
    let pupil = reader.view.tip.state.get::<Pupil>((year, id));
    let none = || missing(&reader.view.tip.state, year, "the wallet is not on the ledger in this year");
    let pupil = pupil.ok_or_else(none)?;
    reader.pupil(year, pupil)?;
    json(StatusCode::OK, Keep::Never, &PupilWallet::of(pupil))
}

/// A provider's wallet.
#[utoipa::path(get, path = "/v1/providers/{id}", tag = "owners", security(("signature" = [])),
    params(
        ("id" = String, Path, description = "The provider"),
        ("year" = u16, Query, description = "Programme year"),
    ),
    responses(
        (status = 200, body = ProviderWallet),
        (status = 400, description = "A wrong id or parameter", body = schema::Problem, content_type = "application/problem+json"),
        (status = 401, description = "No signature that holds", body = schema::Problem, content_type = "application/problem+json"),
        (status = 403, description = "It belongs to others", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn provider(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&["year"])?;
    let (id, year): (ProviderId, Year) = (call.id()?, call.year()?);
    let reader = context.reader(&call).await?;
    reader.provider(id)?;
    readable(&reader.view.tip.state, year)?;
    let read = move |content: &Content, view: &View| {
        let state = &view.tip.state;
        Some(ProviderWallet {
            height: view.height(),
            provider: id,
            standing: state.get::<Provider>(id)?.standing,
            purse: state.get::<ProviderPurse>((year, id)).map_or(Amounts::ZERO, |purse| purse.balance),
            keys: KeyView::all(content, view, Party::Provider(id)),
            payment_account: state.get::<PaymentAccount>(id).copied(),
            successor: provider_successor(state, id),
            predecessors: content.predecessors(Party::Provider(id)).filter_map(provider_of).collect(),
        })
    };
    let wallet = context.list(read).await?;
    json(StatusCode::OK, Keep::Never, &wallet.ok_or_else(|| Problem::not_found("the provider is not on the ledger"))?)
}
