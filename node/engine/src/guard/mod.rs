//! The sign guard: no validator's folder ever signs two messages for one slot, whatever was killed, torn or restored.
//!
//! It owns the consensus key and a log of all that the key signed. A signature leaves the process only after its record is
//! durable, which [`Guard::settle`] sees to; asked again for the same slot the guard returns what it recorded. It must not
//! know the engine, nor any block's content.

mod answer;
mod error;
mod identity;
mod log;
mod message;
mod testimony;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use bincode::{Decode, Encode};
use keis_ledger::chain::{Address, Height};
use keis_ledger::crypto::{Hash, PublicKey, SecretKey, Signature};
use keis_ledger::ids::BlockId;
use tokio::sync::watch;

pub use answer::{Answer, Beginning, Foreign, GuardState, Withheld};
pub use error::GuardError;
use identity::Identity;
use log::Log;
#[cfg(fuzzing)]
pub(crate) use log::sealed;
pub use message::Message;
use message::{Slot, Step};
use testimony::Testimony;

/// Heights that an adopted folder watches before it signs, unless the operator says otherwise.
pub const DEFAULT_OBSERVED_HEIGHTS: u64 = 10;
/// Heights below the tip of which records are kept when the log is rewritten.
const KEPT_HEIGHTS: u64 = 64;
/// Records above which the log is rewritten.
const REWRITE_RECORDS: usize = 4096;
/// Name of the log in the guard's folder.
const FILE: &str = "sign.log";
/// Why a log that a backup's restoring began is not trusted.
const RESTORED: Foreign = Foreign::Moved("the folder was restored from a backup");

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
enum Record {
    /// Opens every log, and again whenever the folder is adopted.
    Opened {
        key: PublicKey,
        network: Hash,
        identity: Identity,
    },
    Signed {
        message: Message,
        signature: Signature,
    },
    Abstained {
        height: Height,
    },
    /// Nothing is signed below this height any more.
    Floor {
        height: Height,
    },
    /// So many heights are to be observed before the first signature; none means active.
    Observing {
        remaining: u64,
    },
    /// A vote of this key was seen that the log does not hold.
    SecondCopy,
    /// The folder came out of a backup.
    Restored,
}

struct Signed {
    message: Message,
    signature: Signature,
    /// Whether the engine of this run knows that it sent the message.
    remembered: bool,
}

struct Inner {
    log: Log,
    signed: BTreeMap<Slot, Signed>,
    abstained: BTreeSet<Height>,
    floor: Height,
    state: GuardState,
    failed: bool,
    testimony: Testimony,
}

/// A validator's consensus key behind its log.
pub struct Guard {
    secret: SecretKey,
    network: Hash,
    address: Address,
    inner: Mutex<Inner>,
    /// Whether something was signed whose record is not durable.
    unsettled: AtomicBool,
    /// Tells the engine that a second copy was seen.
    second_copy: watch::Sender<bool>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guard of {} ({:?})", self.address, self.state())
    }
}

impl Guard {
    /// Begins a log in `folder`, which must exist and hold none yet.
    ///
    /// # Errors
    /// [`GuardError::Io`], also when there is a log already.
    pub fn create(folder: &Path, network: Hash, secret: SecretKey, beginning: Beginning) -> Result<Self, GuardError> {
        let path = folder.join(FILE);
        let mut log = Log::create(&path)?;
        let identity = identity_of(&log, &path)?;
        log.append(&Record::Opened { key: secret.public(), network, identity })?;
        let state = match beginning {
            Beginning::Genesis => GuardState::Active,
            Beginning::Joining { heights } => {
                log.append(&Record::Observing { remaining: heights })?;
                observing(heights)
            }
            Beginning::Restored => {
                log.append(&Record::Restored)?;
                GuardState::Foreign(RESTORED)
            }
        };
        log.sync_folder()?;
        Ok(Self::new(secret, network, Inner::empty(log, state)))
    }

