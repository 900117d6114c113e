//! The bank's or treasury's table of executed payments, read line by line. Knows no ledger: what a line says, and what about it
//! cannot be read.

use jiff::civil::Date;
use keis_ledger::ids::StatementId;
use keis_ledger::money::Cents;

use super::pay::mark;
use crate::office::forms::money;

/// Longest file.
pub(super) const MOST_BYTES: usize = 1024 * 1024;
/// Most lines of a file.
pub(super) const MOST_LINES: usize = 5_000;
/// Longest cell that is kept as it was sent.
const LONGEST_CELL: usize = 200;

/// A file of payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BankFile {
    pub(super) lines: Vec<Line>,
}

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Its number in the file.
    pub(super) number: u64,
    /// Its cells as they were sent, shortened: reference, amount, day, the bank's number.
    pub(super) cells: [String; 4],
    /// What it says; the key of the sentence otherwise that tells what is wrong.
    pub(super) said: Result<Said, &'static str>,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) statement: StatementId,
    /// Which payment of the statement it was ordered as, if the line tells.
    pub(super) order: Option<u16>,
    pub(super) amount: Cents,
    pub(super) day: Date,
    pub(super) bank: String,
}

/// Names of the columns, in small letters: of the list that is downloaded here, and those of banks.
const COLUMNS: [&[&str]; 4] = [
    &["reference", "end_to_end_id", "endtoendid", "end-to-end id", "payment reference", "mokėjimo nuoroda", "nuoroda"],
    &["amount", "suma"],
    &["booking_day", "booking day", "date", "day", "data", "įrašymo diena", "diena"],
    &[
        "bank_reference",
        "bank reference",
        "bank’s payment number",
        "mokėjimo numeris banke",
        "banko nuoroda",
        "dokumento nr.",
    ],
];

/// The end-to-end reference of a statement's payment with this number, counted from 1: at most 35 letters, all of them such as
/// SEPA takes.
pub(super) fn reference(statement: StatementId, order: usize) -> String {
    let id = statement.to_string();
    format!("{}-{order:02}", id.split_once('_').map_or(id.as_str(), |(_, digits)| digits))
}

/// Statement and number of an end-to-end reference, or a statement by its id alone.
fn target(text: &str) -> Option<(StatementId, Option<u16>)> {
    let text = text.trim().to_ascii_lowercase();
    let (id, order) = match text.split_once('-') {
        Some((id, order)) if (1..=4).contains(&order.len()) && order.bytes().all(|byte| byte.is_ascii_digit()) => {
            (id, Some(order.parse().ok()?))
        }
        Some(_) => return None,
        None => (text.as_str(), None),
    };
    let digits = id.strip_prefix("stm_").unwrap_or(id);
    Some((format!("stm_{digits}").parse().ok()?, order))
}

/// A day as banks write it: `2026-03-05`, `2026.03.05`, `2026/03/05` or `20260305`.
fn day(text: &str) -> Option<Date> {
    let digits: String = text.trim().chars().filter(|letter| !matches!(letter, '-' | '.' | '/')).collect();
    if digits.len() != 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Date::new(digits[..4].parse().ok()?, digits[4..6].parse().ok()?, digits[6..].parse().ok()?).ok()
}

/// Reads a file.
///
/// # Errors
/// The key of the sentence that says why nothing of it can be read.
pub(super) fn read(bytes: &[u8]) -> Result<BankFile, &'static str> {
    if bytes.len() > MOST_BYTES {
        return Err("books-file-long");
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or("books-file-not-text")?;
    let head = text.lines().next().filter(|head| !head.trim().is_empty()).ok_or("books-file-empty")?;
    let count = |wanted: char| head.chars().filter(|letter| *letter == wanted).count();
    let delimiter = if count(';') >= count(',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(text.as_bytes());
    let heads = reader.headers().map_err(|_| "books-file-columns")?.clone();
    let places = places(&heads).ok_or("books-file-columns")?;
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| "books-file-columns")?;
        if lines.len() == MOST_LINES {
            return Err("books-file-many");
        }
        let cells = places.map(|place| record.get(place).unwrap_or_default().trim());
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let number = record.position().map_or(0, csv::Position::line);
        lines.push(Line::of(number, cells.map(|cell| cell.chars().take(LONGEST_CELL).collect())));
    }
    if lines.is_empty() { Err("books-file-empty") } else { Ok(BankFile { lines }) }
}

