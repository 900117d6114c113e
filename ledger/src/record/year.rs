//! Records of a year as a whole: where it stands, the sums of its money, and the one leaf that is left once it is sealed.

use bincode::{Decode, Encode};
use serde::{Deserialize, Serialize};

use super::{Entity, RecordKey};
use crate::classifiers::Year;
use crate::crypto::Hash;
use crate::money::Cents;
use crate::parameters::ProgrammeParameters;
use crate::time::Timestamp;
use crate::tree::{Proof, ProofError};

/// Where a year stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum YearState {
    /// Orders are taken.
    Open,
    /// No new orders; what stands is brought to its end.
    Ended,
}

/// A year: its rules, its common funds and the sums of every class of accounts.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct YearRecord {
    /// Where it stands.
    pub state: YearState,
    /// Its rules.
    pub parameters: ProgrammeParameters,
    /// State money by class.
    pub state_money: Totals,
    /// School money by class.
    pub school_money: Totals,
}

/// Sums of accounts by class, of one source and year. The money equation is over these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize)]
pub struct Totals {
    /// Ever brought in.
    pub minted: Cents,
    /// Budget not yet allocated.
    pub budget: Cents,
    /// Reserve not yet allocated.
    pub reserve: Cents,
    /// With pupils.
    pub pupils: Cents,
    /// With schools.
    pub schools: Cents,
    /// Held for requested orders.
    pub held: Cents,
    /// Escrowed for confirmed orders.
    pub escrowed: Cents,
    /// Earned by providers.
    pub providers: Cents,
    /// In statements.
    pub settlement: Cents,
    /// Owed by providers after a reversal.
    pub receivable: Cents,
    /// Paid out.
    pub paid: Cents,
    /// Returned to where it came from.
    pub returned: Cents,
}

impl Totals {
    /// What is neither paid nor returned yet, and what is owed; unless the sum cannot be counted.
    pub fn outstanding(&self) -> Option<Cents> {
        let parts = [
            self.budget,
            self.reserve,
            self.pupils,
            self.schools,
            self.held,
            self.escrowed,
            self.providers,
            self.settlement,
            self.receivable,
        ];
        parts.into_iter().try_fold(Cents::ZERO, Cents::checked_add)
    }

    /// Whether everything minted is somewhere (DESIGN section 3, the money equation).
    pub fn balances(&self) -> bool {
        let parts = [
            self.budget,
            self.reserve,
            self.pupils,
            self.schools,
            self.held,
            self.escrowed,
            self.providers,
            self.settlement,
            self.paid,
            self.returned,
        ];
        let somewhere = parts.into_iter().try_fold(Cents::ZERO, Cents::checked_add);
        somewhere.is_some() && somewhere == self.minted.checked_add(self.receivable)
    }
}

/// What of a year's money waits for the other institution's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize)]
pub struct Books {
    /// Paid statements and repayments that nobody has compared with a bank statement yet.
    pub unreconciled: u32,
}

/// All that a sealed year leaves in the state: what commits to the records that it had, and their sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, Serialize)]
pub struct Sealed {
    /// Root over the year's records when it was sealed.
    pub root: Hash,
    /// How many there were.
    pub records: u64,
    /// When.
    pub at: Timestamp,
    /// State money by class: all of it paid or returned.
    pub state_money: Totals,
    /// School money by class.
    pub school_money: Totals,
}

/// Proof of a record of a sealed year, or of its absence: the year's one leaf under the state's root, and the record under
/// that leaf's root.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode, Serialize, Deserialize)]
pub struct SealedProof {
    /// Where the leaf stands in the state.
    pub leaf: Proof,
    /// Where the record stood in its year.
    pub record: Proof,
}

impl SealedProof {
    /// Verifies that the state of `root` holds `sealed` for the year, and that the year held `key` with a value of hash
    /// `value_hash` when it was sealed, or, for `None`, did not hold it.
    ///
    /// # Errors
    /// [`ProofError`], of the leaf first.
    pub fn verify(
        &self,
        root: &Hash,
        (year, sealed): (Year, &Sealed),
        key: &RecordKey,
        value_hash: Option<&Hash>,
    ) -> Result<(), ProofError> {
        let leaf = sealed.into_record().hash();
        self.leaf.verify(root, &RecordKey::Sealed(year).place(), Some(&leaf))?;
        self.record.verify(&sealed.root, &key.place(), value_hash)
    }
}
