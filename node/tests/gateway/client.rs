//! The wallet's client against the real gateway: its signatures hold here, its types read these answers, and its stream of
//! events outlives what stands in between.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use keis_ledger::chain::Height;
use keis_ledger::ids::SchoolId;
use keis_ledger::operation::{Operation, Owner, Party, WalletOperation};
use keis_ledger::receipt::{Kind, Receipt};
use keis_ledger::record::{LineState, OrderState, StatementState};
use keis_wallet::client::{Client, ClientError, EventFilter, Policy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::party::{
    OTHER_SCHOOL_KEY, OWN_ORDER, PROVIDER_KEY, PUPIL_KEY, SCHOOL_KEY, STATEMENT, TEN, request_orders, settle, stand,
};
use crate::support::{AUDITOR, OPERATOR, ORDER, PROVIDER, PUPIL, SCHOOL, SERVICE, SESSION, Stand, YEAR, key};

const PATIENCE: Duration = Duration::from_secs(20);

fn client(address: &str) -> Client {
    let policy =
        Policy { first_pause: Duration::from_millis(5), longest_pause: Duration::from_millis(50), ..Policy::default() };
    Client::new(&[address], policy).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_read_is_typed_and_signed() {
    let mut stand = stand().await;
    request_orders(&mut stand).await;
    settle(&mut stand).await;
    let public = client(&stand.address);
    let [school, provider, pupil, auditor] =
        [SCHOOL_KEY, PROVIDER_KEY, PUPIL_KEY, AUDITOR].map(|seed| public.signed_by(key(seed)));

    let own = school.key(key(SCHOOL_KEY).public()).await.unwrap().unwrap();
    assert_eq!(own.owner, Owner::Party(Party::School(SCHOOL)));
    let wallet = school.school_wallet(SCHOOL, YEAR).await.unwrap().unwrap();
    assert_eq!((wallet.school, wallet.pupils, wallet.keys.len()), (SCHOOL, 2, 3));
    let pupils = school.all_school_pupils(SCHOOL, YEAR).await.unwrap();
    assert_eq!(pupils.iter().map(|wallet| wallet.pupil).collect::<Vec<_>>(), [PUPIL, TEN]);
    assert_eq!(school.school_pupils(SCHOOL, YEAR, Some(&PUPIL.to_string())).await.unwrap().items, pupils[1..]);
    assert_eq!(pupil.pupil_wallet(YEAR, TEN).await.unwrap().as_ref(), pupils.get(1));
    assert!(auditor.pupils(YEAR, None).await.unwrap().items.iter().all(|wallet| wallet.nullifier.is_some()));

    let orders = school.all_school_orders(SCHOOL, YEAR, None).await.unwrap();
    assert_eq!(orders.iter().map(|view| view.id).collect::<Vec<_>>(), [ORDER, OWN_ORDER]);
    assert_eq!(orders[0].order.lines[0].state, LineState::Attended);
    assert_eq!(provider.all_provider_orders(PROVIDER, YEAR, None).await.unwrap(), orders);
    let settled = school.school_orders(SCHOOL, YEAR, Some(OrderState::Settled), None).await.unwrap();
    assert_eq!(settled.items, orders[..1]);
    assert!(school.school_statements(SCHOOL, YEAR, None).await.unwrap().items.is_empty());
    let wallet = provider.provider_wallet(PROVIDER, YEAR).await.unwrap().unwrap();
    assert!(wallet.purse.is_zero() && wallet.keys.len() == 1);
    let sessions = provider.all_provider_sessions(PROVIDER, YEAR).await.unwrap();
    assert_eq!((sessions.len(), sessions[0].id, sessions[0].session.service), (1, SESSION, SERVICE));
    let statements = provider.all_provider_statements(PROVIDER, YEAR).await.unwrap();
    assert_eq!(statements[0].statement.state, StatementState::Accepted);
    assert_eq!(provider.statement(YEAR, STATEMENT).await.unwrap().as_ref(), statements.first());
    assert_eq!(provider.order_lines(YEAR, ORDER).await.unwrap().as_ref(), orders.first());
    let history = school.order_history(YEAR, ORDER).await.unwrap().unwrap();
    assert_eq!(history.iter().map(|receipt| receipt.kind).next_back(), Some(Kind::StatementAccepted));
    let session = public.session(YEAR, SESSION).await.unwrap().unwrap();
    assert_eq!((session.service, session.id), (SERVICE, SESSION));

    assert!(auditor.school_wallet(SchoolId([77; 16]), YEAR).await.unwrap().is_none());
    let other = public.signed_by(key(OTHER_SCHOOL_KEY)).pupil_wallet(YEAR, PUPIL).await;
    assert!(matches!(other, Err(ClientError::Problem(problem)) if problem.code == "not_yours"));
    let unsigned = public.pupil_wallet(YEAR, PUPIL).await;
    assert!(matches!(unsigned, Err(ClientError::Problem(problem)) if problem.code == "signature_missing"));
}

/// Passes connections on to the gateway, and cuts each after a growing number of bytes.
async fn cutting(gateway: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let cuts = Arc::new(AtomicUsize::new(0));
    let counted = cuts.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut left = 400 + 337 * counted.fetch_add(1, Ordering::Relaxed);
            let mut far = TcpStream::connect(&gateway).await.unwrap();
            let (mut near_reads, mut far_reads) = ([0; 4096], [0; 4096]);
            while left > 0 {
                tokio::select! {
                    read = near.read(&mut near_reads) => match read {
                        Ok(count @ 1..) => far.write_all(&near_reads[..count]).await.unwrap(),
                        Ok(_) | Err(_) => break,
                    },
                    read = far.read(&mut far_reads) => match read {
                        Ok(count @ 1..) => {
                            let passed = count.min(left);
                            left -= passed;
                            if near.write_all(&far_reads[..passed]).await.is_err() {
                                break;
                            }
                        }
                        Ok(_) | Err(_) => break,
                    },
                }
            }
        }
    });
    (address, cuts)
}

