//! What an invoice names beside what `bodies` has: providers as sellers, the programme and schools as buyers, terms, rates of VAT.
//!
//! A provider sets its own address, contact and series; the operator answers for taxation and sets when a provider is registered
//! for VAT, the programme's terms and rates. What is a provider's is sealed under its commitment key, so that it goes with a person.

use jiff::civil::Date;
use keis_einvoice::{
    Address, Bic, Buyer, Contact, Endpoint, RateStep, RatesError, Text, TextError, VatNumber, VatRates, VatRegistration,
};
use keis_ledger::ids::{Commitment, ProviderId, SchoolId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use crate::bodies;
use crate::boxed;
use crate::database::{Registry, Work, list};
use crate::error::RegistryError;
use crate::log::{Actor, Entry, append};
use crate::page::Page;
use crate::permission::{Body, Permission, demand, demand_any, demand_for, pass};
use crate::vault::{Field, Vault, WitnessKey};
use crate::witnesses::{self, Holder};

mod series;
pub use series::LONGEST_SERIES;
pub(crate) use series::{next_of, take};

const DETAILS: Field = Field::of("sellers", "details_sealed");
const REGISTRATIONS: Field = Field::of("sellers", "registrations_sealed");

/// What a provider says of itself for its invoices.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SellerDetails {
    /// Its address; without one there is no invoice.
    pub address: Option<Address>,
    /// Another name by which it is known.
    pub trading_name: Option<Text>,
    /// Whom to ask.
    pub contact: Option<Contact>,
    /// Its own electronic address; without one the operator's stands there.
    pub endpoint: Option<Endpoint>,
    /// The bank of its account.
    pub bic: Option<Bic>,
    /// The account's name, where it is not the provider's.
    pub account_holder: Option<Text>,
    /// The series of its numbers.
    pub series: Option<Text>,
}

impl std::fmt::Debug for SellerDetails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SellerDetails")
    }
}

/// A provider as seller, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SellerFile {
    /// What the provider says.
    pub details: SellerDetails,
    /// When it is registered for VAT.
    pub registrations: Vec<VatRegistration>,
    /// Where its series goes on; 1 for a new one.
    pub next: u32,
}

/// The terms of the programme. One of reference and order must be there (Peppol R003).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The buyer's reference (BT-10).
    pub reference: Option<Text>,
    /// The purchase order (BT-13).
    pub order: Option<Text>,
    /// The contract (BT-12).
    pub contract: Option<Text>,
    /// Payment terms in words (BT-20).
    pub payment: Option<Text>,
    /// Days from issue until payment is due.
    pub days_due: u16,
}

/// The programme's side of invoices, as far as it is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgrammeBilling {
    /// Who pays for state money.
    pub buyer: Option<Buyer>,
    /// Under which terms.
    pub terms: Option<Terms>,
    /// The rates of VAT.
    pub rates: Option<VatRates>,
    /// The electronic address that answers for sellers without one.
    pub answering: Option<Endpoint>,
}

/// A part of the programme's side to set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgrammePart {
    /// Who pays for state money.
    Buyer(Buyer),
    /// Under which terms.
    Terms(Terms),
    /// The rates of VAT.
    Rates(VatRates),
    /// The electronic address that answers for sellers without one.
    Answering(Endpoint),
}

/// A school as buyer, beside what the registry has of every school.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchoolDetails {
    /// Its address.
    pub address: Address,
    /// Its electronic address, where it is not the one of its register code.
    pub endpoint: Option<Endpoint>,
    /// Its VAT number, if it has one.
    pub vat: Option<VatNumber>,
}

/// Why what was given is not kept.
#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    /// The registry refuses or failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A provider that is registered twice on a day, or until before from.
    #[error("the registrations for VAT overlap or end before they begin")]
    RegistrationsOverlap,
    /// Neither reference nor order.
    #[error("the terms have neither a reference nor an order")]
    ReferenceMissing,
    /// A number below one that was given.
    #[error("the series has given numbers up to {}", .least.saturating_sub(1))]
    NumberGiven {
        /// The least that may come next.
        least: u32,
    },
    /// A series too long for numbers.
    #[error("a series has at most {LONGEST_SERIES} letters")]
    SeriesLong,
}

