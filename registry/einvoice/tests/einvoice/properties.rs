//! Any settlement that the ledger can make gives an invoice whose sums are the ledger's to the cent.

use jiff::civil::date;
use jiff::{ToSpan, civil::Date};
use keis_einvoice::{
    CreditLine, CreditNote, Credited, Facts, Group, Identity, Invoice, Line, Period, Settlement, Text, TextError,
    net_shares, tax_within,
};
use keis_ledger::classifiers::VatCategory;
use keis_ledger::ids::ProviderId;
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::Buyer;
use keis_ledger::record::{Statement, StatementState};
use keis_ledger::time::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::cases::{credit_heading, facts, natural, order, pupils, registration, seller};

/// What an order can owe: the price for who was there, a share of it for who was not, as the ledger rounds; any other
/// amount, since decisions and credits split by the cent; and amounts without measure.
fn amounts() -> impl Strategy<Value = u64> {
    let attended = (50_u64..3_000, 0_u64..500, 0_u64..500, 0_u16..=10_000).prop_map(|(price, there, absent, share)| {
        let absence = Cents::new(price).share(BasisPoints::new(share).expect("at most the whole"));
        (price * there + absence.get() * absent).max(1)
    });
    prop_oneof![3 => attended, 2 => 1_u64..200, 2 => 1_u64..1_000_000, 1 => 1_u64..1_000_000_000_000_000]
}

fn category() -> impl Strategy<Value = VatCategory> {
    prop_oneof![
        Just(VatCategory::Standard),
        Just(VatCategory::Reduced),
        Just(VatCategory::ExemptCulture),
        Just(VatCategory::ExemptEducation),
    ]
}

/// Who sells: registered, not registered, a natural person of either kind.
fn sellers() -> impl Strategy<Value = (bool, bool)> {
    (prop::bool::weighted(0.7), prop::bool::weighted(0.3))
}

fn settlements(most: usize) -> impl Strategy<Value = Facts> {
    let line =
        (amounts(), category(), 0_i64..200, 1_u32..501, "[ĄČĘĖĮŠŲŪŽąčęėįšųūž„“&<>'\"a-z0-9][ -~ąčęėįšųūž]{0,60}");
    (vec(line, 1..=most), sellers()).prop_map(|(lines, (registered, person))| {
        let first: Date = date(2025, 10, 1);
        let lines: Vec<Line> = (0_u16..)
            .zip(lines)
            .map(|(number, (gross, vat, day, count, title))| Line {
                order: order(number),
                title: Text::new(&title).unwrap_or_else(|_| Text::new("Edukacija").expect("a title")),
                supplied: first + day.days(),
                pupils: pupils(count),
                gross: Cents::new(gross),
                vat,
            })
            .collect();
        let mut facts = facts(lines);
        facts.settlement.period = Period { from: first, until: first + 199.days() };
        facts.seller = if person { natural() } else { seller() };
        facts.seller.registrations = if registered { vec![registration(date(2015, 1, 1), None)] } else { vec![] };
        facts
    })
}

/// The ledger's own record of a settlement.
fn on_ledger(facts: &Facts) -> Statement {
    Statement {
        provider: ProviderId([1; 16]),
        buyer: Buyer::Programme,
        orders: facts.settlement.lines.iter().map(|line| line.order).collect(),
        total: facts.settlement.total,
        balance: facts.settlement.total,
        state: StatementState::Accepted,
        issued: Timestamp::default(),
    }
}

/// Whether a VAT is its rate of the net, rounded; else by how many cents it is not.
fn apart(net: Cents, tax: Cents, rate: BasisPoints) -> u128 {
    let product = u128::from(net.get()) * u128::from(rate.get());
    ((product + 5_000) / 10_000).abs_diff(u128::from(tax.get()))
}

fn sum(amounts: impl Iterator<Item = Cents>) -> Cents {
    amounts.fold(Cents::ZERO, |sum, amount| sum.checked_add(amount).expect("the amounts fit"))
}

