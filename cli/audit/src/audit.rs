//! An audit from the first byte to the report.

use std::io::Read;
use std::num::NonZero;

use keis_genesis::Genesis;
use keis_ledger::chain::Height;
use keis_ledger::ids::DocumentId;

use crate::archive::Archive;
use crate::check::{Checked, Validators};
use crate::collect::Collector;
use crate::content::{Extent, Foot, Head};
use crate::fault::{Fault, rule};
use crate::frame::Flaw;
use crate::pipeline::{self, Item, all_threads};
use crate::read::{Opening, Reader};
use crate::replay::{Figures, Piece, Replay};
use crate::report::{FileFacts, Report, TipFacts, Verdict, Verified};

/// How an audit is run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Threads that judge signatures.
    pub threads: NonZero<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: all_threads() }
    }
}

/// How far an audit has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The last sound height.
    pub height: Height,
    /// Bytes of the file that are done.
    pub bytes: u64,
    /// Transactions so far.
    pub transactions: u64,
}

/// Audits an export against a founding document.
///
/// # Errors
/// [`Opening`] when it cannot be read at all: no export, another version, or the medium failed. Whatever is wrong with an
/// export is in the report.
pub fn audit(
    input: impl Read + Send,
    genesis: &Genesis,
    options: &Options,
    progress: impl FnMut(Progress),
) -> Result<Report, Opening> {
    Ok(judge(input, genesis, options, None, progress)?.0)
}

/// Audits an export and keeps the records of the years that it seals. There is an archive only of an export that is whole
/// and sound.
///
/// # Errors
/// As [`audit`].
pub fn archive(
    input: impl Read + Send,
    genesis: &Genesis,
    options: &Options,
    progress: impl FnMut(Progress),
) -> Result<(Report, Option<Archive>), Opening> {
    let (report, archive) = judge(input, genesis, options, Some(Archive::default()), progress)?;
    let archive = archive.filter(|_| report.verdict == Verdict::Sound);
    Ok((report, archive))
}

fn judge(
    input: impl Read + Send,
    genesis: &Genesis,
    options: &Options,
    archive: Option<Archive>,
    mut progress: impl FnMut(Progress),
) -> Result<(Report, Option<Archive>), Opening> {
    let reader = match Reader::open(input) {
        Ok(reader) => reader,
        Err(Opening::Flaw(flaw)) if !matches!(flaw, Flaw::Read { .. }) => {
            return Ok((Report::unread(genesis, told(&flaw)), None));
        }
        Err(opening) => return Err(opening),
    };
    let head = *reader.head();
    if head.network != genesis.hash() {
        let detail = format!("the export is of the network {}", head.network);
        return Ok((Report::unread(genesis, Fault::file(rule::NETWORK, detail)), None));
    }
    let validators = Validators::new(genesis.validators());
    let mut run = Run::new(head, genesis, &validators, archive);
    pipeline::run(reader, genesis.hash(), &validators, options.threads, |item, bytes| {
        let goes_on = run.take(item);
        run.bytes = bytes;
        progress(Progress { height: run.height(), bytes, transactions: run.transactions() });
        goes_on
    });
    let archive = run.take_archive();
    Ok((run.report(genesis)?, archive))
}

enum Way<'a> {
    Whole(Box<Replay<'a>>),
    Piece(Box<Piece>),
}

struct Run<'a> {
    way: Way<'a>,
    extent: Extent,
    bytes: u64,
    finished: bool,
    fault: Option<Fault>,
    failed: Option<Flaw>,
}

impl<'a> Run<'a> {
    fn new(head: Head, genesis: &Genesis, validators: &'a Validators, archive: Option<Archive>) -> Self {
        let way = if head.from == Height(1) {
            Way::Whole(Box::new(Replay::new(genesis, validators, archive)))
        } else {
            Way::Piece(Box::new(Piece::new()))
        };
        Self { way, extent: Extent::new(head.from), bytes: 0, finished: false, fault: None, failed: None }
    }

    fn take_archive(&mut self) -> Option<Archive> {
        match &mut self.way {
            Way::Whole(replay) => replay.take_archive(),
            Way::Piece(_) => None,
        }
    }

    fn height(&self) -> Height {
        Height(self.extent.next().0.saturating_sub(1))
    }

