//! Where providers are paid. The ledger has a commitment to the account's number, which two institutions decide; the number stays
//! here, sealed under the provider's commitment key.

use std::collections::BTreeMap;

use keis_einvoice::Iban;
use keis_ledger::ids::{Commitment, ProviderId};

use crate::boxed;
use crate::database::Registry;
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::permission::{Body, Permission, demand, pass};
use crate::witnesses::{self, Holder, WitnessKind};

/// The account's number as it is kept, without spaces and in capitals; none when it is no IBAN.
pub fn iban(text: &str) -> Option<String> {
    Iban::new(&WitnessKind::PaymentAccount.normal(text)).ok().map(String::from)
}

impl Registry {
    /// Keeps a provider's account and gives the commitment that the ledger is told; the same account again gives the same.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the actor decides with others; [`RegistryError::BodyUnknown`], or what the database answers.
    #[boxed]
    pub async fn keep_payment_account(
        &self,
        actor: &Actor,
        provider: ProviderId,
        iban: &str,
    ) -> Result<Commitment, RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::Decide).await?;
        let holder = Holder::Provider(provider);
        let commitment = witnesses::keep(&mut work, holder, WitnessKind::PaymentAccount, iban).await?;
        append(&mut work, Entry::new(actor, "payment account kept", provider)).await?;
        work.commit().await?;
        Ok(commitment)
    }

    /// The accounts that commitments stand for, for officers; what is not here, or of a person who was erased, is left out.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn payment_accounts(
        &self,
        actor: &Actor,
        commitments: &[Commitment],
    ) -> Result<BTreeMap<Commitment, String>, RegistryError> {
        let mut reader = self.reader().await?;
        let is_office = |body: &Body| match body {
            Body::Operator | Body::BudgetHolder => true,
            Body::School(_) | Body::Provider(_) => false,
        };
        pass(&mut reader, actor, Permission::SeeStatements, is_office).await?;
        let opened = witnesses::opened(&mut reader, self.vault(), commitments).await?;
        let detail = format!("{} of {}", opened.len(), commitments.len());
        self.note(reader, Entry::new(actor, "payment accounts read", "providers").detail(detail)).await?;
        Ok(opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iban_is_known_by_its_check_digits() {
        for (text, sound) in [
            ("LT12 1000 0111 0100 1000", true),
            ("lt121000011101001000", true),
            ("GB82 WEST 1234 5698 7654 32", true),
            ("DE89370400440532013000", true),
            ("LT12 1000 0111 0100 1001", false),
            ("LT21 1000 0111 0100 1000", false),
            ("LT12 1000 0111 0100", false),
            ("1212100001110100", false),
            ("", false),
            ("LTąč1000011101001000", false),
        ] {
            assert_eq!(iban(text).is_some(), sound, "{text}");
        }
        assert_eq!(iban(" lt12 1000 0111 0100 1000 ").as_deref(), Some("LT121000011101001000"));
    }
}
