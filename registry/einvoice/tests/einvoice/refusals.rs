//! Every refusal of the writer, by name.

use jiff::civil::date;
use keis_einvoice::{
    Bic, Certificate, Country, CreditLine, CreditNote, Credited, Endpoint, Facts, Iban, Invoice, InvoiceError, Period,
    RateStep, RatesError, Scheme, Settlement, Text, TextError, Treatment, VatNumber, VatRates, number_in_series,
};
use keis_ledger::classifiers::VatCategory;
use keis_ledger::ids::{ProviderId, StatementId};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::Buyer;
use keis_ledger::record::{Statement, StatementState};
use keis_ledger::time::Timestamp;

use crate::cases::{credit_heading, facts, line, mixed, order, pupils, registration, text, unregistered};

fn check(change: impl FnOnce(&mut Facts), expected: InvoiceError) {
    let mut facts = mixed();
    change(&mut facts);
    assert_eq!(Invoice::draw(facts), Err(expected));
}

#[test]
fn terms_and_dates() {
    check(|facts| facts.programme.reference = None, InvoiceError::ReferenceMissing);
    let (issued, due) = (date(2026, 4, 2), date(2026, 4, 1));
    check(|facts| facts.heading.due = due, InvoiceError::DueBeforeIssue { issued, due });
    let period = Period { from: date(2026, 3, 2), until: date(2026, 3, 1) };
    let backwards = InvoiceError::PeriodBackwards { from: period.from, until: period.until };
    check(|facts| facts.settlement.period = period, backwards);
    let day = date(2026, 4, 1);
    check(|facts| facts.settlement.lines[2].supplied = day, InvoiceError::OutsidePeriod { order: order(3), day });
}

#[test]
fn lines_and_total() {
    let none = |facts: &mut Facts| {
        facts.settlement.lines.clear();
        facts.settlement.total = Cents::ZERO;
    };
    check(none, InvoiceError::NoLines);
    check(|facts| facts.settlement.lines[1].order = order(1), InvoiceError::OrderTwice { order: order(1) });
    let differs = InvoiceError::TotalDiffers { statement: Cents::new(79_437), lines: Cents::new(79_436) };
    check(|facts| facts.settlement.total = Cents::new(79_437), differs);
    check(|facts| facts.settlement.lines[0].gross = Cents::new(u64::MAX), InvoiceError::TotalTooLarge);
    let nothing = |facts: &mut Facts| {
        facts.settlement.lines[0].gross = Cents::ZERO;
        facts.settlement.total = Cents::new(79_436 - 12_100);
    };
    check(nothing, InvoiceError::AmountZero { order: order(1) });
    let many = facts((0..2_001).map(|number| line(number, 1, VatCategory::Standard)).collect());
    assert_eq!(Invoice::draw(many), Err(InvoiceError::TooManyLines { lines: 2_001 }));
}

#[test]
fn status_and_rates_are_those_of_the_day_of_supply() {
    let day = date(2026, 3, 2);
    let category = |facts: &mut Facts| facts.settlement.lines[0].vat = VatCategory::NotRegistered;
    check(category, InvoiceError::CategoryMissing { order: order(1), day });
    let step = RateStep { from: date(2026, 3, 3), ..*crate::cases::rates().on(day).expect("a rate") };
    let late = VatRates::new(vec![step]).expect("one step");
    check(|facts| facts.programme.rates = late, InvoiceError::RateUnknown { order: order(1), day });
    // The orders 1 to 4 were supplied on 2 to 5 March.
    let mixed_status = InvoiceError::MixedStatus { registered: order(3), unregistered: order(1) };
    check(|facts| facts.seller.registrations = vec![registration(date(2026, 3, 4), None)], mixed_status);
    let two = |facts: &mut Facts| {
        let other = VatNumber::new("LT100009999912").expect("a number");
        facts.seller.registrations[0].until = Some(date(2026, 3, 4));
        let next = keis_einvoice::VatRegistration { number: other, from: date(2026, 3, 5), until: None };
        facts.seller.registrations.push(next);
    };
    check(two, InvoiceError::MixedVatNumbers { order: order(4) });

    let over = |day, rate| {
        let mut facts = facts(vec![line(1, 11_200, VatCategory::Reduced)]);
        facts.settlement.period = Period { from: day, until: day };
        facts.settlement.lines[0].supplied = day;
        let invoice = Invoice::draw(facts).expect("a sound invoice");
        assert_eq!(invoice.lines()[0].treatment, Treatment::Rated(BasisPoints::new(rate).expect("a rate")));
    };
    over(date(2025, 12, 31), 900);
    over(date(2026, 1, 1), 1_200);

    let outside = Invoice::draw(unregistered()).expect("a sound invoice");
    assert!(outside.lines().iter().all(|line| line.treatment == Treatment::NotRegistered));
    assert_eq!(outside.totals().tax, Cents::ZERO);
}

