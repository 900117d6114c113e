//! The closing report against an auditor's figures: both reckon from the same blocks, each in its own way.

use std::collections::BTreeMap;

use keis_audit::trial::{Size, Trial, YEAR, budget_holder, day, id, operator, secret};
use keis_audit::{Options, Row as AuditRow, Verdict, audit};
use keis_ledger::block::{Block, Tip, execute};
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{Commitment, DecisionId, OrderId, ProviderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    Buyer, GovernanceOperation, Measure, Operation, SettlementOperation, SettlementOperation as Settlement,
};
use keis_ledger::record::{Order, Statement};
use keis_ledger::time::Span;
use keis_ledger::transaction::VerifiedTransaction;
use keis_node::gateway::books::{Journal, Period, Posting, Reading, Report, Taxation};

/// What a gateway reckons from the same blocks.
struct Followed {
    tip: Tip,
    journal: Journal,
    taxation: Taxation,
}

impl Followed {
    fn of(trial: &Trial) -> Self {
        let network = trial.genesis().hash();
        let (mut tip, mut journal, mut taxation) = (trial.genesis().tip(), Journal::default(), Taxation::default());
        for entry in trial.entries() {
            let block = Block::decode(&entry.block).expect("it was encoded");
            let verified = |raw: keis_ledger::transaction::RawTransaction| {
                raw.parse(&network).expect("well formed").verify(&network).expect("signed")
            };
            let transactions: Vec<VerifiedTransaction> = block.raw_transactions().map(verified).collect();
            let executed = execute(&tip, &block, &transactions).expect("a lawful block");
            tip = executed.tip.clone();
            for transaction in &transactions {
                let version = Taxation::version_in(&transaction.body().operation);
                version.into_iter().for_each(|(service, vat)| taxation.add(service, vat));
            }
            executed.receipts.iter().filter_map(Posting::of).for_each(|posting| journal.take(&posting, &tip.state));
        }
        Self { tip, journal, taxation }
    }

    fn report(&self, period: Period) -> Report {
        let Self { tip, journal, taxation } = self;
        let (state, journal) = (&tip.state, Some(journal));
        let reading = Reading { year: YEAR, height: tip.height, time: tip.time, state, journal, taxation };
        let report = reading.report(period).expect("an invented year is small");
        assert!(report.agrees, "{:?}", report.sources);
        report
    }
}

fn submit(trial: &mut Trial, signer: &SecretKey, operation: SettlementOperation) {
    trial.submit(signer, Operation::Settlement(operation));
}

fn decide(trial: &mut Trial, number: u8, measure: Measure) {
    let (decision, until) = (DecisionId([number; 16]), trial.tip().time.after(Span::days(10)));
    trial.submit(&operator(), Operation::Governance(GovernanceOperation::Propose { decision, measure, until }));
    trial.submit(&budget_holder(), Operation::Governance(GovernanceOperation::Approve { decision }));
}

/// An accepted year in which one statement is credited before payment, paid, credited again, reversed and repaid.
fn lived(size: Size) -> Trial {
    let mut trial = Trial::year(size);
    let (statement, provider) = (StatementId(id("statement", 0)), ProviderId(id("provider", 0)));
    let provider_key = secret("provider", 0);
    decide(&mut trial, 1, Measure::ChangePaymentAccount { provider, account: Commitment([1; 32]) });
    let orders: Vec<OrderId> =
        trial.tip().state.get::<Statement>((YEAR, statement)).expect("it was issued").orders.clone();
    let note = |order, cents, mark| Settlement::CreditNote {
        year: YEAR,
        statement,
        order,
        lines: vec![(1, Cents::new(cents))],
        note: Commitment([mark; 32]),
    };
    submit(&mut trial, &provider_key, note(orders[0], 40, 2));
    let attach =
        Settlement::AttachInvoice { year: YEAR, statement, invoice: Commitment([3; 32]), number: Commitment([4; 32]) };
    submit(&mut trial, &provider_key, attach);
    submit(&mut trial, &operator(), Settlement::Approve { year: YEAR, statement });
    trial.seal();
    let amount = trial.tip().state.get::<Statement>((YEAR, statement)).expect("it was issued").balance;
    let reference = Commitment([5; 32]);
    submit(&mut trial, &budget_holder(), Settlement::RecordPayment { year: YEAR, statement, amount, reference });
    submit(&mut trial, &provider_key, note(orders[1], 100, 6));
    let line = trial.tip().state.get::<Order>((YEAR, orders[2])).expect("it was ordered").lines.len() as u16 - 1;
    decide(&mut trial, 2, Measure::Reverse { year: YEAR, order: orders[2], lines: vec![line] });
    let (buyer, amount, reference) = (Buyer::Programme, Cents::new(120), Commitment([7; 32]));
    let repaid = Settlement::RecordRepayment { year: YEAR, provider, buyer, amount, reference };
    submit(&mut trial, &budget_holder(), repaid);
    trial.seal();
    trial
}

