//! Every statement of a year: narrowed, summed up, and what waits for whom.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, ProviderId, SchoolId, StatementId};
use keis_ledger::money::Source;
use keis_ledger::operation::Buyer;
use keis_ledger::time::{Span, Timestamp};
use keis_registry::page::Page;

use super::book::{Book, Books, Slip, Standing, Sum, sums};
use super::{Desk, INTENT, Names, desk, href, source, standing};
use crate::call::{Answer, Call, page, redirect};
use crate::frame::{Frame, Section};
use crate::public::listing::Choice;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Rows on a page; as many as one signing takes.
const PER_PAGE: usize = crate::wallet::MOST_OPERATIONS;

/// What a list is narrowed to.
#[derive(Default)]
pub(super) struct Filter {
    pub(super) state: Option<Standing>,
    pub(super) source: Option<Source>,
    /// Month of issue, from 1.
    pub(super) month: Option<i8>,
    pub(super) provider: String,
    pub(super) school: String,
    providers: Option<BTreeSet<ProviderId>>,
    schools: Option<BTreeSet<SchoolId>>,
}

impl Filter {
    /// What the query says; providers and schools are looked up by name or code.
    pub(super) async fn of(site: &Site, call: &Call) -> Result<Self, Trouble> {
        let text = |name: &str| call.query.get(name).unwrap_or_default().to_owned();
        let mut filter = Self {
            state: call.query.get("state").and_then(Standing::named),
            source: match call.query.get("payer") {
                Some("programme") => Some(Source::State),
                Some("school") => Some(Source::School),
                Some(_) | None => None,
            },
            month: call
                .query
                .get("month")
                .and_then(|month| month.parse().ok())
                .filter(|month| (1..=12).contains(month)),
            provider: text("provider"),
            school: text("school"),
            ..Self::default()
        };
        let most = Page::first(Page::MOST);
        if !filter.provider.is_empty() {
            let found = site.registry.providers(&filter.provider, &most).await?;
            filter.providers = Some(found.items.iter().map(|provider| provider.id).collect());
        }
        if !filter.school.is_empty() {
            let found = site.registry.schools(&filter.school, &most).await?;
            filter.schools = Some(found.items.iter().map(|school| school.id).collect());
        }
        Ok(filter)
    }

    /// Whether a statement is of these parties and this month, in whatever state.
    pub(super) fn takes(&self, w: &Words, slip: &Slip) -> bool {
        let school = match slip.buyer {
            Buyer::Programme => None,
            Buyer::School(id) => Some(id),
        };
        self.source.is_none_or(|source| slip.buyer.source() == source)
            && self.providers.as_ref().is_none_or(|ids| ids.contains(&slip.provider))
            && self.schools.as_ref().is_none_or(|ids| school.is_some_and(|id| ids.contains(&id)))
            && self.month.is_none_or(|month| w.local(&slip.issued).month() == month)
    }

    /// The query that asks for it, with another state and place.
    fn query(&self, year: Year, state: Option<Standing>, after: Option<&str>) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("year", &year.to_string());
        let payer = self.source.map(payer_name);
        let month = self.month.map(|month| month.to_string());
        let state = state.map(Standing::name);
        let named = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        for (name, value) in [
            ("state", state.map(str::to_owned)),
            ("payer", payer.map(str::to_owned)),
            ("provider", named(&self.provider)),
            ("school", named(&self.school)),
            ("month", month),
            ("after", after.map(str::to_owned)),
        ] {
            value.inspect(|value| {
                query.append_pair(name, value);
            });
        }
        query.finish()
    }
}

fn payer_name(source: Source) -> &'static str {
    match source {
        Source::State => "programme",
        Source::School => "school",
    }
}

/// Something that waits.
struct Wait {
    text: String,
    sum: String,
    /// How long the oldest has waited.
    age: String,
    href: String,
    ours: bool,
}

/// Sums of one state.
struct State {
    name: String,
    href: String,
    state_count: String,
    state_sum: String,
    school_count: String,
    school_sum: String,
}

struct Row {
    id: StatementId,
    href: String,
    label: String,
    provider: String,
    buyer: String,
    invoice: String,
    issued: String,
    orders: String,
    total: String,
    open: String,
    standing: String,
    mood: &'static str,
    ours: bool,
}

/// What can be done with many of a list at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bulk {
    Approve,
    Pay,
    Reconcile,
}

#[derive(Template)]
#[template(path = "office/bills.html")]
struct ListPage {
    f: Frame,
    year: Year,
    years: Vec<(Year, bool)>,
    sealed: Vec<Year>,
    waits: Vec<Wait>,
    states: Vec<Choice>,
    payers: Vec<Choice>,
    months: Vec<Choice>,
    provider: String,
    school: String,
    narrowed: bool,
    sums: Vec<State>,
    rows: Vec<Row>,
    caption: String,
    bulk: Option<Bulk>,
    next: Option<String>,
    payable: String,
    /// Whether they may see what differs between registry and ledger.
    differences: bool,
}

