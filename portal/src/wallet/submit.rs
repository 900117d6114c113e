//! What browsers signed, on its way to the ledger. The ledger judges; this door keeps out what is no transaction of the
//! user's own, so that a session cannot be used to send somebody else's.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use keis_ledger::crypto::{Hash, PublicKey};
use keis_ledger::operation::{Operation, SettlementOperation, WalletOperation};
use keis_ledger::time::Timestamp;
use keis_ledger::transaction::{RawTransaction, VerifiedTransaction};
use keis_registry::keys::{self, UserKey};
use keis_registry::users::User;
use keis_wallet::client::{Outcome, Rejection};
use serde::{Deserialize, Serialize};
use warp::http::StatusCode;

use super::{MOST_OPERATIONS, Seat, allowed, body_of, is_usable, seats};
use crate::call::{Answer, Call, json, local_path};
use crate::frame::Flash;
use crate::site::Site;
use crate::words::Words;

/// How long the browser waits for the ledger at the most; it may send the same bytes again.
const PATIENCE: Duration = Duration::from_secs(40);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission {
    transactions: Vec<String>,
    next: String,
}

#[derive(Serialize)]
struct Told {
    results: Vec<Fate>,
    next: String,
}

/// What became of one transaction.
#[derive(Debug, Serialize)]
struct Fate {
    id: String,
    state: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    code: String,
    text: String,
    advice: String,
}

#[derive(Serialize)]
struct Refusal {
    text: String,
}

/// Why nothing is sent: the key of a sentence.
type Unfit = &'static str;

pub(super) async fn submit(site: Arc<Site>, call: Call) -> Answer {
    let user = call.user()?;
    let w = call.words();
    let Ok(submission) = serde_json::from_slice::<Submission>(&call.body) else {
        return json(StatusCode::BAD_REQUEST, &Refusal { text: w.text("wallet-submit-malformed") });
    };
    let keys = site.registry.keys_of(user).await?;
    let now = site.now().await?;
    let checked: Result<Vec<_>, Unfit> = match submission.transactions.len() {
        0 => Err("wallet-submit-none"),
        1..=MOST_OPERATIONS => {
            let own = Own { user, keys: &keys, seats: seats(&site, user, now).await?, now };
            submission.transactions.iter().map(|hex| check(&site.network.hash, &own, hex)).collect()
        }
        _ => Err("wallet-sign-many"),
    };
    let transactions = match checked {
        Ok(transactions) => transactions,
        Err(unfit) => return json(StatusCode::BAD_REQUEST, &Refusal { text: w.text(unfit) }),
    };
    let results = join_all(transactions.iter().map(|one| send(&site, w, &keys, one))).await;
    if results.iter().all(|fate| fate.state == "included") {
        call.flash(Flash::good(w.count("wallet-done", results.len()))).await?;
    }
    json(StatusCode::OK, &Told { results, next: local_path(&submission.next).to_owned() })
}

/// The transaction is well formed, signed by a key of the user's that stands, and asks for what the user may ask for there.
fn check(network: &Hash, own: &Own<'_>, digits: &str) -> Result<VerifiedTransaction, Unfit> {
    let raw = hex::decode(digits).map_err(|_| "wallet-submit-malformed")?;
    let parsed = RawTransaction(raw).parse(network).map_err(|_| "wallet-submit-malformed")?;
    let transaction = parsed.verify(network).map_err(|_| "wallet-submit-malformed")?;
    let body = transaction.body();
    let may = own.may(body.signer, &body.operation)?;
    if may && body.behalf.is_none() { Ok(transaction) } else { Err("wallet-submit-not-allowed") }
}

/// What the user can sign with.
struct Own<'a> {
    user: &'a User,
    keys: &'a [UserKey],
    seats: Vec<Seat>,
    now: Timestamp,
}

