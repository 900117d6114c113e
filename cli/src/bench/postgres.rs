//! The peer that most would pick: double entry on one PostgreSQL server, signed by nobody, durable at each commit. Its own
//! `pgbench` drives it.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use serde::Serialize;

use crate::found::free_port;

/// Transfers of one commit of the batched workload.
const BATCH: u32 = 500;

const SCHEMA: &str = "
CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0)) WITH (fillfactor = 80);
CREATE TABLE transfers (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  debit bigint NOT NULL REFERENCES accounts (id),
  credit bigint NOT NULL REFERENCES accounts (id),
  amount bigint NOT NULL CHECK (amount > 0),
  kind smallint NOT NULL,
  reference uuid NOT NULL UNIQUE,
  at timestamptz NOT NULL DEFAULT now(),
  CHECK (debit <> credit)
);
INSERT INTO accounts SELECT number, 1000000000 FROM generate_series(1, 100000) number;
ANALYZE;
CREATE FUNCTION transfer(payer bigint, payee bigint, cents bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accounts SET balance = balance - cents WHERE id = payer;
  UPDATE accounts SET balance = balance + cents WHERE id = payee;
  INSERT INTO transfers (debit, credit, amount, kind, reference) VALUES (payer, payee, cents, 1, gen_random_uuid());
END $$;
CREATE FUNCTION transfers_at_once(many int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE payers bigint[]; payees bigint[]; sums bigint[];
BEGIN
  SELECT array_agg(1 + floor(random() * 50000)::bigint), array_agg(50001 + floor(random() * 50000)::bigint),
    array_agg(1 + floor(random() * 1000)::bigint) INTO payers, payees, sums FROM generate_series(1, many);
  PERFORM 1 FROM accounts WHERE id = ANY (payers || payees) ORDER BY id FOR UPDATE;
  INSERT INTO transfers (debit, credit, amount, kind, reference)
    SELECT payer, payee, cents, 1, gen_random_uuid() FROM unnest(payers, payees, sums) one (payer, payee, cents);
  UPDATE accounts SET balance = balance + change.cents FROM (
    SELECT id, sum(cents) cents FROM (
      SELECT unnest(payers) id, -unnest(sums) cents UNION ALL SELECT unnest(payees), unnest(sums)
    ) both_sides GROUP BY id
  ) change WHERE accounts.id = change.id;
END $$;
ALTER FUNCTION transfers_at_once(int) SET enable_seqscan = off;
ALTER FUNCTION transfers_at_once(int) SET enable_hashjoin = off;
ALTER FUNCTION transfers_at_once(int) SET enable_mergejoin = off;
";

const SINGLE: &str = "\\set payer random(1, 50000)\n\\set payee random(50001, 100000)\n\\set cents random(1, 1000)\n\
    SELECT transfer(:payer, :payee, :cents);\n";
const MANY: &str = "SELECT transfers_at_once(500);\n";

/// Initialises, starts, says so, and stops when its input ends, however this program ends.
const KEEPER: &str = r#"
    "$1/initdb" -D "$2/data" -U keis -A trust -E UTF8 --no-locale --data-checksums >"$2/initdb.log" 2>&1 || { cat "$2/initdb.log"; exit 1; }
    "$1/pg_ctl" start -w -D "$2/data" -l "$2/server.log" -o "-p $3 -k $2 -c listen_addresses=127.0.0.1 \
        -c fsync=on -c synchronous_commit=on -c shared_buffers=2GB -c max_wal_size=8GB" >"$2/start.log" 2>&1 \
        || { cat "$2/start.log" "$2/server.log"; exit 1; }
    echo ready
    read -r _
    "$1/pg_ctl" stop -m immediate -D "$2/data" >/dev/null 2>&1
"#;

/// What the server did a second.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Figures {
    /// Transfers, one a commit, from sixteen clients.
    pub(super) transfers_per_second: f64,
    /// Transfers, 500 a commit, from four clients.
    pub(super) batched_transfers_per_second: f64,
}

/// A server with its files in a folder of its own.
struct Server {
    binaries: PathBuf,
    port: u16,
    keeper: Child,
    folder: tempfile::TempDir,
}

/// Measures, where PostgreSQL's server is installed; `None` where it is not.
pub(super) fn measured(seconds: u64) -> anyhow::Result<Option<Figures>> {
    let Some(binaries) = binaries() else { return Ok(None) };
    let server = Server::start(binaries).context("PostgreSQL does not start")?;
    server.run("psql", &["-q", "-v", "ON_ERROR_STOP=1", "-f", &server.file("schema.sql", SCHEMA)?])?;
    let single = server.bench(&server.file("single.sql", SINGLE)?, 16, seconds)?;
    let many = server.bench(&server.file("many.sql", MANY)?, 4, seconds)?;
    Ok(Some(Figures { transfers_per_second: single, batched_transfers_per_second: many * f64::from(BATCH) }))
}

impl Server {
    fn start(binaries: PathBuf) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("keis-bench-pg-").tempdir()?;
        let port = free_port()?.local_addr()?.port();
        let mut command = Command::new("sh");
        command.args(["-c", KEEPER, "keeper"]).arg(&binaries).arg(folder.path()).arg(port.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).env("LC_ALL", "C").current_dir("/");
        if let Some((user, group)) = server_user()? {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group))?;
            command.uid(user).gid(group);
        }
        let mut keeper = command.spawn()?;
        let mut said = BufReader::new(keeper.stdout.take().context("its output is piped")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        if line.trim() != "ready" {
            said.read_to_string(&mut line)?;
            bail!("{}: {line}", binaries.display());
        }
        Ok(Self { binaries, port, keeper, folder })
    }

    /// Writes a file that its programs read.
    fn file(&self, name: &str, content: &str) -> anyhow::Result<String> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content)?;
        path.into_os_string().into_string().ok().context("the temporary folder's name is no text")
    }

    fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let port = self.port.to_string();
        let mut command = Command::new(self.binaries.join(program));
        command.args(["-h", "127.0.0.1", "-U", "keis", "-p", &port]).args(arguments).arg("postgres");
        let output = command.env("LC_ALL", "C").output().with_context(|| format!("{program} cannot be run"))?;
        let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        anyhow::ensure!(output.status.success(), "{program} ended with {}: {failed}", output.status);
        Ok(said.into_owned())
    }

    /// Transactions a second.
    fn bench(&self, script: &str, clients: u32, seconds: u64) -> anyhow::Result<f64> {
        let (clients, seconds) = (clients.to_string(), seconds.to_string());
        let said =
            self.run("pgbench", &["-n", "-M", "prepared", "-f", script, "-c", &clients, "-j", "2", "-T", &seconds])?;
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.with_context(|| format!("pgbench tells no rate: {said}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        _ = self.keeper.wait();
    }
}

/// Where the newest PostgreSQL's programs are.
fn binaries() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> =
        std::fs::read_dir("/usr/lib/postgresql").ok()?.flatten().map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    let whole = |folder: &Path| ["initdb", "pg_ctl", "psql", "pgbench"].iter().all(|name| folder.join(name).exists());
    versions.into_iter().rev().find(|folder| whole(folder))
}

/// The user under which the server runs when this runs as root, whom PostgreSQL refuses: `postgres`, which its package makes.
fn server_user() -> anyhow::Result<Option<(u32, u32)>> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let fields = users.lines().find_map(|line| line.strip_prefix("postgres:")).context("there is no user postgres")?;
    let mut numbers = fields.split(':').skip(1).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(user)), Some(Ok(group))) => Ok(Some((user, group))),
        (_, _) => bail!("the user postgres has no numbers"),
    }
}
