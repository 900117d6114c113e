//! Answers that everybody may read, kept while nothing that they are made of has changed, so that a crowd of readers costs one.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use keis_ledger::chain::Height;
use warp::http::{HeaderMap, StatusCode, header};
use warp::reply::Response;

use super::call::Answered;

/// Most bytes of all that is kept, addresses included.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// What public answers are made of: the state, the index and the descriptions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Source {
    /// Height of the durable tip.
    pub(super) tip: Height,
    /// Height up to which the index has read.
    pub(super) indexed: Height,
    /// Changes among the descriptions.
    pub(super) documents: u64,
}

/// The bytes of an answer, for whoever may keep it.
#[derive(Clone)]
pub(super) struct Content(pub(super) Bytes);

#[derive(Clone)]
struct Answer {
    head: HeaderMap,
    content: Bytes,
    answered: Answered,
}

impl Answer {
    /// An answer that is good for everybody, whatever the request's head says.
    fn of(response: &Response) -> Option<Self> {
        let extensions = response.extensions();
        let head = response.headers();
        let is_public = head.get(header::CACHE_CONTROL).is_some_and(|policy| policy.as_bytes().starts_with(b"public"));
        if response.status() != StatusCode::OK || !is_public || head.contains_key(header::VARY) {
            return None;
        }
        let (Content(content), answered) = extensions.get::<Content>().zip(extensions.get::<Answered>())?;
        Some(Self { head: head.clone(), content: content.clone(), answered: *answered })
    }

    fn response(&self) -> Response {
        let mut response = Response::new(self.content.clone().into());
        *response.headers_mut() = self.head.clone();
        response.extensions_mut().insert(self.answered);
        response
    }
}

#[derive(Default)]
struct Shelf {
    source: Source,
    answers: HashMap<String, Answer>,
    bytes: usize,
}

/// The kept answers, by path and query.
#[derive(Default)]
pub(super) struct Kept(Mutex<Shelf>);

impl Kept {
    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer of an address, if it was made of this source.
    pub(super) fn take(&self, source: Source, address: &str) -> Option<Response> {
        let shelf = self.shelf();
        let answer = shelf.answers.get(address).filter(|_| shelf.source == source).cloned();
        drop(shelf);
        answer.map(|answer| answer.response())
    }

    /// Keeps an answer that was made of this source, if it is one for everybody.
    pub(super) fn put(&self, source: Source, address: &str, response: &Response) {
        let Some(answer) = Answer::of(response) else { return };
        let bytes = address.len() + answer.content.len();
        let mut shelf = self.shelf();
        if shelf.source != source || shelf.bytes + bytes > MOST_BYTES {
            *shelf = Shelf { source, ..Shelf::default() };
        }
        if bytes <= MOST_BYTES && shelf.answers.insert(address.to_owned(), answer).is_none() {
            shelf.bytes += bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::call::bytes;
    use super::super::keep::Keep;
    use super::*;

    fn answer(keep: Keep, length: usize) -> Response {
        let mut response = bytes(StatusCode::OK, keep, "application/json", vec![b'7'; length]);
        response.extensions_mut().insert(Answered("/v1/services"));
        response
    }

    fn source(tip: u64, documents: u64) -> Source {
        Source { tip: Height(tip), indexed: Height(tip), documents }
    }

    #[test]
    fn an_answer_is_kept_until_its_source_changes() {
        let kept = Kept::default();
        kept.put(source(1, 0), "/v1/services?limit=1", &answer(Keep::Moving, 10));
        let taken = kept.take(source(1, 0), "/v1/services?limit=1").expect("it is kept");
        assert_eq!(taken.headers(), answer(Keep::Moving, 10).headers());
        assert!(kept.take(source(1, 0), "/v1/services").is_none());
        assert!(kept.take(source(2, 0), "/v1/services?limit=1").is_none());
        assert!(kept.take(source(1, 1), "/v1/services?limit=1").is_none());
    }

    #[test]
    fn what_is_for_one_reader_or_of_this_moment_is_not_kept() {
        let kept = Kept::default();
        for keep in [Keep::Not, Keep::Never, Keep::Own] {
            kept.put(source(1, 0), "/", &answer(keep, 10));
            assert!(kept.take(source(1, 0), "/").is_none(), "{keep:?}");
        }
        let mut varied = answer(Keep::Moving, 10);
        varied.headers_mut().insert(header::VARY, warp::http::HeaderValue::from_static("accept"));
        kept.put(source(1, 0), "/", &varied);
        assert!(kept.take(source(1, 0), "/").is_none());
    }

    #[test]
    fn answers_of_many_addresses_stay_within_the_bound() {
        let kept = Kept::default();
        for number in 0..100 {
            kept.put(source(1, 0), &format!("/{number}"), &answer(Keep::Forever, 1024 * 1024));
            assert!(kept.shelf().bytes <= MOST_BYTES);
        }
        assert!(kept.take(source(1, 0), "/99").is_some());
        kept.put(source(1, 0), "/large", &answer(Keep::Forever, MOST_BYTES));
        assert!(kept.take(source(1, 0), "/large").is_none());
    }
}