    fn transactions(&self) -> u64 {
        self.of_collector(|collector| collector.transactions)
    }

    fn of_collector<T>(&self, ask: impl FnOnce(&Collector) -> T) -> T {
        match &self.way {
            Way::Whole(replay) => ask(&replay.collector()),
            Way::Piece(piece) => ask(&piece.collector),
        }
    }

    /// Takes what comes next; says whether anything else may come.
    fn take(&mut self, item: Item) -> bool {
        let taken = match item {
            Item::Blocks(blocks) => blocks.into_iter().try_for_each(|checked| self.block(checked?)),
            Item::Documents(documents) => documents.iter().try_for_each(|(id, bytes)| self.document(*id, bytes)),
            Item::End(foot) => self.end(&foot),
            Item::Flaw(flaw @ Flaw::Read { .. }) => {
                self.failed = Some(flaw);
                return false;
            }
            Item::Flaw(flaw) => Err(told(&flaw)),
        };
        // A block that came before what is wrong here may have its own fault.
        let earlier = if taken.is_err() { self.settle() } else { Ok(()) };
        self.count_proven();
        self.fault = earlier.err().or(taken.err());
        self.fault.is_none()
    }

    fn block(&mut self, checked: Checked) -> Result<(), Fault> {
        let next = self.extent.next();
        match &mut self.way {
            Way::Whole(replay) => replay.take(checked),
            Way::Piece(piece) => {
                piece.take(&checked, next)?;
                self.extent.grow(checked.id);
                Ok(())
            }
        }
    }

    fn document(&mut self, id: DocumentId, bytes: &[u8]) -> Result<(), Fault> {
        self.extent.documents += 1;
        let sound = match &mut self.way {
            Way::Whole(replay) => replay.collector().document(id, bytes),
            Way::Piece(piece) => piece.collector.document(id, bytes),
        };
        let twisted = || Fault::file(rule::DOCUMENT, format!("{id} is there twice, or is another document"));
        sound.then_some(()).ok_or_else(twisted)
    }

    fn settle(&mut self) -> Result<(), Fault> {
        match &mut self.way {
            Way::Whole(replay) => replay.settle(),
            Way::Piece(_) => Ok(()),
        }
    }

    fn count_proven(&mut self) {
        if let Way::Whole(replay) = &mut self.way {
            replay.proven().into_iter().for_each(|id| self.extent.grow(id));
        }
    }

    fn end(&mut self, foot: &Foot) -> Result<(), Fault> {
        self.settle()?;
        self.count_proven();
        self.finished = true;
        if foot.extent != self.extent {
            return Err(Fault::file(rule::FILE_TIP, "the end of the export tells another last block than it holds"));
        }
        match self.of_collector(Collector::stray) {
            Some(id) => Err(Fault::file(rule::DOCUMENT, format!("no transaction names {id}"))),
            None => Ok(()),
        }
    }

    fn report(self, genesis: &Genesis) -> Result<Report, Opening> {
        if let Some(flaw) = self.failed {
            return Err(flaw.into());
        }
        let file = self.of_collector(|collector| FileFacts::of(&self.extent, self.bytes, self.finished, collector));
        let mut fault = self.fault;
        match self.way {
            Way::Whole(replay) => {
                let (tip, handovers) = (replay.tip(), replay.handovers);
                let Figures { years, collector, recount } = replay.figures();
                fault = fault.or(recount);
                let verdict = if fault.is_some() { Verdict::Fault } else { Verdict::Sound };
                let verified = Verified::of(&collector, handovers, 0);
                Ok(Report::of(genesis, verdict, fault, file, Some(tip), verified, years))
            }
            Way::Piece(piece) => {
                let verdict = if fault.is_some() { Verdict::Fault } else { Verdict::Piece };
                let verified = Verified::of(&piece.collector, 0, piece.unjudged);
                let tip = piece.tip.as_ref().map(TipFacts::of_header);
                Ok(Report::of(genesis, verdict, fault, file, tip, verified, Vec::new()))
            }
        }
    }
}

fn told(flaw: &Flaw) -> Fault {
    let rule = if matches!(flaw, Flaw::Unfinished { .. }) { rule::FILE_UNFINISHED } else { rule::FILE_DAMAGED };
    Fault::file(rule, flaw)
}
