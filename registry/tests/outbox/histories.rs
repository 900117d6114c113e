//! Whatever extracts come, in whatever order, through kills and lost calls: the registry is the last extract, and the ledger is the
//! registry.

use std::collections::BTreeSet;

use keis_ledger::record::Standing;
use keis_registry::import::{Options, allocate, open_wallets};
use keis_registry::outbox;
use keis_registry::reconcile::{DifferenceKind, reconcile};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::ledger::{Fault, Ledger};
use crate::scene::{
    Changed, People, QUICK, Row, SYSTEM, YEAR, changes, delta, enrolled, extract, full, import, killed_after, schools,
    work_off,
};
use crate::support::Place;

const MOST: u32 = 24;

/// A pupil, the school and grade from now on if any, and whether booked lines are released.
type Wish = (u32, Option<(u32, u8)>, bool);

#[derive(Debug, Clone)]
enum Step {
    /// Everybody who is in the register from now on, with school and grade.
    Full(Vec<(u32, u32, u8)>),
    /// Who changes how: arrives or moves to a school and grade, or leaves.
    Delta(Vec<Wish>),
    Open,
    Allocate,
    /// The outbox is worked off, with a call that goes wrong.
    Work(Option<(u64, bool)>),
}

fn step() -> impl Strategy<Value = Step> {
    let pupil = (0..MOST, 0..2_u32, 1..=12_u8);
    let change = (0..MOST, prop::option::of((0..2_u32, 1..=12_u8)), any::<bool>());
    prop_oneof![
        3 => prop::collection::vec(pupil, 0..20).prop_map(Step::Full),
        3 => prop::collection::vec(change, 0..8).prop_map(Step::Delta),
        1 => Just(Step::Open),
        1 => Just(Step::Allocate),
        3 => prop::option::of((0..6_u64, any::<bool>())).prop_map(Step::Work),
    ]
}

/// What a delta says, and what it makes of the people.
fn changed(people: &mut People, wishes: &[Wish], minute: &mut u32) -> String {
    let mut lines = Vec::new();
    for (number, place, release) in wishes {
        *minute += 1;
        let known = people.get(number).cloned();
        let line = match (known, place) {
            (Some(row), Some((school, grade))) => {
                let row = Row { school: *school, grade: *grade, class: format!("{grade}b"), ..row };
                people.insert(*number, row.clone());
                Changed::Moved(*number, row, *release)
            }
            (None, Some((school, grade))) => {
                let row = Row::new(*number, *school, *grade);
                people.insert(*number, row.clone());
                Changed::Arrived(*number, row)
            }
            (Some(_), None) => {
                people.remove(number);
                Changed::Left(*number)
            }
            (None, None) => continue,
        };
        lines.push((*minute, line));
    }
    delta(&lines)
}

async fn history(place: &Place, steps: Vec<(Step, Option<u32>)>) {
    let registry = place.open().await;
    let ledger = Ledger::with_year(YEAR);
    schools(&registry).await;
    let mut people = People::new();
    let mut minute = 0;
    for (step, kill) in steps {
        let polls = kill.unwrap_or(u32::MAX);
        match step {
            Step::Full(pupils) => {
                people = pupils
                    .into_iter()
                    .map(|(number, school, grade)| (number, Row::new(number, school, grade)))
                    .collect();
                let text = extract(&people);
                let options = || Options { allow_mass_leaving: true, ..full() };
                let _ = killed_after(polls, import(&registry, &text, options())).await;
                import(&registry, &text, options()).await.unwrap();
            }
            Step::Delta(wishes) => {
                let text = changed(&mut people, &wishes, &mut minute);
                let _ = killed_after(polls, import(&registry, &text, changes())).await;
                import(&registry, &text, changes()).await.unwrap();
            }
            Step::Open => drop(open_wallets(&registry, &SYSTEM, YEAR).await.unwrap()),
            Step::Allocate => drop(allocate(&registry, &SYSTEM, YEAR).await.unwrap()),
            Step::Work(fault) => {
                if let Some((call, answered)) = fault {
                    ledger.fail(call, if answered { Fault::Unanswered } else { Fault::Lost });
                }
                let _ = killed_after(polls, outbox::work_off(&registry, &ledger, QUICK)).await;
            }
        }
        assert_eq!(enrolled(&registry, 0..MOST).await, people);
    }
    open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
    allocate(&registry, &SYSTEM, YEAR).await.unwrap();
    for _ in 0..6 {
        work_off(&registry, &ledger).await;
    }
    let report = reconcile(&registry, &SYSTEM, YEAR, &ledger).await.unwrap();
    // Who came back after the wallet had closed has none in this year; everything else agrees.
    let kinds: BTreeSet<DifferenceKind> = report.counts.keys().copied().collect();
    assert!(kinds.is_subset(&BTreeSet::from([DifferenceKind::ClosedOnLedger])), "{report:?}");
    let again = report.counts.get(&DifferenceKind::ClosedOnLedger).copied().unwrap_or(0);
    let pupils = ledger.all_pupils(YEAR);
    let open = pupils.iter().filter(|pupil| pupil.standing == Standing::Active).count() as u64;
    assert_eq!(open + again, people.len() as u64);
    assert!(pupils.iter().all(|pupil| pupil.allocated || pupil.standing == Standing::Closed));
}

fn cases(cases: u32, place: impl AsyncFn() -> Place) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let steps = prop::collection::vec((step(), prop::option::weighted(0.3, 1..80_u32)), 1..9);
    let run = |steps| {
        runtime.block_on(async { history(&place().await, steps).await });
        Ok(())
    };
    runner.run(&steps, run).unwrap();
}

#[test]
fn any_extracts_on_sqlite() {
    cases(24, async || Place::sqlite());
}

#[test]
fn any_extracts_on_postgres() {
    cases(12, async || Place::postgres().await);
}
