use crate::support::Place;

/// Commands of a portal and its database, with what each says about its exit codes.
const COMMANDS: [(&[&str], &str); 8] = [
    (&["portal"], ""),
    (&["portal", "init"], ""),
    (&["portal", "run"], ""),
    (&["registry"], ""),
    (&["registry", "import"], "Exit code 3"),
    (&["registry", "reconcile"], "Exit code 3"),
    (&["registry", "erase"], "Exit codes"),
    (&["registry", "log"], "Exit code 3"),
];

/// Arguments that make a portal's folder `home` of a founded network, with others in place of the usual ones.
fn init<'a>(changes: &[(&'a str, &'a str)]) -> Vec<&'a str> {
    let mut all = vec![
        ("--home", "home"),
        ("--genesis", "genesis.json"),
        ("--gateway", "http://127.0.0.1:9"),
        ("--operator-key", "operator.key"),
        ("--public-url", "http://127.0.0.1:8443/"),
    ];
    for (name, value) in changes {
        all.retain(|(known, _)| known != name);
        all.push((name, value));
    }
    let words = all.into_iter().flat_map(|(name, value)| [name, value]);
    ["portal", "init"].into_iter().chain(words).collect()
}

#[test]
fn every_command_has_help_with_an_example_and_its_exit_codes() {
    let place = Place::new();
    for (command, codes) in COMMANDS {
        let out = place.run(&[command, &["--help"]].concat()).ok();
        let example = format!("keis {}", command.join(" "));
        let after = out.split_once("Example").unwrap_or_else(|| panic!("{example}: no example in {out}")).1;
        assert!(after.contains(&example) && out.contains(codes), "{example}: {out}");
    }
}

#[test]
fn a_folder_is_made_once_and_its_secrets_are_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.found("\"real\"");
    let said = place.run(&init(&[("--budget-holder-key", "budget_holder.key")])).ok();
    for words in ["master.key", "keis portal run --home home"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    for secret in ["master.key", "operator.key", "budget-holder.key"] {
        let mode = std::fs::metadata(place.path("home").join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }
    place.run(&init(&[])).fails(1, &["is a portal's folder already"]);
}

#[test]
fn what_cannot_work_makes_no_folder() {
    let place = Place::new();
    place.found("\"real\"");
    place.key("stranger");
    for (changes, words) in [
        (("--genesis", "nowhere.json"), "keis genesis check"),
        (("--operator-key", "nowhere.key"), "keis key new"),
        (("--operator-key", "stranger.key"), "no officer's key"),
        (("--operator-key", "budget_holder.key"), "of the budget holder, not of the operator"),
        (("--budget-holder-key", "operator.key"), "of the operator, not of the budget holder"),
        (("--gateway", "nonsense"), "--gateway"),
        (("--public-url", "ftp://pasas.example/"), "--public-url"),
        (("--public-url", "https://pasas.example/below"), "--public-url"),
        (("--database", "mysql://keis@/keis"), "--database"),
        (("--database", "registry.sqlite"), "--database"),
    ] {
        place.run(&init(&[changes])).fails(1, &[words]);
        assert!(!place.path("home").exists(), "{changes:?}");
    }
    assert_eq!(place.run(&init(&[("--public-url", "pasas")])).code, 2);
    assert_eq!(place.run(&init(&[("--listen", "everywhere")])).code, 2);
}

#[test]
fn a_portal_that_cannot_run_says_what_to_do() {
    let place = Place::new();
    place.found("\"real\"");
    place.run(&["portal", "run", "--home", "home"]).fails(1, &["keis portal init"]);
    place.run(&init(&[])).ok();
    let settings = place.read("home/portal.toml");
    place.write("home/portal.toml", &settings.replace("[portal]", "[portal]\nunknown = 1\n"));
    place.run(&["portal", "run", "--home", "home"]).fails(1, &["portal.toml", "unknown"]);
    place.write("home/portal.toml", &settings.replace("operator.key", "lost.key"));
    place.run(&["portal", "run", "--home", "home"]).fails(1, &["lost.key"]);
}
