//! Sign-in by the directory's claims.

use keis_registry::RegistryError;
use keis_registry::permission::{Body, Permission, Role};
use keis_registry::users::{Grant, SignInError};

use crate::scene::{CERTIFICATE, OTHER_SCHOOL, SCHOOL, SYSTEM, claims, scene};
use crate::support::both;

#[tokio::test]
async fn grants_are_what_the_directory_claims_now() {
    both(async |place| {
        let scene = scene(&place).await;
        let both_roles = [(Role::Coordinator, Some(SCHOOL)), (Role::Teacher, Some(OTHER_SCHOOL))];
        let first = scene.registry.sign_in(&claims("somebody", &both_roles)).await.unwrap();
        assert!(first.dropped.is_empty());
        let expected = [
            Grant { role: Role::Coordinator, body: Body::School(scene.school) },
            Grant { role: Role::Teacher, body: Body::School(scene.other) },
        ];
        assert_eq!(first.user.grants, expected);
        assert_eq!(first.user.schools().len(), 2);
        let read = scene.registry.user(first.user.id).await.unwrap().unwrap();
        assert_eq!(read, first.user);
        let later = scene.registry.sign_in(&claims("somebody", &both_roles[1..])).await.unwrap().user;
        assert_eq!(later.id, first.user.id);
        assert_eq!(later.grants, expected[1..]);
        assert!(!later.may(Permission::PlaceOrder, &Body::School(scene.school)));
        let other = scene.registry.sign_in(&claims("somebody else", &both_roles)).await.unwrap().user;
        assert_ne!(other.id, first.user.id);
    })
    .await;
}

#[tokio::test]
async fn a_natural_person_is_staff_of_their_own() {
    both(async |place| {
        let scene = scene(&place).await;
        let user = scene.user("ignas", Role::ProviderStaff, Some(CERTIFICATE)).await;
        assert_eq!(user.providers(), [scene.natural]);
    })
    .await;
}

#[tokio::test]
async fn what_is_unknown_here_is_dropped_and_said() {
    both(async |place| {
        let scene = scene(&place).await;
        let roles = [
            (Role::Coordinator, Some("999999999")),
            (Role::ProviderStaff, Some(SCHOOL)),
            (Role::Officer, Some(SCHOOL)),
            (Role::Teacher, None),
            (Role::Teacher, Some(SCHOOL)),
            (Role::Teacher, Some(SCHOOL)),
        ];
        let signed_in = scene.registry.sign_in(&claims("somebody", &roles)).await.unwrap();
        assert_eq!(signed_in.user.grants, [Grant { role: Role::Teacher, body: Body::School(scene.school) }]);
        assert_eq!(signed_in.dropped, claims("somebody", &roles[..4]).roles);
    })
    .await;
}

#[tokio::test]
async fn without_a_role_nobody_comes_in_and_earlier_grants_end() {
    both(async |place| {
        let scene = scene(&place).await;
        let stranger = scene.registry.sign_in(&claims("stranger", &[(Role::Teacher, Some("999999999"))])).await;
        assert!(matches!(&stranger, Err(SignInError::NoRole { dropped }) if dropped.len() == 1), "{stranger:?}");
        let known = scene.coordinator().await;
        assert!(matches!(
            scene.registry.sign_in(&claims("subject-of-kotryna", &[])).await,
            Err(SignInError::NoRole { .. })
        ));
        assert!(scene.registry.user(known.id).await.unwrap().unwrap().grants.is_empty());
        let classes = scene.registry.classes(&known.actor(), scene.school).await;
        assert!(matches!(classes, Err(RegistryError::Denied(Permission::SeeClasses))), "{classes:?}");
        let nameless = keis_registry::users::Claims { subject: String::new(), ..claims("", &[]) };
        assert!(matches!(scene.registry.sign_in(&nameless).await, Err(SignInError::Nameless)));
    })
    .await;
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once() {
    both(async |place| {
        let scene = scene(&place).await;
        let user = scene.coordinator().await;
        let officer = scene.officer().await.actor();
        let end = keis_ledger::time::Timestamp(1_000);
        scene.registry.save_session(&[1; 32], Some(user.id), b"session", end).await.unwrap();
        let denied = scene.registry.disable_user(&user.actor(), user.id).await;
        assert!(matches!(denied, Err(RegistryError::Denied(_))), "{denied:?}");
        scene.registry.disable_user(&officer, user.id).await.unwrap();
        assert!(scene.registry.user(user.id).await.unwrap().is_none());
        let session = scene.registry.load_session(&[1; 32], keis_ledger::time::Timestamp(0)).await.unwrap();
        assert!(session.is_none());
        let classes = scene.registry.classes(&user.actor(), scene.school).await;
        assert!(matches!(classes, Err(RegistryError::UserUnknown(_))), "{classes:?}");
        let again = claims("subject-of-kotryna", &[(Role::Coordinator, Some(SCHOOL))]);
        assert!(matches!(scene.registry.sign_in(&again).await, Err(SignInError::Disabled)));
        scene.registry.enable_user(&officer, user.id).await.unwrap();
        assert_eq!(scene.registry.sign_in(&again).await.unwrap().user.id, user.id);
        let actions = scene.actions().await;
        assert!(actions.contains(&"sign-in refused".to_owned()) && actions.contains(&"user disabled".to_owned()));
        scene.registry.verify_log(None).await.unwrap();
        let nobody = scene.registry.disable_user(&SYSTEM, keis_registry::ids::UserId([0; 16])).await;
        assert!(matches!(nobody, Err(RegistryError::UserUnknown(_))));
    })
    .await;
}

#[tokio::test]
async fn officers_list_users() {
    both(async |place| {
        let scene = scene(&place).await;
        let (user, officer) = (scene.coordinator().await, scene.officer().await);
        let listed = scene.registry.users(&officer.actor(), &keis_registry::Page::default()).await.unwrap().items;
        assert_eq!(listed.len(), 2);
        let record = listed.iter().find(|record| record.user.id == user.id).unwrap();
        assert_eq!((&record.user, record.disabled), (&user, false));
        assert_eq!(record.email.as_deref(), Some("kotryna@school.example"));
        scene.registry.erase(&officer.actor(), record.person, Default::default()).await.unwrap();
        let listed = scene.registry.users(&officer.actor(), &keis_registry::Page::default()).await.unwrap().items;
        assert_eq!(listed.len(), 1);
        let denied = scene.registry.users(&user.actor(), &keis_registry::Page::default()).await;
        assert!(matches!(denied, Err(RegistryError::UserUnknown(_))));
    })
    .await;
}
