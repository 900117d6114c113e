//! From a settlement of the ledger to its invoice and credit notes: what the gateways and the registry have becomes facts, of which
//! `keis_einvoice` draws the document and the registry keeps it. Used by pages, commands and the demo. Knows no page.

mod credit;
pub(crate) mod details;
mod gather;
mod lack;
pub mod publish;
mod reversed;
pub(crate) mod told;

use jiff::civil::Date;
use jiff::{ToSpan, tz::TimeZone};
use keis_einvoice::{
    Buyer, Difference, Facts, Heading, InvoiceError, Programme, Received, Seller, Settlement, Text, VatNumber, XmlError,
};
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{OrderId, ProviderId, StatementId};
use keis_ledger::time::Timestamp;
use keis_registry::documents::{DocumentError, Kept, Made, NewInvoice, NewReceived, NumberWish};
use keis_registry::invoices::PaperKind;
use keis_registry::{Actor, Registry, RegistryError};
use keis_wallet::client::{Client, ClientError, StatementView};

pub use credit::Given;
pub use gather::{due, in_vilnius};
pub use lack::{Lack, Mender};
pub use reversed::Reversed;

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum BillingTrouble {
    /// Something must be known first: everything that is missing.
    #[error("{} things that an invoice names are not known", .0.len())]
    Lacks(Vec<Lack>),
    /// The facts give no document.
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
    /// The registry does not keep it.
    #[error(transparent)]
    Document(DocumentError),
    /// A provider's own file is no e-invoice.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// A provider's own e-invoice is not the statement's.
    #[error("the document differs from the statement in {} points", .0.len())]
    Differs(Vec<Difference>),
    /// The registry refuses or failed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The gateways do not answer.
    #[error(transparent)]
    Ledger(#[from] ClientError),
    /// An order or provider of the statement is not on the ledger, or its successors do not end.
    #[error("the ledger does not have what the statement names")]
    Absent,
}

impl From<DocumentError> for BillingTrouble {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Registry(error) => Self::Registry(error),
            DocumentError::Invoice(error) => Self::from(error),
            DocumentError::Xml(error) => Self::Xml(error),
            other @ (DocumentError::NumberTaken
            | DocumentError::NumberLong
            | DocumentError::SeriesMissing
            | DocumentError::SeriesOver
            | DocumentError::TooLong(_)
            | DocumentError::TooMany
            | DocumentError::ReversalNoted
            | DocumentError::NotDrawn) => Self::Document(other),
        }
    }
}

/// What both sides bring to every invoice between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sides {
    /// Who is paid: the provider, or who stands in its place.
    pub payee: ProviderId,
    /// The same, as an invoice names it.
    pub seller: Seller,
    /// Who pays.
    pub buyer: Buyer,
    /// Under which terms.
    pub programme: Programme,
    /// Days from issue until payment is due.
    pub days_due: u16,
}

/// What is settled, from the ledger and the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The settlement, cent by cent the statement's.
    pub settlement: Settlement,
    /// Orders of an earlier version of a service whose description no gateway holds: they are taxed as they were ordered, and called
    /// as the service is now.
    pub retitled: Vec<OrderId>,
}

/// Dates and note of an invoice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Day of issue.
    pub issued: Date,
    /// Day on which payment is due; by the programme's terms when none is said.
    pub due: Option<Date>,
    /// A note.
    pub note: Option<Text>,
}

/// An invoice that is ready to be drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Who is paid and signs.
    pub payee: ProviderId,
    /// What it is drawn from; its number is a stand-in until [`Billing::make`].
    pub facts: Facts,
    /// As [`Settled::retitled`].
    pub retitled: Vec<OrderId>,
}

/// Orders by the seller's VAT number on their day; none of who was not registered. More than one group is no invoice.
pub type Statuses = Vec<(Option<VatNumber>, Vec<OrderId>)>;

/// Makes documents. Holds what was learned of services, so that many statements are made with few questions.
pub struct Billing {
    client: Client,
    registry: Registry,
    services: gather::Services,
    zone: TimeZone,
}

impl Billing {
    /// From these gateways, whose reads must carry an officer's signature, and this registry.
    pub fn new(client: Client, registry: Registry) -> Self {
        Self { client, registry, services: gather::Services::default(), zone: in_vilnius() }
    }

    /// The local day of an instant.
    pub fn day(&self, at: Timestamp) -> Date {
        gather::day(&self.zone, at)
    }

    /// Everything that an invoice of a statement is drawn from.
    ///
    /// # Errors
    /// [`BillingTrouble`]; [`BillingTrouble::Lacks`] with all that is missing.
    pub async fn prepare(
        &self,
        actor: &Actor,
        view: &StatementView,
        draft: &Draft,
    ) -> Result<Prepared, BillingTrouble> {
        let sides = self.sides(actor, view).await?;
        let settled = self.settled(view).await?;
        let payee = sides.payee;
        let facts = facts(sides, settled.settlement, draft);
        Ok(Prepared { payee, facts, retitled: settled.retitled })
    }

