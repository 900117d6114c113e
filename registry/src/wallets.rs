//! Which wallet of a year is whose. The one place that links a person with a wallet.
//!
//! Owns the table `wallets`. The wallet's id and nullifier are sealed under the person's key; a blind index leads from a wallet
//! to its row. School, grade and state are what the ledger was last told, so that they can be compared with it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Nullifier, PupilId, SchoolId};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::boxed;
use crate::database::{Registry, Work, list};
use crate::error::RegistryError;
use crate::ids::PersonId;
use crate::outbox::OutboxId;
use crate::vault::{Field, PersonKey, Vault, VaultError};

mod change;

pub(crate) use change::{closed, free, funded, link, moved, note_latest, opened, relink, retold, undrawn};

const SEALED: Field = Field::of("wallets", "wallet_sealed");
const INDEX: Field = Field::of("wallets", "wallet_index");
const REGISTER_CODE: Field = Field::of("pupils", "register_code_sealed");

const COLUMNS: &str = "wallets.person, wallets.year, wallets.wallet_sealed, wallets.school, wallets.grade, wallets.state, \
                       wallets.pending, wallets.latest, person_keys.wrapped";
const TABLES: &str = "wallets JOIN person_keys ON person_keys.person = wallets.person";

/// How far a wallet has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WalletState {
    /// Its id is drawn; the ledger does not have it.
    Drawn,
    /// The ledger has it.
    Opened,
    /// It has its money of the year.
    Allocated,
    /// It is closed for good.
    Closed,
}

