//! Many signatures judged together: all of them hold by `verify_strict`, or it is not said that they do.
//!
//! A member's key and nonce are points in their one encoding, the key of prime order and the nonce not zero; what is anything
//! else is judged alone at once. With a random number `z` of 128 bits for each member, the nonces are added up 128 times, the
//! `k`-th time those whose `z` has bit `k`:
//!
//! - each such sum must be of prime order: then every nonce is, for a part of small order is in a sum by the toss of a coin;
//! - the sums, doubled up, are `Σ z·R`, and with the rest `Σ z·(s·B − k·A − R)` must be zero: then each bracket is.
//!
//! The coins are the judge's own, so what a forger hopes for is at most 2⁻¹²⁷ (`decisions/0010`).

use std::collections::BTreeMap;

use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{Identity, IsIdentity, VartimeMultiscalarMul};
use sha2::{Digest, Sha512};

use super::{KnownKeys, PublicKey, Signature};

/// Signatures that wait to be judged together.
pub struct Signatures {
    coins: blake3::OutputReader,
    /// The members' nonces and their random numbers.
    nonces: Vec<EdwardsPoint>,
    factors: Vec<Factor>,
    /// `Σ z·s`.
    answers: Scalar,
    /// The members' keys, each with its `Σ z·k`.
    signers: Vec<(EdwardsPoint, Scalar)>,
    places: BTreeMap<PublicKey, usize>,
    /// Whether somebody who was judged alone did not hold.
    refused: bool,
}

/// A random number of 128 bits, little endian.
type Factor = [u8; 16];

/// Sums of nonces by one byte of their numbers.
const BUCKETS: usize = 1 << u8::BITS;

impl Signatures {
    /// So many are worth judging together: the sums cost as much as some two hundred signatures.
    pub const WORTH: usize = 400;

    /// None yet, with room for so many. The coins come from 32 secret bytes that the caller draws from a sound source, anew
    /// each time: who knows them can forge.
    pub fn with_room(members: usize, coins: &[u8; 32]) -> Self {
        Self {
            coins: blake3::Hasher::new_keyed(coins).finalize_xof(),
            nonces: Vec::with_capacity(members),
            factors: Vec::with_capacity(members),
            answers: Scalar::ZERO,
            signers: Vec::new(),
            places: BTreeMap::new(),
            refused: false,
        }
    }

    /// Adds a signature over a message, which is `parts` one after the other.
    pub fn add(&mut self, keys: &mut KnownKeys, key: &PublicKey, parts: &[&[u8]], signature: &Signature) {
        let (nonce_bytes, answer_bytes) = signature.halves();
        let member = (self.place(keys, key), nonce(nonce_bytes), Scalar::from_canonical_bytes(*answer_bytes).into());
        let (Some(place), Some(nonce), Some(answer)) = member else {
            self.refused |= !keys.find(key).verify(&parts.concat(), signature);
            return;
        };
        let mut challenge = Sha512::new().chain_update(nonce_bytes).chain_update(key.0);
        parts.iter().for_each(|part| challenge.update(part));
        let mut factor = Factor::default();
        self.coins.fill(&mut factor);
        let number = Scalar::from(u128::from_le_bytes(factor));
        let answer: Scalar = answer;
        self.answers += number * answer;
        self.signers[place].1 += number * Scalar::from_bytes_mod_order_wide(&challenge.finalize().into());
        self.nonces.push(nonce);
        self.factors.push(factor);
    }

    /// Where a key stands among the signers, if it may be a member's.
    fn place(&mut self, keys: &mut KnownKeys, key: &PublicKey) -> Option<usize> {
        if let Some(place) = self.places.get(key) {
            return Some(*place);
        }
        let point = keys.of_prime_order(key)?;
        let place = self.signers.len();
        self.signers.push((point, Scalar::ZERO));
        self.places.insert(*key, place);
        Some(place)
    }

    /// Whether every signature that was added is known to hold. Of those that do not, one at least fails `verify_strict`.
    pub fn hold(self) -> bool {
        if self.refused {
            return false;
        }
        // Highest bit first, as the sums are doubled up.
        let sums = (0..size_of::<Factor>()).rev().flat_map(|byte| self.sums(byte).into_iter().rev());
        let mut total = EdwardsPoint::identity();
        for sum in sums {
            if !sum.is_torsion_free() {
                return false;
            }
            total = total + total + sum;
        }
        let scalars = self.signers.iter().map(|(_, scalar)| *scalar);
        let points = self.signers.iter().map(|(point, _)| *point);
        let signed = EdwardsPoint::vartime_multiscalar_mul(scalars, points);
        (EdwardsPoint::mul_base(&self.answers) - signed - total).is_identity()
    }

    /// The sums of those nonces whose numbers have the one or the other bit of a byte, lowest bit first.
    fn sums(&self, byte: usize) -> [EdwardsPoint; 8] {
        let mut buckets = [EdwardsPoint::identity(); BUCKETS];
        for (nonce, factor) in self.nonces.iter().zip(&self.factors) {
            buckets[usize::from(factor[byte])] += nonce;
        }
        let mut sums = [EdwardsPoint::identity(); 8];
        let mut rest = &mut buckets[..];
        for sum in sums.iter_mut().rev() {
            let (without, with) = rest.split_at_mut(rest.len() / 2);
            *sum = with.iter().sum();
            without.iter_mut().zip(with).for_each(|(one, other)| *one += &*other);
            rest = without;
        }
        sums
    }
}

/// The point of a nonce in its one encoding that is not zero; others are no members.
fn nonce(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    let mut coordinate = *bytes;
    coordinate[31] &= 0x7f;
    let [lowest, middle @ .., highest] = coordinate;
    let reduced = highest != 0x7f || middle != [0xff; 30] || lowest < 0xed;
    let zero = lowest == 1 && middle == [0; 30] && highest == 0;
    (reduced && !zero).then(|| CompressedEdwardsY(*bytes).decompress())?
}