impl ListPage {
    fn does(&self, bulk: Bulk) -> bool {
        self.bulk == Some(bulk) && self.rows.iter().any(|row| row.ours)
    }
}

/// GET /office/bills
pub(super) async fn show(site: Arc<Site>, call: Call, books: Arc<Books>) -> Answer {
    let desk = desk(&call)?;
    let w = call.words();
    let known = site.client.parameters().await?;
    let year = match call.query.parse::<u16>("year")? {
        Some(year) => Year(year),
        None => site.programme().await?.year,
    };
    if known.sealed.contains(&year) {
        return redirect(&format!("/office/bills/{year}/end"));
    }
    if !known.years.iter().any(|one| one.year == year) {
        return Err(Trouble::NotFound);
    }
    let book = books.of(&site, year, call.query.ticked("changed")).await?;
    let filter = Filter::of(&site, &call).await?;
    let taken: Vec<&Slip> = book.slips.iter().filter(|slip| filter.takes(w, slip)).collect();
    let (shown, next) = part(&call, &filter, year, &taken);
    let f = call.frame(&site, Section::Bills, w.text("bills-title")).await?.with_scripts(INTENT);
    let listed = taken.iter().filter(|slip| filter.state.is_none_or(|state| state == slip.standing)).count();
    page(&ListPage {
        f,
        year,
        years: known.years.iter().map(|one| (one.year, one.year == year)).collect(),
        sealed: known.sealed,
        waits: waits(&site, w, &desk, &book, (year, site.now().await?)),
        states: states(w, filter.state),
        payers: payers(w, filter.source),
        months: months(w, filter.month),
        provider: filter.provider.clone(),
        school: filter.school.clone(),
        narrowed: filter.query(year, filter.state, None) != filter_of_year(year),
        sums: states_of(w, &filter, year, &taken),
        rows: rows(&site, w, &desk, (year, &shown)).await?,
        caption: w.count("bills-count", listed),
        bulk: filter.state.and_then(bulk),
        next,
        payable: format!("/office/bills/{year}/payable?{}", filter.query(year, None, None)),
        differences: desk.operator,
    })
}

fn filter_of_year(year: Year) -> String {
    Filter::default().query(year, None, None)
}

/// Statements of the page, and the address of the next one. What waits is shown from the oldest on, everything together from
/// the latest.
fn part<'s>(call: &Call, filter: &Filter, year: Year, taken: &[&'s Slip]) -> (Vec<&'s Slip>, Option<String>) {
    let mut all: Vec<&Slip> =
        taken.iter().copied().filter(|slip| filter.state.is_none_or(|state| state == slip.standing)).collect();
    let backwards = filter.state.is_none();
    if backwards {
        all.reverse();
    }
    let after = call.query.get("after").and_then(|text| {
        let (time, id) = text.split_once('.')?;
        Some((Timestamp(time.parse().ok()?), id.parse::<StatementId>().ok()?))
    });
    let passed =
        |slip: &&Slip| after.is_some_and(|after| if backwards { slip.place() >= after } else { slip.place() <= after });
    let rest = &all[all.partition_point(passed)..];
    let shown: Vec<&Slip> = rest.iter().copied().take(PER_PAGE).collect();
    let next = shown.last().filter(|_| rest.len() > PER_PAGE).map(|last| {
        let place = format!("{}.{}", last.issued.0, last.id);
        format!("/office/bills?{}", filter.query(year, filter.state, Some(&place)))
    });
    (shown, next)
}

fn bulk(standing: Standing) -> Option<Bulk> {
    match standing {
        Standing::InvoiceAttached => Some(Bulk::Approve),
        Standing::Approved | Standing::PartPaid => Some(Bulk::Pay),
        Standing::Paid => Some(Bulk::Reconcile),
        Standing::Issued | Standing::Accepted | Standing::Reconciled | Standing::Contested | Standing::Credited => None,
    }
}

/// Whether this desk does what the statement waits for.
fn is_ours(site: &Site, desk: &Desk, slip: &Slip) -> bool {
    match bulk(slip.standing) {
        Some(Bulk::Approve) => desk.operator,
        Some(Bulk::Pay) => desk.pays(slip.buyer),
        Some(Bulk::Reconcile) => desk.compares(site, slip.buyer, &slip.recorded_by),
        None => false,
    }
}

