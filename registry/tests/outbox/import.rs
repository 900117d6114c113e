//! Extracts taken over: full and delta, again and again, tried, killed, refused.

use std::collections::BTreeMap;

use keis_ledger::record::Standing;
use keis_registry::import::{ImportError, Options, Phase, allocate, import_pupils, open_wallets};
use keis_registry::permission::{Permission, Role};
use keis_registry::users::{Claims, RoleClaim};
use keis_registry::wallets::{WalletState, counts};
use keis_registry::{Actor, RegistryError};

use crate::ledger::Ledger;
use crate::scene::{
    Changed, Row, SYSTEM, YEAR, changes, contents, delta, enrolled, extract, full, import, killed_after, people, rows,
    school_id, schools, work_off,
};
use crate::support::{Place, both};

#[tokio::test]
async fn the_same_extract_again_changes_nothing() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        // More than two chunks.
        let people = people(0..10_400);
        let text = extract(&people);
        let mut seen = Vec::new();
        let report = import_pupils(&registry, &SYSTEM, text.as_bytes(), full(), &mut |progress| seen.push(progress))
            .await
            .unwrap();
        assert_eq!((report.lines, report.arrived, report.unchanged, report.bad), (10_400, 10_400, 0, 0));
        assert_eq!(enrolled(&registry, 0..10_500).await, people);
        assert_eq!(counts(&registry, YEAR).await.unwrap(), BTreeMap::from([(WalletState::Drawn, 10_400)]));
        for phase in [Phase::Reading, Phase::Writing, Phase::Drawing] {
            assert_eq!(seen.iter().rfind(|progress| progress.phase == phase).unwrap().done, 10_400, "{phase:?}");
        }
        let before = contents(&registry).await;
        let report = import(&registry, &text, full()).await.unwrap();
        assert_eq!((report.arrived, report.unchanged, report.left), (0, 10_400, 0));
        assert!(contents(&registry).await == before, "the second time changes nothing");
    })
    .await;
}

#[tokio::test]
async fn a_trial_changes_nothing_and_reports_the_same() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        let mut people = people(0..50);
        for round in 0..2 {
            if round == 1 {
                people.remove(&7);
                people.insert(60, Row::new(60, 1, 6));
                people.get_mut(&8).unwrap().school = 1;
                people.get_mut(&9).unwrap().class = "5c".to_owned();
            }
            let text = extract(&people);
            let before = contents(&registry).await;
            let trial = import(&registry, &text, full().dry()).await.unwrap();
            assert!(contents(&registry).await == before);
            assert_eq!(import(&registry, &text, full()).await.unwrap(), trial);
            if round == 1 {
                assert_eq!((trial.arrived, trial.left, trial.moved, trial.changed), (1, 1, 1, 1));
            }
        }
        let lines = delta(&[
            (1, Changed::Left(10)),
            (2, Changed::Arrived(70, Row::new(70, 0, 5))),
            (3, Changed::Moved(11, Row::new(11, 0, 7), true)),
        ]);
        let before = contents(&registry).await;
        let trial = import(&registry, &lines, changes().dry()).await.unwrap();
        assert!(contents(&registry).await == before);
        assert_eq!(import(&registry, &lines, changes()).await.unwrap(), trial);
        assert_eq!((trial.arrived, trial.left, trial.moved), (1, 1, 1));
    })
    .await;
}

