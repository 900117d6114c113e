//! What an invoice is drawn from, asked of gateways and registry.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use futures::stream::{self, StreamExt, TryStreamExt};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use keis_einvoice::{
    Account, Buyer, Certificate, Endpoint, Iban, Identity, InvoiceError, Line, Period, Programme, Seller, Settlement,
    Text,
};
use keis_ledger::classifiers::{VatCategory, Year};
use keis_ledger::ids::{Commitment, ProviderId, SchoolId, ServiceId};
use keis_ledger::money::{Cents, Source};
use keis_ledger::operation;
use keis_ledger::time::Timestamp;
use keis_registry::Actor;
use keis_registry::billing::{ProgrammeBilling, SellerFile, school_endpoint};
use keis_registry::bodies::{Provider, ProviderKind};
use keis_wallet::client::{OrderView, StatementView};
use serde_json::Value;

use super::{Billing, BillingTrouble, Lack, Settled, Sides};

/// Orders that are asked for at a time.
const AT_ONCE: usize = 8;
/// Successors that are followed from a provider at the most.
const SUCCESSORS: usize = 16;

/// Versions of services, which never change.
#[derive(Default)]
pub(super) struct Services(Mutex<BTreeMap<(ServiceId, u32), Known>>);

/// What an invoice says of a version of a service.
#[derive(Clone)]
struct Known {
    vat: VatCategory,
    title: Text,
    /// Whether no gateway holds the version's own description, so that the title is that of now.
    retitled: bool,
}

/// The time zone of days of supply.
pub fn in_vilnius() -> TimeZone {
    TimeZone::get("Europe/Vilnius").expect("the zones are part of the program")
}

/// The local day of an instant.
pub(super) fn day(zone: &TimeZone, at: Timestamp) -> Date {
    let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX).to_zoned(zone.clone()).date()
}

/// What an order owes of a source now: credits have been taken off.
pub fn due(order: &OrderView, source: Source) -> Cents {
    let add = |sum: Cents, line: &keis_ledger::record::Line| sum.checked_add(line.due.of(source)).unwrap_or(sum);
    order.order.lines.iter().fold(Cents::ZERO, add)
}

impl Billing {
    /// Who is paid for this provider: itself, or who stands in its place now; and the commitment to its account.
    ///
    /// # Errors
    /// [`BillingTrouble::Absent`], or when the gateways do not answer.
    pub async fn payee(
        &self,
        year: Year,
        provider: ProviderId,
    ) -> Result<(ProviderId, Option<Commitment>), BillingTrouble> {
        let mut now = provider;
        for _ in 0..SUCCESSORS {
            let wallet = self.client.provider_wallet(now, year).await?.ok_or(BillingTrouble::Absent)?;
            match wallet.successor {
                Some(next) => now = next,
                None => return Ok((now, wallet.payment_account.map(|known| known.account))),
            }
        }
        Err(BillingTrouble::Absent)
    }

    /// Both sides of a statement.
    ///
    /// # Errors
    /// [`BillingTrouble::Lacks`] with all that is missing of them.
    pub async fn sides(&self, actor: &Actor, view: &StatementView) -> Result<Sides, BillingTrouble> {
        let billing = self.registry.programme_billing().await?;
        let (payee, account) = self.payee(view.year, view.statement.provider).await?;
        let mut lacks = BTreeSet::new();
        let seller = self.seller(actor, payee, account, &billing, &mut lacks).await?;
        let buyer = match view.statement.buyer {
            operation::Buyer::Programme => {
                if billing.buyer.is_none() {
                    lacks.insert(Lack::Buyer);
                }
                billing.buyer.clone()
            }
            operation::Buyer::School(school) => self.school(school, &mut lacks).await?,
        };
        let programme = programme(billing, &mut lacks);
        match (seller, buyer, programme) {
            (Some(seller), Some(buyer), Some((programme, days_due))) if lacks.is_empty() => {
                Ok(Sides { payee, seller, buyer, programme, days_due })
            }
            _ => Err(BillingTrouble::Lacks(lacks.into_iter().collect())),
        }
    }

