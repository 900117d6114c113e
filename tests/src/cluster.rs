//! A network of processes in a temporary folder: started, killed, wiped, stopped.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use keis_cli::found::{self, Founded, GENESIS_FILE, Network};
use keis_genesis::{ClockKind, Genesis, default_parameters};
use keis_ledger::chain::{Address, ValidatorSet};
use keis_ledger::crypto::Hash;
use keis_ledger::parameters::NetworkParameters;
use keis_ledger::time::Timestamp;
use keis_node::clock::ClockStep;
use keis_node::config::Config;
use keis_wallet::client::{Client, Policy, Status};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::program;
use crate::wait::{Turn, turn, until};

/// First instant of the networks' time: 2026-01-01T00:00:00Z.
pub const START: Timestamp = Timestamp(1_767_225_600_000);
/// Longest time until something comes that must come.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Exit code of a node that must not sign before a person has looked.
pub const MUST_NOT_SIGN: i32 = 4;
/// Starts that may fail because somebody else took a free port in the meantime.
const START_ATTEMPTS: usize = 5;

/// A network of validators, each a process of its own or down. What still runs is killed when this is dropped.
pub struct Cluster {
    /// Keys of the officers and of the clock, validators' folders.
    pub network: Network,
    /// The founding document.
    pub genesis: Genesis,
    children: Vec<Option<Child>>,
    clients: Vec<Client>,
    settings: Vec<(String, String)>,
    /// What each node is started with besides.
    arguments: Vec<Vec<String>>,
    /// The command that each node is started by, if it is not started directly.
    starters: Vec<Vec<String>>,
    /// What stands in the environment of each node besides.
    environments: Vec<Vec<(String, String)>>,
    /// Sets of validators that were decided after the founders', by their hash.
    sets: BTreeMap<Hash, ValidatorSet>,
    folder: TempDir,
    _turn: Turn,
}

/// A client of one gateway that soon gives up.
pub fn client(gateway: &str) -> Client {
    let pause = Duration::from_millis(50);
    let policy = Policy {
        connect: Duration::from_secs(2),
        request: Duration::from_secs(20),
        attempts: 2,
        first_pause: pause,
        longest_pause: pause * 4,
    };
    Client::new(&[gateway], policy).expect("an address of a founded network")
}

impl Cluster {
    /// Founds a network; nothing runs yet. Waits for its turn first.
    pub async fn found(count: usize) -> Self {
        Self::found_under(count, default_parameters()).await
    }

    /// The same under other parameters of the network.
    pub async fn found_under(count: usize, parameters: NetworkParameters) -> Self {
        let turn = turn().await;
        let folder = tempfile::Builder::new().prefix("keis-tests-").tempdir().expect("a temporary folder");
        let network =
            found::simulated_under(folder.path(), count, START, parameters).expect("a network can be founded");
        let genesis = Genesis::load(&folder.path().join(GENESIS_FILE)).expect("the founding document was just written");
        let clients = network.validators.iter().map(|one| client(&format!("http://{}", one.gateway))).collect();
        let children = network.validators.iter().map(|_| None).collect();
        Self {
            network,
            genesis,
            children,
            clients,
            settings: Vec::new(),
            arguments: vec![Vec::new(); count],
            starters: vec![Vec::new(); count],
            environments: vec![Vec::new(); count],
            sets: BTreeMap::new(),
            folder,
            _turn: turn,
        }
    }

    /// The same on the machine's clock: nobody steps it, and nothing says that the network is simulated.
    pub async fn found_on_real_time(count: usize) -> Self {
        let mut cluster = Self::found(count).await;
        let mut document = cluster.genesis.document().clone();
        document.clock = ClockKind::Real;
        let path = cluster.folder().join(GENESIS_FILE);
        fs::remove_file(&path).expect("the founding document was just written");
        cluster.genesis = document.check().expect("a sound document on either clock");
        cluster.genesis.save(&path).expect("the folder can be written");
        cluster.network.hash = cluster.genesis.hash();
        for index in cluster.all() {
            cluster.settle_again(index).await;
        }
        cluster
    }

