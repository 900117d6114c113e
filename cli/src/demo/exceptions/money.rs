//! How the orders of the exceptional weeks are paid, credited, reversed and paid back.

use anyhow::Context;
use keis_ledger::ids::{OrderId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Buyer, Measure, Operation, SettlementOperation};
use keis_wallet::random::new_id;

use super::{CASES, CREDIT, Case, GENEROUS, GROUP, PRICE, SUCCESSOR, Weeks};
use crate::demo::decide;
use crate::demo::drive::Driver;
use crate::demo::settle::{self, Bill, Books};
use crate::demo::setup::by_operator;
use crate::demo::translate::Wish;

impl Weeks {
    /// Statements of these providers to their end, with one reversal before and one after payment.
    pub(super) async fn pay(&mut self, driver: &mut Driver, books: &mut Books) -> anyhow::Result<()> {
        let mut bills = Vec::new();
        for provider in 0..SUCCESSOR {
            bills.push(self.state(driver, provider).await?);
        }
        bills.push(self.state(driver, GENEROUS).await?);
        settle::accept(driver, &bills).await?;
        books.attach(driver, &bills).await?;
        let (year, order) = (driver.book.year, self.of(Case::ReversedUnpaid).id);
        decide::two_persons(driver, vec![Measure::Reverse { year, order, lines: vec![1] }]).await?;
        let first = &mut bills[Case::ReversedUnpaid.provider()];
        first.amount = first.amount.checked_sub(PRICE).context("more was reversed than stated")?;
        let first = &mut bills[Case::Credited.provider()];
        self.credit(driver, books, first, (Case::Credited, vec![(0, CREDIT)])).await?;
        let mut whole = bills.pop().context("the last statement is the one that is given back")?;
        let lines: Vec<(u16, Cents)> = (0..).zip([PRICE; GROUP]).collect();
        self.credit(driver, books, &mut whole, (Case::CreditedWhole, lines)).await?;
        books.pay_attached(driver, &bills).await?;
        self.outcome.happened.push("a line was reversed before payment: less was paid");
        self.outcome.happened.push("a provider gave back a part of a line by a credit note");
        self.outcome.happened.push("a provider gave back a whole statement by a credit note");
        let order = self.of(Case::ReversedPaid).id;
        decide::two_persons(driver, vec![Measure::Reverse { year, order, lines: vec![0, 1] }]).await?;
        self.repay(driver, books).await?;
        self.outcome.happened.push("an order was reversed after payment: the provider paid it back");
        Ok(())
    }

    /// A provider gives back of lines that it has stated and invoiced.
    async fn credit(
        &self,
        driver: &mut Driver,
        books: &Books,
        bill: &mut Bill,
        (case, lines): (Case, Vec<(u16, Cents)>),
    ) -> anyhow::Result<()> {
        let (year, statement, order) = (driver.book.year, bill.statement, self.of(case).id);
        let provider = self.providers[case.provider()].id;
        let reason = "Dalis paslaugos nesuteikta";
        let drawn = Box::pin(books.desk.credit_note(driver, statement, (provider, order), &lines, reason)).await?;
        let note = drawn.commitments.file;
        for (_, amount) in &lines {
            bill.amount = bill.amount.checked_sub(*amount).context("more was credited than stated")?;
        }
        let credit = SettlementOperation::CreditNote { year, statement, order, lines, note };
        let wish = Wish { signer: bill.staff.clone(), operation: Operation::Settlement(credit) };
        driver.all(vec![wish], &|_| {}).await?;
        Ok(())
    }

    /// States what a provider has earned of the programme.
    async fn state(&self, driver: &mut Driver, provider: usize) -> anyhow::Result<Bill> {
        let earned = CASES.into_iter().filter(|case| *case != Case::ForceMajeure && case.provider() == provider);
        let mut orders: Vec<OrderId> = earned.map(|case| self.of(case).id).collect();
        orders.sort_unstable();
        let (year, statement, buyer) = (driver.book.year, new_id(StatementId), Buyer::Programme);
        let issue =
            SettlementOperation::Issue { year, statement, provider: self.providers[provider].id, buyer, orders };
        let wish = by_operator(driver, Operation::Settlement(issue));
        let receipts = driver.all(vec![wish], &|_| {}).await?;
        let total = receipts.first().and_then(|receipt| receipt.total.total());
        let signs = if provider == Case::Succeeded.provider() { SUCCESSOR } else { provider };
        let staff = self.providers[signs].staff.clone();
        Ok(Bill { statement, staff, buyer, amount: total.context("a statement's total does not fit")? })
    }

    /// What a provider owes after the reversal comes back, and is found at the bank.
    async fn repay(&self, driver: &mut Driver, books: &mut Books) -> anyhow::Result<()> {
        let (year, buyer) = (driver.book.year, Buyer::Programme);
        let provider = self.providers[Case::ReversedPaid.provider()].id;
        let amount = PRICE.checked_mul(GROUP as u64).context("an order's price does not fit")?;
        let reference = books.witnesses.commit("bank reference", &format!("{amount} back from {provider}"))?;
        let back = SettlementOperation::RecordRepayment { year, provider, buyer, amount, reference };
        let wish = Wish { signer: settle::payer(driver, buyer), operation: Operation::Settlement(back) };
        driver.all(vec![wish], &|_| {}).await?;
        let bank = books.witnesses.commit("bank statement", &format!("the bank's statement at {}", driver.now().0))?;
        let compared = SettlementOperation::ReconcileRepayment { year, reference, bank };
        let wish = Wish { signer: settle::other_payer(driver, buyer), operation: Operation::Settlement(compared) };
        driver.all(vec![wish], &|_| {}).await?;
        Ok(())
    }
}
