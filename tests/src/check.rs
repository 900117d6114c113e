//! What must be equal on every node, and proven by each.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt};
use keis_ledger::chain::{Certificate, Header, Height};
use keis_ledger::ids::{BlockId, TransactionId};
use keis_ledger::receipt::Receipt;
use keis_wallet::client::{Client, Status};
use keis_wallet::verify::verify_header;

use crate::cluster::{Cluster, PATIENCE, field};
use crate::wait::until;

/// Questions under way at once.
const AT_ONCE: usize = 16;

/// The chain that nodes agree on.
pub struct Agreed {
    /// Heads of all blocks, from height 1.
    pub headers: Vec<Header>,
    /// Everything that took effect.
    pub receipts: BTreeMap<TransactionId, Receipt>,
}

/// What one node says of one height.
struct Told {
    header: Header,
    certificate: Certificate,
    receipts: Vec<Receipt>,
}

/// Waits until these nodes stand at one block with nothing waiting.
pub async fn rest(cluster: &Cluster, nodes: &[usize]) -> Vec<Status> {
    until("the nodes come to rest at one block", PATIENCE, async || {
        let statuses = futures::future::join_all(nodes.iter().map(|node| cluster.status(*node))).await;
        let first = statuses.first()?;
        let rests = |status: &Status| {
            status.block == first.block && !status.syncing && field(status, "mempool")["transactions"] == 0
        };
        statuses.iter().all(rests).then_some(statuses)
    })
    .await
}

/// Waits until a node that began at a snapshot tells every block from the first on; it begins again once when it can.
pub async fn whole(cluster: &Cluster, node: usize) {
    until("the history is whole", PATIENCE, async || cluster.client(node).header(Height(1)).await.ok().flatten()).await;
}

/// Waits for rest, then compares every block of every one of these nodes, and proves each by the node's own certificate.
pub async fn agree(cluster: &mut Cluster, nodes: &[usize]) -> Agreed {
    let statuses = rest(cluster, nodes).await;
    let height = statuses[0].height;
    assert!(statuses.iter().all(|status| status.state_root == statuses[0].state_root), "{statuses:?}");
    for node in nodes {
        cluster.assert_alive(*node);
    }
    let mut agreed: Option<Agreed> = None;
    for node in nodes {
        let chain = chain(cluster, *node, height).await;
        match &agreed {
            None => agreed = Some(chain),
            Some(first) => {
                let differs = first.headers.iter().zip(&chain.headers).find(|(ours, theirs)| ours != theirs);
                assert!(differs.is_none(), "node {node} holds another block: {differs:?}");
                assert!(first.receipts == chain.receipts, "node {node} tells other receipts");
            }
        }
    }
    let agreed = agreed.expect("there is a node");
    let root = agreed.headers.last().map_or(cluster.genesis.state().root(), |header| header.state_root);
    assert_eq!(statuses[0].state_root, root, "the state is not that of the last block");
    agreed
}

/// Reads a node's chain and proves it from the founding document.
async fn chain(cluster: &Cluster, node: usize, height: Height) -> Agreed {
    let client = cluster.client(node);
    let told: Vec<Told> =
        stream::iter(1..=height.0).map(|number| told(client, Height(number))).buffered(AT_ONCE).collect().await;
    let mut agreed = Agreed { headers: Vec::with_capacity(told.len()), receipts: BTreeMap::new() };
    let (mut parent, mut decides) = (BlockId::default(), cluster.genesis.validators().hash());
    for Told { header, certificate, receipts } in told {
        let height = header.height;
        assert_eq!(header.parent, parent, "node {node}, height {height}");
        parent = header.id();
        let validators = cluster.validators(&decides);
        decides = header.next_validators;
        let proven = verify_header(&header, &certificate, &cluster.hash(), validators);
        proven.unwrap_or_else(|error| panic!("node {node}: {error}"));
        for receipt in receipts {
            assert_eq!(receipt.height, height);
            let again = agreed.receipts.insert(receipt.id, receipt);
            assert!(again.is_none(), "node {node} tells two effects of one transaction: {again:?}");
        }
        agreed.headers.push(header);
    }
    agreed
}

async fn told(client: &Client, height: Height) -> Told {
    let (header, certificate, receipts) =
        futures::join!(client.header(height), client.certificate(height), client.block_receipts(height));
    let header = header.expect("a header can be read").expect("every height up to the tip has a header");
    let certificate = certificate.expect("a certificate can be read").expect("every height has a certificate");
    let receipts = receipts.expect("receipts can be read").expect("every height has receipts");
    assert_eq!(header.height, height);
    Told { header, certificate, receipts }
}

/// Everything that was acknowledged took effect as it was said, once, and every one of these nodes finds it.
pub async fn survived(cluster: &Cluster, nodes: &[usize], agreed: &Agreed, acknowledged: &[Receipt]) {
    for receipt in acknowledged {
        assert_eq!(agreed.receipts.get(&receipt.id), Some(receipt), "an acknowledged receipt is lost");
    }
    for node in nodes {
        let client = cluster.client(*node);
        let mut found = stream::iter(acknowledged)
            .map(async |receipt| (receipt, client.receipt(receipt.id).await.expect("a receipt can be read")))
            .buffer_unordered(AT_ONCE);
        while let Some((receipt, located)) = found.next().await {
            let located = located.unwrap_or_else(|| panic!("node {node} does not find {}", receipt.id));
            assert_eq!(located.receipt, *receipt);
            assert_eq!(located.header, agreed.headers[usize::try_from(receipt.height.0 - 1).expect("few blocks")]);
        }
    }
}

/// Every one of these nodes signs: no guard saw a message of its key that it had not signed itself.
pub async fn all_sign(cluster: &Cluster, nodes: &[usize]) {
    for node in nodes {
        let status = cluster.status(*node).await;
        assert_eq!(field(&status, "guard"), "active", "node {node}: {status:?}");
    }
}

/// The heights above `from` whose certificates, on these nodes, hold a signature of this validator.
pub async fn signed(cluster: &Cluster, validator: usize, nodes: &[usize], agreed: &Agreed, from: Height) -> Vec<u64> {
    let mut heights = Vec::new();
    for number in from.0 + 1..=agreed.headers.len() as u64 {
        for node in nodes {
            let certificate = cluster.client(*node).certificate(Height(number)).await.expect("a gateway answers");
            let certificate = certificate.expect("every height has a certificate");
            if certificate.signatures.iter().any(|(address, _)| *address == cluster.address(validator)) {
                heights.push(number);
            }
        }
    }
    heights
}
