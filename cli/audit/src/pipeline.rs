//! Reads ahead, judges signatures on many threads, and hands everything on in the order of the file.
//!
//! Nothing waits without bound: so many pieces are on their way, and the next is read when one is done.

use std::collections::BTreeMap;
use std::io::Read;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use keis_ledger::crypto::{Hash, KnownKeys};
use keis_ledger::ids::DocumentId;

use crate::check::{Checked, Validators, check};
use crate::content::{Entry, Foot};
use crate::fault::Fault;
use crate::frame::Flaw;
use crate::read::{Part, Reader};

/// Bytes of blocks that one thread takes at a time: some thousands of signatures, which are judged together.
const PIECE_BYTES: usize = 4 << 20;
/// Pieces on their way, for each thread.
const PIECES_A_THREAD: usize = 2;

/// What comes out, in order.
pub(crate) enum Item {
    /// Blocks, up to the first that is not sound.
    Blocks(Vec<Result<Checked, Fault>>),
    /// Documents.
    Documents(Vec<(DocumentId, Vec<u8>)>),
    /// The end of the file.
    End(Foot),
    /// The file is not what was written.
    Flaw(Flaw),
}

/// An item with its place in the order, and the offset up to which the file was read for it.
struct Numbered<T> {
    number: u64,
    offset: u64,
    item: T,
}

enum Work {
    Check(Vec<Entry>),
    Pass(Item),
}

/// The machine's threads.
pub(crate) fn all_threads() -> NonZero<usize> {
    thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN)
}

/// Runs the whole of an export through `take`, which says whether to go on.
pub(crate) fn run<R: Read + Send>(
    reader: Reader<R>,
    network: Hash,
    validators: &Validators,
    threads: NonZero<usize>,
    mut take: impl FnMut(Item, u64) -> bool,
) {
    let room = threads.get() * PIECES_A_THREAD;
    let (permit, permits) = sync_channel::<()>(room);
    let (offer, work) = sync_channel::<Numbered<Work>>(room);
    let (deliver, results) = sync_channel::<Numbered<Item>>(room);
    let work = Mutex::new(work);
    thread::scope(|scope| {
        // A permit waits in the channel for every piece on its way.
        scope.spawn(move || read(reader, &permit, &offer));
        for _ in 0..threads.get() {
            let (work, deliver) = (&work, deliver.clone());
            scope.spawn(move || judge(work, &deliver, &network, validators));
        }
        drop(deliver);
        in_order(&results, &permits, &mut take);
        // Whoever still reads or judges finds nobody who listens, and ends. No channel is ever full: every piece in one
        // has a permit.
        drop((results, permits));
    });
}

fn read<R: Read>(mut reader: Reader<R>, permit: &SyncSender<()>, offer: &SyncSender<Numbered<Work>>) {
    let mut number = 0;
    let mut send = |offset, item| {
        let sent = permit.send(()).is_ok() && offer.send(Numbered { number, offset, item }).is_ok();
        number += 1;
        sent
    };
    let mut piece = Piece::default();
    loop {
        let part = reader.part();
        let offset = reader.position().1;
        let (item, last) = match part {
            Ok(Part::Blocks(entries)) => {
                if !piece.take(entries, offset).into_iter().all(|full| send(full.offset, Work::Check(full.entries))) {
                    return;
                }
                continue;
            }
            Ok(Part::Documents(documents)) => (Item::Documents(documents), false),
            Ok(Part::End(foot)) => (Item::End(foot), true),
            Err(flaw) => (Item::Flaw(flaw), true),
        };
        let rest = std::mem::take(&mut piece);
        let sent = rest.entries.is_empty() || send(rest.offset, Work::Check(rest.entries));
        if !sent || !send(offset, Work::Pass(item)) || last {
            return;
        }
    }
}

/// Blocks that are judged together: of several parts of a file, or a piece of one.
#[derive(Default)]
struct Piece {
    entries: Vec<Entry>,
    bytes: usize,
    offset: u64,
}

impl Piece {
    /// Takes a part's blocks; what has become full is given back, and the rest kept.
    fn take(&mut self, entries: Vec<Entry>, offset: u64) -> Vec<Self> {
        let mut full = Vec::new();
        for entry in entries {
            self.offset = offset;
            self.bytes += entry.block.len();
            self.entries.push(entry);
            if self.bytes >= PIECE_BYTES {
                full.push(std::mem::take(self));
            }
        }
        full
    }
}

fn judge(
    work: &Mutex<Receiver<Numbered<Work>>>,
    deliver: &SyncSender<Numbered<Item>>,
    network: &Hash,
    validators: &Validators,
) {
    let mut keys = KnownKeys::default();
    loop {
        let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Numbered { number, offset, item }) = next else { return };
        let item = match item {
            Work::Check(entries) => Item::Blocks(check(network, validators, &mut keys, &entries)),
            Work::Pass(item) => item,
        };
        if deliver.send(Numbered { number, offset, item }).is_err() {
            return;
        }
    }
}

fn in_order(results: &Receiver<Numbered<Item>>, permits: &Receiver<()>, take: &mut impl FnMut(Item, u64) -> bool) {
    let mut early: BTreeMap<u64, (u64, Item)> = BTreeMap::new();
    let mut next = 0;
    for Numbered { number, offset, item } in results {
        early.insert(number, (offset, item));
        while let Some((offset, item)) = early.remove(&next) {
            next += 1;
            let last = matches!(item, Item::End(_) | Item::Flaw(_));
            if !take(item, offset) || last {
                return;
            }
            // The piece is done; there is one permit for it.
            let _ = permits.recv();
        }
    }
}
