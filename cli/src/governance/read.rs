//! `keis governance list` and `show`: what waits, what was decided, who agreed.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueEnum};
use keis_genesis::Genesis;
use keis_ledger::ids::{DecisionId, InstitutionId};
use keis_ledger::operation::Measure;
use keis_wallet::client::{Client, DecisionDetail, DecisionStage, DecisionView, Policy};
use serde_json::{Value, json};

use crate::wallet::{decision_words, threshold_words};
use crate::words::{Advice, instant};

/// Arguments of `keis governance list`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "List decisions, the newest first",
    after_help = "Example:\n  keis governance list --state open --gateway https://keis.example.lt"
)]
pub struct ListArgs {
    /// Address of a gateway; several are tried in turn
    #[arg(long = "gateway", value_name = "URL", required = true)]
    pub gateways: Vec<String>,
    /// Only those that stand so
    #[arg(long, value_name = "STATE")]
    pub state: Option<Stage>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `keis governance show`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Show a decision: its measure in words, who agreed, where it stands",
    after_help = "Example:\n  keis governance show dec_… --gateway https://keis.example.lt --genesis genesis.json"
)]
pub struct ShowArgs {
    /// The decision
    #[arg(value_name = "DECISION")]
    pub decision: DecisionId,
    /// Address of a gateway; several are tried in turn
    #[arg(long = "gateway", value_name = "URL", required = true)]
    pub gateways: Vec<String>,
    /// Founding document: names the institutions
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Where decisions stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// They wait for votes
    Open,
    /// They were carried out
    Executed,
    /// Their proposer took them back
    Withdrawn,
    /// They were not decided in time
    Expired,
}

impl Stage {
    fn asked(self) -> DecisionStage {
        match self {
            Self::Open => DecisionStage::Open,
            Self::Executed => DecisionStage::Executed,
            Self::Withdrawn => DecisionStage::Withdrawn,
            Self::Expired => DecisionStage::Expired,
        }
    }
}

fn client(gateways: &[String]) -> anyhow::Result<Client> {
    Ok(Client::new(gateways, Policy { attempts: 3, ..Policy::default() })?)
}

/// A decision, or an error that says what to do.
pub(super) async fn fetch(client: &Client, decision: DecisionId) -> anyhow::Result<DecisionDetail> {
    let found = client.decision(decision).await.or_advise("Is the address right, and the node running?")?;
    found
        .with_context(|| format!("{decision} is not on the ledger"))
        .or_advise("`keis governance list` shows the decisions.")
}

pub(super) fn list(args: &ListArgs) -> anyhow::Result<bool> {
    let client = client(&args.gateways)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let state = args.state.map(Stage::asked);
    let decisions = runtime.block_on(client.all_decisions(state));
    let decisions = decisions.or_advise("Is the address right, and the node running?")?;
    if args.json {
        let all: Vec<Value> = decisions.iter().map(as_json).collect();
        println!("{:#}", Value::Array(all));
        return Ok(true);
    }
    if decisions.is_empty() {
        println!("There is no such decision.");
    }
    for decision in &decisions {
        println!("{}  {}", decision.id, standing(decision));
        println!("  {}", words(decision));
    }
    Ok(true)
}

pub(super) fn show(args: &ShowArgs) -> anyhow::Result<bool> {
    let genesis = args.genesis.as_deref().map(Genesis::load).transpose()?;
    let client = client(&args.gateways)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let DecisionDetail { decision, height, .. } = runtime.block_on(fetch(&client, args.decision))?;
    if args.json {
        println!("{:#}", as_json(&decision));
        return Ok(true);
    }
    let names = names(genesis.as_ref());
    println!("{}  {}", decision.id, standing(&decision));
    println!("  {}", words(&decision));
    println!("It takes {}.", threshold_words(decision.threshold));
    println!("proposed  {} by {}", instant(decision.proposed), named(&names, decision.proposer));
    println!("until     {}", instant(decision.until));
    for vote in &decision.approvals {
        println!("agreed    {} {}", instant(vote.at), named(&names, vote.institution));
    }
    println!("Read at height {}.", height.0);
    Ok(true)
}

/// Says to a person what is about to be voted for.
pub(super) fn tell(decision: &DecisionView, measure: &Measure) {
    eprintln!(
        "Vote for {}, which {} proposed at {}; {} of {} votes are there, and it takes {}:",
        decision.id,
        decision.proposer,
        instant(decision.proposed),
        decision.approvals.len(),
        decision.wanted,
        threshold_words(decision.threshold)
    );
    eprintln!("  {}", decision_words(measure));
}

/// Where it stands, in words.
pub(super) fn standing(decision: &DecisionView) -> String {
    let since = decision.closed.map(|at| format!(" at {}", instant(at))).unwrap_or_default();
    match decision.state {
        DecisionStage::Open => {
            format!("open until {}, {} of {} votes", instant(decision.until), decision.approvals.len(), decision.wanted)
        }
        DecisionStage::Executed => format!("carried out{since}"),
        DecisionStage::Withdrawn => format!("withdrawn{since}"),
        DecisionStage::Expired => format!("expired{since}"),
    }
}

fn words(decision: &DecisionView) -> String {
    match decision.public_measure() {
        Some(measure) => decision_words(&measure),
        None => format!("{} (officers read the rest)", decision.measure),
    }
}

fn names(genesis: Option<&Genesis>) -> BTreeMap<InstitutionId, String> {
    let founders = genesis.map(|genesis| genesis.document().institutions.as_slice()).unwrap_or_default();
    founders.iter().map(|founder| (founder.id, founder.name.clone())).collect()
}

fn named(names: &BTreeMap<InstitutionId, String>, id: InstitutionId) -> String {
    names.get(&id).map_or_else(|| id.to_string(), |name| format!("{name} ({id})"))
}

fn as_json(decision: &DecisionView) -> Value {
    let votes: Vec<Value> =
        decision.approvals.iter().map(|vote| json!({ "institution": vote.institution, "at": vote.at })).collect();
    json!({
        "id": decision.id,
        "measure": decision.measure,
        "whole": decision.whole,
        "threshold": decision.threshold,
        "wanted": decision.wanted,
        "proposer": decision.proposer,
        "proposed": decision.proposed,
        "until": decision.until,
        "approvals": votes,
        "state": decision.state,
        "closed": decision.closed,
    })
}
