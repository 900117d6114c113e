//! Reading an extract and comparing it with the registry, chunk by chunk. Changes nothing but notes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use keis_ledger::time::Timestamp;
use sqlx::{AssertSqlSafe, Row};

use super::fields::{CHANGES, Enrolment, Fields, PUPILS, Schools};
use super::lines::{Line, Lines};
use super::notes::{Action, After, Note, Run};
use super::problem::Problem;
use super::{CHUNK, ImportError, ImportReport, Kind, Options, Phase, Progress};
use crate::database::{Registry, Work, list};
use crate::error::RegistryError;
use crate::ids::PersonId;
use crate::people::{self, PupilFacts, Standing, StoredPupil};
use crate::vault::Field;

const REGISTER_INDEX: Field = Field::of("pupils", "register_index");

/// Reads the whole extract and says what it would bring.
pub(super) async fn read(
    registry: &Registry,
    run: &Run,
    reader: impl Read + Send,
    options: &Options,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<ImportReport, ImportError> {
    let columns: &'static [&'static str] = match options.kind {
        Kind::Full => &PUPILS,
        Kind::Delta => &CHANGES,
    };
    let mut lines = Lines::open(reader, columns)?;
    let schools = Schools::load(&mut *registry.reader().await?).await?;
    let mut report = ImportReport::default();
    let mut unread = 0;
    loop {
        let chunk = lines.chunk(CHUNK)?;
        if chunk.is_empty() {
            break;
        }
        report.lines += chunk.len() as u64;
        let mut work = run.begin(registry).await?;
        let mut stage = Stage { columns, schools: &schools, report: &mut report, unread: &mut unread };
        stage.chunk(&mut work, run, &chunk, options.kind).await?;
        work.commit().await?;
        progress(Progress { phase: Phase::Reading, done: report.lines, of: None });
    }
    let mut work = run.begin(registry).await?;
    count(&mut work, run, options, &mut report, unread).await?;
    work.commit().await?;
    Ok(report)
}

/// Fills the report with what the notes come to, and judges whether too many would leave.
async fn count(
    work: &mut Work,
    run: &Run,
    options: &Options,
    report: &mut ImportReport,
    unread: u64,
) -> Result<(), ImportError> {
    let counts = run.counts(work).await?;
    let of = |action| counts.get(&action).copied().unwrap_or(0);
    report.arrived = of(Action::Arrive);
    report.returned = of(Action::Return);
    report.moved = of(Action::Move);
    report.changed = of(Action::Change);
    report.left = of(Action::Leave);
    report.unchanged = of(Action::Same);
    match options.kind {
        Kind::Delta => return Ok(()),
        Kind::Full => {}
    }
    let missing = run.missing(work).await?;
    let enrolled = people::enrolled(work.connection()).await?;
    let most = options.most_leaving;
    if !options.allow_mass_leaving && u128::from(missing) * 100 > u128::from(enrolled) * u128::from(most) {
        return Err(ImportError::MassLeaving { left: missing, enrolled, most });
    }
    if unread > 0 && !options.leave_despite_unread {
        report.kept = missing;
    } else {
        report.left = missing;
    }
    Ok(())
}

/// What the pupils of a chunk are in the registry and by the extract's earlier lines.
struct Known {
    stored: BTreeMap<String, StoredPupil>,
    known_at: BTreeMap<PersonId, u64>,
    notes: BTreeMap<Vec<u8>, Note>,
}

struct Stage<'a> {
    columns: &'static [&'static str],
    schools: &'a Schools,
    report: &'a mut ImportReport,
    /// Bad lines of which nobody can tell whose they are.
    unread: &'a mut u64,
}

