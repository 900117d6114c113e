//! Documents on their way: queued once, tried again with growing pauses, dead in the end, and what an officer may do.

use std::time::Duration;

use keis_ledger::ids::OrderId;
use keis_ledger::record::StatementState;
use keis_registry::dispatch::{self, DispatchError, DispatchState, NewDispatch, NotNow, Pace, SendOutcome};
use keis_registry::erasure::Circumstances;
use keis_registry::invoices::PaperKind;
use keis_registry::permission::Role;
use keis_registry::{Page, RegistryError};

use crate::book::{bytes, file};
use crate::receiver::{Tame, answer};
use crate::scene::{PACE, PROVIDER, SYSTEM, Scene};
use crate::support::{both, holds};

#[tokio::test]
async fn a_document_is_queued_once_and_leaves_once() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let new = scene.queue(1, 500).await;
        assert_eq!(scene.enqueue(&[new, new]).await, 0, "it is queued already");
        let other = scene.invoice(2);
        assert_eq!(scene.registry.dispatches_missing(&[new, other]).await.unwrap(), [other]);
        assert_ne!(new.message(), other.message());
        let receiver = Tame::default();
        assert_eq!(scene.step(&receiver).await.sent, 1);
        scene.rounds(&receiver, 3).await;
        let orders = receiver.0.lock().unwrap();
        let [message] = &orders.sent[..] else { panic!("{} messages left", orders.sent.len()) };
        assert_eq!((message.id, message.is_credit_note), (new.message(), false));
        assert_eq!(message.document.bytes, bytes(new.file));
        assert_eq!(orders.asked, 0, "nobody asks for what left for the first time");
        drop(orders);
        let kept = scene.get(&new).await;
        assert_eq!((kept.state, kept.attempts, kept.of), (DispatchState::Sent, 1, new));
        assert!(kept.left.is_some());
        assert!(!holds(&place.bytes().await, &bytes(new.file)), "a document stands in the database");
    })
    .await;
}

#[tokio::test]
async fn pauses_grow_up_to_a_bound_and_what_is_tried_too_often_is_dead() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let new = scene.queue(1, 500).await;
        let receiver = Tame::default();
        let pace = Pace { most_attempts: 6, longest_wait: Duration::from_secs(7), ..PACE };
        for wait in [1, 2, 4, 7, 7] {
            receiver.next(Err(NotNow::because("unreachable")));
            let stepped = dispatch::step(&scene.registry, &receiver, &scene.book, &pace, &scene.clock).await.unwrap();
            assert_eq!(stepped.later, 1, "before a pause of {wait} s");
            scene.clock.pass(Duration::from_secs(wait) - Duration::from_millis(1));
            let early = dispatch::step(&scene.registry, &receiver, &scene.book, &pace, &scene.clock).await.unwrap();
            assert_eq!(early.later + early.sent, 0, "within a pause of {wait} s");
            scene.clock.pass(Duration::from_millis(1));
        }
        receiver.next(Err(NotNow::because("status_503")));
        let stepped = dispatch::step(&scene.registry, &receiver, &scene.book, &pace, &scene.clock).await.unwrap();
        assert_eq!(stepped.over, 1);
        let dead = scene.get(&new).await;
        assert_eq!((dead.state, dead.trouble.as_deref()), (DispatchState::Dead, Some("status_503")));
        scene.rounds(&receiver, 2).await;
        assert_eq!(scene.state(&new).await, DispatchState::Dead);

        let officer = scene.user("officer", Role::Officer, None).await;
        scene.registry.retry_dispatch(&officer, new.message()).await.unwrap();
        receiver.0.lock().unwrap().known = Some(false);
        let asked = receiver.0.lock().unwrap().asked;
        assert_eq!(scene.step(&receiver).await.sent, 1);
        assert_eq!(receiver.0.lock().unwrap().asked, asked + 1, "what may have left is asked for first");
        let again = scene.registry.retry_dispatch(&officer, new.message()).await;
        assert!(matches!(again, Err(DispatchError::StateWrong { state: DispatchState::Sent, .. })), "{again:?}");
    })
    .await;
}

