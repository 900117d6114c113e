//! Reads of those who may see more than the public. They need a client that signs: [`Client::signed_by`].

use keis_ledger::classifiers::Year;
use keis_ledger::crypto::{PublicKey, SecretKey};
use keis_ledger::ids::{OrderId, ProviderId, PupilId, SchoolId, SessionId, StatementId};
use keis_ledger::receipt::Receipt;
use keis_ledger::record::OrderState;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::owned::OrderHistory;
use super::transport::Call;
use super::{
    Client, ClientError, KeyView, OrderView, OwnSession, Page, ProviderWallet, PupilWallet, SchoolWallet,
    SessionDetail, StatementView, about,
};

/// Most items that a gateway puts in one page.
const LONGEST_PAGE: u32 = 500;

/// A list, mostly of what is in one year.
pub(super) struct List {
    path: String,
    year: Option<Year>,
    state: Option<String>,
    limit: u32,
}

impl List {
    pub(super) fn new(path: impl Into<String>, year: impl Into<Option<Year>>) -> Self {
        Self { path: path.into(), year: year.into(), state: None, limit: LONGEST_PAGE }
    }

    /// Narrowed to one state, by the name under which it is written.
    pub(super) fn in_state(self, state: Option<impl Serialize>) -> Self {
        let written = state.and_then(|state| serde_json::to_value(state).ok());
        Self { state: written.and_then(|state| state.as_str().map(str::to_owned)), ..self }
    }

    /// With pages of so many items at the most.
    pub(super) fn limited(self, limit: u32) -> Self {
        Self { limit: limit.clamp(1, LONGEST_PAGE), ..self }
    }

    fn call(&self, cursor: Option<&str>) -> Call {
        let mut call = Call::get(self.path.as_str());
        if let Some(year) = self.year {
            call = call.with("year", year);
        }
        call = call.with("limit", self.limit);
        if let Some(state) = &self.state {
            call = call.with("state", state);
        }
        cursor.into_iter().fold(call, |call, cursor| call.with("cursor", cursor))
    }
}

impl Client {
    /// A clone whose reads carry signatures of a key (RFC 9421). They are signed anew for each attempt, at the time of this
    /// machine's clock, which may be a minute wrong.
    #[must_use]
    pub fn signed_by(&self, key: SecretKey) -> Self {
        Self { transport: self.transport.clone().signed_by(key) }
    }

    /// A bound key, for itself, the other keys of its party and officers.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers, or the signer may not read this.
    pub async fn key(&self, key: PublicKey) -> Result<Option<KeyView>, ClientError> {
        let call = Call::get(format!("/v1/keys/{key}"));
        let found: Option<KeyView> = self.find(&call).await?;
        about(&call, found, |found| found.as_ref().is_none_or(|view| view.key == key))
    }