impl From<sqlx::Error> for BillingError {
    fn from(error: sqlx::Error) -> Self {
        Self::Registry(error.into())
    }
}

impl ProgrammePart {
    fn name(&self) -> &'static str {
        match self {
            Self::Buyer(_) => "buyer",
            Self::Terms(_) => "terms",
            Self::Rates(_) => "rates",
            Self::Answering(_) => "answering",
        }
    }

    fn content(&self) -> String {
        match self {
            Self::Buyer(buyer) => written(buyer),
            Self::Terms(terms) => written(terms),
            Self::Rates(rates) => written(rates),
            Self::Answering(endpoint) => written(endpoint),
        }
    }
}

impl Registry {
    /// A provider as seller, for its staff and for officers.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn seller_file(&self, actor: &Actor, provider: ProviderId) -> Result<SellerFile, RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, |body| keeps_books_of(body, provider)).await?;
        let file = seller_file(&mut reader, self.vault(), provider).await?;
        self.note(reader, Entry::new(actor, "details for invoices read", provider)).await?;
        Ok(file)
    }

    /// Sets what a provider says of itself, and where its series goes on if that is given.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the actor may accept statements for the provider or keeps the bodies;
    /// [`BillingError::NumberGiven`], [`BillingError::SeriesLong`].
    #[boxed]
    pub async fn set_seller_details(
        &self,
        actor: &Actor,
        provider: ProviderId,
        details: &SellerDetails,
        next: Option<u32>,
    ) -> Result<(), BillingError> {
        let mut work = self.begin().await?;
        let body = Body::Provider(provider);
        match demand_for(&mut work, actor, Permission::AcceptStatements, &body).await {
            Err(RegistryError::Denied(_)) => demand_for(&mut work, actor, Permission::ManageBodies, &body).await?,
            other => other?,
        }
        let key = witnesses::key(&mut work, Holder::Provider(provider)).await?;
        if let Some(series) = &details.series {
            series::set(&mut work, &key, provider, series, next).await?;
        }
        put_seller(&mut work, &key, provider, DETAILS, details).await?;
        append(&mut work, Entry::new(actor, "details for invoices set", provider)).await?;
        work.commit().await?;
        Ok(())
    }

    /// Sets when a provider is registered for VAT, in the order of time.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the actor keeps the bodies; [`BillingError::RegistrationsOverlap`].
    #[boxed]
    pub async fn set_vat_registrations(
        &self,
        actor: &Actor,
        provider: ProviderId,
        registrations: &[VatRegistration],
    ) -> Result<(), BillingError> {
        let backwards = |one: &VatRegistration| one.until.is_some_and(|until| until < one.from);
        let overlap = |pair: &[VatRegistration]| pair[0].until.is_none_or(|until| until >= pair[1].from);
        if registrations.iter().any(backwards) || registrations.windows(2).any(overlap) {
            return Err(BillingError::RegistrationsOverlap);
        }
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ManageBodies).await?;
        let key = witnesses::key(&mut work, Holder::Provider(provider)).await?;
        put_seller(&mut work, &key, provider, REGISTRATIONS, &registrations).await?;
        let entry = Entry::new(actor, "registrations for VAT set", provider);
        append(&mut work, entry.detail(registrations.len())).await?;
        work.commit().await?;
        Ok(())
    }

    /// Providers that the import calls registered for VAT and the dated registrations do not on this day, or the other way round.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the actor keeps the bodies, or what the database answers.
    #[boxed]
    pub async fn vat_disagreements(&self, actor: &Actor, day: Date) -> Result<Vec<bodies::Provider>, RegistryError> {
        let mut reader = self.reader().await?;
        demand_any(&mut reader, actor, Permission::ManageBodies).await?;
        let (mut apart, mut page) = (Vec::new(), Page::first(Page::MOST));
        loop {
            let all = self.providers("", &page).await?;
            for provider in all.items {
                let file = seller_file(&mut reader, self.vault(), provider.id).await?;
                if is_registered(&file.registrations, day) != provider.vat_registered {
                    apart.push(provider);
                }
            }
            match all.next {
                Some(next) => page.after = Some(next),
                None => return Ok(apart),
            }
        }
    }

    /// The number behind a provider's account, for its staff and for officers; none when it is not kept here.
    ///
    /// # Errors
    /// [`RegistryError::Denied`], or what the database answers.
    #[boxed]
    pub async fn seller_account(
        &self,
        actor: &Actor,
        provider: ProviderId,
        account: Commitment,
    ) -> Result<Option<String>, RegistryError> {
        let mut reader = self.reader().await?;
        pass(&mut reader, actor, Permission::SeeStatements, |body| keeps_books_of(body, provider)).await?;
        let found = witnesses::opened(&mut reader, self.vault(), &[account]).await?.remove(&account);
        self.note(reader, Entry::new(actor, "payment account read", provider)).await?;
        Ok(found)
    }

    /// The programme's side of invoices.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn programme_billing(&self) -> Result<ProgrammeBilling, RegistryError> {
        let mut reader = self.reader().await?;
        let mut billing = ProgrammeBilling::default();
        for row in sqlx::query("SELECT part, content FROM programme_billing").fetch_all(&mut *reader).await? {
            let content: &str = row.try_get("content")?;
            match row.try_get("part")? {
                "buyer" => billing.buyer = Some(parsed(content.as_bytes(), "programme_billing.content")?),
                "terms" => billing.terms = Some(parsed(content.as_bytes(), "programme_billing.content")?),
                "rates" => billing.rates = Some(parsed(content.as_bytes(), "programme_billing.content")?),
                "answering" => billing.answering = Some(parsed(content.as_bytes(), "programme_billing.content")?),
                _ => return Err(RegistryError::Stored { column: "programme_billing.part" }),
            }
        }
        Ok(billing)
    }

    /// Sets a part of the programme's side.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the actor manages the year; [`BillingError::ReferenceMissing`].
    #[boxed]
    pub async fn set_programme_billing(&self, actor: &Actor, part: &ProgrammePart) -> Result<(), BillingError> {
        if let ProgrammePart::Terms(Terms { reference: None, order: None, .. }) = part {
            return Err(BillingError::ReferenceMissing);
        }
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ManageYear).await?;
        sqlx::query(
            "INSERT INTO programme_billing (part, content) VALUES ($1, $2) \
             ON CONFLICT (part) DO UPDATE SET content = excluded.content",
        )
        .bind(part.name())
        .bind(part.content())
        .execute(work.connection())
        .await?;
        append(&mut work, Entry::new(actor, "programme's side of invoices set", part.name())).await?;
        work.commit().await?;
        Ok(())
    }

    /// A school as buyer, as far as it is known.
    ///
    /// # Errors
    /// What the database answers.
    #[boxed]
    pub async fn school_billing(&self, school: SchoolId) -> Result<Option<SchoolDetails>, RegistryError> {
        let mut reader = self.reader().await?;
        let sql = "SELECT content FROM school_billing WHERE school = $1";
        let row = sqlx::query(sql).bind(&school.0[..]).fetch_optional(&mut *reader).await?;
        let read = |content: &str| parsed(content.as_bytes(), "school_billing.content");
        row.map(|row| read(row.try_get("content")?)).transpose()
    }

    /// Sets a school as buyer.
    ///
    /// # Errors
    /// [`RegistryError::Denied`] unless the actor keeps the bodies; [`RegistryError::BodyUnknown`].
    #[boxed]
    pub async fn set_school_billing(
        &self,
        actor: &Actor,
        school: SchoolId,
        details: &SchoolDetails,
    ) -> Result<(), RegistryError> {
        let mut work = self.begin().await?;
        demand(&mut work, actor, Permission::ManageBodies).await?;
        if bodies::school(work.connection(), school).await?.is_none() {
            return Err(RegistryError::BodyUnknown(school.to_string()));
        }
        sqlx::query(
            "INSERT INTO school_billing (school, content) VALUES ($1, $2) \
             ON CONFLICT (school) DO UPDATE SET content = excluded.content",
        )
        .bind(&school.0[..])
        .bind(written(details))
        .execute(work.connection())
        .await?;
        append(&mut work, Entry::new(actor, "school's details for invoices set", school)).await?;
        work.commit().await
    }
}

