//! Who may do what: one table, and everything that it does not name is denied.

use std::fmt;
use std::str::FromStr;

use keis_ledger::classifiers::{Scope, Scopes};
use keis_ledger::ids::{ProviderId, SchoolId};

use sqlx::AnyConnection;

use crate::boxed;
use crate::database::Work;
use crate::error::RegistryError;
use crate::log::Actor;
use crate::users;

/// What somebody is, by the directory's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Orders for a school.
    Coordinator,
    /// Proposes orders at a school and ticks attendance.
    Teacher,
    /// Works at a provider.
    ProviderStaff,
    /// Officer of the operator.
    Officer,
    /// Officer of the budget holder.
    BudgetOfficer,
}

/// Where somebody has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Body {
    /// A school.
    School(SchoolId),
    /// A provider.
    Provider(ProviderId),
    /// The institution that operates the programme.
    Operator,
    /// The institution that holds the budget.
    BudgetHolder,
}

/// Something that can be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// See who is in a school's classes.
    SeeClasses,
    /// Propose an order to the school's coordinator.
    ProposeOrder,
    /// Place, change and cancel orders of a school.
    PlaceOrder,
    /// Tick who was there, for a school.
    TickAttendance,
    /// See the money of a school and its pupils, or of a provider.
    SeeMoney,
    /// Offer a provider's sessions.
    OfferSessions,
    /// Confirm or decline what is asked of a provider.
    AnswerRequests,
    /// Report a delivery for a provider.
    ReportDelivery,
    /// See statements.
    SeeStatements,
    /// Accept or contest a provider's statements.
    AcceptStatements,
    /// Refuse invoices for a school's own money.
    RefuseInvoices,
    /// Approve, refuse and revoke keys of users.
    ApproveKeys,
    /// Open and end years, open wallets, allocate.
    ManageYear,
    /// Publish, amend and suspend services.
    PublishServices,
    /// Import extracts of the Pupil Register.
    ImportRegister,
    /// Read the log.
    SeeLog,
    /// See what differs between registry and ledger, and mend it.
    SeeDifferences,
    /// Act for somebody who phones or writes; look a pupil up by the register's code.
    ActOnBehalf,
    /// Erase a person.
    ErasePerson,
    /// Keep schools, providers and users.
    ManageBodies,
    /// Have a key of one's own for the body.
    HoldKeys,
    /// Find invoices right: they may be paid.
    ApproveInvoices,
    /// Record payments and repayments, set off, find them on the bank's statement.
    RecordPayments,
    /// Propose and vote for what two institutions decide together.
    Decide,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] =
        [Self::Coordinator, Self::Teacher, Self::ProviderStaff, Self::Officer, Self::BudgetOfficer];

    /// The table.
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }

    fn permissions(self) -> &'static [Permission] {
        use Permission::*;
        match self {
            Self::Coordinator => &[
                SeeClasses,
                ProposeOrder,
                PlaceOrder,
                TickAttendance,
                SeeMoney,
                SeeStatements,
                RefuseInvoices,
                HoldKeys,
            ],
            Self::Teacher => &[SeeClasses, ProposeOrder, TickAttendance, SeeMoney, HoldKeys],
            Self::ProviderStaff => {
                &[SeeMoney, OfferSessions, AnswerRequests, ReportDelivery, SeeStatements, AcceptStatements, HoldKeys]
            }
            Self::Officer => &[
                SeeClasses,
                SeeMoney,
                SeeStatements,
                ApproveKeys,
                ManageYear,
                PublishServices,
                ImportRegister,
                SeeLog,
                SeeDifferences,
                ActOnBehalf,
                ErasePerson,
                ManageBodies,
                HoldKeys,
                ApproveInvoices,
                RecordPayments,
                Decide,
            ],
            Self::BudgetOfficer => &[SeeMoney, SeeStatements, ManageYear, SeeLog, HoldKeys, RecordPayments, Decide],
        }
    }

    /// What a key of somebody in this role may be asked to do on the ledger.
    pub fn scopes(self) -> Scopes {
        match self {
            // Of settlement a school's key can refuse the invoices for its own money, and nothing else.
            Self::Coordinator => {
                Scopes::of(&[Scope::Propose, Scope::Order, Scope::Attendance, Scope::Settlement, Scope::Read])
            }
            Self::Teacher => Scopes::of(&[Scope::Propose, Scope::Attendance, Scope::Read]),
            Self::ProviderStaff => Scopes::of(&[Scope::Order, Scope::Attendance, Scope::Settlement, Scope::Read]),
            Self::Officer | Self::BudgetOfficer => Scopes::of(&[]),
        }
    }

    /// Whether the role exists at such a body.
    pub fn belongs_to(self, body: &Body) -> bool {
        match (self, body) {
            (Self::Coordinator | Self::Teacher, Body::School(_))
            | (Self::ProviderStaff, Body::Provider(_))
            | (Self::Officer, Body::Operator)
            | (Self::BudgetOfficer, Body::BudgetHolder) => true,
            (
                Self::Coordinator | Self::Teacher | Self::ProviderStaff | Self::Officer | Self::BudgetOfficer,
                Body::School(_) | Body::Provider(_) | Body::Operator | Body::BudgetHolder,
            ) => false,
        }
    }
}

