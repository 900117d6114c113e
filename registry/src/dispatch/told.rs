//! Answers as people see them: an officer those that were put aside, a provider why its invoice was refused.

use keis_ledger::ids::{Commitment, StatementId};
use keis_ledger::time::Timestamp;
use sqlx::AnyConnection;

use super::answer::{self, AnswerRow, AnswerStanding, WORDS};
use super::carrier::Verdict;
use super::{Dispatch, DispatchError, is_office, row};
use crate::boxed;
use crate::database::{Registry, now};
use crate::error::RegistryError;
use crate::ids::MessageId;
use crate::log::{Actor, Entry, append};
use crate::outbox::{self, OutboxState};
use crate::page::{Listed, Page};
use crate::permission::{Body, Permission, demand, pass};
use crate::refusals;
use crate::successions;
use crate::vault::Vault;
use crate::witnesses::{self, Holder};

/// Why the buyer refused an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// When its answer came.
    pub at: Timestamp,
    /// In its words; none when it gave none.
    pub text: Option<String>,
}

/// What stands aside because of the ledger is looked at again there; the rest is judged again by where the document stands.
const OF_LEDGER: [&str; 6] = ["no_statement", "settled", "not_attached", "above_open", "payer_elsewhere", "given_up"];

impl Registry {
    /// Answers that were put aside, in their order, with their words. For officers.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn answers_aside(
        &self,
        actor: &Actor,
        page: &Page,
    ) -> Result<Listed<(AnswerRow, Option<String>)>, RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        let rows = answer::standing_in(&mut reader, &[AnswerStanding::Aside], page).await?;
        let mut told = Vec::new();
        for row in rows {
            let words = words(&mut reader, self.vault(), &row).await?;
            told.push((row, words));
        }
        if !told.is_empty() {
            self.note(reader, Entry::new(actor, "answers of the buyer read", "dispatch").detail(told.len())).await?;
        }
        Ok(page.list(told, |(row, _)| row.seq))
    }

    /// Every answer about a document, in their order, with their words. For officers.
    ///
    /// # Errors
    /// As [`Registry::answers_aside`].
    #[boxed]
    pub async fn answers_about(
        &self,
        actor: &Actor,
        id: MessageId,
    ) -> Result<Vec<(AnswerRow, Option<String>)>, RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        let mut told = Vec::new();
        for row in answer::about(&mut reader, id).await? {
            let words = words(&mut reader, self.vault(), &row).await?;
            told.push((row, words));
        }
        self.note(reader, Entry::new(actor, "answers of the buyer read", id).detail(told.len())).await?;
        Ok(told)
    }

    /// Why the buyer refused the invoices of a statement, the latest first: for its provider and both offices. `attached` is the invoice
    /// that the ledger has now, which nobody has refused by hand yet.
    ///
    /// # Errors
    /// As [`Registry::answers_aside`].
    #[boxed]
    pub async fn refusals(
        &self,
        actor: &Actor,
        statement: StatementId,
        attached: Option<Commitment>,
    ) -> Result<Vec<Reason>, RegistryError> {
        let mut reader = self.reader().await?;
        let mut reasons = Vec::new();
        for (provider, reason) in refusals::kept(&mut reader, self.vault(), statement, attached).await? {
            let heirs = successions::heirs(&mut reader, provider, None).await?;
            let sees = |body: &Body| is_office(body) || *body == Body::Provider(provider) || heirs.has(body);
            pass(&mut reader, actor, Permission::SeeStatements, sees).await?;
            reasons.push(reason);
        }
        for dispatch in row::invoices_of(&mut reader, statement).await? {
            let heirs = successions::heirs(&mut reader, dispatch.of.provider, None).await?;
            let reaches = |body: &Body| sees(body, &dispatch) || heirs.has(body);
            pass(&mut reader, actor, Permission::SeeStatements, reaches).await?;
            for row in answer::about(&mut reader, dispatch.id).await? {
                let stands = match row.standing {
                    AnswerStanding::Pending | AnswerStanding::Wished | AnswerStanding::Done => true,
                    AnswerStanding::Noted | AnswerStanding::Aside | AnswerStanding::Dismissed => false,
                };
                if stands && row.verdict == Verdict::Rejected {
                    reasons.push(Reason { at: row.taken, text: words(&mut reader, self.vault(), &row).await? });
                }
            }
        }
        if !reasons.is_empty() {
            self.note(reader, Entry::new(actor, "refusals of the buyer read", statement)).await?;
        }
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.at));
        Ok(reasons)
    }

    /// Takes an answer up again that was put aside: it is judged by what is known now. Says what became of it.
    ///
    /// # Errors
    /// [`DispatchError::AnswerUnknown`] unless it stands aside; others as [`DispatchError`] says.
    #[boxed]
    pub async fn take_up_answer(&self, actor: &Actor, seq: u64) -> Result<AnswerStanding, DispatchError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::RecordPayments).await?;
        let row = answer::get(work.connection(), seq).await?;
        let row = row.filter(|row| row.standing == AnswerStanding::Aside && row.verdict != Verdict::Unreadable);
        let row = row.ok_or(DispatchError::AnswerUnknown(seq))?;
        let of_ledger = row.why.as_deref().is_some_and(|why| OF_LEDGER.contains(&why));
        let (standing, why) = if of_ledger {
            (AnswerStanding::Pending, None)
        } else {
            answer::judge_again(&mut work, &row, now()).await?
        };
        if let (true, Some(id)) = (of_ledger, row.dispatch) {
            forget_discarded(self, &mut work, id).await?;
        }
        answer::stand(&mut work, seq, AnswerStanding::Aside, (standing, why, None), now()).await?;
        append(&mut work, Entry::new(actor, "answer of the buyer taken up", seq).detail(standing)).await?;
        work.commit().await?;
        Ok(standing)
    }

    /// An officer looked at an answer that was put aside: nothing follows from it here.
    ///
    /// # Errors
    /// As [`Registry::take_up_answer`].
    #[boxed]
    pub async fn dismiss_answer(&self, actor: &Actor, seq: u64) -> Result<(), DispatchError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::RecordPayments).await?;
        let row = answer::get(work.connection(), seq).await?;
        let row = row.filter(|row| row.standing == AnswerStanding::Aside).ok_or(DispatchError::AnswerUnknown(seq))?;
        let to = (AnswerStanding::Dismissed, row.why.as_deref(), None);
        answer::stand(&mut work, seq, AnswerStanding::Aside, to, now()).await?;
        append(&mut work, Entry::new(actor, "answer of the buyer put away", seq)).await?;
        Ok(work.commit().await?)
    }
}

