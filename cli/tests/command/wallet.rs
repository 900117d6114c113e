use std::os::unix::fs::PermissionsExt;

use keis_cli::wallet::{examples, read_operation, summary};
use keis_ledger::operation::Operation;
use serde_json::Value;

use crate::support::{PASSPHRASE, Place, public_key};

const NEW: [&str; 6] = ["wallet", "new", "--out", "a.wallet", "--passphrase-file", "passphrase"];
/// A gateway that nobody answers at: the discard port of the loopback.
const NOBODY: &str = "http://127.0.0.1:9";

#[test]
fn a_new_wallet_is_sealed_and_shows_its_public_half() {
    let place = Place::new();
    let made = place.run(&[&NEW[..], &["--label", "School 3"]].concat()).ok();
    assert!(made.contains("School 3"));
    let mode = std::fs::metadata(place.path("a.wallet")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(place.run(&["wallet", "show", "a.wallet"]).ok(), made);
    let json: Value = serde_json::from_str(&place.run(&["wallet", "show", "a.wallet", "--json"]).ok()).unwrap();
    assert_eq!(json["public_key"], public_key(&made));
    let before = place.read("a.wallet");
    place.run(&NEW).fails(1, &["a.wallet", "never overwritten"]);
    assert_eq!(place.read("a.wallet"), before);
}

#[test]
fn passphrases_are_long_enough_and_for_their_owner_alone() {
    let place = Place::new();
    place.write("passphrase", "short\n");
    place.run(&NEW).fails(1, &["at least 8 characters"]);
    place.write("passphrase", "\nsecond line\n");
    place.run(&NEW).fails(1, &["first line", "empty"]);
    place.write("passphrase", PASSPHRASE);
    place.mode("passphrase", 0o640);
    place.run(&NEW).fails(1, &["passphrase", "640", "chmod 600"]);
    assert!(!place.path("a.wallet").exists());
}

#[test]
fn what_is_no_sound_wallet_is_refused() {
    let place = Place::new();
    place.key("machine");
    place.run(&["wallet", "show", "machine.key"]).fails(1, &["machine.key", "no sealed key"]);
    place.run(&NEW).ok();
    let sound = place.read("a.wallet");
    place.write("b.wallet", &sound.replacen("\"label\": \"\"", "\"label\": \"x\"", 1));
    place.run(&["wallet", "show", "b.wallet"]).fails(1, &["b.wallet", "damaged"]);
    place.run(&["wallet", "show", "c.wallet"]).fails(1, &["c.wallet"]);
}

#[test]
fn every_example_is_an_operation_that_is_told_in_words() {
    let place = Place::new();
    let names = place.run(&["wallet", "example"]).ok();
    assert_eq!(names.lines().count(), examples().len());
    for example in examples() {
        assert!(names.contains(example.name));
        let text = place.run(&["wallet", "example", example.name]).ok();
        place.write("operation.json", &text);
        let read = read_operation(&place.path("operation.json")).unwrap();
        let words = summary(&read);
        assert!(words.len() > 20, "{}: {words}", example.name);
    }
    place.run(&["wallet", "example", "fly"]).fails(1, &["`fly`", "keis wallet example"]);
}

#[test]
fn the_examples_of_the_manual_are_operations() {
    let manual = include_str!("../../README.md");
    let blocks: Vec<_> = manual.split("```json\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert!(blocks.len() >= 3);
    let place = Place::new();
    for block in blocks {
        place.write("operation.json", block);
        read_operation(&place.path("operation.json")).unwrap();
    }
}

#[test]
fn words_name_what_is_signed() {
    let request = examples().into_iter().find(|example| example.name == "request").unwrap();
    let Operation::Order { order, .. } = &request.operation else { panic!("a request is about an order") };
    let words = summary(&request.operation);
    for part in
        [&order.to_string(), "2027", "2 pupils", "12.50 EUR each", "25.00 EUR in all", "0.00 EUR of it the school's"]
    {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn an_operation_that_says_more_or_less_than_one_is_refused() {
    let place = Place::new();
    place.run(&NEW).ok();
    let send = |operation: &str| {
        place.write("operation.json", operation);
        let file = ["--operation", "operation.json", "--wallet", "a.wallet", "--passphrase-file", "passphrase"];
        place.run(&[&["wallet", "send", "--gateway", NOBODY][..], &file].concat())
    };
    send("{").fails(1, &["operation.json", "no JSON", "line 1"]);
    send("42").fails(1, &["an object"]);
    send("{\"funds\": {\"end_year\": {}}}").fails(1, &["year"]);
    send("{\"funds\": {\"end_year\": {\"year\": 2027, \"why\": 1}}}").fails(1, &["/funds/end_year/why"]);
    let change = place.run(&["wallet", "example", "propose-change"]).ok();
    send(&change.replace("\"session\"", "\"sesion\"")).fails(1, &["/order/action/propose_change/booking/sesion"]);
}

#[test]
fn nothing_is_sent_without_a_gateway_or_the_right_passphrase() {
    let place = Place::new();
    place.run(&NEW).ok();
    place.write("operation.json", &place.run(&["wallet", "example", "end-year"]).ok());
    let send = |gateway: &str| {
        let file = ["--operation", "operation.json", "--wallet", "a.wallet", "--passphrase-file", "passphrase"];
        place.run(&[&["wallet", "send", "--gateway", gateway][..], &file].concat())
    };
    send(NOBODY).fails(1, &["End the year 2027", "127.0.0.1:9", "Nothing was sent"]);
    send("gateway").fails(1, &["`gateway`", "http://"]);
    place.write("passphrase", "another passphrase\n");
    send(NOBODY).fails(1, &["the passphrase does not open a.wallet"]);
    let party = ["--on-behalf", "school:prv_00", "--operation", "operation.json", "--wallet", "a.wallet"];
    place.run(&[&["wallet", "send", "--gateway", NOBODY][..], &party].concat()).fails(2, &["sch_", "school:sch_…"]);
}

#[test]
fn a_file_that_proves_nothing_is_refused() {
    let place = Place::new();
    place.found("\"real\"");
    place.write("receipt.json", "{}");
    place
        .run(&["receipt", "verify", "--genesis", "genesis.json", "receipt.json"])
        .fails(1, &["receipt.json", "no proof of a receipt"]);
    place
        .run(&["proof", "verify", "--genesis", "genesis.json", "receipt.json"])
        .fails(1, &["receipt.json", "no proof of a record"]);
}
