//! What pages and the command line tell of a closing report alike: periods by name, and the report as tables.

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use keis_ledger::classifiers::Year;
use keis_ledger::money::Cents;
use keis_ledger::time::Timestamp;
use keis_wallet::client::{BookReport, BookRow, SourceBook};

/// The zone in which days begin.
const ZONE: &str = "Europe/Vilnius";
/// Tells spreadsheets that the text is UTF-8.
pub const MARK: &str = "\u{feff}";
/// Most letters of a period's name.
const LONGEST: usize = 7;

/// A period of a closing report: all of a programme year's settlement, a calendar year, a quarter or a month of Europe/Vilnius.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Its name: `all`, `2026`, `2026-Q1` or `2026-03`.
    pub name: String,
    /// Its first instant; none for all.
    pub from: Option<Timestamp>,
    /// The first instant behind it; none for all.
    pub to: Option<Timestamp>,
}

impl Period {
    /// All of a year's settlement.
    pub const ALL: &'static str = "all";

    /// The period of a name.
    pub fn named(name: &str) -> Option<Self> {
        if name == Self::ALL {
            return Some(Self { name: name.to_owned(), from: None, to: None });
        }
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if name.len() > LONGEST || name.len() < 4 || !name.is_char_boundary(4) {
            return None;
        }
        let (year, rest) = name.split_at(4);
        let year: i16 = year.parse().ok().filter(|year| digits(&name[..4]) && (2000..=9_000).contains(year))?;
        let (month, months) = match rest.as_bytes() {
            [] => (1, 12),
            [b'-', b'Q', quarter @ b'1'..=b'4'] => (i8::try_from(quarter - b'1').ok()? * 3 + 1, 3),
            [b'-', tens @ b'0'..=b'1', ones @ b'0'..=b'9'] => {
                (i8::try_from((tens - b'0') * 10 + ones - b'0').ok().filter(|month| (1..=12).contains(month))?, 1)
            }
            _ => return None,
        };
        let first = Date::new(year, month, 1).ok()?;
        let behind = first.checked_add(months.months()).ok()?;
        Some(Self { name: name.to_owned(), from: Some(midnight(first)?), to: Some(midnight(behind)?) })
    }

    /// Names of the periods in which a programme year is settled: the year and the first half of the next one.
    pub fn names(year: Year) -> Vec<String> {
        let next = year.0.saturating_add(1);
        let quarters = (1..=4).map(|one| format!("{year}-Q{one}")).chain((1..=2).map(|one| format!("{next}-Q{one}")));
        let months =
            (1..=12).map(|one| format!("{year}-{one:02}")).chain((1..=6).map(|one| format!("{next}-{one:02}")));
        [Self::ALL.to_owned(), year.to_string()].into_iter().chain(quarters).chain(months).collect()
    }
}

fn midnight(day: Date) -> Option<Timestamp> {
    let zone = TimeZone::get(ZONE).ok()?;
    let millis = day.to_zoned(zone).ok()?.timestamp().as_millisecond();
    u64::try_from(millis).ok().map(Timestamp)
}

/// A cell that no spreadsheet takes for a formula.
pub fn cell(text: &str) -> String {
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let begins = text.trim_start().chars().next();
    if begins
        .is_some_and(|letter| ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'].contains(&letter))
    {
        return format!("'{text}");
    }
    text
}

/// A table for spreadsheets as they are set up here: semicolons, decimal commas, a mark that says UTF-8.
///
/// # Errors
/// What the writer answers.
pub fn table(records: impl IntoIterator<Item = Vec<String>>) -> Result<Vec<u8>, csv::Error> {
    let mut writer =
        csv::WriterBuilder::new().delimiter(b';').terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for record in records {
        writer.write_record(record)?;
    }
    let table = writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?;
    Ok([MARK.as_bytes(), &table].concat())
}

/// An amount with a decimal comma.
pub fn amount(cents: Cents) -> String {
    format!("{},{:02}", cents.get() / 100, cents.get() % 100)
}

/// What is left of an amount after another, below nothing too.
pub fn net(more: Cents, less: Cents) -> String {
    if less > more { format!("-{}", amount(less.saturating_sub(more))) } else { amount(more.saturating_sub(less)) }
}

/// The rows of a report as a table: what a row's parties and codes are called, then its figures.
///
/// # Errors
/// What the writer answers.
pub fn rows_table(
    heads: Vec<String>,
    report: &BookReport,
    mut called: impl FnMut(&BookRow) -> Vec<String>,
) -> Result<Vec<u8>, csv::Error> {
    let mut record = |row: &BookRow| -> Vec<String> {
        let figures = [
            row.orders.to_string(),
            row.pupils.to_string(),
            amount(row.accepted),
            row.credits.to_string(),
            net(Cents::ZERO, row.credited),
            net(row.accepted, row.credited),
        ];
        called(row).iter().map(|text| cell(text)).chain(figures).collect()
    };
    let records: Vec<Vec<String>> = report.rows.iter().map(&mut record).collect();
    table(std::iter::once(heads).chain(records))
}

/// One line of a source's accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The account: `accepted`, `settlement`, `paid` or `receivable`.
    pub account: &'static str,
    /// What moved it, or `opening` and `closing`.
    pub entry: &'static str,
    /// How much.
    pub amount: Cents,
    /// Whether it makes the account less.
    pub is_less: bool,
}

