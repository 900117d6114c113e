//! Random histories of thousands of operations: money is conserved, what is refused changes nothing, what is sent twice
//! has one effect, and the same blocks and the same records give the same root (invariants 1 to 3).

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

#[path = "histories/dice.rs"]
mod dice;
#[path = "histories/remedies.rs"]
mod remedies;
mod support;

use dice::Dice;
use keis_ledger::block::{Builder, Refusal};
use keis_ledger::classifiers::Grades;
use keis_ledger::ids::{DecisionId, OrderId, PupilId, SessionId, StatementId};
use keis_ledger::money::{BasisPoints, Cents};
use keis_ledger::operation::{
    Buyer, CatalogueOperation, Change, ClosureScope, GovernanceOperation, Measure, Operation, OrderAction, Party,
    PupilMove, SettlementOperation, Threshold, WalletOperation,
};
use keis_ledger::parameters::{ArrivalAmount, ProgrammeParameters};
use keis_ledger::receipt::Kind;
use keis_ledger::record::{
    Decision, DecisionState, Line, LineState, Order, OrderState, Record, Session, Statement, StatementState,
    YearRecord, YearState,
};
use keis_ledger::rejection::Rejection;
use keis_ledger::state::{Draft, State};
use keis_ledger::time::Span;
use keis_ledger::transaction::VerifiedTransaction;
use proptest::prelude::*;
use support::governance::{steps, vote};
use support::stage::*;
use support::{BUDGET_HOLDER, OPERATOR, World, day, replay};

/// A history in the making: ids that were used, and what was sent before.
struct Story {
    world: World,
    dice: Dice,
    sessions: Vec<SessionId>,
    orders: Vec<OrderId>,
    statements: Vec<StatementId>,
    decisions: Vec<DecisionId>,
    sent: Vec<(VerifiedTransaction, bool)>,
    fresh: u16,
}

const SIGNERS: [u8; 9] =
    [SCHOOL, TEACHER, OTHER_SCHOOL, PROVIDER, OTHER_PROVIDER, PUPIL, READER, OPERATOR, BUDGET_HOLDER];

fn any_parameters(dice: &mut Dice) -> ProgrammeParameters {
    let mut share = |most: usize| BasisPoints::new(dice.below(most + 1) as u16).expect("at most the whole");
    let (late_share, absence_share, minimum_share) = (share(10_000), share(10_000), share(10_000));
    ProgrammeParameters {
        amount_per_pupil: Cents::new(20_000),
        arrivals: dice.one(&[ArrivalAmount::Full, ArrivalAmount::ProRata, ArrivalAmount::None]),
        hold_expiry: dice.one(&[Span(3_600_000), Span::days(1), Span::days(6), Span(u64::MAX)]),
        free_change: dice.one(&[Span(0), Span::days(2), Span(u64::MAX)]),
        free_cancel: dice.one(&[Span(0), Span::days(3), Span(u64::MAX)]),
        late_share,
        absence_share,
        minimum_share,
        attendance_days: dice.one(&[0, 1, 5, 60]),
        settlement_period: dice.one(&[Span(0), Span::days(3), Span::days(30)]),
        own_key_grades: Grades { from: 9, until: 12 },
        ..parameters()
    }
}

impl Story {
    fn begin(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut world = World::governed_with_budget(4, dice.one(&[1, 2, 64]));
        staged_with(&mut world, any_parameters(&mut dice));
        let sessions = (1..=5).map(session).collect();
        let (orders, statements, decisions, sent) = Default::default();
        Self { world, dice, sessions, orders, statements, decisions, sent, fresh: 0 }
    }

    fn new_id(&mut self) -> [u8; 16] {
        self.fresh += 1;
        let mut id = [0xaa; 16];
        id[..2].copy_from_slice(&self.fresh.to_be_bytes());
        id
    }

    fn pupils(&mut self) -> Vec<PupilId> {
        let all: Vec<PupilId> = (1..=PUPILS + 4).map(pupil).collect();
        let (range, percent) = if self.dice.chance(50) {
            (0..6, 40)
        } else if self.dice.chance(80) {
            (6..8, 70)
        } else {
            (0..12, 20)
        };
        self.dice.some(&all[range], percent)
    }

