//! What a node does with a peer's words, away from the network's loop: signatures, rules and the disk take their time.

use std::sync::Arc;

use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::{DocumentId, TransactionId};

use super::wire::{Item, MAX_DOCUMENTS, Request, Response};
use crate::clock::{Clock, ClockStep};
use crate::documents::Documents;
use crate::mempool::{Mempool, Origin, Refused};
use crate::sync::Library;

/// What a node's network works for.
#[derive(Clone)]
pub struct Services {
    /// Where transactions go.
    pub mempool: Mempool,
    /// Where documents go.
    pub documents: Documents,
    /// What steps of a simulated clock move.
    pub clock: Clock,
    /// What peers that catch up ask for; without it they get no answer here.
    pub library: Option<Arc<Library>>,
}

/// What came of a request.
pub(super) struct Handled {
    pub(super) response: Response,
    /// Transactions first seen here: the others must hear of them.
    pub(super) fresh: Vec<TransactionId>,
    /// A step that moved the clock.
    pub(super) step: Option<ClockStep>,
    /// Whether the peer said what no correct node says.
    pub(super) faulty: bool,
}

impl Handled {
    /// Nothing can be done with it yet.
    pub(super) fn noted() -> Self {
        Self::answer(Response::Noted)
    }

    fn answer(response: Response) -> Self {
        Self { response, fresh: Vec::new(), step: None, faulty: false }
    }
}

/// Does what a request asks.
pub(super) fn handle(services: &Services, peer: PublicKey, request: Request) -> Handled {
    match request {
        Request::Have(ids) => Handled::answer(Response::Want(services.mempool.lacks(&ids))),
        Request::Push(items) => take(services, peer, items),
        Request::WantDocuments(ids) => Handled::answer(Response::Documents(find(&services.documents, &ids))),
        Request::Documents(documents) => {
            let faulty = put(&services.documents, &documents);
            Handled { faulty, ..Handled::answer(Response::Noted) }
        }
        Request::Step(step) => match services.clock.step(&step) {
            Ok(advanced) => Handled { step: advanced.then_some(step), ..Handled::answer(Response::Noted) },
            Err(_) => Handled { faulty: true, ..Handled::answer(Response::Noted) },
        },
    }
}

fn take(services: &Services, peer: PublicKey, items: Vec<Item>) -> Handled {
    let mut handled = Handled::answer(Response::Noted);
    for Item { raw, document } in items {
        if let Some(document) = document {
            handled.faulty |= put(&services.documents, &[document]);
        }
        match services.mempool.submit(raw, Origin::Peer(peer)) {
            Ok(admitted) if admitted.fresh => handled.fresh.push(admitted.id),
            Ok(_) => {}
            Err(Refused::Malformed(_) | Refused::Signature) => handled.faulty = true,
            Err(
                refused @ (Refused::Rejected(_) | Refused::Full | Refused::SenderFull | Refused::DocumentMissing(_)),
            ) => {
                tracing::debug!(%peer, %refused, "transaction of a peer not taken");
            }
        }
    }
    handled
}

/// Takes documents in; says whether one of them was none.
pub(super) fn put(documents: &Documents, given: &[Vec<u8>]) -> bool {
    let mut faulty = false;
    for bytes in given {
        if let Err(error) = documents.put(bytes) {
            match error {
                crate::documents::DocumentError::Store(error) => tracing::error!(%error, "a document cannot be kept"),
                crate::documents::DocumentError::TooLong { .. }
                | crate::documents::DocumentError::NotAnObject
                | crate::documents::DocumentError::Salt => faulty = true,
            }
        }
    }
    faulty
}

fn find(documents: &Documents, ids: &[DocumentId]) -> Vec<Vec<u8>> {
    ids.iter().take(MAX_DOCUMENTS).filter_map(|id| documents.get(id).ok().flatten()).collect()
}
