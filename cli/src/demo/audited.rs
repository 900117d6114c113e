//! An auditor at the end of the year: the ledger in one file, judged by a process that knows nothing but the founding document.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, ensure};
use keis_ledger::classifiers::Year;
use keis_ledger::record::Totals;
use serde::Serialize;
use serde_json::Value;
use tokio::process::Command;

use super::report::Money;
use crate::found::GENESIS_FILE;

/// Name of the export in the demo's folder.
const EXPORT: &str = "ledger.export";
/// Name of the folder of the auditor's report; `audit` is the state audit's node.
const REPORT: &str = "auditor";

/// Who gives the blocks.
pub(super) enum Giver {
    /// A stopped node's folder.
    Folder(PathBuf),
    /// A running node, which asks for an officer's key.
    Gateway { addresses: Vec<String>, key: PathBuf },
}

/// What the auditor found.
#[derive(Debug, Clone, Serialize)]
pub struct Audited {
    /// The verdict, as `keis audit` tells it.
    pub verdict: String,
    /// The first fault in words.
    pub fault: Option<String>,
    /// Whether its sums of the year are those that the gateways tell, cent by cent.
    pub same_money: bool,
    /// Transactions that were executed again, each with its signature.
    pub transactions: u64,
    /// Signatures of validators that were verified.
    pub precommits: u64,
    /// Size of the export.
    pub bytes: u64,
    /// How long the export took to write.
    pub export_seconds: f64,
    /// How long the audit took.
    pub audit_seconds: f64,
    /// The export; it goes with a temporary folder.
    #[serde(skip)]
    pub(super) export: PathBuf,
    /// The page of the report.
    #[serde(skip)]
    pub(super) page: PathBuf,
    /// The founding document.
    #[serde(skip)]
    pub(super) genesis: PathBuf,
    /// Whether the files stay when the demo is over.
    #[serde(skip)]
    pub(super) kept: bool,
}

impl Audited {
    /// Whether everything holds.
    pub fn is_sound(&self) -> bool {
        self.verdict == "sound" && self.same_money
    }

    /// The part of the page for people.
    pub(super) fn lines(&self) -> Vec<String> {
        let verdict = if self.is_sound() { "everything holds" } else { "A FAULT WAS FOUND" };
        let figure = |name: &str, figure: String| format!("  {name:<24}{figure:>18}");
        let mut lines = vec![
            "Audit of the export, by another process".to_owned(),
            figure("verdict", verdict.to_owned()),
            figure("sums of the year", if self.same_money { "as the nodes say" } else { "NOT THE NODES'" }.to_owned()),
            figure("signatures verified", (self.transactions + self.precommits).to_string()),
            figure("export", format!("{} kB, {:.1} s", self.bytes.div_ceil(1000), self.export_seconds)),
            figure("audit", format!("{:.1} s", self.audit_seconds)),
        ];
        lines.extend(self.fault.iter().map(|fault| format!("  first fault {fault}")));
        if self.kept {
            let (export, genesis) = (self.export.display(), self.genesis.display());
            lines.push(format!("  its report  {}", self.page.display()));
            lines.push(format!("  once more   keis audit {export} --genesis {genesis}"));
        } else {
            lines.push("  The network, the export and the report are kept with --home DIR.".to_owned());
        }
        lines
    }
}

/// Exports the ledger into the demo's folder and judges it, both by the commands that an auditor uses.
pub(super) async fn audit(
    folder: &Path,
    kept: bool,
    giver: &Giver,
    (year, money): (Year, &Money),
) -> anyhow::Result<Audited> {
    let (export, genesis, report) = (folder.join(EXPORT), folder.join(GENESIS_FILE), folder.join(REPORT));
    let mut command = words(&["export", "--json", "--genesis"]);
    command.extend([genesis.clone().into(), "--out".into(), export.clone().into()]);
    match giver {
        Giver::Folder(home) => command.extend(["--home".into(), home.into()]),
        Giver::Gateway { addresses, key } => {
            command.extend(addresses.iter().flat_map(|address| ["--gateway".into(), address.into()]));
            command.extend(["--key".into(), key.into()]);
        }
    }
    let (_, export_seconds) = told(&command, &[0]).await.context("the ledger is exported")?;
    let mut command = words(&["audit", "--json", "--lang", "en", "--genesis"]);
    command.extend([genesis.clone().into(), "--report".into(), report.clone().into(), export.clone().into()]);
    // A fault that was found is told in the report, like a sound ledger.
    let (judged, audit_seconds) = told(&command, &[0, 1]).await.context("the export is audited")?;
    let count = |name: &str| judged["verified"][name].as_u64().with_context(|| format!("the auditor tells no {name}"));
    Ok(Audited {
        verdict: judged["verdict"].as_str().context("the auditor tells no verdict")?.to_owned(),
        fault: judged.get("fault").map(Value::to_string),
        same_money: same_money(&judged, year, money),
        transactions: count("transactions")?,
        precommits: count("precommits")?,
        bytes: export.metadata().with_context(|| format!("the size of {}", export.display()))?.len(),
        export_seconds,
        audit_seconds,
        export,
        page: report.join("report.html"),
        genesis,
        kept,
    })
}

/// Whether what the auditor has counted of a year is what the nodes say.
fn same_money(judged: &Value, year: Year, money: &Money) -> bool {
    let years = judged["years"].as_array().into_iter().flatten();
    let Some(found) = years.into_iter().find(|one| one["year"] == year.0) else { return false };
    let same = |source: &str, totals: &Totals| {
        let sources = found["money"].as_array().into_iter().flatten();
        let counted = sources.into_iter().find(|one| one["source"] == source).map(|one| one["totals"].clone());
        counted.is_some() && counted == serde_json::to_value(totals).ok()
    };
    same("state", &money.state) && same("school", &money.school)
}

fn words(all: &[&str]) -> Vec<OsString> {
    all.iter().map(OsString::from).collect()
}

/// What this program, as a process of its own, tells in JSON, and how long it took.
async fn told(arguments: &[OsString], lawful: &[i32]) -> anyhow::Result<(Value, f64)> {
    let started = Instant::now();
    let program = std::env::current_exe().context("the path of this program")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("cannot start this program once more")?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code().is_some_and(|code| lawful.contains(&code)), "{}: {error}", output.status);
    let value = serde_json::from_slice(&output.stdout).context("the answer is no JSON")?;
    Ok((value, started.elapsed().as_secs_f64()))
}
