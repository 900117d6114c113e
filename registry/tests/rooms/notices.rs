//! Notices to schools and providers.

use keis_ledger::operation::Party;
use keis_registry::notices::NoticeKind;
use keis_registry::{Page, RegistryError};

use crate::scene::scene;
use crate::support::both;

#[tokio::test]
async fn a_party_reads_its_own_notices_and_puts_them_aside() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let (own, other) = (Party::School(scene.school), Party::Provider(scene.provider));
        let officer = scene.officer().await.actor();
        for number in 1..=5 {
            registry.note_behalf(&officer, own, &format!("order {number}")).await.unwrap();
        }
        registry.note_behalf(&officer, other, "order 6").await.unwrap();
        let first = registry.notices(own, &Page::first(3)).await.unwrap();
        let subjects: Vec<&str> = first.items.iter().map(|notice| notice.subject.as_str()).collect();
        assert_eq!(subjects, ["order 5", "order 4", "order 3"]);
        assert!(first.items.iter().all(|notice| notice.kind == NoticeKind::OfficerActed));
        let seq = first.items[0].seq;
        registry.dismiss(other, seq).await.unwrap();
        assert_eq!(registry.notices(own, &Page::first(1)).await.unwrap().items[0].seq, seq, "another party's stays");
        registry.dismiss(own, seq).await.unwrap();
        let rest = registry.notices(own, &Page { after: first.next, limit: 100 }).await.unwrap();
        assert_eq!((rest.items.len(), rest.next), (2, None));
        assert_eq!(registry.notices(own, &Page::default()).await.unwrap().items.len(), 4);
        let coordinator = scene.coordinator().await.actor();
        let denied = registry.note_behalf(&coordinator, own, "order 7").await;
        assert!(matches!(denied, Err(RegistryError::Denied(_))));
    })
    .await;
}
