//! The wallet of somebody who was erased, while orders with it have begun.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use keis_ledger::chain::Height;
use keis_ledger::ids::TransactionId;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::record::Standing;
use keis_ledger::time::Timestamp;
use keis_registry::erasure::Circumstances;
use keis_registry::import::open_wallets;
use keis_registry::outbox::{self, Door, DoorError, Fate, Office, OutboxState, Signed};
use keis_registry::wallets::of_year;

use crate::ledger::Ledger;
use crate::scene::{QUICK, SYSTEM, YEAR, extract, full, import, people, schools, work_off};
use crate::support::both;

/// A ledger on which orders of a wallet have begun.
struct InUse {
    ledger: Ledger,
    begun: AtomicBool,
}

#[async_trait]
impl Door for InUse {
    async fn now(&self) -> Result<Timestamp, DoorError> {
        self.ledger.now().await
    }

    async fn sign(
        &self,
        office: Office,
        behalf: Option<Party>,
        operation: Operation,
        now: Timestamp,
    ) -> Result<Signed, DoorError> {
        self.ledger.sign(office, behalf, operation, now).await
    }

    async fn put_document(&self, document: &[u8]) -> Result<(), DoorError> {
        self.ledger.put_document(document).await
    }

    async fn submit(&self, raw: &[u8]) -> Result<Fate, DoorError> {
        if self.begun.load(Ordering::Relaxed) {
            let (code, message) = ("wallet_in_use".to_owned(), "orders have begun".to_owned());
            return Ok(Fate::Refused { code, may_pass_later: false, message });
        }
        self.ledger.submit(raw).await
    }

    async fn receipt(&self, id: TransactionId) -> Result<Option<Height>, DoorError> {
        self.ledger.receipt(id).await
    }
}

#[tokio::test]
async fn the_wallet_of_an_erased_person_closes_once_its_orders_are_over() {
    both(|place| async move {
        let registry = place.open().await;
        let ledger = Ledger::with_year(YEAR);
        schools(&registry).await;
        import(&registry, extract(&people(0..2)), full()).await.unwrap();
        open_wallets(&registry, &SYSTEM, YEAR).await.unwrap();
        work_off(&registry, &ledger).await;
        let wallet = of_year(&registry, YEAR, None, 1).await.unwrap().wallets.remove(0);
        let other = of_year(&registry, YEAR, None, 2).await.unwrap().wallets.remove(1);
        assert_eq!(registry.wallets_of(&SYSTEM, wallet.person).await.unwrap(), [(YEAR, wallet.wallet)]);
        let door = InUse { ledger, begun: AtomicBool::new(true) };
        let circumstances = Circumstances { open_orders: true, despite_them: true };
        let receipt = registry.erase(&SYSTEM, wallet.person, circumstances).await.unwrap();
        let [closing] = receipt.closing[..] else { panic!("{receipt:?}") };
        assert_eq!(registry.wallets_of(&SYSTEM, wallet.person).await.unwrap(), []);
        for _ in 0..3 {
            outbox::work_off(&registry, &door, QUICK).await.unwrap();
        }
        let waits = outbox::get(&registry, closing).await.unwrap().unwrap();
        assert!(waits.state == OutboxState::Signed && waits.attempts > 0, "nobody would ask again: {waits:?}");
        assert_eq!(waits.rejection.as_deref(), Some("wallet_in_use: orders have begun"));
        door.begun.store(false, Ordering::Relaxed);
        while outbox::get(&registry, closing).await.unwrap().unwrap().state == OutboxState::Signed {
            outbox::work_off(&registry, &door, QUICK).await.unwrap();
        }
        assert_eq!(outbox::get(&registry, closing).await.unwrap().unwrap().state, OutboxState::Done);
        let standing = |id| door.ledger.pupil_of(YEAR, id).unwrap().standing;
        assert_eq!((standing(wallet.wallet), standing(other.wallet)), (Standing::Closed, Standing::Active));
    })
    .await;
}