    /// What took effect can be referred to.
    fn remember(&mut self, operation: Operation) {
        match operation {
            Operation::Catalogue(CatalogueOperation::OpenSession { session, .. }) => self.sessions.push(session),
            Operation::Order { order, .. } if self.orders.last() != Some(&order) => self.orders.push(order),
            Operation::Settlement(SettlementOperation::Issue { statement, .. }) => self.statements.push(statement),
            Operation::Governance(GovernanceOperation::Propose { decision, .. }) => self.decisions.push(decision),
            Operation::Funds(_)
            | Operation::Wallet(_)
            | Operation::Catalogue(_)
            | Operation::Order { .. }
            | Operation::Settlement(_)
            | Operation::Governance(GovernanceOperation::Approve { .. } | GovernanceOperation::Withdraw { .. })
            | Operation::Rate { .. } => {}
        }
    }

    /// A session that can still be ordered, if there is one.
    fn session_ahead(&mut self) -> SessionId {
        let now = self.world.next_time();
        let begins =
            |id: &SessionId| self.world.tip.state.get::<Session>((YEAR, *id)).is_some_and(|one| one.offer.start > now);
        let ahead: Vec<SessionId> = self.sessions.iter().copied().filter(begins).collect();
        if ahead.is_empty() || self.dice.chance(3) {
            self.dice.one(&self.sessions.clone())
        } else {
            self.dice.one(&ahead)
        }
    }

    fn operation(&mut self) -> (u8, Option<Party>, Operation) {
        let (who, operation) = match self.dice.below(100) {
            0..10 => self.sessions_offered(),
            10..32 => self.ordered(),
            32..74 => self.on_an_order(),
            74..83 => self.settled(),
            83..88 => self.wallets(),
            88..97 => self.remedied(),
            97 => self.governed(),
            _ => self.funds(),
        };
        let noise = self.dice.chance(5);
        let who = if noise { self.dice.one(&SIGNERS) } else { who };
        let parties = [Party::School(school(1)), Party::Provider(provider(1)), Party::Pupil(YEAR, pupil(6))];
        let behalf = (who == OPERATOR && self.dice.chance(20)).then(|| self.dice.one(&parties));
        (who, behalf, operation)
    }

    fn sessions_offered(&mut self) -> (u8, Operation) {
        let known = self.dice.one(&self.sessions.clone());
        let mut offer = offer(0);
        let start = self.world.next_time().after(Span(self.dice.next() % Span::days(20).0));
        (offer.start, offer.end) = (start, start.after(Span(1 + self.dice.next() % 10_000_000)));
        offer.capacity = self.dice.one(&[1, 3, 8, 30]);
        let (who, of) = self.dice.one(&[(PROVIDER, 1), (PROVIDER, 1), (OTHER_PROVIDER, 2)]);
        let operation = match self.dice.below(10) {
            0 => CatalogueOperation::CloseSession { year: YEAR, session: known },
            1 => CatalogueOperation::AmendSession { year: YEAR, session: known, offer },
            2 => CatalogueOperation::Suspend { service: service(of) },
            3 | 4 => CatalogueOperation::Reinstate { service: service(of) },
            _ => {
                let session = SessionId(self.new_id());
                CatalogueOperation::OpenSession { year: YEAR, session, service: service(of), offer }
            }
        };
        let by_operator =
            matches!(operation, CatalogueOperation::Suspend { .. } | CatalogueOperation::Reinstate { .. });
        (if by_operator { OPERATOR } else { who }, Operation::Catalogue(operation))
    }

    fn ordered(&mut self) -> (u8, Operation) {
        let pupils = self.pupils();
        let session = self.session_ahead();
        let own = pupils.iter().all(|one| *one <= pupil(GROWN));
        let who = if own { self.dice.one(&[SCHOOL, SCHOOL, SCHOOL, PUPIL]) } else { OTHER_SCHOOL };
        let pupils = if who == PUPIL { vec![pupil(GROWN)] } else { pupils };
        let reused = self.orders.last().copied().filter(|_| self.dice.chance(20));
        let order = reused.unwrap_or_else(|| OrderId(self.new_id()));
        let school_money = Cents::new(self.dice.one(&[0, 700, 5_000, u64::MAX]));
        let price = if self.dice.chance(97) { PRICE } else { Cents::new(u64::MAX) };
        let action = if self.dice.chance(25) {
            OrderAction::Propose { session, pupils }
        } else {
            OrderAction::Request { session, pupils, price, school_money }
        };
        (who, Operation::Order { year: YEAR, order, action })
    }

