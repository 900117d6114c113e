//! Facts of every kind of invoice, and the credit notes of some.

use std::num::NonZeroU32;

use jiff::civil::{Date, date};
use keis_einvoice::{
    Account, Address, Bic, Buyer, Certificate, Contact, Country, CreditHeading, CreditLine, CreditNote, Credited,
    Endpoint, Facts, Heading, Iban, Identity, Invoice, Line, Period, Programme, RateStep, Scheme, Seller, Settlement,
    Text, VatNumber, VatRates, VatRegistration,
};
use keis_ledger::classifiers::VatCategory;
use keis_ledger::ids::{OrderId, StatementId};
use keis_ledger::money::{BasisPoints, Cents};

pub fn text(text: &str) -> Text {
    Text::new(text).expect("the text may stand on an invoice")
}

pub fn order(number: u16) -> OrderId {
    let mut id = [0xab; 16];
    id[14..].copy_from_slice(&number.to_be_bytes());
    OrderId(id)
}

pub fn pupils(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).expect("somebody was there")
}

pub fn rates() -> VatRates {
    let points = |points| BasisPoints::new(points).expect("a rate");
    let step = |from, reduced| RateStep { from, standard: points(2_100), reduced: points(reduced) };
    VatRates::new(vec![step(date(2009, 9, 1), 900), step(date(2026, 1, 1), 1_200)]).expect("steps ascend")
}

pub fn registration(from: Date, until: Option<Date>) -> VatRegistration {
    VatRegistration { number: VatNumber::new("LT100001234512").expect("a number"), from, until }
}

pub fn seller() -> Seller {
    Seller {
        identity: Identity::Legal(text("302123456")),
        name: text("VšĮ „Žalčių teatras“ & Šarūno studija"),
        trading_name: Some(text("Žalčių teatras")),
        address: Address {
            street: Some(text("Žemaitės g. 7-2")),
            city: text("Šiauliai"),
            post_code: Some(text("LT-76294")),
            country: Country::new("LT").expect("a country"),
        },
        endpoint: Endpoint::legal_code("302123456").expect("an address"),
        contact: Some(Contact {
            name: Some(text("Rūta Žukauskaitė-Čepėnė")),
            telephone: Some(text("+370 600 00000")),
            mail: Some(text("sąskaitos@žalčiai.example")),
        }),
        registrations: vec![registration(date(2015, 3, 1), None)],
        account: Account {
            iban: Iban::new("LT12 1000 0111 0100 1000").expect("the bank's own example"),
            bic: Some(Bic::new("HABALT22").expect("a bank")),
            holder: Some(text("VšĮ Žalčių teatras")),
        },
    }
}

pub fn natural() -> Seller {
    Seller {
        identity: Identity::Natural(Certificate::new("1234567").expect("a certificate")),
        name: text("Ąžuolas Ėmužis"),
        trading_name: None,
        // The operator answers for who has no address of its own.
        endpoint: buyer().endpoint,
        contact: None,
        registrations: vec![],
        ..seller()
    }
}

pub fn buyer() -> Buyer {
    Buyer {
        code: text("190757374"),
        name: text("Lietuvos nacionalinė Martyno Mažvydo biblioteka"),
        address: Address {
            street: Some(text("Gedimino pr. 51")),
            city: text("Vilnius"),
            post_code: Some(text("LT-01504")),
            country: Country::new("LT").expect("a country"),
        },
        endpoint: Endpoint::legal_code("190757374").expect("an address"),
        vat: Some(VatNumber::new("LT907573716").expect("a number")),
    }
}

pub fn programme() -> Programme {
    Programme {
        reference: Some(text("KP-2026")),
        order: None,
        contract: Some(text("S-2026/141 „Kultūros pasas“")),
        terms: Some(text("Apmokėti per 30 dienų nuo gavimo.")),
        rates: rates(),
    }
}

