//! What institutions decide together, in words.

use keis_ledger::chain::Validator;
use keis_ledger::operation::{Admission, ClosureScope, GovernanceOperation, Measure, Owner, Threshold};
use keis_ledger::time::Span;

use super::{listed, party_words};
use crate::words::instant;

pub(super) fn governance(operation: &GovernanceOperation) -> String {
    match operation {
        GovernanceOperation::Propose { decision, measure, until } => format!(
            "Propose as {decision}, undecided until {}; it takes {}:\n{}",
            instant(*until),
            threshold_words(measure.threshold()),
            decision_words(measure)
        ),
        GovernanceOperation::Approve { decision } => format!("Vote for {decision}."),
        GovernanceOperation::Withdraw { decision } => format!("Take the proposal {decision} back."),
    }
}

/// How many must agree, in words.
pub(crate) fn threshold_words(threshold: Threshold) -> &'static str {
    match threshold {
        Threshold::TwoPersons => "officers of two institutions",
        Threshold::TwoThirds => "more than two thirds of the institutions",
    }
}

/// Whose a key is, in words.
fn owner_words(owner: &Owner) -> String {
    match owner {
        Owner::Party(party) => party_words(party),
        Owner::Operator(institution) => format!("an officer of the operator {institution}"),
        Owner::BudgetHolder(institution) => format!("an officer of the budget holder {institution}"),
        Owner::Auditor(institution) => format!("an auditor of {institution}"),
        Owner::Governance(institution) => format!("the votes of {institution}"),
    }
}

/// A measure in one or a few sentences.
pub(crate) fn decision_words(measure: &Measure) -> String {
    match measure {
        Measure::SetNetworkParameters { limits } => format!(
            "Set the network's limits: transactions wait at most {}, {} records of due work a block, blocks of at most {} bytes \
             and {} touched records, clocks within {}.",
            span(limits.max_validity),
            limits.step_budget,
            limits.max_block_bytes,
            limits.max_touched,
            span(limits.clock_bound)
        ),
        Measure::SetProgrammeParameters { year, parameters } => format!(
            "Set the rules of {year}: {} a pupil, services from {} to {}, late share {}, absence share {}, {} working days for \
             attendance. Standing orders keep theirs.",
            parameters.amount_per_pupil,
            instant(parameters.window_from),
            instant(parameters.window_until),
            percent(parameters.late_share.get()),
            percent(parameters.absence_share.get()),
            parameters.attendance_days
        ),
        Measure::SetValidators { validators, admitted } => validators_words(validators, admitted),
        Measure::AppointOfficer { key, owner, from, until } => {
            format!("Appoint {key} {}, from {} until {}.", owner_words(owner), instant(*from), instant(*until))
        }
        Measure::DismissOfficer { key } => format!("Dismiss the officer of the key {key} now."),
        Measure::ReplaceGovernanceKeys { institution, keys: [one, other] } => {
            format!("From now on {institution} votes with {one} and {other} alone.")
        }
        Measure::SwitchProtocol { version, height } => {
            format!("Switch to version {version} of the rules from block {height} on. Every node must know it by then.")
        }
        Measure::Resolve { year, order, split } => {
            let told: Vec<_> =
                split.iter().enumerate().map(|(line, amount)| format!("line {line}: {amount}")).collect();
            format!("Decide the dispute of order {order} of {year}; the provider receives {}.", listed(&told, "line"))
        }
        Measure::Reverse { year, order, lines } => format!(
            "Give back what is due of {} of order {order} of {year}, wherever that money is.",
            listed(lines, "line")
        ),
        Measure::ForceMajeure { year, from, until, scope } => format!(
            "Force majeure: cancel the orders of {year} whose sessions begin from {} until {}, {}, without charge.",
            instant(*from),
            instant(*until),
            scope_words(scope)
        ),
        Measure::Extend { year, from, until, by } => format!(
            "Deadlines of {year} that fall from {} until {} fall {} later.",
            instant(*from),
            instant(*until),
            span(*by)
        ),
        Measure::Succeed { from, to, years } => format!(
            "Put {} in the place of {} for good; money of {} passes.",
            party_words(to),
            party_words(from),
            listed(years, "year")
        ),
        Measure::ChangePaymentAccount { provider, account } => {
            format!("Pay provider {provider} from now on to the account that {account} commits to.")
        }
    }
}

fn validators_words(validators: &[Validator], admitted: &[Admission]) -> String {
    let told: Vec<_> = validators.iter().map(|one| format!("{} with {} votes", one.institution, one.power)).collect();
    let joins: Vec<_> = admitted.iter().map(|one| one.institution).collect();
    let joins = if joins.is_empty() { String::new() } else { format!("; {} come in", listed(&joins, "institution")) };
    format!("Set the validators to {}{joins}.", listed(&told, "validator"))
}

fn scope_words(scope: &ClosureScope) -> String {
    match scope {
        ClosureScope::Everything => "everywhere".to_owned(),
        ClosureScope::Place(place) => format!("at {place}"),
        ClosureScope::Provider(provider) => format!("of provider {provider}"),
        ClosureScope::Service(service) => format!("of service {service}"),
    }
}

/// Basis points as a percentage.
fn percent(points: u16) -> String {
    format!("{}.{:02} %", points / 100, points % 100)
}

/// A length of time in its largest whole unit.
fn span(span: Span) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    for (length, unit) in UNITS {
        if span.0 >= length && span.0.is_multiple_of(length) {
            return crate::words::count(usize::try_from(span.0 / length).unwrap_or(usize::MAX), unit);
        }
    }
    format!("{} ms", span.0)
}
