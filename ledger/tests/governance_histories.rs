//! Random histories of governance: nothing is decided without its votes, no set gives an institution a third, every key
//! serves one purpose, and one institution alone moves nothing.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use keis_ledger::block::{Builder, next_time};
use keis_ledger::chain::{Height, Validator, ValidatorSet};
use keis_ledger::crypto::{PublicKey, SecretKey};
use keis_ledger::ids::{DecisionId, InstitutionId};
use keis_ledger::operation::{Admission, GovernanceOperation, Measure, Operation, Owner, Threshold};
use keis_ledger::parameters::NetworkLimits;
use keis_ledger::protocol;
use keis_ledger::record::{Decision, DecisionState, DueKind, Entity, Institution, Key, Network, Record};
use keis_ledger::state::State;
use keis_ledger::time::{Span, Timestamp};
use keis_ledger::transaction::{Body, RawTransaction, VerifiedTransaction};
use proptest::prelude::*;
use support::governance::{governance_keys, institution, limits};
use support::stage::{YEAR, staged};
use support::{NETWORK, OPERATOR, World, replay, secret};

/// Numbers that follow from a seed alone.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }
}

/// Institutions that are, were or may become members.
const INSTITUTIONS: u8 = 9;

struct Story {
    world: World,
    dice: Dice,
    secrets: BTreeMap<PublicKey, SecretKey>,
    decisions: Vec<DecisionId>,
    sent: Vec<VerifiedTransaction>,
    fresh: u64,
    executed: usize,
}

impl Story {
    fn begin(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut world = World::governed(4 + dice.below(4) as u8);
        staged(&mut world);
        let secrets = (0..=255).map(|number| (secret(number).public(), secret(number))).collect();
        Self { world, dice, secrets, decisions: Vec::new(), sent: Vec::new(), fresh: 0, executed: 0 }
    }

    fn fresh_key(&mut self) -> PublicKey {
        self.fresh += 1;
        let mut bytes = [0xbb; 32];
        bytes[..8].copy_from_slice(&self.fresh.to_be_bytes());
        let key = SecretKey::from_bytes(&bytes);
        let public = key.public();
        self.secrets.insert(public, key);
        public
    }

    fn two_keys(&mut self) -> [PublicKey; 2] {
        let mut keys = [self.fresh_key(), self.fresh_key()];
        keys.sort_unstable();
        keys
    }

    fn network(&self) -> &Network {
        self.world.network()
    }

    fn member(&mut self) -> InstitutionId {
        let set: Vec<InstitutionId> = self.network().validators.as_slice().iter().map(|one| one.institution).collect();
        self.dice.one(&set)
    }

    /// A key that governs now, did so once, or never will.
    fn signer(&mut self, threshold: Threshold) -> PublicKey {
        if self.dice.chance(5) {
            let all: Vec<PublicKey> = self.secrets.keys().copied().collect();
            return self.dice.one(&all);
        }
        match threshold {
            Threshold::TwoPersons => {
                let officers: Vec<PublicKey> = keys(&self.world.tip.state)
                    .filter(|(_, key)| matches!(key.owner, Owner::Operator(_) | Owner::BudgetHolder(_)))
                    .map(|(place, _)| place)
                    .filter_map(|place| self.secrets.keys().find(|key| place_of(key) == place).copied())
                    .collect();
                self.dice.one(&officers)
            }
            Threshold::TwoThirds => {
                let who = self.member();
                let keys = self.world.get::<Institution>(who).keys.clone();
                self.dice.one(&keys)
            }
        }
    }

    fn new_set(&mut self) -> Measure {
        let mut set: Vec<Validator> = self.network().validators.as_slice().to_vec();
        let mut admitted = Vec::new();
        for _ in 0..1 + self.dice.below(3) {
            let at = self.dice.below(set.len());
            match self.dice.below(6) {
                0 if set.len() > 4 || self.dice.chance(20) => drop(set.remove(at)),
                1 => set[at].key = self.fresh_key(),
                2 => set[at].power = self.dice.one(&[1, 1, 2, 3]),
                3 if self.dice.chance(20) => set[at].key = secret(OPERATOR).public(),
                _ => {
                    let who = institution(1 + self.dice.below(usize::from(INSTITUTIONS)) as u8);
                    let key = self.fresh_key();
                    set.push(Validator { institution: who, key, power: 1 });
                    let known = self.network().validators.as_slice().iter().any(|one| one.institution == who);
                    if !known || self.dice.chance(5) {
                        let keys = self.two_keys();
                        admitted.push(Admission { institution: who, keys });
                    }
                }
            }
        }
        admitted.sort_by_key(|one| one.institution);
        admitted.dedup_by_key(|one| one.institution);
        Measure::SetValidators { validators: set, admitted }
    }

