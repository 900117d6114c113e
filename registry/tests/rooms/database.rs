//! Opening, the master key, many writers at once, and what stands on disk.

use std::os::unix::fs::PermissionsExt;

use keis_registry::log::{Entry, append};
use keis_registry::{MasterKey, Registry, RegistryError};

use crate::scene::{SECRETS, SYSTEM, scene};
use crate::support::{Place, both, holds, master};

#[tokio::test]
async fn a_registry_opens_again_and_under_its_own_key_alone() {
    both(async |place| {
        place.open().await.close().await;
        let registry = place.open().await;
        registry.health().await.unwrap();
        let other = Registry::open(&place.url, &MasterKey::generate()).await;
        assert!(matches!(other, Err(RegistryError::WrongMasterKey)), "{other:?}");
        // The refused key changed nothing.
        registry.verify_log(None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_file_is_its_owners_alone() {
    let place = Place::sqlite();
    let scene = scene(&place).await;
    let path = place.url.strip_prefix("sqlite:").unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{path}{suffix}")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
    drop(scene);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for url in ["registry.db", "mysql://localhost/registry", "sqlite:/no such folder/registry.db"] {
        assert!(Registry::open(url, &master()).await.is_err(), "{url}");
    }
}

#[tokio::test]
async fn many_writers_wait_and_none_fails() {
    both(async |place| {
        let first = place.open().await;
        // A second one in the same process shares no lock with the first, as another process would not.
        let second = place.open().await;
        let write = async |registry: Registry| {
            for _ in 0..10 {
                let mut work = registry.begin().await.unwrap();
                append(&mut work, Entry::new(&SYSTEM, "written", "test")).await.unwrap();
                work.commit().await.unwrap();
            }
        };
        let writers: Vec<_> = (0..16).map(|n| write(if n % 2 == 0 { first.clone() } else { second.clone() })).collect();
        futures::future::join_all(writers).await;
        assert_eq!(first.verify_log(None).await.unwrap().seq, 160);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_transaction_changed_nothing() {
    both(async |place| {
        let registry = place.open().await;
        let mut work = registry.begin().await.unwrap();
        append(&mut work, Entry::new(&SYSTEM, "written", "test")).await.unwrap();
        drop(work);
        assert_eq!(registry.verify_log(None).await.unwrap().seq, 0);
    })
    .await;
}

#[tokio::test]
async fn no_name_or_code_stands_in_any_file() {
    both(async |place| {
        let scene = scene(&place).await;
        scene.coordinator().await;
        let bytes = place.bytes().await;
        assert!(holds(&bytes, "Lėlių teatras".as_bytes()), "the scan finds what is public");
        for secret in SECRETS {
            assert!(!holds(&bytes, secret.as_bytes()), "{secret} stands in a file");
        }
        assert!(!holds(&bytes, master().to_bytes().as_slice()), "the master key stands in a file");
    })
    .await;
}

#[tokio::test]
async fn many_looks_at_once_are_each_noted() {
    both(async |place| {
        let scene = scene(&place).await;
        let before = scene.registry.verify_log(None).await.unwrap().seq;
        let look = async || scene.registry.classes(&SYSTEM, scene.school).await.unwrap().len();
        let looks = futures::future::join_all((0..100).map(|_| look())).await;
        assert!(looks.iter().all(|classes| *classes == 2));
        assert_eq!(scene.registry.verify_log(None).await.unwrap().seq, before + 100);
        // Who gives up waiting holds nobody else up.
        for _ in 0..20 {
            let given_up = futures::future::select(Box::pin(look()), Box::pin(tokio::task::yield_now())).await;
            drop(given_up);
        }
        look().await;
        scene.registry.verify_log(None).await.unwrap();
    })
    .await;
}
