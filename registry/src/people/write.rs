//! Pupils written in batches, as an extract of the register brings them. The import that calls this writes the log.

use super::*;
use crate::boxed;
use crate::vault::{NewPerson, load_keys, store_keys};

/// Most pupils in one statement.
const BATCH: usize = 500;

/// What the register says of a pupil.
#[derive(Clone, PartialEq, Eq)]
pub struct PupilFacts {
    /// Code in the register.
    pub register_code: String,
    /// Given name.
    pub given_name: String,
    /// Family name.
    pub family_name: String,
    /// School.
    pub school: SchoolId,
    /// Branch of the school, 0 for the main school.
    pub branch: u8,
    /// Class.
    pub class: String,
    /// The class that is taught together with it.
    pub joint_class: Option<String>,
    /// Grade, 1 to 12.
    pub grade: u8,
}

/// What the registry has of a pupil.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPupil {
    /// Who.
    pub person: PersonId,
    /// Whether the pupil is enrolled.
    pub standing: Standing,
    /// What the register said last.
    pub facts: PupilFacts,
    /// The extract that changed the pupil last.
    pub generation: i64,
}

impl std::fmt::Debug for PupilFacts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a pupil of {}", self.school)
    }
}

impl std::fmt::Debug for StoredPupil {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.person, self.standing)
    }
}

/// The pupils of these register codes, by code. Codes that are nobody's are missing.
///
/// # Errors
/// What the database answers, or [`RegistryError::Vault`].
#[boxed]
pub async fn stored(
    connection: &mut AnyConnection,
    vault: &Vault,
    codes: &[&str],
) -> Result<BTreeMap<String, StoredPupil>, RegistryError> {
    let mut found = BTreeMap::new();
    for chunk in codes.chunks(list::MOST) {
        let by_index: BTreeMap<Vec<u8>, &str> =
            chunk.iter().map(|code| (vault.index(REGISTER_INDEX, code), code.trim())).collect();
        let columns = CARDS.replacen("SELECT ", "SELECT register_index, generation, ", 1);
        let sql = format!("{columns} WHERE register_index IN ({})", list::places(1, by_index.len()));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for index in by_index.keys() {
            query = query.bind(&index[..]);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let index: Vec<u8> = row.try_get("register_index")?;
            let code = by_index.get(&index).ok_or(RegistryError::Stored { column: "pupils.register_index" })?;
            let PupilRecord { card, standing, joint_class, since: _ } = PupilRecord::read(&row, vault)?;
            let facts = PupilFacts {
                register_code: (*code).to_owned(),
                given_name: card.given_name,
                family_name: card.family_name,
                school: card.school,
                branch: card.branch,
                class: card.class,
                joint_class,
                grade: card.grade,
            };
            let generation = row.try_get("generation")?;
            found.insert((*code).to_owned(), StoredPupil { person: card.person, standing, facts, generation });
        }
    }
    Ok(found)
}

