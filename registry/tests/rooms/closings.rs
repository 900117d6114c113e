//! Closing reports that outlive the records of their year.

use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_registry::RegistryError;
use keis_registry::closings::NewClosing;
use keis_registry::permission::{Permission, Role};

use crate::scene::{PROVIDER, YEAR, scene};
use crate::support::both;

fn report(period: &str, height: u64, bytes: &[u8]) -> NewClosing {
    NewClosing { period: period.to_owned(), height: Height(height), bytes: bytes.to_vec() }
}

#[tokio::test]
async fn the_latest_reports_of_a_year_are_kept_and_what_was_changed_is_found() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let budget = scene.user("budget", Role::BudgetOfficer, None).await.actor();
        let officer = scene.officer().await.actor();
        let staff = scene.user("staff", Role::ProviderStaff, Some(PROVIDER)).await.actor();
        let denied = registry.keep_closings(&staff, YEAR, &[report("all", 7, b"{}")]).await;
        assert!(matches!(denied, Err(RegistryError::Denied(Permission::ManageYear))), "{denied:?}");
        assert_eq!(registry.closing(&officer, YEAR, "all").await.unwrap(), None);

        registry.keep_closings(&budget, YEAR, &[report("all", 7, b"{}"), report("2026-03", 7, b"[3]")]).await.unwrap();
        registry.keep_closings(&budget, YEAR, &[report("all", 9, b"[9]"), report("2026-03", 6, b"[2]")]).await.unwrap();
        let of = async |year, period| registry.closing(&officer, year, period).await.unwrap();
        let all = of(YEAR, "all").await.expect("it is kept");
        assert_eq!((all.height, all.bytes.as_slice()), (Height(9), &b"[9]"[..]));
        assert_eq!(of(YEAR, "2026-03").await.expect("it is kept").bytes, b"[3]", "an older report replaces none");
        assert_eq!(of(YEAR, "2026").await, None);
        assert_eq!(of(Year(YEAR.0 + 1), "all").await, None);
        let denied = registry.closing(&staff, YEAR, "all").await;
        assert!(matches!(denied, Err(RegistryError::Denied(Permission::SeeStatements))), "{denied:?}");
        assert!(scene.actions().await.contains(&"closing reports kept".to_owned()));

        let mut work = registry.begin().await.unwrap();
        let swap =
            "UPDATE closings SET packed = (SELECT packed FROM closings WHERE period = '2026-03') WHERE period = 'all'";
        sqlx::query(swap).execute(work.connection()).await.unwrap();
        work.commit().await.unwrap();
        let changed = registry.closing(&officer, YEAR, "all").await;
        assert!(matches!(changed, Err(RegistryError::Stored { .. })), "{changed:?}");
    })
    .await;
}