impl WalletState {
    fn name(self) -> &'static str {
        match self {
            Self::Drawn => "drawn",
            Self::Opened => "opened",
            Self::Allocated => "allocated",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for WalletState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a wallet is drawn, opened, allocated or closed")]
pub struct WalletStateError;

impl FromStr for WalletState {
    type Err = WalletStateError;
    fn from_str(text: &str) -> Result<Self, WalletStateError> {
        let all = [Self::Drawn, Self::Opened, Self::Allocated, Self::Closed];
        all.into_iter().find(|state| state.name() == text).ok_or(WalletStateError)
    }
}

/// A person's wallet of one year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wallet {
    /// Whose.
    pub person: PersonId,
    /// Of which year.
    pub year: Year,
    /// Its id on the ledger.
    pub wallet: PupilId,
    /// The person's token of the year.
    pub nullifier: Nullifier,
    /// The school that the ledger was told.
    pub school: SchoolId,
    /// The grade that the ledger was told.
    pub grade: u8,
    /// How far it has gone.
    pub state: WalletState,
    /// The row of the outbox that opens it or gives it its money, while that is on its way.
    pub pending: Option<OutboxId>,
    /// The latest row of the outbox that moves or closes it alone, while that is on its way.
    pub latest: Option<OutboxId>,
}

/// Draws wallets of a year for enrolled persons who have none. Persons who have one, or are not enrolled, are passed over.
///
/// # Errors
/// [`RegistryError::Database`], or [`RegistryError::Vault`] when a key or code does not open.
#[boxed]
pub async fn draw(work: &mut Work, year: Year, persons: &[PersonId]) -> Result<u64, RegistryError> {
    let vault = work.vault();
    let mut drawn = 0;
    for chunk in persons.chunks(DRAWN_AT_ONCE) {
        let sql = format!(
            "SELECT pupils.person, pupils.school, pupils.grade, pupils.register_code_sealed, person_keys.wrapped \
             FROM pupils JOIN person_keys ON person_keys.person = pupils.person \
             WHERE pupils.standing = 'enrolled' AND pupils.person IN ({}) AND NOT EXISTS \
             (SELECT 1 FROM wallets WHERE wallets.person = pupils.person AND wallets.year = $1)",
            list::places(2, chunk.len())
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(year.0));
        for person in chunk {
            query = query.bind(&person.0[..]);
        }
        let rows = query.fetch_all(work.connection()).await?;
        let new: Result<Vec<Drawn>, RegistryError> = rows.iter().map(|row| drawn_from(&vault, year, row)).collect();
        drawn += insert(work, year, &new?).await?;
    }
    Ok(drawn)
}

const DRAWN_AT_ONCE: usize = 1_000;

struct Drawn {
    index: Vec<u8>,
    person: PersonId,
    sealed: Vec<u8>,
    school: Vec<u8>,
    grade: i64,
}

fn drawn_from(vault: &Vault, year: Year, row: &AnyRow) -> Result<Drawn, RegistryError> {
    let person = PersonId(list::id(row.try_get("person")?, "pupils.person")?);
    let key = vault.unwrap_key(person, row.try_get("wrapped")?)?;
    let code = key.open_text(REGISTER_CODE, &person.0, row.try_get("register_code_sealed")?)?;
    let wallet = PupilId(crate::vault::random());
    let secret = [&wallet.0[..], &vault.nullifier(year, &code).0].concat();
    Ok(Drawn {
        index: index(vault, year, wallet),
        person,
        sealed: key.seal(SEALED, &place(person, year), &secret),
        school: row.try_get("school")?,
        grade: row.try_get("grade")?,
    })
}

async fn insert(work: &mut Work, year: Year, new: &[Drawn]) -> Result<u64, RegistryError> {
    if new.is_empty() {
        return Ok(0);
    }
    let sql = format!(
        "INSERT INTO wallets (wallet_index, person, year, wallet_sealed, school, grade, state) VALUES {}",
        list::rows(new.len(), 7)
    );
    let mut query = sqlx::query(AssertSqlSafe(sql));
    for Drawn { index, person, sealed, school, grade } in new {
        query = query.bind(&index[..]).bind(&person.0[..]).bind(i64::from(year.0)).bind(&sealed[..]);
        query = query.bind(&school[..]).bind(*grade).bind(WalletState::Drawn.name());
    }
    Ok(query.execute(work.connection()).await?.rows_affected())
}

/// The blind index of a wallet.
pub(crate) fn index(vault: &Vault, year: Year, wallet: PupilId) -> Vec<u8> {
    vault.index_bytes(INDEX, &[&year.0.to_be_bytes()[..], &wallet.0].concat())
}

fn place(person: PersonId, year: Year) -> Vec<u8> {
    [&person.0[..], &year.0.to_be_bytes()].concat()
}

/// The secret part of a row: wallet and nullifier.
fn unseal(key: &PersonKey, person: PersonId, year: Year, sealed: &[u8]) -> Result<(PupilId, Nullifier), RegistryError> {
    let plain = key.open(SEALED, &place(person, year), sealed)?;
    let closed = VaultError::Sealed { table: SEALED.table, column: SEALED.column };
    let (wallet, nullifier) = plain.split_at_checked(16).ok_or(closed)?;
    Ok((PupilId(list::id(wallet, "wallets.wallet_sealed")?), Nullifier(list::id(nullifier, "wallets.wallet_sealed")?)))
}

/// A row with the wrapped key of its person.
pub(crate) fn read(vault: &Vault, row: &AnyRow) -> Result<Wallet, RegistryError> {
    let person = PersonId(list::id(row.try_get("person")?, "wallets.person")?);
    let year = Year(list::number(row.try_get("year")?, "wallets.year")?);
    let key = vault.unwrap_key(person, row.try_get("wrapped")?)?;
    let (wallet, nullifier) = unseal(&key, person, year, row.try_get("wallet_sealed")?)?;
    Ok(Wallet {
        person,
        year,
        wallet,
        nullifier,
        school: SchoolId(list::id(row.try_get("school")?, "wallets.school")?),
        grade: list::number(row.try_get("grade")?, "wallets.grade")?,
        state: list::parsed(row.try_get("state")?, "wallets.state")?,
        pending: row.try_get::<Option<i64>, _>("pending")?.map(OutboxId),
        latest: row.try_get::<Option<i64>, _>("latest")?.map(OutboxId),
    })
}

/// The wallets of persons in a year. Who has none, or is erased, is missing.
///
/// # Errors
/// [`RegistryError::Database`], or [`RegistryError::Vault`] for a changed row.
#[boxed]
pub async fn of_persons(
    connection: &mut AnyConnection,
    vault: &Vault,
    year: Year,
    persons: &[PersonId],
) -> Result<BTreeMap<PersonId, Wallet>, RegistryError> {
    let mut found = BTreeMap::new();
    for chunk in persons.chunks(list::MOST - 1) {
        let places = list::places(2, chunk.len());
        let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE wallets.year = $1 AND wallets.person IN ({places})");
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(year.0));
        for person in chunk {
            query = query.bind(&person.0[..]);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let wallet = read(vault, &row)?;
            found.insert(wallet.person, wallet);
        }
    }
    Ok(found)
}

/// The rows of wallets of a year. Wallets that are nobody's here are missing.
///
/// # Errors
/// As [`of_persons`].
#[boxed]
pub async fn of_wallets(
    connection: &mut AnyConnection,
    vault: &Vault,
    year: Year,
    wallets: &[PupilId],
) -> Result<BTreeMap<PupilId, Wallet>, RegistryError> {
    let mut found = BTreeMap::new();
    for chunk in wallets.chunks(list::MOST) {
        let places = list::places(1, chunk.len());
        let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE wallets.wallet_index IN ({places})");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for wallet in chunk {
            query = query.bind(index(vault, year, *wallet));
        }
        for row in query.fetch_all(&mut *connection).await? {
            let wallet = read(vault, &row)?;
            found.insert(wallet.wallet, wallet);
        }
    }
    Ok(found)
}

