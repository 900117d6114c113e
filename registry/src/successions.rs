//! Who stands in a party's place by now, so that a successor reads what stands under the old name. The ledger alone decides on it:
//! whoever reads a succession there notes it here. Knows no rule of succession.

use std::str::FromStr;

use keis_ledger::ids::{ProviderId, SchoolId};
use sqlx::{AnyConnection, Row};

use crate::boxed;
use crate::database::{Registry, list, now};
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::permission::Body;

/// Successors that are followed from a party at the most.
const MOST: usize = 16;
/// Who notes what the ledger says.
const ACTOR: Actor = Actor::System("succession on the ledger");

/// The parties to a paper and who stands in their places by now.
pub(crate) struct Heirs(Vec<Body>);

impl Heirs {
    /// Whether a body is one of them.
    pub(crate) fn has(&self, body: &Body) -> bool {
        self.0.contains(body)
    }
}

impl Registry {
    /// Notes that by the ledger `successor` stands in the place of `party`. Said again it changes nothing. The caller has read it on
    /// the ledger; two bodies of different kinds are never noted.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn note_succession(&self, party: &Body, successor: &Body) -> Result<(), RegistryError> {
        let may = match (party, successor) {
            (Body::School(one), Body::School(other)) => one != other,
            (Body::Provider(one), Body::Provider(other)) => one != other,
            (Body::School(_) | Body::Provider(_) | Body::Operator | Body::BudgetHolder, _) => false,
        };
        if !may || next(&mut *self.reader().await?, party).await?.as_ref() == Some(successor) {
            return Ok(());
        }
        let mut work = self.begin().await?;
        sqlx::query(
            "INSERT INTO successions (party, successor, noted) VALUES ($1, $2, $3) \
             ON CONFLICT (party) DO UPDATE SET successor = excluded.successor, noted = excluded.noted",
        )
        .bind(party.to_string())
        .bind(successor.to_string())
        .bind(list::instant(now()))
        .execute(work.connection())
        .await?;
        append(&mut work, Entry::new(&ACTOR, "succession noted", party).detail(successor)).await?;
        work.commit().await
    }
}

async fn next(connection: &mut AnyConnection, party: &Body) -> Result<Option<Body>, RegistryError> {
    let query = sqlx::query("SELECT successor FROM successions WHERE party = $1").bind(party.to_string());
    let Some(row) = query.fetch_optional(connection).await? else { return Ok(None) };
    let successor: String = row.try_get("successor")?;
    let successor =
        Body::from_str(&successor).map_err(|_| RegistryError::Stored { column: "successions.successor" })?;
    Ok(Some(successor))
}

/// Who stands in the places of a paper's provider and school.
pub(crate) async fn heirs(
    connection: &mut AnyConnection,
    provider: ProviderId,
    school: Option<SchoolId>,
) -> Result<Heirs, RegistryError> {
    let mut heirs = Vec::new();
    for party in [Some(Body::Provider(provider)), school.map(Body::School)].into_iter().flatten() {
        let mut now = party;
        for _ in 0..MOST {
            match next(connection, &now).await? {
                Some(successor) if !heirs.contains(&successor) => {
                    heirs.push(successor);
                    now = successor;
                }
                Some(_) | None => break,
            }
        }
    }
    Ok(Heirs(heirs))
}
