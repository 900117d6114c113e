//! Invoice and credit note: facts that have passed every rule, with their arithmetic done.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use jiff::civil::Date;
use keis_ledger::ids::OrderId;
use keis_ledger::money::Cents;
use serde::{Deserialize, Serialize};

use crate::body::{Body, Breakdown, Charge, Totals};
use crate::error::InvoiceError;
use crate::facts::Facts;
use crate::text::{Text, VatNumber};
use crate::vat::{Group, Treatment, treatment};
use crate::write;

/// An invoice (BT-3: 380).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    pub(crate) facts: Facts,
    pub(crate) body: Body,
}

impl Invoice {
    /// The invoice of these facts. Equal facts give equal bytes.
    ///
    /// # Errors
    /// [`InvoiceError`], in the order of the checks: terms and dates, lines, total, taxation, amounts.
    pub fn draw(facts: Facts) -> Result<Self, InvoiceError> {
        terms(&facts)?;
        lines(&facts)?;
        facts.settlement.adds_up()?;
        let charges = charges(&facts)?;
        status(&charges, &facts)?;
        let body = Body::new(charges, &BTreeMap::new())?;
        Ok(Self { facts, body })
    }

    /// What it was made from.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Its lines.
    pub fn lines(&self) -> &[Charge] {
        &self.body.lines
    }

    /// Its VAT breakdown.
    pub fn breakdown(&self) -> &[Breakdown] {
        &self.body.groups
    }

    /// Its totals.
    pub fn totals(&self) -> Totals {
        self.body.totals
    }

    /// The document: UBL 2.1, UTF-8.
    pub fn to_xml(&self) -> Vec<u8> {
        write::invoice(self)
    }

    /// The seller's VAT number, where it was registered.
    pub(crate) fn vat_number(&self) -> Option<&VatNumber> {
        self.facts.seller.vat_on(self.body.lines[0].supplied)
    }
}

fn terms(facts: &Facts) -> Result<(), InvoiceError> {
    let (heading, period) = (&facts.heading, &facts.settlement.period);
    if facts.programme.reference.is_none() && facts.programme.order.is_none() {
        return Err(InvoiceError::ReferenceMissing);
    }
    if heading.due < heading.issued {
        return Err(InvoiceError::DueBeforeIssue { issued: heading.issued, due: heading.due });
    }
    if period.until < period.from {
        return Err(InvoiceError::PeriodBackwards { from: period.from, until: period.until });
    }
    Ok(())
}

fn lines(facts: &Facts) -> Result<(), InvoiceError> {
    let mut orders = BTreeSet::new();
    for line in &facts.settlement.lines {
        if !orders.insert(line.order) {
            return Err(InvoiceError::OrderTwice { order: line.order });
        }
        if !facts.settlement.period.has(line.supplied) {
            return Err(InvoiceError::OutsidePeriod { order: line.order, day: line.supplied });
        }
    }
    Ok(())
}

fn charges(facts: &Facts) -> Result<Vec<Charge>, InvoiceError> {
    let charge = |line: &crate::facts::Line| {
        let treatment = treatment(line.order, line.vat, line.supplied, &facts.seller, &facts.programme.rates)?;
        Ok(Charge {
            order: line.order,
            title: line.title.clone(),
            supplied: line.supplied,
            pupils: line.pupils,
            gross: line.gross,
            treatment,
            net: Cents::ZERO,
        })
    };
    facts.settlement.lines.iter().map(charge).collect()
}

/// One status and one VAT number of the seller over all lines.
fn status(charges: &[Charge], facts: &Facts) -> Result<(), InvoiceError> {
    let is_registered = |charge: &&Charge| charge.treatment != Treatment::NotRegistered;
    let registered = charges.iter().find(is_registered);
    let unregistered = charges.iter().find(|charge| !is_registered(charge));
    if let (Some(registered), Some(unregistered)) = (registered, unregistered) {
        return Err(InvoiceError::MixedStatus { registered: registered.order, unregistered: unregistered.order });
    }
    let number = |charge: &Charge| facts.seller.vat_on(charge.supplied);
    match charges.iter().find(|charge| number(charge) != number(&charges[0])) {
        Some(other) => Err(InvoiceError::MixedVatNumbers { order: other.order }),
        None => Ok(()),
    }
}

/// What of an order was credited before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credited {
    /// The order.
    pub order: OrderId,
    /// How much, VAT included.
    pub gross: Cents,
}

/// What of an order is credited now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditLine {
    /// The order.
    pub order: OrderId,
    /// How much, VAT included.
    pub gross: Cents,
    /// Pupils that the amount is for.
    pub pupils: NonZeroU32,
}

/// What the provider sets on a credit note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditHeading {
    /// Number (BT-1).
    pub number: Text,
    /// Day of issue (BT-2).
    pub issued: Date,
    /// Why (BT-22).
    pub reason: Option<Text>,
}

