//! A small ledger to try rules on. Every step is a block that is built, encoded, decoded and executed again.

#![allow(dead_code, reason = "every test file is a crate of its own and uses its part")]

pub mod governance;
pub mod money;
pub mod rejections;
pub mod samples;
pub mod scenario;
pub mod settlement;
pub mod stage;

use keis_ledger::block::{Block, Builder, Executed, Refusal, Tip, execute};
use keis_ledger::chain::{Address, Height, Validator, ValidatorSet};
use keis_ledger::classifiers::Scopes;
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::follow::Follower;
use keis_ledger::ids::{BlockId, InstitutionId};
use keis_ledger::money::Cents;
use keis_ledger::operation::{Operation, Owner, Party};
use keis_ledger::parameters::NetworkParameters;
use keis_ledger::protocol;
use keis_ledger::receipt::FullReceipt;
use keis_ledger::record::{Entity, Key, Network, Record};
use keis_ledger::rejection::Rejection;
use keis_ledger::state::{Roots, State};
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::{Body, RawTransaction, VerifiedTransaction};
use keis_ledger::tree::TreeKey;

/// The hash that stands for a genesis document.
pub const NETWORK: Hash = Hash([7; 32]);

/// Midnight of 1 January 2026, UTC.
pub const NEW_YEAR: Timestamp = Timestamp(1_767_225_600_000);

/// An instant so many days into 2026.
pub fn day(days: u32) -> Timestamp {
    NEW_YEAR.after(Span::days(days))
}

/// The secret key of a number.
pub fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes(&[number; 32])
}

pub fn validators() -> ValidatorSet {
    validators_of(4)
}

/// So many institutions of one weight, by their numbers.
pub fn validators_of(institutions: u8) -> ValidatorSet {
    let one = |number: u8| Validator {
        institution: InstitutionId([number; 16]),
        key: secret(200 + number).public(),
        power: 1,
    };
    ValidatorSet::new((1..=institutions).map(one).collect()).expect("four or more of one weight")
}

pub fn network_parameters() -> NetworkParameters {
    NetworkParameters {
        protocol: protocol::LATEST,
        max_validity: Span::days(1),
        step_budget: 64,
        max_block_bytes: 1_000_000,
        max_touched: 10_000,
        clock_bound: Span(10_000),
    }
}

pub const OPERATOR: u8 = 1;
pub const BUDGET_HOLDER: u8 = 2;
pub const AUDITOR: u8 = 3;

fn founding(parameters: NetworkParameters, validators: ValidatorSet, more: Vec<(TreeKey, Record)>) -> State {
    let mut records: Vec<(TreeKey, Record)> = more;
    let mut put = |place: TreeKey, record: Record| records.push((place, record));
    put(Network::key(()).place(), Network { parameters, validators }.into_record());
    let offices = [
        (OPERATOR, Owner::Operator(InstitutionId([1; 16]))),
        (BUDGET_HOLDER, Owner::BudgetHolder(InstitutionId([2; 16]))),
        (AUDITOR, Owner::Auditor(InstitutionId([3; 16]))),
    ];
    for (number, owner) in offices {
        let key =
            Key { owner, scopes: Scopes::of(&[]), cap: Cents::ZERO, from: Timestamp(0), until: Timestamp(u64::MAX) };
        put(Key::key(secret(number).public()).place(), key.into_record());
    }
    records.sort_by_key(|(place, _)| *place);
    State::from_records(records).expect("places were sorted")
}

/// A chain that grows block by block, with all that it ever decided.
#[derive(Clone)]
pub struct World {
    pub genesis: Tip,
    pub tip: Tip,
    pub blocks: Vec<Block>,
    pub receipts: Vec<FullReceipt>,
    /// Time of the next block, unless the chain's own is later.
    pub clock: Timestamp,
    salt: u64,
}

impl World {
    /// The founding state alone, at the beginning of 2026.
    pub fn founded() -> Self {
        Self::with(network_parameters())
    }

    pub fn with(parameters: NetworkParameters) -> Self {
        Self::from_state(founding(parameters, validators(), Vec::new()))
    }

    fn from_state(state: State) -> Self {
        let tip = Tip {
            network: NETWORK,
            height: Height(0),
            block: BlockId([0; 32]),
            time: NEW_YEAR.before(Span::days(30)),
            state,
        };
        let clock = NEW_YEAR.before(Span::days(20));
        Self { genesis: tip.clone(), tip, blocks: Vec::new(), receipts: Vec::new(), clock, salt: 0 }
    }

    /// Sets the clock, which never goes back.
    pub fn at(&mut self, time: Timestamp) -> &mut Self {
        self.clock = self.clock.max(time);
        self
    }

    /// Time of the next block.
    pub fn next_time(&self) -> Timestamp {
        keis_ledger::block::next_time(self.tip.time, self.clock)
    }

    /// A transaction of its own, whatever was signed before.
    pub fn sign(&mut self, signer: u8, behalf: Option<Party>, operation: Operation) -> VerifiedTransaction {
        self.salt += 1;
        let valid_until = self.next_time().after(Span(60_000));
        self.sign_until(signer, behalf, operation, self.salt, valid_until)
    }