#[tokio::test]
async fn arrivals_movers_and_leavers_reach_the_ledger() {
    both(|place| async move {
        let registry = place.open().await;
        let ledger = Ledger::with_year(YEAR);
        schools(&registry).await;
        let mut people = people(0..30);
        import(&registry, extract(&people), full()).await.unwrap();
        assert_eq!(
            rows(&registry).await.keys().map(|(purpose, _)| purpose.as_str()).collect::<Vec<_>>(),
            ["open_schools"]
        );
        assert_eq!(open_wallets(&registry, &SYSTEM, YEAR).await.unwrap(), 30);
        assert_eq!(open_wallets(&registry, &SYSTEM, YEAR).await.unwrap(), 0, "none is enqueued twice");
        work_off(&registry, &ledger).await;
        assert_eq!(allocate(&registry, &SYSTEM, YEAR).await.unwrap(), 30);
        assert_eq!(allocate(&registry, &SYSTEM, YEAR).await.unwrap(), 0, "none is enqueued twice");
        work_off(&registry, &ledger).await;
        assert_eq!(counts(&registry, YEAR).await.unwrap(), BTreeMap::from([(WalletState::Allocated, 30)]));
        assert!(ledger.all_pupils(YEAR).iter().all(|pupil| pupil.balance.get() == 1_400));

        // From now on an extract does it all.
        people.remove(&0);
        people.insert(40, Row::new(40, 0, 5));
        *people.get_mut(&1).unwrap() = Row::new(1, 0, 12);
        import(&registry, extract(&people), full()).await.unwrap();
        work_off(&registry, &ledger).await;
        let expected = BTreeMap::from([(WalletState::Allocated, 30), (WalletState::Closed, 1)]);
        assert_eq!(counts(&registry, YEAR).await.unwrap(), expected);
        let pupils = ledger.all_pupils(YEAR);
        assert_eq!(pupils.iter().filter(|pupil| pupil.standing == Standing::Closed).count(), 1);
        let own = school_id(&registry, 0).await;
        assert!(pupils.iter().any(|pupil| (pupil.school, pupil.grade) == (own, 12)));
        assert!(rows(&registry).await.keys().all(|(_, state)| state == "done"));
    })
    .await;
}

#[tokio::test]
async fn an_extract_that_lacks_too_many_is_refused_as_a_whole() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        let all = people(0..50);
        import(&registry, extract(&all), full()).await.unwrap();
        let before = contents(&registry).await;
        let mut few = people(0..39);
        few.insert(99, Row::new(99, 0, 5));
        few.get_mut(&1).unwrap().grade = 11;
        for options in [full(), full().dry()] {
            let error = import(&registry, extract(&few), options).await.unwrap_err();
            assert!(matches!(error, ImportError::MassLeaving { left: 11, enrolled: 50, most: 20 }), "{error}");
        }
        assert!(contents(&registry).await == before, "nothing was taken over");
        // A fifth may leave.
        let fifth = people(0..40);
        assert_eq!(import(&registry, extract(&fifth), full()).await.unwrap().left, 10);
        let report = import(&registry, extract(&few), Options { most_leaving: 2, allow_mass_leaving: true, ..full() });
        assert_eq!(report.await.unwrap().left, 1);
        assert_eq!(enrolled(&registry, 0..100).await, few);
    })
    .await;
}

#[tokio::test]
async fn a_delta_counts_by_what_it_comes_to() {
    both(|place| async move {
        let registry = place.open().await;
        let ledger = Ledger::with_year(YEAR);
        schools(&registry).await;
        import(&registry, extract(&people(0..10)), full()).await.unwrap();
        open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
        work_off(&registry, &ledger).await;
        let moved = |number, school, grade| Row { class: format!("{grade}d"), ..Row::new(number, school, grade) };
        let text = delta(&[
            (1, Changed::Arrived(20, Row::new(20, 0, 5))),
            (2, Changed::Moved(20, moved(20, 1, 6), false)),
            (3, Changed::Arrived(21, Row::new(21, 0, 5))),
            (4, Changed::Left(21)),
            (5, Changed::Moved(2, moved(2, 1, 7), true)),
            (6, Changed::Moved(2, moved(2, 0, 7), false)),
            (7, Changed::Left(3)),
            (8, Changed::Arrived(3, Row::new(3, 1, 8))),
            (9, Changed::Left(4)),
            (10, Changed::Left(77)),
            (11, Changed::Moved(78, moved(78, 0, 5), false)),
            (12, Changed::Moved(4, moved(4, 0, 5), false)),
        ]);
        let report = import(&registry, &text, changes()).await.unwrap();
        assert_eq!((report.lines, report.bad, report.arrived, report.left), (12, 3, 1, 1), "{:?}", report.bad_lines);
        assert_eq!((report.moved, report.changed), (0, 1), "pupil 2 went and came back into another class");
        let now = enrolled(&registry, 0..80).await;
        assert_eq!(now.keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 5, 6, 7, 8, 9, 20]);
        assert_eq!((now[&20].school, now[&20].grade, now[&20].class.as_str()), (1, 6, "6d"));
        assert_eq!((now[&2].school, now[&2].grade), (0, 7));
        work_off(&registry, &ledger).await;
        let before = contents(&registry).await;
        let again = import(&registry, &text, changes()).await.unwrap();
        assert_eq!((again.arrived, again.moved, again.left, again.changed, again.returned), (0, 0, 0, 0, 0));
        assert!(contents(&registry).await == before, "the same delta again changes nothing");
        // An older delta, late, changes nothing either.
        let late = delta(&[(1, Changed::Moved(20, Row::new(20, 0, 5), false)), (2, Changed::Left(2))]);
        let report = import(&registry, &late, changes()).await.unwrap();
        assert_eq!((report.outdated, report.moved, report.left), (2, 0, 0));
        let closed = ledger.all_pupils(YEAR).iter().filter(|pupil| pupil.standing == Standing::Closed).count();
        assert_eq!((closed, ledger.all_pupils(YEAR).len()), (1, 11));
    })
    .await;
}