    /// Opens the log in `folder`.
    ///
    /// # Errors
    /// [`GuardError`]: the log is in use, damaged, or another key's or network's.
    pub fn open(folder: &Path, network: Hash, secret: SecretKey) -> Result<Self, GuardError> {
        let path = folder.join(FILE);
        let (log, records) = Log::open::<Record>(&path)?;
        let current = identity_of(&log, &path)?;
        let mut inner = Inner::empty(log, GuardState::Active);
        let mut recorded = None;
        for record in records {
            if let Record::Opened { key, network: of, identity } = record {
                if key != secret.public() || of != network {
                    return Err(GuardError::Stranger { path, key, network: of });
                }
                recorded = Some(identity);
            }
            inner.apply(record);
        }
        let recorded = recorded.ok_or(GuardError::Damaged { path, record: 0 })?;
        if let Some(difference) = current.difference(&recorded) {
            inner.state = GuardState::Foreign(Foreign::Moved(difference));
        }
        Ok(Self::new(secret, network, inner))
    }

    fn new(secret: SecretKey, network: Hash, inner: Inner) -> Self {
        let address = Address::of(&secret.public());
        let (inner, second_copy) = (Mutex::new(inner), watch::Sender::new(false));
        Self { secret, network, address, inner, unsettled: AtomicBool::new(false), second_copy }
    }

    /// The address whose votes this guard signs.
    pub fn address(&self) -> Address {
        self.address
    }

    /// The public key of the votes.
    pub fn public_key(&self) -> PublicKey {
        self.secret.public()
    }

    /// Whether the folder signs now.
    pub fn state(&self) -> GuardState {
        self.lock().state
    }

    /// Takes over a folder that was moved, restored or suspected. It signs after `heights` were decided without a vote of
    /// its own; 0 signs at once, which is right only when it is certain that no other copy lives.
    ///
    /// # Errors
    /// [`GuardError::Io`].
    pub fn adopt(&self, heights: u64) -> Result<(), GuardError> {
        let mut inner = self.lock();
        if inner.state == GuardState::Active {
            return Ok(());
        }
        let identity = identity_of(&inner.log, inner.log.path())?;
        inner.write(Record::Opened { key: self.secret.public(), network: self.network, identity })?;
        inner.write(Record::Observing { remaining: heights })
    }

    /// Signs a message, or returns what was signed for its slot before. The signature must not leave the process before
    /// [`Guard::settle`].
    ///
    /// # Errors
    /// [`GuardError::Io`]: there is no record, so there is no signature; nothing is signed after it.
    pub fn sign(&self, message: &Message) -> Result<Answer, GuardError> {
        let mut inner = self.lock();
        if let Some(refusal) = inner.refusal(message) {
            return Ok(Answer::Withheld(refusal));
        }
        if let Some(answer) = inner.recorded(message)? {
            return Ok(answer);
        }
        let signature = self.secret.sign(&message.bytes(&self.network, &self.address));
        self.unsettled.store(true, Ordering::Release);
        inner.add(Record::Signed { message: *message, signature }, Log::append_unsynced)?;
        let signed = inner.signed.get_mut(&message.slot).expect("the record was just applied");
        signed.remembered = true;
        Ok(Answer::Signed(*message, signature))
    }

    /// Makes durable what was signed, so that it may leave.
    ///
    /// # Errors
    /// [`GuardError::Io`] or [`GuardError::Failed`]: nothing may leave, and nothing is signed any more.
    pub fn settle(&self) -> Result<(), GuardError> {
        if self.is_settled() {
            return Ok(());
        }
        let mut inner = self.lock();
        inner.still_good()?;
        inner.log.sync().inspect_err(|_| inner.failed = true)?;
        self.unsettled.store(false, Ordering::Release);
        Ok(())
    }

    /// Whether everything that was signed is durable.
    pub(crate) fn is_settled(&self) -> bool {
        !self.unsettled.load(Ordering::Acquire)
    }

    /// The engine's own log holds this message: the engine remembers that it sent it.
    pub(crate) fn remembered(&self, sender: &Address, message: &Message) {
        if *sender != self.address {
            return;
        }
        if let Some(signed) = self.lock().signed.get_mut(&message.slot) {
            signed.remembered |= signed.message == *message;
        }
    }

