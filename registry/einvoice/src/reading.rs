//! A document as people read it: what [`Received`] compares and everything else that stands in it, each as it stands.
//! Own documents and those of providers are read in the same way, so a page shows the file and not what it was made from.

use jiff::civil::Date;

use crate::decimal::cents_of;
use crate::facts::Period;
use crate::received::Received;
use crate::tree::{Node, XmlError, read};
use crate::write::GROSS_OF_LINE;

/// A document with all of its texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What is compared.
    pub received: Received,
    /// Day on which payment is due (BT-9).
    pub due: Option<Date>,
    /// Notes (BT-22).
    pub notes: Vec<String>,
    /// What is invoiced as a whole (BT-18): our own name the statement.
    pub object: Option<String>,
    /// The period (BG-14).
    pub period: Option<Period>,
    /// The buyer's reference (BT-10).
    pub reference: Option<String>,
    /// The buyer's purchase order (BT-13).
    pub order: Option<String>,
    /// The contract (BT-12).
    pub contract: Option<String>,
    /// Payment terms (BT-20).
    pub terms: Option<String>,
    /// The invoice that a credit note is of, and its day (BG-3).
    pub invoice: Option<(String, Option<Date>)>,
    /// The seller's other texts (BG-4).
    pub seller: PartyTexts,
    /// The buyer's other texts (BG-7).
    pub buyer: PartyTexts,
    /// How it is paid (BG-16).
    pub payments: Vec<PaymentTexts>,
    /// Why VAT is not due, for each breakdown of `received` (BT-120).
    pub reasons: Vec<Option<String>>,
    /// The other texts of each line of `received`.
    pub lines: Vec<LineTexts>,
}

/// Texts of a party.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartyTexts {
    /// Another name (BT-28, BT-45).
    pub trading_name: Option<String>,
    /// Electronic address with its scheme (BT-34, BT-49).
    pub endpoint: Option<String>,
    /// Street and house.
    pub street: Option<String>,
    /// Post code.
    pub post_code: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Country's code.
    pub country: Option<String>,
    /// Whom to ask: name, telephone, mail (BG-6, BG-9).
    pub contact: Vec<String>,
}

/// Texts of a payment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PaymentTexts {
    /// The account (BT-84).
    pub account: Option<String>,
    /// The bank (BT-86).
    pub bank: Option<String>,
    /// The account's name (BT-85).
    pub holder: Option<String>,
    /// What the payment should name (BT-83).
    pub reference: Option<String>,
}

/// Texts of a line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineTexts {
    /// What was supplied (BT-153).
    pub title: Option<String>,
    /// When (BG-26).
    pub period: Option<Period>,
    /// How much (BT-129): our own count pupils.
    pub quantity: Option<String>,
    /// With VAT, as our own say it (BG-32), in cents.
    pub gross: Option<i64>,
}

impl Reading {
    /// Reads an invoice or credit note of UBL 2.1, own or someone else's.
    ///
    /// # Errors
    /// [`XmlError`], as [`Received::parse`].
    pub fn parse(bytes: &[u8]) -> Result<Self, XmlError> {
        let root = read(bytes)?;
        let received = Received::of(&root)?;
        let subtotals = root.groups("TaxTotal").flat_map(|total| total.groups("TaxSubtotal"));
        let earlier = root.group("BillingReference").and_then(|found| found.group("InvoiceDocumentReference"));
        Ok(Self {
            due: day(&root, "DueDate"),
            notes: root
                .values("Note")
                .map(|note| note.text.trim().to_owned())
                .filter(|note| !note.is_empty())
                .collect(),
            object: object(&root),
            period: period(&root),
            reference: owned(root.value("BuyerReference")),
            order: owned(root.at(&["OrderReference"], "ID")),
            contract: owned(root.at(&["ContractDocumentReference"], "ID")),
            terms: owned(root.at(&["PaymentTerms"], "Note")),
            invoice: earlier.and_then(|earlier| Some((owned(earlier.value("ID"))?, day(earlier, "IssueDate")))),
            seller: party(&root, "AccountingSupplierParty"),
            buyer: party(&root, "AccountingCustomerParty"),
            payments: root.groups("PaymentMeans").map(payment).collect(),
            reasons: subtotals.map(|group| owned(group.at(&["TaxCategory"], "TaxExemptionReason"))).collect(),
            lines: root.groups(received.kind.line()).map(line).collect(),
            received,
        })
    }
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

fn day(node: &Node, name: &str) -> Option<Date> {
    node.value(name)?.parse().ok()
}

fn period(node: &Node) -> Option<Period> {
    let period = node.group("InvoicePeriod")?;
    Some(Period { from: day(period, "StartDate")?, until: day(period, "EndDate")? })
}

/// The object that is invoiced: a reference of type 130, or the one reference that says no type.
fn object(root: &Node) -> Option<String> {
    let is_object = |found: &&Node| found.value("DocumentTypeCode") == Some("130");
    let found = root.groups("AdditionalDocumentReference").find(is_object);
    owned(found.and_then(|found| found.value("ID")))
}

fn party(root: &Node, role: &str) -> PartyTexts {
    let Some(party) = root.group(role).and_then(|role| role.group("Party")) else { return PartyTexts::default() };
    let endpoint = |id: &str| match party.values("EndpointID").next().and_then(|id| id.attribute("schemeID")) {
        Some(scheme) => format!("{scheme}:{id}"),
        None => id.to_owned(),
    };
    let contact = party.group("Contact");
    let asked = ["Name", "Telephone", "ElectronicMail"].map(|name| owned(contact.and_then(|asked| asked.value(name))));
    PartyTexts {
        trading_name: owned(party.at(&["PartyName"], "Name")),
        endpoint: party.value("EndpointID").map(endpoint),
        street: owned(party.at(&["PostalAddress"], "StreetName")),
        post_code: owned(party.at(&["PostalAddress"], "PostalZone")),
        city: owned(party.at(&["PostalAddress"], "CityName")),
        country: owned(party.at(&["PostalAddress", "Country"], "IdentificationCode")),
        contact: asked.into_iter().flatten().collect(),
    }
}

fn payment(means: &Node) -> PaymentTexts {
    PaymentTexts {
        account: owned(means.at(&["PayeeFinancialAccount"], "ID")),
        bank: owned(means.at(&["PayeeFinancialAccount", "FinancialInstitutionBranch"], "ID")),
        holder: owned(means.at(&["PayeeFinancialAccount"], "Name")),
        reference: owned(means.value("PaymentID")),
    }
}

fn line(line: &Node) -> LineTexts {
    let item = line.group("Item");
    let properties = item.into_iter().flat_map(|item| item.groups("AdditionalItemProperty"));
    let mut gross = properties.filter(|property| property.value("Name") == Some(GROSS_OF_LINE));
    let quantity = line.value("InvoicedQuantity").or_else(|| line.value("CreditedQuantity"));
    LineTexts {
        title: owned(item.and_then(|item| item.value("Name"))),
        period: period(line),
        quantity: owned(quantity),
        gross: gross.next().and_then(|gross| cents_of(gross.value("Value")?)),
    }
}
