//! Erasure: afterwards no file of the database tells who it was, and everything else stands.

use keis_ledger::operation::{Operation, Party, WalletOperation};
use keis_ledger::time::Timestamp;
use keis_registry::erasure::{Circumstances, ErasureError};
use keis_registry::ids::PersonId;
use keis_registry::people::{self, PupilFacts};
use keis_registry::permission::Role;
use keis_registry::{MasterKey, Page, Registry, RegistryError, outbox, wallets};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};

use crate::scene::{CERTIFICATE, SCHOOL, SYSTEM, YEAR, claims, facts, scene};
use crate::support::{Place, both, holds};

/// What the database holds of a person beside ids: wrapped key, blind indexes, sealed fields.
async fn traces(registry: &Registry, person: PersonId) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for sql in [
        "SELECT wrapped FROM person_keys WHERE person = $1",
        "SELECT given_name_sealed, family_name_sealed, register_code_sealed, register_index FROM pupils WHERE person = $1",
        "SELECT wallet_index, wallet_sealed FROM wallets WHERE person = $1",
        "SELECT subject_index, name_sealed, email_sealed FROM users WHERE person = $1",
        "SELECT code_sealed, name_sealed, code_index FROM providers WHERE person = $1",
    ] {
        let mut reader = registry.reader().await.unwrap();
        for row in sqlx::query(sql).bind(&person.0[..]).fetch_all(&mut *reader).await.unwrap() {
            found.extend((0..row.len()).filter_map(|column| row.get::<Option<Vec<u8>>, _>(column)));
        }
    }
    found
}

async fn assert_none_stands(place: &Place, traces: &[Vec<u8>]) {
    let bytes = place.bytes().await;
    assert!(traces.iter().all(|trace| !holds(&bytes, trace)), "a trace stands in a file");
}

#[tokio::test]
async fn after_an_erasure_no_file_tells_who_it_was() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let person = scene.pupils[0];
        let traces_before = traces(registry, person).await;
        assert_eq!(traces_before.len(), 7);
        let bytes = place.bytes().await;
        assert!(traces_before.iter().all(|trace| holds(&bytes, trace)), "the scan finds what is there");
        let officer = scene.officer().await.actor();
        let receipt = registry.erase(&officer, person, Circumstances::default()).await.unwrap();
        assert!(receipt.swept && receipt.wallets == 1 && receipt.closing.is_empty());
        assert_none_stands(&place, &traces_before).await;
        assert!(registry.find_pupil(&SYSTEM, "4400000011", YEAR).await.unwrap().is_none());
        assert!(registry.pupil(&SYSTEM, person, YEAR).await.unwrap().is_none());
        let class = registry.class(&SYSTEM, scene.school, 0, "5a", YEAR).await.unwrap();
        assert_eq!(class.len(), 2);
        assert_eq!(registry.erased().await.unwrap(), [person]);
        registry.verify_log(None).await.unwrap();
        assert!(scene.actions().await.contains(&"person erased".to_owned()));
        let again = registry.erase(&officer, person, Circumstances::default()).await;
        assert!(matches!(again, Err(ErasureError::Registry(RegistryError::PersonUnknown(_)))), "{again:?}");
    })
    .await;
}

/// Pages were split and rewritten many times before the erasures; copies that this left behind must not survive either.
#[tokio::test]
async fn no_copy_survives_in_the_free_space_of_pages() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let pupil = |number| facts(scene.school, &format!("55{number:08}"), "Vardas", "Pavardė", "7c");
        let many: Vec<PupilFacts> = (0..3_000).map(pupil).collect();
        let mut persons = Vec::new();
        for chunk in many.chunks(300) {
            let mut work = registry.begin().await.unwrap();
            let arrived = people::arrive(&mut work, chunk, 1, Timestamp(1)).await.unwrap();
            wallets::draw(&mut work, YEAR, &arrived).await.unwrap();
            work.commit().await.unwrap();
            persons.extend(arrived);
        }
        let gone: Vec<PersonId> = persons.iter().copied().step_by(100).collect();
        let mut before = Vec::new();
        for person in &gone {
            before.extend(traces(registry, *person).await);
        }
        assert_eq!(registry.reapply_erasures(&SYSTEM, &gone).await.unwrap(), 30);
        let bytes = place.bytes().await;
        let left = before.iter().filter(|trace| holds(&bytes, trace)).count();
        assert_eq!(left, 0, "of {} traces", before.len());
    })
    .await;
}

