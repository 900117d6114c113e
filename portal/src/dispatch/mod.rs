//! The way of the programme's invoices to its buyer's system, and of the answers back: which documents are to go, by which means, and
//! what they are. When and how often is the registry's (`registry::dispatch`). Knows no page. What is said on the wire and in folders
//! stands in `README.md` beside this file.

mod find;
mod folder;
mod http;
mod kept;
mod wire;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use keis_registry::Registry;
use keis_registry::dispatch::{self, Carrier, Machine, Pace};
use keis_wallet::client::Client;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::settings::{Dispatch, DispatchKind};

pub use find::{FindError, Finder};
pub use folder::Folder;
pub use http::Http;
pub use kept::Kept;

/// Why the way cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A folder that cannot be used.
    #[error("the folder {path} of the buyer's system cannot be used")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// No address of the web, or one where others could read along.
    #[error("`{0}` is no address for invoices: https, or http within this machine, without a query")]
    Address(String),
    /// A file of certificates that cannot be used.
    #[error("{path} holds no certificates that can be used")]
    Authority {
        /// The file.
        path: PathBuf,
    },
    /// The client for requests cannot be made.
    #[error("requests to the buyer's system cannot be made")]
    Client(#[from] reqwest::Error),
}

/// The carrier of the settings.
///
/// # Errors
/// [`SetupError`] when the settings are of no use.
pub fn carrier(settings: &Dispatch) -> Result<Box<dyn Carrier>, SetupError> {
    Ok(match settings.kind {
        DispatchKind::Folder => Box::new(Folder::new(&settings.address)?),
        DispatchKind::Http => Box::new(Http::new(settings)?),
    })
}

/// Invoices on their way while a portal runs.
pub struct Dispatcher {
    stopping: CancellationToken,
    task: JoinHandle<()>,
}

impl Dispatcher {
    /// Begins to work. `pays` says whether the key of the programme's payer is here. Needs a tokio runtime.
    ///
    /// # Errors
    /// [`SetupError`] when the settings are of no use.
    pub fn start(registry: &Registry, client: Client, settings: &Dispatch, pays: bool) -> Result<Self, SetupError> {
        let carrier = carrier(settings)?;
        let pace = Pace {
            look: Duration::from_secs(settings.look_seconds.max(1)),
            lease: Duration::from_secs(settings.request_seconds.saturating_mul(3).saturating_add(60)),
            most_attempts: settings.most_attempts.max(1),
            ..Pace::default()
        };
        let stopping = CancellationToken::new();
        let work = work(registry.clone(), client, carrier, pace, pays, stopping.clone());
        Ok(Self { stopping, task: tokio::spawn(work) })
    }

    /// Ends the work; whatever is under way goes on at the next start.
    pub async fn stop(self) {
        self.stopping.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the way of invoices did not end well");
        }
    }
}

async fn work(
    registry: Registry,
    client: Client,
    carrier: Box<dyn Carrier>,
    pace: Pace,
    pays: bool,
    stopping: CancellationToken,
) {
    let kept = Kept::new(registry.clone(), client.clone(), pays);
    let finder = Finder::new(registry.clone(), client);
    tokio::select! {
        () = find(&finder, pace.look) => {}
        () = dispatch::run(&registry, &*carrier, &kept, pace, stopping.cancelled()) => {}
    }
}

/// Looks for documents until it is dropped.
async fn find(finder: &Finder, pause: Duration) {
    loop {
        if let Err(error) = finder.look().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "invoices to be sent could not be looked for");
        }
        tokio::time::sleep(pause).await;
    }
}

/// One look for documents and one round of the worker, without waiting: for commands and tests.
///
/// # Errors
/// What gateways or the registry answer.
pub async fn once(
    finder: &Finder,
    registry: &Registry,
    carrier: &dyn Carrier,
    kept: &Kept,
    pace: &Pace,
) -> Result<dispatch::Stepped, FindError> {
    finder.look().await?;
    Ok(dispatch::step(registry, carrier, kept, pace, &Machine).await?)
}
