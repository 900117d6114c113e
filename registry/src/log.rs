//! The log of every access to personal data and of every action of an officer.
//!
//! Each entry holds the keyed hash of itself and of the one before it; the head, sealed in a table of its own, says where the
//! log ends. Who has only the database can neither forge an entry nor drop one unseen. What the chain cannot see is the whole
//! database put back to an earlier day: for that, keep a [`LogHead`] elsewhere and give it to [`Registry::verify_log`].
//! Entries hold ids, never names or codes.

use std::fmt;
use std::sync::Mutex;

use keis_ledger::time::Timestamp;
use sqlx::any::AnyRow;
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row};
use tokio::sync::oneshot;

use crate::boxed;
use crate::database::{Registry, Work, list, now};
use crate::error::RegistryError;
use crate::ids::UserId;
use crate::page::{Listed, Page};
use crate::permission::{Permission, demand};
use crate::vault::Vault;

const FIRST: [u8; 32] = [0; 32];

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who signed in. What the user may not do is refused.
    User(UserId),
    /// A part of the system, by its name: what an operator runs on the machine itself.
    System(&'static str),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => write!(f, "user:{user}"),
            Self::System(part) => write!(f, "system:{part}"),
        }
    }
}

/// What is to be noted. Ids and numbers only.
#[derive(Debug, Clone)]
pub struct Entry {
    actor: String,
    action: &'static str,
    subject: String,
    detail: String,
}

impl Entry {
    /// An entry of who did what to whom.
    pub fn new(actor: &Actor, action: &'static str, subject: impl fmt::Display) -> Self {
        Self { actor: actor.to_string(), action, subject: subject.to_string(), detail: String::new() }
    }

    /// Adds what else should be known: a count, a class, an id.
    #[must_use]
    pub fn detail(mut self, detail: impl fmt::Display) -> Self {
        self.detail = detail.to_string();
        self
    }
}

/// A noted entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// Its number, from 1 without gaps.
    pub seq: u64,
    /// When, by the registry's clock.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Did what.
    pub action: String,
    /// To whom or what.
    pub subject: String,
    /// What else.
    pub detail: String,
}

/// Where the log ends. Kept elsewhere, it proves later that nothing was put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// The last entry's number; 0 for an empty log.
    pub seq: u64,
    /// The last entry's keyed hash.
    pub mac: [u8; 32],
}

impl fmt::Display for LogHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, hex::encode(self.mac))
    }
}

impl std::str::FromStr for LogHead {
    type Err = LogFault;

    fn from_str(text: &str) -> Result<Self, LogFault> {
        let (seq, digits) = text.split_once(':').ok_or(LogFault::HeadText)?;
        let mut mac = FIRST;
        hex::decode_to_slice(digits, &mut mac).map_err(|_| LogFault::HeadText)?;
        Ok(Self { seq: seq.parse().map_err(|_| LogFault::HeadText)?, mac })
    }
}

/// What is wrong with a log, at the first entry where something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// The sealed head is gone.
    #[error("the log's head is missing")]
    HeadMissing,
    /// The sealed head was not written by this registry.
    #[error("the log's head is forged")]
    HeadForged,
    /// A text is no head.
    #[error("the text is no head of a log: NUMBER:64 hexadecimal digits")]
    HeadText,
    /// An entry is not there.
    #[error("entry {0} of the log is missing")]
    Missing(u64),
    /// An entry is not what was written.
    #[error("entry {0} of the log was changed")]
    Changed(u64),
    /// An entry stands where another was written.
    #[error("entry {at} of the log was written as entry {written}: entries were reordered")]
    Reordered {
        /// Where it stands.
        at: u64,
        /// Where it was written.
        written: u64,
    },
    /// The log ends before its head.
    #[error("the log is cut: entry {0} and what follows are missing")]
    Cut(u64),
    /// Entries follow the head.
    #[error("entry {0} of the log was never written by this registry")]
    Surplus(u64),
    /// The log is older than a head that is known, or took another way.
    #[error("the log does not hold entry {0} as it is known from elsewhere: it was put back")]
    PutBack(u64),
}

struct Stored {
    record: LogRecord,
    prev: [u8; 32],
    mac: [u8; 32],
}

impl Stored {
    fn read(row: &AnyRow) -> Result<Self, RegistryError> {
        let record = LogRecord {
            seq: list::number(row.try_get("seq")?, "log_entries.seq")?,
            at: Timestamp(list::number(row.try_get("at")?, "log_entries.at")?),
            actor: row.try_get("actor")?,
            action: row.try_get("action")?,
            subject: row.try_get("subject")?,
            detail: row.try_get("detail")?,
        };
        // A hash of another length is a changed entry, not an unreadable one.
        let hash = |column| -> Result<[u8; 32], RegistryError> {
            let bytes: &[u8] = row.try_get(column)?;
            Ok(bytes.try_into().map_err(|_| LogFault::Changed(record.seq))?)
        };
        Ok(Self { prev: hash("prev")?, mac: hash("mac")?, record })
    }

