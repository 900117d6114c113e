//! How the command line speaks: times for people, errors that say what to do next.

use anyhow::Context;
use keis_ledger::time::Timestamp;

/// An instant for people: RFC 3339, UTC.
pub fn instant(time: Timestamp) -> String {
    let known = i64::try_from(time.0).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    known.map_or_else(|| format!("{} ms after 1970", time.0), |known| known.to_string())
}

/// Reads an RFC 3339 instant.
///
/// # Errors
/// When the text is none, or lies before 1970.
pub fn read_instant(text: &str) -> anyhow::Result<Timestamp> {
    let known: jiff::Timestamp =
        text.parse().with_context(|| format!("`{text}` is no instant such as 2027-01-01T00:00:00Z"))?;
    let millis = u64::try_from(known.as_millisecond()).context("an instant before 1970")?;
    Ok(Timestamp(millis))
}

/// What the machine's clock shows.
pub fn now() -> Timestamp {
    Timestamp(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default())
}

/// An error with its causes in one line; a cause that its effect has told already is left out.
pub fn explain(error: &anyhow::Error) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !told.last().is_some_and(|last| last.contains(&text)) {
            told.push(text);
        }
    }
    told.join(": ")
}

/// Errors that end with what to do next.
pub trait Advice<T> {
    /// Puts a line of advice under the error.
    ///
    /// # Errors
    /// The error that was there, with the advice.
    fn or_advise(self, advice: &str) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> Advice<T> for Result<T, E> {
    fn or_advise(self, advice: &str) -> anyhow::Result<T> {
        self.map_err(|error| anyhow::anyhow!("{}\n  {advice}", explain(&error.into())))
    }
}

/// "1 pupil", "2 pupils".
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
