//! Puts a portal together from its folder: database, gateways, catalogue, ways to sign in, the outbox's worker, the pages.

use std::collections::BTreeSet;

use anyhow::Context;
use keis_genesis::{Genesis, Office};
use keis_ledger::ids::InstitutionId;
use keis_portal::billing::publish::{Publisher, Publishing};
use keis_portal::catalogue::Catalogue;
use keis_portal::dispatch::Dispatcher;
use keis_portal::door::{self, Desk, LedgerDoor};
use keis_portal::server::Portal;
use keis_portal::signin::{SamplePerson, SignIn};
use keis_portal::site::{Institutions, Network, Site};
use keis_registry::{MasterKey, Registry, RegistryError};
use keis_wallet::client::{Client, Policy};

use super::home::PortalHome;
use crate::words::Advice;

/// A portal at work.
pub(crate) struct Running {
    portal: Portal,
    office: door::Office,
    dispatcher: Option<Dispatcher>,
    publishing: Option<Publishing>,
    registry: Registry,
}

impl Running {
    /// The central database.
    pub(crate) fn registry(&self) -> Registry {
        self.registry.clone()
    }

    /// Lets requests under way end; what waits for the ledger goes on at the next start.
    pub(crate) async fn stop(self) {
        self.portal.shutdown().await;
        if let Some(dispatcher) = self.dispatcher {
            dispatcher.stop().await;
        }
        self.office.stop().await;
        if let Some(publishing) = self.publishing {
            publishing.stop().await;
        }
        self.registry.close().await;
    }
}

/// Opens the central database of a portal's folder.
pub(crate) async fn registry(home: &PortalHome) -> anyhow::Result<Registry> {
    let master = MasterKey::from_bytes(*home.master_key()?);
    match Registry::open(&home.database(), &master).await {
        Err(error @ RegistryError::WrongMasterKey) => {
            Err(error).or_advise("`master_key` in portal.toml must name the key that this database was made with.")
        }
        opened => opened.or_advise("`database` in portal.toml says where the central database is."),
    }
}

/// The gateways, asked with the operator's signature: it may read everything.
pub(crate) fn gateways(home: &PortalHome) -> anyhow::Result<Client> {
    let client = Client::new(&home.settings.gateways, Policy::default()).context("`gateways` in portal.toml")?;
    Ok(client.signed_by(home.operator()?))
}

/// Who founded the network, and whose officers have which office.
fn institutions(genesis: &Genesis) -> Institutions {
    let document = genesis.document();
    let of = |office: Office| {
        let officers = document.officers.iter().filter(|officer| officer.office == office);
        let all: BTreeSet<InstitutionId> = officers.map(|officer| officer.institution).collect();
        all.into_iter().collect()
    };
    Institutions {
        names: document.institutions.iter().map(|one| (one.id, one.name.clone())).collect(),
        operators: of(Office::Operator),
        budget_holders: of(Office::BudgetHolder),
    }
}

/// Starts a portal. Sample people can sign in on a simulated network alone.
pub(crate) async fn start(home: &PortalHome, people: Vec<SamplePerson>) -> anyhow::Result<Running> {
    let genesis = home.genesis()?;
    let institutions = institutions(&genesis);
    let network = Network { hash: genesis.hash(), simulated: genesis.is_simulated(), institutions };
    let client = gateways(home)?;
    let status =
        client.status().await.or_advise("No gateway answers; start the node, or mend `gateways` in portal.toml.")?;
    anyhow::ensure!(
        status.network == network.hash,
        "the gateway belongs to the network {}, portal.toml's genesis to {}",
        status.network,
        network.hash
    );
    let settings = home.settings.portal.clone();
    let mut sign_in = SignIn::new(&settings, &network)?;
    if !people.is_empty() {
        sign_in = sign_in.simulated(people)?;
    }
    let registry = registry(home).await?;
    let desk = Desk { operator: home.operator()?, budget_holder: home.budget_holder()? };
    let way = settings.dispatch.clone().map(|way| way.under(&home.path("".as_ref())));
    let start = |way| Dispatcher::start(&registry, client.clone(), &way, desk.budget_holder.is_some());
    let dispatcher = way.map(start).transpose().context("`portal.dispatch` in portal.toml")?;
    let door = LedgerDoor::new(client.clone(), network.hash, desk);
    let office = door::Office::start(&registry, door);
    let folder = home.settings.invoices_folder.as_deref().map(|folder| home.path(folder));
    let publishing = folder.map(|folder| Publisher::new(folder, client.clone(), registry.clone()).start());
    // The catalogue is public: reading it needs no signature.
    let anybody = Client::new(&home.settings.gateways, Policy::default()).context("`gateways` in portal.toml")?;
    let catalogue = Catalogue::start(anybody, registry.clone());
    let site = Site::new(settings, network, registry.clone(), client, catalogue, sign_in);
    let portal = Portal::start(site).await?;
    Ok(Running { portal, office, dispatcher, publishing, registry })
}
