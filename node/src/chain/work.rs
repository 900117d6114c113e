//! Whether a new block is worth making: a transaction waits, or a clock step is due.

use std::sync::{Mutex, PoisonError};

use keis_ledger::time::Timestamp;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::view::Views;

/// The flag that wakes an idle chain.
pub(super) struct Work {
    flag: watch::Sender<bool>,
    waiting: watch::Receiver<bool>,
    views: Views,
    clock: Clock,
    alone: Mutex<()>,
}

impl Work {
    pub(super) fn new(waiting: watch::Receiver<bool>, views: Views, clock: Clock) -> Self {
        Self { flag: watch::Sender::new(false), waiting, views, clock, alone: Mutex::default() }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<bool> {
        self.flag.subscribe()
    }

    /// Looks anew. Alone, so that what was seen later is also told later.
    pub(super) fn refresh(&self) {
        let _alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = self.next_due().is_some_and(|due| due <= self.clock.now());
        let worth = is_due || *self.waiting.borrow();
        self.flag.send_if_modified(|flag| std::mem::replace(flag, worth) != worth);
    }

    /// Keeps the flag true to what is outside: transactions that come in, and time that passes.
    pub(super) async fn follow(&self) {
        let (mut waiting, mut views) = (self.waiting.clone(), self.views.clone());
        loop {
            self.refresh();
            let due = self.next_due().filter(|due| *due > self.clock.now());
            let reached = async {
                match due {
                    Some(due) => self.clock.reached(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = waiting.changed() => if changed.is_err() { return },
                changed = views.changed() => if changed.is_err() { return },
                () = reached => {}
            }
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.views.borrow().tip.state.first_due().map(|key| key.due)
    }
}
