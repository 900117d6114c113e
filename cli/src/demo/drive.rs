//! Drives the year through the gateways: steps the clock, signs, submits, waits for every receipt.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use futures::stream::{self, StreamExt, TryStreamExt};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::DocumentId;
use keis_ledger::operation::Operation;
use keis_ledger::receipt::Receipt;
use keis_ledger::time::Timestamp;
use keis_wallet::client::{Client, Outcome, Policy};
use keis_wallet::compose::Composer;

use super::batches::Event;
use super::book::Book;
use super::translate::{self, Officers, Wish};
use crate::programme::{Deed, RejectionReason};

/// Submissions under way at once.
const AT_ONCE: usize = 64;
/// How long one transaction may take, a validator being down and a machine busy with other work included.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);
/// How long a refusal may be due to a gateway that lags behind the one that acknowledged the transaction before.
pub(super) const LAG: Duration = Duration::from_secs(20);

/// What was counted while driving.
#[derive(Default)]
pub(super) struct Tally {
    /// Wall time from submission to receipt, in microseconds.
    pub(super) latencies: Vec<u64>,
    /// Refusals that the calendar expects.
    pub(super) rejected: u64,
    /// Decisions of institutions together.
    pub(super) decisions: u64,
}

/// Signs and sends for everybody in the files.
pub(super) struct Driver {
    pub(super) book: Book,
    pub(super) officers: Officers,
    pub(super) tally: Tally,
    clients: Vec<Client>,
    network: Hash,
    clock: SecretKey,
    now: Timestamp,
}

/// What came of one wish.
enum Sent {
    Included { receipt: Box<Receipt>, micros: u64 },
    Refused { code: String },
}

