//! The words of both languages are complete, and Lithuanian counts right.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource};
use keis_portal::words::{LANGS, Lang, files};

/// Keys of a message file with what stands behind them.
fn messages(text: &str) -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    for line in text.lines() {
        let is_key = line.starts_with(|letter: char| letter.is_ascii_alphabetic());
        match line.split_once('=').filter(|_| is_key) {
            Some((key, rest)) => {
                last = key.trim().to_owned();
                assert!(found.insert(last.clone(), rest.to_owned()).is_none(), "{last} stands twice in one file");
            }
            None => {
                if let Some(message) = found.get_mut(&last) {
                    message.push('\n');
                    message.push_str(line);
                }
            }
        }
    }
    found
}

/// All messages of a language, from all files.
fn all(lang: Lang) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (name, text) in files() {
        if name.starts_with(&format!("{}/", lang.code())) {
            for (key, message) in messages(&text) {
                assert!(all.insert(key.clone(), message).is_none(), "{key} of {name} stands in another file, too");
            }
        }
    }
    assert!(!all.is_empty());
    all
}

/// The arguments that a message names.
fn arguments(message: &str) -> BTreeSet<String> {
    let named = message.split('$').skip(1);
    named
        .map(|rest| rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect())
        .collect()
}

fn sources(folder: &Path, ending: &str, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            sources(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            let text = fs::read_to_string(&path).expect("the file can be read");
            found.push((path.display().to_string(), text));
        }
    }
}

/// First arguments of calls by this name that are literals.
fn literals<'a>(text: &'a str, call: &str) -> Vec<&'a str> {
    let rest = text.split(call).skip(1);
    rest.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next()).collect()
}

#[test]
fn both_languages_say_the_same_things() {
    let [lt, en] = LANGS.map(all);
    let missing: Vec<_> = lt.keys().filter(|key| !en.contains_key(*key)).collect();
    assert!(missing.is_empty(), "not in English: {missing:?}");
    let missing: Vec<_> = en.keys().filter(|key| !lt.contains_key(*key)).collect();
    assert!(missing.is_empty(), "not in Lithuanian: {missing:?}");
    for (key, message) in &lt {
        assert_eq!(arguments(message), arguments(&en[key]), "{key} names other arguments in English");
    }
}

#[test]
fn every_message_renders() {
    for lang in LANGS {
        let mut bundle = FluentBundle::new(vec![lang.code().parse().expect("a language")]);
        bundle.set_use_isolating(false);
        for (name, text) in files().into_iter().filter(|(name, _)| name.starts_with(lang.code())) {
            let resource = FluentResource::try_new(text).unwrap_or_else(|(_, errors)| panic!("{name}: {errors:?}"));
            bundle.add_resource(resource).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        }
        for (key, message) in all(lang) {
            assert!(lang.words().has(&key), "{key} is not read");
            for category in ["one", "few", "many", "other"] {
                let mut args = FluentArgs::new();
                arguments(&message).into_iter().for_each(|name| args.set(name, "ARGUMENT"));
                args.set("category", category);
                let found = bundle.get_message(&key).and_then(|message| message.value()).expect("it is there");
                let mut errors = Vec::new();
                let text = bundle.format_pattern(found, Some(&args), &mut errors);
                assert!(errors.is_empty(), "{key} in {}: {errors:?}", lang.code());
                assert!(!text.trim().is_empty() && !text.contains('{'), "{key} in {}: {text}", lang.code());
                // Of one alone a message may say it without a number.
                if category == "other" && arguments(&message).contains("n") {
                    assert!(text.contains("ARGUMENT"), "{key} in {} does not tell its number: {text}", lang.code());
                }
            }
        }
    }
}

#[test]
fn lithuanian_messages_that_count_know_its_three_forms() {
    for (key, message) in all(Lang::Lt) {
        if arguments(&message).contains("category") {
            for form in ["[one]", "[few]", "*[other]"] {
                assert!(message.contains(form), "{key} lacks {form}");
            }
        }
    }
}

#[test]
fn every_key_that_pages_name_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    sources(&root.join("templates"), "html", &mut texts);
    sources(&root.join("src"), "rs", &mut texts);
    let words = Lang::Lt.words();
    let mut named = 0;
    let calls = [".text(", ".with(", ".with1(", ".count(", "Malformed("];
    let mut missing = Vec::new();
    for (path, text) in &texts {
        for key in calls.iter().flat_map(|call| literals(text, call)) {
            named += 1;
            if !words.has(key) {
                missing.push(format!("{key} ({path})"));
            }
        }
    }
    assert!(missing.is_empty(), "named and not there: {missing:#?}");
    assert!(named > 50, "only {named} keys were found: the test looks in the wrong place");
}

#[test]
fn lithuanian_counts_as_people_do() {
    let words = Lang::Lt.words();
    let cases: [(u64, &str, &str); 14] = [
        (0, "other", "0 mokinių"),
        (1, "one", "1 mokinys"),
        (2, "few", "2 mokiniai"),
        (9, "few", "9 mokiniai"),
        (10, "other", "10 mokinių"),
        (11, "other", "11 mokinių"),
        (12, "other", "12 mokinių"),
        (19, "other", "19 mokinių"),
        (20, "other", "20 mokinių"),
        (21, "one", "21 mokinys"),
        (22, "few", "22 mokiniai"),
        (101, "one", "101 mokinys"),
        (111, "other", "111 mokinių"),
        (349_521, "one", "349\u{a0}521 mokinys"),
    ];
    for (count, category, text) in cases {
        assert_eq!((words.category(count), words.count("count-pupils", count).as_str()), (category, text));
    }
}

#[test]
fn english_counts_as_people_do() {
    let words = Lang::En.words();
    for (count, text) in
        [(0_u64, "0 pupils"), (1, "1 pupil"), (2, "2 pupils"), (21, "21 pupils"), (1_234, "1,234 pupils")]
    {
        assert_eq!(words.count("count-pupils", count), text);
    }
}

#[test]
fn sums_and_times_are_written_as_the_country_does() {
    use keis_ledger::money::Cents;
    use keis_ledger::time::Timestamp;
    let (lt, en) = (Lang::Lt.words(), Lang::En.words());
    assert_eq!(lt.money(&Cents::new(123_405)), "1\u{a0}234,05\u{a0}€");
    assert_eq!(en.money(&Cents::new(123_405)), "€1,234.05");
    assert_eq!(lt.money(&Cents::new(7)), "0,07\u{a0}€");
    // Winter and summer time.
    assert_eq!(lt.date_time(&Timestamp(1_770_717_600_000)), "2026-02-10 12:00");
    assert_eq!(lt.date_time(&Timestamp(1_783_764_000_000)), "2026-07-11 13:00");
    for text in ["2026-02-10T12:00", "2026-07-11T13:00"] {
        let at = lt.instant(text).expect("a day and time");
        assert_eq!(lt.date_time(&at), text.replace('T', " "));
    }
    assert_eq!(lt.instant("10.02.2026"), None);
    assert_eq!(lt.weekday_date(&Timestamp(1_770_717_600_000)), "antradienis, 2026-02-10");
    let mut names = ["Žukas", "Ąžuolas", "Zukas", "Abromas", "Šimkus", "Simkus", "Yla", "Ieva", "Čepas", "Cepas"];
    names.sort_by(|one, other| lt.compare(one, other));
    assert_eq!(names, ["Abromas", "Ąžuolas", "Cepas", "Čepas", "Ieva", "Yla", "Simkus", "Šimkus", "Zukas", "Žukas"]);
}
