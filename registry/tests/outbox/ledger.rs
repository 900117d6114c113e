//! A ledger in memory with its real rules: every transaction becomes a block of its own. It is the outbox's door and the
//! reconciliation's book, and it fails where a test wants it to.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use keis_ledger::block::{Builder, Refusal, Tip};
use keis_ledger::chain::{Address, Height, Validator, ValidatorSet};
use keis_ledger::classifiers::{Grades, Scopes, Year};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::{BlockId, DocumentId, InstitutionId, ProviderId, PupilId, SchoolId, TransactionId};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{FundsOperation, Operation, Owner, Party};
use keis_ledger::parameters::{ArrivalAmount, NetworkParameters, ProgrammeParameters};
use keis_ledger::record::{Entity, Key, Network, Provider, Pupil, Record, RecordKey, School, SchoolPurse};
use keis_ledger::rejection::Rejection;
use keis_ledger::state::State;
use keis_ledger::time::{Calendar, Offset, Span, Timestamp};
use keis_ledger::transaction::{Body, RawTransaction};
use keis_ledger::tree::TreeKey;
use keis_registry::outbox::{Door, DoorError, Fate, Office, Signed};
use keis_registry::reconcile::{BookBody, BookError, BookKey, BookPage, BookPupil, LedgerBook};

pub const NETWORK: Hash = Hash([7; 32]);
/// Midnight of 1 January 2026, UTC.
pub const NEW_YEAR: Timestamp = Timestamp(1_767_225_600_000);
pub const OPERATOR: u8 = 1;
pub const BUDGET_HOLDER: u8 = 2;
const VALIDITY: Span = Span(60_000);

pub fn day(days: u32) -> Timestamp {
    NEW_YEAR.after(Span::days(days))
}

pub fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32])
}

/// What goes wrong at a call of the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The call never reaches the ledger.
    Lost,
    /// The ledger does it, the answer is lost.
    Unanswered,
}

struct Inside {
    tip: Tip,
    receipts: BTreeMap<TransactionId, Height>,
    documents: Vec<DocumentId>,
    /// Calls that go wrong, by their number.
    faults: BTreeMap<u64, Fault>,
    /// Offices without a key.
    without: Vec<Office>,
    /// Bytes that were submitted, in order.
    submitted: Vec<TransactionId>,
}

/// The ledger.
pub struct Ledger {
    inside: Mutex<Inside>,
    calls: AtomicU64,
    salt: AtomicU64,
}

fn founding() -> State {
    let one = |number: u8| Validator {
        institution: InstitutionId([number; 16]),
        key: secret(200 + number).public(),
        power: 1,
    };
    let validators = ValidatorSet::new((1..=4).map(one).collect()).unwrap();
    let parameters = NetworkParameters {
        protocol: 1,
        max_validity: Span::days(1),
        step_budget: 64,
        max_block_bytes: 1_000_000,
        max_touched: 10_000,
        clock_bound: Span(10_000),
    };
    let mut records: Vec<(TreeKey, Record)> = Vec::new();
    records.push((Network::key(()).place(), Network { parameters, validators }.into_record()));
    let offices = [
        (OPERATOR, Owner::Operator(InstitutionId([1; 16]))),
        (BUDGET_HOLDER, Owner::BudgetHolder(InstitutionId([2; 16]))),
    ];
    for (number, owner) in offices {
        let key =
            Key { owner, scopes: Scopes::of(&[]), cap: Cents::ZERO, from: Timestamp(0), until: Timestamp(u64::MAX) };
        records.push((Key::key(secret(number).public()).place(), key.into_record()));
    }
    records.sort_by_key(|(place, _)| *place);
    State::from_records(records).unwrap()
}

pub fn parameters() -> ProgrammeParameters {
    let half = BasisPoints::new(5_000).unwrap();
    ProgrammeParameters {
        amount_per_pupil: Cents::new(1_400),
        register_until: day(3),
        arrivals: ArrivalAmount::ProRata,
        window_from: NEW_YEAR,
        window_until: day(353),
        hold_expiry: Span::days(5),
        free_change: Span::days(2),
        free_cancel: Span::days(4),
        late_share: half,
        absence_share: half,
        minimum_share: half,
        attendance_days: 5,
        settlement_period: Span::days(14),
        own_key_grades: Grades { from: 9, until: 12 },
        calendar: Calendar { holidays: vec![], offsets: vec![Offset { from: Timestamp(0), minutes: 120 }] },
    }
}

