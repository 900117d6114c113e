//! Statements and what follows them.

use utoipa::ToSchema;

/// A statement as the ledger has it: what one buyer owes one provider for these orders.
#[derive(ToSchema)]
pub(in crate::gateway) struct Statement {
    /// Who earned.
    provider: String,
    /// Who pays: `"programme"`, or `{"school": "sch_00ff…"}`.
    #[schema(value_type = Value)]
    buyer: (),
    /// The orders.
    orders: Vec<String>,
    /// Sum of the orders' parts, in cents.
    total: u64,
    /// What the statement still holds in settlement, in cents.
    balance: u64,
    /// Issued, accepted, contested, invoice_attached, approved, paid, reconciled or credited.
    #[schema(example = "issued")]
    state: String,
    /// When it was issued.
    issued: u64,
}

/// What followed a statement's acceptance, as the ledger has it. Invoices, accounts and references are keyed commitments.
#[derive(ToSchema)]
pub(in crate::gateway) struct Bill {
    /// The invoice, while it is attached.
    invoice: Option<Invoice>,
    /// Who approved it.
    approval: Option<InvoiceApproval>,
    /// What was paid or set off, in order.
    payments: Vec<Payment>,
    /// Sum of the credit notes and reversals, in cents.
    credited: u64,
    /// The bank statement with which the payments were compared.
    bank: Option<String>,
}

/// An invoice.
#[derive(ToSchema)]
pub(in crate::gateway) struct Invoice {
    /// Commitment to the file's bytes.
    file: String,
    /// Commitment to its number.
    number: String,
    /// The key that attached it.
    by: String,
}

/// An officer's approval of an invoice.
#[derive(ToSchema)]
pub(in crate::gateway) struct InvoiceApproval {
    /// The officer's key.
    by: String,
    /// When.
    at: u64,
}

/// Money that was paid for a statement, or set off.
#[derive(ToSchema)]
pub(in crate::gateway) struct Payment {
    /// How much, in cents.
    amount: u64,
    /// How.
    way: PaymentWay,
    /// The institution whose officer recorded it.
    institution: String,
    /// When it was recorded.
    at: u64,
}

/// How a statement was paid.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(in crate::gateway) enum PaymentWay {
    /// By the bank.
    Bank {
        /// Commitment to the bank's reference.
        reference: String,
        /// The provider's payment account at that time.
        account: String,
    },
    /// Set off against what the provider owed the same buyer.
    SetOff,
    /// By the bank, which sent it back.
    Returned {
        /// Commitment to the bank's reference of the payment.
        reference: String,
    },
}

/// Money that a provider paid back, as the ledger has it.
#[derive(ToSchema)]
pub(in crate::gateway) struct Repayment {
    /// Who.
    provider: String,
    /// To whom: `"programme"`, or `{"school": "sch_00ff…"}`.
    #[schema(value_type = Value)]
    buyer: (),
    /// How much, in cents.
    amount: u64,
    /// The institution whose officer recorded it.
    institution: String,
    /// When.
    at: u64,
    /// The bank statement with which it was compared.
    bank: Option<String>,
}

/// Where a provider is paid.
#[derive(ToSchema)]
pub(in crate::gateway) struct PaymentAccount {
    /// Commitment to the account's number.
    account: String,
    /// Since when.
    since: u64,
}
