//! Files that are being read: one at a time, its progress, and what the last ones brought. In memory only; what an import took
//! over stands in the registry.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keis_ledger::classifiers::Year;
use keis_ledger::time::Timestamp;
use keis_registry::import::{ImportError, ImportReport, Progress};

/// Results that are kept.
const KEPT: usize = 8;

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Every pupil of the register.
    Pupils,
    /// Pupils of whom something changed.
    Changes,
    /// Schools.
    Schools,
    /// Providers.
    Providers,
}

impl Content {
    /// Every content, in the order of the form.
    pub(super) const ALL: [Self; 4] = [Self::Pupils, Self::Changes, Self::Schools, Self::Providers];

    /// Its name in the form and in message keys.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pupils => "pupils",
            Self::Changes => "changes",
            Self::Schools => "schools",
            Self::Providers => "providers",
        }
    }

    /// The content of a name.
    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|content| content.name() == name)
    }
}

/// What is to be done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Task {
    /// What it holds.
    pub(super) content: Content,
    /// The year whose wallets follow.
    pub(super) year: Year,
    /// Only compared.
    pub(super) dry_run: bool,
    /// Many may leave.
    pub(super) mass_leaving: bool,
    /// When it began, by the registry's clock.
    pub(super) began: Timestamp,
}

/// How a file ended.
pub(super) enum End {
    /// It was read.
    Read(ImportReport),
    /// It was not taken over.
    Failed(ImportError),
    /// The program that read it broke off.
    Broken,
}

/// A file that was read.
pub(super) struct Ended {
    /// What was to be done.
    pub(super) task: Task,
    /// How it ended.
    pub(super) end: End,
}

#[derive(Default)]
struct State {
    running: Option<(Task, Option<Progress>)>,
    ended: VecDeque<std::sync::Arc<Ended>>,
}

/// The files.
#[derive(Default)]
pub(super) struct Jobs(Mutex<State>);

impl Jobs {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the place of the file that is read; none while another one has it.
    pub(super) fn begin(&self, task: Task) -> bool {
        let mut state = self.state();
        if state.running.is_some() {
            return false;
        }
        state.running = Some((task, None));
        true
    }

    /// Notes how far the file has come.
    pub(super) fn report(&self, progress: Progress) {
        if let Some((_, latest)) = &mut self.state().running {
            *latest = Some(progress);
        }
    }

    /// Frees the place and keeps what came of it.
    pub(super) fn end(&self, end: End) {
        let mut state = self.state();
        if let Some((task, _)) = state.running.take() {
            state.ended.push_front(std::sync::Arc::new(Ended { task, end }));
            state.ended.truncate(KEPT);
        }
    }

    /// The file that is read, and how far it has come.
    pub(super) fn running(&self) -> Option<(Task, Option<Progress>)> {
        self.state().running
    }

    /// Files that were read, the latest first.
    pub(super) fn ended(&self) -> Vec<std::sync::Arc<Ended>> {
        self.state().ended.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task() -> Task {
        Task { content: Content::Pupils, year: Year(2028), dry_run: true, mass_leaving: false, began: Timestamp(0) }
    }

    #[test]
    fn one_file_at_a_time() {
        let jobs = Jobs::default();
        assert!(jobs.begin(task()));
        assert!(!jobs.begin(task()));
        jobs.end(End::Read(ImportReport::default()));
        assert!(jobs.running().is_none());
        assert!(jobs.begin(task()));
    }

    #[test]
    fn the_latest_results_are_kept() {
        let jobs = Jobs::default();
        for _ in 0..KEPT + 3 {
            assert!(jobs.begin(task()));
            jobs.end(End::Broken);
        }
        assert_eq!(jobs.ended().len(), KEPT);
    }
}
