//! How long the blocks after the end of a national year take, and its sealing. Run with `cargo run --release -p keis-ledger --example year_end`.

#![allow(clippy::disallowed_types, reason = "it measures time")]

use std::time::{Duration, Instant};

use keis_ledger::block::{Builder, Tip};
use keis_ledger::chain::{Address, Height, Validator, ValidatorSet};
use keis_ledger::classifiers::{Grades, Scopes, Year};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{BlockId, InstitutionId, Nullifier, PupilId, SchoolId};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{FundsOperation, Operation, Owner};
use keis_ledger::parameters::{ArrivalAmount, NetworkParameters, ProgrammeParameters};
use keis_ledger::record::{
    DueKey, DueWork, Entity, Key, Network, Pupil, Record, RecordKey, Standing, Token, Totals, YearRecord, YearState,
};
use keis_ledger::state::State;
use keis_ledger::time::{Calendar, Offset, Span, Timestamp};
use keis_ledger::transaction::Body;
use keis_ledger::tree::TreeKey;

const PUPILS: u32 = 349_500;
const YEAR: Year = Year(2026);

fn main() {
    for share_with_money in [1, 10, u32::MAX] {
        let mut tip = Tip {
            network: Hash([7; 32]),
            height: Height(0),
            block: BlockId([0; 32]),
            time: Timestamp(1_000),
            state: ended_year(share_with_money),
        };
        let records = tip.state.len();
        let (mut blocks, mut worst, mut whole) = (0u32, Duration::ZERO, Duration::ZERO);
        while tip.state.first_due().is_some() {
            let started = Instant::now();
            let builder = Builder::start(&tip, tip.time.after(Span(1))).expect("time goes on");
            tip = builder.seal(Address([0; 20])).tip;
            let took = started.elapsed();
            (blocks, worst, whole) = (blocks + 1, worst.max(took), whole + took);
        }
        println!(
            "{records} records, one pupil in {share_with_money} with money: {blocks} blocks, worst {worst:?}, mean {:?}",
            whole / blocks
        );
        seal(tip);
    }
}

/// Seals the year: what a proposer and what a validator spends on the block, and what letting go of the records costs afterwards.
fn seal(tip: Tip) {
    let records = tip.state.year(YEAR).len();
    let key = budget_holder();
    let body = Body {
        signer: key.public(),
        behalf: None,
        salt: 1,
        valid_until: tip.time.after(Span(1_000)),
        operation: Operation::Funds(FundsOperation::SealYear { year: YEAR }),
    };
    let signed = body.sign(&tip.network, &key);
    let transaction = signed.verify(&tip.network).expect("it was signed a line above");
    let started = Instant::now();
    let mut builder = Builder::start(&tip, tip.time.after(Span(1))).expect("time goes on");
    builder.offer(&transaction).expect("all money is back");
    let executed = builder.seal(Address([0; 20]));
    let took = started.elapsed();
    let left = executed.tip.state.len();
    drop(tip);
    let started = Instant::now();
    drop(executed.sealed);
    println!("  sealed {records} records in {took:?}; {left} are left; letting go took {:?}", started.elapsed());
}

fn budget_holder() -> SecretKey {
    SecretKey::from_bytes(&[99; 32])
}

fn ended_year(share_with_money: u32) -> State {
    let mut records: Vec<(TreeKey, Record)> = Vec::new();
    let mut sum = 0;
    for number in 0..PUPILS {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.to_be_bytes());
        let mut nullifier = [0; 32];
        nullifier[..4].copy_from_slice(&number.to_be_bytes());
        let balance = if number % share_with_money == 1 % share_with_money { 1_400 } else { 0 };
        sum += balance;
        let pupil = Pupil {
            pupil: PupilId(id),
            school: SchoolId([1; 16]),
            grade: 5,
            standing: Standing::Active,
            opened: Timestamp(1),
            allocated: true,
            balance: Cents::new(balance),
            bookings: Vec::new(),
        };
        records.push((RecordKey::Pupil(YEAR, PupilId(id)).place(), pupil.into_record()));
        records.push((RecordKey::Nullifier(YEAR, Nullifier(nullifier)).place(), Token.into_record()));
    }
    let (minted, pupils) = (Cents::new(sum), Cents::new(sum));
    let year = YearRecord {
        state: YearState::Ended,
        parameters: parameters(),
        state_money: Totals { minted, pupils, ..Totals::default() },
        school_money: Totals::default(),
    };
    records.push((RecordKey::Year(YEAR).place(), year.into_record()));
    records.push((RecordKey::Network.place(), network().into_record()));
    let officer = Key {
        owner: Owner::BudgetHolder(InstitutionId([1; 16])),
        scopes: Scopes::of(&[]),
        cap: Cents::ZERO,
        from: Timestamp(0),
        until: Timestamp(u64::MAX),
    };
    records.push((RecordKey::Key(budget_holder().public()).place(), officer.into_record()));
    let due = DueWork::Return(YEAR, RecordKey::year_start(YEAR));
    records.push((RecordKey::Due(DueKey::returning(Timestamp(5), YEAR)).place(), due.into_record()));
    records.sort_by_key(|(place, _)| *place);
    State::from_records(records).expect("places were sorted")
}

fn network() -> Network {
    let one = |number: u8| Validator {
        institution: InstitutionId([number; 16]),
        key: SecretKey::from_bytes(&[number; 32]).public(),
        power: 1,
    };
    let parameters = NetworkParameters {
        protocol: keis_ledger::protocol::LATEST,
        max_validity: Span::days(1),
        step_budget: 64,
        max_block_bytes: 1_000_000,
        max_touched: 10_000,
        clock_bound: Span(10_000),
    };
    Network { parameters, validators: ValidatorSet::new((1..=4).map(one).collect()).expect("four of one weight") }
}

fn parameters() -> ProgrammeParameters {
    let half = BasisPoints::new(5_000).expect("half");
    ProgrammeParameters {
        amount_per_pupil: Cents::new(1_400),
        register_until: Timestamp(1),
        arrivals: ArrivalAmount::None,
        window_from: Timestamp(1),
        window_until: Timestamp(2),
        hold_expiry: Span::days(5),
        free_change: Span::days(2),
        free_cancel: Span::days(4),
        late_share: half,
        absence_share: half,
        minimum_share: half,
        attendance_days: 5,
        settlement_period: Span::days(14),
        own_key_grades: Grades { from: 9, until: 12 },
        calendar: Calendar { holidays: Vec::new(), offsets: vec![Offset { from: Timestamp(0), minutes: 120 }] },
    }
}
