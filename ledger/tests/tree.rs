//! The state tree against an ordered map and against its own definition, its proofs against every changed byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use keis_ledger::codec;
use keis_ledger::crypto::{Domain, Hash, hash};
use keis_ledger::tree::{Proof, ProofError, Step, Tree, TreeKey};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

type Model = BTreeMap<TreeKey, u64>;
type Batch = BTreeMap<TreeKey, Option<u64>>;

fn value_hash(value: u64) -> Hash {
    hash(Domain::RecordValue, &[&value.to_le_bytes()])
}

fn bit(key: &TreeKey, bit: usize) -> bool {
    key.0[bit / 8] & (0x80 >> (bit % 8)) != 0
}

fn leaf_hash(key: &TreeKey, value: u64) -> Hash {
    hash(Domain::StateLeaf, &[&key.0, &value_hash(value).0])
}

/// The root as the documentation defines it, without any of the tree's own code.
fn defined_root(records: &[(TreeKey, u64)]) -> Hash {
    let (first, last) = match records {
        [] => return Hash([0; 32]),
        [(key, value)] => return leaf_hash(key, *value),
        [(first, _), .., (last, _)] => (first, last),
    };
    let parts_at = (0..272).find(|&at| bit(first, at) != bit(last, at)).expect("keys differ");
    let (left, right) = records.split_at(records.iter().position(|(key, _)| bit(key, parts_at)).expect("the last"));
    let number = u16::try_from(parts_at).expect("below 272");
    hash(Domain::StateNode, &[&number.to_be_bytes(), &defined_root(left).0, &defined_root(right).0])
}

fn root_of(model: &Model) -> Hash {
    defined_root(&model.iter().map(|(key, value)| (*key, *value)).collect::<Vec<_>>())
}

fn apply(tree: &mut Tree<u64>, batch: &Batch) {
    tree.apply(batch.iter().map(|(key, value)| (*key, value.map(|value| (value_hash(value), Arc::new(value))))));
}

fn apply_model(model: &mut Model, batch: &Batch) {
    for (key, value) in batch {
        match value {
            Some(value) => model.insert(*key, *value),
            None => model.remove(key),
        };
    }
}

fn grown(model: &Model) -> Tree<u64> {
    let records = model.iter().map(|(key, value)| (*key, value_hash(*value), Arc::new(*value)));
    Tree::from_sorted(records).expect("an ordered map ascends")
}

fn contents(tree: &Tree<u64>) -> Model {
    tree.iter().map(|(key, value)| (*key, **value)).collect()
}

fn check(tree: &Tree<u64>, model: &Model) {
    assert_eq!(tree.root(), root_of(model));
    assert_eq!(tree.len(), model.len());
    assert_eq!(tree.is_empty(), model.is_empty());
    assert_eq!(&contents(tree), model);
}

/// Keys that often meet: long common prefixes, single bits, both ends; and a few that are wholly random.
fn key() -> impl Strategy<Value = TreeKey> {
    let crowded = (0u8..3, 0usize..34, prop_oneof![Just(0u8), Just(1), Just(0x80), Just(0xff), any::<u8>()]);
    prop_oneof![
        6 => crowded.prop_map(|(year, at, byte)| {
            let mut key = [0; 34];
            key[1] = year;
            key[at] = byte;
            TreeKey(key)
        }),
        2 => (0usize..272).prop_map(single_bit),
        2 => any::<[u8; 32]>().prop_map(|rest| {
            let mut key = [0xff; 34];
            key[2..].copy_from_slice(&rest);
            TreeKey(key)
        }),
        1 => Just(TreeKey([0; 34])),
        1 => Just(TreeKey([0xff; 34])),
    ]
}

fn single_bit(at: usize) -> TreeKey {
    let mut key = [0; 34];
    key[at / 8] = 0x80 >> (at % 8);
    TreeKey(key)
}

fn model() -> impl Strategy<Value = Model> {
    btree_map(key(), any::<u64>(), 0..60)
}

