//! What keeps a page from being shown. Told to people in their language; causes go to the log, without personal data.

use std::error::Error;

use keis_registry::RegistryError;
use keis_wallet::client::ClientError;
use warp::http::StatusCode;

/// What gateways call a year of which one record is left.
const YEAR_SEALED: &str = "year_sealed";

/// Why a page cannot be shown.
#[derive(Debug)]
pub enum Trouble {
    /// Somebody must sign in first; afterwards they come back.
    SignIn,
    /// The user may not do this.
    Forbidden,
    /// Nothing is at this address.
    NotFound,
    /// A method that the address does not answer to.
    Method,
    /// What was sent cannot be used; the message's key says why.
    Malformed(&'static str),
    /// What was sent is too long.
    TooLarge,
    /// The year is sealed: archives alone hold what it was.
    Sealed,
    /// The ledger's gateways do not answer.
    Ledger(Box<dyn Error + Send + Sync>),
    /// Something that should not happen.
    Internal(Box<dyn Error + Send + Sync>),
}

impl Trouble {
    /// An unforeseen failure.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(error.into())
    }

    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::SEE_OTHER,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Sealed => StatusCode::GONE,
            Self::Ledger(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Keys of the title and of the sentence that says what to do.
    pub fn messages(&self) -> (&'static str, &'static str) {
        match self {
            Self::SignIn => ("trouble-signin", "trouble-signin-more"),
            Self::Forbidden => ("trouble-forbidden", "trouble-forbidden-more"),
            Self::NotFound => ("trouble-not-found", "trouble-not-found-more"),
            Self::Method => ("trouble-method", "trouble-method-more"),
            Self::Malformed(more) => ("trouble-malformed", more),
            Self::TooLarge => ("trouble-too-large", "trouble-too-large-more"),
            Self::Sealed => ("trouble-sealed", "trouble-sealed-more"),
            Self::Ledger(_) => ("trouble-ledger", "trouble-ledger-more"),
            Self::Internal(_) => ("trouble-internal", "trouble-internal-more"),
        }
    }

    /// The cause, for the log.
    pub fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Ledger(cause) | Self::Internal(cause) => Some(&**cause),
            Self::SignIn
            | Self::Forbidden
            | Self::NotFound
            | Self::Method
            | Self::Malformed(_)
            | Self::TooLarge
            | Self::Sealed => None,
        }
    }
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        let sealed = matches!(&error, ClientError::Problem(problem) if problem.code == YEAR_SEALED);
        if sealed { Self::Sealed } else { Self::Ledger(error.into()) }
    }
}

impl From<RegistryError> for Trouble {
    fn from(error: RegistryError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<askama::Error> for Trouble {
    fn from(error: askama::Error) -> Self {
        Self::Internal(error.into())
    }
}
