//! Which operations a browser may sign for a school or provider, and what the user must be allowed for each.

use keis_ledger::operation::{
    CatalogueOperation, Change, Operation, OrderAction, Party, SettlementOperation, WalletOperation,
};
use keis_registry::permission::Permission;

/// The permissions of which the user needs one; none are named for what no browser signs.
pub(super) fn permissions(operation: &Operation, party: Party) -> &'static [Permission] {
    match party {
        Party::School(_) => for_school(operation),
        Party::Provider(_) => for_provider(operation),
        Party::Pupil(_, _) => &[],
    }
}

fn for_school(operation: &Operation) -> &'static [Permission] {
    match operation {
        Operation::Order { action, .. } => match action {
            OrderAction::Propose { .. } => &[Permission::ProposeOrder],
            OrderAction::Request { .. }
            | OrderAction::ProposeChange(Change::Booking { .. })
            | OrderAction::Swap { .. }
            | OrderAction::DropLines { .. }
            | OrderAction::Cancel
            | OrderAction::Dispute
            | OrderAction::WithdrawDispute => &[Permission::PlaceOrder],
            // Which change waits is on the ledger, which knows whose key may answer it.
            OrderAction::AcceptChange | OrderAction::DropChange => {
                &[Permission::PlaceOrder, Permission::TickAttendance]
            }
            OrderAction::ConfirmAttendance { .. } | OrderAction::ProposeChange(Change::Attendance { .. }) => {
                &[Permission::TickAttendance]
            }
            OrderAction::Confirm | OrderAction::Decline | OrderAction::ReportDelivery { .. } => &[],
        },
        Operation::Wallet(operation) => for_keys(operation),
        Operation::Rate { .. } => &[Permission::TickAttendance],
        Operation::Funds(_) | Operation::Catalogue(_) | Operation::Settlement(_) | Operation::Governance(_) => &[],
    }
}

fn for_provider(operation: &Operation) -> &'static [Permission] {
    match operation {
        Operation::Order { action, .. } => match action {
            OrderAction::Confirm
            | OrderAction::Decline
            | OrderAction::ProposeChange(Change::Booking { .. })
            | OrderAction::Cancel => &[Permission::AnswerRequests],
            OrderAction::AcceptChange | OrderAction::DropChange => {
                &[Permission::AnswerRequests, Permission::ReportDelivery]
            }
            OrderAction::ReportDelivery { .. }
            | OrderAction::ProposeChange(Change::Attendance { .. })
            | OrderAction::Dispute
            | OrderAction::WithdrawDispute => &[Permission::ReportDelivery],
            OrderAction::Propose { .. }
            | OrderAction::Request { .. }
            | OrderAction::Swap { .. }
            | OrderAction::DropLines { .. }
            | OrderAction::ConfirmAttendance { .. } => &[],
        },
        Operation::Catalogue(operation) => match operation {
            CatalogueOperation::OpenSession { .. }
            | CatalogueOperation::AmendSession { .. }
            | CatalogueOperation::CloseSession { .. }
            | CatalogueOperation::Withdraw { .. } => &[Permission::OfferSessions],
            CatalogueOperation::Publish { .. }
            | CatalogueOperation::Amend { .. }
            | CatalogueOperation::Suspend { .. }
            | CatalogueOperation::Reinstate { .. } => &[],
        },
        Operation::Settlement(operation) => match operation {
            SettlementOperation::Accept { .. }
            | SettlementOperation::Contest { .. }
            | SettlementOperation::AttachInvoice { .. }
            | SettlementOperation::CreditNote { .. } => &[Permission::AcceptStatements],
            SettlementOperation::Issue { .. }
            | SettlementOperation::RejectInvoice { .. }
            | SettlementOperation::Approve { .. }
            | SettlementOperation::RecordPayment { .. }
            | SettlementOperation::SetOff { .. }
            | SettlementOperation::Reconcile { .. }
            | SettlementOperation::RecordRepayment { .. }
            | SettlementOperation::ReconcileRepayment { .. }
            | SettlementOperation::ReturnPayment { .. } => &[],
        },
        Operation::Wallet(operation) => for_keys(operation),
        Operation::Funds(_) | Operation::Governance(_) | Operation::Rate { .. } => &[],
    }
}

fn for_keys(operation: &WalletOperation) -> &'static [Permission] {
    match operation {
        WalletOperation::RevokeKey { .. } => &[Permission::HoldKeys],
        WalletOperation::OpenSchools { .. }
        | WalletOperation::OpenProviders { .. }
        | WalletOperation::OpenPupils { .. }
        | WalletOperation::BindKeys { .. }
        | WalletOperation::MovePupil { .. }
        | WalletOperation::Suspend { .. }
        | WalletOperation::Reinstate { .. }
        | WalletOperation::Close { .. }
        | WalletOperation::RevokeAllKeys { .. }
        | WalletOperation::MovePupils { .. } => &[],
    }
}

#[cfg(test)]
mod tests {
    use keis_ledger::classifiers::Year;
    use keis_ledger::crypto::PublicKey;
    use keis_ledger::ids::{OrderId, ProviderId, SchoolId};
    use keis_registry::permission::Role;

    use super::*;

    const SCHOOL: Party = Party::School(SchoolId([1; 16]));
    const PROVIDER: Party = Party::Provider(ProviderId([1; 16]));

    fn may(role: Role, party: Party, operation: &Operation) -> bool {
        permissions(operation, party).iter().any(|permission| role.may(*permission))
    }

    fn order(action: OrderAction) -> Operation {
        Operation::Order { year: Year(2028), order: OrderId([1; 16]), action }
    }

    #[test]
    fn roles_sign_their_own_side_alone() {
        let cancel = order(OrderAction::Cancel);
        let attendance = order(OrderAction::ConfirmAttendance { absent: Vec::new(), added: Vec::new() });
        let report = order(OrderAction::ReportDelivery { absent: Vec::new() });
        let cases = [
            (Role::Coordinator, SCHOOL, &cancel, true),
            (Role::Teacher, SCHOOL, &cancel, false),
            (Role::Teacher, SCHOOL, &attendance, true),
            (Role::Teacher, SCHOOL, &report, false),
            (Role::ProviderStaff, PROVIDER, &report, true),
            (Role::ProviderStaff, PROVIDER, &cancel, true),
            (Role::ProviderStaff, PROVIDER, &attendance, false),
            (Role::Officer, SCHOOL, &cancel, false),
        ];
        for (role, party, operation, expected) in cases {
            assert_eq!(may(role, party, operation), expected, "{role} {party:?} {operation:?}");
        }
    }

    #[test]
    fn officers_acts_are_not_signed_in_browsers() {
        let revoke = Operation::Wallet(WalletOperation::RevokeKey { key: PublicKey([1; 32]) });
        let suspend = Operation::Wallet(WalletOperation::Suspend { party: SCHOOL });
        for role in Role::ALL {
            assert!(!may(role, SCHOOL, &suspend) && !may(role, PROVIDER, &suspend));
        }
        assert!(may(Role::Teacher, SCHOOL, &revoke));
        assert!(permissions(&revoke, Party::Pupil(Year(2028), keis_ledger::ids::PupilId([1; 16]))).is_empty());
    }
}
