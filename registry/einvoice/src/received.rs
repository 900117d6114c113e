//! A provider's own document, read back: parties, totals, orders. What is not compared is not kept.

use std::collections::BTreeSet;

use jiff::civil::Date;
use keis_ledger::ids::OrderId;
use keis_ledger::money::BasisPoints;

use crate::decimal::{cents_of, rate_of};
use crate::text::names_pupil;
use crate::tree::{Node, Space, XmlError, read};

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An invoice.
    Invoice,
    /// A credit note.
    CreditNote,
}

impl Kind {
    /// Name of its lines' elements.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Invoice => "InvoiceLine",
            Self::CreditNote => "CreditNoteLine",
        }
    }
}

/// A party as a document names it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReceivedParty {
    /// Name (BT-27, BT-44).
    pub name: Option<String>,
    /// Identifiers (BT-29, BT-46).
    pub ids: Vec<String>,
    /// Register code (BT-30, BT-47).
    pub code: Option<String>,
    /// VAT number (BT-31, BT-48).
    pub vat: Option<String>,
}

/// Totals in cents; on someone else's document they may be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceivedTotals {
    /// Sum of the lines (BT-106).
    pub lines: i64,
    /// Without VAT (BT-109).
    pub net: i64,
    /// VAT (BT-110).
    pub tax: i64,
    /// With VAT (BT-112).
    pub gross: i64,
    /// Due (BT-115).
    pub payable: i64,
}

/// A VAT breakdown (BG-23).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedGroup {
    /// Category (BT-118).
    pub category: String,
    /// Rate (BT-119).
    pub rate: Option<BasisPoints>,
    /// Taxable amount (BT-116).
    pub taxable: i64,
    /// VAT (BT-117).
    pub tax: i64,
}

/// A line (BG-25).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedLine {
    /// Identifier (BT-126).
    pub id: String,
    /// Without VAT (BT-131).
    pub net: i64,
    /// Category (BT-151).
    pub category: Option<String>,
    /// Rate (BT-152).
    pub rate: Option<BasisPoints>,
    /// Every order that the line names, in whichever of its fields.
    pub orders: BTreeSet<OrderId>,
}

/// A document as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// What it is.
    pub kind: Kind,
    /// Number (BT-1).
    pub number: String,
    /// Day of issue (BT-2).
    pub issued: Date,
    /// Currency (BT-5).
    pub currency: String,
    /// Seller (BG-4).
    pub seller: ReceivedParty,
    /// Buyer (BG-7).
    pub buyer: ReceivedParty,
    /// Account to be paid to (BT-84), without spaces.
    pub accounts: BTreeSet<String>,
    /// Totals (BG-22).
    pub totals: ReceivedTotals,
    /// VAT breakdown (BG-23).
    pub breakdown: Vec<ReceivedGroup>,
    /// Lines (BG-25).
    pub lines: Vec<ReceivedLine>,
    /// Orders that the document names as a whole (BT-12, BT-13, BT-18, BT-22).
    pub orders: BTreeSet<OrderId>,
    /// Numbers of the invoices that it is about (BT-25).
    pub preceding: Vec<String>,
    /// Whether the id of a pupil's wallet stands anywhere in it.
    pub names_pupil: bool,
}

impl Received {
    /// Reads an invoice or credit note of UBL 2.1, own or someone else's.
    ///
    /// # Errors
    /// [`XmlError`]: no XML within the bounds, no UBL, or without what is compared.
    pub fn parse(bytes: &[u8]) -> Result<Self, XmlError> {
        Self::of(&read(bytes)?)
    }

    /// The document below its root.
    pub(crate) fn of(root: &Node) -> Result<Self, XmlError> {
        let kind = match (root.space, root.name.as_str()) {
            (Space::Invoice, "Invoice") => Kind::Invoice,
            (Space::CreditNote, "CreditNote") => Kind::CreditNote,
            _ => return Err(XmlError::NotUbl),
        };
        let own = ["Note", "AdditionalDocumentReference", "OrderReference", "ContractDocumentReference"];
        let whole = root.children.iter().filter(|child| own.contains(&child.name.as_str()));
        Ok(Self {
            kind,
            number: root.value("ID").ok_or(missing("BT-1"))?.to_owned(),
            issued: root.value("IssueDate").and_then(|day| day.parse().ok()).ok_or(missing("BT-2"))?,
            currency: root.value("DocumentCurrencyCode").ok_or(missing("BT-5"))?.to_owned(),
            seller: party(root, "AccountingSupplierParty").ok_or(missing("BG-4"))?,
            buyer: party(root, "AccountingCustomerParty").ok_or(missing("BG-7"))?,
            accounts: accounts(root),
            totals: totals(root)?,
            breakdown: breakdown(root)?,
            lines: root.groups(kind.line()).map(received_line).collect::<Result<_, _>>()?,
            orders: whole.flat_map(orders).collect(),
            preceding: preceding(root),
            names_pupil: root.texts().into_iter().any(names_pupil),
        })
    }
}

