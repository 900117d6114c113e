//! A network of engines in one process, with an application of a few lines: a block is a height, a parent and a salt.
#![allow(dead_code, reason = "every test file uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use keis_engine::guard::{Beginning, Guard};
use keis_engine::{
    AppError, Application, Blocks, Config, Engine, Peer, Proposal, Timeouts, Verdict, network_key, start,
};
use keis_ledger::chain::{Address, Certificate, Height, Validator, ValidatorSet};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{BlockId, InstitutionId};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Longest wait for anything in a test.
pub const PATIENCE: Duration = Duration::from_secs(120);
pub const NETWORK: Hash = Hash([7; 32]);

pub fn consensus_secret(index: u8) -> SecretKey {
    SecretKey::from_bytes(&[index + 1; 32])
}

pub fn address(index: u8) -> Address {
    Address::of(&consensus_secret(index).public())
}

fn network_secret(index: u8) -> [u8; 32] {
    [index + 101; 32]
}

pub fn validators(count: u8) -> ValidatorSet {
    let of =
        |index| Validator { institution: InstitutionId([index; 16]), key: consensus_secret(index).public(), power: 10 };
    ValidatorSet::new((0..count).map(of).collect()).unwrap()
}

/// What a node has on its disk; here in memory, and it outlives an engine.
pub struct Store {
    pub committed: Vec<(Bytes, Certificate)>,
    undecided: BTreeMap<(Height, BlockId), (Proposal, Verdict)>,
    goal: Height,
    work: watch::Sender<bool>,
    padding: usize,
    /// The disk is broken.
    failed: bool,
}

impl Store {
    fn tip(&self) -> Height {
        Height(self.committed.len() as u64)
    }

    fn tip_id(&self) -> BlockId {
        self.committed.last().map(|(_, certificate)| certificate.block).unwrap_or_default()
    }

    fn refresh(&self) {
        self.work.send_replace(self.tip() < self.goal);
    }
}

#[derive(Clone)]
pub struct TestApp {
    pub store: Arc<Mutex<Store>>,
    validators: ValidatorSet,
}

impl TestApp {
    pub fn new(validators: ValidatorSet, padding: usize) -> Self {
        let store = Store {
            committed: Vec::new(),
            undecided: BTreeMap::new(),
            goal: Height(0),
            work: watch::Sender::new(false),
            padding,
            failed: false,
        };
        Self { store: Arc::new(Mutex::new(store)), validators }
    }

    /// There is work until this height.
    pub fn work_until(&self, goal: u64) {
        let mut store = self.store.lock().unwrap();
        store.goal = Height(goal);
        store.refresh();
    }

    pub fn chain(&self) -> Vec<BlockId> {
        self.store.lock().unwrap().committed.iter().map(|(_, certificate)| certificate.block).collect()
    }

    pub fn certificates(&self) -> Vec<Certificate> {
        self.store.lock().unwrap().committed.iter().map(|(_, certificate)| certificate.clone()).collect()
    }

    /// The next commit fails.
    pub fn fail(&self) {
        self.store.lock().unwrap().failed = true;
    }

    pub fn forget_everything(&self) {
        let mut store = self.store.lock().unwrap();
        store.committed.clear();
        store.undecided.clear();
    }
}

impl Blocks for TestApp {
    fn settle(&self) -> Result<(), AppError> {
        Ok(())
    }

    fn holds(&self, height: Height, block: BlockId) -> Result<bool, AppError> {
        Ok(self.store.lock().unwrap().undecided.contains_key(&(height, block)))
    }
}

#[async_trait]
impl Application for TestApp {
    fn tip(&self) -> Height {
        self.store.lock().unwrap().tip()
    }

    fn first_height(&self) -> Height {
        Height(self.tip().0.min(1))
    }

    fn validators(&self, _: Height) -> ValidatorSet {
        self.validators.clone()
    }

    fn identify(&self, bytes: &Bytes) -> Option<BlockId> {
        (bytes.len() >= 60).then(|| BlockId(*blake3::hash(bytes).as_bytes()))
    }