    fn on_an_order(&mut self) -> (u8, Operation) {
        let goes_on = |id: &OrderId| {
            let state = self.world.tip.state.get::<Order>((YEAR, *id)).map(|order| order.state);
            matches!(
                state,
                Some(
                    OrderState::Requested
                        | OrderState::Confirmed
                        | OrderState::Delivered
                        | OrderState::Attended
                        | OrderState::AttendedAutomatically
                )
            )
        };
        let going: Vec<OrderId> = self.orders.iter().rev().take(60).copied().filter(goes_on).collect();
        if going.is_empty() {
            return self.ordered();
        }
        let id = if self.dice.chance(90) { self.dice.one(&going) } else { self.dice.one(&self.orders.clone()) };
        let order = self.world.tip.state.get::<Order>((YEAR, id)).cloned();
        let lines = order.as_ref().map_or(0, |order| order.lines.len() as u16);
        let standing: Vec<u16> = order
            .iter()
            .flat_map(|order| {
                (0..).zip(&order.lines).filter(|(_, line)| line.state != LineState::Dropped).map(|(index, _)| index)
            })
            .collect();
        let named = if self.dice.chance(95) { standing } else { (0..lines + 2).collect() };
        let mut few = self.dice.some(&named, 25);
        if few.is_empty() && !named.is_empty() && self.dice.chance(60) {
            few.push(self.dice.one(&named));
        }
        let add = if self.dice.chance(40) { self.pupils() } else { Vec::new() };
        let orderer = if order.as_ref().is_some_and(|order| order.school == school(2)) { OTHER_SCHOOL } else { SCHOOL };
        let giver =
            if order.as_ref().is_some_and(|order| order.provider == provider(2)) { OTHER_PROVIDER } else { PROVIDER };
        let session = Some(self.session_ahead()).filter(|_| self.dice.chance(60));
        let change = OrderAction::ProposeChange(Change::Booking { session, drop: few.clone(), add: add.clone() });
        let swap = OrderAction::Swap { lines: few.iter().copied().zip(self.pupils()).collect() };
        let waits = order.as_ref().is_some_and(|order| order.change.is_some());
        let (who, action) = if waits && self.dice.chance(60) {
            (self.dice.one(&[orderer, giver]), self.dice.one(&[0, 0, 1]))
        } else {
            (0, 2)
        };
        if action < 2 {
            let action = if action == 0 { OrderAction::AcceptChange } else { OrderAction::DropChange };
            return (who, Operation::Order { year: YEAR, order: id, action });
        }
        let absent = OrderAction::ReportDelivery { absent: few.clone() };
        let attended = OrderAction::ConfirmAttendance {
            absent: few.clone(),
            added: if self.dice.chance(20) { add } else { vec![] },
        };
        let (who, action) = match (order.map(|order| order.state), self.dice.below(10)) {
            (Some(OrderState::Requested), 0..5) => (giver, OrderAction::Confirm),
            (Some(OrderState::Requested), 5) => (giver, OrderAction::Decline),
            (Some(OrderState::Confirmed), 0..4) => (giver, absent),
            (Some(OrderState::Delivered), 0..2) => (orderer, attended),
            (Some(OrderState::Attended | OrderState::AttendedAutomatically), 0..4) => {
                (self.dice.one(&[orderer, giver]), OrderAction::ProposeChange(Change::Attendance { absent: few }))
            }
            (_, 4 | 5) => (self.dice.one(&[orderer, giver]), change),
            (Some(OrderState::Attended | OrderState::AttendedAutomatically), 4..8) => return self.ordered(),
            (_, 6) => (orderer, swap),
            (_, 7) => (orderer, OrderAction::DropLines { lines: few }),
            (_, 8) => (self.dice.one(&[orderer, orderer, giver]), OrderAction::Cancel),
            (_, 9) => (orderer, attended),
            _ => (giver, OrderAction::Confirm),
        };
        (who, Operation::Order { year: YEAR, order: id, action })
    }

