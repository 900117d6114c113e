//! What happened to an order, from its receipts.

use keis_ledger::money::Cents;
use keis_ledger::receipt::{Kind, Receipt};
use keis_ledger::record::OrderState;

use super::super::look::by_source;
use crate::words::Words;

/// Something that happened.
pub(super) struct Event {
    pub(super) at: String,
    pub(super) what: String,
    pub(super) who: String,
    pub(super) on_behalf: bool,
    pub(super) money: String,
    pub(super) receipt: String,
}

pub(super) fn events(w: &Words, receipts: &[Receipt]) -> Vec<Event> {
    receipts.iter().map(|receipt| event(w, receipt)).collect()
}

fn event(w: &Words, receipt: &Receipt) -> Event {
    let (what, who) = keys(receipt);
    Event {
        at: w.date_time(&receipt.time),
        what: w.text(what),
        who: who.map_or_else(String::new, |who| w.text(who)),
        on_behalf: receipt.on_behalf,
        money: money(w, receipt),
        receipt: receipt.id.to_string(),
    }
}

/// What was moved; of an order that ended without taking place it went back.
fn money(w: &Words, receipt: &Receipt) -> String {
    let went_back = match receipt.subject.order_state {
        Some(
            OrderState::Declined
            | OrderState::Lapsed
            | OrderState::CancelledFree
            | OrderState::CancelledByProvider
            | OrderState::CancelledForceMajeure
            | OrderState::Reversed,
        ) => true,
        Some(
            OrderState::Proposed
            | OrderState::Requested
            | OrderState::Confirmed
            | OrderState::Delivered
            | OrderState::Attended
            | OrderState::AttendedAutomatically
            | OrderState::Settled
            | OrderState::CancelledLate
            | OrderState::Disputed,
        )
        | None => false,
    };
    match receipt.total.total() {
        Some(Cents::ZERO) => String::new(),
        Some(sum) if went_back => w.with1("school-event-returned", "sum", &w.money(&sum)),
        Some(_) | None => by_source(w, &receipt.total),
    }
}

/// Keys of what happened and, where the receipt tells it, of whose side it was.
fn keys(receipt: &Receipt) -> (&'static str, Option<&'static str>) {
    let (school, provider) = (Some("school-side-school"), Some("school-side-provider"));
    let (clock, operator) = (Some("school-side-clock"), Some("school-side-operator"));
    match receipt.kind {
        Kind::OrderProposed => ("school-event-proposed", school),
        Kind::OrderRequested => ("school-event-requested", school),
        Kind::OrderConfirmed => ("school-event-confirmed", provider),
        Kind::OrderDeclined => ("school-event-declined", provider),
        Kind::ChangeProposed => ("school-event-change-proposed", None),
        Kind::ChangeAccepted => ("school-event-change-accepted", None),
        Kind::ChangeDropped => ("school-event-change-dropped", None),
        Kind::LinesSwapped => ("school-event-swapped", school),
        Kind::LinesDropped => ("school-event-dropped", school),
        Kind::OrderCancelled => match receipt.subject.order_state {
            Some(OrderState::CancelledByProvider) => ("school-event-cancelled", provider),
            Some(_) | None => ("school-event-cancelled", school),
        },
        Kind::DeliveryReported => ("school-event-reported", provider),
        Kind::AttendanceConfirmed => ("school-event-attended", school),
        Kind::AttendanceAutomatic => ("school-event-automatic", clock),
        Kind::OrderLapsed => ("school-event-lapsed", clock),
        Kind::StatementIssued => ("school-event-statement", operator),
        Kind::StatementAccepted => ("school-event-statement-accepted", provider),
        Kind::StatementContested => ("school-event-statement-contested", provider),
        Kind::PupilMoved => ("school-event-pupil-moved", operator),
        Kind::WalletClosed => ("school-event-pupil-left", operator),
        Kind::OrderDisputed => ("school-event-disputed", None),
        Kind::DisputeWithdrawn => ("school-event-dispute-withdrawn", None),
        Kind::DisputeResolved => ("school-event-resolved", operator),
        Kind::OrderReversed => ("school-event-reversed", operator),
        Kind::OrderStruck => ("school-event-struck", operator),
        Kind::DeadlinePostponed => ("school-event-postponed", clock),
        Kind::InvoiceAttached => ("school-event-invoice", provider),
        Kind::InvoiceRejected => ("school-event-invoice-rejected", operator),
        Kind::InvoiceApproved => ("school-event-invoice-approved", operator),
        Kind::PaymentRecorded => ("school-event-paid", operator),
        Kind::PaymentSetOff => ("school-event-set-off", operator),
        Kind::PaymentReturned => ("school-event-payment-returned", operator),
        Kind::PaymentReconciled => ("school-event-reconciled", operator),
        Kind::CreditNoted => ("school-event-credited", provider),
        Kind::RatedBySchool => ("school-event-rated", school),
        Kind::RatedByPupil => ("school-event-rated-pupil", None),
        Kind::PupilsMoved => ("school-event-pupil-moved", operator),
        Kind::YearOpened
        | Kind::Allocated
        | Kind::SchoolMoneyRecorded
        | Kind::YearEnded
        | Kind::SchoolsOpened
        | Kind::ProvidersOpened
        | Kind::PupilsOpened
        | Kind::KeysBound
        | Kind::KeyRevoked
        | Kind::WalletSuspended
        | Kind::WalletReinstated
        | Kind::ServicePublished
        | Kind::ServiceAmended
        | Kind::ServiceSuspended
        | Kind::ServiceReinstated
        | Kind::ServiceWithdrawn
        | Kind::SessionOpened
        | Kind::SessionAmended
        | Kind::SessionClosed
        | Kind::FundsReturned
        | Kind::DecisionProposed
        | Kind::DecisionApproved
        | Kind::DecisionWithdrawn
        | Kind::DecisionExpired
        | Kind::NetworkParametersSet
        | Kind::ProgrammeParametersSet
        | Kind::ValidatorsSet
        | Kind::OfficerAppointed
        | Kind::OfficerDismissed
        | Kind::GovernanceKeysReplaced
        | Kind::ProtocolSwitchDecided
        | Kind::ProtocolSwitched
        | Kind::RepaymentRecorded
        | Kind::RepaymentReconciled
        | Kind::PaymentAccountSet
        | Kind::YearSealed
        | Kind::ForceMajeureDeclared
        | Kind::ForceMajeureContinued
        | Kind::ForceMajeureEnded
        | Kind::DeadlinesExtended
        | Kind::PartySucceeded
        | Kind::AllKeysRevoked => ("school-event-other", operator),
    }
}
