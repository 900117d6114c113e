//! Clears the database's files of what erasures destroyed: no page, free space, log of writes or statistic keeps a copy.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Executor, Row};

use crate::boxed;
use crate::database::{Backend, Registry, list};
use crate::error::RegistryError;
use crate::ids::PersonId;

/// Tables that held something of an erased person.
const TABLES: [&str; 19] = [
    "person_keys",
    "wallets",
    "pupils",
    "users",
    "user_keys",
    "officer_keys",
    "providers",
    "witness_keys",
    "witnesses",
    "papers",
    "sellers",
    "number_series",
    "documents",
    "dispatches",
    "dispatch_answers",
    "refusals",
    "web_sessions",
    "import_lines",
    "reconcile_seen",
];

/// Keeps PostgreSQL from sampling columns of bytes that are not ids, and drops the samples that it has. What an erasure destroys
/// would otherwise stand among the server's statistics: analyzing an emptied table does not clear them.
const UNSAMPLED: &str = "
DO $$
DECLARE held record;
BEGIN
    FOR held IN
        SELECT a.attrelid::regclass AS place, a.attname AS name
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND a.attnum > 0
          AND NOT a.attisdropped AND a.atttypid = 'bytea'::regtype AND COALESCE(a.attstattarget, -1) <> 0
          AND a.attname NOT IN ('id', 'person', 'user_id', 'owner', 'school', 'entity', 'provider', 'party', 'statement', 'file',
                                'of_order', 'dispatch')
    LOOP
        -- A change of type, be it to the same, is what drops samples without the rights of a superuser.
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE BYTEA, ALTER COLUMN %I SET STATISTICS 0',
                       held.place, held.name, held.name);
    END LOOP;
END $$";

/// How long transactions that were running when a sweep began may take to end. PostgreSQL keeps deleted rows for them, whichever
/// database of the server they write to.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks whether they ended.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a table may be in use by somebody else: who asks for it meanwhile waits behind the sweep.
const LOCKS: &str = "SET lock_timeout = '5s'";

impl Registry {
    /// Clears the database's files of what erasures destroyed, if any is not cleared yet. Takes seconds on a full registry.
    ///
    /// # Errors
    /// [`RegistryError::Busy`] while somebody holds on to an older state of the database: to be tried again; or what the
    /// database answers.
    #[boxed]
    pub async fn sweep(&self) -> Result<(), RegistryError> {
        let mut reader = self.reader().await?;
        let rows = sqlx::query("SELECT person FROM erased WHERE swept = 0").fetch_all(&mut *reader).await?;
        drop(reader);
        if rows.is_empty() {
            return Ok(());
        }
        match self.backend() {
            Backend::Sqlite => self.sweep_file().await?,
            Backend::Postgres => self.sweep_server().await?,
        }
        let mut work = self.begin().await?;
        // Those alone: another may have been erased since.
        for row in rows {
            let person = PersonId(list::id(row.try_get("person")?, "erased.person")?);
            let sql = "UPDATE erased SET swept = 1 WHERE person = $1";
            sqlx::query(sql).bind(&person.0[..]).execute(work.connection()).await?;
        }
        work.commit().await
    }

    async fn sweep_file(&self) -> Result<(), RegistryError> {
        let writer = self.writer().await;
        self.reader().await?.execute("VACUUM").await?;
        drop(writer);
        self.fold().await
    }

    async fn sweep_server(&self) -> Result<(), RegistryError> {
        self.wait_for_older().await?;
        // A transaction that only keeps other writers away, so that rows can be counted.
        let _work = self.begin().await?;
        // Not given back: nobody else's statements are to end for its patience, also when this is broken off.
        let mut connection = self.reader().await?.detach();
        connection.execute(LOCKS).await?;
        for table in TABLES {
            connection.execute(AssertSqlSafe(format!("VACUUM FULL {table}"))).await?;
            // Rows that its key was built over, against rows that are seen: what was kept for somebody is in the first alone.
            let sql = format!(
                "SELECT CAST((SELECT COUNT(*) FROM {table})::REAL = GREATEST(c.reltuples, 0) AS INT)::BIGINT AS clear \
                 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
                 WHERE i.indrelid = '{table}'::regclass AND i.indisprimary"
            );
            let clear: i64 = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut connection).await?.try_get("clear")?;
            if clear == 0 {
                return Err(RegistryError::Busy);
            }
        }
        connection.execute("VACUUM FULL pg_catalog.pg_statistic").await?;
        Ok(())
    }

    /// Waits until every transaction that began before is over.
    async fn wait_for_older(&self) -> Result<(), RegistryError> {
        let mut reader = self.reader().await?;
        let mut look = async |edge: &str| -> Result<i64, RegistryError> {
            let sql = format!("SELECT pg_snapshot_{edge}(pg_current_snapshot())::TEXT::BIGINT AS edge");
            Ok(sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut *reader).await?.try_get("edge")?)
        };
        let (begun, next) = (Instant::now(), look("xmax").await?);
        while look("xmin").await? < next {
            if begun.elapsed() > PATIENCE {
                return Err(RegistryError::Busy);
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

/// Brings a server to sample nothing that an erasure destroys.
pub(crate) async fn unsample(registry: &Registry) -> Result<(), RegistryError> {
    let mut work = registry.begin().await?;
    work.connection().execute(UNSAMPLED).await?;
    work.commit().await
}
