//! How a node without a chain comes to one: by a snapshot that proves itself, whoever else lies, and by the blocks before it.

#![allow(clippy::wildcard_enum_match_arm, reason = "a liar changes one answer and leaves the others as they are")]

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use keis_ledger::chain::{Certificate, Height, Validator, ValidatorSet, VoteStep, vote_bytes};
use keis_ledger::classifiers::Place;
use keis_ledger::codec;
use keis_ledger::crypto::{Hash, PublicKey};
use keis_ledger::ids::{EntityId, InstitutionId, SchoolId, TransactionId};
use keis_ledger::operation::{NewSchool, Operation, WalletOperation};
use keis_ledger::record::Record;
use keis_ledger::tree::TreeKey;
use keis_node::chain::{Handover, Lineage, Published, load};
use keis_node::config::Config;
use keis_node::run::{Node, NodeError, Renewal};
use keis_node::store::{Options, Store};
use keis_node::sync::{
    AskError, Joining, Library, Neighbour, Neighbours, Offer, Outcome, Request, Response, SnapshotOffer, join,
};
use tempfile::TempDir;

use crate::cluster_support::{Cluster, PATIENCE, genesis, key};

/// Schools opened together.
const SCHOOLS: u16 = 400;

fn quick(config: &mut Config) {
    config.snapshot.blocks = 8;
    config.sync.far_behind = 10;
}

/// Opens schools that no other batch opens.
fn open_schools(batch: u16) -> Operation {
    let school = |number: u16| {
        let mut id = [0; 16];
        id[..2].copy_from_slice(&batch.to_be_bytes());
        id[2..4].copy_from_slice(&number.to_be_bytes());
        NewSchool { school: SchoolId(id), entity: EntityId(id), place: Place::Municipality(1) }
    };
    Operation::Wallet(WalletOperation::OpenSchools { schools: (1..=SCHOOLS).map(school).collect() })
}

/// A network that has come to a height well above its first snapshots, and the ids of what was done.
async fn grown(batches: u16) -> (Cluster, Vec<TransactionId>) {
    let mut cluster = Cluster::new(true, quick);
    cluster.start_all().await;
    let mut done = Vec::new();
    for batch in 1..=batches {
        let id = cluster.submit(usize::from(batch % 4), open_schools(batch));
        cluster.receipt(usize::from(batch % 4), &id).await;
        done.push(id);
    }
    (cluster, done)
}

/// A node's folder as after a loss of everything but settings, keys and sign guard.
fn wipe(cluster: &Cluster, number: usize) {
    for part in ["store", "consensus"] {
        fs::remove_dir_all(cluster.homes[number].path().join(part)).expect("a part of the folder is removed");
    }
}