    /// Draws the invoice of a statement, gives its number and keeps it.
    ///
    /// # Errors
    /// As [`Billing::prepare`].
    pub async fn make(
        &self,
        actor: &Actor,
        view: &StatementView,
        prepared: Prepared,
        number: NumberWish,
    ) -> Result<Made, BillingTrouble> {
        let Prepared { payee, facts, .. } = prepared;
        let buyer = view.statement.buyer;
        let new = NewInvoice { year: view.year, provider: payee, buyer, number, facts };
        self.registry.keep_invoice(actor, &new).await.map_err(|error| lacking(error.into()))
    }

    /// The document that the ledger has attached to a statement, if it is kept here and the actor may see it.
    ///
    /// # Errors
    /// What the registry answers.
    pub async fn attached(&self, actor: &Actor, view: &StatementView) -> Result<Option<Kept>, RegistryError> {
        let Some(attached) = &view.bill.invoice else { return Ok(None) };
        match self.registry.document(actor, view.year, view.id, &attached.file).await {
            Ok(found) => Ok(found.filter(|kept| kept.commitments.number == attached.number)),
            Err(RegistryError::Denied(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Keeps a provider's own e-invoice once nothing differs from the statement.
    ///
    /// # Errors
    /// [`BillingTrouble::Xml`], [`BillingTrouble::Differs`], and as [`Billing::prepare`].
    pub async fn take(
        &self,
        actor: &Actor,
        view: &StatementView,
        (name, bytes): (&str, &[u8]),
    ) -> Result<Made, BillingTrouble> {
        let received = Received::parse(bytes)?;
        let sides = self.sides(actor, view).await?;
        let settled = self.settled(view).await?;
        received.matches(&settled.settlement, &sides.seller, &sides.buyer).map_err(BillingTrouble::Differs)?;
        let new = NewReceived {
            kind: PaperKind::Invoice,
            year: view.year,
            statement: view.id,
            provider: sides.payee,
            buyer: view.statement.buyer,
            name: name.to_owned(),
            bytes: bytes.to_vec(),
            reversal: None,
        };
        Ok(self.registry.keep_received(actor, &new).await?)
    }

    /// Orders of an invoice by the seller's VAT number on their day.
    pub fn statuses(facts: &Facts) -> Statuses {
        let mut all: Statuses = Vec::new();
        for line in &facts.settlement.lines {
            let number = facts.seller.vat_on(line.supplied).cloned();
            match all.iter_mut().find(|(known, _)| *known == number) {
                Some((_, orders)) => orders.push(line.order),
                None => all.push((number, vec![line.order])),
            }
        }
        all
    }
}

/// What gateways call a year of which one record is left.
const YEAR_SEALED: &str = "year_sealed";

/// A statement as it stands; none where the ledger has none, and none of a sealed year.
pub(crate) async fn statement(
    client: &Client,
    year: Year,
    id: StatementId,
) -> Result<Option<StatementView>, ClientError> {
    match client.statement(year, id).await {
        Err(ClientError::Problem(problem)) if problem.code == YEAR_SEALED => Ok(None),
        other => other,
    }
}

/// The facts of an invoice, its number still a stand-in.
pub fn facts(sides: Sides, settlement: Settlement, draft: &Draft) -> Facts {
    let due = draft.due.unwrap_or_else(|| due_by(draft.issued, sides.days_due));
    let number = Text::new("0").expect("a digit is a text");
    let heading = Heading { number, issued: draft.issued, due, note: draft.note.clone() };
    let Sides { seller, buyer, programme, .. } = sides;
    Facts { settlement, seller, buyer, programme, heading }
}

/// The day on which payment is due.
pub fn due_by(issued: Date, days: u16) -> Date {
    issued.saturating_add(i32::from(days).days())
}

/// What the drawing misses, told as a lack where somebody can mend it.
fn lacking(trouble: BillingTrouble) -> BillingTrouble {
    match trouble {
        BillingTrouble::Invoice(InvoiceError::RateUnknown { day, .. }) => {
            BillingTrouble::Lacks(vec![Lack::RatesOn(day)])
        }
        BillingTrouble::Invoice(InvoiceError::CategoryMissing { order, day }) => {
            BillingTrouble::Lacks(vec![Lack::Category { order, day }])
        }
        BillingTrouble::Document(DocumentError::SeriesMissing) => BillingTrouble::Lacks(vec![Lack::Series]),
        other => other,
    }
}