    /// A message with a valid signature of this key was seen. One that the log does not hold is another copy's.
    ///
    /// # Errors
    /// [`GuardError::Io`].
    pub fn seen(&self, message: &Message) -> Result<(), GuardError> {
        let mut inner = self.lock();
        let ours = inner.signed.get(&message.slot).is_some_and(|signed| signed.message == *message);
        if ours || message.slot.height < inner.floor {
            return Ok(());
        }
        match inner.state {
            GuardState::Active => {
                inner.write(Record::SecondCopy)?;
                self.second_copy.send_replace(true);
                Ok(())
            }
            GuardState::Observing { .. } => {
                // Seen while observing: the heights watched so far prove nothing.
                inner.interrupted()
            }
            GuardState::Foreign(_) => Ok(()),
        }
    }

    /// A height was decided. `live` heights were followed vote by vote; synced ones tell nothing about other copies.
    ///
    /// # Errors
    /// [`GuardError::Io`].
    pub fn decided(&self, height: Height, live: bool) -> Result<(), GuardError> {
        let mut inner = self.lock();
        inner.observe(height, live)?;
        inner.prune(height, self.secret.public(), self.network)
    }

    /// The failure after which nothing is signed any more, if there was one.
    pub(crate) fn failure(&self) -> Option<GuardError> {
        let inner = self.lock();
        inner.failed.then(|| GuardError::Failed { path: inner.log.path().to_owned() })
    }

    /// Becomes true when a second copy of this key was seen signing.
    pub(crate) fn second_copy(&self) -> watch::Receiver<bool> {
        self.second_copy.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no holder of this lock panics: its work is in memory and in checked file calls")
    }
}

fn identity_of(log: &Log, path: &Path) -> Result<Identity, GuardError> {
    Identity::of(log.file(), path).map_err(|source| GuardError::Io { path: path.to_owned(), source })
}

fn observing(remaining: u64) -> GuardState {
    if remaining == 0 { GuardState::Active } else { GuardState::Observing { remaining } }
}

impl Inner {
    fn empty(log: Log, state: GuardState) -> Self {
        Self {
            log,
            signed: BTreeMap::new(),
            abstained: BTreeSet::new(),
            floor: Height(0),
            state,
            failed: false,
            testimony: Testimony::default(),
        }
    }

    /// Makes a record durable, then lets it take effect.
    fn write(&mut self, record: Record) -> Result<(), GuardError> {
        self.add(record, Log::append)
    }

    fn add(
        &mut self,
        record: Record,
        append: impl FnOnce(&mut Log, &Record) -> Result<(), GuardError>,
    ) -> Result<(), GuardError> {
        self.still_good()?;
        append(&mut self.log, &record).inspect_err(|_| self.failed = true)?;
        self.apply(record);
        Ok(())
    }

    /// A write or sync that failed once is never taken for done: nothing is signed until the log was read again.
    fn still_good(&self) -> Result<(), GuardError> {
        if self.failed { Err(GuardError::Failed { path: self.log.path().to_owned() }) } else { Ok(()) }
    }

    fn apply(&mut self, record: Record) {
        match record {
            Record::Opened { .. } => {}
            Record::Signed { message, signature } => {
                self.signed.insert(message.slot, Signed { message, signature, remembered: false });
            }
            Record::Abstained { height } => {
                self.abstained.insert(height);
            }
            Record::Floor { height } => self.floor = self.floor.max(height),
            Record::Observing { remaining } => self.state = observing(remaining),
            Record::SecondCopy => self.state = GuardState::Foreign(Foreign::SecondCopy),
            Record::Restored => self.state = GuardState::Foreign(RESTORED),
        }
    }

    /// Why the folder signs nothing at this height, if so.
    fn refusal(&self, message: &Message) -> Option<Withheld> {
        if self.state != GuardState::Active {
            Some(Withheld::NotActive)
        } else if message.slot.height < self.floor {
            Some(Withheld::Old)
        } else {
            None
        }
    }

