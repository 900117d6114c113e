//! Force majeure and moved deadlines: what two persons decide for many orders at once.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests have names and files; rules have not")]

mod support;

use keis_ledger::block::Builder;
use keis_ledger::classifiers::{Place, Year};
use keis_ledger::operation::{ClosureScope, Measure};
use keis_ledger::receipt::{FullReceipt, Kind};
use keis_ledger::record::{DueWork, Entity, Exceptions, Order, OrderState, Pupil, RecordKey, Session};
use keis_ledger::rejection::Rejection;
use keis_ledger::time::Span;
use support::scenario::{check, does, passes, refused};
use support::stage::*;
use support::{BUDGET_HOLDER, OPERATOR, World, day, network_parameters, replay};

const TWO: [u8; 2] = [OPERATOR, BUDGET_HOLDER];
const HOUR: Span = Span(3_600_000);

fn state_of(world: &World, number: u8) -> OrderState {
    world.get::<Order>((YEAR, order(number))).state
}

fn everything(from: u32, until: u32) -> Measure {
    force_majeure(day(from), day(until), ClosureScope::Everything)
}

/// Orders 1 (requested) and 2 (confirmed) on day 60, 3 (proposed) on day 60, 4 (confirmed) on day 67, and 5 (confirmed)
/// at the other provider on day 60.
fn standing_orders() -> World {
    let mut world = World::founded();
    staged(&mut world);
    let steps = [
        (SCHOOL, request(1, 1, &[1, 2], 0)),
        (SCHOOL, request(2, 1, &[3], 0)),
        (PROVIDER, confirm(2)),
        (TEACHER, propose(3, 1, &[4])),
        (SCHOOL, request(4, 2, &[4, 5], 0)),
        (PROVIDER, confirm(4)),
        (OTHER_SCHOOL, request(5, 5, &[7], 0)),
        (OTHER_PROVIDER, confirm(5)),
    ];
    for (who, operation) in steps {
        world.submit(who, operation).expect("the orders can be placed");
    }
    world
}

fn kinds(steps: &[FullReceipt]) -> Vec<Kind> {
    steps.iter().map(|step| step.receipt.kind).collect()
}

#[test]
fn force_majeure_cancels_what_stands_and_gives_all_money_back() {
    let mut world = standing_orders();
    assert_eq!(world.refuses(OPERATOR, &everything(61, 60)), Rejection::MeasureUnsound);
    let declared = world.decided(1, &TWO, &everything(60, 61));
    assert_eq!((declared.receipt.kind, declared.receipt.total.is_zero()), (Kind::ForceMajeureDeclared, true));
    let steps = world.tick();
    let struck: Vec<_> = steps.iter().filter(|step| step.receipt.kind == Kind::OrderStruck).collect();
    assert_eq!(struck.len(), 3, "{:?}", kinds(&steps));
    for step in struck {
        assert_eq!(step.receipt.subject.order_state, Some(OrderState::CancelledForceMajeure));
        assert!(!step.receipt.total.is_zero() && !step.lines.is_empty());
    }
    assert_eq!(kinds(&steps).last(), Some(&Kind::ForceMajeureEnded));
    let states = [1, 2, 3, 4, 5].map(|number| state_of(&world, number));
    let struck = OrderState::CancelledForceMajeure;
    assert_eq!(states, [struck, struck, OrderState::Proposed, OrderState::Confirmed, struck]);
    assert!(world.get::<Exceptions>(YEAR).closures.is_empty());
    assert!(world.get::<Pupil>((YEAR, pupil(1))).bookings.is_empty());
    for number in [1, 4, 5] {
        let session = world.get::<Session>((YEAR, session(number)));
        assert_eq!((session.booked, session.open), (0, false), "also a session that nobody had joined");
    }
    let closed = Rejection::SessionClosed;
    check(
        &mut world,
        [
            refused("nobody joins such a session", SCHOOL, request(9, 1, &[1], 0), closed),
            refused("nor takes the proposal up", SCHOOL, request(3, 1, &[4], 0), closed),
            does("another day stands", SCHOOL, request(9, 2, &[1], 0), Kind::OrderRequested)
                .money("state: pupils 8200, held 1000, escrow 2000; school: schools 3000"),
            does("and a new session can be offered", PROVIDER, open_session(9, 1, offer(60)), Kind::SessionOpened),
            does("which can be ordered", SCHOOL, request(8, 9, &[2], 0), Kind::OrderRequested),
            passes("the proposal lapses as ever", day(8), &[(Kind::OrderLapsed, OrderState::Lapsed); 3]),
        ],
    );
    assert_eq!(replay(&world).state.root(), world.tip.state.root());
}

