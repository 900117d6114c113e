//! `keis wallet send`: an operation, told in words, signed, sent and followed to its end.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use keis_genesis::Genesis;
use keis_ledger::crypto::SecretKey;
use keis_ledger::operation::{Operation, Party};
use keis_ledger::time::Span;
use keis_ledger::transaction::SignedTransaction;
use keis_wallet::client::{Client, ClientError, Outcome, Policy, Rejection, Status, Submission, TransactionStatus};
use keis_wallet::compose::Composer;
use serde_json::json;

use super::{operation, secret, summary};
use crate::receipt;
use crate::words::{Advice, instant};

/// Arguments of `keis wallet send`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Sign an operation, send it and wait for its receipt",
    long_about = "Sign an operation, send it and wait for its receipt.\n\n\
        The operation is told in words before the passphrase is asked for. Operations are written in JSON: `keis wallet example` \
        lists them. With --genesis the gateways are not trusted: they must be of that network, and the receipt is verified.",
    after_help = "Exit code 0 when it took effect (with --no-wait: was taken), 3 when the ledger refused it, 1 when its fate is \
        not known.\n\n\
        Example:\n  keis wallet send --wallet coordinator.wallet --operation request.json \\\n    --gateway https://keis.example.lt\n  \
        keis wallet example end-year |\n    keis wallet send --wallet officer.wallet --operation - --gateway https://keis.example.lt"
)]
pub struct SendArgs {
    /// File of the operation; - reads the standard input
    #[arg(long, value_name = "FILE")]
    pub operation: PathBuf,
    /// The party that asked an officer by telephone or letter: school:sch_…, provider:prv_… or pupil:YEAR:pup_…
    #[arg(long, value_name = "PARTY", value_parser = operation::party)]
    pub on_behalf: Option<Party>,
    #[command(flatten)]
    pub sending: Sending,
}

// Who signs, and where to: what every command that sends a transaction takes. No doc comment: clap would show it.
#[derive(Debug, Clone, Args)]
pub struct Sending {
    /// File of the sealed key that signs
    #[arg(long, value_name = "FILE", required_unless_present = "key", conflicts_with = "key")]
    pub wallet: Option<PathBuf>,
    /// File of a machine's key that signs, instead of --wallet
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Address of a gateway; several are tried in turn
    #[arg(long = "gateway", value_name = "URL", required = true)]
    pub gateways: Vec<String>,
    /// Founding document: the gateways must be of its network, and the receipt is verified
    #[arg(long, value_name = "FILE")]
    pub genesis: Option<PathBuf>,
    /// Do not wait for the receipt
    #[arg(long)]
    pub no_wait: bool,
    /// How long to wait for the receipt, in seconds
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// How long the transaction may wait for its block, in seconds
    #[arg(long, value_name = "S", default_value_t = 3_600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub valid_for: u64,
    /// File with the passphrase, readable by its owner alone
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub passphrase_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Signs and sends; says whether the ledger took it.
pub(super) fn run(args: &SendArgs) -> anyhow::Result<bool> {
    let operation = super::read_operation(&args.operation)?;
    eprintln!("{}", summary::summary(&operation));
    if let Some(party) = &args.on_behalf {
        eprintln!("On behalf of {}, who asked for it.", summary::party_words(party));
    }
    let genesis = args.sending.genesis()?;
    let key = args.sending.open_key()?;
    args.sending.deliver(key, genesis.as_ref(), args.on_behalf, |_| Ok(operation))
}

impl Sending {
    /// The founding document, if one was named.
    pub(crate) fn genesis(&self) -> anyhow::Result<Option<Genesis>> {
        Ok(self.genesis.as_deref().map(Genesis::load).transpose()?)
    }

    /// The key that signs.
    pub(crate) fn open_key(&self) -> anyhow::Result<SecretKey> {
        match (&self.wallet, &self.key) {
            (Some(wallet), _) => secret::open(wallet, self.passphrase_file.as_deref()),
            (None, Some(file)) => secret::machine(file),
            (None, None) => anyhow::bail!("name the key that signs with --wallet or --key"),
        }
    }

    /// A client for questions: before anything is signed nothing is lost by giving up soon.
    pub(crate) fn asking(&self) -> anyhow::Result<Client> {
        Ok(Client::new(&self.gateways, Policy { attempts: 3, ..Policy::default() })?)
    }

