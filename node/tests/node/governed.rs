//! What institutions decide about the nodes themselves: whose keys vote, and by which rules blocks are made.

use keis_engine::guard::Beginning;
use keis_genesis::default_parameters;
use keis_ledger::chain::{Address, Height, Validator, ValidatorSet};
use keis_ledger::ids::{DecisionId, InstitutionId};
use keis_ledger::operation::{Admission, GovernanceOperation, Measure, Operation};
use keis_ledger::parameters::NetworkParameters;
use keis_ledger::protocol;
use keis_ledger::receipt::Kind;
use keis_ledger::time::Span;
use keis_node::config::{Config, Peer};
use keis_node::home::{Home, NewHome};
use keis_node::run::{Node, NodeError, Options, Renewal};

use crate::cluster_support::{Cluster, PATIENCE, START, free_addresses, genesis_under, key, open_school};

/// Lets the founders vote through a node until the measure is decided; returns the height that decided it.
async fn decide(cluster: &mut Cluster, number: usize, measure: Measure) -> Height {
    let decision = DecisionId([mark(cluster); 16]);
    let mut operation = GovernanceOperation::Propose { decision, measure, until: START.after(Span::days(30)) };
    for founder in 0..4 {
        let id = cluster.submit_by(&key(7, 2 * founder), number, Operation::Governance(operation));
        let receipt = cluster.receipt(number, &id).await.full.receipt;
        if founder > 0 && receipt.kind != Kind::DecisionApproved {
            return receipt.height;
        }
        operation = GovernanceOperation::Approve { decision };
    }
    panic!("all founders voted for the measure, and it is not decided");
}

/// A byte that no decision of this network has had.
fn mark(cluster: &Cluster) -> u8 {
    let height = cluster.nodes.iter().flatten().map(|node| node.views().borrow().height()).max();
    u8::try_from(height.expect("a node runs").0 + 1).expect("few blocks")
}

/// Waits until a node ends by itself.
async fn ended(cluster: &mut Cluster, number: usize) -> NodeError {
    let mut node = cluster.nodes[number].take().expect("it runs");
    let ended = tokio::time::timeout(PATIENCE, node.stopped()).await.expect("it ends in time");
    ended.expect_err("nobody asked it to end")
}

fn address(cluster: &Cluster, number: usize) -> Address {
    cluster.node(number).status().borrow().address
}

/// Whether the validators of the next height name an address.
fn votes(cluster: &Cluster, number: usize, address: Address) -> bool {
    cluster.tip(number).network_record().validators.find(&address).is_some()
}

/// Lets blocks be made until one of them carries a validator's signature, as a node holds it.
async fn signs(cluster: &mut Cluster, number: usize, address: Address, schools: std::ops::Range<u8>) {
    for school in schools {
        let id = cluster.submit(number, open_school(school));
        let height = cluster.receipt(number, &id).await.header.height;
        let certificate = cluster.node(number).archive().certificate(height).expect("readable").expect("stored");
        if certificate.signatures.iter().any(|(signer, _)| *signer == address) {
            return;
        }
    }
    panic!("{address} signed none of these blocks");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_is_changed_and_the_next_one_votes() {
    let mut cluster = Cluster::running(true).await;
    let config = cluster.homes[1].config().expect("sound settings");
    let next = cluster.homes[1].rotate(&config, cluster.network(), key(5, 1)).expect("a second key");
    let before = address(&cluster, 1);
    let mut validators = cluster.genesis.validators().as_slice().to_vec();
    validators.iter_mut().find(|one| one.address() == before).expect("a founder").key = next.secret.public();
    decide(&mut cluster, 0, Measure::SetValidators { validators, admitted: Vec::new() }).await;
    let renewed = ended(&mut cluster, 1).await;
    assert!(matches!(renewed, NodeError::Renewed(Renewal::Key)), "{renewed}");
    cluster.start(1).await;
    assert_eq!(address(&cluster, 1), next.address());
    // Its vote is needed now.
    cluster.stop(3).await;
    let id = cluster.submit(0, open_school(1));
    cluster.receipt(1, &id).await;
    let height = cluster.receipt(0, &id).await.header.height;
    assert!(votes(&cluster, 0, next.address()) && !votes(&cluster, 0, before));
    let certificate = cluster.node(0).archive().certificate(height).expect("readable").expect("stored");
    assert!(certificate.signatures.iter().any(|(signer, _)| *signer == next.address()));
    let changes = cluster.node(0).archive().handovers_above(Height(0));
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].validators, cluster.tip(0).network_record().validators);
    cluster.stop_all().await;
}

