//! The figures of a year, gathered from its records: totals by municipality, field, provider and taxation.

use std::collections::BTreeMap;

use keis_ledger::classifiers::{ArtField, Place, VatCategory, Year};
use keis_ledger::ids::ProviderId;
use keis_ledger::money::{Amounts, Source};
use keis_ledger::operation::Buyer;
use keis_ledger::record::{
    LineState, Order, OrderState, Record, RecordKey, School, Sealed, Session, Standing, Statement, StatementState,
    YearRecord,
};
use keis_ledger::state::Records;
use serde::Serialize;

use crate::anomaly::{Anomaly, Limits, Observations};
use crate::collect::{Collector, Moved};
use crate::money::{Count, SourceMoney};

/// Cents of both sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Both {
    /// The state's.
    pub state: u128,
    /// The schools'.
    pub school: u128,
}

impl Both {
    fn add(&mut self, amounts: &Amounts) {
        self.state += u128::from(amounts.state.get());
        self.school += u128::from(amounts.school.get());
    }
}

/// Sums of the orders that have something in common.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Group {
    /// Orders, in any state.
    pub orders: u64,
    /// Lines of pupils who were there.
    pub attended: u64,
    /// Lines of pupils who were not.
    pub absent: u64,
    /// Earned by providers, whether paid or not.
    pub earned: Both,
    /// Set aside for orders that are not over.
    pub set_aside: Both,
    /// In statements that were not contested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<Both>,
}

impl Group {
    /// One order's.
    fn of(order: &Order) -> Self {
        let mut group = Self { orders: 1, ..Self::default() };
        for line in &order.lines {
            group.attended += u64::from(line.state == LineState::Attended);
            group.absent += u64::from(line.state == LineState::Absent);
            group.earned.add(&line.due);
            group.set_aside.add(&line.held);
            group.set_aside.add(&line.escrow);
        }
        group
    }

    /// Adds one order's.
    fn add(&mut self, one: &Self) {
        self.orders += one.orders;
        self.attended += one.attended;
        self.absent += one.absent;
        self.earned.state += one.earned.state;
        self.earned.school += one.earned.school;
        self.set_aside.state += one.set_aside.state;
        self.set_aside.school += one.set_aside.school;
    }
}

/// A group with what its orders have in common.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What they have in common: a code or an id.
    pub key: String,
    /// The sums.
    #[serde(flatten)]
    pub group: Group,
}

/// How many statements are in a state, and their sum in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Statements {
    /// Number.
    pub count: u64,
    /// Sum.
    pub total: u128,
}

/// Everything that an audit tells of a year.
#[derive(Debug, Clone, Serialize)]
pub struct YearFigures {
    /// The year.
    pub year: Year,
    /// Open, ended or sealed.
    pub state: String,
    /// What is left of it in the state, once it is sealed.
    pub sealed: Option<Sealed>,
    /// Pupils' wallets, by standing.
    pub pupils: BTreeMap<String, u64>,
    /// Wallets that received their money of the year.
    pub allocated: u64,
    /// Money of each source, its equation and its recount.
    pub money: Vec<SourceMoney>,
    /// Orders by state.
    pub orders: BTreeMap<String, u64>,
    /// Statements by state.
    pub statements: BTreeMap<String, Statements>,
    /// By municipality or country of the school.
    pub municipalities: Vec<Row>,
    /// By branch of the arts.
    pub fields: Vec<Row>,
    /// By provider.
    pub providers: Vec<Row>,
    /// By taxation of the version that was ordered.
    pub vat: Vec<Row>,
    /// What each kind of event moved.
    pub moved: BTreeMap<String, Moved>,
    /// What somebody should look at.
    pub anomalies: Vec<Anomaly>,
}

#[derive(Default)]
struct Sums {
    count: Count,
    pupils: BTreeMap<&'static str, u64>,
    allocated: u64,
    orders: BTreeMap<OrderState, u64>,
    statements: BTreeMap<String, Statements>,
    municipalities: BTreeMap<Option<Place>, Group>,
    fields: BTreeMap<Option<ArtField>, Group>,
    providers: BTreeMap<ProviderId, Group>,
    vat: BTreeMap<Option<VatCategory>, Group>,
}