    pub fn sign_until(
        &self,
        signer: u8,
        behalf: Option<Party>,
        operation: Operation,
        salt: u64,
        valid_until: Timestamp,
    ) -> VerifiedTransaction {
        let key = secret(signer);
        let body = Body { signer: key.public(), behalf, salt, valid_until, operation };
        let raw = body.sign(&NETWORK, &key).raw().to_vec();
        let signed = RawTransaction(raw).parse(&NETWORK).expect("what was signed can be read");
        signed.verify(&NETWORK).expect("what was signed holds")
    }

    /// One transaction in a block of its own. Sent again it is known.
    pub fn submit(&mut self, signer: u8, operation: impl Into<Operation>) -> Result<FullReceipt, Rejection> {
        self.submit_for(signer, None, operation)
    }

    /// The same, for a party that an officer acts for.
    pub fn submit_for(
        &mut self,
        signer: u8,
        behalf: Option<Party>,
        operation: impl Into<Operation>,
    ) -> Result<FullReceipt, Rejection> {
        let transaction = self.sign(signer, behalf, operation.into());
        let answer = self.include(&transaction);
        if answer.is_ok() {
            let root = self.tip.state.root();
            assert_eq!(self.include(&transaction), Err(Rejection::Known), "sent twice it has one effect");
            assert_eq!(self.tip.state.root(), root);
        }
        answer
    }

    /// A signed transaction in a block of its own.
    pub fn include(&mut self, transaction: &VerifiedTransaction) -> Result<FullReceipt, Rejection> {
        let root = self.tip.state.root();
        let mut builder = Builder::start(&self.tip, self.next_time()).expect("time goes on");
        match builder.offer(transaction) {
            Ok(()) => {
                self.decide(builder);
                Ok(self.receipts.last().expect("the block holds a transaction").clone())
            }
            Err(Refusal::Rejected(rejection)) => {
                let refused = builder.seal(proposer()).block.header;
                let without = Builder::start(&self.tip, self.next_time()).expect("time goes on").seal(proposer());
                assert_eq!(refused, without.block.header, "a rejected transaction changes nothing");
                assert_eq!(self.tip.state.root(), root);
                Err(rejection)
            }
            Err(Refusal::Full) => panic!("a block of one transaction has room"),
        }
    }

    /// Works off what is due at the clock's time, block after block. Returns the clock steps' receipts.
    pub fn tick(&mut self) -> Vec<FullReceipt> {
        let first = self.receipts.len();
        while self.tip.state.first_due().is_some_and(|key| key.due <= self.next_time()) {
            let builder = Builder::start(&self.tip, self.next_time()).expect("time goes on");
            assert!(!builder.is_empty(), "due work leaves a receipt");
            self.decide(builder);
        }
        self.receipts[first..].to_vec()
    }

    /// Seals a block, executes its bytes as another node would, and judges the money.
    pub fn decide(&mut self, builder: Builder) -> Executed {
        let built = builder.seal(proposer());
        let executed = self.replayed(&built.block.encode());
        assert_eq!(executed.tip.state.root(), built.tip.state.root(), "execution gives the builder's root");
        assert_eq!(executed.block, built.block);
        assert_eq!(executed.receipts, built.receipts);
        money::assert_equation(&built.tip.state);
        self.tip = built.tip.clone();
        self.blocks.push(built.block.clone());
        self.receipts.extend(built.receipts.iter().cloned());
        built
    }

    fn replayed(&self, bytes: &[u8]) -> Executed {
        let block = Block::decode(bytes).expect("an encoded block can be read");
        let transactions = verified(&block);
        execute(&self.tip, &block, &transactions).expect("what was built can be executed")
    }

    pub fn get<E: Entity>(&self, key: E::Key) -> &E {
        self.tip.state.get::<E>(key).expect("the record is there")
    }
}

pub fn proposer() -> Address {
    validators().as_slice()[0].address()
}

/// A block's transactions with their signatures proven.
pub fn verified(block: &Block) -> Vec<VerifiedTransaction> {
    let read = |raw: RawTransaction| raw.parse(&NETWORK).expect("well formed").verify(&NETWORK).expect("signed");
    block.raw_transactions().map(read).collect()
}

/// Every block again, from the first state on; a reader who keeps no states comes to the same headers.
pub fn replay(world: &World) -> Tip {
    let (mut follower, mut roots) = (Follower::of(&world.genesis), Roots::of(&world.genesis.state));
    world.blocks.iter().fold(world.genesis.clone(), |tip, block| {
        let transactions = verified(block);
        let followed = follower.take(&block.header, block.header.id(), &transactions).expect("it was decided");
        let (header, _) = followed.unproven.prove(&mut roots, block.header.transactions_root);
        assert_eq!(header, block.header);
        execute(&tip, block, &transactions).expect("a decided block can be executed again").tip
    })
}
