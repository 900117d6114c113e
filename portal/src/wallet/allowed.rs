//! Which operations a browser may sign for a school, provider or office, and what the user must be allowed for each. What the
//! office's service key does by the outbox is not among them.

use keis_ledger::operation::{
    CatalogueOperation, Change, GovernanceOperation, Operation, OrderAction, Party, SettlementOperation, Threshold,
    WalletOperation,
};
use keis_registry::permission::{Permission, Role};

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
        // Whose money the invoice asks for is on the ledger, which takes the buying school's word alone.
        Operation::Settlement(operation) => match operation {
            SettlementOperation::RejectInvoice { .. } => &[Permission::RefuseInvoices],
            SettlementOperation::Issue { .. }
            | SettlementOperation::Accept { .. }
            | SettlementOperation::Contest { .. }
            | SettlementOperation::AttachInvoice { .. }
            | SettlementOperation::CreditNote { .. }
            | SettlementOperation::Approve { .. }
            | SettlementOperation::RecordPayment { .. }
            | SettlementOperation::SetOff { .. }
            | SettlementOperation::Reconcile { .. }
            | SettlementOperation::RecordRepayment { .. }
            | SettlementOperation::ReconcileRepayment { .. }
            | SettlementOperation::ReturnPayment { .. } => &[],
        },
        Operation::Funds(_) | Operation::Catalogue(_) | Operation::Governance(_) => &[],
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

/// Whether an officer in this role signs this with a key of their own.
pub(super) fn officer_may(role: Role, operation: &Operation) -> bool {
    let is_office = match role {
        Role::Officer | Role::BudgetOfficer => true,
        Role::Coordinator | Role::Teacher | Role::ProviderStaff => false,
    };
    is_office && for_officer(operation).iter().any(|permission| role.may(*permission))
}

/// The permissions of which an officer needs one.
fn for_officer(operation: &Operation) -> &'static [Permission] {
    match operation {
        Operation::Settlement(operation) => match operation {
            SettlementOperation::Approve { .. } => &[Permission::ApproveInvoices],
            SettlementOperation::RejectInvoice { .. } => &[Permission::ApproveInvoices, Permission::RecordPayments],
            SettlementOperation::RecordPayment { .. }
            | SettlementOperation::SetOff { .. }
            | SettlementOperation::ReturnPayment { .. }
            | SettlementOperation::Reconcile { .. }
            | SettlementOperation::RecordRepayment { .. }
            | SettlementOperation::ReconcileRepayment { .. } => &[Permission::RecordPayments],
            SettlementOperation::Issue { .. }
            | SettlementOperation::Accept { .. }
            | SettlementOperation::Contest { .. }
            | SettlementOperation::AttachInvoice { .. }
            | SettlementOperation::CreditNote { .. } => &[],
        },
        Operation::Governance(operation) => match operation {
            GovernanceOperation::Propose { measure, .. } => match measure.threshold() {
                Threshold::TwoPersons => &[Permission::Decide],
                Threshold::TwoThirds => &[],
            },
            // Which measure it is stands on the ledger, which takes an officer's vote for those of two persons alone.
            GovernanceOperation::Approve { .. } | GovernanceOperation::Withdraw { .. } => &[Permission::Decide],
        },
        Operation::Funds(_)
        | Operation::Wallet(_)
        | Operation::Catalogue(_)
        | Operation::Order { .. }
        | Operation::Rate { .. } => &[],
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
    use keis_ledger::ids::{Commitment, DecisionId, OrderId, ProviderId, SchoolId, StatementId};
    use keis_ledger::money::Cents;
    use keis_ledger::operation::{FundsOperation, Measure};
    use keis_ledger::time::Timestamp;

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
        let (year, statement) = (Year(2028), StatementId([1; 16]));
        let refuse = Operation::Settlement(SettlementOperation::RejectInvoice { year, statement });
        let accept = Operation::Settlement(SettlementOperation::Accept { year, statement });
        let cases = [
            (Role::Coordinator, SCHOOL, &cancel, true),
            (Role::Teacher, SCHOOL, &cancel, false),
            (Role::Teacher, SCHOOL, &attendance, true),
            (Role::Teacher, SCHOOL, &report, false),
            (Role::ProviderStaff, PROVIDER, &report, true),
            (Role::ProviderStaff, PROVIDER, &cancel, true),
            (Role::ProviderStaff, PROVIDER, &attendance, false),
            (Role::Officer, SCHOOL, &cancel, false),
            (Role::Coordinator, SCHOOL, &refuse, true),
            (Role::Teacher, SCHOOL, &refuse, false),
            (Role::Coordinator, SCHOOL, &accept, false),
            (Role::ProviderStaff, PROVIDER, &refuse, false),
            (Role::Officer, SCHOOL, &refuse, false),
        ];
        for (role, party, operation, expected) in cases {
            assert_eq!(may(role, party, operation), expected, "{role} {party:?} {operation:?}");
        }
    }

    #[test]
    fn officers_sign_by_their_office_alone() {
        let (year, statement) = (Year(2028), StatementId([1; 16]));
        let amount = Cents::new(1);
        let propose = |measure| {
            let (decision, until) = (DecisionId([1; 16]), Timestamp(1));
            Operation::Governance(GovernanceOperation::Propose { decision, measure, until })
        };
        let settle = Operation::Settlement;
        let cases = [
            (settle(SettlementOperation::Approve { year, statement }), true, false),
            (settle(SettlementOperation::RejectInvoice { year, statement }), true, true),
            (settle(SettlementOperation::SetOff { year, statement, amount }), true, true),
            (settle(SettlementOperation::Reconcile { year, statement, bank: Commitment([1; 32]) }), true, true),
            (settle(SettlementOperation::Accept { year, statement }), false, false),
            (propose(Measure::Reverse { year, order: OrderId([1; 16]), lines: vec![0] }), true, true),
            (propose(Measure::DismissOfficer { key: PublicKey([1; 32]) }), false, false),
            (Operation::Governance(GovernanceOperation::Approve { decision: DecisionId([1; 16]) }), true, true),
            (Operation::Funds(FundsOperation::SealYear { year }), false, false),
            (order(OrderAction::Cancel), false, false),
        ];
        for (operation, officer, budget_officer) in cases {
            assert_eq!(officer_may(Role::Officer, &operation), officer, "{operation:?}");
            assert_eq!(officer_may(Role::BudgetOfficer, &operation), budget_officer, "{operation:?}");
            for role in [Role::Coordinator, Role::Teacher, Role::ProviderStaff] {
                assert!(!officer_may(role, &operation), "{role} {operation:?}");
            }
        }
    }

    #[test]
    fn acts_of_the_office_are_not_signed_for_parties() {
        let revoke = Operation::Wallet(WalletOperation::RevokeKey { key: PublicKey([1; 32]) });
        let suspend = Operation::Wallet(WalletOperation::Suspend { party: SCHOOL });
        for role in Role::ALL {
            assert!(!may(role, SCHOOL, &suspend) && !may(role, PROVIDER, &suspend));
        }
        assert!(may(Role::Teacher, SCHOOL, &revoke));
        assert!(permissions(&revoke, Party::Pupil(Year(2028), keis_ledger::ids::PupilId([1; 16]))).is_empty());
    }
}