/// A wish to approve that an officer discarded is made again when the officer takes the answer up.
async fn forget_discarded(
    registry: &Registry,
    work: &mut crate::database::Work,
    id: MessageId,
) -> Result<(), RegistryError> {
    let Some(dispatch) = row::get(work.connection(), id).await? else { return Ok(()) };
    let Some(wish) = dispatch.approval else { return Ok(()) };
    let discarded = outbox::get(registry, wish).await?.is_none_or(|row| row.state == OutboxState::Discarded);
    if discarded { row::forget_approval(work, id).await } else { Ok(()) }
}

fn sees(body: &Body, dispatch: &Dispatch) -> bool {
    is_office(body) || *body == Body::Provider(dispatch.of.provider)
}

/// What the receiver said in its own words; none once the provider's key is destroyed.
async fn words(
    connection: &mut AnyConnection,
    vault: &Vault,
    row: &AnswerRow,
) -> Result<Option<String>, RegistryError> {
    let Some(sealed) = &row.sealed else { return Ok(None) };
    let Some(id) = row.dispatch else {
        let plain = vault.open(WORDS, &row.place, sealed)?;
        return Ok(Some(String::from_utf8_lossy(&plain).into_owned()));
    };
    let Some(dispatch) = row::get(connection, id).await? else { return Ok(None) };
    let key = witnesses::key_of(connection, vault, Holder::Provider(dispatch.of.provider)).await?;
    Ok(key.map(|key| key.open_text(WORDS, &row.place, sealed)).transpose()?)
}
