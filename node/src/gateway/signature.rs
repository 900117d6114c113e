//! HTTP message signatures (RFC 9421) of those who read more than the public may.
//!
//! Structured fields are read and written by `sfv`; the base is built here as section 2.5 says; the signature is judged by
//! the ledger's one rule for Ed25519. A signature holds for one request: method, authority, path and query are covered, it
//! ends within minutes of the machine's own clock, and its nonce is taken once.

mod message;
mod replays;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keis_ledger::crypto::PublicKey;

pub use message::{Flaw, Message, Signed};
pub(super) use replays::{Replays, Taken};

/// What the signature must be for.
const TAG: &str = "keis";
/// The one algorithm.
const ALGORITHM: &str = "ed25519";
/// What must be covered.
const COVERED: [&str; 4] = ["@method", "@authority", "@path", "@query"];
/// Longest time from creation to end.
const LONGEST_LIFE: i64 = 300;
/// How far the signer's clock may be from this machine's.
const SKEW: i64 = 60;
/// Longest nonce.
const LONGEST_NONCE: usize = 128;

/// What a client is told to send.
pub(super) const WANTED: &str = "keis=(\"@method\" \"@authority\" \"@path\" \"@query\");created;expires;nonce;keyid;\
    alg=\"ed25519\";tag=\"keis\"";

/// A request's signature whose form and times are right; the bytes are not yet proven.
pub(super) struct Claim {
    /// Whose it would be.
    pub(super) key: PublicKey,
    /// What makes it the only one.
    pub(super) nonce: String,
    /// Until when it may be sent, seconds since 1970, skew included.
    pub(super) until: i64,
    signed: Signed,
}

/// Why a request counts as unsigned or wrongly signed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// There is no signature for this purpose.
    #[error("this needs a signature (RFC 9421) tagged \"keis\"")]
    Missing,
    /// More than one claims to be for this purpose.
    #[error("there is more than one signature tagged \"keis\"")]
    Several,
    /// The fields cannot be used.
    #[error(transparent)]
    Flaw(#[from] Flaw),
    /// Something that must be covered is not.
    #[error("the signature must cover {0}")]
    Uncovered(&'static str),
    /// A parameter is missing or of no use.
    #[error("the parameter {0} is missing or wrong")]
    Parameter(&'static str),
    /// Its time has not come or is over, or is too long.
    #[error(
        "the signature was not made for now; it holds at most {LONGEST_LIFE} seconds, and clocks may differ by {SKEW}"
    )]
    Time,
    /// The request has a body, which nothing that is signed has.
    #[error("a signed read has no body")]
    Body,
    /// The signature is not the key's over this request.
    #[error("the signature is not of this key over this request")]
    Wrong,
}

impl Claim {
    /// Reads the one signature that is meant for this gateway, and judges everything that needs no key.
    pub(super) fn read(message: &Message, now: i64) -> Result<Self, Refusal> {
        let mut meant = Signed::all(message.headers)?.into_iter().filter(|signed| signed.tag() == Some(TAG));
        let signed = meant.next().ok_or(Refusal::Missing)?;
        if meant.next().is_some() {
            return Err(Refusal::Several);
        }
        if message.has_body() {
            return Err(Refusal::Body);
        }
        if let Some(missing) = COVERED.into_iter().find(|name| !signed.covers(name)) {
            return Err(Refusal::Uncovered(missing));
        }
        if signed.algorithm() != Some(ALGORITHM) {
            return Err(Refusal::Parameter("alg"));
        }
        let key = signed.key_id().and_then(|text| text.parse().ok()).ok_or(Refusal::Parameter("keyid"))?;
        let nonce = signed.nonce().filter(|nonce| (1..=LONGEST_NONCE).contains(&nonce.len()));
        let nonce = nonce.ok_or(Refusal::Parameter("nonce"))?.to_owned();
        let created = signed.created().ok_or(Refusal::Parameter("created"))?;
        let expires = signed.expires().ok_or(Refusal::Parameter("expires"))?;
        let timely =
            created <= now + SKEW && now <= expires + SKEW && (0..=LONGEST_LIFE).contains(&(expires - created));
        if !timely {
            return Err(Refusal::Time);
        }
        Ok(Self { key, nonce, until: expires + SKEW, signed })
    }

    /// Proves the bytes, for any of the names under which this gateway is known; the one that the request gives where none
    /// is set.
    pub(super) fn prove(&self, message: &Message, authorities: &[String]) -> Result<(), Refusal> {
        let given = [message.authority.clone()];
        let names = if authorities.is_empty() { &given[..] } else { authorities };
        for name in names {
            let base = self.signed.base(&Message { authority: name.clone(), ..*message })?;
            if self.key.verify(base.as_bytes(), &self.signed.signature) {
                return Ok(());
            }
        }
        Err(Refusal::Wrong)
    }
}

/// The machine's own clock, seconds since 1970: signatures are made at the time of people's machines, also where the
/// ledger's time is stepped.
pub(super) fn wall_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
