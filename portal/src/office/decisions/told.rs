//! Measures in words: everything that a measure says, of all kinds.

use std::sync::Arc;

use keis_ledger::chain::Validator;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, OrderId, ProviderId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Admission, ClosureScope, Measure, Owner, Party};
use keis_ledger::parameters::NetworkLimits;
use keis_ledger::time::{Span, Timestamp};

use super::lines;
use crate::call::{Acting, Call};
use crate::catalogue::names;
use crate::office::{acts, year};
use crate::public::terms;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// A measure as people read it.
#[derive(Default)]
pub(super) struct Told {
    /// What it says.
    pub(super) facts: Vec<(String, String)>,
    /// What it says of each line of an order.
    pub(super) lines: Vec<ToldLine>,
}

/// What a measure says of a line.
pub(super) struct ToldLine {
    /// Whose it is.
    pub(super) name: String,
    /// What becomes of it.
    pub(super) amount: String,
}

type Facts = Vec<(String, String)>;

/// Everything that a measure says.
pub(super) async fn told(site: &Arc<Site>, call: &Call, acting: &Acting, measure: &Measure) -> Result<Told, Trouble> {
    let w = call.words();
    let facts = match measure {
        Measure::Resolve { year, order, split } => return resolved(site, call, acting, (*year, *order), split).await,
        Measure::Reverse { year, order, lines } => return reversed(site, call, acting, (*year, *order), lines).await,
        Measure::SetNetworkParameters { limits } => network(w, limits),
        Measure::SetProgrammeParameters { year, parameters } => {
            let mut facts = vec![(w.text("decisions-year"), year.to_string())];
            facts.extend(year::rules(w, parameters));
            facts
        }
        Measure::SetValidators { validators, admitted } => members(site, w, validators, admitted),
        Measure::AppointOfficer { key, owner, from, until } => vec![
            (w.text("decisions-key"), key.to_string()),
            (w.text("decisions-office"), owner_words(site, w, *owner)),
            (w.text("decisions-from"), w.date_time(from)),
            (w.text("decisions-to"), w.date_time(until)),
        ],
        Measure::DismissOfficer { key } => vec![(w.text("decisions-key"), key.to_string())],
        Measure::ReplaceGovernanceKeys { institution, keys } => {
            let mut facts = vec![(w.text("decisions-institution"), site.network.institutions.name(*institution))];
            facts.extend(keys.iter().map(|key| (w.text("decisions-key"), key.to_string())));
            facts
        }
        Measure::SwitchProtocol { version, height } => {
            vec![(w.text("decisions-version"), version.to_string()), (w.text("decisions-height"), w.number(height.0))]
        }
        Measure::ForceMajeure { year, from, until, scope } => {
            closure(site, call, *year, (*from, *until), *scope).await?
        }
        Measure::Extend { year, from, until, by } => extension(w, *year, (*from, *until), *by),
        Measure::Succeed { from, to, years } => succession(site, w, *from, *to, years).await?,
        Measure::ChangePaymentAccount { provider, account } => paid_where(site, w, acting, *provider, *account).await?,
    };
    Ok(Told { facts, lines: Vec::new() })
}

/// A dispute decided line by line.
async fn resolved(
    site: &Arc<Site>,
    call: &Call,
    acting: &Acting,
    (year, order): (Year, OrderId),
    split: &[Cents],
) -> Result<Told, Trouble> {
    let w = call.words();
    let view = site.client.order_lines(year, order).await?.ok_or(Trouble::NotFound)?;
    let names = lines::names(site, call, acting, &view).await?;
    let mut facts = lines::facts(site, call, &view).await?;
    facts.push((w.text("decisions-to-provider"), w.money(&lines::sum(split.iter().copied()))));
    let told = names.into_iter().zip(split).map(|(name, amount)| ToldLine { name, amount: w.money(amount) });
    Ok(Told { facts, lines: told.collect() })
}

/// Lines of which everything is given back.
async fn reversed(
    site: &Arc<Site>,
    call: &Call,
    acting: &Acting,
    (year, order): (Year, OrderId),
    named: &[u16],
) -> Result<Told, Trouble> {
    let w = call.words();
    let view = site.client.order_lines(year, order).await?.ok_or(Trouble::NotFound)?;
    let names = lines::names(site, call, acting, &view).await?;
    let facts = lines::facts(site, call, &view).await?;
    let told = named.iter().filter_map(|index| {
        let (name, line) = names.get(usize::from(*index)).zip(view.order.lines.get(usize::from(*index)))?;
        let back = w.with1("decisions-back", "amount", &w.money(&lines::due(line)));
        Some(ToldLine { name: name.clone(), amount: back })
    });
    Ok(Told { facts, lines: told.collect() })
}

fn network(w: &Words, limits: &NetworkLimits) -> Facts {
    let seconds = |span: Span| w.count("decisions-seconds", span.0 / 1000);
    vec![
        (w.text("decisions-max-validity"), terms::span(w, limits.max_validity)),
        (w.text("decisions-step-budget"), w.number(limits.step_budget)),
        (w.text("decisions-max-block"), w.number(limits.max_block_bytes)),
        (w.text("decisions-max-touched"), w.number(limits.max_touched)),
        (w.text("decisions-clock-bound"), seconds(limits.clock_bound)),
    ]
}

