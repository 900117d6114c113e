//! Where blocks come from: a stopped node's store, or a gateway.

use anyhow::{Context, ensure};
use keis_ledger::chain::Height;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::DocumentId;
use keis_node::chain::stored_certificate;
use keis_node::home::Home;
use keis_node::store::{Options, Store};
use keis_wallet::client::{Client, Policy, RawBlock};
use tokio::runtime::Runtime;

use super::{ExportArgs, existing};
use crate::wallet::secret;
use crate::words::Advice;

/// Blocks that are read from a store at a time.
const AT_ONCE: u64 = 64;

/// A source of blocks and documents.
pub(super) enum Source {
    /// The store of a stopped node.
    Home {
        /// Its network.
        network: Hash,
        /// It.
        store: Store,
    },
    /// A running node.
    Gateway {
        /// Its network.
        network: Hash,
        /// Where it stood when asked first.
        tip: Height,
        /// A client that signs.
        client: Client,
        /// What waits for its answers.
        runtime: Runtime,
    },
}

impl Source {
    pub(super) fn open(args: &ExportArgs) -> anyhow::Result<Self> {
        match &args.home {
            Some(home) => Self::home(&Home::at(home.clone())),
            None => Self::gateway(args),
        }
    }

    fn home(home: &Home) -> anyhow::Result<Self> {
        let config = home.config().or_advise("--home names the folder that `keis node init` made.")?;
        let network = home.genesis(&config)?.hash();
        existing(&home.store())?;
        let opened = Store::open(home.store(), Options::new(network.0));
        let (store, _) = opened.or_advise("Stop the node first, or ask its gateway: --gateway URL.")?;
        Ok(Self::Home { network, store })
    }

    fn gateway(args: &ExportArgs) -> anyhow::Result<Self> {
        let key = match (&args.wallet, &args.key) {
            (Some(wallet), _) => secret::open(wallet, args.passphrase_file.as_deref())?,
            (None, Some(file)) => secret::machine(file)?,
            (None, None) => {
                anyhow::bail!(
                    "a gateway gives raw blocks to officers and auditors alone\n  Name the key with --wallet or --key."
                )
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = Client::new(&args.gateways, Policy::default())?;
        let status = runtime.block_on(client.status()).or_advise("Is the address right, and the node running?")?;
        let client = client.signed_by(key);
        Ok(Self::Gateway { network: status.network, tip: status.height, client, runtime })
    }

    pub(super) fn network(&self) -> Hash {
        match self {
            Self::Home { network, .. } | Self::Gateway { network, .. } => *network,
        }
    }

    pub(super) fn tip(&self) -> Height {
        match self {
            Self::Home { store, .. } => Height(store.tip().map_or(0, |(height, _)| height)),
            Self::Gateway { tip, .. } => *tip,
        }
    }

    /// Some blocks from a height on.
    pub(super) fn blocks(&mut self, from: Height) -> anyhow::Result<Vec<RawBlock>> {
        match self {
            Self::Home { store, .. } => {
                let first = Height(store.first_height().unwrap_or_default());
                ensure!(first <= from, "the history of this node begins at height {first}\n  Ask another one.");
                let until = from.0.saturating_add(AT_ONCE).min(self.tip().0 + 1);
                (from.0..until).map(|height| self.stored(Height(height))).collect()
            }
            Self::Gateway { client, runtime, .. } => {
                let given = runtime.block_on(client.raw_blocks(from));
                let given = given.or_advise("Whose key asks? Raw blocks are for officers and auditors.")?;
                given.with_context(|| format!("the gateway does not hold height {from}\n  Ask another one."))
            }
        }
    }

    fn stored(&self, height: Height) -> anyhow::Result<RawBlock> {
        let Self::Home { store, .. } = self else { anyhow::bail!("a gateway has no store") };
        let damaged =
            || format!("the store's block {height} cannot be read\n  The node repairs it from its peers when it runs.");
        let block = store.block(height.0).with_context(damaged)?.with_context(damaged)?;
        let decision = store.certificate(height.0).with_context(damaged)?.with_context(damaged)?;
        let certificate = stored_certificate(&decision, height).with_context(damaged)?;
        Ok(RawBlock { height, block, certificate })
    }

    /// A public document, if it is held.
    pub(super) fn document(&mut self, id: DocumentId) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::Home { store, .. } => Ok(store.document(&id.0)?),
            Self::Gateway { client, runtime, .. } => Ok(runtime.block_on(client.document(id))?),
        }
    }
}
