//! Fills the folder that the operator's node serves: invoices and credit notes of legal persons, once the ledger names them.
//!
//! A paper is a file of its XML, its page and its PDF, each written beside its place and moved there as a whole, the XML last.
//! What lies there is never taken away or changed. The ledger is followed, and what it names is looked up in the registry: a start
//! goes through all open years and leaves what is there, so whatever came while the portal was down follows. A note about a reversal is
//! kept while the ledger stands still, so the registry is followed, too; it lies in a folder that the place of the reversal's receipt
//! names. Papers of natural persons are never put there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use keis_einvoice::Reading;
use keis_einvoice_print::{Language, Sheet};
use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, ProviderId, StatementId};
use keis_ledger::money::Cents;
use keis_registry::bodies::ProviderKind;
use keis_registry::documents::{Kept, Reversal};
use keis_registry::invoices::PaperKind;
use keis_registry::{Actor, Registry, RegistryError};
use keis_wallet::client::{Client, ClientError, StatementView};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What the registry's log calls the publisher.
const ACTOR: Actor = Actor::System("publisher of invoices");
/// From one look at the ledger's height to the next.
const PAUSE: Duration = Duration::from_secs(5);

/// Why a round was not ended. The next one does what this one left.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The registry.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The gateways.
    #[error(transparent)]
    Ledger(#[from] ClientError),
    /// The folder.
    #[error("the folder of invoices cannot be written")]
    Folder(#[from] io::Error),
    /// The work was given up.
    #[error("the work was given up")]
    Ended(#[from] tokio::task::JoinError),
}

/// What of a statement makes other papers: its invoice, and how much was credited.
type Mark = (Option<Commitment>, Cents);

/// Puts papers into a folder.
pub struct Publisher {
    folder: PathBuf,
    client: Client,
    registry: Registry,
    /// Up to where the ledger was followed.
    height: Option<Height>,
    /// Up to which document it was seen what is kept.
    kept: Option<u64>,
    /// What was done of each statement.
    done: BTreeMap<(Year, StatementId), Mark>,
}

/// A publisher at work.
pub struct Publishing {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Publishing {
    /// Lets the round under way end.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the publisher of invoices did not end well");
        }
    }
}

impl Publisher {
    /// A publisher for a folder, asking gateways with an officer's signature.
    pub fn new(folder: PathBuf, client: Client, registry: Registry) -> Self {
        Self { folder, client, registry, height: None, kept: None, done: BTreeMap::new() }
    }

    /// Works until it is stopped.
    pub fn start(mut self) -> Publishing {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            loop {
                match self.round().await {
                    Ok(0) => {}
                    Ok(papers) => tracing::info!(papers, "papers are in the folder of invoices"),
                    Err(error) => tracing::warn!(%error, "the folder of invoices waits"),
                }
                tokio::select! {
                    () = stopped.cancelled() => return,
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        });
        Publishing { stop, task }
    }

    /// Follows the ledger to its tip, and what is kept; says how many papers it put into the folder.
    ///
    /// # Errors
    /// [`PublishError`]; what was put there stays.
    pub async fn round(&mut self) -> Result<u64, PublishError> {
        let height = self.client.status().await?.height;
        let (last, fresh) = self.registry.kept_after(self.kept).await?;
        for key in &fresh {
            self.done.remove(key);
        }
        let mut put = 0;
        if self.height == Some(height) {
            for (year, id) in fresh {
                if let Some(view) = super::statement(&self.client, year, id).await? {
                    put += self.look(&view).await?;
                }
            }
        } else {
            for year in self.client.parameters().await?.years.into_iter().map(|one| one.year) {
                for view in self.client.all_statements_of(year, None).await? {
                    put += self.look(&view).await?;
                }
            }
        }
        (self.height, self.kept) = (Some(height), Some(last));
        Ok(put)
    }

    /// Puts the papers of a statement into the folder, if anything of it is new.
    async fn look(&mut self, view: &StatementView) -> Result<u64, PublishError> {
        let mark = (view.bill.invoice.map(|invoice| invoice.file), view.bill.credited);
        let key = (view.year, view.id);
        if mark == (None, Cents::ZERO) || self.done.get(&key) == Some(&mark) {
            return Ok(0);
        }
        let put = self.statement(view).await?;
        self.done.insert(key, mark);
        Ok(put)
    }

    /// The papers of a statement that the ledger names by now.
    async fn statement(&self, view: &StatementView) -> Result<u64, PublishError> {
        if !self.is_legal(view.statement.provider).await? {
            return Ok(0);
        }
        let attached = view.bill.invoice.map(|invoice| invoice.file);
        let folder = self.folder.join(view.year.to_string()).join(view.id.to_string());
        let is_there = |folder: &Path, file: Commitment| folder.join(format!("{file}.xml")).exists();
        if view.bill.credited.is_zero() && attached.is_none_or(|file| is_there(&folder, file)) {
            return Ok(0);
        }
        let mut put = 0;
        for kept in self.registry.documents(&ACTOR, view.year, view.id).await? {
            let (file, place) = (kept.commitments.file, place(&folder, kept.reversal));
            if is_named(&kept, view) && !is_there(&place, file) && self.is_legal(kept.provider).await? {
                let (folder, bytes) = (place, kept.bytes);
                tokio::task::spawn_blocking(move || publish(&folder, file, &bytes)).await??;
                put += 1;
            }
        }
        Ok(put)
    }

    async fn is_legal(&self, provider: ProviderId) -> Result<bool, PublishError> {
        let known = self.registry.provider(provider).await?;
        Ok(known.is_some_and(|provider| provider.kind == ProviderKind::Legal))
    }
}

/// Where a paper of a statement lies: one about a reversal under the place of that reversal's receipt.
fn place(folder: &Path, reversal: Option<Reversal>) -> PathBuf {
    reversal.map_or_else(|| folder.to_owned(), |Reversal { height, index }| folder.join(format!("{height}.{index}")))
}

/// Whether the ledger has this paper: the invoice that is attached, or a credit note whose amounts are among what was credited. The
/// gateway serves a credit note only once the ledger names it, so one that comes too early is not seen. One about a reversal was made of
/// what the ledger did.
fn is_named(kept: &Kept, view: &StatementView) -> bool {
    if kept.reversal.is_some() {
        return true;
    }
    match kept.kind {
        PaperKind::Invoice => view.bill.invoice.is_some_and(|invoice| invoice.file == kept.commitments.file),
        PaperKind::CreditNote(_) => {
            let amounts = |credit: &keis_registry::documents::CreditFacts| {
                let (before, now) =
                    (credit.before.iter().map(|one| one.gross), credit.credits.iter().map(|one| one.gross));
                before.chain(now).try_fold(Cents::ZERO, Cents::checked_add)
            };
            let whole = kept.credit.as_ref().map_or(Some(Cents::ZERO), amounts);
            whole.is_some_and(|whole| whole <= view.bill.credited)
        }
    }
}

/// Writes the forms of a paper, the XML last: where it lies the others do.
fn publish(folder: &Path, file: Commitment, xml: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    if let Ok(reading) = Reading::parse(xml) {
        let sheet = Sheet::of(&reading, Language::Lithuanian);
        match sheet.to_pdf() {
            Ok(pdf) => put(folder, &format!("{file}.pdf"), &pdf)?,
            Err(error) => tracing::warn!(%error, "a paper is without a PDF"),
        }
        put(folder, &format!("{file}.html"), &sheet.to_html())?;
    }
    put(folder, &format!("{file}.xml"), xml)
}

/// Puts a file in its place as a whole, durably.
fn put(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let (beside, place) = (folder.join(format!(".{name}.new")), folder.join(name));
    let mut file = File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, &place)?;
    File::open(folder)?.sync_all()
}
