//! What an audit finds wrong: where, and which rule.

use keis_ledger::chain::Height;
use keis_ledger::ids::TransactionId;
use serde::Serialize;

/// The first thing that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Which rule, by a stable code: one of [`rule`], or the code of the ledger's rejection.
    pub rule: String,
    /// The block; none when the fault is the file's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<Height>,
    /// The transaction's place in the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u32>,
    /// The transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<TransactionId>,
    /// What is wrong, in a sentence.
    pub detail: String,
}

/// Codes of rules that are not the ledger's rejections.
pub mod rule {
    /// A byte of the file was changed, or the file was cut.
    pub const FILE_DAMAGED: &str = "file_damaged";
    /// The export was not finished.
    pub const FILE_UNFINISHED: &str = "file_unfinished";
    /// The export's end tells another last block.
    pub const FILE_TIP: &str = "file_tip";
    /// Of another network than the founding document's.
    pub const NETWORK: &str = "network_differs";
    /// Heights do not follow each other.
    pub const HEIGHT: &str = "height_differs";
    /// The bytes are no block.
    pub const BLOCK: &str = "block_malformed";
    /// The block stands on another one.
    pub const PARENT: &str = "parent_differs";
    /// The block's time does not follow its parent's.
    pub const TIME: &str = "time_not_later";
    /// The header names other validators than the state.
    pub const VALIDATORS: &str = "validators_differ";
    /// The certificate cannot be read, or is of another block.
    pub const CERTIFICATE_FORM: &str = "certificate_differs";
    /// The certificate proves nothing.
    pub const CERTIFICATE: &str = "certificate_unsound";
    /// The bytes are no transaction.
    pub const TRANSACTION: &str = "transaction_malformed";
    /// A signature does not hold.
    pub const SIGNATURE: &str = "signature_wrong";
    /// The block is larger than the network allows, or touches too much.
    pub const TOO_LARGE: &str = "block_too_large";
    /// A root or another field of the header does not follow.
    pub const HEADER: &str = "header_differs";
    /// Another rule of blocks.
    pub const INVALID: &str = "block_invalid";
    /// Money of a year and source does not add up.
    pub const MONEY: &str = "money_equation";
    /// The sums of a class of accounts are not what its records hold.
    pub const RECOUNT: &str = "money_recount";
    /// The rules themselves stopped.
    pub const RULES: &str = "rules_stopped";
    /// A document is not what its id says, or no transaction names it.
    pub const DOCUMENT: &str = "document_differs";
}

impl Fault {
    /// A fault of the file.
    pub(crate) fn file(rule: &str, detail: impl ToString) -> Self {
        Self { rule: rule.to_owned(), height: None, index: None, transaction: None, detail: detail.to_string() }
    }

    /// A fault of a block.
    pub(crate) fn block(rule: &str, height: Height, detail: impl ToString) -> Self {
        Self { height: Some(height), ..Self::file(rule, detail) }
    }

    /// A fault of a transaction.
    pub(crate) fn transaction(
        rule: &str,
        height: Height,
        index: usize,
        id: Option<TransactionId>,
        detail: impl ToString,
    ) -> Self {
        Self { index: u32::try_from(index).ok(), transaction: id, ..Self::block(rule, height, detail) }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.rule)?;
        if let Some(height) = self.height {
            write!(f, ", block {height}")?;
        }
        if let Some(index) = self.index {
            write!(f, ", transaction {index}")?;
        }
        if let Some(id) = self.transaction {
            write!(f, " ({id})")?;
        }
        write!(f, ": {}", self.detail)
    }
}
