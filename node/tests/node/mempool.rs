//! What the mempool promises at its door, while a transaction waits, and when it leaves.

use std::sync::Arc;

use keis_ledger::block::next_time;
use keis_ledger::chain::Height;
use keis_ledger::crypto::{Hash, PublicKey};
use keis_ledger::ids::DocumentId;
use keis_ledger::rejection::Rejection;
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::{Body, SignedTransaction};
use keis_node::mempool::{Limits, Origin, Outcome, Refused, Status};

use crate::mempool_support::*;

const PEER: Origin = Origin::Peer(PublicKey([9; 32]));

fn node() -> Node {
    Node::new(Limits::default())
}

fn small() -> Limits {
    Limits { count: 12, sender_count: 6, parked_count: 8, remembered: 4, waiters: 2, ..Limits::default() }
}

#[test]
fn a_transaction_is_admitted_once_and_waits() {
    let node = node();
    let transaction = sign(&officer(0), open_school(1));
    assert!(!node.has_work());
    let id = node.admit(&transaction);
    assert!(node.has_work());
    assert_eq!(node.mempool.status(&id), Some(Status::Waiting));
    assert!(!node.submit(&transaction).unwrap().fresh);
    assert!(!node.mempool.submit(transaction.raw().to_vec(), PEER).unwrap().fresh);
    assert_eq!(node.candidates(), [id]);
    assert_eq!(node.mempool.ids(), [id]);
}

#[test]
fn of_many_who_send_the_same_at_once_one_is_first() {
    let node = node();
    let transaction = sign(&officer(0), open_school(1));
    let fresh = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8).map(|_| scope.spawn(|| node.submit(&transaction).unwrap().fresh)).collect();
        tries.into_iter().filter_map(|one| one.join().unwrap().then_some(())).count()
    });
    assert_eq!(fresh, 1);
    assert_eq!(node.candidates().len(), 1);
}

#[test]
fn bytes_that_are_no_transaction_of_this_network_are_refused() {
    let node = node();
    let good = sign(&officer(0), open_school(1));
    let malformed =
        |raw: Vec<u8>| assert!(matches!(node.mempool.submit(raw, Origin::Client), Err(Refused::Malformed(_))));
    malformed(Vec::new());
    malformed(vec![0xff; 200]);
    malformed(vec![0; 64 * 1024 + 1]);
    malformed([good.raw(), &[0]].concat());
    let mut forged = good.raw().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(node.mempool.submit(forged, Origin::Client), Err(Refused::Signature));
    let elsewhere = good.body().clone().sign(&Hash([3; 32]), &officer(0));
    assert_eq!(node.submit(&elsewhere), Err(Refused::Signature));
    assert!(!node.has_work());
}

#[test]
fn what_has_no_effect_is_refused_at_the_door() {
    let mut node = node();
    assert_eq!(node.submit(&sign(&officer(0), open_schools(1, 0))), Err(Refused::Rejected(Rejection::ListEmpty)));
    let opened = sign(&officer(0), open_school(1));
    node.decide(&[&opened]);
    let again = sign(&officer(1), open_school(1));
    assert_eq!(node.submit(&again), Err(Refused::Rejected(Rejection::IdTaken { item: 0 })));
    let late = sign_until(&officer(0), open_school(2), START);
    assert!(matches!(node.submit(&late), Err(Refused::Rejected(Rejection::Expired { .. }))));
    assert!(!node.submit(&opened).unwrap().fresh, "on the ledger already, so it is in good hands");
    assert!(!node.has_work());
}

#[test]
fn what_lacks_an_earlier_transaction_is_parked_and_released_by_it() {
    let mut node = node();
    let bind = sign(&officer(1), bind(key(b's', 1).public(), 1));
    let open = sign(&officer(0), open_school(1));
    let parked = node.admit(&bind);
    assert_eq!(node.mempool.status(&parked), Some(Status::Parked));
    assert!(!node.has_work(), "a parked one makes no work");
    assert_eq!(node.candidates(), []);
    node.decide(&[&sign(&officer(0), open_school(2))]);
    assert_eq!(node.mempool.status(&parked), Some(Status::Parked));
    node.decide(&[&open]);
    assert_eq!(node.mempool.status(&parked), Some(Status::Waiting));
    assert!(node.has_work());
    assert_eq!(node.candidates(), [parked]);
}

