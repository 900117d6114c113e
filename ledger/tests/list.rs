//! Roots of lists against RFC 6962's definition, proofs against every changed byte.

use keis_ledger::codec;
use keis_ledger::crypto::{Domain, Hash, hash};
use keis_ledger::list::{self, ListError, ListProof};
use proptest::collection::vec;
use proptest::prelude::*;

fn leaves(count: usize) -> Vec<Hash> {
    (0..count as u64).map(|n| list::leaf(&[b"leaf", &n.to_be_bytes()])).collect()
}

/// The tree as RFC 6962 defines it, without any of the module's own code.
fn defined_tree(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => hash(Domain::ListNode, &[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            hash(Domain::ListNode, &[&defined_tree(left).0, &defined_tree(right).0])
        }
    }
}

fn defined_root(leaves: &[Hash]) -> Hash {
    hash(Domain::ListNode, &[&(leaves.len() as u64).to_be_bytes(), &defined_tree(leaves).0])
}

#[test]
fn every_place_of_every_short_list_is_proved_and_no_other() {
    for count in 0..70 {
        let leaves = leaves(count);
        let root = list::root(&leaves);
        assert_eq!(root, defined_root(&leaves));
        assert_eq!(list::prove(&leaves, count), None);
        for index in 0..count {
            let proof = list::prove(&leaves, index).expect("a place of the list");
            assert_eq!((proof.index, proof.count), (index as u64, count as u64));
            assert_eq!(proof.verify(&root, &leaves[index]), Ok(()));
            for other in (0..count).filter(|other| *other != index) {
                assert!(proof.verify(&root, &leaves[other]).is_err());
                let elsewhere = ListProof { index: other as u64, ..proof.clone() };
                assert!(elsewhere.verify(&root, &leaves[index]).is_err());
            }
        }
    }
}

#[test]
fn the_root_commits_to_the_number_of_leaves() {
    let leaves = leaves(9);
    let proof = list::prove(&leaves, 8).expect("a place of the list");
    for count in (0..40).filter(|count| *count != 9) {
        assert!(ListProof { count, ..proof.clone() }.verify(&list::root(&leaves), &leaves[8]).is_err());
    }
    let inner = hash(Domain::ListNode, &[&leaves[0].0, &leaves[1].0]);
    assert_ne!(list::root(&leaves[..2]), list::root(&[inner]));
}

#[test]
fn every_changed_byte_is_refused() {
    for (count, index) in [(1, 0), (2, 1), (7, 6), (11, 4), (16, 0)] {
        let leaves = leaves(count);
        let root = list::root(&leaves);
        let proof = list::prove(&leaves, index).expect("a place of the list");
        each_change(&codec::encode(&proof), |bytes| {
            let changed = codec::decode::<ListProof>(bytes);
            assert!(changed.is_err() || changed.is_ok_and(|proof| proof.verify(&root, &leaves[index]).is_err()));
        });
        each_change(&root.0, |bytes| {
            let root = Hash(bytes.try_into().expect("as long as before"));
            assert!(matches!(proof.verify(&root, &leaves[index]), Err(ListError::Root(_))));
        });
        each_change(&leaves[index].0, |bytes| {
            assert!(proof.verify(&root, &Hash(bytes.try_into().expect("as long as before"))).is_err());
        });
    }
}

fn each_change(bytes: &[u8], check: impl Fn(&[u8])) {
    for at in 0..bytes.len() {
        for difference in 1..=255 {
            let mut changed = bytes.to_vec();
            changed[at] ^= difference;
            check(&changed);
        }
    }
}

#[test]
fn refusals_name_the_fault() {
    let leaves = leaves(5);
    let root = list::root(&leaves);
    let proof = list::prove(&leaves, 4).expect("a place of the list");
    let check = |proof: ListProof, error: ListError| assert_eq!(proof.verify(&root, &leaves[4]), Err(error));
    check(ListProof { index: 5, ..proof.clone() }, ListError::Index { index: 5, count: 5 });
    check(ListProof { path: vec![], ..proof.clone() }, ListError::Length { index: 4, count: 5, length: 0 });
    let long = vec![proof.path[0]; 2];
    check(ListProof { path: long, ..proof }, ListError::Length { index: 4, count: 5, length: 2 });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn roots_follow_the_definition(leaves in vec(any::<[u8; 32]>().prop_map(Hash), 0..600), at in any::<prop::sample::Index>()) {
        let root = list::root(&leaves);
        prop_assert_eq!(root, defined_root(&leaves));
        if !leaves.is_empty() {
            let index = at.index(leaves.len());
            let proof = list::prove(&leaves, index).expect("a place of the list");
            prop_assert_eq!(proof.verify(&root, &leaves[index]), Ok(()));
            prop_assert_eq!(codec::decode::<ListProof>(&codec::encode(&proof)).expect("an encoding"), proof);
        }
    }

    #[test]
    fn hostile_proofs_fail_without_panic(
        index in prop_oneof![0u64..100, any::<u64>(), Just(u64::MAX), Just(u64::MAX - 1)],
        count in prop_oneof![0u64..100, any::<u64>(), Just(u64::MAX)],
        path in vec(any::<[u8; 32]>().prop_map(Hash), 0..100),
    ) {
        let proof = ListProof { index, count, path };
        prop_assert!(proof.verify(&Hash([7; 32]), &Hash([8; 32])).is_err());
    }
}

/// Roots that must never change: they are in headers that validators signed.
#[test]
fn roots_are_frozen() {
    let roots = [0, 1, 2, 3, 5, 1000].map(|count| list::root(&leaves(count)).to_string());
    assert_eq!(
        roots,
        [
            "8f6fe0f61ac60b5a8e4e69943d6bb4cfbc116b08d836ebc4e90cabeb45fe5a58",
            "08e20582bd2dd74f4bec8cd6f4f5000f7eef089fd8ad22dac372ea87a9c14a3e",
            "d066dbaaa600d1ff2b2b1e777273803fce5837a82744450601d3381a40be98b9",
            "705c8a8cd21afba849326774c81f155fdd89c221c3b2f2310d5bee92c6f2dcbd",
            "46759cde10d64b513a0120213dfe1c37b08b319555bae10389e74958be232348",
            "819df8cad8c1958b5a118c32e8e00cc20e48db6f7a8f95d1b763354bfd65dd4b",
        ]
    );
}
