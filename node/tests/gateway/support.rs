//! A node without peers: real chain, store, mempool and gateway; the test stands in for the consensus engine.

use keis_engine::Application;
use keis_engine::guard::GuardState;
use keis_genesis::{ClockKind, Document, FORMAT, Genesis, Institution, Office, Officer, default_parameters};
use keis_ledger::chain::{Address, Certificate, Height, VoteStep, vote_bytes};
use keis_ledger::classifiers::{ArtField, Grades, Place, ServiceKind, VatCategory, Year};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{
    DocumentId, EntityId, InstitutionId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId,
};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{
    CatalogueOperation, FundsOperation, NewProvider, NewPupil, NewSchool, Operation, OrderAction, Party, ServiceTerms,
    SessionOffer, WalletOperation,
};
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::time::{Calendar, Offset, Span, Timestamp};
use keis_ledger::transaction::{Body, SignedTransaction};
use keis_node::chain::{Chain, Published, SnapshotPolicy, load};
use keis_node::clock::{Clock, ClockStep};
use keis_node::disk::Room;
use keis_node::documents::Documents;
use keis_node::gateway::{Gateway, GatewayHandle, Limits, NodeStatus, Services, Settings};
use keis_node::mempool::{self, Mempool};
use keis_node::network::{self, Network, NetworkHandle};
use keis_node::store::{Options, Store};
use keis_node::telemetry;
use reqwest::header::HeaderMap;
use serde_json::Value;
use tokio::sync::watch;

pub const START: Timestamp = Timestamp(1_767_225_600_000);
pub const YEAR: Year = Year(2026);
pub const SCHOOL: SchoolId = SchoolId([1; 16]);
pub const PROVIDER: ProviderId = ProviderId([2; 16]);
pub const SERVICE: ServiceId = ServiceId([3; 16]);
pub const SESSION: SessionId = SessionId([4; 16]);
pub const ORDER: OrderId = OrderId([5; 16]);
pub const PUPIL: PupilId = PupilId([6; 16]);

pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_bytes(&[seed; 32])
}

pub const OPERATOR: u8 = 32;
pub const BUDGET_HOLDER: u8 = 31;
pub const AUDITOR: u8 = 33;
const DRIVER: u8 = 1;

fn institution(index: u8) -> Institution {
    Institution {
        id: InstitutionId([index; 16]),
        name: format!("Institution {index}"),
        consensus_key: key(10 + index).public(),
        network_key: key(20 + index).public(),
        governance_keys: [key(200 + 2 * index).public(), key(201 + 2 * index).public()],
        power: 1,
    }
}

pub fn genesis(simulated: bool) -> Genesis {
    let officer = |institution, office, seed| Officer {
        institution: InstitutionId([institution; 16]),
        office,
        key: key(seed).public(),
        from: START,
        until: START.after(Span::days(400)),
    };
    let document = Document {
        format: FORMAT,
        name: "Test".into(),
        time: START,
        clock: if simulated { ClockKind::Simulated { driver: key(DRIVER).public() } } else { ClockKind::Real },
        parameters: default_parameters(),
        institutions: (1..=4).map(institution).collect(),
        officers: vec![
            officer(1, Office::BudgetHolder, BUDGET_HOLDER),
            officer(2, Office::Operator, OPERATOR),
            officer(3, Office::Auditor, AUDITOR),
        ],
    };
    document.check().unwrap()
}

/// A network of nobody else.
async fn peers(mempool: &Mempool, documents: &Documents, clock: &Clock) -> NetworkHandle {
    let config = network::Config { listen: "127.0.0.1:0".parse().unwrap(), peers: Vec::new(), secret: key(21) };
    Network::start(config, mempool.clone(), documents.clone(), clock.clone()).await.unwrap()
}

/// A node, and what stands in for the network around it.
pub struct Stand {
    pub network: Hash,
    pub clock: Clock,
    pub status: watch::Sender<NodeStatus>,
    pub gateway: Option<GatewayHandle>,
    pub address: String,
    pub http: reqwest::Client,
    services: Services,
    chain: Chain,
    _stopping: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

/// What the gateway answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The answer is a problem of this status and code, in the form of RFC 9457.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!((self.status, problem["code"].as_str()), (status, Some(code)), "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["type"], format!("urn:keis:problem:{code}"));
        assert_eq!(problem["status"], status);
        for text in ["title", "detail"] {
            assert!(problem[text].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
        }
        problem
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()
    }
}

impl Stand {
    pub async fn start() -> Self {
        Self::with(true, mempool::Limits::default(), Limits::default()).await
    }

    pub async fn with(simulated: bool, pool: mempool::Limits, limits: Limits) -> Self {
        Self::serving(simulated, pool, limits.into()).await
    }

