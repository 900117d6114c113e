//! Documents and what keeps one from being made, for people: figures and parties as pages show them, reasons in words.

use keis_einvoice::{
    Address, Breakdown, Buyer, Charge, CreditNote, Difference, Facts, Group, Identity, Invoice, InvoiceError, Received,
    Seller, Totals, XmlError,
};
use keis_ledger::money::Cents;
use keis_registry::RegistryError;
use keis_registry::documents::{DocumentError, Kept};

use super::{BillingTrouble, Lack, Mender};
use crate::trouble::Trouble;
use crate::words::Words;

/// Lines that a page shows; the file has all.
const SHOWN: usize = 100;
/// Differences that a page tells; the others are counted.
const TOLD: usize = 20;

/// A document as people read it.
pub(crate) struct DocumentLook {
    /// Number, days, references.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) seller: Vec<String>,
    pub(crate) buyer: Vec<String>,
    /// Where to pay; empty on a credit note.
    pub(crate) payment: Vec<(String, String)>,
    pub(crate) lines: Vec<LineLook>,
    /// How many lines more the file has.
    pub(crate) more: Option<String>,
    pub(crate) groups: Vec<GroupLook>,
    pub(crate) net: String,
    pub(crate) tax: String,
    pub(crate) gross: String,
}

/// A line.
pub(crate) struct LineLook {
    pub(crate) number: usize,
    pub(crate) day: String,
    pub(crate) title: String,
    pub(crate) pupils: String,
    pub(crate) net: String,
    pub(crate) vat: String,
    pub(crate) gross: String,
}

/// A VAT breakdown.
pub(crate) struct GroupLook {
    pub(crate) name: String,
    pub(crate) taxable: String,
    pub(crate) tax: String,
}

/// What must be mended before an invoice can be made.
pub(crate) struct Told {
    pub(crate) text: String,
    /// Who can.
    pub(crate) who: String,
    /// Where, for a provider itself.
    pub(crate) href: Option<&'static str>,
}

/// A kept document as people read it.
pub(crate) fn look(w: &Words, kept: &Kept) -> Result<DocumentLook, Trouble> {
    let again = |error: InvoiceError| Trouble::internal(error);
    if let Some(note) = kept.credit_note().map_err(again)? {
        return Ok(of_note(w, &note));
    }
    match kept.invoice().map_err(again)? {
        Some(invoice) => Ok(of_invoice(w, &invoice)),
        None => Ok(of_received(w, &Received::parse(&kept.bytes).map_err(Trouble::internal)?)),
    }
}

/// An invoice as people read it.
pub(crate) fn of_invoice(w: &Words, invoice: &Invoice) -> DocumentLook {
    let facts = invoice.facts();
    let heading = &facts.heading;
    let mut told = vec![
        (w.text("inv-number"), heading.number.to_string()),
        (w.text("inv-issued"), heading.issued.to_string()),
        (w.text("inv-due"), heading.due.to_string()),
    ];
    told.extend(references(w, facts));
    told.extend(heading.note.as_ref().map(|note| (w.text("inv-note"), note.to_string())));
    let account = &facts.seller.account;
    let mut payment = vec![(w.text("inv-iban"), grouped(account.iban.as_str()))];
    payment.extend(account.bic.as_ref().map(|bic| (w.text("inv-bic"), bic.to_string())));
    payment.push((w.text("inv-payment-reference"), heading.number.to_string()));
    drawn(w, facts, (told, payment), invoice.lines(), invoice.breakdown(), invoice.totals())
}

fn of_note(w: &Words, note: &CreditNote) -> DocumentLook {
    let facts = note.invoice().facts();
    let heading = note.heading();
    let about = format!("{}, {}", facts.heading.number, facts.heading.issued);
    let mut told = vec![
        (w.text("inv-number"), heading.number.to_string()),
        (w.text("inv-issued"), heading.issued.to_string()),
        (w.text("inv-of-invoice"), about),
    ];
    told.extend(references(w, facts));
    told.extend(heading.reason.as_ref().map(|reason| (w.text("inv-reason"), reason.to_string())));
    drawn(w, facts, (told, Vec::new()), note.lines(), note.breakdown(), note.totals())
}

type Pairs = Vec<(String, String)>;

