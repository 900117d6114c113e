//! What an invoice is made from: the settlement as the ledger has it, the parties, the programme's terms.

use std::num::NonZeroU32;

use jiff::civil::Date;
use keis_ledger::classifiers::VatCategory;
use keis_ledger::ids::{OrderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::record::Statement;
use serde::{Deserialize, Serialize};

use crate::error::InvoiceError;
use crate::party::{Buyer, Seller};
use crate::text::{Text, TextError};
use crate::vat::VatRates;

/// Days, both included (BG-14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// First day (BT-73).
    pub from: Date,
    /// Last day (BT-74).
    pub until: Date,
}

impl Period {
    /// Whether a day is inside.
    pub fn has(&self, day: Date) -> bool {
        self.from <= day && day <= self.until
    }
}

/// One order of a settlement (BG-25). It says how many pupils there were and has no place for who they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The order (BT-128).
    pub order: OrderId,
    /// The service's title (BT-153).
    pub title: Text,
    /// The day on which it was supplied, in local time (BG-26).
    pub supplied: Date,
    /// Pupils that the amount is for (BT-129).
    pub pupils: NonZeroU32,
    /// What the ledger owes for it, VAT included.
    pub gross: Cents,
    /// How the service is taxed by the catalogue.
    pub vat: VatCategory,
}

/// What is settled: one provider, one buyer, one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The statement (BT-18).
    pub statement: StatementId,
    /// What the ledger owes for it.
    pub total: Cents,
    /// The period in which everything was supplied (BG-14).
    pub period: Period,
    /// The orders, in the order in which the invoice shows them.
    pub lines: Vec<Line>,
}

impl Settlement {
    /// The facts of a ledger's statement, once they are equal to it: the same orders, the same total less what was
    /// credited before. An order of which all was credited has no line.
    ///
    /// # Errors
    /// [`InvoiceError::OrderForeign`], [`InvoiceError::OrderMissing`], [`InvoiceError::TotalDiffers`].
    pub fn of(
        (id, statement): (StatementId, &Statement),
        credited: Cents,
        period: Period,
        lines: Vec<Line>,
    ) -> Result<Self, InvoiceError> {
        let foreign = lines.iter().find(|line| !statement.orders.contains(&line.order));
        if let Some(line) = foreign {
            return Err(InvoiceError::OrderForeign { order: line.order });
        }
        let absent = |order: &&OrderId| !lines.iter().any(|line| line.order == **order);
        if let (Some(order), true) = (statement.orders.iter().find(absent), credited.is_zero()) {
            return Err(InvoiceError::OrderMissing { order: *order });
        }
        let total = statement.total.saturating_sub(credited);
        let settlement = Self { statement: id, total, period, lines };
        settlement.adds_up()?;
        Ok(settlement)
    }

    /// Whether the lines add up to the total.
    pub(crate) fn adds_up(&self) -> Result<(), InvoiceError> {
        let add = |sum: Cents, line: &Line| sum.checked_add(line.gross).ok_or(InvoiceError::TotalTooLarge);
        let lines = self.lines.iter().try_fold(Cents::ZERO, add)?;
        if lines == self.total { Ok(()) } else { Err(InvoiceError::TotalDiffers { statement: self.total, lines }) }
    }
}

/// The terms under which the buyer pays. One of reference and order must be there (Peppol R003).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Programme {
    /// The buyer's reference (BT-10).
    pub reference: Option<Text>,
    /// The buyer's purchase order (BT-13).
    pub order: Option<Text>,
    /// The contract (BT-12).
    pub contract: Option<Text>,
    /// Payment terms in words (BT-20).
    pub terms: Option<Text>,
    /// The rates of VAT.
    pub rates: VatRates,
}

/// What the provider sets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// Number (BT-1), which is the payment's reference too (BT-83).
    pub number: Text,
    /// Day of issue (BT-2).
    pub issued: Date,
    /// Day on which payment is due (BT-9).
    pub due: Date,
    /// A note (BT-22).
    pub note: Option<Text>,
}

/// Everything that an invoice is made from. Kept as it is, it makes the same invoice again, and its credit notes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// What is settled.
    pub settlement: Settlement,
    /// Who is paid.
    pub seller: Seller,
    /// Who pays.
    pub buyer: Buyer,
    /// Under which terms.
    pub programme: Programme,
    /// Number and dates.
    pub heading: Heading,
}

/// The number of a document in a series: no two pairs of series and number give the same text.
///
/// # Errors
/// [`TextError`], when the series cannot stand on an invoice.
pub fn number_in_series(series: &Text, number: u32) -> Result<Text, TextError> {
    Text::new(&format!("{series}-{number:06}"))
}
