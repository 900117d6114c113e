//! Parties with keys of their own on a node, and requests signed as they sign them.

use std::time::{SystemTime, UNIX_EPOCH};

use keis_ledger::classifiers::{ArtField, Place, Scope, Scopes};
use keis_ledger::crypto::SecretKey;
use keis_ledger::ids::{EntityId, Nullifier, OrderId, ProviderId, PupilId, SchoolId, StatementId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    Buyer, FundsOperation, KeyGrant, NewProvider, NewPupil, NewSchool, Operation, OrderAction, Party,
    SettlementOperation, WalletOperation,
};
use keis_ledger::time::Span;
use keis_node::gateway::Settings;
use keis_node::mempool;

use crate::support::{Answer, OPERATOR, ORDER, PROVIDER, PUPIL, SCHOOL, SERVICE, SESSION, START, Stand, YEAR, key};

/// Keys, by the seed of their secret.
pub const SCHOOL_KEY: u8 = 40;
pub const PROVIDER_KEY: u8 = 41;
/// Of [`TEN`].
pub const PUPIL_KEY: u8 = 42;
pub const OTHER_SCHOOL_KEY: u8 = 43;
pub const OTHER_PROVIDER_KEY: u8 = 44;
/// Of the school, without the scope to read.
pub const TEACHER_KEY: u8 = 45;
/// Of the school, from later on.
pub const LATER_KEY: u8 = 46;
/// On no ledger.
pub const STRANGER_KEY: u8 = 47;

pub const OTHER_SCHOOL: SchoolId = SchoolId([101; 16]);
pub const OTHER_PROVIDER: ProviderId = ProviderId([102; 16]);
/// A pupil of the school in grade 10.
pub const TEN: PupilId = PupilId([106; 16]);
/// A pupil of the other school.
pub const OTHER_PUPIL: PupilId = PupilId([107; 16]);
/// The order of [`TEN`] alone.
pub const OWN_ORDER: OrderId = OrderId([105; 16]);
pub const STATEMENT: StatementId = StatementId([108; 16]);

/// A node with a year, two schools, two providers, their pupils and keys, and a session.
pub async fn stand() -> Stand {
    let mut stand = Stand::start().await;
    people(&mut stand).await;
    stand
}

/// The same, with other settings of the gateway.
pub async fn serving(settings: Settings) -> Stand {
    let mut stand = Stand::serving(true, mempool::Limits::default(), settings).await;
    people(&mut stand).await;
    stand
}

async fn people(stand: &mut Stand) {
    stand.open_year().await;
    let place = Place::Municipality(13);
    let schools = vec![NewSchool { school: OTHER_SCHOOL, entity: EntityId([9; 16]), place }];
    wallet(stand, WalletOperation::OpenSchools { schools }).await;
    let providers = vec![NewProvider { provider: OTHER_PROVIDER, entity: EntityId([10; 16]) }];
    wallet(stand, WalletOperation::OpenProviders { providers }).await;
    open_pupils(stand, &[(TEN, SCHOOL, 10), (OTHER_PUPIL, OTHER_SCHOOL, 11)]).await;
    bind(stand).await;
    stand.publish(SERVICE, 1, ArtField::Theatre).await;
    stand.open_session().await;
}

pub async fn wallet(stand: &mut Stand, operation: WalletOperation) {
    stand.take_effect(OPERATOR, None, Operation::Wallet(operation)).await;
}

/// Opens wallets of pupils and gives them their money; ids ascend.
pub async fn open_pupils(stand: &mut Stand, pupils: &[(PupilId, SchoolId, u8)]) {
    let new = |(pupil, school, grade): &(PupilId, SchoolId, u8)| {
        let mut token = [0; 32];
        token[..16].copy_from_slice(&pupil.0);
        NewPupil { pupil: *pupil, nullifier: Nullifier(token), school: *school, grade: *grade }
    };
    let wallets = pupils.iter().map(new).collect();
    wallet(stand, WalletOperation::OpenPupils { year: YEAR, pupils: wallets }).await;
    let pupils = pupils.iter().map(|(pupil, _, _)| *pupil).collect();
    let allocate = FundsOperation::Allocate { year: YEAR, pupils };
    stand.take_effect(OPERATOR, None, Operation::Funds(allocate)).await;
}

async fn bind(stand: &mut Stand) {
    let grant = |seed, party, scopes| KeyGrant {
        key: key(seed).public(),
        party,
        scopes,
        cap: Cents::new(1_000_000),
        from: if seed == LATER_KEY { START.after(Span::days(300)) } else { START },
        until: START.after(Span::days(400)),
    };
    let mut grants = vec![
        grant(SCHOOL_KEY, Party::School(SCHOOL), Scopes::all()),
        grant(PROVIDER_KEY, Party::Provider(PROVIDER), Scopes::all()),
        grant(PUPIL_KEY, Party::Pupil(YEAR, TEN), Scopes::all()),
        grant(OTHER_SCHOOL_KEY, Party::School(OTHER_SCHOOL), Scopes::of(&[Scope::Read])),
        grant(OTHER_PROVIDER_KEY, Party::Provider(OTHER_PROVIDER), Scopes::of(&[Scope::Read])),
        grant(TEACHER_KEY, Party::School(SCHOOL), Scopes::of(&[Scope::Propose])),
        grant(LATER_KEY, Party::School(SCHOOL), Scopes::all()),
    ];
    grants.sort_by_key(|grant| grant.key);
    wallet(stand, WalletOperation::BindKeys { grants }).await;
}

