//! Cents as decimal text and back; nowhere else in the crate is money written or read.

use keis_ledger::money::{BasisPoints, Cents};

/// The decimal text of an amount: two decimals, no sign, no grouping.
pub fn text_of(amount: Cents) -> String {
    format!("{}.{:02}", amount.get() / 100, amount.get() % 100)
}

/// A rate in per cent: as many decimals as it needs.
pub fn percent(rate: BasisPoints) -> String {
    let text = format!("{}.{:02}", rate.get() / 100, rate.get() % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An amount of someone else's document in cents: `xs:decimal` with at most two decimals that are not zero.
pub(crate) fn cents_of(text: &str) -> Option<i64> {
    let (sign, digits) = match text.trim().strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.trim().strip_prefix('+').unwrap_or(text.trim())),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + part.len() == 0 || !plain(whole) || !plain(part) {
        return None;
    }
    let part = part.trim_end_matches('0');
    if part.len() > 2 {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    whole.checked_mul(100)?.checked_add(part)?.checked_mul(sign)
}

/// A rate of someone else's document in basis points: at most two decimals that are not zero, at most the whole.
pub(crate) fn rate_of(text: &str) -> Option<BasisPoints> {
    BasisPoints::new(u16::try_from(cents_of(text)?).ok()?)
}
