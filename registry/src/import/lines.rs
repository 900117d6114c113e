//! Lines of an extract: comma-separated, with a header line, UTF-8. A line that cannot be read spoils no other.
//!
//! A record of these files never spans lines, so a quote that is left open ends with its line, and lines have a bound.

use std::io::{BufRead, BufReader, Read};

use super::{ImportError, Problem};

/// Longest line, in bytes.
const LONGEST: usize = 16 * 1024;

/// What stands on one line.
pub(super) struct Line {
    /// Its number; the header is line 1.
    pub(super) number: u64,
    /// Its fields, in the order of the columns that were asked for.
    pub(super) fields: Vec<String>,
    /// Why it cannot be used; the fields are what could be read all the same.
    pub(super) problem: Option<Problem>,
}

/// An extract that is being read.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    number: u64,
    order: Vec<usize>,
    buffer: Vec<u8>,
}

impl<R: Read> Lines<R> {
    /// Reads the header. `columns` must all be there, in any order, and no other.
    pub(super) fn open(reader: R, columns: &[&'static str]) -> Result<Self, ImportError> {
        let mut lines = Self {
            reader: BufReader::with_capacity(1 << 16, reader),
            number: 0,
            order: Vec::new(),
            buffer: Vec::new(),
        };
        if !lines.read_line()? {
            return Err(ImportError::Empty);
        }
        let mark = [0xEF, 0xBB, 0xBF];
        if lines.buffer.starts_with(&mark) {
            lines.buffer.drain(..mark.len());
        }
        if lines.buffer.starts_with(&[0xFF, 0xFE]) || lines.buffer.starts_with(&[0xFE, 0xFF]) {
            return Err(ImportError::Encoding);
        }
        let text = std::str::from_utf8(&lines.buffer).map_err(|_| ImportError::Encoding)?;
        let names = split(text)
            .map_err(|_| ImportError::Header { missing: list(columns), unknown: "a broken quote".into() })?;
        lines.order = order(columns, &names)?;
        Ok(lines)
    }

    /// Fills the buffer with the next line, without its end. A line beyond the bound is cut there and read over.
    fn read_line(&mut self) -> Result<bool, ImportError> {
        self.buffer.clear();
        let most = LONGEST as u64 + 1;
        let read = (&mut self.reader).take(most).read_until(b'\n', &mut self.buffer).map_err(ImportError::Read)?;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        if self.buffer.last() != Some(&b'\n') && read as u64 == most {
            self.skip_line()?;
            return Ok(true);
        }
        for end in [b'\n', b'\r'] {
            if self.buffer.last() == Some(&end) {
                self.buffer.pop();
            }
        }
        Ok(true)
    }

    fn skip_line(&mut self) -> Result<(), ImportError> {
        loop {
            let waiting = self.reader.fill_buf().map_err(ImportError::Read)?;
            if waiting.is_empty() {
                return Ok(());
            }
            let end = waiting.iter().position(|byte| *byte == b'\n');
            let used = end.map_or(waiting.len(), |end| end + 1);
            self.reader.consume(used);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// The next line that is not empty.
    pub(super) fn next(&mut self) -> Result<Option<Line>, ImportError> {
        loop {
            if !self.read_line()? {
                return Ok(None);
            }
            if !self.buffer.is_empty() {
                return Ok(Some(self.line()));
            }
        }
    }

    /// At most `most` lines.
    pub(super) fn chunk(&mut self, most: usize) -> Result<Vec<Line>, ImportError> {
        let mut lines = Vec::new();
        while lines.len() < most {
            let Some(line) = self.next()? else { break };
            lines.push(line);
        }
        Ok(lines)
    }

    fn line(&self) -> Line {
        let bad = |fields, problem| Line { number: self.number, fields, problem: Some(problem) };
        if self.buffer.len() > LONGEST {
            return bad(Vec::new(), Problem::Long);
        }
        let text = String::from_utf8_lossy(&self.buffer);
        let Ok(fields) = split(&text) else { return bad(Vec::new(), Problem::Quote) };
        if fields.len() != self.order.len() {
            let problem = Problem::Columns { found: fields.len(), wanted: self.order.len() };
            return bad(Vec::new(), problem);
        }
        let fields = self.order.iter().map(|column| fields[*column].clone()).collect();
        match text {
            std::borrow::Cow::Borrowed(_) => Line { number: self.number, fields, problem: None },
            std::borrow::Cow::Owned(_) => bad(fields, Problem::Encoding),
        }
    }
}

fn list(columns: &[&'static str]) -> String {
    columns.join(", ")
}

/// Where each column that is wanted stands.
fn order(columns: &[&'static str], names: &[String]) -> Result<Vec<usize>, ImportError> {
    if names.len() == 1 && columns.len() > 1 && names[0].contains([';', '\t']) {
        return Err(ImportError::Separator);
    }
    let at = |column: &&str| names.iter().position(|name| name == column);
    let missing: Vec<&'static str> = columns.iter().filter(|column| at(column).is_none()).copied().collect();
    let unknown = names.iter().filter(|name| !columns.contains(&name.as_str())).count();
    if !missing.is_empty() || names.len() != columns.len() {
        // A header without names may be a line with names of persons: its text is never repeated.
        return Err(ImportError::Header { missing: list(&missing), unknown: format!("{unknown}") });
    }
    Ok(columns.iter().filter_map(at).collect())
}

/// A quote is not closed.
struct Unclosed;

/// The fields of a line.
fn split(text: &str) -> Result<Vec<String>, Unclosed> {
    if !text.contains('"') {
        return Ok(text.split(',').map(str::to_owned).collect());
    }
    // The reader takes a quote that is left open as closed by the end.
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err(Unclosed);
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let record = reader.records().next().and_then(Result::ok).ok_or(Unclosed)?;
    Ok(record.iter().map(str::to_owned).collect())
}
