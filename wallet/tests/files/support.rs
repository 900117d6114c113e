//! A network whose validators change twice before the block whose receipts and records are proven.

use keis_genesis::{ClockKind, Document, FORMAT, Genesis, Institution, Office, Officer, default_parameters};
use keis_ledger::chain::{Address, Certificate, Header, Height, Validator, ValidatorSet, VoteStep, vote_bytes};
use keis_ledger::classifiers::{ArtField, Grades, Place, ServiceKind, VatCategory, Year};
use keis_ledger::codec;
use keis_ledger::crypto::{Domain, Hash, SecretKey, hash};
use keis_ledger::ids::{
    BlockId, DocumentId, InstitutionId, OrderId, ProviderId, PupilId, SchoolId, ServiceId, SessionId, TransactionId,
};
use keis_ledger::list;
use keis_ledger::money::{Amounts, Cents};
use keis_ledger::operation::{ServiceTerms, SessionOffer};
use keis_ledger::receipt::{FullReceipt, Kind, Receipt, ReceiptLine, Subject};
use keis_ledger::record::{
    Network, OrderState, Record, RecordKey, Sealed, SealedProof, Service, Session, Standing, Totals,
};
use keis_ledger::state::State;
use keis_ledger::time::{Span, Timestamp};
use keis_wallet::verify::{
    Handover, ProvenLine, ProvenReceipt, ProvenRecord, PublicRecord, ReceiptFile, RecordFile, SealedRecordFile, Under,
    YearlyRecord,
};

const TIME: Timestamp = Timestamp(1_767_225_600_000);
pub const YEAR: Year = Year(2026);
pub const PAST: Year = Year(2025);
pub const SERVICE: ServiceId = ServiceId([21; 16]);
pub const SESSION: SessionId = SessionId([22; 16]);
/// Heights after which the validators change, and that of the block.
pub const CHANGES: [Height; 2] = [Height(3), Height(8)];
pub const HEIGHT: Height = Height(12);
/// Receipts in the block, and the place of the one proven.
const RECEIPTS: u32 = 7;
pub const PLACE: u32 = 5;

pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_bytes(&[seed; 32])
}

pub fn genesis() -> Genesis {
    let institution = |index: u8| Institution {
        id: InstitutionId([index; 16]),
        name: format!("Įstaiga {index}"),
        consensus_key: key(10 + index).public(),
        network_key: key(20 + index).public(),
        governance_keys: [key(40 + index).public(), key(50 + index).public()],
        power: u64::from(index % 2) + 2,
    };
    let officer = |index, office, seed| Officer {
        institution: InstitutionId([index; 16]),
        office,
        key: key(seed).public(),
        from: TIME,
        until: TIME.after(Span::days(400)),
    };
    let document = Document {
        format: FORMAT,
        name: "Kultūros pasas".into(),
        time: TIME,
        clock: ClockKind::Simulated { driver: key(1).public() },
        parameters: default_parameters(),
        institutions: (1..=4).map(institution).collect(),
        officers: vec![officer(1, Office::BudgetHolder, 31), officer(2, Office::Operator, 32)],
    };
    document.check().unwrap()
}

/// Institution and seed of the consensus key of each validator after so many changes.
pub fn members(changes: usize) -> Vec<(u8, u8)> {
    match changes {
        0 => vec![(1, 11), (2, 12), (3, 13), (4, 14)],
        // One joins, one has another key.
        1 => vec![(1, 11), (2, 12), (3, 13), (4, 54), (5, 15)],
        // One leaves.
        _ => vec![(2, 12), (3, 13), (4, 54), (5, 15)],
    }
}

pub fn set(changes: usize) -> ValidatorSet {
    if changes == 0 {
        return genesis().validators().clone();
    }
    let validator = |(index, seed): (u8, u8)| Validator {
        institution: InstitutionId([index; 16]),
        key: key(seed).public(),
        power: u64::from(index % 2) + 2,
    };
    ValidatorSet::new(members(changes).into_iter().map(validator).collect()).unwrap()
}

pub fn certify(header: &Header, seeds: &[u8]) -> Certificate {
    let (height, round, block) = (header.height, 2, header.id());
    let sign = |seed: &u8| {
        let address = Address::of(&key(*seed).public());
        let message = vote_bytes(&header.network, VoteStep::Precommit, height, round, Some(block), &address);
        (address, key(*seed).sign(&message))
    };
    Certificate { height, round, block, signatures: seeds.iter().map(sign).collect() }
}

/// Every validator's key after so many changes.
pub fn seeds(changes: usize) -> Vec<u8> {
    members(changes).into_iter().map(|(_, seed)| seed).collect()
}