/// A credit note (BT-3: 381) of an invoice, as a whole or of single lines, taxed as the invoice was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditNote {
    pub(crate) invoice: Invoice,
    pub(crate) heading: CreditHeading,
    pub(crate) body: Body,
}

impl CreditNote {
    /// A credit note of these orders' amounts, after the earlier ones.
    ///
    /// # Errors
    /// [`InvoiceError`]: number or date at odds with the invoice, an order that is not on it or twice in the credit, an
    /// amount of nothing or above what is left.
    pub fn draw(
        invoice: &Invoice,
        heading: CreditHeading,
        before: &[Credited],
        credits: &[CreditLine],
    ) -> Result<Self, InvoiceError> {
        if heading.number == invoice.facts.heading.number {
            return Err(InvoiceError::NumberOfInvoice);
        }
        if heading.issued < invoice.facts.heading.issued {
            return Err(InvoiceError::BeforeInvoice { issued: heading.issued });
        }
        let invoiced: BTreeMap<OrderId, &Charge> = invoice.lines().iter().map(|line| (line.order, line)).collect();
        let earlier = earlier(&invoiced, before)?;
        let mut seen = BTreeSet::new();
        let mut charges = Vec::with_capacity(credits.len());
        for credit in credits {
            let line = invoiced.get(&credit.order).ok_or(InvoiceError::OrderNotInvoiced { order: credit.order })?;
            if !seen.insert(credit.order) {
                return Err(InvoiceError::OrderTwice { order: credit.order });
            }
            let open = line.gross.saturating_sub(earlier.get(&credit.order).copied().unwrap_or_default());
            if credit.gross > open {
                return Err(InvoiceError::AboveOpen { order: credit.order, open });
            }
            charges.push(Charge { gross: credit.gross, pupils: credit.pupils, ..(*line).clone() });
        }
        let body = Body::new(charges, &by_group(&invoiced, &earlier)?)?;
        Ok(Self { invoice: invoice.clone(), heading, body })
    }

    /// A credit note of everything that is left of an invoice.
    ///
    /// # Errors
    /// As [`Self::draw`]; [`InvoiceError::NoLines`] when nothing is left.
    pub fn of_rest(invoice: &Invoice, heading: CreditHeading, before: &[Credited]) -> Result<Self, InvoiceError> {
        let credited = |order: OrderId| before.iter().filter(move |credit| credit.order == order);
        let left = |line: &Charge| {
            let gross = credited(line.order).fold(line.gross, |open, credit| open.saturating_sub(credit.gross));
            CreditLine { order: line.order, gross, pupils: line.pupils }
        };
        let rest: Vec<CreditLine> = invoice.lines().iter().map(left).filter(|line| !line.gross.is_zero()).collect();
        Self::draw(invoice, heading, before, &rest)
    }

    /// Its invoice.
    pub fn invoice(&self) -> &Invoice {
        &self.invoice
    }

    /// Its number, date and reason.
    pub fn heading(&self) -> &CreditHeading {
        &self.heading
    }

    /// Its lines.
    pub fn lines(&self) -> &[Charge] {
        &self.body.lines
    }

    /// Its VAT breakdown.
    pub fn breakdown(&self) -> &[Breakdown] {
        &self.body.groups
    }

    /// Its totals, positive as on every credit note.
    pub fn totals(&self) -> Totals {
        self.body.totals
    }

    /// The document: UBL 2.1, UTF-8.
    pub fn to_xml(&self) -> Vec<u8> {
        write::credit_note(self)
    }
}

/// What was credited of each order before, which is at most what it cost.
fn earlier(
    invoiced: &BTreeMap<OrderId, &Charge>,
    before: &[Credited],
) -> Result<BTreeMap<OrderId, Cents>, InvoiceError> {
    let mut sums: BTreeMap<OrderId, Cents> = BTreeMap::new();
    for credit in before {
        let line = invoiced.get(&credit.order).ok_or(InvoiceError::OrderNotInvoiced { order: credit.order })?;
        let sum = sums.entry(credit.order).or_default();
        let open = line.gross.saturating_sub(*sum);
        *sum = sum.checked_add(credit.gross).ok_or(InvoiceError::TotalTooLarge)?;
        if *sum > line.gross {
            return Err(InvoiceError::AboveOpen { order: credit.order, open });
        }
    }
    Ok(sums)
}

fn by_group(
    invoiced: &BTreeMap<OrderId, &Charge>,
    earlier: &BTreeMap<OrderId, Cents>,
) -> Result<BTreeMap<Group, Cents>, InvoiceError> {
    let mut sums: BTreeMap<Group, Cents> = BTreeMap::new();
    for (order, gross) in earlier {
        let sum = sums.entry(invoiced[order].treatment.group()).or_default();
        *sum = sum.checked_add(*gross).ok_or(InvoiceError::TotalTooLarge)?;
    }
    Ok(sums)
}
