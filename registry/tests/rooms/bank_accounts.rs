//! Accounts of providers: one commitment for one account, read by officers alone.

use keis_registry::RegistryError;

use crate::scene::scene;
use crate::support::both;

const IBAN: &str = "LT12 1000 0111 0100 1000";

#[tokio::test]
async fn an_account_is_committed_to_and_opened_for_officers() {
    both(async |place| {
        let scene = scene(&place).await;
        let (officer, coordinator) = (scene.officer().await.actor(), scene.coordinator().await.actor());
        let registry = &scene.registry;
        let commitment = registry.keep_payment_account(&officer, scene.provider, IBAN).await.unwrap();
        let again = registry.keep_payment_account(&officer, scene.provider, "lt121000011101001000").await.unwrap();
        assert_eq!(commitment, again, "written in two ways it is one account");
        let opened = registry.payment_accounts(&officer, &[commitment]).await.unwrap();
        assert_eq!(opened.get(&commitment).map(String::as_str), Some("LT121000011101001000"));
        let denied = registry.payment_accounts(&coordinator, &[commitment]).await;
        assert!(matches!(denied, Err(RegistryError::Denied(_))), "{denied:?}");
        let denied = registry.keep_payment_account(&coordinator, scene.provider, IBAN).await;
        assert!(matches!(denied, Err(RegistryError::Denied(_))), "{denied:?}");
    })
    .await;
}