fn members(site: &Site, w: &Words, validators: &[Validator], admitted: &[Admission]) -> Facts {
    let name = |id| site.network.institutions.name(id);
    let seat = |one: &Validator| {
        let weight = w.with1("decisions-weight", "weight", &w.number(one.power));
        (w.text("decisions-validator"), format!("{}, {weight}, {}", name(one.institution), one.key))
    };
    let joins = |one: &Admission| {
        let keys: Vec<String> = one.keys.iter().map(ToString::to_string).collect();
        (w.text("decisions-joins"), format!("{}: {}", name(one.institution), keys.join(", ")))
    };
    validators.iter().map(seat).chain(admitted.iter().map(joins)).collect()
}

fn owner_words(site: &Site, w: &Words, owner: Owner) -> String {
    let name = |id| site.network.institutions.name(id);
    let (key, institution) = match owner {
        Owner::Operator(institution) => ("wallet-office-operator", name(institution)),
        Owner::BudgetHolder(institution) => ("wallet-office-budget-holder", name(institution)),
        Owner::Auditor(institution) => ("decisions-auditor", name(institution)),
        Owner::Governance(institution) => ("decisions-governance-key", name(institution)),
        Owner::Party(_) => ("wallet-office-none", String::new()),
    };
    format!("{}: {institution}", w.text(key))
}

/// A window of time: its end does not belong to it.
fn window(w: &Words, (from, until): (Timestamp, Timestamp)) -> Facts {
    vec![(w.text("decisions-window-from"), w.date_time(&from)), (w.text("decisions-window-until"), w.date_time(&until))]
}

/// Force majeure.
pub(super) async fn closure(
    site: &Arc<Site>,
    call: &Call,
    year: Year,
    times: (Timestamp, Timestamp),
    scope: ClosureScope,
) -> Result<Facts, Trouble> {
    let w = call.words();
    let mut facts = vec![(w.text("decisions-year"), year.to_string())];
    facts.extend(window(w, times));
    facts.push((w.text("decisions-scope"), scope_words(site, call, scope).await?));
    Ok(facts)
}

/// Which sessions a closure means.
pub(super) async fn scope_words(site: &Arc<Site>, call: &Call, scope: ClosureScope) -> Result<String, Trouble> {
    let w = call.words();
    Ok(match scope {
        ClosureScope::Everything => w.text("decisions-scope-everything"),
        ClosureScope::Place(place) => w.with1("decisions-scope-place", "name", &names::place(w, place)),
        ClosureScope::Provider(provider) => {
            let name = acts::party_name(site, Party::Provider(provider)).await?;
            w.with1("decisions-scope-provider", "name", &name)
        }
        ClosureScope::Service(service) => {
            site.catalogue.find_service(service).await?;
            w.with1("decisions-scope-service", "name", &site.catalogue.title(service, call.lang))
        }
    })
}

/// Deadlines that fall later.
pub(super) fn extension(w: &Words, year: Year, times: (Timestamp, Timestamp), by: Span) -> Facts {
    let mut facts = vec![(w.text("decisions-year"), year.to_string())];
    facts.extend(window(w, times));
    facts.push((w.text("decisions-by"), terms::span(w, by)));
    facts
}

/// Who stands in whose place.
pub(super) async fn succession(
    site: &Arc<Site>,
    w: &Words,
    from: Party,
    to: Party,
    years: &[Year],
) -> Result<Facts, Trouble> {
    let mut facts = vec![
        (w.text("decisions-predecessor"), acts::party_name(site, from).await?),
        (w.text("decisions-successor"), acts::party_name(site, to).await?),
    ];
    if matches!(from, Party::School(_)) {
        let years: Vec<String> = years.iter().map(ToString::to_string).collect();
        let told = if years.is_empty() { w.text("decisions-no-years") } else { years.join(", ") };
        facts.push((w.text("decisions-years"), told));
    }
    Ok(facts)
}

/// Where a provider is to be paid. The ledger has a commitment; the number is told where the registry has it.
pub(super) async fn paid_where(
    site: &Arc<Site>,
    w: &Words,
    acting: &Acting,
    provider: ProviderId,
    account: Commitment,
) -> Result<Facts, Trouble> {
    let known = site.registry.payment_accounts(&acting.actor(), &[account]).await?;
    let number = known.get(&account).map_or_else(|| w.text("decisions-account-unknown"), |number| spaced(number));
    Ok(vec![
        (w.text("decisions-provider"), acts::party_name(site, Party::Provider(provider)).await?),
        (w.text("decisions-account"), number),
        (w.text("decisions-account-commitment"), account.to_string()),
    ])
}

/// An account's number in groups of four, as banks print it.
pub(super) fn spaced(number: &str) -> String {
    let letters: Vec<char> = number.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("\u{a0}")
}
