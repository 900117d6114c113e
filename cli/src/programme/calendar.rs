//! `calendar.jsonl`: the actions of the year in the order in which they are to be sent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::codes::{LegalCode, OrderCode, ProviderCode, RegisterCode, SessionCode, StatementCode, text_form};
use super::time::{Month, UtcInstant};

/// One line: who does what, when, and whether the ledger must refuse it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// When; never before the line above.
    pub at: UtcInstant,
    /// Who.
    pub actor: Actor,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
    /// Set where the ledger must refuse, with the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_rejection: Option<RejectionReason>,
}

/// Who acts: `school:CODE`, `provider:CODE`, `operator` or `clock` in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// The coordinator (for a proposal, a teacher) of a school.
    School(LegalCode),
    /// A provider.
    Provider(ProviderCode),
    /// An officer of the operator.
    Operator,
    /// Nobody: time passes.
    Clock,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::School(code) => write!(f, "school:{code}"),
            Self::Provider(code) => write!(f, "provider:{code}"),
            Self::Operator => f.write_str("operator"),
            Self::Clock => f.write_str("clock"),
        }
    }
}

impl FromStr for Actor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("school", code)) => code.parse().map(Self::School).map_err(|e| e.to_string()),
            Some(("provider", code)) => code.parse().map(Self::Provider).map_err(|e| e.to_string()),
            None if text == "operator" => Ok(Self::Operator),
            None if text == "clock" => Ok(Self::Clock),
            Some(_) | None => Err(format!("{text:?} is not an actor (school:CODE, provider:CODE, operator or clock)")),
        }
    }
}

/// Who pays a statement: `state` or a school's code in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Buyer {
    /// The state's money of the year.
    State,
    /// A school's own money.
    School(LegalCode),
}

impl fmt::Display for Buyer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::State => f.write_str("state"),
            Self::School(code) => code.fmt(f),
        }
    }
}

impl FromStr for Buyer {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "state" => Ok(Self::State),
            code => code
                .parse()
                .map(Self::School)
                .map_err(|_| format!("{text:?} is not a buyer (`state`, or the legal entity code of a school)")),
        }
    }
}

text_form!(Actor, Buyer);

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Deed {
    /// A teacher proposes an order to the coordinator of the school.
    Propose {
        /// The order.
        order: OrderCode,
        /// The session.
        session: SessionCode,
        /// For whom.
        pupils: Vec<RegisterCode>,
    },
    /// A coordinator requests an order; the money is held.
    Request {
        /// The order.
        order: OrderCode,
        /// The session.
        session: SessionCode,
        /// For whom; the same as proposed where it was proposed.
        pupils: Vec<RegisterCode>,
        /// Whether a teacher proposed it before.
        from_proposal: bool,
        /// What the school adds where pupils have too little left.
        school_cents: u32,
    },
    /// The provider confirms.
    Confirm {
        /// The order.
        order: OrderCode,
    },
    /// The provider declines.
    Decline {
        /// The order.
        order: OrderCode,
    },
    /// Either side proposes another session or other pupils.
    ProposeChange {
        /// The order.
        order: OrderCode,
        /// What should change.
        change: Change,
    },
    /// The other side accepts the proposed change.
    AcceptChange {
        /// The order.
        order: OrderCode,
    },
    /// The other side refuses the proposed change.
    RefuseChange {
        /// The order.
        order: OrderCode,
    },
    /// The school sends one pupil instead of another, before the start.
    Swap {
        /// The order.
        order: OrderCode,
        /// Who does not come.
        from: RegisterCode,
        /// Who comes instead.
        to: RegisterCode,
    },
    /// The school takes pupils off, before the start; late ones cost the late share.
    Drop {
        /// The order.
        order: OrderCode,
        /// Who does not come.
        pupils: Vec<RegisterCode>,
    },
    /// School or provider cancels.
    Cancel {
        /// The order.
        order: OrderCode,
    },
    /// The provider reports the delivery with who was absent.
    ReportDelivery {
        /// The order.
        order: OrderCode,
        /// Who was absent.
        absent: Vec<RegisterCode>,
    },
    /// The school confirms the attendance.
    ConfirmAttendance {
        /// The order.
        order: OrderCode,
        /// Who was absent.
        absent: Vec<RegisterCode>,
        /// Who came without being on the order.
        added: Vec<RegisterCode>,
    },
    /// One side proposes a corrected attendance, before the statement.
    ProposeAmendment {
        /// The order.
        order: OrderCode,
        /// Who was absent after all.
        absent: Vec<RegisterCode>,
    },
    /// The other side accepts the corrected attendance.
    AcceptAmendment {
        /// The order.
        order: OrderCode,
    },
    /// The operator records a payment of a school's own money.
    RecordSchoolMoney {
        /// Whose.
        school: LegalCode,
        /// How much.
        amount_cents: u32,
    },
    /// The operator issues the statement of a provider, a buyer and a month.
    IssueStatement {
        /// The statement.
        statement: StatementCode,
        /// Who is paid.
        provider: ProviderCode,
        /// Who pays.
        buyer: Buyer,
        /// The month in which the amounts accrued (attendance, late cancellation).
        period: Month,
        /// The orders in it.
        orders: Vec<OrderCode>,
        /// What this buyer pays.
        amount_cents: u64,
        /// The contested statement that it replaces.
        replaces: Option<StatementCode>,
    },
    /// The provider accepts a statement.
    AcceptStatement {
        /// The statement.
        statement: StatementCode,
    },
    /// The provider contests a statement.
    ContestStatement {
        /// The statement.
        statement: StatementCode,
    },
    /// Nothing is sent: by now the clock has done what is awaited.
    Nothing {
        /// The order.
        order: OrderCode,
        /// What the clock has done.
        awaited: Awaited,
    },
    /// The operator ends the year; unspent money returns.
    EndYear,
}