#[test]
fn more_parked_ones_than_are_tried_in_one_go_are_all_released() {
    let mut node = node();
    let ids: Vec<_> = (0..700)
        .map(|number: u32| {
            let signer = officer((number % 4) as u8);
            let key = key(b'k', (number % 200) as u8);
            let mut body = sign(&signer, bind(key.public(), 1)).body().clone();
            body.salt = u64::from(number);
            node.admit(&body.sign(&node.network(), &signer))
        })
        .collect();
    node.decide(&[&sign(&officer(0), open_school(1))]);
    node.mempool.tend();
    assert!(ids.iter().all(|id| node.mempool.status(id) == Some(Status::Waiting)));
}

#[test]
fn what_is_valid_too_long_ahead_waits_for_time_alone() {
    let node = node();
    let day = Span::days(1);
    let ahead = sign_until(&officer(0), open_school(1), START.after(Span(day.0 + 5_000)));
    let id = node.admit(&ahead);
    node.mempool.tend();
    assert_eq!(node.mempool.status(&id), Some(Status::Parked));
    node.step_to(START.after(Span(5_000)));
    node.mempool.tend();
    assert_eq!(node.mempool.status(&id), Some(Status::Waiting));
}

#[test]
fn unknown_keys_together_park_only_a_part() {
    let node = Node::new(small());
    let strangers: Vec<_> = (0..8).map(|number| node.submit(&sign(&key(b'x', number), open_school(1)))).collect();
    assert_eq!(strangers.iter().filter(|one| one.is_ok()).count(), 2);
    assert_eq!(strangers[7], Err(Refused::Full));
    node.admit(&sign(&officer(0), bind(key(b's', 1).public(), 1)));
    node.admit(&sign(&officer(0), open_school(1)));
}

#[test]
fn one_sender_never_takes_the_room_of_the_others() {
    let node = Node::new(Limits { count: 64, sender_count: 20, ..Limits::default() });
    let flood: Vec<_> = (0..50).map(|number| node.submit(&sign(&officer(0), open_school(number)))).collect();
    assert_eq!(flood.iter().filter(|one| one.is_ok()).count(), 20);
    assert_eq!(flood[49], Err(Refused::SenderFull));
    // A second flood gets a part of what is left, and so on; there is room for whoever has nothing here yet.
    for flooder in 1..6 {
        for number in 0..50 {
            node.submit(&sign(&officer(flooder), open_school(1_000 * u32::from(flooder) + number))).ok();
        }
    }
    for newcomer in 10..13 {
        node.admit(&sign(&officer(newcomer), open_school(900_000 + u32::from(newcomer))));
    }
}

#[test]
fn a_full_mempool_says_so_and_has_room_again_after_a_commit() {
    let mut node = Node::new(Limits { count: 3, ..small() });
    let first: Vec<_> = (0..3).map(|number| sign(&officer(number), open_school(number.into()))).collect();
    for transaction in &first {
        node.admit(transaction);
    }
    let another = sign(&officer(9), open_school(9));
    assert_eq!(node.submit(&another), Err(Refused::Full));
    node.decide(&[&first[0]]);
    node.admit(&another);
}

#[test]
fn bytes_are_bounded_as_well() {
    let large = |officer_number: u8, from| sign(&officer(officer_number), open_schools(from, 200));
    let size = large(0, 0).raw().len();
    let node = Node::new(Limits { bytes: 4 * size, sender_bytes: 2 * size, ..Limits::default() });
    node.admit(&large(0, 0));
    node.admit(&large(0, 1_000));
    assert_eq!(node.submit(&large(0, 2_000)), Err(Refused::SenderFull));
    node.admit(&large(1, 3_000));
    node.admit(&large(2, 4_000));
    assert_eq!(node.submit(&large(3, 5_000)), Err(Refused::Full));
    let bytes: usize = node.mempool.candidates(3 * size).iter().map(|one| one.raw().len()).sum();
    assert_eq!(bytes, 3 * size);
}

