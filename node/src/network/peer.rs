//! What a node remembers of one listed peer: the connection, what is to be said to it, what it said. All of it bounded.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use keis_ledger::ids::{DocumentId, TransactionId};
use keis_ledger::transaction::VerifiedTransaction;
use libp2p::request_response::ResponseChannel;
use tokio::time::Instant;

use super::wire::{BATCH_BYTES, Item, MAX_DOCUMENTS, MAX_IDS, Request, Response};
use super::{PeerConfig, PeerStatus};
use crate::clock::ClockStep;
use crate::documents::Documents;
use crate::mempool::named_document;

/// Requests to one peer that are not answered yet.
pub(super) const WINDOW: usize = 4;
/// Requests of one peer that wait to be handled; what comes beyond is not answered.
const INBOX: usize = 16;
/// Bytes of whole transactions that wait for one peer; what comes beyond is only announced.
const WHOLE_BYTES: usize = 4 * 1024 * 1024;
/// Ids that wait for one peer; what comes beyond is announced when all is announced anew.
const IDS: usize = 32 * 1024;
/// Documents of clients that wait for one peer.
const DOCUMENTS: usize = 256;
/// First and longest pause between two attempts to connect.
const FIRST_BACKOFF: Duration = Duration::from_millis(200);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

/// A listed peer.
pub(super) struct Peer {
    pub(super) config: PeerConfig,
    pub(super) connected: bool,
    /// Whether the last attempt to reach it failed.
    pub(super) unreachable: bool,
    /// Next attempt to connect.
    pub(super) dial_at: Instant,
    backoff: Duration,
    pub(super) outbox: Outbox,
    pub(super) in_flight: usize,
    /// Whether one of them holds whole transactions: what comes meanwhile goes together in the next.
    pub(super) pushing: bool,
    inbox: VecDeque<(Request, ResponseChannel<Response>)>,
    /// Recent faults; halved again and again.
    pub(super) faults: u32,
    /// Until when it is not listened to.
    pub(super) shut_until: Option<Instant>,
}

/// What is to be said to a peer.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) step: Option<ClockStep>,
    whole: VecDeque<Arc<VerifiedTransaction>>,
    whole_bytes: usize,
    ids: VecDeque<TransactionId>,
    /// Ids of what others sent: they have probably sent it to this peer too, so there is no hurry.
    relayed: VecDeque<TransactionId>,
    documents: VecDeque<DocumentId>,
    wanted: VecDeque<DocumentId>,
    greeting: bool,
    /// Something could not be queued: all must be announced anew.
    pub(super) overflown: bool,
}

/// What a request held that must be said again if it fails.
pub(super) type Sent = Vec<TransactionId>;

impl Peer {
    pub(super) fn new(config: PeerConfig, now: Instant) -> Self {
        Self {
            config,
            connected: false,
            unreachable: false,
            dial_at: now,
            backoff: FIRST_BACKOFF,
            outbox: Outbox::default(),
            in_flight: 0,
            pushing: false,
            inbox: VecDeque::new(),
            faults: 0,
            shut_until: None,
        }
    }

    /// Notes an attempt to connect, and when the next one is due.
    pub(super) fn dialled(&mut self, now: Instant) {
        self.dial_at = now + self.backoff;
        self.backoff = (self.backoff * 2).min(LONGEST_BACKOFF);
    }

    /// The connection stands, and nothing is to be said yet.
    pub(super) fn is_open(&mut self) {
        self.connected = true;
        self.unreachable = false;
        self.backoff = FIRST_BACKOFF;
    }

    /// The connection stands: all that is here is announced.
    pub(super) fn opened(&mut self, ids: Vec<TransactionId>, step: Option<ClockStep>, wanted: Vec<DocumentId>) {
        self.is_open();
        self.outbox = Outbox { step, ids: ids.into(), wanted: wanted.into(), greeting: true, ..Outbox::default() };
    }

    /// The connection is gone, and with it what was to be said over it.
    pub(super) fn closed(&mut self, now: Instant) {
        self.connected = false;
        self.dial_at = now + self.backoff;
        self.outbox = Outbox::default();
        self.inbox.clear();
    }

