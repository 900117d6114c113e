//! Invariant 2: the same transaction has one effect however often it is sent; a rejected one changes nothing.

use futures::future::join_all;
use keis_ledger::money::Cents;
use keis_tests::check::{agree, rest};
use keis_tests::cluster::{Cluster, PATIENCE};
use keis_tests::wait::never;
use keis_tests::world::{World, YEAR};
use keis_wallet::client::{ClientError, Outcome, Submission, TransactionStatus};

const TIMES: usize = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_to_all_gateways_many_times_it_has_one_effect_and_one_receipt() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, 20).await;
    let all = cluster.all();
    let payments: Vec<_> = (0..4).map(|number| world.payment(1_000 + number)).collect();
    let sent = payments.iter().flat_map(|payment| {
        let cluster = &cluster;
        (0..TIMES * all.len()).map(move |number| async move {
            let client = cluster.client(number % cluster.len());
            let outcome = client.submit_and_wait(payment, PATIENCE).await.expect("a gateway answers");
            let Outcome::Included(receipt) = outcome else { panic!("{outcome:?}") };
            *receipt
        })
    });
    let receipts = join_all(sent).await;
    for (payment, receipts) in payments.iter().zip(receipts.chunks(TIMES * all.len())) {
        assert!(receipts.iter().all(|receipt| *receipt == receipts[0] && receipt.id == payment.id()));
    }
    let agreed = agree(&mut cluster, &all).await;
    for node in &all {
        let funds = cluster.client(*node).funds(YEAR).await.expect("a gateway answers").expect("the year is open");
        assert_eq!(funds.money.school.minted, Cents::new(4_006), "node {node}");
        assert!(funds.balanced && funds.money.balances());
        for payment in &payments {
            let again = cluster.client(*node).submit(payment.raw()).await.expect("a gateway answers");
            let Submission::Taken(TransactionStatus::Included { receipt }) = again else { panic!("{again:?}") };
            assert_eq!(agreed.receipts.get(&payment.id()), Some(&*receipt));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rejected_transaction_changes_nothing() {
    let mut cluster = Cluster::running().await;
    let world = World::open(&cluster, 20).await;
    let all = cluster.all();
    let before = rest(&cluster, &all).await;
    let false_payment = world.false_payment(1_000_000);
    let genuine = world.payment(1_000_000);
    let mut malleated = genuine.raw().to_vec();
    *malleated.last_mut().expect("a transaction has bytes") ^= 1;
    let mut longer = genuine.raw().to_vec();
    longer.push(0);
    for node in &all {
        let client = cluster.client(*node);
        for _ in 0..5 {
            let refused = client.submit(false_payment.raw()).await.expect("a gateway answers");
            let Submission::Refused(rejection) = refused else { panic!("{refused:?}") };
            assert!(!rejection.code.is_empty() && !rejection.detail.is_empty(), "{rejection:?}");
            for bytes in [&malleated, &longer] {
                match client.submit(bytes).await {
                    Err(ClientError::Problem(problem)) => assert_eq!(problem.status / 100, 4, "{problem:?}"),
                    Ok(Submission::Refused(_)) => {}
                    other => panic!("{other:?}"),
                }
            }
        }
        assert_eq!(client.receipt(false_payment.id()).await.expect("a gateway answers"), None);
    }
    never("a refused transaction made a block", std::time::Duration::from_secs(2), async || {
        for (node, before) in before.iter().enumerate() {
            let now = cluster.status(node).await;
            if (now.block, now.state_root) != (before.block, before.state_root) {
                return Some(now);
            }
        }
        None
    })
    .await;
    let agreed = agree(&mut cluster, &all).await;
    assert!(!agreed.receipts.contains_key(&false_payment.id()) && !agreed.receipts.contains_key(&genuine.id()));
}
