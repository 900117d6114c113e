//! What two nodes say to each other, and how it is framed: a length, then the ledger's encoding, never more than a frame.

use std::io;

use async_trait::async_trait;
use bincode::{Decode, Encode};
use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::{DocumentId, TransactionId};
use libp2p::StreamProtocol;
use libp2p::request_response;

use crate::clock::ClockStep;

/// Longest frame, in bytes.
pub(super) const MAX_FRAME: usize = 1024 * 1024;
/// Bytes of transactions and documents after which a batch takes no more; one more item still fits a frame.
pub(super) const BATCH_BYTES: usize = 512 * 1024;
/// Most ids in a frame.
pub(super) const MAX_IDS: usize = 4096;
/// Most documents in a frame.
pub(super) const MAX_DOCUMENTS: usize = 16;

/// A transaction with the document that it names.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) struct Item {
    pub(super) raw: Vec<u8>,
    pub(super) document: Option<Vec<u8>>,
}

/// What a node says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) enum Request {
    /// Transactions that it has. With none it only asks whether the other is there.
    Have(Vec<TransactionId>),
    /// Transactions, whole.
    Push(Vec<Item>),
    /// Documents that it lacks.
    WantDocuments(Vec<DocumentId>),
    /// Documents that a client has given it.
    Documents(Vec<Vec<u8>>),
    /// The newest step of a simulated clock.
    Step(ClockStep),
}

/// What the other answers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(super) enum Response {
    /// It has taken note.
    Noted,
    /// Of these transactions it wants the whole.
    Want(Vec<TransactionId>),
    /// Documents, of those wanted, that it has.
    Documents(Vec<Vec<u8>>),
}

/// Nodes of another network speak another protocol.
pub(super) fn protocol(network: &Hash) -> StreamProtocol {
    let name = format!("/keis/gossip/1/{}", hex::encode(&network.0[..8]));
    StreamProtocol::try_from_owned(name).expect("a protocol's name begins with a slash")
}

impl Request {
    fn is_bounded(&self) -> bool {
        match self {
            Self::Have(ids) => ids.len() <= MAX_IDS,
            Self::Push(_) | Self::Step(_) => true,
            Self::WantDocuments(ids) => ids.len() <= MAX_IDS,
            Self::Documents(documents) => documents.len() <= MAX_DOCUMENTS,
        }
    }
}

impl Response {
    fn is_bounded(&self) -> bool {
        match self {
            Self::Noted => true,
            Self::Want(ids) => ids.len() <= MAX_IDS,
            Self::Documents(documents) => documents.len() <= MAX_DOCUMENTS,
        }
    }
}

/// Frames on a stream.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Framing;

fn garbage(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

pub(super) async fn read<T: AsyncRead + Unpin + Send, M: Decode<()> + Encode>(
    io: &mut T,
    most: usize,
) -> io::Result<M> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > most {
        return Err(garbage("the frame is too long"));
    }
    // The buffer grows with what arrives, not with what is announced.
    let mut bytes = Vec::new();
    io.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    codec::decode(&bytes).map_err(|_| garbage("the frame is no message"))
}

pub(super) async fn write<T: AsyncWrite + Unpin + Send, M: Encode>(
    io: &mut T,
    message: &M,
    most: usize,
) -> io::Result<()> {
    let bytes = codec::encode(message);
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= most);
    let length =
        length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the message is too long for a frame"))?;
    io.write_all(&length.to_le_bytes()).await?;
    io.write_all(&bytes).await?;
    io.close().await
}

#[async_trait]
impl request_response::Codec for Framing {
    type Protocol = StreamProtocol;
    /// None is garbage: the library would not tell who sent what cannot be read.
    type Request = Option<Request>;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Option<Request>>
    where
        T: AsyncRead + Unpin + Send,
    {
        match read::<T, Request>(io, MAX_FRAME).await {
            Ok(request) => Ok(Some(request).filter(Request::is_bounded)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        let response: Response = read(io, MAX_FRAME).await?;
        if response.is_bounded() { Ok(response) } else { Err(garbage("a list is too long")) }
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, request: Option<Request>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        match request {
            Some(request) => write(io, &request, MAX_FRAME).await,
            None => Err(io::Error::new(io::ErrorKind::InvalidInput, "there is nothing to say")),
        }
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, response: Response) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &response, MAX_FRAME).await
    }
}