/// Whether one of these registrations covers a day.
pub fn is_registered(registrations: &[VatRegistration], day: Date) -> bool {
    registrations.iter().any(|one| one.from <= day && one.until.is_none_or(|until| day <= until))
}

/// Rates of VAT from steps in any order.
///
/// # Errors
/// [`RatesError`], when two steps begin on one day or a rate cannot be.
pub fn rates(mut steps: Vec<RateStep>) -> Result<VatRates, RatesError> {
    steps.sort_by_key(|step| step.from);
    VatRates::new(steps)
}

/// The electronic address of a school that has no other: the one of its register code.
///
/// # Errors
/// [`TextError`], when the code cannot stand on an invoice.
pub fn school_endpoint(school: &bodies::School, details: &SchoolDetails) -> Result<Endpoint, TextError> {
    details.endpoint.clone().map_or_else(|| Endpoint::legal_code(&school.code), Ok)
}

/// A provider as seller, within a transaction or a reader.
pub(crate) async fn seller_file(
    connection: &mut AnyConnection,
    vault: &Vault,
    provider: ProviderId,
) -> Result<SellerFile, RegistryError> {
    let none = SellerFile { next: 1, ..SellerFile::default() };
    let sql = "SELECT details_sealed, registrations_sealed FROM sellers WHERE provider = $1";
    let row = sqlx::query(sql).bind(&provider.0[..]).fetch_optional(&mut *connection).await?;
    let Some(row) = row else { return Ok(none) };
    let key = witnesses::key_of(connection, vault, Holder::Provider(provider)).await?;
    let Some(key) = key else { return Ok(none) };
    let details: SellerDetails = opened(&key, DETAILS, provider, row.try_get("details_sealed")?)?;
    let registrations = opened(&key, REGISTRATIONS, provider, row.try_get("registrations_sealed")?)?;
    let next = match &details.series {
        Some(series) => next_of(connection, &key, provider, series).await?,
        None => 1,
    };
    Ok(SellerFile { details, registrations, next })
}

