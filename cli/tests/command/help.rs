use crate::support::Place;

/// Every command with subcommands or arguments.
const COMMANDS: [&[&str]; 43] = [
    &[],
    &["sample"],
    &["demo"],
    &["genesis"],
    &["genesis", "new"],
    &["genesis", "show"],
    &["genesis", "check"],
    &["node"],
    &["node", "init"],
    &["node", "run"],
    &["node", "status"],
    &["node", "adopt"],
    &["wallet"],
    &["wallet", "new"],
    &["wallet", "show"],
    &["wallet", "send"],
    &["wallet", "example"],
    &["receipt"],
    &["receipt", "get"],
    &["receipt", "verify"],
    &["proof"],
    &["proof", "get"],
    &["proof", "from-export"],
    &["proof", "verify"],
    &["export"],
    &["invoice"],
    &["invoice", "export"],
    &["invoice", "verify"],
    &["invoice", "list"],
    &["audit"],
    &["audit", "sample"],
    &["books"],
    &["bench"],
    &["governance"],
    &["governance", "propose"],
    &["governance", "approve"],
    &["governance", "withdraw"],
    &["governance", "list"],
    &["governance", "show"],
    &["governance", "example"],
    &["key"],
    &["key", "new"],
    &["key", "show"],
];

#[test]
fn every_command_has_help_with_an_example() {
    let place = Place::new();
    for command in COMMANDS {
        let out = place.run(&[command, &["--help"]].concat()).ok();
        let example = format!("keis {}", command.join(" "));
        let after = out.split_once("Example").unwrap_or_else(|| panic!("{example}: no example in {out}")).1;
        assert!(after.contains(example.trim_end()), "{example}: {after}");
    }
}

#[test]
fn wrong_usage_has_an_exit_code_of_its_own() {
    let place = Place::new();
    for wrong in [
        &["fly"][..],
        &["key", "new"],
        &["genesis", "new"],
        &["genesis", "new", "--example", "--out", "genesis.json"],
        &["node", "init", "--home", "x"],
        &["node", "status"],
        &["node", "status", "--home", "x", "--gateway", "http://localhost"],
        &["wallet", "send", "--gateway", "http://localhost", "--operation", "x"],
        &["receipt", "get", "--gateway", "http://localhost", "--genesis", "x", "ord_00"],
        &["receipt", "get", "--gateway", "http://localhost", "--passphrase-file", "x"],
        &["books", "--gateway", "http://localhost", "--year", "2027"],
        &["books", "--gateway", "http://localhost", "--key", "k", "--year", "2027", "--period", "2027-Q5"],
        &["proof", "get", "--gateway", "http://localhost"],
        &["proof", "get", "--gateway", "http://localhost", "--parameters", "--year", "2027"],
        &["proof", "get", "--gateway", "http://localhost", "--sealed", "2026", "--year", "2026"],
        &["bench", "--export", "x"],
        &["bench", "--export", "x", "--genesis", "x", "--classes", "3"],
        &["proof", "get", "--gateway", "http://localhost", "--session", "ses_00000000000000000000000000000000"],
        &["governance", "propose", "--key", "x", "--gateway", "http://localhost"],
        &["governance", "propose", "--switch-protocol", "2", "--key", "x", "--gateway", "http://localhost"],
        &["governance", "approve", "ord_00", "--key", "x", "--gateway", "http://localhost"],
    ] {
        assert_eq!(place.run(wrong).code, 2, "{wrong:?}");
    }
}
