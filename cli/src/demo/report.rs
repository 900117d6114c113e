//! What came of the year: read back from the network, held against the files, told as a page and as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use keis_ledger::chain::Height;
use keis_ledger::money::Cents;
use keis_ledger::receipt::Kind;
use keis_ledger::record::{OrderState, Totals};
use keis_wallet::client::Money as Sums;
use keis_wallet::client::{Client, Funds};
use serde::Serialize;

use super::audited::Audited;
use super::book::Book;
use super::drive::Tally;
use super::exceptions::Exceptions;
use crate::programme::{OrderEnd, Programme};

/// The figures of a demo; `keis demo --report` writes them.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Number of validators.
    pub validators: usize,
    /// Height of the last block.
    pub height: u64,
    /// State root of every node.
    pub state_roots: Vec<String>,
    /// Whether the money equation holds for each source.
    pub balanced: bool,
    /// Every class of accounts by source, in cents.
    pub money: Money,
    /// What became of the statements.
    pub settlement: SettlementFigures,
    /// What is neither paid nor returned, and what is owed, in cents.
    pub outstanding: Option<u64>,
    /// Root over the records of the sealed year; none when it could not be sealed.
    pub sealed_root: Option<String>,
    /// Wall time from the submission of the seal to its acknowledgement, in milliseconds.
    pub seal_ms: Option<f64>,
    /// Decisions that institutions took together.
    pub decisions: u64,
    /// What went wrong on the way, beside the calendar, and was put right.
    pub exceptions: Exceptions,
    /// Orders by state, as they stood before the seal.
    pub orders: BTreeMap<String, u64>,
    /// Orders that did not end where the calendar says.
    pub orders_astray: Vec<String>,
    /// Transactions that took effect.
    pub transactions: u64,
    /// Lines of pupils charged by orders.
    pub pupil_debits: u64,
    /// Transactions that the ledger refused, as the calendar expects.
    pub rejected: u64,
    /// Wall time from submission to acknowledgement, in milliseconds.
    pub latency_ms: Latency,
    /// Validators killed with kill -9 and restarted while orders ran.
    pub kills: u64,
    /// Wall time of the whole, up to the seal, in seconds.
    pub seconds: f64,
    /// What an auditor found who had an export and the founding document, nothing else.
    pub audit: Option<Audited>,
}

/// Sums of accounts of the year by source.
#[derive(Debug, Serialize)]
pub struct Money {
    /// The state's money.
    pub state: Totals,
    /// The schools' own.
    pub school: Totals,
}

/// What became of the statements.
#[derive(Debug, Serialize)]
pub struct SettlementFigures {
    /// Statements invoiced, approved, paid and found at the bank by another institution.
    pub statements: u64,
    /// Invoices that the buyer refused and that were attached anew.
    pub invoices_refused: u64,
    /// How long the drawing of all invoices took, questions to the gateways included.
    pub drawing_seconds: f64,
    /// What was paid of the state's money, in cents.
    pub paid_state: u64,
    /// What the files and the exceptional weeks say must have been.
    pub expected_state: u64,
    /// What was paid of the schools' own, in cents.
    pub paid_school: u64,
    /// What the files say must have been.
    pub expected_school: u64,
}

impl SettlementFigures {
    fn is_exact(&self) -> bool {
        self.paid_state == self.expected_state && self.paid_school == self.expected_school
    }
}

/// Two points of the latencies' distribution.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// Half were faster.
    pub p50: f64,
    /// 99 of 100 were faster.
    pub p99: f64,
}

/// What the clock does by itself.
const STEPS: [Kind; 9] = [
    Kind::OrderLapsed,
    Kind::AttendanceAutomatic,
    Kind::FundsReturned,
    Kind::DecisionExpired,
    Kind::ProtocolSwitched,
    Kind::ForceMajeureContinued,
    Kind::ForceMajeureEnded,
    Kind::OrderStruck,
    Kind::DeadlinePostponed,
];

/// What the receipts of all blocks say.
#[derive(Default)]
pub(super) struct Chronicle {
    transactions: u64,
    pupil_debits: u64,
}

impl Chronicle {
    /// Reads the public receipts of every block up to a height.
    pub(super) async fn read(client: &Client, height: Height, done: &dyn Fn(u64)) -> anyhow::Result<Self> {
        let mut chronicle = Self::default();
        for number in 1..=height.0 {
            let receipts = client.block_receipts(Height(number)).await?;
            for receipt in receipts.with_context(|| format!("block {number} is not at the gateway"))? {
                chronicle.transactions += u64::from(!STEPS.contains(&receipt.kind));
                if [Kind::OrderRequested, Kind::LinesSwapped].contains(&receipt.kind) {
                    chronicle.pupil_debits += u64::from(receipt.lines);
                }
            }
            done(number);
        }
        Ok(chronicle)
    }
}

