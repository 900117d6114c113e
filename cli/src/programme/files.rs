//! Reading and writing the folder. CSV with a header line, JSON Lines for the calendar, TOML for the parameters.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::check::{Lines, check};
use super::{Action, Parameters, Programme, ProgrammeError};

/// What `programme.toml` says of itself.
pub const KIND: &str = "keis programme year, format 1";

pub(super) const PARAMETERS: &str = "programme.toml";
pub(super) const SCHOOLS: &str = "schools.csv";
pub(super) const PUPILS: &str = "pupils.csv";
pub(super) const PUPIL_CHANGES: &str = "pupil_changes.csv";
pub(super) const PROVIDERS: &str = "providers.csv";
pub(super) const SERVICES: &str = "services.csv";
pub(super) const SESSIONS: &str = "sessions.csv";
pub(super) const ORDERS: &str = "orders.csv";
pub(super) const CALENDAR: &str = "calendar.jsonl";

/// The files of the folder.
pub const FILES: [&str; 9] =
    [PARAMETERS, SCHOOLS, PUPILS, PUPIL_CHANGES, PROVIDERS, SERVICES, SESSIONS, ORDERS, CALENDAR];

impl Programme {
    /// Reads a folder and checks that it holds together.
    pub fn load(dir: &Path) -> Result<Self, ProgrammeError> {
        let (parameters, parameters_text) = read_parameters(dir)?;
        let (schools, school_lines) = read_csv(dir, SCHOOLS)?;
        let (pupils, pupil_lines) = read_csv(dir, PUPILS)?;
        let (pupil_changes, change_lines) = read_csv(dir, PUPIL_CHANGES)?;
        let (providers, provider_lines) = read_csv(dir, PROVIDERS)?;
        let (services, service_lines) = read_csv(dir, SERVICES)?;
        let (sessions, session_lines) = read_csv(dir, SESSIONS)?;
        let (orders, order_lines) = read_csv(dir, ORDERS)?;
        let (calendar, action_lines) = read_calendar(dir)?;
        let programme =
            Self { parameters, schools, pupils, pupil_changes, providers, services, sessions, orders, calendar };
        let lines = Lines {
            parameters: &parameters_text,
            schools: school_lines,
            pupils: pupil_lines,
            pupil_changes: change_lines,
            providers: provider_lines,
            services: service_lines,
            sessions: session_lines,
            orders: order_lines,
            calendar: action_lines,
        };
        check(&programme, &lines)?;
        Ok(programme)
    }

    /// Writes the folder's files; the folder must exist.
    ///
    /// `programme.toml` comes first: a folder whose writing was cut short is known as ours, and refused by
    /// [`Programme::load`] for its counts.
    pub fn write(&self, dir: &Path) -> Result<(), ProgrammeError> {
        write_file(dir, PARAMETERS, |out| {
            let text = toml::to_string(&self.parameters).map_err(io::Error::other)?;
            out.write_all(text.as_bytes())
        })?;
        write_csv(dir, SCHOOLS, &self.schools)?;
        write_csv(dir, PUPILS, &self.pupils)?;
        write_csv(dir, PUPIL_CHANGES, &self.pupil_changes)?;
        write_csv(dir, PROVIDERS, &self.providers)?;
        write_csv(dir, SERVICES, &self.services)?;
        write_csv(dir, SESSIONS, &self.sessions)?;
        write_csv(dir, ORDERS, &self.orders)?;
        write_file(dir, CALENDAR, |out| {
            for action in &self.calendar {
                serde_json::to_writer(&mut *out, action)?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })
    }
}

fn write_file(
    dir: &Path,
    name: &'static str,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), ProgrammeError> {
    let path = dir.join(name);
    let written = File::create(&path).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 16, file);
        fill(&mut out)?;
        out.flush()
    });
    written.map_err(|source| ProgrammeError::Write { path, source })
}

fn write_csv<T: Serialize>(dir: &Path, name: &'static str, records: &[T]) -> Result<(), ProgrammeError> {
    write_file(dir, name, |out| {
        let mut writer = csv::Writer::from_writer(out);
        for record in records {
            writer.serialize(record)?;
        }
        writer.flush()
    })
}

fn open(dir: &Path, name: &'static str) -> Result<BufReader<File>, ProgrammeError> {
    let path = dir.join(name);
    match File::open(&path) {
        Ok(file) => Ok(BufReader::with_capacity(1 << 16, file)),
        Err(source) => Err(ProgrammeError::Read { path, source }),
    }
}

fn read_parameters(dir: &Path) -> Result<(Parameters, String), ProgrammeError> {
    let path = dir.join(PARAMETERS);
    let text = fs::read_to_string(&path).map_err(|source| ProgrammeError::Read { path, source })?;
    let parameters: Parameters = toml::from_str(&text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        ProgrammeError::Malformed {
            file: PARAMETERS,
            line: 1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count() as u64,
            problem: error.message().to_owned(),
        }
    })?;
    Ok((parameters, text))
}

/// Records with the line on which each begins.
type Read<T> = (Vec<T>, Vec<u64>);

fn read_csv<T: DeserializeOwned>(dir: &Path, name: &'static str) -> Result<Read<T>, ProgrammeError> {
    let mut reader = csv::Reader::from_reader(open(dir, name)?);
    let malformed = |line: u64, headers: Option<&csv::StringRecord>, error: &csv::Error| ProgrammeError::Malformed {
        file: name,
        line: error.position().map_or(line, |position| position.line()),
        problem: describe(error, headers),
    };
    let headers = reader.headers().map_err(|error| malformed(1, None, &error))?.clone();
    let mut record = csv::StringRecord::new();
    let (mut records, mut lines) = (Vec::new(), Vec::new());
    loop {
        let line = reader.position().line();
        if !reader.read_record(&mut record).map_err(|error| malformed(line, Some(&headers), &error))? {
            return Ok((records, lines));
        }
        let line = record.position().map_or(line, |position| position.line());
        let parsed = record.deserialize(Some(&headers)).map_err(|error| malformed(line, Some(&headers), &error))?;
        records.push(parsed);
        lines.push(line);
    }
}

/// The reader's own text repeats the position, and names a field by its number only.
fn describe(error: &csv::Error, headers: Option<&csv::StringRecord>) -> String {
    if let csv::ErrorKind::Deserialize { err, .. } = error.kind() {
        let position = err.field().and_then(|field| usize::try_from(field).ok());
        return match position.and_then(|position| headers?.get(position)) {
            Some(column) => format!("{column}: {}", err.kind()),
            None => err.kind().to_string(),
        };
    }
    if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        return format!("has {len} columns, the header has {expected_len}");
    }
    if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) {
        return "is not UTF-8".to_owned();
    }
    error.to_string()
}

fn read_calendar(dir: &Path) -> Result<Read<Action>, ProgrammeError> {
    let mut reader = open(dir, CALENDAR)?;
    let (mut actions, mut lines) = (Vec::new(), Vec::new());
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        let length =
            reader.read_line(&mut text).map_err(|source| ProgrammeError::Read { path: dir.join(CALENDAR), source })?;
        if length == 0 {
            break;
        }
        if text.trim().is_empty() {
            continue;
        }
        let action = serde_json::from_str(&text).map_err(|error| ProgrammeError::Malformed {
            file: CALENDAR,
            line,
            // The parser counts lines within this one text.
            problem: error.to_string().replace(" at line 1 column", " at column"),
        })?;
        actions.push(action);
        lines.push(line);
    }
    Ok((actions, lines))
}
