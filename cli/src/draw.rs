//! Drawing orders from an export, so that the registry shows their wallets to be pupils'. Needs no network and no secret.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use keis_audit::{Part, Reader};
use keis_genesis::Genesis;
use keis_ledger::block::Block;
use keis_ledger::classifiers::Year;
use keis_ledger::crypto::Hash;
use keis_ledger::ids::{BlockId, Nullifier, OrderId, PupilId};
use keis_ledger::operation::{Change, Operation, OrderAction, WalletOperation};
use serde::{Deserialize, Serialize};

use crate::proof;
use crate::words::{Advice, count};

/// What opens everything that is hashed to draw.
const TAG: &[u8; 16] = b"KEIS/draw/00001\0";

/// Arguments of `keis audit sample`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Draw orders at random from an export, for the registry to open",
    long_about = "Draw orders at random from an export, for the registry to open.\n\n\
        The seed decides which: take one that nobody of the programme could choose and that everybody can look up, told in public \
        before the export was made, such as a draw of a lottery on a day to come. Without one, the id of the export's last block \
        is taken. The list names pupils' wallets: it is as restricted as the export. Audit the export first.",
    after_help = "Example:\n  keis audit sample ledger.export --genesis genesis.json --year 2027 --orders 50 --out sample.json\n  \
        keis registry open-sample sample.json --home /var/lib/keis-portal --officer usr_… --witness usr_…"
)]
pub struct SampleArgs {
    /// The export, whole from block 1
    #[arg(value_name = "EXPORT")]
    pub file: PathBuf,
    /// Founding document of the network
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// The programme year
    #[arg(long, value_name = "YEAR")]
    pub year: u16,
    /// How many orders
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub orders: u32,
    /// Public text that decides which
    #[arg(long, value_name = "TEXT")]
    pub seed: Option<String>,
    /// New file of the list
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// A drawn sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    format: Format,
    /// Of which network.
    pub network: Hash,
    /// The last block that was looked at.
    pub block: BlockId,
    /// What decided.
    pub seed: String,
    /// The programme year.
    pub year: Year,
    /// Orders from which was drawn.
    pub drawn_from: u64,
    /// The orders, in the order of the draw.
    pub orders: Vec<SampledOrder>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "keis-sample-1")]
    One,
}

/// A drawn order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampledOrder {
    /// The order.
    pub order: OrderId,
    /// Every wallet that it ever named.
    pub wallets: Vec<SampledWallet>,
}

/// A wallet of a drawn order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampledWallet {
    /// The wallet.
    pub wallet: PupilId,
    /// The token with which it was opened.
    pub nullifier: Nullifier,
}

/// What a year's blocks say of orders and wallets.
#[derive(Debug, Default)]
pub struct Named {
    orders: BTreeMap<OrderId, BTreeSet<PupilId>>,
    nullifiers: BTreeMap<PupilId, Nullifier>,
}

impl Named {
    /// Takes in what an operation says of the year.
    pub fn take(&mut self, year: Year, operation: &Operation) {
        if let Operation::Wallet(WalletOperation::OpenPupils { year: of, pupils }) = operation
            && *of == year
        {
            self.nullifiers.extend(pupils.iter().map(|new| (new.pupil, new.nullifier)));
        }
        let Operation::Order { year: of, order, action } = operation else { return };
        if *of != year {
            return;
        }
        if let OrderAction::Request { pupils, .. } = action {
            self.orders.entry(*order).or_default().extend(pupils);
        }
        // A proposal that nobody took up moves no money, so only what was requested can be drawn.
        let Some(wallets) = self.orders.get_mut(order) else { return };
        if let OrderAction::ConfirmAttendance { added, .. } = action {
            wallets.extend(added);
        }
        if let OrderAction::ProposeChange(Change::Booking { add, .. }) = action {
            wallets.extend(add);
        }
        if let OrderAction::Swap { lines } = action {
            wallets.extend(lines.iter().map(|(_, pupil)| *pupil));
        }
    }

