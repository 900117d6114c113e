//! What a document is, from the registry, and where its statement stands, from gateways.

use async_trait::async_trait;
use keis_einvoice::Endpoint;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::StatementId;
use keis_ledger::record::PaymentWay;
use keis_registry::dispatch::{Dispatch, Document, Found, LedgerBill, Papers, PapersError};
use keis_registry::{Actor, Registry};
use keis_wallet::client::{Client, StatementView};

use crate::billing;

const ACTOR: Actor = Actor::System("dispatch");

/// Kept documents and a ledger.
pub struct Kept {
    registry: Registry,
    client: Client,
    pays: bool,
}

impl Kept {
    /// Over a registry and gateways that an officer's key may read; `pays` says whether the key of the programme's payer is here.
    pub fn new(registry: Registry, client: Client, pays: bool) -> Self {
        Self { registry, client, pays }
    }
}

fn participant(endpoint: &Endpoint) -> String {
    format!("{}:{}", endpoint.scheme.as_str(), endpoint.id.as_str())
}

fn bill(view: &StatementView) -> LedgerBill {
    let reference = |way: PaymentWay| match way {
        PaymentWay::Bank { reference, .. } | PaymentWay::Returned { reference } => Some(reference),
        PaymentWay::SetOff => None,
    };
    LedgerBill {
        state: view.statement.state,
        invoice: view.bill.invoice.map(|invoice| invoice.file),
        open: view.statement.balance,
        references: view.bill.payments.iter().filter_map(|payment| reference(payment.way)).collect(),
    }
}

#[async_trait]
impl Papers for Kept {
    async fn document(&self, dispatch: &Dispatch) -> Result<Found, PapersError> {
        let of = &dispatch.of;
        let kept = self.registry.document(&ACTOR, of.year, of.statement, &of.file).await?;
        Ok(kept.map_or(Found::Missing, |kept| {
            let parties = kept.facts.as_ref().map(|facts| (&facts.seller.endpoint, &facts.buyer.endpoint));
            let (sender, receiver) = parties.map(|(seller, buyer)| (participant(seller), participant(buyer))).unzip();
            Found::Document(Document { bytes: kept.bytes, sender, receiver })
        }))
    }

    async fn bill(&self, year: Year, statement: StatementId) -> Result<Option<LedgerBill>, PapersError> {
        let view = billing::statement(&self.client, year, statement).await;
        view.map(|view| view.as_ref().map(bill)).map_err(|error| PapersError::Ledger(error.to_string()))
    }

    fn pays(&self) -> bool {
        self.pays
    }
}
