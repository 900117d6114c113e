//! The money equation, recomputed from every record.

use std::collections::BTreeMap;

use keis_ledger::classifiers::Year;
use keis_ledger::money::{Amounts, Source};
use keis_ledger::operation::Buyer;
use keis_ledger::record::{
    Bill, Entity, LineState, Order, OrderState, Record, RecordKey, Statement, StatementState, Totals,
};
use keis_ledger::state::State;
use keis_ledger::tree::TreeKey;

#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    pupils: u64,
    schools: [u64; 2],
    held: [u64; 2],
    escrowed: [u64; 2],
    providers: [u64; 2],
    settlement: [u64; 2],
    receivable: [u64; 2],
    unreconciled: u32,
}

fn add(sums: &mut [u64; 2], amounts: &Amounts) {
    for (sum, source) in sums.iter_mut().zip(Source::ALL) {
        *sum += amounts.of(source).get();
    }
}

/// Invariant 1: what the accounts hold is what the year's totals say, and all of it is what was minted.
pub fn assert_equation(state: &State) {
    let mut sums: BTreeMap<Year, Sums> = BTreeMap::new();
    let mut totals: BTreeMap<Year, [Totals; 2]> = BTreeMap::new();
    let mut counted = Vec::new();
    for (place, record) in state.records() {
        let year = Year(u16::from_be_bytes([place.0[0], place.0[1]]));
        let sums = sums.entry(year).or_default();
        match record {
            Record::Pupil(pupil) => sums.pupils += pupil.balance.get(),
            Record::SchoolPurse(purse) => sums.schools[1] += purse.balance.get(),
            Record::ProviderPurse(purse) => add(&mut sums.providers, &purse.balance),
            Record::Order(order) => {
                assert_order(order);
                for line in &order.lines {
                    add(&mut sums.held, &line.held);
                    add(&mut sums.escrowed, &line.escrow);
                }
            }
            Record::Statement(statement) => {
                let source = match statement.buyer {
                    Buyer::Programme => 0,
                    Buyer::School(_) => 1,
                };
                sums.settlement[source] += statement.balance.get();
                sums.unreconciled += u32::from(statement.state == StatementState::Paid);
                assert_statement(state, year, statement);
            }
            Record::Receivable(receivable) => {
                let source = usize::from(!is_of_programme(state, year, place));
                sums.receivable[source] += receivable.owed.get();
            }
            Record::Repayment(repayment) => sums.unreconciled += u32::from(repayment.bank.is_none()),
            Record::Books(books) => counted.push((year, books.unreconciled)),
            Record::Sealed(sealed) => {
                let only = state.year(year);
                assert_eq!(only.len(), 1, "one leaf is left of a sealed year");
                for totals in [sealed.state_money, sealed.school_money] {
                    assert!(totals.outstanding().is_some_and(|sum| sum.is_zero()), "nothing is open: {totals:?}");
                    assert_eq!(totals.paid.checked_add(totals.returned), Some(totals.minted));
                }
            }
            Record::Year(record) => {
                let known = totals.insert(year, [record.state_money, record.school_money]);
                assert!(known.is_none());
                assert_eq!(*place, RecordKey::Year(year).place());
            }
            Record::Network(_)
            | Record::Key(_)
            | Record::School(_)
            | Record::Provider(_)
            | Record::Service(_)
            | Record::Nullifier(_)
            | Record::Session(_)
            | Record::Billing(_)
            | Record::Due(_)
            | Record::Bill(_)
            | Record::Rating(_)
            | Record::PaymentAccount(_)
            | Record::Reference(_)
            | Record::ServiceRating(_)
            | Record::Institution(_)
            | Record::Decision(_)
            | Record::ProtocolSwitch(_)
            | Record::Dispute(_)
            | Record::Exceptions(_)
            | Record::Succession(_)
            | Record::Era(_)
            | Record::BoundIn(_) => {}
        }
    }
    for (year, count) in counted {
        assert_eq!(sums[&year].unreconciled, count, "what waits for the bank is counted");
    }
    for (year, totals) in totals {
        assert_year(&sums[&year], &totals);
    }
}

/// Whether a receivable is the programme's: its place follows from the provider and the buyer.
fn is_of_programme(state: &State, year: Year, place: &TreeKey) -> bool {
    let mut providers =
        state.records().filter_map(|(_, record)| Statement::from_record(record)).map(|one| one.provider);
    providers.any(|one| RecordKey::Receivable(year, one, Buyer::Programme).place() == *place)
}

