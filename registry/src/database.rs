//! The database behind all rooms: opened once, written by one writer at a time, the same text of SQL on SQLite and PostgreSQL.
//!
//! A [`Work`] is one database transaction in which several rooms write. Two of them wait for each other and never fail for it:
//! a lock of this process and `BEGIN IMMEDIATE` on SQLite, an advisory lock on PostgreSQL.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;
use keis_ledger::time::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Executor, Row, Transaction};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::boxed;
use crate::error::RegistryError;
use crate::vault::{Field, MasterKey, Vault};
use crate::{log, sweep};

pub(crate) mod list;

/// Most connections of one process.
const CONNECTIONS: u32 = 8;
/// How long a connection waits for a writer of another process.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a database may take until it takes a first connection.
const FIRST: Duration = Duration::from_secs(15);
/// Names the writer's lock on PostgreSQL: the letters KEISREGI.
const WRITER: &str = "SELECT CAST(pg_advisory_xact_lock(5423821948449015625) AS TEXT)";

const CHECK: Field = Field::of("vault_check", "sealed");
const CHECKED: &[u8] = b"KEIS registry 1";

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file beside the program.
    Sqlite,
    /// A server.
    Postgres,
}

/// The operator's central database, open. Cheap to clone.
#[derive(Clone)]
pub struct Registry {
    pool: AnyPool,
    vault: Arc<Vault>,
    backend: Backend,
    writer: Arc<Mutex<()>>,
    waiting: Arc<log::Waiting>,
}

/// One database transaction of one writer. Dropped without [`Work::commit`], it changed nothing. Whoever holds one uses it for
/// everything: a method of [`Registry`] that writes would wait for it for ever.
pub struct Work {
    // The transaction ends before the next writer may begin.
    transaction: Transaction<'static, Any>,
    vault: Arc<Vault>,
    backend: Backend,
    _writer: OwnedMutexGuard<()>,
}

impl Registry {
    /// Opens the database at `sqlite:PATH` (made if it is not there, readable for its owner alone) or `postgres://…`, brings
    /// its schema up to date and proves the master key. An empty database is founded under the key.
    ///
    /// # Errors
    /// [`RegistryError::WrongMasterKey`]; [`RegistryError::Address`], or what the database answers.
    pub fn open<'a>(url: &'a str, master: &'a MasterKey) -> BoxFuture<'a, Result<Self, RegistryError>> {
        // Boxed here, so that drivers and migrations are compiled with this crate and not again with everybody who opens one.
        Box::pin(Self::opened(url, master))
    }

    async fn opened(url: &str, master: &MasterKey) -> Result<Self, RegistryError> {
        sqlx::any::install_default_drivers();
        let (backend, address) = address(url)?;
        let pool = pool(backend, &address).await?;
        if backend == Backend::Sqlite {
            // A property of the file, set once; it needs the file for itself for a moment.
            pool.execute("PRAGMA journal_mode = WAL").await?;
        }
        sqlx::migrate!("./migrations").run(&pool).await?;
        let registry =
            Self { pool, vault: Vault::new(master), backend, writer: Arc::default(), waiting: Arc::default() };
        if backend == Backend::Postgres {
            sweep::unsample(&registry).await?;
        }
        registry.prove_master_key().await?;
        Ok(registry)
    }

    /// Begins a writer's transaction, after those before it.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    #[boxed]
    pub async fn begin(&self) -> Result<Work, RegistryError> {
        self.begin_as(self.writer().await).await
    }

