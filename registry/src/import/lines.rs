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
        let broken = |_| ImportError::Header { missing: list(columns), unknown: "a broken quote or line end".into() };
        let names = split(text).map_err(broken)?;
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
        let fields = match split(&text) {
            Ok(fields) => fields,
            Err(problem) => return bad(Vec::new(), problem),
        };
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

/// The fields of a line.
fn split(text: &str) -> Result<Vec<String>, Problem> {
    if !text.contains('"') {
        return Ok(text.split(',').map(str::to_owned).collect());
    }
    // The reader takes a quote that is left open as closed by the end.
    if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1 {
        return Err(Problem::Quote);
    }
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let mut records = reader.records();
    let record = records.next().and_then(Result::ok).ok_or(Problem::Quote)?;
    // To the reader a carriage return alone ends a line, too: what comes after it would be lost.
    if records.next().is_some() {
        return Err(Problem::LineEnd);
    }
    Ok(record.iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COLUMNS: [&str; 3] = ["one", "two", "three"];

    fn all(bytes: &[u8]) -> Result<Vec<Line>, ImportError> {
        Lines::open(bytes, &COLUMNS)?.chunk(usize::MAX)
    }

    /// What bytes of strangers are made of, so that more of it looks like an extract than chance would give.
    fn hostile() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"one,two,three\n".to_vec()),
            Just(b"\"".to_vec()),
            Just(b",".to_vec()),
            Just(b"\r".to_vec()),
            Just(b"\n".to_vec()),
            Just(vec![0xEF, 0xBB, 0xBF]),
            Just(vec![b'x'; LONGEST]),
            proptest::collection::vec(any::<u8>(), 0..8),
        ];
        let pieces = proptest::collection::vec(piece, 0..30);
        (any::<bool>(), pieces).prop_map(|(has_header, pieces)| {
            let header: &[u8] = if has_header { b"three,\"one\",two\n" } else { b"" };
            [header, &pieces.concat()].concat()
        })
    }

    #[test]
    fn what_a_carriage_return_hides_is_told() {
        let lines = all(b"one,two,three\n\"1\",2,3\r4,5,6\n1,2,3\n").expect("the header is sound");
        assert_eq!(lines[0].problem, Some(Problem::LineEnd));
        assert_eq!(lines[1].problem, None);
        let header = all(b"\"one\",\"two\",\"three\"\r\"1\",\"2\",\"3\"\r").err();
        assert!(matches!(header, Some(ImportError::Header { .. })), "a whole extract is no header: {header:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_lines_or_told(bytes in hostile()) {
            let Ok(lines) = all(&bytes) else { return Ok(()) };
            prop_assert!(lines.is_sorted_by(|before, after| before.number < after.number));
            prop_assert!(lines.iter().all(|line| line.number > 1));
            for line in lines.iter().filter(|line| line.problem.is_none()) {
                prop_assert_eq!(line.fields.len(), COLUMNS.len());
                prop_assert!(line.fields.iter().map(String::len).sum::<usize>() <= LONGEST);
            }
        }

        #[test]
        fn whatever_stands_in_quotes_is_read(fields in proptest::collection::vec("[^\n]{0,20}", 3)) {
            let quoted: Vec<String> = fields.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect();
            let lines = all(format!("one,two,three\n{}\n", quoted.join(",")).as_bytes()).expect("the header is sound");
            prop_assert_eq!((&lines[0].problem, &lines[0].fields), (&None, &fields));
        }
    }
}