/// What a statement is due is its total less the credits; what is open and paid is never more than the total.
fn assert_statement(state: &State, year: Year, statement: &Statement) {
    let open = statement.balance.get();
    match statement.state {
        StatementState::Issued => assert_eq!(open, statement.total.get()),
        StatementState::Contested | StatementState::Paid | StatementState::Reconciled | StatementState::Credited => {
            assert_eq!(open, 0);
        }
        StatementState::Accepted | StatementState::InvoiceAttached | StatementState::Approved => assert!(open > 0),
    }
    if !statement.state.is_accepted() {
        return;
    }
    let due = statement.orders.iter().filter_map(|id| state.get::<Order>((year, *id))).map(|order| {
        let parts = order.lines.iter().map(|line| line.due.of(statement.buyer.source()).get());
        parts.sum::<u64>()
    });
    let due: u64 = due.sum();
    let first = state.get::<Order>((year, statement.orders[0])).expect("a statement's orders are there");
    let id = match statement.buyer {
        Buyer::Programme => first.programme_statement,
        Buyer::School(_) => first.school_statement,
    };
    let bill = state.get::<Bill>((year, id.expect("an order names its statement"))).cloned().unwrap_or_default();
    let paid: u64 = bill.standing().map(|payment| payment.amount.get()).sum();
    assert_eq!(due + bill.credited.get(), statement.total.get(), "what is not due any more was credited: {bill:?}");
    assert!(open + paid <= statement.total.get(), "{open} open and {paid} paid of {statement:?}");
}

fn assert_year(sums: &Sums, totals: &[Totals; 2]) {
    let said = Sums {
        pupils: totals[0].pupils.get(),
        schools: [totals[0].schools.get(), totals[1].schools.get()],
        held: [totals[0].held.get(), totals[1].held.get()],
        escrowed: [totals[0].escrowed.get(), totals[1].escrowed.get()],
        providers: [totals[0].providers.get(), totals[1].providers.get()],
        settlement: [totals[0].settlement.get(), totals[1].settlement.get()],
        receivable: [totals[0].receivable.get(), totals[1].receivable.get()],
        unreconciled: sums.unreconciled,
    };
    assert_eq!(*sums, said, "the accounts' sums are the year's totals");
    assert_eq!(totals[1].pupils.get(), 0, "no pupil holds a school's money");
    for one in totals {
        let parts = [
            one.budget,
            one.reserve,
            one.pupils,
            one.schools,
            one.held,
            one.escrowed,
            one.providers,
            one.settlement,
            one.paid,
            one.returned,
        ];
        let somewhere: u64 = parts.iter().map(|part| part.get()).sum();
        assert_eq!(somewhere, one.minted.get() + one.receivable.get(), "all that was minted is somewhere: {one:?}");
    }
}

/// Money stands where the order's state says.
fn assert_order(order: &Order) {
    let price = order.price.get();
    for line in &order.lines {
        let [held, escrow, due] =
            [line.held, line.escrow, line.due].map(|part| part.total().expect("parts can be counted").get());
        match (order.state, line.state) {
            (OrderState::Requested, LineState::Booked) => assert_eq!((held, escrow, due), (price, 0, 0)),
            (OrderState::Confirmed, LineState::Booked) => assert_eq!((held, escrow, due), (0, price, 0)),
            (OrderState::Delivered, LineState::Attended | LineState::Absent) => {
                assert_eq!((held, escrow, due), (0, price, 0));
            }
            (OrderState::Disputed, LineState::Attended | LineState::Absent | LineState::Dropped) => {
                assert_eq!((held, due), (0, 0));
                assert!(escrow <= price, "no line freezes more than the price");
            }
            (_, LineState::Reversed) => assert_eq!((held, escrow, due), (0, 0, 0)),
            (_, LineState::Attended | LineState::Absent | LineState::Dropped) => {
                assert_eq!((held, escrow), (0, 0));
                assert!(due <= price, "no line owes more than the price");
            }
            (OrderState::Proposed, LineState::Proposed) => assert_eq!((held, escrow, due), (0, 0, 0)),
            (state, line) => panic!("a line is {line:?} in an order that is {state:?}"),
        }
    }
}

/// The totals of a year that are not zero, in words: `state: budget 5, pupils 2; school: schools 7`.
pub fn words(state: &[Totals; 2]) -> String {
    let one = |name: &str, totals: &Totals| {
        let parts = [
            ("budget", totals.budget),
            ("reserve", totals.reserve),
            ("pupils", totals.pupils),
            ("schools", totals.schools),
            ("held", totals.held),
            ("escrow", totals.escrowed),
            ("providers", totals.providers),
            ("settlement", totals.settlement),
            ("paid", totals.paid),
            ("receivable", totals.receivable),
            ("returned", totals.returned),
        ];
        let parts: Vec<String> =
            parts.iter().filter(|(_, sum)| !sum.is_zero()).map(|(name, sum)| format!("{name} {}", sum.get())).collect();
        if parts.is_empty() { String::new() } else { format!("{name}: {}", parts.join(", ")) }
    };
    let both = [one("state", &state[0]), one("school", &state[1])];
    both.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join("; ")
}
