//! Manners of the house that a program can check.

use keis_tests::sources::{Source, files, manifest, members, root};

/// Most lines of a file of Rust, before its tests.
const MOST_LINES: usize = 500;
/// Most lines of a function.
const MOST_LINES_OF_FUNCTION: usize = 70;

fn rust() -> Vec<Source> {
    files("", &[".rs"])
}

#[test]
fn every_crate_inherits_the_lints_and_has_a_page() {
    for member in members() {
        let manifest = manifest(&member);
        let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool);
        assert_eq!(inherits, Some(true), "{member} does not inherit the workspace's lints");
        for field in ["version", "edition", "rust-version", "license", "publish"] {
            let inherited = manifest["package"].get(field).and_then(|field| field.get("workspace")).is_some();
            assert!(inherited, "{member} does not inherit `{field}`");
        }
        assert!(root().join(&member).join("README.md").exists(), "{member} has no README.md");
    }
}

#[test]
fn files_are_short() {
    for source in rust() {
        let before_tests = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = before_tests.lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines; {MOST_LINES} are the most", source.path);
    }
}

#[test]
fn functions_are_short() {
    for source in rust().iter().filter(|source| source.path.contains("src/")) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let Some(name) = function(line) else { continue };
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = lines[start..].iter().position(|line| line.strip_prefix(indent) == Some("}"));
            let length = end.map_or(0, |end| end + 1);
            assert!(length <= MOST_LINES_OF_FUNCTION, "{}: {name} has {length} lines", source.path);
        }
    }
}

/// The name of a function whose body begins after this line.
fn function(line: &str) -> Option<&str> {
    let words = line.trim_start();
    let (before, after) = words.split_once("fn ")?;
    let is_beginning = before
        .split_whitespace()
        .all(|word| ["pub", "pub(crate)", "pub(super)", "pub(in", "const", "async"].contains(&word));
    let name = after.split(|next: char| !next.is_alphanumeric() && next != '_').next()?;
    (is_beginning && !name.is_empty() && !line.trim_end().ends_with(['}', ';'])).then_some(name)
}

#[test]
fn nothing_is_left_for_later_and_nothing_is_ignored() {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("to", "do!"),
        concat!("unimplemented", "!("),
        concat!("#[ig", "nore"),
        concat!("dbg", "!("),
    ];
    for source in files("", &[".rs", ".md", ".toml", ".yml", ".yaml"]) {
        for (number, line) in source.text.lines().enumerate() {
            let found = words.iter().find(|word| line.contains(**word));
            assert!(found.is_none(), "{}:{}: {line}", source.path, number + 1);
        }
    }
}

#[test]
fn lints_are_switched_off_with_a_reason_or_not_at_all() {
    for source in rust().iter().filter(|source| source.path.contains("src/")) {
        let off = source.text.lines().find(|line| {
            (line.starts_with("#![allow") || line.starts_with("#![expect")) && !line.contains("reason = ")
        });
        assert!(off.is_none(), "{}: {off:?}", source.path);
    }
}

#[test]
fn no_path_of_a_machine_is_in_a_file() {
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    for source in files("", &[".rs", ".md", ".toml", ".yml", ".json"]) {
        for (number, line) in source.text.lines().enumerate() {
            let found = places.iter().find(|place| line.contains(**place));
            assert!(found.is_none(), "{}:{}: {line}", source.path, number + 1);
        }
    }
}
