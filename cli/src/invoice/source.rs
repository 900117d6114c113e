//! Where invoices come from: a folder with its central database, or a gateway.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::Commitment;
use keis_ledger::operation::{Owner, Party};
use keis_ledger::record::StatementState;
use keis_registry::page::Page;
use keis_registry::{Actor, Registry};
use keis_wallet::client::{Client, InvoiceForm, Policy, StatementView};

use super::SourceArgs;
use super::ledger::{Key, Ledger};
use crate::found;
use crate::portal::{self, home::PortalHome};
use crate::wallet::secret;
use crate::words::Advice;

/// What the registry's log calls who uses these commands.
const ACTOR: Actor = Actor::System("command line");
/// Name of the whole ledger's file in the folder of a demo.
const EXPORT: &str = "ledger.export";
/// Documents that are read from the database at a time.
const AT_ONCE: u32 = 50;

/// A paper that the ledger names, with its bytes.
pub(super) struct Paper {
    /// Its statement.
    pub(super) key: Key,
    /// The commitment by which the ledger knows it.
    pub(super) commitment: Commitment,
    /// How far the statement has come.
    pub(super) state: Option<StatementState>,
    /// UBL.
    pub(super) bytes: Vec<u8>,
}

/// Where invoices come from.
pub(super) enum Source {
    /// The operator's own.
    Home(Box<Home>),
    /// A gateway, for a party or an office.
    Gateway(Door),
}

/// A central database, and what the ledger names.
pub(super) struct Home {
    registry: Registry,
    ledger: Ledger,
}

/// A gateway that is asked with a key.
pub(super) struct Door {
    client: Client,
    key: SecretKey,
}

impl Source {
    /// Opens what the arguments name.
    pub(super) async fn open(args: &SourceArgs) -> anyhow::Result<Self> {
        match &args.home {
            Some(folder) => Ok(Self::Home(Box::new(Home::open(folder, args.ledger.as_deref()).await?))),
            None => Ok(Self::Gateway(Door::open(args)?)),
        }
    }

    /// How many papers there may be; for a progress bar.
    pub(super) fn expected(&self) -> u64 {
        match self {
            Self::Home(home) => home.ledger.papers() as u64,
            Self::Gateway(_) => 0,
        }
    }

    /// Hands every paper to `each`, of all years or one.
    pub(super) async fn papers(
        &self,
        year: Option<Year>,
        each: &mut dyn FnMut(Paper) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Home(home) => home.papers(year, each).await,
            Self::Gateway(door) => door.papers(year, each).await,
        }
    }

    /// Whether the ledger names these bytes: the paper, if it does.
    pub(super) async fn names(&self, bytes: &[u8], year: Option<Year>) -> anyhow::Result<Option<Paper>> {
        match self {
            Self::Home(home) => home.names(bytes).await,
            Self::Gateway(door) => door.names(bytes, year).await,
        }
    }

    /// Lets go of the database.
    pub(super) async fn close(self) {
        match self {
            Self::Home(home) => home.registry.close().await,
            Self::Gateway(_) => {}
        }
    }
}

impl Home {
    async fn open(folder: &Path, export: Option<&Path>) -> anyhow::Result<Self> {
        let beside = folder.join(found::PORTAL);
        let home = if beside.is_dir() { PortalHome::load(&beside)? } else { PortalHome::load(folder)? };
        let network = home.genesis()?.hash();
        let ledger = match export {
            Some(file) => Ledger::of_export(file, network)?,
            None => ledger(folder, &home, network).await?,
        };
        let registry = portal::registry(&home).await?;
        Ok(Self { registry, ledger })
    }

    async fn papers(
        &self,
        year: Option<Year>,
        each: &mut dyn FnMut(Paper) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        for year in self.ledger.years().into_iter().filter(|one| year.is_none_or(|year| year == *one)) {
            let mut page = Page::first(AT_ONCE);
            loop {
                let listed = self.registry.documents_of(&ACTOR, year, &page).await?;
                for kept in listed.items {
                    let (key, commitment) = ((kept.year, kept.statement), kept.commitments.file);
                    // A note about a reversal was made of what the ledger did, which names no note about it.
                    if self.ledger.names(key, &commitment) || kept.reversal.is_some() {
                        each(Paper { key, commitment, state: self.ledger.state(key), bytes: kept.bytes })?;
                    }
                }
                match listed.next {
                    Some(next) => page.after = Some(next),
                    None => break,
                }
            }
        }
        Ok(())
    }

