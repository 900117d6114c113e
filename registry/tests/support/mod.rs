//! Databases for tests: a SQLite file and a database of a real PostgreSQL, both new for every test.
//!
//! Included with `#[path]` by whoever tests on a registry; not a part of the product. The PostgreSQL is private to the test's
//! process, listens on a socket in a folder of its own, and ends with the last test that uses it, also when that is killed.

#![allow(dead_code, clippy::unwrap_used)]

use std::future::Future;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};

use keis_registry::{MasterKey, Registry};
use sqlx::{AssertSqlSafe, Connection, Executor};

/// The master key of all test registries.
pub fn master() -> MasterKey {
    MasterKey::from_bytes([7; 32])
}

/// A database for one test.
pub struct Place {
    pub url: String,
    folder: PathBuf,
    _file: Option<tempfile::TempDir>,
    cluster: Option<Arc<Cluster>>,
}

impl Place {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("registry of a test.db").display());
        Self { url, folder: folder.path().to_owned(), _file: Some(folder), cluster: None }
    }

    pub async fn postgres() -> Self {
        Self::on(Cluster::shared()).await
    }

    /// On a server of its own: tests that hold on to old rows disturb everybody else's.
    pub async fn alone() -> Self {
        Self::on(Arc::new(Cluster::start())).await
    }

    /// Another database of the same server.
    pub async fn beside(&self) -> Self {
        Self::on(self.cluster.clone().expect("a server")).await
    }

    async fn on(cluster: Arc<Cluster>) -> Self {
        let url = cluster.create_database().await;
        Self { url, folder: cluster.folder.path().to_owned(), _file: None, cluster: Some(cluster) }
    }

    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    pub async fn open(&self) -> Registry {
        Registry::open(&self.url, &master()).await.unwrap()
    }

    /// Every byte that the database has on disk, without PostgreSQL's log of writes: it keeps old writes until its segments are
    /// written over, which `README.md` states as a limit. The server's other databases are other tests'.
    pub async fn bytes(&self) -> Vec<u8> {
        let mut own = None;
        if !self.is_sqlite() {
            sqlx::any::install_default_drivers();
            let mut connection = sqlx::AnyConnection::connect(&self.url).await.unwrap();
            connection.execute("CHECKPOINT").await.unwrap();
            let sql = "SELECT oid::text FROM pg_database WHERE datname = current_database()";
            let oid: String = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
            own = Some(self.folder.join("data/base").join(oid));
        }
        let mut bytes = Vec::new();
        gather(&self.folder, own.as_deref(), &mut bytes);
        bytes
    }
}

/// Every file, but of the server's databases only those of `own`.
fn gather(folder: &Path, own: Option<&Path>, bytes: &mut Vec<u8>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let is_another = own.is_some_and(|own| own.parent() == Some(folder) && path != own);
        if entry.file_type().unwrap().is_dir() {
            if path.file_name().is_none_or(|name| name != "pg_wal") && !is_another {
                gather(&path, own, bytes);
            }
        } else if let Ok(mut file) = std::fs::File::open(&path) {
            // The server makes and removes files while they are read.
            let _ = file.read_to_end(bytes);
        }
    }
}

/// Whether `bytes` hold `wanted`.
pub fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    let Some(first) = wanted.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(wanted) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// Runs a test on SQLite, then on PostgreSQL.
pub async fn both<F: Future<Output = ()>>(test: impl Fn(Arc<Place>) -> F) {
    println!("on SQLite");
    test(Arc::new(Place::sqlite())).await;
    println!("on PostgreSQL");
    test(Arc::new(Place::postgres().await)).await;
}

/// One PostgreSQL, with its files in a folder of its own.
struct Cluster {
    folder: tempfile::TempDir,
    /// Stops the server when its input ends, which it does when this process ends in any way.
    keeper: Mutex<Child>,
}

static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());

impl Cluster {
    fn shared() -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap();
        if let Some(cluster) = shared.upgrade() {
            return cluster;
        }
        let cluster = Arc::new(Self::start());
        *shared = Arc::downgrade(&cluster);
        cluster
    }

    fn start() -> Self {
        let binaries = binaries();
        let folder = tempfile::Builder::new().prefix("keis-pg-").tempdir_in("/tmp").unwrap();
        let path = folder.path();
        let user = server_user();
        if let Some((user, group)) = user {
            std::os::unix::fs::chown(path, Some(user), Some(group)).unwrap();
        }
        let script = r#"
            "$1/initdb" -D "$2/data" -U keis -A trust -E UTF8 --no-locale --no-sync >"$2/initdb.log" 2>&1 || { cat "$2/initdb.log"; exit 1; }
            "$1/pg_ctl" start -w -D "$2/data" -l "$2/server.log" \
                -o "-k $2 -c listen_addresses='' -c fsync=off -c full_page_writes=off -c shared_buffers=32MB -c max_connections=100" \
                >"$2/start.log" 2>&1 || { cat "$2/start.log" "$2/server.log"; exit 1; }
            echo ready
            read -r _
            "$1/pg_ctl" stop -m immediate -D "$2/data" >/dev/null 2>&1
            rm -rf "$2"
        "#;
        let mut command = Command::new("sh");
        command.args(["-c", script, "keeper"]).arg(&binaries).arg(path).current_dir("/");
        // A runner that gives up on a test kills the test's whole group: the keeper must outlive it.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).env("LC_ALL", "C");
        if let Some((user, group)) = user {
            command.uid(user).gid(group);
        }
        let mut keeper = command.spawn().expect("a shell starts PostgreSQL");
        let mut said = BufReader::new(keeper.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        if line.trim() != "ready" {
            said.read_to_string(&mut line).unwrap();
            panic!("PostgreSQL of {} does not start: {line}", binaries.display());
        }
        Self { folder, keeper: Mutex::new(keeper) }
    }

    fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=keis", self.folder.path().display())
    }

    async fn create_database(&self) -> String {
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&self.url("postgres")).await.unwrap();
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let name = format!("test_{}", hex::encode(random));
        connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
        self.url(&name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut keeper = self.keeper.lock().unwrap();
        drop(keeper.stdin.take());
        let _ = keeper.wait();
    }
}

/// Where PostgreSQL's programs are.
fn binaries() -> PathBuf {
    let of_config = Command::new("pg_config").arg("--bindir").output().ok();
    let of_config = of_config.and_then(|output| String::from_utf8(output.stdout).ok());
    let mut found: Vec<PathBuf> = of_config.iter().map(|folder| PathBuf::from(folder.trim())).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        found.extend(versions.into_iter().rev());
    }
    found
        .into_iter()
        .find(|folder| folder.join("initdb").exists() && folder.join("pg_ctl").exists())
        .expect("these tests need PostgreSQL's server: initdb and pg_ctl (Debian: the package `postgresql`)")
}

/// The user under which the server runs when the test runs as root, whom PostgreSQL refuses.
fn server_user() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let find = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(
        find("postgres")
            .or_else(|| find("nobody"))
            .expect("root needs a user `postgres` or `nobody` to run PostgreSQL as"),
    )
}