    fn fault(&self, expected: u64, prev: &[u8; 32], last: u64, vault: &Vault) -> Option<LogFault> {
        let seq = self.record.seq;
        if seq > expected {
            return Some(LogFault::Missing(expected));
        }
        if self.mac == mac(vault, &self.record, seq, &self.prev) {
            // Whole in itself, but not after the entry before it, which was whole too.
            return (self.prev != *prev).then_some(LogFault::Changed(seq));
        }
        let written = (1..=last).find(|other| self.mac == mac(vault, &self.record, *other, &self.prev));
        Some(written.map_or(LogFault::Changed(seq), |written| LogFault::Reordered { at: seq, written }))
    }
}

fn mac(vault: &Vault, record: &LogRecord, seq: u64, prev: &[u8; 32]) -> [u8; 32] {
    let mut message = Vec::with_capacity(256);
    message.extend_from_slice(prev);
    message.extend_from_slice(&seq.to_be_bytes());
    message.extend_from_slice(&record.at.0.to_be_bytes());
    for text in [&record.actor, &record.action, &record.subject, &record.detail] {
        message.extend_from_slice(&(text.len() as u64).to_be_bytes());
        message.extend_from_slice(text.as_bytes());
    }
    vault.chain_mac(&message)
}

fn seal(vault: &Vault, head: &LogHead) -> [u8; 32] {
    vault.head_mac(&[&head.seq.to_be_bytes()[..], &head.mac[..]].concat())
}

/// Begins the log of a new registry.
pub(crate) async fn found(work: &mut Work) -> Result<(), RegistryError> {
    let head = LogHead { seq: 0, mac: FIRST };
    let seal = seal(&work.vault(), &head);
    sqlx::query("INSERT INTO log_head (one, seq, mac, seal) VALUES (1, 0, $1, $2)")
        .bind(&head.mac[..])
        .bind(&seal[..])
        .execute(work.connection())
        .await?;
    Ok(())
}

/// Notes an entry in the same transaction as what it tells of.
///
/// # Errors
/// [`RegistryError::Log`] when the head was tampered with, or what the database answers.
#[boxed]
pub async fn append(work: &mut Work, entry: Entry) -> Result<(), RegistryError> {
    append_all(work, &[entry]).await
}

async fn append_all(work: &mut Work, entries: &[Entry]) -> Result<(), RegistryError> {
    let vault = work.vault();
    let at = now();
    let mut head = read_head(work.connection(), &vault).await?;
    for chunk in entries.chunks(list::MOST / 8) {
        let sql = format!(
            "INSERT INTO log_entries (seq, at, actor, action, subject, detail, prev, mac) VALUES {}",
            list::rows(chunk.len(), 8)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for entry in chunk {
            let Entry { actor, action, subject, detail } = entry.clone();
            let record = LogRecord { seq: head.seq + 1, at, actor, action: action.to_owned(), subject, detail };
            let next = LogHead { seq: record.seq, mac: mac(&vault, &record, record.seq, &head.mac) };
            query = query.bind(stored(next.seq)?).bind(list::instant(at)).bind(record.actor).bind(record.action);
            query = query.bind(record.subject).bind(record.detail).bind(head.mac.to_vec()).bind(next.mac.to_vec());
            head = next;
        }
        query.execute(work.connection()).await?;
    }
    sqlx::query("UPDATE log_head SET seq = $1, mac = $2, seal = $3 WHERE one = 1")
        .bind(stored(head.seq)?)
        .bind(&head.mac[..])
        .bind(&seal(&vault, &head)[..])
        .execute(work.connection())
        .await?;
    Ok(())
}

fn stored(seq: u64) -> Result<i64, RegistryError> {
    i64::try_from(seq).map_err(|_| RegistryError::Stored { column: "log_entries.seq" })
}

/// Entries of looks that wait to be noted, each with who waits for it.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Vec<(Entry, oneshot::Sender<()>)>>);

impl Waiting {
    fn push(&self, entry: Entry) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.0.lock().expect("nobody panics while holding the list").push((entry, sender));
        receiver
    }

    fn take(&self) -> Vec<(Entry, oneshot::Sender<()>)> {
        std::mem::take(&mut *self.0.lock().expect("nobody panics while holding the list"))
    }
}