impl Own<'_> {
    /// Whether the user may ask for this with a key, which must be the user's own.
    fn may(&self, signer: PublicKey, operation: &Operation) -> Result<bool, Unfit> {
        if let Some(seat) = self.seats.iter().find(|seat| seat.key == signer) {
            return Ok(allowed::officer_may(seat.role, operation));
        }
        let key = self.keys.iter().find(|key| key.key == signer && is_usable(key, self.now));
        let party = key.ok_or("wallet-submit-not-yours")?.party;
        let for_whom = body_of(party).ok_or("wallet-submit-not-yours")?;
        let permissions = allowed::permissions(operation, party);
        Ok(permissions.iter().any(|permission| self.user.may(*permission, &for_whom)))
    }
}

async fn send(site: &Site, w: &Words, keys: &[UserKey], transaction: &VerifiedTransaction) -> Fate {
    let id = transaction.id().to_string();
    let fate = |state, code: String, text, advice| Fate { id: id.clone(), state, code, text, advice };
    match site.client.submit_and_wait(transaction, PATIENCE).await {
        Ok(Outcome::Included(_)) => {
            if let Err(error) = note_revocation(site, keys, transaction).await {
                // The ledger has it; reconciliation finds what the registry does not know yet.
                tracing::error!(error = &error as &dyn std::error::Error, "a revoked key was not noted");
            }
            if let Err(error) = tell_refused(site, transaction).await {
                // The statement's page shows it all the same.
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a provider got no notice of a refused invoice"
                );
            }
            fate("included", String::new(), String::new(), String::new())
        }
        Ok(Outcome::Refused(rejection) | Outcome::Dropped { rejection, .. }) => {
            let (text, advice) = told(w, &rejection);
            fate("refused", rejection.code, text, advice)
        }
        Ok(Outcome::Expired) => {
            fate("expired", "expired".into(), w.text("wallet-submit-expired"), w.text("wallet-advice-again"))
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a signed transaction's fate is not known");
            fate("unknown", String::new(), w.text("wallet-submit-unknown"), String::new())
        }
    }
}

/// A key that its owner ended on the ledger is told so at once.
async fn note_revocation(
    site: &Site,
    keys: &[UserKey],
    transaction: &VerifiedTransaction,
) -> Result<(), keis_registry::RegistryError> {
    let Operation::Wallet(WalletOperation::RevokeKey { key }) = &transaction.body().operation else { return Ok(()) };
    let Some(known) = keys.iter().find(|known| known.key == *key) else { return Ok(()) };
    let mut work = site.registry.begin().await?;
    keys::mark_revoked(&mut work, known.id).await?;
    work.commit().await
}

/// A provider whose invoice was refused gets notice.
async fn tell_refused(site: &Site, transaction: &VerifiedTransaction) -> Result<(), keis_registry::RegistryError> {
    match &transaction.body().operation {
        Operation::Settlement(SettlementOperation::RejectInvoice { statement, .. }) => {
            site.registry.tell_refused(*statement).await
        }
        Operation::Settlement(_)
        | Operation::Funds(_)
        | Operation::Wallet(_)
        | Operation::Catalogue(_)
        | Operation::Order { .. }
        | Operation::Governance(_)
        | Operation::Rate { .. } => Ok(()),
    }
}

/// The rule's sentence, and what to do.
fn told(w: &Words, rejection: &Rejection) -> (String, String) {
    let key = format!("rejection-{}", rejection.code);
    let text = if w.has(&key) { w.text(&key) } else { w.with1("wallet-submit-refused", "code", &rejection.code) };
    (text, w.text(advice(&rejection.code)))
}

/// What to do about a refusal: the key of a sentence.
fn advice(code: &str) -> &'static str {
    match code {
        "key_unknown" | "key_inactive" | "scope_missing" | "cap_exceeded" => "wallet-advice-key",
        "not_permitted" | "behalf_not_allowed" | "not_yours" | "both_sides" => "wallet-advice-officer",
        "session_full" | "session_closed" | "service_not_offered" | "price_differs" => "wallet-advice-session",
        "pupil_elsewhere" | "not_enrolled" | "grade_not_offered" => "wallet-advice-pupils",
        "funds_missing" | "school_money_exceeded" => "wallet-advice-money",
        "too_early" => "wallet-advice-wait",
        _ => "wallet-advice-again",
    }
}
