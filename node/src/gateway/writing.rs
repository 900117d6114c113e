//! Transactions as JSON: encoded here into the very bytes that the ledger knows, and composed for who cannot encode.
//!
//! Nothing is read out of a text that it does not say: an unknown, misspelt or repeated field is a fault, never passed over, as
//! the signature is over what the ledger understands. Numbers stand as they are; a salt may be text, for programs that keep numbers
//! as floating point.

use std::sync::Arc;

use keis_ledger::codec::{self, MAX_TRANSACTION};
use keis_ledger::crypto::{Domain, Hash, PublicKey, Signature};
use keis_ledger::ids::TransactionId;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::Body;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use warp::http::StatusCode;

use super::call::{Answer, Call, json};
use super::keep::Keep;
use super::problem::Problem;
use super::{Context, schema};

/// Longest JSON of a transaction: the longest transaction, each of its bytes as two digits, with names around.
pub(super) const LIMIT: usize = 8 * MAX_TRANSACTION;
/// How long a composed transaction is valid, where nothing else is asked for.
const USUAL_VALIDITY: Span = Span(60 * 60 * 1000);
/// Bits of a number that every reader of JSON keeps.
const SAFE_BITS: u32 = 53;

/// Why a text is no transaction.
#[derive(Debug, thiserror::Error)]
pub enum WritingError {
    /// Not JSON of this form.
    #[error("the body is no transaction: {0}")]
    Form(#[from] serde_json::Error),
    /// Something in it means nothing.
    #[error("`{0}` is not a part of this transaction, or is not written as the ledger writes it")]
    Unknown(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    signer: PublicKey,
    #[serde(default)]
    behalf: Option<Party>,
    #[serde(deserialize_with = "salt")]
    salt: u64,
    valid_until: Timestamp,
    operation: Operation,
    signature: Signature,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    signer: PublicKey,
    #[serde(default)]
    behalf: Option<Party>,
    #[serde(default, deserialize_with = "some_salt")]
    salt: Option<u64>,
    #[serde(default)]
    valid_until: Option<Timestamp>,
    operation: Operation,
}

/// A transaction to be signed.
#[derive(Serialize, ToSchema)]
pub(super) struct Composed {
    /// Its identity, once it is signed.
    #[schema(value_type = String, example = "tx_00ff…")]
    id: TransactionId,
    /// The bytes to be signed with Ed25519, in hexadecimal: the domain, the network's hash, the body.
    bytes: String,
    /// The body alone. With the 64 bytes of the signature behind it, it is the raw transaction.
    body: String,
    /// What the bytes say. With a field `signature`, it is the transaction as JSON.
    #[schema(value_type = schema::Body)]
    says: Body,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Salt {
    Number(u64),
    Digits(String),
}

fn salt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match Salt::deserialize(deserializer)? {
        Salt::Number(number) => Ok(number),
        Salt::Digits(digits) => {
            let number = digits.parse::<u64>().ok().filter(|number| number.to_string() == digits);
            number.ok_or_else(|| serde::de::Error::custom("a salt is a number of 64 bits"))
        }
    }
}

fn some_salt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    salt(deserializer).map(Some)
}

/// The raw transaction that a JSON text says.
///
/// # Errors
/// [`WritingError`] when the text is not exactly one transaction.
pub fn encode(text: &[u8]) -> Result<Vec<u8>, WritingError> {
    let Written { signer, behalf, salt, valid_until, operation, signature } = serde_json::from_slice(text)?;
    understood(text, behalf.as_ref(), &operation)?;
    let mut raw = codec::encode(&Body { signer, behalf, salt, valid_until, operation });
    raw.extend_from_slice(&signature.0);
    Ok(raw)
}

/// Whether all that a text says was understood: what was read of it, written again, says the same.
fn understood(text: &[u8], behalf: Option<&Party>, operation: &Operation) -> Result<(), WritingError> {
    let given: Value = serde_json::from_slice(text)?;
    same("behalf", &given["behalf"], &serde_json::to_value(behalf)?)?;
    same("operation", &given["operation"], &serde_json::to_value(operation)?)
}

fn same(path: &str, given: &Value, read: &Value) -> Result<(), WritingError> {
    let unknown = || WritingError::Unknown(path.to_owned());
    match (given, read) {
        (Value::Object(given), Value::Object(read)) => {
            for (name, value) in given {
                let path = format!("{path}.{name}");
                let read = read.get(name).ok_or_else(|| WritingError::Unknown(path.clone()))?;
                same(&path, value, read)?;
            }
            // What is absent is nothing: the form has no other fields that may be.
            let absent = read.iter().find(|(name, value)| !value.is_null() && !given.contains_key(*name));
            absent.map_or(Ok(()), |(name, _)| Err(WritingError::Unknown(format!("{path}.{name}"))))
        }
        (Value::Array(given), Value::Array(read)) if given.len() == read.len() => {
            let mut pairs = given.iter().zip(read).enumerate();
            pairs.try_for_each(|(place, (given, read))| same(&format!("{path}.{place}"), given, read))
        }
        (given, read) if given == read => Ok(()),
        (_, _) => Err(unknown()),
    }
}

/// Composes a transaction: the exact bytes to be signed, and what they say. Nothing is signed, kept or judged by the ledger's rules;
/// who signs should hold what is said against what was wished for.
#[utoipa::path(post, path = "/v1/compose", tag = "transactions",
    request_body(content = schema::Wish, content_type = "application/json"),
    responses(
        (status = 200, description = "To be signed", body = Composed),
        (status = 400, description = "Not a wish", body = schema::Problem, content_type = "application/problem+json"),
        (status = 413, description = "Too large", body = schema::Problem, content_type = "application/problem+json"),
        (status = 415, description = "Another media type", body = schema::Problem, content_type = "application/problem+json"),
    ))]
pub(super) async fn compose(context: Arc<Context>, call: Call) -> Answer {
    call.allow(&[])?;
    let view = context.view();
    let (network, longest) = (view.tip.network, view.tip.network_record().parameters.max_validity);
    let usual = context.services.clock.now().max(view.tip.time).after(Span(USUAL_VALIDITY.0.min(longest.0)));
    let body = call.body.clone();
    let composed = context.work(move || read_wish(&body, usual)).await?;
    let body = composed.map_err(|error| Problem::malformed(error.to_string()))?;
    json(StatusCode::OK, Keep::Never, &Composed::of(&network, body)?)
}

fn read_wish(text: &[u8], usual: Timestamp) -> Result<Body, WritingError> {
    let Wish { signer, behalf, salt, valid_until, operation } = serde_json::from_slice(text)?;
    understood(text, behalf.as_ref(), &operation)?;
    let salt = salt.unwrap_or_else(some_number);
    Ok(Body { signer, behalf, salt, valid_until: valid_until.unwrap_or(usual), operation })
}

/// A number that hardly comes twice.
fn some_number() -> u64 {
    let number = getrandom::u64().expect("the machine gives random numbers");
    number >> (u64::BITS - SAFE_BITS)
}

impl Composed {
    fn of(network: &Hash, says: Body) -> Result<Self, Problem> {
        let body = codec::encode(&says);
        if body.len() + size_of::<Signature>() > MAX_TRANSACTION {
            return Err(Problem::too_large(MAX_TRANSACTION));
        }
        let bytes = [Domain::Transaction.tag(), &network.0[..], &body[..]].concat();
        let id = TransactionId(*blake3::hash(&bytes).as_bytes());
        Ok(Self { id, bytes: hex::encode(bytes), body: hex::encode(body), says })
    }
}
