//! Executes the blocks of an export again, one after the other. What comes of them is hashed and compared beside it, some
//! blocks behind ([`crate::prove`]).

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use keis_genesis::Genesis;
use keis_ledger::block::InvalidBlock;
use keis_ledger::chain::{Header, Height};
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::Hash;
use keis_ledger::follow::{Followed, Follower, Retreat};
use keis_ledger::ids::BlockId;
use keis_ledger::money::Source;
use keis_ledger::operation::{FundsOperation, Operation};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{Network, YearRecord};
use keis_ledger::state::Records;
use keis_ledger::transaction::VerifiedTransaction;

use crate::archive::{Archive, Decided};
use crate::check::{Checked, KnownSet, Validators, judge};
use crate::collect::Collector;
use crate::fault::{Fault, rule};
use crate::money;
use crate::prove::{Proven, Prover, Step};
use crate::report::TipFacts;
use crate::year::{YearFigures, gather};

/// A chain that is executed again from its founding on.
pub(crate) struct Replay<'a> {
    follower: Follower,
    validators: &'a Validators,
    set: Arc<KnownSet>,
    years: BTreeSet<Year>,
    /// Figures of years whose records are gone from the state.
    closed: Vec<YearFigures>,
    collector: Arc<Mutex<Collector>>,
    prover: Prover,
    /// Blocks that were executed and not yet proven, the oldest first.
    waiting: VecDeque<Waiting>,
    tip: TipFacts,
    /// Blocks that were proven since somebody asked.
    proven: Vec<BlockId>,
    pub(crate) handovers: u64,
    /// Kept for who asked for it alone: it holds on to the records of sealed years.
    archive: Option<Archive>,
}

struct Waiting {
    retreat: Retreat,
    handed_over: bool,
    /// For the archive, if there is one.
    decided: Option<Decided>,
}

/// What everything that was noted comes to at the end.
pub(crate) struct Figures {
    pub(crate) years: Vec<YearFigures>,
    pub(crate) collector: Collector,
    /// The first class of accounts whose records hold something else than its sum says.
    pub(crate) recount: Option<Fault>,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(genesis: &Genesis, validators: &'a Validators, archive: Option<Archive>) -> Self {
        let tip = genesis.tip();
        let collector = Arc::new(Mutex::new(Collector::default()));
        Self {
            follower: Follower::of(&tip),
            validators,
            set: validators.now(),
            years: BTreeSet::new(),
            closed: Vec::new(),
            prover: Prover::start(&tip.state, &collector),
            collector,
            waiting: VecDeque::new(),
            tip: TipFacts::of_tip(&tip),
            proven: Vec::new(),
            handovers: 0,
            archive,
        }
    }

    /// What was kept of sealed years, if that was asked for.
    pub(crate) fn take_archive(&mut self) -> Option<Archive> {
        Some(self.archive.take()?.ended(self.follower.records()))
    }

    /// The last block of which everything holds.
    pub(crate) fn tip(&self) -> TipFacts {
        self.tip
    }

    /// The blocks that were proven since this was last asked.
    pub(crate) fn proven(&mut self) -> Vec<BlockId> {
        std::mem::take(&mut self.proven)
    }

    pub(crate) fn collector(&self) -> MutexGuard<'_, Collector> {
        self.collector.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next block. A fault may be that of a block before it.
    pub(crate) fn take(&mut self, checked: Checked) -> Result<(), Fault> {
        let executed = self.execute(checked);
        if executed.is_err() {
            self.settle()?;
        }
        executed?;
        while let Some(proven) = self.prover.hear() {
            self.heard(proven)?;
        }
        Ok(())
    }

    /// Waits until every block that was taken is proven.
    pub(crate) fn settle(&mut self) -> Result<(), Fault> {
        while !self.waiting.is_empty() {
            let proven = self.prover.wait(self.tip.height.next());
            self.heard(proven)?;
        }
        Ok(())
    }

