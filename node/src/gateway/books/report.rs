//! The closing report of a period: settled money by provider, place of the school, taxation and buyer, the accounts of
//! settlement from the period's beginning to its end, and both held against the ledger's own sums.

use std::collections::{BTreeMap, BTreeSet};

use keis_ledger::chain::Height;
use keis_ledger::classifiers::{Place, VatCategory, Year};
use keis_ledger::ids::{OrderId, ProviderId, PupilId, StatementId};
use keis_ledger::money::{Cents, Source};
use keis_ledger::operation::Buyer;
use keis_ledger::record::{Order, School, Statement, YearRecord};
use keis_ledger::state::State;
use keis_ledger::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::journal::{Entry, Event, Journal, Taxation};

/// Most rows of a report; their answer stays below what clients read.
pub const MOST_ROWS: usize = 30_000;

/// The period of a report: from an instant on, before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant behind it.
    pub to: Timestamp,
}

impl Period {
    /// All time.
    pub const ALL: Self = Self { from: Timestamp(0), to: Timestamp(u64::MAX) };

    fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// There are more rows than one answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the report has more than {MOST_ROWS} rows: ask for a shorter period")]
pub struct TooManyRows;

/// A closing report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Report {
    /// The programme year.
    #[schema(value_type = u16)]
    pub year: Year,
    /// The period's first instant; absent when it begins with the year's first statement.
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// The first instant behind the period; absent when it goes on until now.
    #[schema(value_type = Option<u64>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Height of the state that it was read from.
    #[schema(value_type = u64)]
    pub height: Height,
    /// Time of that block, milliseconds since 1970.
    #[schema(value_type = u64)]
    pub time: Timestamp,
    /// Whether all that was reckoned is what the ledger's accounts say.
    pub agrees: bool,
    /// Each source's accounts over the period, and the comparison.
    pub sources: Vec<SourceBook>,
    /// What was accepted and credited in the period.
    pub rows: Vec<Row>,
}

/// One source's accounts of settlement over the period, in cents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SourceBook {
    /// State or school.
    #[schema(value_type = String, example = "state")]
    pub source: Source,
    /// Statements accepted in the period.
    pub statements: u64,
    /// Their sum: what was accepted.
    #[schema(value_type = u64)]
    pub accepted: Cents,
    /// What was credited of accepted statements.
    #[schema(value_type = u64)]
    pub credited: Cents,
    /// What statements hold.
    pub settlement: SettlementBook,
    /// What was paid out.
    pub paid: PaidBook,
    /// What providers owe.
    pub receivable: ReceivableBook,
    /// What was reckoned from receipts and orders up to now, and the ledger's own sums.
    pub checks: Vec<Check>,
}

/// What statements hold, in cents: opening + issued − contested − paid + came back − set off − credited = closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct SettlementBook {
    /// Before the period.
    #[schema(value_type = u64)]
    pub opening: Cents,
    /// Put into statements.
    #[schema(value_type = u64)]
    pub issued: Cents,
    /// Taken out of contested statements.
    #[schema(value_type = u64)]
    pub contested: Cents,
    /// Paid by the bank.
    #[schema(value_type = u64)]
    pub paid: Cents,
    /// Sent back by the bank.
    #[schema(value_type = u64)]
    pub came_back: Cents,
    /// Set off against debts.
    #[schema(value_type = u64)]
    pub set_off: Cents,
    /// Credited before it was paid.
    #[schema(value_type = u64)]
    pub credited: Cents,
    /// After the period.
    #[schema(value_type = u64)]
    pub closing: Cents,
}

/// What was paid out, in cents: opening + paid − came back − repaid = closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct PaidBook {
    /// Before the period.
    #[schema(value_type = u64)]
    pub opening: Cents,
    /// Paid by the bank.
    #[schema(value_type = u64)]
    pub paid: Cents,
    /// Sent back by the bank.
    #[schema(value_type = u64)]
    pub came_back: Cents,
    /// Paid back by providers.
    #[schema(value_type = u64)]
    pub repaid: Cents,
    /// After the period.
    #[schema(value_type = u64)]
    pub closing: Cents,
}