pub fn open_year(year: Year) -> Operation {
    let (budget, reserve) = (Cents::new(1_000_000_000), Cents::new(100_000_000));
    Operation::Funds(FundsOperation::OpenYear { year, parameters: parameters(), budget, reserve })
}

fn code(rejection: &Rejection) -> String {
    serde_json::to_value(rejection).unwrap()["code"].as_str().unwrap().to_owned()
}

impl Ledger {
    /// The founding state at the beginning of the year.
    pub fn new() -> Self {
        let time = NEW_YEAR;
        let tip = Tip { network: NETWORK, height: Height(0), block: BlockId([0; 32]), time, state: founding() };
        let inside = Inside {
            tip,
            receipts: BTreeMap::new(),
            documents: Vec::new(),
            faults: BTreeMap::new(),
            without: Vec::new(),
            submitted: Vec::new(),
        };
        Self { inside: Mutex::new(inside), calls: AtomicU64::new(0), salt: AtomicU64::new(0) }
    }

    /// With the year opened.
    pub fn with_year(year: Year) -> Self {
        let ledger = Self::new();
        ledger.include(BUDGET_HOLDER, open_year(year)).unwrap();
        ledger
    }

    /// Lets a call of the door go wrong, counted from now; 0 is the next one.
    pub fn fail(&self, call: u64, fault: Fault) {
        let at = self.calls.load(Ordering::SeqCst) + call;
        self.inside.lock().unwrap().faults.insert(at, fault);
    }

    /// Takes the key of an office away, or brings all back.
    pub fn without(&self, offices: &[Office]) {
        self.inside.lock().unwrap().without = offices.to_vec();
    }

    /// Lets time pass, up to a block that holds nothing.
    pub fn pass(&self, span: Span) {
        let mut inside = self.inside.lock().unwrap();
        let builder = Builder::start(&inside.tip, inside.tip.time.after(span)).unwrap();
        inside.tip = builder.seal(Address([1; 20])).tip;
    }

    pub fn state(&self) -> State {
        self.inside.lock().unwrap().tip.state.clone()
    }

    pub fn documents(&self) -> Vec<DocumentId> {
        self.inside.lock().unwrap().documents.clone()
    }

    pub fn submitted(&self) -> Vec<TransactionId> {
        self.inside.lock().unwrap().submitted.clone()
    }

    pub fn purse(&self, year: Year, school: SchoolId) -> u64 {
        self.state().get::<SchoolPurse>((year, school)).map_or(0, |purse| purse.balance.get())
    }

    pub fn pupil_of(&self, year: Year, pupil: PupilId) -> Option<Pupil> {
        self.state().get::<Pupil>((year, pupil)).cloned()
    }

    /// All wallets of a year.
    pub fn all_pupils(&self, year: Year) -> Vec<Pupil> {
        let state = self.state();
        let (start, end) = (RecordKey::year_start(year), RecordKey::year_start(Year(year.0 + 1)));
        let records = state.records_from(&start).take_while(|(place, _)| **place < end);
        records.filter_map(|(_, record)| Pupil::from_record(record).cloned()).collect()
    }

    /// Past the registry: somebody signs and includes by themselves.
    pub fn include(&self, signer: u8, operation: Operation) -> Result<Height, Rejection> {
        let mut inside = self.inside.lock().unwrap();
        let now = inside.tip.time;
        let key = secret(signer);
        let salt = self.salt.fetch_add(1, Ordering::SeqCst);
        let body = Body { signer: key.public(), behalf: None, salt, valid_until: now.after(VALIDITY), operation };
        inside.include(body.sign(&NETWORK, &key).raw())
    }

    fn fault(&self) -> Option<Fault> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        self.inside.lock().unwrap().faults.remove(&call)
    }

    fn answer<T>(&self, what: impl FnOnce(&mut Inside) -> Result<T, DoorError>) -> Result<T, DoorError> {
        let lost = || Err(DoorError::Unreachable("the network is down".to_owned()));
        match self.fault() {
            Some(Fault::Lost) => lost(),
            Some(Fault::Unanswered) => what(&mut self.inside.lock().unwrap()).and_then(|_| lost()),
            None => what(&mut self.inside.lock().unwrap()),
        }
    }
}

