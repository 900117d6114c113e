//! The engine's own log: what consensus must remember of the height in progress when the process ends in the middle of it.
//!
//! A sync is worth its time only before something of this node's own leaves it: peers say again what they said, and the sign guard
//! keeps its own log. So the journal holds what came from peers in memory, and writes and syncs all of it, in its order, with the
//! own vote or proposal that follows from it, while the guard settles the signature and the store the blocks. A node that merely
//! follows what others decide writes nothing here, which keeps one with a slow disk from falling behind by five syncs a height.
//!
//! Each entry says of what height it is, so that those of past heights need not be taken away, with a sync, before the next.

use std::cmp::Ordering;
use std::io::{self, Cursor};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use keis_ledger::chain::Address;
use malachite_app_channel::app::engine::wal::{Msg, WalRef, decode_entry, encode_entry};
use malachite_app_channel::app::wal::Log;
use malachite_core_consensus::Input;
use malachite_core_types::{Height as _, Proposal as _, Vote as _};
use ractor::{Actor, ActorProcessingErr, ActorRef};

use crate::app::Blocks;
use crate::context::{EngineHeight, KeisContext};
use crate::engine::EngineError;
use crate::wire::Wire;

/// Most entries that are held in memory; more than any height has whose rounds end.
const MOST_HELD: usize = 4_096;
/// Entries in the file from which on it is emptied before a height.
const MOST_KEPT: usize = 256;
/// Bytes of an entry that say its height.
const HEIGHT: usize = 8;

type Entry = Input<KeisContext>;

/// Opens the log at `path` and starts the actor that keeps it, for the validator of this address, beside these blocks.
///
/// # Errors
/// [`EngineError::Log`] or [`EngineError::Start`].
pub(crate) async fn open(
    path: &Path,
    wire: Wire,
    own: Option<Address>,
    blocks: Arc<dyn Blocks>,
) -> Result<WalRef<KeisContext>, EngineError> {
    let log = Log::open(path).map_err(|source| EngineError::Log { path: path.to_owned(), source })?;
    let held = Held::new(File { log, wire: wire.clone(), begun: None });
    let started = Actor::spawn(None, Journal { own, wire, blocks }, held).await;
    started.map(|(journal, _)| journal).map_err(|error| EngineError::Start(error.to_string()))
}

/// The engine's log, as the engine sees it.
struct Journal {
    own: Option<Address>,
    wire: Wire,
    blocks: Arc<dyn Blocks>,
}

/// What the file lacks.
struct Held {
    /// Away while it is written to; gone once that has failed.
    file: Option<File>,
    height: Option<EngineHeight>,
    entries: Vec<Entry>,
    /// Whether something of this node's own is among them.
    is_own: bool,
}

struct File {
    log: Log,
    wire: Wire,
    /// The height that was begun last; of later ones it has nothing.
    begun: Option<EngineHeight>,
}

#[async_trait]
impl Actor for Journal {
    type Msg = Msg<KeisContext>;
    type State = Held;
    type Arguments = Held;

    async fn pre_start(&self, _: ActorRef<Self::Msg>, held: Held) -> Result<Held, ActorProcessingErr> {
        Ok(held)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        message: Self::Msg,
        held: &mut Held,
    ) -> Result<(), ActorProcessingErr> {
        // Who asked and is gone has nothing to hear.
        match message {
            Msg::StartedHeight(height, reply) => {
                let _ = reply.send(held.begin(height, self.blocks.clone()).await.map_err(Into::into));
            }
            Msg::Reset(height, reply) => {
                let _ = reply.send(held.forget(height).await.map_err(Into::into));
            }
            Msg::Append(height, entry, reply) => {
                let is_own = self.is_own(&entry);
                let _ = reply.send(held.append(height, entry, is_own).await.map_err(Into::into));
            }
            Msg::Flush(reply) => {
                let kept = if held.is_own { self.keep(held).await } else { Ok(()) };
                let _ = reply.send(kept.map_err(Into::into));
            }
            Msg::Dump => tracing::info!(height = ?held.height, held = held.entries.len(), "the log of consensus"),
        }
        Ok(())
    }
}

impl Journal {
    /// Makes durable what is held, the signatures and the blocks, all at a time: nothing leaves before all of it is.
    async fn keep(&self, held: &mut Held) -> io::Result<()> {
        let (wire, blocks) = (self.wire.clone(), self.blocks.clone());
        let signed = tokio::task::spawn_blocking(move || wire.settle());
        let stored = tokio::task::spawn_blocking(move || blocks.settle());
        held.write().await?;
        signed.await?.map_err(io::Error::other)?;
        stored.await?.map_err(io::Error::other)?;
        held.is_own = false;
        Ok(())
    }

