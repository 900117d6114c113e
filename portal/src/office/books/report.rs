//! The report as a page: rows by what they have in common, the accounts, and what was reckoned beside the ledger's own sums.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::money::{Cents, Source};
use keis_wallet::client::{BookReport, BookRow, SourceBook};

use super::{Asked, Sealed, asked, check_words};
use crate::books::{Line, Period, lines};
use crate::call::{Answer, Call, page};
use crate::catalogue::names as terms;
use crate::frame::{Frame, Section};
use crate::office::bills::{Names, source};
use crate::public::listing::{Choice, PageLink, page_links};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Rows on a page.
const PER_PAGE: usize = 100;

/// What rows are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Provider,
    Place,
    Vat,
    Buyer,
    Everything,
}

impl By {
    const ALL: [Self; 5] = [Self::Provider, Self::Place, Self::Vat, Self::Buyer, Self::Everything];

    fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Place => "place",
            Self::Vat => "vat",
            Self::Buyer => "buyer",
            Self::Everything => "everything",
        }
    }

    /// What rows of a kind have in common, in words.
    pub(super) fn label(self, called: &Called) -> Vec<String> {
        let Called { provider, code, place, vat, money, buyer } = called.clone();
        match self {
            Self::Provider => vec![provider, code],
            Self::Place => vec![place],
            Self::Vat => vec![vat],
            Self::Buyer => vec![money, buyer],
            Self::Everything => vec![provider, code, place, vat, money, buyer],
        }
    }

    fn heads(self) -> &'static [&'static str] {
        match self {
            Self::Provider => &["books-provider", "books-code"],
            Self::Place => &["books-place"],
            Self::Vat => &["books-vat"],
            Self::Buyer => &["books-money", "books-buyer"],
            Self::Everything => HEADS,
        }
    }
}

pub(super) const HEADS: &[&str] =
    &["books-provider", "books-code", "books-place", "books-vat", "books-money", "books-buyer"];
pub(super) const FIGURES: [&str; 6] =
    ["books-orders", "books-pupils", "books-accepted", "books-credits", "books-credited", "books-net"];

/// What people call a row's parties and codes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Called {
    provider: String,
    code: String,
    place: String,
    vat: String,
    money: String,
    buyer: String,
}

/// Sums of rows.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    orders: u64,
    pupils: u64,
    accepted: Cents,
    credits: u64,
    credited: Cents,
}

impl Sum {
    fn add(&mut self, row: &BookRow) {
        self.orders += row.orders;
        self.pupils += row.pupils;
        self.credits += row.credits;
        // A year's money is far below what 64 bits hold.
        self.accepted = self.accepted.checked_add(row.accepted).unwrap_or(self.accepted);
        self.credited = self.credited.checked_add(row.credited).unwrap_or(self.credited);
    }

    fn told(&self, w: &Words) -> Vec<String> {
        vec![
            w.number(self.orders),
            w.number(self.pupils),
            w.money(&self.accepted),
            w.number(self.credits),
            below(w, self.credited),
            if self.credited > self.accepted {
                below(w, self.credited.saturating_sub(self.accepted))
            } else {
                w.money(&self.accepted.saturating_sub(self.credited))
            },
        ]
    }
}

/// An amount that makes something less.
fn below(w: &Words, cents: Cents) -> String {
    if cents.is_zero() { w.money(&cents) } else { format!("−{}", w.money(&cents)) }
}

struct Row {
    texts: Vec<String>,
    figures: Vec<String>,
}

/// A line of the accounts, for both sources.
struct Account {
    /// The account's name, on its first line.
    account: Option<String>,
    entry: String,
    state: String,
    school: String,
    is_end: bool,
}

/// Something reckoned in two ways.
struct Check {
    what: String,
    money: String,
    reckoned: String,
    account: String,
    difference: Option<String>,
}

/// What is said of a sealed year's report.
struct SealedNote {
    text: String,
    root: String,
    holds: bool,
}

impl SealedNote {
    fn of(w: &Words, sealed: &Sealed) -> Self {
        let key = if sealed.holds { "books-sealed" } else { "books-sealed-differs" };
        let text = w.with1(key, "time", &w.date_time(&sealed.seal.at));
        Self { text, root: sealed.seal.root.to_string(), holds: sealed.holds }
    }
}

#[derive(Template)]
#[template(path = "office/books.html")]
struct BooksPage {
    f: Frame,
    year: Year,
    periods: Vec<Choice>,
    groups: Vec<Choice>,
    agrees: bool,
    read: String,
    sealed: Option<SealedNote>,
    accounts: Vec<Account>,
    checks: Vec<Check>,
    heads: Vec<String>,
    figures: Vec<String>,
    rows: Vec<Row>,
    sum: Vec<String>,
    caption: String,
    range: String,
    pages: Vec<PageLink>,
    query: String,
}

/// What every row's parties and codes are called, in the rows' order.
pub(super) async fn called(site: &Site, w: &Words, report: &BookReport) -> Result<Vec<Called>, Trouble> {
    let (mut names, mut codes, mut all) = (Names::default(), BTreeMap::new(), Vec::with_capacity(report.rows.len()));
    for row in &report.rows {
        if let std::collections::btree_map::Entry::Vacant(vacant) = codes.entry(row.provider) {
            let found = site.registry.provider(row.provider).await?;
            vacant.insert(found.map(|provider| provider.code).unwrap_or_default());
        }
        let unknown = || w.text("books-unknown");
        all.push(Called {
            provider: names.provider(site, row.provider).await?,
            code: codes.get(&row.provider).cloned().unwrap_or_default(),
            place: row.place.map_or_else(unknown, |place| terms::place(w, place)),
            vat: row.vat.map_or_else(unknown, |vat| terms::vat(w, vat)),
            money: source(w, row.buyer.source()),
            buyer: names.buyer(site, w, row.buyer).await?,
        });
    }
    Ok(all)
}

