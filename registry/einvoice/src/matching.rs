//! Whether a provider's own document is the invoice of a settlement, or the credit note of what is credited of one.

use std::collections::{BTreeMap, BTreeSet};

use keis_ledger::ids::OrderId;
use keis_ledger::money::{BasisPoints, Cents};

use crate::facts::Settlement;
use crate::party::{Buyer, Identity, Seller};
use crate::received::{Kind, Received, ReceivedLine};

/// What is not as the settlement has it. Amounts are in cents. Names are not compared: people write them in many ways.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// It is a credit note.
    #[error("it is no invoice")]
    NotInvoice,
    /// It is an invoice.
    #[error("it is no credit note")]
    NotCreditNote,
    /// A credit note names another invoice than the one it is about (BT-25), or none.
    #[error("it is not about invoice {number}")]
    Invoice {
        /// The invoice's number.
        number: String,
    },
    /// It is not in euro.
    #[error("the currency is not EUR")]
    Currency,
    /// The seller's register code or certificate is another, or missing.
    #[error("the seller is another")]
    Seller,
    /// The seller's VAT number is another, missing where VAT is due, or there while the seller is not registered.
    #[error("the seller's VAT number is not that of the days of supply")]
    SellerVat,
    /// The buyer's register code is another, or missing.
    #[error("the buyer is another")]
    Buyer,
    /// The account is not the seller's.
    #[error("the account is not the seller's")]
    Account,
    /// The total with VAT is not what the settlement owes.
    #[error("the total is {document} cents, the settlement's {settlement}")]
    Total {
        /// On the document (BT-112).
        document: i64,
        /// On the ledger.
        settlement: Cents,
    },
    /// What is due is not the total: something was paid before, or rounded.
    #[error("{payable} cents are due of a total of {total}")]
    Payable {
        /// What is due (BT-115).
        payable: i64,
        /// The total with VAT (BT-112).
        total: i64,
    },
    /// The document's own sums do not hold; allowances and charges are not taken.
    #[error("the sums of {rule} do not hold")]
    Sum {
        /// The rule.
        rule: &'static str,
    },
    /// VAT is shown for a seller who was not registered.
    #[error("VAT is shown, but the seller was not registered for it")]
    VatNotDue,
    /// A VAT breakdown is not its taxable amount times its rate, by more than a cent a line.
    #[error("the VAT of category {category} is not its rate of {taxable} cents")]
    Vat {
        /// The category.
        category: String,
        /// Its taxable amount.
        taxable: i64,
    },
    /// No line names an order of the settlement.
    #[error("{order} is missing")]
    OrderMissing {
        /// The order.
        order: OrderId,
    },
    /// An order is named that is not in the settlement.
    #[error("{order} is not in the settlement")]
    OrderForeign {
        /// The order.
        order: OrderId,
    },
    /// A line names no order.
    #[error("line {line} names no order")]
    LineWithoutOrder {
        /// The line's identifier.
        line: String,
    },
    /// An order's lines, with VAT, are not what the ledger owes for it.
    #[error("the lines of {order} come to {document} cents with VAT, the ledger owes {settlement}")]
    OrderAmount {
        /// The order.
        order: OrderId,
        /// On the document, rounded.
        document: i64,
        /// On the ledger.
        settlement: Cents,
    },
    /// The id of a pupil's wallet stands in it.
    #[error("it names a pupil's wallet")]
    NamesPupil,
}

impl Received {
    /// Whether this is the invoice of a settlement: parties, account, totals and orders match.
    ///
    /// # Errors
    /// Every [`Difference`].
    pub fn matches(&self, settlement: &Settlement, seller: &Seller, buyer: &Buyer) -> Result<(), Vec<Difference>> {
        let mut differences = Vec::new();
        if self.kind != Kind::Invoice {
            differences.push(Difference::NotInvoice);
        }
        let account: BTreeSet<&str> = [seller.account.iban.as_str()].into();
        if !self.accounts.iter().map(String::as_str).eq(account) {
            differences.push(Difference::Account);
        }
        self.compare(settlement, seller, buyer, differences)
    }

