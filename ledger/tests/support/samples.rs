//! One transaction of every operation.

use keis_ledger::chain::Height;
use keis_ledger::classifiers::{Fact, Place, Scope};
use keis_ledger::ids::InstitutionId;
use keis_ledger::operation::{
    Buyer, CatalogueOperation, Change, ClosureScope, FundsOperation, GovernanceOperation, Measure, Operation,
    OrderAction, Owner, Party, SettlementOperation, WalletOperation,
};

use keis_ledger::time::Span;

use super::governance::{appoint, approve, decision, dismiss, equals, replace, set, steps, switch, two, withdraw};
use super::stage::*;
use super::{day, secret};

/// Name of an operation. A new one does not compile here until it has a name, and then wants its sample below.
pub fn name(operation: &Operation) -> &'static str {
    match operation {
        Operation::Funds(operation) => match operation {
            FundsOperation::OpenYear { .. } => "funds_open_year",
            FundsOperation::Allocate { .. } => "funds_allocate",
            FundsOperation::RecordSchoolMoney { .. } => "funds_record_school_money",
            FundsOperation::EndYear { .. } => "funds_end_year",
            FundsOperation::SealYear { .. } => "funds_seal_year",
        },
        Operation::Wallet(operation) => match operation {
            WalletOperation::OpenSchools { .. } => "wallet_open_schools",
            WalletOperation::OpenProviders { .. } => "wallet_open_providers",
            WalletOperation::OpenPupils { .. } => "wallet_open_pupils",
            WalletOperation::BindKeys { .. } => "wallet_bind_keys",
            WalletOperation::RevokeKey { .. } => "wallet_revoke_key",
            WalletOperation::MovePupil { .. } => "wallet_move_pupil",
            WalletOperation::Suspend { .. } => "wallet_suspend",
            WalletOperation::Reinstate { .. } => "wallet_reinstate",
            WalletOperation::Close { .. } => "wallet_close",
            WalletOperation::RevokeAllKeys { .. } => "wallet_revoke_all_keys",
            WalletOperation::MovePupils { .. } => "wallet_move_pupils",
        },
        Operation::Catalogue(operation) => match operation {
            CatalogueOperation::Publish { .. } => "catalogue_publish",
            CatalogueOperation::Amend { .. } => "catalogue_amend",
            CatalogueOperation::Suspend { .. } => "catalogue_suspend",
            CatalogueOperation::Reinstate { .. } => "catalogue_reinstate",
            CatalogueOperation::Withdraw { .. } => "catalogue_withdraw",
            CatalogueOperation::OpenSession { .. } => "catalogue_open_session",
            CatalogueOperation::AmendSession { .. } => "catalogue_amend_session",
            CatalogueOperation::CloseSession { .. } => "catalogue_close_session",
        },
        Operation::Order { action, .. } => match action {
            OrderAction::Propose { .. } => "order_propose",
            OrderAction::Request { .. } => "order_request",
            OrderAction::Confirm => "order_confirm",
            OrderAction::Decline => "order_decline",
            OrderAction::ProposeChange(Change::Booking { .. }) => "order_propose_booking",
            OrderAction::ProposeChange(Change::Attendance { .. }) => "order_propose_attendance",
            OrderAction::AcceptChange => "order_accept_change",
            OrderAction::DropChange => "order_drop_change",
            OrderAction::Swap { .. } => "order_swap",
            OrderAction::DropLines { .. } => "order_drop_lines",
            OrderAction::Cancel => "order_cancel",
            OrderAction::ReportDelivery { .. } => "order_report_delivery",
            OrderAction::ConfirmAttendance { .. } => "order_confirm_attendance",
            OrderAction::Dispute => "order_dispute",
            OrderAction::WithdrawDispute => "order_withdraw_dispute",
        },
        Operation::Settlement(operation) => match operation {
            SettlementOperation::Issue { .. } => "settlement_issue",
            SettlementOperation::Accept { .. } => "settlement_accept",
            SettlementOperation::Contest { .. } => "settlement_contest",
            SettlementOperation::AttachInvoice { .. } => "settlement_attach_invoice",
            SettlementOperation::RejectInvoice { .. } => "settlement_reject_invoice",
            SettlementOperation::Approve { .. } => "settlement_approve",
            SettlementOperation::RecordPayment { .. } => "settlement_record_payment",
            SettlementOperation::SetOff { .. } => "settlement_set_off",
            SettlementOperation::Reconcile { .. } => "settlement_reconcile",
            SettlementOperation::CreditNote { .. } => "settlement_credit_note",
            SettlementOperation::RecordRepayment { .. } => "settlement_record_repayment",
            SettlementOperation::ReconcileRepayment { .. } => "settlement_reconcile_repayment",
            SettlementOperation::ReturnPayment { .. } => "settlement_return_payment",
        },
        Operation::Governance(operation) => match operation {
            GovernanceOperation::Propose { measure, .. } => measure_name(measure),
            GovernanceOperation::Approve { .. } => "governance_approve",
            GovernanceOperation::Withdraw { .. } => "governance_withdraw",
        },
        Operation::Rate { .. } => "rate",
    }
}

/// Name of the proposal of a measure.
fn measure_name(measure: &Measure) -> &'static str {
    match measure {
        Measure::SetNetworkParameters { .. } => "governance_set_network_parameters",
        Measure::SetProgrammeParameters { .. } => "governance_set_programme_parameters",
        Measure::SetValidators { .. } => "governance_set_validators",
        Measure::AppointOfficer { .. } => "governance_appoint_officer",
        Measure::DismissOfficer { .. } => "governance_dismiss_officer",
        Measure::ReplaceGovernanceKeys { .. } => "governance_replace_governance_keys",
        Measure::SwitchProtocol { .. } => "governance_switch_protocol",
        Measure::Resolve { .. } => "governance_resolve",
        Measure::Reverse { .. } => "governance_reverse",
        Measure::ForceMajeure { .. } => "governance_force_majeure",
        Measure::Extend { .. } => "governance_extend",
        Measure::Succeed { .. } => "governance_succeed",
        Measure::ChangePaymentAccount { .. } => "governance_change_payment_account",
    }
}

