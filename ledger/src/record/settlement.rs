//! Records of settlement: statements, what follows their acceptance, and what a provider owes back.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::classifiers::Year;
use crate::crypto::PublicKey;
use crate::ids::{Commitment, InstitutionId, OrderId, ProviderId, StatementId};
use crate::money::Cents;
use crate::operation::Buyer;
use crate::time::Timestamp;

/// State of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementState {
    /// It waits for the provider.
    Issued,
    /// The provider agreed.
    Accepted,
    /// The provider did not; its orders are free again.
    Contested,
    /// The provider's invoice is attached.
    InvoiceAttached,
    /// An officer found the invoice right.
    Approved,
    /// Nothing is left to pay.
    Paid,
    /// Another institution found the payments on the bank's statement.
    Reconciled,
    /// All of it was credited before anything was paid.
    Credited,
}

impl StatementState {
    /// Whether the provider has agreed to the statement.
    pub fn is_accepted(self) -> bool {
        match self {
            Self::Issued | Self::Contested => false,
            Self::Accepted
            | Self::InvoiceAttached
            | Self::Approved
            | Self::Paid
            | Self::Reconciled
            | Self::Credited => true,
        }
    }
}

/// A statement: what one buyer owes one provider for these orders.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Statement {
    /// Who earned.
    pub provider: ProviderId,
    /// Who pays.
    pub buyer: Buyer,
    /// The orders.
    pub orders: Vec<OrderId>,
    /// Sum of the orders' parts.
    pub total: Cents,
    /// What the statement still holds in settlement.
    pub balance: Cents,
    /// Where it stands.
    pub state: StatementState,
    /// When it was issued.
    pub issued: Timestamp,
}

/// When a provider last had a statement to a buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Billing {
    /// The time.
    pub last: Timestamp,
}

/// What followed a statement's acceptance.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct Bill {
    /// The invoice, while it is attached.
    pub invoice: Option<Invoice>,
    /// Who approved it.
    pub approval: Option<InvoiceApproval>,
    /// What was paid or set off, in order.
    pub payments: Vec<Payment>,
    /// Sum of the credit notes and reversals.
    pub credited: Cents,
    /// The bank statement with which the payments were compared.
    pub bank: Option<Commitment>,
}

/// An invoice, which itself is kept off the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Invoice {
    /// Commitment to the file's bytes.
    pub file: Commitment,
    /// Commitment to its number.
    pub number: Commitment,
    /// The key that attached it.
    pub by: PublicKey,
}

/// An officer's approval of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct InvoiceApproval {
    /// The officer's key.
    pub by: PublicKey,
    /// When.
    pub at: Timestamp,
}

impl Bill {
    /// The payments that stand: the bank has not sent them back.
    pub fn standing(&self) -> impl Iterator<Item = &Payment> {
        self.payments.iter().filter(|payment| match payment.way {
            PaymentWay::Bank { .. } | PaymentWay::SetOff => true,
            PaymentWay::Returned { .. } => false,
        })
    }
}

/// Money that was paid for a statement, or set off against what the provider owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Payment {
    /// How much.
    pub amount: Cents,
    /// How.
    pub way: PaymentWay,
    /// The institution whose officer recorded it.
    pub institution: InstitutionId,
    /// When it was recorded.
    pub at: Timestamp,
}

/// How a statement was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentWay {
    /// By the bank.
    Bank {
        /// Commitment to the bank's reference.
        reference: Commitment,
        /// The provider's payment account at that time.
        account: Commitment,
    },
    /// Set off against what the provider owed the same buyer.
    SetOff,
    /// By the bank, which sent it back.
    Returned {
        /// Commitment to the bank's reference of the payment.
        reference: Commitment,
    },
}

/// What a provider owes a buyer for money that was paid and reversed afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct Receivable {
    /// How much.
    pub owed: Cents,
}

/// Money that a provider paid back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Repayment {
    /// Who.
    pub provider: ProviderId,
    /// To whom.
    pub buyer: Buyer,
    /// How much.
    pub amount: Cents,
    /// The institution whose officer recorded it.
    pub institution: InstitutionId,
    /// When.
    pub at: Timestamp,
    /// The bank statement with which it was compared.
    pub bank: Option<Commitment>,
}

/// Where a provider is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct PaymentAccount {
    /// Commitment to the account's number.
    pub account: Commitment,
    /// Since when.
    pub since: Timestamp,
}

/// What a commitment was used for, so that it is used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Reference {
    /// The year.
    pub year: Year,
    /// The statement; none for a repayment.
    pub statement: Option<StatementId>,
}
