//! An operation in words: what a person reads before signing. Every name and number that is signed and fits in a line is told.

use keis_ledger::classifiers::Scopes;
use keis_ledger::operation::{
    CatalogueOperation, Change, FundsOperation, Operation, OrderAction, Party, ServiceTerms, SessionOffer,
    WalletOperation,
};
use serde::Serialize;

use crate::words::{count, instant};

mod measure;
mod settlement;

pub(crate) use measure::{decision_words, threshold_words};

/// Longest list that is told item by item.
const TOLD: usize = 6;

/// The operation in one or a few sentences.
pub fn summary(operation: &Operation) -> String {
    match operation {
        Operation::Funds(operation) => funds(operation),
        Operation::Wallet(operation) => wallet(operation),
        Operation::Catalogue(operation) => catalogue(operation),
        Operation::Order { year, order, action } => format!("Order {order} of {year}: {}", action_words(action)),
        Operation::Settlement(operation) => settlement::settlement(operation),
        Operation::Governance(operation) => measure::governance(operation),
        Operation::Rate { year, order, score, facts } => {
            let facts: Vec<_> = facts.iter().map(|fact| name(&fact)).collect();
            let facts = if facts.is_empty() { "nothing".to_owned() } else { facts.join(", ") };
            format!("Rate order {order} of {year} with {} of 5; as it should be: {facts}.", score.get())
        }
    }
}

/// A party in words.
pub(super) fn party_words(party: &Party) -> String {
    match party {
        Party::Pupil(year, pupil) => format!("pupil {pupil} of {year}"),
        Party::School(school) => format!("school {school}"),
        Party::Provider(provider) => format!("provider {provider}"),
    }
}

fn funds(operation: &FundsOperation) -> String {
    match operation {
        FundsOperation::OpenYear { year, parameters, budget, reserve } => format!(
            "Open the year {year} with a budget of {budget} and a reserve of {reserve}; {} a pupil, services from {} to {}.",
            parameters.amount_per_pupil,
            instant(parameters.window_from),
            instant(parameters.window_until)
        ),
        FundsOperation::Allocate { year, pupils } => {
            format!("Give the money of {year} to {}.", listed(pupils, "pupil"))
        }
        FundsOperation::RecordSchoolMoney { year, school, amount } => {
            format!("Record that school {school} paid in {amount} for {year}.")
        }
        FundsOperation::EndYear { year } => {
            format!("End the year {year}: no new orders; free money returns to its source.")
        }
        FundsOperation::SealYear { year } => {
            format!("Seal the year {year} for good: one entry takes the place of all its records.")
        }
    }
}

fn wallet(operation: &WalletOperation) -> String {
    match operation {
        WalletOperation::OpenSchools { schools } => {
            let ids: Vec<_> = schools.iter().map(|school| school.school).collect();
            format!("Open wallets of {}.", listed(&ids, "school"))
        }
        WalletOperation::OpenProviders { providers } => {
            let ids: Vec<_> = providers.iter().map(|provider| provider.provider).collect();
            format!("Open wallets of {}.", listed(&ids, "provider"))
        }
        WalletOperation::OpenPupils { year, pupils } => {
            let ids: Vec<_> = pupils.iter().map(|pupil| pupil.pupil).collect();
            format!("Open wallets of {year} of {}.", listed(&ids, "pupil"))
        }
        WalletOperation::BindKeys { grants } => {
            let lines = grants.iter().take(TOLD).map(|grant| {
                format!(
                    "\n  {} to {}, from {} until {}, may {}, at most {} an order",
                    grant.key,
                    party_words(&grant.party),
                    instant(grant.from),
                    instant(grant.until),
                    scopes(grant.scopes),
                    grant.cap
                )
            });
            let more = if grants.len() > TOLD { "\n  and others" } else { "" };
            format!("Bind {}:{}{more}", count(grants.len(), "key"), lines.collect::<String>())
        }
        WalletOperation::RevokeKey { key } => format!("Revoke the key {key}."),
        WalletOperation::MovePupil { year, pupil, school, grade, keep_lines } => {
            format!("Move pupil {pupil} of {year} to school {school}, grade {grade}; {}.", lines_words(*keep_lines))
        }
        WalletOperation::MovePupils { year, moves, keep_lines } => {
            let told: Vec<_> =
                moves.iter().map(|one| format!("{} to {}, grade {}", one.pupil, one.school, one.grade)).collect();
            format!("Move {} of {year}; {}.", listed(&told, "pupil"), lines_words(*keep_lines))
        }
        WalletOperation::RevokeAllKeys { party } => {
            format!("Revoke every key of {}, also those that have not begun.", party_words(party))
        }
        WalletOperation::Suspend { party } => format!("Suspend new orders of {}.", party_words(party)),
        WalletOperation::Reinstate { party } => format!("End the suspension of {}.", party_words(party)),
        WalletOperation::Close { party } => format!("Close the wallet of {} for good.", party_words(party)),
    }
}

