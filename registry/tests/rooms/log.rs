//! The log: what was changed, removed, moved or cut is found, and where.

use keis_registry::log::{Entry, LogFault, append};
use keis_registry::{Page, Registry, RegistryError};
use sqlx::{AssertSqlSafe, Executor};

use crate::scene::SYSTEM;
use crate::support::both;

async fn ten(registry: &Registry) {
    for number in 1..=10 {
        let mut work = registry.begin().await.unwrap();
        append(&mut work, Entry::new(&SYSTEM, "written", number).detail("nothing")).await.unwrap();
        work.commit().await.unwrap();
    }
}

async fn tamper(registry: &Registry, sql: &str) {
    let mut connection = registry.reader().await.unwrap();
    for statement in sql.split(';') {
        connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    }
}

async fn fault(registry: &Registry) -> LogFault {
    match registry.verify_log(None).await {
        Err(RegistryError::Log(fault)) => fault,
        other => panic!("no fault is found: {other:?}"),
    }
}

#[tokio::test]
async fn a_log_is_read_in_pages_and_verifies() {
    both(async |place| {
        let registry = place.open().await;
        ten(&registry).await;
        let first = registry.log_entries(&SYSTEM, &Page::first(4)).await.unwrap();
        let seqs: Vec<u64> = first.items.iter().map(|entry| entry.seq).collect();
        // The reading itself is the newest entry.
        assert_eq!((seqs, first.next), (vec![11, 10, 9, 8], Some(8)));
        let page = Page { after: first.next, limit: 500 };
        let rest = registry.log_entries(&SYSTEM, &page).await.unwrap();
        assert_eq!((rest.items.len(), rest.next), (7, None));
        assert_eq!(rest.items[6].subject, "1");
        assert_eq!(registry.verify_log(None).await.unwrap().seq, 12);
    })
    .await;
}

#[tokio::test]
async fn every_tampered_entry_is_found() {
    let swap = "UPDATE log_entries SET seq = 100 WHERE seq = 4; UPDATE log_entries SET seq = 4 WHERE seq = 5; \
                UPDATE log_entries SET seq = 5 WHERE seq = 100";
    let cases = [
        ("UPDATE log_entries SET at = at + 1 WHERE seq = 3", LogFault::Changed(3)),
        ("UPDATE log_entries SET actor = 'system:other' WHERE seq = 1", LogFault::Changed(1)),
        ("UPDATE log_entries SET action = 'read' WHERE seq = 10", LogFault::Changed(10)),
        ("UPDATE log_entries SET subject = '7' WHERE seq = 6", LogFault::Changed(6)),
        ("UPDATE log_entries SET detail = '' WHERE seq = 2", LogFault::Changed(2)),
        ("UPDATE log_entries SET detail = 'noth', subject = 'ing2' WHERE seq = 2", LogFault::Changed(2)),
        ("UPDATE log_entries SET mac = prev WHERE seq = 9", LogFault::Changed(9)),
        ("DELETE FROM log_entries WHERE seq = 1", LogFault::Missing(1)),
        ("DELETE FROM log_entries WHERE seq = 7", LogFault::Missing(7)),
        (swap, LogFault::Reordered { at: 4, written: 5 }),
        ("DELETE FROM log_entries WHERE seq >= 9", LogFault::Cut(9)),
        ("DELETE FROM log_entries", LogFault::Cut(1)),
        ("DELETE FROM log_entries WHERE seq = 10; UPDATE log_head SET seq = 9", LogFault::HeadForged),
        ("DELETE FROM log_head", LogFault::HeadMissing),
    ];
    both(async |place| {
        let registry = place.open().await;
        ten(&registry).await;
        for (sql, expected) in &cases {
            tamper(&registry, "CREATE TABLE kept_entries AS SELECT * FROM log_entries").await;
            tamper(&registry, "CREATE TABLE kept_head AS SELECT * FROM log_head").await;
            tamper(&registry, sql).await;
            assert_eq!(fault(&registry).await, *expected, "{sql}");
            tamper(&registry, "DELETE FROM log_entries; INSERT INTO log_entries SELECT * FROM kept_entries").await;
            tamper(&registry, "DELETE FROM log_head; INSERT INTO log_head SELECT * FROM kept_head").await;
            tamper(&registry, "DROP TABLE kept_entries; DROP TABLE kept_head").await;
        }
        assert_eq!(registry.verify_log(None).await.unwrap().seq, 10);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_written_after_a_forged_head() {
    both(async |place| {
        let registry = place.open().await;
        ten(&registry).await;
        tamper(&registry, "UPDATE log_head SET seq = 9").await;
        let mut work = registry.begin().await.unwrap();
        let appended = append(&mut work, Entry::new(&SYSTEM, "written", "test")).await;
        assert!(matches!(appended, Err(RegistryError::Log(LogFault::HeadForged))));
    })
    .await;
}

#[tokio::test]
async fn a_log_that_was_put_back_is_found_by_a_head_kept_elsewhere() {
    both(async |place| {
        let registry = place.open().await;
        ten(&registry).await;
        tamper(&registry, "CREATE TABLE kept_head AS SELECT * FROM log_head").await;
        ten(&registry).await;
        let kept = registry.verify_log(None).await.unwrap();
        let back = "DELETE FROM log_entries WHERE seq > 10; DELETE FROM log_head; INSERT INTO log_head SELECT * FROM kept_head";
        tamper(&registry, back).await;
        assert_eq!(registry.verify_log(None).await.unwrap().seq, 10, "within itself it is sound");
        let kept = kept.to_string().parse().unwrap();
        let found = registry.verify_log(Some(kept)).await;
        assert!(matches!(found, Err(RegistryError::Log(LogFault::PutBack(20)))), "{found:?}");
        // Written on from there, it took another way.
        ten(&registry).await;
        let found = registry.verify_log(Some(kept)).await;
        assert!(matches!(found, Err(RegistryError::Log(LogFault::PutBack(20)))), "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn one_subject_is_followed_through_the_log() {
    both(async |place| {
        let registry = place.open().await;
        ten(&registry).await;
        ten(&registry).await;
        let about = registry.log_about(&SYSTEM, "7", &Page::first(1)).await.unwrap();
        assert_eq!((about.items[0].seq, about.next), (17, Some(17)));
        let about = registry.log_about(&SYSTEM, "7", &Page { after: about.next, limit: 10 }).await.unwrap();
        assert_eq!((about.items[0].seq, about.items.len(), about.next), (7, 1, None));
    })
    .await;
}
