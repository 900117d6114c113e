//! Pupils: who is in which class of which school.
//!
//! School, branch, class and grade stand plain, since they name nobody; names and register code are sealed under the pupil's
//! data key, the code beside it as a blind index. Whoever reads a pupil is noted in the log, once a call.

use std::collections::BTreeMap;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{ProviderId, PupilId, SchoolId};
use keis_ledger::time::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::boxed;
use crate::collate;
use crate::database::{Registry, Work, list};
use crate::error::RegistryError;
use crate::ids::PersonId;
use crate::log::{Actor, Entry};
use crate::permission::{Body, Permission, demand_any, demand_on};
use crate::vault::{Field, PersonKey, Vault};
use crate::wallets;

mod write;
pub(crate) use write::forget_person;
pub use write::{PupilFacts, StoredPupil, arrive, change, enrolled, leave, stored};

const GIVEN_NAME: Field = Field::of("pupils", "given_name_sealed");
const FAMILY_NAME: Field = Field::of("pupils", "family_name_sealed");
const REGISTER_CODE: Field = Field::of("pupils", "register_code_sealed");
const REGISTER_INDEX: Field = Field::of("pupils", "register_index");

/// A class, without its pupils.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassSummary {
    /// Branch of the school, 0 for the main school.
    pub branch: u8,
    /// Its name.
    pub class: String,
    /// The class that is taught together with it.
    pub joint_class: Option<String>,
    /// The grade of most of its pupils.
    pub grade: u8,
    /// How many pupils are enrolled.
    pub pupils: u32,
}

/// A pupil as a school sees one.
#[derive(Clone, PartialEq, Eq)]
pub struct PupilCard {
    /// Who.
    pub person: PersonId,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// Branch of the school.
    pub branch: u8,
    /// Class.
    pub class: String,
    /// Grade, 1 to 12.
    pub grade: u8,
    /// School of now, or the last one.
    pub school: SchoolId,
    /// The wallet of the year that was asked for.
    pub wallet: Option<PupilId>,
}

/// Whether a pupil is in the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Is enrolled.
    Enrolled,
    /// Has left.
    Left,
    /// Was erased: nothing tells who it was.
    Erased,
}

/// A pupil as an officer finds one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PupilRecord {
    /// Who, and where.
    pub card: PupilCard,
    /// Whether the pupil is enrolled.
    pub standing: Standing,
    /// The class taught together with the pupil's.
    pub joint_class: Option<String>,
    /// Since when the standing is as it is.
    pub since: Timestamp,
}

/// What a provider needs to call the pupils of a session by.
#[derive(Clone, PartialEq, Eq)]
pub struct PupilName {
    /// Given name.
    pub given_name: String,
    /// First letter of the family name.
    pub initial: String,
    /// Class.
    pub class: String,
}

impl std::fmt::Debug for PupilCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {}", self.person, self.school)
    }
}

impl std::fmt::Debug for PupilName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a pupil of {}", self.class)
    }
}

impl Standing {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Enrolled => "enrolled",
            Self::Left => "left",
            Self::Erased => "erased",
        }
    }
}

/// A text names no standing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pupil is enrolled, left or erased")]
pub struct StandingError;

impl std::str::FromStr for Standing {
    type Err = StandingError;

    fn from_str(text: &str) -> Result<Self, StandingError> {
        let all = [Self::Enrolled, Self::Left, Self::Erased];
        all.into_iter().find(|standing| standing.name() == text).ok_or(StandingError)
    }
}

const CARDS: &str = "SELECT pupils.person, school, branch, class, joint_class, grade, given_name_sealed, family_name_sealed, \
     standing, since, wrapped FROM pupils JOIN person_keys ON person_keys.person = pupils.person";

impl PupilRecord {
    fn read(row: &AnyRow, vault: &Vault) -> Result<Self, RegistryError> {
        let person = PersonId(list::id(row.try_get("person")?, "pupils.person")?);
        let key: PersonKey = vault.unwrap_key(person, row.try_get("wrapped")?)?;
        let card = PupilCard {
            person,
            given_name: key.open_text(GIVEN_NAME, &person.0, row.try_get("given_name_sealed")?)?,
            family_name: key.open_text(FAMILY_NAME, &person.0, row.try_get("family_name_sealed")?)?,
            branch: list::number(row.try_get("branch")?, "pupils.branch")?,
            class: row.try_get("class")?,
            grade: list::number(row.try_get("grade")?, "pupils.grade")?,
            school: SchoolId(list::id(row.try_get("school")?, "pupils.school")?),
            wallet: None,
        };
        Ok(Self {
            card,
            standing: list::parsed(row.try_get("standing")?, "pupils.standing")?,
            joint_class: row.try_get("joint_class")?,
            since: Timestamp(list::number(row.try_get("since")?, "pupils.since")?),
        })
    }
}

