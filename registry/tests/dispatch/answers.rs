//! What answers do: they move the settlement, each once; what cannot be is put aside, and an officer may take it up again.

use keis_ledger::operation::Party;
use keis_ledger::record::StatementState;
use keis_registry::dispatch::{Answer, AnswerStanding, DispatchError, DispatchState, Payment, Told, Verdict};
use keis_registry::ids::MessageId;
use keis_registry::notices::NoticeKind;
use keis_registry::outbox::{self, OutboxState};
use keis_registry::permission::Role;
use keis_registry::{Page, RegistryError};

use crate::book::{Effects, file};
use crate::receiver::{Tame, answer, paid};
use crate::scene::{NATURAL, PROVIDER, SYSTEM, Scene};
use crate::support::{both, holds};

#[tokio::test]
async fn a_paid_invoice_is_approved_first_whatever_came_first() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let new = scene.queue(1, 5_000).await;
        let receiver = Tame::default();
        receiver.says(paid("p1", new.message(), 2_000, "FT 1"));
        scene.rounds(&receiver, 3).await;
        assert_eq!(scene.state(&new).await, DispatchState::Paid);
        receiver.says(answer("r", new.message(), Verdict::Received));
        receiver.says(answer("a", new.message(), Verdict::Approved));
        receiver.says(paid("p2", new.message(), 3_000, "FT 2"));
        receiver.says(paid("p2 again", new.message(), 3_000, "FT  2"));
        scene.rounds(&receiver, 3).await;
        let effects = Effects { approvals: 1, rejections: 0, payments: vec![2_000, 3_000] };
        assert_eq!(scene.book.effects(new.statement), effects);
        assert_eq!(scene.book.bill_of(new.statement).state, StatementState::Paid);
        assert_eq!(scene.aside().await, Vec::<String>::new());
        let told = scene.registry.answers_about(&SYSTEM, new.message()).await.unwrap();
        let standings: Vec<AnswerStanding> = told.iter().map(|(row, _)| row.standing).collect();
        use AnswerStanding::{Done, Noted};
        assert_eq!(standings, [Done, Noted, Noted, Done, Noted]);
        let reference = told[0].0.reference.unwrap();
        let opened = scene.registry.opened_marks(&SYSTEM, &[reference]).await.unwrap();
        assert_eq!(opened[&reference], "FT 1");
    })
    .await;
}

#[tokio::test]
async fn a_refused_invoice_tells_its_provider_why_and_nobody_else() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let new = scene.queue(1, 5_000).await;
        let receiver = Tame::default();
        receiver.says(answer("r", new.message(), Verdict::Rejected));
        scene.rounds(&receiver, 3).await;
        assert_eq!(scene.book.effects(new.statement), Effects { rejections: 1, ..Effects::default() });
        let notices = scene.registry.notices(Party::Provider(scene.provider), &Page::default()).await.unwrap();
        let [notice] = &notices.items[..] else { panic!("{notices:?}") };
        assert_eq!((notice.kind, &notice.subject), (NoticeKind::InvoiceRejected, &new.statement.to_string()));
        let staff = scene.user("staff", Role::ProviderStaff, Some(PROVIDER)).await;
        for reader in [staff, scene.user("officer", Role::Officer, None).await] {
            let reasons = scene.registry.refusals(&reader, new.statement, None).await.unwrap();
            assert_eq!(reasons.len(), 1);
            assert_eq!(reasons[0].text.as_deref(), Some("Neteisinga sutartis"));
        }
        let stranger = scene.user("stranger", Role::ProviderStaff, Some(NATURAL)).await;
        let denied = scene.registry.refusals(&stranger, new.statement, None).await;
        assert!(matches!(denied, Err(RegistryError::Denied(_))), "{denied:?}");
        assert!(!holds(&place.bytes().await, "Neteisinga".as_bytes()), "a reason stands in a file");

        // Another invoice of the same statement is another message.
        let again = keis_registry::dispatch::NewDispatch { file: file(201), ..new };
        scene.book.attach(again.statement, again.file, 5_000);
        scene.enqueue(&[again]).await;
        receiver.says(answer("late", new.message(), Verdict::Approved));
        receiver.says(answer("new", again.message(), Verdict::Approved));
        scene.rounds(&receiver, 3).await;
        assert_eq!(scene.aside().await, ["contradicts"]);
        assert_eq!(scene.book.effects(new.statement), Effects { approvals: 1, rejections: 1, payments: vec![] });
    })
    .await;
}

