//! Every difference between registry and ledger is found and explained; without one, nothing is said.

use keis_ledger::classifiers::{Scope, Scopes};
use keis_ledger::ids::{Nullifier, PupilId, SchoolId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{FundsOperation, KeyGrant, NewPupil, Operation, Party, WalletOperation};
use keis_ledger::time::{Span, Timestamp};
use keis_registry::import::{allocate, open_wallets};
use keis_registry::keys::KeyRequest;
use keis_registry::outbox::{self, Office, OutboxState};
use keis_registry::permission::Role;
use keis_registry::reconcile::{About, DifferenceKind, Remedy, Report, reconcile};
use keis_registry::users::{Claims, RoleClaim};
use keis_registry::wallets::{Wallet, of_year};
use keis_registry::{Actor, Registry};

use crate::ledger::{Fault, Ledger, OPERATOR, secret};
use crate::scene::{Changed, Row, SYSTEM, YEAR, changes, delta, extract, full, import, people, schools, work_off};
use crate::support::{Place, both};

async fn compare(registry: &Registry, ledger: &Ledger) -> Report {
    reconcile(registry, &SYSTEM, YEAR, ledger).await.unwrap()
}

/// Twenty pupils with their money.
async fn funded(place: &Place) -> (Registry, Ledger, Vec<Wallet>) {
    let registry = place.open().await;
    let ledger = Ledger::with_year(YEAR);
    schools(&registry).await;
    crate::scene::providers(&registry).await;
    import(&registry, extract(&people(0..20)), full()).await.unwrap();
    open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
    allocate(&registry, &SYSTEM, YEAR).await.unwrap();
    work_off(&registry, &ledger).await;
    let wallets = of_year(&registry, YEAR, None, 100).await.unwrap().wallets;
    (registry, ledger, wallets)
}

fn kinds(report: &Report) -> Vec<(DifferenceKind, u64)> {
    report.counts.iter().map(|(kind, count)| (*kind, *count)).collect()
}

#[tokio::test]
async fn two_sides_that_say_the_same_agree() {
    both(|place| async move {
        let (registry, ledger, _) = funded(&place).await;
        let report = compare(&registry, &ledger).await;
        assert!(report.agrees() && report.differences.is_empty(), "{report:?}");
        assert_eq!((report.pupils, report.bodies, report.erased), (20, 4, 0));
    })
    .await;
}

#[tokio::test]
async fn what_is_on_its_way_is_told_as_such() {
    both(|place| async move {
        let registry = place.open().await;
        let ledger = Ledger::with_year(YEAR);
        schools(&registry).await;
        let report = compare(&registry, &ledger).await;
        assert_eq!(kinds(&report), [(DifferenceKind::BodyMissing, 2)]);
        assert!(report.differences.iter().all(|one| one.remedy == Remedy::Wait && one.waiting.is_some()));
        work_off(&registry, &ledger).await;
        import(&registry, extract(&people(0..10)), full()).await.unwrap();
        assert!(compare(&registry, &ledger).await.agrees(), "wallets that nobody wanted opened differ from nothing");
        open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
        let report = compare(&registry, &ledger).await;
        assert_eq!(kinds(&report), [(DifferenceKind::WalletNotOpened, 10)]);
        assert!(report.differences.iter().all(|one| one.remedy == Remedy::Wait && one.waiting.is_some()));
        work_off(&registry, &ledger).await;
        allocate(&registry, &SYSTEM, YEAR).await.unwrap();
        let report = compare(&registry, &ledger).await;
        assert_eq!(kinds(&report), [(DifferenceKind::NotAllocated, 10)]);
        work_off(&registry, &ledger).await;
        let moved = Row { class: "9a".to_owned(), ..Row::new(1, 0, 9) };
        let text = delta(&[(1, Changed::Moved(1, moved, false)), (2, Changed::Left(2))]);
        import(&registry, text, changes()).await.unwrap();
        let report = compare(&registry, &ledger).await;
        assert_eq!(kinds(&report), [(DifferenceKind::PlaceDiffers, 1), (DifferenceKind::StillOpen, 1)]);
        assert!(report.differences.iter().all(|one| one.remedy == Remedy::Wait && one.waiting.is_some()));
        assert!(report.differences[0].to_string().contains("it is on its way: out_"), "{}", report.differences[0]);
        work_off(&registry, &ledger).await;
        assert!(compare(&registry, &ledger).await.agrees());
    })
    .await;
}

#[tokio::test]
async fn what_happened_past_the_registry_is_found() {
    both(|place| async move {
        let (registry, ledger, wallets) = funded(&place).await;
        let wallet = |number: usize| wallets[number].wallet;
        let by_hand = |operation| ledger.include(OPERATOR, operation).unwrap();
        // Somebody opens a wallet for nobody, moves a pupil, closes another.
        let school = wallets[0].school;
        let new = NewPupil { pupil: PupilId([9; 16]), nullifier: Nullifier([9; 32]), school, grade: 5 };
        by_hand(Operation::Wallet(WalletOperation::OpenPupils { year: YEAR, pupils: vec![new] }));
        by_hand(Operation::Wallet(WalletOperation::MovePupil {
            year: YEAR,
            pupil: wallet(1),
            school: wallets[1].school,
            grade: 12,
            keep_lines: true,
        }));
        by_hand(Operation::Wallet(WalletOperation::Close { party: Party::Pupil(YEAR, wallet(2)) }));
        let report = compare(&registry, &ledger).await;
        assert_eq!(
            kinds(&report),
            [
                (DifferenceKind::WalletUnknown, 1),
                (DifferenceKind::PlaceDiffers, 1),
                (DifferenceKind::ClosedOnLedger, 1)
            ]
        );
        let of = |kind| report.differences.iter().find(|one| one.kind == kind).unwrap();
        assert_eq!(of(DifferenceKind::WalletUnknown).about, About::Wallet(PupilId([9; 16]), None));
        assert_eq!(of(DifferenceKind::PlaceDiffers).about, About::Wallet(wallet(1), Some(wallets[1].person)));
        assert_eq!(of(DifferenceKind::PlaceDiffers).remedy, Remedy::Inquire);
        assert_eq!(of(DifferenceKind::ClosedOnLedger).about, About::Wallet(wallet(2), Some(wallets[2].person)));
    })
    .await;
}

#[tokio::test]
async fn a_registry_that_was_put_back_is_found() {
    both(|place| async move {
        let (registry, ledger, wallets) = funded(&place).await;
        let mut work = registry.begin().await.unwrap();
        // As an older backup would have them: not opened, opened only, not drawn at all.
        let states = [(0, "drawn"), (1, "opened")];
        for (number, state) in states {
            sqlx::query("UPDATE wallets SET state = $1 WHERE person = $2")
                .bind(state)
                .bind(&wallets[number].person.0[..])
                .execute(work.connection())
                .await
                .unwrap();
        }
        sqlx::query("DELETE FROM wallets WHERE person = $1")
            .bind(&wallets[2].person.0[..])
            .execute(work.connection())
            .await
            .unwrap();
        sqlx::query("UPDATE schools SET opened = 0").execute(work.connection()).await.unwrap();
        work.commit().await.unwrap();
        let report = compare(&registry, &ledger).await;
        assert_eq!(
            kinds(&report),
            [
                (DifferenceKind::WalletUnknown, 1),
                (DifferenceKind::WalletNotDrawn, 1),
                (DifferenceKind::StateBehind, 2),
                (DifferenceKind::BodyBehind, 2),
            ]
        );
        // The other way round: a new ledger under an old registry.
        let report = compare(&registry, &Ledger::with_year(YEAR)).await;
        assert_eq!(
            kinds(&report),
            [
                (DifferenceKind::WalletMissing, 18),
                (DifferenceKind::WalletNotOpened, 1),
                (DifferenceKind::WalletNotDrawn, 1),
                (DifferenceKind::BodyMissing, 4),
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn refused_rows_and_lost_ones_are_found() {
    both(|place| async move {
        let (registry, ledger, wallets) = funded(&place).await;
        // The move of one pupil is refused since somebody closed the wallet; that of another is given up.
        ledger
            .include(
                OPERATOR,
                Operation::Wallet(WalletOperation::Close { party: Party::Pupil(YEAR, wallets[0].wallet) }),
            )
            .unwrap();
        let mut all = people(0..20);
        for row in all.values_mut() {
            row.grade = 12;
        }
        import(&registry, extract(&all), full()).await.unwrap();
        ledger.without(&[Office::Operator]);
        work_off(&registry, &ledger).await;
        let rows = outbox::list(&registry, Some(OutboxState::Waiting), &Default::default()).await.unwrap().items;
        let latest = of_year(&registry, YEAR, None, 100).await.unwrap().wallets;
        let given_up = latest.iter().find(|wallet| wallet.wallet == wallets[1].wallet).unwrap().latest.unwrap();
        assert_eq!(rows.len(), 20);
        outbox::discard(&registry, &SYSTEM, given_up).await.unwrap();
        ledger.without(&[]);
        work_off(&registry, &ledger).await;
        let report = compare(&registry, &ledger).await;
        assert_eq!(
            kinds(&report),
            [(DifferenceKind::PlaceDiffers, 1), (DifferenceKind::ClosedOnLedger, 1), (DifferenceKind::RowRefused, 1)]
        );
        let lost = report.differences.iter().find(|one| one.kind == DifferenceKind::PlaceDiffers).unwrap();
        assert_eq!((lost.about, lost.waiting), (About::Wallet(wallets[1].wallet, Some(wallets[1].person)), None));
    })
    .await;
}

#[tokio::test]
async fn a_row_that_never_passes_is_stuck() {
    both(|place| async move {
        let (registry, ledger, _) = funded(&place).await;
        let operation =
            FundsOperation::RecordSchoolMoney { year: YEAR, school: SchoolId([9; 16]), amount: Cents::new(1) };
        let mut work = registry.begin().await.unwrap();
        let new = outbox::New::of(Office::Operator, "school_money", Operation::Funds(operation));
        let id = outbox::enqueue(&mut work, &SYSTEM, new).await.unwrap();
        work.commit().await.unwrap();
        for _ in 0..12 {
            assert!(compare(&registry, &ledger).await.agrees());
            work_off(&registry, &ledger).await;
        }
        let report = compare(&registry, &ledger).await;
        assert_eq!(kinds(&report), [(DifferenceKind::RowStuck, 1)]);
        assert_eq!((report.differences[0].about, report.differences[0].remedy), (About::Row(id), Remedy::SeeRow));
        ledger.fail(0, Fault::Lost);
    })
    .await;
}

#[tokio::test]
async fn erased_persons_wallets_are_closed_and_differ_from_nothing() {
    both(|place| async move {
        let (registry, ledger, wallets) = funded(&place).await;
        let person = wallets[4].person;
        registry.erase(&SYSTEM, person, Default::default()).await.unwrap();
        let report = compare(&registry, &ledger).await;
        assert_eq!(kinds(&report), [(DifferenceKind::WalletUnknown, 1)]);
        assert_eq!(report.differences[0].remedy, Remedy::Wait);
        work_off(&registry, &ledger).await;
        let report = compare(&registry, &ledger).await;
        assert!(report.agrees(), "{report:?}");
        assert_eq!((report.erased, report.pupils), (1, 20));
    })
    .await;
}

#[tokio::test]
async fn keys_are_compared() {
    both(|place| async move {
        let (registry, ledger, _) = funded(&place).await;
        let code = crate::scene::school(0);
        let claims = Claims {
            issuer: "https://directory.example".to_owned(),
            subject: "coordinator".to_owned(),
            name: "Somebody".to_owned(),
            email: None,
            roles: vec![RoleClaim { role: Role::Coordinator, body: Some(code.clone()) }],
        };
        let user = registry.sign_in(&claims).await.unwrap().user;
        let school = registry.school_by_code(&code).await.unwrap().unwrap().id;
        let party = Party::School(school);
        let scopes = Scopes::of(&[Scope::Order, Scope::Read]);
        let ask = |number: u8| KeyRequest { party, key: secret(number).public(), scopes, label: "a key".to_owned() };
        let mut ids = Vec::new();
        for number in [50, 51] {
            ids.push(registry.request_key(&user, &ask(number)).await.unwrap());
        }
        assert!(compare(&registry, &ledger).await.agrees(), "keys that wait for an officer differ from nothing");
        let until = Timestamp(u64::MAX >> 2);
        for id in &ids {
            registry.approve_key(&SYSTEM, *id, Cents::new(1_000), Timestamp(0), until).await.unwrap();
        }
        let report = compare(&registry, &ledger).await;
        assert_eq!(kinds(&report), [(DifferenceKind::KeyMissing, 2)]);
        assert!(report.differences.iter().all(|one| one.remedy == Remedy::Wait));
        work_off(&registry, &ledger).await;
        assert!(compare(&registry, &ledger).await.agrees());
        // One ended and one bound past the registry.
        ledger.pass(Span(1));
        ledger.include(OPERATOR, Operation::Wallet(WalletOperation::RevokeKey { key: secret(50).public() })).unwrap();
        let grant = KeyGrant { key: secret(52).public(), party, scopes, cap: Cents::ZERO, from: Timestamp(0), until };
        ledger.include(OPERATOR, Operation::Wallet(WalletOperation::BindKeys { grants: vec![grant] })).unwrap();
        let report = compare(&registry, &ledger).await;
        assert_eq!(kinds(&report), [(DifferenceKind::KeyMissing, 1), (DifferenceKind::KeyUnknown, 1)]);
        let of = |kind| report.differences.iter().find(|one| one.kind == kind).unwrap();
        assert_eq!(of(DifferenceKind::KeyMissing).about, About::Key(secret(50).public(), Some(ids[0])));
        assert_eq!(of(DifferenceKind::KeyUnknown).remedy, Remedy::Revoke);
        // A revocation that does not get there.
        registry.revoke_key(&SYSTEM, ids[1]).await.unwrap();
        let report = compare(&registry, &ledger).await;
        assert!(report.counts.keys().all(|kind| *kind != DifferenceKind::KeyStillActive) || !report.agrees());
        work_off(&registry, &ledger).await;
        let report = compare(&registry, &ledger).await;
        assert_eq!(kinds(&report), [(DifferenceKind::KeyMissing, 1), (DifferenceKind::KeyUnknown, 1)]);
    })
    .await;
}

#[tokio::test]
async fn only_who_may_compares() {
    let place = Place::sqlite();
    let registry = place.open().await;
    let ledger = Ledger::with_year(YEAR);
    let actor = Actor::User(keis_registry::ids::UserId([1; 16]));
    assert!(reconcile(&registry, &actor, YEAR, &ledger).await.is_err());
}
