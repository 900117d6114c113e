use std::io::Write;
use std::process::Stdio;

use crate::support::{Place, Ran};

const SCHOOLS: &str = "school_code,name,place,branches\n980000003,Ąžuolo gimnazija,LT-13,0\n";
const PUPILS: &str = "register_code,given_name,family_name,school_code,branch,place,class,joint_class,grade\n\
    4400000011,Žymantė,Slaptaitė,980000003,0,LT-13,5a,,5\n4400000022,Jonas,Slaptenis,980000003,0,LT-13,5a,,5\n";

/// A portal's folder `home` with a database, without a network that answers.
fn place() -> Place {
    let place = Place::new();
    place.found("\"real\"");
    let init = [
        "portal",
        "init",
        "--home",
        "home",
        "--genesis",
        "genesis.json",
        "--gateway",
        "http://127.0.0.1:9",
        "--operator-key",
        "operator.key",
        "--public-url",
        "http://127.0.0.1:8443/",
    ];
    place.run(&init).ok();
    place.write("schools.csv", SCHOOLS);
    place.write("pupils.csv", PUPILS);
    place
}

fn import(place: &Place, what: &str, file: &str, more: &[&str]) -> Ran {
    let command = ["registry", "import", what, "--home", "home", file];
    place.run(&[&command[..], more].concat())
}