#[test]
fn candidates_are_oldest_first_but_each_sender_in_turn() {
    let node = node();
    let many: Vec<_> = (0..4).map(|number| node.admit(&sign(&officer(0), open_school(number)))).collect();
    let two: Vec<_> = (10..12).map(|number| node.admit(&sign(&officer(1), open_school(number)))).collect();
    let one = node.admit(&sign(&officer(2), open_school(20)));
    assert_eq!(node.candidates(), [many[0], two[0], one, many[1], two[1], many[2], many[3]]);
}

fn contest(node: &Node) -> (SignedTransaction, SignedTransaction) {
    let (won, lost) = (sign(&officer(0), open_school(1)), sign(&officer(1), open_schools(1, 2)));
    node.admit(&won);
    node.admit(&lost);
    (won, lost)
}

#[test]
fn a_candidate_that_only_conflicts_with_another_stays_until_the_ledger_decides() {
    let mut node = node();
    let (won, lost) = contest(&node);
    let refusal = [(lost.id(), Rejection::IdTaken { item: 0 })];
    node.mempool.dropped(&refusal);
    assert_eq!(node.mempool.status(&lost.id()), Some(Status::Waiting), "the other one is not decided yet");
    let height = node.decide(&[&won]);
    node.mempool.dropped(&refusal);
    let rejection = Rejection::IdTaken { item: 0 };
    assert_eq!(node.mempool.status(&lost.id()), Some(Status::Dropped { rejection, height }));
    assert_eq!(node.mempool.status(&won.id()), None);
    assert!(!node.has_work());
}

#[tokio::test]
async fn who_waits_hears_the_outcome() {
    let mut node = node();
    let (won, lost) = contest(&node);
    let (first, second) = (node.mempool.subscribe(won.id()).unwrap(), node.mempool.subscribe(lost.id()).unwrap());
    let height = node.decide(&[&won]);
    assert_eq!(first.await, Ok(Outcome::Included { height }));
    node.mempool.dropped(&[(lost.id(), Rejection::IdTaken { item: 0 })]);
    let dropped = Outcome::Dropped { rejection: Rejection::IdTaken { item: 0 }, height };
    assert_eq!(second.await, Ok(dropped));
    assert_eq!(node.mempool.subscribe(lost.id()).unwrap().await, Ok(dropped), "known at once");
    assert_eq!(node.mempool.subscribe(won.id()).unwrap().await, Ok(Outcome::Included { height }));
}

#[test]
fn those_who_wait_are_bounded_and_those_who_left_give_room() {
    let node = Node::new(small());
    let id = sign(&officer(0), open_school(1)).id();
    let first = node.mempool.subscribe(id);
    let second = node.mempool.subscribe(id);
    assert!(first.is_some() && second.is_some());
    assert!(node.mempool.subscribe(id).is_none());
    drop(first);
    assert!(node.mempool.subscribe(id).is_some());
}

#[test]
fn outcomes_are_remembered_as_long_as_there_is_room() {
    let mut node = Node::new(small());
    let late = sign_until(&officer(0), open_school(99), START.after(Span(10)));
    node.admit(&late);
    node.step_to(START.after(Span(1_000)));
    node.mempool.tend();
    assert!(matches!(node.mempool.status(&late.id()), Some(Status::Dropped { .. })));
    for number in 0..4 {
        let transaction = sign(&officer(0), open_school(number));
        node.decide(&[&transaction]);
    }
    assert_eq!(node.mempool.status(&late.id()), None);
}