    /// Draws orders: those whose hash with the seed is least.
    ///
    /// # Errors
    /// When an order names a wallet that was never opened, which no lawful export does.
    pub fn draw(&self, network: Hash, block: BlockId, seed: &str, year: Year, most: usize) -> anyhow::Result<Sample> {
        let mut ranked: Vec<([u8; 32], OrderId)> =
            self.orders.keys().map(|order| (rank(seed, year, order), *order)).collect();
        ranked.sort_unstable();
        let orders =
            ranked.into_iter().take(most).map(|(_, order)| self.sampled(order)).collect::<anyhow::Result<_>>()?;
        let drawn_from = self.orders.len() as u64;
        Ok(Sample { format: Format::One, network, block, seed: seed.to_owned(), year, drawn_from, orders })
    }

    fn sampled(&self, order: OrderId) -> anyhow::Result<SampledOrder> {
        let wallet = |wallet: &PupilId| {
            let nullifier = self.nullifiers.get(wallet).copied();
            let nullifier = nullifier.with_context(|| format!("{order} names {wallet}, which was never opened"))?;
            anyhow::Ok(SampledWallet { wallet: *wallet, nullifier })
        };
        let wallets = self.orders.get(&order).into_iter().flatten().map(wallet).collect::<anyhow::Result<_>>()?;
        Ok(SampledOrder { order, wallets })
    }
}

fn rank(seed: &str, year: Year, order: &OrderId) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    let length = seed.len() as u64;
    for part in [TAG, &length.to_le_bytes()[..], seed.as_bytes(), &year.0.to_le_bytes(), &order.0] {
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

impl Sample {
    /// A mark by which a log names the list: the hash of its content.
    pub fn mark(&self) -> String {
        let text = serde_json::to_vec(self).expect("a sample has only fields that JSON has");
        blake3::hash(&text).to_string()
    }
}

/// Draws and writes the list.
///
/// # Errors
/// When the export cannot be read, is of another network or begins later than with block 1, or the file exists.
pub fn run(args: &SampleArgs) -> anyhow::Result<bool> {
    let genesis = Genesis::load(&args.genesis)?;
    let year = Year(args.year);
    let (named, block) =
        read(&args.file, &genesis, year).or_advise("`keis export` writes one; `keis audit` judges it.")?;
    let seed = args.seed.clone().unwrap_or_else(|| block.to_string());
    let most = usize::try_from(args.orders).unwrap_or(usize::MAX);
    let sample = named.draw(genesis.hash(), block, &seed, year, most)?;
    if sample.orders.is_empty() {
        println!("The export holds no order of {year}; nothing was written.");
        return Ok(false);
    }
    proof::keep(&args.out, &sample)?;
    let wallets: BTreeSet<PupilId> =
        sample.orders.iter().flat_map(|order| &order.wallets).map(|one| one.wallet).collect();
    println!("drawn        {} of {}", count(sample.orders.len(), "order"), sample.drawn_from);
    println!("wallets      {}", wallets.len());
    println!("seed         {seed}");
    println!("up to block  {block}");
    println!("mark         {}", sample.mark());
    Ok(true)
}

fn read(path: &Path, genesis: &Genesis, year: Year) -> anyhow::Result<(Named, BlockId)> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut reader = Reader::open(BufReader::new(file)).with_context(|| format!("{}", path.display()))?;
    let head = *reader.head();
    ensure!(head.network == genesis.hash(), "the export is of the network {}", head.network);
    ensure!(head.from.0 == 1, "the export begins with block {}; wallets opened before are missing in it", head.from);
    let (mut named, mut tip) = (Named::default(), BlockId::default());
    loop {
        match reader.part()? {
            Part::Documents(_) => {}
            Part::End(_) => return Ok((named, tip)),
            Part::Blocks(entries) => {
                for entry in entries {
                    let height = entry.height;
                    let Ok(block) = Block::decode(&entry.block) else { bail!("block {height} cannot be read") };
                    for raw in block.raw_transactions() {
                        let signed =
                            raw.parse(&head.network).with_context(|| format!("a transaction of block {height}"))?;
                        named.take(year, &signed.body().operation);
                    }
                    tip = block.header.id();
                }
            }
        }
    }
}

/// Reads a list.
///
/// # Errors
/// When the file is none.
pub fn load(path: &Path) -> anyhow::Result<Sample> {
    proof::load(path, "sample").or_advise("`keis audit sample` draws one.")
}
