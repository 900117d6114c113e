//! Nonces that were taken, until their signatures have ended. Bounded: only keys on the ledger come so far, and one of them
//! cannot take everybody's room.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use keis_ledger::crypto::PublicKey;

/// Most nonces of one key at a time; some hundred reads a second.
const MOST_OF_A_KEY: usize = 40_000;
/// Most nonces at a time.
const MOST: usize = 400_000;

/// A nonce's short name; nobody gains from two of the own nonces that share one.
type Name = [u8; 16];

/// Nonces that cannot be used again.
#[derive(Default)]
pub(in crate::gateway) struct Replays {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    keys: BTreeMap<PublicKey, Window>,
    count: usize,
}

/// A key's nonces.
#[derive(Default)]
struct Window {
    names: BTreeSet<Name>,
    ends: BTreeSet<(i64, Name)>,
}

/// What became of a nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::gateway) enum Taken {
    /// It is used now.
    First,
    /// It was used before.
    Again,
    /// The key has used too many.
    KeyFull,
    /// Everybody together has.
    Full,
}

impl Replays {
    /// Takes a nonce that may be sent until `until`.
    pub(in crate::gateway) fn take(&self, key: PublicKey, nonce: &str, until: i64, now: i64) -> Taken {
        let name = name(nonce);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.forget(key, now);
        if held.count >= MOST {
            held.forget_all(now);
        }
        let window = held.keys.entry(key).or_default();
        if window.names.contains(&name) {
            return Taken::Again;
        }
        if window.names.len() >= MOST_OF_A_KEY {
            return Taken::KeyFull;
        }
        if held.count >= MOST {
            return Taken::Full;
        }
        let window = held.keys.entry(key).or_default();
        window.names.insert(name);
        window.ends.insert((until, name));
        held.count += 1;
        Taken::First
    }
}

impl Held {
    fn forget(&mut self, key: PublicKey, now: i64) {
        if let Some(window) = self.keys.get_mut(&key) {
            self.count -= window.forget(now);
        }
    }

    fn forget_all(&mut self, now: i64) {
        let count = &mut self.count;
        self.keys.retain(|_, window| {
            *count -= window.forget(now);
            !window.names.is_empty()
        });
    }
}

impl Window {
    /// Lets go of what has ended; says how many.
    fn forget(&mut self, now: i64) -> usize {
        let before = self.names.len();
        while let Some((until, name)) = self.ends.first().copied().filter(|(until, _)| *until < now) {
            self.ends.remove(&(until, name));
            self.names.remove(&name);
        }
        before - self.names.len()
    }
}

fn name(nonce: &str) -> Name {
    let hash = blake3::hash(nonce.as_bytes());
    let (name, _) = hash.as_bytes().split_first_chunk::<16>().expect("a hash has 32 bytes");
    *name
}
