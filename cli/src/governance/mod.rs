//! `keis governance`: what the institutions decide together, proposed, read, and voted for.

mod example;
mod measure;
mod read;

use std::io::{BufRead, IsTerminal};

use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};
use keis_ledger::ids::DecisionId;
use keis_ledger::operation::{GovernanceOperation, LONGEST_PROPOSAL, Measure, Operation};
use keis_ledger::protocol;
use keis_ledger::time::{Span, Timestamp};
use keis_wallet::client::{Client, DecisionStage};
use keis_wallet::random::new_id;

use crate::wallet::{Sending, decision_words, threshold_words};
use crate::words::{Advice, instant, read_instant};

pub use example::examples;
pub use measure::read_measure;

/// Commands of governance.
#[derive(Debug, Subcommand)]
#[command(
    about = "Propose, read and vote for what the institutions decide together",
    after_help = "Rules, validators, officers and the version of the rules take the governance keys of more than two thirds of the \
        institutions; disputes, reversals, force majeure, extensions, successions and payment accounts take officers of two.\n\n\
        Example:\n  keis governance propose --switch-protocol 2 --at-height 90000 \\\n    --wallet governance.wallet --gateway https://keis.example.lt"
)]
pub enum GovernanceCommand {
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Propose(ProposeArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Approve(ApproveArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Withdraw(WithdrawArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    List(read::ListArgs),
    #[expect(missing_docs, reason = "clap would show it instead of what the arguments say")]
    Show(read::ShowArgs),
    /// Print a measure in JSON to fill in; without a name, list the names
    #[command(after_help = "Example:\n  keis governance example extend > outage.json")]
    Example {
        /// Which measure
        #[arg(value_name = "MEASURE")]
        name: Option<String>,
    },
}

/// Arguments of `keis governance propose`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Propose a measure; the proposer's is the first vote",
    after_help = "Exit code 0 when it was proposed, 3 when the ledger refused it, 1 when nothing was sent or its fate is not known.\n\n\
        Examples:\n  keis governance example extend > outage.json\n  \
        keis governance propose --measure outage.json --wallet officer.wallet --gateway https://keis.example.lt\n  \
        keis governance propose --appoint key_… --office operator --institution ins_… \\\n    --wallet governance.wallet --gateway https://keis.example.lt"
)]
pub struct ProposeArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for a heading of the help")]
    pub what: measure::What,
    /// It lapses at this instant (RFC 3339), if it is not decided; left out: 30 days from now, 90 at most
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub until: Option<Timestamp>,
    /// Sign without asking
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for a heading of the help")]
    pub sending: Sending,
}

/// Arguments of `keis governance approve`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Vote for a proposal; the vote that reaches the threshold carries it out",
    long_about = "Vote for a proposal; the vote that reaches the threshold carries it out.\n\nThe measure is fetched and told in words before \
        anything is signed.",
    after_help = "Exit code 0 when the vote took effect, 3 when the ledger refused it, 1 when nothing was sent or its fate is not known.\n\n\
        Example:\n  keis governance approve dec_… --wallet governance.wallet --gateway https://keis.example.lt"
)]
pub struct ApproveArgs {
    /// The decision
    #[arg(value_name = "DECISION")]
    pub decision: DecisionId,
    /// Sign without asking
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for a heading of the help")]
    pub sending: Sending,
}

/// Arguments of `keis governance withdraw`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Take one's own institution's proposal back",
    after_help = "Example:\n  keis governance withdraw dec_… --wallet governance.wallet --gateway https://keis.example.lt"
)]
pub struct WithdrawArgs {
    /// The decision
    #[arg(value_name = "DECISION")]
    pub decision: DecisionId,
    /// Sign without asking
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "clap would take it for a heading of the help")]
    pub sending: Sending,
}

/// How long a proposal stands unless it says otherwise.
const STANDS: Span = Span::days(30);

fn time(text: &str) -> Result<Timestamp, String> {
    read_instant(text).map_err(|error| format!("{error:#}"))
}

/// Runs a `keis governance` command; says whether the ledger took what was asked.
///
/// # Errors
/// When a file is of no use, nobody agrees to sign, or no gateway answers.
pub fn run(command: GovernanceCommand) -> anyhow::Result<bool> {
    match command {
        GovernanceCommand::Propose(args) => propose(&args),
        GovernanceCommand::Approve(args) => approve(&args),
        GovernanceCommand::Withdraw(args) => withdraw(&args),
        GovernanceCommand::List(args) => read::list(&args),
        GovernanceCommand::Show(args) => read::show(&args),
        GovernanceCommand::Example { name } => example(name.as_deref()),
    }
}

