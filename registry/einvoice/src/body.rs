//! Lines, VAT breakdown and totals of a document: computed once, the same for invoice and credit note.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use jiff::civil::Date;
use keis_ledger::ids::OrderId;
use keis_ledger::money::Cents;

use crate::error::InvoiceError;
use crate::split::{net_shares, tax_within};
use crate::text::Text;
use crate::vat::{Group, NO_RATE, Treatment};

/// Most lines of a document.
pub const MAX_LINES: usize = 2_000;

/// A line as the document shows it (BG-25).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The order (BT-128).
    pub order: OrderId,
    /// The service's title (BT-153).
    pub title: Text,
    /// The day of supply (BG-26).
    pub supplied: Date,
    /// Pupils that the amount is for (BT-129).
    pub pupils: NonZeroU32,
    /// What it costs, VAT included.
    pub gross: Cents,
    /// How it is taxed.
    pub treatment: Treatment,
    /// What it costs without VAT (BT-131).
    pub net: Cents,
}

/// One VAT breakdown (BG-23).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breakdown {
    /// What it covers.
    pub group: Group,
    /// The exemption's code (BT-121), the one for all its lines; none for what is taxed.
    pub exemption: Option<&'static str>,
    /// Sum of its lines, VAT included.
    pub gross: Cents,
    /// Sum of its lines without VAT (BT-116).
    pub taxable: Cents,
    /// The VAT (BT-117).
    pub tax: Cents,
}

/// A document's totals (BG-22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Without VAT (BT-106, BT-109).
    pub net: Cents,
    /// VAT (BT-110).
    pub tax: Cents,
    /// With VAT (BT-112), which is what is due (BT-115): to the cent what the ledger moves.
    pub gross: Cents,
}

/// Everything of a document that is arithmetic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    pub(crate) lines: Vec<Charge>,
    pub(crate) groups: Vec<Breakdown>,
    pub(crate) totals: Totals,
}

impl Body {
    /// Splits lines, whose nets are not known yet, into net and VAT: the VAT of each group from its gross sum, the
    /// lines' nets from the group's. `before` is what was split off the same groups before, so that the VAT of all
    /// credit notes of an invoice adds up to the invoice's.
    pub(crate) fn new(mut lines: Vec<Charge>, before: &BTreeMap<Group, Cents>) -> Result<Self, InvoiceError> {
        if lines.is_empty() {
            return Err(InvoiceError::NoLines);
        }
        if lines.len() > MAX_LINES {
            return Err(InvoiceError::TooManyLines { lines: lines.len() });
        }
        let mut members: BTreeMap<Group, Vec<usize>> = BTreeMap::new();
        for (index, line) in lines.iter().enumerate() {
            if line.gross.is_zero() {
                return Err(InvoiceError::AmountZero { order: line.order });
            }
            members.entry(line.treatment.group()).or_default().push(index);
        }
        let mut groups = Vec::new();
        let mut totals = Totals::default();
        for (group, members) in members {
            let before = before.get(&group).copied().unwrap_or_default();
            let breakdown = split(&mut lines, group, &members, before)?;
            let sum = |sum: Cents, part: Cents| sum.checked_add(part).ok_or(InvoiceError::TotalTooLarge);
            totals.net = sum(totals.net, breakdown.taxable)?;
            totals.tax = sum(totals.tax, breakdown.tax)?;
            totals.gross = sum(totals.gross, breakdown.gross)?;
            groups.push(breakdown);
        }
        Ok(Self { lines, groups, totals })
    }
}

fn split(lines: &mut [Charge], group: Group, members: &[usize], before: Cents) -> Result<Breakdown, InvoiceError> {
    let each: Vec<Cents> = members.iter().map(|index| lines[*index].gross).collect();
    let add = |sum: Cents, part: &Cents| sum.checked_add(*part).ok_or(InvoiceError::TotalTooLarge);
    let gross = each.iter().try_fold(Cents::ZERO, add)?;
    let after = before.checked_add(gross).ok_or(InvoiceError::TotalTooLarge)?;
    let rate = group.rate().unwrap_or(NO_RATE);
    let tax = tax_within(after, rate).saturating_sub(tax_within(before, rate));
    let taxable = gross.saturating_sub(tax);
    for (index, net) in members.iter().zip(net_shares(&each, rate, taxable)) {
        lines[*index].net = net;
    }
    let mut codes = members.iter().map(|index| lines[*index].treatment.exemption());
    let first = codes.next().expect("a group has lines");
    // Two reasons in the one breakdown of category E: the code that names the article of both.
    let exemption = if codes.all(|code| code == first) { first } else { Some(EXEMPT) };
    Ok(Breakdown { group, exemption, gross, taxable, tax })
}

/// Exempt by article 132, without saying by which of its points.
pub(crate) const EXEMPT: &str = "VATEX-EU-132";
