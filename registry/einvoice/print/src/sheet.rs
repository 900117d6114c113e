//! What is shown of a document, in words, before it is a page: the same for HTML and PDF.

use jiff::civil::Date;
use keis_einvoice::{
    CreditNote, Invoice, Kind, LineTexts, PartyTexts, PaymentTexts, Reading, ReceivedGroup, ReceivedLine,
    ReceivedParty, XmlError, percent,
};

use crate::text::{amount, days, grouped, money, plain};
use crate::words::{Language, Words};

/// A label and what it is of.
pub(crate) type Fact = (&'static str, String);

/// A document in words, ready to be shown.
#[derive(Debug)]
pub struct Sheet {
    pub(crate) words: &'static Words,
    pub(crate) title: &'static str,
    pub(crate) number: String,
    pub(crate) issued: Date,
    pub(crate) parties: [Party; 2],
    pub(crate) facts: Vec<Fact>,
    pub(crate) notes: Vec<String>,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<Cell>>,
    pub(crate) groups: Vec<Group>,
    pub(crate) totals: Vec<Fact>,
    pub(crate) payments: Vec<Vec<Fact>>,
    pub(crate) terms: Option<String>,
}

/// Seller or buyer.
#[derive(Debug)]
pub(crate) struct Party {
    pub(crate) heading: &'static str,
    pub(crate) name: String,
    pub(crate) lines: Vec<String>,
}

/// A column of the table of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) label: &'static str,
    /// Part of the width, the whole being a thousand.
    pub(crate) width: u16,
    /// Whether it holds figures, which stand at its right.
    pub(crate) figures: bool,
}

/// A cell: its text, and what stands below in small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) below: Vec<String>,
    pub(crate) figures: bool,
}

/// A VAT breakdown.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) label: String,
    pub(crate) reason: Option<String>,
    pub(crate) taxable: String,
    pub(crate) tax: String,
}

impl Sheet {
    /// What an invoice or credit note in UBL says, own or someone else's.
    ///
    /// # Errors
    /// [`XmlError`]: it cannot be read.
    pub fn of_xml(xml: &[u8], language: Language) -> Result<Self, XmlError> {
        Ok(Self::of(&Reading::parse(xml)?, language))
    }

    /// What an invoice says.
    pub fn of_invoice(invoice: &Invoice, language: Language) -> Self {
        Self::of_xml(&invoice.to_xml(), language).expect("what the writer writes the reader reads")
    }

    /// What a credit note says.
    pub fn of_credit_note(note: &CreditNote, language: Language) -> Self {
        Self::of_xml(&note.to_xml(), language).expect("what the writer writes the reader reads")
    }

    /// What a document says that was read.
    pub fn of(reading: &Reading, language: Language) -> Self {
        let (words, received) = (language.words(), &reading.received);
        let is_own = !reading.lines.is_empty() && reading.lines.iter().all(|line| line.gross.is_some());
        let groups = received.breakdown.iter().zip(&reading.reasons);
        Self {
            words,
            title: title(reading, words),
            number: plain(&received.number),
            issued: received.issued,
            parties: [
                party(words.seller, &received.seller, &reading.seller, words),
                party(words.buyer, &received.buyer, &reading.buyer, words),
            ],
            facts: facts(reading, words),
            notes: reading.notes.iter().map(|note| plain(note)).collect(),
            columns: columns(words, is_own),
            rows: lines(reading, words, is_own),
            groups: groups.map(|(group, reason)| breakdown(group, reason.as_deref(), words)).collect(),
            totals: totals(reading, words),
            payments: reading.payments.iter().map(|payment| payment_facts(payment, words)).collect(),
            terms: reading.terms.as_deref().map(plain),
        }
    }

    /// The document's language.
    pub fn language(&self) -> Language {
        self.words.language
    }

    /// Title and number, as a window or a list shows it.
    pub fn heading(&self) -> String {
        format!("{} {} {}", self.title, self.words.number, self.number)
    }
}

fn title(reading: &Reading, words: &Words) -> &'static str {
    match (reading.received.kind, reading.received.seller.vat.is_some()) {
        (Kind::Invoice, true) => words.vat_invoice,
        (Kind::Invoice, false) => words.invoice,
        (Kind::CreditNote, true) => words.vat_credit_note,
        (Kind::CreditNote, false) => words.credit_note,
    }
}

fn party(heading: &'static str, party: &ReceivedParty, texts: &PartyTexts, words: &Words) -> Party {
    let labelled = |label: &str, text: &String| format!("{label} {text}");
    let mut lines = Vec::new();
    lines.extend(texts.trading_name.clone().filter(|name| party.name.as_ref() != Some(name)));
    lines.extend(party.code.as_ref().map(|code| labelled(words.code, code)));
    lines.extend(party.ids.iter().map(|id| labelled(words.certificate, id)));
    lines.extend(party.vat.as_ref().map(|vat| labelled(words.vat_number, vat)));
    let place = [&texts.post_code, &texts.city].into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    let abroad = texts.country.clone().filter(|country| country != "LT");
    let address = [texts.street.clone(), Some(place).filter(|place| !place.is_empty()), abroad];
    lines.push(address.into_iter().flatten().collect::<Vec<_>>().join(", "));
    lines.push(texts.contact.join(", "));
    lines.extend(texts.endpoint.as_ref().map(|endpoint| labelled(words.endpoint, endpoint)));
    lines.retain(|line| !line.is_empty());
    let name = party.name.as_deref().map(plain).unwrap_or_default();
    Party { heading, name, lines: lines.iter().map(|line| plain(line)).collect() }
}

