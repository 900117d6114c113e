//! A simulated clock shows what its driver last signed, and nothing else moves it.

use std::time::{Duration, Instant};

use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::time::{Span, Timestamp};
use keis_node::clock::{Clock, ClockError, ClockStep};

const NETWORK: Hash = Hash([7; 32]);

fn driver() -> SecretKey {
    SecretKey::from_bytes(&[1; 32])
}

fn clock() -> Clock {
    Clock::simulated(NETWORK, driver().public(), Timestamp(100))
}

#[test]
fn the_driver_steps_it_forward_only() {
    let clock = clock();
    let step = |time| ClockStep::sign(&NETWORK, &driver(), Timestamp(time));
    assert_eq!(clock.now(), Timestamp(100));
    assert_eq!(clock.step(&step(500)), Ok(true));
    assert_eq!(clock.step(&step(300)), Ok(false));
    assert_eq!(clock.step(&step(500)), Ok(false));
    assert_eq!(clock.now(), Timestamp(500));
    assert_eq!(clock.latest(), Some(step(500)));
}

#[test]
fn nobody_else_steps_it() {
    let clock = clock();
    let stranger = ClockStep::sign(&NETWORK, &SecretKey::from_bytes(&[2; 32]), Timestamp(500));
    let elsewhere = ClockStep::sign(&Hash([8; 32]), &driver(), Timestamp(500));
    let changed = ClockStep { time: Timestamp(501), ..ClockStep::sign(&NETWORK, &driver(), Timestamp(500)) };
    for step in [stranger, elsewhere, changed] {
        assert_eq!(clock.step(&step), Err(ClockError::Signature));
    }
    assert_eq!((clock.now(), clock.latest()), (Timestamp(100), None));
    let step = ClockStep::sign(&NETWORK, &driver(), Timestamp(500));
    assert_eq!(Clock::real().step(&step), Err(ClockError::NotSimulated));
}

#[tokio::test]
async fn who_waits_for_a_time_hears_of_it() {
    let clock = clock();
    let waiting = tokio::spawn({
        let clock = clock.clone();
        async move { clock.reached(Timestamp(400)).await }
    });
    clock.step(&ClockStep::sign(&NETWORK, &driver(), Timestamp(400))).expect("the driver's step");
    waiting.await.expect("it was reached");
    clock.not_before(Timestamp(450));
    assert_eq!(clock.now(), Timestamp(450), "never behind the chain");
    clock.reached(Timestamp(1)).await;
    Clock::real().reached(Timestamp(1)).await;
    assert!(clock.reaches(Timestamp(450), Duration::ZERO).await);
    assert!(!clock.reaches(Timestamp(451), Duration::ZERO).await);
}

#[tokio::test]
async fn the_machines_clock_is_waited_for_no_longer_than_it_takes() {
    let (clock, minute) = (Clock::real(), Duration::from_secs(60));
    let began = Instant::now();
    assert!(clock.reaches(Timestamp(1), Duration::ZERO).await);
    assert!(!clock.reaches(clock.now().after(Span(86_400_000)), minute).await);
    assert!(began.elapsed() < minute, "a time that is a day ahead is not waited for");
}