fn propose(args: &ProposeArgs) -> anyhow::Result<bool> {
    let measure = args.what.measure()?;
    known(&measure)?;
    let decision = new_id(DecisionId);
    eprintln!("Propose {decision}, which takes {}:", threshold_words(measure.threshold()));
    eprintln!("  {}", decision_words(&measure));
    agree(args.yes)?;
    let genesis = args.sending.genesis()?;
    let key = args.sending.open_key()?;
    let until = args.until;
    let taken = args.sending.deliver(key, genesis.as_ref(), None, |status| {
        let until = until.unwrap_or_else(|| status.clock.after(STANDS));
        ensure!(
            status.clock < until && until <= status.clock.after(LONGEST_PROPOSAL),
            "a proposal stands 90 days at most; it is {} on the network, and --until says {}",
            instant(status.clock),
            instant(until)
        );
        Ok(Operation::Governance(GovernanceOperation::Propose { decision, measure, until }))
    })?;
    if taken {
        eprintln!("Others vote for it: keis governance approve {decision} --wallet … --gateway …");
    }
    Ok(taken)
}

fn approve(args: &ApproveArgs) -> anyhow::Result<bool> {
    let asking = args.sending.asking()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(read::fetch(&asking, args.decision))?;
    ensure!(
        found.decision.state == DecisionStage::Open,
        "{} is decided, withdrawn or expired: {}",
        args.decision,
        read::standing(&found.decision)
    );
    let genesis = args.sending.genesis()?;
    let (key, measure) = match found.decision.public_measure() {
        Some(measure) => {
            read::tell(&found.decision, &measure);
            known(&measure)?;
            agree(args.yes)?;
            (args.sending.open_key()?, measure)
        }
        // What concerns single lines, or an account, is told to officers alone: the key opens before the question.
        None => {
            let key = args.sending.open_key()?;
            let measure = runtime.block_on(whole(&asking.signed_by(key.clone()), args.decision))?;
            read::tell(&found.decision, &measure);
            agree(args.yes)?;
            (key, measure)
        }
    };
    known(&measure)?;
    drop(runtime);
    let vote = Operation::Governance(GovernanceOperation::Approve { decision: args.decision });
    args.sending.deliver(key, genesis.as_ref(), None, |_| Ok(vote))
}

async fn whole(client: &Client, decision: DecisionId) -> anyhow::Result<Measure> {
    let found = client.decision_measure(decision).await;
    let found = found.or_advise("What it says is told to officers of the operator and the budget holder alone.")?;
    found.with_context(|| format!("the measure of {decision} is not at the gateway"))
}

fn withdraw(args: &WithdrawArgs) -> anyhow::Result<bool> {
    eprintln!("Take {} back.", args.decision);
    agree(args.yes)?;
    let genesis = args.sending.genesis()?;
    let key = args.sending.open_key()?;
    let withdraw = Operation::Governance(GovernanceOperation::Withdraw { decision: args.decision });
    args.sending.deliver(key, genesis.as_ref(), None, |_| Ok(withdraw))
}

/// Nobody signs for rules that this program does not know.
fn known(measure: &Measure) -> anyhow::Result<()> {
    if let Measure::SwitchProtocol { version, .. } = measure {
        ensure!(
            *version <= protocol::LATEST,
            "this program knows the rules up to version {}, not {version}; nothing was signed\n  Install a version of KEIS that \
             knows them first, on the node too: a node that does not know the rules stops at that block.",
            protocol::LATEST
        );
    }
    Ok(())
}

/// Asks at the terminal whether to sign.
fn agree(yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    let input = std::io::stdin();
    if !input.is_terminal() {
        bail!("nobody can be asked whether to sign; nothing was signed\n  Give --yes where you have read it before.");
    }
    eprint!("Type yes to sign: ");
    let mut answer = String::new();
    input.lock().read_line(&mut answer).context("cannot read the answer")?;
    ensure!(answer.trim() == "yes", "nothing was signed");
    Ok(())
}

fn example(name: Option<&str>) -> anyhow::Result<bool> {
    let examples = examples();
    let Some(name) = name else {
        for example in &examples {
            println!("{:<24} {}", example.name, example.about);
        }
        return Ok(true);
    };
    let Some(example) = examples.iter().find(|example| example.name == name) else {
        bail!("there is no measure `{name}`\n  `keis governance example` lists the names.");
    };
    println!("{}", serde_json::to_string_pretty(&example.measure)?);
    Ok(true)
}
