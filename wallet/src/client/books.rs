//! Reads of officers over a whole year, and of what providers owe back. They need a client that signs:
//! [`Client::signed_by`].

use keis_ledger::classifiers::Year;
use keis_ledger::ids::ProviderId;
use keis_ledger::record::{OrderState, StatementState};

use super::owners::List;
use super::{Client, ClientError, OrderView, Page, ReceivableView, RepaymentView, StatementView};

impl Client {
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
