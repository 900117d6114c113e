//! `keis node init`: a folder for one institution's node.

use std::fs::{self, File};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use keis_engine::guard::{Beginning, DEFAULT_OBSERVED_HEIGHTS};
use keis_genesis::{Genesis, Institution};
use keis_ledger::chain::Address;
use keis_ledger::crypto::{PublicKey, SecretKey};
use keis_ledger::ids::InstitutionId;
use keis_node::config::{Config, Peer};
use keis_node::home::{Home, NewHome};
use keis_wallet::secret_file;

use crate::words::Advice;

/// Name of the founding document's copy in a node's folder.
const GENESIS: &str = "genesis.json";
/// Name of the settings in a node's folder.
const CONFIG: &str = "config.toml";

/// Arguments of `keis node init`.
#[derive(Debug, Clone, Args)]
#[command(
    about = "Make the folder of a node",
    long_about = "Make the folder of a node: settings, the two secret keys, the sign guard, a copy of the founding document.\n\n\
        The folder is complete in itself: the files that the keys and the document were read from are not needed afterwards. \
        Keep the consensus key in one folder alone: two nodes that sign with one key are a fault that the network sees.",
    after_help = "Example:\n  keis node init --home /var/lib/keis --genesis genesis.json \\\n    \
        --consensus-key consensus.key --network-key network.key \\\n    \
        --listen-consensus 10.0.1.1:26600 --listen-gossip 10.0.1.1:26601 \\\n    --listen-gateway 127.0.0.1:8080 \\\n    \
        --peer key_…@10.0.2.1:26600@10.0.2.1:26601 \\\n    --peer key_…@10.0.3.1:26600@10.0.3.1:26601"
)]
pub struct InitArgs {
    /// Folder to make; must be missing or empty
    #[arg(long, value_name = "DIR")]
    pub home: PathBuf,
    /// Founding document of the network; it is copied
    #[arg(long, value_name = "FILE")]
    pub genesis: PathBuf,
    /// Secret key that signs votes, as `keis key new` writes it; it is copied
    #[arg(long, value_name = "FILE")]
    pub consensus_key: PathBuf,
    /// Secret key that names the node to the others; it is copied
    #[arg(long, value_name = "FILE")]
    pub network_key: PathBuf,
    /// Address on which consensus listens for the other nodes
    #[arg(long, value_name = "IP:PORT")]
    pub listen_consensus: SocketAddr,
    /// Address on which transactions and documents are exchanged with the other nodes
    #[arg(long, value_name = "IP:PORT")]
    pub listen_gossip: SocketAddr,
    /// Address of the public door (REST)
    #[arg(long, value_name = "IP:PORT")]
    pub listen_gateway: SocketAddr,
    /// Another node: its network key, where its consensus listens, where its exchange listens; once for each
    #[arg(long = "peer", value_name = "KEY@IP:PORT@IP:PORT", value_parser = peer)]
    pub peers: Vec<Peer>,
    /// Whose node it is, for an institution that is not in the founding document and joins by a decision of the others
    #[arg(long, value_name = "ID")]
    pub institution: Option<InstitutionId>,
    /// Name of the node in its log; the institution's id when it is left out
    #[arg(long, value_name = "NAME")]
    pub moniker: Option<String>,
    /// Folder of legal persons' e-invoices that the operator's portal fills (`invoices_folder` in its settings); this node's
    /// gateway serves them to their parties
    #[arg(long, value_name = "DIR")]
    pub invoices: Option<PathBuf>,
    /// The consensus key may have signed before: observe the network before signing
    #[arg(long)]
    pub restored: bool,
    /// Heights to observe with --restored
    #[arg(long, value_name = "N", default_value_t = DEFAULT_OBSERVED_HEIGHTS, requires = "restored",
        value_parser = clap::value_parser!(u64).range(1..))]
    pub heights: u64,
}

/// Reads `key_…@IP:PORT@IP:PORT`.
fn peer(text: &str) -> Result<Peer, String> {
    let form = || "a peer is written key_…@IP:PORT@IP:PORT: network key, consensus address, gossip address";
    let mut parts = text.split('@');
    let (Some(key), Some(consensus), Some(gossip), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(form().to_owned());
    };
    let network_key = key.parse().map_err(|error| format!("{error}; {}", form()))?;
    let address = |text: &str| text.parse::<SocketAddr>().map_err(|_| format!("`{text}` is no IP:PORT; {}", form()));
    Ok(Peer { network_key, consensus: address(consensus)?, gossip: address(gossip)? })
}

