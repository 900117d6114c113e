//! Operations on statements, from their issue to the bank.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::classifiers::Year;
use crate::ids::{Commitment, OrderId, ProviderId, SchoolId, StatementId};
use crate::money::{Cents, Source};

/// Who pays a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Buyer {
    /// The programme, out of the state's money.
    Programme,
    /// A school, out of its own.
    School(SchoolId),
}

impl Buyer {
    /// Whose money the buyer pays with.
    pub fn source(self) -> Source {
        match self {
            Self::Programme => Source::State,
            Self::School(_) => Source::School,
        }
    }
}

/// Operations on statements.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettlementOperation {
    /// Puts a provider's earned orders to one buyer into a statement.
    Issue {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
        /// Who earned.
        provider: ProviderId,
        /// Who pays.
        buyer: Buyer,
        /// The orders, ascending.
        orders: Vec<OrderId>,
    },
    /// The provider agrees.
    Accept {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
    },
    /// The provider does not; the orders are free for another statement.
    Contest {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
    },
    /// The provider attaches the invoice of an accepted statement.
    AttachInvoice {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
        /// Commitment to the invoice's file.
        invoice: Commitment,
        /// Commitment to the invoice's number, which is text of a party.
        number: Commitment,
    },
    /// The buyer refuses the invoice; another may be attached.
    RejectInvoice {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
    },
    /// An officer finds the invoice right: it may be paid.
    Approve {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
    },
    /// Records what the bank paid to the provider.
    RecordPayment {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
        /// How much.
        amount: Cents,
        /// Commitment to the bank's reference, used once.
        reference: Commitment,
    },
    /// Pays with what the provider owes the same buyer.
    SetOff {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
        /// How much.
        amount: Cents,
    },
    /// Another institution finds the payments of a statement on the bank's statement.
    Reconcile {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
        /// Commitment to the bank's statement.
        bank: Commitment,
    },
    /// The provider gives money of an accepted statement's order back, line by line.
    CreditNote {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
        /// The order.
        order: OrderId,
        /// Lines, ascending, and how much of each.
        lines: Vec<(u16, Cents)>,
        /// Commitment to the note's file, used once.
        note: Commitment,
    },
    /// Records what a provider paid back.
    RecordRepayment {
        /// The year.
        year: Year,
        /// Who.
        provider: ProviderId,
        /// To whom.
        buyer: Buyer,
        /// How much.
        amount: Cents,
        /// Commitment to the bank's reference, used once.
        reference: Commitment,
    },
    /// Another institution finds a repayment on the bank's statement.
    ReconcileRepayment {
        /// The year.
        year: Year,
        /// The repayment's reference.
        reference: Commitment,
        /// Commitment to the bank's statement.
        bank: Commitment,
    },
    /// Records that the bank sent a payment back: it is open again.
    ReturnPayment {
        /// The year.
        year: Year,
        /// The statement.
        statement: StatementId,
        /// The payment's reference.
        reference: Commitment,
    },
}
