//! Sampled wallets opened under supervision: that each is a pupil's of the register, and one pupil's alone.
//!
//! An auditor draws orders from the ledger and lists their wallets with the tokens that the ledger holds. Here each token is
//! computed again from the pupil's register code under the key that only the registry has: a wallet that was invented, or a
//! pupil with two, shows. Names and codes stay here; two persons who signed in answer for it and stand in the log.

use std::collections::BTreeMap;

use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Nullifier, PupilId};
use keis_ledger::time::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::boxed;
use crate::database::{Registry, list, now};
use crate::error::RegistryError;
use crate::ids::{PersonId, UserId};
use crate::log::{Actor, Entry, append};
use crate::permission::{Permission, demand};
use crate::vault::{Field, Vault};
use crate::wallets;

const REGISTER_CODE: Field = Field::of("pupils", "register_code_sealed");

/// Most wallets that are opened at once.
pub const MOST: usize = 10_000;

/// A wallet as the ledger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SampledWallet {
    /// Its year.
    pub year: Year,
    /// The wallet.
    pub wallet: PupilId,
    /// The token with which it was opened.
    pub nullifier: Nullifier,
}

/// Why a wallet is not proven to be a pupil's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SampleFault {
    /// It is nobody's here: of a person who was erased, or of nobody ever.
    Nobody,
    /// The ledger's token is not the one of the pupil whose wallet it is here.
    OtherToken,
    /// Another wallet of the sample and year is the same pupil's.
    SamePupil,
}

impl SampleFault {
    /// What it means, in a sentence.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Nobody => "the wallet is nobody's here: its pupil was erased, or there never was one",
            Self::OtherToken => "the ledger's token is not that of the pupil whose wallet it is here",
            Self::SamePupil => "another wallet of the sample and year is the same pupil's",
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::OtherToken => "other_token",
            Self::SamePupil => "same_pupil",
        }
    }
}

/// What the opening of a sample shows. Names nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleReport {
    /// When it was opened.
    pub at: Timestamp,
    /// How many different wallets were asked about.
    pub wallets: usize,
    /// How many of them are proven: each of another pupil of the register in its year.
    pub proven: usize,
    /// The others.
    pub faults: Vec<(SampledWallet, SampleFault)>,
}

/// Why a sample is not opened.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// One person alone is no supervision.
    #[error("{0} opens the sample and cannot be the witness too")]
    Alone(UserId),
    /// The list is longer than anybody oversees.
    #[error("a sample has at most {MOST} wallets")]
    TooLong,
    /// The registry refuses or failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<sqlx::Error> for SampleError {
    fn from(error: sqlx::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl Registry {
    /// Opens a sample: `officer` may look pupils up, `witness` is somebody else who may read the log. Both are noted, with the
    /// mark of the list, before the answer is given.
    ///
    /// # Errors
    /// [`SampleError`] when one person does it alone, may not, or the registry fails.
    #[boxed]
    pub async fn open_sample(
        &self,
        officer: UserId,
        witness: UserId,
        mark: &str,
        wallets: &[SampledWallet],
    ) -> Result<SampleReport, SampleError> {
        if officer == witness {
            return Err(SampleError::Alone(officer));
        }
        let mut asked = wallets.to_vec();
        asked.sort_unstable();
        asked.dedup();
        if asked.len() > MOST {
            return Err(SampleError::TooLong);
        }
        let (officer, witness) = (Actor::User(officer), Actor::User(witness));
        let mut work = self.begin().await?;
        demand(&mut work, &officer, Permission::ActOnBehalf).await?;
        demand(&mut work, &witness, Permission::SeeLog).await?;
        let mut report = SampleReport { at: now(), wallets: asked.len(), proven: 0, faults: Vec::new() };
        let mut seen: BTreeMap<(Year, PersonId), PupilId> = BTreeMap::new();
        for sampled in asked {
            let fault = match find(work.connection(), self.vault(), &sampled).await? {
                None => Some(SampleFault::Nobody),
                Some((_, nullifier)) if nullifier != sampled.nullifier => Some(SampleFault::OtherToken),
                Some((person, _)) => {
                    let before = seen.insert((sampled.year, person), sampled.wallet);
                    before.map(|_| SampleFault::SamePupil)
                }
            };
            match fault {
                None => report.proven += 1,
                Some(fault) => report.faults.push((sampled, fault)),
            }
        }
        let detail = format!("{} of {} wallets proven", report.proven, report.wallets);
        append(&mut work, Entry::new(&officer, "sample opened", mark).detail(&detail)).await?;
        append(&mut work, Entry::new(&witness, "opening of a sample witnessed", mark).detail(&detail)).await?;
        work.commit().await?;
        Ok(report)
    }
}

/// Whose a wallet is, and that pupil's token of the year, computed anew.
async fn find(
    connection: &mut AnyConnection,
    vault: &Vault,
    sampled: &SampledWallet,
) -> Result<Option<(PersonId, Nullifier)>, RegistryError> {
    let sql = "SELECT wallets.person, person_keys.wrapped, pupils.register_code_sealed FROM wallets \
               JOIN person_keys ON person_keys.person = wallets.person JOIN pupils ON pupils.person = wallets.person \
               WHERE wallets.wallet_index = $1";
    let index = wallets::index(vault, sampled.year, sampled.wallet);
    let row = sqlx::query(AssertSqlSafe(sql.to_owned())).bind(index).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let person = PersonId(list::id(row.try_get("person")?, "wallets.person")?);
    let key = vault.unwrap_key(person, row.try_get("wrapped")?)?;
    let code = key.open_text(REGISTER_CODE, &person.0, row.try_get("register_code_sealed")?)?;
    Ok(Some((person, vault.nullifier(sampled.year, &code))))
}