impl Registry {
    /// The classes of a school, by branch, grade and name.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn classes(&self, actor: &Actor, school: SchoolId) -> Result<Vec<ClassSummary>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_on(&mut reader, actor, Permission::SeeClasses, &Body::School(school)).await?;
        let rows = sqlx::query(
            "SELECT branch, class, MIN(joint_class) AS joint_class, MIN(grade) AS grade, COUNT(*) AS pupils FROM pupils \
             WHERE school = $1 AND standing = 'enrolled' GROUP BY branch, class",
        )
        .bind(&school.0[..])
        .fetch_all(&mut *reader)
        .await?;
        let class = |row: &AnyRow| -> Result<ClassSummary, RegistryError> {
            Ok(ClassSummary {
                branch: list::number(row.try_get("branch")?, "pupils.branch")?,
                class: row.try_get("class")?,
                joint_class: row.try_get("joint_class")?,
                grade: list::number(row.try_get("grade")?, "pupils.grade")?,
                pupils: list::number(row.try_get("pupils")?, "pupils")?,
            })
        };
        let mut classes = rows.iter().map(class).collect::<Result<Vec<_>, _>>()?;
        classes.sort_by(|a, b| (a.branch, a.grade, &a.class).cmp(&(b.branch, b.grade, &b.class)));
        self.note(reader, Entry::new(actor, "classes read", school).detail(classes.len())).await?;
        Ok(classes)
    }

    /// The pupils who are enrolled in a class, with their wallets of `year`, by name.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn class(
        &self,
        actor: &Actor,
        school: SchoolId,
        branch: u8,
        class: &str,
        year: Year,
    ) -> Result<Vec<PupilCard>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_on(&mut reader, actor, Permission::SeeClasses, &Body::School(school)).await?;
        let sql = format!("{CARDS} WHERE school = $1 AND standing = 'enrolled' AND branch = $2 AND class = $3");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(&school.0[..]).bind(i64::from(branch)).bind(class);
        let rows = query.fetch_all(&mut *reader).await?;
        let cards = cards(&mut reader, self.vault(), &rows, year).await?;
        let detail = format!("branch {branch}, class {class}, {} pupils", cards.len());
        self.note(reader, Entry::new(actor, "class read", school).detail(detail)).await?;
        Ok(cards)
    }

    /// Everybody who is enrolled at a school, with their wallets of `year`, by name.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn school_pupils(
        &self,
        actor: &Actor,
        school: SchoolId,
        year: Year,
    ) -> Result<Vec<PupilCard>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_on(&mut reader, actor, Permission::SeeClasses, &Body::School(school)).await?;
        let sql = format!("{CARDS} WHERE school = $1 AND standing = 'enrolled'");
        let rows = sqlx::query(AssertSqlSafe(sql)).bind(&school.0[..]).fetch_all(&mut *reader).await?;
        let cards = cards(&mut reader, self.vault(), &rows, year).await?;
        let detail = format!("{} pupils", cards.len());
        self.note(reader, Entry::new(actor, "school's pupils read", school).detail(detail)).await?;
        Ok(cards)
    }

    /// Whose wallets these are, also of those who moved or left. Wallets that are nobody's, or an erased person's, are missing.
    /// The caller sees to it that the wallets come from orders of the user's own school.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn pupils_by_wallet(
        &self,
        actor: &Actor,
        year: Year,
        wallets: &[PupilId],
    ) -> Result<BTreeMap<PupilId, PupilCard>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_any(&mut reader, actor, Permission::SeeClasses).await?;
        let found = by_wallet(&mut reader, self.vault(), year, wallets).await?;
        let detail = format!("{} of {}", found.len(), wallets.len());
        self.note(reader, Entry::new(actor, "pupils read by wallet", year).detail(detail)).await?;
        Ok(found)
    }

    /// What a provider needs to call the pupils of its own order by: given name, initial, class. The caller sees to it that the
    /// wallets come from an order of that provider.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn names_for_delivery(
        &self,
        actor: &Actor,
        provider: ProviderId,
        year: Year,
        wallets: &[PupilId],
    ) -> Result<BTreeMap<PupilId, PupilName>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_on(&mut reader, actor, Permission::ReportDelivery, &Body::Provider(provider)).await?;
        let found = by_wallet(&mut reader, self.vault(), year, wallets).await?;
        let detail = format!("{year}, {} of {}", found.len(), wallets.len());
        self.note(reader, Entry::new(actor, "names read for a delivery", provider).detail(detail)).await?;
        let name = |card: PupilCard| PupilName {
            initial: card.family_name.chars().take(1).collect(),
            given_name: card.given_name,
            class: card.class,
        };
        Ok(found.into_iter().map(|(wallet, card)| (wallet, name(card))).collect())
    }

    /// An officer's search by the register's code: exact, nothing else is found.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn find_pupil(
        &self,
        actor: &Actor,
        register_code: &str,
        year: Year,
    ) -> Result<Option<PupilRecord>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_any(&mut reader, actor, Permission::ActOnBehalf).await?;
        let index = self.vault().index(REGISTER_INDEX, register_code);
        let sql = AssertSqlSafe(format!("{CARDS} WHERE register_index = $1"));
        let row = sqlx::query(sql).bind(index).fetch_optional(&mut *reader).await?;
        let found = match &row {
            Some(row) => Some(record(&mut reader, self.vault(), row, year).await?),
            None => None,
        };
        let subject = found.as_ref().map_or_else(|| "nobody".to_owned(), |found| found.card.person.to_string());
        self.note(reader, Entry::new(actor, "pupil searched", subject)).await?;
        Ok(found)
    }

    /// Who has exactly this code in the Pupil Register, for an erasure.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn person_of_code(&self, actor: &Actor, register_code: &str) -> Result<Option<PersonId>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_any(&mut reader, actor, Permission::ErasePerson).await?;
        let index = self.vault().index(REGISTER_INDEX, register_code);
        let sql = "SELECT person FROM pupils WHERE register_index = $1";
        let row = sqlx::query(sql).bind(index).fetch_optional(&mut *reader).await?;
        let found = row.map(|row| list::id(row.try_get("person")?, "pupils.person").map(PersonId)).transpose()?;
        let subject = found.map_or_else(|| "nobody".to_owned(), |person| person.to_string());
        self.note(reader, Entry::new(actor, "pupil searched", subject)).await?;
        Ok(found)
    }

    /// An officer's look at a pupil whose id is known.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn pupil(
        &self,
        actor: &Actor,
        person: PersonId,
        year: Year,
    ) -> Result<Option<PupilRecord>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_any(&mut reader, actor, Permission::ActOnBehalf).await?;
        let sql = AssertSqlSafe(format!("{CARDS} WHERE pupils.person = $1"));
        let row = sqlx::query(sql).bind(&person.0[..]).fetch_optional(&mut *reader).await?;
        let found = match &row {
            Some(row) => Some(record(&mut reader, self.vault(), row, year).await?),
            None => None,
        };
        self.note(reader, Entry::new(actor, "pupil read", person)).await?;
        Ok(found)
    }
}

