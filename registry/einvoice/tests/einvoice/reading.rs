//! A provider's own document: compared with the settlement, and an attacker's: refused.

use keis_einvoice::{Buyer, Difference, Facts, Invoice, Kind, Line, Received, Seller, Settlement, XmlError};
use keis_ledger::money::Cents;

use crate::broken::{credit_note, invoice};
use crate::cases::{credit_notes, mixed, natural, order, text, unregistered};
use crate::edit::Document;

fn read(document: &Document) -> Received {
    Received::parse(document.0.as_bytes()).expect("it is read")
}

fn differences(document: &Document, facts: &Facts) -> Vec<Difference> {
    read(document).matches(&facts.settlement, &facts.seller, &facts.buyer).err().unwrap_or_default()
}

/// A document that differs from the mixed settlement in this alone.
fn check(document: Document, expected: Difference) {
    assert_eq!(differences(&document, &mixed()), [expected]);
}

#[test]
fn what_is_read() {
    let received = read(&invoice());
    assert_eq!(received.kind, Kind::Invoice);
    assert_eq!(received.number, "KP-000017");
    assert_eq!(received.issued, mixed().heading.issued);
    assert_eq!(received.seller.name.as_deref(), Some("VšĮ „Žalčių teatras“ & Šarūno studija"));
    assert_eq!(received.seller.code.as_deref(), Some("302123456"));
    assert_eq!(received.seller.vat.as_deref(), Some("LT100001234512"));
    assert_eq!(received.buyer.code.as_deref(), Some("190757374"));
    assert_eq!((received.totals.gross, received.totals.payable), (79_436, 79_436));
    let named = |number: u16| received.lines[usize::from(number) - 1].orders.iter().eq([&order(number)]);
    assert!((1..=4).all(named));
    assert_eq!(received.breakdown.len(), 3);
    assert_eq!(read(&credit_note()).kind, Kind::CreditNote);
}

#[test]
fn a_document_of_another_hand_is_accepted() {
    // Other prefixes, comments, references of characters, an order named in a note, a line of one order in two.
    let document = invoice()
        .without("cac:DocumentReference", 0)
        .before("cbc:InvoicedQuantity", 0, &format!("<cbc:Note>Užsakymas {}, kovo 2 d.</cbc:Note>", order(1)))
        .swap("Žalčių", 1, "&#381;al&#x10D;ių")
        .swap("<cac:PaymentMeans>", 0, "<!-- mokėti čia --><cac:PaymentMeans>")
        .swap("LT121000011101001000", 0, "LT12 1000 0111 0100 1000");
    let renamed = document.0.replace("cbc:", "b:").replace("cac:", "a:").replace("xmlns:cbc", "xmlns:b");
    let renamed = Document(renamed.replace("xmlns:cac", "xmlns:a"));
    assert_eq!(differences(&renamed, &mixed()), []);

    let net = |cents: u32| format!("{}.{:02}</cbc:LineExtensionAmount>", cents / 100, cents % 100);
    let (start, end) = (invoice().0.find("<cac:InvoiceLine>"), invoice().0.find("</cac:InvoiceLine>"));
    let line = invoice().0[start.expect("a line")..end.expect("its end")].to_owned() + "</cac:InvoiceLine>";
    let [half, other] = [4_000, 6_000].map(|part| line.replace(&net(10_000), &net(part)));
    assert_ne!(half, line);
    assert_eq!(differences(&Document(invoice().0.replace(&line, &(half + &other))), &mixed()), []);
}

#[test]
fn one_order_may_be_named_once_for_all_lines() {
    let facts = crate::cases::facts(vec![mixed().settlement.lines[0].clone()]);
    let document = Document::of(Invoice::draw(facts.clone()).expect("a sound invoice").to_xml());
    let document = document.without("cac:DocumentReference", 0);
    let without =
        vec![Difference::LineWithoutOrder { line: "1".to_owned() }, Difference::OrderMissing { order: order(1) }];
    assert_eq!(differences(&document, &facts), without);
    let reference = format!("<cac:OrderReference><cbc:ID>{}</cbc:ID></cac:OrderReference>", order(1));
    assert_eq!(differences(&document.after("cac:InvoicePeriod", 0, &reference), &facts), []);
}

#[test]
fn parties_and_account() {
    check(invoice().set("cbc:CompanyID", 1, "302123457"), Difference::Seller);
    check(invoice().set("cbc:CompanyID", 0, "LT100009999912"), Difference::SellerVat);
    check(invoice().without("cac:PartyTaxScheme", 0), Difference::SellerVat);
    check(invoice().set("cbc:CompanyID", 3, "190757375"), Difference::Buyer);
    check(invoice().swap("LT121000011101001000", 0, "LT601010012345678901"), Difference::Account);
    check(invoice().without("cac:PaymentMeans", 0), Difference::Account);
    let facts = mixed();
    let buyer = Buyer { code: text("1"), ..facts.buyer.clone() };
    assert_eq!(read(&invoice()).matches(&facts.settlement, &facts.seller, &buyer), Err(vec![Difference::Buyer]));

    let own = Facts { seller: natural(), ..unregistered() };
    let document = Document::of(Invoice::draw(own.clone()).expect("a sound invoice").to_xml());
    assert_eq!(differences(&document, &own), []);
    assert_eq!(differences(&document.set("cbc:ID", 3, "7654321"), &own), [Difference::Seller]);
}

