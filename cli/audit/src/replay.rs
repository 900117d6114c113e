//! Executes the blocks of an export again, one after the other, and compares every root.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use keis_genesis::Genesis;
use keis_ledger::block::{Block, Builder, Executed, InvalidBlock, Tip, advance};
use keis_ledger::chain::{Header, Height};
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::Hash;
use keis_ledger::list;
use keis_ledger::money::Source;
use keis_ledger::receipt::Kind;
use keis_ledger::record::YearRecord;
use keis_ledger::transaction::VerifiedTransaction;

use crate::archive::Archive;
use crate::check::{Checked, KnownSet, Validators, judge};
use crate::collect::Collector;
use crate::fault::{Fault, rule};
use crate::money;
use crate::year::{YearFigures, gather};

/// A chain that is executed again from its founding on.
pub(crate) struct Replay<'a> {
    tip: Tip,
    validators: &'a Validators,
    set: Arc<KnownSet>,
    years: BTreeSet<Year>,
    /// Figures of years whose records are gone from the state.
    pub(crate) closed: Vec<YearFigures>,
    pub(crate) collector: Collector,
    pub(crate) handovers: u64,
    /// Kept for who asked for it alone: it holds on to the records of sealed years.
    archive: Option<Archive>,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(genesis: &Genesis, validators: &'a Validators, archive: Option<Archive>) -> Self {
        Self {
            tip: genesis.tip(),
            validators,
            set: validators.now(),
            years: BTreeSet::new(),
            closed: Vec::new(),
            collector: Collector::default(),
            handovers: 0,
            archive,
        }
    }

    /// What was kept of sealed years, if that was asked for.
    pub(crate) fn take_archive(&mut self) -> Option<Archive> {
        Some(self.archive.take()?.ended(self.tip.state.clone()))
    }

    pub(crate) fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Takes the next block.
    pub(crate) fn take(&mut self, checked: &Checked) -> Result<(), Fault> {
        let header = &checked.block.header;
        let at = header.height;
        if at != self.tip.height.next() {
            return Err(Fault::block(rule::HEIGHT, at, format!("height {} was to come", self.tip.height.next())));
        }
        if header.parent != self.tip.block {
            return Err(Fault::block(rule::PARENT, at, format!("the block before is {}", self.tip.block)));
        }
        if header.validators != self.set.hash {
            return Err(Fault::block(rule::VALIDATORS, at, "the header names other validators than the state"));
        }
        if checked.sound_by != Some(self.set.hash) {
            judge(&checked.certificate, &header.network, &self.set.set)?;
        }
        let executed = run(&mut self.tip, &checked.block, &checked.transactions)?;
        self.collector.take(checked, &executed.receipts);
        let opened = executed.receipts.iter().filter(|full| full.receipt.kind == Kind::YearOpened);
        self.years.extend(opened.filter_map(|full| full.receipt.subject.year));
        self.close_years(&executed)?;
        if let Some(archive) = &mut self.archive {
            archive.take(checked, &executed);
        }
        let handed_over = header.next_validators != header.validators;
        if handed_over {
            self.validators.change(&self.tip.network_record().validators);
            self.set = self.validators.now();
            self.handovers += 1;
        }
        Ok(())
    }

    /// Proves the money equation of every year, and keeps the figures of those that this block seals.
    fn close_years(&mut self, executed: &Executed) -> Result<(), Fault> {
        let state = &executed.tip.state;
        for (year, records) in &executed.sealed {
            self.years.remove(year);
            self.closed.extend(gather(records, state, *year, &self.collector));
        }
        for year in &self.years {
            for source in Source::ALL {
                let holds = state.get::<YearRecord>(*year).is_some_and(|one| money::equation(one.totals(source)).holds);
                if !holds {
                    let detail = format!("{} money of {year} does not add up", money::name(source));
                    return Err(Fault::block(rule::MONEY, executed.tip.height, detail));
                }
            }
        }
        Ok(())
    }

    /// The figures of every year, and the first class of accounts whose records hold something else than its sum says.
    pub(crate) fn figures(mut self) -> (Vec<YearFigures>, Collector, Option<Fault>) {
        let mut figures = std::mem::take(&mut self.closed);
        figures.extend(
            self.years.iter().filter_map(|year| gather(&self.tip.state, &self.tip.state, *year, &self.collector)),
        );
        figures.sort_by_key(|one| one.year);
        let wrong = figures.iter().flat_map(|year| year.money.iter().map(move |money| (year.year, money)));
        let wrong = wrong.filter(|(_, money)| !money.recount.holds).map(|(year, money)| {
            let detail = format!("records of {year} hold other {} money than its sums say", money::name(money.source));
            Fault::block(rule::RECOUNT, self.tip.height, detail)
        });
        let wrong = wrong.take(1).next();
        (figures, self.collector, wrong)
    }
}

fn run(tip: &mut Tip, block: &Block, transactions: &[VerifiedTransaction]) -> Result<Executed, Fault> {
    let at = block.header.height;
    // The rules stop a node when they contradict themselves; an auditor tells it.
    let executed = catch_unwind(AssertUnwindSafe(|| advance(tip, block, transactions)));
    let executed = executed.map_err(|_| Fault::block(rule::RULES, at, "the rules stopped at a contradiction"))?;
    executed.map_err(|invalid| told(invalid, tip, block, transactions))
}

fn told(invalid: InvalidBlock, tip: &Tip, block: &Block, transactions: &[VerifiedTransaction]) -> Fault {
    let at = block.header.height;
    if let InvalidBlock::NoEffect { index, rejection } = invalid {
        let code = serde_json::to_value(rejection).ok();
        let code = code.as_ref().and_then(|told| told.get("code")?.as_str()).unwrap_or(rule::INVALID).to_owned();
        let index = index as usize;
        let id = transactions.get(index).map(|one| one.id());
        return Fault::transaction(&code, at, index, id, invalid);
    }
    if invalid == InvalidBlock::Header {
        return Fault::block(rule::HEADER, at, differing(tip, block, transactions));
    }
    let code = if invalid == InvalidBlock::TooLarge {
        rule::TOO_LARGE
    } else if invalid == InvalidBlock::Time(block.header.time) {
        rule::TIME
    } else {
        rule::INVALID
    };
    Fault::block(code, at, invalid)
}

/// Which fields of a header do not follow from the block's contents.
fn differing(tip: &Tip, block: &Block, transactions: &[VerifiedTransaction]) -> String {
    let Ok(mut builder) = Builder::start(tip, block.header.time) else { return "the time".to_owned() };
    if !transactions.iter().all(|transaction| builder.offer(transaction).is_ok()) {
        return "the contents".to_owned();
    }
    let (said, follows) = (&block.header, builder.seal(block.header.proposer).block.header);
    let fields = [
        ("protocol", said.protocol == follows.protocol),
        ("transactions_root", said.transactions_root == follows.transactions_root),
        ("receipts_root", said.receipts_root == follows.receipts_root),
        ("state_root", said.state_root == follows.state_root),
        ("validators", said.validators == follows.validators),
        ("next_validators", said.next_validators == follows.next_validators),
    ];
    let wrong: Vec<&str> = fields.iter().filter(|(_, same)| !same).map(|(name, _)| *name).collect();
    format!("does not follow from the contents: {}", wrong.join(", "))
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
        let header = &checked.block.header;
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
        let leaves: Vec<Hash> = checked.block.transactions.iter().map(|raw| list::leaf(&[raw])).collect();
        if list::root(&leaves) != header.transactions_root {
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
