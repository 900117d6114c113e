//! Keys that people make in their browsers, the page on which they sign, and the door through which what they signed goes
//! to the ledger. The server never holds a secret key: it names operations, the browser says them in words, holds them
//! against the form before, and signs. Knows no other room of pages.
//!
//! # Forms that lead to a signature
//! A form carries `data-intent` with the operation's path (`order.request`, `order.confirm`, `catalogue.open_session`,
//! `settlement.accept` …; `order.change` and `order.amend_attendance` are the two kinds of a proposed change), or its
//! button does; the page loads `page.js`. Inputs carry the operation's fields by these names, ids in their text form:
//! `session`, `pupil` (many), `price` and `school_money` (cents, or `data-unit="euro"`), `order`, `statement`, `key` (many,
//! one operation each), `line`, `absent`, `drop`, `add`, `added` (many; `present` boxes say `absent` by not being ticked),
//! `swap` (`LINE:pup_…`), `service`, `start`, `end` or `minutes`, `date` (with times of day), `place`, `capacity`.
//! `data-label` on an input must be the label that the signing page is given for the same id. The rules are in
//! `assets/judge.js`; what a form does not say is not signed.
//!
//! Officers sign with keys of their own that governance appointed: `settlement.approve`, `settlement.record_payment` …,
//! `governance.approve`, `governance.withdraw`, and proposals by their measure (`measure.resolve` …). Amounts of lines carry the
//! lines' numbers: `split` (`LINE:CENTS`, many). Payments go statement by statement: `payment` and `reference` with
//! `data-line` naming the statement. The bank's words (`reference`, `bank`) are what people typed, and the signing page must give them
//! as the commitment's label; or, like `account`, the commitment as the server gave it, in a second form after the one with the text.
//!
//! Labels of a signing page name ids by their text form, and an order's line as `ord_…/INDEX`.

mod allowed;
mod enrol;
mod list;
mod seats;
mod sign;
mod submit;

use std::sync::Arc;

use keis_ledger::classifiers::Scope;
use keis_ledger::operation::Party;
use keis_ledger::time::Timestamp;
use keis_registry::keys::{KeyState, UserKey};
use keis_registry::permission::Body;
use serde::Serialize;

use crate::route::{Route, get, post};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

pub(crate) use seats::{Seat, office_key, seats};
pub(crate) use sign::{SignRequest, Signer, has_key, sign_page};

/// Most operations of one signing page; the script knows the same bound.
pub(crate) const MOST_OPERATIONS: usize = 50;

/// The routes.
pub(crate) fn routes(site: &Arc<Site>) -> Vec<Route> {
    vec![
        get(site, "/wallet", list::list),
        get(site, "/wallet/new", enrol::new),
        get(site, "/wallet/recover", enrol::recover),
        post(site, "/wallet/keys", enrol::enrol),
        post(site, "/wallet/revoke", list::revoke),
        post(site, "/wallet/submit", submit::submit),
    ]
}

/// The body that a wallet stands for; pupils' wallets have none here.
fn body_of(party: Party) -> Option<Body> {
    match party {
        Party::School(school) => Some(Body::School(school)),
        Party::Provider(provider) => Some(Body::Provider(provider)),
        Party::Pupil(_, _) => None,
    }
}

/// Whether a key can sign now.
fn is_usable(key: &UserKey, now: Timestamp) -> bool {
    let in_time = key.from.is_none_or(|from| from <= now) && key.until.is_none_or(|until| now < until);
    key.state == KeyState::Active && !key.revoking && in_time
}

/// The scopes with which a key signs something.
const SIGNING: [Scope; 4] = [Scope::Propose, Scope::Order, Scope::Attendance, Scope::Settlement];

/// A value for a block of data in a page: nothing in it can end the block or begin another one.
fn data_block(value: &impl Serialize) -> Result<String, Trouble> {
    let text = serde_json::to_string(value).map_err(Trouble::internal)?;
    let escaped = |letter: char| match letter {
        '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => format!("\\u{:04x}", u32::from(letter)),
        _ => letter.to_string(),
    };
    Ok(text.chars().map(escaped).collect())
}

/// The phrases that a script fills in.
fn phrases(words: &Words, prefixes: &[&str]) -> Result<String, Trouble> {
    let all: std::collections::BTreeMap<String, String> =
        prefixes.iter().flat_map(|prefix| words.templates(prefix)).collect();
    data_block(&all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_block_cannot_be_left() {
        let name = "</script><script>alert('&\u{2028}')</script><!--";
        let block = data_block(&[name]).unwrap();
        assert!(!block.contains(['<', '>', '&', '\u{2028}']), "{block}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&block).unwrap(), [name]);
    }
}