fn drawn(
    w: &Words,
    facts: &Facts,
    (told, payment): (Pairs, Pairs),
    lines: &[Charge],
    groups: &[Breakdown],
    totals: Totals,
) -> DocumentLook {
    let line = |(index, line): (usize, &Charge)| LineLook {
        number: index + 1,
        day: line.supplied.to_string(),
        title: line.title.to_string(),
        pupils: w.number(line.pupils.get()),
        net: w.money(&line.net),
        vat: group_name(w, line.treatment.group()),
        gross: w.money(&line.gross),
    };
    let group = |one: &Breakdown| GroupLook {
        name: group_name(w, one.group),
        taxable: w.money(&one.taxable),
        tax: w.money(&one.tax),
    };
    DocumentLook {
        facts: told,
        seller: seller_lines(w, facts, lines),
        buyer: buyer_lines(w, &facts.buyer),
        payment,
        lines: lines.iter().enumerate().take(SHOWN).map(line).collect(),
        more: more(w, lines.len()),
        groups: groups.iter().map(group).collect(),
        net: w.money(&totals.net),
        tax: w.money(&totals.tax),
        gross: w.money(&totals.gross),
    }
}

fn more(w: &Words, lines: usize) -> Option<String> {
    let more = lines.saturating_sub(SHOWN);
    (more > 0).then(|| w.count("inv-more-lines", more))
}

/// A provider's own document, as far as it was read.
fn of_received(w: &Words, received: &Received) -> DocumentLook {
    let party = |party: &keis_einvoice::ReceivedParty| {
        let mut lines: Vec<String> = party.name.iter().cloned().collect();
        lines.extend(party.code.as_ref().map(|code| w.with1("inv-code", "code", code)));
        lines.extend(party.vat.as_ref().map(|vat| w.with1("inv-vat-number", "number", vat)));
        lines
    };
    let line = |(index, line): (usize, &keis_einvoice::ReceivedLine)| LineLook {
        number: index + 1,
        day: String::new(),
        title: line.orders.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        pupils: String::new(),
        net: signed(w, line.net),
        vat: vat_name(w, line.category.as_deref().unwrap_or_default(), line.rate.map(|rate| rate.get())),
        gross: String::new(),
    };
    let group = |one: &keis_einvoice::ReceivedGroup| GroupLook {
        name: vat_name(w, &one.category, one.rate.map(|rate| rate.get())),
        taxable: signed(w, one.taxable),
        tax: signed(w, one.tax),
    };
    DocumentLook {
        facts: vec![
            (w.text("inv-number"), received.number.clone()),
            (w.text("inv-issued"), received.issued.to_string()),
        ],
        seller: party(&received.seller),
        buyer: party(&received.buyer),
        payment: received.accounts.iter().map(|account| (w.text("inv-iban"), grouped(account))).collect(),
        lines: received.lines.iter().enumerate().take(SHOWN).map(line).collect(),
        more: more(w, received.lines.len()),
        groups: received.breakdown.iter().map(group).collect(),
        net: signed(w, received.totals.net),
        tax: signed(w, received.totals.tax),
        gross: signed(w, received.totals.gross),
    }
}

fn references(w: &Words, facts: &Facts) -> Pairs {
    let (programme, period) = (&facts.programme, &facts.settlement.period);
    let mut told = vec![
        (w.text("inv-period"), format!("{} – {}", period.from, period.until)),
        (w.text("inv-statement"), facts.settlement.statement.to_string()),
    ];
    for (key, value) in [
        ("inv-reference", &programme.reference),
        ("inv-order", &programme.order),
        ("inv-contract", &programme.contract),
        ("inv-terms", &programme.terms),
    ] {
        told.extend(value.as_ref().map(|value| (w.text(key), value.to_string())));
    }
    told
}

fn seller_lines(w: &Words, facts: &Facts, lines: &[Charge]) -> Vec<String> {
    let Seller { identity, name, trading_name, address, contact, .. } = &facts.seller;
    let mut all = vec![name.to_string()];
    all.extend(trading_name.as_ref().map(ToString::to_string));
    all.push(match identity {
        Identity::Legal(code) => w.with1("inv-code", "code", code.as_str()),
        Identity::Natural(certificate) => w.with1("inv-certificate", "number", certificate.as_str()),
    });
    let number = lines.first().and_then(|line| facts.seller.vat_on(line.supplied));
    all.push(
        number.map_or_else(|| w.text("inv-vat-none"), |number| w.with1("inv-vat-number", "number", number.as_str())),
    );
    all.push(address_line(address));
    if let Some(contact) = contact {
        let parts = [&contact.name, &contact.telephone, &contact.mail];
        all.extend(parts.into_iter().flatten().map(ToString::to_string));
    }
    all
}