    /// Makes a validator's folder anew for another founding document, with its keys and settings.
    async fn settle_again(&self, index: usize) {
        let (home, aside) = (self.home(index), self.folder().join("aside"));
        fs::rename(&home, &aside).expect("a folder is moved");
        let config = Config::load(&aside.join("config.toml")).expect("sound settings");
        let mut command = program::command(["node", "init", "--home"]);
        command.arg(&home).arg("--genesis").arg(self.folder().join(GENESIS_FILE));
        for (option, key) in [("--consensus-key", &config.keys.consensus), ("--network-key", &config.keys.network)] {
            command.arg(option).arg(aside.join(key));
        }
        for peer in &config.peers {
            command.arg("--peer").arg(format!("{}@{}@{}", peer.network_key, peer.consensus, peer.gossip));
        }
        let listens = [config.consensus.listen, config.gossip.listen, config.gateway.listen];
        for (option, listen) in ["--listen-consensus", "--listen-gossip", "--listen-gateway"].iter().zip(listens) {
            command.arg(option).arg(listen.to_string());
        }
        let made = command.output().await.expect("the binary can be run");
        assert!(made.status.success(), "{made:?}");
        fs::remove_dir_all(&aside).expect("the old folder is removed");
    }

    /// Moves the nodes to addresses of their own, one each; nothing may run yet.
    pub fn move_to(&mut self, addresses: &[IpAddr]) {
        let keys: Vec<_> = self.genesis.document().institutions.iter().map(|one| one.network_key).collect();
        let at = |old: SocketAddr, index: usize| SocketAddr::new(addresses[index], old.port());
        for index in self.all() {
            let path = self.home(index).join("config.toml");
            let mut config = Config::load(&path).expect("sound settings");
            for listen in [&mut config.consensus.listen, &mut config.gossip.listen, &mut config.gateway.listen] {
                *listen = at(*listen, index);
            }
            for peer in &mut config.peers {
                let whose = keys.iter().position(|key| *key == peer.network_key).expect("a founder");
                (peer.consensus, peer.gossip) = (at(peer.consensus, whose), at(peer.gossip, whose));
            }
            fs::write(path, toml::to_string(&config).expect("settings are plain tables")).expect("a folder of ours");
            self.network.validators[index].gateway = config.gateway.listen;
            self.clients[index] = client(&format!("http://{}", config.gateway.listen));
        }
    }

    /// Takes a node in whose folder was made by somebody else; returns its number.
    pub fn take_in(&mut self, node: Founded) -> usize {
        self.clients.push(client(&format!("http://{}", node.gateway)));
        self.children.push(None);
        self.arguments.push(Vec::new());
        self.starters.push(Vec::new());
        self.environments.push(Vec::new());
        self.network.validators.push(node);
        self.children.len() - 1
    }

    /// Starts a node from now on with these arguments besides.
    pub fn start_with(&mut self, index: usize, arguments: &[&str]) {
        self.arguments[index] = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    }