fn facts(reading: &Reading, words: &Words) -> Vec<Fact> {
    let earlier = reading.invoice.as_ref().map(|(number, day)| match day {
        Some(day) => format!("{number} ({day})"),
        None => number.clone(),
    });
    let facts = [
        (words.issued, Some(reading.received.issued.to_string())),
        (words.due, reading.due.map(|day| day.to_string())),
        (words.of_invoice, earlier),
        (words.period, reading.period.map(days)),
        (words.reference, reading.reference.clone()),
        (words.contract, reading.contract.clone()),
        (words.order, reading.order.clone()),
        (words.statement, reading.object.clone()),
    ];
    facts.into_iter().filter_map(|(label, text)| Some((label, plain(&text?)))).collect()
}

/// Own lines say what they cost with VAT, a provider's only what they cost without.
fn columns(words: &Words, is_own: bool) -> Vec<Column> {
    let column = |label, width, figures| Column { label, width, figures };
    let (service, quantity, width) = if is_own { (382, words.pupils, 82) } else { (552, words.quantity, 112) };
    let mut columns = vec![
        column(words.line, 48, true),
        column(words.service, service, false),
        column(words.day, 110, false),
        column(quantity, width, true),
        column(words.vat, 78, true),
        column(words.net, 100, true),
    ];
    if is_own {
        columns.extend([column(words.tax, 92, true), column(words.gross, 108, true)]);
    }
    columns
}

fn lines(reading: &Reading, words: &Words, is_own: bool) -> Vec<Vec<Cell>> {
    let lines = reading.received.lines.iter().zip(&reading.lines);
    lines.map(|(line, texts)| row(line, texts, words, is_own)).collect()
}

fn row(line: &ReceivedLine, texts: &LineTexts, words: &Words, is_own: bool) -> Vec<Cell> {
    let cell = |text: String, figures: bool| Cell { text, below: Vec::new(), figures };
    let sum = |cents: i64| cell(amount(cents, words.language), true);
    let title = plain(texts.title.as_deref().unwrap_or_default());
    let mut row = vec![
        cell(plain(&line.id), true),
        Cell { text: title, below: line.orders.iter().map(ToString::to_string).collect(), figures: false },
        cell(texts.period.map(days).unwrap_or_default(), false),
        cell(plain(texts.quantity.as_deref().unwrap_or_default()), true),
        cell(rate(line, words), true),
        sum(line.net),
    ];
    if let (true, Some(gross)) = (is_own, texts.gross) {
        row.extend([sum(gross.saturating_sub(line.net)), sum(gross)]);
    }
    row
}

fn rate(line: &ReceivedLine, words: &Words) -> String {
    match (line.category.as_deref(), line.rate) {
        (Some("E"), _) => words.exempt.to_owned(),
        (Some("O"), _) | (None, None) => words.outside.to_owned(),
        (_, Some(rate)) => format!("{}\u{a0}%", percent(rate)),
        (Some(category), None) => plain(category),
    }
}

fn breakdown(group: &ReceivedGroup, reason: Option<&str>, words: &Words) -> Group {
    let label = match (group.category.as_str(), group.rate) {
        ("E", _) => words.group_exempt.to_owned(),
        ("O", _) => words.group_outside.to_owned(),
        ("S", Some(rate)) => format!("{} {}\u{a0}%", words.group_rated, percent(rate)),
        (category, Some(rate)) => format!("{} {} {}\u{a0}%", words.group_rated, plain(category), percent(rate)),
        (category, None) => format!("{} {}", words.group_rated, plain(category)),
    };
    // The words of the group say already that the seller is not registered.
    let reason = reason.filter(|_| group.category != "O").map(plain);
    let sum = |cents| amount(cents, words.language);
    Group { label, reason, taxable: sum(group.taxable), tax: sum(group.tax) }
}

fn totals(reading: &Reading, words: &Words) -> Vec<Fact> {
    let (totals, currency) = (reading.received.totals, plain(&reading.received.currency));
    let last = match reading.received.kind {
        Kind::Invoice => words.payable,
        Kind::CreditNote => words.credited,
    };
    let sums = [
        (words.total_net, totals.net),
        (words.total_tax, totals.tax),
        (words.total_gross, totals.gross),
        (last, totals.payable),
    ];
    sums.map(|(label, cents)| (label, money(cents, &currency, words.language))).into()
}

fn payment_facts(payment: &PaymentTexts, words: &Words) -> Vec<Fact> {
    let facts = [
        (words.account, payment.account.as_deref().map(grouped)),
        (words.bank, payment.bank.clone()),
        (words.holder, payment.holder.clone()),
        (words.payment_reference, payment.reference.clone()),
    ];
    facts.into_iter().filter_map(|(label, text)| Some((label, plain(&text?)))).collect()
}