    /// Whether this is the credit note of what `credited` holds: parties, totals and orders match as an invoice's do, and it names
    /// the invoice, if its number is known. Money may go back to any account, so none is compared.
    ///
    /// # Errors
    /// Every [`Difference`].
    pub fn credits(
        &self,
        credited: &Settlement,
        (seller, buyer): (&Seller, &Buyer),
        invoice: Option<&str>,
    ) -> Result<(), Vec<Difference>> {
        let mut differences = Vec::new();
        if self.kind != Kind::CreditNote {
            differences.push(Difference::NotCreditNote);
        }
        if let Some(number) = invoice
            && !self.preceding.iter().map(String::as_str).eq([number.trim()])
        {
            differences.push(Difference::Invoice { number: number.trim().to_owned() });
        }
        self.compare(credited, seller, buyer, differences)
    }

    /// What both kinds of documents have in common.
    fn compare(
        &self,
        settlement: &Settlement,
        seller: &Seller,
        buyer: &Buyer,
        mut differences: Vec<Difference>,
    ) -> Result<(), Vec<Difference>> {
        let mut check = |holds: bool, difference: Difference| {
            if !holds {
                differences.push(difference);
            }
        };
        check(self.currency == "EUR", Difference::Currency);
        check(self.is_of_seller(seller), Difference::Seller);
        check(self.buyer.code.as_deref() == Some(buyer.code.as_str()), Difference::Buyer);
        check(!self.names_pupil, Difference::NamesPupil);
        differences.extend(self.registration(settlement, seller));
        differences.extend(self.sums(settlement));
        differences.extend(self.taxes());
        differences.extend(self.orders(settlement));
        if differences.is_empty() { Ok(()) } else { Err(differences) }
    }

    fn is_of_seller(&self, seller: &Seller) -> bool {
        match &seller.identity {
            Identity::Legal(code) => self.seller.code.as_deref() == Some(code.as_str()),
            Identity::Natural(certificate) => self.seller.ids.iter().any(|id| id == certificate.as_str()),
        }
    }

