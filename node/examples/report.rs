//! Times the reckoning of a national year's closing report, and says how large its answer is: `cargo run --release -p keis-node
//! --example report`. The state and the receipts are made here: 8,000 statements, all of them paid, every tenth with a credit note.
//!
//! Arguments: statements, providers, schools, orders of a statement, pupils of an order.

use std::error::Error;
use std::time::Instant;

use keis_ledger::chain::Height;
use keis_ledger::classifiers::{Grades, Place, VatCategory, Year};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{
    EntityId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId, TransactionId,
};
use keis_ledger::money::{Amounts, BasisPoints, Cents};
use keis_ledger::operation::{Buyer, Party};
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::receipt::{FullReceipt, Kind, Receipt, ReceiptLine, Subject};
use keis_ledger::record::{
    Line, LineState, Order, OrderState, PinnedRules, Record, RecordKey, School, Standing, Statement, StatementState,
    Totals, YearRecord, YearState,
};
use keis_ledger::state::State;
use keis_ledger::time::{Calendar, Offset, Span, Timestamp};
use keis_ledger::tree::TreeKey;
use keis_node::gateway::books::{Journal, Period, Posting, Reading, Taxation};

const YEAR: Year = Year(2026);
/// What a pupil's visit costs.
const PRICE: u64 = 800;
/// What a credit note gives up of the first pupil of an order.
const CREDIT: u64 = 300;

/// How much there is.
#[derive(Clone, Copy)]
struct Size {
    statements: usize,
    providers: usize,
    schools: usize,
    orders: usize,
    pupils: usize,
}

fn bytes(kind: u8, number: usize) -> [u8; 16] {
    let mut bytes = [kind; 16];
    bytes[8..].copy_from_slice(&(number as u64).to_be_bytes());
    bytes
}

impl Size {
    fn provider(self, statement: usize) -> usize {
        statement % self.providers
    }

    /// Every other statement is the programme's; the rest are schools', one each.
    fn buyer(self, statement: usize) -> Buyer {
        if statement.is_multiple_of(2) {
            Buyer::Programme
        } else {
            Buyer::School(SchoolId(bytes(1, self.school(statement, 0))))
        }
    }

    /// Orders of a programme's statement come from everywhere.
    fn school(self, statement: usize, order: usize) -> usize {
        let order = if statement.is_multiple_of(2) { order } else { 0 };
        (statement * 31 + order * 101) % self.schools
    }

    fn total(self) -> u64 {
        (self.orders * self.pupils) as u64 * PRICE
    }
}

fn state(size: Size) -> Result<State, Box<dyn Error>> {
    let mut records: Vec<(TreeKey, Record)> = Vec::new();
    let mut put = |key: RecordKey, record: Record| records.push((key.place(), record));
    for number in 0..size.schools {
        let place = Place::Municipality((number % 60 + 1) as u8);
        let school = School { entity: EntityId(bytes(2, number)), place, standing: Standing::Active };
        put(RecordKey::School(SchoolId(bytes(1, number))), Record::School(Box::new(school)));
    }
    let (mut state_paid, mut school_paid, mut state_owed, mut school_owed) = (0, 0, 0, 0);
    for number in 0..size.statements {
        let (id, buyer) = (StatementId(bytes(3, number)), size.buyer(number));
        let orders: Vec<OrderId> =
            (0..size.orders).map(|order| OrderId(bytes(4, number * size.orders + order))).collect();
        for (place, order) in orders.iter().enumerate() {
            let record = order_of(size, number, place);
            put(RecordKey::Order(YEAR, *order), Record::Order(Box::new(record)));
        }
        let credited = if is_credited(number) { CREDIT } else { 0 };
        let (paid, owed) = match buyer {
            Buyer::Programme => (&mut state_paid, &mut state_owed),
            Buyer::School(_) => (&mut school_paid, &mut school_owed),
        };
        (*paid, *owed) = (*paid + size.total(), *owed + credited);
        let statement = Statement {
            provider: ProviderId(bytes(5, size.provider(number))),
            buyer,
            orders,
            total: Cents::new(size.total()),
            balance: Cents::ZERO,
            state: StatementState::Paid,
            issued: Timestamp(1_000 + number as u64),
        };
        put(RecordKey::Statement(YEAR, id), Record::Statement(Box::new(statement)));
    }
    let totals = |paid, receivable| Totals {
        minted: Cents::new(paid),
        paid: Cents::new(paid),
        receivable: Cents::new(receivable),
        ..Totals::default()
    };
    let year = YearRecord {
        state: YearState::Open,
        parameters: parameters(),
        state_money: totals(state_paid, state_owed),
        school_money: totals(school_paid, school_owed),
    };
    put(RecordKey::Year(YEAR), Record::Year(Box::new(year)));
    records.sort_by_key(|(place, _)| *place);
    Ok(State::from_records(records)?)
}

/// Of every tenth statement the first pupil of the first order is credited, after it was paid.
fn is_credited(statement: usize) -> bool {
    statement % 20 < 2
}

fn amounts(buyer: Buyer, cents: u64) -> Amounts {
    match buyer {
        Buyer::Programme => Amounts { state: Cents::new(cents), school: Cents::ZERO },
        Buyer::School(_) => Amounts { state: Cents::ZERO, school: Cents::new(cents) },
    }
}

