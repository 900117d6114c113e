//! Examples of settlement, from a statement's issue to the bank.

use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::operation::{Buyer, Operation, SettlementOperation};
use keis_wallet::random::new_id;

use super::{Example, ORDER, PROVIDER, STATEMENT, YEAR, euros, example};

/// Commitments to documents whose witnesses others keep; the ledger sees no more of them.
const fn commitment(number: u8) -> Commitment {
    Commitment([number; 32])
}

pub(super) fn settlement() -> Vec<Example> {
    let all = [statements(), payments(), afterwards()].concat();
    all.into_iter().map(|(name, about, one)| example(name, about, Operation::Settlement(one))).collect()
}

type Told = (&'static str, &'static str, SettlementOperation);

fn statements() -> Vec<Told> {
    let (year, statement) = (YEAR, STATEMENT);
    let issue = SettlementOperation::Issue {
        year,
        statement: new_id(StatementId),
        provider: PROVIDER,
        buyer: Buyer::Programme,
        orders: vec![ORDER],
    };
    let attach =
        SettlementOperation::AttachInvoice { year, statement, invoice: commitment(0xc1), number: commitment(0xc2) };
    vec![
        ("issue-statement", "operator: puts earned orders into a statement", issue),
        ("accept-statement", "provider: agrees to a statement", SettlementOperation::Accept { year, statement }),
        ("contest-statement", "provider: does not agree", SettlementOperation::Contest { year, statement }),
        ("attach-invoice", "provider: attaches the invoice of an accepted statement", attach),
        (
            "reject-invoice",
            "the buyer: refuses the invoice; another may be attached",
            SettlementOperation::RejectInvoice { year, statement },
        ),
        ("approve-invoice", "operator: finds the invoice right", SettlementOperation::Approve { year, statement }),
    ]
}

fn payments() -> Vec<Told> {
    let (year, statement, amount, reference) = (YEAR, STATEMENT, euros(25), commitment(0xc3));
    vec![
        (
            "record-payment",
            "the payer: records what the bank paid",
            SettlementOperation::RecordPayment { year, statement, amount, reference },
        ),
        (
            "return-payment",
            "the payer: the bank sent a payment back",
            SettlementOperation::ReturnPayment { year, statement, reference },
        ),
        (
            "set-off",
            "the payer: pays with what the provider owes",
            SettlementOperation::SetOff { year, statement, amount },
        ),
        (
            "reconcile",
            "another institution: finds the payments at the bank",
            SettlementOperation::Reconcile { year, statement, bank: commitment(0xc4) },
        ),
    ]
}

fn afterwards() -> Vec<Told> {
    let (year, amount, reference) = (YEAR, euros(25), commitment(0xc5));
    let credit = SettlementOperation::CreditNote {
        year,
        statement: STATEMENT,
        order: ORDER,
        lines: vec![(0, euros(12))],
        note: commitment(0xc6),
    };
    vec![
        ("credit-note", "provider: gives money of a statement back, line by line", credit),
        (
            "record-repayment",
            "the payer: records what a provider paid back",
            SettlementOperation::RecordRepayment {
                year,
                provider: PROVIDER,
                buyer: Buyer::Programme,
                amount,
                reference,
            },
        ),
        (
            "reconcile-repayment",
            "another institution: finds it at the bank",
            SettlementOperation::ReconcileRepayment { year, reference, bank: commitment(0xc7) },
        ),
    ]
}