    /// Signs what `operation` makes of the network's status, sends it and follows it; says whether the ledger took it.
    pub(crate) fn deliver(
        &self,
        key: SecretKey,
        genesis: Option<&Genesis>,
        on_behalf: Option<Party>,
        operation: impl FnOnce(&Status) -> anyhow::Result<Operation>,
    ) -> anyhow::Result<bool> {
        let client = Client::new(&self.gateways, Policy::default())?;
        let asking = self.asking()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let status =
                asking.status().await.or_advise("Is the address right, and the node running? Nothing was sent.")?;
            if let Some(genesis) = genesis {
                ensure!(
                    status.network == genesis.hash(),
                    "the gateway is of the network {}, the founding document of {}; nothing was signed",
                    status.network,
                    genesis.hash()
                );
            }
            let transaction = compose(self, key, &status, on_behalf, operation(&status)?)?;
            if self.no_wait {
                offer(self, &client, &transaction).await
            } else {
                follow(self, &client, &transaction, genesis).await
            }
        })
    }
}

fn compose(
    args: &Sending,
    key: SecretKey,
    status: &Status,
    on_behalf: Option<Party>,
    operation: Operation,
) -> anyhow::Result<SignedTransaction> {
    let composer = Composer::new(status.network, key).valid_for(Span(args.valid_for.saturating_mul(1_000)));
    let transaction = match on_behalf {
        Some(party) => composer.compose_on_behalf(status.clock, party, operation),
        None => composer.compose(status.clock, operation),
    };
    let transaction = transaction.context("the operation is too long")?;
    let simulated = if status.simulated { ", simulated: nothing on it is real" } else { "" };
    eprintln!("Signed by {} for the network {}{simulated}.", composer.signer(), status.network);
    eprintln!("{} waits until {}.", transaction.id(), instant(transaction.body().valid_until));
    Ok(transaction)
}

async fn offer(args: &Sending, client: &Client, transaction: &SignedTransaction) -> anyhow::Result<bool> {
    let id = transaction.id();
    let standing = match client.submit(transaction.raw()).await? {
        Submission::Refused(rejection) => return Ok(refused(args, transaction, "refused", &rejection)),
        Submission::Taken(TransactionStatus::Dropped { rejection, .. }) => {
            return Ok(refused(args, transaction, "dropped", &rejection));
        }
        Submission::Taken(TransactionStatus::Waiting) => "waiting",
        Submission::Taken(TransactionStatus::Parked) => "parked",
        Submission::Taken(TransactionStatus::Included { .. }) => "included",
    };
    if args.json {
        println!("{:#}", json!({ "id": id, "outcome": standing }));
    } else {
        println!("{id}");
        println!("Taken ({standing}), which promises nothing yet: keis receipt get --gateway … --genesis … {id}");
    }
    Ok(true)
}

async fn follow(
    args: &Sending,
    client: &Client,
    transaction: &SignedTransaction,
    genesis: Option<&Genesis>,
) -> anyhow::Result<bool> {
    let id = transaction.id();
    let outcome = client.submit_and_wait(transaction, Duration::from_secs(args.timeout)).await;
    let outcome = match outcome {
        Err(error @ ClientError::TimedOut { .. }) => {
            return Err(error).or_advise(&format!("Ask later: keis receipt get --gateway … --genesis … {id}"));
        }
        outcome => outcome.with_context(|| format!("the fate of {id} is not known"))?,
    };
    match outcome {
        Outcome::Included(found) => {
            if let Some(genesis) = genesis {
                receipt::fetch(client, Some(genesis), id).await?;
            }
            if args.json {
                let verified = genesis.is_some();
                println!("{:#}", json!({ "id": id, "outcome": "included", "verified": verified, "receipt": found }));
            } else {
                receipt::print(&found, genesis.is_some());
            }
            Ok(true)
        }
        Outcome::Refused(rejection) => Ok(refused(args, transaction, "refused", &rejection)),
        Outcome::Dropped { rejection, .. } => Ok(refused(args, transaction, "dropped", &rejection)),
        Outcome::Expired => {
            if args.json {
                println!("{:#}", json!({ "id": id, "outcome": "expired" }));
            } else {
                println!("{id} expired without effect; it may be sent again.");
            }
            Ok(false)
        }
    }
}

/// Tells the rule that stands against it. Always an outcome that was not wanted.
fn refused(args: &Sending, transaction: &SignedTransaction, outcome: &str, rejection: &Rejection) -> bool {
    let id = transaction.id();
    if args.json {
        println!("{:#}", json!({ "id": id, "outcome": outcome, "rejection": rejection }));
        return false;
    }
    println!("{id} was {outcome} without effect: {}", rejection.code);
    if !rejection.detail.is_empty() {
        println!("  {}", rejection.detail);
    }
    for (name, value) in rejection.fields.iter().filter(|(name, _)| is_telling(name)) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        println!("  {name}: {value}");
    }
    false
}

/// Whether a field belongs to the rule, and not to the form in which gateways write problems.
fn is_telling(name: &str) -> bool {
    !matches!(name, "type" | "title" | "status" | "instance")
}