pub fn header(height: Height, changes: usize, next: usize) -> Header {
    Header {
        protocol: 1,
        network: genesis().hash(),
        height,
        parent: BlockId([4; 32]),
        time: TIME.after(Span(height.0 * 1000)),
        proposer: Address::of(&key(13).public()),
        transactions_root: Hash([5; 32]),
        receipts_root: Hash([6; 32]),
        state_root: Hash([7; 32]),
        validators: set(changes).hash(),
        next_validators: set(next).hash(),
    }
}

pub fn handovers() -> Vec<Handover> {
    let handover = |(changes, height): (usize, &Height)| {
        let header = header(*height, changes, changes + 1);
        let certificate = certify(&header, &seeds(changes));
        Handover { header, certificate, validators: set(changes + 1) }
    };
    CHANGES.iter().enumerate().map(handover).collect()
}

/// A receipt of three pupils; `whole` names everything that a receipt can be about.
pub fn receipt(index: u32, kind: Kind, whole: bool) -> FullReceipt {
    let mut subject = Subject { year: Some(YEAR), order: Some(OrderId([7; 16])), ..Subject::default() };
    if whole {
        subject = Subject {
            order_state: Some(OrderState::CancelledLate),
            session: Some(SESSION),
            service: Some(SERVICE),
            school: Some(SchoolId([8; 16])),
            provider: Some(ProviderId([9; 16])),
            statement: Some(keis_ledger::ids::StatementId([10; 16])),
            ..subject
        };
    }
    let public = Receipt {
        id: TransactionId([10 + index as u8; 32]),
        height: HEIGHT,
        index,
        time: header(HEIGHT, 2, 2).time,
        kind,
        subject,
        on_behalf: whole,
        total: Amounts { state: Cents::new(4_500), school: Cents::new(1) },
        lines: 0,
        lines_root: Hash::default(),
    };
    let line = |number: u8| ReceiptLine {
        pupil: PupilId([number; 16]),
        moved: Amounts { state: Cents::new(1_500), school: Cents::new(u64::from(number / 3)) },
    };
    FullReceipt::new(public, (1..=3).map(line).collect(), Hash([77; 32]))
}

pub fn lines(full: &FullReceipt) -> Vec<ProvenLine> {
    let leaves: Vec<Hash> =
        (0..).zip(&full.lines).map(|(index, line)| line.leaf(&full.seed, &full.receipt.id, index)).collect();
    let line = |(index, line): (u32, &ReceiptLine)| ProvenLine {
        line: line.clone(),
        blind: hash(Domain::Blind, &[&full.seed.0, &full.receipt.id.0, &index.to_be_bytes()]),
        proof: list::prove(&leaves, index as usize).unwrap(),
    };
    (0..).zip(&full.lines).map(line).collect()
}

pub fn receipt_file(kind: Kind, whole: bool) -> ReceiptFile {
    let receipts: Vec<FullReceipt> = (0..RECEIPTS).map(|index| receipt(index, kind, whole)).collect();
    let leaves: Vec<Hash> = receipts.iter().map(|full| full.receipt.leaf()).collect();
    let header = Header { receipts_root: list::root(&leaves), ..header(HEIGHT, 2, 2) };
    let (certificate, full) = (certify(&header, &seeds(2)), &receipts[PLACE as usize]);
    let proof = list::prove(&leaves, PLACE as usize).unwrap();
    let proven = ProvenReceipt { receipt: full.receipt.clone(), header, proof, certificate };
    ReceiptFile::new(proven, handovers(), lines(full))
}

fn service() -> Service {
    let terms = ServiceTerms {
        field: ArtField::Theatre,
        kind: ServiceKind::Performance,
        grades: Grades { from: 1, until: 12 },
        price: Cents::new(800),
        capacity: 100,
        vat: VatCategory::ExemptCulture,
        venues: vec![Place::Municipality(13)],
        from: TIME,
        until: TIME.after(Span::days(300)),
        document: DocumentId([30; 32]),
    };
    Service { provider: ProviderId([9; 16]), version: 3, terms, standing: Standing::Active }
}

/// What is left of the year before.
pub fn sealed() -> Sealed {
    let returned = Totals { minted: Cents::new(90_000), returned: Cents::new(90_000), ..Totals::default() };
    let past = past();
    let (root, records) = (past.root(), past.len() as u64);
    Sealed { root, records, at: TIME, state_money: returned, school_money: Totals::default() }
}

fn session() -> Session {
    let offer = SessionOffer {
        start: TIME.after(Span::days(30)),
        end: TIME.after(Span(30 * 86_400_000 + 5_400_000)),
        place: Place::Municipality(13),
        capacity: 90,
    };
    Session { service: SERVICE, offer, booked: 25, open: true }
}

/// The records that the year before had when it was sealed.
fn past() -> State {
    let session_at = |id| RecordKey::Session(PAST, id).place();
    let mut records: Vec<_> = (SESSION.0[0]..40)
        .map(|other| (session_at(SessionId([other; 16])), Record::Session(Box::new(session()))))
        .collect();
    records.sort_by_key(|(place, _)| *place);
    State::from_records(records).unwrap()
}

