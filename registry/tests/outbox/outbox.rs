//! Row first, transaction last, one effect: through kills, lost answers, expiry, refusals, and two workers at once.

use std::sync::Arc;
use std::time::Duration;

use keis_ledger::ids::{DocumentId, EntityId, ProviderId, PupilId, SchoolId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{FundsOperation, NewProvider, NewSchool, Operation, Party, WalletOperation};
use keis_ledger::record::{Provider, School};
use keis_ledger::time::Span;
use keis_registry::Registry;
use keis_registry::import::{allocate, open_wallets};
use keis_registry::outbox::{self, Effect, New, Office, OutboxError, OutboxId, OutboxRow, OutboxState, Pace, enqueue};
use keis_registry::wallets::{WalletState, counts, of_year};

use crate::ledger::{Fault, Ledger, OPERATOR, open_year};
use crate::scene::{
    QUICK, SYSTEM, YEAR, extract, full, import, killed_after, people, rows, school_id, schools, work_off,
};
use crate::support::{Place, both};

/// School money: twice in, it would be twice there.
fn money(school: SchoolId, cents: u64) -> New {
    let operation = FundsOperation::RecordSchoolMoney { year: YEAR, school, amount: Cents::new(cents) };
    New::of(Office::Operator, "school_money", Operation::Funds(operation))
}

async fn queue(registry: &Registry, new: New) -> OutboxId {
    let mut work = registry.begin().await.unwrap();
    let id = enqueue(&mut work, &SYSTEM, new).await.unwrap();
    work.commit().await.unwrap();
    id
}

async fn row(registry: &Registry, id: OutboxId) -> OutboxRow {
    outbox::get(registry, id).await.unwrap().unwrap()
}

async fn state(registry: &Registry, id: OutboxId) -> OutboxState {
    row(registry, id).await.state
}

/// A registry and a ledger that have two schools, and the year.
async fn ready(place: &Place) -> (Registry, Ledger, SchoolId) {
    let registry = place.open().await;
    let ledger = Ledger::with_year(YEAR);
    schools(&registry).await;
    work_off(&registry, &ledger).await;
    let school = school_id(&registry, 0).await;
    assert!(registry.school(school).await.unwrap().unwrap().opened);
    (registry, ledger, school)
}

#[tokio::test]
async fn a_worker_killed_at_any_step_leaves_one_effect() {
    both(|place| async move {
        let (registry, ledger, school) = ready(&place).await;
        let mut expected = 0;
        let mut survived = 0;
        for polls in 1..400 {
            let id = queue(&registry, money(school, u64::from(polls))).await;
            expected += u64::from(polls);
            let killed = killed_after(polls, outbox::work_off(&registry, &ledger, QUICK)).await.is_none();
            survived = if killed { 0 } else { survived + 1 };
            // A row under way when its worker was killed is taken up again a moment later.
            while state(&registry, id).await != OutboxState::Done {
                work_off(&registry, &ledger).await;
            }
            assert_eq!(ledger.purse(YEAR, school), expected, "killed at poll {polls}");
            if survived == 3 {
                println!("a row takes fewer than {polls} steps");
                return;
            }
        }
        panic!("no worker lived to the end");
    })
    .await;
}

#[tokio::test]
async fn calls_that_fail_at_any_step_leave_one_effect() {
    both(|place| async move {
        let (registry, ledger, school) = ready(&place).await;
        let mut expected = 0;
        for fault in [Fault::Lost, Fault::Unanswered] {
            for first in 0..6 {
                for second in first..6 {
                    let amount = 10 + first * 6 + second;
                    let id = queue(&registry, money(school, amount)).await;
                    expected += amount;
                    ledger.fail(first, fault);
                    ledger.fail(second + 1, fault);
                    for _ in 0..5 {
                        work_off(&registry, &ledger).await;
                    }
                    // What was not called meanwhile does not go wrong for the next.
                    for call in 0..8 {
                        ledger.fail(call, fault);
                    }
                    for _ in 0..8 {
                        let _ = keis_registry::outbox::Door::now(&ledger).await;
                    }
                    assert_eq!(state(&registry, id).await, OutboxState::Done);
                    assert_eq!(ledger.purse(YEAR, school), expected, "{fault:?} at {first} and {second}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_same_bytes_go_out_again_until_they_expire() {
    both(|place| async move {
        let (registry, ledger, school) = ready(&place).await;
        // Done on the ledger, but the answer is lost: the same bytes, one effect. Calls are: time, signature, submission.
        let before = ledger.submitted().len();
        let id = queue(&registry, money(school, 100)).await;
        ledger.fail(2, Fault::Unanswered);
        work_off(&registry, &ledger).await;
        let left = row(&registry, id).await;
        assert_eq!((left.state, left.attempts), (OutboxState::Signed, 1));
        assert_eq!(ledger.purse(YEAR, school), 100);
        work_off(&registry, &ledger).await;
        let done = row(&registry, id).await;
        assert_eq!((done.state, done.transaction), (OutboxState::Done, left.transaction));
        assert!(done.height.is_some());
        let sent = ledger.submitted().split_off(before);
        assert!(sent.len() == 2 && sent[0] == sent[1]);

        // Long after their last instant, too: the receipt answers.
        let id = queue(&registry, money(school, 10)).await;
        ledger.fail(2, Fault::Unanswered);
        work_off(&registry, &ledger).await;
        ledger.pass(Span::days(2));
        work_off(&registry, &ledger).await;
        assert_eq!((state(&registry, id).await, ledger.purse(YEAR, school)), (OutboxState::Done, 110));

        // Never there before they expired: signed anew, once.
        let before = ledger.submitted().len();
        let id = queue(&registry, money(school, 1)).await;
        ledger.fail(2, Fault::Lost);
        work_off(&registry, &ledger).await;
        let first = row(&registry, id).await.transaction;
        ledger.pass(Span::days(2));
        work_off(&registry, &ledger).await;
        let done = row(&registry, id).await;
        assert_eq!((done.state, ledger.purse(YEAR, school)), (OutboxState::Done, 111));
        assert_ne!(done.transaction, first);
        let sent = ledger.submitted().split_off(before);
        assert_eq!(sent.len(), 2, "the expired bytes, then new ones");
    })
    .await;
}

#[tokio::test]
async fn expired_bytes_are_not_replaced_while_a_node_may_still_show_them() {
    both(|place| async move {
        let (registry, ledger, school) = ready(&place).await;
        let id = queue(&registry, money(school, 100)).await;
        // The submission is lost, time passes, then every call after the second submission fails in turn.
        ledger.fail(2, Fault::Unanswered);
        work_off(&registry, &ledger).await;
        ledger.pass(Span::days(2));
        for call in [1, 2, 1, 2] {
            ledger.fail(call, Fault::Lost);
            work_off(&registry, &ledger).await;
        }
        work_off(&registry, &ledger).await;
        work_off(&registry, &ledger).await;
        assert_eq!((state(&registry, id).await, ledger.purse(YEAR, school)), (OutboxState::Done, 100));
    })
    .await;
}

#[tokio::test]
async fn two_workers_at_once_do_no_harm() {
    both(|place| async move {
        let (registry, ledger, school) = ready(&place).await;
        let ledger = Arc::new(ledger);
        let mut expected = 0;
        for amount in 1..60 {
            queue(&registry, money(school, amount)).await;
            expected += amount;
        }
        let (one, other) = tokio::join!(
            outbox::work_off(&registry, &*ledger, QUICK),
            outbox::work_off(&registry, &*ledger, Pace { in_flight: 3, ..QUICK })
        );
        one.unwrap();
        other.unwrap();
        work_off(&registry, &ledger).await;
        assert_eq!(ledger.purse(YEAR, school), expected);
        assert!(rows(&registry).await.keys().all(|(_, state)| state == "done"));
    })
    .await;
}

#[tokio::test]
async fn a_running_worker_takes_what_comes_and_stops() {
    both(|place| async move {
        let (registry, ledger, school) = ready(&place).await;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (inner, ledger) = (registry.clone(), Arc::new(ledger));
        let door = Arc::clone(&ledger);
        let worker = tokio::spawn(async move {
            outbox::run_paced(&inner, &*door, QUICK, async {
                let _ = stopped.await;
            })
            .await;
        });
        for amount in [1, 2, 4] {
            let id = queue(&registry, money(school, amount)).await;
            let state = outbox::wait(&registry, id, Duration::from_secs(60)).await.unwrap();
            assert_eq!(state, OutboxState::Done);
        }
        assert_eq!(ledger.purse(YEAR, school), 7);
        stop.send(()).unwrap();
        worker.await.unwrap();
        let id = queue(&registry, money(school, 1)).await;
        assert_eq!(outbox::wait(&registry, id, Duration::ZERO).await.unwrap(), OutboxState::Waiting);
        assert!(matches!(
            outbox::wait(&registry, OutboxId(9_999), Duration::ZERO).await,
            Err(OutboxError::Unknown(OutboxId(9_999)))
        ));
    })
    .await;
}

#[tokio::test]
async fn a_row_waits_for_the_one_before_it() {
    both(|place| async move {
        let (registry, ledger, school) = ready(&place).await;
        let wallet = |id| Operation::Wallet(WalletOperation::Suspend { party: Party::School(id) });
        let back = |id| Operation::Wallet(WalletOperation::Reinstate { party: Party::School(id) });
        let first = queue(&registry, New::of(Office::Operator, "suspend", wallet(school))).await;
        let second = queue(&registry, New::of(Office::Operator, "reinstate", back(school)).after(Some(first))).await;
        let third = queue(&registry, New::of(Office::Operator, "suspend", wallet(school)).after(Some(second))).await;
        // The first does not get through at first.
        ledger.fail(2, Fault::Lost);
        work_off(&registry, &ledger).await;
        let states = [state(&registry, first).await, state(&registry, second).await, state(&registry, third).await];
        assert_eq!(states, [OutboxState::Signed, OutboxState::Waiting, OutboxState::Waiting]);
        work_off(&registry, &ledger).await;
        assert_eq!(state(&registry, third).await, OutboxState::Done);
        assert!(row(&registry, first).await.height < row(&registry, second).await.height);
        assert!(row(&registry, second).await.height < row(&registry, third).await.height);
    })
    .await;
}

#[tokio::test]
async fn refused_for_good_is_seen_retried_and_given_up() {
    both(|place| async move {
        let (registry, ledger, school) = ready(&place).await;
        let nobody = ProviderId([9; 16]);
        let suspend = Operation::Wallet(WalletOperation::Reinstate { party: Party::School(school) });
        let refused = queue(&registry, New::of(Office::Operator, "reinstate", suspend)).await;
        let waits = queue(&registry, money(school, 5).after(Some(refused))).await;
        let also = queue(&registry, money(school, 7).after(Some(waits))).await;
        work_off(&registry, &ledger).await;
        let seen = outbox::list(&registry, Some(OutboxState::Refused), &Default::default()).await.unwrap().items;
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].id, refused);
        assert!(seen[0].rejection.as_deref().unwrap().starts_with("standing_unchanged: "), "{:?}", seen[0].rejection);
        assert_eq!(state(&registry, waits).await, OutboxState::Waiting, "what depends on it waits");

        // Once somebody has mended the cause, it passes.
        ledger.include(OPERATOR, Operation::Wallet(WalletOperation::Suspend { party: Party::School(school) })).unwrap();
        outbox::retry(&registry, &SYSTEM, refused).await.unwrap();
        work_off(&registry, &ledger).await;
        assert_eq!(state(&registry, also).await, OutboxState::Done);
        assert_eq!(ledger.purse(YEAR, school), 12);
        let wrong = outbox::retry(&registry, &SYSTEM, refused).await.unwrap_err();
        assert!(matches!(wrong, OutboxError::StateWrong { state: OutboxState::Done, .. }));

        // Or it is given up, with what depends on it.
        let offer = Operation::Wallet(WalletOperation::OpenProviders {
            providers: vec![NewProvider { provider: nobody, entity: EntityId([1; 16]) }],
        });
        ledger.include(OPERATOR, offer.clone()).unwrap();
        let refused = queue(&registry, New::of(Office::Operator, "open_providers", offer)).await;
        let waits = queue(&registry, money(school, 5).after(Some(refused))).await;
        work_off(&registry, &ledger).await;
        assert_eq!(outbox::discard(&registry, &SYSTEM, refused).await.unwrap(), 2);
        assert_eq!(state(&registry, waits).await, OutboxState::Discarded);
        work_off(&registry, &ledger).await;
        assert_eq!(ledger.purse(YEAR, school), 12);
        assert!(ledger.state().get::<Provider>(nobody).is_some());
        registry.verify_log(None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_may_pass_later_is_tried_until_it_does() {
    both(|place| async move {
        let registry = place.open().await;
        // The ledger does not have the year yet, and the operator's key is not there.
        let ledger = Ledger::new();
        schools(&registry).await;
        import(&registry, extract(&people(0..5)), full()).await.unwrap();
        open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
        allocate(&registry, &SYSTEM, YEAR).await.unwrap();
        ledger.without(&[Office::Operator]);
        work_off(&registry, &ledger).await;
        let waiting = outbox::list(&registry, Some(OutboxState::Waiting), &Default::default()).await.unwrap().items;
        assert_eq!(waiting.len(), 2);
        assert!(waiting.iter().all(|row| row.rejection.as_deref() == Some("no key of the operator is here")));
        ledger.without(&[]);
        work_off(&registry, &ledger).await;
        let signed = outbox::list(&registry, Some(OutboxState::Signed), &Default::default()).await.unwrap().items;
        assert_eq!(signed.len(), 1);
        assert!(signed[0].rejection.as_deref().unwrap().starts_with("year_unknown: "));
        let year = New::of(Office::BudgetHolder, "open_year", open_year(YEAR));
        queue(&registry, year).await;
        for _ in 0..3 {
            work_off(&registry, &ledger).await;
        }
        assert_eq!(counts(&registry, YEAR).await.unwrap()[&WalletState::Allocated], 5);
    })
    .await;
}

#[tokio::test]
async fn pauses_double_up_to_a_bound() {
    let place = Place::sqlite();
    let (registry, ledger, school) = ready(&place).await;
    ledger.without(&[Office::Operator]);
    let pace = Pace { first_wait: Duration::from_secs(3_600), longest_wait: Duration::from_secs(4 * 3_600), ..QUICK };
    let id = queue(&registry, money(school, 5)).await;
    for hours in [1, 2, 4, 4, 4] {
        outbox::work_off(&registry, &ledger, pace).await.unwrap();
        let tried = row(&registry, id).await;
        let pause = tried.next_at.0 - tried.changed.0;
        assert!(pause.abs_diff(hours * 3_600_000) < 60_000, "{pause} ms instead of {hours} h");
        // Not before its time.
        outbox::work_off(&registry, &ledger, pace).await.unwrap();
        assert_eq!(row(&registry, id).await.attempts, tried.attempts);
        // The clock cannot be turned, but the row's instant can.
        let mut work = registry.begin().await.unwrap();
        sqlx::query("UPDATE outbox SET next_at = 0").execute(work.connection()).await.unwrap();
        work.commit().await.unwrap();
    }
    assert_eq!(row(&registry, id).await.attempts, 5);
    outbox::retry(&registry, &SYSTEM, id).await.unwrap();
    assert_eq!(row(&registry, id).await.next_at.0, 0);
}

#[tokio::test]
async fn a_batch_that_one_wallet_spoils_is_opened_without_it() {
    both(|place| async move {
        let (registry, ledger, _) = ready(&place).await;
        import(&registry, extract(&people(0..40)), full()).await.unwrap();
        // A pupil whose token was used before: the database is an older backup's.
        let page = of_year(&registry, YEAR, None, 40).await.unwrap();
        let known = &page.wallets[17];
        let open = |wallet| {
            let new = keis_ledger::operation::NewPupil {
                pupil: wallet,
                nullifier: known.nullifier,
                school: known.school,
                grade: known.grade,
            };
            Operation::Wallet(WalletOperation::OpenPupils { year: YEAR, pupils: vec![new] })
        };
        ledger.include(OPERATOR, open(PupilId([0xEE; 16]))).unwrap();
        open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
        allocate(&registry, &SYSTEM, YEAR).await.unwrap();
        work_off(&registry, &ledger).await;
        let of = counts(&registry, YEAR).await.unwrap();
        assert_eq!((of[&WalletState::Allocated], of[&WalletState::Drawn]), (39, 1));
        let refused = outbox::list(&registry, Some(OutboxState::Refused), &Default::default()).await.unwrap().items;
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].operation, open(known.wallet));
        assert!(refused[0].rejection.as_deref().unwrap().starts_with("nullifier_used: "));
        assert_eq!(ledger.all_pupils(YEAR).iter().filter(|pupil| pupil.allocated).count(), 39);
    })
    .await;
}

#[tokio::test]
async fn a_wallet_that_closes_meanwhile_keeps_nobody_from_the_money() {
    both(|place| async move {
        let (registry, ledger, _) = ready(&place).await;
        let mut all = people(0..20);
        import(&registry, extract(&all), full()).await.unwrap();
        open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
        work_off(&registry, &ledger).await;
        all.remove(&3);
        import(&registry, extract(&all), full()).await.unwrap();
        // The closing goes first, and the money is enqueued before its answer is back.
        ledger.fail(2, Fault::Unanswered);
        work_off(&registry, &ledger).await;
        allocate(&registry, &SYSTEM, YEAR).await.unwrap();
        for _ in 0..3 {
            work_off(&registry, &ledger).await;
        }
        let of = counts(&registry, YEAR).await.unwrap();
        assert_eq!((of[&WalletState::Allocated], of[&WalletState::Closed]), (19, 1), "{:?}", rows(&registry).await);
        assert!(
            rows(&registry).await.keys().all(|(_, state)| state == "done" || state == "split"),
            "{:?}",
            rows(&registry).await
        );
    })
    .await;
}

#[tokio::test]
async fn what_follows_a_split_batch_waits_for_its_own_part() {
    both(|place| async move {
        let registry = place.open().await;
        let ledger = Ledger::new();
        schools(&registry).await;
        let mut all = people(0..8);
        import(&registry, extract(&all), full()).await.unwrap();
        open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
        // Before the year is on the ledger, three move and one leaves.
        for number in [1, 2, 5] {
            let row = all.get_mut(&number).unwrap();
            row.school = 1 - row.school;
        }
        all.remove(&6);
        import(&registry, extract(&all), full()).await.unwrap();
        work_off(&registry, &ledger).await;
        ledger.include(crate::ledger::BUDGET_HOLDER, open_year(YEAR)).unwrap();
        let spoiled = of_year(&registry, YEAR, None, 1).await.unwrap().wallets.remove(0);
        let new = keis_ledger::operation::NewPupil {
            pupil: PupilId([0xEE; 16]),
            nullifier: spoiled.nullifier,
            school: spoiled.school,
            grade: spoiled.grade,
        };
        ledger
            .include(OPERATOR, Operation::Wallet(WalletOperation::OpenPupils { year: YEAR, pupils: vec![new] }))
            .unwrap();
        work_off(&registry, &ledger).await;
        work_off(&registry, &ledger).await;
        for wallet in of_year(&registry, YEAR, None, 20).await.unwrap().wallets {
            let there = ledger.pupil_of(YEAR, wallet.wallet);
            if wallet.wallet == spoiled.wallet {
                assert!(there.is_none());
                continue;
            }
            let there = there.unwrap();
            assert_eq!((there.school, there.grade), (wallet.school, wallet.grade));
            assert_eq!(wallet.pending.or(wallet.latest), None);
        }
    })
    .await;
}

#[tokio::test]
async fn a_document_is_with_the_nodes_before_its_transaction() {
    both(|place| async move {
        let (registry, ledger, school) = ready(&place).await;
        let document = b"a description".to_vec();
        let id = queue(&registry, money(school, 1).with_document(document.clone())).await;
        // Calls: time, signature, document, submission.
        ledger.fail(2, Fault::Lost);
        let before = ledger.submitted().len();
        work_off(&registry, &ledger).await;
        assert_eq!((ledger.submitted().len(), ledger.documents().len()), (before, 0), "nothing leaves without it");
        work_off(&registry, &ledger).await;
        assert_eq!(ledger.documents(), [DocumentId::of(&document)]);
        assert_eq!(state(&registry, id).await, OutboxState::Done);
    })
    .await;
}

#[tokio::test]
async fn an_officer_acts_for_a_party_and_bodies_open_in_batches() {
    both(|place| async move {
        let (registry, ledger, school) = ready(&place).await;
        let new = NewSchool { school: SchoolId([3; 16]), entity: EntityId([3; 16]), place: "LT-01".parse().unwrap() };
        let open = Operation::Wallet(WalletOperation::OpenSchools { schools: vec![new] });
        let id =
            queue(&registry, New::of(Office::Operator, "open_schools", open).on_behalf(Party::School(school))).await;
        work_off(&registry, &ledger).await;
        let refused = row(&registry, id).await;
        assert_eq!(refused.behalf, Some(Party::School(school)));
        assert!(refused.rejection.unwrap().starts_with("not_permitted: "), "a school opens no school");
        crate::scene::providers(&registry).await;
        work_off(&registry, &ledger).await;
        let page = keis_registry::Page::first(10);
        let providers = registry.providers("", &page).await.unwrap().items;
        assert!(providers.len() == 2 && providers.iter().all(|provider| provider.opened));
        let state = ledger.state();
        assert!(
            providers
                .iter()
                .all(|body| state.get::<Provider>(body.id).is_some_and(|there| there.entity == body.entity))
        );
        assert!(state.get::<School>(school).is_some());
        assert_eq!(Effect::None, refused.effect);
    })
    .await;
}
