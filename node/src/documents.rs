//! Public documents that transactions name by their hash: descriptions of services, kept beside the chain.
//!
//! A document that nobody has named yet is only *offered*: it waits in memory, bounded, the oldest gives way, so that
//! strangers cannot fill the disk. It becomes durable when a transaction that names it is admitted, or when the ledger
//! names it. What the ledger names and this node lacks is *wanted*: the network asks the peers for it. This module knows
//! neither peers nor transactions.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keis_ledger::classifiers::Year;
use keis_ledger::ids::DocumentId;
use keis_ledger::record::{Record, RecordKey};
use keis_ledger::state::State;

use crate::store::{Store, StoreError};

/// Longest document, in bytes.
pub const MAX_DOCUMENT: usize = 32 * 1024;
/// Most bytes of documents that wait in memory to be named.
const OFFERED_BYTES: usize = 32 * 1024 * 1024;
/// Most documents that wait so.
const OFFERED_COUNT: usize = 8 * 1024;
/// Most documents that are asked from peers at one time; the rest follows when these are here.
const MOST_WANTED: usize = 16 * 1024;
/// Hexadecimal digits of the salt that hides what a document's hash is of.
const SALT_DIGITS: usize = 64;

/// Why bytes are no document, or cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Longer than a document may be.
    #[error("{length} bytes; a document has at most {limit}", limit = MAX_DOCUMENT)]
    TooLong {
        /// Length in bytes.
        length: usize,
    },
    /// Not a JSON object.
    #[error("a document is a JSON object in UTF-8")]
    NotAnObject,
    /// Its salt is missing or malformed.
    #[error("a document has a field `salt` of {SALT_DIGITS} lower-case hexadecimal digits")]
    Salt,
    /// The store refuses or fails.
    #[error("the store does not answer for a document")]
    Store(#[from] StoreError),
}

/// The documents of one node. Clones share them.
#[derive(Clone)]
pub struct Documents {
    store: Store,
    shelf: Arc<Mutex<Shelf>>,
}

#[derive(Default)]
struct Shelf {
    held: BTreeSet<DocumentId>,
    offered: BTreeMap<DocumentId, Arc<[u8]>>,
    oldest: VecDeque<DocumentId>,
    offered_bytes: usize,
    wanted: BTreeSet<DocumentId>,
    changes: u64,
}

impl Documents {
    /// The documents that a store holds.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn open(store: Store) -> Result<Self, StoreError> {
        let held = store.documents()?.into_iter().map(DocumentId).collect();
        Ok(Self { store, shelf: Arc::new(Mutex::new(Shelf { held, ..Shelf::default() })) })
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a document in. One that the ledger names already becomes durable, any other waits to be named.
    ///
    /// # Errors
    /// [`DocumentError`] when the bytes are no document, or a wanted one cannot be stored.
    pub fn put(&self, bytes: &[u8]) -> Result<DocumentId, DocumentError> {
        check(bytes)?;
        let id = DocumentId::of(bytes);
        let wanted = {
            let mut shelf = self.shelf();
            if shelf.held.contains(&id) {
                return Ok(id);
            }
            shelf.offer(id, bytes);
            shelf.wanted.contains(&id)
        };
        if wanted {
            self.keep(&id)?;
        }
        Ok(id)
    }

    /// A document, named or not.
    ///
    /// # Errors
    /// [`DocumentError::Store`] when the store cannot be read.
    pub fn get(&self, id: &DocumentId) -> Result<Option<Vec<u8>>, DocumentError> {
        if let Some(bytes) = self.shelf().offered.get(id) {
            return Ok(Some(bytes.to_vec()));
        }
        match self.store.document(&id.0) {
            Err(StoreError::Corrupt { detail, .. }) => {
                tracing::warn!(document = %id, detail, "a document is damaged and will be fetched again");
                let mut shelf = self.shelf();
                shelf.held.remove(id);
                shelf.changes += 1;
                shelf.want(*id);
                Ok(None)
            }
            other => Ok(other?),
        }
    }