/// What providers owe, in cents: opening + credited − set off − repaid = closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReceivableBook {
    /// Before the period.
    #[schema(value_type = u64)]
    pub opening: Cents,
    /// Credited after it was paid.
    #[schema(value_type = u64)]
    pub credited: Cents,
    /// Set off against statements.
    #[schema(value_type = u64)]
    pub set_off: Cents,
    /// Paid back.
    #[schema(value_type = u64)]
    pub repaid: Cents,
    /// After the period.
    #[schema(value_type = u64)]
    pub closing: Cents,
}

/// Something reckoned in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// What.
    pub what: Checked,
    /// From receipts or orders, in cents.
    #[schema(value_type = u64)]
    pub reckoned: Cents,
    /// What the ledger's sums say, in cents.
    #[schema(value_type = u64)]
    pub account: Cents,
}

/// What is reckoned in two ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub enum Checked {
    /// What statements hold now.
    Settlement,
    /// What is paid out now.
    Paid,
    /// What providers owe now.
    Receivable,
    /// What all accepted orders cost now: what accepted statements hold, and what is paid, less what is owed.
    Orders,
    /// The rows' sum of what was accepted in the period, and the statements'.
    RowsAccepted,
    /// The rows' sum of what was credited in the period, and the receipts'.
    RowsCredited,
}

/// What orders with everything in common come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Row {
    /// Who earned.
    #[schema(value_type = String, example = "prv_00ff…")]
    pub provider: ProviderId,
    /// Municipality or country of the school; absent when it is not known.
    #[schema(value_type = Option<String>, example = "LT-13")]
    pub place: Option<Place>,
    /// How the version that was ordered is taxed; absent when it is not known.
    #[schema(value_type = Option<String>, example = "exempt_culture")]
    pub vat: Option<VatCategory>,
    /// Who pays: `"programme"` with the state's money, or `{"school": "sch_00ff…"}` with its own.
    #[schema(value_type = Value)]
    pub buyer: Buyer,
    /// Orders in statements accepted in the period.
    pub orders: u64,
    /// Their pupils for whom something was due.
    pub pupils: u64,
    /// What was due for them when the statement was accepted, in cents.
    #[schema(value_type = u64)]
    pub accepted: Cents,
    /// Credits in the period.
    pub credits: u64,
    /// Their sum, in cents.
    #[schema(value_type = u64)]
    pub credited: Cents,
}

type RowKey = (ProviderId, Option<Place>, Option<VatCategory>, Buyer);

/// Sums of one source over a part of the journal.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    statements: u64,
    issued: Cents,
    accepted: Cents,
    contested: Cents,
    credited_held: Cents,
    credited_owed: Cents,
    paid: Cents,
    came_back: Cents,
    set_off: Cents,
    repaid: Cents,
}

fn plus(one: Cents, other: Cents) -> Cents {
    // A year's money is far below what 64 bits hold; what does not fit shows as a difference.
    one.checked_add(other).unwrap_or(one)
}

impl Sums {
    fn add(&mut self, entry: &Entry) {
        let amount = entry.amount;
        let sum = match entry.event {
            Event::Issued => &mut self.issued,
            Event::Accepted => {
                self.statements += 1;
                &mut self.accepted
            }
            Event::Contested => &mut self.contested,
            Event::Credited { held, owed } => {
                self.credited_held = plus(self.credited_held, held);
                self.credited_owed = plus(self.credited_owed, owed);
                return;
            }
            Event::Paid => &mut self.paid,
            Event::CameBack => &mut self.came_back,
            Event::SetOff => &mut self.set_off,
            Event::Repaid => &mut self.repaid,
        };
        *sum = plus(*sum, amount);
    }

    fn settlement(&self, opening: Cents) -> Cents {
        let more = plus(plus(opening, self.issued), self.came_back);
        let less = plus(plus(self.contested, self.paid), plus(self.set_off, self.credited_held));
        more.saturating_sub(less)
    }

    fn paid_out(&self, opening: Cents) -> Cents {
        plus(opening, self.paid).saturating_sub(plus(self.came_back, self.repaid))
    }

    fn owed(&self, opening: Cents) -> Cents {
        plus(opening, self.credited_owed).saturating_sub(plus(self.set_off, self.repaid))
    }
}