#[tokio::test]
async fn wrong_fields_of_a_delta_are_named() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        import(&registry, extract(&people(0..5)), full()).await.unwrap();
        let good = delta(&[
            (1, Changed::Left(1)),
            (2, Changed::Left(2)),
            (3, Changed::Moved(3, Row::new(3, 0, 5), false)),
            (4, Changed::Arrived(9, Row::new(9, 0, 5))),
        ]);
        let bad = good.replace("00:01:00Z", "yesterday").replace(",left,5000000002", ",gone,5000000002");
        let bad = bad.replace(",keep", ",perhaps").replace("Vardas9", "");
        let report = import(&registry, bad, changes()).await.unwrap();
        let said: Vec<String> = report.bad_lines.iter().map(|line| line.problem.to_string()).collect();
        assert_eq!(
            said,
            [
                "at is not an instant such as 2027-01-18T04:07:00Z",
                "kind is not arrived, moved or left",
                "booked_lines is not keep or release",
                "given_name is empty",
            ]
        );
        assert_eq!(enrolled(&registry, 0..10).await, people(0..5));
    })
    .await;
}

#[tokio::test]
async fn killed_anywhere_the_same_extract_ends_in_the_same_registry() {
    both(|place| async move {
        let ledger = Ledger::with_year(YEAR);
        let registry = place.open().await;
        schools(&registry).await;
        open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
        allocate(&registry, &SYSTEM, YEAR).await.unwrap();
        let mut all = people(0..20);
        for round in 0..30_u32 {
            // Every round somebody leaves, arrives, moves.
            all.remove(&round);
            all.insert(20 + round, Row::new(20 + round, 0, 5));
            let mover = all.get_mut(&(round + 5)).unwrap();
            mover.school = 1 - mover.school;
            let text = extract(&all);
            if killed_after(1 + round * 2, import(&registry, &text, full())).await.is_none() {
                assert_eq!(import(&registry, &text, full()).await.unwrap().bad, 0);
            }
            assert_eq!(enrolled(&registry, 0..60).await, all);
            work_off(&registry, &ledger).await;
            let open: Vec<_> =
                ledger.all_pupils(YEAR).into_iter().filter(|pupil| pupil.standing == Standing::Active).collect();
            assert_eq!(open.len(), all.len(), "round {round}");
            assert!(open.iter().all(|pupil| pupil.allocated));
        }
        assert!(rows(&registry).await.keys().all(|(_, state)| state == "done"), "{:?}", rows(&registry).await);
    })
    .await;
}

#[tokio::test]
async fn a_later_import_takes_over() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        let text = extract(&people(0..6_000));
        let (place, inner) = (place.clone(), text.clone());
        let mut begun = false;
        // The reader of the first import lets a second one run from end to end in the middle of it.
        struct Between<R, F>(R, Option<F>);
        impl<R: std::io::Read, F: FnOnce()> std::io::Read for Between<R, F> {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let most = buffer.len().min(64 * 1024);
                let read = self.0.read(&mut buffer[..most])?;
                if read == 0
                    && let Some(between) = self.1.take()
                {
                    between();
                }
                Ok(read)
            }
        }
        let between = move || {
            let runtime = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async { import(&place.open().await, inner, full().dry()).await.unwrap() })
            });
            runtime.join().unwrap();
        };
        let reader = Between(text.as_bytes(), Some(between));
        let error = import_pupils(&registry, &SYSTEM, reader, full(), &mut |_| begun = true).await.unwrap_err();
        assert!(matches!(error, ImportError::Superseded), "{error}");
        assert!(begun);
        assert_eq!(import(&registry, text, full()).await.unwrap().arrived, 6_000);
    })
    .await;
}

