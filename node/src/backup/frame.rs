//! The pieces of a backup. Each carries a checksum over itself and all before it, so that a piece that was changed, left out,
//! moved or cut off is seen at once.

use std::io::{self, Read, Write};

use bincode::{Decode, Encode};
use keis_ledger::chain::Height;
use keis_ledger::codec;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::BlockId;

use crate::chain::{Handover, PastBlock};

/// The form of backups that this build writes and reads.
pub(super) const FORMAT: u32 = 1;
/// Longest piece: a block with receipts and certificate, each at its bound.
const LONGEST: usize = 56 << 20;
const SUM: usize = 32;

/// A piece of a backup, in the order in which they come.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Frame {
    /// Opens every stream.
    Head(Head),
    /// The settings, as they stand in the folder.
    Settings(Vec<u8>),
    /// The founding document.
    Genesis(Vec<u8>),
    /// The secret of the network key, when secrets were asked for.
    NetworkKey([u8; 32]),
    /// The secret of a consensus key, when secrets were asked for.
    ConsensusKey {
        /// 1 for the key with which the folder was made, then counted on.
        number: u32,
        /// The secret.
        secret: [u8; 32],
    },
    /// A change of the validators.
    Handover(Box<Handover>),
    /// A part of the snapshot.
    Chunk(Vec<u8>),
    /// A decided block: with a snapshot first the snapshot's own, then those below downwards, then those above upwards.
    Block(PastBlock),
    /// A public document.
    Document(Vec<u8>),
    /// Closes every stream.
    End(Tally),
}

/// What a stream holds.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Head {
    /// The form of the stream.
    pub format: u32,
    /// The network.
    pub network: Hash,
    /// The lowest block; 0 when there is none.
    pub first: Height,
    /// The highest block; 0 when there is none.
    pub tip: Height,
    /// Its id.
    pub block: BlockId,
    /// Height and block of the snapshot, if there is one.
    pub snapshot: Option<(Height, BlockId)>,
}

/// How many pieces of a kind a stream has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Tally {
    /// Blocks.
    pub blocks: u64,
    /// Parts of the snapshot.
    pub chunks: u64,
    /// Documents.
    pub documents: u64,
}

impl Frame {
    /// What it is, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Head(_) => "a head",
            Self::Settings(_) => "settings",
            Self::Genesis(_) => "a founding document",
            Self::NetworkKey(_) => "a network key",
            Self::ConsensusKey { .. } => "a consensus key",
            Self::Handover(_) => "a change of validators",
            Self::Chunk(_) => "a part of a snapshot",
            Self::Block(_) => "a block",
            Self::Document(_) => "a document",
            Self::End(_) => "its end",
        }
    }
}

/// Why a stream cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// It cannot be read at all.
    #[error("the backup cannot be read")]
    Io(#[source] io::Error),
    /// It ends before its end.
    #[error("the backup is cut off after {0} pieces")]
    CutOff(u64),
    /// A piece is not what was written.
    #[error("piece {0} of the backup is damaged")]
    Damaged(u64),
}

fn sum(before: &[u8; SUM], length: [u8; 4], payload: &[u8]) -> [u8; SUM] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before).update(&length).update(payload);
    *hasher.finalize().as_bytes()
}

/// Writes a stream.
pub struct FrameWriter<W> {
    out: W,
    last: [u8; SUM],
}

impl<W: Write> FrameWriter<W> {
    /// Begins a stream.
    pub fn new(out: W) -> Self {
        Self { out, last: [0; SUM] }
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// The operating system's.
    pub fn push(&mut self, frame: &Frame) -> io::Result<()> {
        let payload = codec::encode(frame);
        let length = u32::try_from(payload.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
        let length = length.to_le_bytes();
        self.last = sum(&self.last, length, &payload);
        self.out.write_all(&length)?;
        self.out.write_all(&payload)?;
        self.out.write_all(&self.last)
    }

    /// Gives back what it wrote to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Reads a stream.
pub struct FrameReader<R> {
    from: R,
    last: [u8; SUM],
    read: u64,
}

impl<R: Read> FrameReader<R> {
    /// Begins to read.
    pub fn new(from: R) -> Self {
        Self { from, last: [0; SUM], read: 0 }
    }

    /// The next piece.
    ///
    /// # Errors
    /// [`FrameError`]; nothing that follows is to be believed then.
    pub fn pull(&mut self) -> Result<Frame, FrameError> {
        let mut length = [0; 4];
        self.fill(&mut length)?;
        let expected = u32::from_le_bytes(length) as usize;
        if expected > LONGEST {
            return Err(FrameError::Damaged(self.read + 1));
        }
        // Grows as bytes come, so that a wrong length takes no memory.
        let mut payload = Vec::new();
        let got =
            (&mut self.from).take(expected as u64).read_to_end(&mut payload).map_err(|error| self.failed(error))?;
        if got < expected {
            return Err(FrameError::CutOff(self.read));
        }
        let mut told = [0; SUM];
        self.fill(&mut told)?;
        self.read += 1;
        self.last = sum(&self.last, length, &payload);
        if told != self.last {
            return Err(FrameError::Damaged(self.read));
        }
        codec::decode(&payload).map_err(|_| FrameError::Damaged(self.read))
    }

    /// Makes sure that nothing follows, and that what unpacks the stream found it whole.
    ///
    /// # Errors
    /// As for [`FrameReader::pull`].
    pub fn end(&mut self) -> Result<(), FrameError> {
        let mut more = [0; 1];
        match self.from.read(&mut more) {
            Ok(0) => Ok(()),
            Ok(_) => Err(FrameError::Damaged(self.read + 1)),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), FrameError> {
        self.from.read_exact(bytes).map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> FrameError {
        let kind = error.kind();
        if kind == io::ErrorKind::UnexpectedEof {
            FrameError::CutOff(self.read)
        } else if kind == io::ErrorKind::InvalidData || kind == io::ErrorKind::Other {
            // What unpacks the file says so of bytes that are no packing.
            FrameError::Damaged(self.read + 1)
        } else {
            FrameError::Io(error)
        }
    }
}
