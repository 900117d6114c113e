//! Sound documents broken one rule of EN 16931 at a time: the judge must name the rule, or it would judge nothing.

use keis_einvoice::Invoice;

use crate::cases::{credit_notes, facts, line, mixed, natural, unregistered};
use crate::edit::Document;

type Edit = fn(Document) -> Document;

/// An empty breakdown of category E.
const SUBTOTAL_E: &str = "<cac:TaxSubtotal><cbc:TaxableAmount currencyID=\"EUR\">0.00</cbc:TaxableAmount>\
    <cbc:TaxAmount currencyID=\"EUR\">0.00</cbc:TaxAmount><cac:TaxCategory><cbc:ID>E</cbc:ID>\
    <cbc:Percent>0</cbc:Percent><cbc:TaxExemptionReason>Kita</cbc:TaxExemptionReason><cac:TaxScheme>\
    <cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory></cac:TaxSubtotal>";
/// An empty breakdown of category S.
const SUBTOTAL_S: &str = "<cac:TaxSubtotal><cbc:TaxableAmount currencyID=\"EUR\">0.00</cbc:TaxableAmount>\
    <cbc:TaxAmount currencyID=\"EUR\">0.00</cbc:TaxAmount><cac:TaxCategory><cbc:ID>S</cbc:ID>\
    <cbc:Percent>21</cbc:Percent><cac:TaxScheme>\
    <cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory></cac:TaxSubtotal>";
/// A line's category S.
const CATEGORY_S: &str = "<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>21</cbc:Percent><cac:TaxScheme>\
    <cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:ClassifiedTaxCategory>";
/// A VAT number of a party.
const VAT_NUMBER: &str = "<cac:PartyTaxScheme><cbc:CompanyID>LT100009999912</cbc:CompanyID><cac:TaxScheme>\
    <cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>";

pub fn invoice() -> Document {
    Document::of(Invoice::draw(mixed()).expect("a sound invoice").to_xml())
}

pub fn credit_note() -> Document {
    Document::of(credit_notes().swap_remove(0).1.to_xml())
}

fn outside_vat() -> Document {
    Document::of(Invoice::draw(unregistered()).expect("a sound invoice").to_xml())
}

fn exempt() -> Document {
    let facts = facts(vec![line(1, 5_000, keis_ledger::classifiers::VatCategory::ExemptCulture)]);
    Document::of(Invoice::draw(facts).expect("a sound invoice").to_xml())
}

fn of_person() -> Document {
    let facts = facts(vec![line(1, 5_000, keis_ledger::classifiers::VatCategory::NotRegistered)]);
    let facts = keis_einvoice::Facts { seller: natural(), ..facts };
    Document::of(Invoice::draw(facts).expect("a sound invoice").to_xml())
}

/// Rules and edits of the mixed invoice; its breakdowns are S at 12 %, S at 21 %, E.
const TERMS: [(&str, Edit); 32] = [
    ("BR-01", |d| d.without("cbc:CustomizationID", 0)),
    ("BR-02", |d| d.without("cbc:ID", 0)),
    ("BR-03", |d| d.without("cbc:IssueDate", 0)),
    ("BR-04", |d| d.without("cbc:InvoiceTypeCode", 0)),
    ("BR-05", |d| d.without("cbc:DocumentCurrencyCode", 0)),
    ("BR-06", |d| d.without("cbc:RegistrationName", 0)),
    ("BR-07", |d| d.without("cbc:RegistrationName", 1)),
    ("BR-08", |d| d.without("cac:PostalAddress", 0)),
    ("BR-09", |d| d.without("cac:Country", 0)),
    ("BR-10", |d| d.without("cac:PostalAddress", 1)),
    ("BR-11", |d| d.without("cac:Country", 1)),
    ("BR-12", |d| d.without("cbc:LineExtensionAmount", 0)),
    ("BR-13", |d| d.without("cbc:TaxExclusiveAmount", 0)),
    ("BR-14", |d| d.without("cbc:TaxInclusiveAmount", 0)),
    ("BR-15", |d| d.without("cbc:PayableAmount", 0)),
    ("BR-16", |d| d.without_all("cac:InvoiceLine")),
    ("BR-21", |d| d.swap("<cac:InvoiceLine>\n  <cbc:ID>1</cbc:ID>", 0, "<cac:InvoiceLine>")),
    ("BR-22", |d| d.without("cbc:InvoicedQuantity", 0)),
    ("BR-23", |d| d.swap("<cbc:InvoicedQuantity unitCode=\"IE\"", 0, "<cbc:InvoicedQuantity")),
    ("BR-24", |d| d.without("cbc:LineExtensionAmount", 1)),
    ("BR-25", |d| d.without("cbc:Name", 3)),
    ("BR-26", |d| d.without("cbc:PriceAmount", 0)),
    ("BR-27", |d| d.set("cbc:PriceAmount", 0, "-1.00")),
    ("BR-29", |d| d.set("cbc:EndDate", 0, "2026-02-01")),
    ("BR-30", |d| d.set("cbc:EndDate", 1, "2026-03-01")),
    ("BR-45", |d| d.without("cbc:TaxableAmount", 0)),
    ("BR-46", |d| d.without("cbc:TaxAmount", 1)),
    ("BR-47", |d| d.swap("<cac:TaxCategory>\n    <cbc:ID>S</cbc:ID>", 0, "<cac:TaxCategory>")),
    ("BR-48", |d| d.without("cbc:Percent", 0)),
    ("BR-49", |d| d.without("cbc:PaymentMeansCode", 0)),
    ("BR-54", |d| d.without("cbc:Value", 0)),
    ("BR-61", |d| d.without("cac:PayeeFinancialAccount", 0)),
];