    fn measure(&mut self) -> Measure {
        let now = self.world.next_time();
        match self.dice.below(12) {
            0..5 => self.new_set(),
            5 => {
                let step_budget = 1 + self.dice.below(80) as u32;
                Measure::SetNetworkParameters { limits: NetworkLimits { step_budget, ..limits() } }
            }
            6 => {
                let who = institution(1 + self.dice.below(usize::from(INSTITUTIONS)) as u8);
                let owner = self.dice.one(&[Owner::Operator(who), Owner::BudgetHolder(who), Owner::Auditor(who)]);
                Measure::AppointOfficer { key: self.fresh_key(), owner, from: now, until: now.after(Span::days(40)) }
            }
            7 => {
                let all: Vec<PublicKey> = self.secrets.keys().copied().collect();
                Measure::DismissOfficer { key: self.dice.one(&all) }
            }
            8 | 9 => {
                let institution = self.member();
                let mut keys = self.two_keys();
                if self.dice.chance(30) {
                    keys[0] = self.world.get::<Institution>(institution).keys[0];
                    keys.sort_unstable();
                }
                Measure::ReplaceGovernanceKeys { institution, keys }
            }
            10 => {
                // Nobody here knows the version after the latest, so its height must never come.
                Measure::SwitchProtocol {
                    version: protocol::LATEST + 1,
                    height: Height(1_000_000 + self.dice.next() % 9),
                }
            }
            _ => {
                let from = now.after(Span(self.dice.next() % 1_000_000));
                Measure::Extend { year: YEAR, from, until: from.after(Span(1 + self.dice.next() % 1_000)), by: Span(1) }
            }
        }
    }

    fn open(&self) -> Vec<DecisionId> {
        let open = |id: &DecisionId| {
            self.world.tip.state.get::<Decision>(*id).is_some_and(|one| one.state == DecisionState::Open)
        };
        self.decisions.iter().rev().take(40).copied().filter(open).collect()
    }

    fn operation(&mut self) -> (PublicKey, Operation) {
        let open = self.open();
        let rest = self.dice.below(100);
        if open.is_empty() || rest < 25 {
            let measure = self.measure();
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(self.decisions.len() as u64 + 1).to_be_bytes());
            let decision = DecisionId(id);
            self.decisions.push(decision);
            let until = self.world.next_time().after(Span(1 + self.dice.next() % Span::days(12).0));
            let signer = self.signer(measure.threshold());
            return (signer, Operation::Governance(GovernanceOperation::Propose { decision, measure, until }));
        }
        // Votes gather on what waits longest, so that much is decided.
        let oldest = *open.last().expect("it is not empty");
        let decision = match self.dice.below(20) {
            0 => self.dice.one(&self.decisions.clone()),
            1..7 => self.dice.one(&open),
            _ => oldest,
        };
        let threshold =
            self.world.tip.state.get::<Decision>(decision).map_or(Threshold::TwoThirds, |one| one.measure.threshold());
        let signer = self.signer(threshold);
        let operation = if rest < 28 {
            GovernanceOperation::Withdraw { decision }
        } else {
            GovernanceOperation::Approve { decision }
        };
        (signer, Operation::Governance(operation))
    }

    fn sign(&mut self, signer: PublicKey, operation: Operation) -> VerifiedTransaction {
        self.fresh += 1;
        let valid_until = self.world.next_time().after(Span(30_000));
        let body = Body { signer, behalf: None, salt: self.fresh, valid_until, operation };
        let raw = body.sign(&NETWORK, &self.secrets[&signer]).raw().to_vec();
        RawTransaction(raw).parse(&NETWORK).expect("well formed").verify(&NETWORK).expect("signed")
    }

    /// A block of one transaction, at most.
    fn block(&mut self, transaction: &VerifiedTransaction) -> bool {
        let before = self.world.tip.state.clone();
        let time = next_time(self.world.tip.time, self.world.clock);
        let mut builder = Builder::start(&self.world.tip, time).expect("time goes on");
        let done = builder.offer(transaction).is_ok();
        self.world.decide(builder);
        self.judge(&before, time);
        done
    }

    fn step(&mut self) {
        let hours = if self.dice.chance(5) { 60 } else { 3 };
        let time = self.world.next_time().after(Span(self.dice.next() % (hours * 3_600_000)));
        self.world.at(time);
        if !self.sent.is_empty() && self.dice.chance(5) {
            let old = self.dice.one(&self.sent.clone());
            let last = old.body().valid_until < self.world.next_time();
            let again = self.block(&old);
            assert!(!(again && last), "nothing takes effect after its time");
            return;
        }
        let (signer, operation) = self.operation();
        let transaction = self.sign(signer, operation);
        self.block(&transaction);
        self.sent.push(transaction);
    }

    /// What holds after every block.
    fn judge(&mut self, before: &State, at: Timestamp) {
        let state = self.world.tip.state.clone();
        self.executed += self.decisions_by_their_votes(before, at);
        let network = state.get::<Network>(()).expect("the network's record");
        let set = network.validators.as_slice().to_vec();
        assert_eq!(ValidatorSet::new(set.clone()).as_ref(), Ok(&network.validators), "no institution holds a third");
        for one in &set {
            assert_eq!(state.get::<Key>(one.key), None, "a consensus key is bound to nobody");
        }
        let members: BTreeSet<InstitutionId> = set.iter().map(|one| one.institution).collect();
        let mut voting: BTreeMap<InstitutionId, usize> = BTreeMap::new();
        for (_, key) in keys(&state) {
            if let Owner::Governance(institution) = key.owner
                && key.until > at
            {
                *voting.entry(institution).or_default() += 1;
            }
        }
        assert_eq!(voting, members.iter().map(|one| (*one, 2)).collect(), "members, and nobody else, have two keys");
        let mut open: BTreeMap<InstitutionId, u16> = BTreeMap::new();
        let mut waiting = 0;
        for (_, record) in state.records() {
            if let Record::Decision(one) = record
                && one.state == DecisionState::Open
            {
                *open.entry(one.proposer).or_default() += 1;
                waiting += 1;
            }
        }
        for number in 1..=INSTITUTIONS {
            let counted = state.get::<Institution>(institution(number)).map_or(0, |one| one.open);
            assert_eq!(counted, open.get(&institution(number)).copied().unwrap_or(0));
        }
        let due = state
            .records_from(&keis_ledger::record::RecordKey::queue_start())
            .filter_map(|(place, _)| keis_ledger::record::DueKey::at(place))
            .filter(|key| key.kind == DueKind::Expire)
            .count();
        assert_eq!(due, waiting, "what waits will end");
    }

    /// Every decision that was carried out had its votes in the state before; no other has them. Returns how many were.
    fn decisions_by_their_votes(&self, before: &State, at: Timestamp) -> usize {
        let old = before.get::<Network>(()).expect("the network's record");
        let members: BTreeSet<InstitutionId> = old.validators.as_slice().iter().map(|one| one.institution).collect();
        let mut executed = 0;
        for id in &self.decisions {
            let was = before.get::<Decision>(*id);
            let Some(one) = self.world.tip.state.get::<Decision>(*id).filter(|one| was != Some(*one)) else { continue };
            let threshold = one.measure.threshold();
            let who: BTreeSet<InstitutionId> = one.approvals.iter().map(|vote| vote.institution).collect();
            assert_eq!(who.len(), one.approvals.len(), "one vote an institution");
            let voted = matches!(one.state, DecisionState::Open | DecisionState::Executed(_));
            if !voted {
                continue;
            }
            for vote in &one.approvals {
                let key = before.get::<Key>(vote.key).expect("a key that voted is bound");
                assert!(key.from <= at && at < key.until, "a vote that counts is of a key in force");
                assert_eq!(threshold.voter(key.owner), Some(vote.institution));
                assert!(members.contains(&vote.institution));
            }
            let counted = who.iter().filter(|one_of| one.measure.without_vote() != Some(**one_of)).count();
            let enough = match threshold {
                Threshold::TwoPersons => counted >= 2,
                Threshold::TwoThirds => counted as f64 > members.len() as f64 * 2.0 / 3.0 + 1e-9,
            };
            assert_eq!(enough, matches!(one.state, DecisionState::Executed(_)), "{one:?}");
            executed += usize::from(enough);
        }
        if executed == 0 {
            let new = self.network();
            assert_eq!((old, keys_of(before)), (new, keys_of(&self.world.tip.state)), "nothing changes undecided");
        }
        executed
    }
}