/// A source's accounts of settlement, line by line.
pub fn lines(book: &SourceBook) -> Vec<Line> {
    let (settlement, paid, owed) = (&book.settlement, &book.paid, &book.receivable);
    let line = |(account, entry, amount, is_less)| Line { account, entry, amount, is_less };
    [
        ("accepted", "accepted", book.accepted, false),
        ("accepted", "credited", book.credited, true),
        ("settlement", "opening", settlement.opening, false),
        ("settlement", "issued", settlement.issued, false),
        ("settlement", "contested", settlement.contested, true),
        ("settlement", "paid", settlement.paid, true),
        ("settlement", "came_back", settlement.came_back, false),
        ("settlement", "set_off", settlement.set_off, true),
        ("settlement", "credited", settlement.credited, true),
        ("settlement", "closing", settlement.closing, false),
        ("paid", "opening", paid.opening, false),
        ("paid", "paid", paid.paid, false),
        ("paid", "came_back", paid.came_back, true),
        ("paid", "repaid", paid.repaid, true),
        ("paid", "closing", paid.closing, false),
        ("receivable", "opening", owed.opening, false),
        ("receivable", "credited", owed.credited, false),
        ("receivable", "set_off", owed.set_off, true),
        ("receivable", "repaid", owed.repaid, true),
        ("receivable", "closing", owed.closing, false),
    ]
    .into_iter()
    .map(line)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_begin_at_midnight_in_vilnius() {
        let march = Period::named("2026-03").expect("a month");
        assert_eq!(march.from, Some(Timestamp(1_772_316_000_000)), "two hours before midnight in London");
        assert_eq!(march.to, Some(Timestamp(1_774_990_800_000)), "summer time has begun");
        let quarter = Period::named("2026-Q1").expect("a quarter");
        assert_eq!((quarter.to, Period::named("2026-Q2").and_then(|next| next.from)), (march.to, march.to));
        let year = Period::named("2026").expect("a year");
        assert_eq!((year.from, year.to), (quarter.from, Period::named("2027-01").and_then(|next| next.from)));
        assert_eq!(Period::named("all").map(|all| (all.from, all.to)), Some((None, None)));
        for wrong in [
            "", "26", "2026-", "2026-00", "2026-13", "2026-Q0", "2026-Q5", "2026-3", "2026-031", "+026-03", "ąąąą",
            "1999",
        ] {
            assert_eq!(Period::named(wrong), None, "{wrong}");
        }
        assert!(Period::names(Year(2026)).iter().all(|name| Period::named(name).is_some()));
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+370", "-2", "@SUM(A1)", "  =1", "\t=1", "\u{ff1d}1"] {
            assert!(cell(text).starts_with('\''), "{text:?}");
        }
        assert_eq!(cell("Šviesos teatras, UAB"), "Šviesos teatras, UAB");
        assert_eq!(cell("a\r\n=b"), "a  =b", "one cell is one line");
    }

    #[test]
    fn sums_go_below_nothing() {
        assert_eq!(net(Cents::new(1_250), Cents::new(50)), "12,00");
        assert_eq!(net(Cents::new(50), Cents::new(1_255)), "-12,05");
    }
}
