//! Files that somebody or something changed: every field, every element of a list, bytes at random.

use serde_json::Value;

use crate::support::{good, judge};

/// Random bytes changed in each good file.
const RANDOM: u64 = 100;

/// A damaged file, named by what was done to it.
pub struct Damaged {
    pub name: String,
    pub text: Vec<u8>,
    /// Whether what is left may still prove what it says: a certificate has more votes than it needs, a receipt of several
    /// lines may show fewer.
    pub may_hold: bool,
}

/// Every damage to every good file.
pub fn all() -> Vec<Damaged> {
    let mut all = Vec::new();
    for (name, text) in good() {
        let whole: Value = serde_json::from_str(&text).unwrap();
        let mut places = Vec::new();
        collect(&whole, String::new(), &mut places);
        for place in places {
            for (what, changed) in changes(whole.pointer(&place).unwrap()) {
                let mut file = whole.clone();
                *file.pointer_mut(&place).unwrap() = changed;
                let votes = place.ends_with("/signatures") && matches!(what, "one less" | "another order");
                let lines = place == "/lines" && matches!(what, "one less" | "none");
                // That a record is missing is true of others too.
                let may_hold = votes || lines || name.starts_with("no-") && place.starts_with("/key/");
                let text = serde_json::to_vec(&file).unwrap();
                all.push(Damaged { name: format!("{name}: {what} at {place}"), text, may_hold });
            }
        }
        for (what, text) in texts(&text) {
            all.push(Damaged { name: format!("{name}: {what}"), text, may_hold: what.starts_with("space") });
        }
        all.extend(random(name, text.as_bytes()));
    }
    all
}

/// The place of every value, its lists and objects included.
fn collect(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, one)| collect(one, format!("{place}/{name}"), places)),
        Value::Array(items) => {
            // Lists are alike inside: the first and the last item stand for the others.
            for (index, item) in items.iter().enumerate() {
                if index == 0 || index + 1 == items.len() {
                    collect(item, format!("{place}/{index}"), places);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    places.push(place);
}

/// What is put in a value's place.
fn changes(value: &Value) -> Vec<(&'static str, Value)> {
    match value {
        Value::Null => vec![("something", Value::from("00")), ("a list", Value::Array(Vec::new()))],
        Value::Bool(given) => vec![("the opposite", Value::Bool(!given)), ("a number", Value::from(u8::from(*given)))],
        Value::Number(number) => {
            let given = number.as_u64().unwrap();
            vec![
                ("one more", Value::from(given + 1)),
                ("none", Value::from(if given == 0 { 7 } else { 0 })),
                ("the greatest", Value::from(u64::MAX)),
                ("less than none", Value::from(-1)),
                ("a fraction", Value::from(given as f64 + 0.5)),
                ("a text", Value::from(given.to_string())),
            ]
        }
        Value::String(text) => strings(text),
        Value::Array(items) => lists(items),
        Value::Object(fields) => {
            let mut changes = vec![("nothing", Value::Null)];
            let mut more = fields.clone();
            more.insert("note".into(), Value::Null);
            changes.push(("an unknown field", Value::Object(more)));
            for name in fields.keys() {
                let mut fewer = fields.clone();
                fewer.remove(name);
                changes.push(("a missing field", Value::Object(fewer)));
            }
            changes
        }
    }
}

fn strings(text: &str) -> Vec<(&'static str, Value)> {
    let last = |digit| format!("{}{digit}", &text[..text.len() - 1]);
    let other = if text.ends_with('0') { '1' } else { '0' };
    let zeros: String = text.chars().map(|digit| if digit.is_ascii_digit() { '0' } else { digit }).collect();
    let mut changes = vec![
        ("another end", last(other)),
        ("a capital", text.to_uppercase()),
        ("an end cut off", text[..text.len() - 1].to_owned()),
        ("a longer end", format!("{text}00")),
        ("space around", format!(" {text} ")),
        ("nothing in it", String::new()),
    ];
    if zeros != text {
        changes.push(("zeros", zeros));
    }
    changes.retain(|(_, changed)| changed != text);
    let changed = changes.into_iter().map(|(what, text)| (what, Value::from(text)));
    changed.chain([("nothing", Value::Null)]).collect()
}

fn lists(items: &[Value]) -> Vec<(&'static str, Value)> {
    let mut changes = vec![("nothing", Value::Null), ("an object", Value::Object(serde_json::Map::new()))];
    if let [first, .., last] = items {
        changes.push(("one less", Value::from(items[..items.len() - 1].to_vec())));
        if first != last {
            changes.push(("another order", Value::from(items.iter().rev().cloned().collect::<Vec<_>>())));
        }
    }
    if let Some(last) = items.last() {
        changes.push(("none", Value::Array(Vec::new())));
        changes.push(("one twice", Value::from([items, std::slice::from_ref(last)].concat())));
    }
    changes
}

/// Texts that are the same file to nobody, or to some readers of JSON alone.
fn texts(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let twice = text.replacen('{', "{\"format\":\"keis-receipt-1\",", 1);
    let number = text.replacen("\"protocol\":1", "\"protocol\":1.0", 1);
    let power = text.replacen("\"protocol\":1", "\"protocol\":1e0", 1);
    let zero = text.replacen("\"protocol\":1", "\"protocol\":01", 1);
    let minus = text.replacen("\"bit\":0", "\"bit\":-0", 1);
    let mut texts = vec![
        ("space before and after", format!("\n {text}\t\r\n").into_bytes()),
        ("a form feed before", format!("\u{c}{text}").into_bytes()),
        ("a mark of byte order", format!("\u{feff}{text}").into_bytes()),
        ("more after the end", format!("{text}{{}}").into_bytes()),
        ("the end missing", text.as_bytes()[..text.len() - 1].to_vec()),
        ("half of it", text.as_bytes()[..text.len() / 2].to_vec()),
        ("nothing", Vec::new()),
        ("a field twice", twice.into_bytes()),
        ("a number with a fraction", number.into_bytes()),
        ("a number with an exponent", power.into_bytes()),
        ("a number that begins with zero", zero.into_bytes()),
        ("a byte that is no text", [text.as_bytes(), b"\xff"].concat()),
        ("a comma before the end", format!("{},}}", &text[..text.len() - 1]).into_bytes()),
    ];
    if minus != text {
        texts.push(("a number below zero that is zero", minus.into_bytes()));
    }
    texts
}

fn random<'a>(name: &'a str, text: &'a [u8]) -> impl Iterator<Item = Damaged> + 'a {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    (0..RANDOM).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(state >> 33).unwrap() % text.len();
        let mut changed = text.to_vec();
        changed[place] ^= 1 << ((state >> 20) % 8);
        Damaged { name: format!("{name}: another byte at {place}"), text: changed, may_hold: false }
    })
}

#[test]
fn nothing_damaged_is_accepted() {
    let all = all();
    assert!(all.len() > 3_000, "{} damaged files", all.len());
    for Damaged { name, text, may_hold } in all {
        assert!(may_hold || judge(&text).is_err(), "{name}");
    }
}