#[test]
fn until_it_is_worked_off_nothing_can_be_done_to_what_it_covers() {
    let mut parameters = network_parameters();
    parameters.step_budget = 1;
    let mut world = World::with(parameters);
    staged(&mut world);
    for (who, operation) in
        [(SCHOOL, request(1, 1, &[1, 2], 0)), (SCHOOL, request(2, 1, &[3], 0)), (PROVIDER, confirm(2))]
    {
        world.submit(who, operation).expect("ordered");
    }
    let half = offer(60).start;
    world.decided(1, &TWO, &everything(60, 61));
    let root = world.tip.state.root();
    // The same block that declares it, and every block until the last order is cancelled.
    let closed = Err(Rejection::SessionClosed);
    assert!(world.tip.state.first_due().is_some());
    for (who, operation) in [
        (PROVIDER, confirm(1)),
        (PROVIDER, decline(1)),
        (SCHOOL, cancel(1)),
        (SCHOOL, swap(1, &[(0, 4)])),
        (SCHOOL, drop_lines(1, &[0])),
        (SCHOOL, change(1, Some(2), &[], &[])),
        (SCHOOL, cancel(2)),
        (SCHOOL, request(9, 1, &[5], 0)),
        (SCHOOL, propose(9, 1, &[5])),
        (PROVIDER, open_session(9, 1, offer(60))),
    ] {
        assert_eq!(world.clone().submit(who, operation.clone()), closed, "{operation:?}");
    }
    assert_eq!(world.tip.state.root(), root);
    assert!(world.clone().submit(SCHOOL, request(9, 2, &[5], 0)).is_ok(), "another day is not touched");
    // A pupil leaves while the order waits to be cancelled.
    let moved = keis_ledger::operation::WalletOperation::MovePupil {
        year: YEAR,
        pupil: pupil(3),
        school: school(2),
        grade: 5,
        keep_lines: false,
    };
    let mut builder = Builder::start(&world.tip, world.next_time()).expect("time goes on");
    let leaver = world.sign(OPERATOR, None, wallet(moved));
    builder.offer(&leaver).expect("moved");
    world.decide(builder);
    world.tick();
    assert_eq!(state_of(&world, 1), OrderState::CancelledForceMajeure);
    assert_eq!(state_of(&world, 2), OrderState::CancelledFree, "its last pupil had left it");
    check(
        &mut world,
        [does("all is free again", SCHOOL, request(9, 2, &[1, 2], 0), Kind::OrderRequested)
            .money("state: pupils 9200, held 2000; school: schools 3000")],
    );
    assert!(half < day(61));
}

#[test]
fn it_covers_a_place_a_provider_or_a_service_and_a_window_to_the_millisecond() {
    let start = offer(60).start;
    let cases = [
        (start, start.after(Span(1)), ClosureScope::Everything, [true, true, false, true]),
        (start.after(Span(1)), day(61), ClosureScope::Everything, [false, false, false, false]),
        (day(0), start, ClosureScope::Everything, [false, false, false, false]),
        (day(0), day(90), ClosureScope::Everything, [true, true, true, true]),
        (day(0), day(90), ClosureScope::Provider(provider(1)), [true, true, true, false]),
        (day(0), day(90), ClosureScope::Service(service(2)), [false, false, false, true]),
        (day(0), day(90), ClosureScope::Place(Place::Municipality(57)), [true, true, true, true]),
        (day(0), day(90), ClosureScope::Place(Place::Municipality(13)), [false, false, false, false]),
    ];
    for (from, until, scope, struck) in cases {
        let mut world = standing_orders();
        world.decided(1, &TWO, &force_majeure(from, until, scope));
        world.tick();
        let states = [1, 2, 4, 5].map(|number| state_of(&world, number) == OrderState::CancelledForceMajeure);
        assert_eq!(states, struck, "{scope:?}");
    }
}