pub fn line(number: u16, gross: u64, vat: VatCategory) -> Line {
    Line {
        order: order(number),
        title: text("Spektaklis „Eglė žalčių karalienė“ <5–8 kl.> & dirbtuvės"),
        supplied: date(2026, 3, 1 + i8::try_from(number % 28).expect("a day")),
        pupils: pupils(u32::from(number % 40) + 1),
        gross: Cents::new(gross),
        vat,
    }
}

pub fn facts(lines: Vec<Line>) -> Facts {
    let total = lines.iter().map(|line| line.gross.get()).sum();
    Facts {
        settlement: Settlement {
            statement: StatementId([0xcd; 16]),
            total: Cents::new(total),
            period: Period { from: date(2026, 3, 1), until: date(2026, 3, 31) },
            lines,
        },
        seller: seller(),
        buyer: buyer(),
        programme: programme(),
        heading: Heading {
            number: text("KP-000017"),
            issued: date(2026, 4, 2),
            due: date(2026, 5, 2),
            note: Some(text("Kultūros paso paslaugos mokiniams")),
        },
    }
}

/// Lines of every category of who is registered.
pub fn mixed() -> Facts {
    facts(vec![
        line(1, 12_100, VatCategory::Standard),
        line(2, 33_337, VatCategory::Standard),
        line(3, 8_999, VatCategory::Reduced),
        line(4, 25_000, VatCategory::ExemptCulture),
    ])
}

pub fn unregistered() -> Facts {
    let mut facts = facts(vec![line(1, 20_000, VatCategory::NotRegistered), line(2, 1, VatCategory::ExemptCulture)]);
    facts.seller.registrations.clear();
    facts
}

fn over_the_new_year() -> Facts {
    let mut lines = vec![line(1, 10_900, VatCategory::Reduced), line(2, 11_200, VatCategory::Reduced)];
    lines[0].supplied = date(2025, 12, 19);
    lines[1].supplied = date(2026, 1, 8);
    let mut facts = facts(lines);
    facts.settlement.period = Period { from: date(2025, 12, 1), until: date(2026, 1, 31) };
    facts
}

fn minimal() -> Facts {
    let mut facts = facts(vec![line(1, 1_000, VatCategory::Standard)]);
    facts.seller.trading_name = None;
    facts.seller.contact = Some(Contact { name: None, telephone: None, mail: None });
    facts.seller.address.street = None;
    facts.seller.address.post_code = None;
    facts.seller.account.bic = None;
    facts.seller.account.holder = None;
    facts.programme =
        Programme { reference: None, order: Some(text("P-1")), contract: None, terms: None, rates: rates() };
    facts.heading.note = None;
    facts.heading.due = facts.heading.issued;
    facts
}

fn foreign() -> Facts {
    let mut facts = facts(vec![line(1, 99_999, VatCategory::ExemptCulture)]);
    facts.seller.address.country = Country::new("LV").expect("a country");
    facts.seller.identity = Identity::Legal(text("40003012345"));
    facts.seller.registrations[0].number = VatNumber::new("LV40003012345").expect("a number");
    facts.seller.endpoint =
        Endpoint { scheme: Scheme::new("9939").expect("Latvian VAT numbers"), id: text("LV40003012345") };
    facts
}

fn with_seller(seller: Seller, vat: VatCategory) -> Facts {
    Facts { seller, ..facts(vec![line(1, 4_321, vat), line(2, 8_642, vat)]) }
}

fn many(count: u16) -> Facts {
    let categories =
        [VatCategory::Standard, VatCategory::Reduced, VatCategory::ExemptCulture, VatCategory::ExemptEducation];
    let category = |number: u16| categories[usize::from(number) % categories.len()];
    facts((0..count).map(|number| line(number, 1_000 + u64::from(number) * 37 % 9_973, category(number))).collect())
}

fn registered_person() -> Seller {
    Seller { registrations: vec![registration(date(2020, 1, 1), None)], ..natural() }
}

