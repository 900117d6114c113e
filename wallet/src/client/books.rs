//! Reads of officers over a whole year, and of what providers owe back. They need a client that signs:
//! [`Client::signed_by`].

use keis_ledger::chain::Height;
use keis_ledger::classifiers::{Place, VatCategory, Year};
use keis_ledger::ids::ProviderId;
use keis_ledger::money::{Cents, Source};
use keis_ledger::operation::Buyer;
use keis_ledger::record::{OrderState, StatementState};
use keis_ledger::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::owners::List;
use super::transport::Call;
use crate::wire::height;

use super::{Client, ClientError, OrderView, Page, ReceivableView, RepaymentView, StatementView};

/// A closing report: what was accepted and credited in a period, the accounts of settlement over it, and what was reckoned
/// held against the ledger's own sums.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookReport {
    /// The programme year.
    pub year: Year,
    /// The period's first instant; none when it begins with the year's first statement.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// The first instant behind the period; none when it goes on until now.
    #[serde(default)]
    pub to: Option<Timestamp>,
    /// Height at which it was read.
    #[serde(deserialize_with = "height")]
    pub height: Height,
    /// Time of that block.
    pub time: Timestamp,
    /// Whether all that was reckoned is what the ledger's accounts say.
    pub agrees: bool,
    /// Each source's accounts, and the comparison.
    pub sources: Vec<SourceBook>,
    /// What was accepted and credited.
    pub rows: Vec<BookRow>,
}

/// One source's accounts of settlement over a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceBook {
    /// Whose money.
    pub source: Source,
    /// Statements accepted in the period.
    pub statements: u64,
    /// Their sum.
    pub accepted: Cents,
    /// What was credited of accepted statements.
    pub credited: Cents,
    /// What statements hold.
    pub settlement: SettlementBook,
    /// What was paid out.
    pub paid: PaidBook,
    /// What providers owe.
    pub receivable: ReceivableBook,
    /// What was reckoned in two ways.
    pub checks: Vec<BookCheck>,
}

/// What statements hold: opening + issued − contested − paid + came back − set off − credited = closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementBook {
    /// Before the period.
    pub opening: Cents,
    /// Put into statements.
    pub issued: Cents,
    /// Taken out of contested statements.
    pub contested: Cents,
    /// Paid by the bank.
    pub paid: Cents,
    /// Sent back by the bank.
    pub came_back: Cents,
    /// Set off against debts.
    pub set_off: Cents,
    /// Credited before it was paid.
    pub credited: Cents,
    /// After the period.
    pub closing: Cents,
}

/// What was paid out: opening + paid − came back − repaid = closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidBook {
    /// Before the period.
    pub opening: Cents,
    /// Paid by the bank.
    pub paid: Cents,
    /// Sent back by the bank.
    pub came_back: Cents,
    /// Paid back by providers.
    pub repaid: Cents,
    /// After the period.
    pub closing: Cents,
}

/// What providers owe: opening + credited − set off − repaid = closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivableBook {
    /// Before the period.
    pub opening: Cents,
    /// Credited after it was paid.
    pub credited: Cents,
    /// Set off against statements.
    pub set_off: Cents,
    /// Paid back.
    pub repaid: Cents,
    /// After the period.
    pub closing: Cents,
}

/// Something reckoned in two ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookCheck {
    /// What, by the gateway's name for it.
    pub what: String,
    /// From receipts or orders.
    pub reckoned: Cents,
    /// What the ledger's sums say.
    pub account: Cents,
}

/// What orders with everything in common come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookRow {
    /// Who earned.
    pub provider: ProviderId,
    /// Municipality or country of the school, if it is known.
    pub place: Option<Place>,
    /// How the version that was ordered is taxed, if it is known.
    pub vat: Option<VatCategory>,
    /// Who pays, and with it whose money it is.
    pub buyer: Buyer,
    /// Orders in statements accepted in the period.
    pub orders: u64,
    /// Their pupils for whom something was due.
    pub pupils: u64,
    /// What was due for them when the statement was accepted.
    pub accepted: Cents,
    /// Credits in the period.
    pub credits: u64,
    /// Their sum.
    pub credited: Cents,
}

impl Client {
    /// The closing report of a period, from an instant on and before another; for officers and auditors.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn book_report(
        &self,
        year: Year,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Option<BookReport>, ClientError> {
        let mut call = Call::get("/v1/settlements/report").with("year", year);
        for (name, at) in [("from", from), ("to", to)] {
            call = at.into_iter().fold(call, |call, at| call.with(name, at.0));
        }
        self.find(&call).await
    }

    /// A page of every order of a year, or of those in one state; for officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn orders_of(
        &self,
        year: Year,
        state: Option<OrderState>,
        cursor: Option<&str>,
    ) -> Result<Page<OrderView>, ClientError> {
        self.page(&List::new("/v1/orders", year).in_state(state), cursor).await
    }

    /// Every order of a year in one state, such as the disputed ones; for officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn all_orders_of(&self, year: Year, state: Option<OrderState>) -> Result<Vec<OrderView>, ClientError> {
        self.all(&List::new("/v1/orders", year).in_state(state)).await
    }

    /// A page of every statement of a year, or of those in one state; for officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn statements_of(
        &self,
        year: Year,
        state: Option<StatementState>,
        cursor: Option<&str>,
    ) -> Result<Page<StatementView>, ClientError> {
        self.page(&List::new("/v1/statements", year).in_state(state), cursor).await
    }

    /// Every statement of a year in one state; for officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn all_statements_of(
        &self,
        year: Year,
        state: Option<StatementState>,
    ) -> Result<Vec<StatementView>, ClientError> {
        self.all(&List::new("/v1/statements", year).in_state(state)).await
    }

    /// A page of what a provider owes back, for the provider and officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn provider_receivables(
        &self,
        id: ProviderId,
        year: Year,
        cursor: Option<&str>,
    ) -> Result<Page<ReceivableView>, ClientError> {
        self.page(&List::new(format!("/v1/providers/{id}/receivables"), year), cursor).await
    }

    /// All that a provider owes back.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn all_provider_receivables(
        &self,
        id: ProviderId,
        year: Year,
    ) -> Result<Vec<ReceivableView>, ClientError> {
        self.all(&List::new(format!("/v1/providers/{id}/receivables"), year)).await
    }

    /// A page of what a provider has paid back, for the provider and officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn provider_repayments(
        &self,
        id: ProviderId,
        year: Year,
        cursor: Option<&str>,
    ) -> Result<Page<RepaymentView>, ClientError> {
        self.page(&List::new(format!("/v1/providers/{id}/repayments"), year), cursor).await
    }

    /// All that a provider has paid back.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn all_provider_repayments(&self, id: ProviderId, year: Year) -> Result<Vec<RepaymentView>, ClientError> {
        self.all(&List::new(format!("/v1/providers/{id}/repayments"), year)).await
    }
}
