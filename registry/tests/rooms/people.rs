//! Pupils: who sees whom, and that every look is noted.

use keis_ledger::ids::PupilId;
use keis_ledger::time::Timestamp;
use keis_registry::RegistryError;
use keis_registry::people::{self, PupilCard, Standing};
use keis_registry::permission::Role;

use crate::scene::{OTHER_SCHOOL, PROVIDER, SYSTEM, Scene, YEAR, facts, scene};
use crate::support::both;

fn names(cards: &[PupilCard]) -> Vec<&str> {
    cards.iter().map(|card| card.family_name.as_str()).collect()
}

async fn wallet_of(scene: &Scene, index: usize) -> PupilId {
    let found = scene.registry.pupil(&SYSTEM, scene.pupils[index], YEAR).await.unwrap();
    found.unwrap().card.wallet.unwrap()
}

#[tokio::test]
async fn a_school_sees_its_classes_and_pupils_in_order() {
    both(async |place| {
        let scene = scene(&place).await;
        let actor = scene.coordinator().await.actor();
        let classes = scene.registry.classes(&actor, scene.school).await.unwrap();
        let brief: Vec<_> = classes.iter().map(|class| (class.class.as_str(), class.grade, class.pupils)).collect();
        assert_eq!(brief, [("5a", 5, 3), ("10b", 10, 1)]);
        let class = scene.registry.class(&actor, scene.school, 0, "5a", YEAR).await.unwrap();
        assert_eq!(names(&class), ["Ąžuolaitytė", "Čiurlytė", "Zuokas"]);
        assert!(class.iter().all(|card| card.wallet.is_some() && card.school == scene.school && card.grade == 5));
        assert!(scene.registry.class(&actor, scene.school, 1, "5a", YEAR).await.unwrap().is_empty());
        let all = scene.registry.school_pupils(&actor, scene.school, YEAR).await.unwrap();
        assert_eq!(names(&all), ["Adomaitis", "Ąžuolaitytė", "Čiurlytė", "Zuokas"]);
        let actions = scene.actions().await;
        assert!(
            actions.ends_with(
                &["classes read", "class read", "class read", "school's pupils read", "log read"].map(str::to_owned)
            ),
            "{actions:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn another_school_and_a_provider_see_nobody() {
    both(async |place| {
        let scene = scene(&place).await;
        let teacher = scene.user("a-teacher-elsewhere", Role::Teacher, Some(OTHER_SCHOOL)).await.actor();
        let staff = scene.user("staff", Role::ProviderStaff, Some(PROVIDER)).await.actor();
        let wallet = wallet_of(&scene, 0).await;
        for actor in [teacher, staff] {
            assert!(matches!(scene.registry.classes(&actor, scene.school).await, Err(RegistryError::Denied(_))));
            let class = scene.registry.class(&actor, scene.school, 0, "5a", YEAR).await;
            assert!(matches!(class, Err(RegistryError::Denied(_))));
            let search = scene.registry.find_pupil(&actor, "4400000011", YEAR).await;
            assert!(matches!(search, Err(RegistryError::Denied(_))));
        }
        assert!(scene.registry.pupils_by_wallet(&staff, YEAR, &[wallet]).await.is_err());
        let called = scene.registry.names_for_delivery(&staff, scene.provider, YEAR, &[wallet]).await.unwrap();
        let called = &called[&wallet];
        assert_eq!(
            (called.given_name.as_str(), called.initial.as_str(), called.class.as_str()),
            ("Žygimantė", "Ą", "5a")
        );
        let other = scene.registry.names_for_delivery(&staff, scene.natural, YEAR, &[wallet]).await;
        assert!(matches!(other, Err(RegistryError::Denied(_))));
    })
    .await;
}

#[tokio::test]
async fn wallets_lead_to_pupils_also_to_those_who_left() {
    both(async |place| {
        let scene = scene(&place).await;
        let actor = scene.coordinator().await.actor();
        let (stays, leaves) = (wallet_of(&scene, 0).await, wallet_of(&scene, 1).await);
        let mut work = scene.registry.begin().await.unwrap();
        people::leave(&mut work, &scene.pupils[1..2], 2, Timestamp(9)).await.unwrap();
        work.commit().await.unwrap();
        let nobody = PupilId([9; 16]);
        let found = scene.registry.pupils_by_wallet(&actor, YEAR, &[stays, leaves, nobody]).await.unwrap();
        assert_eq!(found.keys().copied().collect::<std::collections::BTreeSet<_>>(), [stays, leaves].into());
        assert_eq!(found[&leaves].family_name, "Čiurlytė");
        assert_eq!(found[&leaves].wallet, Some(leaves));
        let class = scene.registry.class(&actor, scene.school, 0, "5a", YEAR).await.unwrap();
        assert_eq!(names(&class), ["Ąžuolaitytė", "Zuokas"], "who left is in no class");
    })
    .await;
}

#[tokio::test]
async fn an_officer_finds_a_pupil_by_the_exact_code_alone() {
    both(async |place| {
        let scene = scene(&place).await;
        let actor = scene.officer().await.actor();
        let find = async |code: &str| scene.registry.find_pupil(&actor, code, YEAR).await.unwrap();
        let found = find(" 4400000014 ").await.unwrap();
        assert_eq!((found.card.given_name.as_str(), found.standing), ("Jonas", Standing::Enrolled));
        assert!(find("440000001").await.is_none());
        assert!(find("44000000144").await.is_none());
        let log = scene.registry.log_entries(&SYSTEM, &keis_registry::Page::first(4)).await.unwrap();
        let subjects: Vec<&str> = log.items[1..].iter().map(|entry| entry.subject.as_str()).collect();
        assert_eq!(subjects, ["nobody", "nobody", scene.pupils[3].to_string().as_str()]);
    })
    .await;
}

#[tokio::test]
async fn an_extract_changes_whom_it_names() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let codes = ["4400000011", "4400000012", "4400009999"];
        let mut work = registry.begin().await.unwrap();
        let stored = people::stored(work.connection(), registry.vault(), &codes).await.unwrap();
        assert_eq!(stored.keys().collect::<Vec<_>>(), ["4400000011", "4400000012"]);
        let moved = facts(scene.other, "4400000011", "Žygimantė", "Naujoji", "6c");
        people::change(&mut work, &[(scene.pupils[0], moved)], 2, Timestamp(2)).await.unwrap();
        people::leave(&mut work, &scene.pupils[1..3], 2, Timestamp(2)).await.unwrap();
        assert_eq!(people::enrolled(work.connection()).await.unwrap(), 3);
        work.commit().await.unwrap();
        let found = registry.find_pupil(&SYSTEM, "4400000011", YEAR).await.unwrap().unwrap();
        assert_eq!(
            (found.card.school, found.card.family_name.as_str(), found.since),
            (scene.other, "Naujoji", Timestamp(1))
        );
        let left = registry.find_pupil(&SYSTEM, "4400000012", YEAR).await.unwrap().unwrap();
        assert_eq!((left.standing, left.since), (Standing::Left, Timestamp(2)));
    })
    .await;
}