/// Whose wallets these are, in a year. Wallets that are nobody's here are missing.
///
/// # Errors
/// [`RegistryError::Database`].
#[boxed]
pub async fn persons_of(
    connection: &mut AnyConnection,
    vault: &Vault,
    year: Year,
    wallets: &[PupilId],
) -> Result<BTreeMap<PupilId, PersonId>, RegistryError> {
    let mut found = BTreeMap::new();
    for chunk in wallets.chunks(list::MOST) {
        let by_index: BTreeMap<Vec<u8>, PupilId> =
            chunk.iter().map(|wallet| (index(vault, year, *wallet), *wallet)).collect();
        let places = list::places(1, by_index.len());
        let sql = format!("SELECT wallet_index, person FROM wallets WHERE wallet_index IN ({places})");
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for index in by_index.keys() {
            query = query.bind(&index[..]);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let index: Vec<u8> = row.try_get("wallet_index")?;
            let wallet = by_index.get(&index).ok_or(RegistryError::Stored { column: "wallets.wallet_index" })?;
            found.insert(*wallet, PersonId(list::id(row.try_get("person")?, "wallets.person")?));
        }
    }
    Ok(found)
}

/// A part of a year's wallets, in an order that tells nothing, and where the next part begins.
#[derive(Debug, Clone, Default)]
pub struct WalletPage {
    /// The wallets.
    pub wallets: Vec<Wallet>,
    /// Ask for what follows this, until it is `None`.
    pub next: Option<WalletCursor>,
}

/// Where a part of a year's wallets ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletCursor(pub(crate) Vec<u8>);

/// Wallets of a year, page by page.
///
/// # Errors
/// As [`of_persons`].
#[boxed]
pub async fn of_year(
    registry: &Registry,
    year: Year,
    after: Option<&WalletCursor>,
    limit: u32,
) -> Result<WalletPage, RegistryError> {
    let mut reader = registry.reader().await?;
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT {COLUMNS}, wallets.wallet_index FROM {TABLES} WHERE wallets.year = $1 AND wallets.wallet_index > $2 \
         ORDER BY wallets.wallet_index LIMIT $3"
    )))
    .bind(i64::from(year.0))
    .bind(after.map_or(Vec::new(), |cursor| cursor.0.clone()))
    .bind(i64::from(limit))
    .fetch_all(&mut *reader)
    .await?;
    page(registry.vault(), &rows, limit as usize)
}

/// Wallets of a year in a state that nothing is on its way for, after a place, in an order that tells nothing about who they are.
pub(crate) async fn idle(
    work: &mut Work,
    year: Year,
    state: WalletState,
    after: Option<&WalletCursor>,
    limit: usize,
) -> Result<WalletPage, RegistryError> {
    let vault = work.vault();
    let rows = sqlx::query(AssertSqlSafe(format!(
        "SELECT {COLUMNS}, wallets.wallet_index FROM {TABLES} WHERE wallets.year = $1 AND wallets.state = $2 \
         AND wallets.wallet_index > $3 AND wallets.pending IS NULL ORDER BY wallets.wallet_index LIMIT $4"
    )))
    .bind(i64::from(year.0))
    .bind(state.name())
    .bind(after.map_or(Vec::new(), |cursor| cursor.0.clone()))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(work.connection())
    .await?;
    page(&vault, &rows, limit)
}

fn page(vault: &Vault, rows: &[AnyRow], limit: usize) -> Result<WalletPage, RegistryError> {
    let next = match rows.last() {
        Some(last) if rows.len() == limit => Some(WalletCursor(last.try_get("wallet_index")?)),
        Some(_) | None => None,
    };
    let wallets = rows.iter().map(|row| read(vault, row)).collect::<Result<_, _>>()?;
    Ok(WalletPage { wallets, next })
}

/// Wallets of a year by state: drawn, opened, allocated, closed.
///
/// # Errors
/// [`RegistryError::Database`].
#[boxed]
pub async fn counts(registry: &Registry, year: Year) -> Result<BTreeMap<WalletState, u64>, RegistryError> {
    let mut reader = registry.reader().await?;
    let rows = sqlx::query("SELECT state, COUNT(*) AS wallets FROM wallets WHERE year = $1 GROUP BY state")
        .bind(i64::from(year.0))
        .fetch_all(&mut *reader)
        .await?;
    let mut counts = BTreeMap::new();
    for row in rows {
        let state = list::parsed(row.try_get("state")?, "wallets.state")?;
        counts.insert(state, list::number(row.try_get("wallets")?, "wallets")?);
    }
    Ok(counts)
}
