//! Documents as UBL 2.1. The order of elements is UBL's; the comments name the business terms of EN 16931-1.

use jiff::civil::Date;
use keis_ledger::money::Cents;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::body::{Body, Breakdown, Charge, EXEMPT};
use crate::decimal::{percent, text_of};
use crate::document::{CreditNote, Invoice};
use crate::facts::Facts;
use crate::party::{Address, Contact, Endpoint, Identity};
use crate::text::{Text, VatNumber};
use crate::vat::Group;

/// Specification identifier (BT-24).
const SPECIFICATION: &str = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0";
/// Business process (BT-23): billing.
const PROCESS: &str = "urn:fdc:peppol.eu:2017:poacc:billing:01:1.0";
/// Unit of quantities (BT-130): person, of UN/ECE Recommendation 20.
const PERSON: &str = "IE";
/// Type of a document that names the object which is invoiced (UNTDID 1001).
const INVOICED_OBJECT: &str = "130";
/// Payment by SEPA credit transfer (BT-81, UNTDID 4461).
const SEPA_TRANSFER: &str = "58";
/// Name of the property that says what a line costs with VAT (BT-160).
pub(crate) const GROSS_OF_LINE: &str = "Suma su PVM, EUR";
/// Scheme of Lithuanian register codes (ISO 6523).
const LITHUANIAN_CODE: &str = "0200";

pub(crate) const INVOICE_SPACE: &str = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2";
pub(crate) const CREDIT_NOTE_SPACE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2";
pub(crate) const AGGREGATE_SPACE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2";
pub(crate) const BASIC_SPACE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2";

/// Names of a line's elements, which differ between the two documents.
struct Names {
    line: &'static str,
    quantity: &'static str,
}

const INVOICE: Names = Names { line: "cac:InvoiceLine", quantity: "cbc:InvoicedQuantity" };
const CREDIT_NOTE: Names = Names { line: "cac:CreditNoteLine", quantity: "cbc:CreditedQuantity" };

pub(crate) fn invoice(invoice: &Invoice) -> Vec<u8> {
    let (facts, heading) = (&invoice.facts, &invoice.facts.heading);
    let mut xml = Xml::new(invoice.body.lines.len());
    xml.root(("Invoice", INVOICE_SPACE), |xml| {
        xml.identification(&heading.number, heading.issued);
        xml.text("cbc:DueDate", &heading.due.to_string()); // BT-9
        xml.text("cbc:InvoiceTypeCode", "380"); // BT-3
        xml.optional("cbc:Note", heading.note.as_ref()); // BT-22
        xml.references(facts, None);
        xml.parties(invoice);
        xml.payment(facts);
        xml.optional_within("cac:PaymentTerms", "cbc:Note", facts.programme.terms.as_ref()); // BT-20
        xml.body(&invoice.body, &INVOICE);
    });
    xml.0.into_inner()
}

pub(crate) fn credit_note(note: &CreditNote) -> Vec<u8> {
    let facts = &note.invoice.facts;
    let mut xml = Xml::new(note.body.lines.len());
    xml.root(("CreditNote", CREDIT_NOTE_SPACE), |xml| {
        xml.identification(&note.heading.number, note.heading.issued);
        xml.text("cbc:CreditNoteTypeCode", "381"); // BT-3
        xml.optional("cbc:Note", note.heading.reason.as_ref()); // BT-22
        xml.references(facts, Some(note));
        xml.parties(&note.invoice);
        // BT-20: BR-CO-25 of the standard asks for terms or a due date, and nobody pays a credit note by a day.
        xml.within("cac:PaymentTerms", |xml| xml.text("cbc:Note", "Suma mažina mokėtiną arba grąžinama pirkėjui."));
        xml.body(&note.body, &CREDIT_NOTE);
    });
    xml.0.into_inner()
}