type Place = [u8; 34];

fn place_of(key: &PublicKey) -> Place {
    keis_ledger::record::RecordKey::Key(*key).place().0
}

fn keys(state: &State) -> impl Iterator<Item = (Place, &Key)> {
    state.records().filter_map(|(place, record)| Key::from_record(record).map(|key| (place.0, key)))
}

fn keys_of(state: &State) -> Vec<(Place, Key)> {
    keys(state).map(|(place, key)| (place, key.clone())).collect()
}

fn histories() -> u32 {
    std::env::var("KEIS_HISTORIES").ok().and_then(|number| number.parse().ok()).unwrap_or(12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: histories(), failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_decided_without_its_votes(seed: u64) {
        let mut story = Story::begin(seed);
        for _ in 0..250 {
            story.step();
        }
        prop_assert!(story.executed > 0, "only {} decisions of {}", story.executed, story.decisions.len());
        prop_assert_eq!(replay(&story.world).state.root(), story.world.tip.state.root());
        let end = story.world.next_time().after(Span::days(13));
        story.world.at(end);
        story.world.tick();
        prop_assert!(story.open().is_empty(), "every proposal ends");
    }

    #[test]
    fn one_institution_alone_moves_nothing(seed: u64) {
        let mut story = Story::begin(seed);
        let (network, bound) = (story.network().clone(), keys_of(&story.world.tip.state));
        let own = [governance_keys(1)[0], governance_keys(1)[1], secret(OPERATOR).public()];
        for _ in 0..60 {
            let (_, operation) = story.operation();
            let signer = story.dice.one(&own);
            let transaction = story.sign(signer, operation);
            story.block(&transaction);
        }
        prop_assert_eq!(story.executed, 0);
        prop_assert_eq!(story.network(), &network);
        prop_assert_eq!(keys_of(&story.world.tip.state), bound);
    }
}