fn expected(end: OrderEnd) -> OrderState {
    match end {
        OrderEnd::Declined => OrderState::Declined,
        OrderEnd::Lapsed => OrderState::Lapsed,
        OrderEnd::CancelledFree => OrderState::CancelledFree,
        OrderEnd::CancelledLate => OrderState::CancelledLate,
        OrderEnd::CancelledByProvider => OrderState::CancelledByProvider,
        OrderEnd::Attended => OrderState::Attended,
        OrderEnd::AttendedAutomatically => OrderState::AttendedAutomatically,
        OrderEnd::Settled => OrderState::Settled,
    }
}

/// Orders that ended in another state, or at another cost, than the files say, in words.
pub(super) async fn astray(client: &Client, programme: &Programme, book: &Book) -> anyhow::Result<Vec<String>> {
    let mut astray = Vec::new();
    for order in &programme.orders {
        let id = book.orders.get(&order.order_code).and_then(|lines| lines.id);
        let found = match id {
            Some(id) => client.order(book.year, id).await?,
            None => None,
        };
        let wanted = (expected(order.expected_state), u64::from(order.state_cents), u64::from(order.school_cents));
        let found = found.map(|order| (order.state, order.due.state.get(), order.due.school.get()));
        if found != Some(wanted) {
            astray.push(format!("{}: {wanted:?} expected, {found:?} found", order.order_code));
        }
    }
    Ok(astray)
}

/// Where the figures come from.
pub(super) struct Sources {
    pub(super) funds: Funds,
    pub(super) orders: BTreeMap<String, u64>,
    pub(super) state_roots: Vec<String>,
    pub(super) height: Height,
    pub(super) chronicle: Chronicle,
    pub(super) orders_astray: Vec<String>,
    pub(super) kills: u64,
    pub(super) seal_ms: Option<f64>,
    pub(super) seconds: f64,
    pub(super) settled: u64,
    pub(super) refused: u64,
    /// How long invoices were drawn.
    pub(super) drawing: Duration,
    pub(super) exceptions: Exceptions,
}

/// What of a year is neither paid nor returned, and what is owed, in cents; none when it cannot be counted.
pub(super) fn outstanding(money: &Sums) -> Option<u64> {
    money.state.outstanding()?.checked_add(money.school.outstanding()?).map(Cents::get)
}

/// Puts the figures together.
pub(super) fn report(sources: Sources, programme: &Programme, tally: &Tally) -> Report {
    let Sources { funds, chronicle, exceptions, .. } = sources;
    let mut latencies = tally.latencies.clone();
    latencies.sort_unstable();
    let state: u64 = programme.orders.iter().map(|order| u64::from(order.state_cents)).sum();
    let school: u64 = programme.orders.iter().map(|order| u64::from(order.school_cents)).sum();
    let settlement = SettlementFigures {
        statements: sources.settled,
        invoices_refused: sources.refused,
        drawing_seconds: sources.drawing.as_secs_f64(),
        paid_state: funds.money.state.paid.get(),
        expected_state: state + exceptions.expected_paid,
        paid_school: funds.money.school.paid.get(),
        expected_school: school,
    };
    Report {
        validators: sources.state_roots.len(),
        height: sources.height.0,
        state_roots: sources.state_roots,
        balanced: funds.money.balances(),
        settlement,
        outstanding: outstanding(&funds.money),
        seal_ms: sources.seal_ms,
        sealed_root: funds.sealed.as_ref().map(|sealed| sealed.root.to_string()),
        decisions: tally.decisions,
        exceptions,
        money: Money { state: funds.money.state, school: funds.money.school },
        orders: sources.orders,
        orders_astray: sources.orders_astray,
        transactions: chronicle.transactions,
        pupil_debits: chronicle.pupil_debits,
        rejected: tally.rejected,
        latency_ms: Latency { p50: quantile(&latencies, 50), p99: quantile(&latencies, 99) },
        kills: sources.kills,
        seconds: sources.seconds,
        audit: None,
    }
}

fn quantile(sorted_micros: &[u64], percent: usize) -> f64 {
    let place = (sorted_micros.len() * percent / 100).min(sorted_micros.len().saturating_sub(1));
    sorted_micros.get(place).map_or(0.0, |micros| *micros as f64 / 1000.0)
}

