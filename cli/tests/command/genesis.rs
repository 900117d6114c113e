use serde_json::Value;

use crate::support::{FOUNDERS, Place};

/// The example, with a fresh key in every place that asks for one.
fn filled_in(place: &Place) -> String {
    let example = place.run(&["genesis", "new", "--example"]).ok();
    let mut number = 0;
    let lines = example.lines().map(|line| {
        let mut line = line.to_owned();
        while !line.starts_with('#') && line.contains("key_…") {
            number += 1;
            line = line.replacen("key_…", &place.key(&format!("filled-{number}")), 1);
        }
        line
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_example_founds_a_network_when_its_keys_are_filled_in() {
    let place = Place::new();
    let founders = filled_in(&place);
    place.write("founders.toml", &founders);
    let made = place.run(&["genesis", "new", "--from", "founders.toml", "--out", "genesis.json"]).ok();
    let hash = place.run(&["genesis", "check", "genesis.json"]).ok();
    assert!(made.contains(hash.trim()));
    place.run(&["genesis", "new", "--from", "founders.toml", "--out", "genesis.json"]).fails(1, &["never overwritten"]);
    assert_eq!(place.run(&["genesis", "check", "genesis.json"]).ok(), hash);
}

#[test]
fn a_document_is_shown_to_people_and_programs() {
    let place = Place::new();
    place.found("\"real\"");
    let hash = place.run(&["genesis", "check", "genesis.json"]).ok();
    let words = place.run(&["genesis", "show", "genesis.json"]).ok();
    for word in FOUNDERS.iter().chain(&[hash.trim(), "operator of library", "budget holder of ministry", "4 votes"]) {
        assert!(words.contains(word), "{word}: {words}");
    }
    let json: Value = serde_json::from_str(&place.run(&["genesis", "show", "genesis.json", "--json"]).ok()).unwrap();
    assert_eq!(json["hash"], hash.trim());
    assert_eq!(json["document"]["institutions"].as_array().unwrap().len(), 4);
    assert_eq!(json["fault"], Value::Null);
}

#[test]
fn what_the_founders_say_is_kept_and_the_rest_is_usual() {
    let place = Place::new();
    let driver = place.key("driver");
    place.found(&format!(
        "{{ simulated = {{ driver = \"{driver}\" }} }}\ntime = \"2027-01-01T00:00:00Z\"\n[parameters]\nstep_budget = 9"
    ));
    let json: Value = serde_json::from_str(&place.read("genesis.json")).unwrap();
    assert_eq!(json["clock"]["simulated"]["driver"], driver);
    assert_eq!(json["time"], 1_798_761_600_000u64);
    assert_eq!(json["parameters"]["step_budget"], 9);
    assert_eq!(json["parameters"]["max_validity"], 86_400_000);
    assert_eq!(json["institutions"][3]["power"], 1);
    assert_eq!(json["officers"][0]["from"], json["time"]);
    assert_eq!(json["officers"][0]["institution"], json["institutions"][1]["id"]);
}

#[test]
fn founders_that_found_nothing_are_told_why() {
    let place = Place::new();
    place.found("\"real\"");
    let sound = place.read("founders.toml");
    let refused = |text: String, words: &[&str]| {
        place.write("bad.toml", &text);
        place.run(&["genesis", "new", "--from", "bad.toml", "--out", "bad.json"]).fails(1, words);
        assert!(!place.path("bad.json").exists());
    };
    refused(sound.replace("clock = \"real\"", "clok = \"real\""), &["bad.toml, line 2", "clok"]);
    refused(sound.replace("office = \"operator\"", "office = \"king\""), &["line 2", "king"]);
    refused(
        sound.replace("institution = \"library\"", "institution = \"libraries\""),
        &["`libraries`", "no institution"],
    );
    refused(sound.replace("institution = \"library\"", "institution = \"ministry\""), &["two different institutions"]);
    refused(sound.replace("name = \"audit\"", "name = \"library\""), &["several institutions"]);
    refused(sound.replacen("consensus_key", "power = 5\nconsensus_key", 1), &["third"]);
    let key =
        place.read("founders.toml").lines().find_map(|line| line.strip_prefix("network_key = ")).unwrap().to_owned();
    refused(sound.replace(&key, "\"0123\""), &["line", "key_"]);
    refused(sound.replace("clock", "time = \"tomorrow\"\nclock"), &["`tomorrow`", "2027-01-01T00:00:00Z"]);
    place
        .run(&["genesis", "new", "--from", "missing.toml", "--out", "bad.json"])
        .fails(1, &["missing.toml", "--example"]);
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let place = Place::new();
    place.found("\"real\"");
    let secret = place.read("operator.key").trim().to_owned();
    let public = crate::support::public_key(&place.run(&["key", "show", "operator.key"]).ok());
    place.write("bad.toml", &place.read("founders.toml").replace(&public, &secret));
    // The runner looks for the secret in what is printed.
    place.run(&["genesis", "new", "--from", "bad.toml", "--out", "bad.json"]).fails(1, &["bad.toml, line"]);
}

#[test]
fn a_broken_document_is_refused_and_shown() {
    let place = Place::new();
    place.found("\"real\"");
    let sound: Value = serde_json::from_str(&place.read("genesis.json")).unwrap();
    let mut broken = sound.clone();
    broken["institutions"].as_array_mut().unwrap().pop();
    place.write("broken.json", &broken.to_string());
    place.run(&["genesis", "check", "broken.json"]).fails(1, &["broken.json", "too few"]);
    place.run(&["genesis", "show", "broken.json"]).fails(3, &["BREAKS A RULE", "too few", "ministry"]);
    let mut odd = sound;
    odd["extra"] = Value::Null;
    place.write("odd.json", &odd.to_string());
    place.run(&["genesis", "check", "odd.json"]).fails(1, &["odd.json", "extra"]);
    place.run(&["genesis", "check", "founders.toml"]).fails(1, &["founders.toml", "no founding document"]);
    place.run(&["genesis", "show", "missing.json"]).fails(1, &["missing.json"]);
}
