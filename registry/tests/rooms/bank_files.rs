//! Files of the bank that officers work on: each their own, sealed, few, for a day.

use keis_ledger::classifiers::Year;
use keis_ledger::time::Timestamp;
use keis_registry::RegistryError;
use keis_registry::bank_files::{KEPT, MOST};
use keis_registry::permission::{Permission, Role};

use crate::scene::{YEAR, scene};
use crate::support::{both, holds};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const FILE: &[u8] = b"a line of the bank's file";

#[tokio::test]
async fn an_officer_has_one_file_a_year_for_a_day() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let officer = scene.officer().await.id;
        let budget = scene.user("budget", Role::BudgetOfficer, None).await.id;
        let coordinator = scene.coordinator().await.id;
        let denied = registry.keep_bank_file(coordinator, YEAR, FILE, NOW).await;
        assert!(matches!(denied, Err(RegistryError::Denied(Permission::RecordPayments))), "{denied:?}");
        registry.keep_bank_file(officer, YEAR, b"an earlier one", NOW).await.unwrap();
        registry.keep_bank_file(officer, YEAR, FILE, NOW).await.unwrap();
        let of = async |user, year, at| registry.bank_file(user, year, at).await.unwrap();
        assert_eq!(of(officer, YEAR, NOW).await.as_deref(), Some(FILE));
        assert_eq!(of(officer, Year(YEAR.0 + 1), NOW).await, None);
        assert_eq!(of(budget, YEAR, NOW).await, None, "another officer's");
        assert_eq!(of(officer, YEAR, NOW.after(KEPT)).await, None, "a day later");
        assert!(!holds(&place.bytes().await, FILE), "a line stands in a file");

        registry.keep_bank_file(budget, YEAR, FILE, Timestamp(NOW.0 + 1)).await.unwrap();
        assert_eq!(registry.purge_bank_files(NOW.after(KEPT)).await.unwrap(), 1);
        assert_eq!(of(officer, YEAR, NOW).await, None);
        registry.forget_bank_file(budget, YEAR).await.unwrap();
        assert_eq!(of(budget, YEAR, NOW).await, None);

        for year in 0..MOST as u16 + 2 {
            let at = Timestamp(NOW.0 + u64::from(year));
            registry.keep_bank_file(officer, Year(2000 + year), FILE, at).await.unwrap();
        }
        assert_eq!(of(officer, Year(2001), NOW).await, None, "the oldest made room");
        assert_eq!(of(officer, Year(2002), NOW).await.as_deref(), Some(FILE));
    })
    .await;
}
