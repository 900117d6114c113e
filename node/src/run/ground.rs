//! What a node stands on: its folder read and checked, its store opened, its inner parts put together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use keis_engine::guard::Guard;
use keis_genesis::Genesis;
use keis_ledger::block::Tip;
use keis_ledger::chain::{Address, Height, ValidatorSet};
use keis_ledger::codec;
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::InstitutionId;
use keis_ledger::protocol;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::watcher::Watcher;
use super::{CLOCK, NodeError, Options, Shared};
use crate::chain::{self, Chain, ChainError, Lineage, Loaded, Published};
use crate::clock::{Clock, ClockStep};
use crate::config::{self, Config, SyncMode};
use crate::documents::Documents;
use crate::gateway;
use crate::home::{ConsensusKey, Home};
use crate::mempool::Mempool;
use crate::network::{self, NetworkHandle, Services};
use crate::store::{self, OpenReport, Store, StoreError, Verify};
use crate::sync::{self, Joining, Library, Outcome};
use crate::view::View;

/// Room for a block's frame beside what the parameters bound.
const BLOCK_ROOM: usize = 64 * 1024;

/// What the settings and the founding document come to.
pub(super) struct Ground {
    pub(super) config: Config,
    pub(super) genesis: Genesis,
    pub(super) secret: Zeroizing<[u8; 32]>,
    /// The newest version of the rules that may be used.
    pub(super) supported: u32,
    pub(super) home: Home,
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
        let supported = options.protocol_up_to.unwrap_or(protocol::LATEST).min(protocol::LATEST);
        Ok(Self { config, genesis, secret, supported, home: home.clone() })
    }

    /// The key that votes, or would vote, on a state; with its guard.
    pub(super) fn seat(&self, view: &View) -> Result<Seat, NodeError> {
        let keys = self.home.consensus_keys(&self.config)?;
        let validators = &view.tip.network_record().validators;
        let key = ConsensusKey::choose(keys, validators).expect("a folder has the key that it was made with");
        let institution = self.institution(&key, validators).ok_or(NodeError::NoInstitution(key.secret.public()))?;
        let guard = self.home.guard(self.genesis.hash(), &key)?;
        let address = key.address();
        if validators.find(&address).is_none() {
            tracing::warn!(validator = %address, "this key is no validator's now: the node follows and does not vote");
        }
        let watcher = Watcher::new(self.home.clone(), self.config.clone(), address, self.supported, view)?;
        Ok(Seat { institution, address, guard, watcher })
    }

    /// Whose node this is.
    fn institution(&self, key: &ConsensusKey, validators: &ValidatorSet) -> Option<InstitutionId> {
        let network = SecretKey::from_bytes(&self.secret).public();
        let founders = &self.genesis.document().institutions;
        let by_vote = validators.find(&key.address()).map(|validator| validator.institution);
        let by_key = || self.genesis.institution_of(&key.secret.public()).map(|founder| founder.id);
        let by_network = || founders.iter().find(|founder| founder.network_key == network).map(|founder| founder.id);
        by_vote.or_else(by_key).or_else(by_network).or(self.config.institution)
    }
}

/// Under which key a node takes part.
pub(super) struct Seat {
    pub(super) institution: InstitutionId,
    pub(super) address: Address,
    pub(super) guard: Guard,
    pub(super) watcher: Watcher,
}

/// Puts the inner parts together, and lets the network serve: the engine asks the chain as soon as it runs.
pub(super) async fn assemble(
    ground: &Ground,
    store: &Store,
    loaded: Loaded,
    swarm: &NetworkHandle,
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
    let chain = Chain::new(store.clone(), published, mempool.clone(), clock.clone(), policy, stopping)?
        .within(ground.supported);
    let library = Some(Arc::new(Library::new(store.clone(), archive.clone())));
    swarm.attach(Services { mempool: mempool.clone(), documents: documents.clone(), clock: clock.clone(), library });
    Ok((Shared { views, archive, mempool, documents, network: swarm.clone(), clock }, chain))
}

/// The founders as those from whom everything else about validators is proven.
pub(super) fn founders(ground: &Ground) -> Lineage {
    Lineage::new(ground.genesis.hash(), ground.genesis.validators().clone())
}

/// Brings a store that is still empty to a snapshot of the network's state, when that is the way to go.
pub(super) async fn join(
    ground: &Ground,
    store: &Store,
    loaded: Loaded,
    network: &NetworkHandle,
) -> Result<Loaded, NodeError> {
    let settings = &ground.config.sync;
    let insists = match settings.mode {
        SyncMode::Blocks => return Ok(loaded),
        SyncMode::Auto => false,
        SyncMode::Snapshot => true,
    };
    if loaded.tip.height > Height(0) || ground.config.peers.is_empty() {
        return Ok(loaded);
    }
    let joining = Joining {
        founders: founders(ground),
        store: store.clone(),
        folder: ground.home.fetched(),
        far_behind: settings.far_behind,
        insists,
    };
    match sync::join(&joining, network).await? {
        Outcome::Joined(joined) => {
            tracing::info!(height = %joined.tip.height, records = joined.tip.state.len(), "joined at a snapshot");
            Ok(*joined)
        }
        Outcome::Blocks => Ok(loaded),
    }
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
    let (path, genesis, supported) = (ground.home.store(), ground.genesis.tip(), ground.supported);
    let opened =
        tokio::task::spawn_blocking(move || match open_and_load(&path, options.clone(), &genesis, supported) {
            Err(error) if error.is_damage() => {
                let reason = &error as &dyn std::error::Error;
                tracing::error!(reason, "this disk is damaged; the chain is fetched again from peers");
                set_aside(&path)?;
                open_and_load(&path, options, &genesis, supported)
            }
            opened => opened,
        });
    opened.await.unwrap_or(Err(NodeError::Panicked))
}

fn open_and_load(
    path: &Path,
    options: store::Options,
    genesis: &Tip,
    supported: u32,
) -> Result<(Store, Loaded), NodeError> {
    let (store, report) = Store::open(path, options)?;
    let loaded = load(&store, &report, genesis, supported)?;
    Ok((store, loaded))
}

fn load(store: &Store, report: &OpenReport, genesis: &Tip, supported: u32) -> Result<Loaded, ChainError> {
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
    chain::load_within(store, genesis, supported)
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

pub(super) fn swarm(ground: &Ground) -> network::Config {
    let peers = ground.config.peers.iter();
    network::Config {
        listen: ground.config.gossip.listen,
        peers: peers
            .map(|peer| network::PeerConfig { network_key: peer.network_key, address: Some(peer.gossip) })
            .collect(),
        secret: SecretKey::from_bytes(&ground.secret),
    }
}

/// What the settings say of the public door; its folder starts at the node's.
pub(super) fn gateway(home: &Home, settings: config::Gateway) -> gateway::Settings {
    let config::Gateway { listen: _, authorities, invoices, limits } = settings;
    gateway::Settings { limits, authorities, invoices: invoices.map(|folder| home.file(&folder)) }
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
        wal: ground.home.wal(),
        timeouts: settings.timeouts(),
        longest_idle: Duration::from_millis(settings.longest_idle_ms),
        target_block_time: settings.target_block_ms.map(Duration::from_millis),
        max_block_bytes: most + BLOCK_ROOM,
        status_interval: Duration::from_millis(settings.status_ms),
    }
}