    async fn seller(
        &self,
        actor: &Actor,
        payee: ProviderId,
        account: Option<Commitment>,
        billing: &ProgrammeBilling,
        lacks: &mut BTreeSet<Lack>,
    ) -> Result<Option<Seller>, BillingTrouble> {
        let Some(provider) = self.registry.provider(payee).await? else {
            lacks.insert(Lack::Seller);
            return Ok(None);
        };
        let file = self.registry.seller_file(actor, payee).await?;
        let number = match account {
            None => None,
            Some(account) => self.registry.seller_account(actor, payee, account).await?,
        };
        let iban = number.as_deref().and_then(|number| Iban::new(number).ok());
        if iban.is_none() {
            lacks.insert(if account.is_none() { Lack::Account } else { Lack::AccountNumber });
        }
        let identity = identity(&provider);
        let endpoint = file.details.endpoint.clone().or_else(|| billing.answering.clone());
        for (missing, lack) in [
            (identity.is_none(), Lack::Certificate),
            (file.details.address.is_none(), Lack::Address),
            (endpoint.is_none(), Lack::Answering),
        ] {
            if missing {
                lacks.insert(lack);
            }
        }
        Ok(seller(&provider, file, identity, endpoint, iban))
    }

    async fn school(&self, id: SchoolId, lacks: &mut BTreeSet<Lack>) -> Result<Option<Buyer>, BillingTrouble> {
        let school = self.registry.school(id).await?.ok_or(BillingTrouble::Absent)?;
        let Some(details) = self.registry.school_billing(id).await? else {
            lacks.insert(Lack::SchoolAddress);
            return Ok(None);
        };
        let endpoint = school_endpoint(&school, &details).map_err(InvoiceError::from)?;
        Ok(Some(Buyer {
            code: Text::new(&school.code).map_err(InvoiceError::from)?,
            name: Text::new(&school.name).map_err(InvoiceError::from)?,
            address: details.address,
            endpoint,
            vat: details.vat,
        }))
    }

    /// The orders of a statement, in its order.
    ///
    /// # Errors
    /// [`BillingTrouble::Absent`], or when the gateways do not answer.
    pub async fn orders(&self, view: &StatementView) -> Result<Vec<OrderView>, BillingTrouble> {
        let ids = view.statement.orders.iter().copied();
        let asked = stream::iter(ids).map(|id| self.client.order_lines(view.year, id)).buffered(AT_ONCE);
        let found: Vec<Option<OrderView>> = asked.try_collect().await?;
        found.into_iter().collect::<Option<Vec<_>>>().ok_or(BillingTrouble::Absent)
    }

    /// What a statement settles, cent by cent, less what was credited before.
    ///
    /// # Errors
    /// [`BillingTrouble::Lacks`] for services that the catalogue does not have; [`BillingTrouble::Invoice`] when lines and statement
    /// differ.
    pub async fn settled(&self, view: &StatementView) -> Result<Settled, BillingTrouble> {
        let orders = self.orders(view).await?;
        self.settled_of(view, &orders).await
    }

    /// The same from orders that are at hand.
    ///
    /// # Errors
    /// As [`Billing::settled`].
    pub async fn settled_of(&self, view: &StatementView, orders: &[OrderView]) -> Result<Settled, BillingTrouble> {
        let source = view.statement.buyer.source();
        let (mut lines, mut retitled, mut lacks) = (Vec::new(), Vec::new(), Vec::new());
        for order in orders {
            let gross = due(order, source);
            let owing = order.order.lines.iter().filter(|line| !line.due.of(source).is_zero()).count();
            let Some(pupils) = u32::try_from(owing).ok().and_then(NonZeroU32::new) else { continue };
            let Some(service) = self.service(order.order.service, order.order.version).await? else {
                lacks.push(Lack::Service(order.id));
                continue;
            };
            if service.retitled {
                retitled.push(order.id);
            }
            let supplied = day(&self.zone, order.order.start);
            lines.push(Line { order: order.id, title: service.title, supplied, pupils, gross, vat: service.vat });
        }
        if !lacks.is_empty() {
            return Err(BillingTrouble::Lacks(lacks));
        }
        let days = || lines.iter().map(|line| line.supplied);
        let (Some(from), Some(until)) = (days().min(), days().max()) else {
            return Err(InvoiceError::NoLines.into());
        };
        let period = Period { from, until };
        let settlement = Settlement::of((view.id, &view.statement), view.bill.credited, period, lines)?;
        Ok(Settled { settlement, retitled })
    }