    fn is_own(&self, entry: &Entry) -> bool {
        let by = match entry {
            Input::Vote(vote) => vote.validator_address(),
            Input::Proposal(proposal) => proposal.validator_address(),
            _ => return false,
        };
        self.own == Some(by.0)
    }
}

impl Held {
    fn new(file: File) -> Self {
        Self { file: Some(file), height: None, entries: Vec::new(), is_own: false }
    }

    /// Goes on to a height; gives what the last process wrote of it.
    async fn begin(&mut self, height: EngineHeight, blocks: Arc<dyn Blocks>) -> io::Result<Vec<io::Result<Entry>>> {
        let is_first = self.height.is_none();
        self.go_to(height);
        if is_first { self.with_file(move |file| file.entries_of(height, &*blocks)).await } else { Ok(Vec::new()) }
    }

    /// Goes on to a height of which nothing is to be remembered.
    async fn forget(&mut self, height: EngineHeight) -> io::Result<()> {
        self.go_to(height);
        self.with_file(move |file| if file.log.is_empty() { Ok(()) } else { file.begin(height) }).await
    }

    fn go_to(&mut self, height: EngineHeight) {
        (self.height, self.is_own) = (Some(height), false);
        self.entries.clear();
    }

    async fn append(&mut self, height: EngineHeight, entry: Entry, is_own: bool) -> io::Result<()> {
        if self.height != Some(height) {
            tracing::warn!(%height, now = ?self.height, "an entry of another height is not kept");
            return Ok(());
        }
        self.entries.push(entry);
        self.is_own |= is_own;
        if self.entries.len() < MOST_HELD { Ok(()) } else { self.write().await }
    }

    /// Makes the entries durable.
    async fn write(&mut self) -> io::Result<()> {
        let Some(height) = self.height else { return Ok(()) };
        let entries = std::mem::take(&mut self.entries);
        self.with_file(move |file| file.add(height, entries)).await
    }

    async fn with_file<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut File) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let mut file =
            self.file.take().ok_or_else(|| io::Error::other("writing to the log of consensus had failed"))?;
        let (file, done) = tokio::task::spawn_blocking(move || {
            let done = work(&mut file);
            (file, done)
        })
        .await?;
        // A sync that failed may seem to succeed when it is tried again.
        self.file = done.is_ok().then_some(file);
        done
    }
}

impl File {
    /// The entries of a height. Where one speaks of a block that is not there, the process ended before all was durable: it and
    /// what follows are dropped. A log that has come further than the chain is emptied: its heights are yet to come again.
    fn entries_of(&mut self, height: EngineHeight, blocks: &dyn Blocks) -> io::Result<Vec<io::Result<Entry>>> {
        self.begun = Some(height);
        if self.log.is_empty() {
            return Ok(Vec::new());
        }
        // A process that was killed may have left what is here, and no more on the disk than it had synced.
        blocks.settle().map_err(io::Error::other)?;
        self.log.flush()?;
        let all = self.log.iter()?.collect::<io::Result<Vec<_>>>()?;
        let mut entries = Vec::new();
        for (index, bytes) in (0..).zip(all) {
            let Some((of, entry)) = bytes.split_first_chunk::<HEIGHT>() else { continue };
            match u64::from_be_bytes(*of).cmp(&height.as_u64()) {
                Ordering::Less => continue,
                Ordering::Equal => {}
                Ordering::Greater => {
                    self.begin(height)?;
                    return Ok(Vec::new());
                }
            }
            let entry = decode_entry(&self.wire, Cursor::new(entry.to_vec()));
            if let Ok(Input::ProposedValue(value, _)) = &entry
                && !blocks.holds(height.0, value.value.0).map_err(io::Error::other)?
            {
                tracing::warn!(%height, block = %value.value.0, "the log of consensus is ahead of the blocks, and cut off");
                self.log.truncate(index)?;
                self.log.flush()?;
                break;
            }
            entries.push(entry);
        }
        Ok(entries)
    }

    /// Empties the log for a height.
    fn begin(&mut self, height: EngineHeight) -> io::Result<()> {
        self.log.reset(height.as_u64())?;
        self.begun = Some(height);
        Ok(())
    }

    /// Adds entries of a height, and makes them durable.
    fn add(&mut self, height: EngineHeight, entries: Vec<Entry>) -> io::Result<()> {
        if self.begun != Some(height) && self.log.len() >= MOST_KEPT {
            self.begin(height)?;
        }
        self.begun = Some(height);
        for entry in entries {
            let mut bytes = height.as_u64().to_be_bytes().to_vec();
            encode_entry(entry, &self.wire, &mut bytes)?;
            self.log.append(&bytes)?;
        }
        self.log.flush()
    }
}