    /// What follows from the records of this height; `None` lets the message be signed.
    fn recorded(&mut self, message: &Message) -> Result<Option<Answer>, GuardError> {
        let Slot { height, round, step } = message.slot;
        if let Some(signed) = self.signed.get_mut(&message.slot) {
            let (before, signature) = (signed.message, signed.signature);
            if before == *message {
                signed.remembered = true;
                return Ok(Some(Answer::Signed(before, signature)));
            }
            match step {
                Step::Propose => return Ok(Some(Answer::Withheld(Withheld::OtherProposal))),
                Step::Prevote => {}
                Step::Precommit => {
                    if !self.abstained.contains(&height) {
                        self.write(Record::Abstained { height })?;
                    }
                }
            }
            return Ok(Some(Answer::Signed(before, signature)));
        }
        if self.abstained.contains(&height) {
            return Ok(Some(Answer::Withheld(Withheld::Abstaining)));
        }
        let newest = self.signed_at(height).last();
        if newest.is_some_and(|newest| newest.message.slot.round > round) {
            return Ok(Some(Answer::Withheld(Withheld::Old)));
        }
        let forgotten = step == Step::Prevote && message.block.is_some() && self.forgotten_lock(height, message.block);
        Ok(forgotten.then_some(Answer::Withheld(Withheld::ForgottenLock)))
    }

    fn signed_at(&self, height: Height) -> impl DoubleEndedIterator<Item = &Signed> {
        let first = Slot { height, round: 0, step: Step::Propose };
        let last = Slot { height, round: u32::MAX, step: Step::Precommit };
        self.signed.range(first..=last).map(|(_, signed)| signed)
    }

    /// Whether the last block precommitted at this height is another one, and the engine lost the memory of it. Only an
    /// engine that remembers its lock can know of the newer quorum that frees it.
    fn forgotten_lock(&self, height: Height, block: Option<BlockId>) -> bool {
        let lock = self
            .signed_at(height)
            .rfind(|signed| signed.message.slot.step == Step::Precommit && signed.message.block.is_some());
        lock.is_some_and(|lock| lock.message.block != block && !lock.remembered)
    }

    fn interrupted(&mut self) -> Result<(), GuardError> {
        match self.state {
            GuardState::Observing { remaining } if remaining < DEFAULT_OBSERVED_HEIGHTS => {
                self.write(Record::Observing { remaining: DEFAULT_OBSERVED_HEIGHTS })
            }
            GuardState::Observing { .. } | GuardState::Active | GuardState::Foreign(_) => Ok(()),
        }
    }

    fn observe(&mut self, height: Height, live: bool) -> Result<(), GuardError> {
        let GuardState::Observing { remaining } = self.state else { return Ok(()) };
        if !live {
            return Ok(());
        }
        // Whatever another copy may have signed up to here stays out of reach.
        self.write(Record::Floor { height: height.next() })?;
        if !self.testimony.counts(height, remaining) {
            return Ok(());
        }
        self.write(Record::Observing { remaining: remaining.saturating_sub(1) })
    }

    /// Rewrites the log without what lies far below the tip: beside it, then in its place.
    fn prune(&mut self, tip: Height, key: PublicKey, network: Hash) -> Result<(), GuardError> {
        if self.log.len() < REWRITE_RECORDS || matches!(self.state, GuardState::Foreign(_)) || self.failed {
            return Ok(());
        }
        let floor = self.floor.max(Height(tip.0.saturating_sub(KEPT_HEIGHTS)));
        self.signed.retain(|slot, _| slot.height >= floor);
        self.abstained.retain(|height| *height >= floor);
        self.floor = floor;
        self.rewrite(key, network).inspect_err(|_| self.failed = true)
    }

    fn rewrite(&mut self, key: PublicKey, network: Hash) -> Result<(), GuardError> {
        let mut next = self.log.successor()?;
        let identity = identity_of(&next, self.log.path())?;
        next.put(&Record::Opened { key, network, identity })?;
        next.put(&Record::Floor { height: self.floor })?;
        if let GuardState::Observing { remaining } = self.state {
            next.put(&Record::Observing { remaining })?;
        }
        for height in &self.abstained {
            next.put(&Record::Abstained { height: *height })?;
        }
        for signed in self.signed.values() {
            next.put(&Record::Signed { message: signed.message, signature: signed.signature })?;
        }
        self.log.replace(next)
    }
}
