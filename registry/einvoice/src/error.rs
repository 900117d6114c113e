//! Why no document is made.

use jiff::civil::Date;
use keis_ledger::ids::OrderId;
use keis_ledger::money::Cents;

use crate::body::MAX_LINES;
use crate::text::TextError;

/// Why no invoice or credit note is made of these facts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    /// Nothing was settled (BR-16).
    #[error("there is no line")]
    NoLines,
    /// More lines than one document takes.
    #[error("there are {lines} lines, {MAX_LINES} are the most")]
    TooManyLines {
        /// How many there are.
        lines: usize,
    },
    /// Amounts whose sum does not fit.
    #[error("the sum of the lines is too large")]
    TotalTooLarge,
    /// The lines are not what the statement owes.
    #[error("the lines add up to {lines}, the statement to {statement}")]
    TotalDiffers {
        /// The statement's total.
        statement: Cents,
        /// The sum of the lines.
        lines: Cents,
    },
    /// A line of nothing.
    #[error("nothing is due of {order}")]
    AmountZero {
        /// The order.
        order: OrderId,
    },
    /// Two lines of one order.
    #[error("{order} has two lines")]
    OrderTwice {
        /// The order.
        order: OrderId,
    },
    /// An order that is not in the statement.
    #[error("{order} is not in the statement")]
    OrderForeign {
        /// The order.
        order: OrderId,
    },
    /// An order of the statement has no line.
    #[error("{order} has no line")]
    OrderMissing {
        /// The order.
        order: OrderId,
    },
    /// A period that ends before it begins (BR-29).
    #[error("the period ends on {until}, before it begins on {from}")]
    PeriodBackwards {
        /// First day.
        from: Date,
        /// Last day.
        until: Date,
    },
    /// A supply outside the period (Peppol R110, R111).
    #[error("{order} was supplied on {day}, outside the period")]
    OutsidePeriod {
        /// The order.
        order: OrderId,
        /// The day of supply.
        day: Date,
    },
    /// Payment due before the document exists.
    #[error("payment is due on {due}, before the day of issue {issued}")]
    DueBeforeIssue {
        /// The day of issue.
        issued: Date,
        /// The day on which payment is due.
        due: Date,
    },
    /// Neither a buyer's reference nor a purchase order (Peppol R003).
    #[error("the programme has neither a buyer's reference nor a purchase order")]
    ReferenceMissing,
    /// No rates are known for a day.
    #[error("no rates of VAT are known for {day}, when {order} was supplied")]
    RateUnknown {
        /// The order.
        order: OrderId,
        /// The day of supply.
        day: Date,
    },
    /// The seller was registered for VAT, the service's category is that of who is not.
    #[error("the seller was registered for VAT on {day}, but the service of {order} has no category for that")]
    CategoryMissing {
        /// The order.
        order: OrderId,
        /// The day of supply.
        day: Date,
    },
    /// Supplies of a seller while registered for VAT and while not: category O stands alone (BR-O-11 to BR-O-14).
    #[error(
        "the seller was registered for VAT when {registered} was supplied and not when {unregistered} was: two statements"
    )]
    MixedStatus {
        /// An order supplied while registered.
        registered: OrderId,
        /// An order supplied while not.
        unregistered: OrderId,
    },
    /// Supplies under two VAT numbers of the seller (UBL-SR-12).
    #[error("the seller had another VAT number when {order} was supplied: two statements")]
    MixedVatNumbers {
        /// The first order under the second number.
        order: OrderId,
    },
    /// A credit of an order that is not on the invoice.
    #[error("{order} is not on the invoice")]
    OrderNotInvoiced {
        /// The order.
        order: OrderId,
    },
    /// A credit above what earlier credits left of a line.
    #[error("{open} of {order} are left to credit")]
    AboveOpen {
        /// The order.
        order: OrderId,
        /// What is left.
        open: Cents,
    },
    /// A credit note dated before its invoice.
    #[error("the credit note is of {issued}, before the invoice")]
    BeforeInvoice {
        /// The credit note's day of issue.
        issued: Date,
    },
    /// A credit note with its invoice's number.
    #[error("the credit note has the invoice's number")]
    NumberOfInvoice,
    /// A text that cannot stand on an invoice.
    #[error("a text cannot stand on an invoice")]
    Text(#[from] TextError),
}
