//! What this node has verified and heard about the heights in progress, shared by the verifier, the codec and the host.
//!
//! Parts of a block are not signed: that a block was prevoted or decided by a quorum is believed only when the signatures
//! themselves passed the verifier.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use keis_ledger::chain::{Address, Height, ValidatorSet, VoteStep};
use keis_ledger::ids::BlockId;
use tokio::sync::watch;

/// Heights above the tip about which messages of peers are believed to be of use.
const LOOKAHEAD: u64 = 16;

type Poll = (Height, VoteStep, u32, BlockId);

/// What is known beyond the committed chain.
pub(crate) struct Witness {
    polls: Mutex<Polls>,
    /// Highest height that peers work on, as far as it is near the tip.
    newest: watch::Sender<Height>,
    peer_tip: watch::Sender<Height>,
    /// The same, forgotten whenever a height is decided that should have been there already.
    claimed: watch::Sender<Height>,
}

struct Polls {
    tip: Height,
    voters: BTreeMap<Poll, BTreeSet<Address>>,
}

impl Witness {
    pub(crate) fn new(tip: Height) -> Self {
        Self {
            polls: Mutex::new(Polls { tip, voters: BTreeMap::new() }),
            newest: watch::Sender::new(tip),
            peer_tip: watch::Sender::new(Height(0)),
            claimed: watch::Sender::new(tip),
        }
    }

    /// A peer sent a vote or proposal of this height; nothing about it is verified.
    pub(crate) fn heard(&self, height: Height) {
        let tip = self.polls().tip;
        if height.0 <= tip.0.saturating_add(LOOKAHEAD) {
            self.newest.send_if_modified(|newest| raise(newest, height));
        }
    }

    /// A peer says that it has committed this height.
    pub(crate) fn peer_tip(&self, height: Height) {
        self.peer_tip.send_if_modified(|peer_tip| raise(peer_tip, height));
        self.claimed.send_if_modified(|claimed| raise(claimed, height));
    }

    /// A vote for a block whose signature holds.
    pub(crate) fn verified(&self, step: VoteStep, height: Height, round: u32, block: BlockId, voter: Address) {
        let mut polls = self.polls();
        if height > polls.tip {
            polls.voters.entry((height, step, round, block)).or_default().insert(voter);
        }
    }

    /// Whether more than two thirds of the validators' power is known to have voted so.
    pub(crate) fn quorum(
        &self,
        step: VoteStep,
        height: Height,
        round: u32,
        block: BlockId,
        validators: &ValidatorSet,
    ) -> bool {
        let polls = self.polls();
        let Some(voters) = polls.voters.get(&(height, step, round, block)) else { return false };
        let power: u64 = voters.iter().filter_map(|voter| validators.find(voter)).map(|voter| voter.power).sum();
        u128::from(power) * 3 > u128::from(validators.total_power()) * 2
    }

    /// Everything up to `tip` is committed. A tip that was voted for here, not `synced` from a peer that had it, shows that
    /// no peer's claim to be ahead helps: it is believed again when it is made again.
    pub(crate) fn committed(&self, tip: Height, synced: bool) {
        let mut polls = self.polls();
        polls.tip = tip;
        polls.voters.retain(|(height, ..), _| *height > tip);
        if !synced {
            self.claimed.send_replace(tip);
        }
    }

    /// Follows the highest height that peers work on.
    pub(crate) fn newest(&self) -> watch::Receiver<Height> {
        self.newest.subscribe()
    }

    /// Follows the highest height that peers claim to have, as long as following them brings heights.
    pub(crate) fn claimed(&self) -> watch::Receiver<Height> {
        self.claimed.subscribe()
    }

    /// Follows the highest height that a peer claims to have committed.
    pub(crate) fn peers(&self) -> watch::Receiver<Height> {
        self.peer_tip.subscribe()
    }

    fn polls(&self) -> MutexGuard<'_, Polls> {
        self.polls.lock().expect("no holder of this lock panics: its work is on plain maps")
    }
}

fn raise(current: &mut Height, to: Height) -> bool {
    let higher = to > *current;
    if higher {
        *current = to;
    }
    higher
}