#[test]
fn vat_of_who_is_not_registered() {
    let facts = mixed();
    let seller = Seller { registrations: vec![], ..facts.seller.clone() };
    let found = read(&invoice()).matches(&facts.settlement, &seller, &facts.buyer);
    assert_eq!(found, Err(vec![Difference::SellerVat, Difference::VatNotDue]));
}

#[test]
fn totals_and_sums() {
    let total = Difference::Total { document: 79_436, settlement: Cents::new(79_437) };
    let amount = |document, settlement| Difference::OrderAmount {
        order: order(1),
        document,
        settlement: Cents::new(settlement),
    };
    let mut facts = mixed();
    facts.settlement.total = Cents::new(79_437);
    assert_eq!(differences(&invoice(), &facts), [total]);
    check(invoice().set("cbc:PayableAmount", 0, "700.00"), Difference::Payable { payable: 70_000, total: 79_436 });
    let one = invoice().set("cbc:LineExtensionAmount", 0, "1.00").set("cbc:TaxExclusiveAmount", 0, "1.00");
    let wrong = one.set("cbc:TaxAmount", 0, "793.36");
    let sums = ["BR-CO-10", "BR-CO-14"].map(|rule| Difference::Sum { rule });
    assert_eq!(differences(&wrong, &mixed()), sums);
    let sums = ["BR-CO-13", "BR-CO-15"].map(|rule| Difference::Sum { rule });
    assert_eq!(differences(&invoice().set("cbc:TaxExclusiveAmount", 0, "700.00"), &mixed()), sums);
    let uncovered = invoice().without("cac:TaxSubtotal", 2);
    check(uncovered, Difference::Sum { rule: "BR-S-01, BR-E-01 or BR-O-01" });
    let vat = Difference::Vat { category: "S".to_owned(), taxable: 8_035 };
    let moved = invoice().set("cbc:TaxAmount", 1, "9.00").set("cbc:TaxAmount", 2, "79.50");
    assert_eq!(differences(&moved, &mixed()), [vat, Difference::Vat { category: "S".to_owned(), taxable: 37_551 }]);
    let mut facts = mixed();
    facts.settlement.lines[0].gross = Cents::new(12_097);
    facts.settlement.lines[1].gross = Cents::new(33_338);
    assert_eq!(differences(&invoice(), &facts), [amount(12_100, 12_097)]);
}

#[test]
fn kinds_orders_and_pupils() {
    let foreign = |number| Difference::OrderForeign { order: order(number) };
    let missing = |number| Difference::OrderMissing { order: order(number) };
    let named = |from: u16, to: u16| invoice().swap(&order(from).to_string(), 0, &order(to).to_string());
    assert_eq!(differences(&named(4, 9), &mixed()), [foreign(9), missing(4)]);
    let without = invoice().without("cac:DocumentReference", 3);
    let line = Difference::LineWithoutOrder { line: "4".to_owned() };
    assert_eq!(differences(&without, &mixed()), [line, missing(4)]);
    check(invoice().set("cbc:Note", 0, "pup_00112233445566778899aabbccddeeff"), Difference::NamesPupil);
    assert_eq!(differences(&credit_note(), &mixed()), [Difference::NotInvoice, Difference::Account]);
    let currency = invoice().0.replace(">EUR<", ">PLN<").replace("\"EUR\"", "\"PLN\"");
    check(Document(currency), Difference::Currency);
}

