//! One's own keys: what each may do, how far it has come, and how to end it.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::{Scope, Scopes};
use keis_ledger::crypto::PublicKey;
use keis_ledger::operation::{Operation, Party, WalletOperation};
use keis_ledger::time::Timestamp;
use keis_registry::keys::{KeyError, KeyState, UserKey};
use keis_registry::permission::Permission;

use super::enrol::{page_data, parties, scopes_in_words};
use super::seats::{OfficerRow, known, rows as officer_rows};
use super::sign::{SignRequest, Signer, sign_page};
use super::{SIGNING, data_block, is_usable, phrases};
use crate::call::{Answer, Call, page, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

#[derive(Template)]
#[template(path = "wallet/list.html")]
struct ListPage {
    f: Frame,
    rows: Vec<Row>,
    officer: Vec<OfficerRow>,
    waits: bool,
    data: String,
    phrases: String,
}

struct Row {
    key: String,
    label: String,
    fingerprint: String,
    body: String,
    scopes: String,
    /// What the user's role allows and this key does not; a new key would.
    lacks: Option<String>,
    cap: Option<String>,
    valid: Option<String>,
    state: String,
    badge: &'static str,
    reason: Option<String>,
    /// It only waits: the request can be taken back.
    withdraws: bool,
    /// Another key, or this one, can sign its end.
    signs: bool,
    /// The operator can end it on the ledger.
    asks: bool,
}

pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    let user = call.user()?;
    if !user.grants.iter().any(|grant| grant.role.may(Permission::HoldKeys)) {
        return Err(Trouble::Forbidden);
    }
    let w = call.words();
    let now = site.now().await?;
    let keys = site.registry.keys_of(user).await?;
    let roles = parties(user);
    let rows: Vec<Row> = keys.iter().map(|key| row(w, key, (&keys, &roles), now)).collect();
    let officer = officer_rows(&site, w, user, now).await?;
    let waits = keys.iter().any(|key| key.state == KeyState::Requested);
    let data = data_block(&page_data(&site, user).await?)?;
    let phrases = phrases(w, &["keys-"])?;
    let f = call.frame(&site, Section::Wallet, w.text("wallet-title")).await?;
    let f = f.with_scripts(&["page.js", "wallet.js"]);
    page(&ListPage { f, rows, officer, waits, data, phrases })
}

fn row(w: &Words, key: &UserKey, (all, roles): (&[UserKey], &[(Party, Scopes)]), now: Timestamp) -> Row {
    let ended = key.until.is_some_and(|until| until <= now);
    let (state, badge) = match key.state {
        KeyState::Requested => ("wallet-state-requested", "wait"),
        KeyState::Approved | KeyState::Active if key.revoking => ("wallet-state-revoking", "wait"),
        KeyState::Approved => ("wallet-state-approved", "wait"),
        KeyState::Active if ended => ("wallet-state-ended", ""),
        KeyState::Active => ("wallet-state-active", "good"),
        KeyState::Refused => ("wallet-state-refused", "bad"),
        KeyState::Revoked => ("wallet-state-revoked", ""),
    };
    let stands = matches!(key.state, KeyState::Approved | KeyState::Active) && !key.revoking && !ended;
    let valid = key.from.map(|from| match key.until {
        Some(until) if until < Timestamp::LATEST => {
            w.with("wallet-valid", &[("from", &w.date(&from)), ("until", &w.date(&until))])
        }
        Some(_) | None => w.with1("wallet-valid-from", "from", &w.date(&from)),
    });
    Row {
        key: key.key.to_string(),
        label: key.label.clone(),
        fingerprint: key.fingerprint.clone(),
        body: key.body_name.clone(),
        scopes: scopes_in_words(w, key.party, key.scopes),
        lacks: lacks(w, key, roles).filter(|_| stands),
        cap: key.cap.map(|cap| w.money(&cap)),
        valid,
        state: w.text(state),
        badge,
        reason: key.reason.clone(),
        withdraws: key.state == KeyState::Requested,
        signs: stands && key.state == KeyState::Active && can_sign(all, key, now),
        asks: stands,
    }
}

/// What the user's role came to allow after the key was made.
fn lacks(w: &Words, key: &UserKey, roles: &[(Party, Scopes)]) -> Option<String> {
    let (_, of_role) = roles.iter().find(|(party, _)| *party == key.party)?;
    let missing: Vec<Scope> = of_role.iter().filter(|scope| !key.scopes.has(*scope)).collect();
    let named = scopes_in_words(w, key.party, Scopes::of(&missing));
    (!missing.is_empty()).then(|| w.with1("wallet-scopes-lack", "scopes", &named))
}

/// Some key of the user's for the same wallet can sign.
fn can_sign(all: &[UserKey], target: &UserKey, now: Timestamp) -> bool {
    let signs = |key: &&UserKey| SIGNING.iter().any(|scope| key.scopes.has(*scope));
    all.iter().filter(signs).any(|key| key.party == target.party && is_usable(key, now))
}

/// Ends a key: by a signature of the user's own, or, for who has lost it, by the operator's.
pub(super) async fn revoke(site: Arc<Site>, call: Call) -> Answer {
    let user = call.user()?;
    let w = call.words();
    let wanted: PublicKey = call.form.need("key")?;
    let keys = site.registry.keys_of(user).await?;
    let Some(key) = keys.iter().find(|key| key.key == wanted) else {
        return forget(&site, &call, wanted).await;
    };
    if call.form.ticked("sign") && can_sign(&keys, key, site.now().await?) {
        let request = SignRequest {
            title: w.text("wallet-revoke-title"),
            operations: vec![Operation::Wallet(WalletOperation::RevokeKey { key: wanted })],
            labels: vec![(wanted.to_string(), key.label.clone())],
            signer: Signer::Party { party: key.party, scopes: SIGNING.to_vec() },
            next: "/wallet".to_owned(),
            warnings: vec![w.text("wallet-revoke-note")],
        };
        return sign_page(&site, &call, request).await;
    }
    let flash = match site.registry.revoke_key(&user.actor(), key.id).await {
        Ok(()) if key.state == KeyState::Requested => Flash::good(w.text("wallet-withdrawn")),
        Ok(()) => Flash::good(w.text("wallet-revoke-sent")),
        Err(KeyError::Registry(error)) => return Err(error.into()),
        Err(
            KeyError::NotAllowed
            | KeyError::NoScope
            | KeyError::TooMany
            | KeyError::Known
            | KeyError::Text
            | KeyError::Own
            | KeyError::State(_)
            | KeyError::Period,
        ) => Flash::bad(w.text("wallet-revoke-not")),
    };
    call.flash(flash).await?;
    redirect("/wallet")
}

/// Forgets an officer's key that nobody has appointed. One that is appointed ends by governance, or with its time.
async fn forget(site: &Site, call: &Call, wanted: PublicKey) -> Answer {
    let user = call.user()?;
    let known = known(site, user).await?;
    let (key, seat) = known.into_iter().find(|(key, _)| key.key == wanted).ok_or(Trouble::NotFound)?;
    let w = call.words();
    let flash = match seat {
        Some(_) => Flash::bad(w.text("wallet-officer-appointed")),
        None => {
            site.registry.drop_officer_key(user, key.id).await?;
            Flash::good(w.text("wallet-withdrawn"))
        }
    };
    call.flash(flash).await?;
    redirect("/wallet")
}