    /// The VAT number is that of every day of supply, and without one there is no VAT.
    fn registration(&self, settlement: &Settlement, seller: &Seller) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut numbers = settlement.lines.iter().map(|line| seller.vat_on(line.supplied));
        let first = numbers.next().flatten();
        let is_number = |number: Option<&crate::VatNumber>| number.map(|n| n.as_str()) == self.seller.vat.as_deref();
        if !is_number(first) || numbers.any(|number| number != first) {
            differences.push(Difference::SellerVat);
        }
        if first.is_none() && (self.totals.tax != 0 || self.breakdown.iter().any(|group| group.category == "S")) {
            differences.push(Difference::VatNotDue);
        }
        differences
    }

    fn sums(&self, settlement: &Settlement) -> Vec<Difference> {
        let totals = &self.totals;
        let mut differences = Vec::new();
        if i64::try_from(settlement.total.get()) != Ok(totals.gross) {
            differences.push(Difference::Total { document: totals.gross, settlement: settlement.total });
        }
        if totals.payable != totals.gross {
            differences.push(Difference::Payable { payable: totals.payable, total: totals.gross });
        }
        let lines = sum(self.lines.iter().map(|line| line.net));
        let taxes = sum(self.breakdown.iter().map(|group| group.tax));
        let rules = [
            ("BR-CO-10", lines == i128::from(totals.lines)),
            ("BR-CO-13", totals.lines == totals.net),
            ("BR-CO-14", taxes == i128::from(totals.tax)),
            ("BR-CO-15", i128::from(totals.net) + i128::from(totals.tax) == i128::from(totals.gross)),
        ];
        differences.extend(rules.iter().filter(|(_, holds)| !holds).map(|(rule, _)| Difference::Sum { rule }));
        differences
    }

    /// Each breakdown covers its lines, and its VAT is its rate of them.
    fn taxes(&self) -> Vec<Difference> {
        let points = |rate: Option<BasisPoints>| rate.map_or(0, BasisPoints::get);
        let mut members: BTreeMap<(&str, u16), (i128, i128)> = BTreeMap::new();
        for line in &self.lines {
            let category = line.category.as_deref().unwrap_or_default();
            let (count, taxable) = members.entry((category, points(line.rate))).or_default();
            *count += 1;
            *taxable += i128::from(line.net);
        }
        let mut differences = Vec::new();
        for group in &self.breakdown {
            let rate = points(group.rate);
            let (count, taxable) = members.remove(&(group.category.as_str(), rate)).unwrap_or_default();
            if taxable != i128::from(group.taxable) {
                differences.push(Difference::Sum { rule: "BR-S-08, BR-E-08 or BR-O-08" });
            }
            let apart = i128::from(group.taxable) * i128::from(rate) - i128::from(group.tax) * 10_000;
            // Some sellers round the VAT of each line.
            if apart.abs() > 10_000 * count.max(1) {
                differences.push(Difference::Vat { category: group.category.clone(), taxable: group.taxable });
            }
        }
        if !members.is_empty() {
            differences.push(Difference::Sum { rule: "BR-S-01, BR-E-01 or BR-O-01" });
        }
        differences
    }

    fn orders(&self, settlement: &Settlement) -> Vec<Difference> {
        let owed: BTreeMap<OrderId, Cents> = settlement.lines.iter().map(|line| (line.order, line.gross)).collect();
        // A document of one order may name it once for all its lines.
        let only = match self.orders.iter().collect::<Vec<_>>().as_slice() {
            [order] => Some(**order),
            _ => None,
        };
        let mut differences = Vec::new();
        let mut found: BTreeMap<OrderId, Vec<&ReceivedLine>> = BTreeMap::new();
        let mut shared = BTreeSet::new();
        for line in &self.lines {
            let named: Vec<OrderId> =
                if line.orders.is_empty() { only.into_iter().collect() } else { line.orders.iter().copied().collect() };
            if named.is_empty() {
                differences.push(Difference::LineWithoutOrder { line: line.id.clone() });
            }
            if named.len() > 1 {
                shared.extend(named.iter().copied());
            }
            for order in named {
                found.entry(order).or_default().push(line);
            }
        }
        let foreign = found.keys().chain(&self.orders).filter(|order| !owed.contains_key(order));
        let foreign: BTreeSet<OrderId> = foreign.copied().collect();
        differences.extend(foreign.into_iter().map(|order| Difference::OrderForeign { order }));
        for (order, owed) in owed {
            match found.get(&order) {
                None => differences.push(Difference::OrderMissing { order }),
                // A line of several orders says nothing about the amount of each.
                Some(_) if shared.contains(&order) => {}
                Some(lines) => differences.extend(amount_of(order, owed, lines)),
            }
        }
        differences
    }
}

fn sum(amounts: impl Iterator<Item = i64>) -> i128 {
    amounts.map(i128::from).sum()
}

/// The lines of one order with VAT, in hundredths of a cent's hundredth, against what is owed: two cents a line are
/// rounding.
fn amount_of(order: OrderId, owed: Cents, lines: &[&ReceivedLine]) -> Option<Difference> {
    let with_tax =
        |line: &&&ReceivedLine| i128::from(line.net) * (10_000 + i128::from(line.rate.map_or(0, |rate| rate.get())));
    let document: i128 = lines.iter().map(|line| with_tax(&line)).sum();
    let slack = 20_000 * i128::try_from(lines.len()).expect("lines are few");
    let apart = document - i128::from(owed.get()) * 10_000;
    let rounded = i64::try_from((document + 5_000).div_euclid(10_000)).unwrap_or(i64::MAX);
    (apart.abs() > slack).then_some(Difference::OrderAmount { order, document: rounded, settlement: owed })
}