impl Registry {
    /// Notes a look, before what was seen is handed out. Whoever becomes the writer next notes all looks that wait, so that
    /// many at once cost one durable write. The reader's connection is given back first: the writer may need it.
    pub(crate) async fn note(&self, reader: PoolConnection<Any>, entry: Entry) -> Result<(), RegistryError> {
        drop(reader);
        loop {
            let noted = self.waiting().push(entry.clone());
            let writer = self.writer().await;
            let batch = self.waiting().take();
            if !batch.is_empty() {
                let (entries, waiting): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
                let mut work = self.begin_as(writer).await?;
                append_all(&mut work, &entries).await?;
                work.commit().await?;
                for sender in waiting {
                    // Who gave up waiting was noted all the same.
                    let _ = sender.send(());
                }
            } else {
                drop(writer);
            }
            // The writer who took this entry may have failed or given up: then it is offered again.
            if noted.await.is_ok() {
                return Ok(());
            }
        }
    }
}

async fn read_head(connection: &mut AnyConnection, vault: &Vault) -> Result<LogHead, RegistryError> {
    let row = sqlx::query("SELECT seq, mac, seal FROM log_head WHERE one = 1").fetch_optional(connection).await?;
    let row = row.ok_or(LogFault::HeadMissing)?;
    let mac = row.try_get::<&[u8], _>("mac")?.try_into().map_err(|_| LogFault::HeadForged)?;
    let seq = u64::try_from(row.try_get::<i64, _>("seq")?).map_err(|_| LogFault::HeadForged)?;
    let head = LogHead { seq, mac };
    if row.try_get::<&[u8], _>("seal")? != seal(vault, &head) {
        return Err(LogFault::HeadForged.into());
    }
    Ok(head)
}

impl Registry {
    /// A page of the log, the newest first. The cursor is the number of the last entry seen.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn log_entries(&self, actor: &Actor, page: &Page) -> Result<Listed<LogRecord>, RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::SeeLog).await?;
        append(&mut work, Entry::new(actor, "log read", "log").detail(page.after.map_or(0, |seq| seq))).await?;
        let before = page.after.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        let rows = sqlx::query("SELECT * FROM log_entries WHERE seq < $1 ORDER BY seq DESC LIMIT $2")
            .bind(before)
            .bind(page.rows())
            .fetch_all(work.connection())
            .await?;
        let records =
            rows.iter().map(|row| Ok(Stored::read(row)?.record)).collect::<Result<Vec<_>, RegistryError>>()?;
        work.commit().await?;
        Ok(page.list(records, |record| record.seq))
    }

    /// What the log says of one subject, by its id, the newest first: who has looked at a pupil, or what became of a key.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn log_about(
        &self,
        actor: &Actor,
        subject: &str,
        page: &Page,
    ) -> Result<Listed<LogRecord>, RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::SeeLog).await?;
        let before = page.after.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        let rows = sqlx::query("SELECT * FROM log_entries WHERE subject = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3")
            .bind(subject)
            .bind(before)
            .bind(page.rows())
            .fetch_all(work.connection())
            .await?;
        let records =
            rows.iter().map(|row| Ok(Stored::read(row)?.record)).collect::<Result<Vec<_>, RegistryError>>()?;
        append(&mut work, Entry::new(actor, "log read", "log").detail(subject)).await?;
        work.commit().await?;
        Ok(page.list(records, |record| record.seq))
    }

    /// Walks the whole log. `known` is a head kept elsewhere; without one, a database that was put back as a whole is not seen.
    ///
    /// # Errors
    /// [`RegistryError::Log`] names the first entry at which something is wrong.
    #[boxed]
    pub async fn verify_log(&self, known: Option<LogHead>) -> Result<LogHead, RegistryError> {
        // One snapshot: entries and head of the same moment.
        let mut work = self.begin().await?;
        let head = read_head(work.connection(), self.vault()).await?;
        let mut last = LogHead { seq: 0, mac: FIRST };
        loop {
            let rows = sqlx::query("SELECT * FROM log_entries WHERE seq > $1 ORDER BY seq LIMIT 1000")
                .bind(list::number::<i64>(last.seq as i64, "log_entries.seq")?)
                .fetch_all(work.connection())
                .await?;
            for row in &rows {
                let stored = Stored::read(row)?;
                if let Some(fault) = stored.fault(last.seq + 1, &last.mac, head.seq, self.vault()) {
                    return Err(fault.into());
                }
                last = LogHead { seq: stored.record.seq, mac: stored.mac };
                if known.is_some_and(|known| known.seq == last.seq && known.mac != last.mac) {
                    return Err(LogFault::PutBack(last.seq).into());
                }
                if last.seq > head.seq {
                    return Err(LogFault::Surplus(last.seq).into());
                }
            }
            if rows.is_empty() {
                break;
            }
        }
        if last.seq < head.seq {
            return Err(LogFault::Cut(last.seq + 1).into());
        }
        if last.mac != head.mac {
            return Err(LogFault::HeadForged.into());
        }
        match known {
            Some(known) if known.seq > head.seq => Err(LogFault::PutBack(known.seq).into()),
            Some(_) | None => Ok(head),
        }
    }
}
