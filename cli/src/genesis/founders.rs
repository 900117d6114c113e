//! `founders.toml`: what founders write by hand, with names for ids and dates for milliseconds.

use std::path::Path;

use anyhow::{Context, bail};
use keis_genesis::{ClockKind, Document, FORMAT, Institution, Office, Officer, default_parameters};
use keis_ledger::crypto::PublicKey;
use keis_ledger::ids::InstitutionId;
use keis_ledger::parameters::NetworkParameters;
use keis_ledger::time::{Span, Timestamp};
use keis_wallet::random::new_id;
use serde::{Deserialize, Deserializer};

use crate::words::read_instant;

/// How long an officer's key is in force unless the founders say otherwise.
const TERM: Span = Span::days(5 * 365 + 1);

/// The content of `founders.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Founders {
    name: String,
    #[serde(default)]
    time: Option<Moment>,
    #[serde(default = "real")]
    clock: ClockKind,
    #[serde(default)]
    parameters: Parameters,
    institutions: Vec<Founder>,
    officers: Vec<NewOfficer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Founder {
    name: String,
    #[serde(default)]
    id: Option<InstitutionId>,
    consensus_key: PublicKey,
    network_key: PublicKey,
    governance_keys: [PublicKey; 2],
    #[serde(default = "one")]
    power: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewOfficer {
    institution: String,
    office: Office,
    key: PublicKey,
    #[serde(default)]
    from: Option<Moment>,
    #[serde(default)]
    until: Option<Moment>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Parameters {
    protocol: Option<u32>,
    max_validity: Option<Span>,
    step_budget: Option<u32>,
    max_block_bytes: Option<u32>,
    max_touched: Option<u32>,
    clock_bound: Option<Span>,
}

/// An instant as founders write it.
#[derive(Debug, Clone, Copy)]
struct Moment(Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        read_instant(&text).map(Self).map_err(|error| serde::de::Error::custom(format_args!("{error:#}")))
    }
}

const fn real() -> ClockKind {
    ClockKind::Real
}

const fn one() -> u64 {
    1
}

impl Founders {
    /// Reads the file. An error names the line and never repeats it: somebody may have pasted a secret there.
    pub(super) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
            anyhow::anyhow!("{}, line {line}: {}", path.display(), error.message())
        })
    }

    /// The founding document, not yet judged. `now` is its time unless the founders say otherwise.
    pub(super) fn document(self, now: Timestamp) -> anyhow::Result<Document> {
        let time = self.time.map_or(now, |moment| moment.0);
        let institutions: Vec<Institution> = self.institutions.into_iter().map(Founder::institution).collect();
        let officers =
            self.officers.into_iter().map(|officer| officer.officer(&institutions, time)).collect::<Result<_, _>>()?;
        Ok(Document {
            format: FORMAT,
            name: self.name,
            time,
            clock: self.clock,
            parameters: self.parameters.over(default_parameters()),
            institutions,
            officers,
        })
    }
}

impl Founder {
    fn institution(self) -> Institution {
        Institution {
            id: self.id.unwrap_or_else(|| new_id(InstitutionId)),
            name: self.name,
            consensus_key: self.consensus_key,
            network_key: self.network_key,
            governance_keys: self.governance_keys,
            power: self.power,
        }
    }
}

impl NewOfficer {
    fn officer(self, institutions: &[Institution], time: Timestamp) -> anyhow::Result<Officer> {
        let named = &self.institution;
        let mut found = institutions
            .iter()
            .filter(|institution| institution.name == *named || institution.id.to_string() == *named);
        let institution = match (found.next(), found.next()) {
            (Some(institution), None) => institution.id,
            (None, _) => bail!("the officer {} is of `{named}`, which is no institution of the file", self.key),
            (Some(_), Some(_)) => bail!(
                "the officer {} is of `{named}`, which names several institutions; give them ids and use the id",
                self.key
            ),
        };
        let from = self.from.map_or(time, |moment| moment.0);
        let until = self.until.map_or(from.after(TERM), |moment| moment.0);
        Ok(Officer { institution, office: self.office, key: self.key, from, until })
    }
}

impl Parameters {
    fn over(self, usual: NetworkParameters) -> NetworkParameters {
        NetworkParameters {
            protocol: self.protocol.unwrap_or(usual.protocol),
            max_validity: self.max_validity.unwrap_or(usual.max_validity),
            step_budget: self.step_budget.unwrap_or(usual.step_budget),
            max_block_bytes: self.max_block_bytes.unwrap_or(usual.max_block_bytes),
            max_touched: self.max_touched.unwrap_or(usual.max_touched),
            clock_bound: self.clock_bound.unwrap_or(usual.clock_bound),
        }
    }
}
