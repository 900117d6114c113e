use std::os::unix::fs::PermissionsExt;

use crate::support::{Place, public_key};

#[test]
fn a_new_key_is_its_owners_alone_and_shows_its_public_half() {
    let place = Place::new();
    let made = place.run(&["key", "new", "--out", "machine.key"]).ok();
    let mode = std::fs::metadata(place.path("machine.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(place.read("machine.key").trim().len(), 64);
    assert!(made.contains("val_"));
    assert_eq!(place.run(&["key", "show", "machine.key"]).ok(), made);
    let json = place.run(&["key", "show", "machine.key", "--json"]).ok();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["public_key"], public_key(&made));
}

#[test]
fn a_key_is_never_overwritten() {
    let place = Place::new();
    place.key("machine");
    let before = place.read("machine.key");
    place.run(&["key", "new", "--out", "machine.key"]).fails(1, &["machine.key", "never overwritten"]);
    assert_eq!(place.read("machine.key"), before);
    place.run(&["key", "new", "--out", "nowhere/machine.key"]).fails(1, &["nowhere/machine.key"]);
}

#[test]
fn what_is_no_key_of_ours_alone_is_refused() {
    let place = Place::new();
    place.key("machine");
    place.mode("machine.key", 0o644);
    place.run(&["key", "show", "machine.key"]).fails(1, &["machine.key", "644"]);
    place.write("short.key", "0123456789abcdef");
    place.mode("short.key", 0o600);
    place.run(&["key", "show", "short.key"]).fails(1, &["short.key", "64 hexadecimal digits"]);
    place.run(&["key", "show", "missing.key"]).fails(1, &["missing.key", "keis key new"]);
}