/// Changes of which a good part removes.
fn batch() -> impl Strategy<Value = Batch> {
    btree_map(key(), prop::option::weighted(0.6, any::<u64>()), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn follows_an_ordered_map_through_any_batches(batches in vec(batch(), 1..12)) {
        let (mut tree, mut model) = (Tree::new(), Model::new());
        for batch in &batches {
            apply(&mut tree, batch);
            apply_model(&mut model, batch);
            check(&tree, &model);
        }
        prop_assert_eq!(tree.root(), grown(&model).root());
        for key in batches.iter().flat_map(BTreeMap::keys) {
            prop_assert_eq!(tree.get(key).map(|value| **value), model.get(key).copied());
            prop_assert_eq!(tree.value_hash(key), model.get(key).map(|value| value_hash(*value)));
        }
    }

    #[test]
    fn removes_what_it_holds_in_any_portions(model in model(), portions in vec(vec(any::<prop::sample::Index>(), 1..30), 1..8)) {
        let (mut tree, mut left) = (grown(&model), model.clone());
        let keys: Vec<_> = model.keys().copied().collect();
        for portion in portions.iter().filter(|_| !keys.is_empty()) {
            let batch: Batch = portion.iter().map(|index| (*index.get(&keys), None)).collect();
            apply(&mut tree, &batch);
            apply_model(&mut left, &batch);
            check(&tree, &left);
        }
        apply(&mut tree, &keys.iter().map(|key| (*key, None)).collect());
        check(&tree, &Model::new());
    }

    #[test]
    fn a_part_is_taken_out_whole(model in model(), batch in batch(), prefix in prop_oneof![any::<[u8; 2]>(), (0u8..2, 0u8..4).prop_map(|(a, b)| [a, b]), Just([0xff, 0xff])]) {
        let (mut tree, before) = (grown(&model), grown(&model));
        let is_inside = |key: &TreeKey| key.0[..2] == prefix;
        let inside: Model = model.iter().filter(|(key, _)| is_inside(key)).map(|(key, value)| (*key, *value)).collect();
        let mut outside: Model =
            model.iter().filter(|(key, _)| !is_inside(key)).map(|(key, value)| (*key, *value)).collect();
        let part = tree.part(prefix);
        check(&part, &inside);
        for key in inside.keys() {
            let whole = tree.prove(key);
            let lower = part.prove(key);
            prop_assert_eq!(&whole.path[..lower.path.len()], &lower.path[..], "a part's proofs are the lower ends");
            let held = value_hash(inside[key]);
            prop_assert_eq!(lower.verify(&part.root(), key, Some(&held)), Ok(()));
        }
        tree.remove_part(prefix);
        check(&tree, &outside);
        apply(&mut tree, &batch);
        apply_model(&mut outside, &batch);
        check(&tree, &outside);
        check(&before, &model);
        check(&part, &inside);
    }

    #[test]
    fn root_forgets_the_order_of_changes(records in btree_map(key(), (any::<u64>(), 0..5), 0..60), passing in model()) {
        let portion = |number: i32| -> Batch {
            let records = records.iter().filter(|(_, (_, portion))| *portion == number);
            records.map(|(key, (value, _))| (*key, Some(*value))).collect()
        };
        let model: Model = records.iter().map(|(key, (value, _))| (*key, *value)).collect();
        let (mut onward, mut backward) = (Tree::new(), grown(&passing));
        for number in 0..5 {
            apply(&mut onward, &portion(number));
            apply(&mut backward, &portion(4 - number));
        }
        apply(&mut backward, &passing.keys().filter(|key| !model.contains_key(key)).map(|key| (*key, None)).collect());
        check(&onward, &model);
        check(&backward, &model);
    }

    #[test]
    fn clones_keep_what_they_held(batches in vec(batch(), 1..10)) {
        let (mut tree, mut model) = (Tree::new(), Model::new());
        let mut kept = Vec::new();
        for batch in &batches {
            kept.push((tree.clone(), model.clone()));
            apply(&mut tree, batch);
            apply_model(&mut model, batch);
        }
        for (mut old, mut old_model) in kept {
            check(&old, &old_model);
            apply(&mut old, &batches[0]);
            apply_model(&mut old_model, &batches[0]);
            check(&old, &old_model);
        }
        check(&tree, &model);
    }

    #[test]
    fn ranges_are_those_of_an_ordered_map(model in model(), others in vec(key(), 0..20)) {
        let tree = grown(&model);
        for from in model.keys().chain(&others) {
            let range: Vec<_> = tree.range(from).map(|(key, value)| (*key, **value)).collect();
            let expected: Vec<_> = model.range(from..).map(|(key, value)| (*key, *value)).collect();
            prop_assert_eq!(tree.first_at_or_after(from).map(|(key, _)| *key), expected.first().map(|(key, _)| *key));
            prop_assert_eq!(range, expected);
        }
    }

    #[test]
    fn every_proof_verifies_and_says_only_what_is_true(model in model(), others in vec(key(), 0..20)) {
        let tree = grown(&model);
        let root = tree.root();
        for key in model.keys().chain(&others) {
            let proof = tree.prove(key);
            prop_assert_eq!(&codec::decode::<Proof>(&codec::encode(&proof)).expect("an encoding"), &proof);
            let stranger = value_hash(model.get(key).map_or(0, |value| value ^ 1));
            match model.get(key).map(|value| value_hash(*value)) {
                Some(held) => {
                    prop_assert_eq!(proof.verify(&root, key, Some(&held)), Ok(()));
                    prop_assert_eq!(proof.verify(&root, key, None), Err(ProofError::Present(held)));
                    prop_assert_eq!(proof.verify(&root, key, Some(&stranger)), Err(ProofError::Present(held)));
                }
                None => {
                    prop_assert_eq!(proof.verify(&root, key, None), Ok(()));
                    prop_assert_eq!(proof.verify(&root, key, Some(&stranger)), Err(ProofError::Absent));
                }
            }
            // No proof of one key proves a lie about another.
            for other in model.keys() {
                prop_assert!(proof.verify(&root, other, None).is_err());
                let lie = value_hash(model[other] ^ 1);
                prop_assert!(proof.verify(&root, other, Some(&lie)).is_err());
            }
        }
    }

    #[test]
    fn hostile_proofs_fail_without_panic(
        leaf in prop::option::of((key(), any::<[u8; 32]>())),
        path in vec((prop_oneof![0u16..280, any::<u16>()], any::<[u8; 32]>()), 0..400),
        sort in any::<bool>(),
        key in key(),
    ) {
        let mut path: Vec<_> = path.into_iter().map(|(bit, sibling)| Step { bit, sibling: Hash(sibling) }).collect();
        if sort {
            path.sort_by_key(|step| std::cmp::Reverse(step.bit));
            path.dedup_by_key(|step| step.bit);
        }
        let proof = Proof { leaf: leaf.map(|(key, value)| (key, Hash(value))), path };
        let root = Hash([7; 32]);
        prop_assert!(proof.verify(&root, &key, None).is_err());
        prop_assert!(proof.verify(&root, &key, Some(&root)).is_err());
    }

    #[test]
    fn from_sorted_refuses_what_does_not_ascend(model in btree_map(key(), any::<u64>(), 2..30), at in any::<prop::sample::Index>(), twice in any::<bool>()) {
        let mut records: Vec<_> = model.into_iter().map(|(key, value)| (key, value_hash(value), Arc::new(value))).collect();
        let at = at.index(records.len() - 1);
        if twice {
            records[at + 1].0 = records[at].0;
        } else {
            records.swap(at, at + 1);
        }
        let (before, key) = (records[at].0, records[at + 1].0);
        let error = Tree::from_sorted(records).expect_err("one key does not follow the one before it");
        prop_assert_eq!((error.before, error.key), (before, key));
    }
}

/// Every byte of proof, key, value and root, and every value of it, once.
#[test]
fn every_changed_byte_is_refused() {
    let model: Model =
        (0..40u64).map(|n| (TreeKey(spread(n)), n)).chain([(single_bit(271), 1), (single_bit(270), 2)]).collect();
    let tree = grown(&model);
    let (held, absent) = (single_bit(270), TreeKey([0x55; 34]));
    for (key, value) in [(held, Some(value_hash(2))), (absent, None)] {
        let (root, proof) = (tree.root(), tree.prove(&key));
        assert_eq!(proof.verify(&root, &key, value.as_ref()), Ok(()));
        let proof_bytes = codec::encode(&proof);
        each_change(&proof_bytes, |bytes| {
            let changed = codec::decode::<Proof>(bytes);
            assert!(changed.is_err() || changed.is_ok_and(|proof| proof.verify(&root, &key, value.as_ref()).is_err()));
        });
        each_change(&root.0, |bytes| {
            let root = Hash(bytes.try_into().expect("as long as before"));
            assert!(matches!(proof.verify(&root, &key, value.as_ref()), Err(ProofError::Root(_))));
        });
        each_change(&value.unwrap_or_default().0, |bytes| {
            let value = Hash(bytes.try_into().expect("as long as before"));
            assert!(proof.verify(&root, &key, Some(&value)).is_err());
        });
        // Another key may be absent by the same proof, but only when it is absent.
        each_change(&key.0, |bytes| {
            let key = TreeKey(bytes.try_into().expect("as long as before"));
            let verdict = proof.verify(&root, &key, value.as_ref());
            assert!(verdict.is_err() || value.is_none() && tree.get(&key).is_none());
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
fn the_deepest_tree_holds() {
    let mut model: Model = (0..272).map(|at| (single_bit(at), at as u64)).collect();
    model.insert(TreeKey([0; 34]), 272);
    let mut tree = Tree::new();
    apply(&mut tree, &model.iter().map(|(key, value)| (*key, Some(*value))).collect());
    check(&tree, &model);
    assert_eq!(tree.root(), grown(&model).root());
    let deepest = tree.prove(&TreeKey([0; 34]));
    assert_eq!(deepest.path.len(), 272);
    assert_eq!(deepest.verify(&tree.root(), &TreeKey([0; 34]), Some(&value_hash(272))), Ok(()));
    for at in (0..272).step_by(2) {
        apply(&mut tree, &Batch::from([(single_bit(at), None)]));
        model.remove(&single_bit(at));
    }
    check(&tree, &model);
}

#[test]
fn the_empty_tree_holds_nothing() {
    let tree = Tree::<u64>::new();
    let key = TreeKey([3; 34]);
    assert_eq!(tree.root(), Hash([0; 32]));
    assert_eq!(tree.prove(&key).verify(&tree.root(), &key, None), Ok(()));
    assert_eq!(tree.prove(&key).verify(&tree.root(), &key, Some(&value_hash(0))), Err(ProofError::Absent));
    let padded = Proof { leaf: None, path: vec![Step { bit: 0, sibling: Hash([0; 32]) }] };
    assert_eq!(padded.verify(&tree.root(), &key, None), Err(ProofError::Path(0)));
    assert_eq!(tree.iter().count(), 0);
}

#[test]
#[should_panic(expected = "changes must strictly ascend")]
fn a_batch_that_names_a_key_twice_is_refused() {
    let key = TreeKey([1; 34]);
    Tree::new().apply([(key, Some((value_hash(1), Arc::new(1u64)))), (key, None)]);
}

/// A change to an unshared tree allocates no second copy of what it does not touch: clones share untouched values.
#[test]
fn clones_share_values() {
    let model: Model = (0..100u64).map(|n| (TreeKey(spread(n)), n)).collect();
    let tree = grown(&model);
    let mut changed = tree.clone();
    let key = TreeKey(spread(5));
    apply(&mut changed, &Batch::from([(key, Some(1000))]));
    for ((one, old), (other, new)) in tree.iter().zip(&changed) {
        assert_eq!(one, other);
        assert_eq!(Arc::ptr_eq(old, new), *one != key);
    }
}

/// Roots that must never change: they are in headers that validators signed.
#[test]
fn roots_are_frozen() {
    let fixed =
        |keys: &[TreeKey]| grown(&keys.iter().zip(1..).map(|(key, value)| (*key, value)).collect()).root().to_string();
    let roots = [
        fixed(&[]),
        fixed(&[TreeKey([0; 34])]),
        fixed(&[TreeKey([0; 34]), TreeKey([0xff; 34])]),
        fixed(&[single_bit(271), single_bit(270), single_bit(15), single_bit(0)]),
        fixed(&(0..1000).map(|n| TreeKey(spread(n))).collect::<Vec<_>>()),
    ];
    assert_eq!(
        roots,
        [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "ab2ed7666e1c761f3227bd29dffe4a2e5c111d1217fc5db4bc69739a9a89328d",
            "ce99faf612c9bd0fac7f168bfb35a55a7ea192227a33907cef557e289d6e5736",
            "51ed196f56a02d1c1dca6a4f5fe732ac9bd16120933fdbfcd8e20aac870e73c3",
            "5d1e6f91b1b98de8eb278e193903fccc2f2b4a03f9c7f99be621e05ab2643369",
        ]
    );
}

/// Keys of the shape that the ledger uses: a year, then a hash.
fn spread(n: u64) -> [u8; 34] {
    let mut key = [0; 34];
    key[..2].copy_from_slice(&2027u16.to_be_bytes());
    key[2..].copy_from_slice(&hash(Domain::RecordKey, &[&n.to_le_bytes()]).0);
    key
}
