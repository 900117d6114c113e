//! Witnesses of the commitments that the demo's bank puts on the ledger: references of payments, statements.
//!
//! The ledger holds the commitment alone. Who has the witness can show what was committed to; once it is destroyed, nobody
//! can. Those of invoices and accounts are in the registry of the demo's folder; these are in a file beside it.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use keis_ledger::ids::Commitment;
use keis_wallet::random::random_bytes;

/// Name of the file in the demo's folder.
const FILE: &str = "witnesses.jsonl";

/// The file, and what goes into it.
pub(super) struct Witnesses {
    file: File,
}

impl Witnesses {
    /// Makes the file, for its owner alone.
    pub(super) fn create(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(FILE);
        let file = File::options().create_new(true).append(true).mode(0o600).open(&path);
        Ok(Self { file: file.with_context(|| format!("cannot make {}", path.display()))? })
    }

    /// Commits to a text with a fresh witness, and keeps both.
    pub(super) fn commit(&mut self, what: &str, text: &str) -> anyhow::Result<Commitment> {
        let witness = random_bytes::<32>();
        let commitment = Commitment(*blake3::keyed_hash(&witness, text.as_bytes()).as_bytes());
        let line = serde_json::json!({
            "what": what, "text": text, "witness": hex::encode(witness), "commitment": commitment,
        });
        writeln!(self.file, "{line}").context("cannot keep a witness")?;
        Ok(commitment)
    }
}
