//! Officers' own keys: made by who has the office, known once, forgotten by their owner alone.

use keis_ledger::crypto::PublicKey;
use keis_registry::RegistryError;
use keis_registry::keys::KeyError;
use keis_registry::officers::offices;
use keis_registry::permission::Role;

use crate::scene::scene;
use crate::support::both;

fn key(number: u8) -> PublicKey {
    PublicKey([number; 32])
}

#[tokio::test]
async fn a_key_is_made_by_who_has_the_office_and_known_once() {
    both(async |place| {
        let scene = scene(&place).await;
        let (officer, coordinator) = (scene.officer().await, scene.coordinator().await);
        assert_eq!((offices(&officer), offices(&coordinator)), (vec![Role::Officer], vec![]));
        let registry = &scene.registry;
        let id = registry.add_officer_key(&officer, Role::Officer, key(1), " Stalinis ").await.unwrap();
        let known = registry.officer_keys(&officer).await.unwrap();
        assert_eq!((known.len(), known[0].id, known[0].label.as_str()), (1, id, "Stalinis"));
        assert_eq!((known[0].role, known[0].fingerprint.as_str()), (Role::Officer, "0101 0101 0101 0101 0101 0101"));

        let again = registry.add_officer_key(&officer, Role::Officer, key(1), "x").await;
        assert!(matches!(again, Err(KeyError::Known)), "{again:?}");
        let other = registry.add_officer_key(&officer, Role::BudgetOfficer, key(2), "x").await;
        assert!(matches!(other, Err(KeyError::NotAllowed)), "{other:?}");
        let not = registry.add_officer_key(&coordinator, Role::Officer, key(2), "x").await;
        assert!(matches!(not, Err(KeyError::NotAllowed)), "{not:?}");
        let nameless = registry.add_officer_key(&officer, Role::Officer, key(2), "\n").await;
        assert!(matches!(nameless, Err(KeyError::Text)), "{nameless:?}");

        let foreign = registry.drop_officer_key(&coordinator, id).await;
        assert!(matches!(foreign, Err(RegistryError::KeyUnknown(_))), "{foreign:?}");
        registry.drop_officer_key(&officer, id).await.unwrap();
        assert!(registry.officer_keys(&officer).await.unwrap().is_empty());
    })
    .await;
}
