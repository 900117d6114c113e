//! Whatever the receiver does and wherever the sender is killed: every document arrives once by its id, every answer takes effect
//! once.

use std::collections::BTreeMap;
use std::time::Duration;

use keis_ledger::record::StatementState;
use keis_registry::dispatch::{self, DispatchState, NewDispatch, Told};
use keis_registry::outbox;

use crate::book::{Effects, bytes};
use crate::receiver::{Chance, Decision, Tame, Wild, answer, paid};
use crate::scene::{PACE, Scene, cut};
use crate::support::Place;

const OUTBOX: outbox::Pace = outbox::Pace {
    in_flight: 4,
    first_wait: Duration::ZERO,
    longest_wait: Duration::ZERO,
    look: Duration::from_millis(1),
};

/// What the ledger did with one document, given what the receiver decided.
async fn judge(scene: &Scene, receiver: &Wild, new: &NewDispatch, seed: u64) {
    let inside = receiver.inside();
    let (arrived, _) =
        inside.inbox.get(&new.message()).unwrap_or_else(|| panic!("seed {seed}: {} never arrived", new.message()));
    assert_eq!(*arrived, bytes(new.file), "seed {seed}");
    let decision = inside.decisions[&new.message()].clone();
    drop(inside);
    let mut effects = scene.book.effects(new.statement);
    effects.payments.sort_unstable();
    let (bill, state) = (scene.book.bill_of(new.statement), scene.state(new).await);
    let approved = Effects { approvals: 1, ..Effects::default() };
    let rejected = Effects { rejections: 1, ..Effects::default() };
    let told = format!("seed {seed}: {decision:?}, {state}, {effects:?}, {bill:?}");
    match decision {
        Decision::Paid(mut parts) => {
            parts.sort_unstable();
            assert_eq!(effects, Effects { payments: parts, ..approved }, "{told}");
            assert_eq!((state, bill.state), (DispatchState::Paid, StatementState::Paid), "{told}");
        }
        Decision::Approved => {
            assert_eq!(effects, approved, "{told}");
            assert_eq!((state, bill.state), (DispatchState::Approved, StatementState::Approved), "{told}");
        }
        Decision::Rejected => {
            assert_eq!(effects, rejected, "{told}");
            assert_eq!((state, bill.state), (DispatchState::Rejected, StatementState::Accepted), "{told}");
        }
        Decision::Both => match state {
            DispatchState::Approved => {
                assert_eq!((effects, bill.state), (approved, StatementState::Approved), "{told}")
            }
            DispatchState::Rejected => {
                assert_eq!((effects, bill.state), (rejected, StatementState::Accepted), "{told}")
            }
            other => panic!("{other}: {told}"),
        },
    }
}