const SUMS_AND_CODES: [(&str, Edit); 27] = [
    ("BR-62", |d| d.swap("<cbc:EndpointID schemeID=\"0200\">", 0, "<cbc:EndpointID>")),
    ("BR-63", |d| d.swap("<cbc:EndpointID schemeID=\"0200\">", 1, "<cbc:EndpointID>")),
    ("BR-CO-03", |d| {
        d.before("cbc:DocumentCurrencyCode", 0, "<cbc:TaxPointDate>2026-03-31</cbc:TaxPointDate>").after(
            "cbc:EndDate",
            0,
            "<cbc:DescriptionCode>35</cbc:DescriptionCode>",
        )
    }),
    ("BR-CO-04", |d| d.without("cac:ClassifiedTaxCategory", 0)),
    ("BR-CO-09", |d| d.swap("LT100001234512", 0, "11100001234512")),
    ("BR-CO-10", |d| d.set("cbc:LineExtensionAmount", 0, "1.00")),
    ("BR-CO-13", |d| d.set("cbc:TaxExclusiveAmount", 0, "1.00")),
    ("BR-CO-14", |d| d.set("cbc:TaxAmount", 0, "1.00")),
    ("BR-CO-15", |d| d.set("cbc:TaxInclusiveAmount", 0, "1.00")),
    ("BR-CO-16", |d| d.set("cbc:PayableAmount", 0, "1.00")),
    ("BR-CO-17", |d| d.set("cbc:TaxAmount", 1, "99.00")),
    ("BR-CO-18", |d| d.without_all("cac:TaxSubtotal")),
    ("BR-CO-19", |d| d.without("cbc:StartDate", 0).without("cbc:EndDate", 0)),
    ("BR-CO-20", |d| d.without("cbc:StartDate", 1).without("cbc:EndDate", 1)),
    ("BR-CL-01", |d| d.set("cbc:InvoiceTypeCode", 0, "999")),
    ("BR-CL-03", |d| d.swap("currencyID=\"EUR\"", 0, "currencyID=\"EUX\"")),
    ("BR-CL-04", |d| d.set("cbc:DocumentCurrencyCode", 0, "EUX")),
    ("BR-CL-11", |d| d.swap("<cbc:CompanyID schemeID=\"0200\">", 0, "<cbc:CompanyID schemeID=\"LT\">")),
    ("BR-CL-14", |d| d.set("cbc:IdentificationCode", 0, "QQ")),
    ("BR-CL-16", |d| d.set("cbc:PaymentMeansCode", 0, "999")),
    ("BR-CL-17", |d| d.swap("<cac:TaxCategory>\n    <cbc:ID>S", 0, "<cac:TaxCategory>\n    <cbc:ID>Q")),
    ("BR-CL-18", |d| {
        d.swap("<cac:ClassifiedTaxCategory>\n    <cbc:ID>S", 0, "<cac:ClassifiedTaxCategory>\n    <cbc:ID>Q")
    }),
    ("BR-CL-22", |d| d.set("cbc:TaxExemptionReasonCode", 0, "VATEX-EU-NONE")),
    ("BR-CL-23", |d| d.swap("unitCode=\"IE\"", 0, "unitCode=\"PUPIL\"")),
    ("BR-CL-25", |d| d.swap("<cbc:EndpointID schemeID=\"0200\">", 0, "<cbc:EndpointID schemeID=\"9999\">")),
    ("BR-DEC-23", |d| d.set("cbc:LineExtensionAmount", 1, "100.001")),
    ("BR-DEC-14", |d| d.set("cbc:TaxInclusiveAmount", 0, "794.360")),
];

