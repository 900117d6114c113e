//! Keys made in browsers: asked for, decided on, revoked.

use keis_ledger::classifiers::{Scope, Scopes};
use keis_ledger::crypto::PublicKey;
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, Party, WalletOperation};
use keis_ledger::time::Timestamp;
use keis_registry::ids::KeyId;
use keis_registry::keys::{self, KeyError, KeyRequest, KeyState, MOST_WAITING, fingerprint};
use keis_registry::notices::NoticeKind;
use keis_registry::outbox;
use keis_registry::permission::{Permission, Role};
use keis_registry::users::User;
use keis_registry::{Page, RegistryError};

use crate::scene::{CERTIFICATE, PROVIDER, SCHOOL, SYSTEM, Scene, claims, scene};
use crate::support::both;

const FROM: Timestamp = Timestamp(1_000);
const UNTIL: Timestamp = Timestamp(2_000);

fn request(party: Party, number: u8, scopes: &[Scope]) -> KeyRequest {
    KeyRequest {
        party,
        key: PublicKey([number; 32]),
        scopes: Scopes::of(scopes),
        label: "Mokyklos kompiuteris".to_owned(),
    }
}

async fn asked(scene: &Scene, user: &User, number: u8) -> KeyId {
    let request = request(Party::School(scene.school), number, &[Scope::Order, Scope::Read]);
    scene.registry.request_key(user, &request).await.unwrap()
}

async fn wishes(scene: &Scene) -> Vec<Operation> {
    let rows = outbox::list(&scene.registry, None, &Page::default()).await.unwrap();
    rows.items.into_iter().map(|row| row.operation).collect()
}

#[tokio::test]
async fn a_key_goes_from_request_over_approval_to_revocation() {
    both(async |place| {
        let scene = scene(&place).await;
        let user = scene.coordinator().await;
        let officer = scene.officer().await.actor();
        let id = asked(&scene, &user, 3).await;
        let waiting = scene.registry.key_requests(&officer, KeyState::Requested, &Page::default()).await.unwrap().items;
        let key = &waiting[0];
        assert_eq!((waiting.len(), key.id, key.user, key.state), (1, id, user.id, KeyState::Requested));
        assert_eq!((key.user_name.as_str(), key.body_name.as_str()), ("Kotryna Coordinator", "Šilo gimnazija"));
        assert_eq!(
            (key.label.as_str(), key.fingerprint.as_str()),
            ("Mokyklos kompiuteris", "0303 0303 0303 0303 0303 0303")
        );
        scene.registry.approve_key(&officer, id, Cents::new(50_000), FROM, UNTIL).await.unwrap();
        let wished = wishes(&scene).await;
        let [Operation::Wallet(WalletOperation::BindKeys { grants })] = &wished[..] else { panic!("{wished:?}") };
        assert_eq!((grants[0].key, grants[0].party), (PublicKey([3; 32]), Party::School(scene.school)));
        assert_eq!((grants[0].cap, grants[0].from, grants[0].until), (Cents::new(50_000), FROM, UNTIL));
        let mut work = scene.registry.begin().await.unwrap();
        keys::mark_active(&mut work, id).await.unwrap();
        work.commit().await.unwrap();
        let active = scene.registry.keys_of(&user).await.unwrap().pop().unwrap();
        assert_eq!((active.state, active.cap, active.until), (KeyState::Active, Some(Cents::new(50_000)), Some(UNTIL)));
        scene.registry.revoke_key(&user.actor(), id).await.unwrap();
        scene.registry.revoke_key(&officer, id).await.unwrap();
        assert!(scene.registry.keys_of(&user).await.unwrap()[0].revoking);
        let wished = wishes(&scene).await;
        let [_, Operation::Wallet(WalletOperation::RevokeKey { key })] = &wished[..] else { panic!("{wished:?}") };
        assert_eq!(*key, PublicKey([3; 32]));
        let mut work = scene.registry.begin().await.unwrap();
        keys::mark_revoked(&mut work, id).await.unwrap();
        keys::mark_active(&mut work, id).await.unwrap();
        work.commit().await.unwrap();
        assert_eq!(scene.registry.user_key(&user.actor(), id).await.unwrap().unwrap().state, KeyState::Revoked);
        let again = scene.registry.revoke_key(&officer, id).await;
        assert!(matches!(again, Err(KeyError::State(KeyState::Revoked))), "{again:?}");
        let notices = scene.registry.notices(Party::School(scene.school), &Page::default()).await.unwrap().items;
        let kinds: Vec<_> = notices.iter().map(|notice| notice.kind).collect();
        assert_eq!(kinds, [NoticeKind::KeyRevoked, NoticeKind::KeyActive, NoticeKind::KeyApproved]);
    })
    .await;
}