    /// Starts a node from now on by another command, which must become the node (`exec`).
    pub fn start_by(&mut self, index: usize, command: &[&str]) {
        self.starters[index] = command.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Starts a node from now on with this in its environment besides, and nothing of what was said before.
    pub fn start_within(&mut self, index: usize, environment: Vec<(String, String)>) {
        self.environments[index] = environment;
    }

    /// Remembers validators that were decided on.
    pub fn know(&mut self, validators: ValidatorSet) {
        self.sets.insert(validators.hash(), validators);
    }

    /// Validators by their hash: the founders, or a set that was decided on.
    pub fn validators(&self, hash: &Hash) -> &ValidatorSet {
        let founders = self.genesis.validators();
        if founders.hash() == *hash {
            return founders;
        }
        self.sets.get(hash).unwrap_or_else(|| panic!("nobody decided on the validators {hash}"))
    }

    /// A network of four that runs.
    pub async fn running() -> Self {
        let mut cluster = Self::found(4).await;
        cluster.start_all().await;
        cluster
    }

    /// Lays a setting over those of every node that is started from now on, such as `SNAPSHOT__BLOCKS`.
    pub fn set(&mut self, setting: &str, value: &str) {
        self.settings.push((format!("KEIS_NODE__{setting}"), value.to_owned()));
    }

    /// Number of validators.
    pub fn len(&self) -> usize {
        self.children.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// All validators.
    pub fn all(&self) -> Vec<usize> {
        (0..self.len()).collect()
    }

    /// The network's identity.
    pub fn hash(&self) -> Hash {
        self.genesis.hash()
    }

    /// The folder of the whole network.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of a validator.
    pub fn home(&self, index: usize) -> PathBuf {
        self.network.validators[index].home.clone()
    }

    /// What a validator has logged so far.
    pub fn log(&self, index: usize) -> String {
        let bytes = fs::read(self.home(index).join("node.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Addresses of all gateways.
    pub fn gateways(&self) -> Vec<String> {
        self.network.validators.iter().map(|one| format!("http://{}", one.gateway)).collect()
    }

    /// A client of this validator's gateway alone.
    pub fn client(&self, index: usize) -> &Client {
        &self.clients[index]
    }

    /// The address under which a validator votes.
    pub fn address(&self, index: usize) -> Address {
        let key = self.genesis.document().institutions[index].consensus_key;
        Address::of(&key)
    }

    /// Where a validator stands.
    pub async fn status(&self, index: usize) -> Status {
        let status = self.client(index).status().await;
        status.unwrap_or_else(|error| panic!("no status of {index}: {error:?}\n{}", self.tail(index)))
    }

    /// Starts a validator and waits until its gateway answers.
    pub async fn start(&mut self, index: usize) {
        if let Some(ended) = self.try_start(index).await {
            panic!("node {index} ended with {ended}\n{}", self.tail(index));
        }
    }

    /// Starts a validator that must refuse; returns how it ended and its log.
    pub async fn refused(&mut self, index: usize) -> (ExitStatus, String) {
        let ended = self.try_start(index).await;
        (ended.unwrap_or_else(|| panic!("node {index} runs, and must refuse")), self.log(index))
    }

    /// Starts a validator that may refuse: tells how it ended if it did, none when its gateway answers.
    /// One whose ports somebody took meanwhile is started again.
    pub async fn try_start(&mut self, index: usize) -> Option<ExitStatus> {
        for _ in 1..START_ATTEMPTS {
            self.launch(index);
            let ended = self.answers(index).await?;
            if !self.tail(index).contains("in use") {
                return Some(ended);
            }
        }
        self.launch(index);
        self.answers(index).await
    }

    /// Starts a validator that will end by itself; returns how it ended.
    pub async fn run_to_end(&mut self, index: usize) -> ExitStatus {
        self.launch(index);
        self.ended(index).await
    }

    /// Starts every validator that is down.
    pub async fn start_all(&mut self) {
        let down: Vec<usize> = self.all().into_iter().filter(|index| self.children[*index].is_none()).collect();
        for index in &down {
            self.launch(*index);
        }
        for index in down {
            if self.answers(index).await.is_some() {
                self.start(index).await;
            }
        }
    }

    fn launch(&mut self, index: usize) {
        let home = self.home(index);
        let log = File::options().create(true).append(true).open(home.join("node.log")).expect("a log in the folder");
        let program = program::path();
        let words = self.starters[index].iter().map(OsStr::new).chain([program.as_os_str()]).collect::<Vec<_>>();
        let child = Command::new(words[0])
            .args(&words[1..])
            .args(["node", "run"])
            .args(self.genesis.is_simulated().then_some("--simulated"))
            .arg("--home")
            .arg(&home)
            .args(&self.arguments[index])
            .envs(self.settings.iter().chain(&self.environments[index]).map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be had twice"))
            .stderr(log)
            .kill_on_drop(true)
            .spawn();
        self.children[index] = Some(child.expect("the binary can be run"));
    }

    /// Waits until a launched validator answers; tells how it ended when it ends instead.
    async fn answers(&mut self, index: usize) -> Option<ExitStatus> {
        let (child, client) = (&mut self.children[index], &self.clients[index]);
        let process = child.as_mut().expect("it was launched");
        let ended = until("a gateway answers", PATIENCE, async || {
            let ended = process.try_wait().expect("a child can be looked at");
            if ended.is_some() {
                return Some(ended);
            }
            client.status().await.is_ok().then_some(None)
        });
        let ended = ended.await;
        if ended.is_some() {
            *child = None;
        }
        ended
    }

    /// Kills validators with kill -9, all at once.
    pub async fn kill(&mut self, indices: &[usize]) {
        for index in indices {
            self.assert_alive(*index);
            self.signal(*index, Signal::KILL);
        }
        for index in indices {
            let mut child = self.children[*index].take().expect("it was alive");
            child.wait().await.expect("a killed child ends");
        }
    }

    /// Kills a validator, unless it has ended by itself; tells how it had.
    pub async fn kill_unless_ended(&mut self, index: usize) -> Option<ExitStatus> {
        let child = self.children[index].as_mut().expect("it was started");
        let ended = child.try_wait().expect("a child can be looked at");
        match ended {
            Some(_) => self.children[index] = None,
            None => self.kill(&[index]).await,
        }
        ended
    }

    /// Asks a validator to stop (SIGTERM) and waits for its end.
    pub async fn stop(&mut self, index: usize, within: Duration) -> ExitStatus {
        self.assert_alive(index);
        self.signal(index, Signal::TERM);
        let mut child = self.children[index].take().expect("it was alive");
        let ended = tokio::time::timeout(within, child.wait()).await;
        ended.unwrap_or_else(|_| panic!("node {index} does not stop\n{}", self.tail(index))).expect("a child ends")
    }

    fn signal(&self, index: usize, signal: Signal) {
        let id = self.children[index].as_ref().and_then(Child::id).and_then(|id| i32::try_from(id).ok());
        let pid = id.and_then(Pid::from_raw).expect("a running child has an id");
        kill_process(pid, signal).expect("a child can be signalled");
    }

    /// Panics when a validator that was started has ended by itself.
    pub fn assert_alive(&mut self, index: usize) {
        if let Some(child) = &mut self.children[index]
            && let Some(ended) = child.try_wait().expect("a child can be looked at")
        {
            panic!("node {index} ended by itself with {ended}\n{}", self.tail(index));
        }
    }

    /// Whether a node that was started has ended by itself.
    pub fn has_ended(&mut self, index: usize) -> bool {
        let child = self.children[index].as_mut().expect("it was started");
        child.try_wait().expect("a child can be looked at").is_some()
    }

    /// Waits until a node has ended by itself; returns how.
    pub async fn ended(&mut self, index: usize) -> ExitStatus {
        let child = self.children[index].as_mut().expect("it was started");
        let ended = tokio::time::timeout(PATIENCE, child.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("node {index} does not end\n{}", self.tail(index)));
        self.children[index] = None;
        ended.expect("a child can be waited for")
    }

    /// Waits until one of these nodes has ended by itself; returns which, and how.
    pub async fn first_ended(&mut self, indices: &[usize], within: Duration) -> (usize, ExitStatus) {
        let children = &mut self.children;
        let (index, ended) = until("one of the nodes ends", within, async || {
            let mut ended = indices.iter().map(|index| {
                let child = children[*index].as_mut().expect("it was started");
                (*index, child.try_wait().expect("a child can be looked at"))
            });
            ended.find_map(|(index, ended)| Some((index, ended?)))
        })
        .await;
        self.children[index] = None;
        (index, ended)
    }

    /// Removes what a validator has stored and the engine's log; settings, keys and sign guard stay.
    pub fn wipe(&self, index: usize) {
        for part in ["store", "consensus"] {
            fs::remove_dir_all(self.home(index).join(part)).expect("a part of the folder is removed");
        }
    }

    /// Steps the network's clock at every gateway that answers.
    pub async fn step(&self, time: Timestamp) {
        let step = ClockStep::sign(&self.hash(), &self.network.driver, time);
        for client in &self.clients {
            client.step_clock(step.time, step.signature).await.expect("the driver's step is taken");
        }
    }

    /// The last lines of a validator's log.
    pub fn tail(&self, index: usize) -> String {
        let log = self.log(index);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

/// Copies a folder with all that is below it; the copy must not be there yet.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a readable folder") {
        let entry = entry.expect("a readable folder");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("a file is copied");
        }
    }
}

/// A field of a status that the client does not name.
pub fn field<'s>(status: &'s Status, name: &str) -> &'s serde_json::Value {
    status.node.get(name).unwrap_or_else(|| panic!("a status without `{name}`: {status:?}"))
}
