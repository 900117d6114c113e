//! The worker: hands documents over, takes answers, and has the ledger told. Killed at any step, the next one goes on.

use std::future::Future;
use std::time::Duration;

use futures::StreamExt;
use keis_ledger::record::StatementState;
use keis_ledger::time::Timestamp;

use super::carrier::{Carrier, Document, Found, Message, NotNow, Papers, SendOutcome};
use super::row::{self, Change};
use super::{Dispatch, DispatchState, answer, settle};
use crate::boxed;
use crate::database::{Registry, now};
use crate::error::RegistryError;
use crate::invoices::PaperKind;
use crate::log::Actor;

const WORKER: Actor = Actor::System("dispatch");
/// Pages of answers that are taken before documents have their turn again.
const MOST_PAGES: usize = 20;
/// Documents that are taken up in one step.
const MOST_DOCUMENTS: usize = 100;

/// How fast the worker goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Most documents on their way at once.
    pub in_flight: usize,
    /// Pause after the first attempt that brought nothing; it doubles from one to the next …
    pub first_wait: Duration,
    /// … up to this.
    pub longest_wait: Duration,
    /// After so many attempts a document is dead.
    pub most_attempts: u32,
    /// How long nobody else takes a document up that one worker has. Longer than an attempt may last.
    pub lease: Duration,
    /// How often tables and the receiver are looked at.
    pub look: Duration,
}

impl Default for Pace {
    /// About a day and a half of attempts.
    fn default() -> Self {
        Self {
            in_flight: 4,
            first_wait: Duration::from_secs(10),
            longest_wait: Duration::from_secs(60 * 60),
            most_attempts: 56,
            lease: Duration::from_secs(180),
            look: Duration::from_secs(20),
        }
    }
}

/// Time and chance, which tests replace.
pub trait Pulse: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// A part of a pause, by chance: so that what failed together is not tried together again.
    fn jitter(&self, pause: Duration) -> Duration;
}

/// The machine's own clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct Machine;

impl Pulse for Machine {
    fn now(&self) -> Timestamp {
        now()
    }

    /// Between half of the pause and all of it.
    fn jitter(&self, pause: Duration) -> Duration {
        let [byte] = crate::vault::random::<1>();
        pause / 2 + pause / 2 * u32::from(byte) / 255
    }
}

/// What [`step`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stepped {
    /// Documents that the carrier has now.
    pub sent: u64,
    /// Attempts that brought nothing and are made again.
    pub later: u64,
    /// Documents that are dead or given up now.
    pub over: u64,
    /// Answers that were taken for the first time.
    pub taken: u64,
    /// Answers that moved on their way to the ledger.
    pub moved: u64,
    /// Whether the carrier told no answers although it was asked.
    pub silent: bool,
}

struct Round<'r> {
    registry: &'r Registry,
    carrier: &'r dyn Carrier,
    papers: &'r dyn Papers,
    pace: &'r Pace,
    pulse: &'r dyn Pulse,
}

/// What came of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Sent,
    Later,
    Over,
    /// Somebody else has it.
    Nothing,
}

/// Works until `stop` ends. Whatever fails is tried again; several workers at once do no harm.
pub async fn run(
    registry: &Registry,
    carrier: &dyn Carrier,
    papers: &dyn Papers,
    pace: Pace,
    stop: impl Future<Output = ()>,
) {
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            stepped = step(registry, carrier, papers, &pace, &Machine) => match stepped {
                Ok(stepped) => tracing::debug!(?stepped, "documents and answers of buyers"),
                Err(error) => tracing::warn!(%error, "documents for buyers could not go on; it is tried again"),
            }
        }
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(pace.look) => {}
        }
    }
}

/// One round: documents whose time has come, answers that are there, wishes that follow.
///
/// # Errors
/// The first failure of the database.
#[boxed]
pub async fn step(
    registry: &Registry,
    carrier: &dyn Carrier,
    papers: &dyn Papers,
    pace: &Pace,
    pulse: &dyn Pulse,
) -> Result<Stepped, RegistryError> {
    let round = Round { registry, carrier, papers, pace, pulse };
    let mut stepped = Stepped::default();
    round.send_ready(&mut stepped).await?;
    round.take_answers(&mut stepped).await?;
    stepped.moved = settle::all(registry, papers, &WORKER, pulse.now()).await?;
    Ok(stepped)
}