/// Tables of which a natural person's rows go with the person.
pub(crate) const FORGOTTEN: [&str; 3] = ["sellers", "number_series", "documents"];

/// Who sees what a provider keeps for its invoices: itself and who keeps the programme's books.
fn keeps_books_of(body: &Body, provider: ProviderId) -> bool {
    match body {
        Body::Operator | Body::BudgetHolder => true,
        Body::Provider(id) => *id == provider,
        Body::School(_) => false,
    }
}

async fn put_seller<T: Serialize>(
    work: &mut Work,
    key: &WitnessKey,
    provider: ProviderId,
    field: Field,
    value: &T,
) -> Result<(), RegistryError> {
    let column = field.column;
    let sql = format!(
        "INSERT INTO sellers (provider, {column}) VALUES ($1, $2) \
         ON CONFLICT (provider) DO UPDATE SET {column} = excluded.{column}"
    );
    let sealed = key.seal(field, &provider.0, written(value).as_bytes());
    sqlx::query(AssertSqlSafe(sql)).bind(&provider.0[..]).bind(sealed).execute(work.connection()).await?;
    Ok(())
}

fn opened<T: DeserializeOwned + Default>(
    key: &WitnessKey,
    field: Field,
    provider: ProviderId,
    sealed: Option<Vec<u8>>,
) -> Result<T, RegistryError> {
    let Some(sealed) = sealed else { return Ok(T::default()) };
    parsed(key.open_text(field, &provider.0, &sealed)?.as_bytes(), field.column)
}

/// A value as it is stored.
pub(crate) fn written<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("these types have a JSON form")
}

/// A stored value.
pub(crate) fn parsed<T: DeserializeOwned>(text: &[u8], column: &'static str) -> Result<T, RegistryError> {
    serde_json::from_slice(text).map_err(|_| RegistryError::Stored { column })
}

/// A number that only grows.
pub(crate) fn counted(stored: i64) -> Result<u32, RegistryError> {
    list::number(stored, "number_series.next")
}
