//! Judges a founding document. Reads nothing but the document: no clock, no file.

use std::collections::{BTreeMap, BTreeSet};

use keis_ledger::chain::{Validator, ValidatorSet, ValidatorSetError};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::InstitutionId;
use keis_ledger::protocol;

use crate::Genesis;
use crate::document::{ClockKind, Document, FORMAT, Institution, Office, Officer};

/// Fewest institutions of which each can hold less than a third of the votes.
const FEWEST_INSTITUTIONS: usize = 4;
/// Longest name, in characters.
const LONGEST_NAME: usize = 200;

/// The first fault of a founding document; `field` is its place there, such as `institutions[2].power`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// Another format than this crate's.
    #[error(
        "format: {0} is not read; this version reads format {FORMAT}, in which every institution has two governance keys"
    )]
    Format(u32),
    /// A name that nobody could read.
    #[error("{field}: a name has 1 to {LONGEST_NAME} characters, none of them a control character")]
    Name {
        /// Where.
        field: String,
    },
    /// The parameters leave no room for lawful transactions.
    #[error("parameters: they contradict themselves or leave no room for every lawful transaction")]
    Parameters,
    /// Rules that this version does not know.
    #[error("parameters.protocol: {0} is unknown; this version knows {first} to {latest}", first = protocol::FIRST, latest = protocol::LATEST)]
    Protocol(u32),
    /// Too few institutions.
    #[error("institutions: {count} are too few; each must hold less than a third of the votes, so four are the fewest")]
    TooFewInstitutions {
        /// How many there are.
        count: usize,
    },
    /// An institution's id occurs twice.
    #[error("{field}: {id} is another institution's id already")]
    IdTwice {
        /// Where, the second time.
        field: String,
        /// The id.
        id: InstitutionId,
    },
    /// A key occurs twice.
    #[error("{field}: {key} is {other} already; every key of the document serves one purpose")]
    KeyTwice {
        /// Where, the second time.
        field: String,
        /// Where, the first time.
        other: String,
        /// The key.
        key: PublicKey,
    },
    /// No signature by this key could ever hold.
    #[error("{field}: {key} is no sound Ed25519 public key")]
    KeyUnsound {
        /// Where.
        field: String,
        /// The key.
        key: PublicKey,
    },
    /// The institutions do not make a set of validators.
    #[error("institutions: {0}")]
    Validators(ValidatorSetError),
    /// An officer of nobody.
    #[error("{field}: {id} is no institution of this document")]
    InstitutionUnknown {
        /// Where.
        field: String,
        /// The id.
        id: InstitutionId,
    },
    /// An officer's key that is never in force.
    #[error("{field}: the key's time must end after its beginning and after the document's time")]
    Term {
        /// Where.
        field: String,
    },
    /// One institution could operate and fund the programme alone.
    #[error("officers: an operator and a budget holder of two different institutions are needed")]
    TwoPersons,
}

impl Document {
    /// Judges the document; what follows from it is in the answer.
    ///
    /// # Errors
    /// [`CheckError`] names the first fault and its place.
    pub fn check(self) -> Result<Genesis, CheckError> {
        if self.format != FORMAT {
            return Err(CheckError::Format(self.format));
        }
        name("name".into(), &self.name)?;
        if !self.parameters.is_sound() {
            return Err(CheckError::Parameters);
        }
        let version = self.parameters.protocol;
        if !(protocol::FIRST..=protocol::LATEST).contains(&version) {
            return Err(CheckError::Protocol(version));
        }
        let ids = institutions(&self.institutions)?;
        officers(&self, &ids)?;
        keys(&self)?;
        let validators = self.institutions.iter().map(|institution| Validator {
            institution: institution.id,
            key: institution.consensus_key,
            power: institution.power,
        });
        let validators = ValidatorSet::new(validators.collect()).map_err(CheckError::Validators)?;
        Ok(Genesis::of(self, validators))
    }
}

fn name(field: String, name: &str) -> Result<(), CheckError> {
    let length = name.chars().count();
    let blank = name.trim().is_empty();
    if blank || length > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(CheckError::Name { field });
    }
    Ok(())
}

fn institutions(institutions: &[Institution]) -> Result<BTreeSet<InstitutionId>, CheckError> {
    if institutions.len() < FEWEST_INSTITUTIONS {
        return Err(CheckError::TooFewInstitutions { count: institutions.len() });
    }
    let mut ids = BTreeSet::new();
    for (index, institution) in institutions.iter().enumerate() {
        if !ids.insert(institution.id) {
            return Err(CheckError::IdTwice { field: format!("institutions[{index}].id"), id: institution.id });
        }
        name(format!("institutions[{index}].name"), &institution.name)?;
    }
    Ok(ids)
}

fn officers(document: &Document, ids: &BTreeSet<InstitutionId>) -> Result<(), CheckError> {
    for (index, officer) in document.officers.iter().enumerate() {
        if !ids.contains(&officer.institution) {
            let field = format!("officers[{index}].institution");
            return Err(CheckError::InstitutionUnknown { field, id: officer.institution });
        }
        if officer.until <= officer.from.max(document.time) {
            return Err(CheckError::Term { field: format!("officers[{index}].until") });
        }
    }
    let of = |office: Office| document.officers.iter().filter(move |officer: &&Officer| officer.office == office);
    let apart = of(Office::Operator)
        .any(|operator| of(Office::BudgetHolder).any(|holder| holder.institution != operator.institution));
    if apart { Ok(()) } else { Err(CheckError::TwoPersons) }
}

/// Every key of the document, with its place.
fn places(document: &Document) -> impl Iterator<Item = (String, PublicKey)> {
    let driver = match document.clock {
        ClockKind::Real => None,
        ClockKind::Simulated { driver } => Some(("clock.simulated.driver".into(), driver)),
    };
    let institutions = document.institutions.iter().enumerate().flat_map(|(index, institution)| {
        let [one, other] = institution.governance_keys;
        [
            (format!("institutions[{index}].consensus_key"), institution.consensus_key),
            (format!("institutions[{index}].network_key"), institution.network_key),
            (format!("institutions[{index}].governance_keys[0]"), one),
            (format!("institutions[{index}].governance_keys[1]"), other),
        ]
    });
    let officers =
        document.officers.iter().enumerate().map(|(index, officer)| (format!("officers[{index}].key"), officer.key));
    driver.into_iter().chain(institutions).chain(officers)
}

fn keys(document: &Document) -> Result<(), CheckError> {
    let mut seen: BTreeMap<PublicKey, String> = BTreeMap::new();
    for (field, key) in places(document) {
        let sound = ed25519_dalek::VerifyingKey::from_bytes(&key.0).is_ok_and(|point| !point.is_weak());
        if !sound {
            return Err(CheckError::KeyUnsound { field, key });
        }
        if let Some(other) = seen.insert(key, field.clone()) {
            return Err(CheckError::KeyTwice { field, other, key });
        }
    }
    Ok(())
}