fn pupil(statement: usize, order: usize, line: usize, size: Size) -> PupilId {
    PupilId(bytes(6, (statement * size.orders + order) * size.pupils + line))
}

fn order_of(size: Size, statement: usize, order: usize) -> Order {
    let (school, buyer) = (SchoolId(bytes(1, size.school(statement, order))), size.buyer(statement));
    let line = |number| {
        let less = if is_credited(statement) && (order, number) == (0, 0) { CREDIT } else { 0 };
        Line {
            pupil: pupil(statement, order, number, size),
            state: LineState::Attended,
            held: Amounts::ZERO,
            escrow: Amounts::ZERO,
            due: amounts(buyer, PRICE - less),
        }
    };
    Order {
        school,
        orderer: Party::School(school),
        provider: ProviderId(bytes(5, size.provider(statement))),
        service: service(size.provider(statement), order),
        version: 1,
        session: SessionId(bytes(7, statement * size.orders + order)),
        start: Timestamp(100),
        end: Timestamp(200),
        state: OrderState::Settled,
        price: Cents::new(PRICE),
        rules: PinnedRules::of(&parameters()),
        school_money: Cents::ZERO,
        deadline: Timestamp(300),
        lines: (0..size.pupils).map(line).collect(),
        change: None,
        orderer_key: SecretKey::from_bytes(&[1; 32]).public(),
        provider_key: None,
        programme_statement: None,
        school_statement: None,
        blind: Hash([0; 32]),
    }
}

/// A provider has two services, each taxed in its own way.
fn service(provider: usize, order: usize) -> ServiceId {
    ServiceId(bytes(8, provider * 2 + order % 2))
}

fn parameters() -> ProgrammeParameters {
    let half = BasisPoints::new(5_000).expect("half");
    ProgrammeParameters {
        amount_per_pupil: Cents::new(1_400),
        register_until: Timestamp(1),
        arrivals: ArrivalAmount::None,
        window_from: Timestamp(1),
        window_until: Timestamp(2),
        hold_expiry: Span::days(5),
        free_change: Span::days(2),
        free_cancel: Span::days(4),
        late_share: half,
        absence_share: half,
        minimum_share: half,
        attendance_days: 5,
        settlement_period: Span::days(14),
        own_key_grades: Grades { from: 9, until: 12 },
        calendar: Calendar { holidays: Vec::new(), offsets: vec![Offset { from: Timestamp(0), minutes: 120 }] },
    }
}

/// What a receipt of a statement says of its money.
fn posting(size: Size, number: usize, kind: Kind) -> Option<Posting> {
    let credits = kind == Kind::CreditNoted;
    let cents = if credits { CREDIT } else { size.total() };
    let buyer = size.buyer(number);
    let lines = vec![ReceiptLine { pupil: pupil(number, 0, 0, size), moved: amounts(buyer, CREDIT) }];
    let lines = if credits { lines } else { Vec::new() };
    let receipt = Receipt {
        id: TransactionId([0; 32]),
        height: Height(1),
        index: 0,
        time: Timestamp(1_000 + number as u64),
        kind,
        subject: Subject {
            year: Some(YEAR),
            statement: Some(StatementId(bytes(3, number))),
            order: credits.then(|| OrderId(bytes(4, number * size.orders))),
            ..Subject::default()
        },
        on_behalf: false,
        total: amounts(buyer, cents),
        lines: lines.len() as u32,
        lines_root: Hash([0; 32]),
    };
    Posting::of(&FullReceipt { receipt, lines, seed: Hash([0; 32]) })
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |standard: usize| arguments.next().map_or(Ok(standard), |text| text.parse());
    let size = Size {
        statements: next(8_000)?,
        providers: next(400)?,
        schools: next(1_200)?,
        orders: next(12)?,
        pupils: next(10)?,
    };
    let state = state(size)?;
    let (mut journal, mut taxation) = (Journal::default(), Taxation::default());
    for provider in 0..size.providers {
        taxation.add(service(provider, 0), VatCategory::ExemptCulture);
        taxation.add(service(provider, 1), VatCategory::Standard);
    }
    for number in 0..size.statements {
        let credit = is_credited(number).then_some(Kind::CreditNoted);
        let kinds = [Kind::StatementIssued, Kind::StatementAccepted, Kind::PaymentRecorded].into_iter().chain(credit);
        for posting in kinds.filter_map(|kind| posting(size, number, kind)) {
            journal.take(&posting, &state);
        }
    }
    let time = Timestamp(1_000 + size.statements as u64);
    let reading =
        Reading { year: YEAR, height: Height(1), time, state: &state, journal: Some(&journal), taxation: &taxation };
    let half = Period { from: Timestamp(0), to: Timestamp(1_000 + size.statements as u64 / 2) };
    println!(
        "{} statements, {} orders, {} pupils",
        size.statements,
        size.statements * size.orders,
        size.total() / PRICE * size.statements as u64
    );
    for (name, period) in [("all", Period::ALL), ("half of it", half), ("all again", Period::ALL)] {
        let begun = Instant::now();
        let report = reading.report(period)?;
        let reckoned = begun.elapsed();
        let text = serde_json::to_vec(&report)?;
        let written = begun.elapsed() - reckoned;
        let rows = report.rows.len();
        println!(
            "{name}: agrees {}, {rows} rows, {} bytes; reckoned in {reckoned:?}, written in {written:?}",
            report.agrees,
            text.len()
        );
    }
    Ok(())
}