#[test]
fn what_was_delivered_or_dropped_late_stays() {
    let mut world = with_order(OrderState::Confirmed);
    check(
        &mut world,
        [does("one line is dropped late", SCHOOL, drop_lines(1, &[0]), Kind::LinesDropped)
            .at(day(59))
            .money("state: pupils 8700, escrow 2000, providers 500; school: schools 3000")],
    );
    world.decided(1, &TWO, &everything(60, 61));
    world.tick();
    check(
        &mut world,
        [does(
            "the late share is owed",
            OPERATOR,
            issue(1, 1, keis_ledger::operation::Buyer::Programme, &[1]),
            Kind::StatementIssued,
        )
        .money("state: pupils 10700, settlement 500; school: schools 3000")],
    );
    let mut delivered = with_order(OrderState::Delivered);
    delivered.decided(1, &TWO, &everything(60, 61));
    delivered.tick();
    assert_eq!(state_of(&delivered, 1), OrderState::Delivered);
}

#[test]
fn a_year_has_so_many_exceptions_at_a_time() {
    let mut world = standing_orders();
    let most = u32::try_from(Exceptions::MOST).expect("few");
    let full = Rejection::TooManyExceptions { most };
    for number in 0..Exceptions::MOST as u8 {
        world.decided(number, &TWO, &extend(day(200), day(201), HOUR));
    }
    assert_eq!(world.refuses(OPERATOR, &extend(day(200), day(201), HOUR)), full);
    // Closures end, so only those that are decided together can be too many.
    let mut builder = Builder::start(&world.tip, world.next_time()).expect("time goes on");
    for number in 20..20 + Exceptions::MOST as u8 + 1 {
        let until = world.in_a_week();
        let (decision, measure) = (support::governance::decision(number), everything(70, 71));
        let propose = keis_ledger::operation::GovernanceOperation::Propose { decision, measure, until };
        let proposed = world.sign(OPERATOR, None, keis_ledger::operation::Operation::Governance(propose));
        let answer = builder.offer(&proposed);
        if number == 20 + Exceptions::MOST as u8 {
            assert_eq!(answer, Err(keis_ledger::block::Refusal::Rejected(full)));
            break;
        }
        answer.expect("proposed");
        let approved = world.sign(BUDGET_HOLDER, None, support::governance::approve(number));
        builder.offer(&approved).expect("decided");
    }
    world.decide(builder);
    world.tick();
    assert!(world.get::<Exceptions>(YEAR).closures.is_empty());
    world.decided(90, &TWO, &everything(70, 71));
}

#[test]
fn an_extension_moves_answers_attendance_and_free_limits() {
    let mut world = World::founded();
    staged(&mut world);
    check(
        &mut world,
        [
            does("asked on day 2, to be answered by day 7", SCHOOL, request(1, 1, &[1], 0), Kind::OrderRequested),
            does("another", SCHOOL, request(2, 1, &[2], 0), Kind::OrderRequested),
        ],
    );
    let unsound = Rejection::MeasureUnsound;
    assert_eq!(world.refuses(OPERATOR, &extend(day(7), day(7), HOUR)), unsound);
    assert_eq!(world.refuses(OPERATOR, &extend(day(7), day(8), Span(0))), unsound);
    assert_eq!(world.refuses(OPERATOR, &extend(day(7), day(8), Span::days(367))), unsound);
    let elsewhere = Measure::Extend { year: Year(2030), from: day(7), until: day(8), by: HOUR };
    assert_eq!(world.refuses(OPERATOR, &elsewhere), Rejection::YearUnknown);
    let first = world.get::<Order>((YEAR, order(1))).deadline;
    world.decided(1, &TWO, &extend(day(7), day(8), Span::days(3)));
    check(
        &mut world,
        [passes(
            "their time comes, and is moved",
            first.after(HOUR),
            &[(Kind::DeadlinePostponed, OrderState::Requested); 2],
        )],
    );
    world.decided(2, &TWO, &extend(day(10), day(11), Span::days(2)));
    check(
        &mut world,
        [
            does("answered in the added time", PROVIDER, confirm(1), Kind::OrderConfirmed).at(day(9)),
            passes(
                "the added time ends, and is moved again",
                day(12).before(HOUR),
                &[(Kind::DeadlinePostponed, OrderState::Requested)],
            )
            .money("state: pupils 9200, held 1000, escrow 1000; school: schools 3000"),
            passes("and that ends too", day(13), &[(Kind::OrderLapsed, OrderState::Lapsed)]),
        ],
    );
    let late = first.after(Span::days(5));
    assert!(world.tip.time >= late && world.tip.state.first_due().is_none());
}

