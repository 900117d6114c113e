//! What the description says of all addresses alike: the form of each parameter, the closed lists of words, and the problems
//! that any address can answer. It stands here once, since dozens of handlers share it; outside judges hold the gateway to it.

use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Value, json};
use utoipa::Modify;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{AdditionalProperties, Object, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

use keis_ledger::classifiers::{ArtField, ServiceKind};
use keis_ledger::record::{OrderState, StatementState};

use super::catalogue::MOST_SERVICES;
use super::chain::MOST_HEADERS;
use super::decisions::DecisionStage;
use super::page::MOST;
use super::problem::MEDIA_TYPE;
use super::search::LONGEST;
use super::transactions::LONGEST_WAIT_SECONDS;

/// Lays the common bounds over what stands beside the handlers.
pub(super) struct Bounded;

impl Modify for Bounded {
    fn modify(&self, document: &mut OpenApi) {
        for (path, item) in &mut document.paths.paths {
            for (operation, sends) in [(&mut item.get, false), (&mut item.post, true)] {
                let Some(operation) = operation else { continue };
                for parameter in operation.parameters.iter_mut().flatten() {
                    if let RefOr::T(parameter) = parameter {
                        bound(path, parameter);
                    }
                }
                answers(operation, sends);
            }
        }
        let schemas = document.components.iter_mut().flat_map(|components| &mut components.schemas);
        for (name, schema) in schemas {
            // Transactions as JSON: a field that is not described is refused.
            if let (true, RefOr::T(Schema::Object(schema))) =
                (["SignedTransaction", "Wish"].contains(&&name[..]), schema)
            {
                schema.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
        }
    }
}

/// What a parameter may be.
enum Form {
    /// A prefix that names the kind, and so many bytes in lower-case hexadecimal digits.
    Id(&'static str, usize),
    /// A whole number.
    Number(u64, u64),
    /// A word of a closed list.
    Words(Vec<Value>),
    /// A text of this form.
    Text(String),
    /// Any text of so many characters.
    Long(usize),
    /// Nothing that could be said.
    Any,
}

fn bound(path: &str, parameter: &mut Parameter) {
    let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema else { return };
    let pattern = |schema: &mut Object, text: String| {
        schema.schema_type = SchemaType::Type(Type::String);
        schema.pattern = Some(text);
    };
    match form(path, &parameter.name) {
        Form::Id(prefix, bytes) => pattern(schema, id(prefix, bytes)),
        Form::Text(text) => pattern(schema, text),
        Form::Number(least, most) => {
            (schema.minimum, schema.maximum) = (Some(least.into()), Some(most.into()));
            if most == u64::MAX {
                // Usually said to be `int64`, which ends half-way.
                schema.format = Some(SchemaFormat::Custom("uint64".to_owned()));
            }
        }
        Form::Words(words) => schema.enum_values = Some(words),
        Form::Long(most) => (schema.min_length, schema.max_length) = (Some(1), Some(most)),
        Form::Any => {}
    }
}

/// A place in history: a height, and an index in its block; the greatest index stands for the whole block.
const PLACE: &str = r"[0-9]{1,19}\.([0-9]{1,9}|[1-3][0-9]{9}|4294967295)";

fn id(prefix: &str, bytes: usize) -> String {
    format!("^{prefix}[0-9a-f]{{{}}}$", 2 * bytes)
}

fn form(path: &str, name: &str) -> Form {
    match name {
        // The word before it: of services also in `/v1/proofs/services/{id}`.
        "id" => named(path.split("/{id}").next().and_then(|before| before.rsplit('/').next()).unwrap_or_default()),
        // A cursor is one of what is listed.
        "cursor" => named(path.rsplit('/').next().unwrap_or_default()),
        "school" => named("schools"),
        "provider" => named("providers"),
        "order" => named("orders"),
        "key" => Form::Id("key_", 32),
        "paper" => Form::Id("com_", 32),
        "after" => Form::Text(format!("^{PLACE}$")),
        // Browsers send none, or an empty one.
        "Last-Event-ID" => Form::Text(format!("^({PLACE})?$")),
        "place" => Form::Text("^(LT-(0[1-9]|[1-5][0-9]|60)|[A-Z]{2})$".to_owned()),
        "q" => Form::Long(LONGEST),
        "year" => Form::Number(0, u16::MAX.into()),
        "version" => Form::Number(0, u32::MAX.into()),
        "grade" => Form::Number(0, u8::MAX.into()),
        "proof" => Form::Number(0, 1),
        "wait" => Form::Number(0, LONGEST_WAIT_SECONDS),
        "limit" => Form::Number(1, most_items(path)),
        "from" if ["/v1/headers", "/v1/blocks"].contains(&path) => Form::Number(1, u64::MAX),
        "from" | "until" | "to" | "height" => Form::Number(0, u64::MAX),
        "field" => words::<ArtField>(),
        "kind" => words::<ServiceKind>(),
        "state" if path.ends_with("/orders") => words::<OrderState>(),
        "state" if path.ends_with("/statements") => words::<StatementState>(),
        "state" => words::<DecisionStage>(),
        _ => Form::Any,
    }
}

/// The ids of a kind of things, by the word for them in addresses.
fn named(things: &str) -> Form {
    match things {
        "transactions" | "receipts" => Form::Id("tx_", 32),
        "documents" => Form::Id("doc_", 32),
        "repayments" => Form::Id("com_", 32),
        "orders" => Form::Id("ord_", 16),
        "services" => Form::Id("srv_", 16),
        "sessions" => Form::Id("ses_", 16),
        "schools" => Form::Id("sch_", 16),
        "providers" => Form::Id("prv_", 16),
        "pupils" => Form::Id("pup_", 16),
        "statements" | "settlements" => Form::Id("stm_", 16),
        "decisions" => Form::Id("dec_", 16),
        "receivables" => Form::Text("^(programme|sch_[0-9a-f]{32})$".to_owned()),
        _ => Form::Any,
    }
}

fn most_items(path: &str) -> u64 {
    match path {
        "/v1/headers" => MOST_HEADERS,
        "/v1/services" => MOST_SERVICES as u64,
        _ => MOST as u64,
    }
}

/// The words of a closed list, as serde knows them, so that none is missing here.
fn words<T: DeserializeOwned>() -> Form {
    let mut words = Vec::new();
    // Nothing is read: the list is told on the way, and then there is no value.
    drop(T::deserialize(Listed(&mut words)));
    Form::Words(words)
}

/// Hears which words an enumeration has.
struct Listed<'w>(&'w mut Vec<Value>);

impl<'de> Deserializer<'de> for Listed<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("only words of a closed list are asked for"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.extend(variants.iter().map(|word| json!(word)));
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Problems of every address, where its handler tells nothing more particular; and when to ask again.
fn answers(operation: &mut Operation, sends: bool) {
    let is_signed = operation.security.is_some();
    let common = [
        ("400", true, "The request cannot be understood"),
        ("408", sends, "The body did not arrive in time"),
        ("429", is_signed, "This key has asked too much within a few minutes"),
        ("503", true, "The node cannot answer now"),
    ];
    let all = &mut operation.responses.responses;
    for (status, applies, description) in common {
        if applies && !all.contains_key(status) {
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            let response = ResponseBuilder::new().description(description).content(MEDIA_TYPE, problem);
            all.insert(status.to_owned(), response.into());
        }
    }
    for status in ["429", "503"] {
        if let Some(RefOr::T(response)) = all.get_mut(status) {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1u32)).build();
            let header = HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds until to ask again"));
            response.headers.insert("Retry-After".to_owned(), header.build().into());
        }
    }
}
