//! Measures as people write them: JSON or TOML in the ledger's own names, or short forms for the common ones.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::{ArgGroup, Args, ValueEnum};
use keis_ledger::chain::Height;
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::InstitutionId;
use keis_ledger::operation::{Measure, Owner};
use keis_ledger::parameters::NetworkLimits;
use keis_ledger::time::{Span, Timestamp};
use serde_json::Value;

use crate::wallet::ignored;
use crate::words::{Advice, now};

/// Largest file that is read.
const LARGEST: u64 = 1024 * 1024;
/// How long an officer's office lasts unless it says otherwise.
const OFFICE: Span = Span::days(5 * 365);

/// The ways to say what is proposed; one of them.
const FORMS: [&str; 5] = ["measure_file", "switch_protocol", "appoint", "dismiss", "parameters"];

// What is proposed: a file, or one of the short forms. No doc comment: clap would show it.
#[derive(Debug, Clone, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("form").required(true).args(FORMS))]
pub struct What {
    /// File of the measure, JSON or TOML; `keis governance example` prints them
    #[arg(long = "measure", value_name = "FILE")]
    pub measure_file: Option<PathBuf>,
    /// Switch to this version of the rules
    #[arg(long, value_name = "VERSION", requires = "at_height")]
    pub switch_protocol: Option<u32>,
    /// From this block on
    #[arg(long, value_name = "HEIGHT", requires = "switch_protocol")]
    pub at_height: Option<u64>,
    /// Appoint an officer with this key
    #[arg(long, value_name = "KEY", requires_all = ["office", "institution"])]
    pub appoint: Option<PublicKey>,
    /// The officer's office
    #[arg(long, value_name = "OFFICE", requires = "appoint")]
    pub office: Option<Office>,
    /// The officer's institution
    #[arg(long, value_name = "INSTITUTION", requires = "appoint")]
    pub institution: Option<InstitutionId>,
    /// First instant of the office (RFC 3339); left out: now
    #[arg(long, value_name = "TIME", requires = "appoint", value_parser = super::time)]
    pub office_from: Option<Timestamp>,
    /// The office ends at this instant (RFC 3339); left out: five years later
    #[arg(long, value_name = "TIME", requires = "appoint", value_parser = super::time)]
    pub office_until: Option<Timestamp>,
    /// Dismiss the officer with this key now
    #[arg(long, value_name = "KEY")]
    pub dismiss: Option<PublicKey>,
    /// Set the network's limits to those of a file, JSON or TOML
    #[arg(long, value_name = "FILE")]
    pub parameters: Option<PathBuf>,
}

/// What officers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Office {
    /// Signs for the institution that operates the programme
    Operator,
    /// Signs for the institution that holds the budget
    BudgetHolder,
    /// Reads everything and signs nothing
    Auditor,
}

impl What {
    /// The measure that is meant.
    ///
    /// # Errors
    /// When a file cannot be read or holds no measure.
    pub fn measure(&self) -> anyhow::Result<Measure> {
        if let Some(file) = &self.measure_file {
            return read_measure(file);
        }
        if let Some(file) = &self.parameters {
            let limits: NetworkLimits = read(file, "limits")?;
            return Ok(Measure::SetNetworkParameters { limits });
        }
        if let (Some(version), Some(height)) = (self.switch_protocol, self.at_height) {
            return Ok(Measure::SwitchProtocol { version, height: Height(height) });
        }
        if let (Some(key), Some(office), Some(institution)) = (self.appoint, self.office, self.institution) {
            let owner = match office {
                Office::Operator => Owner::Operator(institution),
                Office::BudgetHolder => Owner::BudgetHolder(institution),
                Office::Auditor => Owner::Auditor(institution),
            };
            let from = self.office_from.unwrap_or_else(now);
            let until = self.office_until.unwrap_or_else(|| from.after(OFFICE));
            return Ok(Measure::AppointOfficer { key, owner, from, until });
        }
        match self.dismiss {
            Some(key) => Ok(Measure::DismissOfficer { key }),
            None => bail!("name what is proposed; `keis governance propose --help` lists the forms"),
        }
    }
}

/// Reads a measure from a file of JSON or TOML.
///
/// # Errors
/// When the file cannot be read or holds no measure; a field that no measure has is refused.
pub fn read_measure(file: &Path) -> anyhow::Result<Measure> {
    read(file, "measure")
        .or_advise("`keis governance example` lists measures, `keis governance example NAME` prints one.")
}

fn read<T: serde::de::DeserializeOwned + serde::Serialize>(file: &Path, what: &str) -> anyhow::Result<T> {
    let about = || format!("{} holds no {what}", file.display());
    let length = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    ensure!(length <= LARGEST, "{} is larger than any {what}", file.display());
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let written: Value = if file.extension().is_some_and(|extension| extension == "toml") {
        toml::from_str(&text).with_context(about)?
    } else {
        serde_json::from_str(&text).with_context(about)?
    };
    let read: T = serde_json::from_value(written.clone()).with_context(about)?;
    if let Some(field) = ignored(&written, &serde_json::to_value(&read)?) {
        bail!("{}: the field {field} means nothing here", file.display());
    }
    Ok(read)
}
