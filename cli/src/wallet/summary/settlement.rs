//! Statements in words, from their issue to the bank.

use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, SettlementOperation};

use super::listed;

/// Who pays, in words.
pub(super) fn buyer_words(buyer: &Buyer) -> String {
    match buyer {
        Buyer::Programme => "the programme".to_owned(),
        Buyer::School(school) => format!("school {school}"),
    }
}

pub(super) fn settlement(operation: &SettlementOperation) -> String {
    match operation {
        SettlementOperation::Issue { year, statement, provider, buyer, orders } => format!(
            "Issue statement {statement} of {year} for what provider {provider} earned of {} by {}.",
            buyer_words(buyer),
            listed(orders, "order")
        ),
        SettlementOperation::Accept { year, statement } => format!("Accept statement {statement} of {year}."),
        SettlementOperation::Contest { year, statement } => {
            format!("Contest statement {statement} of {year}; its orders become free for another.")
        }
        SettlementOperation::AttachInvoice { year, statement, invoice, number } => format!(
            "Attach an invoice to statement {statement} of {year}: commitment {invoice}, its number's commitment {number}."
        ),
        SettlementOperation::RejectInvoice { year, statement } => {
            format!("Refuse the invoice of statement {statement} of {year}; another may be attached.")
        }
        SettlementOperation::Approve { year, statement } => {
            format!("Approve the invoice of statement {statement} of {year} for payment.")
        }
        SettlementOperation::RecordPayment { year, statement, amount, reference } => format!(
            "Record that {amount} of statement {statement} of {year} were paid; the bank's reference is committed to as {reference}."
        ),
        SettlementOperation::SetOff { year, statement, amount } => {
            format!("Set {amount} of statement {statement} of {year} off against what the provider owes the buyer.")
        }
        SettlementOperation::Reconcile { year, statement, bank } => format!(
            "Confirm that the payments of statement {statement} of {year} are on the bank's statement, committed to as {bank}."
        ),
        SettlementOperation::CreditNote { year, statement, order, lines, note } => {
            let told: Vec<_> = lines.iter().map(|(line, amount)| format!("line {line}: {amount}")).collect();
            let sum = lines.iter().try_fold(Cents::ZERO, |sum, (_, amount)| sum.checked_add(*amount));
            let sum = sum.map(|sum| format!("{sum} in all, ")).unwrap_or_default();
            format!(
                "Give money of order {order} in statement {statement} of {year} back: {sum}{}; the note is committed to as {note}.",
                listed(&told, "line")
            )
        }
        SettlementOperation::RecordRepayment { year, provider, buyer, amount, reference } => format!(
            "Record that provider {provider} paid {amount} of {year} back to {}; the bank's reference is committed to as {reference}.",
            buyer_words(buyer)
        ),
        SettlementOperation::ReconcileRepayment { year, reference, bank } => format!(
            "Confirm that the repayment {reference} of {year} is on the bank's statement, committed to as {bank}."
        ),
        SettlementOperation::ReturnPayment { year, statement, reference } => format!(
            "Record that the bank sent the payment {reference} of statement {statement} of {year} back; it is open again."
        ),
    }
}
