//! What peers offer, and how far it can be proven before anything large is fetched.

use std::collections::BTreeMap;

use keis_ledger::chain::{Certificate, Header, Height};
use keis_ledger::crypto::{Hash, PublicKey};

use super::message::{Request, Response, SnapshotOffer};
use super::{AskError, Neighbours};
use crate::chain::{Lineage, LineageError};

/// Most chunks of a snapshot: 32 GiB.
const MOST_CHUNKS: usize = 32 * 1024;
/// Most changes of validators that are followed.
const MOST_CHANGES: usize = 100_000;

/// A snapshot that peers offer.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    /// Header of the block after which it was taken.
    pub(super) header: Header,
    /// Hashes of its chunks.
    pub(super) digests: Vec<Hash>,
    /// Who offers it, chunk for chunk the same, each with a certificate of its own.
    pub(super) peers: BTreeMap<PublicKey, Certificate>,
}

/// Why a peer's offer is not believed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Disbelief {
    #[error(transparent)]
    NoAnswer(#[from] AskError),
    #[error("the answer is to another question")]
    WrongAnswer,
    #[error(transparent)]
    Unproven(#[from] LineageError),
    #[error("it names {0} chunks")]
    Chunks(usize),
    #[error("it tells of too many changes of validators")]
    TooManyChanges,
}

impl Candidate {
    pub(super) fn height(&self) -> Height {
        self.header.height
    }
}

/// Adds a peer's offers, so that those of the same state stand together, newest first.
pub(super) fn add(candidates: &mut Vec<Candidate>, peer: PublicKey, offers: Vec<SnapshotOffer>) {
    for offer in offers {
        let SnapshotOffer { header, certificate, digests } = offer;
        let same = |candidate: &&mut Candidate| candidate.header == header && candidate.digests == digests;
        match candidates.iter_mut().find(same) {
            Some(candidate) => {
                candidate.peers.insert(peer, certificate);
            }
            None => candidates.push(Candidate { header, digests, peers: BTreeMap::from([(peer, certificate)]) }),
        }
    }
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.height()));
}

/// Proves a candidate's header from the founders on, with the certificate of one peer and the changes of validators that it
/// tells.
pub(super) async fn prove(
    candidate: &Candidate,
    founders: &Lineage,
    peer: PublicKey,
    certificate: &Certificate,
    peers: &dyn Neighbours,
) -> Result<Lineage, Disbelief> {
    let Candidate { header, digests, .. } = candidate;
    if digests.is_empty() || digests.len() > MOST_CHUNKS {
        return Err(Disbelief::Chunks(digests.len()));
    }
    let mut lineage = founders.clone();
    'asking: loop {
        let answer = peers.ask(peer, Request::Handovers { above: lineage.height() }).await?;
        let Response::Handovers(changes) = answer else { return Err(Disbelief::WrongAnswer) };
        if changes.is_empty() {
            break;
        }
        for change in changes {
            // What comes after the snapshot comes again with its block.
            if change.header.height >= header.height {
                break 'asking;
            }
            lineage.push(change)?;
        }
        if lineage.changes().len() > MOST_CHANGES {
            return Err(Disbelief::TooManyChanges);
        }
    }
    lineage.verify(header, certificate)?;
    Ok(lineage)
}