    fn blocks(&self) -> Arc<dyn Blocks> {
        Arc::new(self.clone())
    }

    async fn propose(&mut self, height: Height, round: u32, proposer: Address) -> Result<Proposal, AppError> {
        let mut store = self.store.lock().unwrap();
        let known =
            store.undecided.values().find(|(p, _)| (p.height, p.round, p.proposer) == (height, round, proposer));
        if let Some((proposal, _)) = known {
            return Ok(proposal.clone());
        }
        let mut bytes = height.0.to_le_bytes().to_vec();
        bytes.extend(store.tip_id().0);
        bytes.extend(proposer.0);
        bytes.extend(round.to_le_bytes());
        bytes.resize(bytes.len() + store.padding, round as u8);
        let block = BlockId(*blake3::hash(&bytes).as_bytes());
        let proposal = Proposal { height, round, valid_round: None, proposer, block, bytes: bytes.into() };
        store.undecided.insert((height, block), (proposal.clone(), Verdict::Valid));
        Ok(proposal)
    }

    async fn receive(&mut self, proposal: Proposal, _: bool) -> Result<Verdict, AppError> {
        let mut store = self.store.lock().unwrap();
        let sound = proposal.bytes[..8] == proposal.height.0.to_le_bytes()
            && proposal.bytes[8..40] == store.tip_id().0
            && proposal.height == store.tip().next();
        let verdict = if sound { Verdict::Valid } else { Verdict::Invalid };
        store.undecided.insert((proposal.height, proposal.block), (proposal, verdict));
        Ok(verdict)
    }

    async fn undecided(&mut self, height: Height, round: u32) -> Result<Vec<(Proposal, Verdict)>, AppError> {
        let store = self.store.lock().unwrap();
        let of_round = store.undecided.values().filter(|(p, _)| (p.height, p.round) == (height, round));
        Ok(of_round.cloned().collect())
    }

    async fn find(&mut self, height: Height, block: BlockId) -> Result<Option<Proposal>, AppError> {
        Ok(self.store.lock().unwrap().undecided.get(&(height, block)).map(|(proposal, _)| proposal.clone()))
    }

    async fn commit(&mut self, certificate: Certificate) -> Result<(), AppError> {
        let mut store = self.store.lock().unwrap();
        if store.failed {
            return Err("the disk is broken".into());
        }
        if certificate.height <= store.tip() {
            return Ok(());
        }
        let (proposal, _) = store
            .undecided
            .get(&(certificate.height, certificate.block))
            .ok_or_else(|| format!("no block for height {}", certificate.height))?;
        let bytes = proposal.bytes.clone();
        store.committed.push((bytes, certificate.clone()));
        store.undecided.retain(|(height, _), _| *height > certificate.height);
        store.refresh();
        Ok(())
    }

    async fn decided(&self, height: Height) -> Result<Option<(Bytes, Certificate)>, AppError> {
        Ok(self.store.lock().unwrap().committed.get(height.0 as usize - 1).cloned())
    }

    fn work(&self) -> watch::Receiver<bool> {
        self.store.lock().unwrap().work.subscribe()
    }
}

/// A port below those that outgoing connections take.
pub fn free() -> TcpListener {
    let draw = || 10_000 + (RandomState::new().hash_one(0) % 22_000) as u16;
    (0..1_000).find_map(|_| TcpListener::bind(("127.0.0.1", draw())).ok()).unwrap()
}

/// Where every node listens and what it holds.
pub struct Net {
    pub addresses: Vec<SocketAddr>,
    /// Where one node finds another, if not at its address.
    pub detours: BTreeMap<(u8, u8), SocketAddr>,
    pub apps: Vec<TestApp>,
    pub root: tempfile::TempDir,
    pub longest_idle: Duration,
}

impl Net {
    pub fn new(count: u8, padding: usize) -> Self {
        Self::with_seats(count, count, padding)
    }