fn buyer_lines(w: &Words, buyer: &Buyer) -> Vec<String> {
    let mut all = vec![buyer.name.to_string(), w.with1("inv-code", "code", buyer.code.as_str())];
    all.extend(buyer.vat.as_ref().map(|number| w.with1("inv-vat-number", "number", number.as_str())));
    all.push(address_line(&buyer.address));
    all
}

fn address_line(address: &Address) -> String {
    let place = [address.post_code.as_ref(), Some(&address.city)];
    let place = place.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let street = address.street.as_ref().map(ToString::to_string);
    street.into_iter().chain([place, address.country.to_string()]).collect::<Vec<_>>().join(", ")
}

fn grouped(iban: &str) -> String {
    let letters: Vec<char> = iban.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn group_name(w: &Words, group: Group) -> String {
    match group {
        Group::Rated(rate) => percent(rate.get()),
        Group::Exempt => w.text("inv-exempt"),
        Group::NotRegistered => w.text("inv-not-registered"),
    }
}

fn percent(points: u16) -> String {
    let text = format!("{},{:02}", points / 100, points % 100);
    format!("{}\u{a0}%", text.trim_end_matches('0').trim_end_matches(','))
}

/// A group of VAT by the standard's code; of a document that was made elsewhere.
fn vat_name(w: &Words, category: &str, points: Option<u16>) -> String {
    match category {
        "E" => return w.text("inv-exempt"),
        "O" => return w.text("inv-not-registered"),
        _ => {}
    }
    points.map_or_else(|| category.to_owned(), |points| format!("{category} {}", percent(points)))
}

/// Cents of someone else's document.
fn signed(w: &Words, cents: i64) -> String {
    let amount = w.money(&Cents::new(cents.unsigned_abs()));
    if cents < 0 { format!("−{amount}") } else { amount }
}

/// What is missing, in words, with who can mend it.
pub(crate) fn lacks(w: &Words, lacks: &[Lack]) -> Vec<Told> {
    lacks.iter().map(|lack| of_lack(w, *lack)).collect()
}

fn of_lack(w: &Words, lack: Lack) -> Told {
    let key = format!("inv-lack-{}", lack.name());
    let text = match lack {
        Lack::RatesOn(day) => w.with1(&key, "day", &day.to_string()),
        Lack::Category { order, day } => w.with(&key, &[("order", &order.to_string()), ("day", &day.to_string())]),
        Lack::Service(order) => w.with1(&key, "order", &order.to_string()),
        Lack::Seller
        | Lack::Certificate
        | Lack::Address
        | Lack::Series
        | Lack::Account
        | Lack::AccountNumber
        | Lack::Answering
        | Lack::Buyer
        | Lack::SchoolAddress
        | Lack::Terms
        | Lack::Rates => w.text(&key),
    };
    match lack.mender() {
        Mender::Provider => Told { text, who: w.text("inv-mend-provider"), href: Some("/provider/invoicing") },
        Mender::Operator => Told { text, who: w.text("inv-mend-operator"), href: None },
    }
}

/// Why facts give no document, in words.
pub(crate) fn refusal(w: &Words, error: &InvoiceError) -> String {
    match error {
        InvoiceError::MixedStatus { .. } => w.text("inv-mixed-status"),
        InvoiceError::MixedVatNumbers { .. } => w.text("inv-mixed-numbers"),
        InvoiceError::DueBeforeIssue { .. } => w.text("inv-error-due"),
        InvoiceError::BeforeInvoice { .. } => w.text("inv-error-before-invoice"),
        InvoiceError::NumberOfInvoice => w.text("inv-error-number-of-invoice"),
        InvoiceError::NoLines => w.text("inv-error-nothing"),
        InvoiceError::AboveOpen { open, .. } => w.with1("inv-error-above", "open", &w.money(open)),
        InvoiceError::TooManyLines { .. }
        | InvoiceError::TotalTooLarge
        | InvoiceError::TotalDiffers { .. }
        | InvoiceError::AmountZero { .. }
        | InvoiceError::OrderTwice { .. }
        | InvoiceError::OrderForeign { .. }
        | InvoiceError::OrderMissing { .. }
        | InvoiceError::PeriodBackwards { .. }
        | InvoiceError::OutsidePeriod { .. }
        | InvoiceError::ReferenceMissing
        | InvoiceError::RateUnknown { .. }
        | InvoiceError::CategoryMissing { .. }
        | InvoiceError::OrderNotInvoiced { .. }
        | InvoiceError::Text(_) => w.with1("inv-error-other", "why", &error.to_string()),
    }
}

/// Why a file is no e-invoice, in words.
pub(crate) fn no_invoice(w: &Words, error: &XmlError) -> String {
    let why = match error {
        XmlError::TooLong { .. } => w.text("inv-xml-long"),
        XmlError::NotUtf8 => w.text("inv-xml-letters"),
        XmlError::DocumentType | XmlError::Entity => w.text("inv-xml-declares"),
        XmlError::TooDeep | XmlError::TooManyElements | XmlError::TooManyAttributes => w.text("inv-xml-large"),
        XmlError::Malformed { position } => w.with1("inv-xml-broken", "position", &w.number(*position)),
        XmlError::NotUbl => w.text("inv-xml-other"),
        XmlError::Element { element } => w.with1("inv-xml-element", "element", element),
    };
    w.with1("inv-error-xml", "why", &why)
}

/// What of a provider's own document is not as the statement has it, in words: the first ones, the others counted.
pub(crate) fn differences(w: &Words, all: &[Difference]) -> Vec<String> {
    let mut told: Vec<String> = all.iter().take(TOLD).map(|one| difference(w, one)).collect();
    let more = all.len().saturating_sub(TOLD);
    if more > 0 {
        told.push(w.count("inv-more-differences", more));
    }
    told
}

fn difference(w: &Words, difference: &Difference) -> String {
    let order = |key: &str, order: &keis_ledger::ids::OrderId| w.with1(key, "order", &order.to_string());
    match difference {
        Difference::NotInvoice | Difference::NotCreditNote => w.text("inv-differs-kind"),
        Difference::Invoice { number } => w.with1("inv-differs-invoice", "number", number),
        Difference::Currency => w.text("inv-differs-currency"),
        Difference::Seller => w.text("inv-differs-seller"),
        Difference::SellerVat => w.text("inv-differs-seller-vat"),
        Difference::Buyer => w.text("inv-differs-buyer"),
        Difference::Account => w.text("inv-differs-account"),
        Difference::Total { document, settlement } => {
            w.with("inv-differs-total", &[("document", &signed(w, *document)), ("ledger", &w.money(settlement))])
        }
        Difference::Payable { payable, total } => {
            w.with("inv-differs-payable", &[("payable", &signed(w, *payable)), ("total", &signed(w, *total))])
        }
        Difference::Sum { rule } => w.with1("inv-differs-sum", "rule", rule),
        Difference::VatNotDue => w.text("inv-differs-vat-not-due"),
        Difference::Vat { category, taxable } => {
            w.with("inv-differs-vat", &[("group", category), ("taxable", &signed(w, *taxable))])
        }
        Difference::OrderMissing { order: id } => order("inv-differs-order-missing", id),
        Difference::OrderForeign { order: id } => order("inv-differs-order-foreign", id),
        Difference::LineWithoutOrder { line } => w.with1("inv-differs-line", "line", line),
        Difference::OrderAmount { order, document, settlement } => w.with(
            "inv-differs-amount",
            &[("order", &order.to_string()), ("document", &signed(w, *document)), ("ledger", &w.money(settlement))],
        ),
        Difference::NamesPupil => w.text("inv-differs-pupil"),
    }
}

/// Why the registry does not keep a document: the key of the words.
pub(crate) fn not_kept(error: &DocumentError) -> &'static str {
    match error {
        DocumentError::NumberTaken => "inv-error-number-taken",
        DocumentError::NumberLong => "inv-error-number-long",
        DocumentError::SeriesMissing => "inv-error-number-missing",
        DocumentError::SeriesOver => "inv-error-series-over",
        DocumentError::TooLong(_) => "inv-error-too-long",
        DocumentError::TooMany => "inv-error-too-many",
        DocumentError::ReversalNoted => "provider-rev-noted",
        DocumentError::NotDrawn => "inv-error-not-drawn",
        DocumentError::Registry(_) | DocumentError::Invoice(_) | DocumentError::Xml(_) => "inv-error-not-kept",
    }
}

impl From<BillingTrouble> for Trouble {
    fn from(trouble: BillingTrouble) -> Self {
        match trouble {
            BillingTrouble::Registry(RegistryError::Denied(_)) => Self::Forbidden,
            BillingTrouble::Registry(error) => error.into(),
            BillingTrouble::Ledger(error) => error.into(),
            other @ (BillingTrouble::Lacks(_)
            | BillingTrouble::Invoice(_)
            | BillingTrouble::Document(_)
            | BillingTrouble::Xml(_)
            | BillingTrouble::Differs(_)
            | BillingTrouble::Absent) => Self::internal(other),
        }
    }
}
