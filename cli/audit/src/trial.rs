//! A chain of an invented year, grown in memory: what measurements and tests audit.

mod changes;
mod things;

use keis_genesis::{ClockKind, Document, FORMAT, Genesis, Institution, Office, Officer, default_parameters};
use keis_ledger::block::{Builder, Executed, Refusal, Tip, next_time};
use keis_ledger::chain::{Certificate, Height, Validator, ValidatorSet, VoteStep, vote_bytes};
use keis_ledger::classifiers::{ArtField, Grades, Place, ServiceKind, VatCategory, Year};
use keis_ledger::codec;
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{DocumentId, InstitutionId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, StatementId};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{
    Buyer, CatalogueOperation, FundsOperation, KeyGrant, NewProvider, NewPupil, NewSchool, Operation, OrderAction,
    Party, ServiceTerms, SessionOffer, SettlementOperation, WalletOperation,
};
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::time::{Calendar, Offset, Span, Timestamp};
use keis_ledger::transaction::{Body, VerifiedTransaction};

use crate::content::Entry;
use crate::frame::{self, Chain, Kind, MAGIC};
use things::{grant, new_provider, new_pupil, new_school, order, pupil, session, session_day};

/// The year that is lived.
pub const YEAR: Year = Year(2026);
/// Midnight of 1 January 2026, UTC.
pub const NEW_YEAR: Timestamp = Timestamp(1_767_225_600_000);
const PRICE: Cents = Cents::new(100);
const CLASSES_A_SCHOOL: u32 = 20;
const CLASSES_A_PROVIDER: u32 = 25;
const CLASSES_A_SESSION: u32 = 5;
const INSTITUTIONS: u8 = 4;

/// How large the invented year is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Classes; each orders once a round.
    pub classes: u32,
    /// Pupils of a class.
    pub pupils: u32,
    /// Rounds of orders, at most ten.
    pub rounds: u32,
    /// Most transactions in a block.
    pub block: usize,
}

impl Size {
    /// A year that is grown in a moment.
    pub const SMALL: Self = Self { classes: 30, pupils: 4, rounds: 2, block: 40 };
}

/// A chain that grows.
pub struct Trial {
    genesis: Genesis,
    tip: Tip,
    building: Option<Builder>,
    entries: Vec<Entry>,
    documents: Vec<(DocumentId, Vec<u8>)>,
    clock: Timestamp,
    salt: u64,
    most: usize,
    transactions: u64,
}

/// The secret key of an invented person or machine.
pub fn secret(role: &str, number: u32) -> SecretKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(role.as_bytes()).update(&number.to_be_bytes());
    SecretKey::from_bytes(hasher.finalize().as_bytes())
}

/// The key of the operator's officer.
pub fn operator() -> SecretKey {
    secret("operator", 0)
}

/// The key of the budget holder's officer.
pub fn budget_holder() -> SecretKey {
    secret("budget holder", 0)
}

/// The wallets of a class, ascending.
pub fn class_pupils(size: Size, class: u32) -> Vec<PupilId> {
    let mut pupils: Vec<PupilId> = (0..size.pupils).map(|one| pupil(size, class, one)).collect();
    pupils.sort();
    pupils
}

/// The id of an invented thing.
pub fn id(role: &str, number: u32) -> [u8; 16] {
    let bytes = secret(role, number).to_bytes();
    let mut id = [0; 16];
    id.copy_from_slice(&bytes[..16]);
    id
}

fn school(class: u32) -> u32 {
    class / CLASSES_A_SCHOOL
}

fn provider(class: u32) -> u32 {
    class / CLASSES_A_PROVIDER
}

/// An instant so many days into the year.
pub fn day(days: u32) -> Timestamp {
    NEW_YEAR.after(Span::days(days))
}

fn founding() -> Genesis {
    let institution = |number: u8| Institution {
        id: InstitutionId([number; 16]),
        name: format!("Institution {number}"),
        consensus_key: secret("consensus", number.into()).public(),
        network_key: secret("network", number.into()).public(),
        power: 1,
        governance_keys: [0, 1].map(|which| secret("governance", 2 * u32::from(number) + which).public()),
    };
    let officer = |number: u8, office: Office, key: &SecretKey| Officer {
        institution: InstitutionId([number; 16]),
        office,
        key: key.public(),
        from: Timestamp(0),
        until: day(2_000),
    };
    let document = Document {
        format: FORMAT,
        name: "An invented year".to_owned(),
        time: NEW_YEAR,
        clock: ClockKind::Simulated { driver: secret("driver", 0).public() },
        parameters: default_parameters(),
        institutions: (1..=INSTITUTIONS).map(institution).collect(),
        officers: vec![
            officer(1, Office::BudgetHolder, &budget_holder()),
            officer(2, Office::Operator, &operator()),
            officer(3, Office::Auditor, &secret("auditor", 0)),
        ],
    };
    document.check().expect("the invented document breaks no rule")
}

