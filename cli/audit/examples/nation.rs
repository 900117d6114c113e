//! Grows a year of the nation's size and kinds of work, in memory, and writes it as an export with its founding document:
//! `cargo run --release -p keis-audit --example nation FOLDER [PARTS]`. With PARTS only one such part of everything.
//! Blocks are small, as a network of many parties makes them. It takes a few minutes and no network.

use std::path::PathBuf;

use keis_audit::trial::{NEW_YEAR, Trial, YEAR, budget_holder, day, operator, secret};
use keis_ledger::classifiers::{ArtField, Grades, Place, Scope, Scopes, ServiceKind, VatCategory};
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{
    Commitment, DecisionId, DocumentId, EntityId, Nullifier, OrderId, ProviderId, PupilId, SchoolId, ServiceId,
    SessionId, StatementId,
};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    Buyer, CatalogueOperation, Change, FundsOperation, GovernanceOperation, KeyGrant, Measure, NewProvider, NewPupil,
    NewSchool, Operation, OrderAction, Party, ServiceTerms, SessionOffer, SettlementOperation, WalletOperation,
};
use keis_ledger::record::Statement;
use keis_ledger::time::{Span, Timestamp};

/// As in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PRICE: Cents = Cents::new(435);
const HOUR: u64 = 3_600_000;
/// Transactions of a block in the demo of the national year.
const BLOCK: usize = 17;

/// What is signed about a statement, by its number, its provider's and its orders.
type Make<'m> = dyn Fn(&Trial, u32, u32, &[OrderId]) -> (SecretKey, SettlementOperation) + 'm;

/// How many there are of each.
struct Nation {
    schools: u32,
    providers: u32,
    services: u32,
    sessions: u32,
    orders: u32,
    pupils: u32,
    /// Pupils who arrive one by one; as many leave, and as many move.
    arrivals: u32,
}

/// One step of an order's life, or of something else that has its hour.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Propose,
    Request,
    Answer,
    Swap,
    ProposeChange,
    AcceptChange,
    Cancel,
    Report,
    Confirm,
}

fn bytes<const N: usize>(role: &str, number: u32) -> [u8; N] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(role.as_bytes()).update(&number.to_be_bytes());
    *hasher.finalize().as_bytes().first_chunk().expect("a hash has 32 bytes")
}

fn pupil(number: u32) -> PupilId {
    PupilId(bytes("pupil", number))
}

fn order(number: u32) -> OrderId {
    OrderId(bytes("order", number))
}

fn session(number: u32) -> SessionId {
    SessionId(bytes("session", number))
}

fn provider(number: u32) -> ProviderId {
    ProviderId(bytes("provider", number))
}

fn school(number: u32) -> SchoolId {
    SchoolId(bytes("school", number))
}

fn grant(key: &SecretKey, party: Party) -> KeyGrant {
    let scopes = Scopes::of(&[Scope::Propose, Scope::Order, Scope::Attendance, Scope::Settlement]);
    KeyGrant { key: key.public(), party, scopes, cap: Cents::new(10_000_000), from: Timestamp(0), until: day(2_000) }
}

impl Nation {
    fn part(parts: u32) -> Self {
        let of = |whole: u32| whole / parts;
        Self {
            schools: of(885).max(1),
            providers: of(400).max(1),
            services: of(6_004).max(1),
            sessions: of(25_869),
            orders: of(23_370),
            pupils: of(349_520),
            arrivals: of(3_495),
        }
    }

    fn school_of(&self, pupil: u32) -> u32 {
        pupil % self.schools
    }

    fn provider_of(&self, order: u32) -> u32 {
        order % self.services % self.providers
    }

    fn session_start(&self, order: u32) -> Timestamp {
        // Orders of the same pupils never meet: each round through a school's pupils has its own hour.
        let round = u64::from(order / self.schools * 20 / self.pupils.div_ceil(self.schools).max(1)) % 4;
        day(40 + order.wrapping_mul(7_919) % 285).after(Span((8 + 3 * round) * HOUR))
    }

    /// The class that orders, and one pupil more.
    fn class(&self, order: u32) -> (Vec<PupilId>, PupilId) {
        let (school, turn) = (order % self.schools, order / self.schools);
        let in_school = self.pupils / self.schools;
        let most = (10 + turn % 19).min(in_school.saturating_sub(1)).max(1);
        let first = turn * 20;
        let one = |place: u32| pupil(((first + place) % in_school) * self.schools + school);
        let mut class: Vec<PupilId> = (0..most).map(one).collect();
        class.sort();
        (class, one(most))
    }