#[cfg(test)]
mod tests {
    use keis_ledger::chain::{Height, VoteStep};
    use keis_ledger::crypto::{Hash, SecretKey, Signature};
    use keis_ledger::ids::BlockId;
    use malachite_app_channel::app::types::ProposedValue;
    use malachite_core_types::{NilOrVal, SignedMessage, Validity, ValueOrigin};
    use ractor::call;

    use super::*;
    use crate::app::AppError;
    use crate::context::{EngineAddress, EngineValue, EngineVote, Sealed, WITHHELD, round_of};
    use crate::guard::{Beginning, Guard, Message};

    const OWN: Address = Address([1; 20]);
    const PEER: Address = Address([2; 20]);

    fn at(height: u64) -> EngineHeight {
        EngineHeight(Height(height))
    }

    fn vote(height: u64, round: u32, voter: Address) -> Entry {
        sealed(Sealed(Signature([7; 64])), height, round, voter)
    }

    fn sealed(seal: Sealed, height: u64, round: u32, voter: Address) -> Entry {
        let vote = EngineVote {
            step: VoteStep::Prevote,
            height: at(height),
            round: round_of(Some(round)),
            value: NilOrVal::Nil,
            voter: EngineAddress(voter),
        };
        Input::Vote(SignedMessage::new(vote, seal))
    }

    fn proposed(height: u64, round: u32, block: BlockId) -> Entry {
        let value = ProposedValue {
            height: at(height),
            round: round_of(Some(round)),
            valid_round: round_of(None),
            proposer: EngineAddress(PEER),
            value: EngineValue(block),
            validity: Validity::Valid,
        };
        Input::ProposedValue(value, ValueOrigin::Consensus)
    }

    /// Blocks that are all there but one.
    struct AllBut(Option<BlockId>);

    impl Blocks for AllBut {
        fn settle(&self) -> Result<(), AppError> {
            Ok(())
        }

        fn holds(&self, _: Height, block: BlockId) -> Result<bool, AppError> {
            Ok(self.0 != Some(block))
        }
    }

    /// A journal in a process of its own, as far as the file can tell.
    struct Process(WalRef<KeisContext>);

    impl Process {
        async fn start(path: &Path) -> Self {
            Self::without(None, path).await
        }

        /// Starts where a block is missing.
        async fn without(block: Option<BlockId>, path: &Path) -> Self {
            let wire = Wire::of_log(None, tokio::sync::mpsc::channel(1).0);
            Self(open(path, wire, Some(OWN), Arc::new(AllBut(block))).await.expect("the log can be kept"))
        }

        async fn begin(&self, height: u64) -> Vec<Entry> {
            let entries =
                call!(self.0, Msg::StartedHeight, at(height)).expect("the journal answers").expect("a sound file");
            entries.into_iter().map(|entry| entry.expect("a sound entry")).collect()
        }

        async fn append(&self, height: u64, entry: &Entry) {
            call!(self.0, Msg::Append, at(height), entry.clone()).expect("the journal answers").expect("it is kept");
        }

        async fn flush(&self) {
            call!(self.0, Msg::Flush).expect("the journal answers").expect("the disk answers");
        }

        async fn keep(&self, height: u64, entry: &Entry) {
            self.append(height, entry).await;
            self.flush().await;
        }

        async fn end(self) {
            self.0.stop_and_wait(None, None).await.expect("nothing keeps it");
        }
    }

    async fn voted_at_7(path: &Path) -> Process {
        let process = Process::start(path).await;
        process.begin(7).await;
        process.keep(7, &vote(7, 0, OWN)).await;
        process
    }

