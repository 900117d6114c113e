//! The index beside the files: one line a file, for who works on it with a table of numbers.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use keis_einvoice::{Kind, Reading};
use keis_ledger::record::StatementState;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::source::Paper;

/// One file. Amounts are euro with two decimals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    pub(super) file: String,
    pub(super) kind: String,
    pub(super) year: u16,
    pub(super) statement: String,
    pub(super) number: String,
    pub(super) issued: String,
    pub(super) provider: String,
    pub(super) provider_code: String,
    pub(super) buyer: String,
    pub(super) buyer_code: String,
    pub(super) period_from: String,
    pub(super) period_until: String,
    pub(super) net: String,
    pub(super) vat: String,
    pub(super) gross: String,
    pub(super) state: String,
    pub(super) sha256: String,
}

impl Row {
    /// What a paper says, for a file of this name.
    pub(super) fn of(paper: &Paper, reading: &Reading, file: String) -> Self {
        let received = &reading.received;
        let (seller, buyer) = (&received.seller, &received.buyer);
        let seller_code = seller.code.as_ref().or(seller.ids.first()).or(seller.vat.as_ref());
        let name = |text: Option<&String>| plain(text.map(String::as_str).unwrap_or_default());
        let day = |of: fn(&keis_einvoice::Period) -> jiff::civil::Date| {
            reading.period.as_ref().map(|period| of(period).to_string()).unwrap_or_default()
        };
        Self {
            file,
            kind: match received.kind {
                Kind::Invoice => "invoice",
                Kind::CreditNote => "credit_note",
            }
            .to_owned(),
            year: paper.key.0.0,
            statement: paper.key.1.to_string(),
            number: plain(&received.number),
            issued: received.issued.to_string(),
            provider: name(seller.name.as_ref()),
            provider_code: name(seller_code),
            buyer: name(buyer.name.as_ref()),
            buyer_code: name(buyer.code.as_ref()),
            period_from: day(|period| period.from),
            period_until: day(|period| period.until),
            net: euro(received.totals.net),
            vat: euro(received.totals.tax),
            gross: euro(received.totals.gross),
            state: paper.state.map(state).unwrap_or_default(),
            sha256: hex::encode(Sha256::digest(&paper.bytes)),
        }
    }

    /// What it is in a line for people.
    pub(super) fn told(&self) -> String {
        let Self { number, issued, provider, buyer, net, vat, gross, state, .. } = self;
        format!("{issued}  {number:<18} {net:>12} {vat:>10} {gross:>12}  {state:<17} {provider} → {buyer}")
    }
}

/// The ledger's name of a state.
pub(super) fn state(state: StatementState) -> String {
    let name = serde_json::to_value(state).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Cents as text.
fn euro(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
}

/// Someone's text that no program takes for a formula.
fn plain(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// The rows of an index, by file.
pub(super) type Rows = BTreeMap<String, Row>;

/// Reads an index; none is an empty one.
pub(super) fn read(path: &Path) -> anyhow::Result<Rows> {
    if !path.exists() {
        return Ok(Rows::new());
    }
    let told = || format!("{} is no index that `keis invoice export` wrote", path.display());
    let mut reader = csv::Reader::from_path(path).with_context(told)?;
    let rows = reader.deserialize::<Row>().map(|row| row.map(|row| (row.file.clone(), row)));
    rows.collect::<Result<_, _>>().with_context(told)
}

/// The index as text. A statement whose invoice was credited as a whole is told so.
pub(super) fn text(rows: &Rows) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows.values() {
        let whole = row.kind == "invoice" && row.state == "invoice_attached" && credited(rows, row) == row.gross;
        let state = if whole { "credited".to_owned() } else { row.state.clone() };
        writer.serialize(Row { state, ..row.clone() })?;
    }
    writer.into_inner().map_err(|error| anyhow::anyhow!("the index cannot be written: {}", error.error()))
}

/// Sum of the credit notes of an invoice.
fn credited(rows: &Rows, invoice: &Row) -> String {
    let cents = |text: &str| text.replace('.', "").parse::<i64>().unwrap_or_default();
    let notes = rows.values().filter(|row| row.kind == "credit_note" && row.statement == invoice.statement);
    euro(notes.map(|note| cents(&note.gross)).sum())
}
