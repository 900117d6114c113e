//! Making a key in the browser, bringing one back from its recovery sheet, and asking for its approval.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::{Scope, Scopes};
use keis_ledger::crypto::{Hash, PublicKey, Signature};
use keis_ledger::operation::Party;
use keis_registry::ids::UserId;
use keis_registry::keys::{KeyError, KeyRequest};
use keis_registry::officers::offices;
use keis_registry::permission::{Body, Permission, Role};
use keis_registry::users::User;
use serde::{Deserialize, Serialize};
use warp::http::StatusCode;

use super::{data_block, office_key, phrases};
use crate::call::{Answer, Call, json, page};
use crate::frame::{Flash, Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Opens what proves that whoever asks for a key's approval holds it.
const TAG: &[u8; 16] = b"KEIS/enrol/0001\0";
/// Longest name of a device, in characters.
const LONGEST_LABEL: usize = 60;

#[derive(Template)]
#[template(path = "wallet/key.html")]
struct KeyPage {
    f: Frame,
    recovers: bool,
    bodies: Vec<Choice>,
    intro: String,
    longest_label: usize,
    data: String,
    phrases: String,
}

/// A school, provider or office that the user can have a key for. An office goes by the name of its body.
struct Choice {
    party: String,
    name: String,
    scopes: String,
}

#[derive(Serialize)]
pub(super) struct PageData {
    network: Hash,
    user: String,
    known: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrolment {
    key: PublicKey,
    label: String,
    party: String,
    proof: Signature,
}

#[derive(Serialize)]
struct Told {
    text: String,
}

pub(super) async fn new(site: Arc<Site>, call: Call) -> Answer {
    key_page(site, call, false).await
}

pub(super) async fn recover(site: Arc<Site>, call: Call) -> Answer {
    key_page(site, call, true).await
}

async fn key_page(site: Arc<Site>, call: Call, recovers: bool) -> Answer {
    let w = call.words();
    let user = call.user()?;
    let mut bodies = Vec::new();
    for (party, scopes) in parties(user) {
        let name = name_of(&site, party).await?;
        let party_text = match party {
            Party::School(id) => id.to_string(),
            Party::Provider(id) => id.to_string(),
            Party::Pupil(_, _) => continue,
        };
        bodies.push(Choice { party: party_text, name, scopes: scopes_in_words(w, party, scopes) });
    }
    let of_parties = bodies.len();
    bodies.extend(offices(user).into_iter().map(|role| Choice {
        party: role.to_string(),
        name: w.text(office_key(role)),
        scopes: w.text("wallet-scope-office"),
    }));
    if bodies.is_empty() {
        return Err(Trouble::Forbidden);
    }
    let intro = w.text(match (recovers, of_parties) {
        (true, _) => "wallet-recover-intro",
        (false, 0) => "wallet-new-intro-officer",
        (false, _) => "wallet-new-intro",
    });
    let title = w.text(if recovers { "wallet-recover-title" } else { "wallet-new-title" });
    let data = data_block(&page_data(&site, user).await?)?;
    let phrases = phrases(w, &["keys-"])?;
    let f = call.frame(&site, Section::Wallet, title).await?.with_scripts(&["wallet.js"]);
    page(&KeyPage { f, recovers, bodies, intro, longest_label: LONGEST_LABEL, data, phrases })
}

/// What the scripts of the pages of keys know of the user.
pub(super) async fn page_data(site: &Site, user: &User) -> Result<PageData, Trouble> {
    let mut known: Vec<String> = site.registry.keys_of(user).await?.iter().map(|key| key.key.to_string()).collect();
    known.extend(site.registry.officer_keys(user).await?.iter().map(|key| key.key.to_string()));
    Ok(PageData { network: site.network.hash, user: hex::encode(user.id.0), known })
}

async fn name_of(site: &Site, party: Party) -> Result<String, Trouble> {
    let name = match party {
        Party::School(id) => site.registry.school(id).await?.map(|school| school.name),
        Party::Provider(id) => site.registry.provider(id).await?.map(|provider| provider.name),
        Party::Pupil(_, _) => None,
    };
    Ok(name.unwrap_or_else(|| "?".to_owned()))
}

/// The wallets that the user can have a key for, each with the scopes of the role that has most there.
pub(super) fn parties(user: &User) -> Vec<(Party, Scopes)> {
    let mut all: Vec<(Party, Scopes)> = Vec::new();
    for grant in user.grants.iter().filter(|grant| grant.role.may(Permission::HoldKeys)) {
        let party = match grant.body {
            Body::School(school) => Party::School(school),
            Body::Provider(provider) => Party::Provider(provider),
            Body::Operator | Body::BudgetHolder => continue,
        };
        let scopes = grant.role.scopes();
        match all.iter_mut().find(|(known, _)| *known == party) {
            Some((_, known)) if known.iter().count() < scopes.iter().count() => *known = scopes,
            Some(_) => {}
            None => all.push((party, scopes)),
        }
    }
    all
}

/// What a key may do, for people.
pub(super) fn scopes_in_words(w: &Words, party: Party, scopes: Scopes) -> String {
    let word = |scope| match (scope, party) {
        (Scope::Propose, _) => "wallet-scope-propose",
        (Scope::Order, Party::Provider(_)) => "wallet-scope-order-provider",
        (Scope::Order, Party::School(_) | Party::Pupil(_, _)) => "wallet-scope-order",
        (Scope::Attendance, _) => "wallet-scope-attendance",
        (Scope::Settlement, Party::Provider(_)) => "wallet-scope-settlement",
        (Scope::Settlement, Party::School(_) | Party::Pupil(_, _)) => "wallet-scope-settlement-school",
        (Scope::Read, _) => "wallet-scope-read",
    };
    scopes.iter().map(|scope| w.text(word(scope))).collect::<Vec<_>>().join(", ")
}

/// Asks for the approval of a key that the browser has made.
pub(super) async fn enrol(site: Arc<Site>, call: Call) -> Answer {
    let user = call.user()?;
    let w = call.words();
    let refused = |status, key: &str| json(status, &Told { text: w.text(key) });
    let Ok(Enrolment { key, label, party, proof }) = serde_json::from_slice(&call.body) else {
        return refused(StatusCode::BAD_REQUEST, "wallet-submit-malformed");
    };
    let label = label.trim();
    if label.is_empty() || label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
        return refused(StatusCode::BAD_REQUEST, "wallet-key-label-bad");
    }
    let Some(wanted) = wanted(user, &party) else {
        return refused(StatusCode::FORBIDDEN, "wallet-key-party-bad");
    };
    if !key.verify(&proven(&site.network.hash, user.id, key), &proof) {
        return refused(StatusCode::BAD_REQUEST, "wallet-key-proof-bad");
    }
    let (taken, done) = match wanted {
        Wanted::Party(party, scopes) => {
            let request = KeyRequest { party, key, scopes, label: label.to_owned() };
            (site.registry.request_key(user, &request).await, "wallet-added")
        }
        Wanted::Office(role) => (site.registry.add_officer_key(user, role, key, label).await, "wallet-officer-added"),
    };
    match taken {
        Ok(_) => {
            call.flash(Flash::good(w.with1(done, "id", label))).await?;
            json(StatusCode::OK, &Told { text: String::new() })
        }
        Err(KeyError::Known) => refused(StatusCode::CONFLICT, "wallet-key-taken"),
        Err(KeyError::TooMany) => refused(StatusCode::CONFLICT, "wallet-key-many"),
        Err(KeyError::Text) => refused(StatusCode::BAD_REQUEST, "wallet-key-label-bad"),
        Err(KeyError::NotAllowed | KeyError::NoScope | KeyError::Own | KeyError::State(_) | KeyError::Period) => {
            refused(StatusCode::FORBIDDEN, "wallet-key-party-bad")
        }
        Err(KeyError::Registry(error)) => Err(error.into()),
    }
}

/// What a key is to act for.
enum Wanted {
    Party(Party, Scopes),
    Office(Role),
}

/// What a browser's word names, if the user can have a key for it.
fn wanted(user: &User, text: &str) -> Option<Wanted> {
    if let Ok(role) = text.parse::<Role>() {
        return offices(user).contains(&role).then_some(Wanted::Office(role));
    }
    let party = text.parse().map(Party::School).or_else(|_| text.parse().map(Party::Provider)).ok()?;
    let (party, scopes) = parties(user).into_iter().find(|(known, _)| *known == party)?;
    Some(Wanted::Party(party, scopes))
}

fn proven(network: &Hash, user: UserId, key: PublicKey) -> Vec<u8> {
    [TAG.as_slice(), &network.0, &user.0, &key.0].concat()
}

#[cfg(test)]
mod tests {
    use keis_ledger::ids::{ProviderId, SchoolId};
    use keis_registry::users::Grant;

    use super::*;
    use crate::words::LANGS;

    #[test]
    fn the_role_with_most_scopes_counts_and_offices_are_no_parties() {
        let school = SchoolId([1; 16]);
        let provider = ProviderId([2; 16]);
        let grants = vec![
            Grant { role: Role::Teacher, body: Body::School(school) },
            Grant { role: Role::Coordinator, body: Body::School(school) },
            Grant { role: Role::ProviderStaff, body: Body::Provider(provider) },
            Grant { role: Role::Officer, body: Body::Operator },
        ];
        let user = User { id: UserId([3; 16]), name: String::new(), grants };
        let wanted = [
            (Party::School(school), Role::Coordinator.scopes()),
            (Party::Provider(provider), Role::ProviderStaff.scopes()),
        ];
        assert_eq!(parties(&user), wanted);
    }

    #[test]
    fn scopes_have_words_that_fit_the_side() {
        for lang in LANGS {
            let school = scopes_in_words(lang.words(), Party::School(SchoolId([1; 16])), Scopes::all());
            let provider = scopes_in_words(lang.words(), Party::Provider(ProviderId([1; 16])), Scopes::all());
            assert_ne!(school, provider);
            assert!(!school.contains("wallet-") && school.split(", ").count() == 5, "{school}");
        }
    }
}