#[test]
fn credit_notes() {
    let invoice = Invoice::draw(mixed()).expect("a sound invoice");
    let credit = |number, gross| CreditLine { order: order(number), gross: Cents::new(gross), pupils: pupils(1) };
    let before = |number, gross| Credited { order: order(number), gross: Cents::new(gross) };
    let check = |before: &[Credited], lines: &[CreditLine], expected: InvoiceError| {
        assert_eq!(CreditNote::draw(&invoice, credit_heading("KR-1"), before, lines), Err(expected));
    };
    check(&[], &[], InvoiceError::NoLines);
    check(&[], &[credit(9, 1)], InvoiceError::OrderNotInvoiced { order: order(9) });
    check(&[before(9, 1)], &[credit(1, 1)], InvoiceError::OrderNotInvoiced { order: order(9) });
    check(&[], &[credit(1, 1), credit(1, 1)], InvoiceError::OrderTwice { order: order(1) });
    check(&[], &[credit(1, 0)], InvoiceError::AmountZero { order: order(1) });
    let open = |cents| InvoiceError::AboveOpen { order: order(1), open: Cents::new(cents) };
    check(&[], &[credit(1, 12_101)], open(12_100));
    check(&[before(1, 12_000), before(1, 50)], &[credit(1, 51)], open(50));
    check(&[before(1, 12_000), before(1, 101)], &[credit(2, 1)], open(100));

    let rest = |heading| CreditNote::of_rest(&invoice, heading, &[]);
    assert_eq!(rest(credit_heading("KP-000017")), Err(InvoiceError::NumberOfInvoice));
    let issued = date(2026, 4, 1);
    let early = keis_einvoice::CreditHeading { issued, ..credit_heading("KR-1") };
    assert_eq!(rest(early), Err(InvoiceError::BeforeInvoice { issued }));
    let whole = rest(credit_heading("KR-1")).expect("a sound credit");
    assert_eq!((whole.totals(), whole.breakdown()), (invoice.totals(), invoice.breakdown()));
}

