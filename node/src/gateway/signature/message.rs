//! What is signed, and the base that a signature is over.

use std::collections::BTreeSet;

use keis_ledger::crypto::Signature;
use sfv::{BareItem, Dictionary, InnerList, ListEntry, ListSerializer, Parser};
use warp::http::{HeaderMap, header};

/// A request as far as signatures cover it.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// The method as it was sent.
    pub method: &'a str,
    /// Name and port under which the client called, in lower case, without a scheme's usual port.
    pub authority: String,
    /// The path as it was sent.
    pub path: &'a str,
    /// The query without its question mark, as it was sent.
    pub query: &'a str,
    /// The fields of the head.
    pub headers: &'a HeaderMap,
}

/// One signature of a message, with what it says of itself.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The signature.
    pub signature: Signature,
    covered: InnerList,
}

/// Why the fields of a signature cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A field is not of the form that structured fields have.
    #[error("the field {0} cannot be read")]
    Form(&'static str),
    /// The one field names a signature that the other does not have, or that is none of Ed25519.
    #[error("the field signature does not hold a signature of 64 bytes for {0}")]
    Unsigned(String),
    /// A component that this gateway does not build a base of.
    #[error("the component {0} is unknown here, or covered twice")]
    Component(String),
    /// A covered field that the message does not have.
    #[error("the covered field {0} is not in the request")]
    Absent(String),
}

impl Message<'_> {
    /// Whether something follows the head.
    pub(in crate::gateway) fn has_body(&self) -> bool {
        let length = self.headers.get(header::CONTENT_LENGTH).is_some_and(|length| length.as_bytes() != b"0");
        length || self.headers.contains_key(header::TRANSFER_ENCODING)
    }

    fn component(&self, name: &str) -> Result<String, Flaw> {
        match name {
            "@method" => Ok(self.method.to_owned()),
            "@authority" => Ok(self.authority.clone()),
            "@path" => Ok(if self.path.is_empty() { "/" } else { self.path }.to_owned()),
            "@query" => Ok(format!("?{}", self.query)),
            derived if derived.starts_with('@') => Err(Flaw::Component(name.to_owned())),
            field => joined(self.headers, field).ok_or_else(|| Flaw::Absent(name.to_owned())),
        }
    }
}

/// The values of a field, in order; none when there is no such field, or one is not text.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Option<Vec<&str>> =
        headers.get_all(name).into_iter().map(|value| value.to_str().ok().map(str::trim)).collect();
    values.filter(|values| !values.is_empty()).map(|values| values.join(", "))
}

impl Signed {
    /// Every signature of a message; none when it says of none what it covers.
    ///
    /// # Errors
    /// [`Flaw`] when the fields cannot be read, or do not fit each other.
    pub fn all(headers: &HeaderMap) -> Result<Vec<Self>, Flaw> {
        let Some(inputs) = dictionary(headers, "signature-input")? else { return Ok(Vec::new()) };
        let signatures = dictionary(headers, "signature")?.unwrap_or_default();
        let one = |(label, input): (sfv::Key, ListEntry)| {
            let ListEntry::InnerList(covered) = input else { return Err(Flaw::Form("signature-input")) };
            let signature = match signatures.get(&label) {
                Some(ListEntry::Item(item)) => {
                    item.bare_item.as_byte_sequence().and_then(|bytes| bytes.try_into().ok())
                }
                Some(ListEntry::InnerList(_)) | None => None,
            };
            let signature = signature.ok_or_else(|| Flaw::Unsigned(label.as_str().to_owned()))?;
            Ok(Self { signature: Signature(signature), covered })
        };
        inputs.into_iter().map(one).collect()
    }

    /// What this signature is over.
    ///
    /// # Errors
    /// [`Flaw`] when it covers what the message does not have, or what is not known here.
    pub fn base(&self, message: &Message) -> Result<String, Flaw> {
        let mut base = String::new();
        let mut seen = BTreeSet::new();
        for item in &self.covered.items {
            let name = item.bare_item.as_string().ok_or(Flaw::Form("signature-input"))?.as_str();
            if !item.params.is_empty() || !seen.insert(name) {
                return Err(Flaw::Component(name.to_owned()));
            }
            let value = message.component(name)?;
            base.push_str(&format!("\"{name}\": {value}\n"));
        }
        let mut parameters = ListSerializer::new();
        parameters.members([&ListEntry::InnerList(self.covered.clone())]);
        base.push_str("\"@signature-params\": ");
        base.push_str(&parameters.finish().ok_or(Flaw::Form("signature-input"))?);
        Ok(base)
    }

    /// Whether a component is covered.
    pub fn covers(&self, name: &str) -> bool {
        self.covered.items.iter().any(|item| item.bare_item.as_string().is_some_and(|text| text.as_str() == name))
    }

    /// The parameter `keyid`.
    pub fn key_id(&self) -> Option<&str> {
        self.text("keyid")
    }

    /// The parameter `alg`.
    pub fn algorithm(&self) -> Option<&str> {
        self.text("alg")
    }

    /// The parameter `tag`.
    pub fn tag(&self) -> Option<&str> {
        self.text("tag")
    }

    /// The parameter `nonce`.
    pub fn nonce(&self) -> Option<&str> {
        self.text("nonce")
    }

    /// The parameter `created`, seconds since 1970.
    pub fn created(&self) -> Option<i64> {
        self.instant("created")
    }

    /// The parameter `expires`, seconds since 1970.
    pub fn expires(&self) -> Option<i64> {
        self.instant("expires")
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.parameter(name)?.as_string().map(|text| text.as_str())
    }

    fn instant(&self, name: &str) -> Option<i64> {
        self.parameter(name)?.as_integer().map(i64::from)
    }

    fn parameter(&self, name: &str) -> Option<&BareItem> {
        self.covered.params.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value)
    }
}

fn dictionary(headers: &HeaderMap, name: &'static str) -> Result<Option<Dictionary>, Flaw> {
    if !headers.contains_key(name) {
        return Ok(None);
    }
    let text = joined(headers, name).ok_or(Flaw::Form(name))?;
    Parser::new(&text).parse().map(Some).map_err(|_| Flaw::Form(name))
}