/// Number of names above.
pub const NAMES: usize = 68;

pub fn every_operation() -> Vec<Operation> {
    let party = Party::Pupil(YEAR, pupil(1));
    let mut abroad = terms();
    abroad.venues = vec![Place::Municipality(57), Place::Country(*b"IE")];
    let mut samples = vec![
        open_year(YEAR, parameters(), 1_000_000, 100_000),
        allocate(&[1, 2]),
        school_money(1, 3_000),
        end_year(),
        open_pupils(vec![new_pupil(1), new_pupil(2)]),
        bind(vec![
            grant(10, Party::School(school(1)), &[Scope::Propose, Scope::Order]),
            grant(20, Party::Provider(provider(1)), &[Scope::Settlement]),
            grant(30, party, &[Scope::Read]),
        ]),
        publish(1, 1, terms()),
        open_session(1, 1, offer(60)),
        propose(1, 1, &[1, 2]),
        request(1, 1, &[1, 2], 500),
        confirm(1),
        decline(1),
        change(1, Some(2), &[0], &[3]),
        amend_attendance(1, &[1]),
        accept_change(1),
        drop_change(1),
        swap(1, &[(0, 4)]),
        drop_lines(1, &[0, 2]),
        cancel(1),
        report(1, &[1]),
        attend(1, &[1], &[5]),
        issue(1, 1, Buyer::School(school(1)), &[1, 2]),
        accept(1),
        contest(1),
    ];
    samples.extend(
        [
            WalletOperation::OpenSchools { schools: vec![new_school(1)] },
            WalletOperation::OpenProviders { providers: vec![new_provider(1)] },
            WalletOperation::RevokeKey { key: secret(10).public() },
            WalletOperation::MovePupil { year: YEAR, pupil: pupil(1), school: school(2), grade: 6, keep_lines: true },
            WalletOperation::Suspend { party: Party::School(school(1)) },
            WalletOperation::Reinstate { party: Party::Provider(provider(1)) },
            WalletOperation::Close { party },
        ]
        .map(wallet),
    );
    samples.extend(
        [
            CatalogueOperation::Amend { service: service(1), terms: abroad },
            CatalogueOperation::Suspend { service: service(1) },
            CatalogueOperation::Reinstate { service: service(1) },
            CatalogueOperation::Withdraw { service: service(1) },
            CatalogueOperation::AmendSession { year: YEAR, session: session(1), offer: offer(61) },
            CatalogueOperation::CloseSession { year: YEAR, session: session(1) },
        ]
        .map(catalogue),
    );
    samples.extend(governance());
    samples.extend(remedies());
    samples.extend(to_the_bank());
    samples
}

fn governance() -> Vec<Operation> {
    let officer = Owner::Operator(InstitutionId([1; 16]));
    let measures = [
        steps(32),
        Measure::SetProgrammeParameters { year: YEAR, parameters: parameters() },
        set(&equals(2..=5), &[5]),
        appoint(50, officer, (day(0), day(365))),
        dismiss(50),
        replace(1, two(60, 61)),
        switch(2, Height(1_000)),
    ];
    let propose = |measure| GovernanceOperation::Propose { decision: decision(1), measure, until: day(30) };
    let mut samples: Vec<Operation> =
        measures.into_iter().map(|measure| Operation::Governance(propose(measure))).collect();
    samples.extend([approve(1), withdraw(1)]);
    samples
}

/// Settlement to its end, sealing and rating.
fn to_the_bank() -> Vec<Operation> {
    use super::settlement::{
        account, approve_invoice, attach, come_back, credit, pay, rate, reconcile, reconcile_repayment, reject, repay,
        seal_year, set_off,
    };
    let (decision, measure, until) = (decision(1), account(1, 90), day(30));
    vec![
        attach(1),
        reject(1),
        approve_invoice(1),
        pay(1, 3_000, 70),
        set_off(1, 400),
        reconcile(1),
        credit(1, 1, &[(0, 400), (2, 1_000)], 80),
        repay(1, Buyer::School(school(1)), 600, 71),
        reconcile_repayment(71),
        seal_year(),
        rate(1, 5, &[Fact::TookPlace, Fact::Accessible]),
        Operation::Governance(GovernanceOperation::Propose { decision, measure, until }),
        come_back(1, 70),
    ]
}

fn remedies() -> Vec<Operation> {
    let (ours, theirs) = (Party::School(school(1)), Party::School(school(2)));
    let measures = [
        resolve(1, &[1_000, 0, 250]),
        reverse(1, &[0, 2]),
        force_majeure(day(60), day(61), ClosureScope::Place(Place::Municipality(57))),
        extend(day(60), day(61), Span::days(3)),
        succeed(ours, theirs, &[YEAR]),
    ];
    let propose = |measure| GovernanceOperation::Propose { decision: decision(1), measure, until: day(30) };
    let mut samples: Vec<Operation> =
        measures.into_iter().map(|measure| Operation::Governance(propose(measure))).collect();
    samples.extend([dispute(1), withdraw_dispute(1), promote(&[1, 2], 2, 6, true)]);
    samples.push(wallet(WalletOperation::RevokeAllKeys { party: ours }));
    samples
}
