//! Sessions of the portal.

use keis_ledger::time::Timestamp;
use keis_registry::RegistryError;
use sqlx::Executor;

use crate::scene::scene;
use crate::support::{both, holds};

#[tokio::test]
async fn a_session_lasts_until_its_end_and_is_sealed() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let user = scene.coordinator().await.id;
        let load = async |id: u8, now| registry.load_session(&[id; 32], Timestamp(now)).await.unwrap();
        registry.save_session(&[1; 32], None, b"a stranger's basket", Timestamp(100)).await.unwrap();
        registry.save_session(&[2; 32], Some(user), b"the first words", Timestamp(200)).await.unwrap();
        registry.save_session(&[2; 32], Some(user), b"the second words", Timestamp(300)).await.unwrap();
        assert_eq!(load(1, 99).await.unwrap(), b"a stranger's basket");
        assert!(load(1, 100).await.is_none());
        assert_eq!(load(2, 299).await.unwrap(), b"the second words");
        assert!(load(3, 0).await.is_none());
        assert!(!holds(&place.bytes().await, b"the second words"));
        assert_eq!(registry.purge_sessions(Timestamp(150)).await.unwrap(), 1);
        assert!(load(1, 0).await.is_none());
        registry.delete_session(&[2; 32]).await.unwrap();
        assert!(load(2, 0).await.is_none());
        registry.save_session(&[4; 32], Some(user), b"words", Timestamp(300)).await.unwrap();
        registry.delete_sessions_of(user).await.unwrap();
        assert!(load(4, 0).await.is_none());
    })
    .await;
}

#[tokio::test]
async fn a_session_opens_under_its_own_id_alone() {
    both(async |place| {
        let registry = place.open().await;
        registry.save_session(&[1; 32], None, b"words", Timestamp(100)).await.unwrap();
        registry.save_session(&[2; 32], None, b"other words", Timestamp(100)).await.unwrap();
        let swap = "UPDATE web_sessions SET sealed = (SELECT MAX(sealed) FROM web_sessions AS other WHERE other.id_hash <> web_sessions.id_hash)";
        let swap = if place.is_sqlite() { swap } else {
            "UPDATE web_sessions SET sealed = other.sealed FROM web_sessions AS other WHERE other.id_hash <> web_sessions.id_hash"
        };
        registry.reader().await.unwrap().execute(swap).await.unwrap();
        let found = registry.load_session(&[1; 32], Timestamp(0)).await;
        assert!(matches!(found, Err(RegistryError::Vault(_))), "{found:?}");
    })
    .await;
}