    fn keys(&self) -> Vec<KeyGrant> {
        let schools = (0..self.schools).map(|one| grant(&secret("school", one), Party::School(school(one))));
        let providers = (0..self.providers).map(|one| grant(&secret("provider", one), Party::Provider(provider(one))));
        let mut grants: Vec<KeyGrant> = schools.chain(providers).collect();
        grants.sort_by_key(|grant| grant.key);
        grants
    }

    fn open(&self, trial: &mut Trial) {
        let mut schools: Vec<NewSchool> = (0..self.schools)
            .map(|one| NewSchool {
                school: school(one),
                entity: EntityId(bytes("entity", one)),
                place: Place::Municipality(u8::try_from(one % 60 + 1).unwrap_or(1)),
            })
            .collect();
        schools.sort_by_key(|one| one.school);
        let mut providers: Vec<NewProvider> = (0..self.providers)
            .map(|one| NewProvider { provider: provider(one), entity: EntityId(bytes("other entity", one)) })
            .collect();
        providers.sort_by_key(|one| one.provider);
        let wallets = |operation| (operator(), Operation::Wallet(operation));
        let schools = schools.chunks(200).map(|part| WalletOperation::OpenSchools { schools: part.to_vec() });
        let providers = providers.chunks(200).map(|part| WalletOperation::OpenProviders { providers: part.to_vec() });
        let keys = self.keys();
        let keys = keys.chunks(200).map(|part| WalletOperation::BindKeys { grants: part.to_vec() });
        for (key, operation) in schools.chain(providers).chain(keys).map(wallets) {
            trial.submit(&key, operation);
        }
        for one in 0..self.services {
            let terms = ServiceTerms {
                field: ArtField::Music,
                kind: ServiceKind::Workshop,
                grades: Grades { from: 1, until: 12 },
                price: PRICE,
                capacity: 500,
                vat: VatCategory::ExemptCulture,
                venues: vec![Place::Municipality(13), Place::Municipality(57)],
                from: NEW_YEAR,
                until: day(353),
                document: DocumentId(bytes("document", one)),
            };
            let (service, provider) = (ServiceId(bytes("service", one)), provider(one % self.providers));
            let publication = CatalogueOperation::Publish { service, provider, terms };
            trial.submit(&operator(), Operation::Catalogue(publication));
        }
    }

    fn open_sessions(&self, trial: &mut Trial) {
        for one in 0..self.sessions {
            let start = self.session_start(one);
            let (end, place) = (start.after(Span(2 * HOUR)), Place::Municipality(57));
            let offer = SessionOffer { start, end, place, capacity: 40 };
            let service = ServiceId(bytes("service", one % self.services));
            let opening = CatalogueOperation::OpenSession { year: YEAR, session: session(one), service, offer };
            trial.submit(&secret("provider", self.provider_of(one)), Operation::Catalogue(opening));
        }
    }

    fn open_pupils(&self, trial: &mut Trial, from: u32, until: u32, at_a_time: usize) {
        let new = |one: u32| NewPupil {
            pupil: pupil(one),
            nullifier: Nullifier(bytes("nullifier", one)),
            school: school(self.school_of(one)),
            grade: 5,
        };
        let mut pupils: Vec<NewPupil> = (from..until).map(new).collect();
        pupils.sort_by_key(|pupil| pupil.pupil);
        for part in pupils.chunks(at_a_time) {
            let wallets = part.iter().map(|pupil| pupil.pupil).collect();
            let opening = WalletOperation::OpenPupils { year: YEAR, pupils: part.to_vec() };
            trial.submit(&operator(), Operation::Wallet(opening));
            trial.submit(&operator(), Operation::Funds(FundsOperation::Allocate { year: YEAR, pupils: wallets }));
        }
    }

