//! Notes about the extract at work, in `import_lines`: which pupils its lines named, and what would change. What tells who somebody
//! is is sealed under a key that lives in this process alone, so notes that a kill leaves behind tell nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row};

use super::ImportError;
use crate::database::{Backend, Registry, Work, list};
use crate::error::RegistryError;
use crate::ids::PersonId;
use crate::log::{Actor, Entry, append};
use crate::people::PupilFacts;
use crate::permission::{Permission, demand};
use crate::vault::{Field, PersonKey};

const SEALED: Field = Field::of("import_lines", "sealed");
const COLUMNS: usize = 5;

/// What a line, or several of one pupil together, come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// Nothing.
    Same,
    /// Nothing, since the line could not be used; but the pupil is not missing.
    Bad,
    /// New in the registry.
    Arrive,
    /// Enrolled again.
    Return,
    /// Another school or grade.
    Move,
    /// Another name, branch or class.
    Change,
    /// Not enrolled any more.
    Leave,
}

impl Action {
    /// What changes the registry.
    pub(super) const CHANGES: [Self; 5] = [Self::Arrive, Self::Return, Self::Move, Self::Change, Self::Leave];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Bad => "bad",
            Self::Arrive => "arrive",
            Self::Return => "return",
            Self::Move => "move",
            Self::Change => "change",
            Self::Leave => "leave",
        }
    }

    fn of(name: &str) -> Result<Self, RegistryError> {
        let all = [Self::Same, Self::Bad].into_iter().chain(Self::CHANGES);
        all.into_iter()
            .find(|action| action.name() == name)
            .ok_or(RegistryError::Stored { column: "import_lines.action" })
    }
}

/// A pupil as the extract leaves one.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct After {
    /// Who, if the registry knows.
    pub(super) person: Option<PersonId>,
    /// What the register says.
    #[serde(with = "facts")]
    pub(super) facts: PupilFacts,
    /// Whether the pupil is enrolled.
    pub(super) enrolled: bool,
    /// Whether what is booked is released with a move.
    pub(super) release: bool,
    /// When the register learned of it, from lines of a delta.
    pub(super) known_at: u64,
}

mod facts {
    use keis_ledger::ids::SchoolId;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::people::PupilFacts;

    type Tuple = (String, String, String, SchoolId, u8, String, Option<String>, u8);

    pub(super) fn serialize<S: Serializer>(facts: &PupilFacts, serializer: S) -> Result<S::Ok, S::Error> {
        let PupilFacts { register_code, given_name, family_name, school, branch, class, joint_class, grade } =
            facts.clone();
        let tuple: Tuple = (register_code, given_name, family_name, school, branch, class, joint_class, grade);
        tuple.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PupilFacts, D::Error> {
        let (register_code, given_name, family_name, school, branch, class, joint_class, grade) =
            Tuple::deserialize(deserializer)?;
        Ok(PupilFacts { register_code, given_name, family_name, school, branch, class, joint_class, grade })
    }
}

/// A note of a pupil.
pub(super) struct Note {
    /// Blind index of the register's code.
    pub(super) code_index: Vec<u8>,
    /// The line that named the pupil last.
    pub(super) line: u64,
    /// What it comes to.
    pub(super) action: Action,
    /// What is to be taken over; not needed where nothing changes.
    pub(super) after: Option<After>,
}

/// An import at work.
pub(super) struct Run {
    /// Its number, which grows from one to the next.
    pub(super) number: i64,
    key: PersonKey,
}

/// Begins an import; one that is still at work stops at its next step.
pub(super) async fn begin(registry: &Registry, actor: &Actor, action: &'static str) -> Result<Run, RegistryError> {
    let mut work = registry.begin().await?;
    demand(&mut work, actor, Permission::ImportRegister).await?;
    sqlx::query("UPDATE import_run SET run = run + 1 WHERE one = 1").execute(work.connection()).await?;
    sqlx::query("DELETE FROM import_lines").execute(work.connection()).await?;
    let row = sqlx::query("SELECT run FROM import_run WHERE one = 1").fetch_one(work.connection()).await?;
    let number: i64 = row.try_get("run")?;
    append(&mut work, Entry::new(actor, action, number)).await?;
    work.commit().await?;
    Ok(Run { number, key: registry.vault().new_person().key })
}

/// Gives a connection of SQLite what random keys want. Chunks take turns on the pool's connections, and a connection forgets its pages
/// when another has written: what it reads again comes out of the file as it is mapped, not through its own 2 MB.
async fn roomy(work: &mut Work) -> Result<(), RegistryError> {
    match work.backend() {
        Backend::Sqlite => {
            for setting in ["PRAGMA cache_size = -16384", "PRAGMA mmap_size = 1073741824"] {
                sqlx::query(setting).fetch_optional(work.connection()).await?;
            }
        }
        Backend::Postgres => {}
    }
    Ok(())
}

impl Run {
    /// Begins a chunk's transaction, unless another import has taken over.
    pub(super) async fn begin(&self, registry: &Registry) -> Result<Work, ImportError> {
        let mut work = registry.begin().await?;
        roomy(&mut work).await?;
        let row = sqlx::query("SELECT run FROM import_run WHERE one = 1").fetch_one(work.connection()).await?;
        if row.try_get::<i64, _>("run")? == self.number { Ok(work) } else { Err(ImportError::Superseded) }
    }

