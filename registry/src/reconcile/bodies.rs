//! Schools, providers and their keys on both sides.

use std::collections::BTreeMap;

use keis_ledger::classifiers::Year;
use keis_ledger::codec;
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{ProviderId, SchoolId};
use keis_ledger::operation::Party;
use keis_ledger::record::Standing;
use keis_ledger::time::Timestamp;
use sqlx::Row;

use super::{About, BookBody, Difference, DifferenceKind, LedgerBook, ReconcileError, Remedy, Report};
use crate::database::{Registry, list};
use crate::error::RegistryError;
use crate::ids::KeyId;
use crate::keys::KeyState;
use crate::outbox::{self, OutboxId};

/// A body here.
struct Body {
    party: Party,
    opened: bool,
    row: Option<OutboxId>,
}

/// A key here.
struct Key {
    id: KeyId,
    state: KeyState,
    bind_row: Option<OutboxId>,
    revoking: bool,
    until: Option<Timestamp>,
}

type Keys = BTreeMap<Party, BTreeMap<PublicKey, Key>>;

pub(super) async fn compare(
    registry: &Registry,
    year: Year,
    book: &dyn LedgerBook,
    report: &mut Report,
) -> Result<(), ReconcileError> {
    let keys = keys(registry).await?;
    let now = book.now().await?;
    for body in bodies(registry).await? {
        report.bodies += 1;
        let there = match body.party {
            Party::School(school) => book.school(school, year).await?,
            Party::Provider(provider) => book.provider(provider, year).await?,
            Party::Pupil(..) => None,
        };
        compare_body(&body, there.as_ref(), report);
        let none = BTreeMap::new();
        let here = keys.get(&body.party).unwrap_or(&none);
        compare_keys(registry, here, there.as_ref(), now, report).await?;
    }
    Ok(())
}

async fn bodies(registry: &Registry) -> Result<Vec<Body>, RegistryError> {
    let mut reader = registry.reader().await?;
    let mut bodies = Vec::new();
    for row in sqlx::query("SELECT id, opened, open_row FROM schools ORDER BY id").fetch_all(&mut *reader).await? {
        let party = Party::School(SchoolId(list::id(row.try_get("id")?, "schools.id")?));
        bodies.push(body(party, &row)?);
    }
    for row in sqlx::query("SELECT id, opened, open_row FROM providers ORDER BY id").fetch_all(&mut *reader).await? {
        let party = Party::Provider(ProviderId(list::id(row.try_get("id")?, "providers.id")?));
        bodies.push(body(party, &row)?);
    }
    Ok(bodies)
}

fn body(party: Party, row: &sqlx::any::AnyRow) -> Result<Body, RegistryError> {
    let opened = row.try_get::<i64, _>("opened")? != 0;
    Ok(Body { party, opened, row: row.try_get::<Option<i64>, _>("open_row")?.map(OutboxId) })
}

async fn keys(registry: &Registry) -> Result<Keys, RegistryError> {
    let mut reader = registry.reader().await?;
    let rows = sqlx::query("SELECT id, party, public_key, state, bind_row, revoking, valid_until FROM user_keys");
    let mut keys = Keys::new();
    for row in rows.fetch_all(&mut *reader).await? {
        let party =
            codec::decode(row.try_get("party")?).map_err(|_| RegistryError::Stored { column: "user_keys.party" })?;
        let public = PublicKey(list::id(row.try_get("public_key")?, "user_keys.public_key")?);
        let until: Option<i64> = row.try_get("valid_until")?;
        let key = Key {
            id: KeyId(list::id(row.try_get("id")?, "user_keys.id")?),
            state: list::parsed(row.try_get("state")?, "user_keys.state")?,
            bind_row: row.try_get::<Option<i64>, _>("bind_row")?.map(OutboxId),
            revoking: row.try_get::<i64, _>("revoking")? != 0,
            until: until.map(|until| list::number(until, "user_keys.valid_until").map(Timestamp)).transpose()?,
        };
        keys.entry(party).or_default().insert(public, key);
    }
    Ok(keys)
}

fn about(party: Party) -> About {
    match party {
        Party::School(school) => About::School(school),
        Party::Provider(provider) => About::Provider(provider),
        Party::Pupil(_, pupil) => About::Wallet(pupil, None),
    }
}

fn compare_body(body: &Body, there: Option<&BookBody>, report: &mut Report) {
    let (kind, remedy, detail) = match (there, body.opened) {
        (None, false) => {
            let remedy = if body.row.is_some() { Remedy::Wait } else { Remedy::Import };
            (DifferenceKind::BodyMissing, remedy, "here not opened".to_owned())
        }
        (None, true) => (DifferenceKind::BodyMissing, Remedy::Inquire, "here opened".to_owned()),
        (Some(_), false) => {
            let remedy = if body.row.is_some() { Remedy::Wait } else { Remedy::Inquire };
            (DifferenceKind::BodyBehind, remedy, "there opened".to_owned())
        }
        (Some(there), true) if there.standing != Standing::Active => {
            (DifferenceKind::BodyNotActive, Remedy::Inquire, format!("there {:?}", there.standing))
        }
        (Some(_), true) => return,
    };
    report.add(Difference { kind, about: about(body.party), waiting: body.row, remedy, detail });
}

async fn compare_keys(
    registry: &Registry,
    here: &BTreeMap<PublicKey, Key>,
    there: Option<&BookBody>,
    now: Timestamp,
    report: &mut Report,
) -> Result<(), RegistryError> {
    let active: Vec<PublicKey> =
        there.into_iter().flat_map(|body| &body.keys).filter(|key| key.until > now).map(|key| key.key).collect();
    report.keys += active.len() as u64;
    for public in &active {
        let difference = match here.get(public) {
            None => Some((DifferenceKind::KeyUnknown, None, Remedy::Revoke, "not asked for here".to_owned())),
            Some(key) => unused(key)
                .map(|remedy| (DifferenceKind::KeyStillActive, Some(key.id), remedy, format!("here {:?}", key.state))),
        };
        if let Some((kind, id, remedy, detail)) = difference {
            report.add(Difference { kind, about: About::Key(*public, id), waiting: None, remedy, detail });
        }
    }
    for (public, key) in here.iter().filter(|(public, _)| !active.contains(public)) {
        let used = match key.state {
            KeyState::Active | KeyState::Approved => key.until.is_none_or(|until| until > now),
            KeyState::Requested | KeyState::Refused | KeyState::Revoked => false,
        };
        if used {
            let waiting = on_its_way(registry, key).await?;
            let remedy = if waiting.is_some() { Remedy::Wait } else { Remedy::Inquire };
            let (about, detail) = (About::Key(*public, Some(key.id)), format!("here {:?}", key.state));
            report.add(Difference { kind: DifferenceKind::KeyMissing, about, waiting, remedy, detail });
        }
    }
    Ok(())
}

/// What to do about a key that the ledger has and the registry does not hold for active; none when all is well.
fn unused(key: &Key) -> Option<Remedy> {
    match key.state {
        KeyState::Active => None,
        KeyState::Approved => Some(Remedy::Wait),
        KeyState::Revoked if key.revoking => Some(Remedy::Wait),
        KeyState::Requested | KeyState::Refused | KeyState::Revoked => Some(Remedy::Revoke),
    }
}

/// The row that binds a key, while it is on its way.
async fn on_its_way(registry: &Registry, key: &Key) -> Result<Option<OutboxId>, RegistryError> {
    let Some(id) = key.bind_row else { return Ok(None) };
    let row = outbox::get(registry, id).await?;
    Ok(row.filter(|row| !row.state.is_final()).map(|row| row.id))
}
