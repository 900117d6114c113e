//! Secret keys of people: one encrypted file a key.
//!
//! The 32 secret bytes are sealed with AES-256-GCM under a key that Argon2id derives from the passphrase; the public
//! key and the label are authenticated with them. A checksum over the file tells damage from a wrong passphrase.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use keis_ledger::crypto::{PublicKey, SecretKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::file;
use crate::random::random_bytes;

const VERSION: u32 = 1;
/// Opens what is authenticated, so that no other use of AES-GCM here can be taken for a key file.
const TAG: &[u8; 16] = b"KEIS/keystore/1\0";
const LARGEST_FILE: u64 = 16 * 1024;
/// Shortest passphrase for a new file, in characters.
pub const SHORTEST_PASSPHRASE: usize = 8;
/// Longest label, in characters.
pub const LONGEST_LABEL: usize = 100;

/// What a key file says to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The public half.
    pub public_key: PublicKey,
    /// What its owner calls it.
    pub label: String,
}

/// Why a key file was not made or not opened.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// It cannot be read.
    #[error("cannot read the key file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is there already or cannot be written.
    #[error("cannot write the key file {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no key file.
    #[error("{} is no key file", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A later version wrote it, or it asks for more than a sound file asks.
    #[error("{} is a key file of a kind that this version does not open", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
    },
    /// It is not as it was written.
    #[error("the key file {} is damaged; use your copy of it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase does not open it.
    #[error("the passphrase does not open {}", path.display())]
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// The passphrase is too short to protect a key.
    #[error("a passphrase has at least {SHORTEST_PASSPHRASE} characters")]
    PassphraseTooShort,
    /// The label is too long or cannot be shown.
    #[error("a label has at most {LONGEST_LABEL} characters, none of them a control character")]
    Label,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    public_key: PublicKey,
    label: String,
    derivation: Derivation,
    #[serde(with = "hex::serde")]
    nonce: [u8; 12],
    #[serde(with = "hex::serde")]
    ciphertext: Vec<u8>,
    #[serde(with = "hex::serde")]
    checksum: [u8; 16],
}

/// How the sealing key follows from the passphrase.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Derivation {
    function: Function,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    #[serde(with = "hex::serde")]
    salt: [u8; 16],
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Function {
    Argon2id,
}

/// Seals a key into a new file of mode 600; a file that is there stays as it is.
///
/// # Errors
/// [`KeystoreError`] when passphrase or label will not do, or the file exists or cannot be written.
pub fn create(path: &Path, key: &SecretKey, label: &str, passphrase: &str) -> Result<(), KeystoreError> {
    if passphrase.chars().count() < SHORTEST_PASSPHRASE {
        return Err(KeystoreError::PassphraseTooShort);
    }
    if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
        return Err(KeystoreError::Label);
    }
    let derivation = Derivation::standard();
    let public_key = key.public();
    let nonce = random_bytes();
    let secret = Zeroizing::new(key.to_bytes());
    let associated = associated(&public_key, label);
    let ciphertext = derivation
        .cipher(passphrase)
        .encrypt(Nonce::from_slice(&nonce), Payload { msg: secret.as_slice(), aad: &associated })
        .expect("32 bytes are far below what AES-GCM seals");
    let mut sealed =
        KeyFile { version: VERSION, public_key, label: label.into(), derivation, nonce, ciphertext, checksum: [0; 16] };
    sealed.checksum = sealed.compute_checksum();
    let mut text = serde_json::to_string_pretty(&sealed).expect("a key file has only fields that JSON has");
    text.push('\n');
    file::write_new(path, text.as_bytes()).map_err(|source| KeystoreError::Write { path: path.to_owned(), source })
}

/// Opens a key file.
///
/// # Errors
/// [`KeystoreError::Passphrase`] when the passphrase is another one; the other kinds when the file is no sound key file.
pub fn open(path: &Path, passphrase: &str) -> Result<SecretKey, KeystoreError> {
    let sealed = load(path)?;
    let associated = associated(&sealed.public_key, &sealed.label);
    let secret = sealed
        .derivation
        .cipher(passphrase)
        .decrypt(Nonce::from_slice(&sealed.nonce), Payload { msg: &sealed.ciphertext, aad: &associated })
        .map(Zeroizing::new)
        .map_err(|_| KeystoreError::Passphrase { path: path.to_owned() })?;
    let damaged = || KeystoreError::Damaged { path: path.to_owned() };
    let bytes = secret.as_slice().try_into().map_err(|_| damaged())?;
    let key = SecretKey::from_bytes(bytes);
    if key.public() == sealed.public_key { Ok(key) } else { Err(damaged()) }
}

/// Reads what a key file says without the passphrase.
///
/// # Errors
/// [`KeystoreError`] when the file is no sound key file.
pub fn describe(path: &Path) -> Result<Description, KeystoreError> {
    load(path).map(|sealed| Description { public_key: sealed.public_key, label: sealed.label })
}

fn load(path: &Path) -> Result<KeyFile, KeystoreError> {
    let failed = |source| KeystoreError::Read { path: path.to_owned(), source };
    let bytes = file::read_bounded(&File::open(path).map_err(failed)?, LARGEST_FILE)
        .map_err(failed)?
        .ok_or_else(|| KeystoreError::Unsupported { path: path.to_owned() })?;
    let sealed: KeyFile =
        serde_json::from_slice(&bytes).map_err(|source| KeystoreError::Syntax { path: path.to_owned(), source })?;
    if sealed.checksum != sealed.compute_checksum() {
        return Err(KeystoreError::Damaged { path: path.to_owned() });
    }
    if sealed.version != VERSION || !sealed.derivation.is_sound() {
        return Err(KeystoreError::Unsupported { path: path.to_owned() });
    }
    Ok(sealed)
}

fn associated(public_key: &PublicKey, label: &str) -> Vec<u8> {
    [TAG.as_slice(), &public_key.0, label.as_bytes()].concat()
}

impl KeyFile {
    /// Of the file with no checksum in it, in its dense form.
    fn compute_checksum(&self) -> [u8; 16] {
        let Self { version, public_key, label, derivation, nonce, ciphertext, checksum: _ } = self;
        let content = (version, public_key, label, derivation, hex::encode(nonce), hex::encode(ciphertext));
        let content = serde_json::to_vec(&content).expect("a key file has only fields that JSON has");
        let mut checksum = [0; 16];
        checksum.copy_from_slice(&blake3::hash(&content).as_bytes()[..16]);
        checksum
    }
}

impl Derivation {
    /// The second choice of RFC 9106, for machines with memory to spare: about a tenth of a second.
    fn standard() -> Self {
        Self { function: Function::Argon2id, memory_kib: 64 * 1024, passes: 3, lanes: 4, salt: random_bytes() }
    }

    /// Whether it protects the key and no file can take the machine's memory or time.
    fn is_sound(&self) -> bool {
        let Self { function: Function::Argon2id, memory_kib, passes, lanes, salt: _ } = *self;
        (19 * 1024..=1024 * 1024).contains(&memory_kib) && (1..=16).contains(&passes) && (1..=16).contains(&lanes)
    }

    fn cipher(&self, passphrase: &str) -> Aes256Gcm {
        let parameters = argon2::Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .expect("sound parameters are within what Argon2 takes");
        let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters);
        let mut key = Zeroizing::new([0; 32]);
        argon
            .hash_password_into(passphrase.as_bytes(), &self.salt, key.as_mut_slice())
            .expect("salt and output have lengths that Argon2 takes, and no passphrase is longer than memory");
        Aes256Gcm::new(key.as_slice().into())
    }
}
