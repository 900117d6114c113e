//! Extracts as text, and short names for what tests do with them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::SchoolId;
use keis_ledger::time::Timestamp;
use keis_registry::import::{
    ImportError, ImportReport, Kind, Options, import_providers, import_pupils, import_schools,
};
use keis_registry::outbox::{self, Pace};
use keis_registry::people::{self, Standing};
use keis_registry::{Actor, Page, Registry};

use crate::ledger::Ledger;

pub const SYSTEM: Actor = Actor::System("test");
pub const YEAR: Year = Year(2026);

/// No pause between attempts: tests do not wait.
pub const QUICK: Pace =
    Pace { in_flight: 16, first_wait: Duration::ZERO, longest_wait: Duration::ZERO, look: Duration::from_millis(1) };

/// A legal entity code from its first eight digits.
pub fn legal(stem: u32) -> String {
    let digits: Vec<u32> = stem.to_string().chars().map(|digit| digit.to_digit(10).unwrap()).collect();
    let weighed = |first: u32| (0..8).map(|at| ((first + at - 1) % 9 + 1) * digits[at as usize]).sum::<u32>() % 11;
    let check = match weighed(1) {
        10 => weighed(3) % 10,
        check => check,
    };
    format!("{stem}{check}")
}

/// Code of the school of a number.
pub fn school(number: u32) -> String {
    legal(19_000_000 + number)
}

/// A register code.
pub fn code(number: u32) -> String {
    format!("{}", 5_000_000_000_u64 + u64::from(number))
}

/// A pupil as an extract tells of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub given: String,
    pub family: String,
    pub school: u32,
    pub branch: u8,
    pub class: String,
    pub grade: u8,
}

impl Row {
    pub fn new(number: u32, school: u32, grade: u8) -> Self {
        Self {
            given: format!("Vardas{number}"),
            family: format!("Pavardė{number}"),
            school,
            branch: 0,
            class: format!("{grade}a"),
            grade,
        }
    }
}

/// Who is in the register, by the number of the code.
pub type People = BTreeMap<u32, Row>;

/// Pupils `numbers`, spread over two schools.
pub fn people(numbers: std::ops::Range<u32>) -> People {
    numbers.map(|number| (number, Row::new(number, number % 2, 5 + (number % 4) as u8))).collect()
}

pub const PUPILS: &str = "register_code,given_name,family_name,school_code,branch,place,class,joint_class,grade\n";
pub const CHANGES: &str = "at,kind,register_code,given_name,family_name,school_code,branch,place,class,joint_class,grade,\
                           booked_lines\n";

pub fn line(number: u32, row: &Row) -> String {
    let Row { given, family, school: of, branch, class, grade } = row;
    format!("{},{given},{family},{},{branch},LT-57,{class},,{grade}\n", code(number), school(*of))
}

/// A full extract.
pub fn extract(people: &People) -> String {
    people.iter().fold(PUPILS.to_owned(), |mut text, (number, row)| {
        text.push_str(&line(*number, row));
        text
    })
}

/// What changed, on the minute `at` of the year's second day.
#[derive(Debug, Clone)]
pub enum Changed {
    Arrived(u32, Row),
    Moved(u32, Row, bool),
    Left(u32),
}

pub fn delta(changes: &[(u32, Changed)]) -> String {
    let mut text = CHANGES.to_owned();
    for (minute, change) in changes {
        let at = format!("2026-01-02T{:02}:{:02}:00Z", minute / 60, minute % 60);
        match change {
            Changed::Arrived(number, row) => {
                let Row { given, family, school: of, branch, class, grade } = row;
                let (code, of) = (code(*number), school(*of));
                writeln!(text, "{at},arrived,{code},{given},{family},{of},{branch},LT-57,{class},,{grade},").unwrap();
            }
            Changed::Moved(number, row, release) => {
                let (code, of, Row { branch, class, grade, .. }) = (code(*number), school(row.school), row);
                let lines = if *release { "release" } else { "keep" };
                writeln!(text, "{at},moved,{code},,,{of},{branch},LT-57,{class},,{grade},{lines}").unwrap();
            }
            Changed::Left(number) => writeln!(text, "{at},left,{},,,,,,,,,", code(*number)).unwrap(),
        }
    }
    text
}

pub fn full() -> Options {
    Options::new(Kind::Full, YEAR, Timestamp(1))
}

pub fn changes() -> Options {
    Options::new(Kind::Delta, YEAR, Timestamp(1))
}

pub async fn import(
    registry: &Registry,
    text: impl AsRef<[u8]>,
    options: Options,
) -> Result<ImportReport, ImportError> {
    import_pupils(registry, &SYSTEM, text.as_ref(), options, &mut |_| {}).await
}