#[tokio::test]
async fn who_returns_keeps_the_wallet_unless_it_was_closed() {
    both(|place| async move {
        let registry = place.open().await;
        let ledger = Ledger::with_year(YEAR);
        schools(&registry).await;
        let all = people(0..10);
        import(&registry, extract(&all), full()).await.unwrap();
        let mut without = all.clone();
        without.remove(&1);
        // Never told to the ledger: the wallet is forgotten, and another is drawn.
        import(&registry, extract(&without), full()).await.unwrap();
        assert_eq!(counts(&registry, YEAR).await.unwrap()[&WalletState::Drawn], 9);
        assert_eq!(import(&registry, extract(&all), full()).await.unwrap().returned, 1);
        assert_eq!(counts(&registry, YEAR).await.unwrap()[&WalletState::Drawn], 10);
        open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
        work_off(&registry, &ledger).await;
        // Back before the closing left: it is taken back.
        import(&registry, extract(&without), full()).await.unwrap();
        import(&registry, extract(&all), full()).await.unwrap();
        work_off(&registry, &ledger).await;
        assert!(ledger.all_pupils(YEAR).iter().all(|pupil| pupil.standing == Standing::Active));
        // Back after it: closed is closed.
        import(&registry, extract(&without), full()).await.unwrap();
        work_off(&registry, &ledger).await;
        import(&registry, extract(&all), full()).await.unwrap();
        work_off(&registry, &ledger).await;
        let closed = ledger.all_pupils(YEAR).iter().filter(|pupil| pupil.standing == Standing::Closed).count();
        assert_eq!((closed, ledger.all_pupils(YEAR).len()), (1, 10));
        assert_eq!(enrolled(&registry, 0..20).await, all);
    })
    .await;
}

#[tokio::test]
async fn only_who_may_imports_and_opens() {
    let place = Place::sqlite();
    let registry = place.open().await;
    schools(&registry).await;
    let claims = |role, body| Claims {
        issuer: "https://directory.example".to_owned(),
        subject: format!("{role:?}"),
        name: "Somebody".to_owned(),
        email: None,
        roles: vec![RoleClaim { role, body }],
    };
    let school = Some(crate::scene::school(0));
    let user = registry.sign_in(&claims(Role::Coordinator, school)).await.unwrap().user;
    let actor = Actor::User(user.id);
    let text = extract(&people(0..3));
    let refused = import_pupils(&registry, &actor, text.as_bytes(), full(), &mut |_| {}).await.unwrap_err();
    assert!(matches!(refused, ImportError::Registry(RegistryError::Denied(Permission::ImportRegister))));
    let refused = open_wallets(&registry, &actor, YEAR).await.unwrap_err();
    assert!(matches!(refused, RegistryError::Denied(Permission::ManageYear)));
    let officer = registry.sign_in(&claims(Role::Officer, None)).await.unwrap().user;
    let actor = Actor::User(officer.id);
    assert_eq!(import_pupils(&registry, &actor, text.as_bytes(), full(), &mut |_| {}).await.unwrap().arrived, 3);
    registry.verify_log(None).await.unwrap();
}

#[tokio::test]
async fn names_of_an_extract_are_in_no_file_while_and_after_it_is_read() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        let mut all = people(0..20);
        all.get_mut(&3).unwrap().given = "Žygimantėlė".to_owned();
        let text = extract(&all);
        // Killed at every step of the way, so that notes of the import stay behind.
        for polls in (1..60).step_by(7) {
            let _ = killed_after(polls, import(&registry, &text, full())).await;
            let bytes = place.bytes().await;
            assert!(!crate::support::holds(&bytes, "Žygimantėlė".as_bytes()));
            assert!(!crate::support::holds(&bytes, crate::scene::code(3).as_bytes()));
        }
        import(&registry, &text, full()).await.unwrap();
        let bytes = place.bytes().await;
        assert!(!crate::support::holds(&bytes, "Žygimantėlė".as_bytes()));
        assert!(!crate::support::holds(&bytes, crate::scene::code(3).as_bytes()));
    })
    .await;
}