    fn execute(&mut self, checked: Checked) -> Result<(), Fault> {
        if checked.transactions.iter().any(seals) {
            // All before it are proven first; what is known of the year then need not be found out again.
            self.settle()?;
            self.follower.weigh_by(&self.prover.roots());
        }
        let header = &checked.header;
        let at = header.height;
        if at != self.follower.height().next() {
            let next = self.follower.height().next();
            return Err(Fault::block(rule::HEIGHT, at, format!("height {next} was to come")));
        }
        if header.parent != self.follower.block() {
            let before = format!("the block before is {}", self.follower.block());
            return Err(Fault::block(rule::PARENT, at, before));
        }
        if header.validators != self.set.hash {
            return Err(Fault::block(rule::VALIDATORS, at, "the header names other validators than the state"));
        }
        if checked.sound_by != Some(self.set.hash) {
            judge(&checked.certificate, &header.network, &self.set.set)?;
        }
        let Followed { unproven, retreat, sealed } = run(&mut self.follower, &checked)?;
        let opened = unproven.receipts().iter().filter(|full| full.receipt.kind == Kind::YearOpened);
        self.years.extend(opened.filter_map(|full| full.receipt.subject.year));
        self.years.retain(|year| !sealed.contains(year));
        let handed_over = header.next_validators != header.validators;
        if handed_over && let Some(network) = self.follower.get::<Network>(()) {
            self.validators.change(&network.validators);
            self.set = self.validators.now();
        }
        let decided = self.archive.is_some().then(|| Decided {
            header: header.clone(),
            certificate: checked.certificate.clone(),
            handed_to: handed_over.then(|| self.set.set.clone()),
        });
        let unbalanced = self.unbalanced(at);
        self.waiting.push_back(Waiting { retreat, handed_over, decided });
        self.prover.send(Step { checked, unproven, unbalanced });
        // The figures of what a block seals are those of all that came before and of nothing else.
        if sealed.is_empty() { Ok(()) } else { self.settle() }
    }

    fn heard(&mut self, proven: Result<Proven, Fault>) -> Result<(), Fault> {
        match proven {
            Ok(Proven { tip }) => {
                if let Some(Waiting { retreat, handed_over, decided }) = self.waiting.pop_front() {
                    self.handovers += u64::from(handed_over);
                    if let (Some(archive), Some(decided)) = (&mut self.archive, decided) {
                        archive.take(decided);
                    }
                    self.close(retreat.into_sealed());
                }
                self.proven.push(tip.block);
                self.tip = tip;
                Ok(())
            }
            Err(fault) => {
                // What comes after the last sound block has not happened.
                while let Some(Waiting { retreat, .. }) = self.waiting.pop_back() {
                    self.follower.retreat(retreat);
                }
                Err(fault)
            }
        }
    }

    /// Keeps the figures of years that the last block seals.
    fn close(&mut self, sealed: Vec<(Year, Records)>) {
        for (year, records) in sealed {
            let collector = self.collector.lock().unwrap_or_else(PoisonError::into_inner);
            self.closed.extend(gather(&records, self.follower.records(), year, &collector));
            if let Some(archive) = &mut self.archive {
                archive.keep(year, &records);
            }
            // A year's records are many; nobody waits until they are gone.
            thread::spawn(move || drop(records));
        }
    }

    /// A year of which the money equation does not hold.
    fn unbalanced(&self, at: Height) -> Option<Fault> {
        let sources = self.years.iter().flat_map(|year| Source::ALL.map(|source| (*year, source)));
        let holds = |(year, source): &(Year, Source)| {
            let record = self.follower.get::<YearRecord>(*year);
            record.is_some_and(|one| money::equation(one.totals(*source)).holds)
        };
        sources.into_iter().find(|one| !holds(one)).map(|(year, source)| {
            Fault::block(rule::MONEY, at, format!("{} money of {year} does not add up", money::name(source)))
        })
    }