/// Two schools with a branch each.
pub async fn schools(registry: &Registry) {
    let text = format!(
        "school_code,name,place,branches\n{},Šilo gimnazija,LT-57,1\n{},Upės mokykla,LT-13,1\n",
        school(0),
        school(1)
    );
    let report = import_schools(registry, &SYSTEM, text.as_bytes(), false, &mut |_| {}).await.unwrap();
    assert_eq!((report.lines, report.bad), (2, 0), "{:?}", report.bad_lines);
}

pub fn providers_text() -> String {
    let (one, other) = (legal(30_000_000), legal(30_000_001));
    format!(
        "provider_code,kind,name,place,vat_status,controlling_code\n{one},legal,Lėlių teatras,LT-57,registered,{other}\n\
         1234567,natural,Ignas Naturalis,LT-13,not_registered,\n"
    )
}

pub async fn providers(registry: &Registry) -> ImportReport {
    import_providers(registry, &SYSTEM, providers_text().as_bytes(), false, &mut |_| {}).await.unwrap()
}

pub async fn school_id(registry: &Registry, number: u32) -> SchoolId {
    registry.school_by_code(&school(number)).await.unwrap().unwrap().id
}

/// Works the outbox off as far as it goes: rows go out side by side, and one may come too early for another.
pub async fn work_off(registry: &Registry, ledger: &Ledger) {
    while outbox::work_off(registry, ledger, QUICK).await.unwrap().over > 0 {}
}

/// Everything that is enrolled in the registry, as an extract would tell it.
pub async fn enrolled(registry: &Registry, numbers: std::ops::Range<u32>) -> People {
    let codes: Vec<String> = numbers.clone().map(code).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let mut reader = registry.reader().await.unwrap();
    let stored = people::stored(&mut reader, registry.vault(), &codes).await.unwrap();
    drop(reader);
    let ids = [school_id(registry, 0).await, school_id(registry, 1).await];
    let mut all = People::new();
    for number in numbers {
        let Some(pupil) = stored.get(&code(number)).filter(|pupil| pupil.standing == Standing::Enrolled) else {
            continue;
        };
        let facts = pupil.facts.clone();
        let school = ids.iter().position(|id| *id == facts.school).unwrap() as u32;
        let row = Row {
            given: facts.given_name,
            family: facts.family_name,
            school,
            branch: facts.branch,
            class: facts.class,
            grade: facts.grade,
        };
        all.insert(number, row);
    }
    all
}

/// What the registry holds, apart from its log and from notes of imports: to see that nothing changed.
pub async fn contents(registry: &Registry) -> String {
    use sqlx::{AssertSqlSafe, Row as _};
    let mut text = String::new();
    let tables = [
        ("pupils", "person", "school, standing, class, given_name_sealed, since, generation, known_at"),
        ("wallets", "wallet_index", "person, school, grade, state, pending, latest"),
        ("person_keys", "person", "wrapped"),
        ("outbox", "id", "operation, state"),
        ("schools", "id", "name, opened, open_row"),
        ("providers", "id", "place, opened, open_row"),
    ];
    let mut reader = registry.reader().await.unwrap();
    for (table, order, columns) in tables {
        let sql = format!("SELECT {order}, {columns} FROM {table} ORDER BY {order}");
        for row in sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *reader).await.unwrap() {
            write!(text, "{table}").unwrap();
            for column in 0..row.len() {
                let shown = row
                    .try_get::<Option<String>, _>(column)
                    .map(|text| text.unwrap_or_default())
                    .or_else(|_| row.try_get::<Option<i64>, _>(column).map(|number| format!("{number:?}")))
                    .or_else(|_| {
                        row.try_get::<Option<Vec<u8>>, _>(column).map(|bytes| hex::encode(bytes.unwrap_or_default()))
                    })
                    .unwrap();
                write!(text, "|{shown}").unwrap();
            }
            text.push('\n');
        }
    }
    text
}

/// Rows of the outbox by purpose and state.
pub async fn rows(registry: &Registry) -> BTreeMap<(String, String), u64> {
    let mut counts = BTreeMap::new();
    let mut page = Page::first(Page::MOST);
    loop {
        let listed = outbox::list(registry, None, &page).await.unwrap();
        for row in listed.items {
            *counts.entry((row.purpose, row.state.to_string())).or_default() += 1;
        }
        let Some(next) = listed.next else { return counts };
        page.after = Some(next);
    }
}

/// A future that is given up after so many polls, as a process that is killed. None when it was.
pub async fn killed_after<T>(polls: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
