//! Credit notes: what is credited by now, notes that are drawn here, and a provider's own.

use std::num::NonZeroU32;

use keis_einvoice::{
    CreditHeading, CreditLine, Credited, Difference, Facts, InvoiceError, Line, Period, Received, Settlement, Text,
};
use keis_ledger::classifiers::VatCategory;
use keis_ledger::ids::{OrderId, ProviderId};
use keis_ledger::money::Cents;
use keis_ledger::time::Timestamp;
use keis_registry::documents::{DocumentError, Kept, Made, NewCreditNote, NewReceived, NumberWish, Reversal};
use keis_registry::invoices::PaperKind;
use keis_registry::{Actor, RegistryError};
use keis_wallet::client::StatementView;

use super::{Billing, BillingTrouble, Reversed, due};

/// What a credit note gives up of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Given {
    /// Who gives it.
    pub provider: ProviderId,
    /// The order.
    pub order: OrderId,
    /// What is credited of it.
    pub total: Cents,
    /// Of how many pupils.
    pub pupils: NonZeroU32,
    /// The reversal that credited it; none for the provider's own wish.
    pub reversal: Option<Reversal>,
}

impl Given {
    /// By the provider's own wish: lines with their cents, as the ledger's credit note has them.
    ///
    /// # Errors
    /// [`BillingTrouble::Invoice`] when there is no line, or more money than can be counted.
    pub fn of_lines(provider: ProviderId, order: OrderId, lines: &[(u16, Cents)]) -> Result<Self, BillingTrouble> {
        let add = |sum: Cents, (_, part): &(u16, Cents)| sum.checked_add(*part).ok_or(InvoiceError::TotalTooLarge);
        let total = lines.iter().try_fold(Cents::ZERO, add)?;
        let pupils = u32::try_from(lines.len()).ok().and_then(NonZeroU32::new).ok_or(InvoiceError::NoLines)?;
        Ok(Self { provider, order, total, pupils, reversal: None })
    }

    /// By a reversal.
    pub fn of_reversal(provider: ProviderId, order: OrderId, of: &Reversed) -> Self {
        Self { provider, order, total: of.amount, pupils: of.pupils, reversal: Some(of.reversal) }
    }
}

impl Billing {
    /// What was credited of each order of an invoice since: by credit notes and by reversals.
    ///
    /// # Errors
    /// When the gateways do not answer.
    pub async fn credited_since(&self, view: &StatementView, facts: &Facts) -> Result<Vec<Credited>, BillingTrouble> {
        let source = view.statement.buyer.source();
        let orders = self.orders(view).await?;
        let left =
            |order: OrderId| orders.iter().find(|one| one.id == order).map_or(Cents::ZERO, |one| due(one, source));
        let lines = facts.settlement.lines.iter();
        let credited =
            lines.map(|line| Credited { order: line.order, gross: line.gross.saturating_sub(left(line.order)) });
        Ok(credited.filter(|one| !one.gross.is_zero()).collect())
    }

    /// Draws a credit note about an order of an attached invoice that was drawn here, and keeps it.
    ///
    /// # Errors
    /// [`BillingTrouble`].
    pub async fn make_credit_note(
        &self,
        actor: &Actor,
        view: &StatementView,
        given: &Given,
        (number, heading): (NumberWish, CreditHeading),
    ) -> Result<Made, BillingTrouble> {
        let Some(Kept { facts: Some(facts), commitments, .. }) = self.attached(actor, view).await? else {
            return Err(BillingTrouble::Document(DocumentError::NotDrawn));
        };
        let Given { provider, order, total, pupils, reversal } = *given;
        let before = match reversal {
            // The ledger takes the note's credit only after it was drawn.
            None => self.credited_since(view, &facts).await?,
            Some(place) => self.credited_before(view, &facts, place).await?,
        };
        let new = NewCreditNote {
            year: view.year,
            statement: view.id,
            provider,
            buyer: view.statement.buyer,
            order,
            invoice: commitments.file,
            number,
            heading,
            before,
            credits: vec![CreditLine { order, gross: total, pupils }],
            reversal,
        };
        Ok(self.registry.keep_credit_note(actor, &new).await?)
    }

    /// Keeps a provider's own credit note once nothing differs from what is credited: parties, currency, sums, the order with its
    /// amount, and the number of the attached invoice where that is known here. The order was `supplied` then.
    ///
    /// # Errors
    /// [`BillingTrouble::Xml`], [`BillingTrouble::Differs`], and as [`Billing::sides`].
    pub async fn take_credit_note(
        &self,
        actor: &Actor,
        view: &StatementView,
        (given, supplied): (&Given, Timestamp),
        (name, bytes): (&str, &[u8]),
    ) -> Result<Made, BillingTrouble> {
        let received = Received::parse(bytes)?;
        let sides = self.sides(actor, view).await?;
        let credited = self.credited_of(view, given, supplied)?;
        let invoice = self.number_of_invoice(actor, view).await?;
        let compared = received.credits(&credited, (&sides.seller, &sides.buyer), invoice.as_deref());
        let mut differences = compared.err().unwrap_or_default();
        if sides.payee != view.statement.provider {
            // A successor's registration says nothing of the days on which its predecessor supplied.
            differences.retain(|one| !matches!(one, Difference::SellerVat | Difference::VatNotDue));
        }
        if !differences.is_empty() {
            return Err(BillingTrouble::Differs(differences));
        }
        let new = NewReceived {
            kind: PaperKind::CreditNote(given.order),
            year: view.year,
            statement: view.id,
            provider: given.provider,
            buyer: view.statement.buyer,
            name: name.to_owned(),
            bytes: bytes.to_vec(),
            reversal: given.reversal,
        };
        Ok(self.registry.keep_received(actor, &new).await?)
    }

    /// What is credited as a settlement of one order. Title and category are not compared.
    fn credited_of(
        &self,
        view: &StatementView,
        given: &Given,
        supplied: Timestamp,
    ) -> Result<Settlement, BillingTrouble> {
        let (supplied, Given { order, total, pupils, .. }) = (self.day(supplied), *given);
        let title = Text::new(&order.to_string()).map_err(InvoiceError::from)?;
        let vat = VatCategory::NotRegistered;
        let line = Line { order, title, supplied, pupils, gross: total, vat };
        let period = Period { from: supplied, until: supplied };
        Ok(Settlement { statement: view.id, total, period, lines: vec![line] })
    }

    /// The number of the attached invoice; none where it was made elsewhere or may not be seen.
    async fn number_of_invoice(&self, actor: &Actor, view: &StatementView) -> Result<Option<String>, RegistryError> {
        let Some(attached) = &view.bill.invoice else { return Ok(None) };
        match self.registry.invoice(actor, view.year, view.id, attached).await {
            Ok(found) => Ok(found.map(|paper| paper.number)),
            Err(RegistryError::Denied(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
