//! What a node promises of the documents beside the chain.

use keis_ledger::ids::DocumentId;
use keis_node::documents::{DocumentError, Documents, MAX_DOCUMENT};
use keis_node::mempool::Limits;

use crate::mempool_support::*;

#[test]
fn only_small_salted_objects_are_documents() {
    let node = Node::new(Limits::default());
    let salt = "0123456789abcdef".repeat(4);
    let put = |text: &str| node.documents.put(text.as_bytes());
    assert!(put(&format!(r#"{{"salt":"{salt}"}}"#)).is_ok());
    assert!(matches!(put("[]"), Err(DocumentError::NotAnObject)));
    assert!(matches!(put("{"), Err(DocumentError::NotAnObject)));
    assert!(matches!(node.documents.put(b"{\"a\":\"\xff\"}"), Err(DocumentError::NotAnObject)));
    assert!(matches!(put("{}"), Err(DocumentError::Salt)));
    assert!(matches!(put(r#"{"salt":7}"#), Err(DocumentError::Salt)));
    assert!(matches!(put(&format!(r#"{{"salt":"{}"}}"#, &salt[1..])), Err(DocumentError::Salt)));
    assert!(matches!(put(&format!(r#"{{"salt":"{}"}}"#, salt.to_uppercase())), Err(DocumentError::Salt)));
    let frame = document(1, 0).len();
    assert!(node.documents.put(&document(1, MAX_DOCUMENT - frame)).is_ok());
    let long = node.documents.put(&document(1, MAX_DOCUMENT - frame + 1));
    assert!(matches!(long, Err(DocumentError::TooLong { length }) if length == MAX_DOCUMENT + 1));
}

#[test]
fn a_document_is_found_by_its_hash_before_and_after_it_is_named() {
    let node = Node::new(Limits::default());
    let bytes = document(1, 50);
    let id = node.documents.put(&bytes).unwrap();
    assert_eq!(id, DocumentId::of(&bytes));
    assert!(node.documents.has(&id));
    assert_eq!(node.documents.get(&id).unwrap(), Some(bytes.clone()));
    assert!(node.documents.keep(&id).unwrap());
    assert_eq!(node.documents.get(&id).unwrap(), Some(bytes.clone()));
    assert_eq!(node.documents.put(&bytes).unwrap(), id);
    let reopened = Documents::open(node.store.clone()).unwrap();
    assert!(reopened.has(&id));
    assert_eq!(reopened.get(&id).unwrap(), Some(bytes));
    let other = DocumentId::of(b"other");
    assert!(!node.documents.has(&other));
    assert!(!node.documents.keep(&other).unwrap());
    assert_eq!(node.documents.get(&other).unwrap(), None);
}

#[test]
fn documents_that_nobody_names_fill_neither_memory_nor_disk() {
    let node = Node::new(Limits::default());
    let first = node.documents.put(&document(0, 30_000)).unwrap();
    let ids: Vec<_> = (1..1_500).map(|number| node.documents.put(&document(number, 30_000)).unwrap()).collect();
    assert!(!node.documents.has(&first), "the oldest gives way");
    let held = ids.iter().filter(|id| node.documents.has(id)).count();
    assert!(held * 30_000 <= 32 << 20, "{held} are held");
    assert!(node.documents.has(ids.last().unwrap()));
    assert!(node.store.documents().unwrap().is_empty());
}

#[test]
fn what_the_ledger_names_is_wanted_until_it_is_here() {
    let mut node = Node::new(Limits::default());
    let (offered, missing) = (document(1, 10), document(2, 10));
    let (offered_id, missing_id) = (node.documents.put(&offered).unwrap(), DocumentId::of(&missing));
    node.decide(&[&sign(&officer(0), open_provider())]);
    node.decide(&[&sign(&officer(0), publish(1, offered_id)), &sign(&officer(0), publish(2, missing_id))]);
    node.mempool.reconcile_documents();
    assert!(node.store.has_document(&offered_id.0).unwrap(), "the ledger names it, so it is kept");
    assert_eq!(node.documents.wanted(), [missing_id]);
    node.documents.put(&missing).unwrap();
    assert!(node.store.has_document(&missing_id.0).unwrap());
    assert!(node.documents.wanted().is_empty());
}