    /// The figures of every year. What was taken has been settled before.
    pub(crate) fn figures(mut self) -> Figures {
        let collector = std::mem::take(&mut *self.collector());
        let records = self.follower.records();
        let mut years = std::mem::take(&mut self.closed);
        years.extend(self.years.iter().filter_map(|year| gather(records, records, *year, &collector)));
        years.sort_by_key(|one| one.year);
        let wrong = years.iter().flat_map(|year| year.money.iter().map(move |money| (year.year, money)));
        let wrong = wrong.filter(|(_, money)| !money.recount.holds).map(|(year, money)| {
            let detail = format!("records of {year} hold other {} money than its sums say", money::name(money.source));
            Fault::block(rule::RECOUNT, self.tip.height, detail)
        });
        let recount = wrong.take(1).next();
        Figures { years, collector, recount }
    }
}

fn run(follower: &mut Follower, checked: &Checked) -> Result<Followed, Fault> {
    let Checked { header, id, transactions, .. } = checked;
    // The rules stop a node when they contradict themselves; an auditor tells it.
    let followed = catch_unwind(AssertUnwindSafe(|| follower.take(header, *id, transactions)));
    let stopped = |_| Fault::block(rule::RULES, header.height, "the rules stopped at a contradiction");
    followed.map_err(stopped)?.map_err(|invalid| told(invalid, header, transactions))
}

fn seals(transaction: &VerifiedTransaction) -> bool {
    matches!(transaction.body().operation, Operation::Funds(FundsOperation::SealYear { .. }))
}

fn told(invalid: InvalidBlock, header: &Header, transactions: &[VerifiedTransaction]) -> Fault {
    let at = header.height;
    if let InvalidBlock::NoEffect { index, rejection } = invalid {
        let code = serde_json::to_value(rejection).ok();
        let code = code.as_ref().and_then(|told| told.get("code")?.as_str()).unwrap_or(rule::INVALID).to_owned();
        let index = index as usize;
        let id = transactions.get(index).map(|one| one.id());
        return Fault::transaction(&code, at, index, id, invalid);
    }
    let code = if invalid == InvalidBlock::TooLarge {
        rule::TOO_LARGE
    } else if invalid == InvalidBlock::Time(header.time) {
        rule::TIME
    } else {
        rule::INVALID
    };
    Fault::block(code, at, invalid)
}

/// A part of a chain whose state is unknown: links and signatures alone can be judged.
pub(crate) struct Piece {
    last: Option<(Header, Hash)>,
    pub(crate) tip: Option<Header>,
    /// Blocks whose validators are not known from the founding document.
    pub(crate) unjudged: u64,
    pub(crate) collector: Collector,
}

impl Piece {
    pub(crate) fn new() -> Self {
        Self { last: None, tip: None, unjudged: 0, collector: Collector::default() }
    }

    /// Takes the next block, which must have the height `expected`.
    pub(crate) fn take(&mut self, checked: &Checked, expected: Height) -> Result<(), Fault> {
        let header = &checked.header;
        let at = header.height;
        if at != expected {
            return Err(Fault::block(rule::HEIGHT, at, format!("height {expected} was to come")));
        }
        if let Some((last, id)) = &self.last {
            if header.parent.0 != id.0 {
                return Err(Fault::block(rule::PARENT, at, "the block stands on another one"));
            }
            if header.time <= last.time {
                return Err(Fault::block(rule::TIME, at, "the time is not later than the parent's"));
            }
            if header.validators != last.next_validators {
                return Err(Fault::block(rule::VALIDATORS, at, "the block before names other validators"));
            }
        }
        if checked.transactions_root != header.transactions_root {
            return Err(Fault::block(rule::HEADER, at, "does not follow from the contents: transactions_root"));
        }
        if checked.sound_by.is_none() {
            self.unjudged += 1;
        }
        self.collector.take(checked, &[]);
        self.last = Some((header.clone(), Hash(checked.id.0)));
        self.tip = Some(header.clone());
        Ok(())
    }
}
