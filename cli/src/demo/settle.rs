//! Statements to their end: invoiced, approved, paid, found at the bank by another institution; then the year is sealed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{OrderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, FundsOperation, Operation, SettlementOperation};
use keis_ledger::time::Span;
use keis_registry::documents::Made;
use keis_wallet::random::new_id;

use super::batches::Event;
use super::billing::Desk;
use super::drive::Driver;
use super::setup::by_operator;
use super::translate::Wish;
use super::witness::Witnesses;
use crate::programme::{self, Deed, OrderCode, ProviderCode, StatementCode};

/// An accepted statement that waits for its invoice.
pub(super) struct Bill {
    pub(super) statement: StatementId,
    /// Who signs for the provider.
    pub(super) staff: SecretKey,
    pub(super) buyer: Buyer,
    pub(super) amount: Cents,
}

/// A statement of the calendar that its provider has not accepted yet.
struct Open {
    provider: ProviderCode,
    buyer: programme::Buyer,
    orders: Vec<OrderCode>,
    amount: Cents,
    contested: bool,
}

/// The accountants' view of the year.
pub(super) struct Books {
    pub(super) witnesses: Witnesses,
    pub(super) desk: Desk,
    open: BTreeMap<StatementCode, Open>,
    due: Vec<Bill>,
    /// Statements paid and found at the bank.
    pub(super) settled: u64,
    /// Invoices that the buyer refused and that were attached anew.
    pub(super) refused: u64,
    /// How long invoices were drawn.
    pub(super) drawing: Duration,
}

impl Books {
    pub(super) fn new(witnesses: Witnesses, desk: Desk) -> Self {
        Self {
            witnesses,
            desk,
            open: BTreeMap::new(),
            due: Vec::new(),
            settled: 0,
            refused: 0,
            drawing: Duration::ZERO,
        }
    }

