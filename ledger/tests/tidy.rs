//! The manners of this crate that a compiler does not see.

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
        "HashMap", "HashSet", "SystemTime", "Instant::", "std::thread", "std::fs", "std::net", "std::env", "tokio", "rand::",
        "getrandom", "f32", "f64", "unsafe ",
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
