//! Marks of the bank: kept by who records payments, opened by officers alone, in no file as text.

use keis_ledger::ids::Commitment;
use keis_registry::RegistryError;
use keis_registry::payments::BankMark;
use keis_registry::permission::{Permission, Role};

use crate::scene::{PROVIDER, SCHOOL, SYSTEM, scene};
use crate::support::{both, holds};

const MARK: &str = "FT 2026/0001-žymė";

#[tokio::test]
async fn equal_marks_of_the_bank_have_equal_commitments_and_open_for_officers() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let budget = scene.user("budget", Role::BudgetOfficer, None).await.actor();
        let officer = scene.officer().await.actor();
        let texts = [MARK.to_owned(), "FT 2".to_owned(), format!(" {} ", MARK.replace(' ', "  "))];
        let kept = registry.keep_bank_marks(&budget, BankMark::Reference, &texts).await.unwrap();
        assert_eq!(kept[0], kept[2], "spaces make no other mark");
        assert_ne!(kept[0], kept[1]);
        let statement = registry.keep_bank_marks(&officer, BankMark::Statement, &texts[..1]).await.unwrap();
        assert_ne!(statement[0], kept[0], "a reference is no bank statement");

        let opened = registry.opened_marks(&officer, &[kept[0], statement[0], Commitment([9; 32])]).await.unwrap();
        assert_eq!(opened.get(&kept[0]).map(String::as_str), Some(MARK));
        assert_eq!((opened.get(&statement[0]).map(String::as_str), opened.len()), (Some(MARK), 2));
        let actions = scene.actions().await;
        for action in ["bank marks kept", "marks of settlement read"] {
            assert!(actions.contains(&action.to_owned()), "{actions:?}");
        }
        assert!(!holds(&place.bytes().await, MARK.as_bytes()), "a mark stands in a file");
    })
    .await;
}

#[tokio::test]
async fn parties_neither_keep_nor_open_marks_of_the_bank() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let kept = registry.keep_bank_marks(&SYSTEM, BankMark::Reference, &[MARK.to_owned()]).await.unwrap();
        for (role, body) in [(Role::ProviderStaff, PROVIDER), (Role::Coordinator, SCHOOL)] {
            let actor = scene.user(&format!("{role}"), role, Some(body)).await.actor();
            let keep = registry.keep_bank_marks(&actor, BankMark::Reference, &[MARK.to_owned()]).await;
            assert!(matches!(keep, Err(RegistryError::Denied(Permission::RecordPayments))), "{role}: {keep:?}");
            let opened = registry.opened_marks(&actor, &kept).await;
            assert!(matches!(opened, Err(RegistryError::Denied(Permission::SeeStatements))), "{role}: {opened:?}");
        }
    })
    .await;
}
