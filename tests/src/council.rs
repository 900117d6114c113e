//! What the institutions decide together, and nodes that join them.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use keis_cli::found::{Founded, GENESIS_FILE};
use keis_ledger::chain::{Address, Height, Validator, ValidatorSet};
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{DecisionId, InstitutionId};
use keis_ledger::operation::{Admission, GovernanceOperation, Measure, Operation};
use keis_ledger::receipt::{Kind, Receipt};
use keis_ledger::time::Span;
use keis_node::config::{Config, Peer};
use keis_wallet::compose::Composer;
use keis_wallet::random::{new_id, new_key};
use keis_wallet::secret_file;

use crate::cluster::{Cluster, PATIENCE, START, field};
use crate::program;
use crate::wait::until;
use crate::world::{client, deliver};

/// Longest time that a node may take to stop.
const STOP: Duration = Duration::from_secs(15);

/// Lets the founders vote for a measure until it is decided; returns the receipt of the vote that carried it out.
pub async fn decide(cluster: &Cluster, measure: Measure) -> Receipt {
    let decision = new_id(DecisionId);
    let propose = GovernanceOperation::Propose { decision, measure, until: START.after(Span::days(30)) };
    let mut receipt = vote(cluster, 0, propose).await;
    for voter in 1..cluster.network.governance.len() {
        receipt = vote(cluster, voter, GovernanceOperation::Approve { decision }).await;
        if receipt.kind != Kind::DecisionApproved {
            return receipt;
        }
    }
    panic!("all founders voted for {decision}, and it is not decided: {receipt:?}");
}

async fn vote(cluster: &Cluster, voter: usize, operation: GovernanceOperation) -> Receipt {
    let key = cluster.network.governance[voter][0].clone();
    let composer = Composer::new(cluster.hash(), key).valid_for(Span::days(1));
    let vote = composer.compose(START, Operation::Governance(operation)).expect("an operation within the bounds");
    deliver(&client(cluster, voter), &vote).await
}

/// Lets the institutions put other validators in the place of the present ones; returns the height that decided it.
pub async fn set_validators(cluster: &mut Cluster, validators: Vec<Validator>, admitted: Vec<Admission>) -> Height {
    cluster.know(ValidatorSet::new(validators.clone()).expect("a sound set"));
    decide(cluster, Measure::SetValidators { validators, admitted }).await.height
}

/// Waits until a validator's signature stands in a certificate of a block above a height.
pub async fn signs(cluster: &Cluster, witness: usize, address: Address, above: Height) {
    let mut next = above.next();
    until(&format!("{address} signs after height {above}"), PATIENCE, async || {
        let certificate = cluster.client(witness).certificate(next).await.ok()??;
        next = next.next();
        certificate.signatures.iter().any(|(signer, _)| *signer == address).then_some(())
    })
    .await;
}

/// Waits until a node says of itself whether it is a validator, under which address.
pub async fn takes_part(cluster: &Cluster, node: usize, votes: bool, address: Address) {
    until(&format!("node {node} votes: {votes}"), PATIENCE, async || {
        // It may be beginning again, with another key.
        let status = cluster.client(node).status().await.ok()?;
        let as_whom = field(&status, "address").as_str() == Some(&address.to_string());
        (as_whom && field(&status, "validator").as_bool() == Some(votes) && !status.syncing).then_some(())
    })
    .await;
}

/// An institution that is not among the founders, with a node's folder made by `keis node init`.
pub struct Newcomer {
    /// Its number in the cluster.
    pub node: usize,
    /// Its id.
    pub institution: InstitutionId,
    /// What it would be as a validator.
    pub validator: Validator,
    /// Its keys for votes on measures, as a measure that admits it names them.
    pub admission: Admission,
}

/// Makes the folder of a node that no founder runs, and lets the others' settings list it. Nobody is started.
pub async fn newcomer(cluster: &mut Cluster) -> Newcomer {
    let (home, institution) = (cluster.folder().join("newcomer"), new_id(InstitutionId));
    let keys = ["consensus", "network"].map(|kind| cluster.folder().join(format!("newcomer-{kind}.key")));
    for key in &keys {
        program::keis(["key", "new", "--out", text(key)]).await.well();
    }
    let addresses = free_addresses();
    let genesis = cluster.folder().join(GENESIS_FILE);
    let mut arguments: Vec<String> = ["node", "init", "--home", text(&home), "--genesis", text(&genesis)]
        .into_iter()
        .chain(["--consensus-key", text(&keys[0]), "--network-key", text(&keys[1])])
        .map(ToOwned::to_owned)
        .collect();
    arguments.extend(["--institution".to_owned(), institution.to_string()]);
    for (option, address) in ["--listen-consensus", "--listen-gossip", "--listen-gateway"].iter().zip(addresses) {
        arguments.extend([(*option).to_owned(), address.to_string()]);
    }
    for founder in 0..cluster.len() {
        let config = settings(cluster, founder);
        let key = cluster.genesis.document().institutions[founder].network_key;
        let peer = format!("{key}@{}@{}", config.consensus.listen, config.gossip.listen);
        arguments.extend(["--peer".to_owned(), peer]);
    }
    program::keis(arguments).await.well();
    let [consensus, network] = keys.map(|key| secret_file::read(&key).expect("a key that was just made").public());
    let peer = Peer { network_key: network, consensus: addresses[0], gossip: addresses[1] };
    for founder in 0..cluster.len() {
        let mut config = settings(cluster, founder);
        config.peers.push(peer.clone());
        let written = toml::to_string(&config).expect("settings are plain tables");
        std::fs::write(cluster.home(founder).join("config.toml"), written).expect("settings can be changed");
    }
    let mut governance: [SecretKey; 2] = [new_key(), new_key()];
    governance.sort_by_key(SecretKey::public);
    let node = cluster.take_in(Founded { name: "newcomer", home, gateway: addresses[2] });
    Newcomer {
        node,
        institution,
        validator: Validator { institution, key: consensus, power: 1 },
        admission: Admission { institution, keys: governance.map(|key| key.public()) },
    }
}

/// Stops and starts a node, as after an edit of its settings or for another build.
pub async fn restart(cluster: &mut Cluster, node: usize) {
    assert!(cluster.stop(node, STOP).await.success(), "{}", cluster.tail(node));
    cluster.start(node).await;
}

/// The settings of a node.
pub fn settings(cluster: &Cluster, node: usize) -> Config {
    Config::load(&cluster.home(node).join("config.toml")).expect("sound settings")
}

/// Addresses for consensus, exchange and gateway of a node that nobody else listens on.
pub fn free_addresses() -> [SocketAddr; 3] {
    // Below the ports that outgoing connections use, so that no dial takes one before its node does.
    let free = |_| {
        let draw = || 10_000 + u16::from_le_bytes(keis_wallet::random::random_bytes()) % 22_000;
        (0..1_000).find_map(|_| TcpListener::bind(("127.0.0.1", draw())).ok()).expect("a free port")
    };
    // All are held until all are drawn.
    let held = [0, 1, 2].map(free);
    held.map(|listener| listener.local_addr().expect("it is bound"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}
