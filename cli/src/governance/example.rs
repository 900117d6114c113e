//! An example of every measure. They are values of the ledger's own types, so that none can fall behind them.

use keis_ledger::chain::{Height, Validator};
use keis_ledger::classifiers::{Place, Year};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{Commitment, InstitutionId, OrderId, ProviderId, SchoolId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Admission, ClosureScope, Measure, Owner, Party};
use keis_ledger::parameters::NetworkLimits;
use keis_ledger::time::{Span, Timestamp};

use crate::wallet::example_parameters;

/// A measure to fill in.
#[derive(Debug, Clone)]
pub struct Example {
    /// Its name on the command line.
    pub name: &'static str,
    /// Who decides it, and what for.
    pub about: &'static str,
    /// The measure.
    pub measure: Measure,
}

const YEAR: Year = Year(2027);
const ORDER: OrderId = OrderId([0x55; 16]);
const PROVIDER: ProviderId = ProviderId([0x22; 16]);
const KEY: PublicKey = PublicKey([0x99; 32]);
const OTHER_KEY: PublicKey = PublicKey([0x9a; 32]);
/// Midnight that begins 2027 in Vilnius.
const NEW_YEAR: Timestamp = Timestamp(1_798_754_400_000);

fn institution(number: u8) -> InstitutionId {
    InstitutionId([number; 16])
}

/// Every example, those of all institutions first.
pub fn examples() -> Vec<Example> {
    [of_the_network(), of_people(), of_money(), of_time()].concat()
}

fn example(name: &'static str, about: &'static str, measure: Measure) -> Example {
    Example { name, about, measure }
}

fn of_the_network() -> Vec<Example> {
    let limits = NetworkLimits {
        max_validity: Span::days(1),
        step_budget: 64,
        max_block_bytes: 1_000_000,
        max_touched: 10_000,
        clock_bound: Span(10_000),
    };
    let validator = |number: u8| Validator { institution: institution(number), key: PublicKey([number; 32]), power: 1 };
    let validators = (1..=5).map(validator).collect();
    let admitted = vec![Admission { institution: institution(5), keys: [KEY, OTHER_KEY] }];
    vec![
        example(
            "switch-protocol",
            "institutions: the next version of the rules from a block on",
            Measure::SwitchProtocol { version: 2, height: Height(90_000) },
        ),
        example("network-parameters", "institutions: limits of the network", Measure::SetNetworkParameters { limits }),
        example(
            "validators",
            "institutions: who decides blocks, the whole set",
            Measure::SetValidators { validators, admitted },
        ),
        example(
            "programme-parameters",
            "institutions: rules of an open year",
            Measure::SetProgrammeParameters { year: YEAR, parameters: example_parameters() },
        ),
    ]
}

fn of_people() -> Vec<Example> {
    let appoint = Measure::AppointOfficer {
        key: KEY,
        owner: Owner::Operator(institution(2)),
        from: NEW_YEAR,
        until: NEW_YEAR.after(Span::days(5 * 365)),
    };
    let replace = Measure::ReplaceGovernanceKeys { institution: institution(2), keys: [KEY, OTHER_KEY] };
    vec![
        example("appoint-officer", "institutions: a key gets its office", appoint),
        example("dismiss-officer", "institutions: an officer's key ends", Measure::DismissOfficer { key: KEY }),
        example("governance-keys", "institutions: other governance keys, after a loss", replace),
    ]
}

fn of_money() -> Vec<Example> {
    let resolve = Measure::Resolve { year: YEAR, order: ORDER, split: vec![Cents::new(1_250), Cents::new(600)] };
    let account = Measure::ChangePaymentAccount { provider: PROVIDER, account: Commitment([0xcc; 32]) };
    vec![
        example("resolve", "two officers: decides a dispute, line by line", resolve),
        example(
            "reverse",
            "two officers: gives back what is due of lines",
            Measure::Reverse { year: YEAR, order: ORDER, lines: vec![1] },
        ),
        example("payment-account", "two officers: where a provider is paid", account),
    ]
}

fn of_time() -> Vec<Example> {
    let day = NEW_YEAR.after(Span::days(60));
    let force = Measure::ForceMajeure {
        year: YEAR,
        from: day,
        until: day.after(Span::days(1)),
        scope: ClosureScope::Place(Place::Municipality(58)),
    };
    let extend = Measure::Extend { year: YEAR, from: day, until: day.after(Span::days(2)), by: Span::days(3) };
    let succeed = Measure::Succeed {
        from: Party::School(SchoolId([0x11; 16])),
        to: Party::School(SchoolId([0x12; 16])),
        years: vec![YEAR],
    };
    vec![
        example("force-majeure", "two officers: sessions that cannot take place", force),
        example("extend", "two officers: deadlines fall later, after an outage", extend),
        example("succeed", "two officers: a school or provider in another's place", succeed),
    ]
}