    /// A school's wallet in a year, for the school and officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn school_wallet(&self, id: SchoolId, year: Year) -> Result<Option<SchoolWallet>, ClientError> {
        self.find(&Call::get(format!("/v1/schools/{id}")).with("year", year)).await
    }

    /// Wallets of the pupils enrolled at a school, a page of them in the order of their ids.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn school_pupils(
        &self,
        id: SchoolId,
        year: Year,
        cursor: Option<&str>,
    ) -> Result<Page<PupilWallet>, ClientError> {
        self.page(&school_pupils(id, year), cursor).await
    }

    /// Wallets of all pupils enrolled at a school.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn all_school_pupils(&self, id: SchoolId, year: Year) -> Result<Vec<PupilWallet>, ClientError> {
        self.all(&school_pupils(id, year)).await
    }

    /// A page of a school's orders, in the order of their ids.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn school_orders(
        &self,
        id: SchoolId,
        year: Year,
        state: Option<OrderState>,
        cursor: Option<&str>,
    ) -> Result<Page<OrderView>, ClientError> {
        self.page(&school_orders(id, year, state), cursor).await
    }

    /// All orders of a school.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn all_school_orders(
        &self,
        id: SchoolId,
        year: Year,
        state: Option<OrderState>,
    ) -> Result<Vec<OrderView>, ClientError> {
        self.all(&school_orders(id, year, state)).await
    }

    /// A page of the statements that a school pays.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn school_statements(
        &self,
        id: SchoolId,
        year: Year,
        cursor: Option<&str>,
    ) -> Result<Page<StatementView>, ClientError> {
        self.page(&List::new(format!("/v1/schools/{id}/statements"), year), cursor).await
    }

    /// All statements that a school pays.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn all_school_statements(&self, id: SchoolId, year: Year) -> Result<Vec<StatementView>, ClientError> {
        self.all(&List::new(format!("/v1/schools/{id}/statements"), year)).await
    }

    /// A pupil's wallet, for the pupil, the school and officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn pupil_wallet(&self, year: Year, id: PupilId) -> Result<Option<PupilWallet>, ClientError> {
        let call = Call::get(format!("/v1/pupils/{id}")).with("year", year);
        let found: Option<PupilWallet> = self.find(&call).await?;
        about(&call, found, |found| found.as_ref().is_none_or(|wallet| wallet.pupil == id))
    }

    /// A page of every pupil's wallet of a year, with tokens; for officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn pupils(&self, year: Year, cursor: Option<&str>) -> Result<Page<PupilWallet>, ClientError> {
        self.page(&List::new("/v1/pupils", year), cursor).await
    }

    /// A provider's wallet in a year, for the provider and officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn provider_wallet(&self, id: ProviderId, year: Year) -> Result<Option<ProviderWallet>, ClientError> {
        self.find(&Call::get(format!("/v1/providers/{id}")).with("year", year)).await
    }

    /// A page of a provider's orders, in the order of their ids.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn provider_orders(
        &self,
        id: ProviderId,
        year: Year,
        state: Option<OrderState>,
        cursor: Option<&str>,
    ) -> Result<Page<OrderView>, ClientError> {
        self.page(&provider_orders(id, year, state), cursor).await
    }

    /// All orders of a provider.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn all_provider_orders(
        &self,
        id: ProviderId,
        year: Year,
        state: Option<OrderState>,
    ) -> Result<Vec<OrderView>, ClientError> {
        self.all(&provider_orders(id, year, state)).await
    }

    /// A page of a provider's sessions, in the order of their ids.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn provider_sessions(
        &self,
        id: ProviderId,
        year: Year,
        cursor: Option<&str>,
    ) -> Result<Page<OwnSession>, ClientError> {
        self.page(&List::new(format!("/v1/providers/{id}/sessions"), year), cursor).await
    }

    /// All sessions of a provider.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn all_provider_sessions(&self, id: ProviderId, year: Year) -> Result<Vec<OwnSession>, ClientError> {
        self.all(&List::new(format!("/v1/providers/{id}/sessions"), year)).await
    }

    /// A page of a provider's statements.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn provider_statements(
        &self,
        id: ProviderId,
        year: Year,
        cursor: Option<&str>,
    ) -> Result<Page<StatementView>, ClientError> {
        self.page(&List::new(format!("/v1/providers/{id}/statements"), year), cursor).await
    }

    /// All statements of a provider.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn all_provider_statements(&self, id: ProviderId, year: Year) -> Result<Vec<StatementView>, ClientError> {
        self.all(&List::new(format!("/v1/providers/{id}/statements"), year)).await
    }

    /// An order with its lines, for its sides and officers; a pupil sees its own line alone in a school's order.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn order_lines(&self, year: Year, id: OrderId) -> Result<Option<OrderView>, ClientError> {
        let call = Call::get(format!("/v1/orders/{id}/lines")).with("year", year);
        let found: Option<OrderView> = self.find(&call).await?;
        about(&call, found, |found| found.as_ref().is_none_or(|view| (view.year, view.id) == (year, id)))
    }

    /// Receipts of everything that happened to an order, in order, its statements included.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn order_history(&self, year: Year, id: OrderId) -> Result<Option<Vec<Receipt>>, ClientError> {
        let call = Call::get(format!("/v1/orders/{id}/history")).with("year", year);
        let found: Option<OrderHistory> = self.find(&call).await?;
        Ok(found.map(|history| history.receipts))
    }

    /// A statement, for its sides and officers.
    ///
    /// # Errors
    /// As for [`Client::key`].
    pub async fn statement(&self, year: Year, id: StatementId) -> Result<Option<StatementView>, ClientError> {
        let call = Call::get(format!("/v1/statements/{id}")).with("year", year);
        let found: Option<StatementView> = self.find(&call).await?;
        about(&call, found, |found| found.as_ref().is_none_or(|view| (view.year, view.id) == (year, id)))
    }

    /// A session with its service; public.
    ///
    /// # Errors
    /// [`ClientError`] when no gateway answers.
    pub async fn session(&self, year: Year, id: SessionId) -> Result<Option<SessionDetail>, ClientError> {
        let call = Call::get(format!("/v1/sessions/{id}")).with("year", year);
        let found: Option<SessionDetail> = self.find(&call).await?;
        about(&call, found, |found| found.as_ref().is_none_or(|detail| (detail.year, detail.id) == (year, id)))
    }

    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        list: &List,
        cursor: Option<&str>,
    ) -> Result<Page<T>, ClientError> {
        self.get(&list.call(cursor)).await
    }

    pub(super) async fn all<T: DeserializeOwned>(&self, list: &List) -> Result<Vec<T>, ClientError> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let call = list.call(cursor.as_deref());
            let page: Page<T> = self.get(&call).await?;
            all.extend(page.items);
            match page.next {
                None => return Ok(all),
                // A gateway that answers where it was asked to go on from would be asked for ever.
                Some(next) if Some(&next) == cursor.as_ref() => return Err(call.about_other_thing()),
                next => cursor = next,
            }
        }
    }
}

fn school_pupils(id: SchoolId, year: Year) -> List {
    List::new(format!("/v1/schools/{id}/pupils"), year)
}

fn school_orders(id: SchoolId, year: Year, state: Option<OrderState>) -> List {
    List::new(format!("/v1/schools/{id}/orders"), year).in_state(state)
}

fn provider_orders(id: ProviderId, year: Year, state: Option<OrderState>) -> List {
    List::new(format!("/v1/providers/{id}/orders"), year).in_state(state)
}
