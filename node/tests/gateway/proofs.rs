//! Receipts with lines and public records, fetched by the wallet's client and verified with the founding document alone.

use keis_genesis::Genesis;
use keis_ledger::chain::Height;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::{PupilId, ServiceId, TransactionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, OrderAction};
use keis_ledger::record::{Record, YearState};
use keis_wallet::client::{Client, ClientError, Policy};
use keis_wallet::verify::{PublicRecord, ReceiptFile, RecordFile};

use crate::party::{
    OTHER_PROVIDER_KEY, OTHER_SCHOOL_KEY, PROVIDER_KEY, PUPIL_KEY, SCHOOL_KEY, TEACHER_KEY, TEN, stand,
};
use crate::support::{AUDITOR, OPERATOR, ORDER, PUPIL, SERVICE, SESSION, Stand, YEAR, assert_no_pupil, genesis, key};

fn client(stand: &Stand) -> Client {
    Client::new(&[&stand.address], Policy { attempts: 1, ..Policy::default() }).unwrap()
}

fn founded() -> Genesis {
    genesis(true)
}

#[tokio::test(flavor = "multi_thread")]
async fn public_records_are_proven_as_they_stand() {
    let mut stand = Stand::start().await;
    stand.get("/v1/proofs/parameters").await.is_problem(503, "no_block");
    stand.open_year().await;
    stand.publish(SERVICE, 1, keis_ledger::classifiers::ArtField::Theatre).await;
    stand.open_session().await;
    let genesis = founded();
    let prove = async |record| {
        let file: RecordFile = client(&stand).record_file(record).await.unwrap();
        assert_eq!(file.header.height, Height(7));
        file.verify(&genesis.hash(), genesis.validators()).unwrap()
    };
    let Some(Record::Year(year)) = prove(PublicRecord::Year { year: YEAR }).await else { panic!("the year is there") };
    assert_eq!((year.state, year.state_money.minted), (YearState::Open, Cents::new(105_000)));
    let service = prove(PublicRecord::Service { id: SERVICE }).await;
    assert!(matches!(service, Some(Record::Service(service)) if service.version == 1));
    let session = prove(PublicRecord::Session { year: YEAR, id: SESSION }).await;
    assert!(matches!(session, Some(Record::Session(session)) if session.service == SERVICE));
    let network = prove(PublicRecord::Parameters {}).await;
    assert!(matches!(network, Some(Record::Network(network)) if network.validators == *genesis.validators()));
    assert_eq!(prove(PublicRecord::Year { year: Year(2027) }).await, None);
    assert_eq!(prove(PublicRecord::Service { id: ServiceId([99; 16]) }).await, None);
    assert_eq!(prove(PublicRecord::Session { year: Year(2027), id: SESSION }).await, None);

    for wrong in ["years/next", "services/ses_1", "sessions/ses_1?year=2026", "parameters?year=2026"] {
        stand.get(&format!("/v1/proofs/{wrong}")).await.is_problem(400, "malformed");
    }
    stand.get(&format!("/v1/proofs/sessions/{SESSION}")).await.is_problem(400, "malformed");
    for record in ["parameters".into(), "years/2026".into(), format!("services/{SERVICE}")] {
        assert_no_pupil(&stand.get(&format!("/v1/proofs/{record}")).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_was_handed_over_to() {
    let mut stand = Stand::start().await;
    stand.open_year().await;
    assert!(client(&stand).handovers_before(Height(5)).await.unwrap().is_empty());
    for query in ["", "?from=2", "?from=9&until=3", "?until=99", "?until=0"] {
        let answer = stand.get(&format!("/v1/handovers{query}")).await.is(200);
        assert_eq!(answer, serde_json::json!({ "handovers": [] }), "{query}");
    }
    stand.get("/v1/handovers?from=x").await.is_problem(400, "malformed");
    stand.get("/v1/handovers?to=3").await.is_problem(400, "malformed");
}

/// Ids of a request for two pupils and of the allocation of a pupil's money.
async fn request_for_two(stand: &mut Stand) -> TransactionId {
    let pupils = vec![PUPIL, TEN];
    let action = OrderAction::Request { session: SESSION, pupils, price: Cents::new(800), school_money: Cents::ZERO };
    let request = Operation::Order { year: YEAR, order: ORDER, action };
    stand.take_effect(SCHOOL_KEY, None, request).await.id()
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_proven_to_those_whose_they_are() {
    let mut stand = stand().await;
    let id = request_for_two(&mut stand).await;
    let (genesis, public) = (founded(), client(&stand));
    let file = public.receipt_file(id).await.unwrap().unwrap();
    file.verify(&genesis.hash(), genesis.validators()).unwrap();
    let sees = async |seed| -> Vec<PupilId> {
        let lines = public.signed_by(key(seed)).receipt_lines(id).await.unwrap().unwrap();
        let mut whole: ReceiptFile = file.clone();
        whole.lines = lines;
        whole.verify(&genesis.hash(), genesis.validators()).unwrap();
        whole.lines.iter().map(|line| line.line.pupil).collect()
    };
    for whole in [SCHOOL_KEY, PROVIDER_KEY, OPERATOR, AUDITOR] {
        assert_eq!(sees(whole).await, [PUPIL, TEN], "{whole}");
    }
    assert_eq!(sees(PUPIL_KEY).await, [TEN], "the own line alone");
    for other in [OTHER_SCHOOL_KEY, OTHER_PROVIDER_KEY, TEACHER_KEY] {
        let refused = public.signed_by(key(other)).receipt_lines(id).await;
        assert!(matches!(refused, Err(ClientError::Problem(problem)) if problem.status == 403), "{other}");
    }
    let path = format!("/v1/receipts/{id}/lines");
    stand.get(&path).await.is_problem(401, "signature_missing");
    let unknown = TransactionId([1; 32]);
    assert_eq!(public.signed_by(key(SCHOOL_KEY)).receipt_lines(unknown).await.unwrap(), None);
    assert_eq!(public.receipt_file(unknown).await.unwrap(), None);
    assert_eq!(stand.read(SCHOOL_KEY, &path).await.header("cache-control"), "private, no-store");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_sees_its_pupils_in_an_allocation_to_several() {
    let stand = stand().await;
    let mut allocation = None;
    for height in 1..=stand.get("/v1/status").await.is(200)["height"].as_u64().unwrap() {
        let receipts = client(&stand).block_receipts(Height(height)).await.unwrap().unwrap();
        let found = receipts
            .into_iter()
            .find(|receipt| receipt.kind == keis_ledger::receipt::Kind::Allocated && receipt.lines == 2);
        allocation = found.map(|receipt| receipt.id).or(allocation);
    }
    let id = allocation.expect("money was allocated to two pupils");
    let sees = async |seed| {
        let lines = client(&stand).signed_by(key(seed)).receipt_lines(id).await.unwrap().unwrap();
        lines.iter().map(|line| line.line.pupil).collect::<Vec<_>>()
    };
    assert_eq!(sees(SCHOOL_KEY).await, [TEN]);
    assert_eq!(sees(PUPIL_KEY).await, [TEN]);
    assert_eq!(sees(OTHER_SCHOOL_KEY).await, [crate::party::OTHER_PUPIL]);
    assert_eq!(sees(OPERATOR).await.len(), 2);
    let refused = client(&stand).signed_by(key(PROVIDER_KEY)).receipt_lines(id).await;
    assert!(matches!(refused, Err(ClientError::Problem(problem)) if problem.status == 403));
    // Nothing of it ends in what everybody may read.
    stand.step_to(crate::support::START.after(keis_ledger::time::Span::days(1))).await;
    assert_no_pupil(&stand.get(&format!("/v1/receipts/{id}?proof=1")).await);
}
