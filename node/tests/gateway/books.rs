//! The closing report: every step of settlement in the period in which it took effect, equal to the ledger's accounts.

use keis_ledger::classifiers::{Place, VatCategory, Year};
use keis_ledger::ids::Commitment;
use keis_ledger::money::{Cents, Source};
use keis_ledger::operation::{Buyer, Operation, SettlementOperation};
use keis_ledger::time::{Span, Timestamp};
use keis_wallet::client::{BookReport, Client, Policy, SourceBook};

use crate::acts::{bill, pay, reference, repay, reverse, settlement};
use crate::owners::who;
use crate::party::{
    OTHER_PROVIDER_KEY, OTHER_SCHOOL_KEY, PROVIDER_KEY, PUPIL_KEY, SCHOOL_KEY, STATEMENT, TEACHER_KEY, request_orders,
    settle, stand,
};
use crate::support::{BUDGET_HOLDER, OPERATOR, ORDER, PROVIDER, Stand, YEAR, key};

async fn report(stand: &Stand, from: Option<Timestamp>, to: Option<Timestamp>) -> BookReport {
    let client = Client::new(&[&stand.address], Policy::default()).unwrap().signed_by(key(OPERATOR));
    let report = client.book_report(YEAR, from, to).await.unwrap().unwrap();
    assert!(report.agrees, "{report:?}");
    assert_eq!((report.year, report.from, report.to), (YEAR, from, to));
    report
}

/// The state's money of a report.
fn state(report: &BookReport) -> &SourceBook {
    let book = &report.sources[0];
    assert_eq!((book.source, report.sources[1].source), (Source::State, Source::School));
    assert_eq!(report.sources[1].settlement.closing, Cents::ZERO);
    book
}

