//! The other half of a replay, on a thread of its own: what was executed is hashed, and headers are judged by it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use keis_ledger::chain::{Header, Height};
use keis_ledger::follow::Unproven;
use keis_ledger::state::{Roots, State};

use crate::check::Checked;
use crate::collect::Collector;
use crate::fault::{Fault, rule};
use crate::report::TipFacts;

/// Blocks that may wait to be proven.
const ROOM: usize = 24;

/// A block that was executed.
pub(crate) struct Step {
    pub(crate) checked: Checked,
    pub(crate) unproven: Unproven,
    /// What is to be told of its money, once its header holds.
    pub(crate) unbalanced: Option<Fault>,
}

/// A block of which everything holds.
pub(crate) struct Proven {
    pub(crate) tip: TipFacts,
}

/// The thread, as its user sees it. It ends with its user, or after the first fault.
pub(crate) struct Prover {
    steps: SyncSender<Step>,
    proven: Receiver<Result<Proven, Fault>>,
    roots: Arc<Mutex<Roots>>,
}

impl Prover {
    /// Starts after a state. Everything that holds is noted in the collector.
    pub(crate) fn start(state: &State, collector: &Arc<Mutex<Collector>>) -> Self {
        let (steps, todo) = sync_channel::<Step>(ROOM);
        // One answer for each step, and the one in hand: nobody waits for who does not listen.
        let (answer, proven) = sync_channel(2 * ROOM);
        let (roots, collector) = (Arc::new(Mutex::new(Roots::of(state))), Arc::clone(collector));
        let kept = Arc::clone(&roots);
        thread::spawn(move || {
            for step in todo {
                let proven = prove(step, &mut lock(&roots), &collector);
                let last = proven.is_err();
                if answer.send(proven).is_err() || last {
                    return;
                }
            }
        });
        Self { steps, proven, roots: kept }
    }

    /// The hashes after the last block that was proven.
    pub(crate) fn roots(&self) -> MutexGuard<'_, Roots> {
        lock(&self.roots)
    }

    /// Hands a block over. A prover that has found a fault takes no more, and tells the fault to who waits.
    pub(crate) fn send(&self, step: Step) {
        let _ = self.steps.send(step);
    }

    /// What was found since, if anything.
    pub(crate) fn hear(&self) -> Option<Result<Proven, Fault>> {
        self.proven.try_recv().ok()
    }

    /// Waits for what is found of the next block.
    pub(crate) fn wait(&self, next: Height) -> Result<Proven, Fault> {
        let stopped = || Fault::block(rule::RULES, next, "the rules stopped at a contradiction");
        self.proven.recv().unwrap_or_else(|_| Err(stopped()))
    }
}

fn lock(roots: &Mutex<Roots>) -> MutexGuard<'_, Roots> {
    roots.lock().unwrap_or_else(PoisonError::into_inner)
}

fn prove(step: Step, roots: &mut Roots, collector: &Mutex<Collector>) -> Result<Proven, Fault> {
    let Step { checked, unproven, unbalanced } = step;
    let said = &checked.header;
    let (follows, receipts) = unproven.prove(roots, checked.transactions_root);
    if *said != follows {
        return Err(Fault::block(rule::HEADER, said.height, differing(said, &follows)));
    }
    collector.lock().unwrap_or_else(PoisonError::into_inner).take(&checked, &receipts);
    if let Some(fault) = unbalanced {
        return Err(fault);
    }
    let tip = TipFacts { height: said.height, block: checked.id, time: said.time, state_root: said.state_root };
    Ok(Proven { tip })
}

/// Which fields of a header do not follow from the block's contents.
fn differing(said: &Header, follows: &Header) -> String {
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