/// What a report is made of, at one height.
pub struct Reading<'a> {
    /// The year.
    pub year: Year,
    /// Height of the state.
    pub height: Height,
    /// Time of its block: later entries of the journal are not of this state.
    pub time: Timestamp,
    /// The state.
    pub state: &'a State,
    /// The year's journal, at least up to the height; none when nothing was ever settled.
    pub journal: Option<&'a Journal>,
    /// How services are taxed.
    pub taxation: &'a Taxation,
}

/// What was credited of orders, by source: how much, and of whose lines.
type Credits = BTreeMap<(OrderId, Source), (Cents, BTreeSet<PupilId>)>;

impl Reading<'_> {
    /// The report of a period.
    ///
    /// # Errors
    /// [`TooManyRows`] when one answer does not hold it.
    pub fn report(&self, period: Period) -> Result<Report, TooManyRows> {
        let rows = self.rows(period)?;
        let sources: Vec<SourceBook> =
            Source::ALL.into_iter().map(|source| self.source(source, period, &rows)).collect();
        let agrees = sources.iter().flat_map(|book| &book.checks).all(|check| check.reckoned == check.account);
        Ok(Report {
            year: self.year,
            from: (period.from != Period::ALL.from).then_some(period.from),
            to: (period.to != Period::ALL.to).then_some(period.to),
            height: self.height,
            time: self.time,
            agrees,
            sources,
            rows,
        })
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        let entries = self.journal.map_or(&[][..], |journal| journal.entries.as_slice());
        entries.iter().take_while(|entry| entry.at <= self.time)
    }

    fn source(&self, source: Source, period: Period, rows: &[Row]) -> SourceBook {
        let (mut before, mut within, mut ever) = (Sums::default(), Sums::default(), Sums::default());
        for entry in self.entries().filter(|entry| entry.source == source) {
            ever.add(entry);
            if period.holds(entry.at) {
                within.add(entry);
            } else if entry.at < period.from {
                before.add(entry);
            }
        }
        let opening = before.settlement(Cents::ZERO);
        let settlement = SettlementBook {
            opening,
            issued: within.issued,
            contested: within.contested,
            paid: within.paid,
            came_back: within.came_back,
            set_off: within.set_off,
            credited: within.credited_held,
            closing: within.settlement(opening),
        };
        let opening = before.paid_out(Cents::ZERO);
        let Sums { paid, came_back, repaid, .. } = within;
        let paid = PaidBook { opening, paid, came_back, repaid, closing: within.paid_out(opening) };
        let opening = before.owed(Cents::ZERO);
        let receivable = ReceivableBook {
            opening,
            credited: within.credited_owed,
            set_off: within.set_off,
            repaid,
            closing: within.owed(opening),
        };
        SourceBook {
            source,
            statements: within.statements,
            accepted: within.accepted,
            credited: plus(within.credited_held, within.credited_owed),
            settlement,
            paid,
            receivable,
            checks: self.checks(source, &ever, &within, rows),
        }
    }

    /// What was reckoned, against the sums that the ledger's accounts kept by themselves.
    fn checks(&self, source: Source, ever: &Sums, within: &Sums, rows: &[Row]) -> Vec<Check> {
        let totals = self.state.get::<YearRecord>(self.year).map(|year| *year.totals(source)).unwrap_or_default();
        let waiting = plus(Cents::ZERO, ever.issued).saturating_sub(plus(ever.contested, ever.accepted));
        let held = totals.settlement.saturating_sub(waiting);
        let orders = plus(held, totals.paid).saturating_sub(totals.receivable);
        let own = || rows.iter().filter(|row| row.buyer.source() == source);
        let credited = plus(within.credited_held, within.credited_owed);
        let check = |what, reckoned, account| Check { what, reckoned, account };
        vec![
            check(Checked::Settlement, ever.settlement(Cents::ZERO), totals.settlement),
            check(Checked::Paid, ever.paid_out(Cents::ZERO), totals.paid),
            check(Checked::Receivable, ever.owed(Cents::ZERO), totals.receivable),
            check(Checked::Orders, self.due_of_accepted(source), orders),
            check(Checked::RowsAccepted, own().fold(Cents::ZERO, |sum, row| plus(sum, row.accepted)), within.accepted),
            check(Checked::RowsCredited, own().fold(Cents::ZERO, |sum, row| plus(sum, row.credited)), credited),
        ]
    }

    /// What the orders of all accepted statements cost now, from their lines.
    fn due_of_accepted(&self, source: Source) -> Cents {
        let accepted = |entry: &&Entry| entry.source == source && entry.event == Event::Accepted;
        let statements = self.entries().filter(accepted).filter_map(|entry| self.statement(entry.statement));
        let orders = statements.flat_map(|(_, statement)| &statement.orders).filter_map(|id| self.order(*id));
        orders.fold(Cents::ZERO, |sum, order| plus(sum, due(order, source)))
    }

    fn statement(&self, id: Option<StatementId>) -> Option<(StatementId, &Statement)> {
        let id = id?;
        Some((id, self.state.get::<Statement>((self.year, id))?))
    }

    fn order(&self, id: OrderId) -> Option<&Order> {
        self.state.get::<Order>((self.year, id))
    }

    fn credits(&self) -> Credits {
        let mut credits = Credits::new();
        for entry in self.entries() {
            let (Event::Credited { .. }, Some(order)) = (entry.event, entry.order) else { continue };
            let (sum, pupils) = credits.entry((order, entry.source)).or_default();
            *sum = plus(*sum, entry.amount);
            pupils.extend(&entry.pupils);
        }
        credits
    }

    fn rows(&self, period: Period) -> Result<Vec<Row>, TooManyRows> {
        let credits = self.credits();
        let mut rows: BTreeMap<RowKey, Row> = BTreeMap::new();
        for entry in self.entries().filter(|entry| period.holds(entry.at)) {
            let Some((_, statement)) = self.statement(entry.statement) else { continue };
            match (entry.event, entry.order) {
                (Event::Accepted, _) => {
                    for id in &statement.orders {
                        let Some(order) = self.order(*id) else { continue };
                        let credited = credits.get(&(*id, entry.source));
                        self.row(&mut rows, statement, order).accept(order, entry.source, credited);
                    }
                }
                (Event::Credited { .. }, Some(id)) => {
                    let Some(order) = self.order(id) else { continue };
                    let row = self.row(&mut rows, statement, order);
                    row.credits += 1;
                    row.credited = plus(row.credited, entry.amount);
                }
                (
                    Event::Issued
                    | Event::Contested
                    | Event::Credited { .. }
                    | Event::Paid
                    | Event::CameBack
                    | Event::SetOff
                    | Event::Repaid,
                    _,
                ) => {}
            }
            if rows.len() > MOST_ROWS {
                return Err(TooManyRows);
            }
        }
        Ok(rows.into_values().collect())
    }

    fn row<'r>(&self, rows: &'r mut BTreeMap<RowKey, Row>, statement: &Statement, order: &Order) -> &'r mut Row {
        let (provider, buyer) = (statement.provider, statement.buyer);
        let place = self.state.get::<School>(order.school).map(|school| school.place);
        let vat = self.taxation.of(order.service, order.version);
        rows.entry((provider, place, vat, buyer)).or_insert_with(|| Row {
            provider,
            place,
            vat,
            buyer,
            orders: 0,
            pupils: 0,
            accepted: Cents::ZERO,
            credits: 0,
            credited: Cents::ZERO,
        })
    }
}

fn due(order: &Order, source: Source) -> Cents {
    order.lines.iter().fold(Cents::ZERO, |sum, line| plus(sum, line.due.of(source)))
}

impl Row {
    /// Adds an accepted order as it was at its acceptance: what was credited since is added to what is due by now.
    fn accept(&mut self, order: &Order, source: Source, credited: Option<&(Cents, BTreeSet<PupilId>)>) {
        self.orders += 1;
        let was_due = |line: &&keis_ledger::record::Line| {
            !line.due.of(source).is_zero() || credited.is_some_and(|(_, pupils)| pupils.contains(&line.pupil))
        };
        self.pupils += order.lines.iter().filter(was_due).count() as u64;
        let since = credited.map_or(Cents::ZERO, |(sum, _)| *sum);
        self.accepted = plus(self.accepted, plus(due(order, source), since));
    }
}