#[tokio::test]
async fn what_an_officer_did_by_hand_is_not_done_again() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let receiver = Tame::default();
        let (approved, rejected, settled) =
            (scene.queue(1, 500).await, scene.queue(2, 500).await, scene.queue(3, 500).await);
        scene.step(&receiver).await;
        scene.book.set(approved.statement, StatementState::Approved);
        scene.book.set(rejected.statement, StatementState::Accepted);
        scene.book.set(settled.statement, StatementState::Approved);
        receiver.says(answer("1", approved.message(), Verdict::Approved));
        receiver.says(answer("2", rejected.message(), Verdict::Rejected));
        receiver.says(answer("3", settled.message(), Verdict::Rejected));
        scene.rounds(&receiver, 3).await;
        for new in [approved, rejected, settled] {
            assert_eq!(scene.book.effects(new.statement), Effects::default());
        }
        assert_eq!(scene.aside().await, ["settled"]);
        assert!(outbox::list(&scene.registry, None, &Page::default()).await.unwrap().items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_is_put_aside_and_nothing_is_lost() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let receiver = Tame::default();
        let (one, other) = (scene.queue(1, 500).await, scene.queue(2, 500).await);
        receiver.says(answer("a", MessageId([3; 16]), Verdict::Approved));
        receiver.says(Answer { message: "no id of ours".to_owned(), ..answer("b", one.message(), Verdict::Approved) });
        receiver.says(Answer { payment: None, ..paid("c", one.message(), 500, "FT 1") });
        let nothing = Payment { amount: keis_ledger::money::Cents::ZERO, reference: "FT".into(), day: String::new() };
        receiver.says(Answer { payment: Some(nothing), ..paid("d", one.message(), 500, "FT 1") });
        receiver.says(paid("e", one.message(), 501, "FT 2"));
        receiver.says(paid("f", other.message(), 500, "FT 2"));
        receiver.says(answer("g", one.message(), Verdict::Received));
        receiver.says(answer("g", one.message(), Verdict::Approved));
        receiver.tells(Told::Unreadable { why: "no_json", text: "Bogus".to_owned() });
        scene.rounds(&receiver, 3).await;
        let wanted = [
            "unknown_message",
            "unknown_message",
            "payment_unsound",
            "payment_unsound",
            "above_open",
            "reference_used",
            "id_reused",
            "no_json",
        ];
        assert_eq!(scene.aside().await, wanted);
        let listed = scene.registry.answers_aside(&SYSTEM, &Page::default()).await.unwrap().items;
        assert_eq!(listed[1].0.named.as_deref(), Some("no id of ours"));
        assert_eq!(listed[7].1.as_deref(), Some("Bogus"));
        assert!(!holds(&place.bytes().await, b"Bogus"), "what was told stands in a file");
        assert_eq!(scene.book.effects(one.statement), Effects { approvals: 1, ..Effects::default() });
        assert_eq!(scene.book.effects(other.statement), Effects::default());
    })
    .await;
}

#[tokio::test]
async fn where_the_payers_key_is_elsewhere_an_officer_records_the_payment() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        scene.book.pays_here(false);
        let receiver = Tame::default();
        let new = scene.queue(1, 500).await;
        receiver.says(paid("p", new.message(), 500, "FT 1"));
        scene.rounds(&receiver, 3).await;
        assert_eq!(scene.aside().await, ["payer_elsewhere"]);
        assert_eq!(scene.book.effects(new.statement), Effects { approvals: 1, ..Effects::default() });
        let officer = scene.user("budget", Role::BudgetOfficer, None).await;
        let seq = scene.registry.answers_aside(&officer, &Page::default()).await.unwrap().items[0].0.seq;
        assert_eq!(scene.registry.take_up_answer(&officer, seq).await.unwrap(), AnswerStanding::Pending);
        scene.rounds(&receiver, 2).await;
        assert_eq!(scene.aside().await, ["payer_elsewhere"], "it is still elsewhere");
        scene.book.pays_here(true);
        scene.registry.take_up_answer(&officer, seq).await.unwrap();
        scene.rounds(&receiver, 2).await;
        assert_eq!(scene.book.effects(new.statement).payments, [500]);
        let gone = scene.registry.take_up_answer(&officer, seq).await;
        assert!(matches!(gone, Err(DispatchError::AnswerUnknown(_))), "{gone:?}");
    })
    .await;
}