/// Takes in pupils whose codes are new; each gets a person and a data key. In the order of `pupils`.
///
/// # Errors
/// What the database answers; a code that is there already is refused by it.
#[boxed]
pub async fn arrive(
    work: &mut Work,
    pupils: &[PupilFacts],
    generation: i64,
    at: Timestamp,
) -> Result<Vec<PersonId>, RegistryError> {
    let vault = work.vault();
    let mut arrived = Vec::with_capacity(pupils.len());
    for chunk in pupils.chunks(BATCH) {
        let persons: Vec<NewPerson> = chunk.iter().map(|_| vault.new_person()).collect();
        store_keys(work, &persons).await?;
        let sql = format!(
            "INSERT INTO pupils (person, school, branch, class, joint_class, grade, given_name_sealed, family_name_sealed, \
             register_code_sealed, register_index, standing, since, generation) VALUES {}",
            list::rows(chunk.len(), 13)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for (facts, NewPerson { person, key, wrapped: _ }) in chunk.iter().zip(&persons) {
            query = query
                .bind(&person.0[..])
                .bind(&facts.school.0[..])
                .bind(i64::from(facts.branch))
                .bind(&facts.class)
                .bind(facts.joint_class.clone())
                .bind(i64::from(facts.grade))
                .bind(key.seal(GIVEN_NAME, &person.0, facts.given_name.as_bytes()))
                .bind(key.seal(FAMILY_NAME, &person.0, facts.family_name.as_bytes()))
                .bind(key.seal(REGISTER_CODE, &person.0, facts.register_code.trim().as_bytes()))
                .bind(vault.index(REGISTER_INDEX, &facts.register_code))
                .bind(Standing::Enrolled.name())
                .bind(list::instant(at))
                .bind(generation);
        }
        query.execute(work.connection()).await?;
        arrived.extend(persons.iter().map(|new| new.person));
    }
    Ok(arrived)
}

/// Writes what is different now of pupils who are known; who had left is enrolled again.
///
/// # Errors
/// [`RegistryError::PersonUnknown`], or what the database answers.
#[boxed]
pub async fn change(
    work: &mut Work,
    pupils: &[(PersonId, PupilFacts)],
    generation: i64,
    at: Timestamp,
) -> Result<(), RegistryError> {
    let vault = work.vault();
    let persons: Vec<PersonId> = pupils.iter().map(|(person, _)| *person).collect();
    let keys = load_keys(work.connection(), &vault, &persons).await?;
    for (person, facts) in pupils {
        let key = keys.get(person).ok_or(RegistryError::PersonUnknown(*person))?;
        sqlx::query(
            "UPDATE pupils SET school = $1, branch = $2, class = $3, joint_class = $4, grade = $5, given_name_sealed = $6, \
             family_name_sealed = $7, generation = $8, since = CASE WHEN standing = $9 THEN since ELSE $10 END, \
             standing = $9 WHERE person = $11",
        )
        .bind(&facts.school.0[..])
        .bind(i64::from(facts.branch))
        .bind(&facts.class)
        .bind(facts.joint_class.clone())
        .bind(i64::from(facts.grade))
        .bind(key.seal(GIVEN_NAME, &person.0, facts.given_name.as_bytes()))
        .bind(key.seal(FAMILY_NAME, &person.0, facts.family_name.as_bytes()))
        .bind(generation)
        .bind(Standing::Enrolled.name())
        .bind(list::instant(at))
        .bind(&person.0[..])
        .execute(work.connection())
        .await?;
    }
    Ok(())
}

/// Notes that pupils have left the register.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn leave(work: &mut Work, persons: &[PersonId], generation: i64, at: Timestamp) -> Result<(), RegistryError> {
    for chunk in persons.chunks(list::MOST - 3) {
        let places = list::places(4, chunk.len());
        let sql = format!("UPDATE pupils SET standing = $1, since = $2, generation = $3 WHERE person IN ({places})");
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(Standing::Left.name());
        query = query.bind(list::instant(at)).bind(generation);
        for person in chunk {
            query = query.bind(&person.0[..]);
        }
        query.execute(work.connection()).await?;
    }
    Ok(())
}

/// How many pupils are enrolled.
///
/// # Errors
/// What the database answers.
#[boxed]
pub async fn enrolled(connection: &mut AnyConnection) -> Result<u64, RegistryError> {
    let row =
        sqlx::query("SELECT COUNT(*) AS pupils FROM pupils WHERE standing = 'enrolled'").fetch_one(connection).await?;
    list::number(row.try_get("pupils")?, "pupils")
}

/// Nothing tells any more who it was; id, school and class of the time stay.
pub(crate) async fn forget_person(work: &mut Work, person: PersonId, at: Timestamp) -> Result<u64, RegistryError> {
    let gone = sqlx::query(
        "UPDATE pupils SET given_name_sealed = NULL, family_name_sealed = NULL, register_code_sealed = NULL, \
         register_index = NULL, standing = $1, since = $2 WHERE person = $3",
    )
    .bind(Standing::Erased.name())
    .bind(list::instant(at))
    .bind(&person.0[..])
    .execute(work.connection())
    .await?;
    Ok(gone.rows_affected())
}
