//! A node's folder and settings: made once, checked at every start, secrets for their owner alone.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use keis_engine::guard::{Beginning, GuardState};
use keis_ledger::chain::ValidatorSet;
use keis_ledger::crypto::PublicKey;
use keis_node::config::{Config, ConfigError, Peer};
use keis_node::home::{ConsensusKey, Home, HomeError, NewHome};
use keis_node::run::{Node, NodeError, Options};
use tempfile::TempDir;

use crate::cluster_support::{genesis, key};

fn config(folder: &Path) -> Config {
    let address = |port: u16| format!("127.0.0.1:{port}").parse().expect("an address");
    let peer = Peer { network_key: key(2, 1).public(), consensus: address(4001), gossip: address(4002) };
    Config::new(folder.join("genesis.json"), address(4011), address(4012), address(0), vec![peer])
}

fn made(folder: &TempDir) -> Home {
    genesis(4, true).save(&folder.path().join("genesis.json")).expect("written");
    let new = NewHome {
        config: config(folder.path()),
        consensus: key(1, 0),
        network: key(2, 0),
        beginning: Beginning::Genesis,
    };
    Home::create(folder.path().join("node"), &new).expect("a new folder")
}

#[test]
fn a_new_folder_is_complete() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = made(&folder);
    let read = home.config().expect("sound settings");
    assert_eq!(read, config(folder.path()));
    assert_eq!(home.consensus_key(&read).expect("a key").public(), key(1, 0).public());
    assert_eq!(*home.network_secret(&read).expect("a secret"), key(2, 0).to_bytes());
    for name in ["keys/consensus.key", "keys/network.key"] {
        let mode = fs::metadata(home.path().join(name)).expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let guard = home.guard(genesis(4, true).hash(), &home.consensus_keys(&read).expect("keys")[0]).expect("a guard");
    assert_eq!(guard.state(), GuardState::Active);
}

#[test]
fn a_folder_is_never_made_over_another() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = made(&folder);
    let new = NewHome {
        config: config(folder.path()),
        consensus: key(1, 1),
        network: key(2, 1),
        beginning: Beginning::Genesis,
    };
    assert!(matches!(Home::create(home.path(), &new), Err(HomeError::NotEmpty(_))));
    let read = home.config().expect("sound settings");
    assert_eq!(home.consensus_key(&read).expect("a key").public(), key(1, 0).public());
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = made(&folder);
    let read = home.config().expect("sound settings");
    let path = home.path().join("keys/consensus.key");
    for mode in [0o640, 0o604, 0o644] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("changed");
        assert!(matches!(home.consensus_key(&read), Err(HomeError::Mode { mode: found, .. }) if found == mode));
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("changed");
    for wrong in ["", "00", &"g".repeat(64), &"0".repeat(63), &"0".repeat(65), &"0".repeat(200)] {
        fs::write(&path, wrong).expect("written");
        assert!(matches!(home.consensus_key(&read), Err(HomeError::NotAKey(_))), "{wrong}");
    }
}

#[test]
fn settings_that_mean_nothing_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = made(&folder);
    let path = home.path().join("config.toml");
    let text = fs::read_to_string(&path).expect("readable");
    let refused = |text: String| {
        fs::write(&path, &text).expect("written");
        home.config().expect_err(&text)
    };
    assert!(matches!(refused(format!("unknown = 1\n{text}")), ConfigError::Read { .. }));
    assert!(matches!(refused(text.replace("listen =", "lissten =")), ConfigError::Read { .. }));
    assert!(matches!(refused(text.replace("127.0.0.1:4011", "127.0.0.1")), ConfigError::Read { .. }));
    let zero = refused(text.replace("propose_ms = 1000", "propose_ms = 0"));
    assert!(matches!(zero, ConfigError::Unusable { setting: "consensus.propose_ms", .. }), "{zero}");
    let own = refused(text.replace("127.0.0.1:4001", "127.0.0.1:4011"));
    assert!(matches!(own, ConfigError::Unusable { setting: "peers", .. }), "{own}");
}

#[tokio::test]
async fn a_simulated_network_is_only_run_knowingly() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = made(&folder);
    let started = Node::start(&home, home.config().expect("sound settings"), Options::default()).await;
    assert!(matches!(started, Err(NodeError::Simulated)));
}

#[test]
fn a_key_that_follows_has_its_own_guard_and_votes_when_the_ledger_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = made(&folder);
    let (read, network) = (home.config().expect("sound settings"), genesis(4, true).hash());
    let before = genesis(4, true).validators().clone();
    let second = home.rotate(&read, network, key(1, 9)).expect("a second key");
    assert_eq!(second.number, 2);
    let third = home.rotate(&read, network, key(1, 10)).expect("a third key");
    assert_eq!(third.number, 3);
    for name in ["keys/consensus-2.key", "keys/consensus-3.key"] {
        let mode = fs::metadata(home.path().join(name)).expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let keys = home.consensus_keys(&read).expect("keys");
    assert_eq!(keys.iter().map(|key| key.number).collect::<Vec<_>>(), [1, 2, 3]);
    for key in &keys {
        let guard = home.guard(network, key).expect("a guard");
        assert_eq!((guard.state(), guard.address()), (GuardState::Active, key.address()));
    }
    let chosen = |set: &ValidatorSet| ConsensusKey::choose(keys.clone(), set).expect("a key").number;
    assert_eq!(chosen(&before), 1, "the founders' set names the first key");
    let renamed = |key: PublicKey| {
        let mut all = before.as_slice().to_vec();
        let own = all.iter_mut().find(|one| one.key == keys[0].secret.public()).expect("it is a validator");
        own.key = key;
        ValidatorSet::new(all).expect("a sound set")
    };
    assert_eq!(chosen(&renamed(keys[1].secret.public())), 2);
    assert_eq!(chosen(&renamed(keys[2].secret.public())), 3);
    assert_eq!(chosen(&renamed(key(5, 5).public())), 3, "where none votes the newest follows");
}