    /// A service as it was ordered: taxed and called as in this version.
    async fn service(&self, id: ServiceId, version: u32) -> Result<Option<Known>, BillingTrouble> {
        let at_hand = self.services.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(id, version)).cloned();
        if let Some(known) = at_hand {
            return Ok(Some(known));
        }
        let Some(found) = self.client.service_version(id, version).await? else { return Ok(None) };
        if found.service.version != version {
            // A gateway that does not know versions would tell today's terms.
            return Ok(None);
        }
        let vat = found.service.terms.vat;
        if let Some(title) = title(found.document.as_ref()) {
            let known = Known { vat, title, retitled: false };
            self.services.0.lock().unwrap_or_else(PoisonError::into_inner).insert((id, version), known.clone());
            return Ok(Some(known));
        }
        let now = self.client.service(id).await?.filter(|now| now.service.version != version);
        let of_now = now.and_then(|now| title(now.document.as_ref()));
        let retitled = of_now.is_some();
        let title = of_now.unwrap_or_else(|| Text::new(&id.to_string()).expect("an id is a text"));
        Ok(Some(Known { vat, title, retitled }))
    }
}

/// The title of a service on invoices: in Lithuanian where there is one; none where no description is held.
fn title(document: Option<&Value>) -> Option<Text> {
    let title = document.map(|document| &document["title"]);
    let of = |title: &Value| {
        let in_lithuanian = title.as_str().or_else(|| title["lt"].as_str()).filter(|text| !text.trim().is_empty());
        in_lithuanian.or_else(|| title["en"].as_str()).map(str::to_owned)
    };
    let plain = |text: String| -> String {
        let spaced = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
        spaced.take(Text::LONGEST).collect()
    };
    title.and_then(of).and_then(|text| Text::new(&plain(text)).ok())
}

fn identity(provider: &Provider) -> Option<Identity> {
    match provider.kind {
        ProviderKind::Legal => Text::new(&provider.code).ok().map(Identity::Legal),
        ProviderKind::Natural => Certificate::new(&provider.code).ok().map(Identity::Natural),
    }
}

fn seller(
    provider: &Provider,
    file: SellerFile,
    identity: Option<Identity>,
    endpoint: Option<Endpoint>,
    iban: Option<Iban>,
) -> Option<Seller> {
    let details = file.details;
    Some(Seller {
        identity: identity?,
        name: Text::new(&provider.name).ok()?,
        trading_name: details.trading_name,
        address: details.address?,
        endpoint: endpoint?,
        contact: details.contact,
        registrations: file.registrations,
        account: Account { iban: iban?, bic: details.bic, holder: details.account_holder },
    })
}

fn programme(billing: ProgrammeBilling, lacks: &mut BTreeSet<Lack>) -> Option<(Programme, u16)> {
    for (missing, lack) in [(billing.terms.is_none(), Lack::Terms), (billing.rates.is_none(), Lack::Rates)] {
        if missing {
            lacks.insert(lack);
        }
    }
    let (terms, rates) = (billing.terms?, billing.rates?);
    let keis_registry::billing::Terms { reference, order, contract, payment, days_due } = terms;
    Some((Programme { reference, order, contract, terms: payment, rates }, days_due))
}
