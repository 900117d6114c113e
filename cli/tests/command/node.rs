use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{Place, addresses, public_key};

/// A peer of a founder, as `--peer` takes it.
fn peer(place: &Place, name: &str, addresses: &[std::net::SocketAddr; 3]) -> String {
    let key = public_key(&place.run(&["key", "show", &format!("{name}-network.key")]).ok());
    format!("{key}@{}@{}", addresses[0], addresses[1])
}

#[test]
fn a_new_folder_is_complete_in_itself() {
    let place = Place::new();
    place.found("\"real\"");
    let addresses = addresses(2);
    let peers = [peer(&place, "library", &addresses[1])];
    let made = place.init("ministry", &addresses[0], &peers).ok();
    assert!(made.contains("keis node run --home ministry"), "{made}");
    assert!(made.contains("agency") && made.contains("audit") && !made.contains("of library"), "{made}");
    fs::remove_file(place.path("genesis.json")).unwrap();
    let moved = place.path("ministry/genesis.json");
    assert!(moved.exists());
    let config = place.read("ministry/config.toml");
    assert!(config.contains("genesis = \"genesis.json\""), "{config}");
    for key in ["consensus", "network"] {
        let path = format!("ministry/keys/{key}.key");
        assert_eq!(place.read(&path), place.read(&format!("ministry-{key}.key")));
        assert_eq!(fs::metadata(place.path(&path)).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let adopted = place.run(&["node", "adopt", "--home", "ministry"]).ok();
    assert!(adopted.contains("nothing to adopt"), "{adopted}");
}

#[test]
fn a_folder_is_made_once_and_for_keys_of_the_network() {
    let place = Place::new();
    place.found("\"real\"");
    let addresses = addresses(2);
    place.init("ministry", &addresses[0], &[]).ok();
    place.init("ministry", &addresses[0], &[]).fails(1, &["ministry", "not empty"]);

    place.init("library", &addresses[1], &["key_00@127.0.0.1:1@127.0.0.1:2".to_owned()]).fails(2, &["key_…@IP:PORT"]);
    let own = peer(&place, "library", &addresses[0]);
    place.init("library", &addresses[1], &[own]).fails(1, &["--peer", "another institution"]);
    let named = peer(&place, "ministry", &addresses[0]).replace("127.0.0.1", "localhost");
    place.init("library", &addresses[1], &[named]).fails(2, &["localhost", "IP:PORT"]);
    let twice = peer(&place, "ministry", &addresses[0]);
    place.init("library", &addresses[1], &[twice.clone(), twice]).fails(1, &["peers", "repeats"]);
    assert!(!place.path("library").exists());

    fs::copy(place.path("operator.key"), place.path("stranger-consensus.key")).unwrap();
    fs::copy(place.path("library-network.key"), place.path("stranger-network.key")).unwrap();
    place.init("stranger", &addresses[1], &[]).fails(1, &["stranger-consensus.key", "no institution's consensus key"]);
    fs::copy(place.path("agency-consensus.key"), place.path("stranger-consensus.key")).unwrap();
    place.init("stranger", &addresses[1], &[]).fails(1, &["stranger-network.key", "agency"]);
    place.mode("agency-network.key", 0o644);
    place.init("agency", &addresses[1], &[]).fails(1, &["agency-network.key", "644"]);
}

#[test]
fn a_node_is_not_run_where_none_can() {
    let place = Place::new();
    let driver = place.key("driver");
    place.found(&format!("{{ simulated = {{ driver = \"{driver}\" }} }}"));
    place.run(&["node", "run", "--home", "nowhere"]).fails(1, &["nowhere/config.toml", "keis node init"]);
    let made = place.init("ministry", &addresses(1)[0], &[]).ok();
    assert!(made.contains("--simulated"), "{made}");
    place.run(&["node", "run", "--home", "ministry"]).fails(1, &["simulated", "nothing on it is real"]);
    let config = place.read("ministry/config.toml");
    place.write("ministry/config.toml", &format!("colour = \"red\"\n{config}"));
    place.run(&["node", "run", "--home", "ministry"]).fails(1, &["config.toml", "colour"]);
    place.write("ministry/config.toml", &config);
    place.mode("ministry/keys/consensus.key", 0o644);
    place.run(&["node", "run", "--home", "ministry", "--simulated"]).fails(1, &["consensus.key", "644"]);
}

#[test]
fn a_node_that_does_not_answer_is_told() {
    let place = Place::new();
    place.found("\"real\"");
    place.init("ministry", &addresses(1)[0], &[]).ok();
    place.run(&["node", "status", "--home", "ministry"]).fails(1, &["127.0.0.1", "keis node run --home ministry"]);
    place.run(&["node", "status", "--gateway", "http://127.0.0.1:9"]).fails(1, &["127.0.0.1:9"]);
}

#[test]
fn a_copied_folder_is_adopted_before_it_signs() {
    let place = Place::new();
    place.found("\"real\"");
    place.init("ministry", &addresses(1)[0], &[]).ok();
    fs::rename(place.path("ministry"), place.path("moved")).unwrap();
    place.run(&["node", "adopt", "--home", "moved", "--heights", "0"]).fails(1, &["--no-other-copy"]);
    let adopted = place.run(&["node", "adopt", "--home", "moved", "--heights", "7"]).ok();
    assert!(adopted.contains("another folder") && adopted.contains("7 heights"), "{adopted}");
    let again = place.run(&["node", "adopt", "--home", "moved", "--heights", "0", "--no-other-copy"]).ok();
    assert!(again.contains("7 heights to observe") && again.contains("signs from its next start"), "{again}");
    assert!(place.run(&["node", "adopt", "--home", "moved"]).ok().contains("nothing to adopt"));
}

#[test]
fn a_folder_that_lost_its_sign_log_is_not_adopted() {
    let place = Place::new();
    place.found("\"real\"");
    place.init("ministry", &addresses(1)[0], &[]).ok();
    fs::remove_file(place.path("ministry/guard/sign.log")).unwrap();
    place.run(&["node", "adopt", "--home", "ministry"]).fails(1, &["sign.log", "keis node init --restored"]);
    place.run(&["node", "adopt", "--home", "nowhere"]).fails(1, &["nowhere", "keis node init"]);
}

#[test]
fn a_restored_key_observes_first() {
    let place = Place::new();
    place.found("\"real\"");
    let listen = addresses(1)[0].map(|address| address.to_string());
    let made = place.run(&[
        "node",
        "init",
        "--home",
        "ministry",
        "--genesis",
        "genesis.json",
        "--consensus-key",
        "ministry-consensus.key",
        "--network-key",
        "ministry-network.key",
        "--listen-consensus",
        &listen[0],
        "--listen-gossip",
        &listen[1],
        "--listen-gateway",
        &listen[2],
        "--restored",
        "--heights",
        "4",
    ]);
    assert!(made.ok().contains("after 4 heights"));
    let adopted = place.run(&["node", "adopt", "--home", "ministry"]).ok();
    assert!(adopted.contains("4 heights to observe"), "{adopted}");
}