#[test]
fn what_expires_is_dropped_as_expired_wherever_it_stands() {
    let node = node();
    let until = START.after(Span(1_000));
    let waiting = sign_until(&officer(0), open_school(1), until);
    let parked = sign_until(&officer(0), bind(key(b's', 1).public(), 5), until);
    node.admit(&waiting);
    node.admit(&parked);
    node.step_to(until);
    node.mempool.tend();
    assert_eq!(node.mempool.status(&waiting.id()), Some(Status::Waiting), "its last instant may still be a block's");
    node.step_to(until.after(Span(1)));
    node.mempool.tend();
    let at = next_time(START, until.after(Span(1)));
    let expired = Some(Status::Dropped { rejection: Rejection::Expired { valid_until: until, at }, height: Height(0) });
    assert_eq!(node.mempool.status(&waiting.id()), expired);
    assert_eq!(node.mempool.status(&parked.id()), expired);
    assert!(!node.has_work());
    assert!(node.mempool.ids().is_empty());
}

#[test]
fn a_dropped_one_may_be_sent_again() {
    let mut node = node();
    let bind = sign(&officer(1), bind(key(b's', 1).public(), 1));
    let suspended = sign(&officer(0), suspend(1));
    node.decide(&[&sign(&officer(0), open_school(1))]);
    node.admit(&suspended);
    let other = sign(&officer(2), suspend(1));
    node.decide(&[&other]);
    node.mempool.dropped(&[(suspended.id(), Rejection::StandingUnchanged)]);
    assert!(matches!(node.mempool.status(&suspended.id()), Some(Status::Dropped { .. })));
    assert_eq!(node.submit(&suspended), Err(Refused::Rejected(Rejection::StandingUnchanged)));
    node.decide(&[&sign(&officer(0), reinstate(1)), &bind]);
    node.admit(&suspended);
    assert_eq!(node.mempool.status(&suspended.id()), Some(Status::Waiting));
}

#[test]
fn a_peer_that_is_ahead_is_given_time() {
    let mut node = node();
    node.decide(&[&sign(&officer(0), open_school(1))]);
    let reinstate = sign(&officer(0), reinstate(1));
    assert_eq!(node.submit(&reinstate), Err(Refused::Rejected(Rejection::StandingUnchanged)));
    assert!(node.mempool.submit(reinstate.raw().to_vec(), PEER).unwrap().fresh);
    assert_eq!(node.candidates(), [reinstate.id()], "a block's builder tries it");
    node.mempool.dropped(&[(reinstate.id(), Rejection::StandingUnchanged)]);
    assert_eq!(node.mempool.status(&reinstate.id()), Some(Status::Parked));
    node.decide(&[&sign(&officer(1), suspend(1))]);
    assert_eq!(node.mempool.status(&reinstate.id()), Some(Status::Waiting));
}

#[test]
fn a_peer_that_is_wrong_is_not_given_much() {
    let mut node = node();
    node.decide(&[&sign(&officer(0), open_school(1))]);
    let wrong = sign(&officer(0), reinstate(1));
    node.mempool.submit(wrong.raw().to_vec(), PEER).unwrap();
    node.mempool.dropped(&[(wrong.id(), Rejection::StandingUnchanged)]);
    for number in 10..14 {
        assert_eq!(node.mempool.status(&wrong.id()), Some(Status::Parked));
        node.decide(&[&sign(&officer(1), open_school(number))]);
    }
    let dropped = Status::Dropped { rejection: Rejection::StandingUnchanged, height: Height(5) };
    assert_eq!(node.mempool.status(&wrong.id()), Some(dropped));
    let again = node.mempool.submit(wrong.raw().to_vec(), PEER);
    assert_eq!(again, Err(Refused::Rejected(Rejection::StandingUnchanged)));
    assert!(node.mempool.lacks(&[wrong.id()]).is_empty(), "it does not ask for it again");
}

#[test]
fn a_peer_must_send_what_is_new_in_time_and_of_a_key_in_force() {
    let mut node = node();
    let decided = sign(&officer(0), open_school(1));
    node.decide(&[&decided]);
    let from_peer = |node: &Node, one: &SignedTransaction| node.mempool.submit(one.raw().to_vec(), PEER);
    assert!(!from_peer(&node, &decided).unwrap().fresh, "it is on the ledger");
    let late = sign_until(&officer(0), open_school(2), Timestamp(0));
    assert!(matches!(from_peer(&node, &late), Err(Refused::Rejected(Rejection::Expired { .. }))));
    let stranger = sign(&key(b'x', 1), open_school(3));
    assert!(from_peer(&node, &stranger).unwrap().fresh);
    assert_eq!(node.mempool.status(&stranger.id()), Some(Status::Parked), "the key may be on its way");
    assert!(node.candidates().is_empty());
}