/// Accepted less credited, by something that rows have in common.
fn earned<K: Ord + ToString>(
    report: &Report,
    key: impl Fn(&keis_node::gateway::books::Row) -> K,
) -> BTreeMap<String, u128> {
    let mut sums = BTreeMap::new();
    for row in &report.rows {
        let sum: &mut i128 = sums.entry(key(row).to_string()).or_default();
        *sum += i128::from(row.accepted.get()) - i128::from(row.credited.get());
    }
    sums.into_iter().map(|(key, sum)| (key, u128::try_from(sum).expect("no more is credited than was due"))).collect()
}

fn told(rows: &[AuditRow]) -> BTreeMap<String, u128> {
    rows.iter().map(|row| (row.key.clone(), row.group.earned.state + row.group.earned.school)).collect()
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).expect("a word").as_str().unwrap_or_default().to_owned()
}

#[test]
fn an_auditor_reckons_the_same_by_place_provider_and_taxation() {
    let trial = lived(Size::SMALL);
    let figures = audit(trial.export().as_slice(), trial.genesis(), &Options::default(), |_| {}).expect("memory");
    assert_eq!((figures.verdict, &figures.fault), (Verdict::Sound, &None));
    let [year] = figures.years.as_slice() else { panic!("one year was lived") };
    let report = Followed::of(&trial).report(Period::ALL);
    assert_eq!(earned(&report, |row| row.provider), told(&year.providers));
    assert_eq!(earned(&report, |row| word(&row.place)), told(&year.municipalities));
    assert_eq!(earned(&report, |row| word(&row.vat)), told(&year.vat));
    let credited: u64 = report.rows.iter().map(|row| row.credited.get()).sum();
    assert!(credited > 140, "two notes and a reversal: {credited}");
    let accepted: u128 = report.sources.iter().map(|book| u128::from(book.accepted.get())).sum();
    let moved = year.moved["statement_accepted"];
    assert_eq!(accepted, moved.state + moved.school);
}

#[test]
fn periods_follow_each_other_without_gap_or_overlap() {
    let trial = lived(Size::SMALL);
    let followed = Followed::of(&trial);
    let whole = followed.report(Period::ALL);
    let cuts = [Period::ALL.from, day(40), day(80), trial.tip().time, Period::ALL.to];
    let parts: Vec<Report> =
        cuts.windows(2).map(|pair| followed.report(Period { from: pair[0], to: pair[1] })).collect();
    for (index, book) in whole.sources.iter().enumerate() {
        let of = |part: &Report| part.sources[index].accepted.get();
        assert_eq!(parts.iter().map(of).sum::<u64>(), book.accepted.get());
        for pair in parts.windows(2) {
            let (before, after) = (&pair[0].sources[index], &pair[1].sources[index]);
            assert_eq!(before.settlement.closing, after.settlement.opening);
            assert_eq!(before.paid.closing, after.paid.opening);
            assert_eq!(before.receivable.closing, after.receivable.opening);
        }
        let last = &parts[parts.len() - 1].sources[index];
        assert_eq!((last.settlement.closing, last.paid.closing), (book.settlement.closing, book.paid.closing));
    }
    let orders = |report: &Report| report.rows.iter().map(|row| row.orders).sum::<u64>();
    assert_eq!(parts.iter().map(orders).sum::<u64>(), orders(&whole));
}