#[tokio::test]
async fn a_refused_key_says_why_and_a_waiting_one_can_be_withdrawn() {
    both(async |place| {
        let scene = scene(&place).await;
        let user = scene.coordinator().await;
        let officer = scene.officer().await.actor();
        let (refused, withdrawn) = (asked(&scene, &user, 3).await, asked(&scene, &user, 4).await);
        let unsaid = scene.registry.refuse_key(&officer, refused, "  ").await;
        assert!(matches!(unsaid, Err(KeyError::Text)));
        scene.registry.refuse_key(&officer, refused, "Nepavyko patvirtinti telefonu").await.unwrap();
        scene.registry.revoke_key(&user.actor(), withdrawn).await.unwrap();
        let key = scene.registry.user_key(&user.actor(), refused).await.unwrap().unwrap();
        assert_eq!((key.state, key.reason.as_deref()), (KeyState::Refused, Some("Nepavyko patvirtinti telefonu")));
        for id in [refused, withdrawn] {
            let late = scene.registry.approve_key(&officer, id, Cents::new(1), FROM, UNTIL).await;
            assert!(matches!(late, Err(KeyError::State(_))), "{late:?}");
        }
        assert!(wishes(&scene).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_key_is_for_ones_own_wallet_and_role() {
    both(async |place| {
        let scene = scene(&place).await;
        let coordinator = scene.coordinator().await;
        let teacher = scene.user("a-teacher", Role::Teacher, Some(SCHOOL)).await;
        let officer = scene.officer().await;
        let staff = scene.user("ignas", Role::ProviderStaff, Some(CERTIFICATE)).await;
        let own = Party::School(scene.school);
        let cases = [
            (&coordinator, Party::School(scene.other), Scope::Order, false),
            (&coordinator, Party::Provider(scene.provider), Scope::Order, false),
            (&coordinator, own, Scope::Settlement, true),
            (&teacher, own, Scope::Settlement, false),
            (&coordinator, own, Scope::Order, true),
            (&teacher, own, Scope::Order, false),
            (&teacher, own, Scope::Propose, true),
            (&officer, own, Scope::Read, false),
            (&staff, Party::Provider(scene.provider), Scope::Order, false),
            (&staff, Party::Provider(scene.natural), Scope::Settlement, true),
        ];
        for (number, (user, party, scope, allowed)) in cases.into_iter().enumerate() {
            let request = request(party, u8::try_from(number).unwrap(), &[scope]);
            let asked = scene.registry.request_key(user, &request).await;
            assert_eq!(asked.is_ok(), allowed, "case {number}");
            assert!(allowed || matches!(asked, Err(KeyError::NotAllowed)), "case {number}: {asked:?}");
        }
        let none = scene.registry.request_key(&coordinator, &request(own, 99, &[])).await;
        assert!(matches!(none, Err(KeyError::NoScope)));
        let label = KeyRequest { label: "x".repeat(201), ..request(own, 99, &[Scope::Read]) };
        assert!(matches!(scene.registry.request_key(&coordinator, &label).await, Err(KeyError::Text)));
        // A session that remembers more than the directory says now gets no key.
        scene.registry.sign_in(&claims("subject-of-kotryna", &[(Role::ProviderStaff, Some(PROVIDER))])).await.unwrap();
        let old = scene.registry.request_key(&coordinator, &request(own, 99, &[Scope::Read])).await;
        assert!(matches!(old, Err(KeyError::NotAllowed)));
    })
    .await;
}

#[tokio::test]
async fn requests_are_bounded_and_each_key_counts_once() {
    both(async |place| {
        let scene = scene(&place).await;
        let user = scene.coordinator().await;
        let most = u8::try_from(MOST_WAITING).unwrap();
        let mut last = None;
        for number in 0..most {
            last = Some(asked(&scene, &user, number).await);
        }
        let request = |number| request(Party::School(scene.school), number, &[Scope::Read]);
        assert!(matches!(scene.registry.request_key(&user, &request(most)).await, Err(KeyError::TooMany)));
        scene.registry.revoke_key(&user.actor(), last.unwrap()).await.unwrap();
        let used = scene.registry.request_key(&user, &request(most - 1)).await;
        assert!(matches!(used, Err(KeyError::Known)), "a withdrawn key does not come back: {used:?}");
        scene.registry.request_key(&user, &request(most)).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn only_another_officer_decides() {
    both(async |place| {
        let scene = scene(&place).await;
        let both = [(Role::Coordinator, Some(SCHOOL)), (Role::Officer, None)];
        let double = scene.registry.sign_in(&claims("double", &both)).await.unwrap().user;
        let id = asked(&scene, &double, 3).await;
        let own = scene.registry.approve_key(&double.actor(), id, Cents::new(1), FROM, UNTIL).await;
        assert!(matches!(own, Err(KeyError::Own)), "{own:?}");
        let coordinator = scene.coordinator().await.actor();
        let denied = scene.registry.approve_key(&coordinator, id, Cents::new(1), FROM, UNTIL).await;
        assert!(matches!(denied, Err(KeyError::Registry(RegistryError::Denied(Permission::ApproveKeys)))));
        let denied = scene.registry.revoke_key(&coordinator, id).await;
        assert!(matches!(denied, Err(KeyError::Registry(RegistryError::Denied(_)))));
        assert!(scene.registry.user_key(&coordinator, id).await.is_err());
        let never = scene.registry.approve_key(&SYSTEM, id, Cents::new(1), UNTIL, FROM).await;
        assert!(matches!(never, Err(KeyError::Period)));
        let unknown = scene.registry.approve_key(&SYSTEM, KeyId([0; 16]), Cents::new(1), FROM, UNTIL).await;
        assert!(matches!(unknown, Err(KeyError::Registry(RegistryError::KeyUnknown(_)))));
    })
    .await;
}

#[test]
fn a_fingerprint_is_the_keys_own_beginning() {
    let mut key = [0; 32];
    key.iter_mut().zip(0xa0..).for_each(|(byte, value)| *byte = value);
    assert_eq!(fingerprint(PublicKey(key)), "a0a1 a2a3 a4a5 a6a7 a8a9 aaab");
}