fn order(order: OrderId, action: OrderAction) -> Operation {
    Operation::Order { year: YEAR, order, action }
}

/// The school orders for both of its pupils, and the pupil of grade 10 alone.
pub async fn request_orders(stand: &mut Stand) {
    let request = |pupils: &[PupilId]| OrderAction::Request {
        session: SESSION,
        pupils: pupils.to_vec(),
        price: Cents::new(800),
        school_money: Cents::new(0),
    };
    stand.take_effect(SCHOOL_KEY, None, order(ORDER, request(&[PUPIL]))).await;
    stand.take_effect(PUPIL_KEY, None, order(OWN_ORDER, request(&[TEN]))).await;
}

/// Brings the school's order to a statement.
pub async fn settle(stand: &mut Stand) {
    stand.take_effect(PROVIDER_KEY, None, order(ORDER, OrderAction::Confirm)).await;
    stand.step_to(START.after(Span::days(30)).after(Span(4_000_000))).await;
    stand.take_effect(PROVIDER_KEY, None, order(ORDER, OrderAction::ReportDelivery { absent: Vec::new() })).await;
    let confirm = OrderAction::ConfirmAttendance { absent: Vec::new(), added: Vec::new() };
    stand.take_effect(SCHOOL_KEY, None, order(ORDER, confirm)).await;
    let issue = SettlementOperation::Issue {
        year: YEAR,
        statement: STATEMENT,
        provider: PROVIDER,
        buyer: Buyer::Programme,
        orders: vec![ORDER],
    };
    stand.take_effect(OPERATOR, None, Operation::Settlement(issue)).await;
    let accept = SettlementOperation::Accept { year: YEAR, statement: STATEMENT };
    stand.take_effect(PROVIDER_KEY, None, Operation::Settlement(accept)).await;
}

/// What a signature says, to be changed by those who forge.
#[derive(Clone)]
pub struct Signing {
    pub key: SecretKey,
    pub method: String,
    pub authority: String,
    pub path: String,
    pub query: String,
    pub covered: Vec<&'static str>,
    pub created: i64,
    pub expires: i64,
    pub nonce: String,
    pub key_id: String,
    pub algorithm: String,
    pub tag: String,
}

pub fn wall_clock() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

impl Signing {
    /// A sound signature of a read.
    pub fn of(stand: &Stand, seed: u8, path: &str) -> Self {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut random = [0; 16];
        getrandom::fill(&mut random).unwrap();
        Self {
            key: key(seed),
            method: "GET".into(),
            authority: stand.address.trim_start_matches("http://").into(),
            path: path.into(),
            query: query.into(),
            covered: vec!["@method", "@authority", "@path", "@query"],
            created: wall_clock(),
            expires: wall_clock() + 60,
            nonce: hex::encode(random),
            key_id: key(seed).public().to_string(),
            algorithm: "ed25519".into(),
            tag: "keis".into(),
        }
    }

    /// The two fields of the head.
    pub fn fields(&self) -> [(&'static str, String); 2] {
        let covered = self.covered.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" ");
        let parameters = format!(
            "({covered});created={};expires={};nonce=\"{}\";keyid=\"{}\";alg=\"{}\";tag=\"{}\"",
            self.created, self.expires, self.nonce, self.key_id, self.algorithm, self.tag
        );
        let value = |name: &&str| match *name {
            "@method" => self.method.clone(),
            "@authority" => self.authority.clone(),
            "@path" => self.path.clone(),
            "@query" => format!("?{}", self.query),
            _ => "application/json".to_owned(),
        };
        let lines: String = self.covered.iter().map(|name| format!("\"{name}\": {}\n", value(name))).collect();
        let base = format!("{lines}\"@signature-params\": {parameters}");
        let signature = self.key.sign(base.as_bytes()).0;
        let signature = sfv::ItemSerializer::new().bare_item(signature.as_slice()).finish();
        [("signature-input", format!("sig1={parameters}")), ("signature", format!("sig1={signature}"))]
    }
}

impl Stand {
    /// Reads a path, signed by a key.
    pub async fn read(&self, seed: u8, path: &str) -> Answer {
        self.read_with(path, &Signing::of(self, seed, path)).await
    }

    /// Reads a path with the fields of some signature.
    pub async fn read_with(&self, path: &str, signing: &Signing) -> Answer {
        self.read_as(path, signing, &[("accept", "application/json")]).await
    }

    /// The same with other fields of the head.
    pub async fn read_as(&self, path: &str, signing: &Signing, head: &[(&str, &str)]) -> Answer {
        let request = self.http.get(format!("{}{path}", self.address));
        let request = head.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let request = signing.fields().iter().fold(request, |request, (name, value)| request.header(*name, value));
        self.send(request).await
    }
}
