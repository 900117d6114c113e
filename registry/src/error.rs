//! Why the registry could not do what was asked. No text of an error holds a name, a code or a key.

use crate::ids::{KeyId, PersonId, UserId};
use crate::log::LogFault;
use crate::permission::Permission;
use crate::vault::VaultError;

/// Why a function of the registry failed.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The database did not do it.
    #[error("the registry's database failed")]
    Database(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the registry's schema could not be brought up to date")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// The database's file could not be made.
    #[error("the registry's file {path} could not be made")]
    File {
        /// Where it should be.
        path: std::path::PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The address names no database that is known here.
    #[error("`{0}:` names no database; known are sqlite:PATH and postgres://…")]
    Address(String),
    /// Somebody else holds on to an old state of the database.
    #[error("the registry's database is in use elsewhere, so what was erased could not be cleared from its files yet")]
    Busy,
    /// The master key is another one than that under which this database was founded.
    #[error("the master key is not this registry's")]
    WrongMasterKey,
    /// Something sealed does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The log shows tampering.
    #[error(transparent)]
    Log(#[from] LogFault),
    /// A stored value cannot be read.
    #[error("`{column}` of the registry holds what it cannot hold")]
    Stored {
        /// Table and column.
        column: &'static str,
    },
    /// Whoever asks may not.
    #[error("not permitted: {0:?}")]
    Denied(Permission),
    /// The user is not there, or disabled.
    #[error("{0} is not a user who may act")]
    UserUnknown(UserId),
    /// No person of that id, or an erased one.
    #[error("{0} is nobody of the registry")]
    PersonUnknown(PersonId),
    /// No key of that id.
    #[error("{0} is no key of the registry")]
    KeyUnknown(KeyId),
    /// The body is not there.
    #[error("{0} is not in the registry")]
    BodyUnknown(String),
}