/// A comparison with the ledger that was killed leaves the indexes of wallets that it had seen.
#[tokio::test]
async fn a_broken_off_comparison_leaves_no_index() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let person = scene.pupils[0];
        let seen = "INSERT INTO reconcile_seen (run, wallet_index) SELECT 1, wallet_index FROM wallets";
        registry.reader().await.unwrap().execute(seen).await.unwrap();
        let before = traces(registry, person).await;
        registry.erase(&SYSTEM, person, Circumstances::default()).await.unwrap();
        assert_none_stands(&place, &before).await;
    })
    .await;
}

/// PostgreSQL keeps deleted rows for transactions that began before, also of other databases of the server.
#[tokio::test]
async fn files_are_not_called_clear_while_somebody_holds_on_to_deleted_rows() {
    let place = Place::alone().await;
    let elsewhere = place.beside().await;
    let scene = scene(&place).await;
    let registry = &scene.registry;
    let writes_elsewhere = (&elsewhere, "SELECT pg_current_xact_id()::text");
    let looks_at_what_stands = (&place, "SELECT 1");
    for (person, (of, hold)) in scene.pupils.iter().zip([writes_elsewhere, looks_at_what_stands]) {
        let before = traces(registry, *person).await;
        let mut holder = AnyConnection::connect(&of.url).await.unwrap();
        holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
        holder.execute(hold).await.unwrap();
        let receipt = registry.erase(&SYSTEM, *person, Circumstances::default()).await.unwrap();
        assert!(!receipt.swept, "{hold}");
        assert!(!registry.erasure_of(*person).await.unwrap().unwrap().swept, "{hold}");
        let again = registry.sweep().await;
        assert!(matches!(again, Err(RegistryError::Busy)), "{again:?}");
        holder.execute("ROLLBACK").await.unwrap();
        registry.sweep().await.unwrap();
        assert!(registry.erasure_of(*person).await.unwrap().unwrap().swept, "{hold}");
        assert_none_stands(&place, &before).await;
    }
}

/// PostgreSQL analyzes tables by itself and keeps samples of their columns, also of tables that are empty since.
#[tokio::test]
async fn no_sample_survives_in_the_servers_statistics() {
    let place = Place::postgres().await;
    let scene = scene(&place).await;
    let person = scene.pupils[0];
    let before = traces(&scene.registry, person).await;
    let analyze = async || scene.registry.reader().await.unwrap().execute("ANALYZE").await.unwrap();
    analyze().await;
    scene.registry.erase(&SYSTEM, person, Circumstances::default()).await.unwrap();
    assert_none_stands(&place, &before).await;

    // As a version left it that let the server sample everything.
    let person = scene.pupils[1];
    let before = traces(&scene.registry, person).await;
    for table in ["person_keys", "pupils", "wallets"] {
        let columns = "SELECT attname::text FROM pg_attribute \
                       WHERE attrelid = $1::regclass AND attnum > 0 AND attstattarget = 0";
        let mut reader = scene.registry.reader().await.unwrap();
        for column in sqlx::query_scalar::<_, String>(columns).bind(table).fetch_all(&mut *reader).await.unwrap() {
            let sampled = format!("ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS -1");
            reader.execute(AssertSqlSafe(sampled)).await.unwrap();
        }
    }
    analyze().await;
    let registry = place.open().await;
    registry.erase(&SYSTEM, person, Circumstances::default()).await.unwrap();
    assert_none_stands(&place, &before).await;
}