impl Driver {
    /// A driver of a network whose gateways have these addresses.
    pub(super) fn new(
        gateways: &[String],
        network: Hash,
        clock: SecretKey,
        book: Book,
        officers: Officers,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let clients = (0..gateways.len())
            .map(|first| {
                let mut order = gateways.to_vec();
                order.rotate_left(first);
                Client::new(&order, Policy::default())
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { book, officers, tally: Tally::default(), clients, network, clock, now })
    }

    /// A client that asks one gateway first and the others when it does not answer.
    pub(super) fn client(&self, first: usize) -> &Client {
        &self.clients[first % self.clients.len()]
    }

    /// Waits until every gateway that answers stands where the highest stood: then all read what was acknowledged by any.
    pub(super) async fn level(&self) -> anyhow::Result<()> {
        let heights = || futures::future::try_join_all(self.clients.iter().map(Client::status));
        let highest = heights().await?.iter().map(|status| status.height).max();
        let begun = Instant::now();
        while heights().await?.iter().any(|status| Some(status.height) < highest) {
            anyhow::ensure!(begun.elapsed() < PATIENCE, "a gateway lags behind the others");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The network that transactions are signed for.
    pub(super) fn network(&self) -> Hash {
        self.network
    }

    /// The network's time.
    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Steps the network's clock, never back.
    pub(super) async fn step(&mut self, time: Timestamp) -> anyhow::Result<()> {
        self.now = self.now.max(time);
        let step = keis_node::clock::ClockStep::sign(&self.network, &self.clock, self.now);
        let steps = self.clients.iter().map(|client| client.step_clock(step.time, step.signature));
        for answer in futures::future::join_all(steps).await {
            answer.context("a gateway does not take the step of the clock")?;
        }
        Ok(())
    }

    /// Gives the nodes public documents, many at once. Returns their ids in their order.
    pub(super) async fn documents(&self, documents: Vec<Vec<u8>>) -> anyhow::Result<Vec<DocumentId>> {
        let put = |(index, document): (usize, Vec<u8>)| async move { self.client(index).put_document(&document).await };
        let ids = stream::iter(documents.into_iter().enumerate()).map(put).buffered(AT_ONCE);
        Ok(ids.try_collect().await?)
    }

    /// Sends operations of one signer or many, many at once; each must take effect. Returns the receipts in their order.
    pub(super) async fn all(&mut self, wishes: Vec<Wish>, done: &(dyn Fn(u64) + Sync)) -> anyhow::Result<Vec<Receipt>> {
        let now = self.now;
        let sent: Vec<(usize, Receipt, u64)> = stream::iter(wishes.into_iter().enumerate())
            .map(|(index, wish)| {
                let (client, composer) = (self.client(index).clone(), Composer::new(self.network, wish.signer));
                async move {
                    match send(&client, &composer, now, wish.operation, None).await? {
                        Sent::Included { receipt, micros } => {
                            done(1);
                            anyhow::Ok((index, *receipt, micros))
                        }
                        Sent::Refused { code } => bail!("the ledger refused what it should take: {code}"),
                    }
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let mut sent = sent;
        sent.sort_by_key(|one| one.0);
        self.tally.latencies.extend(sent.iter().map(|one| one.2));
        Ok(sent.into_iter().map(|one| one.1).collect())
    }

    /// Sends the events of a batch at once. Each must end as the calendar says.
    pub(super) async fn batch(&mut self, events: &[Event<'_>]) -> anyhow::Result<()> {
        let last = events.last().context("a batch has events")?.at();
        self.step(timestamp(last.seconds())).await?;
        let mut work = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let wishes = self.wishes(event)?;
            let expected = match event {
                Event::Action(action) => action.expect_rejection,
                Event::Register(_) => None,
            };
            work.push((index, *event, wishes, expected));
        }
        let (now, network) = (self.now, self.network);
        let results: Vec<(usize, Vec<Sent>)> = stream::iter(work)
            .map(|(index, event, wishes, expected)| {
                let client = self.client(index).clone();
                async move {
                    let mut sent = Vec::new();
                    for wish in wishes {
                        let composer = Composer::new(network, wish.signer);
                        let one = send(&client, &composer, now, wish.operation, expected).await;
                        sent.push(one.with_context(|| describe(&event))?);
                    }
                    anyhow::Ok((index, sent))
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for (index, sent) in results {
            for one in sent {
                self.judge(&events[index], one)?;
            }
        }
        Ok(())
    }

    fn wishes(&mut self, event: &Event) -> anyhow::Result<Vec<Wish>> {
        Ok(match event {
            Event::Action(action) => translate::wish(&mut self.book, &self.officers, action)?.into_iter().collect(),
            Event::Register(change) => translate::register_change(&mut self.book, change)?
                .into_iter()
                .map(|operation| Wish { signer: self.officers.operator.clone(), operation })
                .collect(),
        })
    }

    fn judge(&mut self, event: &Event, sent: Sent) -> anyhow::Result<()> {
        let Event::Action(action) = event else {
            return match sent {
                Sent::Included { micros, .. } => {
                    self.tally.latencies.push(micros);
                    Ok(())
                }
                Sent::Refused { code } => bail!("{}: refused: {code}", describe(event)),
            };
        };
        match (sent, action.expect_rejection) {
            (Sent::Included { receipt, micros }, None) => {
                self.tally.latencies.push(micros);
                translate::follow(&mut self.book, &action.deed);
                check_amount(&action.deed, &receipt).with_context(|| describe(event))
            }
            (Sent::Refused { .. }, Some(_)) => {
                self.tally.rejected += 1;
                Ok(())
            }
            (Sent::Included { .. }, Some(reason)) => {
                bail!("{}: took effect, but must be refused ({reason:?})", describe(event))
            }
            (Sent::Refused { code }, None) => bail!("{}: refused: {code}", describe(event)),
        }
    }
}

/// A statement must come to what the files say.
fn check_amount(deed: &Deed, receipt: &Receipt) -> anyhow::Result<()> {
    if let Deed::IssueStatement { amount_cents, .. } = deed {
        let total = receipt.total.total().context("the total does not fit")?;
        if total.get() != *amount_cents {
            bail!("the statement comes to {total}, the files say {amount_cents} cents");
        }
    }
    Ok(())
}

fn describe(event: &Event) -> String {
    match event {
        Event::Action(action) => {
            let what = serde_json::to_value(&action.deed).unwrap_or_default();
            let field = |name: &str| what.get(name).map(ToString::to_string).unwrap_or_default();
            let subject = [field("order"), field("statement")].concat();
            format!("{} {} by {} {subject}", action.at, field("action"), action.actor)
        }
        Event::Register(change) => format!("{} register: {:?}", change.at, change.kind),
    }
}

/// Submits until the outcome is the expected one. A refusal that is not expected may come from a gateway that lags
/// behind, so it is asked again for a while; nothing is lost by it, since a refused transaction has no effect.
async fn send(
    client: &Client,
    composer: &Composer,
    now: Timestamp,
    operation: Operation,
    expected: Option<RejectionReason>,
) -> anyhow::Result<Sent> {
    let transaction = composer.compose(now, operation)?;
    let started = Instant::now();
    loop {
        let code = match client.submit_and_wait(&transaction, PATIENCE).await? {
            Outcome::Included(receipt) => {
                let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
                return Ok(Sent::Included { receipt, micros });
            }
            Outcome::Refused(rejection) | Outcome::Dropped { rejection, .. } => rejection.code,
            Outcome::Expired => "expired".to_owned(),
        };
        if expected.is_some_and(|reason| codes(reason).contains(&code.as_str())) || started.elapsed() > LAG {
            return Ok(Sent::Refused { code });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The ledger's codes for a reason of the files.
fn codes(reason: RejectionReason) -> &'static [&'static str] {
    match reason {
        RejectionReason::Clash => &["pupil_elsewhere"],
        RejectionReason::NoMoney => &["school_money_exceeded", "funds_missing"],
        RejectionReason::SessionFull => &["session_full"],
        RejectionReason::RelatedProvider => &["both_sides"],
        RejectionReason::TooLate => &["too_late", "order_state_wrong"],
        RejectionReason::WrongActor => &["not_yours", "not_permitted", "scope_missing"],
        RejectionReason::NotEnrolled => &["not_enrolled"],
    }
}

/// The ledger's form of a time in seconds.
pub(super) fn timestamp(seconds: i64) -> Timestamp {
    Timestamp(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000))
}