async fn history(place: &Place, seed: u64) {
    let mut chance = Chance(seed);
    let scene = Scene::new(place).await;
    let count = 3 + u8::try_from(chance.below(4)).unwrap();
    let documents: Vec<NewDispatch> = (1..=count).map(|number| scene.invoice(number)).collect();
    let totals: BTreeMap<_, _> = documents.iter().map(|new| (new.message(), 1_000 + chance.below(9_000))).collect();
    let receiver = Wild::new(seed, totals.clone());
    let strangers = [
        Told::Answer(answer(
            "stranger",
            keis_registry::ids::MessageId([9; 16]),
            keis_registry::dispatch::Verdict::Approved,
        )),
        Told::Unreadable { why: "no_json", text: "{".to_owned() },
    ];
    receiver.inside().log.extend(strangers);
    for new in &documents {
        scene.book.attach(new.statement, new.file, totals[&new.message()]);
    }
    for _ in 0..25 {
        // Whoever looks for documents finds them again and again.
        scene.enqueue(&documents).await;
        let step = || dispatch::step(&scene.registry, &receiver, &scene.book, &PACE, &scene.clock);
        let polls = 1 + chance.below(60);
        match chance.below(4) {
            0 => {
                let (one, other) = tokio::join!(cut(step(), polls), cut(step(), 1 + chance.below(60)));
                one.transpose().unwrap();
                other.transpose().unwrap();
            }
            1 => {
                step().await.unwrap();
            }
            _ => {
                cut(step(), polls).await.transpose().unwrap();
            }
        }
        let tell = outbox::work_off(&scene.registry, &scene.book, OUTBOX);
        cut(tell, 1 + chance.below(40)).await.transpose().unwrap();
        scene.clock.pass(Duration::from_secs(chance.below(50)));
    }
    receiver.calm_down();
    scene.rounds(&receiver, 8).await;
    for new in &documents {
        judge(&scene, &receiver, new, seed).await;
    }
    let aside = scene.aside().await;
    let of = |why: &str| aside.iter().filter(|one| *one == why).count();
    assert_eq!((of("unknown_message"), of("no_json")), (1, 1), "seed {seed}: {aside:?}");
    let both = receiver.inside().decisions.values().filter(|decision| **decision == Decision::Both).count();
    assert_eq!(of("contradicts") > 0, both > 0, "seed {seed}: {aside:?}");
    assert_eq!(of("contradicts") + 2, aside.len(), "seed {seed}: {aside:?}");
    assert!(scene.registry.verify_log(None).await.is_ok(), "seed {seed}");
}

#[tokio::test]
async fn every_document_arrives_once_and_every_answer_takes_effect_once() {
    for seed in 0..24 {
        history(&Place::sqlite(), seed).await;
    }
}

#[tokio::test]
async fn the_same_on_postgresql() {
    for seed in 100..104 {
        history(&Place::postgres().await, seed).await;
    }
}

/// One document that is approved and paid, another that is refused, on a receiver that works.
async fn killed_after(polls: u64) -> bool {
    let place = Place::sqlite();
    let scene = Scene::new(&place).await;
    let (paid_one, refused) = (scene.queue(1, 5_000).await, scene.queue(2, 700).await);
    let receiver = Tame::default();
    receiver.says(paid("p", paid_one.message(), 5_000, "FT 1"));
    receiver.says(answer("a", paid_one.message(), keis_registry::dispatch::Verdict::Approved));
    receiver.says(answer("r", refused.message(), keis_registry::dispatch::Verdict::Rejected));
    let whole = async {
        for _ in 0..3 {
            dispatch::step(&scene.registry, &receiver, &scene.book, &PACE, &scene.clock).await.unwrap();
            outbox::work_off(&scene.registry, &scene.book, OUTBOX).await.unwrap();
        }
    };
    let ended = cut(whole, polls).await.is_some();
    scene.clock.pass(PACE.lease + PACE.longest_wait);
    scene.rounds(&receiver, 4).await;
    let states = (scene.state(&paid_one).await, scene.state(&refused).await);
    assert_eq!(states, (DispatchState::Paid, DispatchState::Rejected), "after {polls}");
    let wanted = Effects { approvals: 1, rejections: 0, payments: vec![5_000] };
    assert_eq!(scene.book.effects(paid_one.statement), wanted, "after {polls}");
    let wanted = Effects { approvals: 0, rejections: 1, payments: vec![] };
    assert_eq!(scene.book.effects(refused.statement), wanted, "after {polls}");
    assert_eq!(scene.aside().await, Vec::<String>::new(), "after {polls}");
    let mut ids: Vec<_> = receiver.0.lock().unwrap().sent.iter().map(|message| message.id).collect();
    ids.sort();
    ids.dedup();
    assert!(ids.len() <= 2, "another id left after {polls}");
    ended
}

#[tokio::test]
async fn killed_at_every_await_nothing_is_lost_and_nothing_happens_twice() {
    let mut polls = 1;
    while !killed_after(polls).await {
        polls += 1;
        assert!(polls < 5_000, "it never ends");
    }
    assert!(polls > 20, "only {polls} places to be killed at");
}
