//! Keys: the master key, a data key for each person, blind indexes and nullifiers.
//!
//! Owns everything that encrypts, and the table `person_keys`. Knows no room that uses it. What is encrypted is
//! `version ‖ nonce ‖ AES-256-GCM(text)` with table, column and row as associated data, so that no value can be put elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use keis_ledger::classifiers::Year;
use keis_ledger::ids::Nullifier;
use sqlx::{AnyConnection, AssertSqlSafe, Row};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::boxed;
use crate::database::{Work, list};
use crate::error::RegistryError;
use crate::ids::PersonId;

mod file;
pub use file::MasterKeyError;

const VERSION: u8 = 1;
const NONCE: usize = 12;

/// Why something does not open. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Another key, another place, or changed bytes.
    #[error("sealed bytes of `{table}.{column}` do not open: another key, or they were changed")]
    Sealed {
        /// Table of the value.
        table: &'static str,
        /// Its column.
        column: &'static str,
    },
    /// What opened is no text.
    #[error("what `{table}.{column}` holds is not text")]
    Text {
        /// Table of the value.
        table: &'static str,
        /// Its column.
        column: &'static str,
    },
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// The key that opens a registry. It is in no database and is never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// The key of 32 secret bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new key.
    pub fn generate() -> Self {
        Self(random())
    }

    /// The secret bytes, for the file or safe that keeps them.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0)
    }

    fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(blake3::derive_key(purpose, &self.0))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// Where a sealed value stands; a value of one field does not open in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
}

impl Field {
    /// A column of a table.
    pub const fn of(table: &'static str, column: &'static str) -> Self {
        Self { table, column }
    }

    fn place(&self, row: &[u8]) -> Vec<u8> {
        [self.table.as_bytes(), b":", self.column.as_bytes(), b":", row].concat()
    }

    fn closed(&self) -> VaultError {
        VaultError::Sealed { table: self.table, column: self.column }
    }
}

fn seal(cipher: &Aes256Gcm, field: Field, row: &[u8], plain: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE] = random();
    let place = field.place(row);
    let sealed = cipher
        .encrypt(Nonce::from_slice(&nonce), Payload { msg: plain, aad: &place })
        .expect("a field is far shorter than the cipher's bound");
    [&[VERSION][..], &nonce, &sealed].concat()
}

fn open(cipher: &Aes256Gcm, field: Field, row: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (version, rest) = sealed.split_first().ok_or(field.closed())?;
    let (nonce, body) = rest.split_at_checked(NONCE).ok_or(field.closed())?;
    if *version != VERSION {
        return Err(field.closed());
    }
    let place = field.place(row);
    cipher
        .decrypt(Nonce::from_slice(nonce), Payload { msg: body, aad: &place })
        .map(Zeroizing::new)
        .map_err(|_| field.closed())
}

fn text(field: Field, plain: &[u8]) -> Result<String, VaultError> {
    let wrong = VaultError::Text { table: field.table, column: field.column };
    std::str::from_utf8(plain).map(str::to_owned).map_err(|_| wrong)
}

/// A person's data key. Everything that tells who the person is is sealed under it.
pub struct PersonKey(Aes256Gcm);

impl PersonKey {
    /// Seals bytes of one field of one row.
    pub fn seal(&self, field: Field, row: &[u8], plain: &[u8]) -> Vec<u8> {
        seal(&self.0, field, row, plain)
    }

    /// Opens what [`PersonKey::seal`] sealed for the same field and row.
    ///
    /// # Errors
    /// [`VaultError::Sealed`] for another key, field or row.
    pub fn open(&self, field: Field, row: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        open(&self.0, field, row, sealed)
    }

    /// Opens a text.
    ///
    /// # Errors
    /// As [`PersonKey::open`], and when the bytes are no text.
    pub fn open_text(&self, field: Field, row: &[u8], sealed: &[u8]) -> Result<String, VaultError> {
        text(field, &self.open(field, row, sealed)?)
    }
}

