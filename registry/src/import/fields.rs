//! Fields of the extracts' lines, checked. What is wrong is said by the column's name, never by the value: values name persons.

use std::collections::BTreeMap;
use std::str::FromStr;

use keis_ledger::classifiers::Place;
use keis_ledger::ids::SchoolId;
use keis_ledger::time::Timestamp;
use sqlx::{AnyConnection, Row};

use super::problem::Problem;
use crate::database::list;
use crate::error::RegistryError;
use crate::people::PupilFacts;

/// Columns of `pupils.csv`.
pub(super) const PUPILS: [&str; 9] =
    ["register_code", "given_name", "family_name", "school_code", "branch", "place", "class", "joint_class", "grade"];

/// Columns of `pupil_changes.csv`.
pub(super) const CHANGES: [&str; 12] = [
    "at",
    "kind",
    "register_code",
    "given_name",
    "family_name",
    "school_code",
    "branch",
    "place",
    "class",
    "joint_class",
    "grade",
    "booked_lines",
];

/// Longest name of a person, body or class, in characters.
const LONGEST_NAME: usize = 200;
const LONGEST_CLASS: usize = 16;

/// Schools by their codes, as lines name them.
pub(super) struct Schools(BTreeMap<String, (SchoolId, u8)>);

impl Schools {
    pub(super) async fn load(connection: &mut AnyConnection) -> Result<Self, RegistryError> {
        let rows = sqlx::query("SELECT code, id, branches FROM schools").fetch_all(connection).await?;
        let school = |row: &sqlx::any::AnyRow| -> Result<(String, (SchoolId, u8)), RegistryError> {
            let id = SchoolId(list::id(row.try_get("id")?, "schools.id")?);
            Ok((row.try_get("code")?, (id, list::number(row.try_get("branches")?, "schools.branches")?)))
        };
        rows.iter().map(school).collect::<Result<_, _>>().map(Self)
    }
}

/// The fields of a line with the names of their columns.
pub(super) struct Fields<'a> {
    pub(super) columns: &'static [&'static str],
    pub(super) values: &'a [String],
}

impl Fields<'_> {
    /// The text of a column.
    ///
    /// # Panics
    /// When the file has no such column: a fault of the caller.
    pub(super) fn text(&self, column: &'static str) -> &str {
        let at = self.columns.iter().position(|name| *name == column).expect("the column is one of the file's");
        self.values.get(at).map_or("", |value| value.trim())
    }

    /// A text, if there is one.
    pub(super) fn some(&self, column: &'static str) -> Option<&str> {
        Some(self.text(column)).filter(|text| !text.is_empty())
    }

    fn parsed<T: FromStr>(&self, column: &'static str, problem: Problem) -> Result<T, Problem> {
        let text = self.text(column);
        let plain = !text.starts_with('+');
        text.parse().ok().filter(|_| plain).ok_or(problem)
    }

    /// The code of a pupil: ten digits, the first not zero.
    pub(super) fn register_code(&self) -> Result<String, Problem> {
        let text = self.text("register_code");
        let sound = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        if sound { Ok(text.to_owned()) } else { Err(Problem::RegisterCode) }
    }

    /// A name of a person or body.
    pub(super) fn name(&self, column: &'static str) -> Result<String, Problem> {
        let text = self.text(column);
        if text.is_empty() {
            return Err(Problem::Empty { column });
        }
        if text.chars().count() > LONGEST_NAME || text.chars().any(char::is_control) {
            return Err(Problem::Name { column });
        }
        Ok(text.to_owned())
    }

    /// A number.
    pub(super) fn number(&self, column: &'static str) -> Result<u8, Problem> {
        self.parsed(column, Problem::Number { column })
    }

    /// A place.
    pub(super) fn place(&self) -> Result<Place, Problem> {
        self.parsed("place", Problem::Place)
    }

    /// An instant.
    pub(super) fn instant(&self) -> Result<Timestamp, Problem> {
        let instant: jiff::Timestamp = self.text("at").parse().map_err(|_| Problem::Instant)?;
        u64::try_from(instant.as_millisecond()).map(Timestamp).map_err(|_| Problem::Instant)
    }

    /// A code of a legal entity: nine digits, the last a check digit.
    pub(super) fn legal_code(&self, column: &'static str) -> Result<String, Problem> {
        let text = self.text(column);
        let sound = is_legal_code(text);
        if sound { Ok(text.to_owned()) } else { Err(Problem::LegalCode { column }) }
    }

    fn class(&self, column: &'static str) -> Result<Option<String>, Problem> {
        let Some(text) = self.some(column) else { return Ok(None) };
        if text.chars().count() > LONGEST_CLASS || text.chars().any(char::is_control) {
            return Err(Problem::Class { column });
        }
        Ok(Some(text.to_owned()))
    }

    fn grade(&self) -> Result<u8, Problem> {
        self.number("grade").ok().filter(|grade| (1..=12).contains(grade)).ok_or(Problem::Grade)
    }

    /// Where a pupil is now.
    pub(super) fn enrolment(&self, schools: &Schools) -> Result<Enrolment, Problem> {
        let code = self.legal_code("school_code")?;
        let (school, branches) = *schools.0.get(&code).ok_or(Problem::School)?;
        let branch = self.number("branch")?;
        if branch > branches {
            return Err(Problem::Branch { branches });
        }
        self.place()?;
        let class = self.class("class")?.ok_or(Problem::Empty { column: "class" })?;
        Ok(Enrolment { school, branch, class, joint_class: self.class("joint_class")?, grade: self.grade()? })
    }

    /// All of a pupil.
    pub(super) fn pupil(&self, schools: &Schools) -> Result<PupilFacts, Problem> {
        let register_code = self.register_code()?;
        let (given_name, family_name) = (self.name("given_name")?, self.name("family_name")?);
        let Enrolment { school, branch, class, joint_class, grade } = self.enrolment(schools)?;
        Ok(PupilFacts { register_code, given_name, family_name, school, branch, class, joint_class, grade })
    }
}

/// Where a pupil learns.
pub(super) struct Enrolment {
    pub(super) school: SchoolId,
    pub(super) branch: u8,
    pub(super) class: String,
    pub(super) joint_class: Option<String>,
    pub(super) grade: u8,
}

/// Whether a text is nine digits of which the last checks the others: weights 1 to 8; when that leaves ten, 3 to 9 and 1; when that
/// leaves ten too, zero.
fn is_legal_code(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|digit| digit.to_digit(10)).collect();
    if text.len() != 9 || digits.len() != 9 || digits[0] == 0 {
        return false;
    }
    let weighted = |first: u32| {
        (first..).zip(&digits[..8]).map(|(weight, digit)| ((weight - 1) % 9 + 1) * digit).sum::<u32>() % 11
    };
    let check = match weighted(1) {
        10 => weighted(3) % 10,
        rest => rest,
    };
    check == digits[8]
}
