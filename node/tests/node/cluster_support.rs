//! Networks of real nodes in one process, each with its own folder, keys and ports.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use keis_engine::guard::Beginning;
use keis_genesis::{ClockKind, Document, FORMAT, Genesis, Institution, Office, Officer, default_parameters};
use keis_ledger::block::Tip;
use keis_ledger::chain::Height;
use keis_ledger::classifiers::Place;
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{EntityId, InstitutionId, ProviderId, SchoolId, TransactionId};
use keis_ledger::operation::{NewProvider, NewSchool, Operation, WalletOperation};
use keis_ledger::parameters::NetworkParameters;
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::{Body, SignedTransaction};
use keis_node::chain::Located;
use keis_node::clock::ClockStep;
use keis_node::config::{Config, Log, Peer};
use keis_node::home::{Home, NewHome};
use keis_node::mempool::Origin;
use keis_node::run::{Node, Options};
use keis_node::telemetry::start_log;
use tempfile::TempDir;

pub const START: Timestamp = Timestamp(1_767_225_600_000);
pub const PATIENCE: Duration = Duration::from_secs(60);
const HOUR: Span = Span(60 * 60 * 1000);

/// A network of validators, each running or not.
pub struct Cluster {
    pub folder: TempDir,
    pub genesis: Genesis,
    pub homes: Vec<Home>,
    pub nodes: Vec<Option<Node>>,
    pub options: Options,
    pub driver: SecretKey,
    pub operator: SecretKey,
    salt: u64,
}

/// Governance keys are of kind 7, two for each institution.
pub fn key(kind: u8, number: u8) -> SecretKey {
    SecretKey::from_bytes(&[kind.wrapping_mul(32).wrapping_add(number).wrapping_add(1); 32])
}

fn institution(number: u8) -> InstitutionId {
    InstitutionId([number + 1; 16])
}

/// A founding document of `count` validators of equal weight.
pub fn genesis(count: u8, simulated: bool) -> Genesis {
    genesis_under(count, simulated, default_parameters())
}

/// The same under other parameters.
pub fn genesis_under(count: u8, simulated: bool, parameters: NetworkParameters) -> Genesis {
    let institutions = (0..count).map(|number| Institution {
        id: institution(number),
        name: format!("Institution {number}"),
        consensus_key: key(1, number).public(),
        network_key: key(2, number).public(),
        governance_keys: [key(7, 2 * number).public(), key(7, 2 * number + 1).public()],
        power: 1,
    });
    let officer = |number: u8, office| Officer {
        institution: institution(number),
        office,
        key: key(3, number).public(),
        from: Timestamp(0),
        until: Timestamp(u64::MAX),
    };
    let clock = if simulated { ClockKind::Simulated { driver: key(4, 0).public() } } else { ClockKind::Real };
    let document = Document {
        format: FORMAT,
        name: "Test".to_owned(),
        time: START,
        clock,
        parameters,
        institutions: institutions.collect(),
        officers: vec![officer(0, Office::Operator), officer(1, Office::BudgetHolder)],
    };
    document.check().expect("a sound document")
}

/// Addresses that were free a moment ago, below those that outgoing connections and gateways of any port take.
pub fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let draw = || 10_000 + u16::from_le_bytes(keis_wallet::random::random_bytes()) % 22_000;
    let free = |_| (0..1_000).find_map(|_| TcpListener::bind(("127.0.0.1", draw())).ok()).expect("a free port");
    let held: Vec<TcpListener> = (0..count).map(free).collect();
    held.iter().map(|listener| listener.local_addr().expect("it is bound")).collect()
}

impl Cluster {
    /// Folders of a network of four, none running; `adjust` may change each node's settings.
    pub fn new(simulated: bool, adjust: impl Fn(&mut Config)) -> Self {
        Self::founded(genesis(4, simulated), adjust)
    }

    /// Folders of the network of four that a document founds.
    pub fn founded(genesis: Genesis, adjust: impl Fn(&mut Config)) -> Self {
        // What the nodes tell stands under a test that fails; a second network of the process finds the log set up.
        let _ = start_log(&Log::default());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let simulated = genesis.is_simulated();
        let path = folder.path().join("genesis.json");
        genesis.save(&path).expect("the founding document is written");
        let addresses = free_addresses(8);
        let peer = |number: usize| Peer {
            network_key: key(2, number as u8).public(),
            consensus: addresses[number],
            gossip: addresses[4 + number],
        };
        let any = "127.0.0.1:0".parse().expect("an address");
        let homes = (0..4).map(|number| {
            let peers = (0..4).filter(|other| *other != number).map(peer).collect();
            let mut config = Config::new(path.clone(), addresses[number], addresses[4 + number], any, peers);
            adjust(&mut config);
            let new = NewHome {
                config,
                consensus: key(1, number as u8),
                network: key(2, number as u8),
                beginning: Beginning::Genesis,
            };
            Home::create(folder.path().join(format!("node-{number}")), &new).expect("a new folder")
        });
        let homes = homes.collect();
        let (driver, operator) = (key(4, 0), key(3, 0));
        let nodes = (0..4).map(|_| None).collect();
        let options = Options { simulated, ..Options::default() };
        Self { folder, genesis, homes, nodes, options, driver, operator, salt: 0 }
    }