    fn settled(&mut self) -> (u8, Operation) {
        let open: Vec<StatementId> = self
            .statements
            .iter()
            .copied()
            .filter(|id| {
                self.world
                    .tip
                    .state
                    .get::<Statement>((YEAR, *id))
                    .is_some_and(|one| one.state == StatementState::Issued)
            })
            .collect();
        if !open.is_empty() && self.dice.chance(60) {
            let (year, statement) = (YEAR, self.dice.one(&open));
            let operation = if self.dice.chance(70) {
                SettlementOperation::Accept { year, statement }
            } else {
                SettlementOperation::Contest { year, statement }
            };
            return (self.dice.one(&[PROVIDER, PROVIDER, OTHER_PROVIDER]), Operation::Settlement(operation));
        }
        let buyer =
            self.dice.one(&[Buyer::Programme, Buyer::Programme, Buyer::School(school(1)), Buyer::School(school(2))]);
        let of = self.dice.one(&[provider(1), provider(1), provider(2)]);
        let fits = |id: &OrderId| {
            let Some(order) = self.world.tip.state.get::<Order>((YEAR, *id)) else { return false };
            let due: u64 = order
                .lines
                .iter()
                .map(|line| match buyer {
                    Buyer::Programme => line.due.state.get(),
                    Buyer::School(_) => line.due.school.get(),
                })
                .sum();
            let (free, theirs) = match buyer {
                Buyer::Programme => (order.programme_statement.is_none(), true),
                Buyer::School(school) => (order.school_statement.is_none(), order.school == school),
            };
            due > 0 && free && theirs && order.provider == of && order.change.is_none()
        };
        let mut orders: Vec<OrderId> = self.orders.iter().copied().filter(fits).collect();
        orders.sort_unstable();
        orders.dedup();
        if self.dice.chance(10) {
            orders.extend(self.orders.last());
        }
        if orders.is_empty() && self.dice.chance(95) {
            return self.on_an_order();
        }
        let statement = StatementId(self.new_id());
        (
            OPERATOR,
            Operation::Settlement(SettlementOperation::Issue { year: YEAR, statement, provider: of, buyer, orders }),
        )
    }

    fn wallets(&mut self) -> (u8, Operation) {
        let one = self.dice.below(usize::from(PUPILS) + 4) as u8 + 1;
        let party =
            self.dice.one(&[Party::Pupil(YEAR, pupil(one)), Party::School(school(2)), Party::Provider(provider(2))]);
        let operation = match self.dice.below(9) {
            8 => WalletOperation::MovePupils {
                year: YEAR,
                moves: vec![PupilMove { pupil: pupil(one), school: school(1), grade: self.dice.one(&[4, 5, 6]) }],
                keep_lines: self.dice.chance(50),
            },
            0 => WalletOperation::MovePupil {
                year: YEAR,
                pupil: pupil(one),
                school: school(self.dice.one(&[1, 2])),
                grade: self.dice.one(&[5, 10]),
                keep_lines: self.dice.chance(50),
            },
            1 => WalletOperation::Suspend { party },
            2..5 => WalletOperation::Reinstate { party },
            5 => WalletOperation::OpenPupils { year: YEAR, pupils: vec![new_pupil(one)] },
            6 if self.dice.chance(10) => WalletOperation::Close { party: Party::Pupil(YEAR, pupil(one)) },
            _ => WalletOperation::MovePupil {
                year: YEAR,
                pupil: pupil(one),
                school: school(1),
                grade: 4,
                keep_lines: false,
            },
        };
        (OPERATOR, Operation::Wallet(operation))
    }

    fn funds(&mut self) -> (u8, Operation) {
        let one = self.dice.below(usize::from(PUPILS) + 4) as u8 + 1;
        match self.dice.below(4) {
            0 => (OPERATOR, allocate(&[one])),
            1 => (OPERATOR, school_money(1, u64::MAX)),
            2 => (OPERATOR, school_money(self.dice.one(&[1, 2]), self.dice.one(&[1, 2_500, 99_999]))),
            _ => (BUDGET_HOLDER, end_year()),
        }
    }

