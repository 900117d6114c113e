//! A programme year as files: what an operator receives, typed and checked.
//!
//! Owns the formats of the folder that `keis sample` writes and `keis demo` reads. Each format is written once, as a
//! serde record, so writer and reader cannot drift. Must not know the ledger: codes here are those of registers and of
//! the files, and personal data (names, register codes) stop here.

mod calendar;
mod check;
mod codes;
mod error;
mod files;
mod parameters;
mod records;
mod time;

pub use calendar::{Action, Actor, Awaited, Buyer, Change, Deed, RejectionReason};
pub use codes::{
    CertificateNumber, ClassName, CodeError, LegalCode, OrderCode, PlaceCode, ProviderCode, RegisterCode, ServiceCode,
    SessionCode, StatementCode, VenueList,
};
pub use error::ProgrammeError;
pub use files::{FILES, KIND};
pub use parameters::{ArrivalAmount, Counts, Offset, Parameters, Rules, Window};
pub use records::{
    ArtField, BookedLines, ChangeKind, Order, OrderEnd, Provider, ProviderKind, Pupil, PupilChange, School, Service,
    ServiceType, Session, VatCategory, VatStatus,
};
pub use time::{Day, Month, UtcInstant};

/// A whole programme year, as loaded from or written to a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programme {
    /// `programme.toml`: year, money, rules, counts.
    pub parameters: Parameters,
    /// `schools.csv`.
    pub schools: Vec<School>,
    /// `pupils.csv`: the register's extract on 1 January.
    pub pupils: Vec<Pupil>,
    /// `pupil_changes.csv`, by time.
    pub pupil_changes: Vec<PupilChange>,
    /// `providers.csv`.
    pub providers: Vec<Provider>,
    /// `services.csv`.
    pub services: Vec<Service>,
    /// `sessions.csv`.
    pub sessions: Vec<Session>,
    /// `orders.csv`: where every order must end.
    pub orders: Vec<Order>,
    /// `calendar.jsonl`: the actions of the year, by time.
    pub calendar: Vec<Action>,
}

impl Programme {
    /// What the folder's `programme.toml` should count.
    pub fn counts(&self) -> Counts {
        let mut classes: Vec<(LegalCode, &ClassName)> =
            self.pupils.iter().map(|pupil| (pupil.school_code, &pupil.class)).collect();
        classes.sort_unstable();
        classes.dedup();
        Counts {
            pupils: self.pupils.len(),
            classes: classes.len(),
            schools: self.schools.len(),
            pupil_changes: self.pupil_changes.len(),
            providers: self.providers.len(),
            services: self.services.len(),
            sessions: self.sessions.len(),
            orders: self.orders.len(),
            actions: self.calendar.len(),
        }
    }
}