    /// What becomes of an order, at which hours.
    fn fate(&self, order: u32) -> Vec<(Timestamp, u32, Step)> {
        let start = self.session_start(order);
        let before = |days| start.before(Span::days(days));
        let after = |days| start.after(Span::days(days));
        let mut steps = vec![(before(20), order, Step::Request)];
        let mut add = |at, step| steps.push((at, order, step));
        if order % 8 == 1 {
            add(before(22), Step::Propose);
        }
        // Of a thousand orders: 27 lapse, 34 are declined, 43 cancelled free, 21 late, 17 by the provider.
        let fate = order.wrapping_mul(31) % 1_000;
        if fate < 27 {
            return steps;
        }
        add(before(18), Step::Answer);
        if fate < 61 {
            return steps;
        }
        if fate < 142 {
            add(if (104..125).contains(&fate) { before(1) } else { before(6) }, Step::Cancel);
            return steps;
        }
        if fate % 25 == 3 {
            add(before(10), Step::Swap);
        }
        if fate % 11 == 4 {
            add(before(9), Step::ProposeChange);
            add(before(8), Step::AcceptChange);
        }
        add(after(1), Step::Report);
        if fate % 12 != 5 {
            add(after(2), Step::Confirm);
        }
        steps
    }

    fn take(&self, trial: &mut Trial, number: u32, step: Step) {
        let school = secret("school", number % self.schools);
        let provider = secret("provider", self.provider_of(number));
        let (pupils, one_more) = self.class(number);
        let session = session(number);
        let declined = number.wrapping_mul(31) % 1_000 < 61;
        let by_provider = number.wrapping_mul(31) % 1_000 >= 125;
        let (key, action) = match step {
            Step::Propose => (school, OrderAction::Propose { session, pupils }),
            Step::Request => {
                (school, OrderAction::Request { session, pupils, price: PRICE, school_money: Cents::ZERO })
            }
            Step::Answer if declined => (provider, OrderAction::Decline),
            Step::Answer => (provider, OrderAction::Confirm),
            Step::Swap => (school, OrderAction::Swap { lines: vec![(0, one_more)] }),
            Step::ProposeChange => {
                let change = Change::Booking { session: None, drop: vec![1], add: Vec::new() };
                (school, OrderAction::ProposeChange(change))
            }
            Step::AcceptChange => (provider, OrderAction::AcceptChange),
            Step::Cancel => (if by_provider { provider } else { school }, OrderAction::Cancel),
            Step::Report => (provider, OrderAction::ReportDelivery { absent: Vec::new() }),
            Step::Confirm => (school, OrderAction::ConfirmAttendance { absent: Vec::new(), added: Vec::new() }),
        };
        trial.submit(&key, Operation::Order { year: YEAR, order: order(number), action });
    }

    fn live(&self, trial: &mut Trial) {
        let mut steps: Vec<(Timestamp, u32, Step)> = (0..self.orders).flat_map(|order| self.fate(order)).collect();
        steps.sort_by_key(|(at, order, step)| (*at, *step, *order));
        let mut now = Timestamp(0);
        for (at, order, step) in steps {
            if at > now {
                trial.at(at);
                now = at;
            }
            self.take(trial, order, step);
        }
        trial.at(day(340));
    }

    fn leave_and_move(&self, trial: &mut Trial) {
        for one in 0..self.arrivals {
            let to = school((self.school_of(one) + 1) % self.schools);
            let moving =
                WalletOperation::MovePupil { year: YEAR, pupil: pupil(one), school: to, grade: 5, keep_lines: true };
            trial.submit(&operator(), Operation::Wallet(moving));
            let party = Party::Pupil(YEAR, pupil(self.pupils - 1 - one));
            trial.submit(&operator(), Operation::Wallet(WalletOperation::Close { party }));
        }
    }

    fn payment_accounts(&self, trial: &mut Trial) {
        for one in 0..self.providers {
            let decision = DecisionId(bytes("decision", one));
            let account = Commitment(bytes("account", one));
            let measure = Measure::ChangePaymentAccount { provider: provider(one), account };
            let until = trial.tip().time.after(Span::days(20));
            let propose = GovernanceOperation::Propose { decision, measure, until };
            trial.submit(&operator(), Operation::Governance(propose));
            trial.submit(&budget_holder(), Operation::Governance(GovernanceOperation::Approve { decision }));
        }
    }