/// Makes the folder.
pub(super) fn run(args: &InitArgs) -> anyhow::Result<bool> {
    let genesis = Genesis::load(&args.genesis)
        .or_advise("`keis genesis check FILE` judges a founding document; get it from the institution that made it.")?;
    let key = |path: &Path| secret_file::read(path).or_advise("`keis key new --out FILE` makes a machine's key.");
    let (consensus, network) = (key(&args.consensus_key)?, key(&args.network_key)?);
    let institution = institution(&genesis, args, &consensus, &network)?;
    let own = institution.map_or(args.institution, |founder| Some(founder.id));
    for peer in &args.peers {
        ensure!(
            peer.network_key != network.public(),
            "--peer {}: the node's own network key, not the network key of another institution\n  `keis genesis show` lists them.",
            peer.network_key
        );
    }
    let strangers = unlisted(&genesis, own, &args.peers);
    let original = args.genesis.canonicalize().with_context(|| format!("cannot find {}", args.genesis.display()))?;
    let peers = args.peers.clone();
    let mut config = Config::new(original, args.listen_consensus, args.listen_gossip, args.listen_gateway, peers);
    config.moniker.clone_from(&args.moniker);
    config.institution = args.institution;
    config.gateway.invoices = args.invoices.as_deref().map(std::path::absolute).transpose()?;
    let beginning = if args.restored { Beginning::Joining { heights: args.heights } } else { Beginning::Genesis };
    let (address, network_key, consensus_key) =
        (Address::of(&consensus.public()), network.public(), consensus.public());
    let new = NewHome { config, consensus, network, beginning };
    let home = Home::create(&args.home, &new)
        .or_advise("Name a folder that is missing or empty; its parent must be writable.")?;
    keep_genesis(&home, &genesis, new.config)?;
    match (institution, args.institution) {
        (Some(founder), _) => println!("{} is the node of {}", args.home.display(), founder.name),
        (None, id) => {
            println!("{} is the node of {}", args.home.display(), id.map_or_else(String::new, |id| id.to_string()))
        }
    }
    println!("network    {}", genesis.hash());
    println!("validator  {address}");
    if args.restored {
        println!("It signs after {} heights that the others decided without its key.", args.heights);
    }
    for stranger in strangers {
        println!("Note: {stranger}.");
    }
    if institution.is_none() {
        println!("network key {network_key}");
        println!("It follows until the institutions make its consensus key {consensus_key} a validator's.");
        println!(
            "Each of the others adds it to [[peers]] in its {CONFIG} and starts its node again, one after the other."
        );
    }
    let simulated = if genesis.is_simulated() { " --simulated" } else { "" };
    println!("Next: keis node run --home {}{simulated}", args.home.display());
    Ok(true)
}

/// The founder whose two keys these are; none for an institution that joins later and says who it is.
fn institution<'a>(
    genesis: &'a Genesis,
    args: &InitArgs,
    consensus: &SecretKey,
    network: &SecretKey,
) -> anyhow::Result<Option<&'a Institution>> {
    let public = consensus.public();
    if let Some(id) = args.institution {
        let founder = genesis.document().institutions.iter().find(|founder| founder.id == id);
        if let Some(founder) = founder {
            same_network_key(founder, args, network)?;
        }
        return Ok(founder);
    }
    let found = genesis.institution_of(&public).with_context(|| {
        format!(
            "{} holds {public}, which is no institution's consensus key in {}\n  `keis genesis show` lists the keys; \
             an institution that joins later says which it is with --institution.",
            args.consensus_key.display(),
            args.genesis.display()
        )
    })?;
    same_network_key(found, args, network)?;
    Ok(Some(found))
}

fn same_network_key(founder: &Institution, args: &InitArgs, network: &SecretKey) -> anyhow::Result<()> {
    ensure!(
        network.public() == founder.network_key,
        "{} holds {}, but the founding document names {} as network key of {}\n  \
         Both keys must be those that the institution gave to the founders.",
        args.network_key.display(),
        network.public(),
        founder.network_key,
        founder.name
    );
    Ok(())
}

/// Notes on peers: founders that no peer stands for, and peers that no founder is.
fn unlisted(genesis: &Genesis, own: Option<InstitutionId>, peers: &[Peer]) -> Vec<String> {
    let institutions = &genesis.document().institutions;
    let of = |key: &PublicKey| institutions.iter().find(|other| other.network_key == *key);
    let strangers = peers.iter().filter(|peer| of(&peer.network_key).is_none_or(|other| Some(other.id) == own));
    let listed = |other: &Institution| peers.iter().any(|peer| peer.network_key == other.network_key);
    let missing = institutions.iter().filter(|other| Some(other.id) != own && !listed(other));
    let missing = missing.map(|other| {
        format!("no --peer has the network key of {}; add it to [[peers]] in {CONFIG} before the start", other.name)
    });
    let strangers = strangers.map(|peer| {
        format!(
            "--peer {}: not the network key of another founder; right only for one that joined later",
            peer.network_key
        )
    });
    missing.chain(strangers).collect()
}

/// Copies the founding document into the folder and makes the settings name the copy. Until the last step the settings
/// name the original, so a folder that a power cut left half done is sound as long as that file stays.
fn keep_genesis(home: &Home, genesis: &Genesis, config: Config) -> anyhow::Result<()> {
    genesis.save(&home.path().join(GENESIS))?;
    let config = Config { genesis: GENESIS.into(), ..config };
    let text = toml::to_string_pretty(&config).context("the settings have no text")?;
    let (path, beside) = (home.path().join(CONFIG), home.path().join("config.toml.new"));
    let written = File::create(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, &path))
        .and_then(|()| File::open(home.path())?.sync_all());
    written.with_context(|| format!("cannot write {}", path.display()))
}
