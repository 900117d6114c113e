//! Sound documents broken one rule of Peppol at a time.

use crate::broken::{credit_note, invoice};
use crate::edit::Document;

const R: &str = "PEPPOL-EN16931-R";

/// An allowance or charge of a document, with these contents.
fn allowance(document: Document, content: &str) -> Document {
    let rest = "<cac:TaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>21</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID>\
                </cac:TaxScheme></cac:TaxCategory>";
    let charge = format!("<cac:AllowanceCharge>{content}{rest}</cac:AllowanceCharge>");
    document.before("cac:TaxTotal", 0, &charge)
}

/// An allowance or charge of the first price.
fn of_price(document: Document, content: &str) -> Document {
    document.after("cbc:BaseQuantity", 0, &format!("<cac:AllowanceCharge>{content}</cac:AllowanceCharge>"))
}

fn whole() -> Vec<(&'static str, Document)> {
    let object = |kind: &str| {
        format!(
            "<cac:AdditionalDocumentReference><cbc:ID>1</cbc:ID><cbc:DocumentTypeCode>{kind}</cbc:DocumentTypeCode>\
             </cac:AdditionalDocumentReference>"
        )
    };
    let total = "<cac:TaxTotal><cbc:TaxAmount currencyID=\"EUR\">1.00</cbc:TaxAmount></cac:TaxTotal>";
    let negative = "<cac:TaxTotal><cbc:TaxAmount currencyID=\"PLN\">-1.00</cbc:TaxAmount></cac:TaxTotal>";
    let currency = |code| format!("<cbc:TaxCurrencyCode>{code}</cbc:TaxCurrencyCode>");
    vec![
        ("001", invoice().without("cbc:ProfileID", 0)),
        ("002", invoice().after("cbc:Note", 0, "<cbc:Note>Antra pastaba</cbc:Note>")),
        ("003", invoice().without("cbc:BuyerReference", 0)),
        ("004", invoice().set("cbc:CustomizationID", 0, "urn:cen.eu:en16931:2017")),
        ("005", invoice().after("cbc:DocumentCurrencyCode", 0, &currency("EUR"))),
        ("006", invoice().after("cac:AdditionalDocumentReference", 0, &object("130"))),
        ("007", invoice().set("cbc:ProfileID", 0, "urn:fdc:peppol.eu:2017:poacc:billing:1:1.0")),
        ("008", invoice().set("cbc:Note", 0, " ")),
        ("010", invoice().without("cbc:EndpointID", 1)),
        ("020", invoice().without("cbc:EndpointID", 0)),
        ("051", invoice().swap("currencyID=\"EUR\"", 3, "currencyID=\"SEK\"")),
        ("053", invoice().without_all("cac:TaxSubtotal")),
        ("054", invoice().after("cac:TaxTotal", 0, total)),
        ("055", invoice().after("cbc:DocumentCurrencyCode", 0, &currency("PLN")).after("cac:TaxTotal", 0, negative)),
        ("061", invoice().set("cbc:PaymentMeansCode", 0, "59")),
        (
            "080",
            credit_note().after("cac:AdditionalDocumentReference", 0, &object("50")).after(
                "cac:AdditionalDocumentReference",
                0,
                &object("50"),
            ),
        ),
    ]
}

fn charges_and_lines() -> Vec<(&'static str, Document)> {
    let amount = |name: &str, amount: &str| format!("<cbc:{name} currencyID=\"EUR\">{amount}</cbc:{name}>");
    let charge = |kind: &str, more: &str| {
        format!(
            "<cbc:ChargeIndicator>{kind}</cbc:ChargeIndicator><cbc:AllowanceChargeReason>Nuolaida\
                 </cbc:AllowanceChargeReason>{more}"
        )
    };
    let factor = "<cbc:MultiplierFactorNumeric>10</cbc:MultiplierFactorNumeric>";
    let (one, base) = (amount("Amount", "1.00"), amount("BaseAmount", "20.00"));
    let document = |kind| {
        format!(
            "<cac:DocumentReference><cbc:ID>1</cbc:ID><cbc:DocumentTypeCode>{kind}</cbc:DocumentTypeCode>\
                 </cac:DocumentReference>"
        )
    };
    let indicator = |kind: &str| format!("<cbc:ChargeIndicator>{kind}</cbc:ChargeIndicator>");
    vec![
        ("040", allowance(invoice(), &charge("false", &format!("{factor}{one}{base}")))),
        ("041", allowance(invoice(), &charge("false", &format!("{factor}{one}")))),
        ("042", allowance(invoice(), &charge("false", &format!("{one}{base}")))),
        ("043", allowance(invoice(), &charge("1", &one))),
        ("044", of_price(invoice(), &format!("{}{one}", indicator("true")))),
        ("046", of_price(invoice(), &format!("{}{one}{base}", indicator("false")))),
        ("100", invoice().after("cac:DocumentReference", 0, &document("130"))),
        ("101", invoice().set("cbc:DocumentTypeCode", 1, "50")),
        ("110", invoice().set("cbc:StartDate", 1, "2026-02-28")),
        ("111", invoice().set("cbc:EndDate", 1, "2026-04-01")),
        ("120", invoice().set("cbc:PriceAmount", 0, "100.03")),
        ("121", invoice().set("cbc:BaseQuantity", 0, "0")),
        ("130", invoice().swap("<cbc:BaseQuantity unitCode=\"IE\"", 0, "<cbc:BaseQuantity unitCode=\"C62\"")),
    ]
}

/// Documents by the rule of Peppol that each breaks.
pub fn documents() -> Vec<(String, Document)> {
    let numbered = whole().into_iter().chain(charges_and_lines());
    let mut documents: Vec<(String, Document)> =
        numbered.map(|(number, document)| (format!("{R}{number}"), document)).collect();
    let others = [
        ("PEPPOL-EN16931-F001", invoice().set("cbc:DueDate", 0, "2026-05-02Z")),
        ("PEPPOL-EN16931-P0100", invoice().set("cbc:InvoiceTypeCode", 0, "389")),
        ("PEPPOL-EN16931-P0101", credit_note().set("cbc:CreditNoteTypeCode", 0, "380")),
        ("PEPPOL-EN16931-CL008", invoice().swap("schemeID=\"0200\"", 0, "schemeID=\"EM\"")),
        ("PEPPOL-EN16931-P0104..P0111", invoice().set("cbc:TaxExemptionReasonCode", 0, "VATEX-EU-O")),
    ];
    documents.extend(others.map(|(rule, document)| (rule.to_owned(), document)));
    documents
}
