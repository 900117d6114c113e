//! A door to what a peer answers who is asked for its chain, for fuzzers alone (`--cfg fuzzing`).

use keis_ledger::codec;
use keis_ledger::crypto::PublicKey;

use super::candidate;
use super::message::{Offer, Response};
use crate::chain::{self, Lineage};

/// An answer of a peer, judged as a node that has nothing but the founding document judges it. Only what is proven is taken.
pub fn answer(bytes: &[u8], founders: &Lineage) {
    let Ok(response) = codec::decode::<Response>(bytes) else { return };
    let mut lineage = founders.clone();
    match response {
        Response::Missing => {}
        Response::Offer(Offer { snapshots, .. }) => {
            let mut candidates = Vec::new();
            candidate::add(&mut candidates, PublicKey([1; 32]), snapshots);
            assert!(candidates.is_sorted_by_key(|candidate| std::cmp::Reverse(candidate.height())), "newest first");
            for candidate in &candidates {
                for certificate in candidate.peers.values() {
                    let _ = lineage.verify(&candidate.header, certificate);
                }
            }
        }
        Response::Handovers(changes) => {
            for change in changes {
                let before = lineage.height();
                let height = change.header.height;
                let taken = lineage.push(change).is_ok();
                assert_eq!(lineage.height(), if taken { height } else { before });
            }
        }
        Response::Chunk(chunk) => {
            if let Ok(state) = chain::rebuild(std::iter::once(Ok(chunk))) {
                state.root();
            }
        }
        Response::History(blocks) => {
            for past in blocks {
                let Some(header) = past.header() else { continue };
                drop(past.prove(header.id(), &lineage));
            }
        }
    }
}
