//! Words of services' descriptions, as people type them: without regard to case, marks on letters, and order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use keis_ledger::ids::DocumentId;
use keis_ledger::record::Service;
use serde_json::Value;

use super::problem::Problem;
use crate::documents::{DocumentError, Documents};

/// Longest text to search for, in bytes.
pub(super) const LONGEST: usize = 200;
/// Most words of it.
const MOST_WORDS: usize = 8;
/// How many texts are kept that no current service names, before they are let go.
const SPARE: usize = 1_000;

/// What is searched for: beginnings of words, all of which a service must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted(Vec<String>);

/// Words of the descriptions that this node holds; each is read once.
#[derive(Clone, Default)]
pub(super) struct Search(Arc<RwLock<BTreeMap<DocumentId, Arc<Words>>>>);

/// Words of a text, ascending.
#[derive(Default)]
pub(super) struct Words(Vec<String>);

impl Wanted {
    /// What a client typed.
    pub(super) fn of(text: &str) -> Result<Self, Problem> {
        if text.len() > LONGEST {
            return Err(Problem::malformed(format!("`q` has at most {LONGEST} bytes")));
        }
        let mut words: Vec<String> = fold(text).split_whitespace().map(str::to_owned).collect();
        words.sort_unstable();
        words.dedup();
        if words.is_empty() || words.len() > MOST_WORDS {
            return Err(Problem::malformed(format!("`q` has 1 to {MOST_WORDS} words")));
        }
        Ok(Self(words))
    }
}

impl Words {
    pub(super) fn of(document: &Value) -> Self {
        let mut text = String::new();
        collect(document, &mut text);
        let mut words: Vec<String> = fold(&text).split_whitespace().map(str::to_owned).collect();
        words.sort_unstable();
        words.dedup();
        Self(words)
    }

    pub(super) fn has(&self, wanted: &Wanted) -> bool {
        wanted.0.iter().all(|beginning| {
            let first = self.0.partition_point(|word| word < beginning);
            self.0.get(first).is_some_and(|word| word.starts_with(beginning.as_str()))
        })
    }
}

/// Every text in a document but its salt.
fn collect(value: &Value, text: &mut String) {
    match value {
        Value::String(one) => {
            text.push_str(one);
            text.push(' ');
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, text)),
        Value::Object(fields) => {
            fields.iter().filter(|(name, _)| *name != "salt").for_each(|(_, value)| collect(value, text));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl Search {
    /// Whether a service's description has all that is wanted; no, while the node lacks it.
    pub(super) fn finds(
        &self,
        documents: &Documents,
        service: &Service,
        wanted: &Wanted,
    ) -> Result<bool, DocumentError> {
        let id = service.terms.document;
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(words) = known {
            return Ok(words.has(wanted));
        }
        let Some(document) = documents.get(&id)? else { return Ok(false) };
        let document: Value = serde_json::from_slice(&document).unwrap_or_default();
        let words = Arc::new(Words::of(&document));
        let found = words.has(wanted);
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(id, words);
        Ok(found)
    }

    /// Lets go of what no service names any more.
    pub(super) fn tidy<'s>(&self, services: impl Iterator<Item = &'s Service> + Clone) {
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner).len();
        if kept > services.clone().count() + SPARE {
            let named: BTreeSet<DocumentId> = services.map(|service| service.terms.document).collect();
            self.0.write().unwrap_or_else(PoisonError::into_inner).retain(|id, _| named.contains(id));
        }
    }
}

/// Lower case, without the marks on letters; what is neither letter nor digit parts words.
fn fold(text: &str) -> String {
    let lower = text.chars().flat_map(char::to_lowercase);
    // Marks that are written behind their letter.
    let bare = lower.filter(|letter| !('\u{300}'..='\u{36f}').contains(letter));
    bare.map(|letter| if letter.is_alphanumeric() { plain(letter) } else { ' ' }).collect()
}

fn plain(letter: char) -> char {
    match letter {
        'ą' | 'á' | 'à' | 'â' | 'ä' | 'å' | 'ā' | 'ã' => 'a',
        'č' | 'ć' | 'ç' => 'c',
        'ę' | 'ė' | 'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ě' => 'e',
        'į' | 'í' | 'ì' | 'î' | 'ï' | 'ī' => 'i',
        'ł' | 'ļ' => 'l',
        'ń' | 'ñ' | 'ņ' => 'n',
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'ō' => 'o',
        'š' | 'ś' | 'ß' => 's',
        'ų' | 'ū' | 'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ý' => 'y',
        'ž' | 'ź' | 'ż' => 'z',
        other => other,
    }
}