/// Registered until the month before.
fn deregistered() -> Facts {
    let mut facts = with_seller(seller(), VatCategory::Standard);
    facts.seller.registrations = vec![registration(date(2015, 3, 1), Some(date(2026, 2, 28)))];
    facts
}

fn for_a_school() -> Facts {
    let mut facts = mixed();
    facts.buyer = Buyer {
        code: text("190131264"),
        name: text("Kuršėnų Lauryno Ivinskio gimnazija"),
        endpoint: Endpoint::legal_code("190131264").expect("an address"),
        vat: None,
        ..buyer()
    };
    facts
}

/// Invoices by the name of their case.
pub fn invoices() -> Vec<(String, Invoice)> {
    let one = |gross, vat| facts(vec![line(1, gross, vat)]);
    let cases = [
        ("standard", one(12_100, VatCategory::Standard)),
        ("standard-many", with_seller(seller(), VatCategory::Standard)),
        ("reduced", one(11_200, VatCategory::Reduced)),
        ("reduced-over-the-new-year", over_the_new_year()),
        ("exempt-culture", with_seller(seller(), VatCategory::ExemptCulture)),
        ("exempt-education", with_seller(seller(), VatCategory::ExemptEducation)),
        (
            "exempt-both",
            facts(vec![line(1, 700, VatCategory::ExemptCulture), line(2, 900, VatCategory::ExemptEducation)]),
        ),
        ("mixed", mixed()),
        ("not-registered", unregistered()),
        ("deregistered", deregistered()),
        ("natural-person", with_seller(natural(), VatCategory::NotRegistered)),
        ("natural-person-with-vat", with_seller(registered_person(), VatCategory::Standard)),
        ("foreign", foreign()),
        ("minimal", minimal()),
        ("school-money", for_a_school()),
        ("a-cent", one(1, VatCategory::Standard)),
        ("three-cents", one(3, VatCategory::Standard)),
        ("no-exact-split", one(9_998, VatCategory::Standard)),
        ("large", one(99_999_999_999_999, VatCategory::Standard)),
        ("statement-of-500", many(500)),
        ("lines-2000", many(2_000)),
    ];
    cases
        .into_iter()
        .map(|(name, facts)| (name.to_owned(), Invoice::draw(facts).unwrap_or_else(|error| panic!("{name}: {error}"))))
        .collect()
}

pub fn credit_heading(number: &str) -> CreditHeading {
    CreditHeading {
        number: text(number),
        issued: date(2026, 4, 20),
        reason: Some(text("Pakartotinai įrašyta užsakymo dalis")),
    }
}

/// Credit notes by the name of their case.
pub fn credit_notes() -> Vec<(String, CreditNote)> {
    let invoice = Invoice::draw(mixed()).expect("a sound invoice");
    let plain = Invoice::draw(unregistered()).expect("a sound invoice");
    let credit = |number, gross| CreditLine { order: order(number), gross: Cents::new(gross), pupils: pupils(2) };
    let before = [Credited { order: order(2), gross: Cents::new(3_333) }];
    let draw = |invoice: &Invoice, before: &[Credited], lines: &[CreditLine]| {
        CreditNote::draw(invoice, credit_heading("KR-000003"), before, lines).expect("a sound credit")
    };
    let rest = |invoice: &Invoice, before: &[Credited]| {
        CreditNote::of_rest(invoice, credit_heading("KR-000004"), before).expect("a sound credit")
    };
    [
        ("credit-full", rest(&invoice, &[])),
        ("credit-line", draw(&invoice, &[], &[credit(2, 33_337)])),
        ("credit-part", draw(&invoice, &[], &[credit(2, 3_333)])),
        ("credit-rest", rest(&invoice, &before)),
        ("credit-a-cent", draw(&invoice, &[Credited { order: order(1), gross: Cents::new(2) }], &[credit(1, 1)])),
        ("credit-exempt", draw(&invoice, &[], &[credit(4, 1_250)])),
        ("credit-not-registered", rest(&plain, &[])),
    ]
    .map(|(name, note)| (name.to_owned(), note))
    .into()
}