    /// Throws the notes away.
    pub(super) async fn end(&self, registry: &Registry) -> Result<(), RegistryError> {
        let mut work = registry.begin().await?;
        let query = sqlx::query("DELETE FROM import_lines WHERE run = $1").bind(self.number);
        query.execute(work.connection()).await?;
        work.commit().await
    }

    /// Notes of pupils, by the blind index of their codes.
    pub(super) async fn notes(
        &self,
        work: &mut Work,
        indexes: &[Vec<u8>],
    ) -> Result<BTreeMap<Vec<u8>, Note>, RegistryError> {
        let mut found = BTreeMap::new();
        for chunk in indexes.chunks(list::MOST - 1) {
            let places = list::places(2, chunk.len());
            let sql = format!(
                "SELECT code_index, line, action, sealed FROM import_lines WHERE run = $1 AND code_index IN ({places})"
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).bind(self.number);
            for index in chunk {
                query = query.bind(&index[..]);
            }
            for row in query.fetch_all(work.connection()).await? {
                let note = self.read(&row)?;
                found.insert(note.code_index.clone(), note);
            }
        }
        Ok(found)
    }

    /// Notes of what changes the registry, after a place, in the order of the blind index.
    pub(super) async fn changes(&self, work: &mut Work, after: &[u8]) -> Result<Vec<Note>, RegistryError> {
        let rows = sqlx::query(
            "SELECT code_index, line, action, sealed FROM import_lines WHERE run = $1 AND code_index > $2 \
             AND action NOT IN ('same', 'bad') ORDER BY code_index LIMIT $3",
        )
        .bind(self.number)
        .bind(after)
        .bind(super::CHUNK as i64)
        .fetch_all(work.connection())
        .await?;
        rows.iter().map(|row| self.read(row)).collect()
    }

    fn read(&self, row: &AnyRow) -> Result<Note, RegistryError> {
        let code_index: Vec<u8> = row.try_get("code_index")?;
        let sealed: Option<Vec<u8>> = row.try_get("sealed")?;
        let stored = RegistryError::Stored { column: "import_lines.sealed" };
        let after = match sealed {
            Some(sealed) => {
                let plain = self.key.open(SEALED, &code_index, &sealed)?;
                Some(serde_json::from_slice(&plain).map_err(|_| stored)?)
            }
            None => None,
        };
        let line = list::number(row.try_get("line")?, "import_lines.line")?;
        Ok(Note { code_index, line, action: Action::of(row.try_get("action")?)?, after })
    }

    /// Keeps notes, in the place of earlier ones of the same pupils.
    pub(super) async fn keep(&self, work: &mut Work, notes: &[Note]) -> Result<(), RegistryError> {
        for chunk in notes.chunks(list::MOST / COLUMNS) {
            let sql = format!(
                "INSERT INTO import_lines (run, code_index, line, action, sealed) VALUES {} \
                 ON CONFLICT (run, code_index) DO UPDATE SET line = excluded.line, action = excluded.action, \
                 sealed = excluded.sealed",
                list::rows(chunk.len(), COLUMNS)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for Note { code_index, line, action, after } in chunk {
                let sealed = after.as_ref().map(|after| {
                    let plain = serde_json::to_vec(after).expect("plain fields have a text");
                    self.key.seal(SEALED, code_index, &plain)
                });
                query = query.bind(self.number).bind(&code_index[..]).bind(i64::try_from(*line).unwrap_or(i64::MAX));
                query = query.bind(action.name()).bind(sealed);
            }
            query.execute(work.connection()).await?;
        }
        Ok(())
    }

    /// How many pupils each action is noted of.
    pub(super) async fn counts(&self, work: &mut Work) -> Result<BTreeMap<Action, u64>, RegistryError> {
        let sql = "SELECT action, COUNT(*) AS pupils FROM import_lines WHERE run = $1 GROUP BY action";
        let mut counts = BTreeMap::new();
        for row in sqlx::query(sql).bind(self.number).fetch_all(work.connection()).await? {
            counts.insert(Action::of(row.try_get("action")?)?, list::number(row.try_get("pupils")?, "import_lines")?);
        }
        Ok(counts)
    }
}

/// Enrolled pupils whom no line named.
const MISSING: &str = "FROM pupils WHERE pupils.standing = 'enrolled' AND NOT EXISTS (SELECT 1 FROM import_lines \
                       WHERE import_lines.run = $1 AND import_lines.code_index = pupils.register_index)";

impl Run {
    /// How many enrolled pupils no line named.
    pub(super) async fn missing(&self, work: &mut Work) -> Result<u64, RegistryError> {
        let query = AssertSqlSafe(format!("SELECT COUNT(*) AS pupils {MISSING}"));
        let row = sqlx::query(query).bind(self.number).fetch_one(work.connection()).await?;
        list::number(row.try_get("pupils")?, "pupils")
    }

    /// Enrolled pupils whom no line named, after one of them.
    pub(super) async fn missing_after(&self, work: &mut Work, after: &[u8]) -> Result<Vec<PersonId>, RegistryError> {
        let sql = format!("SELECT pupils.person {MISSING} AND pupils.person > $2 ORDER BY pupils.person LIMIT $3");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(self.number).bind(after).bind(super::CHUNK as i64);
        let rows = query.fetch_all(work.connection()).await?;
        rows.iter().map(|row| Ok(PersonId(list::id(row.try_get("person")?, "pupils.person")?))).collect()
    }
}