impl Inside {
    fn include(&mut self, raw: &[u8]) -> Result<Height, Rejection> {
        let signed = RawTransaction(raw.to_vec()).parse(&NETWORK).unwrap();
        let id = signed.id();
        if let Some(height) = self.receipts.get(&id) {
            return Ok(*height);
        }
        let verified = signed.verify(&NETWORK).unwrap();
        let mut builder = Builder::start(&self.tip, self.tip.time.after(Span(1))).unwrap();
        match builder.offer(&verified) {
            Ok(()) => {
                self.tip = builder.seal(Address([1; 20])).tip;
                self.receipts.insert(id, self.tip.height);
                Ok(self.tip.height)
            }
            Err(Refusal::Rejected(rejection)) => Err(rejection),
            Err(Refusal::Full) => panic!("a block of one transaction has room"),
        }
    }
}

#[async_trait]
impl Door for Ledger {
    async fn now(&self) -> Result<Timestamp, DoorError> {
        self.answer(|inside| Ok(inside.tip.time))
    }

    async fn sign(
        &self,
        office: Office,
        behalf: Option<Party>,
        operation: Operation,
        now: Timestamp,
    ) -> Result<Signed, DoorError> {
        let salt = self.salt.fetch_add(1, Ordering::SeqCst);
        self.answer(|inside| {
            if inside.without.contains(&office) {
                return Err(DoorError::NoKey(office));
            }
            let key = secret(match office {
                Office::Operator => OPERATOR,
                Office::BudgetHolder => BUDGET_HOLDER,
            });
            let body = Body { signer: key.public(), behalf, salt, valid_until: now.after(VALIDITY), operation };
            let signed = body.sign(&NETWORK, &key);
            Ok(Signed { id: signed.id(), raw: signed.raw().to_vec(), valid_until: signed.body().valid_until })
        })
    }

    async fn put_document(&self, document: &[u8]) -> Result<(), DoorError> {
        self.answer(|inside| {
            inside.documents.push(DocumentId::of(document));
            Ok(())
        })
    }

    async fn submit(&self, raw: &[u8]) -> Result<Fate, DoorError> {
        tokio::task::yield_now().await;
        self.answer(|inside| {
            inside.submitted.push(RawTransaction(raw.to_vec()).parse(&NETWORK).unwrap().id());
            Ok(match inside.include(raw) {
                Ok(height) => Fate::Included { height },
                Err(Rejection::Expired { .. }) => Fate::Expired,
                Err(rejection) => Fate::Refused {
                    code: code(&rejection),
                    may_pass_later: rejection.may_pass_later(),
                    message: rejection.to_string(),
                },
            })
        })
    }

    async fn receipt(&self, id: TransactionId) -> Result<Option<Height>, DoorError> {
        self.answer(|inside| Ok(inside.receipts.get(&id).copied()))
    }
}

fn book(pupil: &Pupil) -> BookPupil {
    BookPupil {
        pupil: pupil.pupil,
        school: pupil.school,
        grade: pupil.grade,
        standing: pupil.standing,
        allocated: pupil.allocated,
        balance: pupil.balance,
    }
}

fn keys(state: &State, party: Party) -> Vec<BookKey> {
    // Keys are found by their number: tests bind those of `secret`.
    let of = |number: u8| {
        let key = secret(number).public();
        let record = state.get::<Key>(key)?;
        (record.owner == Owner::Party(party)).then_some(BookKey { key, until: record.until })
    };
    (0..=255).filter_map(of).collect()
}

#[async_trait]
impl LedgerBook for Ledger {
    async fn now(&self) -> Result<Timestamp, BookError> {
        Ok(self.inside.lock().unwrap().tip.time)
    }

    async fn pupils(&self, year: Year, cursor: Option<&str>) -> Result<BookPage, BookError> {
        const PAGE: usize = 7;
        let from: usize = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let all = self.all_pupils(year);
        let pupils = all.iter().skip(from).take(PAGE).map(book).collect();
        Ok(BookPage { pupils, next: (from + PAGE < all.len()).then(|| (from + PAGE).to_string()) })
    }

    async fn pupil(&self, year: Year, pupil: PupilId) -> Result<Option<BookPupil>, BookError> {
        Ok(self.pupil_of(year, pupil).as_ref().map(book))
    }

    async fn school(&self, school: SchoolId, _: Year) -> Result<Option<BookBody>, BookError> {
        let state = self.state();
        let record = state.get::<School>(school);
        Ok(record.map(|found| BookBody { standing: found.standing, keys: keys(&state, Party::School(school)) }))
    }

    async fn provider(&self, provider: ProviderId, _: Year) -> Result<Option<BookBody>, BookError> {
        let state = self.state();
        let record = state.get::<Provider>(provider);
        Ok(record.map(|found| BookBody { standing: found.standing, keys: keys(&state, Party::Provider(provider)) }))
    }
}