/// A key under which things are committed to and sealed. Whoever destroys it makes its commitments stand for nothing.
pub struct WitnessKey {
    secret: Zeroizing<[u8; 32]>,
    commits: Zeroizing<[u8; 32]>,
    cipher: Aes256Gcm,
}

impl WitnessKey {
    /// A new key.
    pub fn generate() -> Self {
        Self::from_bytes(random())
    }

    /// The key of 32 secret bytes.
    pub fn from_bytes(secret: [u8; 32]) -> Self {
        let secret = Zeroizing::new(secret);
        let derive = |purpose| Zeroizing::new(blake3::derive_key(purpose, &*secret));
        let seals = derive("KEIS registry 2026 witnesses of a holder");
        let cipher = Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&*seals));
        Self { commits: derive("KEIS registry 2026 commitments of a holder"), cipher, secret }
    }

    /// The secret bytes.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        self.secret.clone()
    }

    /// The commitment to a thing of a kind: equal for equal things, and of no use without the key.
    pub fn commit(&self, kind: &str, thing: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.commits);
        hasher.update(&(kind.len() as u64).to_be_bytes());
        hasher.update(kind.as_bytes());
        hasher.update(thing);
        *hasher.finalize().as_bytes()
    }

    /// Seals bytes of one field of one row.
    pub fn seal(&self, field: Field, row: &[u8], plain: &[u8]) -> Vec<u8> {
        seal(&self.cipher, field, row, plain)
    }

    /// Opens what [`WitnessKey::seal`] sealed for the same field and row.
    ///
    /// # Errors
    /// [`VaultError::Sealed`] for another key, field or row.
    pub fn open(&self, field: Field, row: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        open(&self.cipher, field, row, sealed)
    }

    /// Opens a text that [`WitnessKey::seal`] sealed for the same field and row.
    ///
    /// # Errors
    /// [`VaultError`] for another key, field or row, and when the bytes are no text.
    pub fn open_text(&self, field: Field, row: &[u8], sealed: &[u8]) -> Result<String, VaultError> {
        text(field, &open(&self.cipher, field, row, sealed)?)
    }
}

/// A new person: the id, the key, and the key as the database keeps it.
pub struct NewPerson {
    /// Drawn at random.
    pub person: PersonId,
    /// The data key.
    pub key: PersonKey,
    /// The data key under the master key.
    pub wrapped: Vec<u8>,
}

const WRAPPED_KEY: Field = Field::of("person_keys", "wrapped");

/// What the master key does. Holds keys derived for one purpose each; shared by all rooms.
pub struct Vault {
    wrap: Aes256Gcm,
    system: Aes256Gcm,
    index: Zeroizing<[u8; 32]>,
    nullifier: Zeroizing<[u8; 32]>,
    chain: Zeroizing<[u8; 32]>,
    head: Zeroizing<[u8; 32]>,
}