fn catalogue(operation: &CatalogueOperation) -> String {
    match operation {
        CatalogueOperation::Publish { service, provider, terms } => {
            format!("Publish service {service} of provider {provider}: {}.", terms_words(terms))
        }
        CatalogueOperation::Amend { service, terms } => {
            format!("Publish a new version of service {service}: {}.", terms_words(terms))
        }
        CatalogueOperation::Suspend { service } => format!("Suspend new orders of service {service}."),
        CatalogueOperation::Reinstate { service } => format!("End the suspension of service {service}."),
        CatalogueOperation::Withdraw { service } => format!("Take service {service} out of the catalogue for good."),
        CatalogueOperation::OpenSession { year, session, service, offer } => {
            format!("Offer session {session} of service {service} in {year}: {}.", offer_words(offer))
        }
        CatalogueOperation::AmendSession { year, session, offer } => {
            format!("Change session {session} of {year} to: {}.", offer_words(offer))
        }
        CatalogueOperation::CloseSession { year, session } => {
            format!("Take no more orders into session {session} of {year}.")
        }
    }
}

fn lines_words(keep: bool) -> &'static str {
    if keep { "booked lines stay" } else { "booked lines are dropped and their money released" }
}

fn action_words(action: &OrderAction) -> String {
    match action {
        OrderAction::Propose { session, pupils } => {
            format!("propose session {session} for {}; no money moves.", listed(pupils, "pupil"))
        }
        OrderAction::Request { session, pupils, price, school_money } => {
            let whole = price.checked_mul(pupils.len() as u64);
            let whole = whole.map(|whole| format!(", {whole} in all")).unwrap_or_default();
            format!(
                "request session {session} for {} at {price} each{whole}, at most {school_money} of it the school's own money.",
                listed(pupils, "pupil")
            )
        }
        OrderAction::Confirm => "confirm it.".to_owned(),
        OrderAction::Decline => "decline it; the money held returns.".to_owned(),
        OrderAction::ProposeChange(change) => format!("propose to the other side {}.", change_words(change)),
        OrderAction::AcceptChange => "accept the change that the other side proposed.".to_owned(),
        OrderAction::DropChange => "drop the proposed change.".to_owned(),
        OrderAction::Swap { lines } => {
            let swaps: Vec<_> = lines.iter().map(|(line, pupil)| format!("line {line} to {pupil}")).collect();
            format!("put other pupils into {}.", listed(&swaps, "line"))
        }
        OrderAction::DropLines { lines } => format!("drop {}; late, a share is due.", listed(lines, "line")),
        OrderAction::Cancel => "cancel it; late, a share is due.".to_owned(),
        OrderAction::ReportDelivery { absent } => format!("report that it took place, {}.", absent_words(absent)),
        OrderAction::ConfirmAttendance { absent, added } => {
            let added = if added.is_empty() { String::new() } else { format!(", added: {}", listed(added, "pupil")) };
            format!("confirm who was there, {}{added}.", absent_words(absent))
        }
        OrderAction::Dispute => {
            "dispute it; its money is frozen until the dispute is taken back or decided.".to_owned()
        }
        OrderAction::WithdrawDispute => "take one's own dispute back.".to_owned(),
    }
}

fn change_words(change: &Change) -> String {
    match change {
        Change::Booking { session, drop, add } => {
            let mut parts = Vec::new();
            parts.extend(session.map(|session| format!("to move to session {session}")));
            if !drop.is_empty() {
                parts.push(format!("to drop {} without charge", listed(drop, "line")));
            }
            if !add.is_empty() {
                parts.push(format!("to add {}", listed(add, "pupil")));
            }
            if parts.is_empty() { "no change at all".to_owned() } else { parts.join(" and ") }
        }
        Change::Attendance { absent } => format!("other attendance, {}", absent_words(absent)),
    }
}

fn terms_words(terms: &ServiceTerms) -> String {
    format!(
        "{} ({}), grades {} to {}, {} a pupil, at most {} a session, VAT {}, at {}, from {} until {}, document {}",
        name(&terms.kind),
        name(&terms.field),
        terms.grades.from,
        terms.grades.until,
        terms.price,
        count(usize::from(terms.capacity), "pupil"),
        name(&terms.vat),
        listed(&terms.venues, "place"),
        instant(terms.from),
        instant(terms.until),
        terms.document
    )
}

fn offer_words(offer: &SessionOffer) -> String {
    format!(
        "{} to {} at {}, {}",
        instant(offer.start),
        instant(offer.end),
        offer.place,
        count(usize::from(offer.capacity), "place")
    )
}

fn absent_words(absent: &[u16]) -> String {
    if absent.is_empty() { "nobody absent".to_owned() } else { format!("absent: {}", listed(absent, "line")) }
}

fn scopes(scopes: Scopes) -> String {
    let names: Vec<_> = scopes.iter().map(|scope| name(&scope)).collect();
    if names.is_empty() { "do nothing".to_owned() } else { names.join(", ") }
}

/// How many there are, and which while they are few.
fn listed(items: &[impl ToString], one: &str) -> String {
    let number = count(items.len(), one);
    if items.is_empty() {
        return format!("no {one}");
    }
    let told: Vec<_> = items.iter().take(TOLD).map(ToString::to_string).collect();
    let more = if items.len() > TOLD { " and others" } else { "" };
    format!("{number} ({}{more})", told.join(", "))
}

/// The ledger's own name of a variant, as words.
fn name(variant: &impl Serialize) -> String {
    let value = serde_json::to_value(variant).unwrap_or_default();
    value.as_str().unwrap_or_default().replace('_', " ")
}
