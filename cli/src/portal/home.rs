//! A portal's folder: settings, the master key of the database, the operator's service keys.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use keis_genesis::Genesis;
use keis_ledger::crypto::SecretKey;
use keis_portal::settings::Settings;
use keis_wallet::secret_file;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::words::Advice;

/// Name of the settings in a portal's folder.
pub(crate) const SETTINGS: &str = "portal.toml";
/// Name of the founding document's copy.
pub(crate) const GENESIS: &str = "genesis.json";
/// Name of the database's master key.
pub(crate) const MASTER_KEY: &str = "master.key";
/// Name of the operator's service key.
pub(crate) const OPERATOR_KEY: &str = "operator.key";
/// Name of the budget holder's service key.
pub(crate) const BUDGET_HOLDER_KEY: &str = "budget-holder.key";

/// Content of `portal.toml`. Paths are relative to the folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// Founding document of the network.
    pub(crate) genesis: PathBuf,
    /// Gateways of nodes that the institution trusts to read from, the nearest first.
    pub(crate) gateways: Vec<String>,
    /// Where the central database is: `sqlite:registry.sqlite` or `postgres://…`.
    pub(crate) database: String,
    /// File of the database's master key; without it, it is asked for at the start.
    #[serde(default)]
    pub(crate) master_key: Option<PathBuf>,
    /// Service key of an operator's officer.
    pub(crate) operator_key: PathBuf,
    /// Service key of a budget holder's officer, where this portal serves that institution too.
    #[serde(default)]
    pub(crate) budget_holder_key: Option<PathBuf>,
    /// Folder that fills with the e-invoices of legal persons, where a node of the operator serves it: `gateway.invoices` in that
    /// node's settings names the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) invoices_folder: Option<PathBuf>,
    /// The web pages.
    pub(crate) portal: Settings,
}

/// A portal's folder with its settings.
pub(crate) struct PortalHome {
    folder: PathBuf,
    /// The settings.
    pub(crate) settings: File,
}

impl PortalHome {
    /// Reads the settings of a folder.
    pub(crate) fn load(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(SETTINGS);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))
            .or_advise("`keis portal init` makes a portal's folder; --home names it.")?;
        let settings = toml::from_str(&text).with_context(|| format!("{} is not understood", path.display()))?;
        Ok(Self { folder: folder.to_owned(), settings })
    }

    /// Makes a folder's settings; whatever they name is put there by the caller.
    pub(crate) fn create(folder: &Path, settings: File) -> anyhow::Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join(SETTINGS);
        anyhow::ensure!(!path.exists(), "{} is a portal's folder already; name another one", folder.display());
        let text = toml::to_string_pretty(&settings).context("the settings cannot be written")?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { folder: folder.to_owned(), settings })
    }

    /// A path of the settings.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The founding document.
    pub(crate) fn genesis(&self) -> anyhow::Result<Genesis> {
        let path = self.path(&self.settings.genesis);
        Genesis::load(&path).or_advise("`genesis` in portal.toml names the network's founding document.")
    }

    /// Address of the database, a file's name taken from the folder.
    pub(crate) fn database(&self) -> String {
        match self.settings.database.strip_prefix("sqlite:") {
            Some(file) => format!("sqlite:{}", self.folder.join(file).display()),
            None => self.settings.database.clone(),
        }
    }

    /// The database's master key, from its file or asked for.
    pub(crate) fn master_key(&self) -> anyhow::Result<Zeroizing<[u8; 32]>> {
        if let Some(file) = &self.settings.master_key {
            return Ok(Zeroizing::new(self.key(file)?.to_bytes()));
        }
        let text = rpassword::prompt_password("Master key of the database (64 hexadecimal digits): ")
            .map(Zeroizing::new)
            .context("the master key cannot be asked for")
            .or_advise("There is no terminal to ask at; name its file as `master_key` in portal.toml.")?;
        let mut key = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), key.as_mut_slice())
            .map_err(|_| anyhow::anyhow!("a master key has exactly 64 hexadecimal digits"))?;
        Ok(key)
    }

    /// The operator's service key.
    pub(crate) fn operator(&self) -> anyhow::Result<SecretKey> {
        self.key(&self.settings.operator_key)
    }

    /// The budget holder's service key, where there is one.
    pub(crate) fn budget_holder(&self) -> anyhow::Result<Option<SecretKey>> {
        self.settings.budget_holder_key.as_deref().map(|file| self.key(file)).transpose()
    }

    fn key(&self, file: &Path) -> anyhow::Result<SecretKey> {
        secret_file::read(&self.path(file))
            .or_advise("`keis key new --out FILE` makes a key; portal.toml names its file.")
    }
}
