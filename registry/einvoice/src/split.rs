//! From a gross price to net and VAT: the numbers alone. `decisions/0001-gross-to-net.md` says why this and nothing
//! else.

use keis_ledger::money::{BasisPoints, Cents};

/// The whole in basis points.
const WHOLE: u128 = 10_000;

/// The VAT that a gross amount holds: gross × rate ÷ (1 + rate), half a cent rounded up.
///
/// Whenever any split into whole cents has a VAT that is exactly its net times the rate, rounded, this is that split.
/// Where none exists (one gross amount in six at 21 %), it is a cent away from that product.
pub fn tax_within(gross: Cents, rate: BasisPoints) -> Cents {
    let (gross, rate) = (u128::from(gross.get()), u128::from(rate.get()));
    let divisor = 2 * (WHOLE + rate);
    let tax = (2 * gross * rate + WHOLE + rate) / divisor;
    Cents::new(u64::try_from(tax).expect("a part of an amount fits where the amount does"))
}

/// Shares a net amount out to the lines that make it up, in proportion to what they cost gross: each line gets its
/// exact net rounded down or up, the cents go to the largest remainders first, among equal ones to the earlier line.
/// The shares add up to `net`.
///
/// # Panics
/// When `net` is not the gross sum less its VAT to the next whole cent below or above: the caller computed it so.
pub fn net_shares(gross: &[Cents], rate: BasisPoints, net: Cents) -> Vec<Cents> {
    let divisor = WHOLE + u128::from(rate.get());
    let exact = |gross: &Cents| u128::from(gross.get()) * WHOLE;
    let mut shares: Vec<u128> = gross.iter().map(|gross| exact(gross) / divisor).collect();
    let given: u128 = shares.iter().sum();
    let left = u128::from(net.get()).checked_sub(given).expect("lines rounded down never exceed their sum rounded");

    let mut order: Vec<usize> = (0..gross.len()).collect();
    order.sort_by_key(|line| (std::cmp::Reverse(exact(&gross[*line]) % divisor), *line));
    let left = usize::try_from(left).expect("less than a cent a line is left");
    assert!(left <= gross.len(), "{left} cents are left of {} lines", gross.len());
    for line in &order[..left] {
        shares[*line] += 1;
    }
    let cents = |share: u128| Cents::new(u64::try_from(share).expect("a net is at most its gross"));
    shares.into_iter().map(cents).collect()
}
