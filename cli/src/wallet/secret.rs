//! Passphrases and the keys that they open. What is read here is printed nowhere, in no error either.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use keis_ledger::crypto::SecretKey;
use keis_wallet::keystore::{self, Description, KeystoreError};
use keis_wallet::secret_file;
use zeroize::Zeroizing;

use crate::words::Advice;

/// Longest passphrase, in bytes.
const LONGEST: usize = 4096;

/// A passphrase for a new key: from a file, or asked for twice.
pub(super) fn new_passphrase(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    if let Some(file) = file {
        return read(file);
    }
    let first = ask("Passphrase for the new key: ")?;
    let least = keystore::SHORTEST_PASSPHRASE;
    ensure!(first.chars().count() >= least, "a passphrase has at least {least} characters");
    if *first != *ask("The same again: ")? {
        bail!("the two passphrases differ; nothing was written");
    }
    Ok(first)
}

/// Opens a sealed key.
pub(crate) fn open(wallet: &Path, passphrase: Option<&Path>) -> anyhow::Result<SecretKey> {
    // A file that is no wallet is told before anybody types a passphrase.
    describe(wallet)?;
    let passphrase = match passphrase {
        Some(file) => read(file)?,
        None => ask(&format!("Passphrase of {}: ", wallet.display()))?,
    };
    keystore::open(wallet, &passphrase).map_err(|error| told(wallet, error))
}

/// Reads a machine's key.
pub(crate) fn machine(file: &Path) -> anyhow::Result<SecretKey> {
    secret_file::read(file).or_advise("--key takes a machine's key (`keis key new`); --wallet takes a sealed one.")
}

/// What a sealed key says to everybody.
pub(super) fn describe(wallet: &Path) -> anyhow::Result<Description> {
    keystore::describe(wallet).map_err(|error| told(wallet, error))
}

/// The error without the words of the JSON reader, which may repeat what it read.
fn told(wallet: &Path, error: KeystoreError) -> anyhow::Error {
    match error {
        KeystoreError::Syntax { .. } => anyhow::anyhow!(
            "{} is no sealed key\n  `keis wallet new` makes one; a machine's key is shown by `keis key show`.",
            wallet.display()
        ),
        error @ (KeystoreError::Read { .. }
        | KeystoreError::Write { .. }
        | KeystoreError::Unsupported { .. }
        | KeystoreError::Damaged { .. }
        | KeystoreError::Passphrase { .. }
        | KeystoreError::PassphraseTooShort
        | KeystoreError::Label) => error.into(),
    }
}

fn ask(question: &str) -> anyhow::Result<Zeroizing<String>> {
    rpassword::prompt_password(question)
        .map(Zeroizing::new)
        .context("the passphrase cannot be asked for")
        .or_advise("There is no terminal to ask at; give --passphrase-file FILE.")
}

/// The first line of a file that others may not read.
fn read(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let failed = || format!("cannot read the passphrase in {}", path.display());
    let mut file = File::open(path).with_context(failed)?;
    let mode = file.metadata().with_context(failed)?.permissions().mode() & 0o777;
    ensure!(
        mode & 0o077 == 0,
        "{} may be read by others (mode {mode:03o})\n  chmod 600 {}",
        path.display(),
        path.display()
    );
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    Read::take(&mut file, LONGEST as u64 + 1).read_to_end(&mut bytes).with_context(failed)?;
    ensure!(bytes.len() <= LONGEST, "{} is longer than {LONGEST} bytes, and no passphrase", path.display());
    let text = std::str::from_utf8(&bytes).map_err(|_| anyhow::anyhow!("{} is no text", path.display()))?;
    let line = text.lines().next().unwrap_or_default();
    ensure!(!line.is_empty(), "the first line of {} is empty; it holds the passphrase", path.display());
    Ok(Zeroizing::new(line.to_owned()))
}