impl Stage<'_> {
    async fn chunk(&mut self, work: &mut Work, run: &Run, lines: &[Line], kind: Kind) -> Result<(), RegistryError> {
        let vault = work.vault();
        let mut codes = BTreeMap::new();
        for line in lines {
            if let Ok(code) = self.fields(line).register_code() {
                let index = vault.index(REGISTER_INDEX, &code);
                codes.insert(code, index);
            }
        }
        let mut known = self.known(work, run, &codes, kind).await?;
        let mut touched = BTreeSet::new();
        for line in lines {
            let Ok(code) = self.fields(line).register_code() else {
                *self.unread += 1;
                self.report.bad(line.number, line.problem.clone().unwrap_or(Problem::RegisterCode));
                continue;
            };
            let index = codes.get(&code).expect("the codes of all lines were collected above");
            let note = match kind {
                Kind::Full => self.full(line, &code, index, &known),
                Kind::Delta => self.delta(line, &code, index, &known),
            };
            if let Some(note) = note {
                touched.insert(index.clone());
                known.notes.insert(index.clone(), note);
            }
        }
        let notes: Vec<Note> = touched.iter().filter_map(|index| known.notes.remove(index)).collect();
        run.keep(work, &notes).await
    }

    fn fields<'l>(&self, line: &'l Line) -> Fields<'l> {
        Fields { columns: self.columns, values: &line.fields }
    }

    async fn known(
        &self,
        work: &mut Work,
        run: &Run,
        codes: &BTreeMap<String, Vec<u8>>,
        kind: Kind,
    ) -> Result<Known, RegistryError> {
        let vault = work.vault();
        let names: Vec<&str> = codes.keys().map(String::as_str).collect();
        let stored = people::stored(work.connection(), &vault, &names).await?;
        let indexes: Vec<Vec<u8>> = codes.values().cloned().collect();
        let notes = run.notes(work, &indexes).await?;
        let known_at = match kind {
            Kind::Full => BTreeMap::new(),
            Kind::Delta => known_at(work, stored.values().map(|pupil| pupil.person)).await?,
        };
        Ok(Known { stored, known_at, notes })
    }

    /// A line of a full extract.
    fn full(&mut self, line: &Line, code: &str, index: &[u8], known: &Known) -> Option<Note> {
        let code_index = index.to_vec();
        if let Some(earlier) = known.notes.get(index) {
            self.report.bad(line.number, Problem::PupilTwice { earlier: earlier.line });
            return None;
        }
        let facts = match line.problem.clone().map_or_else(|| self.fields(line).pupil(self.schools), Err) {
            Ok(facts) => facts,
            Err(problem) => {
                self.report.bad(line.number, problem);
                return Some(Note { code_index, line: line.number, action: Action::Bad, after: None });
            }
        };
        let stored = known.stored.get(code);
        let after =
            After { person: stored.map(|stored| stored.person), facts, enrolled: true, release: false, known_at: 0 };
        let action = compare(stored, &after);
        let after = (action != Action::Same).then_some(after);
        Some(Note { code_index, line: line.number, action, after })
    }

    /// A line of a delta, on top of earlier lines of the same pupil.
    fn delta(&mut self, line: &Line, code: &str, index: &[u8], known: &Known) -> Option<Note> {
        let stored = known.stored.get(code);
        let before = known.notes.get(index).and_then(|note| note.after.clone()).or_else(|| {
            stored.map(|stored| After {
                person: Some(stored.person),
                facts: stored.facts.clone(),
                enrolled: stored.standing == Standing::Enrolled,
                release: false,
                known_at: known.known_at.get(&stored.person).copied().unwrap_or(0),
            })
        });
        let changed = line.problem.clone().map_or_else(|| self.changed(line, before), Err);
        match changed {
            Ok(Some(after)) => {
                let action = compare(stored, &after);
                Some(Note { code_index: index.to_vec(), line: line.number, action, after: Some(after) })
            }
            Ok(None) => {
                self.report.outdated += 1;
                None
            }
            Err(problem) => {
                self.report.bad(line.number, problem);
                None
            }
        }
    }

    /// A pupil after a change; none when the change is older than what is known.
    fn changed(&self, line: &Line, before: Option<After>) -> Result<Option<After>, Problem> {
        let fields = self.fields(line);
        let Timestamp(at) = fields.instant()?;
        let kind = fields.text("kind");
        let after = match (kind, before) {
            ("arrived" | "moved" | "left", Some(before)) if at < before.known_at => return Ok(None),
            ("arrived", before) => {
                let facts = fields.pupil(self.schools)?;
                let person = before.and_then(|before| before.person);
                After { person, facts, enrolled: true, release: false, known_at: at }
            }
            ("moved", Some(before)) if before.enrolled => {
                let Enrolment { school, branch, class, joint_class, grade } = fields.enrolment(self.schools)?;
                let release = before.release || released(&fields)?;
                let facts = PupilFacts { school, branch, class, joint_class, grade, ..before.facts };
                After { facts, release, known_at: at, ..before }
            }
            ("left", Some(before)) => After { enrolled: false, known_at: at, ..before },
            ("moved" | "left", _) => return Err(Problem::NotEnrolled),
            _ => return Err(Problem::Word { column: "kind", words: "arrived, moved or left" }),
        };
        Ok(Some(after))
    }
}

fn released(fields: &Fields<'_>) -> Result<bool, Problem> {
    match fields.text("booked_lines") {
        "release" => Ok(true),
        "keep" => Ok(false),
        _ => Err(Problem::Word { column: "booked_lines", words: "keep or release" }),
    }
}

fn compare(stored: Option<&StoredPupil>, after: &After) -> Action {
    let Some(stored) = stored else {
        return if after.enrolled { Action::Arrive } else { Action::Same };
    };
    match (stored.standing, after.enrolled) {
        (Standing::Enrolled, false) => Action::Leave,
        (Standing::Left | Standing::Erased, true) => Action::Return,
        (Standing::Left | Standing::Erased, false) => Action::Same,
        (Standing::Enrolled, true) => {
            let place = |facts: &PupilFacts| (facts.school, facts.grade);
            if place(&stored.facts) != place(&after.facts) {
                Action::Move
            } else if stored.facts != after.facts {
                Action::Change
            } else {
                Action::Same
            }
        }
    }
}

/// When the register learned of the latest change of pupils.
async fn known_at(
    work: &mut Work,
    persons: impl Iterator<Item = PersonId>,
) -> Result<BTreeMap<PersonId, u64>, RegistryError> {
    let persons: Vec<PersonId> = persons.collect();
    let mut known = BTreeMap::new();
    for chunk in persons.chunks(list::MOST) {
        let sql = format!("SELECT person, known_at FROM pupils WHERE person IN ({})", list::places(1, chunk.len()));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for person in chunk {
            query = query.bind(&person.0[..]);
        }
        for row in query.fetch_all(work.connection()).await? {
            let person = PersonId(list::id(row.try_get("person")?, "pupils.person")?);
            known.insert(person, list::number(row.try_get("known_at")?, "pupils.known_at")?);
        }
    }
    Ok(known)
}
