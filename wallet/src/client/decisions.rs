//! Decisions of the institutions. Everybody reads them; what concerns single lines of an order, or an account, is told to
//! officers by a client that signs.

use keis_ledger::chain::Height;
use keis_ledger::ids::{DecisionId, InstitutionId};
use keis_ledger::operation::{Measure, Threshold};
use keis_ledger::receipt::Receipt;
use keis_ledger::time::Timestamp;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::model::receipts;
use super::owners::List;
use super::transport::Call;
use super::{Client, ClientError, Page, about};
use crate::wire::height;

/// A decision as everybody may read it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DecisionView {
    /// The decision.
    pub id: DecisionId,
    /// What it is to bring about, in the ledger's form where it is `whole`.
    pub measure: serde_json::Value,
    /// Whether that is the whole measure; [`Client::decision_measure`] tells officers the rest.
    pub whole: bool,
    /// How many must agree.
    #[serde(deserialize_with = "threshold")]
    pub threshold: Threshold,
    /// Institutions that must agree, by the members of that moment.
    pub wanted: usize,
    /// Who proposed it.
    pub proposer: InstitutionId,
    /// When.
    pub proposed: Timestamp,
    /// It lapses at this instant, if it is not decided.
    pub until: Timestamp,
    /// The votes, as they counted when the last of them was given; the proposer's is the first.
    pub approvals: Vec<Vote>,
    /// Where it stands.
    pub state: DecisionStage,
    /// Since when, unless it is open.
    #[serde(default)]
    pub closed: Option<Timestamp>,
}

/// An institution's vote for a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Vote {
    /// Whose it is.
    pub institution: InstitutionId,
    /// When it was given.
    pub at: Timestamp,
}

/// Where a decision stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionStage {
    /// It waits for votes.
    Open,
    /// It was decided and carried out.
    Executed,
    /// Its proposer took it back.
    Withdrawn,
    /// It was not decided in time.
    Expired,
}

/// A decision with its receipts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DecisionDetail {
    /// The decision.
    #[serde(flatten)]
    pub decision: DecisionView,
    /// Height at which it was read.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// Public parts of the receipts of its proposal, its votes and its end, in order.
    #[serde(deserialize_with = "receipts")]
    pub receipts: Vec<Receipt>,
}

/// A decision's whole measure.
#[derive(Deserialize)]
struct WholeMeasure {
    id: DecisionId,
    measure: Measure,
}

impl DecisionView {
    /// The measure, where all of it is public.
    pub fn public_measure(&self) -> Option<Measure> {
        let measure = serde_json::from_value(self.measure.clone());
        measure.ok().filter(|_| self.whole)
    }
}

impl Client {
    /// A page of the decisions, the newest proposal first.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn decisions(
        &self,
        state: Option<DecisionStage>,
        cursor: Option<&str>,
    ) -> Result<Page<DecisionView>, ClientError> {
        self.page(&List::new("/v1/decisions", None).in_state(state), cursor).await
    }

    /// A page of so many decisions at the most, the newest proposal first.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn some_decisions(
        &self,
        state: Option<DecisionStage>,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<DecisionView>, ClientError> {
        self.page(&List::new("/v1/decisions", None).in_state(state).limited(limit), cursor).await
    }

    /// All decisions, the newest proposal first.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn all_decisions(&self, state: Option<DecisionStage>) -> Result<Vec<DecisionView>, ClientError> {
        self.all(&List::new("/v1/decisions", None).in_state(state)).await
    }

    /// A decision with its receipts.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn decision(&self, id: DecisionId) -> Result<Option<DecisionDetail>, ClientError> {
        let call = Call::get(format!("/v1/decisions/{id}"));
        let found: Option<DecisionDetail> = self.find(&call).await?;
        about(&call, found, |found| found.as_ref().is_none_or(|detail| detail.decision.id == id))
    }

    /// A decision's whole measure, for officers; who votes reads it first.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn decision_measure(&self, id: DecisionId) -> Result<Option<Measure>, ClientError> {
        let call = Call::get(format!("/v1/decisions/{id}/measure"));
        let found: Option<WholeMeasure> = self.find(&call).await?;
        let found = about(&call, found, |found| found.as_ref().is_none_or(|whole| whole.id == id))?;
        Ok(found.map(|whole| whole.measure))
    }
}

/// Reads a threshold by the name under which the ledger writes it.
fn threshold<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Threshold, D::Error> {
    let name = String::deserialize(deserializer)?;
    let is_it = |one: &Threshold| serde_json::to_value(one).is_ok_and(|written| written == name.as_str());
    let found = [Threshold::TwoPersons, Threshold::TwoThirds].into_iter().find(is_it);
    found.ok_or_else(|| D::Error::custom(format_args!("`{name}` is unknown here")))
}
