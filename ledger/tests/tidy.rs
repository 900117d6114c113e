//! The manners of this crate that a compiler does not see.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the crate's folders can be read") {
        let path = entry.expect("an entry can be read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn each_source(folders: &[&str], check: impl Fn(&Path, &str)) {
    let mut found = Vec::new();
    for folder in folders {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    assert!(found.len() > 10, "the sources are where they were");
    for path in found {
        check(&path, &std::fs::read_to_string(&path).expect("a source can be read"));
    }
}

#[test]
fn rules_are_the_same_under_test() {
    each_source(&["src"], |path, text| {
        for word in ["cfg(test)", "cfg!(test)", "cfg(feature", "cfg(debug_assertions", "debug_assert"] {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    });
}

#[test]
fn files_are_short() {
    each_source(&["src"], |path, text| {
        assert!(text.lines().count() < 500, "{} has {} lines", path.display(), text.lines().count());
    });
}

#[test]
fn rules_know_no_clock_machine_or_chance() {
    let banned = [
        "HashMap",
        "HashSet",
        "SystemTime",
        "Instant::",
        "std::thread",
        "std::fs",
        "std::net",
        "std::env",
        "tokio",
        "rand::",
        "getrandom",
        "f32",
        "f64",
        "unsafe ",
    ];
    each_source(&["src"], |path, text| {
        for word in banned {
            assert!(!text.contains(word), "{}: {word}", path.display());
        }
    });
}

#[test]
fn only_the_codec_names_its_functions() {
    each_source(&["src"], |path, text| {
        let codec = path.ends_with("src/codec.rs");
        for word in ["bincode::encode", "bincode::decode", "bincode::config"] {
            assert!(codec || !text.contains(word), "{}: {word}", path.display());
        }
    });
}

#[test]
fn every_module_says_what_it_is() {
    each_source(&["src", "tests"], |path, text| {
        assert!(text.starts_with("//!") || text.starts_with("#![doc"), "{} opens without a word", path.display());
    });
}

#[test]
fn what_is_below_knows_nothing_above() {
    let layers: [&[&str]; 5] = [
        &["codec", "crypto", "text", "ids", "money", "time", "classifiers", "list", "tree"],
        &["parameters", "protocol", "operation", "chain", "transaction", "record", "receipt", "rejection"],
        &["state", "accounts"],
        &["plan", "block"],
        &["follow"],
    ];
    each_source(&["src"], |path, text| {
        let inside =
            path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).expect("a source of this crate");
        let module = inside.iter().next().and_then(|name| name.to_str()).expect("a name").trim_end_matches(".rs");
        let Some(layer) = layers.iter().position(|layer| layer.contains(&module)) else {
            assert_eq!(module, "lib", "{} has no layer", path.display());
            return;
        };
        for above in layers[layer + 1..].iter().copied().flatten() {
            assert!(!text.contains(&format!("use crate::{above}::")), "{} knows {above}", path.display());
        }
    });
}

#[test]
fn nothing_is_ignored_and_the_workspaces_lints_hold() {
    let ignored = ["#[", "ignore"].concat();
    each_source(&["src", "tests"], |path, text| {
        assert!(!text.contains(&ignored), "{} ignores a test", path.display());
    });
    let manifest = include_str!("../Cargo.toml");
    assert!(manifest.contains("[lints]\nworkspace = true"));
}