#[tokio::test]
async fn an_answer_about_a_document_that_is_queued_later_is_taken_up() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let receiver = Tame::default();
        let new = scene.invoice(1);
        scene.book.attach(new.statement, new.file, 500);
        receiver.says(answer("r", new.message(), Verdict::Rejected));
        receiver.says(answer("x", MessageId([1; 16]), Verdict::Rejected));
        scene.rounds(&receiver, 1).await;
        assert_eq!(scene.aside().await, ["unknown_message", "unknown_message"]);
        scene.enqueue(&[new]).await;
        let listed = scene.registry.answers_aside(&SYSTEM, &Page::default()).await.unwrap().items;
        let (first, second) = (listed[0].0.seq, listed[1].0.seq);
        assert_eq!(scene.registry.take_up_answer(&SYSTEM, first).await.unwrap(), AnswerStanding::Pending);
        assert_eq!(scene.registry.take_up_answer(&SYSTEM, second).await.unwrap(), AnswerStanding::Aside);
        scene.registry.dismiss_answer(&SYSTEM, second).await.unwrap();
        scene.rounds(&receiver, 2).await;
        assert_eq!(scene.aside().await, Vec::<String>::new());
        assert_eq!(receiver.sent(), 0, "the receiver has it from before");
        assert_eq!(scene.book.effects(new.statement).rejections, 1);
        let reasons = scene.registry.refusals(&SYSTEM, new.statement, None).await.unwrap();
        assert_eq!(reasons[0].text.as_deref(), Some("Neteisinga sutartis"));
    })
    .await;
}

#[tokio::test]
async fn a_wish_that_an_officer_discards_can_be_made_again() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let receiver = Tame::default();
        let new = scene.queue(1, 500).await;
        receiver.says(answer("a", new.message(), Verdict::Approved));
        scene.step(&receiver).await;
        let rows = outbox::list(&scene.registry, Some(OutboxState::Waiting), &Page::default()).await.unwrap().items;
        outbox::discard(&scene.registry, &SYSTEM, rows[0].id).await.unwrap();
        scene.step(&receiver).await;
        assert_eq!(scene.aside().await, ["given_up"]);
        let seq = scene.registry.answers_aside(&SYSTEM, &Page::default()).await.unwrap().items[0].0.seq;
        scene.registry.take_up_answer(&SYSTEM, seq).await.unwrap();
        scene.rounds(&receiver, 2).await;
        assert_eq!(scene.book.effects(new.statement).approvals, 1);
    })
    .await;
}

#[tokio::test]
async fn where_an_officer_was_faster_than_the_outbox_the_answer_is_done_too() {
    both(async |place| {
        let scene = Scene::new(&place).await;
        let receiver = Tame::default();
        let new = scene.queue(1, 500).await;
        receiver.says(answer("a", new.message(), Verdict::Approved));
        scene.step(&receiver).await;
        scene.book.set(new.statement, StatementState::Approved);
        scene.rounds(&receiver, 2).await;
        let told = scene.registry.answers_about(&SYSTEM, new.message()).await.unwrap();
        assert_eq!(told[0].0.standing, AnswerStanding::Done);
        assert_eq!(scene.book.effects(new.statement), Effects::default());
        let rows = outbox::list(&scene.registry, Some(OutboxState::Refused), &Page::default()).await.unwrap().items;
        assert_eq!(rows.len(), 1, "the wish itself stays for an officer to discard");
    })
    .await;
}