    #[tokio::test]
    async fn what_peers_said_waits_for_the_first_own_message_and_is_kept_with_it_in_its_order() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("consensus.wal");
        let said = [vote(4, 0, PEER), vote(4, 1, PEER), vote(4, 1, OWN)];
        let process = Process::start(&path).await;
        let empty = std::fs::read(&path).expect("a file of ours");
        assert_eq!(process.begin(4).await, []);
        for entry in &said[..2] {
            process.keep(4, entry).await;
        }
        assert_eq!(std::fs::read(&path).expect("a file of ours"), empty, "nothing of its own has to be kept");
        process.keep(4, &said[2]).await;
        let kept = std::fs::read(&path).expect("a file of ours");
        process.keep(4, &vote(4, 2, PEER)).await;
        process.keep(3, &vote(3, 0, OWN)).await;
        assert_eq!(std::fs::read(&path).expect("a file of ours"), kept, "another height's entry is not kept");
        process.end().await;
        let again = Process::start(&path).await;
        assert_eq!(again.begin(4).await, said);
        assert_eq!(again.begin(4).await, [], "they are given once");
        again.keep(4, &vote(4, 3, OWN)).await;
        again.end().await;
        let all: Vec<_> = said.into_iter().chain([vote(4, 3, OWN)]).collect();
        assert_eq!(Process::start(&path).await.begin(4).await, all, "what follows comes after what was there");
    }

    #[tokio::test]
    async fn a_height_holds_nothing_of_another_even_one_that_an_older_process_had_come_to() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("consensus.wal");
        let process = voted_at_7(&path).await;
        process.append(7, &vote(7, 0, PEER)).await;
        process.begin(8).await;
        process.keep(8, &vote(8, 0, OWN)).await;
        process.end().await;
        // Its blocks were lost, so it begins again further back.
        let restored = Process::start(&path).await;
        assert_eq!(restored.begin(6).await, []);
        assert_eq!(restored.begin(8).await, []);
        restored.keep(8, &vote(8, 5, OWN)).await;
        restored.end().await;
        assert_eq!(Process::start(&path).await.begin(8).await, [vote(8, 5, OWN)]);
    }

    #[tokio::test]
    async fn past_heights_stay_in_the_file_until_there_are_many_and_are_never_given() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("consensus.wal");
        let process = Process::start(&path).await;
        let (mut longest, mut shrank) = (0, false);
        for height in 1..=2 * MOST_KEPT as u64 {
            process.begin(height).await;
            process.keep(height, &vote(height, 0, OWN)).await;
            let size = std::fs::metadata(&path).expect("a file of ours").len();
            (shrank, longest) = (shrank || size < longest, longest.max(size));
        }
        assert!(shrank, "it grew to {longest} bytes");
        process.end().await;
        let last = 2 * MOST_KEPT as u64;
        assert_eq!(Process::start(&path).await.begin(last).await, [vote(last, 0, OWN)]);
    }

    #[tokio::test]
    async fn an_own_message_is_kept_with_the_guards_word_for_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (network, secret) = (Hash([1; 32]), SecretKey::from_bytes(&[2; 32]));
        let guard = Guard::create(folder.path(), network, secret, Beginning::Genesis).expect("a folder of ours");
        let (own, guard) = (guard.address(), Arc::new(guard));
        let wire = Wire::of_log(Some(guard.clone()), tokio::sync::mpsc::channel(1).0);
        let path = folder.path().join("consensus.wal");
        let process = Process(open(&path, wire, Some(own), Arc::new(AllBut(None))).await.expect("the log can be kept"));
        process.begin(7).await;
        guard.sign(&Message::vote(VoteStep::Prevote, Height(7), 0, None)).expect("the disk answers");
        process.keep(7, &vote(7, 0, PEER)).await;
        assert!(!guard.is_settled(), "nothing of its own leaves");
        process.keep(7, &vote(7, 0, own)).await;
        assert!(guard.is_settled());
        process.end().await;
    }

    #[tokio::test]
    async fn what_speaks_of_a_block_that_was_lost_is_dropped_with_what_follows() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("consensus.wal");
        let (kept, lost) = (BlockId([1; 32]), BlockId([2; 32]));
        let said = [proposed(7, 0, kept), vote(7, 0, OWN), proposed(7, 1, lost), vote(7, 1, OWN)];
        let process = Process::start(&path).await;
        process.begin(7).await;
        for entry in &said {
            process.keep(7, entry).await;
        }
        process.end().await;
        let again = Process::without(Some(lost), &path).await;
        assert_eq!(again.begin(7).await, said[..2]);
        again.keep(7, &vote(7, 2, OWN)).await;
        again.end().await;
        let all = [said[0].clone(), said[1].clone(), vote(7, 2, OWN)];
        assert_eq!(Process::start(&path).await.begin(7).await, all, "it is gone for good");
    }

    #[tokio::test]
    async fn a_height_that_is_to_be_forgotten_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("consensus.wal");
        let process = voted_at_7(&path).await;
        call!(process.0, Msg::Reset, at(7)).expect("the journal answers").expect("the disk answers");
        process.end().await;
        assert_eq!(Process::start(&path).await.begin(7).await, []);
    }

    #[tokio::test]
    async fn what_could_not_be_written_is_not_called_written_later() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("consensus.wal");
        let process = Process::start(&path).await;
        process.begin(7).await;
        // What the guard withheld has no encoding.
        process.append(7, &sealed(WITHHELD, 7, 0, OWN)).await;
        for _ in 0..2 {
            assert!(call!(process.0, Msg::Flush).expect("the journal answers").is_err(), "it is not durable");
        }
        process.end().await;
    }
}
