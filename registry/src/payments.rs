//! Marks of the bank: references of payments, numbers of bank statements. The ledger has commitments to them alone; here they
//! are kept so that officers can read what stands behind one.

use std::collections::BTreeMap;

use keis_ledger::ids::Commitment;

use crate::boxed;
use crate::database::Registry;
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::permission::{Body, Permission, demand, pass};
use crate::witnesses::{self, Holder, WitnessKind};

/// Most letters of a bank's mark.
pub const LONGEST_MARK: usize = 60;

/// What of the bank's is committed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BankMark {
    /// The reference of one payment, used once.
    Reference,
    /// The number of a bank statement.
    Statement,
}

impl BankMark {
    fn witness(self) -> WitnessKind {
        match self {
            Self::Reference => WitnessKind::BankReference,
            Self::Statement => WitnessKind::BankStatement,
        }
    }
}

impl Registry {
    /// Keeps marks of the bank and gives the commitments that the ledger is told, in the same order; the same mark again gives the
    /// same.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the actor may record payments, or what the database answers.
    #[boxed]
    pub async fn keep_bank_marks(
        &self,
        actor: &Actor,
        mark: BankMark,
        texts: &[String],
    ) -> Result<Vec<Commitment>, RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::RecordPayments).await?;
        let mut kept = Vec::with_capacity(texts.len());
        for text in texts {
            kept.push(witnesses::keep(&mut work, Holder::Bank, mark.witness(), text).await?);
        }
        let entry = Entry::new(actor, "bank marks kept", mark.witness().name());
        append(&mut work, entry.detail(texts.len())).await?;
        work.commit().await?;
        Ok(kept)
    }

    /// The commitments to marks of the bank, by the marks as they are kept; none is kept here. Where no mark was ever kept, there
    /// is none.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn known_bank_marks(
        &self,
        actor: &Actor,
        mark: BankMark,
        texts: &[String],
    ) -> Result<BTreeMap<String, Commitment>, RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        let Some(key) = witnesses::key_of(&mut reader, self.vault(), Holder::Bank).await? else {
            return Ok(BTreeMap::new());
        };
        let kind = mark.witness();
        let commit = |text: &String| {
            let text = kind.normal(text);
            let commitment = Commitment(key.commit(kind.name(), text.as_bytes()));
            (text, commitment)
        };
        Ok(texts.iter().map(commit).collect())
    }

    /// What commitments of settlement stand for: bank references and statements, numbers of invoices, payment accounts. For
    /// officers; what is not here, or of a person who was erased, is left out.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn opened_marks(
        &self,
        actor: &Actor,
        commitments: &[Commitment],
    ) -> Result<BTreeMap<Commitment, String>, RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        let opened = witnesses::opened(&mut reader, self.vault(), commitments).await?;
        if !opened.is_empty() {
            let entry = Entry::new(actor, "marks of settlement read", "witnesses").detail(opened.len());
            self.note(reader, entry).await?;
        }
        Ok(opened)
    }
}

fn is_office(body: &Body) -> bool {
    match body {
        Body::Operator | Body::BudgetHolder => true,
        Body::School(_) | Body::Provider(_) => false,
    }
}