#[test]
fn texts_and_identifiers() {
    assert_eq!(Text::new(" \t "), Err(TextError::Empty));
    assert_eq!(Text::new("a\u{7}b"), Err(TextError::ControlCharacter));
    assert_eq!(Text::new(&"ą".repeat(501)), Err(TextError::TooLong { characters: 501 }));
    assert_eq!(Text::new("vaikas pup_00112233445566778899AABBccddeeff"), Err(TextError::NamesPupil));
    assert_eq!(Text::new("  Šokis ").expect("a text").as_str(), "Šokis");

    let iban = TextError::Malformed { what: "IBAN" };
    assert_eq!(Iban::new("lt12 1000 0111 0100 1000").map(|iban| iban.to_string()).ok(), None);
    assert_eq!(Iban::new("LT12 1000 0111 0100 1000").expect("an IBAN").as_str(), "LT121000011101001000");
    for wrong in ["LT131000011101001000", "LT12100001110100100", "LT1210000111010010000", "QQ121000011101001000", ""] {
        assert_eq!(Iban::new(wrong), Err(iban), "{wrong}");
    }
    assert!(Bic::new("HABALT22").is_ok() && Bic::new("HABALT22XXX").is_ok());
    assert!(Bic::new("HABALT2").is_err() && Bic::new("habalt22").is_err() && Bic::new("1ABALT22").is_err());
    assert!(Country::new("LT").is_ok() && Country::new("lt").is_err() && Country::new("L ").is_err());
    assert!(VatNumber::new("LT123456789").is_ok() && VatNumber::new("EL094259216").is_ok());
    for wrong in ["LT12345678", "LT12345678X", "QQ123456789", "ŽŽ1", "L", "DE12 345"] {
        assert!(VatNumber::new(wrong).is_err(), "{wrong}");
    }
    assert!(
        Scheme::new("9937").is_ok()
            && Scheme::new("0003").is_err()
            && Scheme::new("EM").is_err()
            && Scheme::new("").is_err()
    );
    assert_eq!(Endpoint::vat_number("LT123456789").expect("an address").scheme.as_str(), "9937");
    // The personal code that is everybody's example.
    assert_eq!(Certificate::new("33309240064"), Err(TextError::PersonalCode));
    assert_eq!(Certificate::new("333-0924-0064"), Err(TextError::PersonalCode));
    assert!(Certificate::new("33309240065").is_ok() && Certificate::new("IV-1234567").is_ok());
}

#[test]
fn rates_ascend_and_are_rates() {
    let points = |points| BasisPoints::new(points).expect("at most the whole");
    let step = |year, reduced| RateStep { from: date(year, 1, 1), standard: points(2_100), reduced: points(reduced) };
    assert_eq!(VatRates::new(vec![]), Err(RatesError::NotAscending));
    assert_eq!(VatRates::new(vec![step(2026, 500), step(2026, 900)]), Err(RatesError::NotAscending));
    let unsound = |reduced| Err(RatesError::RateUnsound { from: date(2026, 1, reduced) });
    assert_eq!(VatRates::new(vec![step(2026, 0)]), unsound(1));
    assert_eq!(VatRates::new(vec![step(2026, 5_001)]), unsound(1));
}

#[test]
fn numbers_of_a_series() {
    assert_eq!(number_in_series(&text("KP"), 17).expect("a number").as_str(), "KP-000017");
    assert_ne!(number_in_series(&text("KP-1"), 2), number_in_series(&text("KP"), 12));
}

#[test]
fn facts_are_equal_to_the_ledgers_statement() {
    let statement = Statement {
        provider: ProviderId([1; 16]),
        buyer: Buyer::Programme,
        orders: vec![order(1), order(2)],
        total: Cents::new(300),
        balance: Cents::new(300),
        state: StatementState::Accepted,
        issued: Timestamp::default(),
    };
    let id = StatementId([2; 16]);
    let period = Period { from: date(2026, 3, 1), until: date(2026, 3, 31) };
    let of = |credited, lines| Settlement::of((id, &statement), Cents::new(credited), period, lines);
    let lines = |first, second| vec![line(1, first, VatCategory::Standard), line(2, second, VatCategory::Standard)];
    assert!(of(0, lines(100, 200)).is_ok());
    assert!(of(50, lines(100, 150)).is_ok());
    assert!(of(200, vec![line(1, 100, VatCategory::Standard)]).is_ok());
    let differs = InvoiceError::TotalDiffers { statement: Cents::new(300), lines: Cents::new(299) };
    assert_eq!(of(0, lines(100, 199)), Err(differs));
    let one = |number| vec![line(number, 300, VatCategory::Standard)];
    assert_eq!(of(0, one(1)), Err(InvoiceError::OrderMissing { order: order(2) }));
    assert_eq!(of(0, one(3)), Err(InvoiceError::OrderForeign { order: order(3) }));
}
