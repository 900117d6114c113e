//! A year in tables: its orders and its money. Of no few orders is anything told.
//!
//! The rule, for every table of counts by itself:
//! 1. A cell of one to four is withheld.
//! 2. Where one is withheld, the smallest cells of five or more are withheld too, all that are equally small. Their sum with the
//!    others is told, as one number; which cells are in it is not.
//! 3. Where the table has no cell of five or more, its whole sum is told alone.
//! 4. Where there are one to four orders in all, or a table has exactly four in each cell that it can have, no table is told.
//!
//! By 2 the sum is never below six, and exchanging a small cell with one that was withheld beside it gives a table that is told in
//! exactly the same way: nobody can tell the two apart, not even who knows the rule. By 4 the same holds where 3 applies. A test
//! looks through all small tables.
//!
//! Two readings of different heights may differ by one order; and what took effect is told by public receipts, one by one, without a
//! pupil. The rule is for who reads tables, prints them or adds them up.

use std::collections::BTreeMap;
use std::sync::Arc;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::{ArtField, Place, Year};
use keis_ledger::ids::ServiceId;
use keis_ledger::record::{OrderState, School, Service};
use keis_ledger::time::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::Context;
use super::call::{Answer, Call, json};
use super::index::Content;
use super::keep::Keep;
use super::money::{Money, standing};
use super::problem::Problem;
use super::schema;
use super::years::readable;
use crate::view::View;

/// Fewest of which anything is told.
pub const FEWEST: u64 = 5;
/// States that an order can have.
const STATES: usize = 15;
/// Fields of the arts that there are.
const FIELDS: usize = 12;

/// A year's orders and money.
#[derive(Serialize, ToSchema)]
pub(super) struct Statistics {
    /// The year.
    #[schema(value_type = u16)]
    year: Year,
    /// Height at which it was read.
    #[schema(value_type = u64)]
    height: Height,
    /// Time of that block, milliseconds since 1970.
    #[schema(value_type = u64)]
    time: Timestamp,
    /// Counts of orders; absent where there are so few that any count would tell of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    orders: Option<Orders>,
    /// Where the money is, by class and source.
    money: Money,
}

/// Counts of a year's orders.
#[derive(Serialize, ToSchema)]
pub(super) struct Orders {
    /// All of them.
    total: u64,
    /// By where they stand, such as `confirmed`.
    states: Table,
    /// By the school's municipality, or country abroad.
    places: Table,
    /// By the service's branch of the arts, as the catalogue has it now.
    fields: Table,
    /// By the month in which the session begins, such as `2026-09`.
    months: Table,
}

/// Counts, each of five or more. A cell that is not there counts nothing, or is withheld.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
pub struct Table {
    /// What is told.
    pub cells: BTreeMap<String, u64>,
    /// Sum of the cells that are withheld; 0 when none is.
    pub withheld: u64,
}

/// A table before anything is withheld.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counted {
    /// Its cells.
    pub cells: BTreeMap<String, u64>,
    /// How many cells it can have, where that is known.
    pub possible: Option<usize>,
}

impl Counted {
    fn is_full_of_fours(&self) -> bool {
        self.possible == Some(self.cells.len()) && self.cells.values().all(|count| *count == FEWEST - 1)
    }

    fn told(&self) -> Table {
        let mut cells = self.cells.clone();
        cells.retain(|_, count| *count > 0);
        let total: u64 = cells.values().sum();
        if cells.values().any(|count| *count < FEWEST) {
            let smallest = cells.values().copied().filter(|count| *count >= FEWEST).min().unwrap_or(FEWEST);
            cells.retain(|_, count| *count > smallest);
        }
        let withheld = total - cells.values().sum::<u64>();
        Table { cells, withheld }
    }
}

/// What is told of tables of the same things: their number and the tables, in their order; nothing where there are too few.
pub fn told(tables: &[Counted]) -> Option<(u64, Vec<Table>)> {
    let total = tables.first().map_or(0, |table| table.cells.values().sum());
    let hidden = (1..FEWEST).contains(&total) || total > 0 && tables.iter().any(Counted::is_full_of_fours);
    (!hidden).then(|| (total, tables.iter().map(Counted::told).collect()))
}

/// A year's orders by state, municipality, branch of the arts and month, and its money by class and source. Counts below five are
/// withheld, and so many others that none of them can be reckoned from the rest.
#[utoipa::path(get, path = "/v1/statistics/{year}", tag = "money",
    params(("year" = u16, Path, description = "Programme year")),
    responses(
        (status = 200, body = Statistics),
        (status = 304, description = "The client holds it"),
        (status = 400, description = "No year", body = schema::Problem, content_type = "application/problem+json"),
        (status = 404, description = "Not on the ledger", body = schema::Problem, content_type = "application/problem+json"),
        (status = 410, description = "The year is sealed", body = schema::Problem, content_type = "application/problem+json"),
        (status = 503, description = "History is still being read", body = schema::Problem,
            content_type = "application/problem+json"),
    ))]
pub(super) async fn year(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let year = Year(call.id()?);
    readable(&context.view().tip.state, year)?;
    let read = move |content: &Content, view: &View| Statistics::of(content, view, year);
    json(StatusCode::OK, Keep::Moving, &context.list(read).await??)
}

impl Statistics {
    fn of(content: &Content, view: &View, year: Year) -> Result<Self, Problem> {
        let (_, money, _) = standing(view, year)?;
        let (height, time) = (view.height(), view.tip.time);
        Ok(Self { year, height, time, orders: Orders::of(content, view, year), money })
    }
}

impl Orders {
    fn of(content: &Content, view: &View, year: Year) -> Option<Self> {
        let state = &view.tip.state;
        let field = |id: ServiceId| state.get::<Service>(id).map(|service| service.terms.field);
        let mut counted: [Counted; 4] = Default::default();
        if let Some(tally) = content.tally(year) {
            let states = tally.states.iter().map(|(state, count)| (word::<OrderState>(state), *count));
            let places = tally.schools.iter().filter_map(|(school, count)| {
                let place: Place = state.get::<School>(*school)?.place;
                Some((place.to_string(), *count))
            });
            let fields = tally.services.iter().filter_map(|(id, count)| Some((word::<ArtField>(&field(*id)?), *count)));
            let months = tally.months.iter().map(|(month, count)| (month.to_string(), *count));
            counted = [
                Counted { cells: summed(states), possible: Some(STATES) },
                Counted { cells: summed(places), possible: None },
                Counted { cells: summed(fields), possible: Some(FIELDS) },
                Counted { cells: summed(months), possible: None },
            ];
        }
        let (total, tables) = told(&counted)?;
        let [states, places, fields, months] = <[Table; 4]>::try_from(tables).ok()?;
        Some(Self { total, states, places, fields, months })
    }
}

fn summed(counts: impl Iterator<Item = (String, u64)>) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (key, count) in counts {
        *sums.entry(key).or_default() += count;
    }
    sums
}

/// The word of a closed list as answers write it.
fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}
