//! The way from the registry to the ledger: the office's keys sign what the outbox holds, gateways take it, and what they answer
//! is told to the registry. Knows keys and gateways; knows no page.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{ProviderId, PupilId, SchoolId, TransactionId};
use keis_ledger::operation::{Operation, Party};
use keis_ledger::time::Timestamp;
use keis_ledger::transaction::RawTransaction;
use keis_registry::Registry;
use keis_registry::outbox::{self, Door, DoorError, Fate, Office as Seat, Signed};
use keis_registry::reconcile::{BookBody, BookError, BookKey, BookPage, BookPupil, LedgerBook};
use keis_wallet::client::{Client, ClientError, KeyView, Outcome, PupilWallet, Rejection};
use keis_wallet::compose::Composer;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::closings;

/// Longest wait for what becomes of one submission; the outbox asks again.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often what has run out is swept away.
const SWEEP: Duration = Duration::from_secs(60);
/// The keys of the offices that this portal serves.
#[derive(Debug, Clone)]
pub struct Desk {
    /// Of the institution that operates the programme.
    pub operator: SecretKey,
    /// Of the institution that holds the budget, if this portal serves it too.
    pub budget_holder: Option<SecretKey>,
}

/// The way to the ledger for one desk.
pub struct LedgerDoor {
    client: Client,
    network: Hash,
    desk: Desk,
}

impl LedgerDoor {
    /// A door to the network whose founding document has this hash.
    pub fn new(client: Client, network: Hash, desk: Desk) -> Self {
        Self { client, network, desk }
    }

    fn key(&self, seat: Seat) -> Result<SecretKey, DoorError> {
        match seat {
            Seat::Operator => Ok(self.desk.operator.clone()),
            Seat::BudgetHolder => self.desk.budget_holder.clone().ok_or(DoorError::NoKey(seat)),
        }
    }
}

fn failed(error: &ClientError) -> DoorError {
    match error {
        ClientError::Problem(problem) => DoorError::Unsound(problem.code.clone()),
        ClientError::NoGateway
        | ClientError::Address { .. }
        | ClientError::Setup(_)
        | ClientError::Unreachable { .. }
        | ClientError::Unavailable { .. }
        | ClientError::Form { .. }
        | ClientError::TooLong { .. }
        | ClientError::OtherThing { .. }
        | ClientError::TimedOut { .. } => DoorError::Unreachable(error.to_string()),
    }
}

/// What an outcome means to the outbox.
fn fate(outcome: Outcome) -> Fate {
    match outcome {
        Outcome::Included(receipt) => Fate::Included { height: receipt.height },
        Outcome::Refused(rejection) | Outcome::Dropped { rejection, .. } => refused(rejection),
        Outcome::Expired => Fate::Expired,
    }
}

fn refused(rejection: Rejection) -> Fate {
    let may_pass_later = may_pass_later(&rejection.code);
    Fate::Refused { may_pass_later, message: rejection.detail, code: rejection.code }
}

/// Whether an earlier transaction or time may lift a rule, by its code: the same list as the ledger's own.
fn may_pass_later(code: &str) -> bool {
    const LATER: [&str; 11] = [
        "key_unknown",
        "year_unknown",
        "school_unknown",
        "provider_unknown",
        "pupil_unknown",
        "service_unknown",
        "session_unknown",
        "order_unknown",
        "statement_unknown",
        "target_key_unknown",
        "valid_too_long",
    ];
    LATER.contains(&code)
}

#[async_trait]
impl Door for LedgerDoor {
    async fn now(&self) -> Result<Timestamp, DoorError> {
        Ok(self.client.status().await.map_err(|error| failed(&error))?.time)
    }

    async fn sign(
        &self,
        office: Seat,
        behalf: Option<Party>,
        operation: Operation,
        now: Timestamp,
    ) -> Result<Signed, DoorError> {
        let composer = Composer::new(self.network, self.key(office)?);
        // The last block of an idle network may be older than a transaction may wait; the node's clock is not.
        let clock = self.client.status().await.map_err(|error| failed(&error))?.clock.max(now);
        let signed = match behalf {
            None => composer.compose(clock, operation),
            Some(party) => composer.compose_on_behalf(clock, party, operation),
        };
        let signed = signed.map_err(|error| DoorError::Unsound(error.to_string()))?;
        let valid_until = signed.body().valid_until;
        Ok(Signed { id: signed.id(), raw: signed.raw().to_vec(), valid_until })
    }

    async fn put_document(&self, document: &[u8]) -> Result<(), DoorError> {
        self.client.put_document(document).await.map(drop).map_err(|error| failed(&error))
    }

    async fn submit(&self, raw: &[u8]) -> Result<Fate, DoorError> {
        let parsed = RawTransaction(raw.to_vec()).parse(&self.network);
        let transaction = parsed.map_err(|error| DoorError::Unsound(error.to_string()))?;
        let outcome = self.client.submit_and_wait(&transaction, PATIENCE).await;
        outcome.map(fate).map_err(|error| failed(&error))
    }