/// A writer of elements into memory.
struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn new(lines: usize) -> Self {
        let buffer = Vec::with_capacity(8_192 + lines * 2_048);
        let mut xml = Self(Writer::new_with_indent(buffer, b' ', 1));
        xml.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        xml
    }

    fn event(&mut self, event: Event<'_>) {
        self.0.write_event(event).expect("memory takes every byte");
    }

    fn root(&mut self, (name, space): (&str, &str), inner: impl FnOnce(&mut Self)) {
        let spaces = [("xmlns", space), ("xmlns:cac", AGGREGATE_SPACE), ("xmlns:cbc", BASIC_SPACE)];
        self.event(Event::Start(BytesStart::new(name).with_attributes(spaces)));
        inner(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    fn within(&mut self, name: &str, inner: impl FnOnce(&mut Self)) {
        self.event(Event::Start(BytesStart::new(name)));
        inner(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    fn text(&mut self, name: &str, text: &str) {
        self.within(name, |xml| xml.event(Event::Text(BytesText::new(text))));
    }

    fn text_with(&mut self, name: &str, attribute: (&str, &str), text: &str) {
        self.event(Event::Start(BytesStart::new(name).with_attributes([attribute])));
        self.event(Event::Text(BytesText::new(text)));
        self.event(Event::End(BytesEnd::new(name)));
    }

    fn optional(&mut self, name: &str, text: Option<&Text>) {
        if let Some(text) = text {
            self.text(name, text.as_str());
        }
    }

    fn optional_within(&mut self, outer: &str, name: &str, text: Option<&Text>) {
        if text.is_some() {
            self.within(outer, |xml| xml.optional(name, text));
        }
    }

    fn amount(&mut self, name: &str, amount: Cents) {
        self.text_with(name, ("currencyID", "EUR"), &text_of(amount));
    }

    fn identification(&mut self, number: &Text, issued: Date) {
        self.text("cbc:CustomizationID", SPECIFICATION); // BT-24
        self.text("cbc:ProfileID", PROCESS); // BT-23
        self.text("cbc:ID", number.as_str()); // BT-1
        self.text("cbc:IssueDate", &issued.to_string()); // BT-2
    }

    fn references(&mut self, facts: &Facts, credit: Option<&CreditNote>) {
        let (programme, settlement) = (&facts.programme, &facts.settlement);
        self.text("cbc:DocumentCurrencyCode", "EUR"); // BT-5
        self.optional("cbc:BuyerReference", programme.reference.as_ref()); // BT-10
        self.period(settlement.period.from, settlement.period.until); // BG-14
        self.optional_within("cac:OrderReference", "cbc:ID", programme.order.as_ref()); // BT-13
        if credit.is_some() {
            self.within("cac:BillingReference", |xml| {
                xml.within("cac:InvoiceDocumentReference", |xml| {
                    xml.text("cbc:ID", facts.heading.number.as_str()); // BT-25
                    xml.text("cbc:IssueDate", &facts.heading.issued.to_string()); // BT-26
                });
            });
        }
        self.optional_within("cac:ContractDocumentReference", "cbc:ID", programme.contract.as_ref()); // BT-12
        self.object("cac:AdditionalDocumentReference", &settlement.statement.to_string()); // BT-18
    }

    fn period(&mut self, from: Date, until: Date) {
        self.within("cac:InvoicePeriod", |xml| {
            xml.text("cbc:StartDate", &from.to_string()); // BT-73, BT-134
            xml.text("cbc:EndDate", &until.to_string()); // BT-74, BT-135
        });
    }

    /// An object that is invoiced: the statement (BT-18), an order (BT-128).
    fn object(&mut self, name: &str, id: &str) {
        self.within(name, |xml| {
            xml.text("cbc:ID", id);
            xml.text("cbc:DocumentTypeCode", INVOICED_OBJECT);
        });
    }

    fn parties(&mut self, invoice: &Invoice) {
        let (seller, buyer) = (&invoice.facts.seller, &invoice.facts.buyer);
        let vat = invoice.vat_number();
        self.party("cac:AccountingSupplierParty", &seller.endpoint, |xml| {
            if let Identity::Natural(certificate) = &seller.identity {
                xml.within("cac:PartyIdentification", |xml| xml.text("cbc:ID", certificate.as_str())); // BT-29
            }
            xml.optional_within("cac:PartyName", "cbc:Name", seller.trading_name.as_ref()); // BT-28
            xml.address(&seller.address); // BG-5
            xml.vat_number(vat); // BT-31
            let code = match &seller.identity {
                Identity::Legal(code) => Some(code),
                Identity::Natural(_) => None,
            };
            xml.legal_entity(&seller.name, code, &seller.address); // BT-27, BT-30
            xml.contact(seller.contact.as_ref()); // BG-6
        });
        self.party("cac:AccountingCustomerParty", &buyer.endpoint, |xml| {
            xml.address(&buyer.address); // BG-8
            // BR-O-02: beside category O no VAT number stands, the buyer's neither.
            xml.vat_number(vat.and(buyer.vat.as_ref())); // BT-48
            xml.legal_entity(&buyer.name, Some(&buyer.code), &buyer.address); // BT-44, BT-47
        });
    }

    fn party(&mut self, name: &str, endpoint: &Endpoint, inner: impl FnOnce(&mut Self)) {
        self.within(name, |xml| {
            xml.within("cac:Party", |xml| {
                let scheme = ("schemeID", endpoint.scheme.as_str());
                xml.text_with("cbc:EndpointID", scheme, endpoint.id.as_str()); // BT-34, BT-49
                inner(xml);
            });
        });
    }

    fn address(&mut self, address: &Address) {
        self.within("cac:PostalAddress", |xml| {
            xml.optional("cbc:StreetName", address.street.as_ref());
            xml.text("cbc:CityName", address.city.as_str());
            xml.optional("cbc:PostalZone", address.post_code.as_ref());
            xml.within("cac:Country", |xml| xml.text("cbc:IdentificationCode", address.country.as_str()));
        });
    }

    fn vat_number(&mut self, number: Option<&VatNumber>) {
        if let Some(number) = number {
            self.within("cac:PartyTaxScheme", |xml| {
                xml.text("cbc:CompanyID", number.as_str());
                xml.vat_scheme();
            });
        }
    }

    fn vat_scheme(&mut self) {
        self.within("cac:TaxScheme", |xml| xml.text("cbc:ID", "VAT"));
    }

    fn legal_entity(&mut self, name: &Text, code: Option<&Text>, address: &Address) {
        self.within("cac:PartyLegalEntity", |xml| {
            xml.text("cbc:RegistrationName", name.as_str());
            match (code, address.country.as_str()) {
                (Some(code), "LT") => xml.text_with("cbc:CompanyID", ("schemeID", LITHUANIAN_CODE), code.as_str()),
                (Some(code), _) => xml.text("cbc:CompanyID", code.as_str()),
                (None, _) => {}
            }
        });
    }

    fn contact(&mut self, contact: Option<&Contact>) {
        let Some(contact) = contact else { return };
        if contact.name.is_none() && contact.telephone.is_none() && contact.mail.is_none() {
            return;
        }
        self.within("cac:Contact", |xml| {
            xml.optional("cbc:Name", contact.name.as_ref());
            xml.optional("cbc:Telephone", contact.telephone.as_ref());
            xml.optional("cbc:ElectronicMail", contact.mail.as_ref());
        });
    }

    fn payment(&mut self, facts: &Facts) {
        let account = &facts.seller.account;
        self.within("cac:PaymentMeans", |xml| {
            xml.text("cbc:PaymentMeansCode", SEPA_TRANSFER); // BT-81
            xml.text("cbc:PaymentID", facts.heading.number.as_str()); // BT-83
            xml.within("cac:PayeeFinancialAccount", |xml| {
                xml.text("cbc:ID", account.iban.as_str()); // BT-84
                xml.optional("cbc:Name", account.holder.as_ref()); // BT-85
                if let Some(bic) = &account.bic {
                    xml.within("cac:FinancialInstitutionBranch", |xml| xml.text("cbc:ID", bic.as_str())); // BT-86
                }
            });
        });
    }

    fn body(&mut self, body: &Body, names: &Names) {
        self.within("cac:TaxTotal", |xml| {
            xml.amount("cbc:TaxAmount", body.totals.tax); // BT-110
            for breakdown in &body.groups {
                xml.breakdown(breakdown); // BG-23
            }
        });
        self.within("cac:LegalMonetaryTotal", |xml| {
            xml.amount("cbc:LineExtensionAmount", body.totals.net); // BT-106
            xml.amount("cbc:TaxExclusiveAmount", body.totals.net); // BT-109
            xml.amount("cbc:TaxInclusiveAmount", body.totals.gross); // BT-112
            xml.amount("cbc:PayableAmount", body.totals.gross); // BT-115
        });
        for (index, charge) in body.lines.iter().enumerate() {
            self.line(index + 1, charge, names);
        }
    }

    fn breakdown(&mut self, breakdown: &Breakdown) {
        self.within("cac:TaxSubtotal", |xml| {
            xml.amount("cbc:TaxableAmount", breakdown.taxable); // BT-116
            xml.amount("cbc:TaxAmount", breakdown.tax); // BT-117
            xml.within("cac:TaxCategory", |xml| {
                xml.category(breakdown.group); // BT-118, BT-119
                if let Some(code) = breakdown.exemption {
                    xml.text("cbc:TaxExemptionReasonCode", code); // BT-121
                    xml.text("cbc:TaxExemptionReason", reason(code)); // BT-120
                }
                xml.vat_scheme();
            });
        });
    }

    fn category(&mut self, group: Group) {
        self.text("cbc:ID", group.code());
        if let Some(rate) = group.rate() {
            self.text("cbc:Percent", &percent(rate));
        }
    }

    fn line(&mut self, number: usize, charge: &Charge, names: &Names) {
        let pupils = charge.pupils.to_string();
        self.within(names.line, |xml| {
            xml.text("cbc:ID", &number.to_string()); // BT-126
            xml.text_with(names.quantity, ("unitCode", PERSON), &pupils); // BT-129, BT-130
            xml.amount("cbc:LineExtensionAmount", charge.net); // BT-131
            xml.period(charge.supplied, charge.supplied); // BG-26
            xml.object("cac:DocumentReference", &charge.order.to_string()); // BT-128
            xml.item(charge);
            // The net is the price of all these pupils together, so that price times quantity is the net without
            // rounding.
            xml.within("cac:Price", |xml| {
                xml.amount("cbc:PriceAmount", charge.net); // BT-146
                xml.text_with("cbc:BaseQuantity", ("unitCode", PERSON), &pupils); // BT-149, BT-150
            });
        });
    }

    fn item(&mut self, charge: &Charge) {
        self.within("cac:Item", |xml| {
            xml.text("cbc:Name", charge.title.as_str()); // BT-153
            xml.within("cac:ClassifiedTaxCategory", |xml| {
                xml.category(charge.treatment.group()); // BT-151, BT-152
                xml.vat_scheme();
            });
            xml.property(GROSS_OF_LINE, &text_of(charge.gross)); // BG-32
            if let Some(code) = charge.treatment.exemption() {
                xml.property("PVM netaikymo pagrindas", code);
            }
        });
    }

    fn property(&mut self, name: &str, value: &str) {
        self.within("cac:AdditionalItemProperty", |xml| {
            xml.text("cbc:Name", name); // BT-160
            xml.text("cbc:Value", value); // BT-161
        });
    }
}

/// The exemption in words (BT-120), with the article of the Lithuanian law on VAT.
fn reason(code: &str) -> &'static str {
    match code {
        "VATEX-EU-132-1N" => "PVM neapmokestinama: kultūros paslaugos (PVM įstatymo 23 straipsnis)",
        "VATEX-EU-132-1I" => "PVM neapmokestinama: švietimo paslaugos (PVM įstatymo 22 straipsnis)",
        EXEMPT => "PVM neapmokestinama: kultūros ir švietimo paslaugos (PVM įstatymo 22 ir 23 straipsniai)",
        _ => "Pardavėjas nėra PVM mokėtojas",
    }
}