    /// A block of a few transactions, old ones among them, in any order.
    fn block(&mut self) {
        let step = if self.dice.chance(10) { self.dice.next() % Span::days(5).0 } else { self.dice.next() % 3_600_000 };
        let time = self.world.next_time().after(Span(step));
        self.world.at(time);
        let (before, base) = (self.world.tip.state.root(), self.world.tip.state.clone());
        let mut builder = Builder::start(&self.world.tip, self.world.next_time()).expect("time goes on");
        for _ in 0..self.dice.below(8) {
            if !self.sent.is_empty() && self.dice.chance(10) {
                let back = self.dice.below(self.sent.len());
                let (old, took_effect) = self.sent[back].clone();
                let again = builder.offer(&old);
                if took_effect {
                    let refused = matches!(again, Err(Refusal::Rejected(Rejection::Known | Rejection::Expired { .. })));
                    assert!(refused, "sent twice it has one effect: {again:?}");
                } else if again.is_ok() {
                    self.sent[back].1 = true;
                }
                continue;
            }
            let (who, behalf, operation) = self.operation();
            let transaction = self.world.sign(who, behalf, operation);
            let answer = builder.offer(&transaction);
            let took_effect = answer.is_ok();
            if took_effect {
                self.remember(transaction.body().operation.clone());
            }
            self.sent.push((transaction, took_effect));
        }
        // Another draft on the same state is dropped without a trace.
        drop(Draft::on(&base));
        assert_eq!(base.root(), before, "a draft changes nothing below it");
        // Refused transactions are not in the block, and executing it gives the same root: they changed nothing.
        self.world.decide(builder);
        assert_eq!(base.root(), before, "a decided block leaves older states alone");
    }

    fn live(&mut self, blocks: usize) {
        for _ in 0..blocks {
            self.block();
        }
        self.world.at(day(353));
        for _ in 0..5 {
            self.block();
        }
        let _ = self.world.submit(BUDGET_HOLDER, end_year());
        for _ in 0..30 {
            self.block();
        }
        self.world.at(day(700));
        self.world.tick();
    }

    fn took_effect(&self) -> usize {
        self.sent.iter().filter(|(_, took_effect)| *took_effect).count()
    }
}

fn snapshot(state: &State) -> State {
    let records: Vec<_> = state.records().map(|(place, record)| (*place, record.clone())).collect();
    State::from_records(records).expect("records ascend")
}

/// Nothing is left that only time could still move.
fn assert_ended(world: &World) {
    let year = world.get::<YearRecord>(YEAR);
    assert_eq!(year.state, YearState::Ended);
    assert!(year.state_money.pupils.is_zero() && year.school_money.schools.is_zero(), "free money returned");
    assert!(year.state_money.held.is_zero() && year.school_money.held.is_zero(), "no request waits");
    for (_, record) in world.tip.state.records() {
        if let Record::Order(order) = record {
            let waits = matches!(order.state, OrderState::Proposed | OrderState::Requested | OrderState::Delivered);
            assert!(!waits, "an order is {:?} after its deadline", order.state);
        }
    }
    assert_eq!(world.tip.state.first_due(), None);
    let known = world.tip.state.records_from(&keis_ledger::record::RecordKey::known_start()).count();
    assert!(known < 1_000, "ids are forgotten");
}

/// Number of histories; more are lived through by hand with `KEIS_HISTORIES=500`.
fn histories() -> u32 {
    std::env::var("KEIS_HISTORIES").ok().and_then(|number| number.parse().ok()).unwrap_or(16)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: histories(), failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn histories_hold_the_invariants(seed: u64) {
        let mut story = Story::begin(seed);
        story.live(800);
        assert_ended(&story.world);
        prop_assert!(story.took_effect() > 100, "only {} transactions of {} took effect", story.took_effect(), story.sent.len());
        prop_assert_eq!(replay(&story.world).state.root(), story.world.tip.state.root());
        prop_assert_eq!(snapshot(&story.world.tip.state).root(), story.world.tip.state.root());
    }
}

/// Histories in which a rule was once found wrong.
const BROKEN_ONCE: [u64; 1] = [1_370_683_000_351_816_772];

#[test]
fn what_was_once_broken_holds() {
    for seed in BROKEN_ONCE {
        let mut story = Story::begin(seed);
        story.live(800);
        assert_ended(&story.world);
    }
}

#[test]
fn a_history_reaches_every_state_of_an_order() {
    let mut reached = std::collections::BTreeSet::new();
    let mut kinds = std::collections::BTreeSet::new();
    for seed in 0..12 {
        let mut story = Story::begin(seed);
        story.live(300);
        for full in &story.world.receipts {
            reached.extend(full.receipt.subject.order_state);
            kinds.insert(full.receipt.kind);
        }
        reached.extend(
            story
                .orders
                .iter()
                .filter_map(|id| story.world.tip.state.get::<Order>((YEAR, *id)))
                .map(|order| order.state),
        );
    }
    assert_eq!(reached.len(), 15, "{reached:?}");
    let missing: Vec<&Kind> = remedies::KINDS.iter().filter(|kind| !kinds.contains(*kind)).collect();
    assert!(missing.is_empty(), "never: {missing:?}");
}
