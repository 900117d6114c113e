//! Whose wallet is whose.

use keis_ledger::classifiers::Year;
use keis_ledger::ids::PupilId;
use keis_registry::wallets::{Wallet, of_persons, of_wallets, of_year, persons_of};
use keis_registry::{Registry, wallets};

use crate::scene::{YEAR, code, extract, full, import, people, schools};
use crate::support::{both, holds};

async fn all(registry: &Registry, year: Year) -> Vec<Wallet> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = of_year(registry, year, after.as_ref(), 3).await.unwrap();
        all.extend(page.wallets);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
}

#[tokio::test]
async fn wallets_are_found_both_ways_and_drawn_once_a_year() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        import(&registry, extract(&people(0..10)), full()).await.unwrap();
        let drawn = all(&registry, YEAR).await;
        assert_eq!(drawn.len(), 10);
        let persons: Vec<_> = drawn.iter().map(|wallet| wallet.person).collect();
        let ids: Vec<PupilId> = drawn.iter().map(|wallet| wallet.wallet).collect();

        let mut work = registry.begin().await.unwrap();
        assert_eq!(wallets::draw(&mut work, YEAR, &persons).await.unwrap(), 0, "everybody has one");
        assert_eq!(wallets::draw(&mut work, Year(2027), &persons).await.unwrap(), 10);
        work.commit().await.unwrap();

        let mut reader = registry.reader().await.unwrap();
        let by_person = of_persons(&mut reader, registry.vault(), YEAR, &persons).await.unwrap();
        let by_wallet = of_wallets(&mut reader, registry.vault(), YEAR, &ids).await.unwrap();
        let whose = persons_of(&mut reader, registry.vault(), YEAR, &ids).await.unwrap();
        for wallet in &drawn {
            assert_eq!(&by_person[&wallet.person], wallet);
            assert_eq!(&by_wallet[&wallet.wallet], wallet);
            assert_eq!(whose[&wallet.wallet], wallet.person);
        }
        assert!(
            of_wallets(&mut reader, registry.vault(), Year(2027), &ids).await.unwrap().is_empty(),
            "another year's"
        );
        assert!(persons_of(&mut reader, registry.vault(), YEAR, &[PupilId([1; 16])]).await.unwrap().is_empty());
        drop(reader);

        let next = all(&registry, Year(2027)).await;
        for wallet in &next {
            let old = &by_person[&wallet.person];
            assert!(old.wallet != wallet.wallet && old.nullifier != wallet.nullifier, "nothing links two years");
        }
        let nullifiers: Vec<_> = (0..10).map(|number| registry.vault().nullifier(YEAR, &code(number))).collect();
        assert!(drawn.iter().all(|wallet| nullifiers.contains(&wallet.nullifier)));
    })
    .await;
}

#[tokio::test]
async fn who_has_only_the_database_links_nobody_with_a_wallet() {
    both(|place| async move {
        let registry = place.open().await;
        schools(&registry).await;
        import(&registry, extract(&people(0..5)), full()).await.unwrap();
        let drawn = all(&registry, YEAR).await;
        let bytes = place.bytes().await;
        for Wallet { wallet, nullifier, .. } in drawn {
            assert!(!holds(&bytes, &wallet.0) && !holds(&bytes, &nullifier.0));
        }
    })
    .await;
}
