//! `keis portal init`: a folder for one institution's portal.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use keis_genesis::{Genesis, Office};
use keis_ledger::crypto::SecretKey;
use keis_portal::settings::{Limits, Settings};
use keis_wallet::client::{Client, Policy};
use keis_wallet::random::new_key;
use keis_wallet::secret_file;
use url::Url;

use super::home::{BUDGET_HOLDER_KEY, File, GENESIS, MASTER_KEY, OPERATOR_KEY, PortalHome, SETTINGS};
use crate::words::Advice;

/// Arguments of `keis portal init`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Make the folder of a portal",
    long_about = "Make the folder of a portal: settings, the master key of the database, copies of the founding document and \
        of the service keys.\n\nThe master key opens all personal data: keep a copy of it apart from the database and its \
        backups. Identity providers are added to [[portal.oidc]] in the settings.",
    after_help = "Example:\n  keis portal init --home /var/lib/keis-portal --genesis genesis.json \\\n    \
        --gateway http://127.0.0.1:8080 --operator-key operator.key \\\n    \
        --listen 127.0.0.1:8443 --public-url https://pasas.example/ --database postgres://keis@/keis"
)]
pub struct InitArgs {
    /// Folder to make; must not hold a portal yet
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// Founding document of the network; it is copied
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// Address of a node's gateway, the nearest first; once for each
    #[arg(long = "gateway", value_name = "URL", required = true)]
    pub gateways: Vec<String>,
    /// Service key of an operator's officer; it is copied
    #[arg(long, value_name = "FILE")]
    pub operator_key: PathBuf,
    /// Service key of a budget holder's officer, if the portal serves that institution too; it is copied
    #[arg(long, value_name = "FILE")]
    pub budget_holder_key: Option<PathBuf>,
    /// Where the portal listens; without a certificate only on the loopback, behind a proxy that has one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8443")]
    pub listen: SocketAddr,
    /// The address under which browsers know it
    #[arg(long, value_name = "URL")]
    pub public_url: Url,
    /// The central database
    #[arg(long, value_name = "URL", default_value = "sqlite:registry.sqlite")]
    pub database: String,
    /// Folder that fills with the e-invoices of legal persons, for the operator's node (`keis node init --invoices`)
    #[arg(long, value_name = "DIR")]
    pub invoices_folder: Option<PathBuf>,
}

/// Whether the founding document names this key for an office.
fn serves(genesis: &Genesis, key: &SecretKey, office: Office) -> anyhow::Result<()> {
    let named = genesis.document().officers.iter().find(|officer| officer.key == key.public());
    let Some(named) = named else {
        anyhow::bail!(
            "{} is no officer's key of this network\n  The founding document lists the officers' keys.",
            key.public()
        );
    };
    let title = |office| match office {
        Office::Operator => "the operator",
        Office::BudgetHolder => "the budget holder",
        Office::Auditor => "an auditor",
    };
    anyhow::ensure!(
        named.office == office,
        "{} belongs to an officer of {}, not of {}",
        key.public(),
        title(named.office),
        title(office)
    );
    Ok(())
}

/// Whether the settings can be used at all, before a folder is made of them.
fn usable(args: &InitArgs) -> anyhow::Result<()> {
    Client::new(&args.gateways, Policy::default()).context("--gateway")?;
    let url = &args.public_url;
    anyhow::ensure!(
        matches!(url.scheme(), "http" | "https") && url.path() == "/",
        "--public-url: {url} is no address of pages; it begins with https:// or http:// and has no path"
    );
    let known = ["sqlite:", "postgres:", "postgresql:"];
    anyhow::ensure!(
        known.iter().any(|scheme| args.database.starts_with(scheme)),
        "--database names no database; known are sqlite:PATH and postgres://…"
    );
    Ok(())
}

/// Makes the folder.
pub(super) fn run(args: &InitArgs) -> anyhow::Result<bool> {
    let genesis = Genesis::load(&args.genesis)
        .or_advise("`keis genesis check FILE` judges a founding document; get it from the institution that made it.")?;
    let read = |path| secret_file::read(path).or_advise("`keis key new --out FILE` makes a service key.");
    let operator = read(&args.operator_key)?;
    let budget_holder = args.budget_holder_key.as_deref().map(read).transpose()?;
    serves(&genesis, &operator, Office::Operator)?;
    if let Some(key) = &budget_holder {
        serves(&genesis, key, Office::BudgetHolder)?;
    }
    usable(args)?;
    let settings = File {
        genesis: GENESIS.into(),
        gateways: args.gateways.clone(),
        database: args.database.clone(),
        master_key: Some(MASTER_KEY.into()),
        operator_key: OPERATOR_KEY.into(),
        budget_holder_key: budget_holder.as_ref().map(|_| BUDGET_HOLDER_KEY.into()),
        invoices_folder: args.invoices_folder.as_deref().map(std::path::absolute).transpose()?,
        portal: Settings {
            listen: args.listen,
            public_url: args.public_url.clone(),
            tls: None,
            oidc: Vec::new(),
            simulated_sign_in: false,
            limits: Limits::default(),
            dispatch: None,
            metrics: None,
        },
    };
    let home = PortalHome::create(&args.home, settings)?;
    genesis.save(&home.path(GENESIS.as_ref())).context("the founding document")?;
    secret_file::create(&home.path(MASTER_KEY.as_ref()), &new_key())?;
    secret_file::create(&home.path(OPERATOR_KEY.as_ref()), &operator)?;
    if let Some(key) = &budget_holder {
        secret_file::create(&home.path(BUDGET_HOLDER_KEY.as_ref()), key)?;
    }
    println!("{} is a portal of the network {}", args.home.display(), genesis.hash());
    println!("Keep a copy of {MASTER_KEY} apart from the database: without it nobody can read the personal data.");
    println!("Next: name identity providers in {SETTINGS} ([[portal.oidc]]), then");
    println!("      keis registry import schools --home {} schools.csv", args.home.display());
    println!("      keis portal run --home {}", args.home.display());
    Ok(true)
}
