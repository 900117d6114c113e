use keis_cli::governance::{examples, read_measure};
use serde_json::Value;

use crate::network::{network, until};
use crate::support::Place;

/// A gateway that nobody answers at: the discard port of the loopback.
const NOBODY: &str = "http://127.0.0.1:9";

fn proposing<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["governance", "propose", "--key", "machine.key", "--gateway", NOBODY][..], more].concat()
}

#[test]
fn every_measure_has_an_example_that_is_told_before_it_is_signed() {
    let place = Place::new();
    place.key("machine");
    let names = place.run(&["governance", "example"]).ok();
    assert_eq!(names.lines().count(), examples().len());
    for example in examples() {
        assert!(names.contains(example.name));
        place.write("measure.json", &place.run(&["governance", "example", example.name]).ok());
        assert_eq!(read_measure(&place.path("measure.json")).unwrap(), example.measure);
        let run = place.run(&proposing(&["--measure", "measure.json", "--yes"]));
        let told = run.err.lines().nth(1).unwrap_or_default().to_owned();
        assert!(told.len() > 20, "{}: {}", example.name, run.err);
        run.fails(1, &["Nothing was sent"]);
    }
    place.run(&["governance", "example", "fly"]).fails(1, &["`fly`", "keis governance example"]);
}

#[test]
fn a_measure_may_be_written_in_toml_and_says_nothing_else() {
    let place = Place::new();
    place.key("machine");
    place.write("switch.toml", "[switch_protocol]\nversion = 2\nheight = 900\n");
    place.run(&proposing(&["--measure", "switch.toml", "--yes"])).fails(1, &["version 2", "block 900", "Nothing was"]);
    place.write("switch.toml", "[switch_protocol]\nversion = 2\nheight = 900\nwhy = 1\n");
    place.run(&proposing(&["--measure", "switch.toml", "--yes"])).fails(1, &["/switch_protocol/why"]);
    place.write("switch.json", "{");
    place.run(&proposing(&["--measure", "switch.json", "--yes"])).fails(1, &["switch.json", "no measure"]);
}

#[test]
fn nobody_signs_unasked_or_for_unknown_rules() {
    let place = Place::new();
    place.key("machine");
    let switch = ["--switch-protocol", "2", "--at-height", "900"];
    place.run(&proposing(&switch)).fails(1, &["block 900", "nothing was signed", "--yes"]);
    let later = ["--switch-protocol", "3", "--at-height", "900", "--yes"];
    place.run(&proposing(&later)).fails(1, &["up to version 2, not 3", "nothing was signed"]);
}

#[test]
fn institutions_appoint_an_officer_by_the_command_line() {
    let place = Place::new();
    let (_nodes, gateways) = network(&place);
    let genesis: Value = serde_json::from_str(&place.run(&["genesis", "show", "genesis.json", "--json"]).ok()).unwrap();
    let library = genesis["document"]["institutions"][1]["id"].as_str().unwrap().to_owned();
    let officer = place.key("newcomer");
    let at = |gateway: usize| ["--gateway", gateways[gateway].as_str()];
    let appoint = ["governance", "propose", "--appoint", &officer, "--office", "operator", "--institution", &library];
    let by = |key| ["--key", key, "--yes", "--json"];

    // An officer has no vote on officers.
    place.run(&[&appoint[..], &at(0), &by("operator.key")].concat()).fails(3, &["not_permitted"]);
    let proposed = place.run(&[&appoint[..], &at(0), &by("ministry-governance-1.key")].concat());
    let decision = proposed.err.split_whitespace().find(|word| word.starts_with("dec_")).unwrap();
    let decision = decision.trim_end_matches(',').to_owned();
    proposed.ok();
    let listed = || place.run(&[&["governance", "list", "--state", "open"][..], &at(1)].concat()).ok();
    until("the proposal is on every node", || listed().contains(&decision));
    assert!(listed().contains("1 of 3 votes") && listed().contains(&officer), "{}", listed());

    let approve = ["governance", "approve", decision.as_str()];
    place
        .run(&[&approve[..], &at(1), &["--key", "library-governance-1.key"]].concat())
        .fails(1, &[&officer, "nothing was signed"]);
    place.run(&[&approve[..], &at(1), &by("library-governance-1.key")].concat()).ok();
    place.run(&[&approve[..], &at(1), &by("library-governance-2.key")].concat()).fails(3, &["approved_already"]);
    place.run(&[&approve[..], &at(1), &by("agency-governance-1.key")].concat()).ok();
    let show = || place.run(&[&["governance", "show", &decision][..], &at(1), &["--genesis", "genesis.json"]].concat());
    until("it is carried out", || show().out.contains("carried out"));
    let shown = show().ok();
    assert!(shown.matches("agreed").count() >= 3 && shown.contains("library"), "{shown}");
    place.run(&[&approve[..], &at(1), &by("audit-governance-1.key")].concat()).fails(1, &["carried out"]);

    // The officer is in office: an operation of officers takes effect.
    place.write("operation.json", &place.run(&["wallet", "example", "open-schools"]).ok());
    let send = ["wallet", "send", "--key", "newcomer.key", "--operation", "operation.json"];
    place.run(&[&send[..], &at(1)].concat()).ok();
    place
        .run(&[&["governance", "show", "dec_00000000000000000000000000000000"][..], &at(1)].concat())
        .fails(1, &["not on the ledger", "keis governance list"]);
    let switch = ["governance", "propose", "--switch-protocol", "2", "--at-height", "900000"];
    place.run(&[&switch[..], &at(2), &by("audit-governance-1.key")].concat()).fails(3, &["version_wrong"]);
}
