//! A small programme year: one school, one provider, many pupils and sessions, and orders for them.

use std::time::Duration;

use keis_ledger::classifiers::{ArtField, Grades, Place, Scope, Scopes, ServiceKind, VatCategory, Year};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{DocumentId, EntityId, Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{
    CatalogueOperation, FundsOperation, KeyGrant, MAX_BATCH, NewProvider, NewPupil, NewSchool, Operation, OrderAction,
    Party, ServiceTerms, SessionOffer, WalletOperation,
};
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::receipt::Receipt;
use keis_ledger::time::{Calendar, Offset, Span, Timestamp};
use keis_ledger::transaction::SignedTransaction;
use keis_wallet::client::{Client, ClientError, Outcome, Policy};
use keis_wallet::compose::Composer;
use keis_wallet::random::{new_id, new_key, random_bytes};
use tokio::time::Instant;

use crate::cluster::{Cluster, START};

/// The year of all worlds.
pub const YEAR: Year = Year(2026);
/// Price of a place.
const PRICE: Cents = Cents::new(100);
/// Sessions, one after another: as many orders as a pupil can be in.
const SESSIONS: u64 = 20;
/// Longest time that one transaction may take, faults included.
pub const LONGEST: Duration = Duration::from_secs(90);

/// A year with its keys and ids.
#[derive(Clone)]
pub struct World {
    network: Hash,
    /// When it was opened; all of its times follow from this.
    start: Timestamp,
    operator: SecretKey,
    budget_holder: SecretKey,
    coordinator: SecretKey,
    staff: SecretKey,
    /// The school.
    pub school: SchoolId,
    provider: ProviderId,
    service: ServiceId,
    sessions: Vec<SessionId>,
    /// The pupils.
    pub pupils: Vec<PupilId>,
}

/// Both transactions of an order of one pupil.
pub struct Pair {
    /// The school's.
    pub request: SignedTransaction,
    /// The provider's.
    pub confirm: SignedTransaction,
}

/// A client that asks one gateway first, and the others when it does not answer.
pub fn client(cluster: &Cluster, first: usize) -> Client {
    client_among(cluster, &cluster.all(), first)
}

/// The same that knows of some gateways only; `first` counts among them.
pub fn client_among(cluster: &Cluster, nodes: &[usize], first: usize) -> Client {
    let all = cluster.gateways();
    let mut gateways: Vec<&String> = nodes.iter().map(|node| &all[*node]).collect();
    gateways.rotate_left(first % nodes.len());
    let policy =
        Policy { connect: Duration::from_secs(2), longest_pause: Duration::from_millis(500), ..Policy::default() };
    Client::new(&gateways, policy).expect("addresses of a founded network")
}

/// Sends one transaction until its receipt comes back, whatever is down meanwhile.
pub async fn deliver(client: &Client, transaction: &SignedTransaction) -> Receipt {
    let deadline = Instant::now() + LONGEST;
    loop {
        let outcome = client.submit_and_wait(transaction, deadline.saturating_duration_since(Instant::now())).await;
        let answer = match outcome {
            Ok(Outcome::Included(receipt)) => return *receipt,
            // The gateway may lag behind the one that acknowledged what this depends on.
            Ok(Outcome::Refused(rejection) | Outcome::Dropped { rejection, .. }) => format!("{rejection:?}"),
            Err(error @ ClientError::TimedOut { .. }) => panic!("{error}"),
            other => format!("{other:?}"),
        };
        assert!(Instant::now() < deadline, "{} is not taken: {answer}", transaction.id());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

impl World {
    /// Opens a year with so many pupils, through the gateways.
    pub async fn open(cluster: &Cluster, pupils: usize) -> Self {
        Self::open_at(cluster, pupils, START).await
    }

    /// The same at another time than the beginning of simulated networks.
    pub async fn open_at(cluster: &Cluster, pupils: usize, start: Timestamp) -> Self {
        let mut ids: Vec<PupilId> = (0..pupils).map(|_| new_id(PupilId)).collect();
        ids.sort_unstable();
        let world = Self {
            network: cluster.hash(),
            start,
            operator: cluster.network.operator.clone(),
            budget_holder: cluster.network.budget_holder.clone(),
            coordinator: new_key(),
            staff: new_key(),
            school: new_id(SchoolId),
            provider: new_id(ProviderId),
            service: new_id(ServiceId),
            sessions: (0..SESSIONS).map(|_| new_id(SessionId)).collect(),
            pupils: ids,
        };
        let client = client(cluster, 0);
        let document = serde_json::json!({ "salt": hex::encode(random_bytes::<32>()), "title": { "en": "A play" } });
        let document = client.put_document(document.to_string().as_bytes()).await.expect("a document is taken");
        for stage in world.stages(document) {
            futures::future::join_all(stage.iter().map(|transaction| deliver(&client, transaction))).await;
        }
        world
    }

    fn stages(&self, document: DocumentId) -> Vec<Vec<SignedTransaction>> {
        let by_operator = |operation| self.compose(&self.operator, operation);
        let wallet = |operation| by_operator(Operation::Wallet(operation));
        let place = Place::Municipality(13);
        let school = NewSchool { school: self.school, entity: new_id(EntityId), place };
        let provider = NewProvider { provider: self.provider, entity: new_id(EntityId) };
        let budget = PRICE.checked_mul(SESSIONS * self.pupils.len() as u64).expect("a small budget");
        let open =
            FundsOperation::OpenYear { year: YEAR, parameters: parameters(self.start), budget, reserve: Cents::ZERO };
        let publish = CatalogueOperation::Publish {
            service: self.service,
            provider: self.provider,
            terms: terms(place, document, self.start),
        };
        let batches: Vec<&[PupilId]> = self.pupils.chunks(MAX_BATCH).collect();
        let new =
            |pupil: &PupilId| NewPupil { pupil: *pupil, nullifier: new_id(Nullifier), school: self.school, grade: 5 };
        let wallets = batches
            .iter()
            .map(|batch| wallet(WalletOperation::OpenPupils { year: YEAR, pupils: batch.iter().map(new).collect() }));
        let allocations = batches.iter().map(|batch| {
            by_operator(Operation::Funds(FundsOperation::Allocate { year: YEAR, pupils: batch.to_vec() }))
        });
        let sessions =
            self.sessions.iter().enumerate().map(|(number, session)| self.session(number as u64, *session, place));
        vec![
            vec![
                wallet(WalletOperation::OpenSchools { schools: vec![school] }),
                wallet(WalletOperation::OpenProviders { providers: vec![provider] }),
                self.compose(&self.budget_holder, Operation::Funds(open)),
            ],
            vec![
                wallet(WalletOperation::BindKeys { grants: self.grants() }),
                by_operator(Operation::Catalogue(publish)),
            ],
            sessions.chain(wallets).collect(),
            allocations.collect(),
        ]
    }

    fn grants(&self) -> Vec<KeyGrant> {
        let grant = |key: &SecretKey, party| KeyGrant {
            key: key.public(),
            party,
            scopes: Scopes::of(&[Scope::Propose, Scope::Order, Scope::Attendance, Scope::Read]),
            cap: Cents::new(1_000_000),
            from: self.start,
            until: self.start.after(Span::days(1_000)),
        };
        let mut grants = vec![
            grant(&self.coordinator, Party::School(self.school)),
            grant(&self.staff, Party::Provider(self.provider)),
        ];
        grants.sort_by_key(|grant| grant.key);
        grants
    }

    fn session(&self, number: u64, session: SessionId, place: Place) -> SignedTransaction {
        let start = self.start.after(Span::days(40)).after(Span(number * 3 * HOUR));
        let offer = SessionOffer { start, end: start.after(Span(2 * HOUR)), place, capacity: CAPACITY };
        let open = CatalogueOperation::OpenSession { year: YEAR, session, service: self.service, offer };
        self.compose(&self.staff, Operation::Catalogue(open))
    }

    fn compose(&self, signer: &SecretKey, operation: Operation) -> SignedTransaction {
        let composer = Composer::new(self.network, signer.clone()).valid_for(Span::days(1));
        composer.compose(self.start, operation).expect("an operation within the bounds")
    }

    /// How many orders this world has room for.
    pub fn room(&self) -> usize {
        self.pupils.len() * self.sessions.len()
    }

    /// The order of a number: its own pupil and session.
    pub fn pair(&self, number: usize) -> Pair {
        let (pupil, session) = (self.pupils[number % self.pupils.len()], self.sessions[number / self.pupils.len()]);
        let order: OrderId = new_id(OrderId);
        let request = OrderAction::Request { session, pupils: vec![pupil], price: PRICE, school_money: Cents::ZERO };
        let action = |signer, action| self.compose(signer, Operation::Order { year: YEAR, order, action });
        Pair { request: action(&self.coordinator, request), confirm: action(&self.staff, OrderAction::Confirm) }
    }

    /// Money that the school has paid in, recorded by the operator; each call is another payment.
    pub fn payment(&self, cents: u64) -> SignedTransaction {
        self.compose(&self.operator, self.paid_in(cents))
    }

    /// The same, signed by somebody who may not.
    pub fn false_payment(&self, cents: u64) -> SignedTransaction {
        self.compose(&self.coordinator, self.paid_in(cents))
    }

    fn paid_in(&self, cents: u64) -> Operation {
        let amount = Cents::new(cents);
        Operation::Funds(FundsOperation::RecordSchoolMoney { year: YEAR, school: self.school, amount })
    }
}

const HOUR: u64 = 60 * 60 * 1000;
const CAPACITY: u16 = 10_000;

fn terms(place: Place, document: DocumentId, start: Timestamp) -> ServiceTerms {
    ServiceTerms {
        field: ArtField::Theatre,
        kind: ServiceKind::Performance,
        grades: Grades { from: 1, until: 12 },
        price: PRICE,
        capacity: CAPACITY,
        vat: VatCategory::ExemptCulture,
        venues: vec![place],
        from: start,
        until: start.after(Span::days(400)),
        document,
    }
}

fn parameters(start: Timestamp) -> ProgrammeParameters {
    let whole = BasisPoints::WHOLE;
    ProgrammeParameters {
        amount_per_pupil: PRICE.checked_mul(SESSIONS).expect("a small amount"),
        register_until: start.after(Span::days(2)),
        arrivals: ArrivalAmount::None,
        window_from: start.after(Span::days(10)),
        window_until: start.after(Span::days(300)),
        hold_expiry: Span::days(7),
        free_change: Span::days(3),
        free_cancel: Span::days(7),
        late_share: whole,
        absence_share: whole,
        minimum_share: BasisPoints::new(0).expect("nothing is a share"),
        attendance_days: 5,
        settlement_period: Span::days(21),
        own_key_grades: Grades { from: 9, until: 12 },
        calendar: Calendar { holidays: Vec::new(), offsets: vec![Offset { from: Timestamp(0), minutes: 120 }] },
    }
}