fn cents(amounts: &[Cents]) -> Vec<u64> {
    amounts.iter().map(|amount| amount.get()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_stands_in_its_period_and_adds_up_to_the_accounts() {
    let mut stand = stand().await;
    let nothing = report(&stand, None, None).await;
    assert!(nothing.rows.is_empty());
    request_orders(&mut stand).await;
    settle(&mut stand).await;
    let accepted_at = stand.clock.now();
    stand.step_to(accepted_at.after(Span::days(31))).await;
    let second = stand.clock.now();
    bill(&mut stand).await;
    pay(&mut stand, 300, 71).await;
    let give_back = SettlementOperation::ReturnPayment { year: YEAR, statement: STATEMENT, reference: reference(71) };
    settlement(&mut stand, BUDGET_HOLDER, give_back).await;
    pay(&mut stand, 500, 72).await;
    let lines = vec![(0, Cents::new(350))];
    let note = SettlementOperation::CreditNote {
        year: YEAR,
        statement: STATEMENT,
        order: ORDER,
        lines,
        note: Commitment([99; 32]),
    };
    stand.take_effect(PROVIDER_KEY, None, Operation::Settlement(note)).await;
    stand.step_to(second.after(Span::days(31))).await;
    let third = stand.clock.now();
    reverse(&mut stand, 2).await;
    repay(&mut stand, 100, 81).await;

    let whole = report(&stand, None, None).await;
    let book = state(&whole);
    assert_eq!((book.statements, book.accepted.get(), book.credited.get()), (1, 800, 800));
    let kept = book.settlement;
    let told = [kept.opening, kept.issued, kept.paid, kept.came_back, kept.credited, kept.closing];
    assert_eq!(cents(&told), [0, 800, 800, 300, 300, 0]);
    let owed = book.receivable;
    assert_eq!(cents(&[owed.opening, owed.credited, owed.repaid, owed.closing]), [0, 500, 100, 400]);
    assert_eq!(
        cents(&[book.paid.paid, book.paid.came_back, book.paid.repaid, book.paid.closing]),
        [800, 300, 100, 400]
    );
    let [row] = whole.rows.as_slice() else { panic!("one provider, one place: {:?}", whole.rows) };
    assert_eq!((row.provider, row.place, row.buyer), (PROVIDER, Some(Place::Municipality(57)), Buyer::Programme));
    assert_eq!((row.vat, row.orders, row.pupils, row.credits), (Some(VatCategory::ExemptCulture), 1, 1, 2));
    assert_eq!(cents(&[row.accepted, row.credited]), [800, 800], "what was credited since was due at the acceptance");

    let first = report(&stand, None, Some(second)).await;
    assert_eq!((state(&first).accepted.get(), state(&first).credited.get()), (800, 0));
    assert_eq!(state(&first).settlement.closing.get(), 800);
    assert_eq!(cents(&[first.rows[0].accepted, first.rows[0].credited]), [800, 0]);
    let middle = report(&stand, Some(second), Some(third)).await;
    let book = state(&middle);
    assert_eq!((book.statements, book.accepted.get(), book.credited.get()), (0, 0, 350));
    assert_eq!(cents(&[book.settlement.opening, book.settlement.closing]), [800, 0]);
    assert_eq!(cents(&[book.paid.closing, book.receivable.closing]), [500, 50]);
    assert_eq!((middle.rows[0].orders, middle.rows[0].credited.get()), (0, 350));
    let last = report(&stand, Some(third), None).await;
    assert_eq!(state(&last).credited.get(), 450);
    assert_eq!(cents(&[state(&last).receivable.opening, state(&last).receivable.closing]), [50, 400]);
    assert!(report(&stand, Some(Timestamp(1)), Some(Timestamp(2))).await.rows.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn contested_statements_leave_no_trace_in_what_was_accepted() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    crate::acts::deliver(&mut stand).await;
    crate::acts::confirm_attendance(&mut stand).await;
    let issue = |statement| SettlementOperation::Issue {
        year: YEAR,
        statement,
        provider: PROVIDER,
        buyer: Buyer::Programme,
        orders: vec![ORDER],
    };
    let other = keis_ledger::ids::StatementId([107; 16]);
    settlement(&mut stand, OPERATOR, issue(other)).await;
    assert_eq!(state(&report(&stand, None, None).await).settlement.closing.get(), 800);
    settlement(&mut stand, PROVIDER_KEY, SettlementOperation::Contest { year: YEAR, statement: other }).await;
    // Reversed out of earnings: nothing of it was ever settled.
    let contested = report(&stand, None, None).await;
    assert_eq!(cents(&[state(&contested).settlement.contested, state(&contested).settlement.closing]), [800, 0]);
    assert!(contested.rows.is_empty());
    reverse(&mut stand, 3).await;
    let reversed = report(&stand, None, None).await;
    assert_eq!((state(&reversed).credited, reversed.rows.len()), (Cents::ZERO, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_is_for_officers_and_auditors_of_a_year_that_is_there() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    let everybody_else = [SCHOOL_KEY, PROVIDER_KEY, PUPIL_KEY, OTHER_SCHOOL_KEY, OTHER_PROVIDER_KEY, TEACHER_KEY];
    let path = "/v1/settlements/report?year=2026";
    who(&stand, path, &[], &everybody_else).await;
    who(&stand, &format!("{path}&from=5&to=6"), &[], &everybody_else).await;
    for wrong in ["&from=x", "&to=-1", "&from=6&to=6", "&from=7&to=6", "&to=0", "&from=18446744073709551616"] {
        stand.read(OPERATOR, &format!("{path}{wrong}")).await.is_problem(400, "malformed");
    }
    stand.read(OPERATOR, "/v1/settlements/report").await.is_problem(400, "malformed");
    stand.read(OPERATOR, "/v1/settlements/report?year=2020").await.is_problem(404, "not_found");
    let client = Client::new(&[&stand.address], Policy::default()).unwrap().signed_by(key(OPERATOR));
    assert_eq!(client.book_report(Year(2020), None, None).await.unwrap(), None);
}