    async fn names(&self, bytes: &[u8]) -> anyhow::Result<Option<Paper>> {
        let found = self.registry.recognised(&ACTOR, bytes).await?;
        let named = found.into_iter().find_map(|one| {
            let (key, commitment) = ((one.year, one.statement), one.commitments.file);
            let state = self.ledger.state(key);
            self.ledger.names(key, &commitment).then(|| Paper { key, commitment, state, bytes: bytes.to_vec() })
        });
        Ok(named)
    }
}

/// The ledger of the gateways that a portal's settings name; the file that a demo leaves where none answers.
async fn ledger(folder: &Path, home: &PortalHome, network: Hash) -> anyhow::Result<Ledger> {
    let export = folder.join(EXPORT);
    let policy = Policy { attempts: 1, connect: Duration::from_secs(1), ..Policy::default() };
    let client = Client::new(&home.settings.gateways, policy).context("`gateways` in portal.toml")?;
    match client.status().await {
        Ok(status) => {
            ensure!(status.network == network, "the gateways are of the network {}", status.network);
            Ledger::of_gateway(&portal::gateways(home)?, network).await
        }
        Err(_) if export.is_file() => Ledger::of_export(&export, network),
        Err(error) => Err(error).or_advise(
            "Start a node that portal.toml names, or give the ledger as a file: `keis export` writes it, --ledger names it.",
        ),
    }
}

impl Door {
    fn open(args: &SourceArgs) -> anyhow::Result<Self> {
        let key = match (&args.wallet, &args.key) {
            (Some(wallet), _) => secret::open(wallet, args.passphrase_file.as_deref())?,
            (None, Some(file)) => secret::machine(file)?,
            (None, None) => {
                anyhow::bail!(
                    "a gateway gives invoices to parties and offices alone\n  Name the key with --wallet or --key."
                )
            }
        };
        let client = Client::new(&args.gateways, Policy::default())?.signed_by(key.clone());
        Ok(Self { client, key })
    }

    async fn papers(
        &self,
        year: Option<Year>,
        each: &mut dyn FnMut(Paper) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let known = self.client.parameters().await?.years;
        for year in known.into_iter().map(|one| one.year).filter(|one| year.is_none_or(|year| year == *one)) {
            for statement in self.statements(year).await? {
                let key = (year, statement.id);
                let Some(papers) = self.client.papers(key).await? else { continue };
                for commitment in papers.held.into_iter().chain(papers.reversals) {
                    let bytes = self.client.invoice(key, Some(commitment), InvoiceForm::Xml).await?;
                    let Some(bytes) = bytes else { continue };
                    each(Paper { key, commitment, state: Some(statement.statement.state), bytes })?;
                }
            }
        }
        Ok(())
    }

    /// The statements of a year that the key's holder may see.
    async fn statements(&self, year: Year) -> anyhow::Result<Vec<StatementView>> {
        let known = self.client.key(self.key.public()).await?;
        let owner = known.context("the key is not on this network's ledger")?.owner;
        Ok(match owner {
            Owner::Party(Party::Provider(id)) => self.client.all_provider_statements(id, year).await?,
            Owner::Party(Party::School(id)) => self.client.all_school_statements(id, year).await?,
            Owner::Party(Party::Pupil(..)) | Owner::Governance(_) => {
                anyhow::bail!("this key's holder is a party of no invoice")
            }
            Owner::Operator(_) | Owner::BudgetHolder(_) | Owner::Auditor(_) => {
                self.client.all_statements_of(year, None).await?
            }
        })
    }

    async fn names(&self, bytes: &[u8], year: Option<Year>) -> anyhow::Result<Option<Paper>> {
        let Ok(reading) = keis_einvoice::Reading::parse(bytes) else { return Ok(None) };
        let Some(statement) = reading.object.as_deref().and_then(|object| object.parse().ok()) else { return Ok(None) };
        let supplied = reading.period.map_or(reading.received.issued, |period| period.until);
        let year = year.or_else(|| u16::try_from(supplied.year()).ok().map(Year)).context("the file names no year")?;
        let key = (year, statement);
        let Some(papers) = self.client.papers(key).await? else { return Ok(None) };
        for commitment in papers.held {
            let held = self.client.invoice(key, Some(commitment), InvoiceForm::Xml).await?;
            if held.as_deref() == Some(bytes) {
                let state = self.client.statement(year, statement).await?.map(|view| view.statement.state);
                return Ok(Some(Paper { key, commitment, state, bytes: bytes.to_vec() }));
            }
        }
        Ok(None)
    }
}
