//! A ledger small enough to see through: four institutions, officers of the operator, blocks made at will.

use std::sync::Arc;

use keis_genesis::{ClockKind, Document, FORMAT, Genesis, Institution, Office, Officer, default_parameters};
use keis_ledger::block::{self, Builder, Tip};
use keis_ledger::chain::{Address, Height};
use keis_ledger::classifiers::{ArtField, Grades, Place, Scope, Scopes, ServiceKind, VatCategory};
use keis_ledger::crypto::{Hash, PublicKey, SecretKey};
use keis_ledger::ids::{DocumentId, EntityId, InstitutionId, ProviderId, SchoolId, ServiceId, TransactionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{
    CatalogueOperation, KeyGrant, NewProvider, NewSchool, Operation, Party, ServiceTerms, WalletOperation,
};
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::{Body, RawTransaction, SignedTransaction};
use keis_node::clock::{Clock, ClockStep};
use keis_node::documents::Documents;
use keis_node::mempool::{Admitted, Limits, Mempool, Origin, Refused};
use keis_node::store::{Options, Store};
use keis_node::view::View;
use tempfile::TempDir;
use tokio::sync::watch;

/// When the ledger begins.
pub const START: Timestamp = Timestamp(1_790_000_000_000);
/// Officers of the operator.
pub const OFFICERS: u8 = 24;

pub fn key(label: u8, number: u8) -> SecretKey {
    let mut bytes = [label; 32];
    bytes[31] = number;
    SecretKey::from_bytes(&bytes)
}

pub fn officer(number: u8) -> SecretKey {
    key(b'o', number)
}

pub fn network_key(number: u8) -> SecretKey {
    key(b'n', number)
}

pub fn genesis() -> Genesis {
    let institution = |number: u8| Institution {
        id: InstitutionId([number; 16]),
        name: format!("Institution {number}"),
        consensus_key: key(b'c', number).public(),
        network_key: network_key(number).public(),
        governance_keys: [key(b'g', 2 * number).public(), key(b'g', 2 * number + 1).public()],
        power: 1,
    };
    let officer = |number: u8| Officer {
        institution: InstitutionId([1; 16]),
        office: Office::Operator,
        key: officer(number).public(),
        from: Timestamp(0),
        until: Timestamp(u64::MAX),
    };
    let holder = Officer { institution: InstitutionId([2; 16]), office: Office::BudgetHolder, ..officer(OFFICERS) };
    let document = Document {
        format: FORMAT,
        name: "Test".to_owned(),
        time: START,
        clock: ClockKind::Simulated { driver: key(b'd', 0).public() },
        parameters: default_parameters(),
        institutions: (1..=4).map(institution).collect(),
        officers: (0..OFFICERS).map(officer).chain([holder]).collect(),
    };
    document.check().expect("the document is sound")
}

/// One node's part of a network, without consensus: the test decides blocks.
pub struct Node {
    pub genesis: Genesis,
    pub tip: Tip,
    pub views: watch::Sender<Arc<View>>,
    pub clock: Clock,
    pub documents: Documents,
    pub mempool: Mempool,
    pub store: Store,
    _folder: TempDir,
}

impl Node {
    pub fn new(limits: Limits) -> Self {
        let genesis = genesis();
        let folder = tempfile::tempdir().unwrap();
        let options = Options { min_free_bytes: 0, cache_bytes: 4 << 20, ..Options::new(genesis.hash().0) };
        let (store, _) = Store::open(folder.path(), options).unwrap();
        let documents = Documents::open(store.clone()).unwrap();
        let clock = Clock::simulated(genesis.hash(), key(b'd', 0).public(), START);
        let tip = genesis.tip();
        let views = watch::Sender::new(Arc::new(View { tip: tip.clone(), header: None, simulated: true }));
        let mempool = Mempool::new(limits, genesis.hash(), views.subscribe(), clock.clone(), documents.clone());
        Self { genesis, tip, views, clock, documents, mempool, store, _folder: folder }
    }

    pub fn network(&self) -> Hash {
        self.genesis.hash()
    }

    pub fn step_to(&self, time: Timestamp) -> ClockStep {
        let step = ClockStep::sign(&self.network(), &key(b'd', 0), time);
        self.clock.step(&step).unwrap();
        step
    }

    pub fn submit(&self, transaction: &SignedTransaction) -> Result<Admitted, Refused> {
        self.mempool.submit(transaction.raw().to_vec(), Origin::Client)
    }

    pub fn admit(&self, transaction: &SignedTransaction) -> TransactionId {
        let admitted = self.submit(transaction).unwrap();
        assert!(admitted.fresh, "it was here before");
        assert_eq!(admitted.id, transaction.id());
        admitted.id
    }

    /// Whether a block of this transaction alone would take effect.
    pub fn applies(&self, transaction: &SignedTransaction) -> bool {
        let network = self.network();
        let mut builder = Builder::start(&self.tip, block::next_time(self.tip.time, self.clock.now())).unwrap();
        let raw = RawTransaction(transaction.raw().to_vec());
        builder.offer(&raw.parse(&network).unwrap().verify(&network).unwrap()).is_ok()
    }

    /// Decides a block of these transactions; all of them must take effect.
    pub fn decide(&mut self, transactions: &[&SignedTransaction]) -> Height {
        let network = self.network();
        let time = block::next_time(self.tip.time, self.clock.now());
        let mut builder = Builder::start(&self.tip, time).unwrap();
        for transaction in transactions {
            let raw = RawTransaction(transaction.raw().to_vec());
            builder.offer(&raw.parse(&network).unwrap().verify(&network).unwrap()).unwrap();
        }
        let executed = builder.seal(Address([0; 20]));
        self.tip = executed.tip;
        let view = View { tip: self.tip.clone(), header: Some(executed.block.header), simulated: true };
        let ids: Vec<_> = transactions.iter().map(|transaction| transaction.id()).collect();
        self.views.send_replace(Arc::new(view.clone()));
        self.mempool.committed(&ids, &view);
        self.tip.height
    }

    pub fn candidates(&self) -> Vec<TransactionId> {
        self.mempool.candidates(usize::MAX / 2).iter().map(|transaction| transaction.id()).collect()
    }

    pub fn has_work(&self) -> bool {
        *self.mempool.work().borrow()
    }
}

/// Signs an operation, valid for an hour from the start of the ledger.
pub fn sign(signer: &SecretKey, operation: Operation) -> SignedTransaction {
    sign_until(signer, operation, START.after(Span(3_600_000)))
}

pub fn sign_until(signer: &SecretKey, operation: Operation, valid_until: Timestamp) -> SignedTransaction {
    let body = Body { signer: signer.public(), behalf: None, salt: 0, valid_until, operation };
    body.sign(&genesis().hash(), signer)
}

fn id(number: u32) -> [u8; 16] {
    let mut id = [0; 16];
    id[12..].copy_from_slice(&number.to_be_bytes());
    id
}

pub fn school(number: u32) -> SchoolId {
    SchoolId(id(number))
}

pub fn open_schools(from: u32, count: u32) -> Operation {
    let new =
        |number| NewSchool { school: school(number), entity: EntityId(id(number)), place: Place::Municipality(13) };
    Operation::Wallet(WalletOperation::OpenSchools { schools: (from..from + count).map(new).collect() })
}

pub fn open_school(number: u32) -> Operation {
    open_schools(number, 1)
}

pub fn suspend(number: u32) -> Operation {
    Operation::Wallet(WalletOperation::Suspend { party: Party::School(school(number)) })
}

pub fn reinstate(number: u32) -> Operation {
    Operation::Wallet(WalletOperation::Reinstate { party: Party::School(school(number)) })
}

pub fn bind(key: PublicKey, number: u32) -> Operation {
    let grant = KeyGrant {
        key,
        party: Party::School(school(number)),
        scopes: Scopes::of(&[Scope::Order]),
        cap: Cents::new(100_000),
        from: Timestamp(0),
        until: Timestamp(u64::MAX),
    };
    Operation::Wallet(WalletOperation::BindKeys { grants: vec![grant] })
}

pub fn open_provider() -> Operation {
    let new = NewProvider { provider: ProviderId(id(1)), entity: EntityId(id(9_000)) };
    Operation::Wallet(WalletOperation::OpenProviders { providers: vec![new] })
}

pub fn publish(number: u32, document: DocumentId) -> Operation {
    let terms = ServiceTerms {
        field: ArtField::Theatre,
        kind: ServiceKind::Performance,
        grades: Grades { from: 1, until: 12 },
        price: Cents::new(700),
        capacity: 30,
        vat: VatCategory::ExemptCulture,
        venues: vec![Place::Municipality(13)],
        from: START,
        until: START.after(Span::days(300)),
        document,
    };
    Operation::Catalogue(CatalogueOperation::Publish {
        service: ServiceId(id(number)),
        provider: ProviderId(id(1)),
        terms,
    })
}

/// A document of about `size` bytes.
pub fn document(number: u32, size: usize) -> Vec<u8> {
    format!(r#"{{"salt":"{:064x}","text":"{}"}}"#, number, "a".repeat(size)).into_bytes()
}