    /// Statements of five orders, from their issue to the bank.
    fn settle(&self, trial: &mut Trial) {
        let late = |order: &u32| (104..125).contains(&(order.wrapping_mul(31) % 1_000));
        let earned = |order: &u32| late(order) || self.fate(*order).iter().any(|(_, _, step)| *step == Step::Report);
        let mut of_provider: Vec<Vec<u32>> = vec![Vec::new(); self.providers as usize];
        for order in (0..self.orders).filter(earned) {
            of_provider[self.provider_of(order) as usize].push(order);
        }
        let mut statements: Vec<(u32, Vec<OrderId>)> = Vec::new();
        for (number, orders) in (0..).zip(&of_provider) {
            for part in orders.chunks(5) {
                let mut part: Vec<OrderId> = part.iter().map(|one| order(*one)).collect();
                part.sort();
                statements.push((number, part));
            }
        }
        let mut last = vec![0; self.providers as usize];
        let mut rounds: Vec<(u32, u32, u32, Vec<OrderId>)> = Vec::new();
        for (number, (provider, orders)) in (0..).zip(statements) {
            let round = &mut last[provider as usize];
            rounds.push((*round, number, provider, orders));
            *round += 1;
        }
        rounds.sort_by_key(|(round, number, ..)| (*round, *number));
        for part in rounds.chunk_by(|one, other| one.0 == other.0) {
            self.settle_round(trial, part);
        }
    }

    fn settle_round(&self, trial: &mut Trial, part: &[(u32, u32, u32, Vec<OrderId>)]) {
        let start = trial.tip().time.after(Span::days(15));
        let mut hours = (0..).map(|hour| start.after(Span(hour * HOUR)));
        let mut next = |trial: &mut Trial| trial.at(hours.next().expect("hours go on"));
        let id = |number: u32| StatementId(bytes("statement", number));
        let mut all = |trial: &mut Trial, make: &Make| {
            next(trial);
            for (_, number, provider, orders) in part {
                let (key, operation) = make(trial, *number, *provider, orders);
                trial.submit(&key, Operation::Settlement(operation));
            }
        };
        all(trial, &|_, number, one, orders| {
            let (statement, provider, orders) = (id(number), provider(one), orders.to_vec());
            let issue = SettlementOperation::Issue { year: YEAR, statement, provider, buyer: Buyer::Programme, orders };
            (operator(), issue)
        });
        all(trial, &|_, number, provider, _| {
            (secret("provider", provider), SettlementOperation::Accept { year: YEAR, statement: id(number) })
        });
        all(trial, &|_, number, provider, _| {
            let (invoice, number_of_it) = (Commitment(bytes("invoice", number)), Commitment(bytes("number", number)));
            let statement = id(number);
            let attach = SettlementOperation::AttachInvoice { year: YEAR, statement, invoice, number: number_of_it };
            (secret("provider", provider), attach)
        });
        all(trial, &|_, number, _, _| (operator(), SettlementOperation::Approve { year: YEAR, statement: id(number) }));
        all(trial, &|trial, number, _, _| {
            let statement = id(number);
            let open = trial.tip().state.get::<Statement>((YEAR, statement)).map(|statement| statement.balance);
            let (amount, reference) = (open.unwrap_or(Cents::ZERO), Commitment(bytes("reference", number)));
            (budget_holder(), SettlementOperation::RecordPayment { year: YEAR, statement, amount, reference })
        });
        all(trial, &|_, number, _, _| {
            let (statement, bank) = (id(number), Commitment(bytes("bank", number)));
            (operator(), SettlementOperation::Reconcile { year: YEAR, statement, bank })
        });
    }
}

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("a folder is named"));
    let nation = Nation::part(arguments.next().map_or(1, |parts| parts.parse().expect("a number of parts")));
    let mut trial = Trial::founded(BLOCK);
    nation.open(&mut trial);
    trial.open_year();
    nation.open_sessions(&mut trial);
    nation.open_pupils(&mut trial, 0, nation.pupils, 500);
    nation.open_pupils(&mut trial, nation.pupils, nation.pupils + nation.arrivals, 1);
    nation.payment_accounts(&mut trial);
    nation.live(&mut trial);
    nation.leave_and_move(&mut trial);
    nation.settle(&mut trial);
    println!(
        "{} transactions, {} blocks, {} records",
        trial.transactions(),
        trial.entries().len(),
        trial.tip().state.len()
    );
    trial.submit(&budget_holder(), Operation::Funds(FundsOperation::EndYear { year: YEAR }));
    trial.seal();
    while trial.tip().state.first_due().is_some() {
        trial.at(trial.tip().time.after(Span::days(1)));
    }
    trial.submit(&budget_holder(), Operation::Funds(FundsOperation::SealYear { year: YEAR }));
    trial.seal();
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("year.export"), trial.export())?;
    trial.genesis().save(&folder.join("genesis.json")).map_err(std::io::Error::other)?;
    println!(
        "{} transactions, {} blocks, {} records",
        trial.transactions(),
        trial.entries().len(),
        trial.tip().state.len()
    );
    Ok(())
}
