//! What a node stands on: its folder read and checked, its store opened, its inner parts put together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keis_engine::guard::Guard;
use keis_genesis::Genesis;
use keis_ledger::block::Tip;
use keis_ledger::chain::Address;
use keis_ledger::codec;
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::InstitutionId;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::{CLOCK, NodeError, Options, Shared};
use crate::chain::{self, Chain, ChainError, Loaded, Published};
use crate::clock::{Clock, ClockStep};
use crate::config::Config;
use crate::documents::Documents;
use crate::home::Home;
use crate::mempool::Mempool;
use crate::network::{self, Network};
use crate::store::{self, OpenReport, Store, StoreError, Verify};
use crate::view::View;

/// Room for a block's frame beside what the parameters bound.
const BLOCK_ROOM: usize = 64 * 1024;

/// What the settings and the founding document come to.
pub(super) struct Ground {
    pub(super) config: Config,
    pub(super) genesis: Genesis,
    pub(super) guard: Guard,
    pub(super) secret: Zeroizing<[u8; 32]>,
    wal: PathBuf,
    store: PathBuf,
}

impl Ground {
    pub(super) fn lay(home: &Home, config: Config, options: Options) -> Result<Self, NodeError> {
        config.check()?;
        let genesis = home.genesis(&config)?;
        match (genesis.is_simulated(), options.simulated) {
            (true, false) => return Err(NodeError::Simulated),
            (false, true) => return Err(NodeError::NotSimulated),
            (true, true) | (false, false) => {}
        }
        let secret = home.network_secret(&config)?;
        let guard = home.guard(genesis.hash(), home.consensus_key(&config)?)?;
        Ok(Self { config, genesis, guard, secret, wal: home.wal(), store: home.store() })
    }
}

/// Puts the inner parts together, and starts the network: the engine asks the chain as soon as it runs.
pub(super) async fn assemble(
    ground: &Ground,
    store: &Store,
    loaded: Loaded,
    stopping: watch::Receiver<bool>,
) -> Result<(Shared, Chain), NodeError> {
    let (config, network) = (&ground.config, ground.genesis.hash());
    let clock = clock_of(&ground.genesis, store, &loaded)?;
    let published = Published::new(store, loaded, ground.genesis.is_simulated());
    let (views, archive) = (published.views(), published.archive());
    let documents = Documents::open(store.clone())?;
    documents.reconcile(&views.borrow().tip.state)?;
    let mempool = Mempool::new(config.mempool, network, views.clone(), clock.clone(), documents.clone());
    let policy = config.snapshot.policy();
    let chain = Chain::new(store.clone(), published, mempool.clone(), clock.clone(), policy, stopping)?;
    let network = Network::start(swarm(ground), mempool.clone(), documents.clone(), clock.clone()).await?;
    Ok((Shared { views, archive, mempool, documents, network, clock }, chain))
}

/// Opens the store and brings the chain into memory; what is too damaged for that is set aside, to come again from peers.
pub(super) async fn open(ground: &Ground) -> Result<(Store, Loaded), NodeError> {
    let settings = &ground.config.store;
    let options = store::Options {
        cache_bytes: settings.cache_bytes,
        min_free_bytes: settings.min_free_bytes,
        verify: Verify::Last(settings.verify_last),
        snapshots_kept: settings.snapshots_kept,
        ..store::Options::new(ground.genesis.hash().0)
    };
    let (path, genesis) = (ground.store.clone(), ground.genesis.tip());
    let opened = tokio::task::spawn_blocking(move || match open_and_load(&path, options.clone(), &genesis) {
        Err(error) if error.is_damage() => {
            let reason = &error as &dyn std::error::Error;
            tracing::error!(reason, "this disk is damaged; the chain is fetched again from peers");
            set_aside(&path)?;
            open_and_load(&path, options, &genesis)
        }
        opened => opened,
    });
    opened.await.unwrap_or(Err(NodeError::Panicked))
}