#[tokio::test]
async fn a_receiver_may_ask_for_a_pause_within_the_bound() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        scene.queue(1, 500).await;
        let receiver = Tame::default();
        let after = |seconds| Err(NotNow { why: "status_429".to_owned(), after: Some(Duration::from_secs(seconds)) });
        receiver.next(after(20));
        assert_eq!(scene.step(&receiver).await.later, 1);
        scene.clock.pass(Duration::from_secs(19));
        assert_eq!(scene.step(&receiver).await.later, 0);
        scene.clock.pass(Duration::from_secs(1));
        receiver.next(after(1_000_000));
        assert_eq!(scene.step(&receiver).await.later, 1);
        scene.clock.pass(PACE.longest_wait);
        assert_eq!(scene.step(&receiver).await.sent, 1);
    })
    .await;
}

#[tokio::test]
async fn what_arrived_although_nobody_heard_of_it_is_not_sent_again() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let new = scene.queue(1, 500).await;
        let receiver = Tame::default();
        receiver.next(Err(NotNow::because("timeout")));
        receiver.0.lock().unwrap().known = Some(true);
        scene.rounds(&receiver, 2).await;
        assert_eq!((scene.state(&new).await, receiver.sent()), (DispatchState::Sent, 1));
    })
    .await;
}

#[tokio::test]
async fn what_is_refused_or_not_at_hand_or_no_longer_named_does_not_leave() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let receiver = Tame::default();
        let refused = scene.queue(1, 500).await;
        receiver.next(Ok(SendOutcome::Refused("status_422".to_owned())));
        assert_eq!(scene.step(&receiver).await.over, 1);
        assert_eq!(scene.get(&refused).await.trouble.as_deref(), Some("status_422"));
        let missing = scene.queue(2, 500).await;
        scene.book.lose(missing.statement);
        let detached = scene.queue(3, 500).await;
        scene.book.set(detached.statement, StatementState::Accepted);
        let unread = scene.queue(4, 500).await;
        assert_eq!(scene.step(&receiver).await.over, 2);
        assert_eq!(scene.get(&missing).await.trouble.as_deref(), Some("no_document"));
        let given_up = scene.get(&detached).await;
        assert_eq!((given_up.state, given_up.trouble.as_deref()), (DispatchState::GivenUp, Some("not_wanted")));
        assert_eq!(scene.state(&unread).await, DispatchState::Sent);
        let silent = scene.queue(5, 500).await;
        scene.book.silent(true);
        assert_eq!(scene.step(&receiver).await.later, 1);
        assert_eq!(scene.get(&silent).await.trouble.as_deref(), Some("papers"));
        scene.book.silent(false);
        scene.rounds(&receiver, 2).await;
        assert_eq!(scene.state(&silent).await, DispatchState::Sent);
        assert_eq!(receiver.sent(), 3, "the refused one and two that were taken");
    })
    .await;
}

#[tokio::test]
async fn a_credit_note_follows_its_invoice_and_stays_with_it() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let receiver = Tame::default();
        let invoice = scene.queue(1, 500).await;
        let note = NewDispatch { kind: PaperKind::CreditNote(OrderId([1; 16])), file: file(101), ..invoice };
        assert_eq!(scene.enqueue(&[note]).await, 1);
        receiver.next(Err(NotNow::because("unreachable")));
        assert_eq!(scene.step(&receiver).await.later, 1, "the invoice alone is tried");
        scene.rounds(&receiver, 3).await;
        let order: Vec<bool> = receiver.0.lock().unwrap().sent.iter().map(|one| one.is_credit_note).collect();
        assert_eq!(order, [false, false, true]);
        receiver.says(answer("r", note.message(), keis_registry::dispatch::Verdict::Rejected));
        scene.rounds(&receiver, 3).await;
        assert_eq!(scene.aside().await, ["credit_note"]);
        assert_eq!(scene.book.effects(invoice.statement).rejections, 0);

        let other = scene.queue(2, 500).await;
        let note = NewDispatch { kind: PaperKind::CreditNote(OrderId([2; 16])), file: file(102), ..other };
        scene.enqueue(&[note]).await;
        scene.registry.give_up_dispatch(&SYSTEM, other.message()).await.unwrap();
        scene.rounds(&receiver, 3).await;
        assert_eq!(scene.state(&note).await, DispatchState::GivenUp);
        assert_eq!(receiver.sent(), 3);
    })
    .await;
}