fn missing(element: &'static str) -> XmlError {
    XmlError::Element { element }
}

fn party(root: &Node, role: &str) -> Option<ReceivedParty> {
    let party = root.group(role)?.group("Party")?;
    let legal = party.group("PartyLegalEntity");
    let is_vat = |scheme: &&Node| scheme.at(&["TaxScheme"], "ID").is_some_and(|id| id.eq_ignore_ascii_case("VAT"));
    let name = legal.and_then(|legal| legal.value("RegistrationName")).or_else(|| party.at(&["PartyName"], "Name"));
    Some(ReceivedParty {
        name: name.map(str::to_owned),
        ids: party.groups("PartyIdentification").filter_map(|id| Some(id.value("ID")?.to_owned())).collect(),
        code: legal.and_then(|legal| legal.value("CompanyID")).map(str::to_owned),
        vat: party.groups("PartyTaxScheme").find(is_vat).and_then(|scheme| Some(scheme.value("CompanyID")?.to_owned())),
    })
}

fn preceding(root: &Node) -> Vec<String> {
    let named = root.groups("BillingReference").flat_map(|reference| reference.groups("InvoiceDocumentReference"));
    named.filter_map(|invoice| invoice.value("ID").map(str::to_owned)).collect()
}

fn accounts(root: &Node) -> BTreeSet<String> {
    let means = root.groups("PaymentMeans");
    let ids = means.filter_map(|means| means.at(&["PayeeFinancialAccount"], "ID"));
    ids.map(|id| id.split_whitespace().collect()).collect()
}

/// An amount in the document's currency; none when it is absent.
fn amount(node: &Node, name: &str, currency: Option<&str>) -> Result<Option<i64>, XmlError> {
    let mut found = node.values(name).filter(|value| currency.is_none() || value.attribute("currencyID") == currency);
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => cents_of(&value.text).map(Some).ok_or(missing("an amount")),
        (Some(_), Some(_)) => Err(missing("an amount that stands once")),
    }
}

fn totals(root: &Node) -> Result<ReceivedTotals, XmlError> {
    let currency = root.value("DocumentCurrencyCode");
    let total = root.group("LegalMonetaryTotal").ok_or(missing("BG-22"))?;
    let required = |name, term| amount(total, name, currency)?.ok_or(missing(term));
    let taxes = root.groups("TaxTotal").map(|tax| amount(tax, "TaxAmount", currency));
    let taxes: Vec<i64> = taxes.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    Ok(ReceivedTotals {
        lines: required("LineExtensionAmount", "BT-106")?,
        net: required("TaxExclusiveAmount", "BT-109")?,
        tax: match taxes.as_slice() {
            [] => 0,
            [tax] => *tax,
            _ => return Err(missing("BT-110")),
        },
        gross: required("TaxInclusiveAmount", "BT-112")?,
        payable: required("PayableAmount", "BT-115")?,
    })
}

fn breakdown(root: &Node) -> Result<Vec<ReceivedGroup>, XmlError> {
    let currency = root.value("DocumentCurrencyCode");
    let subtotals = root.groups("TaxTotal").flat_map(|total| total.groups("TaxSubtotal"));
    let group = |subtotal: &Node| {
        let (category, rate) = category(subtotal, "TaxCategory")?;
        Ok(ReceivedGroup {
            category: category.ok_or(missing("BT-118"))?,
            rate,
            taxable: amount(subtotal, "TaxableAmount", currency)?.ok_or(missing("BT-116"))?,
            tax: amount(subtotal, "TaxAmount", currency)?.ok_or(missing("BT-117"))?,
        })
    };
    subtotals.map(group).collect()
}

/// Code and rate of a VAT category.
fn category(node: &Node, name: &str) -> Result<(Option<String>, Option<BasisPoints>), XmlError> {
    let Some(category) = node.group(name) else { return Ok((None, None)) };
    let rate = category.value("Percent").map(|rate| rate_of(rate).ok_or(missing("a rate"))).transpose()?;
    Ok((category.value("ID").map(str::to_owned), rate))
}

fn received_line(line: &Node) -> Result<ReceivedLine, XmlError> {
    let (category, rate) = match line.group("Item") {
        Some(item) => category(item, "ClassifiedTaxCategory")?,
        None => (None, None),
    };
    Ok(ReceivedLine {
        id: line.value("ID").ok_or(missing("BT-126"))?.to_owned(),
        net: amount(line, "LineExtensionAmount", None)?.ok_or(missing("BT-131"))?,
        category,
        rate,
        orders: orders(line).into_iter().collect(),
    })
}

/// Every id of an order in the texts below.
fn orders(node: &Node) -> Vec<OrderId> {
    let mut orders = Vec::new();
    for text in node.texts() {
        for (at, prefix) in text.match_indices("ord_") {
            let id = text.get(at..at + prefix.len() + 32);
            orders.extend(id.and_then(|id| id.parse::<OrderId>().ok()));
        }
    }
    orders
}