#[test]
fn a_service_is_published_only_with_its_document() {
    let mut node = node();
    node.decide(&[&sign(&officer(0), open_provider())]);
    let bytes = document(1, 100);
    let id = DocumentId::of(&bytes);
    let publish = sign(&officer(0), publish(1, id));
    assert_eq!(node.submit(&publish), Err(Refused::DocumentMissing(id)));
    assert_eq!(node.documents.put(&bytes).unwrap(), id);
    assert!(!node.store.has_document(&id.0).unwrap(), "nobody has named it yet");
    node.admit(&publish);
    assert!(node.store.has_document(&id.0).unwrap());
    assert_eq!(node.candidates(), [publish.id()]);
}

#[test]
fn a_signature_is_proven_once() {
    let node = node();
    let (of_block, of_client) = (sign(&officer(0), open_school(1)), sign(&officer(0), open_school(2)));
    let proven = node.mempool.verify(of_block.raw()).unwrap();
    assert!(Arc::ptr_eq(&proven, &node.mempool.verified(of_block.raw()).unwrap()));
    assert!(Arc::ptr_eq(&proven, &node.mempool.verify(of_block.raw()).unwrap()));
    node.admit(&of_block);
    assert!(Arc::ptr_eq(&proven, &node.mempool.get(&of_block.id()).unwrap()));
    assert!(node.mempool.verified(of_client.raw()).is_none());
    node.admit(&of_client);
    let kept = node.mempool.verified(of_client.raw()).unwrap();
    assert!(Arc::ptr_eq(&kept, &node.mempool.verify(of_client.raw()).unwrap()));
    let mut forged = of_client.raw().to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert!(node.mempool.verified(&forged).is_none());
    assert!(node.mempool.verify(&forged).is_err());
}

/// Whatever happens in whatever order, the bounds hold and every sum is the sum of what is there.
#[test]
fn bounds_hold_in_any_order_of_events() {
    let mut node = Node::new(small());
    let mut seed: u64 = 7;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut now = START;
    for round in 0..3_000_u32 {
        let signer = if random(5) == 0 { key(b'x', random(9) as u8) } else { officer(random(4) as u8) };
        let number = random(40) as u32;
        let operation = match random(4) {
            0 => open_school(number),
            1 => bind(key(b's', random(30) as u8).public(), number),
            2 => suspend(number),
            _ => reinstate(number),
        };
        let body = Body {
            signer: signer.public(),
            behalf: None,
            salt: u64::from(round),
            valid_until: now.after(Span(random(4_000))),
            operation,
        };
        let origin = if random(2) == 0 { Origin::Client } else { PEER };
        node.mempool.submit(body.sign(&node.network(), &signer).raw().to_vec(), origin).ok();
        match random(12) {
            0 => {
                let candidates = node.mempool.candidates(2_000);
                let taken = candidates.first().map(|first| (***first).clone());
                if let Some(taken) = taken.filter(|taken| node.applies(taken)) {
                    node.decide(&[&taken]);
                }
            }
            1 => {
                let ids: Vec<_> = node.candidates().into_iter().map(|id| (id, Rejection::ListEmpty)).collect();
                node.mempool.dropped(&ids);
            }
            2 => {
                now = now.after(Span(random(500)));
                node.step_to(now);
                node.mempool.tend();
            }
            _ => {}
        }
        let (all, waiting) = (node.mempool.ids(), node.candidates());
        assert!(waiting.len() <= 12 && all.len() - waiting.len() <= 8, "round {round}");
        assert_eq!(node.has_work(), !waiting.is_empty(), "round {round}");
        for id in &all {
            let expected = if waiting.contains(id) { Status::Waiting } else { Status::Parked };
            assert_eq!(node.mempool.status(id), Some(expected), "round {round}");
        }
    }
}