pub fn state() -> State {
    let network = Network { parameters: default_parameters(), validators: set(2) };
    let mut records = vec![
        (PublicRecord::Parameters {}.key().place(), Record::Network(Box::new(network))),
        (PublicRecord::Service { id: SERVICE }.key().place(), Record::Service(Box::new(service()))),
        (PublicRecord::Session { year: YEAR, id: SESSION }.key().place(), Record::Session(Box::new(session()))),
        (PublicRecord::Sealed { year: PAST }.key().place(), Record::Sealed(Box::new(sealed()))),
    ];
    for other in 100..150 {
        let place = PublicRecord::Service { id: ServiceId([other; 16]) }.key().place();
        records.push((place, Record::Service(Box::new(service()))));
    }
    records.sort_by_key(|(place, _)| *place);
    State::from_records(records).unwrap()
}

pub fn record_file(key: PublicRecord) -> RecordFile {
    let state = state();
    let header = Header { state_root: state.root(), ..header(HEIGHT, 2, 2) };
    let record = match key {
        PublicRecord::Parameters {} => state.get::<Network>(()).map(|it| Record::Network(Box::new(it.clone()))),
        PublicRecord::Service { id } => state.get::<Service>(id).map(|it| Record::Service(Box::new(it.clone()))),
        PublicRecord::Session { year, id } => {
            state.get::<Session>((year, id)).map(|it| Record::Session(Box::new(it.clone())))
        }
        PublicRecord::Year { .. } => None,
        PublicRecord::Sealed { year } => state.get::<Sealed>(year).map(|it| Record::Sealed(Box::new(*it))),
    };
    let record = record.map(|record| codec::encode(&record));
    let (proof, certificate) = (state.prove(&key.key()), certify(&header, &seeds(2)));
    RecordFile::new(key, ProvenRecord { record, proof, header, certificate }, handovers())
}

pub fn sealed_record_file(key: YearlyRecord) -> SealedRecordFile {
    let (state, past) = (state(), past());
    let header = Header { state_root: state.root(), ..header(HEIGHT, 2, 2) };
    let record = match key {
        YearlyRecord::Session { id } => past.get::<Session>((PAST, id)).map(|it| Record::Session(Box::new(it.clone()))),
        _ => None,
    };
    let certificate = certify(&header, &seeds(2));
    let proof = SealedProof { leaf: state.prove(&RecordKey::Sealed(PAST)), record: past.prove(&key.key(PAST)) };
    let under = Under { handovers: handovers(), header, certificate };
    SealedRecordFile::new(under, (PAST, &sealed()), (key, record.as_ref()), proof)
}

/// A good file of every form, by name.
pub fn good() -> Vec<(&'static str, String)> {
    let receipt = receipt_file(Kind::OrderCancelled, true);
    let mut plain = receipt_file(Kind::OrderConfirmed, false);
    plain.lines.clear();
    let record = |key| serde_json::to_string(&record_file(key)).unwrap();
    let past = |key| serde_json::to_string(&sealed_record_file(key)).unwrap();
    vec![
        ("receipt", serde_json::to_string(&receipt).unwrap()),
        ("receipt-plain", serde_json::to_string(&plain).unwrap()),
        ("parameters", record(PublicRecord::Parameters {})),
        ("service", record(PublicRecord::Service { id: SERVICE })),
        ("session", record(PublicRecord::Session { year: YEAR, id: SESSION })),
        ("sealed", record(PublicRecord::Sealed { year: PAST })),
        ("no-seal", record(PublicRecord::Sealed { year: YEAR })),
        ("no-year", record(PublicRecord::Year { year: YEAR })),
        ("no-service", record(PublicRecord::Service { id: ServiceId([23; 16]) })),
        ("past-session", past(YearlyRecord::Session { id: SESSION })),
        ("no-past-order", past(YearlyRecord::Order { id: OrderId([7; 16]) })),
        ("no-past-year", past(YearlyRecord::Year {})),
    ]
}

/// What this crate says of a file's text.
pub fn judge(text: &[u8]) -> Result<(), String> {
    let genesis = genesis();
    let (network, founders) = (genesis.hash(), genesis.validators());
    match serde_json::from_slice::<ReceiptFile>(text) {
        Ok(file) => file.verify(&network, founders).map_err(|error| error.to_string()),
        Err(_) => match serde_json::from_slice::<SealedRecordFile>(text) {
            Ok(file) => file.verify(&network, founders).map(drop).map_err(|error| error.to_string()),
            Err(_) => {
                let file: RecordFile = serde_json::from_slice(text).map_err(|error| error.to_string())?;
                file.verify(&network, founders).map(drop).map_err(|error| error.to_string())
            }
        },
    }
}