fn holds(lines: &[keis_einvoice::Charge], groups: &[keis_einvoice::Breakdown], totals: keis_einvoice::Totals) {
    assert_eq!(sum(lines.iter().map(|line| line.gross)), totals.gross);
    assert_eq!(sum(lines.iter().map(|line| line.net)), totals.net, "BR-CO-10");
    assert_eq!(sum(groups.iter().map(|group| group.tax)), totals.tax, "BR-CO-14");
    assert_eq!(sum([totals.net, totals.tax].into_iter()), totals.gross, "BR-CO-15");
    for group in groups {
        let members = || lines.iter().filter(|line| line.treatment.group() == group.group);
        assert_eq!(sum(members().map(|line| line.net)), group.taxable, "BR-S-08, BR-E-08, BR-O-08");
        assert_eq!(sum(members().map(|line| line.gross)), group.gross);
        assert_eq!(sum([group.taxable, group.tax].into_iter()), group.gross);
        let rate = group.group.rate().unwrap_or(BasisPoints::new(0).expect("no rate"));
        assert!(apart(group.taxable, group.tax, rate) <= 1, "BR-CO-17: {group:?}");
        for line in members() {
            let whole = 10_000 + u128::from(rate.get());
            let exact = u128::from(line.gross.get()) * 10_000;
            assert!((u128::from(line.net.get()) * whole).abs_diff(exact) < whole, "a cent away: {line:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn totals_are_the_settlement_to_the_cent(facts in settlements(60)) {
        let total = facts.settlement.total;
        let Settlement { statement, period, lines, .. } = facts.settlement.clone();
        let settlement = Settlement::of((statement, &on_ledger(&facts)), Cents::ZERO, period, lines);
        prop_assert_eq!(settlement.as_ref(), Ok(&facts.settlement));
        let invoice = Invoice::draw(facts.clone()).expect("every settlement has its invoice");
        prop_assert_eq!(invoice.totals().gross, total);
        holds(invoice.lines(), invoice.breakdown(), invoice.totals());
        prop_assert_eq!(Invoice::draw(facts).expect("the same").to_xml(), invoice.to_xml());
    }

    #[test]
    fn an_own_invoice_is_read_back_and_matches(facts in settlements(30)) {
        let xml = Invoice::draw(facts.clone()).expect("every settlement has its invoice").to_xml();
        let received = keis_einvoice::Received::parse(&xml).expect("an own invoice is read");
        prop_assert_eq!(received.matches(&facts.settlement, &facts.seller, &facts.buyer), Ok(()));
        let kept = serde_json::to_string(&facts).expect("facts are kept as JSON");
        prop_assert_eq!(serde_json::from_str::<Facts>(&kept).expect("and read back"), facts);
    }

    #[test]
    fn credits_in_any_parts_add_up_to_the_invoice(
        facts in settlements(12),
        parts in vec((any::<prop::sample::Index>(), 1_u64..=100), 0..20),
    ) {
        let invoice = Invoice::draw(facts).expect("every settlement has its invoice");
        let mut before: Vec<Credited> = Vec::new();
        let mut notes = Vec::new();
        for (line, share) in parts {
            let line = &invoice.lines()[line.index(invoice.lines().len())];
            let credited = sum(before.iter().filter(|credit| credit.order == line.order).map(|credit| credit.gross));
            let open = line.gross.saturating_sub(credited);
            let gross = Cents::new((open.get() / 100 * share).max(1));
            if gross > open {
                continue;
            }
            let credit = CreditLine { order: line.order, gross, pupils: line.pupils };
            notes.push(CreditNote::draw(&invoice, credit_heading("KR-1"), &before, &[credit]).expect("a part"));
            before.push(Credited { order: line.order, gross });
        }
        if before.len() < invoice.lines().len() || sum(before.iter().map(|credit| credit.gross)) < invoice.totals().gross {
            notes.push(CreditNote::of_rest(&invoice, credit_heading("KR-2"), &before).expect("the rest"));
        }
        for note in &notes {
            holds(note.lines(), note.breakdown(), note.totals());
        }
        prop_assert_eq!(sum(notes.iter().map(|note| note.totals().gross)), invoice.totals().gross);
        prop_assert_eq!(sum(notes.iter().map(|note| note.totals().tax)), invoice.totals().tax);
    }

    #[test]
    fn the_split_is_exact_wherever_an_exact_one_exists(gross in 1_u64..2_000_000, rate in 1_u16..=5_000) {
        let (gross, rate) = (Cents::new(gross), BasisPoints::new(rate).expect("a rate"));
        let tax = tax_within(gross, rate);
        let net = gross.saturating_sub(tax);
        let around = net.get().saturating_sub(3)..=(net.get() + 3).min(gross.get());
        let exact = around.map(Cents::new).find(|net| apart(*net, gross.saturating_sub(*net), rate) == 0);
        prop_assert_eq!(exact.unwrap_or(net), net);
        prop_assert!(apart(net, tax, rate) <= 1);
    }

    #[test]
    fn shares_add_up_whatever_the_amounts(gross in vec(1_u64..=u64::MAX / 600, 1..500), rate in 0_u16..=5_000) {
        let rate = BasisPoints::new(rate).expect("a rate");
        let gross: Vec<Cents> = gross.into_iter().map(Cents::new).collect();
        let total = sum(gross.iter().copied());
        let net = total.saturating_sub(tax_within(total, rate));
        prop_assert_eq!(sum(net_shares(&gross, rate, net).into_iter()), net);
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in vec(any::<u8>(), 0..400), cut in 0_usize..9_000) {
        drop(keis_einvoice::Received::parse(&bytes));
        let mut xml = Invoice::draw(crate::cases::mixed()).expect("a sound invoice").to_xml();
        let at = cut % xml.len();
        xml.splice(at..at, bytes.into_iter().take(8));
        drop(keis_einvoice::Received::parse(&xml));
    }
}

#[test]
fn one_gross_amount_in_six_has_no_exact_split_at_21_percent() {
    let rate = BasisPoints::new(2_100).expect("a rate");
    let apart = |gross: &u64| {
        let tax = tax_within(Cents::new(*gross), rate);
        apart(Cents::new(gross - tax.get()), tax, rate) != 0
    };
    assert_eq!((1..=12_100).filter(apart).count(), 2_100);
}

/// Drawn always the same, for the official judge.
fn sample(count: usize, most: usize) -> Vec<Facts> {
    let mut runner = TestRunner::deterministic();
    let strategy = settlements(most);
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("a settlement").current()).collect()
}

pub fn sample_of_invoices() -> Vec<(String, Invoice)> {
    let facts = sample(80, 12).into_iter().chain(sample(3, 200));
    facts
        .enumerate()
        .map(|(number, facts)| {
            let invoice = Invoice::draw(facts).expect("every settlement has its invoice");
            (format!("sample-{number:03}"), invoice)
        })
        .collect()
}

pub fn sample_of_credit_notes() -> Vec<(String, CreditNote)> {
    let part = |(number, facts): (usize, Facts)| {
        let invoice = Invoice::draw(facts).expect("every settlement has its invoice");
        let line = &invoice.lines()[number % invoice.lines().len()];
        let gross = Cents::new(line.gross.get() / 2 + 1);
        let credit = CreditLine { order: line.order, gross, pupils: line.pupils };
        let first = CreditNote::draw(&invoice, credit_heading("KR-1"), &[], &[credit]).expect("a part");
        let before = [Credited { order: line.order, gross }];
        let rest = CreditNote::of_rest(&invoice, credit_heading("KR-2"), &before);
        let rest = rest.ok().map(|rest| (format!("credit-sample-{number:03}-rest"), rest));
        std::iter::once((format!("credit-sample-{number:03}"), first)).chain(rest)
    };
    sample(30, 8).into_iter().enumerate().flat_map(part).collect()
}

#[test]
fn samples_are_of_every_kind() {
    let invoices = sample_of_invoices();
    let kind = |is: fn(&Invoice) -> bool| invoices.iter().filter(|(_, invoice)| is(invoice)).count();
    assert!(kind(|invoice| matches!(invoice.facts().seller.identity, Identity::Natural(_))) > 5);
    assert!(kind(|invoice| invoice.breakdown()[0].group == Group::NotRegistered) > 5);
    assert!(kind(|invoice| invoice.breakdown().len() > 2) > 5);
    assert_eq!(Text::new("pup_00112233445566778899aabbccddeeff"), Err(TextError::NamesPupil));
}