    /// A network with more nodes than validators.
    pub fn with_seats(count: u8, seats: u8, padding: usize) -> Self {
        let listeners: Vec<_> = (0..seats).map(|_| free()).collect();
        let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
        let apps = (0..seats).map(|_| TestApp::new(validators(count), padding)).collect();
        let root = tempfile::tempdir().unwrap();
        Self { addresses, detours: BTreeMap::new(), apps, root, longest_idle: Duration::from_secs(3600) }
    }

    pub fn folder(&self, index: u8) -> PathBuf {
        let folder = self.root.path().join(format!("node-{index}"));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    pub fn config(&self, index: u8, folder: &Path) -> Config {
        let others = (0..self.addresses.len() as u8).filter(|other| *other != index);
        let peer = |other| Peer {
            address: self.detours.get(&(index, other)).copied().unwrap_or(self.addresses[usize::from(other)]),
            network_key: network_key(&network_secret(other)),
        };
        Config {
            network: NETWORK,
            moniker: format!("test-{index}"),
            listen: self.addresses[usize::from(index)],
            peers: others.map(peer).collect(),
            wal: folder.join("consensus.wal"),
            timeouts: Timeouts::default(),
            longest_idle: self.longest_idle,
            target_block_time: None,
            max_block_bytes: 4 * 1024 * 1024,
            status_interval: Duration::from_millis(500),
        }
    }

    /// Starts a node whose guard begins with the network, or goes on.
    pub async fn start(&self, index: u8) -> Engine {
        let folder = self.folder(index);
        let secret = consensus_secret(index);
        let guard = if folder.join("sign.log").exists() {
            Guard::open(&folder, NETWORK, secret).unwrap()
        } else {
            Guard::create(&folder, NETWORK, secret, Beginning::Genesis).unwrap()
        };
        self.start_with(index, &folder, guard).await
    }

    pub async fn start_with(&self, index: u8, folder: &Path, guard: Guard) -> Engine {
        let app = self.apps[usize::from(index)].clone();
        start(self.config(index, folder), network_secret(index), Some(guard), Box::new(app)).await.unwrap()
    }

    /// Starts a node that has no consensus key.
    pub async fn start_follower(&self, index: u8) -> Engine {
        let app = self.apps[usize::from(index)].clone();
        start(self.config(index, &self.folder(index)), network_secret(index), None, Box::new(app)).await.unwrap()
    }

    pub async fn start_all(&self) -> Vec<Engine> {
        let mut engines = Vec::new();
        for index in 0..self.apps.len() as u8 {
            engines.push(self.start(index).await);
        }
        engines
    }

    pub fn work_until(&self, goal: u64) {
        self.apps.iter().for_each(|app| app.work_until(goal));
    }
}

/// Waits until a node has committed a height.
pub async fn reached(engine: &Engine, height: u64) {
    let mut tip = engine.tip();
    let arrived = tip.wait_for(|tip| tip.0 >= height);
    tokio::time::timeout(PATIENCE, arrived).await.expect("the height is decided in time").unwrap();
}

pub async fn all_reached(engines: &[Engine], height: u64) {
    for engine in engines {
        reached(engine, height).await;
    }
}

pub async fn shut_down(engines: Vec<Engine>) {
    for engine in engines {
        engine.shutdown().await.unwrap();
    }
}

/// A wire between two nodes, which can go dead without either end being told.
pub struct Wire {
    pub address: SocketAddr,
    cut: watch::Sender<u32>,
}

impl Wire {
    pub async fn to(target: SocketAddr) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, cuts) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if let Ok(far) = TcpStream::connect(target).await {
                    tokio::spawn(carry(near, far, cuts.clone()));
                }
            }
        });
        Self { address, cut }
    }

    /// What is connected stays so and hears nothing more; what connects from now on is carried.
    pub fn goes_dead(&self) {
        self.cut.send_modify(|cuts| *cuts += 1);
    }
}

async fn carry(mut near: TcpStream, mut far: TcpStream, mut cuts: watch::Receiver<u32>) {
    cuts.mark_unchanged();
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
        cut = cuts.changed() => if cut.is_err() { return },
    }
    // Both ends are held open as long as the wire is there.
    while cuts.changed().await.is_ok() {}
}