async fn record(
    connection: &mut AnyConnection,
    vault: &Vault,
    row: &AnyRow,
    year: Year,
) -> Result<PupilRecord, RegistryError> {
    let mut record = PupilRecord::read(row, vault)?;
    record.card.wallet = wallets_of(connection, vault, year, &[record.card.person]).await?.into_values().next();
    Ok(record)
}

/// Cards in the order of names, with their wallets.
async fn cards(
    connection: &mut AnyConnection,
    vault: &Vault,
    rows: &[AnyRow],
    year: Year,
) -> Result<Vec<PupilCard>, RegistryError> {
    let read = |row| Ok(PupilRecord::read(row, vault)?.card);
    let mut cards = rows.iter().map(read).collect::<Result<Vec<_>, RegistryError>>()?;
    let persons: Vec<PersonId> = cards.iter().map(|card| card.person).collect();
    let wallets = wallets_of(connection, vault, year, &persons).await?;
    for card in &mut cards {
        card.wallet = wallets.get(&card.person).copied();
    }
    cards.sort_by(|a, b| {
        collate::names(&a.family_name, &b.family_name)
            .then_with(|| collate::names(&a.given_name, &b.given_name))
            .then_with(|| a.person.cmp(&b.person))
    });
    Ok(cards)
}

async fn wallets_of(
    connection: &mut AnyConnection,
    vault: &Vault,
    year: Year,
    persons: &[PersonId],
) -> Result<BTreeMap<PersonId, PupilId>, RegistryError> {
    let found = wallets::of_persons(connection, vault, year, persons).await?;
    Ok(found.into_iter().map(|(person, wallet)| (person, wallet.wallet)).collect())
}

async fn by_wallet(
    connection: &mut AnyConnection,
    vault: &Vault,
    year: Year,
    wallets: &[PupilId],
) -> Result<BTreeMap<PupilId, PupilCard>, RegistryError> {
    let persons = wallets::persons_of(connection, vault, year, wallets).await?;
    let by_person: BTreeMap<PersonId, PupilId> = persons.into_iter().map(|(wallet, person)| (person, wallet)).collect();
    let mut found = BTreeMap::new();
    for chunk in by_person.keys().collect::<Vec<_>>().chunks(list::MOST) {
        let sql = format!("{CARDS} WHERE pupils.person IN ({})", list::places(1, chunk.len()));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for person in chunk {
            query = query.bind(&person.0[..]);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let card = PupilRecord::read(&row, vault)?.card;
            let wallet = by_person.get(&card.person).copied();
            found.extend(wallet.map(|id| (id, PupilCard { wallet, ..card })));
        }
    }
    Ok(found)
}