fn open_and_load(path: &Path, options: store::Options, genesis: &Tip) -> Result<(Store, Loaded), NodeError> {
    let (store, report) = Store::open(path, options)?;
    let loaded = load(&store, &report, genesis)?;
    Ok((store, loaded))
}

fn load(store: &Store, report: &OpenReport, genesis: &Tip) -> Result<Loaded, ChainError> {
    if let Some(lost) = &report.lost_tail {
        tracing::error!(?lost, "acknowledged heights are missing here, and fetched from peers");
    }
    for damage in &report.chain.damaged {
        tracing::error!(height = damage.height, detail = damage.detail, "a stored height is damaged");
    }
    metrics::gauge!("keis_store_damaged_heights").set(report.chain.damaged.len() as f64);
    if let Some(detail) = &report.index_damage {
        tracing::warn!(detail, "the index of receipts is written anew");
        chain::rebuild_index(store)?;
    }
    chain::load(store, genesis)
}

/// Renames the store's folder; an operator may look at it, nothing reads it again.
fn set_aside(path: &Path) -> Result<(), NodeError> {
    let aside = (1u32..).map(|number| path.with_extension(format!("damaged-{number}"))).find(|aside| !aside.exists());
    let aside = aside.expect("there are more numbers than folders");
    let failed = |source| NodeError::SetAside { path: path.to_owned(), source };
    std::fs::rename(path, &aside).map_err(failed)?;
    tracing::warn!(from = %path.display(), to = %aside.display(), "set the store aside");
    Ok(())
}

pub(super) fn identity(ground: &Ground, loaded: &Loaded) -> Result<(InstitutionId, Address), NodeError> {
    let address = ground.guard.address();
    let validators = &loaded.tip.network_record().validators;
    let validator = validators.find(&address).ok_or(NodeError::NotAValidator(ground.guard.public_key()))?;
    Ok((validator.institution, address))
}

/// The clock that the founding document names, as far as it had been stepped before.
fn clock_of(genesis: &Genesis, store: &Store, loaded: &Loaded) -> Result<Clock, NodeError> {
    let Some(driver) = genesis.driver() else { return Ok(Clock::real()) };
    let clock = Clock::simulated(genesis.hash(), driver, loaded.tip.time);
    let stored = match store.meta(CLOCK) {
        Err(StoreError::Corrupt { .. }) => None,
        stored => stored?,
    };
    if let Some(step) = stored.and_then(|bytes| codec::decode::<ClockStep>(&bytes).ok())
        && let Err(error) = clock.step(&step)
    {
        tracing::warn!(%error, "the stored step of the clock is not used");
    }
    Ok(clock)
}

fn swarm(ground: &Ground) -> network::Config {
    let peers = ground.config.peers.iter();
    network::Config {
        listen: ground.config.gossip.listen,
        peers: peers
            .map(|peer| network::PeerConfig { network_key: peer.network_key, address: Some(peer.gossip) })
            .collect(),
        secret: SecretKey::from_bytes(&ground.secret),
    }
}

pub(super) fn engine(ground: &Ground, institution: &InstitutionId, view: &Arc<View>) -> keis_engine::Config {
    let settings = &ground.config.consensus;
    let peers = ground.config.peers.iter();
    let most = view.tip.network_record().parameters.max_block_bytes as usize;
    keis_engine::Config {
        network: ground.genesis.hash(),
        moniker: ground.config.moniker.clone().unwrap_or_else(|| institution.to_string()),
        listen: settings.listen,
        peers: peers.map(|peer| keis_engine::Peer { address: peer.consensus, network_key: peer.network_key }).collect(),
        wal: ground.wal.clone(),
        timeouts: settings.timeouts(),
        longest_idle: Duration::from_millis(settings.longest_idle_ms),
        target_block_time: settings.target_block_ms.map(Duration::from_millis),
        max_block_bytes: most + BLOCK_ROOM,
        status_interval: Duration::from_millis(settings.status_ms),
    }
}