#[tokio::test]
async fn officers_of_both_offices_see_and_act_and_nobody_else() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let new = scene.queue(1, 500).await;
        let staff = scene.user("staff", Role::ProviderStaff, Some(PROVIDER)).await;
        let denied = |answer: Result<_, RegistryError>| matches!(answer, Err(RegistryError::Denied(_)));
        assert!(denied(scene.registry.dispatches(&staff, None, &Page::default()).await.map(drop)));
        assert!(denied(scene.registry.answers_aside(&staff, &Page::default()).await.map(drop)));
        assert!(denied(scene.registry.dispatch_counts(&staff).await.map(drop)));
        assert!(scene.registry.give_up_dispatch(&staff, new.message()).await.is_err());
        for role in [Role::Officer, Role::BudgetOfficer] {
            let officer = scene.user(&format!("{role}"), role, None).await;
            let listed = scene.registry.dispatches(&officer, Some(DispatchState::Waiting), &Page::default()).await;
            assert_eq!(listed.unwrap().items.len(), 1);
            let counts = scene.registry.dispatch_counts(&officer).await.unwrap();
            assert_eq!(counts, (vec![(DispatchState::Waiting, 1)], 0));
        }
        let budget = scene.user("budget_officer", Role::BudgetOfficer, None).await;
        scene.registry.give_up_dispatch(&budget, new.message()).await.unwrap();
        let receiver = Tame::default();
        scene.rounds(&receiver, 2).await;
        assert_eq!((scene.state(&new).await, receiver.sent()), (DispatchState::GivenUp, 0));
        scene.registry.retry_dispatch(&budget, new.message()).await.unwrap();
        scene.rounds(&receiver, 2).await;
        assert_eq!(scene.state(&new).await, DispatchState::Sent);
        let late = scene.registry.give_up_dispatch(&budget, new.message()).await;
        assert!(matches!(late, Err(DispatchError::StateWrong { .. })), "{late:?}");
    })
    .await;
}

#[tokio::test]
async fn an_erased_persons_documents_go_with_the_person() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let natural = NewDispatch { provider: scene.natural, file: file(77), ..scene.invoice(7) };
        scene.book.attach(natural.statement, natural.file, 900);
        scene.enqueue(&[natural]).await;
        let receiver = Tame::default();
        receiver.says(answer("r", natural.message(), keis_registry::dispatch::Verdict::Rejected));
        scene.rounds(&receiver, 2).await;
        let reasons = scene.registry.refusals(&SYSTEM, natural.statement, None).await.unwrap();
        assert_eq!(reasons[0].text.as_deref(), Some("Neteisinga sutartis"));
        let person = scene.registry.provider(scene.natural).await.unwrap().unwrap().person.unwrap();
        scene.registry.erase(&SYSTEM, person, Circumstances::default()).await.unwrap();
        assert!(scene.registry.dispatch(&SYSTEM, natural.message()).await.unwrap().is_none());
        assert!(scene.registry.refusals(&SYSTEM, natural.statement, None).await.unwrap().is_empty());
        assert!(!holds(&place.bytes().await, &natural.file.0), "a commitment stands in a file");
        receiver.says(answer("late", natural.message(), keis_registry::dispatch::Verdict::Received));
        scene.rounds(&receiver, 1).await;
        assert_eq!(scene.aside().await, ["unknown_message"]);
    })
    .await;
}
