//! REST client of a network's gateways.
//!
//! Several gateways may be given: a call that one of them does not take goes to the next, with growing pauses and a
//! bounded number of attempts. Every call may be repeated: a transaction has one effect however often it is sent, and
//! documents are named by their content. What the ledger answers, a refusal included, is a value; only what keeps an
//! answer from coming is an error.
//!
//! What only owners and officers may read is asked for by a client that signs ([`Client::signed_by`]).

mod blocks;
mod books;
mod decisions;
mod error;
mod events;
mod invoices;
mod model;
mod owned;
mod owners;
mod proofs;
mod signing;
mod transport;

use std::time::Duration;

use keis_ledger::chain::{Certificate, Header, Height};
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::Signature;
use keis_ledger::ids::{DocumentId, OrderId, ServiceId, TransactionId};
use keis_ledger::receipt::Receipt;
use keis_ledger::time::Timestamp;
use keis_ledger::transaction::SignedTransaction;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

pub use blocks::RawBlock;
pub use books::{BookCheck, BookReport, BookRow, PaidBook, ReceivableBook, SettlementBook, SourceBook};
pub use decisions::{DecisionDetail, DecisionStage, DecisionView, Vote};
pub use error::{ClientError, Problem, Rejection};
pub use events::EventFilter;
pub use invoices::{InvoiceForm, Papers};
pub use model::{
    CountTable, Funds, Located, Money, OrderTables, OrdersSummary, Outcome, Parameters, Protocol, PublicOrder, Rating,
    Ratings, Seal, ServiceDetail, ServicePage, ServiceView, SessionView, Sessions, Statistics, Status, Submission,
    Switch, TransactionStatus, YearParameters,
};
pub use owned::{
    Deadlines, DisputeView, Event, KeyView, OrderView, OwnSession, Page, ProviderWallet, PupilWallet, ReceivableView,
    RepaymentView, SchoolWallet, SessionDetail, StatementView,
};
pub use transport::Policy;

use crate::verify::ProvenReceipt;
use transport::{Answer, Call, Transport};

/// Longest wait that a gateway takes on in one call.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Between two questions about the same transaction.
const ASKING_PAUSE: Duration = Duration::from_millis(20);
/// What a code of a rejection says when the last instant of a transaction has passed.
const EXPIRED: &str = "expired";

/// A client of one network's gateways. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    transport: Transport,
}

impl Client {
    /// A client of gateways named by their addresses, such as `http://127.0.0.1:8080`.
    ///
    /// # Errors
    /// [`ClientError`] when there is no address or one is malformed.
    pub fn new<S: AsRef<str>>(gateways: &[S], policy: Policy) -> Result<Self, ClientError> {
        Ok(Self { transport: Transport::new(gateways, policy)? })
    }

    /// Offers a transaction. That it is taken promises nothing yet; ask for its [`transaction`](Self::transaction).
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn submit(&self, raw: &[u8]) -> Result<Submission, ClientError> {
        self.offer(raw, None, Duration::ZERO).await
    }

    /// Offers a transaction and waits until its fate is known, through failures of gateways.
    ///
    /// # Errors
    /// [`ClientError::TimedOut`] when it is not known within `timeout`: the transaction may still take effect, and may be
    /// sent again. Others when a gateway does not take the bytes as a transaction, or its answer cannot be used.
    pub async fn submit_and_wait(
        &self,
        transaction: &SignedTransaction,
        timeout: Duration,
    ) -> Result<Outcome, ClientError> {
        let deadline = Instant::now() + timeout;
        let following = async {
            loop {
                match self.follow(transaction, deadline).await {
                    Err(error) if error.may_pass_later() => tokio::time::sleep(self.transport.longest_pause()).await,
                    outcome => return outcome,
                }
            }
        };
        let outcome = tokio::time::timeout_at(deadline, following).await;
        outcome.unwrap_or(Err(ClientError::TimedOut { id: transaction.id() }))
    }

    async fn follow(&self, transaction: &SignedTransaction, deadline: Instant) -> Result<Outcome, ClientError> {
        let id = transaction.id();
        loop {
            let mut status = match self.offer(transaction.raw(), Some(id), wait_until(deadline)).await? {
                Submission::Refused(rejection) => return Ok(Outcome::refused(rejection)),
                Submission::Taken(status) => Some(status),
            };
            while let Some(standing) = status {
                if let Some(outcome) = Outcome::of(standing) {
                    return Ok(outcome);
                }
                // A gateway that stops answers at once, and must not be asked without a pause.
                tokio::time::sleep(ASKING_PAUSE).await;
                status = self.transaction(id, wait_until(deadline)).await?;
            }
            // No gateway knows it any more. When a ledger past its last instant does not have it, it is over for good;
            // else it was lost on the way and goes out again.
            let over = self.status().await?.time > transaction.body().valid_until;
            if over && self.receipt(id).await?.is_none() {
                return Ok(Outcome::Expired);
            }
            tokio::time::sleep(ASKING_PAUSE).await;
        }
    }