impl Report {
    /// Whether the year came out as it must.
    pub fn holds(&self) -> bool {
        self.roots_equal()
            && self.balanced
            && self.orders_astray.is_empty()
            && self.settlement.is_exact()
            && self.outstanding == Some(0)
            && self.sealed_root.is_some()
            && self.audit.as_ref().is_some_and(Audited::is_sound)
    }

    fn roots_equal(&self) -> bool {
        self.state_roots.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// The page for people.
    pub fn page(&self) -> String {
        let mut page = String::new();
        let mut line = |text: String| {
            page.push_str(&text);
            page.push('\n');
        };
        line(format!("{:<26}{:>18}{:>18}", "Money (EUR)", "state", "school"));
        for (name, of) in CLASSES {
            line(format!("  {:<24}{:>18}{:>18}", name, euros(of(&self.money.state)), euros(of(&self.money.school))));
        }
        line(format!("  {:<24}{:>36}", "equation", if self.balanced { "holds" } else { "BROKEN" }));
        self.settled(&mut line);
        line("Orders".to_owned());
        for (state, count) in &self.orders {
            line(format!("  {:<24}{:>18}", state.replace('_', " "), count));
        }
        if !self.exceptions.happened.is_empty() {
            line("What went wrong and was put right".to_owned());
        }
        for happened in &self.exceptions.happened {
            line(format!("  {happened}"));
        }
        line("Network".to_owned());
        let figures = [
            ("blocks", self.height.to_string()),
            ("transactions", self.transactions.to_string()),
            ("pupil debits", self.pupil_debits.to_string()),
            ("refused, as expected", self.rejected.to_string()),
            ("latency p50 / p99", format!("{:.0} / {:.0} ms", self.latency_ms.p50, self.latency_ms.p99)),
            ("kill -9 and restart", self.kills.to_string()),
            ("wall time", format!("{:.0} s", self.seconds)),
        ];
        for (name, figure) in figures {
            line(format!("  {name:<24}{figure:>18}"));
        }
        for root in &self.state_roots {
            line(format!("  state root  {root}"));
        }
        if !self.roots_equal() {
            line("The state roots DIFFER.".to_owned());
        }
        for order in &self.orders_astray {
            line(format!("ASTRAY {order}"));
        }
        self.audit.iter().flat_map(Audited::lines).for_each(line);
        page
    }
}

impl Report {
    /// How the money ended: paid, returned, nothing owed, sealed.
    fn settled(&self, line: &mut impl FnMut(String)) {
        let figures = &self.settlement;
        line("Settlement".to_owned());
        let exact = if figures.is_exact() { "as the files say" } else { "NOT AS THE FILES SAY" };
        let left = match self.outstanding {
            Some(0) => "nothing".to_owned(),
            Some(cents) => format!("{} NOT PAID OR RETURNED", euros(Cents::new(cents))),
            None => "MORE THAN CAN BE COUNTED".to_owned(),
        };
        let told = [
            ("statements paid", figures.statements.to_string()),
            ("invoices refused", figures.invoices_refused.to_string()),
            ("drawing of invoices", format!("{:.1} s", figures.drawing_seconds)),
            ("decisions of several", self.decisions.to_string()),
            ("paid", exact.to_owned()),
            ("outstanding", left),
            ("year", self.seal_ms.map_or("NOT SEALED".to_owned(), |took| format!("sealed in {took:.0} ms"))),
        ];
        for (name, figure) in told {
            line(format!("  {name:<24}{figure:>36}"));
        }
        if let Some(root) = &self.sealed_root {
            line(format!("  sealed root {root}"));
        }
    }
}

type Class = (&'static str, fn(&Totals) -> Cents);

const CLASSES: [Class; 12] = [
    ("minted", |totals| totals.minted),
    ("budget", |totals| totals.budget),
    ("reserve", |totals| totals.reserve),
    ("pupils", |totals| totals.pupils),
    ("schools", |totals| totals.schools),
    ("held", |totals| totals.held),
    ("escrowed", |totals| totals.escrowed),
    ("providers", |totals| totals.providers),
    ("in settlement", |totals| totals.settlement),
    ("receivable", |totals| totals.receivable),
    ("paid", |totals| totals.paid),
    ("returned", |totals| totals.returned),
];

fn euros(cents: Cents) -> String {
    format!("{}.{:02}", cents.get() / 100, cents.get() % 100)
}