impl Line {
    /// A line by its cells; one that had to be shortened says nothing.
    fn of(number: u64, cells: [String; 4]) -> Self {
        let is_long = cells.iter().any(|cell| cell.chars().count() >= LONGEST_CELL);
        let said = if is_long { Err("books-line-long") } else { said(cells.each_ref().map(String::as_str)) };
        Self { number, cells, said }
    }
}

impl BankFile {
    /// What is kept while an officer works on it: the cells that are read, and nothing else of the file.
    pub(super) fn kept(&self) -> Result<Vec<u8>, serde_json::Error> {
        let lines: Vec<(u64, &[String; 4])> = self.lines.iter().map(|line| (line.number, &line.cells)).collect();
        serde_json::to_vec(&lines)
    }

    /// The file again.
    pub(super) fn of_kept(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let lines: Vec<(u64, [String; 4])> = serde_json::from_slice(bytes)?;
        Ok(Self { lines: lines.into_iter().map(|(number, cells)| Line::of(number, cells)).collect() })
    }
}

fn places(heads: &csv::StringRecord) -> Option<[usize; 4]> {
    let heads: Vec<String> = heads.iter().map(|head| head.trim().to_lowercase()).collect();
    let place = |names: &[&str]| names.iter().find_map(|name| heads.iter().position(|head| head == name));
    let [reference, amount, day, bank] = COLUMNS.map(place);
    Some([reference?, amount?, day?, bank?])
}

