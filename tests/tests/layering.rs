//! The rooms of DESIGN section 1, held against the manifests and the code: who may use whom, and what only one may name.

use std::collections::{BTreeMap, BTreeSet};

use keis_tests::sources::{files, manifest, members};

/// Arrows from user to used, as the design draws them; whoever adds one changes the design.
const ARROWS: [(&str, &[&str]); 13] = [
    ("ledger", &[]),
    ("genesis", &["keis-ledger"]),
    ("wallet", &["keis-ledger"]),
    ("node/engine", &["keis-ledger"]),
    ("node/door", &[]),
    ("node", &["keis-ledger", "keis-genesis", "keis-engine", "keis-door"]),
    ("registry", &["keis-ledger", "keis-einvoice"]),
    ("registry/einvoice", &["keis-ledger"]),
    ("registry/einvoice/print", &["keis-ledger", "keis-einvoice"]),
    ("portal", &["keis-ledger", "keis-wallet", "keis-door", "keis-registry", "keis-einvoice", "keis-einvoice-print"]),
    ("cli/audit", &["keis-ledger", "keis-genesis"]),
    (
        "cli",
        &[
            "keis-ledger",
            "keis-genesis",
            "keis-wallet",
            "keis-engine",
            "keis-node",
            "keis-registry",
            "keis-einvoice",
            "keis-einvoice-print",
            "keis-portal",
            "keis-audit",
        ],
    ),
    (
        "tests",
        &["keis-ledger", "keis-genesis", "keis-wallet", "keis-node", "keis-cli", "keis-registry", "keis-einvoice"],
    ),
];

/// Libraries that only these rooms name.
const NAMED_ONLY_IN: [(&str, &[&str]); 6] = [
    ("sled", &["node/src/store"]),
    // The bench measures a gateway against a bare route of the same server.
    ("warp", &["node/src/gateway", "portal/src", "cli/src/bench"]),
    ("libp2p", &["node/src/network"]),
    ("malachite", &["node/engine"]),
    ("sqlx", &["registry/src"]),
    ("openidconnect", &["portal/src/signin"]),
];

/// What the ledger must not name: it is pure.
const NOT_IN_LEDGER: [&str; 9] =
    ["tokio", "HashMap", "HashSet", "SystemTime", "Instant", "f64", "f32", "std::fs", "std::net"];

fn dependencies(member: &str, tables: &[&str]) -> BTreeSet<String> {
    let manifest = manifest(member);
    let tables = tables.iter().filter_map(|table| manifest.get(*table)?.as_table());
    tables.flat_map(|table| table.keys().cloned()).collect()
}

/// Whether code names something as a word of its own, or as the beginning of one such as `malachite_app`.
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let begins = before.is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != '"');
        begins && after.is_none_or(|after| !after.is_alphanumeric())
    })
}

#[test]
fn every_arrow_is_one_of_the_design() {
    let arrows = BTreeMap::from(ARROWS);
    for member in members() {
        let allowed = arrows.get(member.as_str()).unwrap_or_else(|| panic!("{member} is in no drawing of the rooms"));
        for used in dependencies(&member, &["dependencies", "build-dependencies"]) {
            let ours = used.starts_with("keis-");
            assert!(!ours || allowed.contains(&used.as_str()), "{member} must not use {used}");
        }
    }
    assert_eq!(arrows.len(), members().len(), "a room of the drawing is gone");
}

#[test]
fn tests_draw_no_arrow_back() {
    for member in members() {
        let name = manifest(&member)["package"]["name"].as_str().expect("a package has a name").to_owned();
        for used in dependencies(&member, &["dev-dependencies"]).iter().filter(|used| used.starts_with("keis-")) {
            let users_of_it = ARROWS.iter().filter(|(_, used)| used.contains(&name.as_str()));
            let backwards = users_of_it
                .map(|(user, _)| manifest(user)["package"]["name"].to_string())
                .any(|user| user.contains(used.as_str()));
            assert!(!backwards, "tests of {member} use {used}, which uses {member}");
        }
    }
}

#[test]
fn what_one_room_names_no_other_does() {
    for member in members() {
        for (library, rooms) in NAMED_ONLY_IN {
            let declared = dependencies(&member, &["dependencies"]).iter().any(|used| used.starts_with(library));
            let may = rooms.iter().any(|room| room.starts_with(&member));
            assert!(!declared || may, "{member} declares {library}, which only {rooms:?} may name");
        }
        for source in files(&format!("{member}/src"), &[".rs"]) {
            let elsewhere = |rooms: &[&str]| !rooms.iter().any(|room| source.path.starts_with(room));
            for (library, rooms) in NAMED_ONLY_IN.iter().filter(|(_, rooms)| elsewhere(rooms)) {
                // Paths of code: `use sled`, `sled::open`, `malachite_app_channel::…`.
                let named = source.code().find(|(_, line)| {
                    let path = line.contains("::") || line.trim_start().starts_with("use ");
                    path && !line.contains('"') && names(line, library)
                });
                assert!(named.is_none(), "{}: {library} may be named only in {rooms:?}: {named:?}", source.path);
            }
        }
    }
}

#[test]
fn the_ledger_is_pure() {
    for source in files("ledger/src", &[".rs"]) {
        for forbidden in NOT_IN_LEDGER {
            let named = source.code().find(|(_, line)| names(line, forbidden));
            assert!(named.is_none(), "{}: the ledger must not know {forbidden}: {named:?}", source.path);
        }
        let asynchronous = source.code().find(|(_, line)| line.contains("async fn") || line.contains(".await"));
        assert!(asynchronous.is_none(), "{}: nothing in the ledger waits: {asynchronous:?}", source.path);
    }
}

#[test]
fn the_node_knows_no_file_of_an_operator() {
    // Names and register codes stop at the programme's files and the demo; nothing that the node builds may read them.
    for member in ["ledger", "genesis", "wallet", "node", "node/engine"] {
        for source in files(&format!("{member}/src"), &[".rs"]) {
            for word in ["given_name", "family_name", "register_code", "RegisterCode"] {
                let named = source.code().find(|(_, line)| line.contains(word));
                assert!(named.is_none(), "{}: {named:?}", source.path);
            }
        }
    }
}