    /// Waits until this is the only writer of the process.
    pub(crate) async fn writer(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.writer).lock_owned().await
    }

    pub(crate) fn waiting(&self) -> &log::Waiting {
        &self.waiting
    }

    pub(crate) async fn begin_as(&self, writer: OwnedMutexGuard<()>) -> Result<Work, RegistryError> {
        let transaction = match self.backend {
            Backend::Sqlite => self.pool.begin_with("BEGIN IMMEDIATE").await?,
            Backend::Postgres => {
                let mut transaction = self.pool.begin().await?;
                transaction.execute(WRITER).await?;
                transaction
            }
        };
        Ok(Work { transaction, vault: Arc::clone(&self.vault), backend: self.backend, _writer: writer })
    }

    /// A connection that only reads.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    #[boxed]
    pub async fn reader(&self) -> Result<PoolConnection<Any>, RegistryError> {
        Ok(self.pool.acquire().await?)
    }

    /// The keys.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// Which database it is.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`RegistryError::Database`].
    #[boxed]
    pub async fn health(&self) -> Result<(), RegistryError> {
        let mut reader = self.reader().await?;
        sqlx::query("SELECT seq FROM log_head").fetch_one(&mut *reader).await?;
        Ok(())
    }

    /// Closes all connections; on SQLite the log of writes is folded into the file.
    #[boxed]
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Folds SQLite's log of writes into the file and empties it, once no reader needs it any more.
    pub(crate) async fn fold(&self) -> Result<(), RegistryError> {
        let _writer = self.writer.lock().await;
        let mut connection = self.pool.acquire().await?;
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *connection).await?;
        let busy: i64 = row.try_get(0)?;
        if busy == 0 { Ok(()) } else { Err(RegistryError::Busy) }
    }

    async fn prove_master_key(&self) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        let row = sqlx::query("SELECT sealed FROM vault_check").fetch_optional(work.connection()).await?;
        if let Some(row) = row {
            let opened = self.vault.open(CHECK, &[], row.try_get("sealed")?);
            return match opened {
                Ok(plain) if *plain == CHECKED => Ok(()),
                Ok(_) | Err(_) => Err(RegistryError::WrongMasterKey),
            };
        }
        sqlx::query("INSERT INTO vault_check (one, sealed) VALUES (1, $1)")
            .bind(self.vault.seal(CHECK, &[], CHECKED))
            .execute(work.connection())
            .await?;
        log::found(&mut work).await?;
        work.commit().await
    }
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Registry on {:?}", self.backend)
    }
}

impl Work {
    /// The connection, for statements of a room.
    pub fn connection(&mut self) -> &mut AnyConnection {
        &mut self.transaction
    }

    /// The keys.
    pub fn vault(&self) -> Arc<Vault> {
        Arc::clone(&self.vault)
    }

    /// Which database it is.
    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// [`RegistryError::Database`]; then nothing was changed.
    #[boxed]
    pub async fn commit(self) -> Result<(), RegistryError> {
        Ok(self.transaction.commit().await?)
    }
}

/// Now, by this machine's clock, for log and notices. The ledger's time is asked of the network, not here.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

fn address(url: &str) -> Result<(Backend, String), RegistryError> {
    let (scheme, rest) = url.split_once(':').ok_or_else(|| RegistryError::Address(url.to_owned()))?;
    match scheme {
        "sqlite" => {
            let path = PathBuf::from(rest.strip_prefix("//").unwrap_or(rest));
            make(&path)?;
            Ok((Backend::Sqlite, format!("sqlite:{}?mode=rw", escaped(&path))))
        }
        "postgres" | "postgresql" => Ok((Backend::Postgres, url.to_owned())),
        other => Err(RegistryError::Address(other.to_owned())),
    }
}

/// Makes the file for its owner alone, if it is not there. SQLite gives its companions the same mode.
fn make(path: &Path) -> Result<(), RegistryError> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|source| RegistryError::File { path: path.to_owned(), source })
}

fn escaped(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Whether there is a database at all. The pool would try for as long as a writer may wait, and then not say why it could not.
async fn reach(backend: Backend, connect: &AnyConnectOptions) -> Result<(), RegistryError> {
    let probe = match backend {
        Backend::Sqlite => "PRAGMA user_version",
        Backend::Postgres => "SELECT 1",
    };
    let first = async {
        let mut connection = connect.connect().await?;
        connection.execute(probe).await?;
        connection.close().await
    };
    Ok(tokio::time::timeout(FIRST, first).await.map_err(|_| sqlx::Error::PoolTimedOut)??)
}

async fn pool(backend: Backend, address: &str) -> Result<AnyPool, RegistryError> {
    let options = AnyPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
    let options = match backend {
        Backend::Sqlite => options.after_connect(|connection, _| {
            Box::pin(async move {
                let settings = format!(
                    "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; \
                     PRAGMA synchronous = FULL",
                    PATIENCE.as_millis()
                );
                connection.execute(sqlx::AssertSqlSafe(settings)).await?;
                Ok(())
            })
        }),
        Backend::Postgres => options,
    };
    let connect: AnyConnectOptions = address.parse()?;
    let connect = connect.disable_statement_logging();
    reach(backend, &connect).await?;
    Ok(options.connect_with(connect).await?)
}
