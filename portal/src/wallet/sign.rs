//! The signing page: operations as bytes, and what the script needs to say, judge and sign them.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Scope;
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::time::Timestamp;
use keis_registry::keys::UserKey;
use keis_registry::officers::offices;
use keis_registry::permission::Role;
use keis_registry::users::User;
use keis_wallet::compose::STANDARD_VALIDITY;
use serde::Serialize;

use super::{MOST_OPERATIONS, allowed, body_of, data_block, is_usable, phrases, seats};
use crate::call::{Answer, Call, local_path, page};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;

/// What a page wants signed.
pub(crate) struct SignRequest {
    /// Heading of the page.
    pub title: String,
    /// What is signed, each by itself.
    pub operations: Vec<Operation>,
    /// Ids in their text form, and what people call them. An order's line is `ord_…/INDEX`.
    pub labels: Vec<(String, String)>,
    /// Whose key signs.
    pub signer: Signer,
    /// Where to go when it is done: a path of this site.
    pub next: String,
    /// What people should know before they sign, such as what it costs.
    pub warnings: Vec<String>,
}

/// Whose key signs.
pub(crate) enum Signer {
    /// A school's or provider's.
    Party {
        /// For whom.
        party: Party,
        /// The scopes of which the key needs one.
        scopes: Vec<Scope>,
    },
    /// An officer's own, of the operator or the budget holder, that governance appointed.
    Officer,
}

#[derive(Template)]
#[template(path = "wallet/sign.html")]
struct SignPage {
    f: Frame,
    warnings: Vec<String>,
    data: String,
    phrases: String,
}

#[derive(Serialize)]
struct Data {
    operations: Vec<Bytes>,
    network: Hash,
    time: Timestamp,
    validity: u64,
    keys: Vec<String>,
    dictionary: BTreeMap<String, String>,
    next: String,
}

#[derive(Serialize)]
struct Bytes {
    bytes: String,
}

/// Answers with the page on which `request` is signed.
///
/// # Errors
/// [`Trouble::Forbidden`] when the user may not do this for the party; [`Trouble::Malformed`] when there is nothing or too
/// much to sign.
pub(crate) async fn sign_page(site: &Arc<Site>, call: &Call, request: SignRequest) -> Answer {
    let SignRequest { title, operations, labels, signer, next, warnings } = request;
    let user = call.user()?;
    if operations.is_empty() {
        return Err(Trouble::Malformed("wallet-submit-none"));
    }
    if operations.len() > MOST_OPERATIONS {
        return Err(Trouble::Malformed("wallet-sign-many"));
    }
    let now = site.now().await?;
    let keys = match signer {
        Signer::Party { party, scopes } => party_keys(site, user, (party, &scopes), &operations, now).await?,
        Signer::Officer => officer_keys(site, user, &operations, now).await?,
    };
    let data = Data {
        operations: operations.iter().map(|one| Bytes { bytes: hex::encode(codec::encode(one)) }).collect(),
        network: site.network.hash,
        time: now,
        validity: STANDARD_VALIDITY.0,
        keys,
        dictionary: labels.into_iter().collect(),
        next: local_path(&next).to_owned(),
    };
    let mut f = call.frame(site, Section::Wallet, title).await?.with_scripts(&["sign.js"]);
    // This page answers a form; in the other language one begins again where it would have ended.
    f.other_lang_href = format!("/wallet?lang={}", call.lang.other().code());
    let phrases = phrases(call.words(), &["sign-", "keys-"])?;
    page(&SignPage { f, warnings, data: data_block(&data)?, phrases })
}

/// The user's keys that may sign all of it for the party.
async fn party_keys(
    site: &Site,
    user: &User,
    (party, scopes): (Party, &[Scope]),
    operations: &[Operation],
    now: Timestamp,
) -> Result<Vec<String>, Trouble> {
    let body = body_of(party).ok_or(Trouble::Forbidden)?;
    let may = |operation| allowed::permissions(operation, party).iter().any(|permission| user.may(*permission, &body));
    if !operations.iter().all(may) {
        return Err(Trouble::Forbidden);
    }
    fitting(site, user, (party, scopes), now).await
}

async fn fitting(
    site: &Site,
    user: &User,
    (party, scopes): (Party, &[Scope]),
    now: Timestamp,
) -> Result<Vec<String>, Trouble> {
    let own = site.registry.keys_of(user).await?;
    let fits =
        |key: &&UserKey| key.party == party && is_usable(key, now) && scopes.iter().any(|scope| key.scopes.has(*scope));
    Ok(own.iter().filter(fits).map(|key| key.key.to_string()).collect())
}

/// Whether the user has a key for the party that can sign something of this scope now, on whatever device.
pub(crate) async fn has_key(site: &Site, user: &User, party: Party, scope: Scope) -> Result<bool, Trouble> {
    let now = site.now().await?;
    Ok(!fitting(site, user, (party, &[scope]), now).await?.is_empty())
}

/// The user's keys that sign all of it by their office.
async fn officer_keys(
    site: &Site,
    user: &User,
    operations: &[Operation],
    now: Timestamp,
) -> Result<Vec<String>, Trouble> {
    let may = |role: Role| operations.iter().all(|operation| allowed::officer_may(role, operation));
    if !offices(user).into_iter().any(may) {
        return Err(Trouble::Forbidden);
    }
    let fitting = seats(site, user, now).await?.into_iter().filter(|seat| may(seat.role));
    Ok(fitting.map(|seat| seat.key.to_string()).collect())
}
