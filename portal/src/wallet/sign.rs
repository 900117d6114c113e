//! The signing page: operations as bytes, and what the script needs to say, judge and sign them.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Scope;
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::time::Timestamp;
use keis_wallet::compose::STANDARD_VALIDITY;
use serde::Serialize;

use super::{MOST_OPERATIONS, allowed, body_of, data_block, is_usable, phrases};
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
    /// For whom.
    pub party: Party,
    /// The scope that the key needs.
    pub scope: Scope,
    /// Where to go when it is done: a path of this site.
    pub next: String,
    /// What people should know before they sign, such as what it costs.
    pub warnings: Vec<String>,
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
    sign_page_by(site, call, request, None).await
}

/// The same; any of `scopes` will do where they are named.
pub(super) async fn sign_page_by(
    site: &Arc<Site>,
    call: &Call,
    request: SignRequest,
    scopes: Option<&[Scope]>,
) -> Answer {
    let SignRequest { title, operations, labels, party, scope, next, warnings } = request;
    let user = call.user()?;
    let body = body_of(party).ok_or(Trouble::Forbidden)?;
    if operations.is_empty() {
        return Err(Trouble::Malformed("wallet-submit-none"));
    }
    if operations.len() > MOST_OPERATIONS {
        return Err(Trouble::Malformed("wallet-sign-many"));
    }
    let may = |operation| allowed::permissions(operation, party).iter().any(|permission| user.may(*permission, &body));
    if !operations.iter().all(may) {
        return Err(Trouble::Forbidden);
    }
    let now = site.now().await?;
    let own = site.registry.keys_of(user).await?;
    let scopes = scopes.unwrap_or(std::slice::from_ref(&scope));
    let fits = |key: &&keis_registry::keys::UserKey| {
        key.party == party && is_usable(key, now) && scopes.iter().any(|scope| key.scopes.has(*scope))
    };
    let keys = own.iter().filter(fits).map(|key| key.key.to_string()).collect();
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