/// `keis registry erase` with a line on its standard input.
fn erase(place: &Place, line: &str, more: &[&str]) -> Ran {
    let command = [&["registry", "erase", "--home", "home"], more].concat();
    let mut command = place.command(&command);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Who wants no line may end before it is written.
    drop(child.stdin.take().unwrap().write_all(line.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let read = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: read(output.stdout), err: read(output.stderr) }
}

#[test]
fn an_extract_is_taken_over_once() {
    let place = place();
    let year = ["--year", "2027"];
    assert!(import(&place, "schools", "schools.csv", &["--dry-run"]).ok().contains("would bring"));
    assert!(import(&place, "schools", "schools.csv", &[]).ok().contains("1  new"));
    assert!(import(&place, "schools", "schools.csv", &[]).ok().contains("1  as before"));
    let dry = import(&place, "pupils", "pupils.csv", &["--year", "2027", "--dry-run"]).ok();
    assert!(dry.contains("2  new"), "{dry}");
    assert!(import(&place, "pupils", "pupils.csv", &year).ok().contains("2  new"));
    let again = import(&place, "pupils", "pupils.csv", &year).ok();
    assert!(again.contains("2  as before") && !again.contains("Slapt") && !again.contains("44000"), "{again}");
    let log = place.run(&["registry", "log", "--home", "home", "--last", "50"]).ok();
    assert!(log.starts_with("The log is whole") && !log.contains("Slapt"), "{log}");
}

#[test]
fn files_of_no_use_change_nothing_and_name_nobody() {
    let place = place();
    import(&place, "schools", "schools.csv", &[]).ok();
    let year = ["--year", "2027"];
    import(&place, "pupils", "pupils.csv", &year).ok();
    let latin = PUPILS.replace("Žymantė", "x").replace("4400000022", "4400000033");
    place.write("half.csv", &PUPILS[..PUPILS.find("4400000022").unwrap()]);
    place.write("wrong.csv", "a,b,c\n1,2,3\n");
    place.write("empty.csv", "");
    place.write("semicolons.csv", &latin.replace(',', ";"));
    std::fs::write(place.path("zeros.csv"), vec![0; 3_000_000]).unwrap();
    for (file, words) in [
        ("nowhere.csv", "keis sample"),
        ("empty.csv", "empty"),
        ("wrong.csv", "register_code"),
        ("zeros.csv", "register_code"),
        ("half.csv", "--allow-mass-leaving"),
        ("semicolons.csv", "comma"),
    ] {
        let said = import(&place, "pupils", file, &year);
        assert!(!said.out.contains("Slapt") && !said.err.contains("Slapt"), "{file}: {said:?}");
        said.fails(1, &[words]);
    }
    let mut bad = PUPILS.to_owned();
    bad.push_str("12345,Ieva,Slaptutė,980000003,0,LT-13,5a,,5\n");
    place.write("bad.csv", &bad);
    let said = import(&place, "pupils", "bad.csv", &["--year", "2027", "--dry-run"]);
    assert!(!said.out.contains("Slapt") && !said.err.contains("Slapt"), "{said:?}");
    said.fails(3, &["line 4", "ten digits"]);
    assert_eq!(import(&place, "pupils", "pupils.csv", &[]).code, 2, "--year is missing");
    assert_eq!(import(&place, "pupils", "pupils.csv", &["--year", "207"]).code, 2, "a digit is missing");
    assert_eq!(import(&place, "teachers", "pupils.csv", &year).code, 2);
    import(&place, "pupils", "pupils.csv", &["--year", "2027", "--at", "yesterday"]).fails(1, &["yesterday"]);
    assert!(import(&place, "pupils", "pupils.csv", &year).ok().contains("2  as before"));
}

#[test]
fn a_pupil_is_erased_without_a_network_only_when_told_so() {
    let place = place();
    import(&place, "schools", "schools.csv", &[]).ok();
    import(&place, "pupils", "pupils.csv", &["--year", "2027"]).ok();
    for line in ["", "\n", "44000", "04400000011", "0400000011", "4400000011x", "４４００００００１１"] {
        erase(&place, line, &[]).fails(1, &["code"]);
    }
    erase(&place, "4400000099\n", &[]).fails(3, &["nothing was changed"]);
    let said = erase(&place, "4400000011\n", &[]);
    assert!(!said.err.contains("4400000011"), "{said:?}");
    said.fails(1, &["--despite-orders"]);
    let done = erase(&place, "  4400000011 \r\n", &["--despite-orders"]).ok();
    assert!(!done.contains("4400000011") && !done.contains("Slapt"), "{done}");
    let person = done.split_whitespace().find(|word| word.starts_with("per_")).unwrap().to_owned();
    erase(&place, "4400000011\n", &[]).fails(3, &["nothing was changed"]);
    assert!(erase(&place, "", &["--person", &person]).ok().contains("already"));
    erase(&place, "", &["--person", &format!("per_{}", "0".repeat(32))]).fails(3, &["nobody"]);
    assert_eq!(erase(&place, "", &["--person", "somebody"]).code, 2);
    assert!(import(&place, "pupils", "pupils.csv", &["--year", "2027", "--dry-run"]).ok().contains("1  new"));
}

#[test]
fn a_database_of_no_use_is_told_from_one_that_was_put_back() {
    let place = place();
    place.run(&["registry", "log", "--home", "nowhere"]).fails(1, &["keis portal init"]);
    import(&place, "schools", "schools.csv", &["--dry-run"]).ok();
    let head = place.run(&["registry", "log", "--home", "home"]).ok();
    let head = head.lines().find_map(|line| line.strip_prefix("head ")).unwrap().to_owned();
    import(&place, "schools", "schools.csv", &[]).ok();
    place.run(&["registry", "log", "--home", "home", "--known", &head]).ok();
    place.run(&["registry", "log", "--home", "home", "--known", "nonsense"]).fails(1, &["--known"]);
    let (number, hash) = head.split_once(':').unwrap();
    let foreign = format!("{}:{}", number, "0".repeat(hash.len()));
    place.run(&["registry", "log", "--home", "home", "--known", &foreign]).fails(3, &["not whole"]);

    let settings = place.read("home/portal.toml");
    place.write("home/portal.toml", &settings.replace("sqlite:registry.sqlite", "postgres://keis@127.0.0.1:9/keis"));
    let begun = std::time::Instant::now();
    place.run(&["registry", "log", "--home", "home"]).fails(1, &["portal.toml"]);
    assert!(begun.elapsed().as_secs() < 30, "nobody waits a minute for a refusal");
    place.write("home/portal.toml", &settings.replace("master.key", "operator.key"));
    place.run(&["registry", "log", "--home", "home"]).fails(1, &["master"]);
    std::fs::write(place.path("home/registry.sqlite"), b"this is no database, but somebody's notes of last week")
        .unwrap();
    place.write("home/portal.toml", &settings);
    place.run(&["registry", "log", "--home", "home"]).fails(1, &["portal.toml"]);
    assert!(begun.elapsed().as_secs() < 40, "nobody waits a minute to hear that a file is no database");
}