impl Vault {
    /// The vault of a master key.
    pub fn new(master: &MasterKey) -> Arc<Self> {
        let cipher = |purpose| Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&*master.derive(purpose)));
        Arc::new(Self {
            wrap: cipher("KEIS registry 2026 data keys of persons"),
            system: cipher("KEIS registry 2026 values of the system"),
            index: master.derive("KEIS registry 2026 blind indexes"),
            nullifier: master.derive("KEIS registry 2026 nullifiers"),
            chain: master.derive("KEIS registry 2026 chain of the log"),
            head: master.derive("KEIS registry 2026 head of the log"),
        })
    }

    /// Draws a person's id and data key. [`store_keys`] keeps them.
    pub fn new_person(&self) -> NewPerson {
        let person = PersonId::random();
        let secret = Zeroizing::new(random::<32>());
        let wrapped = seal(&self.wrap, WRAPPED_KEY, &person.0, &*secret);
        NewPerson { person, key: PersonKey(Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(&*secret))), wrapped }
    }

    /// The data key in its wrapped form, as a query brought it from `person_keys`.
    ///
    /// # Errors
    /// [`VaultError::Sealed`] when it was changed or destroyed.
    pub fn unwrap_key(&self, person: PersonId, wrapped: &[u8]) -> Result<PersonKey, VaultError> {
        let secret = open(&self.wrap, WRAPPED_KEY, &person.0, wrapped)?;
        let secret = Key::<Aes256Gcm>::from_exact_iter(secret.iter().copied()).ok_or(WRAPPED_KEY.closed())?;
        Ok(PersonKey(Aes256Gcm::new(&secret)))
    }

    /// The blind index of a value: equal for equal values of a field, and of no use without the master key. The value is
    /// compared without outer spaces.
    pub fn index(&self, field: Field, value: &str) -> Vec<u8> {
        self.index_bytes(field, value.trim().as_bytes())
    }

    /// The blind index of bytes, such as those of a wallet's id.
    pub fn index_bytes(&self, field: Field, value: &[u8]) -> Vec<u8> {
        let mut hasher = blake3::Hasher::new_keyed(&self.index);
        hasher.update(&field.place(value));
        hasher.finalize().as_bytes().to_vec()
    }

    /// A pupil's token of a year: unique on the ledger, and of no use without the master key.
    pub fn nullifier(&self, year: Year, register_code: &str) -> Nullifier {
        let of_year = Zeroizing::new(*blake3::keyed_hash(&self.nullifier, &year.0.to_be_bytes()).as_bytes());
        Nullifier(*blake3::keyed_hash(&of_year, register_code.trim().as_bytes()).as_bytes())
    }

    /// Seals what belongs to no person, such as a web session.
    pub fn seal(&self, field: Field, row: &[u8], plain: &[u8]) -> Vec<u8> {
        seal(&self.system, field, row, plain)
    }

    /// Opens what [`Vault::seal`] sealed for the same field and row.
    ///
    /// # Errors
    /// [`VaultError::Sealed`] for another key, field or row.
    pub fn open(&self, field: Field, row: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        open(&self.system, field, row, sealed)
    }

    pub(crate) fn chain_mac(&self, message: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.chain, message).as_bytes()
    }

    pub(crate) fn head_mac(&self, message: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.head, message).as_bytes()
    }
}

/// Keeps the data keys of new persons.
///
/// # Errors
/// [`RegistryError::Database`].
#[boxed]
pub async fn store_keys(work: &mut Work, persons: &[NewPerson]) -> Result<(), RegistryError> {
    for chunk in persons.chunks(list::MOST / 2) {
        let sql = format!("INSERT INTO person_keys (person, wrapped) VALUES {}", list::rows(chunk.len(), 2));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for new in chunk {
            query = query.bind(&new.person.0[..]).bind(&new.wrapped[..]);
        }
        query.execute(work.connection()).await?;
    }
    Ok(())
}

/// The data keys of persons, without those who were erased.
///
/// # Errors
/// [`RegistryError::Database`], or [`RegistryError::Vault`] for a changed key.
#[boxed]
pub async fn load_keys(
    connection: &mut AnyConnection,
    vault: &Vault,
    persons: &[PersonId],
) -> Result<BTreeMap<PersonId, PersonKey>, RegistryError> {
    let mut keys = BTreeMap::new();
    for chunk in persons.chunks(list::MOST) {
        let sql = format!("SELECT person, wrapped FROM person_keys WHERE person IN ({})", list::places(1, chunk.len()));
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for person in chunk {
            query = query.bind(&person.0[..]);
        }
        for row in query.fetch_all(&mut *connection).await? {
            let person = PersonId(list::id(row.try_get("person")?, "person_keys.person")?);
            keys.insert(person, vault.unwrap_key(person, row.try_get("wrapped")?)?);
        }
    }
    Ok(keys)
}

/// The data key of one person, if there is one.
///
/// # Errors
/// As [`load_keys`].
#[boxed]
pub async fn load_key(
    connection: &mut AnyConnection,
    vault: &Vault,
    person: PersonId,
) -> Result<Option<PersonKey>, RegistryError> {
    Ok(load_keys(connection, vault, &[person]).await?.remove(&person))
}
