//! One line of each CSV file.

use serde::{Deserialize, Serialize};

use super::codes::{
    ClassName, LegalCode, OrderCode, PlaceCode, ProviderCode, RegisterCode, ServiceCode, SessionCode, VenueList,
};
use super::time::{Day, UtcInstant};

/// A line of `schools.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct School {
    /// Legal entity code.
    pub school_code: LegalCode,
    /// Name of the institution.
    pub name: String,
    /// Municipality, or country of a Lithuanian school abroad.
    pub place: PlaceCode,
    /// Number of branches beside the main school.
    pub branches: u8,
}

/// A line of `pupils.csv`: who is in the Pupil Register on 1 January.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pupil {
    /// The pupil's code in the register.
    pub register_code: RegisterCode,
    /// Invented, like the family name.
    pub given_name: Box<str>,
    /// Invented, like the given name.
    pub family_name: Box<str>,
    /// Legal entity code of the school.
    pub school_code: LegalCode,
    /// Branch of the school, 0 for the main school.
    pub branch: u8,
    /// Where the school (or its branch) is.
    pub place: PlaceCode,
    /// The class.
    pub class: ClassName,
    /// The class that is taught together with it, in a small school.
    pub joint_class: Option<ClassName>,
    /// Grade, 1 to 12.
    pub grade: u8,
}

/// What changed for a pupil.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Came into the register.
    Arrived,
    /// Left the register; what is unspent returns.
    Left,
    /// Changed school; the wallet goes along.
    Moved,
}

/// What happens to the booked lines of a pupil who moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookedLines {
    /// The pupil still goes with the old school.
    Keep,
    /// The lines are released in full.
    Release,
}

/// A line of `pupil_changes.csv`. Where to is empty for who left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PupilChange {
    /// When the register learned of it.
    pub at: UtcInstant,
    /// What happened.
    pub kind: ChangeKind,
    /// Whom.
    pub register_code: RegisterCode,
    /// Given name of an arrival.
    pub given_name: Option<Box<str>>,
    /// Family name of an arrival.
    pub family_name: Option<Box<str>>,
    /// The school from now on.
    pub school_code: Option<LegalCode>,
    /// Its branch.
    pub branch: Option<u8>,
    /// Its place.
    pub place: Option<PlaceCode>,
    /// The class from now on.
    pub class: Option<ClassName>,
    /// The class taught together with it.
    pub joint_class: Option<ClassName>,
    /// The grade from now on.
    pub grade: Option<u8>,
    /// Of a move: whether booked lines stay.
    pub booked_lines: Option<BookedLines>,
}

/// Legal or natural person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// A legal entity.
    Legal,
    /// A natural person with an individual-activity certificate.
    Natural,
}

/// Whether the provider is registered for VAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VatStatus {
    /// Registered.
    Registered,
    /// Not registered.
    NotRegistered,
}

/// A line of `providers.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Legal entity code, or number of the certificate.
    pub provider_code: ProviderCode,
    /// Legal or natural; must agree with the code.
    pub kind: ProviderKind,
    /// Name, invented.
    pub name: String,
    /// Seat.
    pub place: PlaceCode,
    /// VAT status.
    pub vat_status: VatStatus,
    /// The legal entity that controls the provider, if another does.
    pub controlling_code: Option<LegalCode>,
}

/// Form of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceType {
    /// A performance.
    Performance,
    /// A guided visit.
    Visit,
    /// A workshop.
    Workshop,
    /// A talk.
    Lecture,
    /// A screening.
    Screening,
}

/// Field of the arts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtField {
    /// Theatre.
    Theatre,
    /// Music.
    Music,
    /// Dance.
    Dance,
    /// Museums and heritage.
    Heritage,
    /// Visual arts.
    VisualArts,
    /// Film.
    Film,
    /// Literature.
    Literature,
    /// Ethnic culture and crafts.
    EthnicCulture,
    /// Architecture and design.
    Architecture,
}

/// How a service is taxed: the category of e-invoices, and what the rate or reason is where a category has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum VatCategory {
    /// Standard rate.
    #[serde(rename = "S")]
    Standard,
    /// Reduced rate.
    #[serde(rename = "S-reduced")]
    Reduced,
    /// Exempt as a cultural service.
    #[serde(rename = "E")]
    ExemptCulture,
    /// Exempt as education.
    #[serde(rename = "E-education")]
    ExemptEducation,
    /// Outside the scope: the provider is not registered.
    #[serde(rename = "O")]
    OutsideScope,
}

/// A line of `services.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Code of the service.
    pub service_code: ServiceCode,
    /// Who provides it.
    pub provider_code: ProviderCode,
    /// Title in Lithuanian.
    pub title_lt: String,
    /// Title in English.
    pub title_en: String,
    /// Form.
    #[serde(rename = "type")]
    pub service_type: ServiceType,
    /// Field.
    pub art_field: ArtField,
    /// Lowest grade.
    pub grade_from: u8,
    /// Highest grade.
    pub grade_to: u8,
    /// Where it is given.
    pub venues: VenueList,
    /// Price per pupil.
    pub price_cents: u32,
    /// Fewest pupils of an order.
    pub min_group: u16,
    /// Most pupils of an order.
    pub max_group: u16,
    /// VAT category.
    pub vat_category: VatCategory,
    /// First day of the approval.
    pub valid_from: Day,
    /// Last day of the approval.
    pub valid_until: Day,
    /// Public description.
    pub description: String,
}

/// A line of `sessions.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Code of the session.
    pub session_code: SessionCode,
    /// What is given.
    pub service_code: ServiceCode,
    /// Start.
    pub start: UtcInstant,
    /// End.
    pub end: UtcInstant,
    /// Where; one of the service's venues.
    pub place: PlaceCode,
    /// Seats.
    pub capacity: u16,
}

/// Where an order ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderEnd {
    /// The provider refused.
    Declined,
    /// Nobody answered in time.
    Lapsed,
    /// Cancelled by the school at no cost.
    CancelledFree,
    /// Cancelled by the school after the limit.
    CancelledLate,
    /// Cancelled by the provider.
    CancelledByProvider,
    /// Attended, but a statement of it was not accepted.
    Attended,
    /// The same, where the clock confirmed the attendance.
    AttendedAutomatically,
    /// Every statement of it was accepted.
    Settled,
}

/// A line of `orders.csv`: where an order must end. Orders that the ledger must refuse are not listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Code of the order.
    pub order_code: OrderCode,
    /// The session at the end, after changes of time.
    pub session_code: SessionCode,
    /// Who ordered.
    pub school_code: LegalCode,
    /// Pupils at the request.
    pub requested_pupils: u16,
    /// Where it ends.
    pub expected_state: OrderEnd,
    /// Whether the attendance was confirmed by the clock.
    pub automatic: bool,
    /// Pupils charged in full.
    pub full_lines: u16,
    /// Pupils charged the absence share.
    pub absent_lines: u16,
    /// Pupils charged the late share.
    pub late_lines: u16,
    /// What the state's money pays.
    pub state_cents: u32,
    /// What the school's money pays.
    pub school_cents: u32,
}