/// A fifth node, listed by the four and listing them.
fn fifth(cluster: &mut Cluster) -> Validator {
    let own = free_addresses(2);
    let any = "127.0.0.1:0".parse().expect("an address");
    let (consensus, network, institution) = (key(5, 4), key(5, 5), InstitutionId([77; 16]));
    let configs: Vec<Config> = cluster.homes.iter().map(|home| home.config().expect("sound settings")).collect();
    let peers = configs.iter().zip(0u8..).map(|(config, number)| Peer {
        network_key: key(2, number).public(),
        consensus: config.consensus.listen,
        gossip: config.gossip.listen,
    });
    let mut config = Config::new(cluster.folder.path().join("genesis.json"), own[0], own[1], any, peers.collect());
    config.institution = Some(institution);
    let new = NewHome { config, consensus: consensus.clone(), network: network.clone(), beginning: Beginning::Genesis };
    let home = Home::create(cluster.folder.path().join("node-4"), &new).expect("a new folder");
    for (home, mut config) in cluster.homes.iter().zip(configs) {
        config.peers.push(Peer { network_key: network.public(), consensus: own[0], gossip: own[1] });
        let text = toml::to_string(&config).expect("settings are plain tables");
        std::fs::write(home.path().join("config.toml"), text).expect("settings can be changed");
    }
    cluster.homes.push(home);
    cluster.nodes.push(None);
    Validator { institution, key: consensus.public(), power: 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_fifth_validator_joins_and_a_founder_leaves() {
    let mut cluster = Cluster::running(true).await;
    let first = cluster.submit(0, open_school(1));
    cluster.receipt(3, &first).await;
    let joining = fifth(&mut cluster);
    for number in 0..4 {
        cluster.stop(number).await;
        cluster.start(number).await;
    }
    cluster.start(4).await;
    cluster.receipt(4, &first).await;
    assert!(!votes(&cluster, 4, joining.address()), "it follows");
    let mut admitted = [key(5, 6).public(), key(5, 7).public()];
    admitted.sort_unstable();
    let admission = Admission { institution: joining.institution, keys: admitted };
    let mut validators = cluster.genesis.validators().as_slice().to_vec();
    validators.push(joining.clone());
    let measure = Measure::SetValidators { validators: validators.clone(), admitted: vec![admission] };
    let height = decide(&mut cluster, 0, measure).await;
    cluster.reached(4, height).await;
    signs(&mut cluster, 4, joining.address(), 2..40).await;
    // A founder leaves; without it and without another one the remaining three of four decide.
    let leaving = address(&cluster, 3);
    validators.retain(|one| one.address() != leaving);
    let set = ValidatorSet::new(validators.clone()).expect("a sound set");
    decide(&mut cluster, 4, Measure::SetValidators { validators, admitted: Vec::new() }).await;
    let followed = cluster.submit(0, open_school(50));
    cluster.receipt(3, &followed).await;
    assert!(!votes(&cluster, 3, leaving));
    assert_eq!(cluster.tip(3).network_record().validators, set);
    cluster.stop(3).await;
    cluster.stop(2).await;
    let last = cluster.submit(4, open_school(51));
    cluster.receipt(0, &last).await;
    for number in [0, 1, 4] {
        cluster.stop(number).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_stops_before_rules_that_it_does_not_know() {
    let parameters = NetworkParameters { protocol: protocol::FIRST, ..default_parameters() };
    let mut cluster = Cluster::founded(genesis_under(4, true, parameters), |_| {});
    for number in 0..3 {
        cluster.start(number).await;
    }
    let old = Options { simulated: true, protocol_up_to: Some(protocol::FIRST) };
    let config = cluster.homes[3].config().expect("sound settings");
    cluster.nodes[3] = Some(Node::start(&cluster.homes[3], config.clone(), old).await.expect("an old node"));
    let height = Height(cluster.tip(0).height.0 + 20);
    decide(&mut cluster, 0, Measure::SwitchProtocol { version: protocol::SECOND, height }).await;
    let mut school = 1;
    while cluster.tip(0).height.next() < height {
        let id = cluster.submit(0, open_school(school));
        cluster.receipt(0, &id).await;
        school += 1;
    }
    let expected = |error: &NodeError| matches!(error, NodeError::ProtocolUnknown { height: at, version: 2, supported: 1 } if *at == height);
    let refusal = ended(&mut cluster, 3).await;
    assert!(expected(&refusal), "{refusal}");
    let again = Node::start(&cluster.homes[3], config, old).await.err().expect("it cannot go on");
    assert!(expected(&again), "{again}");
    // The others went over; the replaced one catches up.
    let id = cluster.submit(0, open_school(200));
    assert_eq!(cluster.receipt(0, &id).await.header.protocol, protocol::SECOND);
    cluster.start(3).await;
    cluster.receipt(3, &id).await;
    cluster.assert_equal(&[0, 1, 2, 3]).await;
    let before = cluster.node(3).archive().header(Height(height.0 - 1)).expect("readable").expect("stored");
    let after = cluster.node(3).archive().header(height).expect("readable").expect("stored");
    assert_eq!((before.protocol, after.protocol), (protocol::FIRST, protocol::SECOND));
    cluster.stop_all().await;
}
