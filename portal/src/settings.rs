//! What an institution sets for its portal.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

/// Settings of a portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The address under which browsers know it.
    pub public_url: Url,
    /// Certificate and key; without them it speaks plain HTTP and may listen on the loopback alone.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Identity providers.
    #[serde(default)]
    pub oidc: Vec<Oidc>,
    /// Whether people may sign in by choosing a name. Refused on a network that is no simulation.
    #[serde(default)]
    pub simulated_sign_in: bool,
    /// Bounds.
    #[serde(default)]
    pub limits: Limits,
    /// The way of the programme's invoices to its buyer's system; without it none is sent.
    #[serde(default)]
    pub dispatch: Option<Dispatch>,
    /// Where its numbers are told, by plain HTTP at `/metrics`: counts and states alone. Without it they are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
}

/// Files of a server's certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Certificate with its chain, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM.
    pub key: PathBuf,
}

/// An OpenID Connect provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// Short name, part of the addresses: letters, digits and hyphens.
    pub name: String,
    /// What people read on the button.
    pub label: String,
    /// The issuer.
    pub issuer: Url,
    /// The portal's name there.
    pub client_id: String,
    /// File with the portal's secret there; none for a public client.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// Claim that lists roles: objects of `role` and `body`.
    #[serde(default = "Oidc::standard_claim")]
    pub roles_claim: String,
    /// What is asked for beside `openid`.
    #[serde(default = "Oidc::standard_scopes")]
    pub scopes: Vec<String>,
    /// Certificates, PEM, that alone vouch for the provider's addresses: where an institution has an authority of its own. Without
    /// the file those do that browsers trust.
    #[serde(default)]
    pub authority_file: Option<PathBuf>,
}

impl Oidc {
    fn standard_claim() -> String {
        "keis_roles".to_owned()
    }

    /// Scopes of name and e-mail.
    pub fn standard_scopes() -> Vec<String> {
        ["profile", "email"].map(str::to_owned).to_vec()
    }
}

/// Bounds of the portal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// Connections of one address at a time, of IPv6 of one network; more are closed. Behind a proxy all are the proxy's.
    pub connections_per_address: usize,
    /// Longest time for the head of a request, and for the handshake.
    pub header_seconds: u64,
    /// Longest time for an answer.
    pub request_seconds: u64,
    /// Longest time that requests under way have to end when the portal stops.
    pub drain_seconds: u64,
    /// A session ends after so many minutes without a request.
    pub session_minutes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            connections_per_address: 256,
            header_seconds: 20,
            request_seconds: 60,
            drain_seconds: 5,
            session_minutes: 30,
        }
    }
}

/// By which means invoices travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchKind {
    /// A folder that another program empties and fills.
    Folder,
    /// Requests to an address.
    Http,
}

/// The way of invoices to the buyer's system.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    /// By which means.
    pub kind: DispatchKind,
    /// The folder, or the address below which documents and answers are.
    pub address: String,
    /// File with the token that every request bears.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// Certificates, PEM, that alone vouch for the address; without the file those do that browsers trust.
    #[serde(default)]
    pub authority_file: Option<PathBuf>,
    /// Whether the address tells which messages arrived.
    #[serde(default = "Dispatch::yes")]
    pub look_up: bool,
    /// Longest time for an answer of the address.
    #[serde(default = "Dispatch::patience")]
    pub request_seconds: u64,
    /// How often documents and answers are looked for.
    #[serde(default = "Dispatch::look")]
    pub look_seconds: u64,
    /// After so many attempts an officer is asked.
    #[serde(default = "Dispatch::attempts")]
    pub most_attempts: u32,
}

impl Dispatch {
    /// Of this kind, at this address, everything else as usual.
    pub fn new(kind: DispatchKind, address: impl Into<String>) -> Self {
        Self {
            kind,
            address: address.into(),
            token_file: None,
            authority_file: None,
            look_up: Self::yes(),
            request_seconds: Self::patience(),
            look_seconds: Self::look(),
            most_attempts: Self::attempts(),
        }
    }

    /// With its files taken from a folder where they are not named in full.
    #[must_use]
    pub fn under(mut self, folder: &Path) -> Self {
        self.token_file = self.token_file.map(|file| folder.join(file));
        self.authority_file = self.authority_file.map(|file| folder.join(file));
        if self.kind == DispatchKind::Folder {
            self.address = folder.join(&self.address).display().to_string();
        }
        self
    }

    fn yes() -> bool {
        true
    }

    fn patience() -> u64 {
        30
    }

    fn look() -> u64 {
        20
    }

    fn attempts() -> u32 {
        56
    }
}