/// Gathers the figures of a year from where its records still are; what belongs to no year stands in `common`.
pub(crate) fn gather(state: &Records, common: &Records, year: Year, collector: &Collector) -> Option<YearFigures> {
    let record = state.get::<YearRecord>(year)?;
    let mut sums = Sums::default();
    let mut seen = Observations::new(year, &record.parameters);
    let (start, end) = (RecordKey::year_start(year), RecordKey::year_start(Year(year.0.saturating_add(1))));
    for (_, found) in state.records_from(&start).take_while(|(place, _)| **place < end) {
        sums.count.add(found);
        if let Record::Pupil(pupil) = found {
            *sums.pupils.entry(standing(pupil.standing)).or_default() += 1;
            sums.allocated += u64::from(pupil.allocated);
        } else if let Record::Order(order) = found {
            sums.order(common, order, collector);
            seen.order(order, state.get::<Session>((year, order.session)));
        } else if let Record::Statement(statement) = found {
            sums.statement(statement);
        }
    }
    let sealed = common.get::<Sealed>(year).copied();
    Some(YearFigures {
        year,
        state: sealed.map_or_else(|| word(&record.state), |_| "sealed".to_owned()),
        sealed,
        money: sums.count.compare(record),
        pupils: sums.pupils.into_iter().map(|(standing, count)| (standing.to_owned(), count)).collect(),
        allocated: sums.allocated,
        orders: sums.orders.iter().map(|(state, count)| (word(state), *count)).collect(),
        statements: sums.statements,
        municipalities: rows(sums.municipalities, |place| place.map_or_else(String::new, |place| place.to_string())),
        fields: rows(sums.fields, |field| field.as_ref().map_or_else(String::new, word)),
        providers: rows(sums.providers, |provider| provider.to_string()),
        vat: rows(sums.vat, |vat| vat.as_ref().map_or_else(String::new, word)),
        moved: moved(year, collector),
        anomalies: seen.anomalies(&Limits::default(), collector),
    })
}

impl Sums {
    fn order(&mut self, common: &Records, order: &Order, collector: &Collector) {
        let one = Group::of(order);
        *self.orders.entry(order.state).or_default() += 1;
        let place = common.get::<School>(order.school).map(|school| school.place);
        self.municipalities.entry(place).or_default().add(&one);
        self.providers.entry(order.provider).or_default().add(&one);
        let version = collector.terms(order.service, order.version);
        self.fields.entry(version.map(|version| version.field)).or_default().add(&one);
        self.vat.entry(version.map(|version| version.vat)).or_default().add(&one);
    }

    fn statement(&mut self, statement: &Statement) {
        let sums = self.statements.entry(word(&statement.state)).or_default();
        let total = u128::from(statement.total.get());
        sums.count += 1;
        sums.total += total;
        if statement.state == StatementState::Contested {
            return;
        }
        let group = self.providers.entry(statement.provider).or_default();
        let stated = group.stated.get_or_insert_default();
        match statement.buyer {
            Buyer::Programme => stated.state += total,
            Buyer::School(_) => stated.school += total,
        }
    }
}

/// The groups by the names of what they have in common.
fn rows<K>(groups: BTreeMap<K, Group>, name: impl Fn(&K) -> String) -> Vec<Row> {
    let mut rows: Vec<Row> = groups.into_iter().map(|(key, group)| Row { key: name(&key), group }).collect();
    rows.sort_by(|one, other| one.key.cmp(&other.key));
    rows
}

fn moved(year: Year, collector: &Collector) -> BTreeMap<String, Moved> {
    let kinds = collector.moved.get(&Some(year)).into_iter().flatten();
    kinds.map(|(kind, moved)| (word(kind), *moved)).collect()
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Suspended => "suspended",
        Standing::Closed => "closed",
    }
}

/// The ledger's own word for a value of a closed list.
pub(crate) fn word(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

impl SourceMoney {
    /// Whether it is the state's.
    pub fn is_state(&self) -> bool {
        self.source == Source::State
    }
}
