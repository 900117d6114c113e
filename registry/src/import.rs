//! Extracts of the registers: pupils, their changes, schools, providers.
//!
//! An extract of pupils is first read as a whole and compared, then taken over. Reading changes nothing but notes in
//! `import_lines`, so a dry run is the first half, and an extract that would close too many wallets is refused before anything has
//! changed. Both halves go in chunks, each one database transaction: memory stays flat, and after a kill the same extract again
//! ends in the same registry, since only what differs is taken over. What follows for the ledger is enqueued in the same
//! transaction. Must not know nodes.

use std::io::Read;

use keis_ledger::classifiers::Year;
use keis_ledger::time::Timestamp;

use crate::boxed;
use crate::database::Registry;
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::permission::{Permission, demand};

mod apply;
mod bodies;
mod fields;
mod funds;
mod lines;
mod notes;
mod problem;
mod stage;

pub use problem::Problem;

pub use bodies::{import_providers, import_schools};
pub(crate) use funds::fund_opened;
pub use funds::{allocate, open_wallets};

/// Lines of one database transaction. The keys are random, so a small one rewrites nearly as many pages as a large one: a national
/// extract takes ten times as long with a tenth of it.
pub(crate) const CHUNK: usize = 5_000;
/// Bad lines that a report lists; the others are counted.
const LISTED: usize = 100;

/// What an extract of pupils is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Everybody who is in the register: who is missing has left.
    Full,
    /// What changed.
    Delta,
}

/// How an extract is taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What it is.
    pub kind: Kind,
    /// The year whose wallets follow: drawn for who has none, moved, closed.
    pub year: Year,
    /// Reads and compares only.
    pub dry_run: bool,
    /// The day of the extract; of a change, its line says it.
    pub at: Timestamp,
    /// Most of the enrolled pupils, in percent, who may be missing in a full extract.
    pub most_leaving: u8,
    /// Takes over a full extract in which more are missing.
    pub allow_mass_leaving: bool,
    /// Lets pupils leave who are missing in a full extract although lines of it could not be told to be anybody's.
    pub leave_despite_unread: bool,
}

impl Options {
    /// An extract that is taken over with the usual care.
    pub fn new(kind: Kind, year: Year, at: Timestamp) -> Self {
        Self {
            kind,
            year,
            dry_run: false,
            at,
            most_leaving: 20,
            allow_mass_leaving: false,
            leave_despite_unread: false,
        }
    }

    /// A trial that changes nothing.
    #[must_use]
    pub fn dry(self) -> Self {
        Self { dry_run: true, ..self }
    }
}

/// Which part of the work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The extract is read and compared.
    Reading,
    /// What differs is taken over.
    Writing,
    /// Wallets are drawn.
    Drawing,
}

/// How far an import has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The part.
    pub phase: Phase,
    /// Lines, differences or wallets done.
    pub done: u64,
    /// Of how many, where that is known.
    pub of: Option<u64>,
}

/// A line that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadLine {
    /// Its number; the header is line 1.
    pub line: u64,
    /// Why, without its values.
    pub problem: Problem,
}

/// What an extract brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportReport {
    /// Lines read, without the header.
    pub lines: u64,
    /// New in the registry.
    pub arrived: u64,
    /// Had left and are enrolled again.
    pub returned: u64,
    /// Another school or grade.
    pub moved: u64,
    /// Another name, branch or class.
    pub changed: u64,
    /// Not enrolled any more.
    pub left: u64,
    /// As before.
    pub unchanged: u64,
    /// Lines of a delta older than what the registry knows of the pupil.
    pub outdated: u64,
    /// Lines that could not be used.
    pub bad: u64,
    /// The first of them.
    pub bad_lines: Vec<BadLine>,
    /// Missing in a full extract, but kept: of some bad lines nobody can tell whose they are.
    pub kept: u64,
}

impl ImportReport {
    fn bad(&mut self, line: u64, problem: Problem) {
        self.bad += 1;
        if self.bad_lines.len() < LISTED {
            self.bad_lines.push(BadLine { line, problem });
        }
    }
}

/// Why an extract was not taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no header.
    #[error("the extract is empty: not even a header")]
    Empty,
    /// Another encoding.
    #[error("the extract is not UTF-8")]
    Encoding,
    /// Another separator.
    #[error("the columns are not separated by commas")]
    Separator,
    /// Other columns.
    #[error("the header is another one: missing are [{missing}], not expected are {unknown} columns")]
    Header {
        /// Columns that are not there.
        missing: String,
        /// How many there are that should not be.
        unknown: String,
    },
    /// The extract cannot be read on.
    #[error("the extract could not be read to its end")]
    Read(#[source] std::io::Error),
    /// The extract lacks too many pupils: most likely it is cut off or another one.
    #[error(
        "{left} of {enrolled} enrolled pupils are missing in the extract, more than {most} %; nothing was taken over"
    )]
    MassLeaving {
        /// Who is missing.
        left: u64,
        /// Of how many.
        enrolled: u64,
        /// Most that may be, in percent.
        most: u8,
    },
    /// Another import began meanwhile.
    #[error("another import has begun; this one stopped, and what it has taken over stands")]
    Superseded,
    /// The registry failed, or does not permit it.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Registry(error.into())
    }
}

/// Takes over an extract of the Pupil Register: `pupils.csv` as [`Kind::Full`], `pupil_changes.csv` as [`Kind::Delta`].
///
/// Pupils new in the year get a wallet; once [`open_wallets`] and [`allocate`] were called for the year, arrivals' wallets are
/// opened and given their money by themselves.
///
/// # Errors
/// [`ImportError`]; a bad line is no error but stands in the report.
pub async fn import_pupils(
    registry: &Registry,
    actor: &Actor,
    mut reader: impl Read + Send,
    options: Options,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<ImportReport, ImportError> {
    import(registry, actor, &mut reader, options, progress).await
}

#[boxed]
async fn import(
    registry: &Registry,
    actor: &Actor,
    reader: &mut (dyn Read + Send),
    options: Options,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<ImportReport, ImportError> {
    let run = notes::begin(registry, actor, if options.dry_run { "import tried" } else { "import begun" }).await?;
    let staged = stage::read(registry, &run, reader, &options, progress).await;
    let report = match staged {
        Ok(report) => report,
        Err(error) => {
            run.end(registry).await?;
            return Err(error);
        }
    };
    if !options.dry_run {
        apply::take_over(registry, &run, actor, &options, &report, progress).await?;
    }
    run.end(registry).await?;
    conclude(registry, actor, &options, &report).await?;
    Ok(report)
}

async fn conclude(
    registry: &Registry,
    actor: &Actor,
    options: &Options,
    report: &ImportReport,
) -> Result<(), ImportError> {
    let mut work = registry.begin().await?;
    let ImportReport { lines, arrived, returned, moved, changed, left, bad, .. } = report;
    let detail = format!(
        "{:?}, {lines} lines: {arrived} arrived, {returned} returned, {moved} moved, {changed} changed, {left} left, {bad} bad",
        options.kind
    );
    let action = if options.dry_run { "import compared" } else { "import done" };
    append(&mut work, Entry::new(actor, action, options.year).detail(detail)).await?;
    Ok(work.commit().await?)
}

async fn permitted(registry: &Registry, actor: &Actor, permission: Permission) -> Result<(), RegistryError> {
    let mut work = registry.begin().await?;
    demand(&mut work, actor, permission).await?;
    work.commit().await
}