    async fn receipt(&self, id: TransactionId) -> Result<Option<Height>, DoorError> {
        let located = self.client.receipt(id).await.map_err(|error| failed(&error))?;
        Ok(located.map(|located| located.receipt.height))
    }
}

/// The ledger as reconciliation reads it, through a client that signs as an officer.
pub struct Book(Client);

impl Book {
    /// The ledger behind a client.
    pub fn new(client: Client) -> Self {
        Self(client)
    }
}

fn unread(error: ClientError) -> BookError {
    BookError(error.to_string())
}

fn book_pupil(wallet: &PupilWallet) -> BookPupil {
    BookPupil {
        pupil: wallet.pupil,
        school: wallet.school,
        grade: wallet.grade,
        standing: wallet.standing,
        allocated: wallet.allocated,
        balance: wallet.balance,
    }
}

fn book_keys(keys: &[KeyView]) -> Vec<BookKey> {
    keys.iter().map(|key| BookKey { key: key.key, until: key.until }).collect()
}

#[async_trait]
impl LedgerBook for Book {
    async fn now(&self) -> Result<Timestamp, BookError> {
        Ok(self.0.status().await.map_err(unread)?.clock)
    }

    async fn pupils(&self, year: Year, cursor: Option<&str>) -> Result<BookPage, BookError> {
        let page = self.0.pupils(year, cursor).await.map_err(unread)?;
        Ok(BookPage { pupils: page.items.iter().map(book_pupil).collect(), next: page.next })
    }

    async fn pupil(&self, year: Year, pupil: PupilId) -> Result<Option<BookPupil>, BookError> {
        let wallet = self.0.pupil_wallet(year, pupil).await.map_err(unread)?;
        Ok(wallet.as_ref().map(book_pupil))
    }

    async fn school(&self, school: SchoolId, year: Year) -> Result<Option<BookBody>, BookError> {
        let wallet = self.0.school_wallet(school, year).await.map_err(unread)?;
        Ok(wallet.map(|wallet| BookBody { standing: wallet.standing, keys: book_keys(&wallet.keys) }))
    }

    async fn provider(&self, provider: ProviderId, year: Year) -> Result<Option<BookBody>, BookError> {
        let wallet = self.0.provider_wallet(provider, year).await.map_err(unread)?;
        Ok(wallet.map(|wallet| BookBody { standing: wallet.standing, keys: book_keys(&wallet.keys) }))
    }
}

/// The office at work while a portal runs: it works off the outbox, sweeps what has run out and keeps the reports of ended years.
pub struct Office {
    stopping: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Office {
    /// Begins to work. Needs a tokio runtime.
    pub fn start(registry: &Registry, door: LedgerDoor) -> Self {
        let (stopping, client) = (CancellationToken::new(), door.client.clone());
        let outbox = {
            let (registry, stopping, door) = (registry.clone(), stopping.clone(), Arc::new(door));
            tokio::spawn(async move { outbox::run(&registry, &*door, stopping.cancelled()).await })
        };
        let sweeper = tokio::spawn(sweep(registry.clone(), stopping.clone()));
        let keeper = tokio::spawn(closings::follow(registry.clone(), client, stopping.clone()));
        Self { stopping, tasks: vec![outbox, sweeper, keeper] }
    }

    /// Ends the work between two steps; whatever is under way goes on at the next start.
    pub async fn stop(self) {
        self.stopping.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the office did not end well");
            }
        }
    }
}

/// Clears away what has run out: sessions, files of the bank, and what an erasure could not clear from the database's files at once.
async fn sweep(registry: Registry, stopping: CancellationToken) {
    loop {
        if let Err(error) = registry.purge_sessions(keis_registry::now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "sessions that ran out are still there");
        }
        if let Err(error) = registry.purge_bank_files(keis_registry::now()).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "files of the bank are still kept");
        }
        if let Err(error) = registry.sweep().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the database was not swept after an erasure");
        }
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keis_ledger::money::Cents;
    use keis_ledger::rejection::Rejection as Rule;

    #[test]
    fn what_may_pass_later_is_the_ledgers_own_list() {
        let rules = [
            Rule::KeyUnknown,
            Rule::YearUnknown,
            Rule::SchoolUnknown { item: 0 },
            Rule::ProviderUnknown,
            Rule::PupilUnknown { item: 0 },
            Rule::ServiceUnknown,
            Rule::SessionUnknown,
            Rule::OrderUnknown { item: 0 },
            Rule::StatementUnknown,
            Rule::TargetKeyUnknown,
            Rule::ValidTooLong { latest: Timestamp(0) },
            Rule::Known,
            Rule::NotPermitted,
            Rule::YearEnded,
            Rule::NullifierUsed { item: 0 },
            Rule::FundsMissing { missing: Cents::ZERO },
            Rule::StatementTooSoon { from: Timestamp(0) },
        ];
        for rule in rules {
            let code = serde_json::to_value(rule).unwrap()["code"].as_str().unwrap().to_owned();
            assert_eq!(may_pass_later(&code), rule.may_pass_later(), "{code}");
        }
    }
}