#[tokio::test]
async fn whoever_has_open_orders_is_erased_only_despite_them_and_the_wallet_closes() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let person = scene.pupils[1];
        let wallet = registry.pupil(&SYSTEM, person, YEAR).await.unwrap().unwrap().card.wallet.unwrap();
        registry.reader().await.unwrap().execute("UPDATE wallets SET state = 'allocated'").await.unwrap();
        let open = Circumstances { open_orders: true, despite_them: false };
        let refused = registry.erase(&SYSTEM, person, open).await;
        assert!(matches!(refused, Err(ErasureError::OpenOrders(_))), "{refused:?}");
        assert!(registry.pupil(&SYSTEM, person, YEAR).await.unwrap().is_some());
        let despite = Circumstances { despite_them: true, ..open };
        let receipt = registry.erase(&SYSTEM, person, despite).await.unwrap();
        assert_eq!(receipt.closing.len(), 1);
        let row = outbox::get(registry, receipt.closing[0]).await.unwrap().unwrap();
        let close = WalletOperation::Close { party: Party::Pupil(YEAR, wallet) };
        assert_eq!(row.operation, Operation::Wallet(close));
        let coordinator = scene.coordinator().await.actor();
        let denied = registry.erase(&coordinator, scene.pupils[2], despite).await;
        assert!(matches!(denied, Err(ErasureError::Registry(RegistryError::Denied(_)))), "{denied:?}");
    })
    .await;
}

#[tokio::test]
async fn a_user_and_a_natural_provider_are_erased_too() {
    both(async |place| {
        let scene = scene(&place).await;
        let registry = &scene.registry;
        let user = scene.coordinator().await;
        let end = Timestamp(u64::from(u32::MAX));
        registry.save_session(&[1; 32], Some(user.id), b"words", end).await.unwrap();
        let mut reader = registry.reader().await.unwrap();
        let row =
            sqlx::query("SELECT person FROM users WHERE id = $1").bind(&user.id.0[..]).fetch_one(&mut *reader).await;
        let person = PersonId(row.unwrap().get::<Vec<u8>, _>(0).try_into().unwrap());
        drop(reader);
        let natural = registry.provider(scene.natural).await.unwrap().unwrap().person.unwrap();
        let mut before = traces(registry, person).await;
        before.extend(traces(registry, natural).await);
        assert_eq!(before.len(), 8);
        for person in [person, natural] {
            registry.erase(&SYSTEM, person, Circumstances::default()).await.unwrap();
        }
        assert_none_stands(&place, &before).await;
        assert!(registry.user(user.id).await.unwrap().is_none());
        assert!(registry.load_session(&[1; 32], Timestamp(0)).await.unwrap().is_none());
        assert!(registry.provider(scene.natural).await.unwrap().is_none());
        assert!(registry.provider_by_code(CERTIFICATE).await.unwrap().is_none());
        assert_eq!(registry.providers("", &Page::default()).await.unwrap().items.len(), 1);
        // The same person at the directory is somebody new here.
        let again = registry.sign_in(&claims("subject-of-kotryna", &[(Role::Teacher, Some(SCHOOL))])).await.unwrap();
        assert_ne!(again.user.id, user.id);
    })
    .await;
}

#[tokio::test]
async fn a_restored_backup_is_erased_again() {
    let place = crate::support::Place::sqlite();
    let scene = scene(&place).await;
    let person = scene.pupils[0];
    let backup = tempfile::tempdir().unwrap();
    let copy = backup.path().join("backup.db");
    let statement = format!("VACUUM INTO '{}'", copy.display());
    scene.registry.reader().await.unwrap().execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    let before = traces(&scene.registry, person).await;
    scene.registry.erase(&SYSTEM, person, Circumstances::default()).await.unwrap();
    let erased = scene.registry.erased().await.unwrap();
    let url = format!("sqlite:{}", copy.display());
    assert!(
        Registry::open(&url, &MasterKey::generate()).await.is_err(),
        "a backup is of no use without the master key"
    );
    let restored = Registry::open(&url, &crate::support::master()).await.unwrap();
    assert!(restored.pupil(&SYSTEM, person, YEAR).await.unwrap().is_some());
    assert_eq!(restored.reapply_erasures(&SYSTEM, &erased).await.unwrap(), 1);
    assert_eq!(restored.reapply_erasures(&SYSTEM, &erased).await.unwrap(), 0);
    assert!(restored.pupil(&SYSTEM, person, YEAR).await.unwrap().is_none());
    let bytes = std::fs::read(&copy).unwrap();
    assert!(before.iter().all(|trace| !holds(&bytes, trace)), "a trace stands in the restored file");
    restored.verify_log(None).await.unwrap();
}