    /// Follows what the ledger took of the calendar.
    pub(super) fn follow(&mut self, driver: &mut Driver, events: &[Event<'_>]) {
        for event in events {
            let Event::Action(action) = event else { continue };
            if action.expect_rejection.is_some() {
                continue;
            }
            match &action.deed {
                Deed::IssueStatement { statement, provider, buyer, orders, amount_cents, replaces, period: _ } => {
                    if let Some(replaced) = replaces {
                        self.open.remove(replaced);
                    }
                    let amount = Cents::new(*amount_cents);
                    let (provider, buyer, orders) = (*provider, *buyer, orders.clone());
                    self.open.insert(*statement, Open { provider, buyer, orders, amount, contested: false });
                }
                Deed::ContestStatement { statement } => {
                    if let Some(open) = self.open.get_mut(statement) {
                        open.contested = true;
                    }
                }
                Deed::AcceptStatement { statement } => {
                    if let Some(open) = self.open.remove(statement) {
                        let id = driver.book.statement(*statement);
                        self.due.push(bill(driver, &open, id, open.amount));
                    }
                }
                Deed::Propose { .. }
                | Deed::Request { .. }
                | Deed::Confirm { .. }
                | Deed::Decline { .. }
                | Deed::ProposeChange { .. }
                | Deed::AcceptChange { .. }
                | Deed::RefuseChange { .. }
                | Deed::Swap { .. }
                | Deed::Drop { .. }
                | Deed::Cancel { .. }
                | Deed::ReportDelivery { .. }
                | Deed::ConfirmAttendance { .. }
                | Deed::ProposeAmendment { .. }
                | Deed::AcceptAmendment { .. }
                | Deed::RecordSchoolMoney { .. }
                | Deed::Nothing { .. }
                | Deed::EndYear => {}
            }
        }
    }

    /// Brings all accepted statements to the bank and back.
    pub(super) async fn pay_due(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        let due = std::mem::take(&mut self.due);
        self.pay(driver, &due).await
    }

    /// Invoices, approves, pays and reconciles these statements, all of them step by step.
    pub(super) async fn pay(&mut self, driver: &mut Driver, bills: &[Bill]) -> anyhow::Result<()> {
        self.attach(driver, bills).await?;
        self.pay_attached(driver, bills).await
    }

    /// Draws the invoices of these statements and attaches them. One is refused, and attached anew.
    pub(super) async fn attach(&mut self, driver: &mut Driver, bills: &[Bill]) -> anyhow::Result<()> {
        let Some(first) = bills.first() else { return Ok(()) };
        let invoices = self.invoices(driver, bills).await?;
        let again = invoices.first().map(|one| Wish { signer: one.signer.clone(), operation: one.operation.clone() });
        driver.all(invoices, &|_| {}).await.context("invoices are attached")?;
        if self.refused > 0 {
            return Ok(());
        }
        let (year, statement) = (driver.book.year, first.statement);
        let refusal =
            by_operator(driver, Operation::Settlement(SettlementOperation::RejectInvoice { year, statement }));
        driver.all(vec![refusal], &|_| {}).await.context("an invoice is refused")?;
        driver.all(again.into_iter().collect(), &|_| {}).await.context("a refused invoice is attached anew")?;
        self.refused += 1;
        Ok(())
    }

    /// Approves, pays and reconciles these statements, whose invoices are attached.
    pub(super) async fn pay_attached(&mut self, driver: &mut Driver, bills: &[Bill]) -> anyhow::Result<()> {
        if bills.is_empty() {
            return Ok(());
        }
        let year = driver.book.year;
        let approvals = bills.iter().map(|bill| SettlementOperation::Approve { year, statement: bill.statement });
        let approvals = approvals.map(|one| by_operator(driver, Operation::Settlement(one))).collect();
        driver.all(approvals, &|_| {}).await.context("invoices are approved")?;
        let payments = self.payments(driver, bills)?;
        driver.all(payments, &|_| {}).await.context("payments are recorded")?;
        let bank = self.witnesses.commit("bank statement", &format!("the bank's statement at {}", driver.now().0))?;
        let compared = bills
            .iter()
            .map(|bill| Wish {
                signer: other_payer(driver, bill.buyer),
                operation: Operation::Settlement(SettlementOperation::Reconcile {
                    year,
                    statement: bill.statement,
                    bank,
                }),
            })
            .collect();
        driver.all(compared, &|_| {}).await.context("payments are compared with the bank")?;
        self.settled += bills.len() as u64;
        Ok(())
    }

    async fn invoices(&mut self, driver: &Driver, bills: &[Bill]) -> anyhow::Result<Vec<Wish>> {
        let year = driver.book.year;
        let begun = Instant::now();
        // Boxed: the futures below are large, and this one is a part of larger ones.
        let drawn = Box::pin(self.desk.invoices(driver, bills.iter().map(|bill| bill.statement))).await?;
        self.drawing += begun.elapsed();
        let attach = |(bill, made): (&Bill, Made)| {
            let (statement, invoice, number) = (bill.statement, made.commitments.file, made.commitments.number);
            let attach = SettlementOperation::AttachInvoice { year, statement, invoice, number };
            Wish { signer: bill.staff.clone(), operation: Operation::Settlement(attach) }
        };
        Ok(bills.iter().zip(drawn).map(attach).collect())
    }

    /// What the payers' officers record. The first of a round is paid in two parts.
    fn payments(&mut self, driver: &Driver, bills: &[Bill]) -> anyhow::Result<Vec<Wish>> {
        let year = driver.book.year;
        let mut payments = Vec::with_capacity(bills.len() + 1);
        for (place, bill) in bills.iter().enumerate() {
            let half = Cents::new(bill.amount.get() / 2);
            let parts = match bill.amount.checked_sub(half) {
                Some(rest) if place == 0 && !half.is_zero() => vec![half, rest],
                Some(_) | None => vec![bill.amount],
            };
            for amount in parts {
                let text = format!("{amount} for {}", bill.statement);
                let reference = self.witnesses.commit("bank reference", &text)?;
                let payment = SettlementOperation::RecordPayment { year, statement: bill.statement, amount, reference };
                payments.push(Wish { signer: payer(driver, bill.buyer), operation: Operation::Settlement(payment) });
            }
        }
        Ok(payments)
    }

    /// After the calendar: who has not answered accepts, what stays contested is stated anew and accepted, all is paid.
    pub(super) async fn close(&mut self, driver: &mut Driver) -> anyhow::Result<()> {
        let open = std::mem::take(&mut self.open);
        let (contested, waiting): (Vec<_>, Vec<_>) = open.into_iter().partition(|(_, open)| open.contested);
        let mut bills = Vec::new();
        for (code, open) in waiting {
            let id = driver.book.statement(code);
            bills.push(bill(driver, &open, id, open.amount));
        }
        bills.extend(restate(driver, contested.into_iter().map(|(_, open)| open)).await?);
        accept(driver, &bills).await?;
        self.due.extend(bills);
        self.pay_due(driver).await
    }
}

/// States contested orders again, all of a provider and buyer at once, when the next statement may follow.
async fn restate(driver: &mut Driver, contested: impl Iterator<Item = Open>) -> anyhow::Result<Vec<Bill>> {
    const PERIOD: Span = Span::days(31);
    let mut groups: BTreeMap<(ProviderCode, programme::Buyer), Open> = BTreeMap::new();
    for open in contested {
        match groups.get_mut(&(open.provider, open.buyer)) {
            Some(group) => group.orders.extend(open.orders),
            None => {
                groups.insert((open.provider, open.buyer), open);
            }
        }
    }
    if groups.is_empty() {
        return Ok(Vec::new());
    }
    driver.step(driver.now().after(PERIOD)).await?;
    let (mut bills, mut wishes) = (Vec::new(), Vec::new());
    for open in groups.into_values() {
        let mut orders: Vec<OrderId> = open.orders.iter().map(|order| driver.book.order(*order)).collect();
        orders.sort_unstable();
        let bill = bill(driver, &open, new_id(StatementId), open.amount);
        wishes.push(issue(driver, open.provider, &bill, orders));
        bills.push(bill);
    }
    let receipts = driver.all(wishes, &|_| {}).await.context("contested orders are stated anew")?;
    for (bill, receipt) in bills.iter_mut().zip(receipts) {
        bill.amount = receipt.total.total().context("a statement's total does not fit")?;
    }
    Ok(bills)
}

fn issue(driver: &Driver, provider: ProviderCode, bill: &Bill, orders: Vec<OrderId>) -> Wish {
    let (year, statement, buyer) = (driver.book.year, bill.statement, bill.buyer);
    let provider = driver.book.providers[&provider].id;
    by_operator(driver, Operation::Settlement(SettlementOperation::Issue { year, statement, provider, buyer, orders }))
}

/// The providers accept these statements.
pub(super) async fn accept(driver: &mut Driver, bills: &[Bill]) -> anyhow::Result<()> {
    let year = driver.book.year;
    let accepted = bills
        .iter()
        .map(|bill| Wish {
            signer: bill.staff.clone(),
            operation: Operation::Settlement(SettlementOperation::Accept { year, statement: bill.statement }),
        })
        .collect();
    driver.all(accepted, &|_| {}).await.context("statements are accepted")?;
    Ok(())
}

fn bill(driver: &Driver, open: &Open, statement: StatementId, amount: Cents) -> Bill {
    let buyer = match open.buyer {
        programme::Buyer::State => Buyer::Programme,
        programme::Buyer::School(code) => Buyer::School(driver.book.schools[&code].id),
    };
    Bill { statement, staff: driver.book.providers[&open.provider].staff.clone(), buyer, amount }
}

/// Who pays for a buyer: another person than the one who approves.
pub(super) fn payer(driver: &Driver, buyer: Buyer) -> SecretKey {
    match buyer {
        Buyer::Programme => driver.officers.budget_holder.clone(),
        Buyer::School(_) => driver.officers.accountant.clone(),
    }
}

/// An officer of the institution that does not pay for a buyer.
pub(super) fn other_payer(driver: &Driver, buyer: Buyer) -> SecretKey {
    match buyer {
        Buyer::Programme => driver.officers.operator.clone(),
        Buyer::School(_) => driver.officers.budget_holder.clone(),
    }
}

/// Seals the year: one entry takes the place of its records. Returns how long it took, in milliseconds.
pub(super) async fn seal(driver: &mut Driver) -> anyhow::Result<f64> {
    let started = Instant::now();
    let seal = FundsOperation::SealYear { year: driver.book.year };
    let wish = Wish { signer: driver.officers.budget_holder.clone(), operation: Operation::Funds(seal) };
    driver.all(vec![wish], &|_| {}).await.context("the year is sealed")?;
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}