    pub async fn serving(simulated: bool, pool: mempool::Limits, settings: Settings) -> Self {
        drop(tokio_rustls::rustls::crypto::ring::default_provider().install_default());
        let folder = tempfile::tempdir().unwrap();
        let genesis = genesis(simulated);
        let network = genesis.hash();
        let options = Options { min_free_bytes: 0, ..Options::new(network.0) };
        let (store, _) = Store::open(folder.path().join("store"), options).unwrap();
        let published = Published::new(&store, load(&store, &genesis.tip()).unwrap(), simulated);
        let clock = match genesis.driver() {
            Some(driver) => Clock::simulated(network, driver, START),
            None => Clock::real(),
        };
        let documents = Documents::open(store.clone()).unwrap();
        let mempool = Mempool::new(pool, network, published.views(), clock.clone(), documents.clone());
        let (stopping, stop) = watch::channel(false);
        let (views, archive) = (published.views(), published.archive());
        let policy = SnapshotPolicy { blocks: 1000, bytes: 1 << 30 };
        let chain = Chain::new(store, published, mempool.clone(), clock.clone(), policy, stop).unwrap();
        let status = watch::Sender::new(NodeStatus {
            institution: InstitutionId([1; 16]),
            address: Address::of(&key(11).public()),
            guard: GuardState::Active,
            supported: keis_ledger::protocol::LATEST,
            network_height: Height(0),
            syncing: false,
            room: Room::Enough,
        });
        let services = Services {
            views,
            archive,
            network: peers(&mempool, &documents, &clock).await,
            mempool,
            documents,
            clock: clock.clone(),
            metrics: telemetry::recorder().unwrap(),
            status: status.subscribe(),
        };
        let gateway = Gateway::start("127.0.0.1:0".parse().unwrap(), settings, services.clone()).await.unwrap();
        let address = format!("http://{}", gateway.address());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            network,
            clock,
            status,
            gateway: Some(gateway),
            address,
            http,
            services,
            chain,
            _stopping: stopping,
            _folder: folder,
        }
    }

    /// Closes the gateway and opens another one, which reads all of history again.
    pub async fn reopen(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.shutdown().await;
        }
        let services = self.services.clone();
        let gateway = Gateway::start("127.0.0.1:0".parse().unwrap(), Limits::default(), services).await.unwrap();
        self.address = format!("http://{}", gateway.address());
        self.gateway = Some(gateway);
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.bytes().await.unwrap().to_vec() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(format!("{}{path}", self.address))).await
    }

    pub async fn post(&self, path: &str, media_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.http.post(format!("{}{path}", self.address)).header("content-type", media_type);
        self.send(request.body(body)).await
    }

    pub async fn submit(&self, transaction: &SignedTransaction) -> Answer {
        self.post("/v1/transactions", "application/octet-stream", transaction.raw().to_vec()).await
    }

    pub async fn put_document(&self, salt: u8) -> DocumentId {
        let answer = self.post("/v1/documents", "application/json", document(salt)).await.is(201);
        answer["id"].as_str().unwrap().parse().unwrap()
    }

    /// Decides a block of what waits, as the engine would.
    pub async fn block(&mut self) -> Height {
        let height = self.chain.tip().next();
        let proposer = Address::of(&key(11).public());
        let proposal = self.chain.propose(height, 0, proposer).await.unwrap();
        let block = proposal.block;
        let vote = |seed: u8| {
            let address = Address::of(&key(seed).public());
            let message = vote_bytes(&self.network, VoteStep::Precommit, height, 0, Some(block), &address);
            (address, key(seed).sign(&message))
        };
        let certificate = Certificate { height, round: 0, block, signatures: (11..14).map(vote).collect() };
        self.chain.commit(certificate).await.unwrap();
        height
    }

    pub fn signed(&self, seed: u8, behalf: Option<Party>, operation: Operation) -> SignedTransaction {
        let valid_until = self.clock.now().after(Span(3_600_000));
        let body = Body { signer: key(seed).public(), behalf, salt: 0, valid_until, operation };
        body.sign(&self.network, &key(seed))
    }

    /// Moves the simulated clock.
    pub async fn step_to(&self, time: Timestamp) {
        let step = self.step(time);
        let body = serde_json::json!({ "time": step.time, "signature": step.signature }).to_string();
        self.post("/v1/clock", "application/json", body).await.is(200);
    }

    pub fn step(&self, time: Timestamp) -> ClockStep {
        ClockStep::sign(&self.network, &key(DRIVER), time)
    }

    /// Has an operation take effect in a block of its own.
    pub async fn take_effect(&mut self, seed: u8, behalf: Option<Party>, operation: Operation) -> SignedTransaction {
        let transaction = self.signed(seed, behalf, operation);
        self.submit(&transaction).await.is(202);
        self.block().await;
        let answer = self.get(&format!("/v1/transactions/{}", transaction.id())).await.is(200);
        assert_eq!(answer["status"], "included", "{answer}");
        transaction
    }

    /// Opens the year, a school, a provider and a pupil with its money.
    pub async fn open_year(&mut self) {
        let open = FundsOperation::OpenYear {
            year: YEAR,
            parameters: parameters(),
            budget: Cents::new(100_000),
            reserve: Cents::new(5_000),
        };
        self.take_effect(BUDGET_HOLDER, None, Operation::Funds(open)).await;
        let place = Place::Municipality(57);
        let schools = vec![NewSchool { school: SCHOOL, entity: EntityId([7; 16]), place }];
        self.take_effect(OPERATOR, None, Operation::Wallet(WalletOperation::OpenSchools { schools })).await;
        let providers = vec![NewProvider { provider: PROVIDER, entity: EntityId([8; 16]) }];
        self.take_effect(OPERATOR, None, Operation::Wallet(WalletOperation::OpenProviders { providers })).await;
        let nullifier = keis_ledger::ids::Nullifier([9; 32]);
        let pupils = vec![NewPupil { pupil: PUPIL, nullifier, school: SCHOOL, grade: 7 }];
        self.take_effect(OPERATOR, None, Operation::Wallet(WalletOperation::OpenPupils { year: YEAR, pupils })).await;
        let allocate = FundsOperation::Allocate { year: YEAR, pupils: vec![PUPIL] };
        self.take_effect(OPERATOR, None, Operation::Funds(allocate)).await;
    }

    /// Publishes a service whose document is held.
    pub async fn publish(&mut self, service: ServiceId, salt: u8, field: ArtField) -> DocumentId {
        let document = self.put_document(salt).await;
        let publish = CatalogueOperation::Publish { service, provider: PROVIDER, terms: terms(document, field) };
        self.take_effect(OPERATOR, None, Operation::Catalogue(publish)).await;
        document
    }

    pub async fn open_session(&mut self) {
        let start = START.after(Span::days(30));
        let offer =
            SessionOffer { start, end: start.after(Span(3_600_000)), place: Place::Municipality(57), capacity: 25 };
        let open = CatalogueOperation::OpenSession { year: YEAR, session: SESSION, service: SERVICE, offer };
        self.take_effect(OPERATOR, Some(Party::Provider(PROVIDER)), Operation::Catalogue(open)).await;
    }

    pub async fn request_order(&mut self) -> SignedTransaction {
        let action = OrderAction::Request {
            session: SESSION,
            pupils: vec![PUPIL],
            price: Cents::new(800),
            school_money: Cents::ZERO,
        };
        let request = Operation::Order { year: YEAR, order: ORDER, action };
        self.take_effect(OPERATOR, Some(Party::School(SCHOOL)), request).await
    }
}

