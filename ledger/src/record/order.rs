//! Records of an order: its lines, the rules that it keeps, a change that waits.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::crypto::{Hash, PublicKey};
use crate::ids::{ProviderId, PupilId, SchoolId, ServiceId, SessionId, StatementId};
use crate::money::{Amounts, BasisPoints, Cents};
use crate::operation::{Change, Party};
use crate::parameters::ProgrammeParameters;
use crate::record::Exceptions;
use crate::time::{Calendar, Span, Timestamp};

/// State of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// A teacher proposed it.
    Proposed,
    /// The money is held.
    Requested,
    /// The provider took it on; the money is in escrow.
    Confirmed,
    /// The provider reported it.
    Delivered,
    /// The orderer confirmed attendance.
    Attended,
    /// Nobody objected in time; the provider's list stands.
    AttendedAutomatically,
    /// Every statement of it is accepted.
    Settled,
    /// The provider refused.
    Declined,
    /// Nobody answered in time.
    Lapsed,
    /// Cancelled without charge.
    CancelledFree,
    /// Cancelled late: a share was due.
    CancelledLate,
    /// The provider cancelled.
    CancelledByProvider,
    /// One side disputes it; its money is frozen.
    Disputed,
    /// Everything that was due of it was given back.
    Reversed,
    /// Cancelled without charge since its session could not take place.
    CancelledForceMajeure,
}

/// The rules that an order keeps from its request on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct PinnedRules {
    /// See [`ProgrammeParameters::free_change`].
    pub free_change: Span,
    /// See [`ProgrammeParameters::free_cancel`].
    pub free_cancel: Span,
    /// See [`ProgrammeParameters::late_share`].
    pub late_share: BasisPoints,
    /// See [`ProgrammeParameters::absence_share`].
    pub absence_share: BasisPoints,
    /// See [`ProgrammeParameters::minimum_share`].
    pub minimum_share: BasisPoints,
    /// See [`ProgrammeParameters::attendance_days`].
    pub attendance_days: u16,
}

impl PinnedRules {
    /// The rules of a year as they are now.
    pub fn of(parameters: &ProgrammeParameters) -> Self {
        Self {
            free_change: parameters.free_change,
            free_cancel: parameters.free_cancel,
            late_share: parameters.late_share,
            absence_share: parameters.absence_share,
            minimum_share: parameters.minimum_share,
            attendance_days: parameters.attendance_days,
        }
    }

    /// The last instant at which the orderer may confirm attendance of what ended or was reported at `from`.
    pub fn attendance_deadline(&self, calendar: &Calendar, from: Timestamp) -> Timestamp {
        calendar.end_of_working_day(from, self.attendance_days)
    }
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Order {
    /// The school, also of a pupil who orders alone.
    pub school: SchoolId,
    /// Who ordered: the school or its pupil.
    pub orderer: Party,
    /// Who gives the service.
    pub provider: ProviderId,
    /// The service.
    pub service: ServiceId,
    /// Its version at request.
    pub version: u32,
    /// The session.
    pub session: SessionId,
    /// The session begins.
    pub start: Timestamp,
    /// The session ends.
    pub end: Timestamp,
    /// Where the order stands.
    pub state: OrderState,
    /// Price a pupil, at request.
    pub price: Cents,
    /// The rules, at request.
    pub rules: PinnedRules,
    /// Most of the school's own money.
    pub school_money: Cents,
    /// When the next deadline falls: the answer's, or the attendance's.
    pub deadline: Timestamp,
    /// Pupils and their money.
    pub lines: Vec<Line>,
    /// A change that waits for the other side.
    pub change: Option<PendingChange>,
    /// The key that last signed for the orderer.
    pub orderer_key: PublicKey,
    /// The key that last signed for the provider.
    pub provider_key: Option<PublicKey>,
    /// Statement of the state's part.
    pub programme_statement: Option<StatementId>,
    /// Statement of the school's part.
    pub school_statement: Option<StatementId>,
    /// Seed of the blinds of its automatic receipts.
    pub blind: Hash,
}

impl Order {
    /// The instant from which an answer, or a confirmation of attendance, comes too late by now. Nobody answers after the
    /// start.
    pub fn deadline_now(&self, exceptions: Option<&Exceptions>) -> Timestamp {
        let moved = Exceptions::moved(exceptions, self.deadline);
        match self.state {
            OrderState::Proposed | OrderState::Requested => moved.min(self.start),
            OrderState::Confirmed
            | OrderState::Delivered
            | OrderState::Attended
            | OrderState::AttendedAutomatically
            | OrderState::Settled
            | OrderState::Declined
            | OrderState::Lapsed
            | OrderState::CancelledFree
            | OrderState::CancelledLate
            | OrderState::CancelledByProvider
            | OrderState::Disputed
            | OrderState::Reversed
            | OrderState::CancelledForceMajeure => moved,
        }
    }

    /// Where a limit that lies so long before the start falls by now; one that was moved stays before the start.
    pub fn limit_before_start(&self, span: Span, exceptions: Option<&Exceptions>) -> Timestamp {
        let limit = self.start.before(span);
        let moved = Exceptions::moved(exceptions, limit);
        if moved == limit { limit } else { moved.min(self.start.before(Span(1))) }
    }
}

/// One pupil's line in an order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct Line {
    /// The pupil.
    pub pupil: PupilId,
    /// Where the line stands.
    pub state: LineState,
    /// Held since the request.
    pub held: Amounts,
    /// In escrow since confirmation.
    pub escrow: Amounts,
    /// Due to the provider.
    pub due: Amounts,
}

/// State of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// Proposed only.
    Proposed,
    /// Booked, the money set aside.
    Booked,
    /// Dropped, or its order ended without taking place.
    Dropped,
    /// The pupil was there.
    Attended,
    /// The pupil was not.
    Absent,
    /// What was due of it was given back.
    Reversed,
}

/// One of the two sides of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The school or the pupil.
    Orderer,
    /// The provider.
    Provider,
}

/// A proposed change.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct PendingChange {
    /// Who proposed it.
    pub by: Side,
    /// What it is.
    pub change: Change,
}