impl Deed {
    /// The order that it is about.
    pub fn order(&self) -> Option<OrderCode> {
        match self {
            Self::Propose { order, .. }
            | Self::Request { order, .. }
            | Self::Confirm { order }
            | Self::Decline { order }
            | Self::ProposeChange { order, .. }
            | Self::AcceptChange { order }
            | Self::RefuseChange { order }
            | Self::Swap { order, .. }
            | Self::Drop { order, .. }
            | Self::Cancel { order }
            | Self::ReportDelivery { order, .. }
            | Self::ConfirmAttendance { order, .. }
            | Self::ProposeAmendment { order, .. }
            | Self::AcceptAmendment { order }
            | Self::Nothing { order, .. } => Some(*order),
            Self::RecordSchoolMoney { .. }
            | Self::IssueStatement { .. }
            | Self::AcceptStatement { .. }
            | Self::ContestStatement { .. }
            | Self::EndYear => None,
        }
    }

    /// The session that it names.
    pub fn session(&self) -> Option<SessionCode> {
        match self {
            Self::Propose { session, .. }
            | Self::Request { session, .. }
            | Self::ProposeChange { change: Change::Session(session), .. } => Some(*session),
            Self::ProposeChange { change: Change::Pupils { .. }, .. }
            | Self::Confirm { .. }
            | Self::Decline { .. }
            | Self::AcceptChange { .. }
            | Self::RefuseChange { .. }
            | Self::Swap { .. }
            | Self::Drop { .. }
            | Self::Cancel { .. }
            | Self::ReportDelivery { .. }
            | Self::ConfirmAttendance { .. }
            | Self::ProposeAmendment { .. }
            | Self::AcceptAmendment { .. }
            | Self::Nothing { .. }
            | Self::RecordSchoolMoney { .. }
            | Self::IssueStatement { .. }
            | Self::AcceptStatement { .. }
            | Self::ContestStatement { .. }
            | Self::EndYear => None,
        }
    }

    /// Every pupil that it names.
    pub fn pupils(&self) -> Vec<RegisterCode> {
        match self {
            Self::Propose { pupils, .. }
            | Self::Request { pupils, .. }
            | Self::Drop { pupils, .. }
            | Self::ReportDelivery { absent: pupils, .. }
            | Self::ProposeAmendment { absent: pupils, .. } => pupils.clone(),
            Self::ProposeChange { change: Change::Pupils { add: some, drop: others }, .. }
            | Self::ConfirmAttendance { absent: some, added: others, .. } => {
                some.iter().chain(others).copied().collect()
            }
            Self::Swap { from, to, .. } => vec![*from, *to],
            Self::ProposeChange { change: Change::Session(_), .. }
            | Self::Confirm { .. }
            | Self::Decline { .. }
            | Self::AcceptChange { .. }
            | Self::RefuseChange { .. }
            | Self::Cancel { .. }
            | Self::AcceptAmendment { .. }
            | Self::Nothing { .. }
            | Self::RecordSchoolMoney { .. }
            | Self::IssueStatement { .. }
            | Self::AcceptStatement { .. }
            | Self::ContestStatement { .. }
            | Self::EndYear => Vec::new(),
        }
    }
}

/// A change of an order that needs the other side's consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Another session of the same service.
    Session(SessionCode),
    /// Other pupils.
    Pupils {
        /// Who comes too.
        add: Vec<RegisterCode>,
        /// Who does not come.
        drop: Vec<RegisterCode>,
    },
}

/// What the clock does when nobody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Awaited {
    /// The request lapses.
    Lapse,
    /// The attendance counts as confirmed.
    AutomaticAttendance,
}

/// Why the ledger must refuse an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionReason {
    /// A pupil would be in two places.
    Clash,
    /// A pupil has too little left and the school adds nothing.
    NoMoney,
    /// The session has too few seats left.
    SessionFull,
    /// The provider is controlled by the ordering school.
    RelatedProvider,
    /// The time for it is over.
    TooLate,
    /// It is not this party's to do.
    WrongActor,
    /// A pupil is not enrolled at the ordering school.
    NotEnrolled,
}