fn said([reference, amount, booked, bank]: [&str; 4]) -> Result<Said, &'static str> {
    let (statement, order) = target(reference).ok_or("books-line-reference")?;
    let amount = money(amount).filter(|amount| !amount.is_zero()).ok_or("books-line-amount")?;
    let day = day(booked).ok_or("books-line-day")?;
    let bank = mark(bank).map_err(|_| "books-line-bank")?;
    Ok(Said { statement, order, amount, day, bank })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: StatementId = StatementId([0xab; 16]);

    fn one(line: &str) -> Result<Said, &'static str> {
        let file = read(format!("reference;amount;booking_day;bank_reference\n{line}\n").as_bytes()).expect("a file");
        assert_eq!(file.lines.len(), 1, "{line}");
        file.lines.into_iter().next().expect("one line").said
    }

    #[test]
    fn a_reference_is_short_enough_and_reads_back() {
        let text = reference(ID, 24);
        assert!(text.len() <= 35 && text.is_ascii(), "{text}");
        assert_eq!(target(&text), Some((ID, Some(24))));
        assert_eq!(target(&text.to_uppercase()), Some((ID, Some(24))), "banks write in capitals");
        assert_eq!(target(&ID.to_string()), Some((ID, None)));
        for wrong in ["", "-1", "stm_", "ab-01", &format!("{text}-1"), "ąč", "=1+1"] {
            assert_eq!(target(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn files_of_any_spelling_say_the_same() {
        let reference = reference(ID, 1);
        let expected = Said {
            statement: ID,
            order: Some(1),
            amount: Cents::new(123_450),
            day: Date::constant(2026, 3, 5),
            bank: "FT 001".to_owned(),
        };
        for file in [
            format!("reference;amount;booking_day;bank_reference\n{reference};1234,50;2026-03-05;FT 001\n"),
            format!(
                "\u{feff}Suma;Data;Mokėjimo nuoroda;Mokėjimo numeris banke\r\n1 234,5;2026.03.05;{reference}; FT  001 \r\n"
            ),
            format!("date,bank_reference,amount,other,reference\n20260305,FT 001,1234.50,x,{reference}\n\n"),
            format!("date,bank_reference,amount,reference\n2026/03/05,FT 001,\"1234,50\",{reference}"),
        ] {
            let read = read(file.as_bytes()).unwrap_or_else(|key| panic!("{key}: {file}"));
            assert_eq!(
                read.lines.iter().map(|line| line.said.clone()).collect::<Vec<_>>(),
                [Ok(expected.clone())],
                "{file}"
            );
        }
    }

    #[test]
    fn what_is_kept_says_the_same() {
        let reference = reference(ID, 1);
        let long = "F".repeat(LONGEST_CELL);
        let file = format!(
            "reference;amount;name;booking_day;bank_reference\n\n{reference};1;Vardenis;2026-03-05;F 1\n\
             x;1;Vardenis;2026-03-05;F\n{reference};1;Vardenis;2026-03-05;{long}F\n"
        );
        let read = read(file.as_bytes()).expect("a file");
        assert_eq!(read.lines[2].said, Err("books-line-long"));
        let kept = read.kept().expect("it is written");
        assert!(!String::from_utf8_lossy(&kept).contains("Vardenis"), "only what is needed");
        assert_eq!(BankFile::of_kept(&kept).expect("it is read"), read);
    }

    #[test]
    fn what_is_no_such_file_is_told_as_a_whole() {
        let head = "reference;amount;booking_day;bank_reference\n";
        let many = format!("{head}{}", "a;1;2026-01-01;b\n".repeat(MOST_LINES + 1));
        let long = format!("{head}{}", "x".repeat(MOST_BYTES));
        for (bytes, key) in [
            (&b""[..], "books-file-empty"),
            (b"\xef\xbb\xbf", "books-file-empty"),
            (b"\n\n", "books-file-empty"),
            (head.as_bytes(), "books-file-empty"),
            (b"\x89PNG\r\n\x1a\n\0", "books-file-not-text"),
            (b"reference;amount\0", "books-file-not-text"),
            (b"amount;date\n1;2\n", "books-file-columns"),
            (b"%PDF-1.7\n1 0 obj\n", "books-file-columns"),
            (many.as_bytes(), "books-file-many"),
            (long.as_bytes(), "books-file-long"),
        ] {
            assert_eq!(read(bytes).err(), Some(key), "{:?}", &bytes[..bytes.len().min(30)]);
        }
    }

    #[test]
    fn a_bad_line_is_told_by_itself() {
        let reference = reference(ID, 1);
        for (line, key) in [
            ("=cmd|' /C calc'!A0;1;2026-03-05;F".to_owned(), "books-line-reference"),
            (";1;2026-03-05;F".to_owned(), "books-line-reference"),
            (format!("{reference};-1;2026-03-05;F"), "books-line-amount"),
            (format!("{reference};0;2026-03-05;F"), "books-line-amount"),
            (format!("{reference};1,234;2026-03-05;F"), "books-line-amount"),
            (format!("{reference};99999999999999999999;2026-03-05;F"), "books-line-amount"),
            (format!("{reference};1e3;2026-03-05;F"), "books-line-amount"),
            (format!("{reference};1;2026-02-30;F"), "books-line-day"),
            (format!("{reference};1;;F"), "books-line-day"),
            (format!("{reference};1;2026-03-05;"), "books-line-bank"),
            (format!("{reference};1;2026-03-05;{}", "F".repeat(61)), "books-line-bank"),
            (reference.clone(), "books-line-amount"),
        ] {
            assert_eq!(one(&line).err(), Some(key), "{line}");
        }
        assert!(
            one(&format!("{reference};1;2026-03-05;=F")).is_ok(),
            "a bank's number is text, whatever it begins with"
        );
    }
}
