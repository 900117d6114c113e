//! Whole blocks, for those who audit.

use keis_ledger::block::Block;
use keis_ledger::chain::{Certificate, Header, Height};
use keis_ledger::codec;

use crate::party::{PROVIDER_KEY, PUPIL_KEY, SCHOOL_KEY, STRANGER_KEY, stand};
use crate::support::{AUDITOR, BUDGET_HOLDER, OPERATOR};

type Entries = Vec<(Height, Vec<u8>, Vec<u8>)>;

#[tokio::test(flavor = "multi_thread")]
async fn whole_blocks_are_for_officers_and_auditors() {
    let stand = stand().await;
    for seed in [OPERATOR, BUDGET_HOLDER, AUDITOR] {
        let answer = stand.read(seed, "/v1/blocks?from=1").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/octet-stream"));
        assert_eq!(answer.header("cache-control"), "private, no-store");
        let entries: Entries = codec::decode(&answer.body).unwrap();
        let headers = stand.get("/v1/headers?limit=100").await.is(200)["headers"].clone();
        assert_eq!(entries.len(), headers.as_array().unwrap().len());
        let mut parent: Option<Header> = None;
        for (height, block, certificate) in entries {
            let block = Block::decode(&block).unwrap();
            let certificate: Certificate = codec::decode(&certificate).unwrap();
            assert_eq!((block.header.height, certificate.height), (height, height));
            assert_eq!(certificate.block, block.header.id());
            assert!(parent.is_none_or(|parent| parent.id() == block.header.parent));
            parent = Some(block.header);
        }
    }
    for seed in [SCHOOL_KEY, PROVIDER_KEY, PUPIL_KEY] {
        stand.read(seed, "/v1/blocks?from=1").await.is_problem(403, "not_yours");
    }
    stand.get("/v1/blocks?from=1").await.is_problem(401, "signature_missing");
    stand.read(STRANGER_KEY, "/v1/blocks?from=1").await.is_problem(401, "signature_wrong");
    for wrong in ["/v1/blocks", "/v1/blocks?from=0", "/v1/blocks?from=x", "/v1/blocks?from=1&to=2"] {
        stand.read(AUDITOR, wrong).await.is_problem(400, "malformed");
    }
    let later = stand.read(AUDITOR, "/v1/blocks?from=3").await;
    let entries: Entries = codec::decode(&later.body).unwrap();
    assert_eq!(entries.first().map(|entry| entry.0), Some(Height(3)));
    let behind = stand.read(AUDITOR, "/v1/blocks?from=1000").await;
    assert!(codec::decode::<Entries>(&behind.body).unwrap().is_empty());
}