async fn suspend(stand: &mut Stand, times: usize) {
    for turn in 0..times {
        let party = Party::School(SCHOOL);
        let operation =
            if turn % 2 == 0 { WalletOperation::Suspend { party } } else { WalletOperation::Reinstate { party } };
        stand.take_effect(OPERATOR, None, Operation::Wallet(operation)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_survive_every_cut_without_loss_or_repeat() {
    let mut stand = stand().await;
    let (address, cuts) = cutting(stand.address.trim_start_matches("http://").to_owned()).await;
    let mut events = client(&address).events(Some((Height(0), 0)), EventFilter::default());
    suspend(&mut stand, 30).await;
    let direct = client(&stand.address);
    let tip = direct.status().await.unwrap().height;
    let mut expected: Vec<Receipt> = Vec::new();
    for height in 1..=tip.0 {
        expected.extend(direct.block_receipts(Height(height)).await.unwrap().unwrap());
    }
    for receipt in &expected {
        let event = tokio::time::timeout(PATIENCE, events.next()).await.expect("an event is lost").unwrap().unwrap();
        assert_eq!((&event.receipt, event.height, event.index), (receipt, receipt.height, receipt.index));
    }
    assert!(cuts.load(Ordering::Relaxed) > 5, "the stream was hardly cut");

    // It goes on with what comes, and a narrow one tells nothing else.
    let filter = EventFilter { order: Some(ORDER), ..EventFilter::default() };
    let mut narrow = direct.events(Some((Height(1), 0)), filter);
    request_orders(&mut stand).await;
    let told = tokio::time::timeout(PATIENCE, narrow.next()).await.unwrap().unwrap().unwrap();
    assert_eq!((told.receipt.kind, told.receipt.subject.order), (Kind::OrderRequested, Some(ORDER)));
    let later = tokio::time::timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap();
    assert_eq!(later.receipt, told.receipt);
}
