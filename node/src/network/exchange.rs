//! Questions of nodes that catch up, on a protocol of their own: what is asked and answered here is large, and must not
//! stand in the way of transactions.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{AsyncRead, AsyncWrite};
use keis_ledger::crypto::{Hash, PublicKey};
use libp2p::request_response::{self, Message, OutboundFailure, OutboundRequestId, ResponseChannel};
use libp2p::{PeerId, StreamProtocol};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::swarm::{Behaviour, REQUEST};
use super::wire::{MAX_FRAME, read, write};
use crate::sync::{AskError, Library, MAX_ANSWER, Request, Response};

/// Streams of one connection at a time.
pub(super) const STREAMS: usize = 8;
/// Longest time until a question is answered or has failed.
pub(super) const LONGEST_ANSWER: Duration = REQUEST.saturating_mul(2);
/// Questions of one peer that wait for an answer; what comes beyond is not answered.
const WAITING: usize = 8;

type Channel = ResponseChannel<Response>;

/// Something to ask of a peer.
pub(super) struct Question {
    pub(super) peer: PublicKey,
    pub(super) request: Request,
    pub(super) reply: oneshot::Sender<Result<Response, AskError>>,
}

/// Questions under way, both ways.
#[derive(Default)]
pub(super) struct Exchange {
    asked: HashMap<OutboundRequestId, oneshot::Sender<Result<Response, AskError>>>,
    waiting: BTreeMap<PeerId, VecDeque<(Request, Channel)>>,
    /// The peer whose question was answered last.
    turn: Option<PeerId>,
    /// One answer at a time: it reads the disk that consensus writes to.
    job: JoinSet<(Channel, Response)>,
    library: Option<Arc<Library>>,
}

impl Exchange {
    pub(super) fn ask(&mut self, behaviour: &mut Behaviour, peer: Option<PeerId>, question: Question) {
        // Who asked may have lost interest; nothing is owed then.
        let Some(peer) = peer else {
            question.reply.send(Err(AskError::Unreachable)).ok();
            return;
        };
        let id = behaviour.exchange.send_request(&peer, Some(question.request));
        self.asked.retain(|_, reply| !reply.is_closed());
        self.asked.insert(id, question.reply);
    }

    /// Takes in what the swarm tells; names a peer that said what no correct node says.
    pub(super) fn on_event(
        &mut self,
        event: request_response::Event<Option<Request>, Response>,
        library: Option<Arc<Library>>,
    ) -> Option<PeerId> {
        match event {
            request_response::Event::Message { peer, message: Message::Request { request, channel, .. }, .. } => {
                let Some(request) = request else { return Some(peer) };
                let waiting = self.waiting.entry(peer).or_default();
                if waiting.len() < WAITING {
                    waiting.push_back((request, channel));
                }
                self.library = library;
                self.begin();
                None
            }
            request_response::Event::Message { message: Message::Response { request_id, response }, .. } => {
                self.answered(&request_id, Ok(response));
                None
            }
            request_response::Event::OutboundFailure { peer, request_id, error, .. } => {
                tracing::debug!(%peer, %error, "a question was not answered");
                let (error, faulty) = match error {
                    OutboundFailure::UnsupportedProtocols => (AskError::Unsupported, false),
                    OutboundFailure::Timeout => (AskError::Silent, false),
                    OutboundFailure::Io(error) => (AskError::Garbage, error.kind() == io::ErrorKind::InvalidData),
                    OutboundFailure::DialFailure | OutboundFailure::ConnectionClosed => (AskError::Unreachable, false),
                };
                self.answered(&request_id, Err(error));
                faulty.then_some(peer)
            }
            request_response::Event::InboundFailure { .. } | request_response::Event::ResponseSent { .. } => None,
        }
    }

    fn answered(&mut self, id: &OutboundRequestId, answer: Result<Response, AskError>) {
        if let Some(reply) = self.asked.remove(id) {
            reply.send(answer).ok();
        }
    }

    /// Waits for an answer that is being made, to be sent. Never resolves while there is none.
    pub(super) async fn made(&mut self) -> Option<(Channel, Response)> {
        let Some(made) = self.job.join_next().await else { return std::future::pending().await };
        self.begin();
        made.inspect_err(|error| tracing::error!(%error, "answering a peer that catches up failed")).ok()
    }

    /// Begins the next answer, one peer after the other, when none is being made.
    fn begin(&mut self) {
        if !self.job.is_empty() {
            return;
        }
        self.waiting.retain(|_, waiting| !waiting.is_empty());
        let next =
            self.waiting.keys().find(|id| Some(**id) > self.turn).or_else(|| self.waiting.keys().next()).copied();
        let Some(peer) = next else { return };
        self.turn = Some(peer);
        let Some((request, channel)) = self.waiting.get_mut(&peer).and_then(VecDeque::pop_front) else { return };
        let library = self.library.clone();
        self.job.spawn_blocking(move || {
            let response = library.map_or(Response::Missing, |library| library.answer(&request));
            (channel, response)
        });
    }

    /// Waits for the answer that is being made: it reads the store.
    pub(super) async fn end(&mut self) {
        while self.job.join_next().await.is_some() {}
    }
}

/// Nodes of another network speak another protocol.
pub(super) fn protocol(network: &Hash) -> StreamProtocol {
    let name = format!("/keis/sync/1/{}", hex::encode(&network.0[..8]));
    StreamProtocol::try_from_owned(name).expect("a protocol's name begins with a slash")
}

/// Frames of this protocol: small questions, large answers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ExchangeFraming;

#[async_trait]
impl request_response::Codec for ExchangeFraming {
    type Protocol = StreamProtocol;
    /// None is garbage: the library would not tell who sent what cannot be read.
    type Request = Option<Request>;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Option<Request>>
    where
        T: AsyncRead + Unpin + Send,
    {
        match read::<T, Request>(io, MAX_FRAME).await {
            Ok(request) => Ok(Some(request)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, MAX_ANSWER).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Option<Request>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match request {
            Some(request) => write(io, &request, MAX_FRAME).await,
            None => Err(io::Error::new(io::ErrorKind::InvalidInput, "there is nothing to ask")),
        }
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: Response) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response, MAX_ANSWER).await
    }
}
