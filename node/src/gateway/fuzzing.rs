//! Doors to what clients write, for fuzzers alone (`--cfg fuzzing`). Each panics where a promise does not hold.

use serde_json::Value;
use warp::http::{HeaderMap, HeaderName, HeaderValue};

use super::search::{LONGEST, Wanted, Words};
use super::signature::{Claim, Message, Signed};
use super::tongue::Tongue;

/// Fields of a head that are told apart by what they mean; any line may name another.
const FIELDS: [&str; 4] = ["signature-input", "signature", "content-length", "host"];

/// The head of a request, line by line, as signatures are read out of it (RFC 9421); the first line is the time, the second
/// method, path and query.
pub fn signature(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let mut text = || std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
    let now = text().trim().parse::<u32>().unwrap_or(1_800_000_000);
    let mut asked = text().split(' ');
    let (method, path, query) =
        (asked.next().unwrap_or("GET"), asked.next().unwrap_or("/"), asked.next().unwrap_or_default());
    let mut headers = HeaderMap::new();
    for (number, line) in lines.take(32).enumerate() {
        let usual = FIELDS[number % FIELDS.len()].as_bytes();
        let parted = line.iter().position(|byte| *byte == b':').map(|colon| (&line[..colon], &line[colon + 1..]));
        let (name, value) = parted.unwrap_or((usual, line));
        let (name, value) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let message = Message { method, authority: "node.example".to_owned(), path, query, headers: &headers };
    if let Ok(all) = Signed::all(message.headers) {
        for signed in all {
            if let Ok(base) = signed.base(&message) {
                assert!(base.contains("\"@signature-params\": ("), "what is signed says what it covers");
            }
        }
    }
    if let Ok(claim) = Claim::read(&message, i64::from(now)) {
        assert!(claim.until > i64::from(now) - 1, "a signature that is over is not read");
        assert!(!claim.nonce.is_empty(), "a signature has a nonce");
        drop(claim.prove(&message, &[]));
        drop(claim.prove(&message, &["other.example".to_owned()]));
    }
}

/// A search, and a description that it may find: the search, a line's end, the description as JSON or plain. A description of
/// just what was searched for is found.
pub fn search(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (sought, description) = text.split_once('\n').unwrap_or((&text, ""));
    let Ok(wanted) = Wanted::of(sought) else { return };
    assert!(sought.len() <= LONGEST, "a search has a bound");
    let description: Value = serde_json::from_str(description).unwrap_or_else(|_| description.into());
    Words::of(&description).has(&wanted);
    assert!(Words::of(&Value::from(sought)).has(&wanted), "a text finds itself");
    let capitals = Value::from(sought.to_uppercase());
    if sought.is_ascii() {
        assert!(Words::of(&capitals).has(&wanted), "case does not matter");
    }
}

/// What a client takes: languages, and forms of invoices.
pub fn accept(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    Tongue::of(Some(text));
    super::invoices::takes(text);
}