fn parameters() -> ProgrammeParameters {
    let half = BasisPoints::new(5_000).expect("half is a share");
    ProgrammeParameters {
        amount_per_pupil: Cents::new(1_400),
        register_until: day(5),
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
        calendar: Calendar { holidays: Vec::new(), offsets: vec![Offset { from: Timestamp(0), minutes: 120 }] },
    }
}

/// The certificate of a block by three of the four founders.
pub fn certificate(genesis: &Genesis, executed: &Executed) -> Certificate {
    certificate_of(genesis.validators(), executed)
}

/// The certificate of a block by the first three of a set.
pub fn certificate_of(validators: &ValidatorSet, executed: &Executed) -> Certificate {
    let header = &executed.block.header;
    let vote = |validator: &Validator| {
        let key = (1..=2 * INSTITUTIONS).map(|one| secret("consensus", one.into()));
        let key = key.into_iter().find(|key| key.public() == validator.key)?;
        let address = validator.address();
        let bytes = vote_bytes(&header.network, VoteStep::Precommit, header.height, 0, Some(header.id()), &address);
        Some((address, key.sign(&bytes)))
    };
    let signatures = validators.as_slice().iter().take(3).filter_map(vote).collect();
    Certificate { height: header.height, round: 0, block: header.id(), signatures }
}

impl Trial {
    /// A chain of no block.
    pub fn founded(most_in_a_block: usize) -> Self {
        let genesis = founding();
        Self {
            tip: genesis.tip(),
            genesis,
            building: None,
            entries: Vec::new(),
            documents: Vec::new(),
            clock: NEW_YEAR,
            salt: 0,
            most: most_in_a_block.max(1),
            transactions: 0,
        }
    }

    /// A whole year: opening, class orders with their attendance, statements.
    pub fn year(size: Size) -> Self {
        let mut trial = Self::opened(size);
        trial.orders(size);
        trial.settle(size);
        trial
    }

    /// The year opened, with pupils, money and services, before the first order.
    pub fn opened(size: Size) -> Self {
        let mut trial = Self::founded(size.block);
        trial.open(size);
        trial.seal();
        trial
    }

    /// The founding document.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// The blocks so far, with their certificates.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The public documents that the services name.
    pub fn documents(&self) -> &[(DocumentId, Vec<u8>)] {
        &self.documents
    }

    /// Where the chain stands.
    pub fn tip(&self) -> &Tip {
        &self.tip
    }

    /// Transactions so far.
    pub fn transactions(&self) -> u64 {
        self.transactions
    }

    /// Sets the clock, which never goes back.
    pub fn at(&mut self, time: Timestamp) {
        self.seal();
        self.clock = self.clock.max(time);
        self.seal();
    }

    /// Puts a signed operation into the chain.
    ///
    /// # Panics
    /// When the ledger refuses it: the invented year is lawful.
    pub fn submit(&mut self, signer: &SecretKey, operation: Operation) {
        let transaction = self.sign(signer, operation);
        for _ in 0..2 {
            let mut builder = self.building.take().unwrap_or_else(|| self.start());
            let offered = builder.offer(&transaction);
            let full = builder.len() >= self.most || offered == Err(Refusal::Full);
            self.building = Some(builder);
            if full {
                self.seal();
            }
            match offered {
                Ok(()) => return self.transactions += 1,
                Err(Refusal::Full) => {}
                Err(Refusal::Rejected(rejection)) => panic!("the invented year is lawful: {rejection}"),
            }
        }
        panic!("an empty block has room for a transaction");
    }

    fn sign(&mut self, signer: &SecretKey, operation: Operation) -> VerifiedTransaction {
        self.salt += 1;
        let valid_until = next_time(self.tip.time, self.clock).after(Span(600_000));
        let body = Body { signer: signer.public(), behalf: None, salt: self.salt, valid_until, operation };
        let signed = body.sign(&self.genesis.hash(), signer);
        signed.verify(&self.genesis.hash()).expect("what was signed holds")
    }

    fn start(&self) -> Builder {
        Builder::start(&self.tip, next_time(self.tip.time, self.clock)).expect("time goes on")
    }

    /// Ends the block that is being built, if any, and works off what is due.
    pub fn seal(&mut self) {
        if let Some(builder) = self.building.take() {
            self.decide(builder);
        }
        while self.tip.state.first_due().is_some_and(|key| key.due <= self.clock) {
            self.decide(self.start());
        }
    }