#[test]
fn an_extension_moves_the_limit_of_free_cancelling_but_never_beyond_the_start() {
    let limit = offer(60).start.before(Span::days(4));
    let mut world = with_order(OrderState::Confirmed);
    world.decided(1, &TWO, &extend(day(50), day(57), Span::days(2)));
    let moved = limit.after(Span::days(2));
    let cancelled = |world: &World, at| {
        let mut world = world.clone();
        world.at(at);
        world.submit(SCHOOL, cancel(1)).map(|full| full.receipt.subject.order_state.expect("an order"))
    };
    assert_eq!(cancelled(&world, moved), Ok(OrderState::CancelledFree));
    assert_eq!(cancelled(&world, moved.after(Span(1))), Ok(OrderState::CancelledLate));
    world.decided(2, &TWO, &extend(day(50), day(60), Span::days(30)));
    let start = offer(60).start;
    assert_eq!(cancelled(&world, start.before(Span(1))), Ok(OrderState::CancelledFree));
    assert_eq!(cancelled(&world, start), Err(Rejection::TooLate { until: start }));
}

#[test]
fn an_extension_moves_attendance_and_what_is_confirmed_meanwhile_leaves_nothing_due() {
    let mut world = with_order(OrderState::Delivered);
    let due = world.get::<Order>((YEAR, order(1))).deadline;
    world.decided(1, &TWO, &extend(day(61), due.after(Span(1)), Span::days(10)));
    let mut silent = world.clone();
    check(
        &mut world,
        [
            passes("the time comes", due, &[(Kind::DeadlinePostponed, OrderState::Delivered)]),
            does("confirmed in the added time", SCHOOL, attend(1, &[0], &[]), Kind::AttendanceConfirmed)
                .at(due.after(Span::days(9))),
            passes("nothing waits", day(200), &[]),
        ],
    );
    let end = due.after(Span::days(10));
    check(
        &mut silent,
        [
            passes("postponed", due, &[(Kind::DeadlinePostponed, OrderState::Delivered)]),
            passes("not yet", end.before(Span(1_000)), &[]),
            passes("stands", end, &[(Kind::AttendanceAutomatic, OrderState::AttendedAutomatically)]),
        ],
    );
}

#[test]
fn an_answer_before_the_first_time_has_come_leaves_nothing_due_either() {
    let mut world = with_order(OrderState::Requested);
    world.decided(1, &TWO, &extend(day(30), day(60), Span::days(300)));
    let moved = world.get::<Order>((YEAR, order(1))).clone();
    check(
        &mut world,
        [
            passes(
                "postponed to the start at most",
                moved.deadline,
                &[(Kind::DeadlinePostponed, OrderState::Requested)],
            ),
            does("moved to another day", SCHOOL, change(1, Some(2), &[], &[]), Kind::ChangeProposed),
            does("agreed", PROVIDER, accept_change(1), Kind::ChangeAccepted),
            does("confirmed", PROVIDER, confirm(1), Kind::OrderConfirmed),
            passes("nothing waits", day(66), &[]),
        ],
    );
    let queue = RecordKey::queue_start();
    let waits = world.tip.state.records_from(&queue).filter_map(|(_, record)| DueWork::from_record(record)).count();
    assert_eq!(waits, 0);
}

#[test]
fn a_year_is_not_sealed_while_force_majeure_works() {
    let mut world = standing_orders();
    for number in [2, 4] {
        world.submit(SCHOOL, cancel(number)).expect("cancelled in time");
    }
    world.submit(OTHER_SCHOOL, cancel(5)).expect("cancelled in time");
    world.at(day(354));
    world.tick();
    world.submit(BUDGET_HOLDER, end_year()).expect("ended");
    world.tick();
    world.decided(1, &TWO, &everything(60, 61));
    let seal =
        keis_ledger::operation::Operation::Funds(keis_ledger::operation::FundsOperation::SealYear { year: YEAR });
    assert!(world.clone().submit(BUDGET_HOLDER, seal.clone()).is_err());
    world.tick();
    world.submit(BUDGET_HOLDER, seal).expect("sealed");
    assert_eq!(world.refuses(OPERATOR, &everything(60, 61)), Rejection::YearSealed);
    assert_eq!(world.refuses(OPERATOR, &reverse(1, &[0])), Rejection::YearSealed);
    assert_eq!(world.refuses(OPERATOR, &resolve(1, &[0])), Rejection::YearSealed);
    assert_eq!(world.refuses(OPERATOR, &extend(day(1), day(2), HOUR)), Rejection::YearSealed);
}