impl Permission {
    /// Every permission, in the order of the table.
    pub const ALL: [Self; 24] = [
        Self::SeeClasses,
        Self::ProposeOrder,
        Self::PlaceOrder,
        Self::TickAttendance,
        Self::SeeMoney,
        Self::OfferSessions,
        Self::AnswerRequests,
        Self::ReportDelivery,
        Self::SeeStatements,
        Self::AcceptStatements,
        Self::RefuseInvoices,
        Self::ApproveKeys,
        Self::ManageYear,
        Self::PublishServices,
        Self::ImportRegister,
        Self::SeeLog,
        Self::SeeDifferences,
        Self::ActOnBehalf,
        Self::ErasePerson,
        Self::ManageBodies,
        Self::HoldKeys,
        Self::ApproveInvoices,
        Self::RecordPayments,
        Self::Decide,
    ];
}

impl Body {
    /// Whether a grant here reaches `other`: the operator reaches every school and provider, everybody else their own alone.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Operator, Self::School(_) | Self::Provider(_)) => true,
            (
                Self::School(_) | Self::Provider(_) | Self::Operator | Self::BudgetHolder,
                Self::School(_) | Self::Provider(_) | Self::Operator | Self::BudgetHolder,
            ) => self == other,
        }
    }
}

/// A text names no role or body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text names no {0}")]
pub struct NameError(&'static str);

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Coordinator => "coordinator",
            Self::Teacher => "teacher",
            Self::ProviderStaff => "provider_staff",
            Self::Officer => "officer",
            Self::BudgetOfficer => "budget_officer",
        })
    }
}

impl FromStr for Role {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::ALL.into_iter().find(|role| role.to_string() == text).ok_or(NameError("role"))
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::School(school) => school.fmt(f),
            Self::Provider(provider) => provider.fmt(f),
            Self::Operator => f.write_str("operator"),
            Self::BudgetHolder => f.write_str("budget_holder"),
        }
    }
}

impl FromStr for Body {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            "operator" => Ok(Self::Operator),
            "budget_holder" => Ok(Self::BudgetHolder),
            id => {
                let provider = || id.parse().map(Self::Provider);
                id.parse().map(Self::School).or_else(|_| provider()).map_err(|_| NameError("body"))
            }
        }
    }
}

/// Lets an actor pass who has the permission anywhere; the system always has it.
///
/// # Errors
/// [`RegistryError::Denied`], [`RegistryError::UserUnknown`].
#[boxed]
pub async fn demand(work: &mut Work, actor: &Actor, permission: Permission) -> Result<(), RegistryError> {
    pass(work.connection(), actor, permission, |_| true).await
}

/// Lets an actor pass who has the permission for this body; the system always has it.
///
/// # Errors
/// As [`demand`].
#[boxed]
pub async fn demand_for(
    work: &mut Work,
    actor: &Actor,
    permission: Permission,
    body: &Body,
) -> Result<(), RegistryError> {
    demand_on(work.connection(), actor, permission, body).await
}

/// As [`demand`], for who only reads.
pub(crate) async fn demand_any(
    connection: &mut AnyConnection,
    actor: &Actor,
    permission: Permission,
) -> Result<(), RegistryError> {
    pass(connection, actor, permission, |_| true).await
}

/// As [`demand_for`], for who only reads.
pub(crate) async fn demand_on(
    connection: &mut AnyConnection,
    actor: &Actor,
    permission: Permission,
    body: &Body,
) -> Result<(), RegistryError> {
    pass(connection, actor, permission, |granted| granted.covers(body)).await
}

/// Lets an actor pass who has the permission at a body that `reaches` takes.
pub(crate) async fn pass(
    connection: &mut AnyConnection,
    actor: &Actor,
    permission: Permission,
    reaches: impl Fn(&Body) -> bool,
) -> Result<(), RegistryError> {
    match actor {
        Actor::System(_) => Ok(()),
        Actor::User(user) => {
            let grants = users::active_grants(connection, *user).await?;
            let may = grants.iter().any(|grant| grant.role.may(permission) && reaches(&grant.body));
            if may { Ok(()) } else { Err(RegistryError::Denied(permission)) }
        }
    }
}