async fn start_with(cluster: &mut Cluster, number: usize, adjust: impl Fn(&mut Config)) {
    let mut config = cluster.homes[number].config().expect("sound settings");
    adjust(&mut config);
    let node = Node::start(&cluster.homes[number], config, cluster.options).await;
    cluster.nodes[number] = Some(node.unwrap_or_else(|error| panic!("node {number}: {error:?}")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_wiped_node_joins_at_a_snapshot_and_completes_its_history() {
    let (mut cluster, done) = grown(20).await;
    cluster.stop(3).await;
    wipe(&cluster, 3);
    start_with(&mut cluster, 3, |config| config.sync.history = false).await;
    let first = cluster.node(3).archive().first_height().expect("it has joined");
    assert!(first.0 >= 8, "it began at {first}");
    // It lives on: new blocks reach it, and it votes.
    let next = cluster.submit(3, open_schools(100));
    cluster.receipt(3, &next).await;
    assert_eq!(cluster.node(3).archive().first_height(), Some(first));
    assert_eq!(cluster.node(3).archive().header(Height(1)).expect("readable"), None);
    assert!(cluster.node(3).archive().receipt(&done[0]).expect("readable").is_none());
    assert!(!cluster.homes[3].fetched().exists(), "nothing fetched is left over");
    // A restart finds its snapshot; then the past comes from the peers, and the node begins again with all of it.
    cluster.stop(3).await;
    start_with(&mut cluster, 3, |_| {}).await;
    let mut node = cluster.nodes[3].take().expect("it runs");
    assert!(node.status().borrow().syncing, "a node that lacks the past is not ready");
    let ended = tokio::time::timeout(PATIENCE, node.stopped()).await.expect("the history becomes whole");
    assert!(matches!(ended, Err(NodeError::Renewed(Renewal::History))), "{ended:?}");
    drop(node);
    start_with(&mut cluster, 3, |_| {}).await;
    assert_eq!(cluster.node(3).archive().first_height(), Some(Height(1)));
    cluster.assert_equal(&[0, 1, 2, 3]).await;
    for id in &done {
        let located = cluster.node(3).archive().receipt(id).expect("readable").expect("every receipt is found");
        assert_eq!(Some(located), cluster.node(0).archive().receipt(id).expect("readable"));
    }
    // What was fetched is as good as what was executed: it can be replayed from genesis.
    cluster.stop(3).await;
    let (store, report) = Store::open(cluster.store(3), Options::new(cluster.network().0)).expect("a sound store");
    assert!(report.is_sound(), "{report:?}");
    for height in store.snapshot_heights().expect("readable") {
        store.remove_snapshot(height).expect("it can be removed");
    }
    let loaded = load(&store, &cluster.genesis.tip()).expect("the chain follows from genesis");
    assert!(loaded.replayed >= 21 && loaded.snapshot.is_none());
    drop(store);
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn near_the_tip_or_by_its_settings_a_node_takes_every_block() {
    let (mut cluster, _) = grown(12).await;
    for adjust in [
        |config: &mut Config| config.sync.far_behind = 1_000,
        |config: &mut Config| {
            config.sync.mode = keis_node::config::SyncMode::Blocks;
        },
    ] {
        cluster.stop(2).await;
        wipe(&cluster, 2);
        start_with(&mut cluster, 2, adjust).await;
        cluster.reached(2, cluster.tip(0).height).await;
        assert_eq!(cluster.node(2).archive().first_height(), Some(Height(1)));
    }
    cluster.assert_equal(&[0, 1, 2, 3]).await;
    cluster.stop_all().await;
}

/// How a peer answers, given what is true.
type Tongue = Box<dyn Fn(&Request, Response) -> Result<Response, AskError> + Send + Sync>;

/// Peers that all hold the same library, and may lie about it.
struct Village {
    library: Library,
    tongues: BTreeMap<PublicKey, Tongue>,
    chunks_asked: AtomicU32,
    /// Chunks after which nobody answers any more.
    silent_after: u32,
}

#[async_trait]
impl Neighbours for Village {
    fn list(&self) -> Vec<Neighbour> {
        self.tongues.keys().map(|key| Neighbour { key: *key, connected: true, out_of_reach: false }).collect()
    }

    async fn changed(&self) {
        std::future::pending().await
    }

    async fn ask(&self, peer: PublicKey, request: Request) -> Result<Response, AskError> {
        if matches!(request, Request::Chunk { .. })
            && self.chunks_asked.fetch_add(1, Ordering::Relaxed) >= self.silent_after
        {
            std::future::pending::<()>().await;
        }
        self.tongues[&peer](&request, self.library.answer(&request))
    }
}

fn honest() -> Tongue {
    Box::new(|_, truth| Ok(truth))
}

/// A library of a chain that was decided by real nodes, and the folder that it lies in.
async fn library() -> (Cluster, Library, Hash) {
    let (mut cluster, _) = grown(18).await;
    for number in 0..4 {
        cluster.reached(number, Height(18)).await;
    }
    cluster.stop_all().await;
    let (store, _) = Store::open(cluster.store(0), Options::new(cluster.network().0)).expect("a sound store");
    let newest = store.snapshot_heights().expect("readable")[0];
    assert!(store.snapshot_digests(newest).expect("readable").is_some_and(|digests| digests.len() > 3));
    let loaded = load(&store, &cluster.genesis.tip()).expect("a sound chain");
    let published = Published::new(&store, loaded, true);
    let archive = published.archive();
    let root = archive.header(Height(newest)).expect("readable").expect("stored").state_root;
    // The archive shows up to the published tip only while somebody publishes.
    std::mem::forget(published);
    (cluster, Library::new(store, archive), root)
}

struct Empty {
    _folder: TempDir,
    joining: Joining,
}

fn empty(founders: Lineage, network: Hash) -> Empty {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (store, _) = Store::open(folder.path().join("store"), Options::new(network.0)).expect("a new store");
    let fetched = folder.path().join("fetched");
    Empty { joining: Joining { founders, store, folder: fetched, far_behind: 10, insists: false }, _folder: folder }
}

fn village(library: Library, tongues: Vec<Tongue>) -> Village {
    let tongues = (0u8..).zip(tongues).map(|(number, tongue)| (key(6, number).public(), tongue)).collect();
    Village { library, tongues, chunks_asked: AtomicU32::new(0), silent_after: u32::MAX }
}

fn offers(change: impl Fn(&mut SnapshotOffer) + Send + Sync + 'static) -> Tongue {
    Box::new(move |_, truth| {
        Ok(match truth {
            Response::Offer(Offer { tip, mut snapshots }) => {
                snapshots.iter_mut().for_each(&change);
                Response::Offer(Offer { tip, snapshots })
            }
            truth => truth,
        })
    })
}

/// The chunk without its last record.
fn shortened(bytes: &[u8]) -> Vec<u8> {
    let mut records: Vec<(TreeKey, Record)> = codec::decode(bytes).expect("a chunk");
    records.pop();
    codec::encode(&records)
}

/// Validators that the liar made up, and a header that they sign.
fn usurped(truth: &SnapshotOffer, network: &Hash) -> (Handover, SnapshotOffer) {
    let secrets: Vec<_> = (0..4).map(|number| key(7, number)).collect();
    let made_up = secrets.iter().enumerate().map(|(number, secret)| Validator {
        institution: InstitutionId([number as u8 + 1; 16]),
        key: secret.public(),
        power: 1,
    });
    let validators = ValidatorSet::new(made_up.collect()).expect("a set");
    let signed = |header: &keis_ledger::chain::Header| {
        let (height, block) = (header.height, header.id());
        let signatures = secrets.iter().map(|secret| {
            let address = keis_ledger::chain::Address::of(&secret.public());
            let bytes = vote_bytes(network, VoteStep::Precommit, height, 0, Some(block), &address);
            (address, secret.sign(&bytes))
        });
        Certificate { height, round: 0, block, signatures: signatures.collect() }
    };
    let mut change = truth.header.clone();
    change.height = Height(1);
    change.next_validators = validators.hash();
    let handover = Handover { certificate: signed(&change), header: change, validators: validators.clone() };
    let mut header = truth.header.clone();
    header.validators = validators.hash();
    header.next_validators = validators.hash();
    let offer = SnapshotOffer { certificate: signed(&header), header, digests: truth.digests.clone() };
    (handover, offer)
}

/// Every way to lie that was thought of.
fn lies(network: Hash) -> Vec<(&'static str, Tongue)> {
    vec![
        (
            "false chunks",
            Box::new(|_, truth| {
                Ok(match truth {
                    Response::Chunk(mut bytes) => {
                        let middle = bytes.len() / 2;
                        bytes[middle] ^= 1;
                        Response::Chunk(bytes)
                    }
                    truth => truth,
                })
            }),
        ),
        (
            "chunks that are too long",
            Box::new(|_, truth| {
                Ok(match truth {
                    Response::Chunk(bytes) => Response::Chunk([bytes, vec![0; 2 << 20]].concat()),
                    truth => truth,
                })
            }),
        ),
        (
            "no chunks",
            Box::new(|request, truth| match request {
                Request::Chunk { .. } => Err(AskError::Garbage),
                Request::Offer | Request::Handovers { .. } | Request::History { .. } => Ok(truth),
            }),
        ),
        ("fewer chunks", offers(|offer| offer.digests.truncate(2))),
        ("no chunk at all", offers(|offer| offer.digests.clear())),
        ("chunks in another order", offers(|offer| offer.digests.reverse())),
        ("another state", offers(|offer| offer.header.state_root.0[0] ^= 1)),
        (
            "another height",
            offers(|offer| {
                offer.header.height = Height(offer.header.height.0 + 1_000);
                offer.certificate.height = offer.header.height;
            }),
        ),
        ("another block's certificate", offers(|offer| offer.certificate.block.0[0] ^= 1)),
        ("too few votes", offers(|offer| offer.certificate.signatures.truncate(2))),
        (
            "one vote three times",
            offers(|offer| {
                let vote = offer.certificate.signatures[0];
                offer.certificate.signatures = vec![vote; 3];
            }),
        ),
        ("another network", offers(|offer| offer.header.network.0[0] ^= 1)),
        (
            "another block of the snapshot's height",
            Box::new(|_, truth| {
                Ok(match truth {
                    Response::History(blocks) => Response::History(blocks.into_iter().skip(1).collect()),
                    truth => truth,
                })
            }),
        ),
        (
            "receipts that were not",
            Box::new(|_, truth| {
                Ok(match truth {
                    Response::History(mut blocks) => {
                        blocks.iter_mut().for_each(|past| past.receipts = codec::encode(&Vec::<u8>::new()));
                        Response::History(blocks)
                    }
                    truth => truth,
                })
            }),
        ),
        ("answers to other questions", Box::new(|_, _| Ok(Response::Chunk(Vec::new())))),
        (
            "validators that nobody chose",
            Box::new(move |request, truth| {
                Ok(match (request, truth) {
                    (Request::Offer, Response::Offer(Offer { tip, snapshots })) => {
                        let snapshots = snapshots.iter().map(|offer| usurped(offer, &network).1).collect();
                        Response::Offer(Offer { tip, snapshots })
                    }
                    (_, truth) => truth,
                })
            }),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lying_peer_gets_no_state_in_and_keeps_nobody_out() {
    let (cluster, library, root) = library().await;
    let founders = || Lineage::new(cluster.network(), cluster.genesis.validators().clone());
    let mut village = village(library, Vec::new());
    for (lie, _) in lies(cluster.network()) {
        let tongue = || {
            let mut lies = lies(cluster.network());
            lies.remove(lies.iter().position(|(name, _)| *name == lie).expect("it is there")).1
        };
        village.tongues = BTreeMap::from([(key(6, 0).public(), tongue())]);
        let alone = empty(founders(), cluster.network());
        let outcome = join(&alone.joining, &village).await.expect("a lie is no failure");
        assert!(matches!(outcome, Outcome::Blocks), "{lie}: it got in");
        assert_eq!(alone.joining.store.tip(), None, "{lie}");
        assert_eq!(alone.joining.store.snapshot_heights().expect("readable"), [0u64; 0], "{lie}");
        // Beside an honest peer, whichever is asked first, the truth wins.
        for (liar, other) in [(0, 1), (1, 0)] {
            village.tongues = BTreeMap::from([(key(6, liar).public(), tongue()), (key(6, other).public(), honest())]);
            let one = empty(founders(), cluster.network());
            let Outcome::Joined(loaded) = join(&one.joining, &village).await.expect("a lie is no failure") else {
                panic!("{lie}: it kept the honest peer's snapshot out")
            };
            assert_eq!(loaded.tip.state.root(), root, "{lie}");
            let again = load(&one.joining.store, &cluster.genesis.tip()).expect("a sound store");
            assert_eq!((again.tip.height, again.tip.block), (loaded.tip.height, loaded.tip.block));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn records_that_were_changed_with_their_hashes_make_another_state_and_are_refused() {
    let (cluster, library, root) = library().await;
    let Response::Offer(Offer { snapshots, .. }) = library.answer(&Request::Offer) else { panic!("an offer") };
    let mut digests = BTreeMap::new();
    for snapshot in &snapshots {
        let height = snapshot.header.height;
        let Response::Chunk(bytes) = library.answer(&Request::Chunk { height, index: 1 }) else { panic!("a chunk") };
        digests.insert(height, Hash(*blake3::hash(&shortened(&bytes)).as_bytes()));
    }
    let thief = move || -> Tongue {
        let digests = digests.clone();
        Box::new(move |request, truth| {
            Ok(match (request, truth) {
                (Request::Offer, Response::Offer(Offer { tip, mut snapshots })) => {
                    snapshots.iter_mut().for_each(|offer| offer.digests[1] = digests[&offer.header.height]);
                    Response::Offer(Offer { tip, snapshots })
                }
                (Request::Chunk { index: 1, .. }, Response::Chunk(bytes)) => Response::Chunk(shortened(&bytes)),
                (_, truth) => truth,
            })
        })
    };
    let founders = || Lineage::new(cluster.network(), cluster.genesis.validators().clone());
    let mut village = village(library, vec![thief()]);
    let alone = empty(founders(), cluster.network());
    let outcome = join(&alone.joining, &village).await.expect("a lie is no failure");
    assert!(matches!(outcome, Outcome::Blocks));
    assert_eq!(alone.joining.store.tip(), None);
    village.tongues.insert(key(6, 9).public(), honest());
    let one = empty(founders(), cluster.network());
    let Outcome::Joined(loaded) = join(&one.joining, &village).await.expect("a lie is no failure") else {
        panic!("the honest peer's snapshot was kept out")
    };
    assert_eq!(loaded.tip.state.root(), root);
    // A founding document of another network proves nothing of this one.
    let other = empty(Lineage::new(genesis(4, false).hash(), cluster.genesis.validators().clone()), cluster.network());
    assert!(matches!(join(&other.joining, &village).await.expect("no failure"), Outcome::Blocks));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_is_killed_while_it_fetches_goes_on_where_it_was() {
    let (cluster, library, root) = library().await;
    let founders = Lineage::new(cluster.network(), cluster.genesis.validators().clone());
    let mut village = village(library, vec![honest()]);
    village.silent_after = 2;
    let one = empty(founders, cluster.network());
    let fetched = || fs::read_dir(&one.joining.folder).map_or(0, Iterator::count);
    tokio::select! {
        _ = join(&one.joining, &village) => panic!("nobody answers any more"),
        () = async {
            while fetched() < 2 {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        } => {}
    }
    // One of the two was torn by the kill.
    let torn = fs::read_dir(&one.joining.folder).expect("a folder").next().expect("a chunk").expect("readable").path();
    fs::write(&torn, b"torn").expect("it can be torn");
    village.silent_after = u32::MAX;
    village.chunks_asked.store(0, Ordering::Relaxed);
    let Outcome::Joined(loaded) = join(&one.joining, &village).await.expect("it goes on") else { panic!("no chain") };
    assert_eq!(loaded.tip.state.root(), root);
    let height = loaded.tip.height.0;
    let chunks = one.joining.store.snapshot_digests(height).expect("readable").expect("stored").len();
    let asked = village.chunks_asked.load(Ordering::Relaxed) as usize;
    assert_eq!(asked, chunks - 1, "only what was missing is fetched");
}