    /// Queues a request of this peer; says whether there was room.
    pub(super) fn receive(&mut self, request: Request, channel: ResponseChannel<Response>) -> bool {
        let room = self.inbox.len() < INBOX;
        if room {
            self.inbox.push_back((request, channel));
        }
        room
    }

    pub(super) fn next_received(&mut self) -> Option<(Request, ResponseChannel<Response>)> {
        self.inbox.pop_front()
    }

    pub(super) fn status(&self) -> PeerStatus {
        let outbox = &self.outbox;
        PeerStatus {
            network_key: self.config.network_key,
            address: self.config.address,
            connected: self.connected,
            unreachable: self.unreachable,
            shut_out: self.shut_until.is_some(),
            queued: outbox.whole.len() + outbox.ids.len() + outbox.relayed.len() + outbox.documents.len(),
            queued_bytes: outbox.whole_bytes,
        }
    }
}

impl Outbox {
    /// Sends a transaction whole, or announces it where there is no room.
    pub(super) fn send(&mut self, transaction: Arc<VerifiedTransaction>) {
        if self.whole_bytes + transaction.raw().len() > WHOLE_BYTES {
            self.announce(transaction.id());
        } else {
            self.whole_bytes += transaction.raw().len();
            self.whole.push_back(transaction);
        }
    }

    pub(super) fn announce(&mut self, id: TransactionId) {
        if self.ids.len() < IDS {
            self.ids.push_back(id);
        } else {
            self.overflown = true;
        }
    }

    /// Announces, not at once, what somebody else sent.
    pub(super) fn relay(&mut self, id: TransactionId) {
        if self.relayed.len() < IDS {
            self.relayed.push_back(id);
        } else {
            self.overflown = true;
        }
    }

    /// The relayed ones have waited long enough.
    pub(super) fn release_relayed(&mut self) {
        while let Some(id) = self.relayed.pop_front() {
            self.announce(id);
        }
    }

    pub(super) fn send_document(&mut self, id: DocumentId) {
        if self.documents.len() < DOCUMENTS {
            self.documents.push_back(id);
        }
    }

    /// Asks for these documents, unless it is asking already.
    pub(super) fn want(&mut self, ids: &[DocumentId]) {
        if self.wanted.is_empty() {
            self.wanted.extend(ids);
        }
    }

    /// Says at least that this node is there.
    pub(super) fn greet(&mut self) {
        self.greeting = true;
    }

    pub(super) fn has_announcements(&self) -> bool {
        !self.ids.is_empty()
    }

    /// The next request and what must be said again if it fails; whole transactions only if they `may_push`.
    pub(super) fn next(&mut self, documents: &Documents, may_push: bool) -> Option<(Request, Sent)> {
        if let Some(step) = self.step.take() {
            return Some((Request::Step(step), Sent::new()));
        }
        if !self.documents.is_empty() {
            let ids = self.documents.drain(..self.documents.len().min(MAX_DOCUMENTS));
            let found = ids.filter_map(|id| documents.get(&id).ok().flatten()).collect();
            return Some((Request::Documents(found), Sent::new()));
        }
        if may_push && !self.whole.is_empty() {
            return Some(self.batch(documents));
        }
        if self.greeting || !self.ids.is_empty() {
            self.greeting = false;
            let ids: Vec<_> = self.ids.drain(..self.ids.len().min(MAX_IDS)).collect();
            return Some((Request::Have(ids.clone()), ids));
        }
        if !self.wanted.is_empty() {
            let ids = self.wanted.drain(..self.wanted.len().min(MAX_DOCUMENTS)).collect();
            return Some((Request::WantDocuments(ids), Sent::new()));
        }
        None
    }

    fn batch(&mut self, documents: &Documents) -> (Request, Sent) {
        let (mut items, mut sent, mut bytes) = (Vec::new(), Sent::new(), 0);
        while bytes < BATCH_BYTES
            && let Some(transaction) = self.whole.pop_front()
        {
            self.whole_bytes -= transaction.raw().len();
            let document = named_document(&transaction).and_then(|id| documents.get(&id).ok().flatten());
            bytes += transaction.raw().len() + document.as_ref().map_or(0, Vec::len);
            sent.push(transaction.id());
            items.push(Item { raw: transaction.raw().to_vec(), document });
        }
        (Request::Push(items), sent)
    }
}
