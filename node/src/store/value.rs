//! Values of any length over an engine that is only sound with small ones.
//!
//! The engine keeps up to 17 entries in a page (19 while pages merge) and moves a page above 128 KiB to a file of its
//! own that it never syncs. So no entry exceeds 6 KiB: the first one carries length and checksum, the others follow
//! under the same key with a counter behind it. The checksum covers the key too, so a value that turns up
//! in another's place is noticed.

use super::engine::{Batch, Engine};
use super::error::StoreError;
use super::keys;

const ENTRY: usize = 6 * 1024;
const HEAD: usize = 8 + 32;

/// Length and checksum of a stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seal {
    bytes: u64,
    digest: [u8; 32],
}

/// The seal that a value has under a key.
pub(super) fn seal(key: &[u8], value: &[u8]) -> Seal {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(key.len() as u64).to_be_bytes());
    hasher.update(key);
    hasher.update(value);
    Seal { bytes: value.len() as u64, digest: *hasher.finalize().as_bytes() }
}

fn entry_key(key: &[u8], entry: u32) -> Vec<u8> {
    let mut full = Vec::with_capacity(key.len() + 4);
    full.extend_from_slice(key);
    full.extend_from_slice(&entry.to_be_bytes());
    full
}

/// Stages a value under a key that holds none.
pub(super) fn put(batch: &mut Batch, key: &[u8], value: &[u8]) {
    let seal = seal(key, value);
    let (first, rest) = value.split_at(value.len().min(ENTRY - HEAD));
    let mut head = Vec::with_capacity(HEAD + first.len());
    head.extend_from_slice(&seal.bytes.to_be_bytes());
    head.extend_from_slice(&seal.digest);
    head.extend_from_slice(first);
    batch.insert(entry_key(key, 0), head);
    for (entry, bytes) in (1u32..).zip(rest.chunks(ENTRY)) {
        batch.insert(entry_key(key, entry), bytes.to_vec());
    }
}

/// Stages a value in place of what the key holds.
pub(super) fn replace(engine: &Engine, batch: &mut Batch, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    remove(engine, batch, key)?;
    put(batch, key, value);
    Ok(())
}

/// Stages the removal of whatever begins with a key.
pub(super) fn remove(engine: &Engine, batch: &mut Batch, key: &[u8]) -> Result<(), StoreError> {
    for entry in engine.keys_under(key)? {
        batch.remove(entry);
    }
    Ok(())
}

/// The seal of a stored value, without reading the value.
pub(super) fn stored_seal(engine: &Engine, key: &[u8]) -> Result<Option<Seal>, StoreError> {
    let Some(head) = engine.get(&entry_key(key, 0))? else { return Ok(None) };
    parse_head(key, &head).map(|(seal, _)| Some(seal))
}

/// A stored value, checked.
pub(super) fn read(engine: &Engine, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(head) = engine.get(&entry_key(key, 0))? else { return Ok(None) };
    let (stored, first) = parse_head(key, &head)?;
    let mut value = first.to_vec();
    let mut entry = 0u32;
    while (value.len() as u64) < stored.bytes {
        entry += 1;
        let Some(bytes) = engine.get(&entry_key(key, entry))? else {
            return Err(StoreError::corrupt(keys::describe(key), format!("part {entry} is missing")));
        };
        value.extend_from_slice(&bytes);
    }
    if seal(key, &value) != stored {
        return Err(StoreError::corrupt(keys::describe(key), "its checksum does not match"));
    }
    Ok(Some(value))
}

/// A stored value that must be there.
pub(super) fn read_present(engine: &Engine, key: &[u8]) -> Result<Vec<u8>, StoreError> {
    read(engine, key)?.ok_or_else(|| StoreError::corrupt(keys::describe(key), "it is missing"))
}

/// Keys of the values under a prefix, each once and in order.
pub(super) fn keys_under(engine: &Engine, prefix: &[u8], key_length: usize) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut found = engine.keys_under(prefix)?;
    found.iter_mut().for_each(|key| key.truncate(key_length));
    found.dedup();
    Ok(found)
}

fn parse_head<'a>(key: &[u8], head: &'a [u8]) -> Result<(Seal, &'a [u8]), StoreError> {
    if head.len() < HEAD {
        return Err(StoreError::corrupt(keys::describe(key), "it is too short to carry its checksum"));
    }
    let (front, first) = head.split_at(HEAD);
    let bytes = u64::from_be_bytes(front[..8].try_into().expect("eight bytes were taken"));
    let digest = front[8..].try_into().expect("the head has a fixed length");
    Ok((Seal { bytes, digest }, first))
}