const TAXED: [(&str, Edit); 12] = [
    ("BR-S-01", |d| d.without("cac:TaxSubtotal", 0).without("cac:TaxSubtotal", 0)),
    ("BR-S-02", |d| d.without("cac:PartyTaxScheme", 0)),
    ("BR-S-05", |d| {
        d.swap(
            "<cac:ClassifiedTaxCategory>\n    <cbc:ID>S</cbc:ID>\n    <cbc:Percent>21",
            0,
            "<cac:ClassifiedTaxCategory>\n    <cbc:ID>S</cbc:ID>\n    <cbc:Percent>0",
        )
    }),
    ("BR-S-08", |d| d.set("cbc:TaxableAmount", 0, "1.00")),
    ("BR-S-09", |d| d.set("cbc:TaxAmount", 1, "99.00")),
    ("BR-S-10", |d| d.after("cbc:Percent", 0, "<cbc:TaxExemptionReason>Lengvata</cbc:TaxExemptionReason>")),
    ("UBL-SR-48", |d| d.after("cac:ClassifiedTaxCategory", 0, CATEGORY_S)),
    ("UBL-SR-12", |d| d.after("cac:PartyTaxScheme", 0, VAT_NUMBER)),
    ("UBL-CR-561", |d| {
        d.before("cac:Item", 0, "<cac:TaxTotal><cbc:TaxAmount currencyID=\"EUR\">21.00</cbc:TaxAmount></cac:TaxTotal>")
    }),
    ("UBL-CR-601", |d| d.after("cbc:Percent", 3, "<cbc:TaxExemptionReason>Lengvata</cbc:TaxExemptionReason>")),
    ("UBL-DT-01", |d| d.set("cbc:TaxAmount", 0, "86.1234")),
    ("BR-50", |d| {
        d.swap(
            "<cac:PayeeFinancialAccount>\n   <cbc:ID>LT121000011101001000</cbc:ID>",
            0,
            "<cac:PayeeFinancialAccount>",
        )
    }),
];

const EXEMPT: [(&str, Edit); 6] = [
    ("BR-E-01", |d| d.after("cac:TaxSubtotal", 0, SUBTOTAL_E)),
    ("BR-E-02", |d| d.without("cac:PartyTaxScheme", 0)),
    ("BR-E-05", |d| d.set("cbc:Percent", 1, "5")),
    ("BR-E-08", |d| d.set("cbc:TaxableAmount", 0, "50.01")),
    ("BR-E-09", |d| d.set("cbc:TaxAmount", 1, "0.01")),
    ("BR-E-10", |d| d.without("cbc:TaxExemptionReasonCode", 0).without("cbc:TaxExemptionReason", 0)),
];

const NOT_SUBJECT: [(&str, Edit); 6] = [
    ("BR-O-02", |d| d.before("cac:PartyLegalEntity", 0, VAT_NUMBER)),
    ("BR-O-05", |d| {
        d.swap(
            "<cac:ClassifiedTaxCategory>\n    <cbc:ID>O</cbc:ID>",
            0,
            "<cac:ClassifiedTaxCategory>\n    <cbc:ID>O</cbc:ID><cbc:Percent>0</cbc:Percent>",
        )
    }),
    ("BR-O-08", |d| d.set("cbc:TaxableAmount", 0, "1.00")),
    ("BR-O-09", |d| d.set("cbc:TaxAmount", 1, "1.00")),
    ("BR-O-10", |d| d.without("cbc:TaxExemptionReasonCode", 0).without("cbc:TaxExemptionReason", 0)),
    ("BR-O-11", |d| d.after("cac:TaxSubtotal", 0, SUBTOTAL_S)),
];

/// Documents by the rule of EN 16931 that each breaks.
pub fn documents() -> Vec<(&'static str, Document)> {
    let mut documents = Vec::new();
    let mut breaking = |base: Document, edits: &[(&'static str, Edit)]| {
        documents.extend(edits.iter().map(|(rule, edit)| (*rule, edit(base.clone()))));
    };
    breaking(invoice(), &TERMS);
    breaking(invoice(), &SUMS_AND_CODES);
    breaking(invoice(), &TAXED);
    breaking(exempt(), &EXEMPT);
    breaking(outside_vat(), &NOT_SUBJECT);
    breaking(of_person(), &[("BR-CO-26", |d| d.without("cac:PartyIdentification", 0))]);
    breaking(
        credit_note(),
        &[
            ("BR-55", |d| {
                d.swap(
                    "<cac:InvoiceDocumentReference>\n   <cbc:ID>KP-000017</cbc:ID>",
                    0,
                    "<cac:InvoiceDocumentReference>",
                )
            }),
            ("BR-CO-16", |d| d.set("cbc:PayableAmount", 0, "1.00")),
            ("BR-S-08", |d| d.set("cbc:TaxableAmount", 0, "1.00")),
        ],
    );
    documents
}

/// Documents that the schemas refuse.
pub fn unschematic() -> Vec<(&'static str, Document)> {
    vec![
        ("renamed", invoice().swap("cbc:DueDate>", 0, "cbc:Due>").swap("cbc:DueDate>", 0, "cbc:Due>")),
        (
            "order",
            invoice().without("cbc:IssueDate", 0).after("cbc:DueDate", 0, "<cbc:IssueDate>2026-04-02</cbc:IssueDate>"),
        ),
        ("no-date", invoice().set("cbc:IssueDate", 0, "2026-02-30")),
        ("no-amount", invoice().set("cbc:PayableAmount", 0, "daug")),
        ("credit-with-due-date", credit_note().after("cbc:IssueDate", 0, "<cbc:DueDate>2026-05-02</cbc:DueDate>")),
    ]
}
