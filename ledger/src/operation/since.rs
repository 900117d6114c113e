//! From which version of the rules an operation can take effect.

use super::{
    CatalogueOperation, FundsOperation, GovernanceOperation, Operation, OrderAction, SettlementOperation,
    WalletOperation,
};
use crate::protocol::{FIRST, SECOND};

impl Operation {
    /// The version of the rules from which it can take effect.
    pub fn since(&self) -> u32 {
        match self {
            Self::Funds(operation) => operation.since(),
            Self::Wallet(operation) => operation.since(),
            Self::Catalogue(operation) => operation.since(),
            Self::Order { action, .. } => action.since(),
            Self::Settlement(operation) => operation.since(),
            Self::Governance(operation) => operation.since(),
            Self::Rate { .. } => SECOND,
        }
    }
}

impl FundsOperation {
    fn since(&self) -> u32 {
        match self {
            Self::OpenYear { .. } | Self::Allocate { .. } | Self::RecordSchoolMoney { .. } | Self::EndYear { .. } => {
                FIRST
            }
            Self::SealYear { .. } => SECOND,
        }
    }
}

impl WalletOperation {
    fn since(&self) -> u32 {
        match self {
            Self::OpenSchools { .. }
            | Self::OpenProviders { .. }
            | Self::OpenPupils { .. }
            | Self::BindKeys { .. }
            | Self::RevokeKey { .. }
            | Self::MovePupil { .. }
            | Self::Suspend { .. }
            | Self::Reinstate { .. }
            | Self::Close { .. } => FIRST,
            Self::RevokeAllKeys { .. } | Self::MovePupils { .. } => SECOND,
        }
    }
}

impl CatalogueOperation {
    fn since(&self) -> u32 {
        match self {
            Self::Publish { .. }
            | Self::Amend { .. }
            | Self::Suspend { .. }
            | Self::Reinstate { .. }
            | Self::Withdraw { .. }
            | Self::OpenSession { .. }
            | Self::AmendSession { .. }
            | Self::CloseSession { .. } => FIRST,
        }
    }
}

impl OrderAction {
    fn since(&self) -> u32 {
        match self {
            Self::Propose { .. }
            | Self::Request { .. }
            | Self::Confirm
            | Self::Decline
            | Self::ProposeChange(_)
            | Self::AcceptChange
            | Self::DropChange
            | Self::Swap { .. }
            | Self::DropLines { .. }
            | Self::Cancel
            | Self::ReportDelivery { .. }
            | Self::ConfirmAttendance { .. } => FIRST,
            Self::Dispute | Self::WithdrawDispute => SECOND,
        }
    }
}

impl SettlementOperation {
    fn since(&self) -> u32 {
        match self {
            Self::Issue { .. } | Self::Accept { .. } | Self::Contest { .. } => FIRST,
            Self::AttachInvoice { .. }
            | Self::RejectInvoice { .. }
            | Self::Approve { .. }
            | Self::RecordPayment { .. }
            | Self::SetOff { .. }
            | Self::Reconcile { .. }
            | Self::CreditNote { .. }
            | Self::RecordRepayment { .. }
            | Self::ReconcileRepayment { .. }
            | Self::ReturnPayment { .. } => SECOND,
        }
    }
}

impl GovernanceOperation {
    fn since(&self) -> u32 {
        match self {
            Self::Propose { measure, .. } => measure.since(),
            Self::Approve { .. } | Self::Withdraw { .. } => FIRST,
        }
    }
}
