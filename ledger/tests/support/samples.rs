//! One transaction of every operation.

use keis_ledger::classifiers::{Place, Scope};
use keis_ledger::operation::{
    Buyer, CatalogueOperation, Change, FundsOperation, Operation, OrderAction, Party, SettlementOperation,
    WalletOperation,
};

use super::secret;
use super::stage::*;

/// Name of an operation. A new one does not compile here until it has a name, and then wants its sample below.
pub fn name(operation: &Operation) -> &'static str {
    match operation {
        Operation::Funds(operation) => match operation {
            FundsOperation::OpenYear { .. } => "funds_open_year",
            FundsOperation::Allocate { .. } => "funds_allocate",
            FundsOperation::RecordSchoolMoney { .. } => "funds_record_school_money",
            FundsOperation::EndYear { .. } => "funds_end_year",
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
        },
        Operation::Settlement(operation) => match operation {
            SettlementOperation::Issue { .. } => "settlement_issue",
            SettlementOperation::Accept { .. } => "settlement_accept",
            SettlementOperation::Contest { .. } => "settlement_contest",
        },
    }
}

/// Number of names above.
pub const NAMES: usize = 37;

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
    samples
}
