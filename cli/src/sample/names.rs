//! Invented names and codes. No person, school or provider of this name or code exists.
//!
//! Every name of a person begins with letters that Lithuanian does not have (Q, W, X), so that it belongs to nobody and
//! a test for leaked names finds nothing by chance.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::programme::{CertificateNumber, LegalCode, RegisterCode};

const GIVEN_BEGIN: &[&str] = &["Qua", "Qve", "Wil", "Wai", "Xan", "Xim", "Quo", "Wer", "Xyl", "Wun", "Qin", "Xor"];
const FAMILY_BEGIN: &[&str] = &["Qvar", "Wasch", "Xend", "Quibr", "Wolgr", "Xatr", "Quest", "Windr", "Xulv", "Werb"];
const MIDDLE: &[&str] = &[
    "dri", "me", "lūn", "taš", "bro", "zė", "ru", "gvi", "čal", "ni", "sto", "vai", "ke", "mur", "žy", "po", "lė",
    "trin", "das", "gu",
];
const GIVEN_END: &[&str] = &["a", "as", "ė", "is", "us", "ja"];
const FAMILY_END: &[&str] = &["urka", "onas", "ytė", "elis", "aitė", "ūnas", "ovė", "enis"];

fn one<'a>(rng: &mut ChaCha8Rng, syllables: &[&'a str]) -> &'a str {
    syllables.choose(rng).expect("no list of syllables is empty")
}

pub(super) fn given_name(rng: &mut ChaCha8Rng) -> Box<str> {
    let (begin, middle, end) = (one(rng, GIVEN_BEGIN), one(rng, MIDDLE), one(rng, GIVEN_END));
    format!("{begin}{middle}{end}").into()
}

pub(super) fn family_name(rng: &mut ChaCha8Rng) -> Box<str> {
    let begin = one(rng, FAMILY_BEGIN);
    let first = one(rng, MIDDLE);
    let second = if rng.random_bool(0.5) { one(rng, MIDDLE) } else { "" };
    let end = one(rng, FAMILY_END);
    format!("{begin}{first}{second}{end}").into()
}

/// Register codes in no visible order: `position` is carried to a place of its own among all ten-digit numbers.
pub(super) fn register_code(position: u64, seed: u64) -> RegisterCode {
    const FIRST: u64 = 1_000_000_000;
    const COUNT: u64 = 9_000_000_000;
    assert!(position < COUNT, "only so many codes have ten digits");
    // A permutation of 34 bits, walked until it lands among the codes again: still a permutation, of fewer.
    let mut place = shuffled(position, seed);
    while place >= COUNT {
        place = shuffled(place, seed);
    }
    RegisterCode::new(FIRST + place)
}

/// Four rounds of a Feistel network over two halves of 17 bits.
fn shuffled(place: u64, seed: u64) -> u64 {
    const HALF: u64 = (1 << 17) - 1;
    let (mut left, mut right) = (place >> 17, place & HALF);
    for round in 1..=4_u64 {
        let mixed = (right ^ seed.rotate_left(7)).wrapping_add(round).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (left, right) = (right, left ^ ((mixed ^ (mixed >> 31)) >> 13 & HALF));
    }
    left << 17 | right
}

/// Legal entity codes begin with 98 (schools) or 99 (providers): the register has given out no such code.
pub(super) fn school_code(position: usize) -> LegalCode {
    LegalCode::from_stem(98_000_000 + stem(position))
}

pub(super) fn provider_code(position: usize) -> LegalCode {
    LegalCode::from_stem(99_000_000 + stem(position))
}

fn stem(position: usize) -> u32 {
    // 137 shares no factor with a million.
    u32::try_from(position * 137 % 1_000_000).expect("below a million")
}

pub(super) fn certificate(position: usize) -> CertificateNumber {
    CertificateNumber::new(9_000_000 + stem(position))
}

const PLACE_NAMES: &[&str] =
    &["Vario", "Gluosnių", "Pilkalnio", "Ąžuolų", "Upelio", "Vėtrungės", "Smilčių", "Šaltinio", "Ežero", "Aušros"];

pub(super) fn school_name(rng: &mut ChaCha8Rng, position: usize, highest_grade: u8) -> String {
    let kind = match highest_grade {
        0..=4 => "pradinė mokykla",
        5..=10 => "pagrindinė mokykla",
        _ => "gimnazija",
    };
    format!("Pavyzdinė {} {kind} Nr. {}", one(rng, PLACE_NAMES), position + 1)
}

pub(super) fn provider_name(rng: &mut ChaCha8Rng, position: usize, natural: bool) -> String {
    if natural {
        return format!("{} {}", given_name(rng), family_name(rng));
    }
    const KINDS: &[&str] = &["muziejus", "teatras", "kultūros centras", "edukacijų studija", "koncertinė įstaiga"];
    format!("{} {} Nr. {}", one(rng, PLACE_NAMES), one(rng, KINDS), position + 1)
}