    async fn offer(&self, raw: &[u8], id: Option<TransactionId>, wait: Duration) -> Result<Submission, ClientError> {
        let call = Call::post("/v1/transactions", "application/octet-stream", raw.to_vec()).waiting(wait);
        match self.transport.send(&call).await? {
            Answer::Found(answer) => {
                about(&call, answer.read()?, |status: &TransactionStatus| status.is_of(id)).map(Submission::Taken)
            }
            Answer::Missing(problem) => Err(ClientError::Problem(problem)),
            Answer::Refused(problem) => Ok(Submission::Refused(problem.into_rejection())),
        }
    }

    /// Where a transaction stands, asked at most `wait` (30 seconds at the most) for an end; `None` when the gateway does
    /// not know it.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn transaction(
        &self,
        id: TransactionId,
        wait: Duration,
    ) -> Result<Option<TransactionStatus>, ClientError> {
        let call = Call::get(format!("/v1/transactions/{id}")).waiting(wait.min(LONGEST_WAIT));
        let found: Option<TransactionStatus> = self.find(&call).await?;
        about(&call, found, |found| found.as_ref().is_none_or(|status| status.is_of(Some(id))))
    }

    /// The receipt of a transaction or clock step, with the head of its block.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn receipt(&self, id: TransactionId) -> Result<Option<Located>, ClientError> {
        let call = Call::get(format!("/v1/receipts/{id}"));
        let found: Option<Located> = self.find(&call).await?;
        about(&call, found, |found| found.as_ref().is_none_or(|located| located.receipt.id == id))
    }

    /// A receipt with everything that proves it; [`ProvenReceipt::verify`] does so.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn proven_receipt(&self, id: TransactionId) -> Result<Option<ProvenReceipt>, ClientError> {
        let call = Call::get(format!("/v1/receipts/{id}")).with("proof", 1);
        let found: Option<ProvenReceipt> = self.find(&call).await?;
        about(&call, found, |found| found.as_ref().is_none_or(|proven| proven.receipt.id == id))
    }

    /// Where the network stands.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.get(&Call::get("/v1/status")).await
    }

    /// The head of a block.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn header(&self, height: Height) -> Result<Option<Header>, ClientError> {
        let found: Option<model::HeaderAnswer> = self.find(&Call::get(format!("/v1/headers/{height}"))).await?;
        Ok(found.map(|answer| answer.0))
    }

    /// The certificate of a block.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn certificate(&self, height: Height) -> Result<Option<Certificate>, ClientError> {
        let found: Option<model::CertificateAnswer> =
            self.find(&Call::get(format!("/v1/certificates/{height}"))).await?;
        Ok(found.map(|answer| answer.0))
    }

    /// Parameters of the network and of each year.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn parameters(&self) -> Result<Parameters, ClientError> {
        self.get(&Call::get("/v1/parameters")).await
    }

    /// The money of a year by source and class.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn funds(&self, year: Year) -> Result<Option<Funds>, ClientError> {
        self.find(&Call::get(format!("/v1/funds/{year}"))).await
    }

    /// A year in tables, as they may be printed: small counts are withheld.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn statistics(&self, year: Year) -> Result<Option<Statistics>, ClientError> {
        self.find(&Call::get(format!("/v1/statistics/{year}"))).await
    }

    /// The orders of a year, counted by state.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn orders_summary(&self, year: Year) -> Result<Option<OrdersSummary>, ClientError> {
        self.find(&Call::get(format!("/v1/orders/summary/{year}"))).await
    }

    /// The public part of an order.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn order(&self, year: Year, id: OrderId) -> Result<Option<PublicOrder>, ClientError> {
        self.find(&Call::get(format!("/v1/orders/{id}")).with("year", year)).await
    }

    /// Public receipts of everything that took effect in a block, clock steps first.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn block_receipts(&self, height: Height) -> Result<Option<Vec<Receipt>>, ClientError> {
        let found: Option<model::BlockReceipts> =
            self.find(&Call::get(format!("/v1/blocks/{height}/receipts"))).await?;
        Ok(found.map(|block| block.receipts))
    }

    /// A page of the catalogue; `filters` are the gateway's parameters, such as `("field", "theatre")` or `("cursor", …)`.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn services(&self, filters: &[(&'static str, &str)]) -> Result<ServicePage, ClientError> {
        let call = filters.iter().fold(Call::get("/v1/services"), |call, (name, value)| call.with(name, value));
        self.get(&call).await
    }

    /// A service with its public description.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn service(&self, id: ServiceId) -> Result<Option<ServiceDetail>, ClientError> {
        self.find(&Call::get(format!("/v1/services/{id}"))).await
    }

    /// A service as orders of a version have it, with that version's description.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn service_version(&self, id: ServiceId, version: u32) -> Result<Option<ServiceDetail>, ClientError> {
        self.find(&Call::get(format!("/v1/services/{id}")).with("version", version)).await
    }

    /// The sessions of a service in a year.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn sessions(&self, id: ServiceId, year: Year) -> Result<Option<Sessions>, ClientError> {
        self.find(&Call::get(format!("/v1/services/{id}/sessions")).with("year", year)).await
    }

    /// Gives the nodes a public document, before the transaction that names it.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when it is no document; other errors when no gateway answers.
    pub async fn put_document(&self, document: &[u8]) -> Result<DocumentId, ClientError> {
        let call = Call::post("/v1/documents", "application/json", document.to_vec());
        let answer: model::DocumentAnswer = self.get(&call).await?;
        let id = DocumentId::of(document);
        if answer.id == id { Ok(id) } else { Err(call.about_other_thing()) }
    }

    /// The bytes of a document, checked against its id.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers, or what it gives is another document.
    pub async fn document(&self, id: DocumentId) -> Result<Option<Vec<u8>>, ClientError> {
        let call = Call::get(format!("/v1/documents/{id}"));
        match self.transport.send(&call).await? {
            Answer::Found(answer) if DocumentId::of(&answer.body) == id => Ok(Some(answer.body)),
            Answer::Found(_) => Err(call.about_other_thing()),
            Answer::Missing(_) => Ok(None),
            Answer::Refused(problem) => Err(ClientError::Problem(problem)),
        }
    }

    /// Steps the clock of a simulated network; the driver has signed the time.
    ///
    /// # Errors
    /// [`ClientError::Problem`] when the network is not simulated or the signature does not hold.
    pub async fn step_clock(&self, time: Timestamp, signature: Signature) -> Result<(), ClientError> {
        let body = serde_json::json!({ "time": time, "signature": signature });
        let call = Call::post("/v1/clock", "application/json", body.to_string().into_bytes());
        match self.transport.send(&call).await? {
            Answer::Found(_) => Ok(()),
            Answer::Missing(problem) | Answer::Refused(problem) => Err(ClientError::Problem(problem)),
        }
    }

    async fn get<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ClientError> {
        match self.transport.send(call).await? {
            Answer::Found(answer) => answer.read(),
            Answer::Missing(problem) | Answer::Refused(problem) => Err(ClientError::Problem(problem)),
        }
    }

    async fn find<T: DeserializeOwned>(&self, call: &Call) -> Result<Option<T>, ClientError> {
        match self.transport.send(call).await? {
            Answer::Found(answer) => answer.read().map(Some),
            Answer::Missing(_) => Ok(None),
            Answer::Refused(problem) => Err(ClientError::Problem(problem)),
        }
    }
}

