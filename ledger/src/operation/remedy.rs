//! Parts of what is decided or moved for many at once.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use crate::classifiers::Place;
use crate::ids::{ProviderId, PupilId, SchoolId, ServiceId};

/// Which sessions of a window force majeure cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosureScope {
    /// All of them.
    Everything,
    /// Those at a place.
    Place(Place),
    /// Those of a provider, also of whom it took the place of.
    Provider(ProviderId),
    /// Those of a service.
    Service(ServiceId),
}

/// Where a pupil goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct PupilMove {
    /// The pupil.
    pub pupil: PupilId,
    /// The new school.
    pub school: SchoolId,
    /// The grade there.
    pub grade: u8,
}
