//! Operations as people write them: JSON in the ledger's own names. A field that no operation has is refused, since a
//! mistyped one must not be signed as if it had been left out.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use keis_ledger::classifiers::Year;
use keis_ledger::operation::{Operation, Party};
use serde_json::Value;

use crate::words::Advice;

/// Largest file that is read: no transaction is larger than a fraction of it.
const LARGEST: u64 = 1024 * 1024;

/// Reads an operation from a file, or from the standard input for `-`.
///
/// # Errors
/// When the file cannot be read or holds no operation; the error names the field.
pub fn read_operation(from: &Path) -> anyhow::Result<Operation> {
    let is_input = from == Path::new("-");
    let name = if is_input { "the standard input".to_owned() } else { from.display().to_string() };
    let text = if is_input { read(std::io::stdin()) } else { std::fs::File::open(from).and_then(read) };
    let text = text.with_context(|| format!("cannot read an operation from {name}"))?;
    ensure!(text.len() as u64 <= LARGEST, "{name} is larger than any operation");
    parse(&text)
        .with_context(|| format!("{name} holds no operation"))
        .or_advise("`keis wallet example` lists operations, `keis wallet example NAME` prints one.")
}

fn read(from: impl Read) -> std::io::Result<String> {
    let mut text = String::new();
    from.take(LARGEST + 1).read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str) -> anyhow::Result<Operation> {
    let written: Value = serde_json::from_str(text)
        .map_err(|error| anyhow::anyhow!("it is no JSON from line {}, column {} on", error.line(), error.column()))?;
    ensure!(written.is_object(), "an operation is an object such as {{\"funds\": …}}");
    // From the text and not from the value, so that an error names its line.
    let operation: Operation = serde_json::from_str(text)?;
    let understood = serde_json::to_value(&operation)?;
    if let Some(field) = ignored(&written, &understood) {
        bail!("the field {field} means nothing here");
    }
    Ok(operation)
}

/// The path of the first field that was written and has not been understood.
pub(crate) fn ignored(written: &Value, understood: &Value) -> Option<String> {
    match (written, understood) {
        (Value::Object(written), Value::Object(understood)) => {
            written.iter().find_map(|(name, value)| match understood.get(name) {
                Some(known) => ignored(value, known).map(|rest| format!("/{name}{rest}")),
                None => Some(format!("/{name}")),
            })
        }
        (Value::Array(written), Value::Array(understood)) => written
            .iter()
            .zip(understood)
            .enumerate()
            .find_map(|(index, (value, known))| ignored(value, known).map(|rest| format!("/{index}{rest}"))),
        _ => None,
    }
}

/// Reads `school:sch_…`, `provider:prv_…` or `pupil:YEAR:pup_…`.
pub(super) fn party(text: &str) -> Result<Party, String> {
    let form = "a party is written school:sch_…, provider:prv_… or pupil:YEAR:pup_…";
    let wrong = |error: keis_ledger::text::TextError| format!("{error}; {form}");
    match text.split_once(':') {
        Some(("school", id)) => id.parse().map(Party::School).map_err(wrong),
        Some(("provider", id)) => id.parse().map(Party::Provider).map_err(wrong),
        Some(("pupil", rest)) => {
            let (year, id) = rest.split_once(':').ok_or(form)?;
            let year = year.parse().map(Year).map_err(|_| format!("`{year}` is no year; {form}"))?;
            id.parse().map(|id| Party::Pupil(year, id)).map_err(wrong)
        }
        Some(_) | None => Err(form.to_owned()),
    }
}
