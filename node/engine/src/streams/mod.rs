//! Puts proposed blocks together from parts. All that a peer can make this node hold is bounded here.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use keis_ledger::chain::{Address, Height};

use crate::context::Part;

/// Longest piece of a block in one part, in bytes.
pub(crate) const PIECE: usize = 128 * 1024 - 1024;
/// Streams of one peer that may be open; the oldest gives way.
const STREAMS_PER_PEER: usize = 4;

/// A block with what its sender says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assembled {
    pub(crate) height: Height,
    pub(crate) round: u32,
    pub(crate) valid_round: Option<u32>,
    pub(crate) proposer: Address,
    pub(crate) bytes: Bytes,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    height: Height,
    round: u32,
    valid_round: Option<u32>,
    proposer: Address,
    length: usize,
}

#[derive(Debug, Default)]
struct Stream {
    id: Bytes,
    head: Option<Head>,
    pieces: BTreeMap<u64, Bytes>,
    held: usize,
}

/// Open streams of all peers. A peer is whoever published the parts, known by its connection.
#[derive(Debug)]
pub(crate) struct Streams {
    max_block: usize,
    max_peers: usize,
    peers: BTreeMap<Vec<u8>, VecDeque<Stream>>,
}

impl Streams {
    pub(crate) fn new(max_block: usize, max_peers: usize) -> Self {
        Self { max_block, max_peers, peers: BTreeMap::new() }
    }

    /// Takes a part in. Returns the block with its last part; malformed parts close their stream.
    pub(crate) fn accept(&mut self, peer: &[u8], id: &Bytes, sequence: u64, part: Part) -> Option<Assembled> {
        if !self.peers.contains_key(peer) && self.peers.len() >= self.max_peers {
            return None;
        }
        let streams = self.peers.entry(peer.to_vec()).or_default();
        let index = streams.iter().position(|stream| stream.id == *id).unwrap_or_else(|| {
            if streams.len() >= STREAMS_PER_PEER {
                streams.pop_front();
            }
            streams.push_back(Stream { id: id.clone(), ..Stream::default() });
            streams.len() - 1
        });
        let outcome = streams[index].take(sequence, part, self.max_block);
        match outcome {
            Outcome::Incomplete => None,
            Outcome::Malformed => {
                streams.remove(index);
                None
            }
            Outcome::Complete(assembled) => {
                streams.remove(index);
                Some(assembled)
            }
        }
    }

    /// Bytes of blocks that are held.
    #[cfg(fuzzing)]
    pub(crate) fn held(&self) -> usize {
        self.peers.values().flatten().map(|stream| stream.held).sum()
    }

    /// Drops streams of heights that are decided. Ones without a head stay until newer streams push them out.
    pub(crate) fn committed(&mut self, tip: Height) {
        for streams in self.peers.values_mut() {
            streams.retain(|stream| stream.head.is_none_or(|head| head.height > tip));
        }
        self.peers.retain(|_, streams| !streams.is_empty());
    }
}

enum Outcome {
    Incomplete,
    Malformed,
    Complete(Assembled),
}

impl Stream {
    fn take(&mut self, sequence: u64, part: Part, max_block: usize) -> Outcome {
        match part {
            Part::Head { height, round, valid_round, proposer, length } => {
                let length = length as usize;
                if sequence != 0 || self.head.is_some() || length == 0 || length > max_block {
                    return Outcome::Malformed;
                }
                self.head = Some(Head { height, round, valid_round, proposer, length });
            }
            Part::Body(bytes) => {
                // Every piece but the last is full, so the count of pieces is bounded by the length of a block.
                let within = sequence >= 1 && sequence <= max_block.div_ceil(PIECE) as u64;
                if !within || bytes.is_empty() || bytes.len() > PIECE || self.pieces.contains_key(&sequence) {
                    return Outcome::Malformed;
                }
                self.held += bytes.len();
                self.pieces.insert(sequence, bytes);
            }
            Part::Accusation(_) => return Outcome::Malformed,
        }
        self.complete()
    }

    fn complete(&self) -> Outcome {
        let Some(head) = self.head else { return Outcome::Incomplete };
        if self.held > head.length {
            return Outcome::Malformed;
        }
        if self.held < head.length {
            return Outcome::Incomplete;
        }
        let mut bytes = BytesMut::with_capacity(head.length);
        for (expected, (sequence, piece)) in (1..).zip(&self.pieces) {
            if *sequence != expected {
                return Outcome::Malformed;
            }
            bytes.extend_from_slice(piece);
        }
        Outcome::Complete(Assembled {
            height: head.height,
            round: head.round,
            valid_round: head.valid_round,
            proposer: head.proposer,
            bytes: bytes.freeze(),
        })
    }
}

/// The parts of a block, in order.
pub(crate) fn split(block: &Assembled) -> impl Iterator<Item = Part> {
    let head = Part::Head {
        height: block.height,
        round: block.round,
        valid_round: block.valid_round,
        proposer: block.proposer,
        length: u32::try_from(block.bytes.len()).expect("a block is far below 4 GiB"),
    };
    let bytes = block.bytes.clone();
    let starts = (0..bytes.len()).step_by(PIECE);
    let bodies = starts.map(move |start| Part::Body(bytes.slice(start..bytes.len().min(start + PIECE))));
    std::iter::once(head).chain(bodies)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]
mod tests;