/// A document with a salt of one digit.
pub fn document(salt: u8) -> String {
    let salt = format!("{salt:02x}").repeat(32);
    format!(r#"{{"title":"Spektaklis „Ąžuolas“","salt":"{salt}"}}"#)
}

pub fn terms(document: DocumentId, field: ArtField) -> ServiceTerms {
    ServiceTerms {
        field,
        kind: ServiceKind::Performance,
        grades: Grades { from: 1, until: 12 },
        price: Cents::new(800),
        capacity: 100,
        vat: VatCategory::ExemptCulture,
        venues: vec![Place::Municipality(57)],
        from: START,
        until: START.after(Span::days(360)),
        document,
    }
}

fn parameters() -> ProgrammeParameters {
    let share = |points| BasisPoints::new(points).unwrap();
    ProgrammeParameters {
        amount_per_pupil: Cents::new(1_500),
        register_until: START.after(Span::days(20)),
        arrivals: ArrivalAmount::ProRata,
        window_from: START,
        window_until: START.after(Span::days(350)),
        hold_expiry: Span::days(7),
        free_change: Span::days(3),
        free_cancel: Span::days(3),
        late_share: share(5_000),
        absence_share: share(5_000),
        minimum_share: share(0),
        attendance_days: 5,
        settlement_period: Span::days(1),
        own_key_grades: Grades { from: 9, until: 12 },
        calendar: Calendar { holidays: Vec::new(), offsets: vec![Offset { from: START, minutes: 120 }] },
    }
}

/// A JSON text anywhere in an answer; ids of pupils must be in none.
pub fn assert_no_pupil(answer: &Answer) {
    let text = String::from_utf8_lossy(&answer.body);
    assert!(!text.contains("pup_") && !text.contains(&PUPIL.to_string()[4..]), "{text}");
}