/// What waits in the whole year, and for whom.
fn waits(site: &Site, w: &Words, desk: &Desk, book: &Book, (year, now): (Year, Timestamp)) -> Vec<Wait> {
    let kinds: [(&str, &[Standing], Option<Source>); 7] = [
        ("bills-wait-approve", &[Standing::InvoiceAttached], None),
        ("bills-wait-pay-programme", &[Standing::Approved, Standing::PartPaid], Some(Source::State)),
        ("bills-wait-pay-school", &[Standing::Approved, Standing::PartPaid], Some(Source::School)),
        ("bills-wait-compare-programme", &[Standing::Paid], Some(Source::State)),
        ("bills-wait-compare-school", &[Standing::Paid], Some(Source::School)),
        ("bills-wait-invoice", &[Standing::Accepted], None),
        ("bills-wait-answer", &[Standing::Issued], None),
    ];
    let mut waits = Vec::new();
    for (key, standings, source) in kinds {
        let fits = |slip: &&Slip| {
            standings.contains(&slip.standing) && source.is_none_or(|source| slip.buyer.source() == source)
        };
        let these: Vec<&Slip> = book.slips.iter().filter(fits).collect();
        let sum = Sum::over(these.iter().copied());
        // Where some are wholly open and others in part, the link leads to the first; the sums below lead to both.
        let Some(first) = these.iter().map(|slip| slip.standing).min() else { continue };
        let filter = Filter { source, ..Filter::default() };
        waits.push(Wait {
            text: w.count(key, sum.count),
            sum: w.money(&sum.cents),
            age: these.iter().map(|slip| slip.waits_since()).min().map_or_else(String::new, |at| age(w, at, now)),
            href: format!("/office/bills?{}", filter.query(year, Some(first), None)),
            ours: these.iter().any(|slip| is_ours(site, desk, slip)),
        });
    }
    waits.sort_by_key(|wait| !wait.ours);
    waits
}

/// How long ago something was, in days.
fn age(w: &Words, at: Timestamp, now: Timestamp) -> String {
    let days = now.0.saturating_sub(at.0) / Span::days(1).0;
    if days == 0 { w.text("books-age-today") } else { w.count("books-age", days) }
}

fn states_of(w: &Words, filter: &Filter, year: Year, taken: &[&Slip]) -> Vec<State> {
    let sums = sums(taken.iter().copied());
    let of = |standing, source| sums.get(&(standing, source)).copied().unwrap_or_default();
    let row = |one: Standing| {
        let (state, school) = (of(one, Source::State), of(one, Source::School));
        (state.count + school.count > 0).then(|| State {
            name: standing(w, one),
            href: format!("/office/bills?{}", filter.query(year, Some(one), None)),
            state_count: w.number(state.count),
            state_sum: w.money(&state.cents),
            school_count: w.number(school.count),
            school_sum: w.money(&school.cents),
        })
    };
    Standing::ALL.into_iter().filter_map(row).collect()
}

async fn rows(site: &Site, w: &Words, desk: &Desk, (year, slips): (Year, &[&Slip])) -> Result<Vec<Row>, Trouble> {
    let mut names = Names::default();
    let numbers: Vec<Commitment> = slips.iter().filter_map(|slip| slip.invoice).collect();
    let numbers = site.registry.opened_marks(&desk.actor(), &numbers).await?;
    let mut rows = Vec::new();
    for slip in slips {
        let provider = names.provider(site, slip.provider).await?;
        let buyer = names.buyer(site, w, slip.buyer).await?;
        let (issued, total) = (w.date(&slip.issued), w.money(&slip.total));
        rows.push(Row {
            id: slip.id,
            href: href(year, slip.id),
            label: format!("{provider} → {buyer}, {issued}, {total}"),
            provider,
            buyer,
            invoice: slip.invoice.and_then(|number| numbers.get(&number).cloned()).unwrap_or_default(),
            issued,
            orders: w.number(slip.orders),
            total,
            open: w.money(&slip.open),
            standing: standing(w, slip.standing),
            mood: slip.standing.mood(),
            ours: is_ours(site, desk, slip),
        });
    }
    Ok(rows)
}

fn choices(w: &Words, all: &str, options: Vec<(String, String)>, chosen: Option<String>) -> Vec<Choice> {
    let none = Choice { value: String::new(), label: w.text(all), chosen: chosen.is_none() };
    let choice = |(value, label): (String, String)| Choice { chosen: chosen.as_ref() == Some(&value), value, label };
    std::iter::once(none).chain(options.into_iter().map(choice)).collect()
}

fn states(w: &Words, chosen: Option<Standing>) -> Vec<Choice> {
    let options = Standing::ALL.into_iter().map(|one| (one.name().to_owned(), standing(w, one))).collect();
    choices(w, "bills-all-states", options, chosen.map(|one| one.name().to_owned()))
}

fn payers(w: &Words, chosen: Option<Source>) -> Vec<Choice> {
    let options = Source::ALL.into_iter().map(|one| (payer_name(one).to_owned(), source(w, one))).collect();
    choices(w, "bills-all-payers", options, chosen.map(|one| payer_name(one).to_owned()))
}

fn months(w: &Words, chosen: Option<i8>) -> Vec<Choice> {
    let options = (1..=12).map(|month| (month.to_string(), w.text(&format!("bills-month-{month}")))).collect();
    choices(w, "bills-all-months", options, chosen.map(|month| month.to_string()))
}