    pub async fn running(simulated: bool) -> Self {
        let mut cluster = Self::new(simulated, |_| {});
        cluster.start_all().await;
        cluster
    }

    pub async fn start(&mut self, number: usize) {
        let config = self.homes[number].config().expect("sound settings");
        let node = Node::start(&self.homes[number], config, self.options).await;
        self.nodes[number] = Some(node.unwrap_or_else(|error| panic!("node {number}: {error:?}")));
    }

    pub async fn start_all(&mut self) {
        for number in 0..4 {
            self.start(number).await;
        }
    }

    pub async fn stop(&mut self, number: usize) {
        let node = self.nodes[number].take().expect("the node runs");
        tokio::time::timeout(PATIENCE, node.shutdown()).await.expect("an end in time").expect("a clean end");
    }

    pub async fn stop_all(&mut self) {
        for number in 0..4 {
            if self.nodes[number].is_some() {
                self.stop(number).await;
            }
        }
    }

    pub fn node(&self, number: usize) -> &Node {
        self.nodes[number].as_ref().expect("the node runs")
    }

    pub fn store(&self, number: usize) -> PathBuf {
        self.homes[number].store()
    }

    pub fn network(&self) -> Hash {
        self.genesis.hash()
    }

    /// A transaction of somebody.
    pub fn compose_by(&mut self, signer: &SecretKey, now: Timestamp, operation: Operation) -> SignedTransaction {
        self.salt += 1;
        let body =
            Body { signer: signer.public(), behalf: None, salt: self.salt, valid_until: now.after(HOUR), operation };
        body.sign(&self.network(), signer)
    }

    /// Hands an operation of the operator to a node, as its gateway would.
    pub fn submit(&mut self, number: usize, operation: Operation) -> TransactionId {
        let operator = self.operator.clone();
        self.submit_by(&operator, number, operation)
    }

    /// Hands somebody's operation to a node.
    pub fn submit_by(&mut self, signer: &SecretKey, number: usize, operation: Operation) -> TransactionId {
        let signed = self.compose_by(signer, self.node(number).clock().now(), operation);
        let node = self.node(number);
        node.mempool().submit(signed.raw().to_vec(), Origin::Client).expect("the transaction is taken");
        node.network().publish(signed.raw());
        signed.id()
    }

    /// Waits until a node has the receipt of a transaction, durably.
    pub async fn receipt(&self, number: usize, id: &TransactionId) -> Located {
        let node = self.node(number);
        let mut views = node.views();
        let found = async {
            loop {
                views.borrow_and_update();
                if let Some(located) = node.archive().receipt(id).expect("history is readable") {
                    return located;
                }
                views.changed().await.expect("the node runs");
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| {
            panic!("node {number} has no receipt of {id}, it is at {}", node.views().borrow().height())
        })
    }

    /// Waits until a node has committed a height.
    pub async fn reached(&self, number: usize, height: Height) {
        let mut views = self.node(number).views();
        let reached = tokio::time::timeout(PATIENCE, views.wait_for(|view| view.height() >= height)).await;
        drop(reached.unwrap_or_else(|_| panic!("node {number} has not reached {height}")).expect("the node runs"));
    }

    /// Steps the clock of one node, which tells the others.
    pub fn step(&self, number: usize, time: Timestamp) {
        let step = ClockStep::sign(&self.network(), &self.driver, time);
        let node = self.node(number);
        node.clock().step(&step).expect("the driver's step");
        node.network().publish_step(step);
    }

    pub fn tip(&self, number: usize) -> Tip {
        self.node(number).views().borrow().tip.clone()
    }

    /// Waits until these nodes stand at the highest height of them, and compares everything that must be equal.
    pub async fn assert_equal(&self, numbers: &[usize]) {
        let highest = numbers.iter().map(|number| self.tip(*number).height).max().expect("some nodes");
        for number in numbers {
            self.reached(*number, highest).await;
        }
        for height in (1..=highest.0).map(Height) {
            let headers: Vec<_> = numbers
                .iter()
                .map(|number| self.node(*number).archive().header(height).expect("readable").expect("stored"))
                .collect();
            assert!(headers.windows(2).all(|pair| pair[0] == pair[1]), "headers of height {height} differ");
            let certificate = self.node(numbers[0]).archive().certificate(height).expect("readable").expect("stored");
            assert_eq!(certificate.block, headers[0].id());
            certificate
                .verify(&self.network(), self.genesis.validators())
                .expect("a certificate that proves its block");
        }
        for number in numbers {
            let view = self.node(*number).views().borrow().clone();
            let root = view.header.as_ref().map_or(self.genesis.state().root(), |header| header.state_root);
            assert_eq!(view.tip.state.root(), root, "node {number}");
        }
    }
}

pub fn open_school(number: u8) -> Operation {
    let school =
        NewSchool { school: SchoolId([number; 16]), entity: EntityId([number; 16]), place: Place::Municipality(1) };
    Operation::Wallet(WalletOperation::OpenSchools { schools: vec![school] })
}

pub fn open_provider(number: u8) -> Operation {
    let provider = NewProvider { provider: ProviderId([number; 16]), entity: EntityId([100 + number; 16]) };
    Operation::Wallet(WalletOperation::OpenProviders { providers: vec![provider] })
}
