//! Ways to sign in: OpenID Connect providers, and on simulated networks a list of sample people.
//!
//! Owns who gets in. Knows no page beyond its own.

mod claims;
mod pages;
mod pending;
mod provider;
mod simulated;

use std::path::PathBuf;
use std::sync::Arc;

use keis_registry::users::RoleClaim;

use crate::route::{Route, get, post};
use crate::settings::{Oidc, Settings};
use crate::site::{Network, Site};
use provider::Provider;

/// Longest name of a provider in addresses.
const LONGEST_NAME: usize = 40;

/// Why ways to sign in cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Sample people on a network where people and money are real.
    #[error("sample people may sign in on simulated networks only")]
    NotSimulated,
    /// Sample people whom the settings do not allow.
    #[error("`simulated_sign_in` must be set before sample people may sign in")]
    NotSet,
    /// A name that cannot be part of an address.
    #[error("an identity provider's name must be 1 to 40 lower-case letters, digits and hyphens, once each; got `{0}`")]
    Name(String),
    /// Tokens would travel where others can read along.
    #[error("the issuer of `{0}` must have an https address, or one of this machine")]
    Issuer(String),
    /// A secret that cannot be read.
    #[error("the client secret {path} cannot be read")]
    Secret {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A scope that no request can carry.
    #[error("a scope of `{0}` must be a word of visible letters without quotes and backslashes")]
    Scope(String),
    /// Certificates that cannot be read.
    #[error("the certificates {path} cannot be read")]
    Authority {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file without a certificate, or with a broken one.
    #[error("{path} holds no certificates in PEM")]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// No HTTP client.
    #[error("no connection to identity providers can be made")]
    Http(#[from] reqwest::Error),
}

/// Somebody invented, who may sign in on a simulated network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamplePerson {
    /// Unique and lasting.
    pub id: String,
    /// The name.
    pub name: String,
    /// What the person is, and where.
    pub roles: Vec<RoleClaim>,
}

/// Ways to sign in that are set up.
pub struct SignIn {
    providers: Vec<Provider>,
    may_simulate: bool,
    people: Vec<SamplePerson>,
}

impl SignIn {
    /// The providers of the settings; nothing is asked of them before somebody signs in.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(settings: &Settings, network: &Network) -> Result<Self, SetupError> {
        if settings.simulated_sign_in && !network.simulated {
            return Err(SetupError::NotSimulated);
        }
        let mut providers: Vec<Provider> = Vec::new();
        for oidc in &settings.oidc {
            if !is_name(oidc) || providers.iter().any(|known| known.settings.name == oidc.name) {
                return Err(SetupError::Name(oidc.name.clone()));
            }
            if !oidc.scopes.iter().all(|scope| is_scope(scope)) {
                return Err(SetupError::Scope(oidc.name.clone()));
            }
            providers.push(Provider::new(oidc, &settings.public_url)?);
        }
        Ok(Self { providers, may_simulate: settings.simulated_sign_in, people: Vec::new() })
    }

    /// Sample people may sign in, too.
    ///
    /// # Errors
    /// [`SetupError::NotSet`]; [`SignIn::new`] has refused the setting on a network that is no simulation.
    pub fn simulated(mut self, people: Vec<SamplePerson>) -> Result<Self, SetupError> {
        if !self.may_simulate {
            return Err(SetupError::NotSet);
        }
        self.people = people;
        Ok(self)
    }

    fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.settings.name == name)
    }
}

fn is_name(oidc: &Oidc) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_NAME).contains(&oidc.name.len()) && oidc.name.bytes().all(fits)
}

/// What RFC 6749 calls a scope token.
fn is_scope(scope: &str) -> bool {
    !scope.is_empty() && scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
}

/// The routes.
pub(crate) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![
        get(site, "/signin", pages::choose),
        get(site, "/signin/oidc/{name}", pages::start),
        get(site, "/signin/callback/{name}", pages::finish),
        post(site, "/signin/simulated", simulated::enter),
        post(site, "/signout", pages::sign_out),
        get(site, "/signedout", pages::signed_out),
    ]
}
