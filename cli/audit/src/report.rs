//! The report: what was proven, the first fault, and the figures. README.md describes its JSON.

use keis_genesis::Genesis;
use keis_ledger::block::Tip;
use keis_ledger::chain::{Header, Height};
use keis_ledger::crypto::Hash;
use keis_ledger::ids::BlockId;
use keis_ledger::time::Timestamp;
use serde::Serialize;

use crate::collect::Collector;
use crate::content::Extent;
use crate::fault::Fault;
use crate::year::YearFigures;

/// Version of the report's JSON.
pub const REPORT_FORMAT: u32 = 1;

/// How an audit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything holds.
    Sound,
    /// Something does not.
    Fault,
    /// The export does not begin at the first block: what can be judged without the state holds.
    Piece,
}

/// Facts of the file.
#[derive(Debug, Clone, Serialize)]
pub struct FileFacts {
    /// First height.
    pub from: Height,
    /// Sound blocks.
    pub blocks: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Whether its end was read.
    pub finished: bool,
    /// Public documents held.
    pub documents: u64,
    /// Documents that transactions name.
    pub documents_named: u64,
    /// Of those, how many are not in the export.
    pub documents_missing: u64,
}

impl FileFacts {
    pub(crate) fn of(extent: &Extent, bytes: u64, finished: bool, collector: &Collector) -> Self {
        Self {
            from: extent.from,
            blocks: extent.blocks,
            bytes,
            finished,
            documents: extent.documents,
            documents_named: collector.named(),
            documents_missing: collector.missing(),
        }
    }
}

/// Where the sound part of the chain ends.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TipFacts {
    /// Height of the last sound block.
    pub height: Height,
    /// The block.
    pub block: BlockId,
    /// Its time.
    pub time: Timestamp,
    /// Root of the state after it.
    pub state_root: Hash,
}

impl TipFacts {
    pub(crate) fn of_tip(tip: &Tip) -> Self {
        Self { height: tip.height, block: tip.block, time: tip.time, state_root: tip.state.root() }
    }

    pub(crate) fn of_header(header: &Header) -> Self {
        Self { height: header.height, block: header.id(), time: header.time, state_root: header.state_root }
    }
}

/// What was verified, up to the first fault.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Verified {
    /// Transactions, each with its signature.
    pub transactions: u64,
    /// Steps of the clock that were executed.
    pub clock_steps: u64,
    /// Signatures of validators.
    pub precommits: u64,
    /// Changes of the set of validators.
    pub handovers: u64,
    /// Certificates of a piece whose validators only a whole export could tell.
    pub certificates_unjudged: u64,
    /// Transactions that an officer signed on a party's behalf.
    pub on_behalf: u64,
}

impl Verified {
    pub(crate) fn of(collector: &Collector, handovers: u64, certificates_unjudged: u64) -> Self {
        Self {
            transactions: collector.transactions,
            clock_steps: collector.steps,
            precommits: collector.precommits,
            handovers,
            certificates_unjudged,
            on_behalf: collector.on_behalf,
        }
    }
}

/// The outcome of an audit.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Version of this form.
    pub format: u32,
    /// How it ended.
    pub verdict: Verdict,
    /// The first fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    /// Hash of the founding document.
    pub network: Hash,
    /// The network's name.
    pub name: String,
    /// Whether its clock is simulated: nothing on it is real.
    pub simulated: bool,
    /// Where the sound part ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tip: Option<TipFacts>,
    /// The figures of every year.
    pub years: Vec<YearFigures>,
    /// What was verified.
    pub verified: Verified,
    /// Facts of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<FileFacts>,
}

impl Report {
    pub(crate) fn of(
        genesis: &Genesis,
        verdict: Verdict,
        fault: Option<Fault>,
        file: FileFacts,
        tip: Option<TipFacts>,
        verified: Verified,
        years: Vec<YearFigures>,
    ) -> Self {
        Self { verdict, tip, years, verified, file: Some(file), ..Self::empty(genesis, fault) }
    }

    /// The report of an export whose first frame tells enough.
    pub(crate) fn unread(genesis: &Genesis, fault: Fault) -> Self {
        Self::empty(genesis, Some(fault))
    }

    fn empty(genesis: &Genesis, fault: Option<Fault>) -> Self {
        Self {
            format: REPORT_FORMAT,
            verdict: Verdict::Fault,
            fault,
            network: genesis.hash(),
            name: genesis.document().name.clone(),
            simulated: genesis.is_simulated(),
            tip: None,
            years: Vec::new(),
            verified: Verified::default(),
            file: None,
        }
    }

    /// Whether everything holds.
    pub fn is_sound(&self) -> bool {
        self.verdict == Verdict::Sound
    }

    /// The report as JSON, its keys always in one order.
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a report has only fields that JSON has");
        text.push('\n');
        text
    }
}
