//! Why invoices were refused by hand: who may say it, who reads it, and that it goes with the provider.

use keis_ledger::ids::{Commitment, ProviderId, StatementId};
use keis_ledger::operation::{Buyer, Party};
use keis_registry::erasure::Circumstances;
use keis_registry::permission::{Body, Permission, Role};
use keis_registry::refusals::{LONGEST_REASON, NewRefusal};
use keis_registry::{Page, RegistryError};

use crate::scene::{CERTIFICATE, OTHER_SCHOOL, PROVIDER, SCHOOL, SYSTEM, scene};
use crate::support::{both, holds};

const STATEMENT: StatementId = StatementId([41; 16]);
const FILE: Commitment = Commitment([5; 32]);
const WHY: &str = "Neteisinga sutartis";

fn refusal(provider: ProviderId, buyer: Buyer) -> NewRefusal {
    NewRefusal { statement: STATEMENT, file: FILE, provider, buyer }
}

#[tokio::test]
async fn the_buying_school_and_officers_say_why_and_the_provider_reads_it() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let own = refusal(scene.provider, Buyer::School(scene.school));
        let programme = NewRefusal { statement: StatementId([42; 16]), buyer: Buyer::Programme, ..own };
        let coordinator = scene.user("coordinator", Role::Coordinator, Some(SCHOOL)).await.actor();
        let other = scene.user("other", Role::Coordinator, Some(OTHER_SCHOOL)).await.actor();
        let teacher = scene.user("teacher", Role::Teacher, Some(SCHOOL)).await.actor();
        let staff = scene.user("staff", Role::ProviderStaff, Some(PROVIDER)).await.actor();
        let rival = scene.user("rival", Role::ProviderStaff, Some(CERTIFICATE)).await.actor();
        let officer = scene.officer().await.actor();
        let budget = scene.user("budget", Role::BudgetOfficer, None).await.actor();
        for (actor, new) in
            [(&other, own), (&teacher, own), (&staff, own), (&coordinator, programme), (&staff, programme)]
        {
            let denied = registry.keep_refusal(actor, &new, Some(WHY)).await;
            assert!(matches!(denied, Err(RegistryError::Denied(_))), "{denied:?}");
        }
        for (actor, new) in [(&budget, own), (&officer, programme), (&coordinator, own)] {
            registry.keep_refusal(actor, &new, Some(WHY)).await.unwrap();
        }
        assert!(registry.refusals(&staff, STATEMENT, Some(FILE)).await.unwrap().is_empty(), "it is not refused yet");
        for reader in [&staff, &officer, &budget] {
            let reasons = registry.refusals(reader, STATEMENT, None).await.unwrap();
            assert_eq!(reasons.len(), 1, "the last word about one invoice");
            assert_eq!(reasons[0].text.as_deref(), Some(WHY));
        }
        let denied = registry.refusals(&rival, STATEMENT, None).await;
        assert!(matches!(denied, Err(RegistryError::Denied(Permission::SeeStatements))), "{denied:?}");
        registry.tell_refused(STATEMENT).await.unwrap();
        registry.tell_refused(STATEMENT).await.unwrap();
        registry.tell_refused(StatementId([43; 16])).await.unwrap();
        let notices = registry.notices(Party::Provider(scene.provider), &Page::default()).await.unwrap();
        assert_eq!(notices.items.len(), 1);
        registry.keep_refusal(&officer, &own, None).await.unwrap();
        assert_eq!(registry.refusals(&staff, STATEMENT, None).await.unwrap()[0].text, None);
        registry.keep_refusal(&officer, &own, Some(&"ą".repeat(LONGEST_REASON + 5))).await.unwrap();
        let long = registry.refusals(&staff, STATEMENT, None).await.unwrap().remove(0).text.unwrap();
        assert_eq!(long.chars().count(), LONGEST_REASON);
        assert!(scene.actions().await.contains(&"refusal of an invoice kept".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn who_stands_in_the_buying_schools_place_says_why() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let new = refusal(scene.provider, Buyer::School(scene.school));
        let successor = scene.user("successor", Role::Coordinator, Some(OTHER_SCHOOL)).await.actor();
        let teacher = scene.user("teacher", Role::Teacher, Some(OTHER_SCHOOL)).await.actor();
        let denied = registry.keep_refusal(&successor, &new, Some(WHY)).await;
        assert!(matches!(denied, Err(RegistryError::Denied(Permission::RefuseInvoices))), "{denied:?}");
        let other = registry.school_by_code(OTHER_SCHOOL).await.unwrap().unwrap().id;
        registry.note_succession(&Body::School(scene.school), &Body::School(other)).await.unwrap();
        registry.keep_refusal(&successor, &new, Some(WHY)).await.unwrap();
        let denied = registry.keep_refusal(&teacher, &new, Some(WHY)).await;
        assert!(matches!(denied, Err(RegistryError::Denied(_))), "{denied:?}");
        let back = refusal(scene.provider, Buyer::School(other));
        let before = scene.user("before", Role::Coordinator, Some(SCHOOL)).await.actor();
        let denied = registry.keep_refusal(&before, &back, Some(WHY)).await;
        assert!(matches!(denied, Err(RegistryError::Denied(_))), "a predecessor stands in nobody's place: {denied:?}");
    })
    .await;
}

#[tokio::test]
async fn a_reason_goes_with_the_person_whom_it_was_told() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        // The files of a server may be those of other tests too.
        let file = Commitment([0xd7; 32]);
        let new = NewRefusal { file, ..refusal(scene.natural, Buyer::Programme) };
        registry.keep_refusal(&SYSTEM, &new, Some(WHY)).await.unwrap();
        assert_eq!(registry.refusals(&SYSTEM, STATEMENT, None).await.unwrap().len(), 1);
        assert!(!holds(&place.bytes().await, WHY.as_bytes()), "a reason stands in a file");
        let person = registry.provider(scene.natural).await.unwrap().unwrap().person.unwrap();
        registry.erase(&SYSTEM, person, Circumstances::default()).await.unwrap();
        assert!(registry.refusals(&SYSTEM, STATEMENT, None).await.unwrap().is_empty());
        assert!(!holds(&place.bytes().await, &file.0), "a commitment stands in a file");
    })
    .await;
}
