//! Reversals of what was invoiced. The ledger gives the money back by the decision alone and takes no credit note about it, since
//! nothing is due any more that one could give up; the buyer's books want the paper all the same. It follows from the ledger's
//! receipts: how much was reversed, and what was credited before.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use keis_einvoice::{Credited, Facts};
use keis_ledger::ids::OrderId;
use keis_ledger::money::{Cents, Source};
use keis_ledger::receipt::{Kind, Receipt};
use keis_ledger::time::Timestamp;
use keis_registry::Actor;
use keis_registry::documents::{Kept, Reversal};
use keis_registry::invoices::PaperKind;
use keis_wallet::client::StatementView;

use super::{Billing, BillingTrouble};

/// A reversal of what was invoiced, about which no credit note is kept yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversed {
    /// The reversal.
    pub reversal: Reversal,
    /// When it took effect.
    pub at: Timestamp,
    /// How much of the statement's money it gave back.
    pub amount: Cents,
    /// Of how many pupils.
    pub pupils: NonZeroU32,
}

/// What a receipt credited of an order in a statement.
struct Credit {
    place: Reversal,
    at: Timestamp,
    amount: Cents,
    pupils: NonZeroU32,
    is_reversal: bool,
}

/// What an order's receipts credited of the statement, in their order, and how many of them came before the invoice that is attached.
fn credits(view: &StatementView, receipts: &[Receipt]) -> (Vec<Credit>, usize) {
    let (source, mut all, mut before, mut accepted) = (view.statement.buyer.source(), Vec::new(), 0, false);
    for receipt in receipts {
        let is_ours = receipt.subject.statement == Some(view.id);
        if is_ours && receipt.kind == Kind::StatementAccepted {
            accepted = true;
        } else if is_ours && receipt.kind == Kind::InvoiceAttached {
            before = all.len();
        } else if is_ours && receipt.kind == Kind::CreditNoted || accepted && receipt.kind == Kind::OrderReversed {
            all.extend(credit(receipt, source));
        }
    }
    (all, before)
}

fn credit(receipt: &Receipt, source: Source) -> Option<Credit> {
    let amount = receipt.total.of(source);
    let both = Source::ALL.into_iter().all(|source| !receipt.total.of(source).is_zero());
    // Money of two sources comes in two lines a pupil.
    let lines = if both { receipt.lines.div_ceil(2) } else { receipt.lines };
    (!amount.is_zero()).then(|| Credit {
        place: Reversal { height: receipt.height.0, index: receipt.index },
        at: receipt.time,
        amount,
        pupils: NonZeroU32::new(lines).unwrap_or(NonZeroU32::MIN),
        is_reversal: receipt.kind == Kind::OrderReversed,
    })
}

/// The last of these credits, as many as make this sum.
fn last(credits: &[Credit], sum: Cents) -> &[Credit] {
    let (mut from, mut found) = (credits.len(), Cents::ZERO);
    while from > 0 && found < sum {
        from -= 1;
        found = found.checked_add(credits[from].amount).unwrap_or(sum);
    }
    &credits[from..]
}

impl Billing {
    /// Reversals of an order since its statement's invoice, about which no credit note is kept yet, the first one first.
    ///
    /// # Errors
    /// What gateways or the registry answer.
    pub async fn reversals(
        &self,
        actor: &Actor,
        view: &StatementView,
        order: OrderId,
    ) -> Result<Vec<Reversed>, BillingTrouble> {
        if view.bill.invoice.is_none() || view.bill.credited.is_zero() {
            return Ok(Vec::new());
        }
        let (all, before) = self.credits_of(view, order).await?;
        let facts = self.attached(actor, view).await?.and_then(|kept| kept.facts);
        let since = match &facts {
            Some(facts) => last(&all, self.since_invoice(view, facts, order).await?),
            None => &all[before..],
        };
        let kept = self.registry.documents(actor, view.year, view.id).await?;
        let noted = |place: Reversal| {
            let is_it = |one: &Kept| one.kind == PaperKind::CreditNote(order) && one.reversal == Some(place);
            kept.iter().any(is_it)
        };
        let open = since.iter().filter(|one| one.is_reversal && !noted(one.place));
        Ok(open
            .map(|one| Reversed { reversal: one.place, at: one.at, amount: one.amount, pupils: one.pupils })
            .collect())
    }

    async fn credits_of(&self, view: &StatementView, order: OrderId) -> Result<(Vec<Credit>, usize), BillingTrouble> {
        let receipts = self.client.order_history(view.year, order).await?.ok_or(BillingTrouble::Absent)?;
        Ok(credits(view, &receipts))
    }

    /// What was credited of an order since its invoice was drawn.
    async fn since_invoice(
        &self,
        view: &StatementView,
        facts: &Facts,
        order: OrderId,
    ) -> Result<Cents, BillingTrouble> {
        let all = self.credited_since(view, facts).await?;
        Ok(all.iter().find(|one| one.order == order).map_or(Cents::ZERO, |one| one.gross))
    }

    /// What was credited of each order between its invoice and a reversal: that the parts of all credit notes add up to the invoice,
    /// each must know what stood before it.
    pub(super) async fn credited_before(
        &self,
        view: &StatementView,
        facts: &Facts,
        place: Reversal,
    ) -> Result<Vec<Credited>, BillingTrouble> {
        let mut sums: BTreeMap<OrderId, Cents> = BTreeMap::new();
        for Credited { order, gross } in self.credited_since(view, facts).await? {
            let (all, _) = self.credits_of(view, order).await?;
            for one in last(&all, gross).iter().filter(|one| one.place < place) {
                let sum = sums.entry(order).or_default();
                *sum = sum.checked_add(one.amount).unwrap_or(*sum);
            }
        }
        let lines = facts.settlement.lines.iter();
        let known = |order: OrderId| sums.get(&order).copied().map(|gross| Credited { order, gross });
        Ok(lines.filter_map(|line| known(line.order)).collect())
    }
}
