//! The operator's desk of invoices: who is who on them, and the documents, in the registry of the demo's folder.

mod details;

use std::collections::BTreeMap;

use anyhow::{Context, anyhow};
use futures::stream::{self, StreamExt, TryStreamExt};
use keis_einvoice::{CreditHeading, Text};
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{Commitment, OrderId, ProviderId, StatementId};
use keis_ledger::money::Cents;
use keis_portal::billing::{Billing, BillingTrouble, Draft, Given};
use keis_registry::billing::ProgrammePart;
use keis_registry::documents::{Made, NumberWish};
use keis_registry::{Actor, Registry};
use keis_wallet::client::Client;

use super::drive::Driver;
use crate::programme::Programme;

pub(super) use details::{Seat, guest};

/// What the registry's log calls the demo.
const ACTOR: Actor = Actor::System("demo");
/// Invoices that are drawn at a time.
const AT_ONCE: usize = 4;

/// The desk.
pub(super) struct Desk {
    registry: Registry,
    billing: Billing,
    client: Client,
    /// Where each provider is paid.
    accounts: BTreeMap<ProviderId, String>,
}

impl Desk {
    /// A desk over an open registry, asking the gateways as an officer of the operator.
    pub(super) fn new(registry: Registry, driver: &Driver) -> Self {
        let client = driver.client(0).clone().signed_by(driver.officers.operator.clone());
        let billing = Billing::new(client.clone(), registry.clone());
        Self { registry, billing, client, accounts: BTreeMap::new() }
    }

    /// Enters what invoices name of everybody in the files: the programme as buyer, its terms and rates, schools, providers.
    pub(super) async fn furnish(&mut self, driver: &Driver, programme: &Programme) -> anyhow::Result<()> {
        let parts = [
            ProgrammePart::Buyer(details::buyer()?),
            ProgrammePart::Terms(details::terms(driver.book.year)?),
            ProgrammePart::Rates(details::rates()?),
            ProgrammePart::Answering(details::answering()?),
        ];
        for part in &parts {
            self.registry.set_programme_billing(&ACTOR, part).await?;
        }
        for (position, school) in programme.schools.iter().enumerate() {
            let id = driver.book.schools[&school.school_code].id;
            self.registry.set_school_billing(&ACTOR, id, &details::school(position, school)?).await?;
        }
        for (position, provider) in programme.providers.iter().enumerate() {
            let id = driver.book.providers[&provider.provider_code].id;
            self.enter(id, &details::provider(position, provider)?).await?;
        }
        Ok(())
    }

    /// Enters what invoices name of one provider.
    pub(super) async fn enter(&mut self, provider: ProviderId, seat: &Seat) -> anyhow::Result<()> {
        self.registry.set_seller_details(&ACTOR, provider, &seat.details, None).await?;
        if !seat.registrations.is_empty() {
            self.registry.set_vat_registrations(&ACTOR, provider, &seat.registrations).await?;
        }
        self.accounts.insert(provider, seat.account.clone());
        Ok(())
    }

    /// The commitment to a provider's account.
    pub(super) async fn account(&self, provider: ProviderId) -> anyhow::Result<Commitment> {
        let number = self.accounts.get(&provider).with_context(|| format!("{provider} has no account"))?;
        Ok(self.registry.keep_payment_account(&ACTOR, provider, number).await?)
    }

    /// Draws the invoices of these statements, in their order.
    pub(super) async fn invoices(
        &self,
        driver: &Driver,
        statements: impl IntoIterator<Item = StatementId>,
    ) -> anyhow::Result<Vec<Made>> {
        driver.level().await?;
        let (year, issued) = (driver.book.year, self.billing.day(driver.now()));
        let draft = Draft { issued, due: None, note: Some(Text::new("Kultūros paso paslaugos mokiniams")?) };
        let draft = &draft;
        let drawn = stream::iter(statements).map(|statement| self.invoice((year, statement), draft));
        drawn.buffered(AT_ONCE).try_collect().await
    }

    async fn invoice(&self, (year, statement): (Year, StatementId), draft: &Draft) -> anyhow::Result<Made> {
        let view = self.client.statement(year, statement).await?;
        let view = view.with_context(|| format!("{statement} is not at the gateway"))?;
        let told = |trouble| explained(&trouble).context(format!("the invoice of {statement}"));
        let prepared = Box::pin(self.billing.prepare(&ACTOR, &view, draft)).await.map_err(told)?;
        self.billing.make(&ACTOR, &view, prepared, NumberWish::Next).await.map_err(told)
    }

    /// Draws a credit note about an order of an attached invoice: lines, and how much of each.
    pub(super) async fn credit_note(
        &self,
        driver: &Driver,
        statement: StatementId,
        (provider, order): (ProviderId, OrderId),
        lines: &[(u16, Cents)],
        reason: &str,
    ) -> anyhow::Result<Made> {
        driver.level().await?;
        let (year, issued) = (driver.book.year, self.billing.day(driver.now()));
        let view = self.client.statement(year, statement).await?;
        let view = view.with_context(|| format!("{statement} is not at the gateway"))?;
        // Its number is the next one of the series.
        let heading = CreditHeading { number: Text::new("0")?, issued, reason: Some(Text::new(reason)?) };
        let wish = (NumberWish::Next, heading);
        let told = |trouble| explained(&trouble).context(format!("a credit note of {statement}"));
        let given = Given::of_lines(provider, order, lines).map_err(told)?;
        self.billing.make_credit_note(&ACTOR, &view, &given, wish).await.map_err(told)
    }
}

/// What is missing is told by name: the demo has set all of it.
fn explained(trouble: &BillingTrouble) -> anyhow::Error {
    match trouble {
        BillingTrouble::Lacks(lacks) => {
            let names: Vec<&str> = lacks.iter().map(|lack| lack.name()).collect();
            anyhow!("{trouble}: {}", names.join(", "))
        }
        BillingTrouble::Invoice(_)
        | BillingTrouble::Document(_)
        | BillingTrouble::Xml(_)
        | BillingTrouble::Differs(_)
        | BillingTrouble::Registry(_)
        | BillingTrouble::Ledger(_)
        | BillingTrouble::Absent => anyhow!("{trouble}"),
    }
}