    fn decide(&mut self, builder: Builder) {
        let validators = self.tip.network_record().validators.clone();
        let executed = builder.seal(validators.as_slice()[0].address());
        let certificate = codec::encode(&certificate_of(&validators, &executed));
        let entry = Entry { height: executed.tip.height, block: executed.block.encode(), certificate };
        self.entries.push(entry);
        self.tip = executed.tip;
    }

    /// Opens the year with more money than it needs.
    pub fn open_year(&mut self) {
        let (budget, reserve) = (Cents::new(1_000_000_000_000), Cents::new(1_000_000));
        let year = FundsOperation::OpenYear { year: YEAR, parameters: parameters(), budget, reserve };
        self.submit(&budget_holder(), Operation::Funds(year));
    }

    fn open(&mut self, size: Size) {
        let (operator, schools) = (operator(), school(size.classes.saturating_sub(1)) + 1);
        let providers = provider(size.classes.saturating_sub(1)) + 1;
        self.open_year();
        let mut new_schools: Vec<NewSchool> = (0..schools).map(new_school).collect();
        new_schools.sort_by_key(|one| one.school);
        for part in new_schools.chunks(200) {
            self.submit(&operator, Operation::Wallet(WalletOperation::OpenSchools { schools: part.to_vec() }));
        }
        let mut new_providers: Vec<NewProvider> = (0..providers).map(new_provider).collect();
        new_providers.sort_by_key(|one| one.provider);
        for part in new_providers.chunks(200) {
            self.submit(&operator, Operation::Wallet(WalletOperation::OpenProviders { providers: part.to_vec() }));
        }
        let mut grants: Vec<KeyGrant> =
            (0..schools)
                .map(|number| grant(&secret("school", number), Party::School(SchoolId(id("school", number)))))
                .chain((0..providers).map(|number| {
                    grant(&secret("provider", number), Party::Provider(ProviderId(id("provider", number))))
                }))
                .collect();
        grants.sort_by_key(|grant| grant.key);
        for part in grants.chunks(200) {
            self.submit(&operator, Operation::Wallet(WalletOperation::BindKeys { grants: part.to_vec() }));
        }
        self.open_pupils(size);
        (0..providers).for_each(|number| self.publish(number));
        for number in 0..schools {
            let (school, amount) = (SchoolId(id("school", number)), Cents::new(5_000));
            let paid_in = FundsOperation::RecordSchoolMoney { year: YEAR, school, amount };
            self.submit(&operator, Operation::Funds(paid_in));
        }
        self.open_sessions(size);
    }

    fn open_pupils(&mut self, size: Size) {
        let mut pupils: Vec<NewPupil> =
            (0..size.classes).flat_map(|class| (0..size.pupils).map(move |one| new_pupil(size, class, one))).collect();
        pupils.sort_by_key(|pupil| pupil.pupil);
        for part in pupils.chunks(500) {
            let wallets = part.iter().map(|pupil| pupil.pupil).collect();
            let opening = WalletOperation::OpenPupils { year: YEAR, pupils: part.to_vec() };
            self.submit(&operator(), Operation::Wallet(opening));
            let allocation = FundsOperation::Allocate { year: YEAR, pupils: wallets };
            self.submit(&operator(), Operation::Funds(allocation));
        }
    }

    fn publish(&mut self, number: u32) {
        let text = format!("{{\"title\":\"Service {number}\",\"salt\":\"{}\"}}", blake3::hash(&number.to_be_bytes()));
        let document = DocumentId::of(text.as_bytes());
        self.documents.push((document, text.into_bytes()));
        let fields = [ArtField::Theatre, ArtField::Music, ArtField::Dance, ArtField::Heritage];
        let vat = [VatCategory::ExemptCulture, VatCategory::Standard, VatCategory::NotRegistered];
        let terms = ServiceTerms {
            field: fields[number as usize % fields.len()],
            kind: ServiceKind::Workshop,
            grades: Grades { from: 1, until: 12 },
            price: PRICE,
            capacity: 500,
            vat: vat[number as usize % vat.len()],
            venues: vec![Place::Municipality(13), Place::Municipality(57)],
            from: NEW_YEAR,
            until: day(353),
            document,
        };
        let (service, provider) = (ServiceId(id("service", number)), ProviderId(id("provider", number)));
        let publication = CatalogueOperation::Publish { service, provider, terms };
        self.submit(&operator(), Operation::Catalogue(publication));
    }

    fn open_sessions(&mut self, size: Size) {
        for round in 0..size.rounds {
            for class in (0..size.classes).step_by(CLASSES_A_SESSION as usize) {
                let start = session_day(round).after(Span(10 * 3_600_000));
                let offer = SessionOffer {
                    start,
                    end: start.after(Span(2 * 3_600_000)),
                    place: Place::Municipality(57),
                    capacity: 500,
                };
                let service = ServiceId(id("service", provider(class)));
                let opening =
                    CatalogueOperation::OpenSession { year: YEAR, session: session(round, class), service, offer };
                self.submit(&secret("provider", provider(class)), Operation::Catalogue(opening));
            }
        }
    }

