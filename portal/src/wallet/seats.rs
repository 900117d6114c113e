//! Officers' own keys: which of them governance has appointed, and what is to be asked of it for the others.
//!
//! The registry knows whose a key is, the ledger whether it is an officer's, of which institution and until when.

use std::sync::Arc;

use futures::future::try_join_all;
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::InstitutionId;
use keis_ledger::operation::Owner;
use keis_ledger::time::Timestamp;
use keis_registry::officers::{OfficerKey, offices};
use keis_registry::permission::Role;
use keis_registry::users::User;

use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// An office on the ledger that a key of the user's own has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The key.
    pub key: PublicKey,
    /// The role that signs with it.
    pub role: Role,
    /// For which institution.
    pub institution: InstitutionId,
    /// First instant of the office.
    pub from: Timestamp,
    /// The office has ended from this instant on.
    pub until: Timestamp,
}

impl Seat {
    /// Whether the key signs now.
    pub(crate) fn is_in_force(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.until
    }
}

/// The offices that keys of the user's own have now, and that the user still has by the directory's word.
pub(crate) async fn seats(site: &Site, user: &User, now: Timestamp) -> Result<Vec<Seat>, Trouble> {
    let held = offices(user);
    if held.is_empty() {
        return Ok(Vec::new());
    }
    let all = known(site, user).await?.into_iter().filter_map(|(_, seat)| seat);
    Ok(all.filter(|seat| seat.is_in_force(now) && held.contains(&seat.role)).collect())
}

/// The user's officer's keys, each with the office that the ledger gives it.
pub(super) async fn known(site: &Site, user: &User) -> Result<Vec<(OfficerKey, Option<Seat>)>, Trouble> {
    let keys = site.registry.officer_keys(user).await?;
    try_join_all(keys.into_iter().map(|key| async {
        let found = site.client.key(key.key).await?;
        let seat = found.and_then(|found| seat(key.key, found.owner, found.from, found.until));
        Ok((key, seat))
    }))
    .await
}

fn seat(key: PublicKey, owner: Owner, from: Timestamp, until: Timestamp) -> Option<Seat> {
    let (role, institution) = match owner {
        Owner::Operator(institution) => (Role::Officer, institution),
        Owner::BudgetHolder(institution) => (Role::BudgetOfficer, institution),
        Owner::Party(_) | Owner::Auditor(_) | Owner::Governance(_) => return None,
    };
    Some(Seat { key, role, institution, from, until })
}

/// A row of the page of one's own keys.
pub(super) struct OfficerRow {
    pub key: String,
    pub label: String,
    pub fingerprint: String,
    pub office: String,
    pub institution: String,
    pub state: String,
    pub badge: &'static str,
    /// What is to be run for its appointment, while there is none.
    pub command: Option<String>,
}

pub(super) async fn rows(site: &Arc<Site>, w: &Words, user: &User, now: Timestamp) -> Result<Vec<OfficerRow>, Trouble> {
    let known = known(site, user).await?;
    Ok(known.iter().map(|(key, seat)| row(site, w, key, seat.as_ref(), now)).collect())
}

fn row(site: &Site, w: &Words, key: &OfficerKey, seat: Option<&Seat>, now: Timestamp) -> OfficerRow {
    let (state, badge) = match seat {
        None => (w.text("wallet-officer-waits"), "wait"),
        Some(seat) if now < seat.from => (w.with1("wallet-officer-from", "from", &w.date_time(&seat.from)), "wait"),
        Some(seat) if seat.is_in_force(now) => {
            (w.with1("wallet-officer-until", "until", &w.date_time(&seat.until)), "good")
        }
        Some(seat) => (w.with1("wallet-officer-ended", "until", &w.date_time(&seat.until)), ""),
    };
    let role = seat.map_or(key.role, |seat| seat.role);
    let institution = seat.map(|seat| seat.institution).or_else(|| site.network.institutions.of(role));
    OfficerRow {
        key: key.key.to_string(),
        label: key.label.clone(),
        fingerprint: key.fingerprint.clone(),
        office: w.text(office_key(role)),
        institution: institution.map_or_else(|| "–".to_owned(), |id| site.network.institutions.name(id)),
        state,
        badge,
        command: seat.is_none().then(|| command(key, institution)),
    }
}

/// Key of an office's name.
pub(crate) fn office_key(role: Role) -> &'static str {
    match role {
        Role::Officer => "wallet-office-operator",
        Role::BudgetOfficer => "wallet-office-budget-holder",
        Role::Coordinator | Role::Teacher | Role::ProviderStaff => "wallet-office-none",
    }
}

/// What whoever keeps a governance key runs, so that the institutions appoint the key.
fn command(key: &OfficerKey, institution: Option<InstitutionId>) -> String {
    let office = match key.role {
        Role::BudgetOfficer => "budget-holder",
        Role::Officer | Role::Coordinator | Role::Teacher | Role::ProviderStaff => "operator",
    };
    let institution = institution.map_or_else(|| "INSTITUTION".to_owned(), |id| id.to_string());
    format!(
        "keis governance propose --appoint {} --office {office} --institution {institution} --wallet governance.wallet \
         --gateway https://GATEWAY",
        key.key
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_office_lasts_from_its_first_instant_to_before_its_last() {
        let seat = |owner| seat(PublicKey([1; 32]), owner, Timestamp(10), Timestamp(20));
        let operator = seat(Owner::Operator(InstitutionId([1; 16]))).expect("an office");
        for (now, expected) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(operator.is_in_force(Timestamp(now)), expected, "{now}");
        }
        assert_eq!(seat(Owner::Auditor(InstitutionId([1; 16]))), None);
        assert_eq!(seat(Owner::Governance(InstitutionId([1; 16]))), None);
    }
}