impl Round<'_> {
    async fn send_ready(&self, stepped: &mut Stepped) -> Result<(), RegistryError> {
        let ready = row::ready(&mut *self.registry.reader().await?, self.pulse.now(), MOST_DOCUMENTS).await?;
        let attempts = ready.into_iter().map(|row| self.attempt(row));
        let mut attempts = futures::stream::iter(attempts).buffer_unordered(self.pace.in_flight.max(1));
        while let Some(came) = attempts.next().await {
            match came? {
                Came::Sent => stepped.sent += 1,
                Came::Later => stepped.later += 1,
                Came::Over => stepped.over += 1,
                Came::Nothing => {}
            }
        }
        Ok(())
    }

    /// One attempt. That the message may have left is durable before anything is asked of the carrier.
    async fn attempt(&self, row: Dispatch) -> Result<Came, RegistryError> {
        let may_have_left = row.state == DispatchState::Leaving;
        let at = self.pulse.now();
        let mut work = self.registry.begin().await?;
        if !row::claim(&mut work, row.id, at, after(at, self.pace.lease)).await? {
            return Ok(Came::Nothing);
        }
        work.commit().await?;
        if may_have_left {
            match self.carrier.known(row.id).await {
                Ok(Some(true)) => return self.sent(&row).await,
                Ok(Some(false) | None) => {}
                Err(not_now) => return self.later(&row, &not_now).await,
            }
        }
        if !self.is_wanted(&row).await? {
            return self.end(&row, DispatchState::GivenUp, "not_wanted").await;
        }
        let document = match self.papers.document(&row).await {
            Ok(Found::Document(document)) => document,
            Ok(Found::Missing) => return self.end(&row, DispatchState::Dead, "no_document").await,
            Err(error) => {
                tracing::debug!(%error, document = %row.id, "a document waits");
                return self.later(&row, &NotNow::because("papers")).await;
            }
        };
        self.hand_over(&row, document).await
    }

    async fn hand_over(&self, row: &Dispatch, document: Document) -> Result<Came, RegistryError> {
        let is_credit_note = match row.of.kind {
            PaperKind::Invoice => false,
            PaperKind::CreditNote(_) => true,
        };
        let message = Message { id: row.id, is_credit_note, document };
        match self.carrier.send(&message).await {
            Ok(SendOutcome::Sent) => self.sent(row).await,
            Ok(SendOutcome::Refused(why)) => self.end(row, DispatchState::Dead, &why).await,
            Err(not_now) => self.later(row, &not_now).await,
        }
    }

    /// Whether the document is still to be sent: the ledger names the invoice, and a credit note's invoice was not given up. When the
    /// ledger does not tell, it is: its answer concerns what comes back.
    async fn is_wanted(&self, row: &Dispatch) -> Result<bool, RegistryError> {
        match row.of.kind {
            PaperKind::Invoice => Ok(match self.papers.bill(row.of.year, row.of.statement).await {
                Ok(Some(bill)) => bill.invoice == Some(row.of.file) || bill.state == StatementState::Credited,
                Ok(None) => false,
                Err(_) => true,
            }),
            PaperKind::CreditNote(_) => {
                let invoices = row::invoices_of(&mut *self.registry.reader().await?, row.of.statement).await?;
                Ok(invoices.first().is_none_or(|invoice| invoice.state != DispatchState::GivenUp))
            }
        }
    }

    async fn sent(&self, row: &Dispatch) -> Result<Came, RegistryError> {
        // An answer may have been faster; then the document stands higher already.
        self.change(row, &Change::to(DispatchState::Sent, self.pulse.now())).await?;
        tracing::debug!(document = %row.id, "a document has left");
        Ok(Came::Sent)
    }

    async fn end(&self, row: &Dispatch, state: DispatchState, why: &str) -> Result<Came, RegistryError> {
        self.change(row, &Change::to(state, self.pulse.now()).with(why)).await?;
        tracing::warn!(document = %row.id, why, "a document does not leave");
        Ok(Came::Over)
    }

    async fn later(&self, row: &Dispatch, not_now: &NotNow) -> Result<Came, RegistryError> {
        let attempts = row.attempts.saturating_add(1);
        if attempts >= self.pace.most_attempts {
            return self.end(row, DispatchState::Dead, &not_now.why).await;
        }
        let doubled = self.pace.first_wait.saturating_mul(2_u32.saturating_pow(row.attempts.min(30)));
        let pause = self.pulse.jitter(doubled.min(self.pace.longest_wait));
        // What the receiver asks for counts, but it cannot put a document off for ever.
        let pause = pause.max(not_now.after.unwrap_or_default().min(self.pace.longest_wait));
        let at = self.pulse.now();
        let next_at = after(at, pause);
        self.change(row, &Change { next_at, ..Change::to(DispatchState::Leaving, at).with(&not_now.why) }).await?;
        tracing::debug!(document = %row.id, why = not_now.why, "a document is tried again later");
        Ok(Came::Later)
    }

    async fn change(&self, row: &Dispatch, change: &Change) -> Result<(), RegistryError> {
        let mut work = self.registry.begin().await?;
        row::change(&mut work, row.id, &[DispatchState::Leaving], change).await?;
        work.commit().await
    }

    /// Answers are durable, and the cursor with them, before the carrier puts them away.
    async fn take_answers(&self, stepped: &mut Stepped) -> Result<(), RegistryError> {
        for _ in 0..MOST_PAGES {
            let cursor = answer::cursor(&mut *self.registry.reader().await?).await?;
            let batch = match self.carrier.answers(&cursor).await {
                Ok(batch) => batch,
                Err(not_now) => {
                    tracing::debug!(why = not_now.why, "the buyer's system tells no answers now");
                    stepped.silent = true;
                    return Ok(());
                }
            };
            if !batch.items.is_empty() || batch.cursor != cursor {
                let mut work = self.registry.begin().await?;
                for item in &batch.items {
                    stepped.taken += u64::from(answer::take(&mut work, &WORKER, item, self.pulse.now()).await?);
                }
                answer::proceed(&mut work, &cursor, &batch.cursor).await?;
                work.commit().await?;
                if let Err(not_now) = self.carrier.taken(&batch).await {
                    tracing::warn!(why = not_now.why, "answers were taken, but not put away");
                    return Ok(());
                }
            }
            if !batch.more {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn after(at: Timestamp, pause: Duration) -> Timestamp {
    Timestamp(at.0.saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)))
}