    /// Whether the document is here.
    pub fn has(&self, id: &DocumentId) -> bool {
        let shelf = self.shelf();
        shelf.held.contains(id) || shelf.offered.contains_key(id)
    }

    /// Makes an offered document durable; says whether it is here at all.
    ///
    /// # Errors
    /// [`DocumentError::Store`] when it cannot be written.
    pub fn keep(&self, id: &DocumentId) -> Result<bool, DocumentError> {
        let bytes = {
            let shelf = self.shelf();
            if shelf.held.contains(id) {
                return Ok(true);
            }
            match shelf.offered.get(id) {
                Some(bytes) => Arc::clone(bytes),
                None => return Ok(false),
            }
        };
        self.store.put_document(&id.0, &bytes)?;
        let mut shelf = self.shelf();
        shelf.held.insert(*id);
        shelf.changes += 1;
        shelf.wanted.remove(id);
        shelf.withdraw(id);
        Ok(true)
    }

    /// Keeps, or wants from peers, every document that a service of this state names.
    ///
    /// # Errors
    /// [`DocumentError::Store`] when an offered one cannot be written.
    pub fn reconcile(&self, state: &State) -> Result<(), DocumentError> {
        for id in named_by(state) {
            if !self.keep(&id)? {
                self.shelf().want(id);
            }
        }
        Ok(())
    }

    /// How often what is here has changed since the start.
    pub fn changes(&self) -> u64 {
        self.shelf().changes
    }

    /// What the ledger names and this node lacks.
    pub fn wanted(&self) -> Vec<DocumentId> {
        self.shelf().wanted.iter().copied().collect()
    }

    /// Whether the document is one that this node asks its peers for.
    pub fn wants(&self, id: &DocumentId) -> bool {
        self.shelf().wanted.contains(id)
    }
}

impl Shelf {
    fn offer(&mut self, id: DocumentId, bytes: &[u8]) {
        if self.offered.contains_key(&id) {
            return;
        }
        while self.offered_bytes + bytes.len() > OFFERED_BYTES || self.offered.len() >= OFFERED_COUNT {
            let Some(oldest) = self.oldest.pop_front() else { break };
            self.withdraw(&oldest);
        }
        self.offered_bytes += bytes.len();
        self.offered.insert(id, bytes.into());
        self.oldest.push_back(id);
        self.changes += 1;
    }

    fn withdraw(&mut self, id: &DocumentId) {
        if let Some(bytes) = self.offered.remove(id) {
            self.offered_bytes -= bytes.len();
            self.changes += 1;
            self.oldest.retain(|other| other != id);
        }
    }

    fn want(&mut self, id: DocumentId) {
        if self.wanted.len() < MOST_WANTED {
            self.wanted.insert(id);
        }
    }
}

/// Whether bytes may be a document.
///
/// # Errors
/// [`DocumentError`] for the first rule that is broken.
pub fn check(bytes: &[u8]) -> Result<(), DocumentError> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(DocumentError::TooLong { length: bytes.len() });
    }
    let fields: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(bytes).map_err(|_| DocumentError::NotAnObject)?;
    let salt = fields.get("salt").and_then(serde_json::Value::as_str).ok_or(DocumentError::Salt)?;
    if salt.len() != SALT_DIGITS || !salt.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(DocumentError::Salt);
    }
    Ok(())
}

/// The documents that services name. Services stand in the tree before every year.
fn named_by(state: &State) -> Vec<DocumentId> {
    let (start, end) = (RecordKey::year_start(Year(0)), RecordKey::year_start(Year(1)));
    let before_years = state.records_from(&start).take_while(|(place, _)| **place < end);
    before_years
        .filter_map(
            |(_, record)| if let Record::Service(service) = record { Some(service.terms.document) } else { None },
        )
        .collect()
}