    /// Every class orders once a round; one order in seven is left to the clock.
    pub fn orders(&mut self, size: Size) {
        self.at(day(6));
        for round in 0..size.rounds {
            self.at(session_day(round).before(Span::days(20)));
            self.ask(size, round);
            for class in 0..size.classes {
                self.on_order("provider", provider(class), round, class, OrderAction::Confirm);
            }
            self.at(session_day(round).after(Span::days(1)));
            for class in 0..size.classes {
                let absent = if class % 10 == 3 { vec![0] } else { Vec::new() };
                let report = OrderAction::ReportDelivery { absent: absent.clone() };
                self.on_order("provider", provider(class), round, class, report);
                if class % 7 != 5 {
                    let confirmation = OrderAction::ConfirmAttendance { absent, added: Vec::new() };
                    self.on_order("school", school(class), round, class, confirmation);
                }
            }
            self.seal();
        }
    }

    /// Every class orders once a round, all at one instant, which it gives. None of these orders depends on another.
    pub fn requests(&mut self, size: Size) -> Timestamp {
        self.at(session_day(0).before(Span::days(20)));
        (0..size.rounds).for_each(|round| self.ask(size, round));
        self.seal();
        self.clock
    }

    fn ask(&mut self, size: Size, round: u32) {
        for class in 0..size.classes {
            let request = OrderAction::Request {
                session: session(round, class),
                pupils: class_pupils(size, class),
                price: PRICE,
                school_money: Cents::ZERO,
            };
            self.on_order("school", school(class), round, class, request);
        }
    }

    fn on_order(&mut self, role: &str, who: u32, round: u32, class: u32, action: OrderAction) {
        let order = order(round, class);
        self.submit(&secret(role, who), Operation::Order { year: YEAR, order, action });
    }

    /// Statements of every provider, accepted.
    pub fn settle(&mut self, size: Size) {
        self.at(session_day(size.rounds).after(Span::days(15)));
        let mut classes: Vec<u32> = (0..size.classes).collect();
        classes.dedup_by_key(|class| provider(*class));
        for number in 0..u32::try_from(classes.len()).unwrap_or_default() {
            let of_provider = (0..size.classes).filter(|class| provider(*class) == number);
            let mut orders: Vec<OrderId> =
                of_provider.flat_map(|class| (0..size.rounds).map(move |round| order(round, class))).collect();
            orders.sort();
            orders.truncate(500);
            let (statement, provider) = (StatementId(id("statement", number)), ProviderId(id("provider", number)));
            let issue = SettlementOperation::Issue { year: YEAR, statement, provider, buyer: Buyer::Programme, orders };
            self.submit(&operator(), Operation::Settlement(issue));
            let accept = SettlementOperation::Accept { year: YEAR, statement };
            self.submit(&secret("provider", number), Operation::Settlement(accept));
        }
        self.seal();
    }

    /// The chain as an export in memory.
    pub fn export(&self) -> Vec<u8> {
        export(&self.genesis, &self.entries, &self.documents)
    }
}

/// An export in memory of entries that need not be lawful: what tests forge is framed as if it were.
pub fn export(genesis: &Genesis, entries: &[Entry], documents: &[(DocumentId, Vec<u8>)]) -> Vec<u8> {
    use crate::content::{Extent, Foot, Head, VERSION};

    let from = entries.first().map_or(Height(1), |entry| entry.height);
    let (mut out, mut chain) = (MAGIC.to_vec(), Chain::start());
    let mut put = |kind, plain: &[u8]| {
        let at = out.len() as u64;
        frame::write(&mut out, &mut chain, kind, plain).expect("memory takes every frame");
        at
    };
    put(Kind::Head, &Head { version: VERSION, network: genesis.hash(), from }.encode());
    if !documents.is_empty() {
        put(Kind::Documents, &codec::encode(&documents.to_vec()));
    }
    let mut foot = Foot { extent: Extent::new(from), index: Vec::new() };
    foot.extent.documents = documents.len() as u64;
    for part in entries.chunks(64) {
        foot.index.push((put(Kind::Blocks, &Entry::encode_all(part.to_vec())), part[0].height));
        for entry in part {
            let tip = keis_ledger::block::Block::decode(&entry.block).map(|block| block.header.id());
            foot.extent.grow(tip.unwrap_or_default());
        }
    }
    put(Kind::Foot, &foot.encode());
    out
}