/// GET /office/books/{year}
pub(super) async fn show(site: Arc<Site>, call: Call) -> Answer {
    let Asked { year, period, report, sealed } = match asked(&site, &call).await? {
        Ok(asked) => asked,
        Err(gone) => return Ok(gone),
    };
    let w = call.words();
    let wanted = call.query.get("by").unwrap_or_default();
    let by = By::ALL.into_iter().find(|by| by.name() == wanted).unwrap_or(By::Provider);
    let rows = grouped(w, by, &report, &called(&site, w, &report).await?);
    let sum = report.rows.iter().fold(Sum::default(), |mut sum, row| {
        sum.add(row);
        sum
    });
    let pages = rows.len().div_ceil(PER_PAGE).max(1);
    let number = call.query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).clamp(1, pages);
    let (caption, shown) =
        (w.count("books-rows", rows.len()), rows.into_iter().skip((number - 1) * PER_PAGE).take(PER_PAGE));
    let f = call.frame(&site, Section::Bills, w.with1("books-title", "year", &year.to_string())).await?;
    let texts = |keys: &[&str]| keys.iter().map(|key| w.text(key)).collect::<Vec<String>>();
    page(&BooksPage {
        f,
        year,
        periods: periods(w, year, &period.name),
        groups: groups(w, by),
        agrees: report.agrees,
        sealed: sealed.map(|sealed| SealedNote::of(w, &sealed)),
        read: w.with("books-read", &[("time", &w.date_time(&report.time)), ("height", &w.number(report.height.0))]),
        accounts: accounts(w, &report.sources),
        checks: checks(w, &report.sources),
        heads: texts(by.heads()),
        figures: texts(&FIGURES),
        caption,
        range: w.with("public-page-of", &[("page", &number.to_string()), ("pages", &pages.to_string())]),
        rows: shown.map(|(texts, sum)| Row { texts, figures: sum.told(w) }).collect(),
        sum: sum.told(w),
        pages: page_links(&call, number, pages),
        query: format!("period={}", period.name),
    })
}

/// Rows by what they have in common, in the order of names: what that is, and their sums.
fn grouped(w: &Words, by: By, report: &BookReport, called: &[Called]) -> Vec<(Vec<String>, Sum)> {
    let mut sums: BTreeMap<Vec<String>, Sum> = BTreeMap::new();
    for (row, called) in report.rows.iter().zip(called) {
        sums.entry(by.label(called)).or_default().add(row);
    }
    let mut rows: Vec<(Vec<String>, Sum)> = sums.into_iter().collect();
    rows.sort_by(|(one, _), (other, _)| w.compare(&one[0], &other[0]));
    rows
}

fn period_words(w: &Words, name: &str) -> String {
    match name.split_once('-') {
        None if name == Period::ALL => w.text("books-period-all"),
        None => w.with1("books-period-year", "year", name),
        Some((year, part)) => match part.strip_prefix('Q') {
            Some(quarter) => w.with("books-period-quarter", &[("year", year), ("quarter", quarter)]),
            None => terms::month(w, name),
        },
    }
}

fn periods(w: &Words, year: Year, chosen: &str) -> Vec<Choice> {
    let choice = |value: String| Choice { label: period_words(w, &value), chosen: value == chosen, value };
    Period::names(year).into_iter().map(choice).collect()
}

fn groups(w: &Words, chosen: By) -> Vec<Choice> {
    let choice = |by: By| Choice {
        value: by.name().to_owned(),
        label: w.text(&format!("books-by-{}", by.name())),
        chosen: by == chosen,
    };
    By::ALL.into_iter().map(choice).collect()
}

fn of(sources: &[SourceBook], wanted: Source) -> Option<&SourceBook> {
    sources.iter().find(|book| book.source == wanted)
}

fn accounts(w: &Words, sources: &[SourceBook]) -> Vec<Account> {
    let of = |wanted| of(sources, wanted).map(lines).unwrap_or_default();
    let (state, school) = (of(Source::State), of(Source::School));
    let told = |line: &Line| if line.is_less { below(w, line.amount) } else { w.money(&line.amount) };
    let mut before = "";
    let mut all = Vec::new();
    for (state, school) in state.iter().zip(&school) {
        let first = state.account != before;
        before = state.account;
        all.push(Account {
            account: first.then(|| w.text(&format!("books-account-{}", state.account.replace('_', "-")))),
            entry: w.text(&format!("books-entry-{}", state.entry.replace('_', "-"))),
            state: told(state),
            school: told(school),
            is_end: matches!(state.entry, "opening" | "closing"),
        });
    }
    all
}

fn checks(w: &Words, sources: &[SourceBook]) -> Vec<Check> {
    let mut all = Vec::new();
    for book in sources {
        for check in &book.checks {
            let (reckoned, account) = (check.reckoned, check.account);
            let more = reckoned.saturating_sub(account);
            let difference = (reckoned != account)
                .then(|| if more.is_zero() { below(w, account.saturating_sub(reckoned)) } else { w.money(&more) });
            all.push(Check {
                what: check_words(w, &check.what),
                money: source(w, book.source),
                reckoned: w.money(&reckoned),
                account: w.money(&account),
                difference,
            });
        }
    }
    all
}
