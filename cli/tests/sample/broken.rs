//! Files that do not hold together are answered with file and line.

use std::fs;

use keis_cli::programme::Programme;
use tempfile::TempDir;

use super::municipality;

/// Writes a sample, breaks one file and expects the reader's complaint.
fn check_broken(file: &str, line: usize, change: impl Fn(&str) -> String, complaint: &str) {
    let dir = TempDir::new().unwrap();
    municipality(1).write(dir.path()).unwrap();
    let path = dir.path().join(file);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[line - 1] = change(&lines[line - 1]);
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let Err(error) = Programme::load(dir.path()) else { panic!("{file} line {line} should be refused: {complaint}") };
    let error = error.to_string();
    assert!(error.starts_with(&format!("{file} line {line}: ")), "{error}");
    assert!(error.contains(complaint), "{error:?} should say {complaint:?}");
}

/// Replaces one field of a CSV line without quoted fields before it.
fn field(position: usize, value: &'static str) -> impl Fn(&str) -> String {
    move |line| {
        let mut fields: Vec<&str> = line.split(',').collect();
        fields[position] = value;
        fields.join(",")
    }
}

#[test]
fn broken_files_are_answered_with_file_and_line() {
    check_broken("pupils.csv", 17, field(3, "123456786"), "school_code 123456786 is not in schools.csv");
    check_broken("pupils.csv", 17, field(3, "123456785"), "is not a legal entity code");
    check_broken("pupils.csv", 18, field(8, "13"), "grade 13 is not 1 to 12");
    check_broken("pupils.csv", 19, field(5, "LT-61"), "is not a place");
    check_broken("pupils.csv", 20, |line| line.replacen(',', "", 1), "columns");
    check_broken("schools.csv", 3, field(0, "980000003"), "occurs a second time");
    check_broken("pupil_changes.csv", 3, field(2, "1000000000"), "register_code 1000000000 is not in pupils.csv");
    check_broken("providers.csv", 2, field(1, "natural"), "kind does not fit");
    check_broken("services.csv", 5, field(1, "9999999"), "provider_code 9999999 is not in providers.csv");
    check_broken("sessions.csv", 9, field(1, "SV-999999"), "service_code SV-999999 is not in services.csv");
    check_broken("sessions.csv", 9, field(2, "2027-13-01T00:00:00Z"), "is not a UTC instant");
    check_broken("orders.csv", 4, field(1, "SE-999999"), "session_code SE-999999 is not in sessions.csv");
    check_broken("orders.csv", 4, field(4, "vanished"), "vanished");
    check_broken("calendar.jsonl", 1, |line| line.replacen("SE-", "XX-", 1), "XX-");
    check_broken("calendar.jsonl", 6, |line| line.replacen("2027", "2026", 1), "is before the line above");
    check_broken("calendar.jsonl", 6, |line| line.replacen('{', "", 1), "at column");
    check_broken("programme.toml", 1, |_| "kind = \"other\"".to_owned(), "kind");
    check_broken("programme.toml", 3, |_| "seed = \"one\"".to_owned(), "");
}

#[test]
fn a_shortened_file_is_found_by_its_count() {
    let dir = TempDir::new().unwrap();
    municipality(1).write(dir.path()).unwrap();
    let path = dir.path().join("calendar.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let kept: Vec<&str> = text.lines().collect();
    fs::write(&path, kept[..kept.len() - 1].join("\n")).unwrap();
    let error = Programme::load(dir.path()).unwrap_err().to_string();
    assert!(error.starts_with("programme.toml line ") && error.contains("actions"), "{error}");
    fs::remove_file(&path).unwrap();
    let error = Programme::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("calendar.jsonl"), "{error}");
}