impl TransactionStatus {
    /// Whether it can be the status of this transaction; one that carries no receipt can.
    fn is_of(&self, id: Option<TransactionId>) -> bool {
        match self {
            Self::Included { receipt } => id.is_none_or(|id| receipt.id == id),
            Self::Waiting | Self::Parked | Self::Dropped { .. } => true,
        }
    }
}

impl Outcome {
    /// The end that a transaction has come to, if it has.
    fn of(status: TransactionStatus) -> Option<Self> {
        match status {
            TransactionStatus::Waiting | TransactionStatus::Parked => None,
            TransactionStatus::Included { receipt } => Some(Self::Included(receipt)),
            TransactionStatus::Dropped { rejection, .. } if rejection.code == EXPIRED => Some(Self::Expired),
            TransactionStatus::Dropped { rejection, height } => Some(Self::Dropped { rejection, height }),
        }
    }

    fn refused(rejection: Rejection) -> Self {
        if rejection.code == EXPIRED { Self::Expired } else { Self::Refused(rejection) }
    }
}

fn about<T>(call: &Call, found: T, is_it: impl FnOnce(&T) -> bool) -> Result<T, ClientError> {
    if is_it(&found) { Ok(found) } else { Err(call.about_other_thing()) }
}

/// What is left until a deadline, as far as a gateway waits; at least a second, so that nobody asks without a pause.
fn wait_until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).clamp(Duration::from_secs(1), LONGEST_WAIT)
}