#[test]
fn an_attacker_is_refused() {
    let refused = |xml: &str| Received::parse(xml.as_bytes()).expect_err("it is refused");
    let with = |declaration: &str| invoice().0.replacen("?>", &format!("?>{declaration}"), 1);
    assert_eq!(refused(&with("<!DOCTYPE Invoice [<!ENTITY a \"aa\">]>")), XmlError::DocumentType);
    assert_eq!(refused(&with("<!DOCTYPE Invoice SYSTEM \"file:///etc/passwd\">")), XmlError::DocumentType);
    assert_eq!(refused(&invoice().set("cbc:Note", 0, "&laugh;").0), XmlError::Entity);
    assert_eq!(refused(&invoice().swap("currencyID=\"EUR\"", 0, "currencyID=\"&x;\"").0), XmlError::Entity);
    assert_eq!(refused(&("<a>".repeat(40) + &"</a>".repeat(40))), XmlError::TooDeep);
    assert_eq!(refused(&format!("<a>{}</a>", "<b/>".repeat(300_000))), XmlError::TooManyElements);
    let attributes: String = (0..17).map(|number| format!(" a{number}=\"\"")).collect();
    assert_eq!(refused(&format!("<a{attributes}/>")), XmlError::TooManyAttributes);
    let long = " ".repeat((16 << 20) + 1);
    assert_eq!(refused(&long), XmlError::TooLong { bytes: long.len() });
    assert_eq!(Received::parse(b"\xff\xfe<\0"), Err(XmlError::NotUtf8));
    assert_eq!(refused("<?xml version=\"1.0\" encoding=\"ISO-8859-13\"?><a/>"), XmlError::NotUtf8);
    assert_eq!(refused("<a/>"), XmlError::NotUbl);
    for malformed in ["", "<a>", "<a></b>", "<a/><b/>", "<x:a/>", "text", "<a b=\"1\" b=\"2\"/>", "</a>"] {
        assert!(matches!(refused(malformed), XmlError::Malformed { .. }), "{malformed}");
    }
    // The right names in no namespace are no invoice.
    let plain = invoice().0.replace("urn:oasis:names:specification:ubl:schema:xsd:Invoice-2", "urn:other");
    assert_eq!(refused(&plain), XmlError::NotUbl);
    let amount = XmlError::Element { element: "an amount" };
    for text in ["1e3", "1.234", "NaN", "", "99999999999999999999", "1,00", "--1", "."] {
        assert_eq!(refused(&invoice().set("cbc:PayableAmount", 0, text).0), amount, "{text}");
    }
    assert_eq!(read(&invoice().set("cbc:PayableAmount", 0, "-0794.3600")).totals.payable, -79_436);
}

#[test]
fn two_thousand_lines_are_read() {
    let lines = crate::cases::invoices().pop().expect("the longest case").1;
    let received = Received::parse(&lines.to_xml()).expect("it is read");
    assert_eq!(received.lines.len(), 2_000);
    let facts = lines.facts();
    assert_eq!(received.matches(&facts.settlement, &facts.seller, &facts.buyer), Ok(()));
    assert_eq!(lines.totals().gross, facts.settlement.total);
    assert!(lines.totals().tax > Cents::ZERO);
}

#[test]
fn a_credit_note_of_another_hand_is_compared_as_an_invoice_is() {
    let facts = mixed();
    let part = credit_notes().into_iter().find(|(name, _)| name == "credit-part").expect("the case is there").1;
    let document = || Document::of(part.to_xml());
    let line = Line { gross: Cents::new(3_333), ..facts.settlement.lines[1].clone() };
    let credited = Settlement { total: line.gross, lines: vec![line], ..facts.settlement.clone() };
    let found = |document: &Document, number: Option<&str>| {
        read(document).credits(&credited, (&facts.seller, &facts.buyer), number).err().unwrap_or_default()
    };
    let number = facts.heading.number.as_str();
    assert_eq!(found(&document(), Some(number)), []);
    assert_eq!(found(&document(), None), [], "the number of the invoice need not be known");

    let other = || Difference::Invoice { number: number.to_owned() };
    assert_eq!(found(&document().without("cac:BillingReference", 0), Some(number)), [other()]);
    assert_eq!(found(&document().swap(number, 0, "KP-000018"), Some(number)), [other()]);
    assert_eq!(found(&document().set("cbc:CompanyID", 1, "302123457"), Some(number)), [Difference::Seller]);
    assert_eq!(found(&document().set("cbc:CompanyID", 3, "190757375"), Some(number)), [Difference::Buyer]);
    let currency = Document(document().0.replace(">EUR<", ">PLN<").replace("\"EUR\"", "\"PLN\""));
    assert_eq!(found(&currency, Some(number)), [Difference::Currency]);
    let elsewhere = document().swap(&order(2).to_string(), 0, &order(3).to_string());
    let [foreign, missing] =
        [Difference::OrderForeign { order: order(3) }, Difference::OrderMissing { order: order(2) }];
    assert_eq!(found(&elsewhere, Some(number)), [foreign, missing]);
    let more = Settlement { total: Cents::new(3_433), ..credited.clone() };
    let more = Settlement { lines: vec![Line { gross: more.total, ..credited.lines[0].clone() }], ..more };
    let found = read(&document()).credits(&more, (&facts.seller, &facts.buyer), Some(number));
    let total = Difference::Total { document: 3_333, settlement: Cents::new(3_433) };
    // A net of 27.55 with 21 % of VAT.
    let amount = Difference::OrderAmount { order: order(2), document: 3_334, settlement: Cents::new(3_433) };
    assert_eq!(found, Err(vec![total, amount]));
    let whole = Invoice::draw(facts.clone()).expect("a sound invoice");
    let found = Received::parse(&whole.to_xml()).expect("it is read");
    let found = found.credits(&facts.settlement, (&facts.seller, &facts.buyer), None);
    assert_eq!(found, Err(vec![Difference::NotCreditNote]));
}
